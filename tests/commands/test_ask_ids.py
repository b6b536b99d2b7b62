"""Which id `ask` sends, and what it does when AWS refuses that id."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import CANNED, SONNET, operations
from tests.conftest import Result, Run

Use = Callable[..., Sandbox]
ARN = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{SONNET}"
LOOK_UP = ["ListFoundationModels", "ListInferenceProfiles"]
ON_DEMAND = (
    "Invocation of model ID X with on-demand throughput isn\u2019t supported. Retry your request "
    "with the ID or ARN of an inference profile that contains this model."
)


def refusal(message: str, model: str = "*", **rule: Any) -> dict[str, Any]:
    """A rule that refuses a model id in AWS's words."""
    error = {"type": "ValidationException", "message": message}
    return {"when": {"operation": "InvokeModel*", "model": model}, "error": error, **rule}


@pytest.mark.parametrize(
    ("argv", "region", "sent"),
    [
        ([], "us-east-1", f"global.{SONNET}"),
        (["-m", "sonnet-4.5"], "eu-west-1", f"global.{SONNET}"),
        (["-m", "sonnet-4.5", "--endpoint", "eu"], "eu-west-1", f"eu.{SONNET}"),
        (["-m", "sonnet"], "us-east-1", "global.anthropic.claude-sonnet-5-5"),
        (["-m", "opus-4.6"], "us-east-1", "global.anthropic.claude-opus-4-6-v1"),
        (["-m", "opus-4.6", "--endpoint", "in-region"], "eu-west-2",
         "anthropic.claude-opus-4-6-v1"),
        (["-m", f"us.{SONNET}"], "us-east-1", f"us.{SONNET}"),
        (["-m", SONNET], "eu-west-1", f"eu.{SONNET}"),
        (["-m", SONNET, "--endpoint", "global"], "eu-west-1", f"global.{SONNET}"),
        (["-m", ARN], "us-east-1", ARN),
        (["-m", "opus-4.1"], "us-west-2", "us.anthropic.claude-opus-4-1-20250805-v1:0"),
    ],
)  # fmt: skip
def test_one_request_with_the_right_id(
    argv: list[str], region: str, sent: str, run: Run, use: Use
) -> None:
    """Whatever names the model, the common case is one request and nothing beside it."""
    sandbox = use()
    assert CANNED in run("ask", *argv, "--region", region, "Hello").out
    assert [request["model"] for request in sandbox.requests] == [sent]
    assert operations(sandbox) == ["InvokeModelWithResponseStream"]
    assert sandbox.requests[0]["region"] == region


def test_a_bare_id_moves_to_the_geography_and_says_so(run: Run, use: Use) -> None:
    use()
    err = run("ask", "-m", SONNET, "Hello").err
    assert f"note: `{SONNET}` cannot be called in us-east-1 itself; using `us.{SONNET}`" in err
    assert "costs 10 % more than global" in err


def test_global_has_no_premium_to_tell(run: Run, use: Use) -> None:
    use()
    assert run("ask", "Hello").err == ""


def test_the_published_opus_id_with_a_version_is_corrected(run: Run, use: Use) -> None:
    sandbox = use()
    err = run("ask", "-m", "global.anthropic.claude-opus-4-6-v1:0", "Hello").err
    assert [request["model"] for request in sandbox.requests] == [
        "global.anthropic.claude-opus-4-6-v1"
    ]
    assert "Bedrock's id is `global.anthropic.claude-opus-4-6-v1`" in err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["-m", "sonet"], 2, "did you mean `sonnet"),
        (["-m", "gpt-4"], 2, "unknown model `gpt-4`"),
        (["-m", f"us.{SONNET}", "--endpoint", "eu"], 2, "--endpoint asks for eu"),
        (["-m", "opus-4.1", "--endpoint", "global"], 6, "is not offered as global"),
        (["-m", "mythos-5", "--region", "eu-west-1"], 6, "is not offered in eu-west-1"),
    ],
)
def test_a_model_that_cannot_be_resolved_sends_nothing(
    argv: list[str], code: int, said: str, run: Run, use: Use
) -> None:
    sandbox = use()
    assert said in run("ask", *argv, "Hello", code=code).err
    assert sandbox.requests == []


