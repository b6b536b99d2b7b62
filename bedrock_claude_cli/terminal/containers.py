"""The quotes and list items around a line: where its own text starts, what stands before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bedrock_claude_cli.terminal.layout import columns, paint

_DEPTH = 10  # deeper quotes and lists are text: prefixes must not outgrow the lines
_SPACES = re.compile(r"[ \t]*")
_ITEM = re.compile(r"(?:[-*+]|(\d{1,9})([.)]))(?:[ \t]+|\Z)")


@dataclass(eq=False)
class Quote:
    """A block quote."""

    label = "│ "


@dataclass(eq=False)
class Item:
    """A list item whose marker stands at column; shown once its label was printed."""

    column: int
    kind: str
    number: int
    shown: bool = False

    @property
    def label(self) -> str:
        """The marker as printed: a bullet, or the number that the list has come to."""
        return f"{self.number}{self.kind} " if self.kind else "• "


Container = Quote | Item


@dataclass
class Place:
    """Where a line's own text starts, its indent there, and in which containers it stands."""

    stack: list[Container]
    at: int
    indent: int
    opened: bool


def locate(line: str, around: Sequence[Container], *, rule: bool) -> Place:
    """Match line against the containers of the line before and open those that it begins.

    Kinder than CommonMark: two columns of indent are enough to stand inside a list item.
    """
    stack: list[Container] = []
    base, at = 0, spaces(line)
    before: Item | None = None
    for container in around:
        if isinstance(container, Quote):
            if not line.startswith(">", at):
                break
            base, at = _after_quote(line, at)
        elif at < len(line) and at - base < container.column + 2:
            before = container
            break
        stack.append(container)
    opened = False
    while len(stack) < _DEPTH:
        if line.startswith(">", at):
            stack.append(Quote())
            base, at = _after_quote(line, at)
        elif not rule and (match := _ITEM.match(line, at)):
            kind, number = match[2] or "", int(match[1] or 0)
            if before and before.kind == kind:
                number = before.number + 1
            stack.append(Item(at - base, kind, number))
            at = match.end()
        else:
            break
        opened, before = True, None
    return Place(stack, at, at - base, opened)


def spaces(line: str, at: int = 0) -> int:
    """Return where the blanks that start at `at` end."""
    match = _SPACES.match(line, at)
    return match.end() if match else at


def first_prefix(stack: Sequence[Container], color: bool) -> str:
    """Return what stands before the next line; each item's marker is given out once."""
    prefix = ""
    for entry in stack:
        if isinstance(entry, Item) and not entry.shown:
            prefix += entry.label
            entry.shown = True
        else:
            prefix += next_prefix([entry], color)
    return prefix


def next_prefix(stack: Sequence[Container], color: bool) -> str:
    """Return what stands before the lines after it."""
    bar = paint("│", "2" if color else "") + " "
    return "".join(bar if isinstance(entry, Quote) else " " * len(entry.label) for entry in stack)


def gap_prefix(old: Sequence[Container], new: Sequence[Container], color: bool) -> str:
    """Return what stands on a blank line between lines in these containers."""
    common: list[Container] = []
    for left, right in zip(old, new, strict=False):
        if left is not right:
            break
        common.append(left)
    return next_prefix(common, color).rstrip(" ")


def prefix_columns(stack: Sequence[Container]) -> int:
    """Return how many columns the prefixes take."""
    return columns("".join(entry.label for entry in stack))


def _after_quote(line: str, at: int) -> tuple[int, int]:
    base = at + 1 + line.startswith(" ", at + 1)
    return base, spaces(line, base)
