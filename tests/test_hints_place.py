"""A command in a hint asks AWS where the one that failed asked it, and suggests what is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Use = Callable[..., Sandbox]
CLOSED = (
    {"account": {"form": True, "retention": "default"}},
    {"access": {"agreement": "none", "retention": ["provider_data_share", "aws_review"]}},
)
SCP = (
    "User: arn:aws:iam::000000000000:user/sandbox is not authorized to perform: "
    "bedrock:InvokeModel on resource: arn:aws:bedrock:::foundation-model/anthropic.claude-opus-5 "
    "with an explicit deny in a service control policy"
)
NEAR = "or choose another endpoint"
ROOMY = "a global endpoint has the most"


def hinted(err: str) -> str:
    """The first command in a hint."""
    found = re.search(r"`(bedrock-claude [^`]+)`", err.split("hint: ")[1])
    assert found, err
    return found[1]


def refusal(name: str, message: str) -> dict[str, Any]:
    return {
        "when": {"operation": "InvokeModel*"},
        "error": {"type": name, "message": message},
    }


@pytest.mark.parametrize(
    ("flags", "config"),
    [
        (["--region", "eu-west-1"], ""),
        (["--config", "{file}"], "region: eu-west-1\n"),
        (["--config", "{file}", "-t", "far"], "presets:\n  far: {region: eu-west-1}\n"),
        ([], ""),
    ],
    ids=["region", "config", "preset", "none"],
)
def test_the_model_is_opened_where_it_was_asked(
    run: Run, use: Use, tmp_path: Path, flags: list[str], config: str
) -> None:
    use(*CLOSED)
    file = tmp_path / "my config.yaml"
    file.write_text(config, encoding="utf-8")
    ask = ["ask", *(each.replace("{file}", str(file)) for each in flags), "-m", "fable-5.1", "hi"]
    command = hinted(run(*ask, code=5).err).replace("MODE", "aws_review")
    assert ("--region eu-west-1" in command) is (flags[:1] == ["--region"] or "-t" in flags)
    run(*shlex.split(command)[1:], "--yes")
    assert run(*ask).out


@pytest.mark.parametrize(
    "argv",
    [
        ("ask", "-m", "opus-5", "hi"),
        ("verify-creds", "-m", "opus-5"),
        ("access", "check", "opus-5"),
        ("run", "in.jsonl", "-o", "out.jsonl", "-m", "opus-5"),
        ("ask", "-m", "opux-5", "hi"),
    ],
    ids=lambda argv: f"{argv[0]} {argv[-2]}",
)
def test_the_profile_and_region_of_the_line_stand_in_its_hint(
    run: Run,
    use: Use,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
) -> None:
    use(*CLOSED)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"prompt": "hi"}\n', encoding="utf-8")
    (home / ".aws").mkdir()
    keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n"
    (home / ".aws" / "credentials").write_text(f"[team]\n{keys}", encoding="utf-8")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SHARED_CREDENTIALS_FILE", "CONFIG_FILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    code = 2 if "opux-5" in argv else 5
    plain = hinted(run(*argv, "--profile", "team", code=code).err)
    assert shlex.split(plain)[-2:] == ["--profile", "team"] and "--region" not in plain
    both = hinted(run(*argv, "--region", "us-west-2", "--profile", "team", code=code).err)
    assert both == f"{plain} --region us-west-2"


def test_a_command_that_asks_everywhere_gets_no_region(run: Run, use: Use) -> None:
    use()
    err = run("ask", "--region", "eu-west-2", "-m", "opus-4.1", "hi", code=6).err
    assert "`list-models --all-regions`" in err or hinted(err).endswith("--all-regions")


def test_the_sandbox_of_one_command_does_not_lead_to_the_account(run: Run) -> None:
    assert hinted(run("ask", "--sandbox", "-m", "opux-5", "hi", code=2).err).endswith("--sandbox")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--region", "eu-central-1", "-m", "opus-5"], f"{NEAR}, as in `--endpoint eu`"),
        (["--region", "eu-central-1", "-m", "opus-5", "--endpoint", "eu"], NEAR),
        (["--region", "us-east-1", "-m", "us.anthropic.claude-opus-5"], NEAR),
        (
            ["--region", "eu-central-1", "-m", "global.anthropic.claude-opus-5"],
            f"{NEAR}, as in `-m eu.anthropic.claude-opus-5`",
        ),
        (["--region", "us-east-1", "-m", "opus-5", "--config", "rails.yaml"], NEAR),
    ],
    ids=["global", "eu", "us-id", "global-id", "rails"],
)
def test_the_endpoint_that_a_hint_suggests_can_be_called(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: str
) -> None:
    use(refusal("AccessDeniedException", SCP))
    monkeypatch.chdir(tmp_path)
    Path("rails.yaml").write_text("allow_endpoints: [global]\n", encoding="utf-8")
    err = run("ask", *argv, "hi", code=5).err
    assert err.rstrip().endswith(told)
    if "`" in told:
        use()
        flag, value = told.split("`")[1].split()
        at = argv.index("-m")
        line = [*argv[:at], *argv[at + 2 :]] if flag == "-m" else argv
        assert run("ask", *line, flag, value, "hi").out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["-m", "opus-5"], False),
        (["-m", "global.anthropic.claude-opus-5"], False),
        (["-m", "opus-5", "--endpoint", "us"], True),
        (["-m", "opus-5", "--endpoint", "us", "--config", "rails.yaml"], False),
    ],
    ids=["auto", "global-id", "us", "rails"],
)
def test_the_global_endpoint_is_named_where_it_is_another_one(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: bool
) -> None:
    use(refusal("ServiceUnavailableException", "Too busy"))
    monkeypatch.chdir(tmp_path)
    Path("rails.yaml").write_text("allow_endpoints: [us]\n", encoding="utf-8")
    err = run("ask", "--retries", "0", "-n", *argv, "hi", code=7).err
    assert "out of capacity for this model for now" in err
    assert (ROOMY in err) is told


def test_what_goes_on_with_a_job_asks_the_same_account(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.chdir(tmp_path)
    records = (f'{{"id": "r{number}", "prompt": "hi"}}\n' for number in range(100))
    Path("in.jsonl").write_text("".join(records), encoding="utf-8")
    Path("c.yaml").write_text("max_tokens: 50\n", encoding="utf-8")
    boto3.client("s3").create_bucket(Bucket="batches")
    there = ["--config", "c.yaml"]
    said = run("jobs", "submit", "in.jsonl", "--bucket", "batches", "--yes", *there).err
    commands = re.findall(r"`bedrock-claude ([^`]+)`", said)
    assert [each.split()[:2] for each in commands] == [["jobs", "wait"], ["jobs", "fetch"]]
    assert all(each.endswith(" --config c.yaml") for each in commands)
    for each in commands:
        run(*shlex.split(each))
