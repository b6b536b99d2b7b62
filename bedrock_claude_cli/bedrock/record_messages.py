"""The conversation in a record: checked as far as Bedrock is known to refuse it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock import messages
from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.errors import UsageError

_BLOCKS = ("text", "image", "document")


def turns(given: list[Any], known: KnownModel | None) -> Iterator[Mapping[str, Any]]:
    """The turns in the Messages API's shape; UsageError where they are none."""
    if not given:
        raise UsageError("`messages` is empty")
    for number, each in enumerate(given, 1):
        where = f"message {number}"
        if not isinstance(each, dict) or each.keys() != {"role", "content"}:
            raise UsageError(f"{where} has not just `role` and `content`")
        if each["role"] not in ("user", "assistant"):
            raise UsageError(f"{where} has another role than user and assistant")
        turn = messages.turn(each["role"], each["content"])
        _check_content(turn["content"], where)
        yield turn
    if given[0]["role"] != "user":
        raise UsageError("the first of `messages` is the user's")
    if given[-1]["role"] == "assistant" and known and known.prefill is False:
        raise UsageError(f"{known.name} answers the user's turn only, and the last is another's")


def _check_content(content: Any, where: str) -> None:
    if not isinstance(content, list) or not content:
        raise UsageError(f"{where} has no content")
    for block in content:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in _BLOCKS:
            listed = ", ".join(_BLOCKS)
            raise UsageError(f"{where} has a block that is no {listed}: `modelInput` takes all")
        if kind == "text" and not (isinstance(block.get("text"), str) and block["text"].strip()):
            raise UsageError(f"{where} has a text block without text")
    try:
        list(messages.attached([{"content": content}]))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageError(f"{where} has an image or document that is not in base64") from None
