"""What Anthropic's side of Bedrock refuses in a Messages body, in its words."""

from __future__ import annotations

from typing import Any

from bedrock_claude_cli.sandbox import caching, documents, features
from bedrock_claude_cli.sandbox.images import check_source
from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.sizes import input_tokens
from bedrock_claude_cli.sandbox.wire import invalid

VERSION = "bedrock-2023-05-31"
DATE_VERSIONS = ("2023-06-01", "2026-10-21")
FIELDS = (
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "context_management",
)
BLOCKS = (
    "document",
    "image",
    "redacted_thinking",
    "search_result",
    "text",
    "thinking",
    "tool_result",
    "tool_use",
)
MAX_STOP_SEQUENCES = 8191


def check_body(body: dict[str, Any], model: Model, *, strict_version: bool) -> None:
    """Refuse what InvokeModel refuses in a body; ValidationException."""
    version = body.get("anthropic_version")
    if version is None:
        raise invalid("anthropic_version: Field required")
    dated = version in DATE_VERSIONS and not (strict_version and model.arn_versioned)
    if version != VERSION and not dated:
        raise invalid(f"Invalid API version: {version}")
    for key in body:
        if key not in FIELDS:
            raise invalid(f"{key}: Extra inputs are not permitted")
    for key in ("max_tokens", "messages"):
        if key not in body:
            raise invalid(f"{key}: Field required")
    check_parameters(body, model)
    check_messages(body, model)


def check_parameters(body: dict[str, Any], model: Model) -> None:
    """Refuse max_tokens, sampling, thinking and stop sequences that the model does not take."""
    _check_max_tokens(body["max_tokens"], model)
    _check_sampling(body, model)
    if "thinking" in body:
        _check_thinking(body, model)
    features.check(body, model)
    sequences = body.get("stop_sequences") or []
    if not _is_list_of(sequences, str):
        raise invalid("stop_sequences: Input should be a valid list of strings")
    if len(sequences) > MAX_STOP_SEQUENCES:
        raise invalid(f"stop_sequences: at most {MAX_STOP_SEQUENCES} items are allowed")
    if not all(sequence.strip() for sequence in sequences):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


def check_messages(body: dict[str, Any], model: Model) -> None:
    """Refuse messages that are empty, in the wrong order, or longer than the context."""
    _check_order(body["messages"], model)
    for index, message in enumerate(body["messages"]):
        last = index == len(body["messages"]) - 1
        _check_content(message, f"messages.{index}", optional=last and message["role"] != "user")
    system = body.get("system", "")
    if not isinstance(system, str) and not _is_list_of(system, dict):
        raise invalid("system: Input should be a valid string or list")
    for block in system if isinstance(system, list) else []:
        if not block.get("text"):
            raise invalid("system: text content blocks must be non-empty")
    documents.check(body, model)
    features.check_together(body)
    caching.check(body)
    count = input_tokens(body)
    if count > model.context:
        raise invalid(f"prompt is too long: {count} tokens > {model.context} maximum")


def _check_max_tokens(value: object, model: Model) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("max_tokens: Input should be a valid integer")
    if value < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    if value > model.max_output:
        raise invalid(
            f"max_tokens: {value} > {model.max_output}, which is the maximum allowed number of "
            f"output tokens for {model.first_party_id}"
        )


def _check_sampling(body: dict[str, Any], model: Model) -> None:
    for key in ("temperature", "top_p", "top_k"):
        value = body.get(key)
        if value is None:
            continue
        fixed = model.sampling == "fixed" and key == "temperature" and value == 1
        if model.sampling in ("none", "fixed") and not fixed:
            raise invalid(f"`{key}` is deprecated for this model.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(f"{key}: Input should be a valid number")
        if key != "top_k" and not 0 <= value <= 1:
            raise invalid(f"{key}: range: 0..1")
        if key == "top_k" and value < 0:
            raise invalid("top_k: Input should be greater than or equal to 0")
    both = body.get("temperature") is not None and body.get("top_p") is not None
    if both and model.sampling == "one":
        raise invalid(
            "`temperature` and `top_p` cannot both be specified for this model. "
            "Please use only one."
        )


def _check_thinking(body: dict[str, Any], model: Model) -> None:
    thinking = body["thinking"]
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("adaptive", "disabled", "enabled"):
        raise invalid(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected "
            "tags: 'adaptive', 'disabled', 'enabled'"
        )
    if kind not in model.thinking:
        if kind == "adaptive":
            raise invalid("adaptive thinking is not supported on this model")
        raise invalid(
            f'"thinking.type.{kind}" is not supported for this model. Use '
            '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        )
    if kind == "enabled":
        _check_budget(thinking.get("budget_tokens"), body["max_tokens"])
    if kind != "disabled" and body.get("temperature") not in (None, 1):
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")


def _check_budget(budget: object, max_tokens: int) -> None:
    if not isinstance(budget, int):
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        raise invalid(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if budget >= max_tokens:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _check_order(messages: Any, model: Model) -> None:
    if not _is_list_of(messages, dict):
        raise invalid("messages: Input should be a valid list")
    if not messages:
        raise invalid("messages: at least one message is required")
    roles: list[str] = []
    for index, message in enumerate(messages):
        role = message.get("role")
        if role == "system" and model.mid_system and index:
            continue
        if role not in ("user", "assistant"):
            raise invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        if roles and role == roles[-1]:
            raise invalid(
                'messages: roles must alternate between "user" and "assistant", '
                f'but found multiple "{role}" roles in a row'
            )
        roles.append(role)
    if roles[0] != "user":
        raise invalid('messages: first message must use the "user" role')
    if roles[-1] == "assistant" and not model.prefill:
        raise invalid(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )


def _check_content(message: dict[str, Any], where: str, *, optional: bool) -> None:
    content = message.get("content")
    if content is None:
        raise invalid(f"{where}.content: Field required")
    if not isinstance(content, str) and not _is_list_of(content, dict):
        raise invalid(f"{where}.content: Input should be a valid list")
    if not content and not optional:
        raise invalid(
            f"{where}: all messages must have non-empty content "
            "except for the optional final assistant message"
        )
    if isinstance(content, str):
        if content and not content.strip():
            raise invalid("messages: text content blocks must contain non-whitespace text")
        return
    for index, block in enumerate(content):
        _check_block(block, f"{where}.content.{index}")


def _check_block(block: dict[str, Any], where: str) -> None:
    kind = block.get("type")
    if kind not in BLOCKS:
        tags = ", ".join(f"'{name}'" for name in BLOCKS)
        raise invalid(
            f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected "
            f"tags: {tags}"
        )
    if kind == "text":
        if not isinstance(block.get("text"), str):
            raise invalid(f"{where}.text.text: Input should be a valid string")
        if not block["text"]:
            raise invalid("messages: text content blocks must be non-empty")
        if not block["text"].strip():
            raise invalid("messages: text content blocks must contain non-whitespace text")
    if kind == "image":
        source = block.get("source")
        check_source(source if isinstance(source, dict) else {}, f"{where}.image.source")
