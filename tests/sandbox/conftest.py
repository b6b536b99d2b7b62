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
    return boto.client(service, region_name=region, config=config, **settings)


def body(prompt: str = "Hello, world", **fields: Any) -> str:
    """An InvokeModel body; a field that is None is left out."""
    value = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 256,
        "messages": [{"role": "user", "content": prompt}],
        **fields,
    }
    return json.dumps({name: field for name, field in value.items() if field is not None})


def chunks(response: Any) -> list[dict[str, Any]]:
    """The Anthropic events of an InvokeModelWithResponseStream response."""
    return [json.loads(event["chunk"]["bytes"]) for event in response["body"]]


def text_of(events: list[dict[str, Any]]) -> str:
    """The text of Anthropic events."""
    return "".join(event.get("delta", {}).get("text", "") for event in events)
