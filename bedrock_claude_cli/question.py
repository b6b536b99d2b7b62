"""What a person asks, put together from the argument, a pipe and files."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from bedrock_claude_cli.bedrock.prompt import is_utf8
from bedrock_claude_cli.errors import UsageError

SILENCE = 3.0


_CONVERTS = "`iconv -t UTF-8` converts text"
_HOW = '`bedrock-claude ask "question"`, or pipe it in'


def read_question(
    argument: str | None,
    *,
    use_stdin: bool,
    note: Callable[[str], None],
    silence: float = SILENCE,
    prompt: str | None = None,
) -> str:
    """The question: what is piped in, a template's prompt, the argument; blank lines between.

    A pipe that says nothing for `silence` seconds is named once by `note`. UsageError where
    nothing is asked, or where it is not UTF-8.
    """
    if argument is not None and not is_utf8(argument):
        raise UsageError("the question is not UTF-8 text")
    if argument is not None and not argument.strip():
        raise UsageError("the question is empty", hint=_HOW)
    # Python has no sys.stdin where the shell closed it.
    source: TextIO | None = sys.stdin
    piped = ""
    if argument == "-":
        argument = None
        if not use_stdin:
            raise UsageError("`-` reads standard input, and --no-stdin does not")
        if source is None:
            raise UsageError("`-` reads standard input, which is closed")
        piped = _decode(_read(source, note, silence), "standard input", _instead)
    elif use_stdin and source is not None and not source.isatty():
        piped = _decode(_read(source, note, silence), "standard input", _instead)
    pieces = (piped.rstrip("\r\n"), prompt, argument)
    parts = [part for part in pieces if part and part.strip()]
    if not parts:
        raise UsageError("the question is empty" if piped else "no question", hint=_HOW)
    return "\n\n".join(parts)


def read_stdin(note: Callable[[str], None], silence: float = SILENCE) -> bytes:
    """All of standard input, for an attachment; `note` as in `read_question`."""
    source: TextIO | None = sys.stdin
    if source is None:
        raise UsageError("`-a -` reads standard input, which is closed")
    return _read(source, note, silence)


def read_system(text: str | None) -> str | None:
    """The system prompt: the text itself, or the content of the file in `@FILE`."""
    if text is None or not text.startswith("@"):
        return text
    path = Path(text[1:])
    try:
        path = path.expanduser()
        content = _decode(path.read_bytes(), f"the system prompt in {path}")
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"the system prompt in {path} cannot be read: {why}") from None
    if not content.strip():
        raise UsageError(f"the system prompt in {path} is empty")
    return content


def _read(source: TextIO, note: Callable[[str], None], silence: float) -> bytes:
    try:
        watch = select.poll()  # select() fails from descriptor 1,024 on
        watch.register(source, select.POLLIN)
        if not watch.poll(silence * 1000) and not source.isatty():
            note(
                f"nothing came from standard input for {silence:g} s, still waiting for its end; "
                "--no-stdin leaves it out"
            )
        return source.buffer.read()
    except OSError as error:
        raise UsageError(f"standard input cannot be read: {error.strerror}") from None


def _decode(content: bytes, what: str, hint: Callable[[bytes], str] = lambda _: _CONVERTS) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{what} is not UTF-8 text (byte {error.start:,})", hint=hint(content)
        ) from None


def _instead(content: bytes) -> str:
    """How what is piped in, and is no text in UTF-8, gets into a question."""
    from bedrock_claude_cli.bedrock import media

    kind = media.sniff(content)
    if kind != media.PDF and media.hides_pdf(content):
        return f'`bedrock-claude ask -a -:{media.PDF} "question"` attaches a PDF'
    if kind is None or kind.startswith("text/"):
        return _CONVERTS
    via = " --via converse" if kind in media.OFFICE else ""
    return f'`bedrock-claude ask -a -{via} "question"` attaches what is not text'
