"""Whatever the types in a request: an answer or a refusal, never a broken connection."""

from __future__ import annotations

import http.client
import itertools
import json
from typing import Any

import pytest

from tests.sandbox.conftest import GLOBAL, Start

SIGNED = {
    "Content-Type": "application/json",
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/bedrock/aws4_request, "
    "SignedHeaders=host, Signature=0",
}
BASE = GLOBAL[7:]
JUNK: list[Any] = [
    None,
    1,
    -1.5,
    True,
    "",
    "x",
    [],
    {},
    [1],
    [None],
    ["a"],
    [{}],
    {"type": "enabled", "budget_tokens": "x"},
    {"maxTokens": [], "temperature": "x"},
    {"stopSequences": [1]},
    {"thinking": 5, "max_tokens": "x"},
    [{"type": "text", "text": 3}],
    [{"role": [], "content": "a"}],
    [{"role": "user", "content": [1]}],
    [{"role": "user", "content": [{"text": None, "image": {}, "document": 5}]}],
    [{"role": "user", "content": [{"type": "image", "source": 5}]}],
    [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": 5}}]}],
    [{"role": "user", "content": [{"text": "a", "document": {"name": 5, "source": []}}]}],
    [{"role": "user", "content": [{"image": {"format": "png", "source": 5}}]}],
    [{"role": "user", "content": [{"text": "a", "cachePoint": 5}, {"cachePoint": {"ttl": []}}]}],
    [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"ttl": []}}]}],
    [{"role": "user", "content": [{"type": "document", "source": {"type": "text"}}]}],
    [{"role": "user", "content": [{"type": "document", "source": {"type": []}, "title": {}}]}],
    [{"role": "user", "content": [{"text": "a"}, {"document": {"name": "a", "source": {}}}]}],
    {"effort": [], "format": {"type": "json_schema", "schema": {"type": {}, "anyOf": [1]}}},
    {"format": {"type": "json_schema", "schema": {"properties": [], "$ref": []}}},
    {"format": {"type": "json_schema", "schema": {"type": "array", "minItems": []}}},
    [{"name": [], "input_schema": []}, {"type": [], "name": "a"}],
    {"type": "tool", "name": []},
    {"tools": [{"toolSpec": 5}], "toolChoice": []},
    {"tools": [{"toolSpec": {"name": "a", "inputSchema": {}}}], "toolChoice": {"tool": 5}},
    {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "[]"}}}},
    {"textFormat": {"type": [], "structure": 5}, "effort": {}},
    {"guardrailIdentifier": [], "guardrailVersion": {}},
]
INVOKE = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 20,
    "messages": [{"role": "user", "content": "hi"}],
}
INVOKE_FIELDS = (
    *INVOKE,
    *("system", "temperature", "top_p", "thinking", "stop_sequences", "tools", "tool_choice"),
    *("output_config", "anthropic_beta"),
)
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
CONVERSE_FIELDS = (
    *("messages", "system", "inferenceConfig", "additionalModelRequestFields"),
    *("toolConfig", "outputConfig", "guardrailConfig"),
)


def bodies(operation: str) -> list[Any]:
    """A good body with each field in turn replaced by each piece of junk."""
    if operation == "count-tokens":
        kinds = ("invokeModel", "converse")
        return [{"input": junk} for junk in JUNK] + [
            {"input": {kind: junk}} for kind, junk in itertools.product(kinds, JUNK)
        ]
    good, fields = (INVOKE, INVOKE_FIELDS) if operation == "invoke" else (CONVERSE, CONVERSE_FIELDS)
    return [good | {field: junk} for field, junk in itertools.product(fields, JUNK)]


@pytest.mark.parametrize(
    ("operation", "model"), [("invoke", GLOBAL), ("converse", GLOBAL), ("count-tokens", BASE)]
)
def test_ill_typed_request_is_answered(start: Start, operation: str, model: str) -> None:
    sandbox = start()
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    for body in bodies(operation):
        connection.request("POST", f"/model/{model}/{operation}", json.dumps(body), SIGNED)
        answer = connection.getresponse()
        message = json.loads(answer.read()).get("message")
        assert answer.status in (200, 400), body
        assert message if answer.status == 400 else True
