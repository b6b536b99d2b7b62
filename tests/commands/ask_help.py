"""What the tests of `ask` share."""

from __future__ import annotations

from typing import Any

from bedrock_claude_cli.sandbox import Sandbox

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
CANNED = "This is a canned answer"


def operations(sandbox: Sandbox) -> list[str]:
    """The operations that arrived, in order."""
    return [request["operation"] for request in sandbox.requests]


def body(sandbox: Sandbox) -> dict[str, Any]:
    """The body of the last request."""
    found: dict[str, Any] = sandbox.requests[-1]["body"]
    return found


def prompt(sandbox: Sandbox) -> str:
    """The text of the last request's question."""
    text: str = body(sandbox)["messages"][0]["content"][0]["text"]
    return text
