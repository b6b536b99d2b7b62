"""The runtime: InvokeModel, Converse, their streams, CountTokens."""

from __future__ import annotations

from collections.abc import Mapping

from bedrock_claude_cli.sandbox import answers
from bedrock_claude_cli.sandbox.models import resolve
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Frame, Reply, json_reply

STREAM_TYPE = "application/vnd.amazon.eventstream"


def validate(request: Request, *, strict_version: bool) -> dict[str, object]:
    """The request as an Anthropic Messages body, or Bedrock's refusal of it."""
    resolve(str(request.model), request.region)
    body = request.json()
    for key in ("anthropic_version", "max_tokens", "messages"):
        if key not in body:
            raise AwsError("ValidationException", f"{key}: Field required")
    return body


def prompt_of(body: Mapping[str, object]) -> str:
    """The text of the last user message."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            if isinstance(content, list):
                texts = [block.get("text") for block in content if isinstance(block, dict)]
                return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def answer(request: Request, body: dict[str, object], reply: Mapping[str, object]) -> Reply:
    """The canned answer (or the rule's) in the operation's own format."""
    model = resolve(str(request.model), request.region)
    said = answers.compose(body, model.id, prompt_of(body), request.request_id, reply)
    if request.operation == "InvokeModel":
        usage = said.usage
        headers = {
            "X-Amzn-Bedrock-Invocation-Latency": "1",
            "X-Amzn-Bedrock-Input-Token-Count": str(usage["input_tokens"]),
            "X-Amzn-Bedrock-Output-Token-Count": str(usage["output_tokens"]),
            "X-Amzn-Bedrock-Cache-Read-Input-Token-Count": str(usage["cache_read_input_tokens"]),
            "X-Amzn-Bedrock-Cache-Write-Input-Token-Count": str(
                usage["cache_creation_input_tokens"]
            ),
        }
        return json_reply(answers.message(said), headers=headers)
    if request.operation == "Converse":
        return json_reply(answers.converse_message(said))
    if request.operation == "ConverseStream":
        return Reply(content_type=STREAM_TYPE, frames=answers.converse_frames(said))
    return Reply(
        content_type=STREAM_TYPE,
        headers={"X-Amzn-Bedrock-Content-Type": "application/json"},
        frames=answers.message_frames(said),
    )


__all__ = ["Frame", "answer", "prompt_of", "validate"]
