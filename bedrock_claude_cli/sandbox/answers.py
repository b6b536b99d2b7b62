"""The canned answer, and how InvokeModel and Converse spell it, whole or in pieces."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.wire import Frame, event

MAX_DELTAS = 1000
WORDS = ("one", "two", "six", "ten")  # with its space each is 4 characters: one estimated token
THINKING = "The sandbox thinks nothing: this thinking is canned, too."
SIGNATURE = base64.b64encode(b"sandbox signature").decode()


@dataclass(frozen=True)
class Answer:
    """What the sandbox says, before it is spelled for one of the APIs."""

    model: str
    message_id: str
    text: str
    thinking: str | None
    stop_reason: str
    stop_sequence: str | None
    usage: dict[str, int]


def tokens(text: str) -> int:
    """An estimate of 4 characters a token."""
    return math.ceil(len(text) / 4)


def canned(prompt: str) -> str:
    """The default text, which nobody can mistake for a model's."""
    start = " ".join(prompt.split())[:60]
    return (
        "This is a canned answer of the bedrock-claude sandbox: no model has run, "
        f'and nothing was sent to AWS. Your prompt began: "{start}".'
    )


def compose(
    body: Mapping[str, Any], model: Model, prompt: str, request_id: str, reply: Mapping[str, Any]
) -> Answer:
    """The answer to an Anthropic Messages body under a rule's `reply` (or an empty one)."""
    text, thinking = _text(reply, prompt), _thinking(body, reply)
    stop_reason, stop_sequence = "end_turn", None
    for sequence in body.get("stop_sequences") or []:
        if sequence in text:
            text = text[: text.index(sequence)]
            stop_reason, stop_sequence = "stop_sequence", sequence
    allowed = max(1, body["max_tokens"] - tokens(thinking or ""))
    if tokens(text) > allowed:
        text = text[: allowed * 4]
        stop_reason, stop_sequence = "max_tokens", None
    usage = {
        "input_tokens": input_tokens(body),
        "output_tokens": max(1, tokens(text) + tokens(thinking or "")),
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
        **reply.get("usage", {}),
    }
    return Answer(
        model.first_party_id,
        "msg_bdrk_" + request_id.replace("-", "")[:24],
        text,
        thinking,
        reply.get("stop_reason", stop_reason),
        stop_sequence,
        usage,
    )


def _text(reply: Mapping[str, Any], prompt: str) -> str:
    if "text" in reply:
        return str(reply["text"])
    if "words" in reply:
        return " ".join(WORDS[index % len(WORDS)] for index in range(reply["words"]))
    return canned(prompt)


def _thinking(body: Mapping[str, Any], reply: Mapping[str, Any]) -> str | None:
    if "thinking" in reply:
        return str(reply["thinking"])
    asked = body.get("thinking")
    enabled = isinstance(asked, dict) and asked.get("type") in ("enabled", "adaptive")
    return THINKING if enabled else None


def input_tokens(body: Mapping[str, Any]) -> int:
    """The estimate for system, messages and tools; media count 1,500 tokens each."""
    return max(
        1, _size(body.get("system")) + _size(body.get("messages")) + _size(body.get("tools"))
    )


def _size(value: Any) -> int:
    if isinstance(value, str):
        return tokens(value)
    if isinstance(value, list):
        return sum(_size(item) for item in value)
    if isinstance(value, dict):
        if value.get("type") in ("image", "document"):
            return 1500
        return sum(_size(item) for key, item in value.items() if key not in ("type", "role"))
    return 0


def pieces(text: str) -> list[str]:
    """The text in deltas of one word, of more than one when there would be over MAX_DELTAS."""
    words = re.findall(r"\s*\S+|\s+$", text)
    step = math.ceil(len(words) / MAX_DELTAS) or 1
    return ["".join(words[start : start + step]) for start in range(0, len(words), step)]


def message(answer: Answer) -> dict[str, Any]:
    """The body of InvokeModel."""
    content: list[dict[str, Any]] = []
    if answer.thinking is not None:
        content.append({"type": "thinking", "thinking": answer.thinking, "signature": SIGNATURE})
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    return {
        "model": answer.model,
        "id": answer.message_id,
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "usage": answer.usage,
    }