@pytest.fixture
def new_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sonnet 4.5 is newer than the catalogue, which does not know it."""
    known = catalog.load()
    older = tuple(model for model in known.models if model.id != SONNET)
    monkeypatch.setattr(catalog, "load", lambda: known._replace(models=older))


def check_helped(sandbox: Sandbox, result: Result) -> None:
    """One try, one look-up, one more try."""
    assert operations(sandbox)[0] == operations(sandbox)[-1] == "InvokeModelWithResponseStream"
    assert sorted(operations(sandbox)[1:-1]) == LOOK_UP
    assert sandbox.requests[-1]["model"] == f"eu.{SONNET}"
    answer = json.loads(result.out)
    assert (answer["model"], answer["endpoint"]) == (f"eu.{SONNET}", "eu")
    assert answer["attempts"] == 2
    assert "looking up which ids eu-west-1 offers" in result.err
    assert f"trying `eu.{SONNET}`" in result.err


@pytest.mark.usefixtures("new_model")
def test_a_refused_id_leads_to_one_look_up_and_one_more_try(run: Run, use: Use) -> None:
    """A bare id means the region, so what is found is its geography and never global."""
    sandbox = use()
    check_helped(sandbox, run("ask", "-m", SONNET, "--region", "eu-west-1", "--json", "Hello"))


@pytest.mark.usefixtures("new_model")
@pytest.mark.parametrize(
    "message",
    [ON_DEMAND, ON_DEMAND.replace("\u2019", "'"), "The provided model identifier is invalid."],
)
def test_either_text_of_the_refusal_is_understood(message: str, run: Run, use: Use) -> None:
    sandbox = use(refusal(message, SONNET))
    check_helped(sandbox, run("ask", "-m", SONNET, "--region", "eu-west-1", "--json", "Hello"))


@pytest.mark.usefixtures("new_model")
def test_a_second_refusal_is_the_answer(run: Run, use: Use) -> None:
    sandbox = use(refusal(ON_DEMAND))
    result = run("ask", "-m", SONNET, "--region", "eu-west-1", "Hello", code=6)
    assert operations(sandbox).count("InvokeModelWithResponseStream") == 2
    assert "error: ValidationException: Invocation of model ID" in result.err
    assert "hint: `bedrock-claude list-models --ids --region eu-west-1`" in result.err


def test_an_id_asked_for_by_name_is_not_replaced(run: Run, use: Use) -> None:
    sandbox = use(refusal("The provided model identifier is invalid."))
    result = run("ask", "-m", "apac." + SONNET, "Hello", code=6)
    assert operations(sandbox).count("InvokeModelWithResponseStream") == 1
    assert f"global.{SONNET}" in result.err
    assert f"us.{SONNET}" in result.err


def test_an_unknown_id_is_sent_and_refused_by_aws(run: Run, use: Use) -> None:
    sandbox = use()
    result = run("ask", "-m", "global.anthropic.claude-next-9", "Hello", code=6)
    assert sandbox.requests[0]["model"] == "global.anthropic.claude-next-9"
    assert operations(sandbox).count("InvokeModelWithResponseStream") == 1
    assert "The provided model identifier is invalid" in result.err


@pytest.mark.parametrize("where", ["environment", "AWS's config file"])
@pytest.mark.usefixtures("new_model")
def test_what_a_custom_endpoint_offers_is_not_kept(
    where: str, run: Run, use: Use, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use()
    if where != "environment":
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        config = home / "aws-config"
        config.write_text(f"[default]\nendpoint_url = {sandbox.url}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    result = run("ask", "-m", SONNET, "Hello")
    assert "looking up which ids" in result.err
    assert not (home / ".cache").exists()


def test_an_application_profile_hides_its_model_so_nothing_is_looked_up(run: Run, use: Use) -> None:
    arn = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc123def456"
    sandbox = use(refusal("The provided model identifier is invalid."))
    run("ask", "-m", arn, "Hello", code=6)
    assert operations(sandbox) == ["InvokeModelWithResponseStream"]
    assert sandbox.requests[0]["model"] == arn


def test_where_the_look_up_is_denied_the_first_refusal_is_told(run: Run, use: Use) -> None:
    sandbox = use(refusal(ON_DEMAND), {"deny": "bedrock:List*"})
    result = run("ask", "-m", "opus-4.6", "--endpoint", "us", "Hello", code=6)
    assert operations(sandbox).count("InvokeModelWithResponseStream") == 1
    assert "error: ValidationException: Invocation of model ID" in result.err
    assert "the look-up of this region's ids failed (AccessDeniedException)" in result.err
    assert "(region us-east-1 from AWS_REGION" in result.err


def test_other_refusals_look_nothing_up(run: Run, use: Use) -> None:
    sandbox = use(refusal("Operation not allowed"))
    run("ask", "Hello", code=5)
    assert operations(sandbox) == ["InvokeModelWithResponseStream"]


def test_without_the_right_to_stream_the_answer_comes_at_once(run: Run, use: Use) -> None:
    sandbox = use({"deny": "bedrock:InvokeModelWithResponseStream"})
    result = run("ask", "--json", "Hello")
    assert operations(sandbox) == ["InvokeModelWithResponseStream", "InvokeModel"]
    assert "grant bedrock:InvokeModelWithResponseStream" in result.err
    answer = json.loads(result.out)
    assert CANNED in answer["text"]
    assert answer["complete"] is True
    assert answer["attempts"] == 2
    assert answer["usage"]["output_tokens"] > 1


def test_an_unstreamed_answer_has_longer_than_the_timeout(run: Run, use: Use) -> None:
    """--timeout is seconds without a byte, and an answer in one piece comes after many."""
    use(
        {"deny": "bedrock:InvokeModelWithResponseStream"},
        {"when": {"operation": "InvokeModel"}, "stream": {"delay_ms": 1100}},
    )
    assert CANNED in run("ask", "Hello", "--timeout", "1").out


def test_without_the_right_to_invoke_at_all_it_is_denied(run: Run, use: Use) -> None:
    sandbox = use({"deny": "bedrock:InvokeModel*"})
    result = run("ask", "Hello", code=5)
    assert operations(sandbox) == ["InvokeModelWithResponseStream", "InvokeModel"]
    assert "perform: bedrock:InvokeModel " in result.err


def test_an_unstreamed_answer_that_is_cut_is_incomplete(run: Run, use: Use) -> None:
    use(
        {"deny": "bedrock:InvokeModelWithResponseStream"},
        {"when": {"operation": "InvokeModel"}, "stream": {"garbage_after": 1}},
    )
    assert "the answer is not whole" in run("ask", "Hello", code=10).err
