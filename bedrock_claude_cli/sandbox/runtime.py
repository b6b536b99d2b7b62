"""The runtime: InvokeModel, Converse, their streams, CountTokens."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bedrock_claude_cli.sandbox import answers, converse_message, guardrails
from bedrock_claude_cli.sandbox import message as messages_api
from bedrock_claude_cli.sandbox.access import Access
from bedrock_claude_cli.sandbox.caching import Cache
from bedrock_claude_cli.sandbox.converse import to_messages_body
from bedrock_claude_cli.sandbox.models import Model, base_model, resolve
from bedrock_claude_cli.sandbox.request import MALFORMED, Request
from bedrock_claude_cli.sandbox.sizes import input_tokens
from bedrock_claude_cli.sandbox.validation import check_body
from bedrock_claude_cli.sandbox.wire import Logged, Reply, invalid, json_reply

STREAM_TYPE = "application/vnd.amazon.eventstream"
MAX_BODY = 20_000_000  # what Anthropic's page says; botocore's model says 25,000,000


def messages_body(request: Request, access: Access, *, strict_version: bool) -> dict[str, Any]:
    """The request as an Anthropic Messages body, or Bedrock's refusal of it."""
    if request.operation == "CountTokens":
        return _counted_body(request, access, strict_version=strict_version)
    model = resolve(str(request.model), request.region)
    access.check(model, request.region)
    if len(request.body) > MAX_BODY:
        raise invalid("Input is too long for requested model.")
    guardrails.check(request)
    if request.operation.startswith("Converse"):
        return to_messages_body(request.json(), model)
    body = request.json()
    check_body(body, model, strict_version=strict_version)
    return body


def _counted_body(request: Request, access: Access, *, strict_version: bool) -> dict[str, Any]:
    model = base_model(str(request.model), request.region)
    if not model.count_tokens or model.retired:
        raise invalid("The provided model doesn't support counting tokens.")
    access.check(model, request.region)
    given = request.json().get("input")
    for kind, value in given.items() if isinstance(given, dict) else ():
        if kind == "converse" and isinstance(value, dict):
            return to_messages_body(value, model)
        if kind == "invokeModel" and isinstance(value, dict):
            return _decoded_body(value, model, strict_version=strict_version)
    raise invalid("The input must be one of invokeModel and converse.")


def _decoded_body(given: dict[str, Any], model: Model, *, strict_version: bool) -> dict[str, Any]:
    try:
        body = json.loads(base64.b64decode(given.get("body", ""), validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise invalid(MALFORMED) from error
    if not isinstance(body, dict):
        raise invalid(MALFORMED)
    check_body(body, model, strict_version=strict_version)
    return body


def prompt_of(request: Request) -> str:
    """The text of the last user message, however broken the rest of the request is."""
    try:
        body = json.loads(request.body or b"null")
    except ValueError:
        return ""
    messages = body.get("messages") if isinstance(body, dict) else None
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            blocks = content if isinstance(content, list) else [{"text": content}]
            texts = [block.get("text") for block in blocks if isinstance(block, dict)]
            return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def answer(request: Request, body: dict[str, Any], rule: Mapping[str, Any], cache: Cache) -> Reply:
    """The canned answer (or the rule's) in the operation's own format."""
    if request.operation == "CountTokens":
        return json_reply({"inputTokens": input_tokens(body)})
    model = resolve(str(request.model), request.region)
    said = answers.compose(body, model, prompt_of(request), request.request_id, rule, cache)
    if request.operation.startswith("Converse"):
        whole = converse_message.message(said)
        # AWS's log puts a ConverseStream together again, and leaves an invocation's events alone.
        logged = Logged(whole, said.usage)
        if request.operation == "Converse":
            return replace(json_reply(whole), logged=logged)
        return Reply(content_type=STREAM_TYPE, frames=converse_message.frames(said), logged=logged)
    said, extra = guardrails.apply(request, said)
    if request.operation == "InvokeModel":
        whole = messages_api.message(said) | extra
        reply = json_reply(whole, headers=_token_counts(said.usage))
        return replace(reply, logged=Logged(whole, said.usage))
    frames = list(messages_api.frames(said, extra))
    return Reply(
        content_type=STREAM_TYPE,
        headers={"X-Amzn-Bedrock-Content-Type": "application/json"},
        frames=iter(frames),
        logged=Logged([frame.value for frame in frames], said.usage),
    )


def _token_counts(usage: dict[str, int]) -> dict[str, str]:
    counts = {
        "Invocation-Latency": 1,
        "Input-Token-Count": usage["input_tokens"],
        "Output-Token-Count": usage["output_tokens"],
        "Cache-Read-Input-Token-Count": usage["cache_read_input_tokens"],
        "Cache-Write-Input-Token-Count": usage["cache_creation_input_tokens"],
    }
    return {f"X-Amzn-Bedrock-{name}": str(count) for name, count in counts.items()}
