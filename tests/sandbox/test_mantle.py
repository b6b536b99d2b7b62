"""bedrock-mantle, as the anthropic SDK's own client sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AnthropicBedrockMantle

from bedrock_claude_cli.sandbox import Sandbox
from tests.sandbox.conftest import GLOBAL, Start

HAIKU = "anthropic.claude-haiku-4-5"
ASK: dict[str, Any] = {
    "model": HAIKU,
    "max_tokens": 256,
    "messages": [{"role": "user", "content": "Hello, world"}],
}


def mantle(**settings: Any) -> AnthropicBedrockMantle:
    """The SDK's client, which tries once."""
    return AnthropicBedrockMantle(max_retries=0, **settings)


def test_create(start: Start) -> None:
    sandbox = start()
    message = mantle().messages.create(**ASK)
    assert message.content[0].type == "text"
    assert "Hello, world" in message.content[0].text
    assert (message.stop_reason, message.id[:4], "bdrk" in message.id) == (
        "end_turn",
        "msg_",
        False,
    )
    seen = sandbox.requests[0]
    assert (seen["operation"], seen["service"]) == ("CreateInference", "bedrock-mantle")
    assert (seen["model"], seen["region"]) == (HAIKU, "us-east-1")
    assert message._request_id == seen["request_id"]


def test_stream(start: Start) -> None:
    start()
    with mantle().messages.stream(**ASK) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 5
    assert final.content[0].type == "text"
    assert final.content[0].text == "".join(pieces)
    assert final.usage.output_tokens > 0


def test_the_stream_is_plain_server_sent_events(start: Start) -> None:
    start()
    response = mantle().messages.with_raw_response.create(**ASK, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "x-amzn-requestid" not in response.headers
    events = list(response.parse())
    assert events[0].type == "message_start"
    assert events[-1].type == "message_stop"
    assert "amazon-bedrock-invocationMetrics" not in events[-1].to_dict()


def test_tokens_are_counted_without_max_tokens(start: Start) -> None:
    sandbox = start()
    counted = mantle().messages.count_tokens(model=HAIKU, messages=ASK["messages"])
    whole = mantle().messages.create(**ASK)
    assert counted.input_tokens == whole.usage.input_tokens > 0
    assert sandbox.requests[0]["operation"] == "CountTokens"


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"model": GLOBAL}, anthropic.NotFoundError, "not_found_error"),
        ({"model": "us.anthropic.claude-haiku-4-5"}, anthropic.NotFoundError, "not_found_error"),
        ({"model": GLOBAL[7:]}, anthropic.NotFoundError, "not_found_error"),
        ({"max_tokens": -1}, anthropic.BadRequestError, "invalid_request_error"),
        ({"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
        ({"extra_body": {"anthropic_version": "bedrock-2023-05-31"}}, anthropic.BadRequestError,
         "anthropic_version: Extra inputs are not permitted"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
         anthropic.BadRequestError, "output_config.format: Extra inputs are not permitted"),
        ({"extra_body": {"temperature": 2}}, anthropic.BadRequestError, "temperature"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_refusals(
    change: dict[str, Any], kind: type[anthropic.APIStatusError], said: str, start: Start
) -> None:
    sandbox = start()
    with pytest.raises(kind) as caught:
        mantle().messages.create(**ASK | change)
    assert said in json.dumps(caught.value.body)
    assert caught.value.request_id == sandbox.requests[0]["request_id"]
    body: Any = caught.value.body
    assert (body["type"], body["request_id"]) == ("error", caught.value.request_id)


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("ThrottlingException", "rate_limit_error", 429),
        ("ServiceUnavailableException", "overloaded_error", 529),
        ("InternalServerException", "api_error", 500),
        ("AccessDeniedException", "permission_error", 403),
        ("ExpiredTokenException", "authentication_error", 401),
    ],
)
def test_rules_errors_have_its_own_names(name: str, kind: str, status: int, start: Start) -> None:
    start({"error": {"type": name, "message": "Because."}})
    with pytest.raises(anthropic.APIStatusError) as caught:
        mantle().messages.create(**ASK)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["error"]) == (
        status,
        {"type": kind, "message": "Because."},
    )


