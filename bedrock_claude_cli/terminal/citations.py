"""Cited answers: `[1]` behind what is cited, and the list of the sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bedrock_claude_cli.terminal import Writer
from bedrock_claude_cli.terminal.block import columns

# A marker goes before these: blanks, line ends, and the bar that ends a table's row.
_TAIL = re.compile(r"(?:[ \t]*\|)?\s*\Z")
_FENCE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})[ \t]*")
_LINE = 200  # characters: no closing fence is longer
_LEAST_QUOTE = 20  # columns: less of it tells nothing
# Keys of a place in the Messages API's citations, what it is called, and where counting starts.
_PLACES = (
    ("start_page_number", "end_page_number", "page", 1),
    ("start_char_index", "end_char_index", "character", 0),
    ("start_block_index", "end_block_index", "block", 0),
)


class CitedWriter:
    """Writes an answer through `writer`, with a marker behind the text that each source is for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._held = ""  # the end of the text, before which a marker may have to go
        self._line = ""  # the beginning of the line before it
        self._marked: set[int] = set()  # here

    def write(self, text: str) -> None:
        """Write a piece of the answer."""
        if not text:
            return
        if self._marked and text.startswith("(") and not self._held:
            text = " " + text  # else markdown takes the marker for a link
        self._marked.clear()
        text = self._held + text
        start = _TAIL.search(text, max(0, len(text) - _LINE))
        at = start.start() if start else len(text)
        self._put(text[:at])
        self._held = text[at:]

    def cite(self, number: int) -> None:
        """Write the marker of a source of the text just before, once."""
        if number in self._marked:
            return
        if not self._marked and _FENCE.fullmatch(self._line):
            self._put("\n")  # behind the fence it would open the code again
        self._marked.add(number)
        self._put(f"[{number}]")

    def finish(self) -> None:
        """End the answer."""
        self._put(self._held)
        self._held = ""
        self._writer.finish()

    def _put(self, text: str) -> None:
        if text:
            self._line = (self._line + text)[-_LINE:].rpartition("\n")[2]
            self._writer.write(text)


def listing(citations: Iterable[Mapping[str, Any]], width: int) -> str:
    """The numbered sources, each with its place and as much of a quote as fits in `width`."""
    sources = {each["number"]: each for each in citations}
    return "\n".join(_source(number, sources[number], width) for number in sorted(sources))


def _source(number: int, citation: Mapping[str, Any], width: int) -> str:
    title = citation.get("document_title") or citation.get("title") or citation.get("source")
    if not title:
        index = citation.get("document_index")
        title = f"document {index + 1}" if isinstance(index, int) else "a source"
    label = _one_line(f"[{number}] {title}") + _place(citation)
    quote = _one_line(str(citation.get("cited_text") or ""))
    room = width - columns(label) - len(': ""')
    if not quote or room < min(_LEAST_QUOTE, columns(quote)):
        return label
    return f'{label}: "{_shortened(quote, room)}"'


def _place(citation: Mapping[str, Any]) -> str:
    """Pages, characters or blocks as people count them: from 1, the last one included."""
    for first, after, what, base in _PLACES:
        start, end = citation.get(first), citation.get(after)
        if isinstance(start, int) and isinstance(end, int):
            low, high = start + 1 - base, end - base
            return f", {what}s {low}-{high}" if high > low else f", {what} {low}"
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(text: str, room: int) -> str:
    if columns(text) <= room:
        return text
    while columns(text) > room - 1:
        text = text[: min(len(text) - 1, room)]
    return text.rstrip() + "…"
