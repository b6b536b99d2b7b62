"""Words into lines: display widths, SGR styles and wrapping, all append-only."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from unicodedata import category, east_asian_width

_LONGEST = 1000  # characters: a word may be endless without ever becoming wide
_PIECES = re.compile(r"\n|[ \t]+|[^ \t\n]+")
_NO_BREAK_AFTER = "\uff08\u300c\u300e\u3010\u3008\u300a\u3014\uff3b\uff5b"  # opening brackets
_NO_BREAK_BEFORE = (  # closing marks
    "\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff1f\uff01"
    "\u300d\u300f\uff09\u3011\u3009\u300b\u3015\uff3d\uff5d\u30fc\u3005\u301c"
)


def columns(text: str) -> int:
    """Return how many columns a terminal needs for text, rather one too many than too few."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if character == "\ufe0f":  # asks for the emoji form, which is wide where it is supported
        return 1
    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def paint(text: str, style: str) -> str:
    """Return text in an SGR style such as "1;4"; "" leaves it as it is."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


class Flow:
    """Wraps one block's words to a width as they come; what is written is never changed.

    A word that fits on no line is left to the terminal, so that it can be copied; fold cuts it.
    """

    def __init__(
        self,
        width: int,
        write: Callable[[str], None],
        newline: Callable[[], None],
        *,
        fold: bool = False,
    ) -> None:
        self._width = width
        self._write = write
        self._newline = newline
        self._fold = fold
        self.column = 0
        self._space = ""
        self._broken = False
        self._style = ""
        self._word: list[tuple[str, str]] = []
        self._size = 0
        self._tail = ""
        self._too_long = False

    def add(self, text: str, style: str = "") -> None:
        """Take text in one style; a word is written when its end is known."""
        for piece in _PIECES.findall(text):
            if piece == "\n":
                self.flush()
                self._broken, self._space = True, ""
            elif piece[0] in " \t":
                self.flush()
                self._space = (self._space + piece.replace("\t", " "))[: self._width]
            else:
                # only text in other scripts has places to break within a word
                for part in (piece,) if piece.isascii() else piece:
                    self._join(part, style)

    def flush(self) -> None:
        """Write the word that is being collected."""
        self._place()
        self._too_long, self._tail = False, ""

    def _join(self, piece: str, style: str) -> None:
        if self._tail and _breaks(self._tail, piece[0]):
            self.flush()
        if self._fold and self._size + columns(piece) > self._width:
            for character in piece:
                if self._size + columns(character) > self._width:
                    self.flush()
                self._grow(character, style)
        else:
            self._grow(piece, style)

    def _grow(self, piece: str, style: str) -> None:
        if self._word and self._word[-1][0] == style:
            self._word[-1] = (style, self._word[-1][1] + piece)
        else:
            self._word.append((style, piece))
        self._size += columns(piece)
        self._tail = piece[-1]
        too_long = self._size > self._width or len(self._word[-1][1]) > _LONGEST
        if self._too_long or too_long:
            self._place(glue=self._too_long)
            self._too_long = True

    def _place(self, *, glue: bool = False) -> None:
        word, size, space = self._word, self._size, self._space
        if not word:
            return
        self._word, self._size, self._space = [], 0, ""
        full = self.column and self.column + len(space) + size > self._width
        if not glue and (self._broken or full):
            self._newline()
            self._broken, self.column, self._style = False, 0, ""
        if self.column and space:
            self.column += len(space)
            if word[0][0] == self._style:
                word[0] = (self._style, space + word[0][1])
            else:
                self._write(space)
        for style, text in word:
            self._write(paint(text, style))
        self._style = word[-1][0]
        self.column += size


def _breaks(before: str, after: str) -> bool:
    if before in _NO_BREAK_AFTER or after in _NO_BREAK_BEFORE:
        return False
    return _ideographic(after) or (_ideographic(before) and after.isalnum())


def _ideographic(character: str) -> bool:
    """Whether lines may break beside character: Chinese, Japanese and Korean, but not emoji."""
    return (
        "\u2e80" <= character <= "\ua4cf"
        or "\uac00" <= character <= "\ud7a3"
        or "\uf900" <= character <= "\ufaff"
        or "\uff01" <= character <= "\uff60"
        or character >= "\U00020000"
    )
