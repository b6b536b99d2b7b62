"""What makes untrusted text safe to print, and how an answer is written as it streams."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol, TextIO

# Controls but \t and \n, bidi embeddings, overrides and isolates, invisible characters, lone
# surrogates; joiners only after ASCII: other scripts and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]|(?<![^\x00-\x7f])[\u200c\u200d]"
)
_INVISIBLE = re.compile(
    "[\xad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\U000e0000-\U000e0fff]"
)


def safe(text: str) -> str:
    """Return text that cannot drive a terminal: controls shown as ␛ or \\x9b, \\n and \\t kept."""
    return Cleaner().feed(text, final=True)


class Writer(Protocol):
    """Where an answer goes, piece by piece."""

    def write(self, text: str) -> None:
        """Write a piece as it arrives, split anywhere."""

    def finish(self) -> None:
        """End the answer with a newline if anything was written; a second call does nothing."""


def answer_writer(
    stream: TextIO, *, terminal: bool, markdown: bool, width: int | None = None, color: bool = True
) -> Writer:
    """Return the writer for stream; width in columns, None asks the terminal on every block."""
    if not terminal:
        return RawWriter(stream)
    if not markdown or "utf" not in (stream.encoding or "utf-8").lower():
        return SafeWriter(stream)
    from bedrock_claude_cli.terminal.markdown import MarkdownWriter

    return MarkdownWriter(stream, width=width, color=color)


class RawWriter:
    """The text as it is; what the stream cannot encode is written as a backslash escape."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._newlines = ""
        self._line_open = False

    def write(self, text: str) -> None:
        """Write a piece and flush it; newlines wait, for at the end there is exactly one."""
        text = self._newlines + text
        body = text.rstrip("\n")
        self._newlines = text[len(body) :]
        if body:
            self._line_open = True
            emit(self._stream, body)

    def finish(self) -> None:
        """End the last line."""
        if self._line_open:
            self._line_open = False
            emit(self._stream, "\n")


class SafeWriter(RawWriter):
    """The bare text, made safe for a terminal."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._cleaner = Cleaner()

    def write(self, text: str) -> None:
        """Write a piece, made safe, and flush it."""
        super().write(self._cleaner.feed(text))

    def finish(self) -> None:
        """Write what was held back and end the last line."""
        super().write(self._cleaner.feed("", final=True))
        super().finish()


class AsideWriter:
    """What is said beside the answer: dimmed if `dim`, with a blank line at its end."""

    def __init__(self, stream: TextIO, *, terminal: bool, dim: bool) -> None:
        self._stream, self._dim = stream, dim
        self._writer = SafeWriter(stream) if terminal else RawWriter(stream)
        self._open = False

    def write(self, text: str) -> None:
        """Write a piece as it arrives; the color ends with it, whatever comes next."""
        self._open = self._open or bool(text)
        self._dimmed(lambda: self._writer.write(text))

    def finish(self) -> None:
        """End it, if anything was written; a second call does nothing."""
        if self._open:
            self._open = False
            self._dimmed(self._writer.finish)
            emit(self._stream, "\n")

    def _dimmed(self, write: Callable[[], None]) -> None:
        if not self._dim:
            write()
            return
        self._stream.write("\x1b[2m")
        try:
            write()
        finally:
            emit(self._stream, "\x1b[0m")


class Cleaner:
    """`safe` over a text that arrives in pieces: the result does not depend on the splits."""

    def __init__(self) -> None:
        self._held = ""
        self._before = ""

    def feed(self, text: str, *, final: bool = False) -> str:
        """Return the next piece made safe; a \\r at its end waits for the next one."""
        text = self._held + text
        self._held = "" if final or not text.endswith("\r") else "\r"
        text = text[: len(text) - len(self._held)].replace("\r\n", "\n")
        if not text:
            return ""
        known = len(_UNSAFE.sub(_shown, self._before))
        cleaned = _UNSAFE.sub(_shown, self._before + text)[known:]
        self._before = text[-1]
        return cleaned


def emit(stream: TextIO, text: str) -> None:
    """Write and flush text; characters that the stream's encoding lacks become escapes."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if _INVISIBLE.match(character):
        return ""
    if character == "\x7f":
        return "␡"
    if character < " ":
        return chr(0x2400 + ord(character))
    return character.encode("ascii", "backslashreplace").decode()
