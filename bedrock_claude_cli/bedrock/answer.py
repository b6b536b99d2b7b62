"""What comes back: the events of a streamed answer, and the one shape they end in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bedrock_claude_cli.errors import CliError


class Usage(NamedTuple):
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
        return base._replace(**known)


_KEYS = Usage._fields


# Named tuples: each costs a fifth of a dataclass when the module loads, and every `ask` loads it.


class Sent(NamedTuple):
    """A request goes out, the first or one more."""


class Started(NamedTuple):
    """AWS took the request; from here on it may be billed."""

    request_id: str | None = None


class Text(NamedTuple):
    """A piece of the answer's text."""

    text: str


class Thinking(NamedTuple):
    """A piece of the model's thinking."""

    text: str


class ToolInput(NamedTuple):
    """A piece of the JSON that the model hands to the one tool it was given."""

    text: str


class Cited(NamedTuple):
    """A source of the text just before it, in the Messages API's shape.

    `number` is its place in the answer's list of sources, from 1; 0 before anybody counted.
    """

    citation: Mapping[str, Any]
    number: int = 0


class Counted(NamedTuple):
    """Token counts so far; a later event replaces an earlier one."""

    usage: Usage


class Stopped(NamedTuple):
    """The model's own end: the message is whole as far as the wire is concerned."""

    stop_reason: str | None


class Waiting(NamedTuple):
    """A wait before attempt `attempt` of `most`: nothing of the last one can have been billed."""

    seconds: float
    cause: str
    attempt: int
    most: int


class Note(NamedTuple):
    """Something the user should know about how the answer was got."""

    text: str


class Moved(NamedTuple):
    """The request goes to another id than the one that was resolved first."""

    model_id: str
    endpoint: str | None


class Broken(NamedTuple):
    """The answer broke off after AWS had taken the request; what arrived may be billed."""

    error: CliError


Event = (
    Sent | Moved | Broken | Started | Text | Thinking | ToolInput | Cited | Counted | Stopped
    | Waiting | Note
)  # fmt: skip

# Where a citation points to: pages from 1, characters and blocks from 0, each end exclusive.
_PLACES = (
    "document_index", "start_page_number", "end_page_number", "start_char_index",
    "end_char_index", "start_block_index", "end_block_index",
)  # fmt: skip
_SOURCE = ("type", "cited_text", "document_title", *_PLACES)
WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})


@dataclass(eq=False, repr=False)  # half the time that the class takes
class Answer:
    """The one shape of an answer; docs/json.md describes every key. Times in milliseconds."""

    text: str = ""
    parsed: Any = None
    citations: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    complete: bool = False
    usage: Usage | None = None
    cost_usd: float | None = None
    prices: str | None = None
    model: str | None = None
    endpoint: str | None = None
    region: str | None = None
    via: str | None = None
    request_id: str | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    attempts: int = 0
    error: dict[str, Any] | None = None
    thinking: str | None = None
    tool_input: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Every key of docs/json.md, null where there is nothing."""
        shown = dict(vars(self))  # asdict would copy all that is inside
        if self.usage is not None:
            shown["usage"] = self.usage._asdict()
        del shown["thinking"], shown["tool_input"]
        return shown

    def cite(self, citation: Mapping[str, Any], position: int) -> int:
        """Note a source of the text before `position` (characters); its number, from 1.

        What cites the same place of the same document has the same number.
        """
        listed = self.citations = self.citations if self.citations is not None else []
        place = {key: citation.get(key) for key in _PLACES}
        same = (each for each in listed if all(each.get(key) == place[key] for key in _PLACES))
        highest = max((each["number"] for each in listed), default=0)
        number: int = next((each["number"] for each in same), highest + 1)
        source = {key: citation.get(key) for key in _SOURCE}
        listed.append({"number": number, "position": position, **source})
        return number

    def shortfall(self) -> tuple[str, str | None] | None:
        """Why the answer is not whole and what would help, in words; None if it is whole."""
        if self.complete:
            return None
        if self.error is not None:
            which = f" (request {self.request_id})" if self.request_id else ""
            return f"{self.error['message']}{which}", self.error["hint"]
        if self.stop_reason is None:
            return "it ended without a reason", None
        unknown = f"it stopped with `{self.stop_reason}`"
        return _SHORTFALLS.get(self.stop_reason, (unknown, None))


_SHORTFALLS = {
    "max_tokens": ("it reached the limit of --max-tokens", "raise --max-tokens"),
    "refusal": ("the model refused to go on", None),
    "model_context_window_exceeded": (
        "the model's context window is full",
        "ask about a part of it, or use a model with a larger context",
    ),
    "pause_turn": ("the model paused its turn", None),
    "guardrail_intervened": ("a guardrail stepped in", None),
    "content_filtered": ("a content filter stepped in", None),
}


def collect(
    events: Iterable[Event], answer: Answer, now: Callable[[], float]
) -> Generator[Event, None, None]:
    """Pass events on while `answer` is filled from them.

    `now()` gives seconds on a monotonic clock; times count from the first Sent. What the stream
    raises is passed on after the times are set, with all that arrived kept in `answer`.
    """
    begun = now()
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
                case ToolInput(text):
                    answer.tool_input = (answer.tool_input or "") + text
                case Cited(citation):
                    number = answer.cite(citation, sum(map(len, parts)))
                    event = Cited(citation, number)
                case Counted(usage):
                    answer.usage = usage
                case Sent():
                    begun = begun if answer.attempts else now()
                    answer.attempts += 1
                case Started(request_id):
                    answer.request_id = request_id
                case Stopped(stop_reason):
                    answer.stop_reason = stop_reason
                    answer.complete = stop_reason in WHOLE
                case Broken(error):
                    answer.error = error.as_json() | {"request_id": answer.request_id}
                case Moved(model_id, endpoint):
                    answer.model, answer.endpoint = model_id, endpoint
            yield event
    finally:
        answer.text = "".join(parts)
        answer.latency_ms = round((now() - begun) * 1000)
