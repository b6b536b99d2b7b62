"""Converse: its own limits, and its request as an Anthropic Messages body."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from bedrock_claude_cli.sandbox.images import check_image
from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.validation import VERSION, check_messages, check_parameters
from bedrock_claude_cli.sandbox.wire import AwsError, invalid

MAX_IMAGES = 20
MAX_DOCUMENTS = 5
MAX_DOCUMENT_BYTES = 4_500_000
IMAGE_FORMATS = ("png", "jpeg", "gif", "webp")
DOCUMENT_FORMATS = ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")
WRAPPER = "The model returned the following errors: "


def to_messages_body(request: dict[str, Any], model: Model) -> dict[str, Any]:
    """The Messages body that Converse makes of a request, or Converse's refusal of it."""
    _check_types(request)
    messages = request.get("messages") or []
    _check_order(messages, model)
    _check_media(messages)
    body: dict[str, Any] = {
        "anthropic_version": VERSION,
        "max_tokens": model.max_output,
        **_inference(request.get("inferenceConfig") or {}, model),
        **(request.get("additionalModelRequestFields") or {}),
        "messages": [
            {
                "role": message["role"],
                "content": [
                    _block(block, f"messages.{index}.content.{position}")
                    for position, block in enumerate(message["content"])
                ],
            }
            for index, message in enumerate(messages)
        ],
    }
    if system := [block for block in request.get("system") or [] if "text" in block]:
        body["system"] = [{"type": "text", "text": block["text"]} for block in system]
    try:
        check_parameters(body, model)
        check_messages(body, model)
    except AwsError as error:
        raise invalid(WRAPPER + error.message) from error
    return body


def _check_types(request: dict[str, Any]) -> None:
    objects = ("inferenceConfig", "additionalModelRequestFields")
    for name in objects:
        if not isinstance(request.get(name) or {}, dict):
            raise AwsError("SerializationException", f"{name} is not an object")
    lists = [request.get("messages") or [], request.get("system") or []]
    messages = lists[0] if isinstance(lists[0], list) else []
    lists += [item.get("content") or [] for item in messages if isinstance(item, dict)]
    for items in lists:
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise AwsError("SerializationException", "expected a list of objects")
    for index, message in enumerate(messages):
        if message.get("role") not in ("user", "assistant", "system"):
            raise invalid(
                f"1 validation error detected: Value '{message.get('role')}' at "
                f"'messages.{index + 1}.member.role' failed to satisfy constraint: "
                "Member must satisfy enum value set: [user, assistant, system]"
            )
    for items in lists[1:]:
        if not all(isinstance(item.get("text", ""), str) for item in items):
            raise AwsError("SerializationException", "expected text")
    numbers = (request.get("inferenceConfig") or {}).items()
    for name, value in numbers:
        if name != "stopSequences" and not isinstance(value, int | float | None):
            raise AwsError("SerializationException", f"{name} is not a number")


def _inference(config: dict[str, Any], model: Model) -> dict[str, Any]:
    limits = {"temperature": (0, 1), "topP": (0, 1), "maxTokens": (1, float("inf"))}
    for name, (least, most) in limits.items():
        value = config.get(name)
        if value is None or least <= value <= most:
            continue
        what = (
            f"less than or equal to {most}" if value > most else f"greater than or equal to {least}"
        )
        raise invalid(
            f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to "
            f"satisfy constraint: Member must have value {what}"
        )
    if config.get("maxTokens", 0) > model.max_output:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.max_output}. "
            f"Try again with a maximum tokens value that is lower than {model.max_output}."
        )
    names = {
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop_sequences",
    }
    return {ours: config[theirs] for theirs, ours in names.items() if theirs in config}


def _check_order(messages: list[dict[str, Any]], model: Model) -> None:
    spoken = [
        message["role"]
        for message in messages
        if not (message.get("role") == "system" and model.mid_system)
    ]
    if not spoken or spoken[0] != "user":
        raise invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    if any(first == second for first, second in pairwise(spoken)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure the "
            "conversation alternates between user and assistant roles and try again."
        )
    for index, message in enumerate(messages):
        if not message.get("content"):
            raise invalid(
                f"The content field in the Message object at messages.{index} is empty. "
                "Add a ContentBlock object to the content field and try again."
            )


def _blocks(messages: list[dict[str, Any]], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, message in enumerate(messages):
        for position, block in enumerate(message["content"]):
            if isinstance(block.get(kind), dict):
                yield f"messages.{index}.content.{position}", block[kind]


def _check_media(messages: list[dict[str, Any]]) -> None:
    images, documents = list(_blocks(messages, "image")), list(_blocks(messages, "document"))
    if len(documents) > MAX_DOCUMENTS:
        raise invalid(f"You can't include more than {MAX_DOCUMENTS} documents in a request.")
    if len(images) > MAX_IMAGES:
        raise invalid(
            f"{WRAPPER}messages: too many images and documents: "
            f"{len(images)} + {len(documents)} > {MAX_IMAGES}"
        )
    names = [document.get("name") for _, document in documents]
    if len(set(names)) < len(names):
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


def _block(block: dict[str, Any], where: str) -> dict[str, Any]:
    if "text" in block:
        if not block["text"].strip():
            raise invalid(
                f"The text field in the ContentBlock object at {where} is blank. "
                "Add text to the text field, and try again."
            )
        return {"type": "text", "text": block["text"]}
    if "image" in block and isinstance(block["image"], dict):
        _check_format(block["image"], IMAGE_FORMATS, f"{where}.image")
        raw = _bytes(block["image"], f"{where}.image")
        try:
            check_image(raw, f"{where}.image.source.bytes")
        except AwsError as error:
            raise invalid(WRAPPER + error.message) from error
        return {"type": "image", "source": {"type": "base64", "data": ""}}
    if "document" in block and isinstance(block["document"], dict):
        return _document(block["document"], where)
    if "reasoningContent" in block:
        return {"type": "thinking", "thinking": ""}
    kind = {"toolUse": "tool_use", "toolResult": "tool_result"}
    return {"type": next((kind[name] for name in block if name in kind), "search_result")}


def _document(document: dict[str, Any], where: str) -> dict[str, Any]:
    name = document.get("name", "")
    if not re.fullmatch(r"[A-Za-z0-9\s()\[\]-]{1,200}", name) or re.search(r"\s\s", name):
        raise invalid(
            "The document file name can only contain alphanumeric characters, whitespace "
            "characters, hyphens, parentheses, and square brackets. The name can't contain more "
            "than one consecutive whitespace character."
        )
    _check_format(document, DOCUMENT_FORMATS, f"{where}.document")
    raw = _bytes(document, f"{where}.document")
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise invalid(
            f"The document at {where} is {len(raw)} bytes long, over the limit of 4.5 MB. "
            "Try again with a smaller document."
        )
    return {"type": "document"}


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
