"""Small files of every kind, made here."""

from __future__ import annotations

import io
import struct
import zipfile

CONTENT_TYPES = "[Content_Types].xml"


def png(width: int = 5, height: int = 7) -> bytes:
    """A PNG as far as its header tells."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def apng() -> bytes:
    """A PNG that moves."""
    return png() + b"\0\0\0\0" + struct.pack(">I", 8) + b"acTL" + bytes(12)


def gif(width: int = 5, height: int = 7) -> bytes:
    """A GIF as far as its header tells."""
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3) + b";"


def jpeg(width: int = 5, height: int = 7, *, before: bytes = b"") -> bytes:
    """A JPEG up to its frame header, with segments `before` it."""
    start = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    frame = b"\xff\xc2\0\x11\x08" + struct.pack(">HH", height, width) + b"\3" + bytes(9)
    return start + before + frame


def webp(kind: bytes = b"VP8X", width: int = 5, height: int = 7) -> bytes:
    """A WebP of the lossy (`VP8 `), lossless (`VP8L`) or extended (`VP8X`) kind."""
    if kind == b"VP8X":
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunk = bytes(4) + sides
    elif kind == b"VP8L":
        chunk = b"\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14)
    else:
        chunk = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)
    body = b"WEBP" + kind + struct.pack("<I", len(chunk)) + chunk
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pdf(pages: int = 1, *, encrypt: str | None = None) -> bytes:
    """A PDF of empty pages, encrypted as pypdf names the ways."""
    from pypdf import PdfWriter

    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(72, 72)
    if encrypt:
        writer.encrypt("secret", algorithm=encrypt)
    found = io.BytesIO()
    writer.write(found)
    return found.getvalue()


def zipped(*names: str) -> bytes:
    """A zip archive of small files."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return found.getvalue()


def docx() -> bytes:
    """A Word document as far as its parts tell."""
    return zipped(CONTENT_TYPES, "_rels/.rels", "word/document.xml")


def xlsx() -> bytes:
    """An Excel workbook as far as its parts tell."""
    return zipped(CONTENT_TYPES, "_rels/.rels", "xl/workbook.xml")
