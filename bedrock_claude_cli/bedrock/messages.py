"""A request as a body of Anthropic's Messages API, which every transport starts from."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock.prompt import Attachment, Request

TOOL = "answer"
_ASK_FOR_TOOL = f"Give your whole answer by calling the tool `{TOOL}` once."


def body(request: Request) -> dict[str, Any]:
    """The body without model, version and betas, which each transport places itself."""
    if request.body is not None:
        return dict(request.body)
    options, shape = request.options, request.shape
    made: dict[str, Any] = {"max_tokens": options.max_tokens, "messages": messages(request)}
    system = _system(request)
    if system is not None:
        made["system"] = system
    if options.temperature is not None:
        made["temperature"] = options.temperature
    if options.top_p is not None:
        made["top_p"] = options.top_p
    if options.stop is not None:
        made["stop_sequences"] = list(options.stop)
    if shape.thinking is not None:
        made["thinking"] = dict(shape.thinking)
    output: dict[str, Any] = {}
    if options.effort is not None:
        output["effort"] = options.effort
    if shape.output_schema is not None:
        output["format"] = {"type": "json_schema", "schema": dict(shape.output_schema)}
    if output:
        made["output_config"] = output
    if shape.tool_schema is not None:
        made["tools"] = [
            {
                "name": TOOL,
                "description": "Takes the answer to the question.",
                "input_schema": dict(shape.tool_schema),
            }
        ]
        made["tool_choice"] = (
            {"type": "tool", "name": TOOL} if shape.tool_forced else {"type": "auto"}
        )
    return made


def messages(request: Request) -> list[dict[str, Any]]:
    """The conversation: earlier turns, then the attachments and the question."""
    mark = _mark(request)
    content = [_attached(each, citations=request.shape.citations) for each in request.attachments]
    if content:
        content[-1] |= mark
    if request.text:
        content.append({"type": "text", "text": request.text})
    turns = [_earlier(each, citations=request.shape.citations) for each in request.history]
    if turns:
        turns[-1]["content"][-1] |= mark
    return [*turns, {"role": "user", "content": content}] if content else turns


def _earlier(turn: Mapping[str, Any], *, citations: bool) -> dict[str, Any]:
    """A turn of the history; all documents of a request have citations, or none has."""
    blocks = [dict(block) for block in turn["content"]]
    for block in blocks:
        if citations and block["type"] == "document":
            block["citations"] = {"enabled": True}
    return {"role": turn["role"], "content": blocks}


def _system(request: Request) -> str | list[dict[str, Any]] | None:
    text = request.system
    if request.shape.tool_schema is not None and not request.shape.tool_forced:
        text = f"{text}\n\n{_ASK_FOR_TOOL}" if text else _ASK_FOR_TOOL
    if text is None or request.system is None or request.options.cache is None:
        return text
    return [{"type": "text", "text": text} | _mark(request)]


def _mark(request: Request) -> dict[str, Any]:
    """A cache point, on the last block of what is to be kept."""
    ttl = request.options.cache
    if ttl is None:
        return {}
    return {"cache_control": {"type": "ephemeral"} | ({"ttl": ttl} if ttl != "5m" else {})}


def _attached(attachment: Attachment, *, citations: bool) -> dict[str, Any]:
    if attachment.media_type.startswith("text/"):
        source = {"type": "text", "media_type": "text/plain", "data": attachment.data.decode()}
    else:
        encoded = base64.b64encode(attachment.data).decode()
        source = {"type": "base64", "media_type": attachment.media_type, "data": encoded}
    if attachment.is_image:
        return {"type": "image", "source": source}
    block: dict[str, Any] = {"type": "document", "source": source, "title": attachment.name}
    return block | ({"citations": {"enabled": True}} if citations else {})


def asked(request: Request) -> dict[str, Any]:
    """The question as a turn of a conversation: without cache points and citations."""
    options = request.options._replace(cache=None)
    shape = request.shape._replace(citations=False)
    return messages(request._replace(options=options, shape=shape, history=()))[-1]


def attached(history: Iterable[Mapping[str, Any]], *, pages: bool = False) -> Iterator[Attachment]:
    """What was attached in earlier turns, with the `pages` of PDFs if they are wanted.

    Raises KeyError, TypeError or ValueError where that is not as `asked` makes it.
    """
    for block in (block for turn in history for block in turn["content"]):
        if block["type"] not in ("document", "image"):
            continue
        source = block["source"]
        if source["type"] == "text":
            data = source["data"].encode()
        else:
            data = base64.b64decode(source["data"], validate=True)
        name, kind = block.get("title", "image"), source["media_type"]
        number = None
        if pages and kind == "application/pdf":
            from bedrock_claude_cli.bedrock import media

            number = media.pages(data, name)
        yield Attachment(name, kind, data, number)


def turn(role: str, content: Any) -> Mapping[str, Any]:
    """One turn of a conversation."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"role": role, "content": blocks}
