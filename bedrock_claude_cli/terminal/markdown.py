"""Markdown on a terminal as it streams: words appear as they come, rich renders finished blocks.

A line's first characters tell whether a block begins or goes on. Until its end a block stands
there plainly; then what rich makes of it takes its place once, if its start is still on screen.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TextIO

from bedrock_claude_cli.terminal import Cleaner, emit
from bedrock_claude_cli.terminal.block import SIZE, Block, rendered

_LONGEST = 256  # characters: by then it is known what a line is

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_UNDECIDED = re.compile(r"[ \t>*+\-_=#~`|.)0-9]*")
_UNDECIDED_CODE = re.compile(r"[ \t>]*[`~]*[ \t]*")
_CONTAINERS = re.compile(r"(?:[ \t]*(?:>|(?:[-*+]|[0-9]{1,9}[.)])(?=[ \t]|\Z))){0,10}[ \t]*")
_QUOTES = re.compile(r"(?:[ \t]*> ?)*")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*")
_HEADING = re.compile(r"#{1,6}(?=[ \t]|\Z)")
_FENCE = re.compile(r"(`{3,})([^`]*)|(~{3,})(.*)", re.DOTALL)


class MarkdownWriter:
    """Renders an answer; code is neither wrapped nor indented, and without color nothing moves."""

    def __init__(self, stream: TextIO, *, width: int | None, color: bool) -> None:
        self._stream, self._width, self._color = stream, width, color
        self._cleaner = Cleaner()
        self._out: list[str] = []
        self._line = ""  # as long as it is not known what it is
        self._known = False
        self._block: Block | None = None
        self._fence: tuple[re.Pattern[str], re.Pattern[str]] | None = None  # line start, end
        self._head: list[str] = []  # of the table whose rows have to start anew
        self._listing = False
        self._started = self._line_open = False
        self._gap: int | None = None  # quotes around the blank line to come

    def write(self, text: str) -> None:
        """Write a piece as it arrives, split anywhere."""
        self._feed(self._cleaner.feed(text))
        self._flush()

    def finish(self) -> None:
        """Show what was held back and end the answer with one newline, if anything was shown."""
        self._feed(self._cleaner.feed("", final=True))
        if self._line:
            self._take("", end=True)
        self._close()
        self._end_fence()
        if self._line_open:
            self._out.append("\n")
            self._line_open = False
        self._flush()

    def _feed(self, text: str) -> None:
        for part in _LINES.findall(text):
            end = part.endswith("\n")
            self._take(part[:-1] if end else part, end)

    def _take(self, part: str, end: bool) -> None:
        if self._known:
            self._block.add(part) if self._block else self._out.append(part)
        else:
            line = self._line = self._line + part
            short = len(line) < _LONGEST
            if not end and (not line.strip() or (short and self._undecided(line))):
                self._line = line[:_LONGEST]
                return
            self._line, self._known = "", True
            handle = self._code_line if self._fence else self._block_line
            handle(line, end and short)
        if end:
            self._known = False
            self._line_ended()

    def _undecided(self, line: str) -> bool:
        if self._fence:
            return bool(_UNDECIDED_CODE.fullmatch(line))
        return bool(_UNDECIDED.fullmatch(line) or _FENCE.match(line, _end(_CONTAINERS, line)))

    def _block_line(self, line: str, whole: bool) -> None:
        """Tell what a line is, which is whole or long enough to know."""
        at = _end(_CONTAINERS, line)
        leaf, prefix = line[at:], line[:at].expandtabs(4)
        block, quotes = self._block, prefix.count(">")
        row, marked = leaf.startswith("|"), bool(prefix.strip(" >"))
        if not row:
            self._head = []
        if not leaf and not marked:
            self._close()
            self._gap = quotes if self._gap is None else min(quotes, self._gap)
        elif whole and _RULE.fullmatch(line.lstrip(" \t>")):
            self._close()
            self._begin(quotes)
            self._out.append(self._display(before := "> " * quotes))
            self._out.append(self._dim("─" * (self._size().columns - len(before))))
        elif whole and (fence := _FENCE.fullmatch(leaf)):
            self._open_fence(fence, prefix, marked)
        elif _HEADING.match(leaf):
            self._gap = self._gap or 0
            self._open("heading", prefix, leaf)
        elif block and not marked and quotes == block.quotes and row == (block.kind == "rows"):
            block.newline()
            block.add(leaf)
        elif prefix[:4] == "    " and not (marked or quotes or row or block or self._listing):
            self._begin(0)
            self._out.append(line)
        else:
            self._listing = marked or (self._listing and prefix.startswith(" "))
            self._open("rows" if row else "text", prefix, leaf)

    def _line_ended(self) -> None:
        block = self._block
        if block and block.kind == "heading":
            self._close()
        elif block and block.is_table and block.length > SIZE // 4:
            self._head, self._gap = block.source[:2], block.quotes
            self._close()

    def _begin(self, quotes: int) -> None:
        """Open a new line; the one before stays open until now, so the cursor stays at its end."""
        if self._line_open:
            self._out.append("\n")
        if self._gap is not None and self._started:
            self._out.append(self._display("> " * min(self._gap, quotes)).rstrip() + "\n")
        self._gap = None
        self._started = self._line_open = True

    def _open(self, kind: str, prefix: str, leaf: str) -> None:
        """Close the block before and open one; prefix is what stands before leaf."""
        self._close()
        size, quotes = self._size(), prefix.count(">")
        prefix = re.sub(r"(?<=[^ ])(?=>|\Z)", " ", prefix)
        rest = re.sub("[^> ]", " ", prefix)
        deep = len(rest) > size.columns // 2 or bool(_end(_CONTAINERS, leaf))
        if deep:
            prefix, rest = re.sub(" +", " ", prefix), ""
        self._begin(quotes)
        block = Block(kind, quotes, size, self._display(rest), len(rest))
        block.stays = deep
        block.put(self._display(prefix), len(prefix))
        self._block = block
        head, self._head = self._head, []
        for line in head:
            block.add(line)
            block.newline()
        block.add(leaf)

    def _close(self) -> None:
        """Finish the block, if there is one, with what rich makes of it where that may be shown."""
        block = self._block
        if block:
            block.settle()
            text = None
            if block.needs_rich(self._color) and self._size() == block.size:
                if "rich.markdown" not in sys.modules:
                    self._flush()  # no word waits for the import
                text = block.replaced(rendered(block, self._color))
            text = block.unseen() if text is None else text
            self._block = None  # only now: Ctrl-C while rich works leaves the plain words
            self._out.append(text)

    def _open_fence(self, fence: re.Match[str], prefix: str, marked: bool) -> None:
        if marked:
            self._listing = True
            self._open("text", prefix, "")
        self._close()
        ticks, quotes = fence[1] or fence[3], prefix.count(">")
        indent = len(prefix) - _end(_QUOTES, prefix)
        language = (fence[2] or fence[4] or "").split()[:1]
        self._fence_rule(f"─── {language[0][:30]} " if language else "")
        before = re.compile(rf"(?:[ \t]*> ?){{{quotes}}}[ \t]{{0,{indent}}}")
        self._fence = before, re.compile(rf"[ \t]{{0,3}}{ticks[0]}{{{len(ticks)},}}[ \t]*")

    def _code_line(self, line: str, whole: bool) -> None:
        """Show a line of code as it came, less the quotes and the indent of its fence."""
        assert self._fence is not None
        before, closing = self._fence
        if not (start := before.match(line)):
            self._end_fence()
            self._block_line(line, whole)
        elif whole and closing.fullmatch(line, start.end()):
            self._end_fence()
        else:
            self._begin(0)
            self._out.append(line[start.end() :])

    def _end_fence(self) -> None:
        if self._fence:
            self._fence = None
            self._fence_rule()

    def _fence_rule(self, label: str = "") -> None:
        self._begin(0)
        self._out.append(self._dim(label.ljust(40, "─")))

    def _display(self, prefix: str) -> str:
        """Return what stands for markdown's own signs before a line."""
        return re.sub("[-*+](?= )", "•", prefix).replace(">", self._dim("│"))

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._color and text else text

    def _size(self) -> os.terminal_size:
        try:
            columns, lines = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, lines = shutil.get_terminal_size()
        return os.terminal_size((max(self._width or columns or 80, 20), lines or 24))

    def _flush(self) -> None:
        """Write what was collected, and as much as may be shown of the unfinished block."""
        text, self._out = "".join(self._out), []
        block = self._block
        if block and block.may_be_shown(self._color):
            text += block.unseen()
            stays, block.stays = block.stays, True  # as long as it is unsure what was written
            block.seen()
            emit(self._stream, text)
            block.stays = stays
        elif text:
            emit(self._stream, text)


def _end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0
