"""`--extract`: how it is spelled on the command line, and what it picks from an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    """Lets `--extract` stand alone, or carry a language as in `-xpython` or `-x python`.

    And `--cache` alone, which is five minutes, or with what looks like a time.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Spell every form as `--extract=LANG` before typer reads it."""
        options = [each for each in self.params if not getattr(each, "is_flag", True)]
        valued = {name for each in options for name in each.opts}
        return super().parse_args(ctx, list(_spelled(args[::-1], valued)))


# A word after a bare -x that names one of these is the language, not the question.
LANGUAGES = frozenset((
    "bash", "c", "c#", "c++", "cpp", "cs", "csharp", "css", "csv", "diff", "dockerfile", "fish",
    "go", "graphql", "haskell", "hcl", "html", "ini", "java", "javascript", "js", "json",
    "jsonl", "jsx", "kotlin", "lua", "make", "makefile", "markdown", "md", "perl", "php",
    "powershell", "proto", "ps1", "py", "python", "r", "rb", "rs", "ruby", "rust", "scala", "sh",
    "shell", "sql", "svg", "swift", "terraform", "tf", "toml", "ts", "tsx", "typescript", "xml",
    "yaml", "yml", "zsh",
))  # fmt: skip


def _language(args: list[str]) -> str:
    """Take the language that stands apart, if the next word is one."""
    return args.pop() if args and args[-1].lower() in LANGUAGES else ""


def _spelled(args: list[str], valued: set[str]) -> Iterator[str]:
    """Every form as `--extract=LANG`; `args` stands in reverse, and is used up."""
    while args:
        arg = args.pop()
        if arg == "--":
            yield arg
            yield from reversed(args)
            return
        at = next((i for i, each in enumerate(arg) if i and f"-{each}" in valued), len(arg))
        if arg == "--cache":
            timed = args and re.fullmatch(r"[0-9]+[smhd]", args[-1])
            yield f"--cache={args.pop() if timed else '5m'}"
        elif arg == "--extract":
            yield f"--extract={_language(args)}"
        elif arg[:2] == "--":
            yield arg
            if arg in valued and args:
                yield args.pop()
        elif arg[:1] != "-":
            yield arg
        elif arg[at : at + 1] == "x":
            if at > 1:
                yield arg[:at]
            yield f"--extract={arg[at + 1 :].removeprefix('=') or _language(args)}"
        else:
            yield arg
            if at == len(arg) - 1 and args:
                yield args.pop()
