"""Converse's request and stream: what botocore takes, and events that the sandbox never sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as some

from bedrock_claude_cli.bedrock.answer import (
    Cited,
    Counted,
    Event,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolInput,
    Usage,
)
from bedrock_claude_cli.bedrock.prompt import DEFAULTS, Attachment, Options, Request, Shape
from bedrock_claude_cli.bedrock.transports import converse, converse_blocks

MODEL = "global.anthropic.claude-next-9"
CALL = converse.build(Request(DEFAULTS, MODEL, "Hello"))
SHAPE = botocore.session.Session().get_service_model("bedrock-runtime")
REQUEST = SHAPE.operation_model("ConverseStream").input_shape
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


class Client:
    """A runtime client whose stream holds the given events."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = events
        self.closed = False

    def converse_stream(self, **_: Any) -> dict[str, Any]:
        return {"ResponseMetadata": {"RequestId": "r-1"}, "stream": self}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.events)

    def close(self) -> None:
        self.closed = True


def delta(**value: Any) -> dict[str, Any]:
    """A contentBlockDelta."""
    return {"contentBlockDelta": {"delta": value, "contentBlockIndex": 0}}


def events(*sent: dict[str, Any]) -> list[Event]:
    """What the stream is read as."""
    return list(converse.stream(Client(*sent), CALL))


STOP = {"contentBlockStop": {"contentBlockIndex": 0}}
END = {"messageStop": {"stopReason": "end_turn"}}


def test_what_it_does_not_know_is_passed_over() -> None:
    """New events, blocks and deltas appear without notice."""
    assert events(
        {"messageStart": {"role": "assistant"}},
        {"SDK_UNKNOWN_MEMBER": {"name": "newEvent"}},
        {"contentBlockStart": {"start": {"SDK_UNKNOWN_MEMBER": {"name": "new"}}}},
        delta(SDK_UNKNOWN_MEMBER={"name": "new"}),
        delta(reasoningContent={"signature": "c2ln"}),
        delta(reasoningContent={"redactedContent": b"hidden"}),
        delta(text="Yes"),
    ) == [Started("r-1"), Text("Yes")]


def test_usage_comes_after_the_end() -> None:
    counts = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 23}
    cached = {"cacheReadInputTokens": 3, "cacheWriteInputTokens": 8}
    metadata = {"metadata": {"usage": counts | cached, "metrics": {"latencyMs": 1}}}
    assert events(END, metadata) == [
        Started("r-1"),
        Stopped("end_turn"),
        Counted(Usage(5, 7, 3, 8)),
    ]


def test_a_stream_without_an_end_does_not_stop() -> None:
    assert events() == [Started("r-1")]
    assert events(delta(text="Yes"), STOP) == [Started("r-1"), Text("Yes")]


def test_the_sources_of_a_block_come_after_its_text() -> None:
    page = {"documentPage": {"documentIndex": 1, "start": 3, "end": 4}}
    source = {"title": "a", "sourceContent": [{"text": "so "}, {"text": "it is"}], "location": page}
    assert events(
        delta(reasoningContent={"text": "Hm"}),
        STOP,
        delta(citation=source),
        delta(text="Yes"),
        STOP,
        delta(text="."),
        delta(citation={"location": {"web": {"url": "https://example.com"}}}),
        STOP,
        delta(toolUse={"input": '{"a"'}),
    ) == [
        Started("r-1"),
        Thinking("Hm"),
        Text("Yes"),
        Cited(
            {
                "type": "page_location",
                "cited_text": "so it is",
                "document_title": "a",
                "document_index": 1,
                "start_page_number": 3,
                "end_page_number": 4,
            }
        ),
        Text("."),
        Cited({"cited_text": "", "document_title": None}),
        ToolInput('{"a"'),
    ]


def test_the_connection_is_closed_when_the_reader_leaves() -> None:
    client = Client(delta(text="Yes"), delta(text="Yes"))
    stream = converse.stream(client, CALL)
    assert [next(stream), next(stream)] == [Started("r-1"), Text("Yes")]
    stream.close()  # type: ignore[attr-defined]
    assert client.closed


