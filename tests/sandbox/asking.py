"""One question over InvokeModel and Converse, whole and streamed, in one shape."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from tests.sandbox.conftest import GLOBAL, boto, chunks, events

PDF = b"%PDF-1.7\n" + b"1 0 obj << /Type /Page >> endobj\n" * 3 + b"<< /Type /Pages /Count 3 >>"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
QUESTION = {"type": "text", "text": "What is it?"}


class Said(NamedTuple):
    """What an answer brought, whichever API spelled it."""

    text: str
    tool: Any
    citations: list[dict[str, Any]]
    stop_reason: str
    usage: dict[str, Any]


def invoke(model: str = GLOBAL, **fields: Any) -> Said:
    """InvokeModel's answer, which its stream must repeat."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": [QUESTION]}],
        **fields,
    }
    runtime, sent = boto("bedrock-runtime"), json.dumps(body)
    message = json.loads(runtime.invoke_model(modelId=model, body=sent)["body"].read())
    whole = _read(message)
    streamed = chunks(runtime.invoke_model_with_response_stream(modelId=model, body=sent))
    assert _read(_joined(streamed))[:4] == whole[:4]
    return whole


def _joined(streamed: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a stream's events make."""
    message = streamed[0]["message"]
    for event in streamed[1:]:
        if event["type"] == "content_block_start":
            block = {**event["content_block"], "json": ""}
            message["content"].append(block)
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], message["content"][event["index"]]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "input_json_delta":
                block["json"] += delta["partial_json"]
            elif delta["type"] == "citations_delta":
                block["citations"].append(delta["citation"])
        elif event["type"] == "content_block_stop" and "input" in message["content"][-1]:
            message["content"][-1]["input"] = json.loads(message["content"][-1]["json"])
        elif event["type"] == "message_delta":
            message |= event["delta"]
    return dict(message)


def _read(message: dict[str, Any]) -> Said:
    content = message["content"]
    return Said(
        "".join(block["text"] for block in content if block["type"] == "text"),
        next((block["input"] for block in content if block["type"] == "tool_use"), None),
        [each for block in content for each in block.get("citations", [])],
        message["stop_reason"],
        message["usage"],
    )


def converse(model: str = GLOBAL, **arguments: Any) -> Said:
    """Converse's answer, which its stream must repeat."""
    given = {"messages": [{"role": "user", "content": [{"text": "What is it?"}]}], **arguments}
    runtime = boto("bedrock-runtime")
    answer = runtime.converse(modelId=model, **given)
    content = answer["output"]["message"]["content"]
    cited = [block["citationsContent"] for block in content if "citationsContent" in block]
    texts = [block.get("text", "") for block in content]
    whole = Said(
        "".join(texts) + "".join(each["text"] for block in cited for each in block["content"]),
        next((block["toolUse"]["input"] for block in content if "toolUse" in block), None),
        [each for block in cited for each in block["citations"]],
        answer["stopReason"],
        answer["usage"],
    )
    streamed = events(runtime.converse_stream(modelId=model, **given))
    deltas = [
        each["contentBlockDelta"]["delta"] for each in streamed if "contentBlockDelta" in each
    ]
    text = "".join(delta.get("text", "") for delta in deltas)
    tool = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    sources = [delta["citation"] for delta in deltas if "citation" in delta]
    stop = next(each["messageStop"]["stopReason"] for each in streamed if "messageStop" in each)
    assert (text, sources, stop) == (whole.text, whole.citations, whole.stop_reason)
    assert (json.loads(tool) if tool else None) == whole.tool
    return whole


def pdf(*, cited: bool, title: str = "report.pdf", data: bytes = PDF) -> dict[str, Any]:
    """A PDF as a document block of the Messages API."""
    encoded = base64.b64encode(data).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": encoded}
    block = {"type": "document", "title": title, "source": source}
    return block | ({"citations": {"enabled": True}} if cited else {})


def text(data: str, *, cited: bool, title: str = "notes.txt") -> dict[str, Any]:
    """A text as a document block of the Messages API."""
    source = {"type": "text", "media_type": "text/plain", "data": data}
    block = {"type": "document", "title": title, "source": source}
    return block | ({"citations": {"enabled": True}} if cited else {})


def asks(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """Messages of one turn: the blocks and a question."""
    return [{"role": "user", "content": [*blocks, QUESTION]}]
