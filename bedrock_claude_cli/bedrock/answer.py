"""What comes back: the events of a streamed answer, and the one shape they end in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from bedrock_claude_cli.errors import CliError


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer, as the Messages API counts them; input excludes cached tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0

    @classmethod
    def read(cls, found: dict[str, Any], before: Usage | None = None) -> Usage:
        """Usage of a message event, keeping what an earlier event said."""
        base = before or cls()
        known = {key: int(value) for key, value in found.items() if key in _KEYS and value}
        return replace(base, **known)


_KEYS = tuple(Usage.__dataclass_fields__)


# Named tuples: each costs a fifth of a dataclass when the module loads, and every `ask` loads it.


class Started(NamedTuple):
    """AWS took the request; from here on it may be billed."""

    request_id: str | None = None


class Text(NamedTuple):
    """A piece of the answer's text."""

    text: str


class Thinking(NamedTuple):
    """A piece of the model's thinking."""

    text: str


class Counted(NamedTuple):
    """Token counts so far; a later event replaces an earlier one."""

    usage: Usage


class Stopped(NamedTuple):
    """The model's own end: the message is whole as far as the wire is concerned."""

    stop_reason: str | None


class Waiting(NamedTuple):
    """A wait before the next attempt: nothing of the last one can have been billed."""

    seconds: float
    cause: str
    attempt: int


class Note(NamedTuple):
    """Something the user should know about how the answer was got."""

    text: str


class Moved(NamedTuple):
    """The request goes to another id than the one that was resolved first."""

    model_id: str
    endpoint: str | None


class Broken(NamedTuple):
    """The answer broke off after AWS had taken the request; it may have been billed."""

    error: CliError


Event = Moved | Broken | Started | Text | Thinking | Counted | Stopped | Waiting | Note

WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})


@dataclass
class Answer:
    """The one shape of an answer; docs/json.md describes every key. Times in milliseconds."""

    text: str = ""
    parsed: Any = None
    citations: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    complete: bool = False
    usage: Usage | None = None
    cost_usd: float | None = None
    model: str | None = None
    endpoint: str | None = None
    region: str | None = None
    via: str | None = None
    request_id: str | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    attempts: int = 1
    error: dict[str, Any] | None = None
    thinking: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Every key of docs/json.md, null where there is nothing."""
        shown = asdict(self)
        del shown["thinking"]
        return shown

    def incomplete_reason(self) -> str | None:
        """Why the answer is not whole, in words; None if it is."""
        if self.complete:
            return None
        if self.error is not None:
            return f"it broke off: {self.error['message']}"
        if self.stop_reason is None:
            return "the stream ended before the answer did"
        return _REASONS.get(self.stop_reason, f"it stopped with `{self.stop_reason}`")


_REASONS = {
    "max_tokens": "it reached --max-tokens",
    "refusal": "the model refused to go on",
    "model_context_window_exceeded": "the model's context window is full",
    "pause_turn": "the model paused its turn",
    "guardrail_intervened": "a guardrail stepped in",
    "content_filtered": "a content filter stepped in",
}


def collect(
    events: Iterable[Event], answer: Answer, now: Any, started: float | None = None
) -> Iterator[Event]:
    """Pass events on while `answer` is filled from them.

    `now()` gives seconds on a monotonic clock. What the stream raises is passed on after the
    times are set, with all that arrived kept in `answer`.
    """
    begun = now() if started is None else started
    parts: list[str] = []
    try:
        for event in events:
            match event:
                case Text(text):
                    if answer.first_token_ms is None:
                        answer.first_token_ms = round((now() - begun) * 1000)
                    parts.append(text)
                case Thinking(text):
                    answer.thinking = (answer.thinking or "") + text
                case Counted(usage):
                    answer.usage = usage
                case Started(request_id):
                    answer.request_id = request_id
                case Stopped(stop_reason):
                    answer.stop_reason = stop_reason
                    answer.complete = stop_reason in WHOLE
                case Broken(error):
                    answer.error = error.as_json() | {"retry": "maybe-billed"}
                case Moved(model_id, endpoint):
                    answer.model, answer.endpoint = model_id, endpoint
                case Waiting(attempt=attempt):
                    answer.attempts = attempt + 1
            yield event
    finally:
        answer.text = "".join(parts)
        answer.latency_ms = round((now() - begun) * 1000)


def fenced(text: str, language: str | None = None) -> str | None:
    """The inside of the first fenced code block, of `language` if one is named; None without one.

    A block that is never closed runs to the end of the text.
    """
    lines = text.splitlines(keepends=True)
    for start, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        mark, info = fence["mark"], fence["info"].split()
        end = start + 1
        while end < len(lines) and not _closes(lines[end], mark):
            end += 1
        if language is None or (info and info[0].lower() == language.lower()):
            indent = len(fence["indent"])
            return "".join(_outdented(each, indent) for each in lines[start + 1 : end])
        return fenced("".join(lines[end + 1 :]), language)
    return None


_FENCE = re.compile(r"(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)\n?$")


def _closes(line: str, mark: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(mark) and bare == mark[0] * len(bare)


def _outdented(line: str, indent: int) -> str:
    return line[indent:] if not line[:indent].strip() else line
