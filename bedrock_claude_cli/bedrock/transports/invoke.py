"""InvokeModel through boto3, streamed: the Messages API's body inside AWS's event stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.bedrock import message_events, messages
from bedrock_claude_cli.bedrock.answer import Event, Started
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import Call

# docs.aws.amazon.com/bedrock: "anthropic_version must be bedrock-2023-05-31"
VERSION = "bedrock-2023-05-31"


def build(request: Request) -> Call:
    """The InvokeModelWithResponseStream call for a request."""
    body = messages.body(request)
    if request.body is None:
        body = {"anthropic_version": VERSION, **body}
    if request.shape.betas:
        body["anthropic_beta"] = list(request.shape.betas)
    arguments: dict[str, Any] = {
        "modelId": request.model_id,
        "contentType": "application/json",
        "accept": "application/json",
        "body": json.dumps(body, ensure_ascii=False).encode("utf-8"),
    }
    options = request.options
    if options.guardrail is not None:
        name, _, version = options.guardrail.rpartition(":")
        arguments |= {"guardrailIdentifier": name, "guardrailVersion": version}
    if options.meta:
        arguments["requestMetadata"] = json.dumps(dict(options.meta), ensure_ascii=True)
    return Call("InvokeModelWithResponseStream", arguments)


def stream(client: Any, call: Call) -> Iterator[Event]:
    """Send the call and yield the answer's events as they arrive.

    What boto3 raises passes through; a stream that is cut raises nothing and never yields
    Stopped.
    """
    response = client.invoke_model_with_response_stream(**call.arguments)
    yield Started(response["ResponseMetadata"].get("RequestId"))
    body = response["body"]
    try:
        chunks = (json.loads(item["chunk"]["bytes"]) for item in body if "chunk" in item)
        yield from message_events.streamed(chunks)
    finally:
        body.close()


def whole(client: Any, call: Call) -> Iterator[Event]:
    """The same call through InvokeModel, for an identity that may not stream."""
    response = client.invoke_model(**call.arguments)
    yield Started(response["ResponseMetadata"].get("RequestId"))
    yield from message_events.whole(json.loads(response["body"].read()))
