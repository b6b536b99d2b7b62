"""`ask --code`: every program runs, and sends what `ask` itself would send."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.bedrock.media_samples import pdf, png
from tests.commands.ask_help import CANNED
from tests.conftest import Run
from tests.sandbox.clients import node_modules

Use = Callable[..., Sandbox]
QUESTION = 'Say "hi" to $HOME, `x`, it\'s \\ é 🦜\nJSON\nEOF ${b} \u2028 %s'
SHAPES = {
    "plain": [],
    "all": [
        "--system", "Be 'brief' and \"kind\"", "--temperature", "0.5", "--stop", "END\n",
        "--max-tokens", "3000", "--guardrail", "gr1:2", "--meta", "team=search/ads +1",
        "--beta", "one-2026-01-01", "--beta", "two-2026-01-01", "--cache", "1h",
    ],
    "thinking": ["--thinking", "2000"],
    "tool": ["-m", "opus-4.1", "--schema", '{"type": "object", "properties": {}}'],
    "format": ["--schema", '{"type": "object", "properties": {}, "additionalProperties": false}'],
}  # fmt: skip


def execute(language: str, text: str, server: Sandbox, folder: Path) -> str:
    """What the program prints, run as its own first line says."""
    env = environment(server.url, os.environ)
    if language == "typescript":
        (folder / "node_modules").symlink_to(node_modules())
        (folder / "ask.mjs").write_text(text, "utf-8")
        command = ["node", "--no-warnings", "ask.mjs"]
    elif language == "curl":
        if not shutil.which("curl"):
            pytest.skip("no curl on PATH")
        (folder / "ask.sh").write_text(text, "utf-8")
        env["AWS_BEARER_TOKEN_BEDROCK"] = "bedrock-test-key-not-real"
        command = ["sh", "ask.sh"]
    else:
        (folder / "ask.py").write_text(text, "utf-8")
        command = [sys.executable, "ask.py"]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def sent(server: Sandbox) -> dict[str, Any]:
    """What the last request asked for, apart from how its client spells headers."""
    last = server.requests[-1]
    headers = {
        name: json.loads(value) if name.endswith("metadata") else value
        for name, value in last["headers"].items()
        if name.startswith("x-amzn-bedrock-") and name != "x-amzn-bedrock-accept"
    }
    return {"model": last["model"], "headers": headers, "body": last["body"]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("language", ["python", "typescript", "boto3", "curl"])
def test_a_program_sends_what_ask_sends(
    run: Run, use: Use, tmp_path: Path, language: str, shape: str
) -> None:
    server = use(strict_version=True)
    run("ask", "-qn", QUESTION, *SHAPES[shape])
    ours = sent(server)
    printed = run("ask", "-qn", QUESTION, *SHAPES[shape], "--code", language)
    assert len(server.requests) == 1  # nothing was sent for it
    said = execute(language, printed.out, server, tmp_path)
    assert sent(server) == ours
    assert ours["body"]["anthropic_version"] == "bedrock-2023-05-31"
    if shape in ("plain", "all", "thinking"):
        assert CANNED in said


INSTALLS = {
    "python": '# pip install "anthropic[bedrock]',
    "boto3": '# pip install "boto3>=',
    "typescript": '// npm install "@anthropic-ai/bedrock-sdk"',
    "curl": '# apt-get install "curl"; a Bedrock API key is in AWS_BEARER',
}


@pytest.mark.parametrize("language", INSTALLS)
def test_a_program_begins_with_its_install_command_and_holds_no_credentials(
    run: Run, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOTINPROGRAMSXXX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-not-in-programs")
    text = run("ask", "-qn", "hi", "--region", "eu-west-1", "--code", language).out
    assert text.startswith(INSTALLS[language])
    assert "NOTINPROGRAMS" not in text
    assert "secret" not in text
    assert "eu-west-1" in text


@pytest.mark.parametrize("language", INSTALLS)
def test_a_program_reads_the_attachments_from_their_files(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("it's a report.pdf").write_bytes(pdf(2))
    Path("notes.md").write_text("# Notes\n")
    Path("dot.png").write_bytes(png())
    server = use()
    ask = ["ask", "-qn", "hi", "-a", "it's a report.pdf", "-a", "notes.md", "-a", "dot.png"]
    run(*ask)
    ours = sent(server)
    text = run(*ask, "--code", language).out
    if language != "curl":
        assert base64.b64encode(pdf(2)[:30]).decode() not in text
        assert "it's a report.pdf" in text
    execute(language, text, server, tmp_path)
    assert sent(server) == ours


CONVERSE = ["--via", "converse", "--system", "Be brief", "--guardrail", "gr1:2", "--meta", "team=x"]


@pytest.mark.parametrize("language", ["boto3", "curl"])
def test_a_program_may_call_converse(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("report.pdf").write_bytes(pdf(2))
    server = use()
    ask = ["ask", "-qn", QUESTION, *CONVERSE, "-a", "report.pdf"]
    run(*ask)
    ours = sent(server)
    execute(language, run(*ask, "--code", language).out, server, tmp_path)
    assert sent(server) == ours


@pytest.mark.parametrize("language", ["python", "typescript", "curl"])
def test_a_program_may_call_mantle(run: Run, use: Use, tmp_path: Path, language: str) -> None:
    server = use()
    ask = ["ask", "-qn", QUESTION, "--via", "mantle", "-m", "opus-5.5", "--effort", "low"]
    run(*ask)
    ours = {key: server.requests[-1][key] for key in ("path", "body")}
    execute(language, run(*ask, "--code", language).out, server, tmp_path)
    theirs = {key: server.requests[-1][key] for key in ("path", "body")}
    theirs["body"]["stream"] = True  # curl asks for the whole message
    assert theirs == ours


@pytest.mark.parametrize(
    ("language", "via", "instead"),
    [("python", "converse", "boto3"), ("typescript", "converse", "boto3"),
     ("boto3", "mantle", "python")],
)  # fmt: skip
def test_what_a_language_cannot_call_is_refused(
    run: Run, language: str, via: str, instead: str
) -> None:
    argv = ["ask", "-qn", "hi", "--sandbox", "-m", "opus-5.5", "--via", via, "--code", language]
    told = run(*argv, code=6)
    assert f"--code {instead}" in told.err
    assert told.out == ""


def test_an_unknown_language_is_named(run: Run) -> None:
    told = run("ask", "-qn", "hi", "--sandbox", "--code", "cobol", code=2)
    assert "python, typescript, boto3, curl" in told.err
    assert told.out == ""


def test_a_program_names_the_profile_that_a_flag_names(run: Run, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("[profile dev]\nregion = eu-west-1\n")
    for language in ("python", "boto3", "typescript"):
        assert "dev" in run("ask", "-qn", "hi", "--profile", "dev", "--code", language).out


def test_json_carries_the_program(run: Run) -> None:
    told = json.loads(run("ask", "-qn", "hi", "--sandbox", "--code", "curl", "--json").out)
    assert told["language"] == "curl"
    assert told["program"].startswith('# apt-get install "curl"')
