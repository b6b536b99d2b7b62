"""Output formats and tools: JSON that fits, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bedrock_claude_cli.sandbox import schemas
from tests.sandbox.asking import SCHEMA, converse, invoke
from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.test_refusals import OPUS_5_5, WRAPPER, refused

OPUS_4_5 = "global.anthropic.claude-opus-4-5-20251101-v1:0"
OPUS_4_6 = "global.anthropic.claude-opus-4-6-v1"
OPUS_5 = "global.anthropic.claude-opus-5"
TOOL = {"name": "answer", "description": "Takes it.", "input_schema": SCHEMA}
SPEC = {"toolSpec": {"name": "answer", "inputSchema": {"json": SCHEMA}}}
FITTING = {"name": "sandbox", "age": 0}
FORCED = "Thinking may not be enabled when tool_choice forces tool use."


def invoke_format(schema: Any) -> dict[str, Any]:
    """The format as InvokeModel's body takes it."""
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def converse_format(schema: Any) -> dict[str, Any]:
    """The format as Converse takes it: the schema is a text."""
    text = schema if isinstance(schema, str) else json.dumps(schema)
    structure = {"jsonSchema": {"schema": text}}
    return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}}}


def test_a_schema_is_answered_with_json_that_fits(start: Start) -> None:
    start()
    for said in (invoke(**invoke_format(SCHEMA)), converse(**converse_format(SCHEMA))):
        assert (json.loads(said.text), said.stop_reason) == (FITTING, "end_turn")


@pytest.mark.parametrize("model", [OPUS_5_5, "global.anthropic.claude-sonnet-5-5"])
def test_models_without_output_formats(start: Start, model: str) -> None:
    start()
    message = f"'{model[17:]}' does not support output format."
    runtime = boto("bedrock-runtime")
    asked = body(**invoke_format(SCHEMA))
    assert refused(runtime.invoke_model, modelId=model, body=asked)[1:] == (400, message)
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    arguments = {"modelId": model, "messages": messages, **converse_format(SCHEMA)}
    assert refused(runtime.converse, **arguments)[1:] == (400, WRAPPER + message)


OPEN = {"type": "object", "properties": {}}
NODE = {**SCHEMA, "properties": {"next": {"$ref": "#/$defs/node"}}}
REFUSED: list[tuple[Any, str]] = [
    (OPEN, "For 'object' type, 'additionalProperties' must be explicitly set to false"),
    ({**OPEN, "additionalProperties": True}, "must be explicitly set to false"),
    ({**SCHEMA, "properties": {"in": OPEN}}, "must be explicitly set to false"),
    ({"type": "array", "items": OPEN}, "must be explicitly set to false"),
    ({"anyOf": [{"type": "null"}, OPEN]}, "must be explicitly set to false"),
    ({"type": ["object", "null"]}, "must be explicitly set to false"),
    ({"type": "integer", "minimum": 1}, "For 'integer' type, properties minimum are not supported"),
    ({"type": "number", "maximum": 1}, "For 'number' type, properties maximum are not supported"),
    ({"type": "string", "minLength": 1}, "For 'string' type, properties minLength are not"),
    ({"type": "array", "minItems": 2}, "'minItems' values other than 0 or 1 are not supported"),
    ({**NODE, "$defs": {"node": NODE}}, "Recursive references are not supported"),
    ({**SCHEMA, "properties": {"me": {"$ref": "#"}}}, "Recursive references are not supported"),
    ({"$ref": "#/$defs/gone"}, "Reference '#/$defs/gone' cannot be resolved"),
    ({"$ref": "https://example.com/s"}, "cannot be resolved"),
    ([], "Input should be a valid dictionary"),
    (None, "Input should be a valid dictionary"),
]


@pytest.mark.parametrize(("schema", "said"), REFUSED)
def test_schemas_that_structured_output_does_not_take(start: Start, schema: Any, said: str) -> None:
    start()
    call = boto("bedrock-runtime").invoke_model
    name, status, message = refused(call, modelId=GLOBAL, body=body(**invoke_format(schema)))
    assert (name, status) == ("ValidationException", 400)
    assert message.startswith("output_config.format.schema: ")
    assert said in message


