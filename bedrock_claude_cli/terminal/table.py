"""A table that fits the terminal: what matters most stays, and no cell is ever cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from bedrock_claude_cli.terminal import safe

Row = TypeVar("Row")
GAP = 2


@dataclass(frozen=True)
class Field(Generic[Row]):
    """One column; where there is no room, those of the highest `rank` are left out.

    `short` is the cell where the whole one has no room, and `least` a width in columns that rows
    still to come may need, in a table that grows.
    """

    title: str
    cell: Callable[[Row], str]
    rank: int
    style: str = ""
    right: bool = False
    short: Callable[[Row], str] | None = None
    least: int = 0


class Table(Generic[Row]):
    """The fields that fit into `width` columns, and the lines of rows in them."""

    def __init__(
        self, fields: Sequence[Field[Row]], rows: Sequence[Row], width: int, *, grows: bool = False
    ) -> None:
        self._rows = rows
        self._grows = grows
        self._width = width
        self.fields = self._fitting(fields)
        self._widths = [self._wide(field) for field in self.fields]

    def head(self) -> Any:
        """The titles, as rich's text."""
        return self._line([field.title for field in self.fields], "bold")

    def line(self, row: Row, style: str = "") -> Any:
        """One row, which need not be of those that the widths were taken from."""
        return self._line([_shown(field.cell(row)) for field in self.fields], style)

    def _fitting(self, fields: Sequence[Field[Row]]) -> list[Field[Row]]:
        if self._fits(fields):
            return list(fields)
        short = [replace(field, cell=field.short or field.cell) for field in fields]
        kept = {0}
        for at in sorted(range(len(short)), key=lambda at: short[at].rank):
            if self._fits([short[each] for each in sorted(kept | {at})]):
                kept.add(at)
        found = [short[at] for at in sorted(kept)]
        for place, at in enumerate(sorted(kept)):
            whole = [*found[:place], fields[at], *found[place + 1 :]]
            found = whole if self._fits(whole) else found
        return found

    def _fits(self, fields: Sequence[Field[Row]]) -> bool:
        return sum(map(self._wide, fields)) + GAP * (len(fields) - 1) <= self._width

    def _wide(self, field: Field[Row]) -> int:
        from rich.cells import cell_len

        cells = (cell_len(_shown(field.cell(row))) for row in self._rows)
        return max(cell_len(field.title), field.least if self._grows else 0, *cells)

    def _line(self, cells: Sequence[str], style: str) -> Any:
        from rich.cells import cell_len
        from rich.text import Text

        line = Text(style=style)
        last = len(cells) - 1
        for at, (field, width, cell) in enumerate(
            zip(self.fields, self._widths, cells, strict=True)
        ):
            pad = " " * (width - cell_len(cell))
            line.append(pad + cell if field.right else cell, field.style)
            if at < last:
                line.append(" " * GAP if field.right else pad + " " * GAP)
        return line


def _shown(cell: str) -> str:
    return " ".join(safe(cell).split("\n"))
