"""From events to the one shape of an answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bedrock_claude_cli.bedrock.answer import (
    Answer,
    Broken,
    Counted,
    Event,
    Moved,
    Sent,
    Started,
    Stopped,
    Text,
    Thinking,
    Usage,
    collect,
)
from bedrock_claude_cli.errors import IncompleteError


class Clock:
    """A tenth of a second passes between two looks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 0.1
        return self.seconds


def gathered(*events: Event) -> Answer:
    """What the events make of an empty answer."""
    answer = Answer(model="m", endpoint="global")
    assert tuple(collect(iter(events), answer, Clock())) == events
    return answer


def test_a_whole_answer() -> None:
    answer = gathered(
        Sent(),
        Started("r-1"),
        Counted(Usage(3, 1)),
        Thinking("hm"),
        Text("Good "),
        Text("day"),
        Counted(Usage(3, 9)),
        Stopped("end_turn"),
    )
    shown = answer.as_json()
    assert shown["text"] == "Good day"
    assert shown["complete"] is True
    assert shown["usage"]["output_tokens"] == 9
    assert (shown["request_id"], shown["attempts"]) == ("r-1", 1)
    assert (shown["first_token_ms"], shown["latency_ms"]) == (100, 200)
    assert "thinking" not in shown
    assert answer.thinking == "hm"
    assert answer.shortfall() is None


def test_nothing_at_all_is_null_and_not_missing() -> None:
    shown = gathered().as_json()
    assert shown["text"] == ""
    assert shown["complete"] is False
    for key in ("usage", "cost_usd", "request_id", "first_token_ms", "stop_reason", "error"):
        assert shown[key] is None


def test_what_broke_off_names_the_request_and_keeps_the_text() -> None:
    error = IncompleteError("gone", code="Gone", hint="wait", retry="maybe-billed")
    answer = gathered(Sent(), Started("r-1"), Text("par"), Broken(error))
    assert answer.text == "par"
    assert answer.error == {
        "code": "Gone",
        "message": "gone",
        "hint": "wait",
        "exit_code": 10,
        "request_id": "r-1",
        "retry": "maybe-billed",
    }
    assert answer.shortfall() == ("gone (request r-1)", "wait")


def test_every_request_counts_and_the_id_that_was_sent_last_stays() -> None:
    answer = gathered(Sent(), Moved("eu.m", "eu"), Sent(), Started(None), Stopped("end_turn"))
    assert (answer.attempts, answer.model, answer.endpoint) == (2, "eu.m", "eu")


def test_times_count_from_the_first_request() -> None:
    """Loading the SDK and making a client is not the answer's time; a wait between tries is."""

    def events() -> Iterator[Event]:
        clock.seconds += 5
        yield Sent()
        clock.seconds += 1
        yield Sent()
        yield Text("Yes")

    clock, answer = Clock(), Answer()
    list(collect(events(), answer, clock))
    assert answer.first_token_ms == 1100


@pytest.mark.parametrize("how", [KeyboardInterrupt, ValueError])
def test_what_arrived_before_an_exception_is_kept(how: type[BaseException]) -> None:
    def events() -> Iterator[Event]:
        yield Text("par")
        raise how

    answer = Answer()
    with pytest.raises(how):
        list(collect(events(), answer, Clock()))
    assert answer.text == "par"
    assert answer.latency_ms is not None


def test_what_arrived_before_the_reader_left_is_kept() -> None:
    answer = Answer()
    stream = collect(iter([Text("par"), Text("tial")]), answer, Clock())
    next(stream)
    stream.close()
    assert answer.text == "par"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("max_tokens", "--max-tokens"),
        ("refusal", "refused"),
        ("guardrail_intervened", "guardrail"),
        ("content_filtered", "filter"),
        ("new", "`new`"),
        (None, "without a reason"),
    ],
)
def test_a_stop_that_is_no_end_says_why(reason: str | None, words: str) -> None:
    shortfall = gathered(Stopped(reason)).shortfall()
    assert shortfall is not None
    assert words in shortfall[0]


def test_a_later_count_replaces_what_it_names() -> None:
    first = Usage.read({"input_tokens": 5, "output_tokens": 1, "service_tier": "x"})
    second = Usage.read({"output_tokens": 7, "cache_read_input_tokens": None}, first)
    assert second == Usage(5, 7, 0, 0)
