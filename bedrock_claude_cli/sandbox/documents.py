"""Document blocks of a Messages body: what Anthropic refuses of them, and how they are cited."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.sizes import pages
from bedrock_claude_cli.sandbox.wire import invalid

# platform.claude.com pdf-support: 600 pages, 100 where the context is 200k
PAGES, PAGES_SMALL = 600, 100
QUOTED = 60  # characters of a document in a citation


def check(body: dict[str, Any], model: Model) -> None:
    """Refuse documents that are unreadable, too long, or cited by halves; ValidationException."""
    cited, total = set(), 0
    for where, block in _documents(body):
        source = block.get("source")
        _check_source(source if isinstance(source, dict) else {}, f"{where}.document.source")
        citations = block.get("citations")
        if citations is not None and not isinstance(citations, dict):
            raise invalid(f"{where}.document.citations: Input should be a valid dictionary")
        for name in ("title", "context"):
            if not isinstance(block.get(name), str | None):
                raise invalid(f"{where}.document.{name}: Input should be a valid string")
        cited.add(is_cited(block))
        total += pages(block)
    if len(cited) > 1:
        raise invalid("citations must be enabled for all documents in the request, or for none")
    most = PAGES if model.context >= 1_000_000 else PAGES_SMALL
    if total > most:
        raise invalid(f"A maximum of {most} PDF pages may be provided.")


def _documents(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, message in enumerate(body["messages"]):
        content = message["content"]
        for place, block in enumerate(content if isinstance(content, list) else ()):
            if block.get("type") == "document":
                yield f"messages.{index}.content.{place}", block


def _check_source(source: dict[str, Any], where: str) -> None:
    kind = source.get("type")
    if kind not in ("base64", "content", "text"):
        raise invalid(
            f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected "
            "tags: 'base64', 'content', 'text'"
        )
    if kind == "content":
        if not isinstance(source.get("content"), str | list):
            raise invalid(f"{where}.content.content: Field required")
        return
    data, wanted = source.get("data"), "text/plain" if kind == "text" else "application/pdf"
    if source.get("media_type") != wanted and not source.get("extracted"):
        raise invalid(f"{where}.{kind}.media_type: Input should be '{wanted}'")
    if not isinstance(data, str):
        raise invalid(f"{where}.{kind}.data: Input should be a valid string")
    if kind == "base64":
        _check_pdf(data, where)
    elif not data.strip():
        raise invalid("messages: text content blocks must contain non-whitespace text")


def _check_pdf(data: str, where: str) -> None:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{where}.base64.data: Invalid base64 data") from error
    if not raw:
        raise invalid(f"{where}.base64.data: PDF cannot be empty")
    if b"%PDF-" not in raw[:1024]:
        raise invalid("The PDF specified was not valid.")


def is_cited(block: dict[str, Any]) -> bool:
    """Whether a document block has its citations switched on."""
    citations = block.get("citations")
    return isinstance(citations, dict) and citations.get("enabled") is True


def citations(body: dict[str, Any]) -> list[dict[str, Any]]:
    """One citation of the start of each document that may be cited, in the Messages API's shape."""
    return [
        _citation(index, block)
        for index, (_, block) in enumerate(_documents(body))
        if is_cited(block)
    ]


def _citation(index: int, block: dict[str, Any]) -> dict[str, Any]:
    source, title = block["source"], block.get("title")
    about = {"document_index": index, "document_title": title, "file_id": None}
    if source["type"] == "base64":
        text = f"The sandbox reads no PDF: page 1 of {pages(block)}."
        place = {"start_page_number": 1, "end_page_number": 2}
        return {"type": "page_location", "cited_text": text, **about, **place}
    if source["type"] == "text":
        text = source["data"][:QUOTED]
        place = {"start_char_index": 0, "end_char_index": len(text)}
        return {"type": "char_location", "cited_text": text, **about, **place}
    content = source["content"]
    blocks = content if isinstance(content, list) else [{"text": content}]
    first = str(blocks[0].get("text", "")) if blocks and isinstance(blocks[0], dict) else ""
    place = {"start_block_index": 0, "end_block_index": 1}
    return {"type": "content_block_location", "cited_text": first[:QUOTED], **about, **place}
