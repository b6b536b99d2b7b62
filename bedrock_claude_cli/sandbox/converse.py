"""Converse: its own limits, and its request as an Anthropic Messages body."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from bedrock_claude_cli.sandbox.converse_blocks import WRAPPER, check_media, marked
from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.validation import VERSION, check_messages, check_parameters
from bedrock_claude_cli.sandbox.wire import AwsError, invalid


def to_messages_body(request: dict[str, Any], model: Model) -> dict[str, Any]:
    """The Messages body that Converse makes of a request, or Converse's refusal of it."""
    _check_types(request)
    messages = request.get("messages") or []
    _check_order(messages, model)
    check_media(messages)
    body: dict[str, Any] = {
        "anthropic_version": VERSION,
        "max_tokens": model.max_output,
        **_inference(request.get("inferenceConfig") or {}, model),
        **(request.get("additionalModelRequestFields") or {}),
        "messages": [
            {
                "role": message["role"],
                "content": marked(message["content"], f"messages.{index}.content"),
            }
            for index, message in enumerate(messages)
        ],
    }
    body |= _tools(request.get("toolConfig") or {})
    if output := _output(request.get("outputConfig") or {}):
        given = body.get("output_config")
        body["output_config"] = (given if isinstance(given, dict) else {}) | output
    if system := marked(request.get("system") or [], "system"):
        body["system"] = system
    try:
        check_parameters(body, model)
        check_messages(body, model)
    except AwsError as error:
        raise invalid(WRAPPER + error.message) from error
    return body


def _check_types(request: dict[str, Any]) -> None:
    objects = ("inferenceConfig", "additionalModelRequestFields", "toolConfig", "outputConfig")
    for name in objects:
        if not isinstance(request.get(name) or {}, dict):
            raise AwsError("SerializationException", f"{name} is not an object")
    lists = [request.get("messages") or [], request.get("system") or []]
    messages = lists[0] if isinstance(lists[0], list) else []
    lists += [item.get("content") or [] for item in messages if isinstance(item, dict)]
    for items in lists:
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise AwsError("SerializationException", "expected a list of objects")
    for index, message in enumerate(messages):
        if message.get("role") not in ("user", "assistant", "system"):
            raise invalid(
                f"1 validation error detected: Value '{message.get('role')}' at "
                f"'messages.{index + 1}.member.role' failed to satisfy constraint: "
                "Member must satisfy enum value set: [user, assistant, system]"
            )
    for items in lists[1:]:
        if not all(isinstance(item.get("text", ""), str) for item in items):
            raise AwsError("SerializationException", "expected text")
    numbers = (request.get("inferenceConfig") or {}).items()
    for name, value in numbers:
        if name != "stopSequences" and not isinstance(value, int | float | None):
            raise AwsError("SerializationException", f"{name} is not a number")


def _inference(config: dict[str, Any], model: Model) -> dict[str, Any]:
    limits = {"temperature": (0, 1), "topP": (0, 1), "maxTokens": (1, float("inf"))}
    for name, (least, most) in limits.items():
        value = config.get(name)
        if value is None or least <= value <= most:
            continue
        what = (
            f"less than or equal to {most}" if value > most else f"greater than or equal to {least}"
        )
        raise invalid(
            f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to "
            f"satisfy constraint: Member must have value {what}"
        )
    if config.get("maxTokens", 0) > model.max_output:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.max_output}. "
            f"Try again with a maximum tokens value that is lower than {model.max_output}."
        )
    names = {
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop_sequences",
    }
    return {ours: config[theirs] for theirs, ours in names.items() if theirs in config}


def _tools(config: dict[str, Any]) -> dict[str, Any]:
    tools = config.get("tools") or []
    choice = config.get("toolChoice")
    if not isinstance(tools, list) or not all(isinstance(each, dict) for each in tools):
        raise AwsError("SerializationException", "toolConfig.tools is not a list of tools")
    made: dict[str, Any] = {"tools": marked(tools, "toolConfig.tools")} if tools else {}
    if choice is not None:
        if not isinstance(choice, dict) or len(choice) != 1:
            raise AwsError("SerializationException", "toolConfig.toolChoice has one member")
        kind, given = next(iter(choice.items()))
        name = {"name": given.get("name")} if kind == "tool" and isinstance(given, dict) else {}
        made["tool_choice"] = {"type": kind, **name}
    return made


def _output(config: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if config.get("effort") is not None:
        made["effort"] = config["effort"]
    given = config.get("textFormat")
    if given is None:
        return made
    structure = given.get("structure") if isinstance(given, dict) else None
    definition = structure.get("jsonSchema") if isinstance(structure, dict) else None
    text = definition.get("schema") if isinstance(definition, dict) else None
    if not isinstance(text, str) or given.get("type") != "json_schema":
        raise AwsError("SerializationException", "outputConfig.textFormat is ill-formed")
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise invalid("outputConfig.textFormat: the schema is not valid JSON") from error
    return made | {"format": {"type": "json_schema", "schema": schema}}


def _check_order(messages: list[dict[str, Any]], model: Model) -> None:
    spoken = [
        message["role"]
        for message in messages
        if not (message.get("role") == "system" and model.mid_system)
    ]
    if not spoken or spoken[0] != "user":
        raise invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    if any(first == second for first, second in pairwise(spoken)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure the "
            "conversation alternates between user and assistant roles and try again."
        )
    for index, message in enumerate(messages):
        if not message.get("content"):
            raise invalid(
                f"The content field in the Message object at messages.{index} is empty. "
                "Add a ContentBlock object to the content field and try again."
            )
