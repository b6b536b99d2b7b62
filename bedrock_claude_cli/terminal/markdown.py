"""Markdown on a terminal as it streams: each line's block is told from its first characters.

Nothing that was written is redrawn, so the work is linear in the answer's length, and neither a
resized window nor a character of unexpected width can garble it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TextIO

from bedrock_claude_cli.terminal import Cleaner
from bedrock_claude_cli.terminal.containers import (
    Container,
    Item,
    Place,
    Quote,
    first_prefix,
    gap_prefix,
    locate,
    next_prefix,
    prefix_columns,
    spaces,
)
from bedrock_claude_cli.terminal.inline import Inline
from bedrock_claude_cli.terminal.layout import Flow, paint
from bedrock_claude_cli.terminal.page import Page
from bedrock_claude_cli.terminal.table import Table, is_delimiter

_MARKS = 256  # a line with more marks than this at its start is text
_ROWS = 60  # after so many rows a table's widths are fixed

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_UNDECIDED = re.compile(r"[ \t>*+\-_=#~`|.)0-9]*")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*")
_HEADING = re.compile(r"(#{1,6})(?=[ \t]|\Z)")
_FENCE = re.compile(r"(`{3,})([^`]*)|(~{3,})(.*)", re.DOTALL)
_QUOTE = re.compile(r" {0,3}> ?")
_MAYBE_CLOSING = re.compile(r"[ \t]*[`~]*[ \t]*")
_FENCE_COLUMNS = 40
_HEADING_STYLES = {1: "1;4", 2: "1"}
_HEADING_STYLE = "1;3"


@dataclass
class _Fence:
    closing: re.Pattern[str]
    indent: int
    quotes: int


class MarkdownWriter:
    """Renders an answer; code blocks start at column 0 and are neither wrapped nor padded."""

    def __init__(self, stream: TextIO, *, width: int | None, color: bool) -> None:
        self._page = Page(stream, width)
        self._color = color
        self._cleaner = Cleaner()
        self._line: list[str] = []
        self._decided: str = ""  # how the rest of this line is taken: text, raw, row, whole
        self._stack: list[Container] = []
        self._flow: Flow | None = None
        self._inline: Inline | None = None
        self._fence: _Fence | None = None
        self._rows: list[str] = []
        self._row_stack: list[Container] = []
        self._table: Table | None = None

    def write(self, text: str) -> None:
        """Write a piece as it arrives, split anywhere."""
        self._feed(self._cleaner.feed(text))
        self._page.flush()

    def finish(self) -> None:
        """Show what was held back and end the answer with one newline, if anything was shown."""
        self._feed(self._cleaner.feed("", final=True))
        if self._line or self._decided:
            self._take("", end=True)
        self._close_blocks()
        if self._fence:
            self._end_fence()
        self._page.end()

    def _feed(self, text: str) -> None:
        for part in _LINES.findall(text):
            end = part.endswith("\n")
            self._take(part[:-1] if end else part, end)

    def _take(self, part: str, end: bool) -> None:
        if self._decided == "text" and self._inline:
            self._inline.feed(part)
        elif self._decided == "raw":
            self._page.write(part)
        else:
            self._line.append(part)
            if self._decided == "row" and not end:
                self._page.preview(part)
            if self._decided and not end:
                return
            line = "".join(self._line)
            self._line = [line]
            self._page.unpreview()
            if self._fence:
                self._code_line(self._fence, line, end)
            else:
                self._block_line(line, end)
        if end:
            if self._decided == "text" and self._inline:
                self._inline.feed("\n")
            self._line, self._decided = [], ""

    def _block_line(self, line: str, end: bool) -> None:
        """Decide what a line is, and show it as far as it has come."""
        body = line.lstrip(" \t")
        line = line[: len(line) - len(body)].expandtabs(4)[: _MARKS // 2] + body
        if not body and not end:
            self._line = [line]
            return
        marks = _marks(line)
        if marks == len(line) < _MARKS and not end:
            return
        known = marks < _MARKS
        rule = known and marks == len(line) and bool(_RULE.fullmatch(body.lstrip(" \t>")))
        place = locate(line, self._stack, rule=rule)
        leaf = line[place.at :]
        if not leaf:
            if end:
                self._blank_line(place)
            self._line = [line[:_MARKS]]
        elif known and place.indent >= 4 and not (place.stack or place.opened or self._inline):
            self._close_blocks()
            self._start([])
            self._page.write(line)
            self._decided = "raw"
        elif leaf[0] == "|" or (known and _needs_whole_line(leaf)) or rule:
            self._decided = "row" if leaf[0] == "|" else "whole"
            if end:
                self._whole_line(leaf, place, rule)
            elif leaf[0] == "|":
                if self._inline:
                    self._close_blocks()
                self._page.preview(leaf)
        else:
            self._text(leaf, place)

    def _blank_line(self, place: Place) -> None:
        self._close_blocks()
        if place.opened and any(isinstance(entry, Item) for entry in place.stack):
            self._start(place.stack)
        else:
            self._stack = place.stack
            self._page.gap()

    def _text(self, leaf: str, place: Place) -> None:
        if self._inline is None or place.opened:
            self._close_blocks()
            self._open_text(place.stack)
        self._feed_text(leaf)
        self._decided = "text"

    def _feed_text(self, text: str) -> None:
        if self._inline:
            self._inline.feed(text)

    def _open_text(self, stack: list[Container], style: str = "") -> None:
        rest = self._start(stack)
        width = max(self._page.width - prefix_columns(stack), 20)
        page = self._page
        self._flow = Flow(width, page.write, lambda: page.line(rest))
        self._inline = Inline(self._flow.add, color=self._color, style=style)

    def _whole_line(self, leaf: str, place: Place, rule: bool) -> None:
        heading = _HEADING.match(leaf)
        fence = _FENCE.fullmatch(leaf)
        if leaf[0] == "|":
            self._row(leaf, place)
        elif rule or heading or fence:
            self._close_blocks()
            if rule:
                self._start(place.stack)
                self._page.write(self._dim("─" * (self._page.width - prefix_columns(place.stack))))
            elif heading:
                self._heading(heading[1], leaf, place)
            elif fence:
                self._open_fence(fence, place)
        else:
            self._text(leaf, place)

    def _heading(self, hashes: str, leaf: str, place: Place) -> None:
        text = leaf[len(hashes) :].strip()
        bare = text.rstrip("#")
        if not bare or bare[-1] in " \t":
            text = bare.rstrip()
        self._page.gap()
        self._open_text(place.stack, _HEADING_STYLES.get(len(hashes), _HEADING_STYLE))
        if not self._color:
            text = f"{hashes} {text}"
        self._feed_text(text)
        self._close_blocks()

    def _open_fence(self, fence: re.Match[str], place: Place) -> None:
        if any(isinstance(entry, Item) and not entry.shown for entry in place.stack):
            self._start(place.stack)
        self._stack = place.stack
        ticks = fence[1] or fence[3]
        language = (fence[2] or fence[4] or "").split()[:1]
        label = f"─── {language[0][:30]} " if language else ""
        self._page.line(self._dim(label.ljust(_FENCE_COLUMNS, "─")))
        closing = re.compile(rf"[ \t]{{0,{place.indent + 3}}}{ticks[0]}{{{len(ticks)},}}[ \t]*")
        quotes = sum(isinstance(entry, Quote) for entry in place.stack)
        self._fence = _Fence(closing, place.indent, quotes)

    def _end_fence(self) -> None:
        self._page.line(self._dim("─" * _FENCE_COLUMNS))
        self._fence = None

    def _code_line(self, fence: _Fence, line: str, end: bool) -> None:
        """Show a line of code as it came, less the fence's own quotes and indent."""
        whole = line
        for _ in range(fence.quotes):
            quote = _QUOTE.match(line)
            if quote is None:
                if line[:4].strip() or len(line) > 3 or end:
                    self._end_fence()
                    self._block_line(whole, end)
                return
            line = line[quote.end() :]
        short = len(line) < _MARKS
        if short and not end and _MAYBE_CLOSING.fullmatch(line):
            return
        if short and fence.closing.fullmatch(line):
            self._end_fence()
            return
        self._page.line(line[min(fence.indent, spaces(line)) :])
        self._decided = "raw"

    def _row(self, row: str, place: Place) -> None:
        if place.opened or place.stack != self._row_stack:
            self._close_blocks()
        if self._inline:
            self._close_blocks()
        if self._table:
            self._page_lines(self._table.row(row, first=False))
            return
        self._row_stack = place.stack
        self._rows.append(row)
        if len(self._rows) == 2 and not is_delimiter(row, self._rows[0]):
            self._rows.pop()
            self._close_blocks()
            self._rows.append(row)
        elif len(self._rows) == _ROWS:
            self._show_table(more=True)

    def _show_table(self, *, more: bool) -> None:
        header, delimiter, *rows = self._rows
        self._rows = []
        width = self._page.width - prefix_columns(self._row_stack)
        self._table = Table(header, delimiter, rows, more=more, width=width, color=self._color)
        self._page_lines(self._table.head())
        for number, row in enumerate(rows):
            self._page_lines(self._table.row(row, first=number == 0))

    def _page_lines(self, lines: list[str]) -> None:
        for line in lines:
            self._start(self._row_stack)
            self._page.write(line)

    def _close_blocks(self) -> None:
        if self._inline and self._flow:
            self._inline.end()
            self._flow.flush()
        self._inline = self._flow = None
        if len(self._rows) > 1:
            self._show_table(more=False)
        elif self._rows:
            row = self._rows.pop()
            self._open_text(self._row_stack)
            self._feed_text(row)
            self._close_blocks()
        self._table = None

    def _start(self, stack: list[Container]) -> str:
        """Open a line in these containers; returns what stands before the lines after it."""
        gap = gap_prefix(self._stack, stack, self._color)
        self._stack = stack
        self._page.line(first_prefix(stack, self._color), gap)
        return next_prefix(stack, self._color)

    def _dim(self, text: str) -> str:
        return paint(text, "2" if self._color else "")


def _marks(line: str) -> int:
    match = _UNDECIDED.match(line, 0, _MARKS)
    return match.end() if match else 0


def _needs_whole_line(leaf: str) -> bool:
    return leaf.startswith(("```", "~~~")) or bool(_HEADING.match(leaf))
