"""Sandboxes and the clients that reach them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config

from bedrock_claude_cli.sandbox import Sandbox, environment

GLOBAL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
LOADER = botocore.loaders.create_loader()  # shared, as reading the service models takes its time
LOADED = botocore.session.Session().get_service_model("bedrock-runtime")
Start = Callable[..., Sandbox]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a sandbox with these rules, and lets this process's clients reach it."""
    running: list[Sandbox] = []

    def begin(*rules: dict[str, Any], **settings: Any) -> Sandbox:
        sandbox = Sandbox(rules=rules, **settings).start()
        running.append(sandbox)
        wanted = environment(sandbox.url, os.environ)
        for name in set(os.environ) - set(wanted):
            monkeypatch.delenv(name)
        for name, value in wanted.items():
            monkeypatch.setenv(name, value)
        return sandbox

    yield begin
    for sandbox in running:
        sandbox.stop()


def boto(service: str, region: str = "us-east-1", **settings: Any) -> Any:
    """A boto3 client that tries once."""
    config = Config(retries={"total_max_attempts": 1}, **settings.pop("config", {}))
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    boto = boto3.Session(botocore_session=session)
    client = boto.client(service, region_name=region, config=config, **settings)
    for name in OWN_JSON.get(service, ()):
        client.meta.events.register(f"after-call.*.{name}", _check_shape)
    return client


# What the sandbox itself answers in JSON; the rest is streams, XML, or moto's.
OWN_JSON = {
    "bedrock": ("*",),
    "bedrock-runtime": ("Converse", "CountTokens"),
    "logs": ("FilterLogEvents", "GetQueryResults", "StartQuery", "StopQuery"),
}


def _check_shape(http_response: Any, model: Any, **_: Any) -> None:
    """Botocore's parser passes over what it does not know: here it has to be known."""
    if http_response.status_code < 300 and model.output_shape and http_response.content:
        value = json.loads(http_response.content)
        # moto sends members without a value as null, which botocore takes for absent.
        fits({name: item for name, item in value.items() if item is not None}, model.output_shape)


TYPES: dict[str, Any] = {
    "string": str,
    "timestamp": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": float,
    "blob": str,
    "list": list,
    "map": dict,
    "structure": dict,
}


def fits(value: Any, shape: Any) -> None:
    """Hold a JSON value to a shape of botocore's: members, types, what is required."""
    if getattr(shape, "is_document_type", False):  # any JSON
        return
    assert isinstance(value, TYPES[shape.type_name]), (shape.name, value)
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), shape.name
        assert set(shape.required_members) <= set(value), shape.name
        for name, item in value.items():
            fits(item, shape.members[name])
    if shape.type_name == "list":
        for item in value:
            fits(item, shape.member)


def body(prompt: str = "Hello, world", **fields: Any) -> str:
    """An InvokeModel body; a field that is None is left out."""
    value = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 256,
        "messages": [{"role": "user", "content": prompt}],
        **fields,
    }
    return json.dumps({name: field for name, field in value.items() if field is not None})


def events(response: Any) -> list[dict[str, Any]]:
    """The events of a ConverseStream response, held to the shape of botocore's."""
    shape = LOADED.shape_for("ConverseStreamOutput")
    found = list(response["stream"])
    for event in found:
        fits(event, shape)
    return found


def chunks(response: Any) -> list[dict[str, Any]]:
    """The Anthropic events of an InvokeModelWithResponseStream response."""
    return [json.loads(event["chunk"]["bytes"]) for event in response["body"]]


def text_of(events: list[dict[str, Any]]) -> str:
    """The text of Anthropic events."""
    return "".join(event.get("delta", {}).get("text", "") for event in events)
