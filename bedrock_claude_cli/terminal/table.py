"""Markdown tables: widths from the first rows, then row by row."""

from __future__ import annotations

import re

from bedrock_claude_cli.terminal.inline import Inline
from bedrock_claude_cli.terminal.layout import Flow, paint

_DELIMITER = re.compile(r":?-+:?")
_CELL_END = re.compile(r"(?<!\\)\|")
_NARROWEST = 6
_Lines = list[tuple[str, int]]  # a cell's lines, each with its columns


def cells(row: str) -> list[str]:
    """Return a row's cells, stripped, \\| read as |."""
    parts = _CELL_END.split(row.strip().removeprefix("|"))
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return [part.strip().replace("\\|", "|") for part in parts]


def is_delimiter(row: str, header: str) -> bool:
    """Whether row is the |---|---| under header."""
    marks = cells(row)
    return all(map(_DELIMITER.fullmatch, marks)) and len(marks) == len(cells(header))


class Table:
    """A table whose column widths are set by its first rows; `more` may follow."""

    def __init__(
        self,
        header: str,
        delimiter: str,
        rows: list[str],
        *,
        more: bool,
        width: int,
        color: bool,
    ) -> None:
        self._color = color
        self._head = cells(header)
        self._marks = cells(delimiter)
        natural = [1] * len(self._head)
        for row in [self._head, *map(self._cells, rows)]:
            for at, cell in enumerate(row):
                natural[at] = max(natural[at], max(size for _, size in self._wrap(cell, 10**6)))
        room = width - 3 * (len(natural) - 1)
        if more:  # later rows are likely to be somewhat wider
            spare = max(room - sum(natural), 0) // len(natural)
            natural = [size + min(spare, size // 2 + 2) for size in natural]
        self._widths = _fit(natural, room)
        self._airy = self._widths != natural

    def head(self) -> list[str]:
        """Return the header's lines and the rule under it."""
        return [*self._lines(self._head, "1"), self._rule()]

    def row(self, row: str, *, first: bool) -> list[str]:
        """Return a row's lines; folded rows are kept apart by a rule."""
        lines = self._lines(self._cells(row), "")
        return lines if first or not self._airy else [self._rule(), *lines]

    def _cells(self, row: str) -> list[str]:
        return [*cells(row), *[""] * len(self._head)][: len(self._head)]

    def _rule(self) -> str:
        rule = "─┼─".join("─" * width for width in self._widths)
        return paint(rule, "2" if self._color else "")

    def _lines(self, row: list[str], style: str) -> list[str]:
        wrapped = [
            self._wrap(cell, width, style) for cell, width in zip(row, self._widths, strict=True)
        ]
        bar = paint("│", "2" if self._color else "")
        lines = []
        for number in range(max(map(len, wrapped))):
            parts = [
                self._aligned(at, *(cell[number] if number < len(cell) else ("", 0)))
                for at, cell in enumerate(wrapped)
            ]
            lines.append(f" {bar} ".join(parts).rstrip(" "))
        return lines

    def _aligned(self, at: int, text: str, size: int) -> str:
        room = max(self._widths[at] - size, 0)
        mark = self._marks[at]
        left = room if mark[0] != ":" and mark[-1] == ":" else 0
        if mark[0] == mark[-1] == ":":
            left = room // 2
        return " " * left + text + " " * (room - left)

    def _wrap(self, cell: str, width: int, style: str = "") -> _Lines:
        lines: list[list[str]] = [[]]
        sizes: list[int] = []

        def newline() -> None:
            sizes.append(flow.column)
            lines.append([])

        flow = Flow(width, lambda text: lines[-1].append(text), newline, fold=True)
        inline = Inline(flow.add, color=self._color, style=style)
        inline.feed(cell)
        inline.end()
        flow.flush()
        sizes.append(flow.column)
        return [("".join(line), size) for line, size in zip(lines, sizes, strict=True)]


def _fit(natural: list[int], room: int) -> list[int]:
    """Return widths within room columns: narrow columns keep theirs, wide ones share the rest."""
    widths, left = list(natural), room
    for done, at in enumerate(sorted(range(len(natural)), key=natural.__getitem__)):
        share = max(left // (len(natural) - done), _NARROWEST)
        widths[at] = min(natural[at], share)
        left -= widths[at]
    return widths