def message_frames(answer: Answer) -> Iterator[Frame]:
    """The events of InvokeModelWithResponseStream."""
    start = message(answer) | {"content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = answer.usage | {"output_tokens": 1}
    yield _chunk({"type": "message_start", "message": start})
    index = 0
    if answer.thinking is not None:
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces(answer.thinking)
        ]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        yield from _block(index, empty, deltas)
        index += 1
    if answer.text:
        texts: list[dict[str, Any]] = [
            {"type": "text_delta", "text": piece} for piece in pieces(answer.text)
        ]
        yield from _block(index, {"type": "text", "text": ""}, texts)
    delta = {"stop_reason": answer.stop_reason, "stop_sequence": answer.stop_sequence}
    yield _chunk(
        {
            "type": "message_delta",
            "delta": delta,
            "usage": {"output_tokens": answer.usage["output_tokens"]},
        }
    )
    yield _chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": _metrics(answer)})


def _metrics(answer: Answer) -> dict[str, int]:
    return {
        "inputTokenCount": answer.usage["input_tokens"],
        "outputTokenCount": answer.usage["output_tokens"],
        "invocationLatency": 1,
        "firstByteLatency": 1,
        "cacheReadInputTokenCount": answer.usage["cache_read_input_tokens"],
        "cacheWriteInputTokenCount": answer.usage["cache_creation_input_tokens"],
    }


def _block(index: int, start: dict[str, str], deltas: list[dict[str, Any]]) -> Iterator[Frame]:
    yield _chunk({"type": "content_block_start", "index": index, "content_block": start})
    for delta in deltas:
        yield _chunk({"type": "content_block_delta", "index": index, "delta": delta}, delta=True)
    yield _chunk({"type": "content_block_stop", "index": index})


def _chunk(value: dict[str, Any], *, delta: bool = False) -> Frame:
    encoded = base64.b64encode(json.dumps(value).encode()).decode()
    framed = event("chunk", {"bytes": encoded, "p": "abcdefghij"}, delta=delta)
    return replace(framed, value=value)


def converse_message(answer: Answer) -> dict[str, Any]:
    """The body of Converse."""
    content: list[dict[str, Any]] = []
    if answer.thinking is not None:
        reasoning = {"text": answer.thinking, "signature": SIGNATURE}
        content.append({"reasoningContent": {"reasoningText": reasoning}})
    if answer.text:
        content.append({"text": answer.text})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": answer.stop_reason,
        "usage": _converse_usage(answer),
        "metrics": {"latencyMs": 1},
    }


def _converse_usage(answer: Answer) -> dict[str, int]:
    usage = answer.usage
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    return {
        "inputTokens": usage["input_tokens"],
        "outputTokens": usage["output_tokens"],
        "totalTokens": usage["input_tokens"] + usage["output_tokens"] + read + written,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }


def converse_frames(answer: Answer) -> Iterator[Frame]:
    """The events of ConverseStream."""
    yield event("messageStart", {"role": "assistant"})
    index = 0
    if answer.thinking is not None:
        parts: list[dict[str, Any]] = [
            {"reasoningContent": {"text": piece}} for piece in pieces(answer.thinking)
        ]
        parts.append({"reasoningContent": {"signature": SIGNATURE}})
        yield from _converse_block(index, parts)
        index += 1
    if answer.text:
        yield from _converse_block(index, [{"text": piece} for piece in pieces(answer.text)])
    yield event("messageStop", {"stopReason": answer.stop_reason})
    yield event("metadata", {"usage": _converse_usage(answer), "metrics": {"latencyMs": 1}})


def _converse_block(index: int, deltas: list[dict[str, Any]]) -> Iterator[Frame]:
    for delta in deltas:
        value = {"delta": delta, "contentBlockIndex": index}
        yield event("contentBlockDelta", value, delta=True)
    yield event("contentBlockStop", {"contentBlockIndex": index})
