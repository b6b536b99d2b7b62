"""Every feature of `ask` over every way to call: what arrives on the wire, and what cannot."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bedrock_claude_cli.bedrock.prompt import VIAS, Options
from bedrock_claude_cli.sandbox import Sandbox
from tests.bedrock import media_samples
from tests.conftest import Run

Use = Callable[..., Sandbox]

PROFILE = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc123def456"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOSED = SCHEMA | {"additionalProperties": False}
OPEN = {"type": "object", "additionalProperties": {"type": "string"}}
FILES = {
    "report.pdf": media_samples.pdf(),
    "photo.png": media_samples.png(),
    "notes.md": b"# Notes\n",
    "plan.docx": media_samples.docx(),
}
PDF = base64.b64encode(FILES["report.pdf"]).decode()
PNG = base64.b64encode(FILES["photo.png"]).decode()
NOTES = base64.b64encode(FILES["notes.md"]).decode()
DOCX = base64.b64encode(FILES["plan.docx"]).decode()
MARK = {"type": "ephemeral"}
MARK_1H = {"type": "ephemeral", "ttl": "1h"}
POINT = {"type": "default"}
POINT_1H = {"type": "default", "ttl": "1h"}
ASK = "messages.0.content"
# The body's place for what botocore's model of Converse has no field for.
OWN = "additionalModelRequestFields"


class Row(NamedTuple):
    """One feature: the options it stands for, its argv, and what arrives where.

    `messages` holds for the bodies of invoke, sdk and mantle, `wire` for one way each; keys are
    paths in the body, `header:NAME` or `model`; None is absence. `cannot` has the exit code and
    the error of the ways that cannot.
    """

    name: str
    options: tuple[str, ...]
    argv: tuple[str, ...]
    messages: Mapping[str, Any] = {}
    wire: Mapping[str, Mapping[str, Any]] = {}
    cannot: Mapping[str, tuple[int, str]] = {}
    note: str | None = None
    code: int = 0


def _each(ways: tuple[str, ...], facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return dict.fromkeys(ways, facts)


ROWS = (
    Row(
        "model",
        ("model", "via"),
        ("-m", "haiku-4.5"),
        wire={
            **_each(
                ("invoke", "converse", "sdk"),
                {"model": "global.anthropic.claude-haiku-4-5-20251001-v1:0"},
            ),
            "mantle": {"model": "anthropic.claude-haiku-4-5"},
        },
    ),
    Row(
        "model that bedrock-mantle lacks",
        (),
        ("-m", "sonnet-4.6"),
        wire=_each(("invoke", "converse", "sdk"), {"model": "global.anthropic.claude-sonnet-4-6"}),
        cannot={"mantle": (6, "Claude Sonnet 4.6 is not on bedrock-mantle")},
    ),
    Row(
        "endpoint",
        ("endpoint",),
        ("--endpoint", "us"),
        wire=_each(
            ("invoke", "converse", "sdk"),
            {"model": "us.anthropic.claude-haiku-4-5-20251001-v1:0"},
        ),
        cannot={"mantle": (6, "--via mantle always runs in us-east-1 itself")},
    ),
    Row(
        "max_tokens",
        ("max_tokens",),
        ("--max-tokens", "3"),
        {"max_tokens": 3},
        {"converse": {"inferenceConfig.maxTokens": 3}},
        code=10,
    ),
    Row(
        "temperature",
        ("temperature",),
        ("--temperature", "0.5"),
        {"temperature": 0.5},
        {"converse": {"inferenceConfig.temperature": 0.5}},
    ),
    Row(
        "top_p",
        ("top_p",),
        ("--top-p", "0.5"),
        {"top_p": 0.5},
        {"converse": {"inferenceConfig.topP": 0.5}},
    ),
    Row(
        "stop",
        ("stop",),
        ("--stop", "END", "--stop", "FIN"),
        {"stop_sequences": ["END", "FIN"]},
        {"converse": {"inferenceConfig.stopSequences": ["END", "FIN"]}},
    ),
    Row(
        "system",
        ("system",),
        ("-s", "Be brief"),
        {"system": "Be brief"},
        {"converse": {"system": [{"text": "Be brief"}]}},
    ),
    Row(
        "pdf",
        ("attach",),
        ("-a", "report.pdf", "--no-citations"),
        {
            f"{ASK}.0.type": "document",
            f"{ASK}.0.source.media_type": "application/pdf",
            f"{ASK}.0.source.data": PDF,
            f"{ASK}.0.citations": None,
            f"{ASK}.1.text": "Hello",
        },
        {
            "converse": {
                f"{ASK}.0.document.format": "pdf",
                f"{ASK}.0.document.source.bytes": PDF,
                f"{ASK}.0.document.citations": None,
                f"{ASK}.1.text": "Hello",
            }
        },
    ),
    Row(
        "image",
        ("attach",),
        ("-a", "photo.png"),
        {f"{ASK}.0.type": "image", f"{ASK}.0.source.data": PNG},
        {"converse": {f"{ASK}.0.image": {"format": "png", "source": {"bytes": PNG}}}},
    ),
    Row(
        "text attachment",
        ("attach",),
        ("-a", "notes.md"),
        {f"{ASK}.0.source": {"type": "text", "media_type": "text/plain", "data": "# Notes\n"}},
        {"converse": {f"{ASK}.0.document.source": {"bytes": NOTES}}},
    ),
    Row(
        "docx",
        ("attach",),
        ("-a", "plan.docx"),
        wire={
            "converse": {
                f"{ASK}.0.document.format": "docx",
                f"{ASK}.0.document.source.bytes": DOCX,
            }
        },
        cannot=dict.fromkeys(("invoke", "sdk", "mantle"), (6, "--via converse")),
    ),
    Row(
        "citations",
        ("citations",),
        ("-a", "report.pdf", "--citations"),
        {f"{ASK}.0.citations": {"enabled": True}},
        {"converse": {f"{ASK}.0.document.citations": {"enabled": True}}},
    ),
    Row(
        "citations unasked",
        ("citations",),
        ("-a", "report.pdf"),
        {f"{ASK}.0.citations": None},
        {"converse": {f"{ASK}.0.document.citations": {"enabled": True}}},
    ),
    Row(
        "schema",
        ("schema",),
        ("--schema", json.dumps(SCHEMA)),
        wire={
            **_each(
                ("invoke", "sdk"),
                {
                    "output_config.format": {"type": "json_schema", "schema": CLOSED},
                    "tools": None,
                },
            ),
            "converse": {
                "outputConfig.textFormat.type": "json_schema",
                "outputConfig.textFormat.structure.jsonSchema.schema": CLOSED,
                "toolConfig": None,
            },
            "mantle": {
                "output_config": None,
                "tools.0.input_schema": SCHEMA,
                "tool_choice": {"type": "tool", "name": "answer"},
            },
        },
    ),
    Row(
        "schema by a forced tool",
        ("schema",),
        ("--schema", json.dumps(OPEN)),
        {
            "tools.0.input_schema": OPEN,
            "tool_choice": {"type": "tool", "name": "answer"},
            "system": None,
        },
        {
            "converse": {
                "toolConfig.tools.0.toolSpec.inputSchema.json": OPEN,
                "toolConfig.toolChoice": {"tool": {"name": "answer"}},
                "system": None,
            }
        },
    ),
    Row(
        "schema by an offered tool",
        ("schema",),
        ("-m", "opus-5.5", "--schema", json.dumps(SCHEMA)),
        {
            "tools.0.name": "answer",
            "tool_choice": {"type": "auto"},
            "system": "Give your whole answer by calling the tool `answer` once.",
        },
        {
            "converse": {
                "toolConfig.tools.0.toolSpec.name": "answer",
                "toolConfig.toolChoice": {"auto": {}},
                "system.0.text": "Give your whole answer by calling the tool `answer` once.",
            }
        },
    ),
    Row(
        "thinking with a budget",
        ("thinking",),
        ("--thinking", "1024"),
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"converse": {f"{OWN}.thinking": {"type": "enabled", "budget_tokens": 1024}}},
    ),
    Row(
        "adaptive thinking",
        ("thinking",),
        ("-m", "opus-5", "--thinking", "adaptive"),
        {"thinking": {"type": "adaptive"}},
        {"converse": {f"{OWN}.thinking": {"type": "adaptive"}}},
    ),
    Row(
        "thinking off",
        ("thinking",),
        ("-m", "opus-5", "--thinking", "off"),
        {"thinking": {"type": "disabled"}},
        {"converse": {f"{OWN}.thinking": {"type": "disabled"}}},
    ),
    Row(
        "effort",
        ("effort",),
        ("-m", "opus-5", "--effort", "low"),
        {"output_config": {"effort": "low"}},
        {"converse": {"outputConfig": {"effort": "low"}}},
    ),
    Row(
        "cache",
        ("cache",),
        ("--cache", "-s", "Be brief", "-a", "notes.md", "-a", "photo.png"),
        {
            "system": [{"type": "text", "text": "Be brief", "cache_control": MARK}],
            f"{ASK}.0.cache_control": None,
            f"{ASK}.1.cache_control": MARK,
            f"{ASK}.2.cache_control": None,
        },
        {
            "converse": {
                "system": [{"text": "Be brief"}, {"cachePoint": POINT}],
                f"{ASK}.1.cachePoint": None,
                f"{ASK}.2.cachePoint": POINT,
                f"{ASK}.3.text": "Hello",
            }
        },
    ),
    Row(
        "cache for an hour",
        ("cache",),
        ("--cache", "1h", "-s", "Be brief"),
        {"system": [{"type": "text", "text": "Be brief", "cache_control": MARK_1H}]},
        {"converse": {"system": [{"text": "Be brief"}, {"cachePoint": POINT_1H}]}},
    ),
    Row(
        "context_1m",
        ("context_1m",),
        ("-m", PROFILE, "--context-1m"),
        wire={
            "invoke": {"anthropic_beta": ["context-1m-2025-08-07"]},
            "converse": {f"{OWN}.anthropic_beta": ["context-1m-2025-08-07"]},
            "sdk": {"anthropic_beta": ["context-1m-2025-08-07"]},
        },
        cannot={"mantle": (6, "--via mantle cannot call")},
        code=6,  # the sandbox has no such profile, but sees the request
    ),
    Row(
        "context_1m that the model has anyway",
        ("context_1m",),
        ("-m", "opus-5", "--context-1m"),
        {"anthropic_beta": None, "header:anthropic-beta": None},
        {"converse": {OWN: None}},
        note="has the context of 1,000,000 tokens without --context-1m",
    ),
    Row(
        "beta",
        ("beta",),
        ("--beta", "one-2026-01-01", "--beta", "two-2026-01-01"),
        wire={
            "invoke": {"anthropic_beta": ["one-2026-01-01", "two-2026-01-01"]},
            "converse": {f"{OWN}.anthropic_beta": ["one-2026-01-01", "two-2026-01-01"]},
            "sdk": {"anthropic_beta": ["one-2026-01-01", "two-2026-01-01"]},
            "mantle": {"header:anthropic-beta": "one-2026-01-01,two-2026-01-01"},
        },
    ),
    Row(
        "guardrail",
        ("guardrail",),
        ("--guardrail", "abc123:7"),
        wire={
            **_each(
                ("invoke", "sdk"),
                {
                    "header:x-amzn-bedrock-guardrailidentifier": "abc123",
                    "header:x-amzn-bedrock-guardrailversion": "7",
                },
            ),
            "converse": {
                "guardrailConfig": {"guardrailIdentifier": "abc123", "guardrailVersion": "7"}
            },
        },
        cannot={"mantle": (6, "--via mantle takes no guardrail")},
    ),
    Row(
        "meta",
        ("meta",),
        ("--meta", "team=search", "--meta", "run=7 of 9"),
        wire={
            **_each(
                ("invoke", "sdk"),
                {"header:x-amzn-bedrock-request-metadata": ('{"team": "search", "run": "7 of 9"}')},
            ),
            "converse": {"requestMetadata": {"team": "search", "run": "7 of 9"}},
        },
        cannot={"mantle": (6, "--via mantle takes no meta")},
    ),
)
# Options that say how to wait and whether to repeat: nothing of them is in a request.
LOCAL = {"timeout", "retries"}


@pytest.mark.parametrize("via", VIAS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_feature_arrives_or_is_refused(
    row: Row, via: str, run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked is on the wire in the transport's own words, or nothing is sent."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    sandbox = use()
    model = () if "-m" in row.argv else ("-m", "haiku-4.5")
    argv = ("ask", *model, "--via", via, "Hello", *row.argv)
    if via in row.cannot:
        code, said = row.cannot[via]
        result = run(*argv, code=code)
        assert said in result.err
        assert any(f"--via {other}" in result.err for other in VIAS if other not in row.cannot)
        assert sandbox.requests == []
        return
    result = run(*argv, code=row.code)
    assert row.note is None or row.note in result.err
    [request] = sandbox.requests
    expected = {**({} if via == "converse" else row.messages), **row.wire.get(via, {})}
    assert expected, f"{row.name} says nothing about {via}"
    assert {place: _at(request, place) for place in expected} == expected


def test_every_option_is_in_the_table() -> None:
    """An option that no row knows could be dropped in silence by some transport."""
    told = {option for row in ROWS for option in row.options}
    assert told | LOCAL == set(Options._fields)
    assert not told & LOCAL


@pytest.mark.parametrize("via", VIAS)
def test_a_conversation_goes_on_and_is_cached(via: str, run: Run, use: Use) -> None:
    """Earlier turns arrive before the question, the last of them with a cache point."""
    sandbox = use({"reply": {"text": "Blue."}})
    chat = ("ask", "-m", "haiku-4.5", "--via", via, "--chat", "colours")
    run(*chat, "Which colour?")
    run(*chat, "Why?", "--cache", "1h")
    turns = sandbox.requests[-1]["body"]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[0]["content"][0]["text"] == "Which colour?"
    assert turns[1]["content"][0]["text"] == "Blue."
    assert turns[2]["content"][-1]["text"] == "Why?"
    if via == "converse":
        assert turns[1]["content"][1:] == [{"cachePoint": POINT_1H}]
    else:
        assert turns[1]["content"][0]["cache_control"] == MARK_1H
    assert "cache" not in json.dumps([turns[0], turns[2]]).lower()


@pytest.mark.parametrize("via", VIAS)
def test_retries_and_timeout_hold_on_every_transport(via: str, run: Run, use: Use) -> None:
    sandbox = use({"when": {}, "error": {"type": "ThrottlingException"}})
    argv = ("ask", "-m", "haiku-4.5", "--via", via, "Hello", "--timeout", "5", "--retries", "0")
    run(*argv, code=7)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("via", VIAS)
def test_no_transport_sends_what_was_not_asked(via: str, run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "-m", "haiku-4.5", "--via", via, "Hello")
    plain = {
        "converse": {"messages", "inferenceConfig"},
        "invoke": {"anthropic_version", "max_tokens", "messages"},
        "sdk": {"anthropic_version", "max_tokens", "messages"},
        "mantle": {"model", "stream", "max_tokens", "messages"},
    }
    assert set(sandbox.requests[0]["body"]) == plain[via]


def _at(request: Mapping[str, Any], place: str) -> Any:
    """The value at a place of a request; JSON in a text is read, and absence is None."""
    if place == "model":
        return request["model"]
    if place.startswith("header:"):
        return request["headers"].get(place.removeprefix("header:"))
    found: Any = request["body"]
    for step in place.split("."):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        elif isinstance(found, Mapping):
            found = found.get(step)
        else:
            return None
    is_schema = isinstance(found, str) and place.endswith("jsonSchema.schema")
    return json.loads(found) if is_schema else found
