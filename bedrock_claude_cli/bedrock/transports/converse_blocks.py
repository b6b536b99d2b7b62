"""Content between the Messages API and Converse: blocks, document names, citations."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

# botocore's DocumentFormat, by media type; text is sent as it is, so it is always txt.
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS = {"application/pdf": "pdf", "text/plain": "txt", _DOCX: "docx", _XLSX: "xlsx"}
_LONGEST_NAME = 200
# botocore's CitationLocation: the Messages type, and what its start and end are called there
_PLACES = {
    "documentChar": ("char_location", "start_char_index", "end_char_index"),
    "documentPage": ("page_location", "start_page_number", "end_page_number"),
    "documentChunk": ("content_block_location", "start_block_index", "end_block_index"),
}


def messages(turns: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turns of the Messages API as Converse takes them; each document has a name of its own."""
    taken: set[str] = set()
    return [
        {
            "role": turn["role"],
            "content": [made for block in turn["content"] for made in _block(block, taken)],
        }
        for turn in turns
    ]


def titles(
    turns: Iterable[Mapping[str, Any]], converted: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Documents' titles in `turns` by their names in what `messages` made of these."""
    own = (b.get("title") for t in turns for b in t["content"] if b["type"] == "document")
    sent = (b["document"]["name"] for t in converted for b in t["content"] if "document" in b)
    return {name: title for title, name in zip(own, sent, strict=True) if title}


def system(given: str | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A system prompt as Converse takes it."""
    if isinstance(given, str):
        return [{"text": given}]
    return [made for block in given for made in _block(block, set())]


def _block(block: Mapping[str, Any], taken: set[str]) -> list[dict[str, Any]]:
    """The block, and after it the cache point that it carries in the Messages API."""
    made = [_CONVERTERS[block["type"]](block)]
    if block["type"] == "document":
        made[0]["document"]["name"] = unique_name(block.get("title") or "", taken)
    if "cache_control" in block:
        ttl = block["cache_control"].get("ttl")
        made.append({"cachePoint": {"type": "default"} | ({"ttl": ttl} if ttl else {})})
    return made


def _text(block: Mapping[str, Any]) -> dict[str, Any]:
    if not block.get("citations"):
        return {"text": block["text"]}
    cited = [_place(each) for each in block["citations"]]
    return {"citationsContent": {"content": [{"text": block["text"]}], "citations": cited}}


def _image(block: Mapping[str, Any]) -> dict[str, Any]:
    source = block["source"]
    kind = source["media_type"].removeprefix("image/")
    return {"image": {"format": kind, "source": {"bytes": base64.b64decode(source["data"])}}}


def _document(block: Mapping[str, Any]) -> dict[str, Any]:
    source = block["source"]
    plain = source["type"] == "text"
    raw = source["data"].encode() if plain else base64.b64decode(source["data"])
    made = {"format": _FORMATS[source["media_type"]], "source": {"bytes": raw}}
    return {"document": made | ({"citations": block["citations"]} if "citations" in block else {})}


def _thinking(block: Mapping[str, Any]) -> dict[str, Any]:
    said = {"text": block["thinking"], "signature": block["signature"]}
    return {"reasoningContent": {"reasoningText": said}}


def _redacted(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"reasoningContent": {"redactedContent": base64.b64decode(block["data"])}}


_CONVERTERS = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}


def unique_name(title: str, taken: set[str]) -> str:
    """A document's name as Converse takes it, unlike those in `taken`, to which it is added.

    botocore's DocumentBlock: at most 200 alphanumerics, single whitespace, hyphens, parentheses
    and square brackets.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9()\[\]-]+", " ", re.sub(r"[._/\\]+", "-", plain)).split()
    base = " ".join(words)[:_LONGEST_NAME].strip(" -") or "document"
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        tail = f" ({number})"
        name = base[: _LONGEST_NAME - len(tail)].rstrip() + tail
    taken.add(name.casefold())
    return name


def citation(given: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """Converse's citation in the Messages API's shape, as far as it has one."""
    title = given.get("title")
    made: dict[str, Any] = {
        "cited_text": "".join(each.get("text", "") for each in given.get("sourceContent", ())),
        "document_title": titles.get(title, title) if title else None,
    }
    for kind, place in given.get("location", {}).items():
        if kind in _PLACES:
            name, start, end = _PLACES[kind]
            made |= {"type": name, "document_index": place.get("documentIndex")}
            made |= {start: place.get("start"), end: place.get("end")}
    return made


def _place(citation: Mapping[str, Any]) -> dict[str, Any]:
    """A citation of an earlier answer, as Converse gave it."""
    made: dict[str, Any] = {"sourceContent": [{"text": citation.get("cited_text") or ""}]}
    if citation.get("document_title"):
        made["title"] = citation["document_title"]
    for kind, (name, start, end) in _PLACES.items():
        if citation.get("type") == name:
            index = citation.get("document_index")
            made["location"] = {
                kind: {"documentIndex": index, "start": citation[start], "end": citation[end]}
            }
    return made
