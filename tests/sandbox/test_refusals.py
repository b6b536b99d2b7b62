"""What Bedrock refuses, with its status, error type and words."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import GLOBAL, Start, body, boto

SONNET = GLOBAL
OPUS_5_5 = "global.anthropic.claude-opus-5-5"
OPUS_5 = "global.anthropic.claude-opus-5"
OPUS_4_6 = "global.anthropic.claude-opus-4-6-v1"
INVALID_ID = "The provided model identifier is invalid."
END_OF_LIFE = (
    "This model version has reached the end of its life. "
    "Please refer to the AWS documentation for more details."
)


def refused(call: Any, **arguments: Any) -> tuple[str, int, str]:
    """Error name, HTTP status and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    status = error["ResponseMetadata"]["HTTPStatusCode"]
    return error["Error"]["Code"], status, error["Error"]["Message"]


@pytest.mark.parametrize(
    ("model", "region"),
    [
        ("anthropic.claude-sonnet-9", "us-east-1"),
        ("global.anthropic.claude-opus-4-1-20250805-v1:0", "us-east-1"),
        ("jp." + GLOBAL[7:], "us-east-1"),
        ("us." + GLOBAL[7:], "eu-west-1"),
        (GLOBAL, "us-gov-west-1"),
        ("anthropic.claude-opus-4-6-v1:0", "us-east-1"),
        ("us.anthropic.claude-opus-4-6-v1", "ca-west-2"),
        (f"arn:aws:bedrock:us-west-2:000000000000:inference-profile/{GLOBAL}", "us-east-1"),
        (f"arn:aws:bedrock:us-east-1:111111111111:inference-profile/{GLOBAL}", "us-east-1"),
        ("amazon.nova-lite-v1:0", "us-east-1"),
    ],
)
def test_id_that_the_region_does_not_offer(start: Start, model: str, region: str) -> None:
    start()
    runtime = boto("bedrock-runtime", region)
    expected = ("ValidationException", 400, INVALID_ID)
    assert refused(runtime.invoke_model, modelId=model, body=body()) == expected
    stream = runtime.invoke_model_with_response_stream
    assert refused(stream, modelId=model, body=body()) == expected


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_bare_id_of_a_profile_only_model(start: Start, operation: str) -> None:
    start()
    runtime = boto("bedrock-runtime")
    base = GLOBAL[7:]
    expected = (
        f"Invocation of model ID {base} with on-demand throughput isn\u2019t supported. Retry your "
        "request with the ID or ARN of an inference profile that contains this model."
    )
    messages = [{"role": "user", "content": [{"text": "hi"}]}]
    answer = refused(getattr(runtime, operation), modelId=base, messages=messages)
    assert answer == ("ValidationException", 400, expected)
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{base}"
    assert "throughput isn\u2019t" in refused(runtime.invoke_model, modelId=arn, body=body())[2]


@pytest.mark.parametrize("prefix", ["", "us.", "global."])
def test_retired_model_is_not_found(start: Start, prefix: str) -> None:
    start()
    model = prefix + "anthropic.claude-sonnet-4-20250514-v1:0"
    answer = refused(boto("bedrock-runtime").invoke_model, modelId=model, body=body())
    assert answer == ("ResourceNotFoundException", 404, END_OF_LIFE)


ONE = {"role": "user", "content": "a"}
TWO = {"role": "assistant", "content": "b"}
ENABLED = {"type": "enabled", "budget_tokens": 1024}


