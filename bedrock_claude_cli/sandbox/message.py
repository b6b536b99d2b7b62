"""How the Messages API spells an answer: in one body, or as events."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from bedrock_claude_cli.sandbox.answers import Answer, input_pieces, pieces
from bedrock_claude_cli.sandbox.wire import Frame, event

SIGNATURE = base64.b64encode(b"sandbox signature").decode()
METRICS = "amazon-bedrock-invocationMetrics"


def message(answer: Answer) -> dict[str, Any]:
    """The answer as one Messages object."""
    content: list[dict[str, Any]] = []
    if answer.thinking is not None:
        content.append({"type": "thinking", "thinking": answer.thinking, "signature": SIGNATURE})
    for said in answer.texts:
        if said.text:
            cited = {"citations": list(said.citations)} if said.citations else {}
            content.append({"type": "text", "text": said.text, **cited})
    if answer.tool is not None:
        tool = answer.tool
        content.append(
            {"type": "tool_use", "id": tool.id, "name": tool.name, "input": tool.value()}
        )
    return {
        "model": answer.model,
        "id": answer.message_id,
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "usage": _usage(answer),
    }


def _usage(answer: Answer) -> dict[str, Any]:
    if not any(answer.written.values()):
        return dict(answer.usage)
    written = {f"ephemeral_{ttl}_input_tokens": count for ttl, count in answer.written.items()}
    return {**answer.usage, "cache_creation": written}


def events(answer: Answer) -> Iterator[dict[str, Any]]:
    """The answer as the events of a Messages stream."""
    start = message(answer) | {"content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = _usage(answer) | {"output_tokens": 1}
    yield {"type": "message_start", "message": start}
    for index, (empty, deltas) in enumerate(_blocks(answer)):
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": answer.stop_reason, "stop_sequence": answer.stop_sequence},
        "usage": {"output_tokens": answer.usage["output_tokens"]},
    }
    yield {"type": "message_stop"}


def _blocks(answer: Answer) -> Iterator[tuple[dict[str, Any], Iterable[dict[str, Any]]]]:
    """Every content block: how it starts, and its deltas."""
    if answer.thinking is not None:
        empty: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
        thoughts: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces(answer.thinking)
        ]
        yield empty, [*thoughts, {"type": "signature_delta", "signature": SIGNATURE}]
    for said in answer.texts:
        if said.text:
            empty = {"type": "text", "text": ""} | ({"citations": []} if said.citations else {})
            texts: list[dict[str, Any]] = [
                {"type": "text_delta", "text": piece} for piece in pieces(said.text)
            ]
            cited = [{"type": "citations_delta", "citation": each} for each in said.citations]
            yield empty, [*texts, *cited]
    if answer.tool is not None:
        tool = answer.tool
        empty = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}
        inputs = ["", *input_pieces(tool)]
        yield empty, ({"type": "input_json_delta", "partial_json": piece} for piece in inputs)


def frames(answer: Answer, extra: dict[str, Any]) -> Iterator[Frame]:
    """The events of InvokeModelWithResponseStream; `extra` are Bedrock's own keys of the last."""
    for each in events(answer):
        last = each["type"] == "message_stop"
        value = each | {METRICS: _metrics(answer), **extra} if last else each
        encoded = base64.b64encode(json.dumps(value).encode()).decode()
        framed = event(
            "chunk",
            {"bytes": encoded, "p": "abcdefghij"},
            delta=each["type"] == "content_block_delta",
        )
        yield replace(framed, value=value)


def _metrics(answer: Answer) -> dict[str, int]:
    return {
        "inputTokenCount": answer.usage["input_tokens"],
        "outputTokenCount": answer.usage["output_tokens"],
        "invocationLatency": 1,
        "firstByteLatency": 1,
        "cacheReadInputTokenCount": answer.usage["cache_read_input_tokens"],
        "cacheWriteInputTokenCount": answer.usage["cache_creation_input_tokens"],
    }
