"""One block of markdown: its plain words as long as it grows, and what rich makes of it then."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from io import StringIO
from os import terminal_size
from typing import TYPE_CHECKING, Any
from unicodedata import category, east_asian_width

from bedrock_claude_cli.terminal import safe

if TYPE_CHECKING:
    from rich.markdown import Markdown

SIZE = 16_000  # characters: a longer block stays as it is

_DELIMITER = re.compile(r"\|[ \t:|-]*-[ \t:|-]*")
_MARKED = re.compile(r"[\\`*_~\[&<|]")
_ESCAPED = re.compile(
    r"^(?=\[[^\n]*\]:|=+[ \t]*$|<(?!\w+:))", re.MULTILINE
)  # else rich would drop these

_WIDE = "\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f"
_WIDE += "\uff01-\uff60\uffe0-\uffe6\U0001f000-\U0003ffff"
_CLOSING = "\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff1f\uff01\u300d\u300f\uff09\u3011\u30fc\u3005"
_CLOSING += "\ufe0f\u0300-\u036f\U0001f3fb-\U0001f3ff"
_WORDS = re.compile(f" +|[{_WIDE}](?:[{_CLOSING}]|\u200d[{_WIDE}])*|(?:(?![{_WIDE}])[^ ])+")
_STYLES = {
    "markdown.a": "underline",
    "markdown.code": "magenta",  # the evenest contrast on white and on black
    "markdown.h1": "bold underline",
    "markdown.h2": "bold",
    **{f"markdown.h{level}": "bold italic" for level in range(3, 7)},
    "markdown.table.border": "dim",
    "markdown.table.header": "bold",
}


class Block:
    """A block until its end: what it says, and how it stands there, wrapped by words."""

    def __init__(self, kind: str, quotes: int, size: terminal_size, rest: str, indent: int) -> None:
        self.kind, self.quotes, self.size = kind, quotes, size
        self.rest, self.indent = rest, indent
        self.source = [""]
        self.stays = False  # never to be rendered
        self._text: list[str] = []
        self.length = self._rows = self._column = 0
        self._shown = self._rows_shown = 0
        self._held = self._space = ""
        self._glued = False  # to the beginning of an endless word

    @property
    def is_table(self) -> bool:
        """Whether there are a header and a delimiter row."""
        return len(self.source) > 1 and bool(_DELIMITER.fullmatch(self.source[1].strip()))

    def needs_rich(self, color: bool) -> bool:
        """Whether rich would show it otherwise, and may."""
        if self.is_table:
            return not self.stays and 6 * self.source[0].count("|") < self.size.columns
        marked = self.kind == "heading" or any(map(_MARKED.search, self.source))
        return color and marked and not self.stays

    def may_be_shown(self, color: bool) -> bool:
        """Whether it can be taken away again, or needs not be."""
        if self.kind != "rows" or self.stays:
            return True
        return color and (not self.is_table or self._rows < self.size.lines - 1)

    def add(self, text: str, *, final: bool = False) -> None:
        """Add a piece; its last word waits until it is whole or fits on no line."""
        room = self.size.columns - self.indent
        words = _WORDS.findall(self._held + text.replace("\t", "    "))
        self._held = ""
        for number, word in enumerate(words, 1):
            endless = columns(word) > room or (number == 1 and self._glued)
            last = number == len(words) and not final
            if last:
                self._held = word[-1] if endless else word
                word = word[: -len(self._held)]
            self._word(word, endless)
            self._glued = last and endless
        self.length += len(text)
        self.source[-1] += text
        if self.length > SIZE or (self._rows >= self.size.lines and not self.is_table):
            self.stays = True
        if self.stays:
            self.source = [""]

    def newline(self) -> None:
        """Go on with the next line of the source."""
        self.settle()
        self.source.append("")
        self._fold()

    def settle(self) -> None:
        """Show the last word."""
        self.add("", final=True)
        self._space = ""

    def put(self, text: str, width: int) -> None:
        """Write text of this many columns."""
        self._text.append(text)
        self._column += width
        while self._column > self.size.columns:
            self._column -= self.size.columns
            self._rows += 1

    def unseen(self) -> str:
        """Return what is not on the screen yet."""
        return "".join(self._text[self._shown :])

    def seen(self) -> None:
        """Remember that all of it is on the screen now."""
        self._shown, self._rows_shown = len(self._text), self._rows

    def replaced(self, lines: list[str]) -> str | None:
        """Return what puts lines in the place of what is shown; None if they are the same."""
        text = self._text[0] + f"\n{self.rest}".join(lines)
        up = f"\x1b[{self._rows_shown}A" if self._rows_shown else ""
        if not lines or text == "".join(self._text):
            return None
        return f"\r{up}\x1b[J{text}" if self._shown else text

    def _word(self, word: str, endless: bool) -> None:
        if word.startswith(" "):
            self._space = (self._space + word)[: self.size.columns]
        elif word:
            width = len(self._space) + columns(word)
            if not endless and self._column + width > self.size.columns:
                self._fold()
            else:
                self.put(self._space, len(self._space))
            self.put(word, columns(word))
            self._space = ""
            if endless and any(_columns(character) != 1 for character in word):
                self.stays = True  # nobody knows where the terminal folds it

    def _fold(self) -> None:
        self._text.append(f"\n{self.rest}")
        self._rows += 1
        self._column = self.indent


def columns(text: str) -> int:
    """Return how many columns a terminal needs for text, rather one too many than too few."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if character == "\ufe0f":  # asks for the emoji form, which is wide where it is supported
        return 2
    if character >= "\U0001f000" or east_asian_width(character) in "WF":
        return 2
    return 0 if category(character) in ("Mn", "Me", "Cf") else 1