def test_a_schema_may_be_shared_but_not_endless(start: Start) -> None:
    start()
    point = {**SCHEMA, "properties": {"x": {"type": "number"}}, "required": ["x"]}
    both = {"a": {"$ref": "#/$defs/point"}, "b": {"$ref": "#/$defs/point"}}
    schema = {**SCHEMA, "properties": both, "required": ["a"], "$defs": {"point": point}}
    assert json.loads(invoke(**invoke_format(schema)).text) == {"a": {"x": 0}, "b": {"x": 0}}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"format": {"type": "xml"}}, "output_config.format.type: Input should be 'json_schema'"),
        ({"format": "json"}, "output_config.format.type: Input should be 'json_schema'"),
        ({"form": {}}, "output_config.form: Extra inputs are not permitted"),
        ("json", "output_config: Input should be a valid dictionary"),
        (
            {"format": {"type": "json_schema", "schema": SCHEMA, "strict": True}},
            "output_config.format.strict: Extra inputs are not permitted",
        ),
        ({"effort": "low"}, "This model does not support the effort parameter."),
    ],
)
def test_output_configs_that_are_refused(start: Start, config: Any, said: str) -> None:
    start()
    asked = body(output_config=config)
    answer = refused(boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=asked)
    assert answer[2] == said


def test_a_schema_for_converse_is_a_text_of_json(start: Start) -> None:
    start()
    call = boto("bedrock-runtime").converse
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    answer = refused(call, modelId=GLOBAL, messages=messages, **converse_format("{"))
    assert answer[2] == "outputConfig.textFormat: the schema is not valid JSON"


@pytest.mark.parametrize(
    ("model", "effort", "fields", "said"),
    [
        (OPUS_4_6, "max", {}, None),
        (OPUS_4_6, "xhigh", {}, "level 'xhigh'. Supported levels: high, low, max, medium."),
        (OPUS_4_6, "huge", {}, "effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"),
        (OPUS_4_6, "max", {"thinking": {"type": "disabled"}}, None),
        (OPUS_5, "max", {}, None),
        (OPUS_5, "max", {"thinking": {"type": "disabled"}}, "'max' is not supported when thinking"),
        (OPUS_5, "high", {"thinking": {"type": "disabled"}}, None),
        (OPUS_4_5, "low", {}, "output_config: Extra inputs are not permitted"),
        (OPUS_4_5, "low", {"anthropic_beta": ["effort-2025-11-24"]}, None),
        (GLOBAL, "low", {}, "This model does not support the effort parameter."),
    ],
)
def test_effort_is_what_the_model_takes(
    start: Start, model: str, effort: str, fields: dict[str, Any], said: str | None
) -> None:
    start()
    runtime = boto("bedrock-runtime")
    asked = body(output_config={"effort": effort}, **fields)
    arguments = {
        "modelId": model,
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "outputConfig": {"effort": effort},
        "additionalModelRequestFields": fields,
    }
    if said is None:
        assert runtime.invoke_model(modelId=model, body=asked)["body"].read()
        assert runtime.converse(**arguments)["output"]
        return
    message = refused(runtime.invoke_model, modelId=model, body=asked)[2]
    assert said in message
    assert refused(runtime.converse, **arguments)[2] == WRAPPER + message


@pytest.mark.parametrize("betas", ["a", [1], {}, [None]])
def test_betas_are_a_list_of_texts(start: Start, betas: Any) -> None:
    start()
    answer = refused(
        boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=body(anthropic_beta=betas)
    )
    assert answer[2] == "anthropic_beta: Input should be a valid list of strings"


@pytest.mark.parametrize("choice", [{"type": "tool", "name": "answer"}, {"type": "any"}])
def test_a_forced_tool_is_called(start: Start, choice: dict[str, str]) -> None:
    start()
    said = invoke(tools=[TOOL], tool_choice=choice)
    assert (said.text, said.tool, said.stop_reason) == ("", FITTING, "tool_use")
    kind = {"tool": {"tool": {"name": "answer"}}, "any": {"any": {}}}[choice["type"]]
    said = converse(toolConfig={"tools": [SPEC], "toolChoice": kind})
    assert (said.text, said.tool, said.stop_reason) == ("", FITTING, "tool_use")


@pytest.mark.parametrize(
    ("system", "called"),
    [
        (None, False),
        ("Answer shortly.", False),
        ("Answer by calling the tool `answer` once.", True),
        ("Use the tool answer.", True),
        ("Use the tool `other`.", False),
    ],
)
def test_an_offered_tool_is_called_where_the_system_prompt_says_so(
    start: Start, system: str | None, called: bool
) -> None:
    start()
    prompts: dict[str, Any] = {} if system is None else {"system": system}
    said = invoke(tools=[TOOL], tool_choice={"type": "auto"}, **prompts)
    assert (said.tool, said.stop_reason) == (
        (FITTING, "tool_use") if called else (None, "end_turn")
    )
    prompts = {} if system is None else {"system": [{"text": system}]}
    said = converse(toolConfig={"tools": [SPEC], "toolChoice": {"auto": {}}}, **prompts)
    assert said.tool == (FITTING if called else None)


