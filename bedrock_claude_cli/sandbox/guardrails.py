"""Guardrails: whether one is named as it must be, and what InvokeModel says that it did."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bedrock_claude_cli.sandbox.answers import Answer
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import invalid

INTERVENED = "guardrail_intervened"
ACTION = "amazon-bedrock-guardrailAction"
# botocore's shapes GuardrailIdentifier and GuardrailVersion
_PATTERNS = {
    "guardrailIdentifier": (
        r"(|([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))"
    ),
    "guardrailVersion": r"(|([1-9][0-9]{0,7})|(DRAFT))",
}


def _named(request: Request) -> dict[str, Any]:
    """Identifier and version, from the headers of InvokeModel or the body of Converse."""
    if request.operation.startswith("Converse"):
        config = request.json().get("guardrailConfig") or {}
        found = config if isinstance(config, dict) else {"guardrailIdentifier": config}
    else:
        found = {name: request.headers.get(f"x-amzn-bedrock-{name.lower()}") for name in _PATTERNS}
    return {name: found[name] for name in _PATTERNS if found.get(name)}


def check(request: Request) -> None:
    """Refuse half a guardrail, and one that is no guardrail's name; ValidationException."""
    named = _named(request)
    for name, value in named.items():
        if not isinstance(value, str) or not re.fullmatch(_PATTERNS[name], value):
            raise invalid(
                f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy "
                f"constraint: Member must satisfy regular expression pattern: {_PATTERNS[name]}"
            )
    if len(named) == 1:
        raise invalid("guardrailIdentifier and guardrailVersion must be given together.")


def apply(request: Request, said: Answer) -> tuple[Answer, dict[str, str]]:
    """What InvokeModel makes of an answer where a guardrail was named, and its own key for that.

    The stop reason stays the model's: what Converse calls guardrail_intervened is an end_turn here.
    """
    if not _named(request):
        return said, {}
    if said.stop_reason != INTERVENED:
        return said, {ACTION: "NONE"}
    return replace(said, stop_reason="end_turn"), {ACTION: "INTERVENED"}
