"""The terminal under an answer: lines are opened, spaced and flushed, never gone back to."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

from bedrock_claude_cli.terminal import emit


class Page:
    """Collects what one piece of the answer adds and writes it in one go."""

    def __init__(self, stream: TextIO, width: int | None) -> None:
        self._stream = stream
        self._width = width
        self._out: list[str] = []
        self._started = False
        self._line_open = False
        self._gap = False
        self._preview = 0

    @property
    def width(self) -> int:
        """The terminal's columns now, at least 20."""
        if self._width is not None:
            return max(self._width, 20)
        try:
            return max(os.get_terminal_size(self._stream.fileno()).columns, 20)
        except (OSError, ValueError):
            return max(shutil.get_terminal_size().columns, 20)

    def gap(self) -> None:
        """Ask for one blank line before the next line, if there is any before it."""
        self._gap = True

    def line(self, prefix: str = "", gap_prefix: str = "") -> None:
        """Open a new line; the one before stays open until now, so the cursor stays at its end."""
        if self._line_open:
            self._out.append("\n")
        if self._gap and self._started:
            self._out.append(gap_prefix + "\n")
        self._gap = False
        self._started = self._line_open = True
        self._out.append(prefix)

    def write(self, text: str) -> None:
        """Add text to the open line."""
        self._out.append(text)

    def preview(self, text: str) -> None:
        """Show a line that cannot be laid out yet, as far as it fits; `unpreview` takes it away."""
        room = self.width - 1
        for character in text:
            size = 1 if character.isascii() else 2  # ambiguous widths must not fold the line
            if self._preview + size > room or not character.isprintable():
                return
            if not self._preview and self._line_open:
                self._out.append("\n")
                self._line_open = False
            self._preview += size
            self._out.append(character)

    def unpreview(self) -> None:
        """Erase the preview."""
        if self._preview:
            self._out.append("\r" + " " * self._preview + "\r")
            self._preview = 0

    def flush(self) -> None:
        """Write what was collected."""
        text, self._out = "".join(self._out), []
        if text:
            emit(self._stream, text)

    def end(self) -> None:
        """End the last line and flush."""
        if self._line_open:
            self._out.append("\n")
            self._line_open = False
        self.flush()