@pytest.mark.parametrize(
    ("model", "fields", "said"),
    [
        (GLOBAL, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, FORCED),
        (OPUS_4_6, {"thinking": {"type": "adaptive"}}, FORCED),
        (OPUS_5_5, {}, FORCED),
    ],
)
def test_a_forced_tool_is_refused_while_the_model_thinks(
    start: Start, model: str, fields: dict[str, Any], said: str
) -> None:
    start()
    choice: dict[str, Any] = {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "answer"}}
    asked = body(max_tokens=2000, **choice, **fields)
    assert refused(boto("bedrock-runtime").invoke_model, modelId=model, body=asked)[2] == said


def test_an_offered_tool_may_be_called_while_the_model_thinks(start: Start) -> None:
    start()
    said = invoke(
        OPUS_4_6,
        tools=[TOOL],
        tool_choice={"type": "auto"},
        system="Call `answer`.",
        thinking={"type": "adaptive"},
    )
    assert said.tool == FITTING


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tools": {}}, "tools: Input should be a valid list"),
        ({"tools": [1]}, "tools.0: Input should be a valid dictionary"),
        ({"tools": [{"name": "a b", "input_schema": SCHEMA}]}, "tools.0.custom.name: String"),
        ({"tools": [{"name": "a"}]}, "tools.0.custom.input_schema: Field required"),
        (
            {"tools": [{"name": "a", "input_schema": {"type": "array"}}]},
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}},
            "Tool 'other' not found in provided tools",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "must"}}, "tool_choice: Input tag 'must'"),
    ],
)
def test_tools_that_are_refused(start: Start, fields: dict[str, Any], said: str) -> None:
    start()
    answer = refused(boto("bedrock-runtime").invoke_model, modelId=GLOBAL, body=body(**fields))
    assert answer[2].startswith(said)


def test_a_rule_gives_the_input_of_a_tool(start: Start) -> None:
    start({"reply": {"tool_input": {"name": 7}, "text": "So:"}})
    said = invoke(tools=[TOOL], tool_choice={"type": "any"})
    assert (said.text, said.tool, said.stop_reason) == ("So:", {"name": 7}, "tool_use")
    said = converse(toolConfig={"tools": [SPEC], "toolChoice": {"any": {}}})
    assert (said.text, said.tool) == ("So:", {"name": 7})


def test_a_rule_that_gives_text_calls_no_tool(start: Start) -> None:
    start({"reply": {"text": "No."}})
    said = invoke(tools=[TOOL], tool_choice={"type": "any"})
    assert (said.text, said.tool, said.stop_reason) == ("No.", None, "end_turn")


def test_the_input_of_a_tool_is_cut_at_max_tokens(start: Start) -> None:
    start({"reply": {"tool_input": {"name": "x" * 100}}})
    asked = body(max_tokens=5, tools=[TOOL], tool_choice={"type": "any"})
    runtime = boto("bedrock-runtime")
    message = json.loads(runtime.invoke_model(modelId=GLOBAL, body=asked)["body"].read())
    assert message["stop_reason"] == "max_tokens"
    assert message["content"][0]["input"] == {}
    assert message["usage"]["output_tokens"] == 5


NAMES = some.text("abc", min_size=1, max_size=3)
SIMPLE = some.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 12, "maxLength": 13},
        {"type": "string", "maxLength": 2},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 3},
        {"type": "number", "exclusiveMinimum": 0.5},
        {"type": "integer", "maximum": -4},
        {"type": "boolean"},
        {"type": ["null", "string"]},
        {"enum": ["x", 1]},
        {"const": {"a": [1]}},
        {"$ref": "#/$defs/shared"},
        {"$ref": "#/$defs/tree"},
        {"type": "array", "minItems": 3, "items": {"type": "null"}},
    ]
)


def _larger(inner: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    def closed(properties: dict[str, Any]) -> dict[str, Any]:
        named = {"properties": properties, "required": list(properties)}
        return {"type": "object", "additionalProperties": False, **named}

    return (
        some.dictionaries(NAMES, inner, max_size=3).map(closed)
        | some.builds(lambda item: {"type": "array", "items": item}, inner)
        | some.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each})
    )


@given(some.recursive(SIMPLE, _larger, max_leaves=8))
def test_the_instance_of_a_schema_fits_it(schema: dict[str, Any]) -> None:
    shared = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    leaves = {"type": "array", "items": {"$ref": "#/$defs/tree"}}
    tree = {"type": "object", "properties": {"leaves": leaves}, "required": ["leaves"]}
    whole = {**schema, "$defs": {"shared": shared, "tree": tree}}
    jsonschema.validate(schemas.instance(whole), whole)


def test_a_schema_that_no_value_fits_has_no_instance() -> None:
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert schemas.instance(endless) is None
