"""One record of the invocation log: what is read of it, and of what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock import catalog, log_bodies, log_record
from tests.log_entries import ALICE, CHECKED, SONNET, entry, failed, streamed

KNOWN = catalog.load()
PROFILE = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/eu.{SONNET}"
APPLICATION = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc123"


def read(**fields: Any) -> log_record.Record:
    (found,) = log_record.read(json.dumps(entry(**fields)))
    return found


def test_what_a_record_says() -> None:
    found = read(
        request_id="r-1", read=5, written=7, requestMetadata={"team": "x"}, unheardOf={"a": [1]}
    )
    assert (found.request_id, found.identity) == ("r-1", ALICE)
    assert (found.base_id, found.endpoint) == (SONNET, "global")
    assert (found.input_tokens, found.output_tokens) == (1000, 100)
    assert (found.cache_read, found.cache_write) == (5, 7)
    assert found.metadata == {"team": "x"}
    assert (found.prompt, found.answer, found.stop_reason) == ("Hello", "Hi there", "end_turn")


@pytest.mark.parametrize(
    "line",
    [
        *(CHECKED, "", "null", "7", '"text"', "[]", "[[]]", "{", "[" * 100_000, "1" * 5000),
        json.dumps(entry() | {"schemaType": "Other"}),
        json.dumps({"requestId": "a"}),
    ],
    ids=lambda line: line[:20],
)
def test_a_line_that_is_no_record_is_skipped(line: str) -> None:
    assert log_record.read(line) == []


def test_a_line_may_be_an_array_of_records_and_other_things() -> None:
    line = json.dumps([entry("a"), 1, {"schemaType": "Other"}, entry("b")])
    assert [each.request_id for each in log_record.read(line)] == ["a", "b"]


def test_missing_counts_are_unknown_not_zero() -> None:
    (found,) = log_record.read(json.dumps(failed("a")))
    assert (found.input_tokens, found.output_tokens) == (None, None)
    assert (found.cache_read, found.cache_write) == (None, None)
    assert log_record.cost(found, KNOWN, None) is None
    assert (found.prompt, found.answer, found.stop_reason) == (None, None, None)
    assert found.error_code == "ThrottlingException"


@pytest.mark.parametrize(
    "model_id, short, endpoint",
    [
        (PROFILE, f"eu.{SONNET}", "eu"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}", SONNET, "in-region"),
        (f"us.{SONNET}", f"us.{SONNET}", "us"),
        (SONNET, SONNET, "in-region"),
    ],
)
def test_the_arn_of_a_profile_is_its_id_and_keeps_the_endpoint(
    model_id: str, short: str, endpoint: str
) -> None:
    found = read(modelId=model_id)
    assert (found.model_id, found.base_id, found.endpoint) == (short, SONNET, endpoint)


@pytest.mark.parametrize("count", [True, "5", 5.5, -5, [5]])
def test_what_is_no_count_counts_as_missing(count: Any) -> None:
    assert read(tokens_in=count).input_tokens is None


def test_an_application_profile_hides_its_model_and_price() -> None:
    found = read(modelId=APPLICATION)
    assert (found.model_id, found.base_id, found.endpoint) == (APPLICATION, None, None)
    assert log_record.cost(found, KNOWN, None) is None


def test_the_endpoint_decides_on_the_price() -> None:
    whole = log_record.cost(read(), KNOWN, None)
    regional = log_record.cost(read(modelId=PROFILE), KNOWN, None)
    assert whole == pytest.approx((1000 * 3 + 100 * 15) / 1e6)
    assert regional == pytest.approx((whole or 0) * 1.1)
    own = {"sonnet-4.5": {"input": 1.0, "output": 1.0}}
    assert log_record.cost(read(), KNOWN, own) == pytest.approx(1100 / 1e6)


def test_cached_tokens_are_paid_beside_the_others() -> None:
    found = log_record.cost(read(tokens_in=1, read=238_604, written=10, tokens_out=0), KNOWN, None)
    assert found == pytest.approx((1 * 3 + 238_604 * 0.3 + 10 * 3.75) / 1e6)


@pytest.mark.parametrize(
    "written, shown",
    [
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z"),
        ("2026-11-20T10:00:00.123456", "2026-11-20T10:00:00Z"),
        ("yesterday", "yesterday"),
    ],
)
def test_times_are_told_in_utc(written: str, shown: str) -> None:
    assert read(timestamp=written).timestamp == shown


def _user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def _delta(index: int, **delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
FIELDS = sorted({*entry(), "errorCode", "requestMetadata", "status"} - {"schemaType"})
BODY = ("messages", "system", "content", "output", "delta", "contentBlockDelta", "text", "type")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_a_field_of_any_type_is_read_or_counts_as_missing(fields: dict[str, Any]) -> None:
    found = log_record.record({**entry(), **fields})
    assert found.input_tokens is None or found.input_tokens >= 0
    assert log_record.cost(found, KNOWN, None) is None or found.base_id


SHAPED = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(BODY), inner),
    max_leaves=12,
)


@given(SHAPED)
def test_a_body_of_any_shape_is_text_or_nothing(body: Any) -> None:
    for read_body in (log_bodies.prompt, log_bodies.answer, log_bodies.stop_reason):
        told = read_body(body)
        assert told is None or isinstance(told, str)


@pytest.mark.parametrize(
    "body, text",
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, "Hi"),
        ({"messages": [{"role": "user", "content": [{"text": "Hi"}, {"text": "you"}]}]}, "Hi\nyou"),
        (
            {"system": "Be brief", "messages": [{"role": "user", "content": "Hi"}]},
            "[system]\nBe brief\n\n[user]\nHi",
        ),
        (
            {"system": [{"text": "S"}], "messages": [{"role": "user", "content": [{"text": "Q"}]}]},
            "[system]\nS\n\n[user]\nQ",
        ),
        (
            _user({"type": "image", "source": {"data": "x"}}),
            "[image]",
        ),
        (
            _user({"document": {"name": "A b", "source": {}}}),
            "[document A b]",
        ),
        (
            {"messages": [{"role": "assistant", "content": [
                {"toolUse": {"name": "find", "input": {"q": "é"}}}]}]},
            '[assistant]\n[tool_use find] {"q": "é"}',
        ),
        ("a text of its own", "a text of its own"),
        (None, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_prompt_as_text(body: Any, text: str | None) -> None:
    assert log_bodies.prompt(body) == text


CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1},
}
CONVERSE_STREAM = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"delta": {"text": "Hi "}, "contentBlockIndex": 0}},
    {"contentBlockDelta": {"delta": {"text": "you"}, "contentBlockIndex": 0}},
    {"contentBlockStart": {"start": {"toolUse": {"name": "find"}}, "contentBlockIndex": 1}},
    {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"q":'}}, "contentBlockIndex": 1}},
    {"contentBlockDelta": {"delta": {"toolUse": {"input": "1}"}}, "contentBlockIndex": 1}},
    {"messageStop": {"stopReason": "tool_use"}},
    {"metadata": {"usage": {"inputTokens": 1}}},
]
THINKING_STREAM = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
    _delta(0, thinking="h"),
    _delta(0, thinking="m"),
    _delta(0, signature="s"),
    _delta(1, text="Hi"),
    {"type": "content_block_start", "index": 2, "content_block": {
        "type": "tool_use", "name": "find", "input": {}}},
    {"type": "content_block_delta", "index": 2, "delta": {
        "type": "input_json_delta", "partial_json": '{"q":1}'}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
]  # fmt: skip


@pytest.mark.parametrize(
    "body, text, stop",
    [
        (streamed("Hi ", "you", stop="max_tokens"), "Hi you", "max_tokens"),
        ({"content": [{"type": "text", "text": "Hi"}], "stop_reason": "refusal"}, "Hi", "refusal"),
        (CONVERSE, "Hi", "end_turn"),
        (CONVERSE_STREAM, 'Hi you\n[tool_use find] {"q":1}', "tool_use"),
        (THINKING_STREAM, '[thinking] hm\nHi\n[tool_use find] {"q":1}', "tool_use"),
        ([], "", None),
        ({"content": []}, "", None),
        ({"message": "ThrottlingException"}, None, None),
        (None, None, None),
    ],
)
def test_an_answer_put_back_together(body: Any, text: str | None, stop: str | None) -> None:
    assert log_bodies.answer(body) == text
    assert log_bodies.stop_reason(body) == stop
