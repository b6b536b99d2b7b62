"""InvokeModel, Converse, their streams and CountTokens, as boto3 sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import GLOBAL, Start, body, boto, chunks, text_of

ASK = [{"role": "user", "content": [{"text": "Hello, world"}]}]


def test_invoke_model_answers_with_canned_text_that_says_so(start: Start) -> None:
    start()
    response = boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body("Why is it blue?"))
    message = json.loads(response["body"].read())
    text = message["content"][0]["text"]
    assert "canned" in text
    assert "nothing was sent to AWS" in text
    assert "Why is it blue?" in text
    assert (message["type"], message["role"]) == ("message", "assistant")
    assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)
    assert message["id"].startswith("msg_bdrk_")
    assert message["model"] == "claude-sonnet-4-5-20250929"
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == str(message["usage"]["input_tokens"])
    assert headers["x-amzn-bedrock-output-token-count"] == str(message["usage"]["output_tokens"])
    assert headers["x-amzn-requestid"] == response["ResponseMetadata"]["RequestId"]


def test_stream_has_the_events_of_the_messages_api(start: Start) -> None:
    start()
    response = boto("bedrock-runtime").invoke_model_with_response_stream(
        modelId=GLOBAL, body=body()
    )
    assert response["contentType"] == "application/json"
    events = chunks(response)
    kinds = [event["type"] for event in events]
    deltas = kinds.count("content_block_delta")
    assert deltas > 5
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert "Hello, world" in text_of(events)
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["outputTokenCount"] == events[-2]["usage"]["output_tokens"]
    assert metrics["inputTokenCount"] == events[0]["message"]["usage"]["input_tokens"]


def test_stream_and_whole_answer_say_the_same(start: Start) -> None:
    start()
    runtime = boto("bedrock-runtime")
    whole = json.loads(runtime.invoke_model(modelId=GLOBAL, body=body())["body"].read())
    stream = runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body())
    assert text_of(chunks(stream)) == whole["content"][0]["text"]


def test_converse_answers(start: Start) -> None:
    start()
    answer = boto("bedrock-runtime").converse(modelId=GLOBAL, messages=ASK)
    assert "canned" in answer["output"]["message"]["content"][0]["text"]
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]


def test_converse_stream_sends_usage_after_message_stop(start: Start) -> None:
    start()
    response = boto("bedrock-runtime").converse_stream(modelId=GLOBAL, messages=ASK)
    events = list(response["stream"])
    names = [next(iter(event)) for event in events]
    assert names[0] == "messageStart"
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events[1:-3]]
    assert len(deltas) > 5
    assert "Hello, world" in "".join(deltas)
    assert events[-1]["metadata"]["usage"]["outputTokens"] > 0


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}])
def test_thinking_comes_first_when_it_is_asked_for(start: Start, thinking: dict[str, Any]) -> None:
    start()
    runtime = boto("bedrock-runtime")
    asked = body(max_tokens=2000, thinking=thinking)
    whole = json.loads(runtime.invoke_model(modelId=GLOBAL, body=asked)["body"].read())
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["content"][0]["signature"]
    events = chunks(runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=asked))
    starts = [event["content_block"]["type"] for event in events if "content_block" in event]
    assert starts == ["thinking", "text"]
    converse = runtime.converse(
        modelId=GLOBAL,
        messages=ASK,
        inferenceConfig={"maxTokens": 2000},
        additionalModelRequestFields={"thinking": thinking},
    )
    first, second = converse["output"]["message"]["content"]
    assert first["reasoningContent"]["reasoningText"]["text"]
    assert second["text"]


def test_stop_sequence_cuts_the_text(start: Start) -> None:
    start({"reply": {"text": "one two STOP three"}})
    runtime = boto("bedrock-runtime")
    response = runtime.invoke_model(modelId=GLOBAL, body=body(stop_sequences=["STOP"]))
    message = json.loads(response["body"].read())
    assert message["content"][0]["text"] == "one two "
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "STOP")
    answer = runtime.converse(
        modelId=GLOBAL, messages=ASK, inferenceConfig={"stopSequences": ["two"]}
    )
    assert answer["stopReason"] == "stop_sequence"
    assert answer["output"]["message"]["content"][0]["text"] == "one "


def test_answer_over_max_tokens_is_cut(start: Start) -> None:
    start({"reply": {"words": 50}})
    runtime = boto("bedrock-runtime")
    message = json.loads(
        runtime.invoke_model(modelId=GLOBAL, body=body(max_tokens=10))["body"].read()
    )
    assert message["stop_reason"] == "max_tokens"
    assert message["usage"]["output_tokens"] == 10
    whole = json.loads(
        runtime.invoke_model(modelId=GLOBAL, body=body(max_tokens=50))["body"].read()
    )
    assert whole["stop_reason"] == "end_turn"
    assert len(whole["content"][0]["text"].split()) == 50


@pytest.mark.parametrize(
    ("model", "region"),
    [
        (GLOBAL, "sa-east-1"),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "us-east-1"),
        ("eu.anthropic.claude-opus-4-6-v1", "eu-west-2"),
        ("anthropic.claude-opus-4-6-v1", "eu-west-2"),
        ("arn:aws:bedrock:eu-west-2::foundation-model/anthropic.claude-opus-5-5", "eu-west-2"),
        (f"arn:aws:bedrock:us-west-2:000000000000:inference-profile/{GLOBAL}", "us-west-2"),
        ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "us-gov-west-1"),
        ("jp.anthropic.claude-haiku-4-5-20251001-v1:0", "ap-northeast-3"),
    ],
)
def test_models_that_a_region_offers_answer(start: Start, model: str, region: str) -> None:
    start()
    response = boto("bedrock-runtime", region).invoke_model(modelId=model, body=body())
    assert json.loads(response["body"].read())["content"]


@pytest.mark.parametrize("kind", [":foundation-model/", ":000000000000:inference-profile/"])
def test_an_arn_of_another_kind_than_its_id_is_invalid(start: Start, kind: str) -> None:
    start()
    runtime = boto("bedrock-runtime", "eu-west-2")
    name = "anthropic.claude-opus-4-6-v1" if "profile" in kind else GLOBAL
    arn = f"arn:aws:bedrock:eu-west-2:{kind}{name}".replace("::000", ":000")
    with pytest.raises(runtime.exceptions.ValidationException, match="identifier is invalid"):
        runtime.invoke_model(modelId=arn, body=body())


def test_count_tokens_takes_both_forms(start: Start) -> None:
    start()
    runtime, base = boto("bedrock-runtime"), GLOBAL[7:]
    prompt = "x" * 4000
    invoke = runtime.count_tokens(modelId=base, input={"invokeModel": {"body": body(prompt)}})
    assert invoke["inputTokens"] == 1000
    messages = [{"role": "user", "content": [{"text": prompt}]}]
    converse = runtime.count_tokens(modelId=base, input={"converse": {"messages": messages}})
    assert converse["inputTokens"] == 1000


def test_prefill_and_several_turns_are_taken(start: Start) -> None:
    sandbox = start()
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": [{"type": "text", "text": "c"}]},
        {"role": "assistant", "content": "{"},
    ]
    response = boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body(messages=turns))
    assert '"c"' in json.loads(response["body"].read())["content"][0]["text"]
    assert sandbox.requests[0]["body"]["messages"] == turns
