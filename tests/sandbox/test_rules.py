"""Rules: who they apply to, how often, and what they make of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EventStreamError,
    ResponseStreamingError,
)
from urllib3.exceptions import ProtocolError

from bedrock_claude_cli.sandbox import RuleError, Sandbox
from tests.sandbox.conftest import GLOBAL, Start, body, boto, chunks, text_of

OTHER = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
ASK = [{"role": "user", "content": [{"text": "Hello, world"}]}]


def said(prompt: str = "Hello, world", model: str = GLOBAL, region: str = "us-east-1") -> str:
    """The text that InvokeModel answers."""
    response = boto("bedrock-runtime", region).invoke_model(modelId=model, body=body(prompt))
    text: str = json.loads(response["body"].read())["content"][0]["text"]
    return text


def stream() -> list[dict[str, Any]]:
    """The events that InvokeModelWithResponseStream sends."""
    runtime = boto("bedrock-runtime")
    return chunks(runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body()))


def test_first_rule_that_is_not_spent_wins(start: Start) -> None:
    start({"times": 2, "reply": {"text": "first"}}, {"reply": {"text": "second"}})
    assert [said() for _ in range(4)] == ["first", "first", "second", "second"]


def test_when_takes_globs_and_a_regex(start: Start) -> None:
    start(
        {"when": {"prompt": r"(?i)^sum\w+ this"}, "reply": {"text": "by prompt"}},
        {"when": {"model": "*haiku*"}, "reply": {"text": "by model"}},
        {"when": {"region": "eu-*"}, "reply": {"text": "by region"}},
        {"when": {"operation": "Converse*"}, "reply": {"text": "by operation"}},
    )
    assert said("Summarise this") == "by prompt"
    assert said(model=OTHER) == "by model"
    assert said(region="eu-west-1") == "by region"
    assert "canned" in said()
    answer = boto("bedrock-runtime").converse(modelId=GLOBAL, messages=ASK)
    assert answer["output"]["message"]["content"][0]["text"] == "by operation"


def test_when_takes_a_regex_for_the_whole_body(start: Start) -> None:
    start({"when": {"body": r'"max_tokens": 25\d\b'}, "reply": {"text": "by body"}})
    assert said() == "by body"
    runtime = boto("bedrock-runtime")
    response = runtime.invoke_model(modelId=GLOBAL, body=body(max_tokens=99))
    assert "by body" not in response["body"].read().decode()


def test_reply_sets_everything_that_an_answer_has(start: Start) -> None:
    usage = {
        "input_tokens": 7,
        "output_tokens": 8,
        "cache_read_input_tokens": 9,
        "cache_creation_input_tokens": 10,
    }
    reply = {"text": "so", "thinking": "hm", "stop_reason": "refusal", "usage": usage}
    start({"reply": reply})
    runtime = boto("bedrock-runtime")
    response = runtime.invoke_model(modelId=GLOBAL, body=body())
    message = json.loads(response["body"].read())
    assert [block.get("thinking") or block["text"] for block in message["content"]] == ["hm", "so"]
    assert message["stop_reason"] == "refusal"
    assert message["usage"] == usage
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-cache-read-input-token-count"] == "9"
    assert headers["x-amzn-bedrock-cache-write-input-token-count"] == "10"
    assert stream()[-2]["delta"]["stop_reason"] == "refusal"
    converse = runtime.converse(modelId=GLOBAL, messages=ASK)
    assert converse["usage"] == {
        "inputTokens": 7,
        "outputTokens": 8,
        "totalTokens": 34,
        "cacheReadInputTokens": 9,
        "cacheWriteInputTokens": 10,
    }


def test_reply_of_words_streams_one_delta_a_word(start: Start) -> None:
    start({"reply": {"words": 200}})
    events = stream()
    assert sum(event["type"] == "content_block_delta" for event in events) == 200
    assert len(text_of(events).split()) == 200


def test_text_keeps_every_character(start: Start) -> None:
    text = "\n  indented\t\u00e9\u4e16\u754c \x1b[31m\n\nend \n"
    start({"reply": {"text": text}})
    assert said() == text
    assert text_of(stream()) == text


def test_empty_text_is_an_answer_without_content(start: Start) -> None:
    start({"reply": {"text": ""}})
    events = stream()
    assert [event["type"] for event in events] == ["message_start", "message_delta", "message_stop"]
    answer = boto("bedrock-runtime").converse(modelId=GLOBAL, messages=ASK)
    assert answer["output"]["message"]["content"] == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ThrottlingException", 429),
        ("ModelTimeoutException", 408),
        ("ModelErrorException", 424),
        ("ServiceUnavailableException", 503),
        ("ResourceNotFoundException", 404),
        ("overloaded_error", 529),
    ],
)
def test_error_has_the_status_of_its_type(start: Start, kind: str, status: int) -> None:
    start({"error": {"type": kind}})
    runtime = boto("bedrock-runtime")
    for call in (runtime.invoke_model, runtime.invoke_model_with_response_stream):
        with pytest.raises(ClientError) as caught:
            call(modelId=GLOBAL, body=body())
        response = caught.value.response
        assert response["Error"]["Code"] == kind
        assert response["Error"]["Message"]
        assert response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_error_may_say_anything(start: Start) -> None:
    error = {
        "type": "OddException",
        "status": 418,
        "message": "a teapot",
        "headers": {"Retry-After": "7"},
    }
    start({"error": error})
    with pytest.raises(ClientError, match="a teapot") as caught:
        boto("bedrock-runtime").converse(modelId=GLOBAL, messages=ASK)
    metadata = caught.value.response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == 418
    assert metadata["HTTPHeaders"]["retry-after"] == "7"


def test_error_reaches_every_service(start: Start) -> None:
    start(
        {"when": {"operation": "List*"}, "error": {"type": "ThrottlingException"}},
        {"when": {"operation": "Get*Identity"}, "error": {"type": "ExpiredToken"}},
    )
    with pytest.raises(ClientError, match="ThrottlingException"):
        boto("bedrock").list_inference_profiles()
    with pytest.raises(ClientError, match=r"ExpiredToken\) when calling the GetCallerIdentity"):
        boto("sts").get_caller_identity()


def test_denial_is_for_one_action(start: Start) -> None:
    start({"deny": "bedrock:InvokeModelWithResponseStream"})
    runtime = boto("bedrock-runtime")
    expected = (
        "User: arn:aws:iam::000000000000:user/sandbox is not authorized to perform: "
        "bedrock:InvokeModelWithResponseStream on resource: "
        f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{GLOBAL} because no "
        "identity-based policy allows the bedrock:InvokeModelWithResponseStream action"
    )
    with pytest.raises(runtime.exceptions.AccessDeniedException) as caught:
        runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body())
    assert caught.value.response["Error"]["Message"] == expected
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(runtime.exceptions.AccessDeniedException):
        runtime.converse_stream(modelId=GLOBAL, messages=ASK)
    assert "canned" in said()
    assert runtime.converse(modelId=GLOBAL, messages=ASK)["output"]


def test_denial_takes_globs_but_never_get_caller_identity(start: Start) -> None:
    start({"deny": "*"})
    with pytest.raises(ClientError, match="not authorized to perform: bedrock:ListFoundation"):
        boto("bedrock").list_foundation_models()
    role = "arn:aws:iam::000000000000:role/reader"
    with pytest.raises(ClientError, match=f"sts:AssumeRole on resource: {role}"):
        boto("sts").assume_role(RoleArn=role, RoleSessionName="ci")
    assert boto("sts").get_caller_identity()["Account"] == "000000000000"


def test_refused_request_and_other_operations_do_not_use_up_a_reply(start: Start) -> None:
    start({"times": 1, "reply": {"text": "once"}})
    boto("sts").get_caller_identity()
    with pytest.raises(ClientError, match="on-demand"):
        said(model=GLOBAL[7:])
    assert said() == "once"


def test_refused_request_meets_an_error_rule(start: Start) -> None:
    start({"error": {"type": "ThrottlingException"}})
    with pytest.raises(ClientError, match="ThrottlingException"):
        said(model="nothing")


def test_cut_stream_ends_in_silence(start: Start) -> None:
    start({"stream": {"cut_after": 3}})
    events = stream()
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 3,
    ]
    converse = boto("bedrock-runtime").converse_stream(modelId=GLOBAL, messages=ASK)
    assert len(list(converse["stream"])) == 4


def test_cut_before_the_first_delta_is_a_stream_of_nothing(start: Start) -> None:
    start({"stream": {"cut_after": 0}})
    assert stream() == []


def test_cut_whole_answer_is_half_a_body(start: Start) -> None:
    start({"stream": {"cut_after": 0}})
    response = boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body())
    with pytest.raises(ResponseStreamingError):
        response["body"].read()


def test_reset_comes_after_its_deltas(start: Start) -> None:
    start({"stream": {"reset_after": 2}})
    runtime = boto("bedrock-runtime")
    response = runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body())
    seen: list[Any] = []
    # botocore hands urllib3's own error on when an event stream breaks.
    with pytest.raises(ProtocolError, match="reset by peer"):
        for event in response["body"]:
            seen.append(event)  # noqa: PERF402
    assert len(seen) == 4


@pytest.mark.parametrize("operation", ["invoke_model", "invoke_model_with_response_stream"])
def test_reset_before_anything_closes_the_connection(start: Start, operation: str) -> None:
    start({"stream": {"reset_after": 0}})
    with pytest.raises(ConnectionClosedError):
        getattr(boto("bedrock-runtime"), operation)(modelId=GLOBAL, body=body())


@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize("kind", ["throttlingException", "ModelStreamErrorException"])
def test_exception_in_mid_stream(start: Start, kind: str, after: int) -> None:
    start({"stream": {"exception": {"type": kind, "after": after}}})
    runtime = boto("bedrock-runtime")
    for response in (
        runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body())["body"],
        runtime.converse_stream(modelId=GLOBAL, messages=ASK)["stream"],
    ):
        seen: list[Any] = []
        with pytest.raises(EventStreamError) as caught:
            for event in response:
                seen.append(event)  # noqa: PERF402
        assert caught.value.response["Error"]["Code"] == kind[:1].lower() + kind[1:]
        assert caught.value.response["Error"]["Message"]
        deltas = [event for event in seen if "elta" in str(event.get("contentBlockDelta", event))]
        assert bool(deltas) == bool(after)


def test_exception_for_an_answer_that_is_no_stream(start: Start) -> None:
    start({"stream": {"exception": {"type": "throttlingException"}}})
    with pytest.raises(ClientError) as caught:
        said()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


@pytest.mark.parametrize("kind", ["garbage_after", "bad_crc_after"])
def test_broken_frames_are_seen_by_the_decoder(start: Start, kind: str) -> None:
    start({"stream": {kind: 2}})
    runtime = boto("bedrock-runtime")
    response = runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body())
    seen: list[Any] = []
    with pytest.raises(ChecksumMismatch):
        for event in response["body"]:
            seen.append(event)  # noqa: PERF402
    assert len(seen) == 4


def test_fault_beyond_the_last_delta_never_comes(start: Start) -> None:
    start({"stream": {"cut_after": 500}})
    assert stream()[-1]["type"] == "message_stop"


def test_pauses_are_taken(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Sandbox, "pause", lambda self, seconds: pauses.append(seconds))
    start({"reply": {"words": 4}, "stream": {"delay_ms": 1500, "gap_ms": 250}})
    stream()
    assert [pause for pause in pauses if pause] == [1.5, 0.25, 0.25, 0.25]


def test_stop_ends_a_pause(start: Start) -> None:
    sandbox = start({"stream": {"gap_ms": 600_000}})
    runtime = boto("bedrock-runtime")
    response = runtime.invoke_model_with_response_stream(modelId=GLOBAL, body=body())
    events = iter(response["body"])
    for _ in range(3):
        next(events)
    sandbox.stop()
    assert list(events)


def test_all_that_is_wrong_is_said_at_once() -> None:
    rules: list[Any] = [
        {"whne": {}, "reply": {"text": "a"}},
        {"when": {"prompt": "(", "operation": "InvokeModle"}, "error": {"status": 200}},
        {"times": 0, "stream": {"gap_ms": "slow", "cut_after": 1, "reset_after": True}},
        {"deny": "bedrock:InvokeModels"},
        "not a rule",
        {"reply": {"text": "a", "words": 3, "usage": {"tokens": 1}}, "deny": "bedrock:*"},
        {"stream": {"exception": {"type": "BadException"}}},
        {"error": {"type": "OddException"}},
        {},
        {"empty": False, "error": {"type": "Throttling"}},
    ]
    with pytest.raises(RuleError) as caught:
        Sandbox(rules=rules)
    assert caught.value.problems == [
        "rules[0].whne: unknown key; did you mean 'when'?",
        "rules[1].when.prompt: is not a regular expression: "
        "missing ), unterminated subpattern at position 0",
        "rules[1].when.operation: no operation is called 'InvokeModle'; "
        "did you mean 'InvokeModel'?",
        "rules[1].error.status: must be a whole number from 400 to 599",
        "rules[1]: error needs a type",
        "rules[2].times: must be a whole number from 1",
        "rules[2].stream.gap_ms: must be a number of milliseconds from 0",
        "rules[2].stream.reset_after: must be a whole number from 0",
        "rules[2]: stream has more than one fault: cut_after, reset_after",
        "rules[3].deny: no action is called 'bedrock:InvokeModels'; "
        "did you mean 'bedrock:InvokeModel'?",
        "rules[4]: must be a mapping",
        "rules[5].reply.usage.tokens: unknown key; did you mean 'input_tokens'?",
        "rules[5]: has both deny and reply",
        "rules[5]: reply has both text and words",
        "rules[6].stream.exception.type: must be one of internalServerException, "
        "modelStreamErrorException, modelTimeoutException, serviceUnavailableException, "
        "throttlingException, validationException",
        "rules[7]: error needs a status, as 'OddException' is no error type known here",
        "rules[8]: does nothing: needs reply, error, stream, deny, empty, job, access or account",
        "rules[9].empty: must be true",
        "rules[9]: has both error and empty",
    ]


@pytest.mark.parametrize("rules", [{"reply": {"text": "a"}}, "text", None])
def test_rules_must_be_a_list(rules: Any) -> None:
    with pytest.raises(RuleError, match="rules: must be a list"):
        Sandbox(rules=rules)
