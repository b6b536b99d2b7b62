"""Logged bodies as text: the conversation that was sent, and the answer put back together.

A body is what InvokeModel or Converse took or gave; a streamed answer is logged as the list of
its events. What is no text is named in brackets, such as `[image]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

# No request needs as many levels; Python's own limit is a few hundred calls further.
DEEPEST = 100
TOO_DEEP = "[nested too deeply]"


def shallow(body: Any) -> Any:
    """The body, or TOO_DEEP in place of one with more than DEEPEST levels."""
    level = [body] if isinstance(body, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return body
    return TOO_DEEP


def prompt(body: Any) -> str | None:
    """A request body as text: one lone question bare, a conversation with a line for each role."""
    body = shallow(body)
    if not isinstance(body, dict):
        return body if isinstance(body, str) else None
    turns = [("system", _blocks(body["system"]))] if body.get("system") else []
    turns += [
        (str(message.get("role")), _blocks(message.get("content")))
        for message in _items(body.get("messages"))
    ]
    if not turns:
        return None
    if len(turns) == 1 and turns[0][0] == "user":
        return turns[0][1]
    return "\n\n".join(f"[{role}]\n{text}" for role, text in turns)


def answer(body: Any) -> str | None:
    """An answer's body as text, whole or as a list of events; None where there is none."""
    body = shallow(body)
    if isinstance(body, list):
        return _streamed(body)
    if not isinstance(body, dict):
        return body if isinstance(body, str) else None
    content = body.get("content")
    if "output" in body:
        content = _mapping(_mapping(body["output"]).get("message")).get("content")
    return None if content is None else _blocks(content)


def stop_reason(body: Any) -> str | None:
    """Why the model stopped, in the spelling of the API that was called."""
    events = _items(body) if isinstance(body, list) else [_mapping(body)]
    found: Any = None
    for event in events:
        for place in (
            event,
            _mapping(event.get("delta")),
            _mapping(event.get("messageStop")),
        ):
            found = place.get("stop_reason") or place.get("stopReason") or found
    return found if isinstance(found, str) else None


def _streamed(events: list[Any]) -> str:
    """The blocks of a streamed answer, in either API's events, each put back together."""
    blocks: list[list[str]] = []
    names: dict[int, str] = {}
    last: Any = None
    for event in _items(events):
        start = _mapping(event.get("contentBlockStart"))
        opened = _mapping(event.get("content_block")) or _mapping(start.get("start"))
        inner = _mapping(event.get("contentBlockDelta")) or event
        delta = _mapping(inner.get("delta"))
        index = next(
            (each[key] for each in (inner, start) for key in ("index", "contentBlockIndex")
             if key in each), last,
        )  # fmt: skip
        piece = _piece(delta) + (_text_of(opened) if opened else "")
        if not piece and not opened:
            continue
        if index != last or not blocks:
            blocks.append([])
            last = index
        if label := _label(opened, delta):
            names.setdefault(len(blocks) - 1, label)
        blocks[-1].append(piece)
    texts = ["".join(block) for block in blocks]
    named = [f"[{names[at]}] {text}" if at in names else text for at, text in enumerate(texts)]
    return "\n".join(text for text in named if text)


def _label(opened: dict[str, Any], delta: dict[str, Any]) -> str | None:
    tool = opened if opened.get("type") == "tool_use" else _mapping(opened.get("toolUse"))
    if tool:
        return f"tool_use {tool.get('name')}"
    if opened.get("type") == "thinking" or "thinking" in delta or "reasoningContent" in delta:
        return "thinking"
    return None


def _piece(delta: dict[str, Any]) -> str:
    """The text of one delta, whichever kind it is."""
    reasoning = _mapping(delta.get("reasoningContent"))
    tool = _mapping(delta.get("toolUse"))
    for value in (
        delta.get("text"),
        delta.get("thinking"),
        delta.get("partial_json"),
        reasoning.get("text"),
        tool.get("input"),
    ):
        if isinstance(value, str):
            return value
    return ""


def _text_of(block: dict[str, Any]) -> str:
    return block["text"] if isinstance(block.get("text"), str) else ""


def _blocks(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_block(block) for block in content if block) if _listed(content) else ""


def _block(block: Any) -> str:
    """One content block of either API: its text, or its kind in brackets."""
    if not isinstance(block, dict):
        return str(block)
    if isinstance(block.get("text"), str):
        return str(block["text"])
    kind = block.get("type") or next(iter(block))
    inner = block if "type" in block else _mapping(block[kind])
    if kind in ("thinking", "reasoningContent"):
        text = block.get("thinking") or _mapping(inner.get("reasoningText")).get("text") or ""
        return f"[thinking] {text}"
    if kind in ("tool_use", "toolUse"):
        return (
            f"[tool_use {inner.get('name')}] {json.dumps(inner.get('input'), ensure_ascii=False)}"
        )
    if kind in ("tool_result", "toolResult"):
        return f"[tool_result] {_blocks(inner.get('content'))}"
    name = inner.get("name") or inner.get("title")
    return f"[{kind} {name}]" if name else f"[{kind}]"


def _items(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if _listed(value) else iter(())


def _listed(value: Any) -> bool:
    return isinstance(value, list)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
