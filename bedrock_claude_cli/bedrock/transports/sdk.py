"""InvokeModel through the anthropic SDK's AnthropicBedrock, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from bedrock_claude_cli.bedrock import message_events, messages
from bedrock_claude_cli.bedrock.answer import Event, Started
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import Call
from bedrock_claude_cli.bedrock.transports.invoke import VERSION

# What `messages.create` of SDK 2 has no parameters for.
_WITHOUT_PARAMETER = ("temperature", "top_p")
_REQUEST_IDS = ("x-amzn-requestid", "request-id")


def build(request: Request) -> Call:
    """The `messages.create` call for a request.

    The SDK's own `anthropic_version` is one that models with a version in their id refuse.
    """
    arguments = create_arguments(request)
    extra_body = {"anthropic_version": VERSION, **arguments.get("extra_body", {})}
    headers = dict(arguments.get("extra_headers", {}))
    options = request.options
    if options.guardrail is not None:
        name, _, version = options.guardrail.rpartition(":")
        headers["X-Amzn-Bedrock-GuardrailIdentifier"] = name
        headers["X-Amzn-Bedrock-GuardrailVersion"] = version
    if options.meta:
        metadata = json.dumps(dict(options.meta), ensure_ascii=True)
        headers["X-Amzn-Bedrock-Request-Metadata"] = metadata
    if headers:
        arguments["extra_headers"] = headers
    return Call("messages.create", arguments | {"extra_body": extra_body})


def create_arguments(request: Request) -> dict[str, Any]:
    """What both of the SDK's clients take for a request."""
    body = messages.body(request)
    extra = {key: body.pop(key) for key in _WITHOUT_PARAMETER if key in body}
    arguments = {"model": request.model_id, "stream": True, **body}
    if request.shape.betas:
        arguments["extra_headers"] = {"anthropic-beta": ",".join(request.shape.betas)}
    return arguments | ({"extra_body": extra} if extra else {})


def stream(client: Any, call: Call) -> Iterator[Event]:
    """Send the call and yield the answer's events as they arrive.

    What the SDK raises passes through; a stream that is cut raises nothing and never yields
    Stopped.
    """
    response = client.messages.with_raw_response.create(**call.arguments)
    with closing(response.parse()) as events:
        yield Started(_request_id(response))
        yield from message_events.streamed(event.to_dict() for event in events)


def whole(client: Any, call: Call) -> Iterator[Event]:
    """The same call without a stream, for an identity that may not stream."""
    response = client.messages.with_raw_response.create(**call.arguments | {"stream": False})
    yield Started(_request_id(response))
    yield from message_events.whole(response.http_response.json())


def _request_id(response: Any) -> str | None:
    found = (response.headers.get(name) for name in _REQUEST_IDS)
    return next((each for each in found if each), None)
