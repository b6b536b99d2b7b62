"""An error's message, read out of a text: from JSON, or from lines that a terminal broke."""

from __future__ import annotations

import re
from itertools import pairwise

from bedrock_claude_cli.diagnosis.words import AWS_WORDS, WHOLE
from bedrock_claude_cli.known_errors import TABLE

LONGEST = 4000  # characters of one message
# `"message": "..."`, also inside another JSON string, as Python's repr and as node prints it.
MESSAGE = re.compile(
    r"(?<![\w$])(?P<key>\\*[\"'])?(?:error_?)?message(?(key)(?P=key))\s*[:=]\s*(?P<up>\\*)"
    r"(?P<quote>[\"'`])(?P<text>.{0,4000}?)(?<!\\)(?P=up)(?P=quote)(?=\s*(?:[,}\])]|\\|$))",
    re.I | re.S | re.M)  # fmt: skip

_HEAD = re.compile(
    r"^(?:\S{0,30}\s+){0,4}?(?:\w*error\w*|fatal|\w*exception)\b[\w ().]{0,20}[:>-]\s+", re.I
)


def without_head(message: str) -> str:
    """A message without `Error: ` and the like in front."""
    return _HEAD.sub("", message, count=1)


_STARTS = re.compile(
    r"\s*(?:at |File \"|Traceback|During handling|The above exception|Caused by|hint:|note:|error:|"
    r"warning:|\d{4}-\d\d|\[|[{}]|'\$|[\^~]+|[\w.]+(?:Error|Exception)\b|with \w+\.|on \S+ line|"
    r"\.\.\. |$)")  # fmt: skip
_TAILS = re.compile(
    r"\s*(?:\(Service: .*|\(SDK Attempt .*|\(profile .*, region .*|\(sandbox, region .*|"
    r"\(region .*|\. Received Model Group=.*|\.?\. Try --model .*|"
    r"\s+status code: \d+, request id.*|\s+\{$|\s*·\s.*|, \"?type\"?: .*)$", re.S)  # fmt: skip


def words_after(text: str, at: int) -> tuple[str, int]:
    """An error's message from a position on, and where it ends: wrapped lines are put together."""
    if (body := MESSAGE.search(text, at, at + LONGEST)) and body.start() - at < 160:
        between = text[at : body.start()]
        if "\n" not in between.strip() and re.match(r"[^\n]*?[{(]|\s*$", between):
            return unescaped(body["text"]), body.end()
    lines, end = [], at
    for line in text[at : at + LONGEST].split("\n")[:12]:
        if lines and (len(lines[-1]) < 40 or lines[-1].rstrip()[-1:] in ".!?)]}" or
                      _STARTS.match(line)):  # fmt: skip
            break
        lines.append(line)
        end += len(line) + 1
    message = _TAILS.sub("", _unwrapped(lines)).strip()
    if message.count(")") > message.count("("):
        message = message.removesuffix(")")
    return whole_words(message), max(at, min(end - 1, len(text)))


def _unwrapped(lines: list[str]) -> str:
    """Lines that a terminal broke in the middle of a word, or that were broken at blanks."""
    text = lines[0] if lines else ""
    widest = max(map(len, lines), default=0)
    for before, line in pairwise(lines):
        hard = len(before) == widest and not before.endswith(" ") and len(lines) > 2
        text += line if hard and not line.startswith(" ") else f" {line.strip()}"
    return " ".join(text.split())


_PHRASES = tuple(
    (phrase, re.compile(r"\s*".join(map(re.escape, phrase.replace(" ", ""))), re.I))
    for phrase in (
        *(row.fragment for row in TABLE if row.fragment),
        *(words for words, _ in AWS_WORDS),
        "to perform: ", " on resource: ",
    )
)  # fmt: skip


def whole_words(message: str) -> str:
    """A message whose known phrases were broken in the middle of a word, mended."""
    for phrase, pattern in _PHRASES:
        if phrase not in message.lower() and (broken := pattern.search(message)):
            message = message[: broken.start()] + phrase + message[broken.end() :]
    return message


def unescaped(value: str) -> str:
    """A text between quotes without the escapes that were needed there."""
    value = re.sub(r"\\+([\"'`/])", r"\1", re.sub(r"\\+n", " ", value))
    inner = MESSAGE.search(value)
    return whole_words(" ".join((inner["text"] if inner else value).split()))


def named_by_words(message: str) -> str:
    """AWS's name for what a message says, empty where its words are nobody's."""
    lower = message.lower()
    if whole := WHOLE.get(without_head(lower).rstrip(". ")):
        return whole
    return next((name for words, name in AWS_WORDS if words in lower), "")
