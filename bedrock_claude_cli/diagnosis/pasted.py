"""What somebody pastes or pipes in, as text to search and to show: nothing secret is left in it."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from typing import BinaryIO

TAIL = 1 << 18  # bytes; an error stands at the end of a log
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?")
_FRAME = re.compile(r"(?m)^[ \t]*[│╷╵┃][ \t]?")
_QUOTES = {
    "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"',
    "\xa0": " ", "\u202f": " ",
}  # fmt: skip
_ESCAPED = re.compile(r"\\{1,16}u(00(?:22|26|27|3c|3e)|20(?:18|19|1c|1d))", re.I)

_WIDTHS = (80, 100, 120, 132)  # of terminals
_NARROWEST = 40

_MASKED = "****"
# Each with what stays in front of the secret.
_SECRETS = (
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.S),
    re.compile(r"\b((?:AKIA|ASIA|ABIA|ACCA))[A-Z0-9]{12,}\b"),
    re.compile(r"(\b(?:Bearer|Basic)\s+)(?!token\b)[\w.+/=~-]{12,}", re.I),
    re.compile(r"()\b(?:ABSK|bedrock-api-key-|sk-ant-|gh[pousr]_|eyJ)[\w.+/=-]{12,}"),
    re.compile(r"(X-Amz-(?:Security-Token|Signature|Credential)[\"']?\s*[=:]\s*[\"']?)[^\s&\"',]+",
               re.I),
    re.compile(r"(\b(?:Signature|Credential)=)[^\s,&\"']+"),
    re.compile(
        r"(\b\w{0,40}?(?:secret|password|passwd|session_?token|auth_?token|bearer_?token|api_?key|"
        r"access_?key)\w{0,40}\\{0,16}[\"']?\s*[=:]\s*\\{0,16}[\"']?)[^\s\"',;&\\]{8,}", re.I),
    re.compile(r"(://)[^/\s:@]+:[^/\s@]+(?=@)"),
    # A secret access key by itself: forty characters of all kinds.
    re.compile(r"()(?<![\w+/=.-])(?=[^a-z\s]{0,40}[a-z])(?=[^A-Z\s]{0,40}[A-Z])(?=[^0-9\s]{0,40}[0-9])"
               r"[A-Za-z0-9+/]{40}(?![\w+/=.-])"),
)  # fmt: skip


def read(source: BinaryIO, tail: int = TAIL) -> tuple[bytes, int | None]:
    """The last `tail` bytes and a little more, and the lines left out before them, None for all."""
    kept, lines, cut = b"", 0, False
    while piece := source.read(tail):
        kept += piece
        if len(kept) > 2 * tail:
            lines, cut = lines + kept.count(b"\n", 0, len(kept) - tail), True
            kept = kept[-tail:]
    return kept, lines if cut else None


def clean(content: bytes) -> str:
    """Text with line ends, quotes and escapes as one would type them, and secrets masked."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # what PowerShell's `>` writes
    text = content.decode("utf-16" if wide else "utf-8-sig", "replace")
    text = _CONTROL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _ESCAPED.sub(lambda each: chr(int(each[1], 16)), text)
    if "&" in text:
        text = html.unescape(text)
    for smart, plain in _QUOTES.items():
        text = text.replace(smart, plain)
    return masked(_FRAME.sub("", text))


def unbroken(text: str) -> str:
    """The text with lines put together that a terminal seems to have broken within a word."""
    lines = text.split("\n")
    width = max(map(len, lines))
    several = sum(len(line) == width for line in lines) > 1
    if width < _NARROWEST or not (several or width in _WIDTHS):
        return text
    joined = lines[:1]
    for before, line in pairwise(lines):
        if len(before) == width and line.strip() and not line.startswith(("Traceback", "  ")):
            joined[-1] += line
        else:
            joined.append(line)
    return "\n".join(joined)


def masked(text: str) -> str:
    """The text without access keys, tokens and passwords."""
    for secret in _SECRETS:
        text = secret.sub(lambda each: each[1] + _MASKED, text)
    return text
