"""Images: their size in pixels, read from the header, and the limits of it."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

from bedrock_claude_cli.sandbox.wire import invalid

MAX_BASE64 = 5 * 1024 * 1024
MAX_PIXELS = 8000


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG, GIF, JPEG or WebP; (0, 0) for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack("!II", data[16:24])
        return width, height
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return _webp(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int]:
    offset = 2
    while offset + 9 <= len(data) and data[offset] == 0xFF:
        marker, size = data[offset + 1], int.from_bytes(data[offset + 2 : offset + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack("!HH", data[offset + 5 : offset + 9])
            return width, height
        offset += 2 + size
    return 0, 0


def check_source(source: dict[str, Any], where: str) -> None:
    """Refuse the source of an InvokeModel image that is no base64 or too large."""
    if source.get("type") != "base64":
        raise invalid(
            f"{where}: Input tag '{source.get('type')}' found using 'type' does not match any of "
            "the expected tags: 'base64'"
        )
    data = source.get("data", "")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise invalid(f"{where}.base64.data: Invalid base64 data") from error
    check_image(raw, f"{where}.base64")


def check_image(raw: bytes, where: str) -> None:
    """Refuse an image over 5 MB in base64 (3.75 MB as bytes) or 8000 pixels on a side."""
    encoded = (len(raw) + 2) // 3 * 4
    if encoded > MAX_BASE64:
        raise invalid(f"{where}: image exceeds 5 MB maximum: {encoded} bytes > {MAX_BASE64} bytes")
    if max(dimensions(raw)) > MAX_PIXELS:
        raise invalid(
            f"{where}.data: At least one of the image dimensions exceed max allowed size: "
            f"{MAX_PIXELS} pixels"
        )