def test_earlier_turns_keep_their_thinking_and_their_sources() -> None:
    cited = {
        "type": "char_location",
        "cited_text": "so",
        "document_index": 0,
        "document_title": "a",
        "start_char_index": 2,
        "end_char_index": 4,
    }
    said = [
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "aGlkZGVu"},
        {"type": "text", "text": "Yes", "citations": [cited]},
        {"type": "text", "text": ".", "cache_control": {"type": "ephemeral"}},
    ]
    history = (
        {"role": "user", "content": [{"type": "text", "text": "Is it?"}]},
        {"role": "assistant", "content": said},
    )
    call = converse.build(Request(DEFAULTS, MODEL, "Why?", history=history))
    location = {"documentChar": {"documentIndex": 0, "start": 2, "end": 4}}
    source = {"sourceContent": [{"text": "so"}], "title": "a", "location": location}
    assert call.arguments["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": b"hidden"}},
        {"citationsContent": {"content": [{"text": "Yes"}], "citations": [source]}},
        {"text": "."},
        {"cachePoint": {"type": "default"}},
    ]
    validate_parameters(call.arguments, REQUEST)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(),
        Shape(thinking={"type": "enabled", "budget_tokens": 1024}, betas=("a",), citations=True),
        Shape(output_schema=SCHEMA),
        Shape(tool_schema=SCHEMA, tool_forced=True),
        Shape(tool_schema=SCHEMA),
    ],
)
@pytest.mark.parametrize("system", [None, "Be brief"])
def test_botocore_takes_what_is_built(shape: Shape, system: str | None) -> None:
    options = Options(
        max_tokens=9,
        temperature=0.5,
        top_p=0.5,
        stop=("END",),
        effort="low",
        cache="1h",
        guardrail="arn:aws:bedrock:us-east-1:111122223333:guardrail/abc:DRAFT",
        meta={"team": "x"},
    ).over(DEFAULTS)
    attachments = (
        Attachment("a.pdf", "application/pdf", b"%PDF-1.7", 1),
        Attachment("a.csv", "text/csv", b"a,b"),
        Attachment("b.jpg", "image/jpeg", b"\xff\xd8"),
    )
    request = Request(options, MODEL, "Hello", system, attachments, shape=shape)
    call = converse.build(request)
    validate_parameters(call.arguments, REQUEST)
    assert call.arguments["guardrailConfig"] == {
        "guardrailIdentifier": "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc",
        "guardrailVersion": "DRAFT",
    }


NAMES = some.lists(some.text(max_size=300) | some.sampled_from(["a.pdf", "a pdf", "A.PDF", "日本"]))


@given(NAMES)
def test_every_document_has_a_valid_name_of_its_own(titles: list[str]) -> None:
    taken: set[str] = set()
    names = [converse_blocks.unique_name(title, taken) for title in titles]
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9\s()\[\]-]{1,200}", name)
        assert not re.search(r"\s\s", name)
        assert name == name.strip()
    assert len({name.casefold() for name in names}) == len(titles)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("report.pdf", "report-pdf"),
        ("Q3  (final) [v2].docx", "Q3 (final) [v2]-docx"),
        ("a_b/c\\d.txt", "a-b-c-d-txt"),
        ("Übersicht café.md", "Ubersicht cafe-md"),
        ("日本.pdf", "pdf"),
        ("...", "document"),
        ("", "document"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_name_stays_what_it_was_as_far_as_it_may(title: str, name: str) -> None:
    assert converse_blocks.unique_name(title, set()) == name


def test_a_long_name_has_room_for_its_number() -> None:
    taken: set[str] = set()
    names = [converse_blocks.unique_name("x" * 300, taken) for _ in range(11)]
    assert names[1] == "x" * 196 + " (2)"
    assert names[10] == "x" * 195 + " (11)"
