"""`ask --via converse`: the same questions and answers, in Converse's words on the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.prompt import VIAS
from bedrock_claude_cli.sandbox import Sandbox
from tests.bedrock import media_samples as make
from tests.commands.ask_help import body, operations
from tests.conftest import Run

Use = Callable[..., Sandbox]
OPUS_4_5, OPUS_4_6, OPUS_5_5 = "opus-4.5", "opus-4.6", "opus-5.5"
SCHEMA = (
    '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},'
    ' "required": ["name", "age"], "additionalProperties": false}'
)
FITTING = {"name": "sandbox", "age": 0}
DENIED = "bedrock:InvokeModelWithResponseStream"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to stand in, with a file of every kind."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, data in {
        "Report_v2 (final).pdf": make.pdf(3),
        "notes.md": b"# Notes\n",
        "cat.png": make.png(),
        "letter.docx": make.docx(),
        "sheet.xlsx": make.xlsx(),
    }.items():
        Path(name).write_bytes(data)


@pytest.fixture
def converse(run: Run) -> Callable[..., Any]:
    """Asks over Converse and gives the answer as --json has it."""

    def ask(*argv: str, code: int = 0) -> dict[str, Any]:
        result = run("ask", "-n", "--via", "converse", "--json", "Hello", *argv, code=code)
        found: dict[str, Any] = json.loads(result.out)
        return found | {"stderr": result.err}

    return ask


Converse = Callable[..., Any]


def test_only_what_is_set_is_sent(use: Use, converse: Converse) -> None:
    sandbox = use()
    answer = converse()
    assert operations(sandbox) == ["ConverseStream"]
    assert body(sandbox) == {
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "inferenceConfig": {"maxTokens": 4096},
    }
    assert (answer["via"], answer["complete"]) == ("converse", True)
    assert answer["usage"]["output_tokens"] > 0
    assert answer["cost_usd"] > 0
    assert answer["request_id"] == sandbox.requests[0]["request_id"]


@pytest.mark.parametrize(
    ("argv", "key", "value"),
    [
        (["--max-tokens", "7"], "inferenceConfig", {"maxTokens": 7}),
        (["--temperature", "0"], "inferenceConfig", {"maxTokens": 4096, "temperature": 0}),
        (["--top-p", "0.5"], "inferenceConfig", {"maxTokens": 4096, "topP": 0.5}),
        (["--stop", "END"], "inferenceConfig", {"maxTokens": 4096, "stopSequences": ["END"]}),
        (["--system", "Be brief"], "system", [{"text": "Be brief"}]),
        (
            ["--thinking", "1024"],
            "additionalModelRequestFields",
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        ),
        (
            ["-m", OPUS_4_6, "--thinking", "adaptive"],
            "additionalModelRequestFields",
            {"thinking": {"type": "adaptive"}},
        ),
        (["-m", OPUS_4_6, "--effort", "max"], "outputConfig", {"effort": "max"}),
        (
            ["-m", OPUS_4_5, "--effort", "low"],
            "additionalModelRequestFields",
            {"anthropic_beta": ["effort-2025-11-24"]},
        ),
        (
            ["--beta", "a-1", "--beta", "b-2"],
            "additionalModelRequestFields",
            {"anthropic_beta": ["a-1", "b-2"]},
        ),
        (
            ["--guardrail", "gr1abc:DRAFT"],
            "guardrailConfig",
            {"guardrailIdentifier": "gr1abc", "guardrailVersion": "DRAFT"},
        ),
        (["--meta", "team=x", "--meta", "a=1"], "requestMetadata", {"team": "x", "a": "1"}),
    ],
)
def test_options_reach_the_request(
    argv: list[str], key: str, value: Any, use: Use, converse: Converse
) -> None:
    sandbox = use({"reply": {"text": "Yes"}})
    assert converse("-m", "sonnet-4.5", *argv)["text"] == "Yes"
    assert body(sandbox)[key] == value


def test_attachments_are_converted(use: Use, converse: Converse) -> None:
    sandbox = use()
    names = ["Report_v2 (final).pdf", "notes.md", "cat.png", "letter.docx", "sheet.xlsx"]
    converse(*(word for name in names for word in ("-a", name)))
    *attached, question = body(sandbox)["messages"][0]["content"]
    assert question == {"text": "Hello"}
    sent = [next(iter(block.values())) for block in attached]
    assert [each["format"] for each in sent] == ["pdf", "txt", "png", "docx", "xlsx"]
    assert [each.get("name") for each in sent] == [
        *("Report-v2 (final)-pdf", "notes-md", None, "letter-docx", "sheet-xlsx"),
    ]
    for name, each in zip(names, sent, strict=True):
        assert base64.b64decode(each["source"]["bytes"]) == Path(name).read_bytes()
        assert each.get("citations") == (None if name == "cat.png" else {"enabled": True})


def test_files_of_one_name_go_under_two(use: Use, converse: Converse) -> None:
    sandbox = use()
    Path("other").mkdir()
    Path("other/notes.md").write_text("Other notes")
    answer = converse("-a", "notes.md", "-a", "other/notes.md", "--citations")
    content = body(sandbox)["messages"][0]["content"]
    names = [block["document"]["name"] for block in content[:2]]
    assert names == ["notes-md", "notes-md (2)"]
    titles = [each["document_title"] for each in answer["citations"]]
    assert titles == ["notes.md", "notes.md"]


def test_a_pdf_is_seen_with_citations_and_read_without(use: Use, converse: Converse) -> None:
    """3 pages are about 7,000 tokens, and as bare text about 1,000."""
    use()
    seen = converse("-a", "Report_v2 (final).pdf")
    assert "citations are on" in seen["stderr"]
    assert seen["usage"]["input_tokens"] > 6_900
    (source,) = seen["citations"]
    assert (source["type"], source["start_page_number"], source["end_page_number"]) == (
        *("page_location", 1, 2),
    )
    assert source["document_title"] == "Report_v2 (final).pdf"
    assert source["cited_text"] == "The sandbox reads no PDF: page 1 of 3."
    read = converse("-a", "Report_v2 (final).pdf", "--no-citations")
    assert (read["citations"], read["usage"]["input_tokens"] < 1_100) == (None, True)


def test_a_text_is_cited_by_its_characters(use: Use, converse: Converse) -> None:
    use()
    (source,) = converse("-a", "notes.md", "--citations")["citations"]
    assert (source["type"], source["start_char_index"], source["end_char_index"]) == (
        *("char_location", 0, 8),
    )
    assert source["cited_text"] == "# Notes\n"


@pytest.mark.parametrize("reading", [True, False], ids=["streamed", "whole"])
def test_everything_that_an_answer_may_hold(reading: bool, use: Use, converse: Converse) -> None:
    """Where streaming is denied the same comes through Converse, in one piece."""
    place = {
        "type": "content_block_location",
        "cited_text": "so",
        "document_index": 2,
        "document_title": "b",
        "start_block_index": 3,
        "end_block_index": 4,
    }
    reply = {"text": "Yes.", "thinking": "Hm.", "citations": [place]}
    rules: list[dict[str, Any]] = [{"reply": reply}]
    sandbox = use(*([] if reading else [{"deny": DENIED}]), *rules)
    answer = converse()
    assert answer["text"] == "Yes."
    (source,) = answer["citations"]
    assert source == source | {"number": 1, "position": 4, **place}
    assert answer["usage"] == answer["usage"] | {"output_tokens": 2}
    assert (answer["stop_reason"], answer["complete"]) == ("end_turn", True)
    assert operations(sandbox) == ["ConverseStream", *([] if reading else ["Converse"])]


def test_a_schema_goes_as_text_and_its_answer_is_data(use: Use, converse: Converse) -> None:
    sandbox = use()
    assert converse("-m", "sonnet-4.5", "--schema", SCHEMA)["parsed"] == FITTING
    form = body(sandbox)["outputConfig"]["textFormat"]
    assert form["type"] == "json_schema"
    assert json.loads(form["structure"]["jsonSchema"]["schema"]) == json.loads(SCHEMA)
    assert "toolConfig" not in body(sandbox)


@pytest.mark.parametrize("denied", [[], [{"deny": DENIED}]], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("model", "choice"), [("opus-4.7", {"tool": {"name": "answer"}}), (OPUS_5_5, {"auto": {}})]
)
def test_a_model_without_output_formats_gets_a_tool(
    model: str, choice: dict[str, Any], denied: list[Any], use: Use, converse: Converse
) -> None:
    sandbox = use(*denied)
    answer = converse("-m", model, "--schema", SCHEMA)
    assert (answer["parsed"], answer["stop_reason"]) == (FITTING, "tool_use")
    config = body(sandbox)["toolConfig"]
    assert config["toolChoice"] == choice
    assert config["tools"][0]["toolSpec"]["inputSchema"]["json"] == json.loads(SCHEMA)
    assert ("`answer`" in json.dumps(body(sandbox).get("system"))) is ("auto" in choice)


def test_an_answer_that_does_not_fit(use: Use, converse: Converse) -> None:
    use({"reply": {"tool_input": {"name": "x", "age": "old"}}})
    answer = converse("-m", OPUS_5_5, "--schema", SCHEMA, code=10)
    assert answer["complete"] is False
    assert "age" in answer["error"]["message"]


def test_with_a_schema_a_pdf_is_only_read_and_that_is_said(use: Use, converse: Converse) -> None:
    sandbox = use()
    answer = converse("-m", "sonnet-4.5", "--schema", SCHEMA, "-a", "Report_v2 (final).pdf")
    assert (answer["parsed"], answer["usage"]["input_tokens"] < 1_100) == (FITTING, True)
    assert "citations stay off with --schema" in answer["stderr"]
    assert "citations" not in body(sandbox)["messages"][0]["content"][0]["document"]


@pytest.mark.parametrize(("ttl", "point"), [("5m", {}), ("1h", {"ttl": "1h"})])
def test_the_cache_is_written_and_then_read(
    ttl: str, point: dict[str, str], use: Use, converse: Converse
) -> None:
    sandbox = use()
    argv = ["-m", "sonnet-4.5", "--cache", ttl, "-a", "Report_v2 (final).pdf", "-s", "Be brief"]
    first, second = converse(*argv)["usage"], converse(*argv)["usage"]
    assert first["cache_creation_input_tokens"] > 6_900
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"]
    assert (first["cache_read_input_tokens"], second["cache_creation_input_tokens"]) == (0, 0)
    mark = {"cachePoint": {"type": "default", **point}}
    assert body(sandbox)["system"] == [{"text": "Be brief"}, mark]
    content = body(sandbox)["messages"][0]["content"]
    assert [next(iter(block)) for block in content] == ["document", "cachePoint", "text"]
    assert content[1] == mark


@pytest.mark.parametrize(
    "reason",
    [
        *("max_tokens", "guardrail_intervened", "content_filtered"),
        *("malformed_model_output", "malformed_tool_use", "model_context_window_exceeded"),
    ],
)
def test_reasons_to_stop_that_leave_an_answer_unfinished(
    reason: str, use: Use, converse: Converse
) -> None:
    use({"reply": {"text": "So", "stop_reason": reason}})
    answer = converse(code=10)
    assert (answer["text"], answer["stop_reason"], answer["complete"]) == ("So", reason, False)
    assert answer["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "tool_use"])
def test_reasons_to_stop_that_end_it(reason: str, use: Use, converse: Converse) -> None:
    use({"reply": {"text": "So", "stop_reason": reason}})
    assert converse()["stop_reason"] == reason


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("internalServerException", "InternalServerException"),
        ("modelStreamErrorException", "ModelStreamErrorException"),
        ("serviceUnavailableException", "ServiceUnavailableException"),
        ("throttlingException", "ThrottlingException"),
        ("validationException", "ValidationException"),
    ],
)
def test_an_exception_in_the_stream_keeps_what_arrived(
    name: str, shown: str, use: Use, converse: Converse
) -> None:
    sandbox = use(
        {"reply": {"text": "one two three"}, "stream": {"exception": {"type": name, "after": 2}}}
    )
    answer = converse(code=10)
    assert (answer["text"], answer["error"]["code"]) == ("one two", shown)
    assert answer["error"]["retry"] == "maybe-billed"
    assert (answer["usage"], answer["cost_usd"]) == (None, None)
    assert len(sandbox.requests) == 1


def test_a_refusal_is_the_models_own_words(use: Use, run: Run) -> None:
    sandbox = use({"error": {"type": "ValidationException", "message": "The model returned x."}})
    result = run("ask", "-n", "--via", "converse", "Hello", code=6)
    assert "ValidationException: The model returned x." in result.err
    assert len(sandbox.requests) == 1


def test_a_dry_run_shows_the_very_arguments(use: Use, run: Run) -> None:
    sandbox = use()
    shown = run("ask", "-n", "--via", "converse", "--dry-run", "-a", "cat.png", "--json", "Hello")
    call = json.loads(shown.out)
    assert call["operation"] == "ConverseStream"
    image, question = call["request"]["messages"][0]["content"]
    assert base64.b64decode(image["image"]["source"]["bytes"]) == Path("cat.png").read_bytes()
    assert question == {"text": "Hello"}
    assert not sandbox.requests


def test_via_may_stand_in_the_environment(use: Use, run: Run) -> None:
    sandbox = use()
    run("ask", "-n", "Hello", env={"BEDROCK_CLAUDE_VIA": "converse"})
    assert operations(sandbox) == ["ConverseStream"]


def test_the_help_names_every_way_to_call(run: Run) -> None:
    shown = " ".join(run("ask", "--help").out.split())
    assert f"sent: {', '.join(VIAS[:-1])} or {VIAS[-1]}." in shown
