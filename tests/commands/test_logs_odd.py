"""`logs` and `usage` over records that are not as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run
from tests.log_entries import BUCKET, CHECKED, GROUP, entry, failed, key_of, to_bucket, to_group
from tests.sandbox import logging_world as world

Use = Callable[..., Sandbox]
PLACES = [("--log-group", GROUP), ("--bucket", BUCKET)]
COMMANDS = [
    ("logs", "tail"),
    ("logs", "tail", "--bodies"),
    ("logs", "tail", "--bodies", "--json"),
    ("logs", "search", "hello", "--bodies"),
    ("logs", "search", "hello"),
    ("logs", "show", "good"),
    ("usage",),
]


@pytest.fixture
def place(use: Use, request: pytest.FixtureRequest) -> Callable[..., tuple[str, str]]:
    """Fills a log group or a bucket, and returns the option that reads it."""

    def fill(where: tuple[str, str], *lines: Any) -> tuple[str, str]:
        use()
        if where[0] == "--log-group":
            to_group(lines)
        else:
            world.make_bucket(BUCKET)
            to_bucket(key_of(60), *lines)
        return where

    return fill


def nested(levels: int, key: str = "content") -> str:
    """A record as a line: results of tools in results of tools, and an answer of lists."""
    line = json.dumps(entry("deep", prompt=["PROMPT"], answer={key: "ANSWER"}))
    head, tail = '{"type": "tool_result", "content": [' * levels, "]}" * levels
    line = line.replace('"PROMPT"', head + tail)
    return line.replace('"ANSWER"', "[" * 2 * levels + "]" * 2 * levels)


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("where", PLACES, ids=lambda where: where[0])
def test_a_line_nested_100000_deep_is_skipped_and_the_others_are_shown(
    run: Run, place: Callable[..., tuple[str, str]], where: tuple[str, str], argv: tuple[str, ...]
) -> None:
    named = place(where, nested(100_000), entry("good"))
    out = run(*argv, *named).out
    assert out and "deep" not in out


@pytest.mark.parametrize("levels", [75, 200, 450])
@pytest.mark.parametrize("key", ["content", "output", "delta"])
def test_a_body_nested_too_deeply_is_marked(
    run: Run, place: Callable[..., tuple[str, str]], levels: int, key: str
) -> None:
    named = place(PLACES[1], nested(levels, key), entry("good"))
    for argv in (("logs", "tail", "--bodies"), ("logs", "search", "hello"), ("usage",)):
        assert run(*argv, *named).out
    found = json.loads(run("logs", "tail", "--bodies", "--json", *named).out)
    shown = {each["request_id"]: each for each in found}
    assert shown["good"]["prompt"] == "Hello"
    if "deep" in shown:  # what json.loads takes differs between Pythons
        assert shown["deep"]["prompt"] == shown["deep"]["input"] == "[nested too deeply]"
        assert shown["deep"]["output"] == "[nested too deeply]"


@pytest.mark.parametrize("where", PLACES, ids=lambda where: where[0])
def test_odd_records_are_shown_and_other_lines_skipped(
    run: Run, place: Callable[..., tuple[str, str]], where: tuple[str, str]
) -> None:
    profile = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc123"
    lines = [
        CHECKED,
        "",
        "not json",
        '{"schemaType": "Other"}',
        entry("ours", modelId=profile, unheardOf={"a": 1}, requestMetadata=7),
        failed("lost", tokens_in=None),
        entry("bare") | {"input": None, "output": [], "identity": "x", "modelId": 5},
    ]
    named = place(where, *(each for each in lines if each))
    found = [line.split("\t") for line in run("logs", "tail", *named).out.splitlines()]
    rows = {row[-1]: row for row in found}
    assert set(rows) == {"ours", "lost", "bare"}
    assert rows["ours"][2] == profile
    assert rows["bare"][1:9] == ["-", "-", "-", "?", "?", "?", "?", "?"]
    assert json.loads(run("usage", "--json", *named).out)["total"]["calls"] == 3
