"""What a person asks, put together from the argument, a pipe and files."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from bedrock_claude_cli.errors import UsageError

SILENCE = 3.0


def read_question(
    argument: str | None,
    *,
    use_stdin: bool,
    note: Callable[[str], None],
    stdin: TextIO | None = None,
    silence: float = SILENCE,
) -> str:
    """The question: what is piped in, a blank line, then the argument.

    A pipe that says nothing for `silence` seconds is named once by `note`. UsageError where
    nothing is asked, or where it is not UTF-8.
    """
    source = sys.stdin if stdin is None else stdin
    piped = ""
    if argument == "-":
        argument = None
        if not use_stdin:
            raise UsageError("`-` reads standard input, and --no-stdin does not")
        piped = _read(source, note, silence)
    elif use_stdin and source is not None and not source.closed and not source.isatty():
        piped = _read(source, note, silence)
    if argument is not None:
        _check_text(argument, "the question")
    parts = [part for part in (piped.rstrip("\n"), argument) if part and part.strip()]
    if not parts:
        raise UsageError(
            "the question is empty" if argument is not None or piped else "no question",
            hint='`bedrock-claude ask "question"`, or pipe it in',
        )
    return "\n\n".join(parts)


def read_system(text: str | None) -> str | None:
    """The system prompt: the text itself, or the content of the file in `@FILE`."""
    if text is None or not text.startswith("@"):
        if text is not None:
            _check_text(text, "the system prompt")
        return text
    path = Path(text[1:]).expanduser()
    try:
        content = _decode(path.read_bytes(), f"the system prompt in {path}")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if not content.strip():
        raise UsageError(f"the system prompt in {path} is empty")
    return content


def _read(source: TextIO, note: Callable[[str], None], silence: float) -> str:
    binary = getattr(source, "buffer", None)
    if binary is None:
        return source.read()
    ready, _, _ = select.select([binary], [], [], silence)
    if not ready and not source.isatty():
        note(
            f"still waiting for standard input after {silence:g} s; "
            "end it with Ctrl-D, or leave it out with --no-stdin"
        )
    return _decode(binary.read(), "standard input")


def _decode(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{what} is not UTF-8 text (byte {error.start:,})",
            hint="`iconv -t UTF-8` converts text",
        ) from None


def _check_text(text: str, what: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not UTF-8 text") from None
