"""Structured answers: what of a JSON Schema a model takes, and whether an answer fits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.errors import IncompleteError, UsageError


def read(text: str, where: str) -> Mapping[str, Any]:
    """The JSON Schema in `text`; UsageError where it is none."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{where} is not a JSON object")
    return found


def native(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema as the model's output format takes it; None where it cannot."""
    return schema


def judge(answer: Answer, schema: Mapping[str, Any]) -> None:
    """Set `parsed`; an answer that does not fit is incomplete, its error naming the path."""
    raw = answer.tool_input if answer.tool_input is not None else answer.text
    answer.text = raw
    try:
        answer.parsed = json.loads(raw)
    except ValueError as error:
        _fail(answer, f"the answer is not JSON: {error}")


def _fail(answer: Answer, message: str) -> None:
    answer.complete = False
    answer.error = IncompleteError(message).as_json() | {"request_id": answer.request_id}
