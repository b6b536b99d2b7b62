"""Converse's content blocks: its limits of media, and the Messages blocks that it makes of them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.sandbox.images import check_image
from bedrock_claude_cli.sandbox.wire import AwsError, invalid

MAX_IMAGES = 20
MAX_DOCUMENTS = 5
MAX_DOCUMENT_BYTES = 4_500_000
IMAGE_FORMATS = ("png", "jpeg", "gif", "webp")
DOCUMENT_FORMATS = ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")
BINARY = ("doc", "docx", "xls", "xlsx")
WRAPPER = "The model returned the following errors: "


def _blocks(messages: list[dict[str, Any]], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, message in enumerate(messages):
        for position, block in enumerate(message["content"]):
            if isinstance(block.get(kind), dict):
                yield f"messages.{index}.content.{position}", block[kind]


def check_media(messages: list[dict[str, Any]]) -> None:
    """Refuse too many images and documents, and those in the wrong company."""
    images, documents = list(_blocks(messages, "image")), list(_blocks(messages, "document"))
    if len(documents) > MAX_DOCUMENTS:
        raise invalid(f"You can't include more than {MAX_DOCUMENTS} documents in a request.")
    if len(images) > MAX_IMAGES:
        raise invalid(
            f"{WRAPPER}messages: too many images and documents: "
            f"{len(images)} + {len(documents)} > {MAX_IMAGES}"
        )
    names = [document.get("name") for _, document in documents]
    if len(set(map(str, names))) < len(names):
        raise invalid("Messages can't contain duplicate document names.")
    for index, message in enumerate(messages):
        kinds = {kind for block in message["content"] for kind in block}
        if message["role"] != "user" and kinds & {"image", "document"}:
            raise invalid("You can include image and document blocks in user messages only.")
        if "document" in kinds and "text" not in kinds:
            raise invalid(
                f"The message at messages.{index} includes a document without a text block. "
                "Add a text block to the message and try again."
            )


def marked(blocks: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    """Messages blocks of Converse's; a cachePoint becomes a mark of the block before it."""
    made: list[dict[str, Any]] = []
    for position, block in enumerate(blocks):
        if "cachePoint" not in block:
            made.append(_block(block, f"{where}.{position}"))
            continue
        point = block["cachePoint"]
        if not isinstance(point, dict) or point.get("type") != "default":
            given = point.get("type") if isinstance(point, dict) else point
            raise invalid(
                f"1 validation error detected: Value '{given}' at "
                f"'{where}.{position}.cachePoint.type' failed to satisfy constraint: Member must "
                "satisfy enum value set: [default]"
            )
        if not made:
            raise invalid(f"{where}.{position}: a cachePoint needs a block before it")
        ttl = {"ttl": point["ttl"]} if "ttl" in point else {}
        made[-1] = made[-1] | {"cache_control": {"type": "ephemeral", **ttl}}
    return made


def _block(block: dict[str, Any], where: str) -> dict[str, Any]:
    if "text" in block:
        if not block["text"].strip():
            raise invalid(
                f"The text field in the ContentBlock object at {where} is blank. "
                "Add text to the text field, and try again."
            )
        return {"type": "text", "text": block["text"]}
    if "image" in block and isinstance(block["image"], dict):
        return _image(block["image"], where)
    if "document" in block and isinstance(block["document"], dict):
        return _document(block["document"], where)
    if "toolSpec" in block:
        return _tool(block["toolSpec"], where)
    if "reasoningContent" in block:
        return {"type": "thinking", "thinking": ""}
    kind = {"toolUse": "tool_use", "toolResult": "tool_result"}
    return {"type": next((kind[name] for name in block if name in kind), "search_result")}


def _tool(spec: Any, where: str) -> dict[str, Any]:
    given = spec if isinstance(spec, dict) else {}
    schema = given.get("inputSchema")
    if not isinstance(given.get("name"), str) or not isinstance(schema, dict):
        raise AwsError("SerializationException", f"{where}.toolSpec is not a tool")
    return {"name": given["name"], "input_schema": schema.get("json")}


def _image(image: dict[str, Any], where: str) -> dict[str, Any]:
    _check_format(image, IMAGE_FORMATS, f"{where}.image")
    raw = _bytes(image, f"{where}.image")
    try:
        check_image(raw, f"{where}.image.source.bytes")
    except AwsError as error:
        raise invalid(WRAPPER + error.message) from error
    return {"type": "image", "source": {"type": "base64", "data": ""}}


def _document(document: dict[str, Any], where: str) -> dict[str, Any]:
    name = document.get("name", "")
    if (
        not isinstance(name, str)
        or not re.fullmatch(r"[A-Za-z0-9\s()\[\]-]{1,200}", name)
        or re.search(r"\s\s", name)
    ):
        raise invalid(
            "The document file name can only contain alphanumeric characters, whitespace "
            "characters, hyphens, parentheses, and square brackets. The name can't contain more "
            "than one consecutive whitespace character."
        )
    source, citations = document.get("source") or {}, document.get("citations")
    if not isinstance(citations, dict | None) or not isinstance(source, dict):
        raise AwsError("SerializationException", f"{where}.document is ill-typed")
    cited = {"citations": citations} if citations else {}
    made = {"type": "document", "title": name, "context": document.get("context"), **cited}
    if isinstance(source.get("text"), str):
        return made | {"source": _plain(source["text"])}
    if isinstance(source.get("content"), list):
        texts = [each for each in source["content"] if isinstance(each, dict)]
        return made | {"source": {"type": "content", "content": texts}}
    _check_format(document, DOCUMENT_FORMATS, f"{where}.document")
    raw = _bytes(document, f"{where}.document")
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise invalid(
            f"The document at {where} is {len(raw)} bytes long, over the limit of 4.5 MB. "
            "Try again with a smaller document."
        )
    return made | {"source": _source(raw, document["format"], seen=bool(cited.get("citations")))}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "text", "media_type": "text/plain", "data": text}


def _source(raw: bytes, kind: str, *, seen: bool) -> dict[str, Any]:
    """What the model gets: pages of a PDF that are seen or only their text, or plain text."""
    if kind != "pdf":
        text = f"{len(raw)} bytes of {kind}" if kind in BINARY else raw.decode(errors="replace")
        return _plain(text)
    data = base64.b64encode(raw).decode()
    extracted = {} if seen else {"extracted": True}
    return {"type": "base64", "media_type": "application/pdf", "data": data, **extracted}


def _check_format(media: dict[str, Any], formats: tuple[str, ...], where: str) -> None:
    if media.get("format") not in formats:
        raise invalid(
            f"1 validation error detected: Value '{media.get('format')}' at '{where}.format' "
            f"failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(formats)}]"
        )


def _bytes(media: dict[str, Any], where: str) -> bytes:
    source = media.get("source") or {}
    try:
        return base64.b64decode(source.get("bytes", ""), validate=True)
    except (AttributeError, TypeError, binascii.Error) as error:
        raise invalid(f"{where}.source.bytes is not base64") from error
