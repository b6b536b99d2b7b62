"""Cache points, which are written once and read after that; guardrails; the log's metadata."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sandbox.asking import asks, pdf
from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.test_refusals import refused

LONG = "x" * 8000  # 2,000 tokens; Sonnet 4.5 caches from 1,024
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
POINT = {"cachePoint": {"type": "default"}}


def used(prompt: str = "Hello", model: str = GLOBAL, **fields: Any) -> tuple[int, ...]:
    """Input tokens that were new, read from the cache, and written to it."""
    answer = boto("bedrock-runtime").invoke_model(modelId=model, body=body(prompt, **fields))
    usage = json.loads(answer["body"].read())["usage"]
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return tuple(usage[name] for name in names)


def marked(text: str, **mark: Any) -> list[dict[str, Any]]:
    """A system prompt of one block."""
    return [{"type": "text", "text": text, **(mark or MARK)}]


def test_a_prefix_is_written_once_and_then_read(start: Start) -> None:
    start()
    assert used("Hello", system=marked(LONG)) == (2, 0, 2000)
    assert used("Hello", system=marked(LONG)) == (2, 2000, 0)
    assert used("Something else", system=marked(LONG)) == (4, 2000, 0)
    assert used("Hello", system=marked(LONG + "y")) == (2, 0, 2001)


def test_a_short_prefix_is_not_kept(start: Start) -> None:
    start()
    for _ in range(2):
        assert used(system=marked("x" * 4000)) == (1002, 0, 0)


def test_each_model_keeps_its_own(start: Start) -> None:
    start()
    used(system=marked(LONG * 4))
    assert used(model="us." + GLOBAL[7:], system=marked(LONG * 4))[1] == 8000
    haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert used(model=haiku, system=marked(LONG * 4))[1] == 0


def test_a_longer_conversation_reads_the_shorter_one(start: Start) -> None:
    start()
    document = pdf(cited=False) | MARK
    first = asks(document)
    new, read, written = used(messages=first)
    assert (read, written > 6_900) == (0, True)
    more = [*first, {"role": "assistant", "content": "It is."}]
    last = {"role": "user", "content": [{"type": "text", "text": "Why?", **MARK}]}
    assert used(messages=[*more, last])[1:] == (written, new + 3)


def test_sandboxes_do_not_share_their_caches(start: Start) -> None:
    for _ in range(2):
        start()
        assert used(system=marked(LONG))[2] == 2000


def test_converse_marks_what_stands_before_a_cache_point(start: Start) -> None:
    start()
    runtime = boto("bedrock-runtime")
    arguments = {
        "modelId": GLOBAL,
        "system": [{"text": LONG}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": [{"text": LONG}, POINT, {"text": "Hello"}]}],
    }
    usage = runtime.converse(**arguments)["usage"]
    assert usage["cacheDetails"] == [
        {"ttl": "5m", "inputTokens": 2000},
        {"ttl": "1h", "inputTokens": 2000},
    ]
    assert (usage["cacheWriteInputTokens"], usage["inputTokens"]) == (4000, 2)
    assert usage["totalTokens"] == 4002 + usage["outputTokens"]
    events = list(runtime.converse_stream(**arguments)["stream"])
    usage = events[-1]["metadata"]["usage"]
    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (4000, 0)


def test_the_stream_tells_of_the_cache_at_its_start_and_end(start: Start) -> None:
    start()
    runtime = boto("bedrock-runtime")
    asked = body(system=marked(LONG, **HOUR))
    stream = runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=asked)["body"]
    events = [json.loads(event["chunk"]["bytes"]) for event in stream]
    usage = events[0]["message"]["usage"]
    assert usage["cache_creation"]["ephemeral_1h_input_tokens"] == 2000
    assert events[-1]["amazon-bedrock-invocationMetrics"]["cacheWriteInputTokenCount"] == 2000


BLOCK = {"type": "text", "text": "a"}
SPEC = {"name": "a", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"messages": asks(*[BLOCK | MARK] * 5)},
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            {"tools": [SPEC | MARK], "messages": asks(*[BLOCK | MARK] * 4)},
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            {"system": marked("a"), "messages": asks(BLOCK | HOUR)},
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.",
        ),
        (
            {"system": marked("a", cache_control={"type": "ephemeral", "ttl": "2h"})},
            "system.0.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
        ),
        ({"system": marked("a", cache_control=True)}, "system.0.cache_control.type: Input should"),
        ({"cache_control": {"type": "ephemeral"}}, "cache_control: Extra inputs are not permitted"),
    ],
)
def test_cache_points_that_are_refused(start: Start, fields: dict[str, Any], said: str) -> None:
    start()
    answer = refused(boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=body(**fields))
    assert answer[2].startswith(said)


def test_cache_points_that_converse_refuses(start: Start) -> None:
    start()
    call = boto("bedrock-runtime").converse
    many = [{"role": "user", "content": [{"text": "a"}, POINT] * 5}]
    assert "Found 5." in refused(call, modelId=GLOBAL, messages=many)[2]
    first = [{"role": "user", "content": [POINT, {"text": "a"}]}]
    assert "needs a block before it" in refused(call, modelId=GLOBAL, messages=first)[2]
    odd = [{"role": "user", "content": [{"text": "a"}, {"cachePoint": {"type": "odd"}}]}]
    assert "enum value set: [default]" in refused(call, modelId=GLOBAL, messages=odd)[2]


NAMED = {"guardrailIdentifier": "gr1abc", "guardrailVersion": "DRAFT"}


def test_a_guardrail_that_steps_in(start: Start) -> None:
    start({"when": {"prompt": "bad"}, "reply": {"stop_reason": "guardrail_intervened"}})
    runtime = boto("bedrock-runtime")
    action = "amazon-bedrock-guardrailAction"
    for prompt, done in (("bad", "INTERVENED"), ("good", "NONE")):
        answer = runtime.invoke_model(modelId=GLOBAL, body=body(prompt), **NAMED)
        message = json.loads(answer["body"].read())
        assert (message[action], message["stop_reason"]) == (done, "end_turn")
        stream = runtime.invoke_model_with_response_stream(
            modelId=GLOBAL, body=body(prompt), **NAMED
        )
        assert json.loads(list(stream["body"])[-1]["chunk"]["bytes"])[action] == done
    messages = [{"role": "user", "content": [{"text": "bad"}]}]
    answer = runtime.converse(modelId=GLOBAL, messages=messages, guardrailConfig=NAMED)
    assert answer["stopReason"] == "guardrail_intervened"
    plain = runtime.invoke_model(modelId=GLOBAL, body=body("good"))
    assert action not in json.loads(plain["body"].read())


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({**NAMED, "guardrailIdentifier": "My Guardrail"}, "'guardrailIdentifier' failed to"),
        ({**NAMED, "guardrailVersion": "latest"}, "'guardrailVersion' failed to satisfy"),
        ({"guardrailIdentifier": "gr1abc"}, "must be given together"),
        ({"guardrailVersion": "1"}, "must be given together"),
    ],
)
def test_guardrails_that_are_none(start: Start, named: dict[str, str], said: str) -> None:
    start()
    runtime = boto("bedrock-runtime")
    assert said in refused(runtime.invoke_model, modelId=GLOBAL, body=body(), **named)[2]
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    arguments = {"modelId": GLOBAL, "messages": messages, "guardrailConfig": named}
    assert said in refused(runtime.converse, **arguments)[2]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"tool_input": [1]}, "rules[0].reply.tool_input: must be a mapping"),
        ({"citations": {}}, "rules[0].reply.citations: must be a list of mappings whose type"),
        ({"citations": [{"type": "web"}]}, "rules[0].reply.citations: must be a list of mappings"),
    ],
)
def test_rules_that_give_no_such_thing(start: Start, reply: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        start({"reply": reply})
