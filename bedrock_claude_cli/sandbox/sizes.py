"""How many tokens the sandbox takes a prompt for."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

IMAGE = 1500
# platform.claude.com pdf-support: about 7,000 tokens for 3 pages that are seen, 1,000 as text
PAGE, PAGE_AS_TEXT = 2333, 333
_UNSAID = ("type", "role", "cache_control", "signature", "data")


def tokens(text: str) -> int:
    """An estimate of 4 characters a token."""
    return math.ceil(len(text) / 4)


def input_tokens(body: dict[str, Any]) -> int:
    """The estimate for system, messages and tools."""
    return max(1, size(body.get("system")) + size(body.get("messages")) + size(body.get("tools")))


def size(value: Any) -> int:
    """The tokens of any part of a Messages body."""
    if isinstance(value, str):
        return tokens(value)
    if isinstance(value, list):
        return sum(size(item) for item in value)
    if isinstance(value, dict):
        if value.get("type") == "image":
            return IMAGE
        if value.get("type") == "document":
            return _document(value)
        return sum(size(item) for key, item in value.items() if key not in _UNSAID)
    return 0


def _document(block: dict[str, Any]) -> int:
    about = tokens(str(block.get("title") or "")) + tokens(str(block.get("context") or ""))
    source = block.get("source")
    if not isinstance(source, dict):
        return about
    if source.get("type") == "text":
        return about + tokens(str(source.get("data", "")))
    if source.get("type") == "content":
        return about + size(source.get("content"))
    return about + pages(block) * (PAGE_AS_TEXT if source.get("extracted") else PAGE)


def pages(block: dict[str, Any]) -> int:
    """The pages of a PDF document block, 0 for any other block."""
    source = block.get("source")
    if not isinstance(source, dict) or source.get("media_type") != "application/pdf":
        return 0
    try:
        data = base64.b64decode(source.get("data", ""))
    except (TypeError, binascii.Error):
        return 0
    seen = len(re.findall(rb"/Type\s*/Page\b", data))
    # Pages inside compressed objects do not show, but the tree that they hang on often does.
    counts = [int(count) for count in re.findall(rb"/Count\s+(\d{1,4})\b", data)]
    return seen or max([1, *counts])
