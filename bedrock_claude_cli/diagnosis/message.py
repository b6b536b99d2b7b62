"""An error's message, read out of a text: from JSON, or from lines that a terminal broke."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from bedrock_claude_cli.diagnosis.words import AWS_WORDS, WHOLE
from bedrock_claude_cli.known_errors import says

LONGEST = 4000  # characters of one message
_NEAR = 170  # characters in which a body follows what announces it
# `"message": "..."`, also inside another JSON string, as Python's repr and as node prints it.
_KEY = re.compile(
    r"(?<![\w$])(?P<key>\\{0,16}[\"'])?(?:error_?)?message(?(key)(?P=key))\s*[:=]\s*"
    r"(?P<up>\\{0,16})(?P<quote>[\"'`])", re.I)  # fmt: skip
_WRAPPED = 50  # where the next word would have been before this column, no line was broken
FEW = 100  # of a kind are looked at, the last ones


class Body(NamedTuple):
    """A message that stands in quotes: where its key and its end are, and the text."""

    at: int
    end: int
    text: str


def last(pattern: re.Pattern[str], text: str) -> Iterable[re.Match[str]]:
    """The last of a pattern's matches: a log of one error has it ten thousand times."""
    return deque(pattern.finditer(text), maxlen=FEW)


def bodies(text: str, at: int = 0, end: int | None = None, deep: bool = True) -> Iterator[Body]:
    """Every message in quotes between two positions, its escapes taken away."""
    for key in deque(_KEY.finditer(text, at, len(text) if end is None else end), maxlen=FEW):
        value = _value(key["up"] + key["quote"]).match(text, key.end())
        if value:
            yield Body(key.start(), value.end(), unescaped(value[1], deep))


@lru_cache
def _value(mark: str) -> re.Pattern[str]:
    """Up to the quote that ends it: one before a comma or bracket, for a smart one is plain now."""
    closing = r"(?<!\\)" + re.escape(mark) + r"(?=\s*(?:[,}\])]|\\|$))"
    return re.compile(rf"(.{{0,{LONGEST}}}?){closing}", re.S | re.M)


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
_OPENING = re.compile(r"(?<![^\s:=({\[,])(\\{0,16}[\"'])(?=[^\s,:}\])])")


def quoted(text: str, at: int) -> tuple[int, int] | None:
    """Where the quotes begin and end in which a position stands, if it stands in any."""
    start = max(text.rfind("\n", 0, at) + 1, at - LONGEST)
    before = (each for each in _OPENING.finditer(text, start, at + 1) if each.end() <= at)
    innermost = {each[1]: each for each in before}
    for opening in sorted(innermost.values(), key=re.Match.start, reverse=True):
        mark = r"(?<!\\)" + re.escape(opening[1])
        if not re.search(mark, text[opening.end() : at]):
            closing = re.compile(mark + r"(?=\s*(?:[,}\])]|\\|$)|\s+[\w.-]+=)", re.M)
            if end := closing.search(text, at, at + LONGEST):
                return opening.end(), end.start()
    return None


def words_after(text: str, at: int) -> tuple[str, int]:
    """An error's message from a position on, and where it ends: wrapped lines are put together."""
    closing = (quoted(text, at) or (0, 0))[1]
    if body := next(bodies(text, at, min(at + _NEAR, closing or len(text))), None):
        between = text[at : body.at]
        if "\n" not in between.strip() and re.match(r"[^\n]*?[{(]|\s*$", between):
            return body.text, body.end
    if closing:
        first, *rest = re.split(r"\\{1,16}n|\n", text[at:closing])
        inside = [first, *takewhile(lambda line: not _STARTS.match(line), rest)]
        return _tidy(unescaped("\n".join(inside), deep=False)), closing
    lines: list[str] = []
    end = at
    width = at - text.rfind("\n", 0, at) - 1
    for line in text[at : at + LONGEST].split("\n")[:12]:
        first = line.split(maxsplit=1)[0] if line.strip() else ""
        fitted = lines and width + len(lines[-1]) + 1 + len(first) < _WRAPPED
        if lines and (fitted or _STARTS.match(line) or lines[-1].rstrip()[-1:] in ".!?)]}"):
            break
        width = width if not lines else 0
        lines.append(line)
        end += len(line) + 1
    return _tidy(" ".join(lines)), max(at, min(end - 1, len(text)))


def _tidy(message: str) -> str:
    """A message in one line, without what a client puts behind it."""
    message = _TAILS.sub("", " ".join(message.split()))
    if message.count(")") > message.count("("):
        message = message.removesuffix(")")
    return message


def unescaped(value: str, deep: bool = True) -> str:
    """A text between quotes without the escapes that were needed there; a body in it goes first."""
    value = re.sub(r"\\{1,16}([\"'`/])", r"\1", re.sub(r"\\{1,16}n", " ", value))
    inner = next(bodies(value, deep=False), None) if deep else None
    if inner:
        return inner.text
    return " ".join(value.split())


def whole_message(message: str) -> str:
    """AWS's name for words that are only its where nothing follows them, else empty."""
    return WHOLE.get(re.split(r"(?:[:(]|\s-)\s+", message.lower())[-1].rstrip(". )"), "")


@lru_cache
def named_by_words(message: str) -> str:
    """AWS's name for what a message says, empty where its words are nobody's."""
    lower = message.lower()
    words = next((name for words, name in AWS_WORDS if says(lower, words)), "")
    return whole_message(message) or words
