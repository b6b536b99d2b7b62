"""The anthropic SDK against the sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest
from anthropic import AnthropicBedrock, AsyncAnthropicBedrock

from tests.sandbox.conftest import GLOBAL, Start

ASK: dict[str, Any] = {
    "model": GLOBAL,
    "max_tokens": 256,
    "messages": [{"role": "user", "content": "Hello, world"}],
}


def test_create(start: Start) -> None:
    sandbox = start()
    message = AnthropicBedrock().messages.create(**ASK)
    assert message.content[0].type == "text"
    assert "Hello, world" in message.content[0].text
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    seen = sandbox.requests[0]
    assert (seen["operation"], seen["model"]) == ("InvokeModel", GLOBAL)
    assert seen["body"]["anthropic_version"] == "2026-10-21"


def test_stream(start: Start) -> None:
    start()
    with AnthropicBedrock().messages.stream(**ASK) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 5
    assert final.content[0].type == "text"
    assert final.content[0].text == "".join(pieces)
    assert final.stop_reason == "end_turn"


def test_raw_events(start: Start) -> None:
    start()
    events = list(AnthropicBedrock().messages.create(**ASK, stream=True))
    assert events[0].type == "message_start"
    assert events[-1].type == "message_stop"


def test_async_create_and_stream(start: Start) -> None:
    start()

    async def both() -> tuple[str, str]:
        async with AsyncAnthropicBedrock() as client:
            message = await client.messages.create(**ASK)
            async with client.messages.stream(**ASK) as stream:
                pieces = [piece async for piece in stream.text_stream]
        assert message.content[0].type == "text"
        return message.content[0].text, "".join(pieces)

    whole, streamed = asyncio.run(both())
    assert whole == streamed


def test_thinking_is_parsed(start: Start) -> None:
    start()
    message = AnthropicBedrock().messages.create(
        **ASK | {"model": "global.anthropic.claude-opus-5"}, thinking={"type": "adaptive"}
    )
    assert [block.type for block in message.content] == ["thinking", "text"]


def test_errors_have_the_sdk_s_classes(start: Start) -> None:
    start(
        {"times": 1, "error": {"type": "ThrottlingException"}},
        {"times": 1, "deny": "bedrock:InvokeModel"},
    )
    client = AnthropicBedrock(max_retries=0)
    with pytest.raises(anthropic.RateLimitError):
        client.messages.create(**ASK)
    with pytest.raises(anthropic.PermissionDeniedError) as denied:
        client.messages.create(**ASK)
    assert denied.value.response.headers["x-amzn-errortype"].startswith("AccessDeniedException:")
    with pytest.raises(
        anthropic.BadRequestError, match="on-demand throughput isn\u2019t supported"
    ):
        client.messages.create(**ASK | {"model": GLOBAL[7:]})


def test_exception_in_mid_stream(start: Start) -> None:
    start({"stream": {"exception": {"type": "throttlingException", "after": 2}}})
    seen = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        for event in AnthropicBedrock(max_retries=0).messages.create(**ASK, stream=True):
            seen.append(event)  # noqa: PERF402
    assert caught.value.status_code == 200
    assert "throttlingException" in str(caught.value.body)
    assert len(seen) == 4


def test_cut_stream_ends_in_silence(start: Start) -> None:
    start({"stream": {"cut_after": 2}})
    events = list(AnthropicBedrock().messages.create(**ASK, stream=True))
    assert [event.type for event in events][-1] == "content_block_delta"


def test_model_as_an_arn(start: Start) -> None:
    sandbox = start()
    arn = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{GLOBAL}"
    assert AnthropicBedrock().messages.create(**ASK | {"model": arn}).content
    assert sandbox.requests[0]["model"] == arn