def test_a_rule_s_own_status_stays(start: Start) -> None:
    start({"error": {"type": "ThrottlingException", "status": 418}})
    with pytest.raises(anthropic.APIStatusError) as caught:
        mantle().messages.create(**ASK)
    assert caught.value.status_code == 418


def test_replies_and_faults_apply(start: Start) -> None:
    start(
        {"times": 1, "reply": {"text": "one two three"}},
        {"times": 1, "stream": {"exception": {"type": "throttlingException", "after": 2}}},
        {"times": 1, "stream": {"cut_after": 2}},
    )
    message = mantle().messages.create(**ASK)
    assert message.content[0].type == "text"
    assert message.content[0].text == "one two three"
    seen = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        for event in mantle().messages.create(**ASK, stream=True):
            seen.append(event.type)  # noqa: PERF401
    assert caught.value.status_code == 200
    assert "rate_limit_error" in json.dumps(caught.value.body)
    assert seen.count("content_block_delta") == 2
    assert list(mantle().messages.create(**ASK, stream=True))[-1].type == "content_block_delta"


@pytest.mark.parametrize(
    ("action", "counts", "creates"),
    [
        ("bedrock-mantle:CreateInference", True, False),
        ("bedrock-mantle:CountTokens", False, True),
        ("bedrock:*", True, True),
    ],
)
def test_iam_denies_its_own_actions(action: str, counts: bool, creates: bool, start: Start) -> None:
    start({"deny": action})
    client = mantle()
    calls: list[tuple[bool, Callable[[], Any]]] = [
        (counts, lambda: client.messages.count_tokens(model=HAIKU, messages=ASK["messages"])),
        (creates, lambda: client.messages.create(**ASK)),
    ]
    for allowed, call in calls:
        if allowed:
            call()
            continue
        with pytest.raises(anthropic.PermissionDeniedError, match=action) as caught:
            call()
        assert ":project/default" in str(caught.value)


KEYS = ("AKIASTRICTEXAMPLEXXX", "strict-secret-not-real")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"aws_access_key": KEYS[0], "aws_secret_key": KEYS[1]}, None),
        ({"api_key": KEYS[1]}, None),
        ({"skip_auth": True, "default_headers": {"x-api-key": KEYS[1]}}, None),
        ({"aws_access_key": KEYS[0], "aws_secret_key": "wrong"}, "signature we calculated"),
        ({"api_key": "wrong"}, "API Key is valid"),
        ({"skip_auth": True}, "Missing Authentication Token"),
    ],
)
def test_who_is_let_in(settings: dict[str, Any], said: str | None, start: Start) -> None:
    start(strict_auth=KEYS)
    if said is None:
        assert mantle(**settings).messages.create(**ASK).content
        return
    with pytest.raises(anthropic.APIStatusError, match=said) as caught:
        mantle(**settings).messages.create(**ASK)
    assert caught.value.status_code in (401, 403)


def test_a_signature_for_another_service_is_refused(start: Start) -> None:
    sandbox = start()
    head = "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/bedrock/aws4_request, "
    answered = post(sandbox, {"authorization": head + "SignedHeaders=host, Signature=00"})
    assert answered.status_code == 401
    assert "bedrock-mantle" in answered.json()["error"]["message"]


def test_the_version_is_a_header(start: Start) -> None:
    sandbox = start()
    assert post(sandbox, {"x-api-key": "any"}).status_code == 200
    without = post(sandbox, {"x-api-key": "any", "anthropic-version": ""})
    assert without.status_code == 400
    assert "anthropic-version" in without.json()["error"]["message"]


def test_no_other_path_is_known(start: Start) -> None:
    sandbox = start()
    answered = post(sandbox, {"x-api-key": "any"}, path="/anthropic/v1/models")
    assert (answered.status_code, answered.json()["error"]["type"]) == (404, "not_found_error")


def post(
    sandbox: Sandbox, headers: dict[str, str], *, path: str = "/anthropic/v1/messages"
) -> httpx2.Response:
    """A request that no SDK makes; an empty header is left out."""
    wanted = {"anthropic-version": "2023-06-01", **headers}
    sent = {name: value for name, value in wanted.items() if value}
    return httpx2.post(sandbox.url + path, json=ASK, headers=sent, trust_env=False)
