"""The Messages API's own events and messages, as the events of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock.answer import (
    Cited,
    Counted,
    Event,
    Stopped,
    Text,
    Thinking,
    ToolInput,
    Usage,
)
from bedrock_claude_cli.errors import UnavailableError

# InvokeModel says in its own key that a guardrail stepped in; the stop reason stays end_turn.
_ACTION = "amazon-bedrock-guardrailAction"
_INTERVENED = "guardrail_intervened"


def streamed(events: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    """The answer in a stream of Messages events; a block's citations come after its text."""
    usage = Usage()
    stop_reason = None
    cited: list[Mapping[str, Any]] = []
    blocked = False
    for event in events:
        kind = event["type"]
        blocked = blocked or event.get(_ACTION) == "INTERVENED"
        if kind == "content_block_delta":
            delta = event["delta"]
            if delta["type"] == "citations_delta":
                cited.append(delta["citation"])
            else:
                yield from _piece(delta)
        elif kind == "content_block_stop":
            yield from map(Cited, cited)
            cited.clear()
        elif kind == "message_start":
            usage = Usage.read(event["message"].get("usage", {}), usage)
            yield Counted(usage)
        elif kind == "message_delta":
            stop_reason = event["delta"].get("stop_reason") or stop_reason
            usage = Usage.read(event.get("usage", {}), usage)
            yield Counted(usage)
        elif kind == "message_stop":
            yield Stopped(_INTERVENED if blocked else stop_reason)
        elif kind == "error":
            from bedrock_claude_cli.explain import aws_name

            code = aws_name(event["error"]["type"])
            raise UnavailableError(f"{code}: {event['error']['message']}", code=code)


def _piece(delta: Mapping[str, Any]) -> Iterator[Event]:
    kind = delta["type"]
    if kind == "text_delta":
        yield Text(delta["text"])
    elif kind == "thinking_delta":
        yield Thinking(delta["thinking"])
    elif kind == "input_json_delta":
        yield ToolInput(delta["partial_json"])


def whole(message: Mapping[str, Any]) -> Iterator[Event]:
    """The answer in one whole message."""
    for block in message["content"]:
        if block["type"] == "thinking":
            yield Thinking(block["thinking"])
        elif block["type"] == "text":
            yield Text(block["text"])
            yield from map(Cited, block.get("citations") or ())
        elif block["type"] == "tool_use":
            yield ToolInput(json.dumps(block["input"], ensure_ascii=False))
    yield Counted(Usage.read(message["usage"]))
    blocked = message.get(_ACTION) == "INTERVENED"
    yield Stopped(_INTERVENED if blocked else message["stop_reason"])
