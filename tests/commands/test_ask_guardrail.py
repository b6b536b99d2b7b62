"""`ask --guardrail`: what it stops is no whole answer, however the request is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Use = Callable[..., Sandbox]
DENIED = {"deny": "bedrock:InvokeModelWithResponseStream"}
STEPS_IN = {"reply": {"text": "Blocked.", "stop_reason": "guardrail_intervened"}}
NAMED = ("--guardrail", "gr1abc:7")
ways = pytest.mark.parametrize("via", ["invoke", "converse", "sdk"])
pieces = pytest.mark.parametrize("rules", [[], [DENIED]], ids=["streamed", "whole"])


@ways
@pieces
def test_a_guardrail_that_steps_in(via: str, rules: list[Any], run: Run, use: Use) -> None:
    """InvokeModel gives it the model's own end_turn, and tells it in a key of its own."""
    use(*rules, STEPS_IN)
    result = run("ask", "-n", "Hello", "--via", via, *NAMED, "--json", code=10)
    answer = json.loads(result.out)
    assert (answer["text"], answer["complete"]) == ("Blocked.", False)
    assert answer["stop_reason"] == "guardrail_intervened"
    assert "error: the answer is not whole: a guardrail stepped in" in result.err


@ways
@pieces
def test_a_guardrail_that_lets_it_pass(via: str, rules: list[Any], run: Run, use: Use) -> None:
    sandbox = use(*rules, {"reply": {"text": "Fine."}})
    answer = json.loads(run("ask", "-n", "Hello", "--via", via, *NAMED, "--json").out)
    assert (answer["text"], answer["stop_reason"]) == ("Fine.", "end_turn")
    last = sandbox.requests[-1]
    sent = last["body"].get("guardrailConfig") or {
        "guardrailIdentifier": last["headers"].get("x-amzn-bedrock-guardrailidentifier"),
        "guardrailVersion": last["headers"].get("x-amzn-bedrock-guardrailversion"),
    }
    assert sent == {"guardrailIdentifier": "gr1abc", "guardrailVersion": "7"}
