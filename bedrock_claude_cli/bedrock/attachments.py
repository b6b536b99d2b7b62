"""Attachments: read, judged by their content, and held to what Bedrock and the model take."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bedrock_claude_cli.bedrock import catalog, media
from bedrock_claude_cli.bedrock.prompt import Attachment
from bedrock_claude_cli.errors import CliError, RejectedError, UsageError

STDIN = "-"
MIB = 1024 * 1024
# Nothing larger fits into a request of 20 MB (platform.claude.com).
MOST_BYTES = 20_000_000
# docs.aws.amazon.com/bedrock: ContentBlock, ImageBlock and DocumentBlock of Converse; Anthropic
# Claude Messages API; "Inference using the API", restrictions
IMAGE_BYTES = int(3.75 * MIB)
IMAGE_PIXELS = 8000
CONVERSE_IMAGES = 20
CONVERSE_DOCUMENTS = 5
CONVERSE_DOCUMENT_BYTES = int(4.5 * MIB)
PDF_PAGES = 100

_FORCED = re.compile(r"(?s)(?P<path>.+):(?P<type>[a-z]+/[\w.+-]+)", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_TAKES = (
    "Bedrock takes PDF, PNG, JPEG, GIF, WebP and text; with `--via converse` also docx and xlsx"
)
_ALIASES = {"image/jpg": "image/jpeg", "application/json": "text/plain"}


def split(spec: str) -> tuple[str, str | None]:
    """The path, or `-`, and the type that `PATH:type/subtype` forces.

    What exists under the whole of it is a path, and so is `C:folder/file`.
    """
    found = _FORCED.fullmatch(spec)
    if found is None or _exists(spec):
        return spec, None
    path, kind = found["path"], found["type"].lower()
    if len(path) == 1 and path.isalpha() and not _exists(path):
        return spec, None
    kind = _ALIASES.get(kind, kind)
    if not (kind.startswith("text/") or kind in (media.PDF, *media.IMAGES, *media.OFFICE)):
        raise UsageError(f"{spec}: Bedrock takes nothing as {kind}", hint=_TAKES)
    return path, kind


def read(spec: str, stdin: Callable[[], bytes]) -> Attachment:
    """The attachment that `PATH`, `-` or `PATH:type/subtype` names; `stdin()` reads that.

    UsageError where nothing can be read, RejectedError where it is nothing that Bedrock takes.
    """
    path, forced = split(spec)
    if path == STDIN:
        shown, name, data = "standard input", "stdin", stdin()
        _check_size(shown, len(data))
    else:
        shown = path
        name, data = _content(path)
    if not data:
        raise UsageError(f"{shown} is empty")
    kind = forced or media.sniff(data)
    if kind is None:
        raise _unknown(shown, data)
    if kind.startswith("text/"):
        return Attachment(name, kind, _text(data, shown))
    if kind == media.PDF:
        return Attachment(name, kind, data, media.pages(data, shown))
    if kind in media.OFFICE:
        fits = media.office(data) == kind
    elif kind in media.IMAGES:
        fits = media.pixels(data, kind) is not None
    else:
        raise RejectedError(f"{shown} is {kind}, which Bedrock does not take", hint=_TAKES)
    if not fits:
        what = media.OFFICE.get(kind, kind)
        raise RejectedError(f"{shown} is damaged, or no {what}")
    return Attachment(name, kind, data)


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(Path(path).expanduser())
    except (RuntimeError, ValueError):  # an unknown ~user, a NUL
        return False


def _content(given: str) -> tuple[str, bytes]:
    """A file's name and bytes; a pipe is read to its end."""
    if _URL.match(given) and not _exists(given):
        raise UsageError(
            f"{given} is a URL, and Bedrock fetches none",
            hint="`curl -LO URL` downloads it, then attach the file",
        )
    try:
        path = Path(given).expanduser()
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            regular = stat.S_ISREG(found.st_mode)
            if regular:
                _check_size(given, found.st_size)
            data = file.read(MOST_BYTES + 1)
    except IsADirectoryError:
        raise UsageError(f"{given} is a folder", hint="name its files, each with -a") from None
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{given} cannot be read: {why}") from None
    _check_size(given, len(data), cut=True)
    # The name of `<(command)` is a mere number.
    return path.name if regular else f"input-{path.name}", data


def _check_size(shown: str, size: int, *, cut: bool = False) -> None:
    if size > MOST_BYTES:
        many = f"more than {MOST_BYTES:,}" if cut else f"{size:,}"
        raise RejectedError(
            f"{shown} has {many} bytes, and a whole request at most {MOST_BYTES:,}",
            hint="attach a part of it",
        )


