"""What is sent of arbitrary JSON Schemas: never what Bedrock refuses, never another meaning."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock import schema as schemas
from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.bedrock.schema_native import NotNativeError, native
from bedrock_claude_cli.errors import UsageError
from bedrock_claude_cli.sandbox import schemas as bedrock

LEAVES = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 3),
            "format": st.sampled_from(["date", "isbn"]),
            "pattern": st.just("a"),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])}, optional={"minimum": st.integers(0, 3)}
    ),
    st.fixed_dictionaries(
        {"enum": st.lists(st.sampled_from(["a", 1, None]), min_size=1, unique=True)}
    ),
    st.sampled_from(
        [{"type": ["string", "null"]}, {"type": "object"}, {"$ref": "#"}, {"$ref": "#/$defs/a"}, {}]
    ),
)


def _around(inner: Any) -> Any:
    keys = st.sampled_from("xyz")
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={"minItems": st.integers(0, 3), "maxItems": st.integers(3, 5)},
        ),
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(keys, inner, min_size=1),
            },
            optional={
                "required": st.lists(keys, unique=True),
                "additionalProperties": st.booleans(),
            },
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=3)}),
    )


NODES = st.recursive(LEAVES, _around, max_leaves=6)
SCHEMAS = st.builds(lambda root, a: {**root, "$defs": {"a": a}}, NODES, NODES)
VALUES = st.recursive(
    st.sampled_from([None, 0, 1, 2.5, "", "a", "2026-01-01", "value"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=4,
)


def _read(schema: Any) -> Any:
    try:
        return schemas.read(json.dumps(schema), "it")
    except UsageError:
        assume(False)


@settings(max_examples=200)
@given(SCHEMAS)
def test_what_is_native_is_what_bedrock_takes(schema: Any) -> None:
    """The sandbox, which shares no code with it, refuses as Bedrock does."""
    try:
        sent = native(_read(schema))
    except NotNativeError:
        return
    bedrock.check(sent)


@settings(max_examples=150)
@given(SCHEMAS, VALUES)
def test_a_tool_s_input_means_the_same(schema: Any, value: Any) -> None:
    """What fits the schema fits the input under its key, and comes out as it went in."""
    read = _read(schema)
    sent = schemas.as_input(read)
    assert sent["type"] == "object"
    whole = {schemas.KEY: value} if sent.get("required") == [schemas.KEY] else value
    inside, outside = (Answer(text=json.dumps(each), complete=True) for each in (whole, value))
    schemas.judge(inside, sent)
    schemas.judge(outside, read)
    assert inside.complete == outside.complete
    called = Answer(tool_input=json.dumps(whole), complete=True)
    schemas.judge(called, read)
    assert (called.complete, called.parsed) == (outside.complete, outside.parsed)
    assert json.loads(called.text) == value
