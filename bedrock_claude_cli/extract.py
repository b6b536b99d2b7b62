"""`--extract`: how it is spelled on the command line, and what it picks from an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from typer.core import TyperCommand

# An opening fence, its info string, and the code up to a closing fence or the end.
_FENCED = (
    r"^(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)(?:\n|\Z)"
    r"(?P<code>.*?)(?:^[ \t]*(?P=mark)[`~]*[ \t\r]*$|\Z)"
)


def fenced(text: str, language: str | None = None) -> str | None:
    """The inside of the first fenced code block, of `language` if one is named; None without one.

    A block that is never closed runs to the end of the text.
    """
    for block in re.finditer(_FENCED, text, re.MULTILINE | re.DOTALL):
        if language is None or block["info"].lower().split()[:1] == [language.lower()]:
            code, indent = block["code"], len(block["indent"])
            return re.sub(rf"(?m)^[ \t]{{1,{indent}}}", "", code) if indent else code
    return None


class Command(TyperCommand):
    """Lets `--extract` stand alone or carry an attached language, as in `-xpython`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Spell every form as `--extract=LANG` before typer reads it."""
        options = [each for each in self.params if not getattr(each, "is_flag", True)]
        valued = {name for each in options for name in each.opts}
        return super().parse_args(ctx, list(_spelled(iter(args), valued)))


def _spelled(args: Iterator[str], valued: set[str]) -> Iterator[str]:
    for arg in args:
        if arg == "--":
            yield arg
            yield from args
        elif arg == "--extract":
            yield "--extract="
        elif arg[:2] == "--" and arg in valued:
            yield arg
            yield from islice(args, 1)
        elif arg[:1] == "-" and arg[:2] != "--":
            at = next((i for i, each in enumerate(arg) if i and f"-{each}" in valued), len(arg))
            if arg[at : at + 1] == "x":
                if at > 1:
                    yield arg[:at]
                yield f"--extract={arg[at + 1 :].removeprefix('=')}"
            else:
                yield arg
                if at == len(arg) - 1:
                    yield from islice(args, 1)
        else:
            yield arg
