"""The canned answer, before InvokeModel, Converse or Messages spells it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bedrock_claude_cli.sandbox import documents, features, schemas
from bedrock_claude_cli.sandbox.caching import Cache, points
from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.sizes import input_tokens, tokens

MAX_DELTAS = 1000
WORDS = ("one", "two", "six", "ten")  # with its space each is 4 characters: one estimated token
THINKING = "The sandbox thinks nothing: this thinking is canned, too."
PIECE = 12  # characters of a tool's input in one delta


@dataclass(frozen=True)
class Said:
    """A piece of text and what it is cited from, in the Messages API's shape."""

    text: str
    citations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Called:
    """A tool that is called; `input` is JSON, which max_tokens may have cut."""

    id: str
    name: str
    input: str

    def value(self) -> Any:
        """The input as data; what was cut is no JSON, and AWS then sends an empty object."""
        try:
            return json.loads(self.input)
        except ValueError:
            return {}


@dataclass(frozen=True)
class Answer:
    """What the sandbox says; `written` are tokens written to the cache by their ttl."""

    model: str
    message_id: str
    texts: tuple[Said, ...]
    thinking: str | None
    stop_reason: str
    stop_sequence: str | None
    usage: dict[str, int]
    tool: Called | None = None
    written: Mapping[str, int] = field(default_factory=dict)


def canned(prompt: str) -> str:
    """The default text, which nobody can mistake for a model's."""
    start = " ".join(prompt.split())[:60]
    return (
        "This is a canned answer of the bedrock-claude sandbox: no model has run, "
        f'and nothing was sent to AWS. Your prompt began: "{start}".'
    )


def compose(
    body: Mapping[str, Any],
    model: Model,
    prompt: str,
    request_id: str,
    reply: Mapping[str, Any],
    cache: Cache,
) -> Answer:
    """The answer to an Anthropic Messages body under a rule's `reply` (or an empty one)."""
    asked = dict(body)
    thinking = _thinking(asked, reply)
    tool = _tool(asked, reply, request_id)
    texts = _texts(asked, reply, prompt, silent=tool is not None)
    allowed = max(1, asked["max_tokens"] - tokens(thinking or ""))
    texts, sequence = _stopped(texts, asked.get("stop_sequences") or [])
    stop_reason = "end_turn" if tool is None else "tool_use"
    if sequence is not None:
        stop_reason, tool = "stop_sequence", None
    whole = texts, tool
    texts, tool = _limited(texts, tool, allowed)
    if (texts, tool) != whole:
        stop_reason, sequence = "max_tokens", None
    said = sum(tokens(each.text) for each in texts) + tokens(thinking or "")
    usage = {
        "input_tokens": input_tokens(asked),
        "output_tokens": max(1, said + (tokens(tool.input) if tool else 0)),
    }
    answer = Answer(
        model.first_party_id,
        "msg_bdrk_" + request_id.replace("-", "")[:24],
        texts,
        thinking,
        reply.get("stop_reason", stop_reason),
        sequence,
        usage,
        tool,
    )
    return _cached(answer, cache.take(points(asked, model)), reply)


def _cached(answer: Answer, taken: tuple[int, dict[str, int]], reply: Mapping[str, Any]) -> Answer:
    """The answer with the tokens that its prompt's cache points read and wrote."""
    read, written = taken
    writes = sum(written.values())
    usage = {
        **answer.usage,
        "input_tokens": max(1, answer.usage["input_tokens"] - read - writes),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": writes,
        **reply.get("usage", {}),
    }
    return replace(answer, usage=usage, written=written)


def _texts(
    body: dict[str, Any], reply: Mapping[str, Any], prompt: str, *, silent: bool
) -> tuple[Said, ...]:
    cited = tuple(reply.get("citations", ()))
    if "text" in reply:
        return (Said(str(reply["text"]), cited),)
    if "words" in reply:
        text = " ".join(WORDS[index % len(WORDS)] for index in range(reply["words"]))
        return (Said(text, cited),)
    if silent:
        return ()
    schema = features.output_schema(body)
    if schema is not None:
        return (Said(json.dumps(schemas.instance(schema))),)
    if cited:
        return (Said(canned(prompt), cited),)
    found = documents.citations(body)
    sources = (
        Said(f" It cites {each['document_title'] or 'a document'}.", (each,)) for each in found
    )
    return (Said(canned(prompt)), *sources)


def _tool(body: dict[str, Any], reply: Mapping[str, Any], request_id: str) -> Called | None:
    name = "toolu_bdrk_" + request_id.replace("-", "")[:24]
    if "tool_input" in reply:
        tool = features.called(body) or features.tool(body) or {"name": "answer"}
        return Called(name, tool["name"], json.dumps(reply["tool_input"]))
    called = features.called(body)
    if called is None or "text" in reply or "words" in reply:
        return None
    return Called(name, called["name"], json.dumps(schemas.instance(called["input_schema"])))


def _thinking(body: dict[str, Any], reply: Mapping[str, Any]) -> str | None:
    if "thinking" in reply:
        return str(reply["thinking"])
    asked = body.get("thinking")
    enabled = isinstance(asked, dict) and asked.get("type") in ("enabled", "adaptive")
    return THINKING if enabled else None


def _stopped(texts: tuple[Said, ...], sequences: list[str]) -> tuple[tuple[Said, ...], str | None]:
    for index, said in enumerate(texts):
        places = [(said.text.index(each), each) for each in sequences if each in said.text]
        if places:
            at, sequence = min(places)
            return (*texts[:index], Said(said.text[:at])), sequence
    return texts, None


def _limited(
    texts: tuple[Said, ...], tool: Called | None, allowed: int
) -> tuple[tuple[Said, ...], Called | None]:
    kept: list[Said] = []
    for said in texts:
        if tokens(said.text) > allowed:
            return (*kept, *([Said(said.text[: allowed * 4])] if allowed else [])), None
        kept.append(said)
        allowed -= tokens(said.text)
    if tool and tokens(tool.input) > allowed:
        tool = Called(tool.id, tool.name, tool.input[: allowed * 4])
    return texts, tool


def pieces(text: str) -> list[str]:
    """The text in deltas of one word, of more than one when there would be over MAX_DELTAS."""
    words = re.findall(r"\s*\S+|\s+$", text)
    step = math.ceil(len(words) / MAX_DELTAS) or 1
    return ["".join(words[start : start + step]) for start in range(0, len(words), step)]


def input_pieces(tool: Called) -> Iterator[str]:
    """A tool's input as its deltas bring it: never whole JSON before the last one."""
    step = max(PIECE, math.ceil(len(tool.input) / MAX_DELTAS))
    return (tool.input[start : start + step] for start in range(0, len(tool.input), step))
