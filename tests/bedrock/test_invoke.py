"""InvokeModel's stream: what is made of events that the sandbox never sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.answer import Counted, Event, Started, Stopped, Text, Usage
from bedrock_claude_cli.bedrock.prompt import DEFAULTS, Request
from bedrock_claude_cli.bedrock.transports import invoke
from bedrock_claude_cli.errors import UnavailableError

CALL = invoke.build(Request(DEFAULTS, "global.anthropic.claude-next-9", "Hello"))
TEXT = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Yes"}}


class Client:
    """A runtime client whose stream holds the given Messages events, or raw items."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = events
        self.closed = False

    def invoke_model_with_response_stream(self, **_: Any) -> dict[str, Any]:
        return {"ResponseMetadata": {"RequestId": "r-1"}, "body": self}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for event in self.events:
            raw = "type" not in event
            yield event if raw else {"chunk": {"bytes": json.dumps(event).encode()}}

    def close(self) -> None:
        self.closed = True


def events(*sent: dict[str, Any]) -> list[Event]:
    """What the stream is read as."""
    return list(invoke.stream(Client(*sent), CALL))


def test_what_it_does_not_know_is_passed_over() -> None:
    """New event types, block types and deltas appear without notice."""
    assert events(
        {"type": "ping"},
        {"SDK_UNKNOWN_MEMBER": {"name": "newEvent"}},
        {"type": "content_block_start", "content_block": {"type": "new_block"}},
        {"type": "content_block_delta", "delta": {"type": "new_delta", "new": 1}},
        TEXT,
        {"type": "new_event"},
    ) == [Started("r-1"), Text("Yes")]


def test_usage_grows_and_the_reason_comes_before_the_end() -> None:
    delta = {"stop_reason": "refusal"}
    assert events(
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ) == [Started("r-1"), Counted(Usage(5, 1)), Counted(Usage(5, 7)), Stopped("refusal")]


def test_an_error_event_of_the_messages_api_breaks_the_answer_off() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    stream = invoke.stream(Client(TEXT, error), CALL)
    assert [next(stream), next(stream)] == [Started("r-1"), Text("Yes")]
    with pytest.raises(UnavailableError, match="ServiceUnavailableException: Overloaded"):
        next(stream)


def test_the_connection_is_closed_when_the_reader_leaves() -> None:
    client = Client(TEXT, TEXT)
    stream = invoke.stream(client, CALL)
    assert [next(stream), next(stream)] == [Started("r-1"), Text("Yes")]
    stream.close()  # type: ignore[attr-defined]
    assert client.closed


def test_the_body_is_utf8_and_nothing_unset_is_in_it() -> None:
    request = Request(DEFAULTS, "m", "é 🦜", "Ä")
    body = invoke.build(request).arguments["body"]
    assert "é 🦜".encode() in body
    assert json.loads(body) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "é 🦜"}]}],
        "system": "Ä",
    }
