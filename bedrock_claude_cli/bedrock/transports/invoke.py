"""InvokeModel through boto3, streamed: the Messages API's body inside AWS's event stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.answer import (
    Counted,
    Event,
    Started,
    Stopped,
    Text,
    Thinking,
    Usage,
)
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.errors import UnavailableError

# docs.aws.amazon.com/bedrock: "anthropic_version must be bedrock-2023-05-31"
VERSION = "bedrock-2023-05-31"


class Call(NamedTuple):
    """One operation and the very arguments that are sent."""

    operation: str
    arguments: dict[str, Any]


def build(request: Request) -> Call:
    """The InvokeModelWithResponseStream call for a request."""
    options = request.options
    body: dict[str, Any] = {
        "anthropic_version": VERSION,
        "max_tokens": options.max_tokens,
        "messages": request.messages,
    }
    if request.system is not None:
        body["system"] = request.system
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if options.top_p is not None:
        body["top_p"] = options.top_p
    if options.stop is not None:
        body["stop_sequences"] = list(options.stop)
    arguments = {
        "modelId": request.model_id,
        "contentType": "application/json",
        "accept": "application/json",
        "body": json.dumps(body, ensure_ascii=False).encode("utf-8"),
    }
    return Call("InvokeModelWithResponseStream", arguments)


def stream(client: Any, call: Call) -> Iterator[Event]:
    """Send the call and yield the answer's events as they arrive.

    What boto3 raises passes through; a stream that is cut raises nothing and never yields
    Stopped.
    """
    response = client.invoke_model_with_response_stream(**call.arguments)
    yield Started(response["ResponseMetadata"].get("RequestId"))
    usage = Usage()
    stop_reason = None
    body = response["body"]
    try:
        for item in body:
            if "chunk" not in item:
                continue
            event = json.loads(item["chunk"]["bytes"])
            kind = event["type"]
            if kind == "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "text_delta":
                    yield Text(delta["text"])
                elif delta["type"] == "thinking_delta":
                    yield Thinking(delta["thinking"])
            elif kind == "message_start":
                usage = Usage.read(event["message"].get("usage", {}), usage)
                yield Counted(usage)
            elif kind == "message_delta":
                stop_reason = event["delta"].get("stop_reason") or stop_reason
                usage = Usage.read(event.get("usage", {}), usage)
                yield Counted(usage)
            elif kind == "message_stop":
                yield Stopped(stop_reason)
            elif kind == "error":
                told = event["error"]
                raise UnavailableError(f"{told['type']}: {told['message']}", code=told["type"])
    finally:
        body.close()


def whole(client: Any, call: Call) -> Iterator[Event]:
    """The same call through InvokeModel, for an identity that may not stream."""
    response = client.invoke_model(**call.arguments)
    yield Started(response["ResponseMetadata"].get("RequestId"))
    message = json.loads(response["body"].read())
    for block in message["content"]:
        if block["type"] == "thinking":
            yield Thinking(block["thinking"])
        elif block["type"] == "text":
            yield Text(block["text"])
    yield Counted(Usage.read(message["usage"]))
    yield Stopped(message["stop_reason"])
