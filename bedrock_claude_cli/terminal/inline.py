"""Inline marks - emphasis, code, links, entities - parsed while their text arrives.

A mark is held back only until its closing counterpart has come, WINDOW characters at most;
then it is text. So the words of a paragraph appear as they come and never have to be redrawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bedrock_claude_cli.terminal import safe

WINDOW = 400
_DEPTH = 6  # marks within marks
LINK, CODE = "4", "35"  # magenta has the evenest contrast on white and on black
_STYLES = {1: "3", 2: "1", 3: "1;3"}

_PLAIN = re.compile(r"(?:[^\\`*_~\[!&]+|!(?=[^\[]))+")
_RUN = re.compile(rf"`{{1,{WINDOW}}}|\*{{1,{WINDOW}}}|_{{1,{WINDOW}}}|~{{1,{WINDOW}}}")
_SKIPPED = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)|\\.|`+|\*+|_+|~+", re.DOTALL)
_LABEL = re.compile(r"!?\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]", re.DOTALL)
_TARGET = re.compile(
    r"""\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>\\]|\\.|\([^\s()]*\))*))"""
    r"""(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)""",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});")
_ENTITY_BEGUN = re.compile(r"&(?:#(?:\d{0,7}|[xX][\da-fA-F]{0,6})|[A-Za-z][A-Za-z\d]{0,31})?\Z")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


class Inline:
    """One block's inline text; hands (text, SGR style) on, marks kept where colour is off."""

    def __init__(self, add: Callable[[str, str], None], *, color: bool, style: str = "") -> None:
        self._add = add
        self._color = color
        self._base = style
        self._text = ""
        self._before = " "
        self._offset = 0
        self._unclosed: dict[str, int] = {}  # up to which offset a mark is known not to close
        self._open: list[str] = []

    def feed(self, text: str) -> None:
        """Take the next piece and hand on what is certain."""
        self._text += text
        self._parse(final=False)

    def end(self) -> None:
        """End the block: what still waits for its counterpart is text."""
        self._parse(final=True)

    def _parse(self, *, final: bool) -> None:
        text, at = self._text, 0
        while at < len(text):
            if plain := _PLAIN.match(text, at):
                self._put(plain[0])
                at = plain.end()
                continue
            after = self._mark(text, at, final)
            if after is None:
                break
            at = after
        self._before = text[at - 1] if at else self._before
        self._offset += at
        self._text = text[at:]

    def _put(self, text: str, extra: str = "") -> None:
        styles = [self._base, *(_style(mark) for mark in self._open), extra]
        self._add(text, ";".join(filter(None, styles)) if self._color else "")

    def _mark(self, text: str, at: int, final: bool) -> int | None:
        """Handle the mark at `at`; returns where it ends, None while that is not known."""
        if text[at] in "`*_~":
            run = _RUN.match(text, at)
            assert run is not None
            if run.end() == len(text) < at + WINDOW and not final:
                return None
            handle = self._code if text[at] == "`" else self._emphasis
            return handle(text, at, run[0], final)
        if text[at] == "&":
            return self._entity(text, at, final)
        if at + 1 == len(text) and not final:
            return None
        if text[at] == "\\":
            escaped = _ESCAPED.match(text, at)
            if not text.startswith("\\\n", at):  # that is a line break, which is kept anyway
                self._put(escaped[1] if escaped else "\\")
            return at + (2 if escaped else 1)
        return self._link(text, at, final)

    def _literal(self, text: str, at: int) -> int:
        self._put(text)
        return at + len(text)

    def _code(self, text: str, at: int, run: str, final: bool) -> int | None:
        stop = at + WINDOW
        closing = re.compile(rf"(?<!`){run}(?!`)").search(text, at + len(run), stop)
        if closing is None or (closing.end() == len(text) and not final):
            known = final or len(text) >= stop
            return self._literal(run, at) if known else None
        content = text[at + len(run) : closing.start()].replace("\n", " ")
        if not self._color:
            content = f"{run}{content}{run}"
        elif content.strip() and content[0] == content[-1] == " ":
            content = content[1:-1]
        self._put(content, CODE)
        return closing.end()

    def _emphasis(self, text: str, at: int, run: str, final: bool) -> int | None:
        opens, closes = self._flanks(text, at, at + len(run))
        end = at + len(run)
        while closes and (depth := self._innermost(text, at, end)) is not None:
            if not self._color:
                self._put(self._open[depth])
            at += len(self._open[depth])
            del self._open[depth:]
            if at == end:
                return end
        mark = text[at:end]
        known = len(mark) == 2 or (len(mark) <= 3 and mark[0] != "~")
        if opens and known and mark == run and len(self._open) < _DEPTH:
            closed = self._closed(text, end, mark, final)
            if closed is None:
                return None
            if closed:
                if not self._color:
                    self._put(mark)
                self._open.append(mark)
                return end
        return self._literal(mark, at)

    def _innermost(self, text: str, at: int, end: int) -> int | None:
        """Return which open mark the run closes; those inside it end with it."""
        for depth in reversed(range(len(self._open))):
            if text.startswith(self._open[depth], at, end):
                return depth
        return None

    def _closed(self, text: str, start: int, mark: str, final: bool) -> bool | None:
        stop = start + WINDOW
        start = max(start, self._unclosed.get(mark, 0) - self._offset)
        for run in _SKIPPED.finditer(text, min(start, stop), stop):
            size = len(run[0])
            if not final and (
                run.end() == len(text) or (set(run[0]) == {"`"} and len(text) < stop)
            ):
                return None  # the run, or the code span that it opens, may go on
            if run[0][0] != mark[0] or size < len(mark) or (size == 2 and len(mark) == 1):
                continue
            if self._flanks(text, run.start(), run.end())[1]:
                return True
        if not final and len(text) < stop:
            return None
        self._unclosed[mark] = self._offset + stop
        return False

    def _flanks(self, text: str, start: int, end: int) -> tuple[bool, bool]:
        """Whether a run can open and close emphasis (CommonMark's flanking rules)."""
        before = text[start - 1] if start else self._before
        after = text[end] if end < len(text) else " "
        left = not after.isspace() and (not _mark_like(after) or _edge(before))
        right = not before.isspace() and (not _mark_like(before) or _edge(after))
        if text[start] == "_":
            return left and (not right or _edge(before)), right and (not left or _edge(after))
        return left, right

    def _link(self, text: str, at: int, final: bool) -> int | None:
        stop = at + WINDOW
        bracket = text[at : text.index("[", at) + 1] if "[" in text[at : at + 2] else text[at]
        known = final or len(text) >= stop
        label = _LABEL.match(text, at, stop)
        if label is None:
            return self._literal(bracket, at) if known else None
        if text[label.end() : label.end() + 1] != "(":
            seen = final or label.end() < len(text)
            return self._literal(bracket, at) if seen else None
        target = _TARGET.match(text, label.end(), stop)
        if target is None:
            return self._literal(bracket, at) if known else None
        url = _ESCAPED.sub(r"\1", target[1] if target[1] is not None else target[2])
        self._show_link(label[1], url)
        return target.end()

    def _show_link(self, label: str, url: str) -> None:
        """Text, then the address, so that no text can hide where it leads."""
        if label and label != url:
            inner = Inline(self._put, color=self._color, style=LINK)
            inner.feed(label)
            inner.end()
            url = f" ({url})" if url else ""
        self._put(url)

    def _entity(self, text: str, at: int, final: bool) -> int | None:
        entity = _ENTITY.match(text, at)
        if entity is None:
            waits = not final and _ENTITY_BEGUN.match(text, at)
            return None if waits else self._literal("&", at)
        from html import unescape

        self._put(safe(unescape(entity[0])))
        return entity.end()


def _style(mark: str) -> str:
    return "9" if mark[0] == "~" else _STYLES[len(mark)]


def _mark_like(character: str) -> bool:
    """Whether character counts as punctuation; that of CJK does not, as it stands unspaced."""
    return character < "\u2e80" and not character.isalnum() and not character.isspace()


def _edge(character: str) -> bool:
    return character.isspace() or _mark_like(character)
