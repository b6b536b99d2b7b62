"""`ask --via sdk` and `--via mantle`: what is sent, to which id, and what they refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import SONNET, operations
from tests.conftest import Run

Use = Callable[..., Sandbox]
MANTLE_HAIKU = "anthropic.claude-haiku-4-5"
FULL = [
    "Hello", "--system", "Be brief.", "--max-tokens", "99", "--stop", "END", "--temperature", "0.5",
    "--beta", "token-efficient-tools-2025-02-19", "--beta", "output-128k-2025-02-19",
    "--guardrail", "abcdefgh1234:1", "--meta", "team=blue", "--meta", "name=Zo:1", "--cache", "1h",
]  # fmt: skip


def headers(sandbox: Sandbox) -> dict[str, str]:
    """Bedrock's own headers of the last request."""
    sent: dict[str, str] = sandbox.requests[-1]["headers"]
    kept = ("guardrail", "metadata")
    return {name: value for name, value in sent.items() if any(each in name for each in kept)}


def test_the_sdk_sends_what_boto3_sends(run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", *FULL)
    run("ask", *FULL, "--via", "sdk")
    ours, theirs = sandbox.requests
    assert theirs["body"] == ours["body"]
    assert theirs["model"] == ours["model"]
    assert len(theirs["body"]["anthropic_beta"]) == 2
    assert headers(sandbox) == {
        "x-amzn-bedrock-guardrailidentifier": "abcdefgh1234",
        "x-amzn-bedrock-guardrailversion": "1",
        "x-amzn-bedrock-request-metadata": '{"team": "blue", "name": "Zo:1"}',
    }
    for name in headers(sandbox):
        assert name in theirs["headers"]["authorization"]


@pytest.mark.parametrize("model", ["sonnet", f"us.{SONNET}", "haiku-4.5"])
def test_models_with_a_version_in_their_id_take_the_sdk_s_requests(
    model: str, run: Run, use: Use
) -> None:
    """They refuse the `anthropic_version` that the SDK sends by itself."""
    sandbox = use(strict_version=True)
    assert "canned answer" in run("ask", "Hello", "--via", "sdk", "-m", model).out
    assert sandbox.requests[0]["body"]["anthropic_version"] == "bedrock-2023-05-31"


def test_an_arn_is_one_path_segment_for_the_sdk_too(run: Run, use: Use) -> None:
    sandbox = use()
    arn = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{SONNET}"
    run("ask", "Hello", "--via", "sdk", "-m", arn)
    assert sandbox.requests[0]["model"] == arn


@pytest.mark.parametrize("via", ["sdk", "mantle"])
def test_the_answer_has_the_shape_of_every_other(via: str, run: Run, use: Use) -> None:
    sandbox = use({"reply": {"text": "Yes.", "thinking": "Hm.", "usage": {"input_tokens": 7}}})
    answer = json.loads(run("ask", "Hello", "--via", via, "-m", "haiku-4.5", "--json").out)
    assert (answer["text"], answer["complete"], answer["via"]) == ("Yes.", True, via)
    assert answer["usage"]["input_tokens"] == 7
    assert answer["usage"]["output_tokens"] > 0
    assert answer["cost_usd"] > 0
    assert answer["request_id"] == sandbox.requests[0]["request_id"]


def test_a_dry_run_shows_the_sdk_s_arguments_and_sends_nothing(run: Run, use: Use) -> None:
    sandbox = use()
    shown = json.loads(run("ask", *FULL, "--via", "sdk", "--dry-run").out)
    assert shown["operation"] == "messages.create"
    assert shown["request"]["extra_body"] == {
        "anthropic_version": "bedrock-2023-05-31", "temperature": 0.5,
    }  # fmt: skip
    assert shown["request"]["extra_headers"]["anthropic-beta"].count(",") == 1
    assert sandbox.requests == []


def test_a_dry_run_names_mantle_s_endpoint(run: Run) -> None:
    env = {"AWS_ACCESS_KEY_ID": "AKIAFAKE", "AWS_SECRET_ACCESS_KEY": "fake"}
    shown = json.loads(
        run(
            "ask", "Hi", "--via", "mantle", "-m", "opus-5.5", "--dry-run",
            "--region", "ap-southeast-4", env=env,
        ).out
    )  # fmt: skip
    assert shown["endpoint_url"] == "https://bedrock-mantle.ap-southeast-4.api.aws/anthropic"
    assert shown["request"]["model"] == "anthropic.claude-opus-5-5"


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("haiku-4.5", MANTLE_HAIKU),
        ("claude-haiku-4-5", MANTLE_HAIKU),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", MANTLE_HAIKU),
        (MANTLE_HAIKU, MANTLE_HAIKU),
        ("opus-5.5", "anthropic.claude-opus-5-5"),
        ("anthropic.claude-opus-5-5", "anthropic.claude-opus-5-5"),
    ],
)
@pytest.mark.parametrize("endpoint", ["auto", "in-region"])
def test_mantle_has_ids_of_its_own(
    model: str, sent: str, endpoint: str, run: Run, use: Use
) -> None:
    sandbox = use()
    asked = ["ask", "Hello", "--via", "mantle", "-m", model, "--endpoint", endpoint, "--json"]
    answer = json.loads(run(*asked).out)
    assert sandbox.requests[0]["body"]["model"] == sent
    assert operations(sandbox) == ["CreateInference"]
    assert (answer["model"], answer["endpoint"]) == (sent, "in-region")