def rendered(block: Block, color: bool) -> list[str]:
    """Return the lines that rich makes of a block."""
    from rich.console import Console
    from rich.theme import Theme

    page = _page()(_ESCAPED.sub(r"\\", "\n".join(block.source)))
    console = Console(file=StringIO(), theme=Theme(_STYLES), legacy_windows=False)
    options = console.options.update(width=block.size.columns - block.indent, height=None)
    lines = [
        "".join(
            part.style.render(part.text) if color and part.style else part.text for part in line
        ).rstrip()
        for line in console.render_lines(page, options, pad=False)
    ]
    return lines[1:] if lines and not lines[0] else lines  # as is the one before a table


@lru_cache(maxsize=1)
def _page() -> Callable[[str], Markdown]:
    """Return rich's markdown, changed so that no text is dropped."""
    from rich import box
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown, Paragraph, TableElement
    from rich.table import Table

    class Grid(TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for table in super().__rich_console__(console, options):
                assert isinstance(table, Table)
                table.box, table.show_edge = box.MINIMAL, False
                table.pad_edge = table.collapse_padding = False
                for column in table.columns:
                    column.overflow = "fold"
                natural = console.measure(table, options=options.update(width=SIZE))
                table.show_lines = natural.maximum > options.max_width
                yield table

    class Page(Markdown):
        elements = Markdown.elements | {"heading_open": Paragraph, "table_open": Grid}
        inlines = Markdown.inlines | {"a"}

        def __init__(self, source: str) -> None:
            super().__init__(source)
            for token in self.parsed:
                if token.type == "heading_open":
                    self.style = f"markdown.{token.tag}"
                token.children = list(_spelled_out(token.children or ()))

    return Page


def _spelled_out(tokens: Iterable[Any]) -> Iterator[Any]:
    """Yield inline tokens, HTML and images as text, line breaks kept, addresses after links."""
    label, href = "", ""
    for token in tokens:
        label += token.content
        if token.type == "softbreak":
            token.type = "hardbreak"
        elif token.type == "html_inline":
            token.type = "text"
        elif token.type == "image":
            token.type, token.content = "text", f"{token.content} ({token.attrs['src']})"
        elif token.type == "link_open":
            token.type, label, href = "style_open", "", str(token.attrs["href"])
        elif token.type == "link_close":
            token.type = "style_close"
            yield token
            if not href or href.removeprefix("mailto:") == label:
                continue
            token = replace(token, type="text", tag="", nesting=0, content=f" ({href})")
        token.content = safe(token.content)
        yield token