def _text(data: bytes, shown: str) -> bytes:
    """Text in UTF-8 without a byte order mark."""
    try:
        found = media.text(data)
    except ValueError as error:
        raise _no_text(shown, error, data) from None
    if not found.strip():
        raise UsageError(f"{shown} is blank")
    return found.encode()


def _no_text(shown: str, why: ValueError, data: bytes) -> CliError:
    hint = None
    if media.hides_pdf(data):
        hint = f"a PDF begins further on: `:{media.PDF}` behind its name attaches it as one"
    elif media.looks_like_text(data):
        hint = "`iconv -f LATIN1 -t UTF-8` converts text"
    return RejectedError(f"{shown} {why}", hint=hint)


def _unknown(shown: str, data: bytes) -> CliError:
    if media.looks_like_text(data) or media.hides_pdf(data):
        try:
            media.text(data)
        except ValueError as error:
            return _no_text(shown, error, data)
    return RejectedError(f"{shown} is of no type that Bedrock takes", hint=_TAKES)


def check(
    attachments: Sequence[Attachment], via: str | None, known: catalog.KnownModel | None
) -> None:
    """Refuse what the way to call or the model does not take; each message has its number."""
    images = [each for each in attachments if each.is_image]
    documents = [each for each in attachments if not each.is_image]
    pdfs = [each for each in documents if each.media_type == media.PDF]
    if images and known and known.vision is False:
        raise _lacking(f"{known.name} sees no images", "vision")
    if pdfs and known and known.pdf is False:
        raise _lacking(f"{known.name} reads no PDF", "pdf")
    for image in images:
        _check_image(image)
    _check_pages(pdfs)
    if via == "converse":
        _check_converse(images, documents)
        return
    for each in documents:
        if each.media_type in media.OFFICE:
            what = media.OFFICE[each.media_type]
            raise RejectedError(
                f"{each.name} is {what}, which only Converse takes", hint="`--via converse`"
            )


def _check_pages(pdfs: Sequence[Attachment]) -> None:
    pages = sum(each.pages or 0 for each in pdfs)
    if pages > PDF_PAGES:
        raise RejectedError(
            f"{_names(pdfs)} {'has' if len(pdfs) == 1 else 'have'} {pages:,} pages, and Bedrock "
            f"takes at most {PDF_PAGES} in a request",
            hint=f"`qpdf IN.pdf --pages . 1-{PDF_PAGES} -- OUT.pdf` makes a part of it",
        )


def _check_image(image: Attachment) -> None:
    if len(image.data) > IMAGE_BYTES:
        raise RejectedError(
            f"{image.name} has {len(image.data):,} bytes, and Bedrock takes images of at most "
            f"{IMAGE_BYTES:,} (3.75 MB)",
            hint="make it smaller, or save it as JPEG",
        )
    width, height = media.pixels(image.data, image.media_type) or (0, 0)
    if max(width, height) > IMAGE_PIXELS:
        raise RejectedError(
            f"{image.name} has {width:,} x {height:,} pixels, and Bedrock takes at most "
            f"{IMAGE_PIXELS:,} a side",
            hint="make it smaller: `magick IN -resize 1568x1568 OUT`",
        )


def _check_converse(images: Sequence[Attachment], documents: Sequence[Attachment]) -> None:
    for what, given, most in (
        ("images", images, CONVERSE_IMAGES),
        ("documents", documents, CONVERSE_DOCUMENTS),
    ):
        if len(given) > most:
            raise RejectedError(
                f"{len(given)} {what} are attached, and Converse takes at most {most} in a request",
                hint="attach fewer, or use `--via invoke`",
            )
    for each in documents:
        if len(each.data) > CONVERSE_DOCUMENT_BYTES:
            raise RejectedError(
                f"{each.name} has {len(each.data):,} bytes, and Converse takes documents of at "
                f"most {CONVERSE_DOCUMENT_BYTES:,} (4.5 MB)",
                hint="attach a part of it, or use `--via invoke`",
            )


def _names(attachments: Iterable[Attachment]) -> str:
    names = [each.name for each in attachments]
    return names[0] if len(names) == 1 else f"{', '.join(names[:3])} together"


def _lacking(what: str, key: str) -> RejectedError:
    able = [
        model.alias
        for model in catalog.load().models
        if getattr(model, key) and model.lifecycle.status == "ACTIVE"
    ]
    return RejectedError(what, hint=f"use one that does: {', '.join(able)}")
