"""How Converse spells an answer: in one body, or as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_claude_cli.sandbox.answers import Answer, Said, input_pieces, pieces
from bedrock_claude_cli.sandbox.message import SIGNATURE
from bedrock_claude_cli.sandbox.wire import Frame, event

PLACES = {
    "char_location": ("documentChar", "start_char_index", "end_char_index"),
    "page_location": ("documentPage", "start_page_number", "end_page_number"),
    "content_block_location": ("documentChunk", "start_block_index", "end_block_index"),
}
# botocore's StopReason has no refusal.
STOP_REASONS = {"refusal": "content_filtered", "pause_turn": "end_turn"}


def message(answer: Answer) -> dict[str, Any]:
    """The body of Converse."""
    content: list[dict[str, Any]] = []
    if answer.thinking is not None:
        reasoning = {"text": answer.thinking, "signature": SIGNATURE}
        content.append({"reasoningContent": {"reasoningText": reasoning}})
    content.extend(_text(said) for said in answer.texts if said.text)
    if answer.tool is not None:
        tool = answer.tool
        use = {"toolUseId": tool.id, "name": tool.name, "input": tool.value()}
        content.append({"toolUse": use})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _stop_reason(answer),
        "usage": _usage(answer),
        "metrics": {"latencyMs": 1},
    }


def _stop_reason(answer: Answer) -> str:
    return STOP_REASONS.get(answer.stop_reason, answer.stop_reason)


def _text(said: Said) -> dict[str, Any]:
    if not said.citations:
        return {"text": said.text}
    cited = [_citation(each) for each in said.citations]
    return {"citationsContent": {"content": [{"text": said.text}], "citations": cited}}


def _citation(citation: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"sourceContent": [{"text": citation.get("cited_text", "")}]}
    if citation.get("document_title"):
        made["title"] = citation["document_title"]
    if citation.get("type") in PLACES:
        name, start, end = PLACES[citation["type"]]
        made["location"] = {
            name: {
                "documentIndex": citation.get("document_index", 0),
                "start": citation.get(start, 0),
                "end": citation.get(end, 0),
            }
        }
    return made


def _usage(answer: Answer) -> dict[str, Any]:
    usage = answer.usage
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    details = [{"ttl": ttl, "inputTokens": count} for ttl, count in answer.written.items() if count]
    return {
        "inputTokens": usage["input_tokens"],
        "outputTokens": usage["output_tokens"],
        "totalTokens": usage["input_tokens"] + usage["output_tokens"] + read + written,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
        **({"cacheDetails": details} if details else {}),
    }


def frames(answer: Answer) -> Iterator[Frame]:
    """The events of ConverseStream."""
    yield event("messageStart", {"role": "assistant"})
    for index, (start, deltas) in enumerate(_blocks(answer)):
        if start:  # only a tool's block has a start of its own
            yield event("contentBlockStart", {"start": start, "contentBlockIndex": index})
        for delta in deltas:
            value = {"delta": delta, "contentBlockIndex": index}
            yield event("contentBlockDelta", value, delta=True)
        yield event("contentBlockStop", {"contentBlockIndex": index})
    yield event("messageStop", {"stopReason": _stop_reason(answer)})
    yield event("metadata", {"usage": _usage(answer), "metrics": {"latencyMs": 1}})


def _blocks(answer: Answer) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    if answer.thinking is not None:
        thoughts: list[dict[str, Any]] = [
            {"reasoningContent": {"text": piece}} for piece in pieces(answer.thinking)
        ]
        yield {}, [*thoughts, {"reasoningContent": {"signature": SIGNATURE}}]
    for said in answer.texts:
        if said.text:
            cited = [{"citation": _citation(each)} for each in said.citations]
            yield {}, [*({"text": piece} for piece in pieces(said.text)), *cited]
    if answer.tool is not None:
        tool = answer.tool
        start = {"toolUse": {"toolUseId": tool.id, "name": tool.name}}
        yield start, [{"toolUse": {"input": piece}} for piece in input_pieces(tool)]
