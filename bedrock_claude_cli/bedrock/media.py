"""What a file is, judged by its bytes: its media type, an image's size, a PDF's pages."""

from __future__ import annotations

import codecs
import io
import re
import struct

from bedrock_claude_cli.errors import RejectedError

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OFFICE = {DOCX: "docx", XLSX: "xlsx"}
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_MARKS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PDF_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*%PDF-\d")
_PDF_WITHIN = re.compile(rb"%PDF-\d\.\d")
_NO_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")


def sniff(data: bytes) -> str | None:
    """The media type of content, all text being plain; None where nobody knows it."""
    if _PDF_START.match(data):
        return PDF
    try:
        text(data)
    except ValueError:
        pass
    else:
        return "text/plain"
    import filetype

    kind = filetype.guess(data)
    found: str | None = kind.mime if kind else None
    if data.startswith(b"PK\x03\x04"):
        return office(data) or found
    return "image/png" if found == "image/apng" else found


def text(data: bytes) -> str:
    """Content as text: UTF-8, or what its byte order mark says; ValueError says why not.

    Other encodings are not guessed, for a wrong guess would change the text unseen.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        found = data.decode(encoding)
    except UnicodeDecodeError as error:
        named = encoding.removesuffix("-sig").upper()
        raise ValueError(f"is not {named} text (byte {error.start:,})") from None
    if "\0" in found:
        raise ValueError(f"is no text (character {found.index(chr(0)):,} is NUL)")
    return found


def looks_like_text(data: bytes) -> bool:
    """Whether content may be text in an older encoding: no controls that no text has."""
    return not _NO_TEXT.search(data)


def hides_pdf(data: bytes) -> bool:
    """Whether a PDF begins within the first 1,024 bytes, where Acrobat looks for one."""
    return bool(_PDF_WITHIN.search(data[:1024]))


def office(data: bytes) -> str | None:
    """The media type of a docx or an xlsx, told by the parts in its zip; None for others."""
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = set(archive.namelist())
    except Exception:  # zipfile raises whatever broken bytes lead it to
        return None
    if "[Content_Types].xml" not in parts:
        return None
    mains = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX}
    return next((kind for part, kind in mains.items() if part in parts), None)


def pixels(data: bytes, media_type: str) -> tuple[int, int] | None:
    """Width and height from an image's header; None where it is not that kind, or cut."""
    readers = dict(zip(IMAGES, (_png, _jpeg, _gif, _webp), strict=True))
    try:
        size = readers[media_type](data)
    except (struct.error, IndexError):
        return None
    return size if size and all(size) else None


def _png(data: bytes) -> tuple[int, int] | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int] | None:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[:2] == b"\xff\xd8" and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD7:  # without a length
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        elif marker in (0xD9, 0xDA):
            return None
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + max(length, 2)
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        wide, high, top, upper = struct.unpack_from("<HBHB", data, 24)
        return (wide | high << 16) + 1, (top | upper << 16) + 1
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def pages(data: bytes, name: str) -> int:
    """How many pages a PDF has; RejectedError where it is encrypted, damaged or has none."""
    import logging

    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    # What pypdf says of a PDF that it mends is no news to anybody here.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    encrypted, found, why = False, 0, ""
    try:
        reader = PdfReader(io.BytesIO(data))
        encrypted = reader.is_encrypted
        found = 0 if encrypted else len(reader.pages)
    except DependencyError:  # raised only for an encryption that pypdf cannot do alone
        encrypted = True
    except Exception as error:  # "broken PDF files might cause other Exceptions", says pypdf
        why = " ".join(str(error).split())[:80] or type(error).__name__
    if encrypted:
        raise RejectedError(
            f"{name} is encrypted, and Bedrock reads no encrypted PDF",
            hint="`qpdf --decrypt IN.pdf OUT.pdf` takes the password off",
        )
    if why:
        raise RejectedError(
            f"{name} is a damaged PDF, or none: {why}", hint="`qpdf IN.pdf OUT.pdf` may mend it"
        )
    if not found:
        raise RejectedError(f"{name} is a PDF without pages")
    return found
