"""What Anthropic's side of Bedrock refuses of tools, output formats, effort and betas."""

from __future__ import annotations

import re
from typing import Any

from bedrock_claude_cli.sandbox import schemas
from bedrock_claude_cli.sandbox.documents import citations
from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.wire import invalid

CHOICES = ("any", "auto", "none", "tool")
# docs.aws.amazon.com/bedrock: "effort-2025-11-24 (Opus 4.5)"
EFFORT_BETA = {"anthropic.claude-opus-4-5-20251101-v1:0": "effort-2025-11-24"}
FORCED = "Thinking may not be enabled when tool_choice forces tool use."


def check(body: dict[str, Any], model: Model) -> None:
    """Refuse what is ill-formed, or what the model does not take; ValidationException."""
    betas = body.get("anthropic_beta")
    if betas is not None and not _is_texts(betas):
        raise invalid("anthropic_beta: Input should be a valid list of strings")
    _check_tools(body)
    _check_choice(body, model)
    config = body.get("output_config")
    if config is not None:
        if not isinstance(config, dict):
            raise invalid("output_config: Input should be a valid dictionary")
        for name in config:
            if name not in ("effort", "format"):
                raise invalid(f"output_config.{name}: Extra inputs are not permitted")
        if config.get("effort") is not None:
            _check_effort(config["effort"], body, model)
        if config.get("format") is not None:
            _check_format(config["format"], model)


def check_together(body: dict[str, Any]) -> None:
    """Refuse citations beside an output format; the messages must have been checked before."""
    if output_schema(body) is not None and citations(body):
        raise invalid("output_config.format: citations are not compatible with structured outputs")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise invalid("tools: Input should be a valid list")
    names: set[str] = set()
    for index, tool in enumerate(tools or ()):
        here = f"tools.{index}"
        if not isinstance(tool, dict):
            raise invalid(f"{here}: Input should be a valid dictionary")
        if tool.get("type", "custom") != "custom":
            continue
        name, schema = tool.get("name"), tool.get("input_schema")
        if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
            raise invalid(
                f"{here}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
        if not isinstance(schema, dict):
            raise invalid(f"{here}.custom.input_schema: Field required")
        if schema.get("type") != "object":
            raise invalid(f"{here}.custom.input_schema.type: Input should be 'object'")
        if name in names:
            raise invalid("tools: Tool names must be unique.")
        names.add(name)


def _check_choice(body: dict[str, Any], model: Model) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in CHOICES:
        tags = ", ".join(f"'{name}'" for name in CHOICES)
        raise invalid(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
            f"expected tags: {tags}"
        )
    if not body.get("tools"):
        raise invalid("tool_choice may only be specified while providing tools.")
    if kind == "tool" and tool(body, choice.get("name")) is None:
        raise invalid(f"Tool '{choice.get('name')}' not found in provided tools")
    thinks = isinstance(body.get("thinking"), dict) and body["thinking"].get("type") != "disabled"
    if kind in ("any", "tool") and (thinks or not model.forced_tools):
        raise invalid(FORCED)


def _check_effort(effort: object, body: dict[str, Any], model: Model) -> None:
    if not model.efforts:
        raise invalid("This model does not support the effort parameter.")
    beta = EFFORT_BETA.get(model.id)
    if beta is not None and beta not in (body.get("anthropic_beta") or ()):
        raise invalid("output_config: Extra inputs are not permitted")
    if effort not in ("low", "medium", "high", "xhigh", "max"):
        raise invalid(
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
        )
    if effort not in model.efforts:
        levels = ", ".join(sorted(model.efforts))
        raise invalid(
            f"This model does not support effort level '{effort}'. Supported levels: {levels}."
        )
    off = isinstance(body.get("thinking"), dict) and body["thinking"].get("type") == "disabled"
    if off and model.thinking_default == "on" and effort in ("xhigh", "max"):
        raise invalid(f"effort level '{effort}' is not supported when thinking is disabled.")


def _check_format(given: Any, model: Model) -> None:
    kind = given.get("type") if isinstance(given, dict) else None
    if kind != "json_schema":
        raise invalid("output_config.format.type: Input should be 'json_schema'")
    if not model.schema:
        raise invalid(f"'{model.first_party_id}' does not support output format.")
    for name in given:
        if name not in ("type", "schema"):
            raise invalid(f"output_config.format.{name}: Extra inputs are not permitted")
    schemas.check(given.get("schema"))


def output_schema(body: dict[str, Any]) -> Any:
    """The schema that the answer's text must fit, or None."""
    given = (body.get("output_config") or {}).get("format")
    return None if given is None else given["schema"]


def tool(body: dict[str, Any], name: object = None) -> dict[str, Any] | None:
    """The client tool of this name, or the first one."""
    tools = [each for each in body.get("tools") or () if each.get("type", "custom") == "custom"]
    return next((each for each in tools if name in (None, each["name"])), None)


def called(body: dict[str, Any]) -> dict[str, Any] | None:
    """The tool that the sandbox calls: a forced one, or one that the system prompt names."""
    choice = body.get("tool_choice") or {"type": "auto"}
    if choice["type"] in ("any", "tool"):
        return tool(body, choice.get("name"))
    system = body.get("system") or ""
    told = system if isinstance(system, str) else "\n".join(str(block["text"]) for block in system)
    named = re.findall(r"`([\w-]+)`|\btool ([\w-]+)", told) if choice["type"] == "auto" else []
    names = [quoted or bare for quoted, bare in named]
    return next((each for name in names if (each := tool(body, name))), None)
