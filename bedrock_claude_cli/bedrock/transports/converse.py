"""Converse through boto3, streamed: the Messages body in Bedrock's own words, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock import messages
from bedrock_claude_cli.bedrock.answer import (
    Cited,
    Counted,
    Event,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolInput,
    Usage,
)
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import Call, converse_blocks

_INFERENCE = {
    "max_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop_sequences": "stopSequences",
}
_COUNTS = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
}


def build(request: Request) -> Call:
    """The ConverseStream call for a request, as botocore's ConverseStreamRequest has it."""
    body, options = messages.body(request), request.options
    turns = converse_blocks.messages(body["messages"])
    arguments: dict[str, Any] = {
        "modelId": request.model_id,
        "messages": turns,
        "inferenceConfig": {new: body[old] for old, new in _INFERENCE.items() if old in body},
    }
    if "system" in body:
        arguments["system"] = converse_blocks.system(body["system"])
    if "tools" in body:
        arguments["toolConfig"] = _tools(body)
    if "output_config" in body:
        arguments["outputConfig"] = _output(body["output_config"])
    # docs.aws.amazon.com/bedrock: what is Claude's alone goes in additionalModelRequestFields
    own: dict[str, Any] = {"thinking": body["thinking"]} if "thinking" in body else {}
    if request.shape.betas:
        own["anthropic_beta"] = list(request.shape.betas)
    if own:
        arguments["additionalModelRequestFields"] = own
    if options.guardrail is not None:
        name, _, version = options.guardrail.rpartition(":")
        arguments["guardrailConfig"] = {"guardrailIdentifier": name, "guardrailVersion": version}
    if options.meta:
        arguments["requestMetadata"] = dict(options.meta)
    return Call("ConverseStream", arguments, converse_blocks.titles(body["messages"], turns))


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools = [
        {
            "toolSpec": {
                "name": tool["name"],
                "description": tool["description"],
                "inputSchema": {"json": tool["input_schema"]},
            }
        }
        for tool in body["tools"]
    ]
    choice = dict(body["tool_choice"])
    return {"tools": tools, "toolChoice": {choice.pop("type"): choice}}


def _output(config: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "effort" in config:
        made["effort"] = config["effort"]
    if "format" in config:
        schema = json.dumps(config["format"]["schema"], ensure_ascii=False)
        made["textFormat"] = {
            "type": config["format"]["type"],
            "structure": {"jsonSchema": {"schema": schema}},
        }
    return made


def stream(client: Any, call: Call) -> Iterator[Event]:
    """Send the call and yield the answer's events as they arrive; usage comes after Stopped.

    What boto3 raises passes through; a stream that is cut raises nothing and never yields
    Stopped.
    """
    response = client.converse_stream(**call.arguments)
    yield Started(response["ResponseMetadata"].get("RequestId"))
    events = response["stream"]
    try:
        yield from _streamed(events, call.titles)
    finally:
        events.close()


def _streamed(events: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> Iterator[Event]:
    cited: list[Cited] = []
    for event in events:
        for kind, value in event.items():
            if kind == "contentBlockDelta":
                source = value["delta"].get("citation")
                if source is not None:
                    cited.append(Cited(converse_blocks.citation(source, titles)))
                else:
                    yield from _piece(value["delta"])
            elif kind == "contentBlockStop":
                yield from cited
                cited.clear()
            elif kind == "messageStop":
                yield Stopped(value["stopReason"])
            elif kind == "metadata":
                yield Counted(_usage(value["usage"]))


def _piece(delta: Mapping[str, Any]) -> Iterator[Event]:
    if "text" in delta:
        yield Text(delta["text"])
    elif "text" in delta.get("reasoningContent", ()):
        yield Thinking(delta["reasoningContent"]["text"])
    elif "toolUse" in delta:
        yield ToolInput(delta["toolUse"]["input"])


def _usage(counts: Mapping[str, Any]) -> Usage:
    return Usage.read({new: counts.get(old, 0) for old, new in _COUNTS.items()})


def whole(client: Any, call: Call) -> Iterator[Event]:
    """The same call through Converse, for an identity that may not stream."""
    response = client.converse(**call.arguments)
    yield Started(response["ResponseMetadata"].get("RequestId"))
    yield from answered(response, call.titles)


def answered(response: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[Event]:
    """The answer in one whole response of Converse's."""
    for block in response["output"]["message"]["content"]:
        if "citationsContent" in block:
            said = block["citationsContent"]
            yield Text("".join(piece["text"] for piece in said.get("content", ())))
            for source in said.get("citations", ()):
                yield Cited(converse_blocks.citation(source, titles))
        elif "toolUse" in block:
            yield ToolInput(json.dumps(block["toolUse"]["input"], ensure_ascii=False))
        else:
            reasoning = block.get("reasoningContent", {}).get("reasoningText")
            yield from _piece({"reasoningContent": reasoning} if reasoning else block)
    yield Counted(_usage(response["usage"]))
    yield Stopped(response["stopReason"])
