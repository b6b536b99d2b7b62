"""bedrock-mantle: Anthropic's Messages API as it is, with its own ids, errors and events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bedrock_claude_cli.sandbox import answers, message
from bedrock_claude_cli.sandbox.access import Access
from bedrock_claude_cli.sandbox.caching import Cache
from bedrock_claude_cli.sandbox.models import Model, claude
from bedrock_claude_cli.sandbox.request import MANTLE, Request
from bedrock_claude_cli.sandbox.runtime import MAX_BODY, prompt_of
from bedrock_claude_cli.sandbox.sizes import input_tokens
from bedrock_claude_cli.sandbox.validation import VERSION, check_body, check_messages
from bedrock_claude_cli.sandbox.wire import STATUS, AwsError, Frame, Reply, invalid, json_reply

# The ids of docs.aws.amazon.com/bedrock "Endpoints" cards, without prefix and version.
SAME_ID = tuple(
    f"anthropic.claude-{name}"
    for name in (
        *("fable-5", "fable-5-1", "haiku-5-5", "mythos-5", "mythos-5-1", "mythos-preview"),
        *("opus-4-7", "opus-4-8", "opus-5", "opus-5-5", "sonnet-5", "sonnet-5-5"),
    )
)
IDS = {
    **{name: name for name in SAME_ID},
    "anthropic.claude-haiku-4-5": "anthropic.claude-haiku-4-5-20251001-v1:0",
}
# What Bedrock's errors are called here, and their status.
_AUTHENTICATION = ("authentication_error", 401)
_TYPES = {
    "AccessDeniedException": ("permission_error", 403),
    "ValidationException": ("invalid_request_error", 400),
    "ServiceQuotaExceededException": ("invalid_request_error", 400),
    "ResourceNotFoundException": ("not_found_error", 404),
    "UnknownOperationException": ("not_found_error", 404),
    "ThrottlingException": ("rate_limit_error", 429),
    "ModelNotReadyException": ("overloaded_error", 529),
    "ServiceUnavailableException": ("overloaded_error", 529),
    "InternalServerException": ("api_error", 500),
    "ModelErrorException": ("api_error", 500),
    "ModelStreamErrorException": ("api_error", 500),
    "ModelTimeoutException": ("timeout_error", 504),
    "ExpiredTokenException": _AUTHENTICATION,
    "IncompleteSignatureException": _AUTHENTICATION,
    "InvalidSignatureException": _AUTHENTICATION,
    "MissingAuthenticationTokenException": _AUTHENTICATION,
    "UnrecognizedClientException": _AUTHENTICATION,
}


def messages_body(request: Request, access: Access) -> dict[str, Any]:
    """The Messages body, or the refusal of it."""
    if request.service != MANTLE:
        message = f"Credential should be scoped to correct service: '{MANTLE}'."
        raise AwsError("InvalidSignatureException", message)
    if "anthropic-version" not in request.headers:
        raise invalid("anthropic-version: header is required")
    body = request.json()
    model = _model(body.pop("model", None))
    access.check(model, request.region, mantle=True)
    stream = body.pop("stream", False)
    for key in ("anthropic_version", "anthropic_beta"):
        if key in body:
            raise invalid(f"{key}: Extra inputs are not permitted")
    if "format" in _mapping(body.get("output_config")):
        raise invalid("output_config.format: Extra inputs are not permitted")
    if not isinstance(stream, bool):
        raise invalid("stream: Input should be a valid boolean")
    if len(request.body) > MAX_BODY:
        raise AwsError("ValidationException", "Request exceeds the maximum size", 413)
    if request.operation == "CountTokens":
        if "messages" not in body:
            raise invalid("messages: Field required")
        check_messages(body, model)
    else:
        check_body({"anthropic_version": VERSION, **body}, model, strict_version=False)
    return body | {"stream": stream}


def _model(name: object) -> Model:
    if not isinstance(name, str):
        raise invalid("model: Field required")
    if name not in IDS or claude()[IDS[name]].retired:
        raise AwsError("ResourceNotFoundException", f"model: {name}")
    return claude()[IDS[name]]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def answer(request: Request, body: dict[str, Any], rule: Mapping[str, Any], cache: Cache) -> Reply:
    """The canned answer (or the rule's), whole or as server-sent events."""
    headers = {"request-id": request.request_id}
    if request.operation == "CountTokens":
        return json_reply({"input_tokens": input_tokens(body)}, headers=headers)
    model = claude()[IDS[str(request.model)]]
    said = answers.compose(body, model, prompt_of(request), request.request_id, rule, cache)
    said = replace(said, message_id=said.message_id.replace("msg_bdrk_", "msg_"))
    if not body["stream"]:
        return json_reply(message.message(said), headers=headers)
    return Reply(
        content_type="text/event-stream; charset=utf-8",
        headers=headers,
        frames=_frames(message.events(said)),
        exception=_error_event,
    )


def _frames(events: Iterator[dict[str, Any]]) -> Iterator[Frame]:
    for value in events:
        yield Frame(_event(value), value["type"] == "content_block_delta", value)
        if value["type"] == "message_start":
            yield Frame(_event({"type": "ping"}))


def _event(value: Mapping[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def _error_event(name: str, message: str) -> Frame:
    kind, _ = _TYPES[name[:1].upper() + name[1:]]
    return Frame(_event({"type": "error", "error": {"type": kind, "message": message}}))


def error_reply(error: AwsError, request_id: str) -> Reply:
    """An error under its name here; the status of a rule that gives its own stays."""
    kind, status = _TYPES.get(error.code, (error.code, error.status))
    if error.status != STATUS.get(error.code, 400):
        status = error.status
    body = {
        "type": "error",
        "request_id": request_id,
        "error": {"type": kind, "message": error.message},
    }
    headers = {"request-id": request_id, **error.headers}
    return json_reply(body, status=status, headers=headers)
