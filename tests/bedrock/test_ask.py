"""One question: once AWS took it, no refusal in the stream leads to another request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EventStreamError

from bedrock_claude_cli.bedrock import ask, catalog, model_id, tokens
from bedrock_claude_cli.bedrock.answer import Broken, Sent, Started
from bedrock_claude_cli.bedrock.prompt import DEFAULTS, Request

DENIED = (
    "User: x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: y"
)


class Client:
    """A runtime client whose stream fails at once."""

    def __init__(self, code: str, message: str) -> None:
        self.error: Any = {"Error": {"Code": code, "Message": message}}

    def invoke_model_with_response_stream(self, **_: Any) -> dict[str, Any]:
        return {"ResponseMetadata": {"RequestId": "r-1"}, "body": self}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        raise EventStreamError(self.error, "InvokeModelWithResponseStream")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("validationException", "The provided model identifier is invalid."),
        ("validationException", "on-demand throughput isn\u2019t supported"),
        ("accessDeniedException", DENIED),
        ("throttlingException", "Too many requests"),
        ("serviceUnavailableException", ""),
    ],
)
def test_a_refusal_in_the_stream_is_the_end(code: str, message: str) -> None:
    known = catalog.load()
    target = model_id.resolve("sonnet-4.5", region="us-east-1", catalog=known)
    client = Client(code, message)

    def never() -> Any:
        raise AssertionError("a second request")

    reach = ask.Reach(runtime=lambda: client, patient=never, offered=never)
    request = Request(DEFAULTS, target.model_id, "Hello")
    events = list(ask.ask(request, target, reach, known, sleep=never))
    assert events[:2] == [Sent(), Started("r-1")]
    assert isinstance(events[2], Broken)
    assert events[2].error.code == code[0].upper() + code[1:]
    assert len(events) == 3


def test_the_estimate_counts_other_scripts_by_the_character() -> None:
    def estimated(text: str) -> int:
        return tokens.estimate(Request(DEFAULTS, "model", text))

    assert 200 < estimated("word " * 200) < 400
    assert estimated("\u8a9e" * 1000) >= 1000