def test_mantle_costs_what_the_regional_endpoint_costs(run: Run, use: Use) -> None:
    use({"reply": {"text": "Yes.", "usage": {"input_tokens": 10**6, "output_tokens": 1}}})

    def cost(*more: str) -> float:
        found: float = json.loads(run("ask", "Hi", "-m", "haiku-4.5", "--json", *more).out)[
            "cost_usd"
        ]
        return found

    assert cost("--via", "mantle") == cost("--endpoint", "us")
    assert cost("--via", "mantle") == pytest.approx(1.1 * cost("--endpoint", "global"))


@pytest.mark.parametrize(
    ("argv", "said", "hint"),
    [
        (["-m", "sonnet-4.5"], "Claude Sonnet 4.5 is not on bedrock-mantle", "haiku-4.5"),
        (["-m", "haiku-4.5", "--endpoint", "eu"], "always runs in us-east-1 itself",
         "--via invoke"),
        (["-m", "haiku-4.5", "--endpoint", "global"], "not on the global endpoint",
         "--via invoke"),
        (["-m", f"us.{SONNET}"], "cannot call the inference profile `us.", "--via invoke"),
        (["-m", f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}"], "cannot call the ARN",
         "--via invoke"),
        (["-m", "haiku-4.5", "--guardrail", "abcdefgh1234:1"], "guardrail", "--via invoke"),
        (["-m", "haiku-4.5", "--meta", "a=b"], "meta", "--via invoke"),
    ],
)  # fmt: skip
def test_what_mantle_cannot_do_names_who_can(
    argv: list[str], said: str, hint: str, run: Run, use: Use
) -> None:
    sandbox = use()
    err = run("ask", "Hello", "--via", "mantle", *argv, code=6).err
    assert said in err
    assert hint in err.partition("hint: ")[2]
    assert sandbox.requests == []


def test_an_unknown_alias_is_a_usage_error_on_mantle_too(run: Run, use: Use) -> None:
    use()
    assert "did you mean `haiku" in run("ask", "Hi", "--via", "mantle", "-m", "haku", code=2).err


def test_an_id_that_mantle_does_not_have(run: Run, use: Use) -> None:
    sandbox = use()
    told = run("ask", "Hi", "--via", "mantle", "-m", "anthropic.claude-next-9", "--json", code=6)
    error = json.loads(told.err)["error"]
    assert error["code"] == "ResourceNotFoundException"
    assert "--via invoke" in error["hint"]
    assert len(sandbox.requests) == 1


def test_a_preset_may_name_the_way(run: Run, use: Use) -> None:
    sandbox = use()
    env = {"BEDROCK_CLAUDE_VIA": "mantle", "BEDROCK_CLAUDE_MODEL": "haiku-4.5"}
    run("ask", "Hello", env=env)
    assert operations(sandbox) == ["CreateInference"]


def test_a_proof_of_logging_is_never_sent_to_mantle(run: Run, use: Use) -> None:
    """Calls of bedrock-mantle are not logged, so one would be waited for in vain."""
    sandbox = use()
    env = {"BEDROCK_CLAUDE_VIA": "mantle", "BEDROCK_CLAUDE_MODEL": "haiku-4.5"}
    assert "arrived in log group" in run("enable-logging", "--yes", "--verify", env=env).out
    assert "CreateInference" not in operations(sandbox)
    logged = run("logs", "tail", "--json").out
    run("ask", "Hello")
    assert operations(sandbox)[-1] == "CreateInference"
    assert run("logs", "tail", "--json").out == logged


@pytest.mark.parametrize(
    ("via", "loaded"), [("invoke", []), ("sdk", ["anthropic"]), ("mantle", ["anthropic"])]
)
def test_the_sdk_is_loaded_only_where_it_is_used(via: str, loaded: list[str], use: Use) -> None:
    """And never boto3, which the SDK would make a session of for every signature."""
    use()
    script = (
        "import sys; from bedrock_claude_cli.main import main; "
        f"code = main(['ask', '-n', 'Hello', '-m', 'haiku-4.5', '--via', '{via}']); "
        "print([n for n in ('anthropic', 'boto3', 'moto') if n in sys.modules]); sys.exit(code)"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.splitlines()[-1] == str(loaded)