def blocks(*content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


def png(width: int, height: int, size: int = 40) -> bytes:
    """The start of a PNG of these pixels, filled up to `size` bytes."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack("!II", width, height)
    return head.ljust(size, b"\0")


def image(raw: bytes) -> dict[str, Any]:
    data = base64.b64encode(raw).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


BODIES: list[tuple[str, dict[str, Any], str]] = [
    (SONNET, {"anthropic_version": None}, "anthropic_version: Field required"),
    (SONNET, {"anthropic_version": "2020-01-01"}, "Invalid API version: 2020-01-01"),
    (SONNET, {"max_tokens": None}, "max_tokens: Field required"),
    (SONNET, {"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
    (SONNET, {"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
    (
        SONNET,
        {"max_tokens": 64001},
        "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for "
        "claude-sonnet-4-5-20250929",
    ),
    (SONNET, {"messages": None}, "messages: Field required"),
    (SONNET, {"messages": []}, "messages: at least one message is required"),
    (SONNET, {"messages": "hello"}, "messages: Input should be a valid list"),
    (SONNET, {"messages": [TWO]}, 'messages: first message must use the "user" role'),
    (
        SONNET,
        {"messages": [ONE, ONE]},
        'messages: roles must alternate between "user" and "assistant", but found multiple '
        '"user" roles in a row',
    ),
    (
        SONNET,
        {"messages": [{"role": "system", "content": "a"}]},
        "messages.0.role: Input should be 'user' or 'assistant'",
    ),
    (
        SONNET,
        {"messages": [{"role": "user", "content": ""}]},
        "messages.0: all messages must have non-empty content except for the optional final "
        "assistant message",
    ),
    (SONNET, {"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    (
        SONNET,
        {"messages": [{"role": "user", "content": 5}]},
        "messages.0.content: Input should be a valid list",
    ),
    (
        SONNET,
        {"messages": blocks({"type": "text", "text": ""})},
        "messages: text content blocks must be non-empty",
    ),
    (
        SONNET,
        {"messages": blocks({"type": "text", "text": " \n"})},
        "messages: text content blocks must contain non-whitespace text",
    ),
    (SONNET, {"model": "x"}, "model: Extra inputs are not permitted"),
    (SONNET, {"stream": True}, "stream: Extra inputs are not permitted"),
    (SONNET, {"mcp_servers": []}, "mcp_servers: Extra inputs are not permitted"),
    (SONNET, {"temperature": 1.5}, "temperature: range: 0..1"),
    (SONNET, {"top_p": -0.1}, "top_p: range: 0..1"),
    (
        SONNET,
        {"temperature": 0.5, "top_p": 0.5},
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    ),
    (OPUS_5_5, {"temperature": 0.5}, "`temperature` is deprecated for this model."),
    (OPUS_5, {"top_k": 5}, "`top_k` is deprecated for this model."),
    (
        "global.anthropic.claude-fable-5-1",
        {"temperature": 0.9},
        "`temperature` is deprecated for this model.",
    ),
    (
        SONNET,
        {"thinking": {"type": "adaptive"}},
        "adaptive thinking is not supported on this model",
    ),
    (
        OPUS_5,
        {"thinking": ENABLED, "max_tokens": 2000},
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" '
        'and "output_config.effort" to control thinking behavior.',
    ),
    (
        OPUS_5_5,
        {"thinking": {"type": "disabled"}},
        '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" '
        'and "output_config.effort" to control thinking behavior.',
    ),
    (
        SONNET,
        {"thinking": {"type": "enabled"}},
        "thinking.enabled.budget_tokens: Field required",
    ),
    (
        SONNET,
        {"thinking": {"type": "enabled", "budget_tokens": 5}},
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        SONNET,
        {"thinking": ENABLED},
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    (
        SONNET,
        {"thinking": ENABLED, "max_tokens": 2000, "temperature": 0.5},
        "`temperature` may only be set to 1 when thinking is enabled.",
    ),
    (
        OPUS_4_6,
        {"messages": [ONE, TWO]},
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message.",
    ),
    (
        SONNET,
        {"stop_sequences": [" "]},
        "stop_sequences: each stop sequence must contain non-whitespace",
    ),
    (
        SONNET,
        {"messages": [{"role": "user", "content": "x" * 800_004}]},
        "prompt is too long: 200001 tokens > 200000 maximum",
    ),
    (
        SONNET,
        {"messages": blocks(image(png(8001, 10)))},
        "messages.0.content.0.image.source.base64.data: At least one of the image dimensions "
        "exceed max allowed size: 8000 pixels",
    ),
    (
        SONNET,
        {"messages": blocks(image(png(10, 10, 3_932_161)))},
        "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: "
        "5242884 bytes > 5242880 bytes",
    ),
    (
        SONNET,
        {"messages": blocks({"type": "image", "source": {"type": "url", "url": "https://x"}})},
        "messages.0.content.0.image.source: Input tag 'url' found using 'type' does not match any "
        "of the expected tags: 'base64'",
    ),
]


@pytest.mark.parametrize(("model", "fields", "message"), BODIES)
def test_bodies_that_invoke_model_refuses(
    start: Start, model: str, fields: dict[str, Any], message: str
) -> None:
    start()
    answer = refused(boto("bedrock-runtime").invoke_model, modelId=model, body=body(**fields))
    assert answer == ("ValidationException", 400, message)


@pytest.mark.parametrize("text", ["not json", "[]", '{"half":'])
def test_body_that_is_no_object_is_malformed(start: Start, text: str) -> None:
    start()
    code, status, message = refused(boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=text)
    assert (code, status) == ("ValidationException", 400)
    assert "Malformed input request" in message


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1.0},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        {"messages": [ONE, TWO, {"role": "system", "content": "be brief"}, ONE]},
        {"anthropic_version": "2026-10-21"},
        {"anthropic_version": "2023-06-01", "anthropic_beta": ["some-beta"]},
    ],
)
def test_bodies_that_a_new_model_takes(start: Start, fields: dict[str, Any]) -> None:
    start()
    model = "global.anthropic.claude-fable-5-1"
    response = boto("bedrock-runtime").invoke_model(modelId=model, body=body(**fields))
    assert json.loads(response["body"].read())["content"]


def test_body_over_twenty_million_bytes(start: Start) -> None:
    start()
    answer = refused(
        boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=body(system="x" * 20_000_000)
    )
    assert answer == ("ValidationException", 400, "Input is too long for requested model.")


def test_strict_version_refuses_dates_for_models_with_a_version_in_their_id(start: Start) -> None:
    start(strict_version=True)
    invoke = boto("bedrock-runtime").invoke_model
    dated = body(anthropic_version="2026-10-21")
    for model in (GLOBAL, OPUS_4_6):
        assert refused(invoke, modelId=model, body=dated)[2] == "Invalid API version: 2026-10-21"
        assert invoke(modelId=model, body=body())["body"].read()
    assert invoke(modelId=OPUS_5, body=dated)["body"].read()


def says(*content: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(content)}


def picture(raw: bytes = png(10, 10)) -> dict[str, Any]:
    return {"image": {"format": "png", "source": {"bytes": raw}}}


def document(name: str = "a file", raw: bytes = b"text") -> dict[str, Any]:
    return {"document": {"format": "txt", "name": name, "source": {"bytes": raw}}}


TEXT = {"text": "look"}
WRAPPER = "The model returned the following errors: "
NAME = (
    "The document file name can only contain alphanumeric characters, whitespace characters, "
    "hyphens, parentheses, and square brackets. The name can't contain more than one consecutive "
    "whitespace character."
)
CONVERSATIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"messages": []},
        "A conversation must start with a user message. "
        "Try again with a conversation that starts with a user message.",
    ),
    (
        {"messages": [says(TEXT, role="assistant")]},
        "A conversation must start with a user message. "
        "Try again with a conversation that starts with a user message.",
    ),
    (
        {"messages": [says(TEXT), says(TEXT)]},
        "A conversation must alternate between user and assistant roles. Make sure the "
        "conversation alternates between user and assistant roles and try again.",
    ),
    (
        {"messages": [says()]},
        "The content field in the Message object at messages.0 is empty. "
        "Add a ContentBlock object to the content field and try again.",
    ),
    (
        {"messages": [says(TEXT, {"text": " "})]},
        "The text field in the ContentBlock object at messages.0.content.1 is blank. "
        "Add text to the text field, and try again.",
    ),
    (
        {"messages": [says(TEXT)], "inferenceConfig": {"maxTokens": 64001}},
        "The maximum tokens you requested exceeds the model limit of 64000. "
        "Try again with a maximum tokens value that is lower than 64000.",
    ),
    (
        {"messages": [says(TEXT)], "inferenceConfig": {"temperature": 1.5}},
        "1 validation error detected: Value '1.5' at 'inferenceConfig.temperature' failed to "
        "satisfy constraint: Member must have value less than or equal to 1",
    ),
    (
        {"messages": [says(TEXT)], "inferenceConfig": {"temperature": 0.5, "topP": 0.5}},
        WRAPPER + "`temperature` and `top_p` cannot both be specified for this model. "
        "Please use only one.",
    ),
    (
        {"messages": [says(TEXT, *[picture()] * 21)]},
        WRAPPER + "messages: too many images and documents: 21 + 0 > 20",
    ),
    (
        {"messages": [says(TEXT, picture(png(10, 10, 3_932_161)))]},
        WRAPPER + "messages.0.content.1.image.source.bytes: image exceeds 5 MB maximum: "
        "5242884 bytes > 5242880 bytes",
    ),
    (
        {"messages": [says(TEXT, picture(png(10, 8001)))]},
        WRAPPER + "messages.0.content.1.image.source.bytes.data: At least one of the image "
        "dimensions exceed max allowed size: 8000 pixels",
    ),
    (
        {"messages": [says(TEXT, *[document(f"file {n}") for n in range(6)])]},
        "You can't include more than 5 documents in a request.",
    ),
    (
        {"messages": [says(TEXT, document(), document())]},
        "Messages can't contain duplicate document names.",
    ),
    ({"messages": [says(TEXT, document("report.pdf"))]}, NAME),
    ({"messages": [says(TEXT, document("two  spaces"))]}, NAME),
    (
        {"messages": [says(TEXT, document(raw=b"x" * 4_500_001))]},
        "The document at messages.0.content.1 is 4500001 bytes long, over the limit of 4.5 MB. "
        "Try again with a smaller document.",
    ),
    (
        {"messages": [says(document())]},
        "The message at messages.0 includes a document without a text block. "
        "Add a text block to the message and try again.",
    ),
    (
        {"messages": [says(TEXT), says(TEXT, picture(), role="assistant"), says(TEXT)]},
        "You can include image and document blocks in user messages only.",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), CONVERSATIONS)
def test_conversations_that_converse_refuses(
    start: Start, arguments: dict[str, Any], message: str
) -> None:
    start()
    runtime = boto("bedrock-runtime")
    answer = refused(runtime.converse, modelId=GLOBAL, **arguments)
    assert answer == ("ValidationException", 400, message)
    assert refused(runtime.converse_stream, modelId=GLOBAL, **arguments) == answer


def test_converse_wraps_what_the_model_refuses(start: Start) -> None:
    start()
    messages = [says(TEXT)]
    config = {"temperature": 0.5}
    runtime = boto("bedrock-runtime")
    answer = refused(runtime.converse, modelId=OPUS_5, messages=messages, inferenceConfig=config)
    assert answer[2] == WRAPPER + "`temperature` is deprecated for this model."


def test_converse_takes_media_within_the_limits(start: Start) -> None:
    start()
    files = [document(f"file ({n}) [x]-y", b"x" * 4_500) for n in range(5)]
    content = [TEXT, *[picture(png(8000, 8000))] * 15, *files]
    answer = boto("bedrock-runtime").converse(modelId=GLOBAL, messages=[says(*content)])
    assert answer["output"]["message"]["content"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (GLOBAL, INVALID_ID),
        ("anthropic.claude-opus-5-5", "The provided model doesn't support counting tokens."),
    ],
)
def test_models_whose_tokens_are_not_counted(start: Start, model: str, message: str) -> None:
    start()
    given = {"invokeModel": {"body": body()}}
    answer = refused(boto("bedrock-runtime").count_tokens, modelId=model, input=given)
    assert answer == ("ValidationException", 400, message)


def test_count_tokens_checks_the_body(start: Start) -> None:
    start()
    given = {"invokeModel": {"body": body(max_tokens=None)}}
    answer = refused(boto("bedrock-runtime").count_tokens, modelId=GLOBAL[7:], input=given)
    assert answer[2] == "max_tokens: Field required"
