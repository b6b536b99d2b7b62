"""`sandbox serve` and `sandbox run`, as processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Run

COMMAND = [sys.executable, "-m", "bedrock_claude_cli"]
SEEDS = Path(__file__).parents[1] / "seeds"
# Everything that could lead a client elsewhere, set wrongly.
WRONG = {
    "AWS_PROFILE": "no-such", "AWS_DEFAULT_PROFILE": "no-such", "AWS_REGION": "nowhere",
    "AWS_DEFAULT_REGION": "nowhere", "AWS_ACCESS_KEY_ID": "bad", "AWS_SECRET_ACCESS_KEY": "bad",
    "AWS_SESSION_TOKEN": "bad", "AWS_BEARER_TOKEN_BEDROCK": "bad", "AWS_CONFIG_FILE": "/no/such",
    "AWS_SHARED_CREDENTIALS_FILE": "/no/such", "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9", "AWS_CA_BUNDLE": "/no/such",
    "AWS_ENDPOINT_URL_BEDROCK": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such", "AWS_MAX_ATTEMPTS": "0",
    "ANTHROPIC_BEDROCK_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": "bad",
    "BEDROCK_CLAUDE_PROFILE": "no-such", "BEDROCK_CLAUDE_REGION": "nowhere",
    "BEDROCK_CLAUDE_MODEL": "no-such", "BEDROCK_CLAUDE_CONFIG": "/no/such",
    "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}  # fmt: skip


def _run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "sandbox", "run", *argv],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def _serving(*argv: str, **env: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A `sandbox serve` that is up, and all that it printed to stdout."""
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "serve", *argv],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    try:
        line = process.stderr.readline()
        assert line.startswith("note: sandbox at "), line + process.stderr.read()
        os.set_blocking(process.stdout.fileno(), False)
        yield process, process.stdout.read()
    finally:
        process.kill()
        process.communicate()


class TestRun:
    """A command inside a sandbox of its own."""

    @pytest.mark.parametrize(
        ("argv", "code", "told"),
        [
            (["sh", "-c", "exit 0"], 0, ""),
            (["sh", "-c", "exit 7"], 7, ""),
            (["sh", "-c", "kill -9 $$"], 137, ""),
            (["sh", "-c", "kill -TERM $$"], 143, ""),
            (["no-such-command"], 127, "error: no-such-command: No such file or directory\n"),
            (["/"], 126, "error: /: Permission denied\n"),
        ],
    )
    def test_the_exit_code_is_the_command_s(self, argv: list[str], code: int, told: str) -> None:
        result = _run("--", *argv)
        assert result.returncode == code
        assert told in result.stderr
        assert "no AWS, no cost, canned answers" in result.stderr

    def test_options_after_the_dashes_are_the_command_s(self) -> None:
        result = _run("-q", "--", "printf", "%s ", "--json", "-q", "--", "--sandbox")
        assert (result.stdout, result.stderr) == ("--json -q -- --sandbox ", "")

    def test_without_a_command_it_is_usage(self, run: Run) -> None:
        assert "COMMAND" in run("sandbox", "run", code=2).err

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_command_decides_what_a_signal_means(self, number: signal.Signals) -> None:
        script = "trap 'exit 5' TERM INT; echo up; read line"
        process = subprocess.Popen(
            [*COMMAND, "sandbox", "run", "-q", "--", "sh", "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        # A terminal's Ctrl-C reaches the whole group; a CI system's TERM only the process.
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        code = process.wait(timeout=30)  # its stdin stays open, or `read` would end first
        process.communicate()
        assert code == 5

    def test_every_client_arrives_whatever_was_set(self) -> None:
        program = (
            "import boto3, anthropic, os\n"
            "print(boto3.client('sts').get_caller_identity()['Account'])\n"
            "print(len(boto3.client('bedrock').list_foundation_models()['modelSummaries']) > 5)\n"
            "m = 'global.anthropic.claude-sonnet-4-5-20250929-v1:0'\n"
            "q = [{'role': 'user', 'content': 'hi'}]\n"
            "a = anthropic.AnthropicBedrock().messages.create(model=m, max_tokens=9, messages=q)\n"
            "print('canned' in a.content[0].text)\n"
        )
        result = _run("--", sys.executable, "-c", program, **WRONG)
        assert result.stdout.split() == ["000000000000", "True", "True"], result.stderr

    def test_this_tool_arrives_whatever_was_set(self) -> None:
        result = _run("--", *COMMAND, "ask", "hi", **WRONG)
        assert "canned answer" in result.stdout, result.stderr

    def test_the_aws_cli_arrives_whatever_was_set(self) -> None:
        aws = shutil.which(os.environ.get("BEDROCK_CLAUDE_TEST_AWS", "aws"))
        if not aws:
            pytest.skip("no AWS CLI: pip install awscli, or name one in BEDROCK_CLAUDE_TEST_AWS")
        result = _run("--", aws, "sts", "get-caller-identity", "--output", "text", **WRONG)
        assert "000000000000" in result.stdout, result.stderr

    @pytest.mark.parametrize(
        ("block", "code"),
        [("es/03-boto3-list-models.py", 0), ("pt/06-boto3-invoke.py", 0),
         ("zh/07-anthropic-global.py", 0), ("es/09-anthropic-bare-id.py", 1)],
    )  # fmt: skip
    def test_the_documents_own_blocks(self, block: str, code: int) -> None:
        result = _run("--", sys.executable, str(SEEDS / block))
        assert result.returncode == code, result.stderr
        if code:
            assert "with on-demand throughput isn\u2019t supported" in result.stderr

    def test_rules_strict_keys_and_the_script_variable(self, tmp_path: Path) -> None:
        path = tmp_path / "rules.yaml"
        path.write_text("- {reply: {text: by rule}}\n", encoding="utf-8")
        ask = [*COMMAND, "ask", "hi"]
        assert _run("--script", str(path), "--", *ask).stdout == "by rule\n"
        assert _run("--", *ask, BEDROCK_CLAUDE_SANDBOX_SCRIPT=str(path)).stdout == "by rule\n"
        pair = ["--strict-auth", "AKIASTRICTEXAMPLEXXX", "strict-fake-secret"]
        assert _run(*pair, "--", *ask).returncode == 0
        denied = _run(*pair, "--", "env", "AWS_SECRET_ACCESS_KEY=wrong", *ask)
        assert denied.returncode == 4
        path.write_text("- {}\n", encoding="utf-8")
        broken = _run("--script", str(path), "--", "true")
        assert broken.returncode == 3
        assert f"{path}:1:3 rules[0]: does nothing" in broken.stderr


class TestServe:
    """A sandbox that stays up."""

    def test_what_it_prints_leads_a_shell_to_it(self, tmp_path: Path) -> None:
        with _serving(**WRONG) as (_, printed):
            script = tmp_path / "env.sh"
            script.write_text(printed, encoding="utf-8")
            line = f'eval "$(cat {script})"; env; exec "$@"'
            result = subprocess.run(
                ["sh", "-euc", line, "sh", *COMMAND, "ask", "hi"],
                env={**os.environ, **WRONG}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert "canned answer" in result.stdout, result.stderr
            names = {line.split("=")[0] for line in result.stdout.splitlines()}
            assert not names & (WRONG.keys() - {
                "AWS_ENDPOINT_URL", "ANTHROPIC_BEDROCK_BASE_URL", "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE",
                "AWS_SHARED_CREDENTIALS_FILE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy",
            })  # fmt: skip

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_cleanly(self, number: signal.Signals) -> None:
        with _serving() as (process, _):
            process.send_signal(number)
            _, told = process.communicate(timeout=30)
            assert (process.returncode, told) == (0, "note: sandbox ended after 0 requests\n")

    def test_json(self) -> None:
        with _serving("--json", AWS_PROFILE="x") as (_, printed):
            found = json.loads(printed)
            assert found["url"] == found["environment"]["AWS_ENDPOINT_URL"]
            assert found["unset"] == ["AWS_PROFILE"]

    def test_a_port_that_is_taken(self, run: Run) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            told = run("sandbox", "serve", "--port", str(port), code=2).err
        assert f"error: port {port} cannot be used: Address already in use\n" in told
        assert "hint: `--port 0` picks a free one" in told
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def test_tls(self, certificate: tuple[str, str]) -> None:
        with _serving("--tls", *certificate) as (_, printed):
            assert "export AWS_ENDPOINT_URL=https://127.0.0.1:" in printed
            assert f"export AWS_CA_BUNDLE={certificate[0]}\n" in printed

    def test_a_certificate_that_is_none(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "cert.pem"
        assert (
            f"{path}: no such file"
            in run("sandbox", "serve", "--tls", str(path), str(path), code=2).err
        )
        path.write_text("x", encoding="utf-8")
        told = run("sandbox", "serve", "--tls", str(path), str(path), code=2).err
        assert "--tls takes a certificate and its key, both as PEM" in told

    def test_a_reader_that_went_away_ends_it(self) -> None:
        read, write = os.pipe()
        os.close(read)
        result = subprocess.run([*COMMAND, "sandbox", "serve"], stdout=write, timeout=30,
                                stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
        os.close(write)
        assert (result.returncode, result.stderr) == (141, "")

    def test_without_a_subcommand_it_is_usage(self, run: Run) -> None:
        run("sandbox", code=2)
        assert "Did you mean 'serve'?" in run("sandbox", "sevre", code=2).err


def test_the_tool_marks_its_output_inside_a_sandbox(home: Path) -> None:
    """Also with a config file that names a profile which is nowhere."""
    config = home / ".config" / "bedrock-claude" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("profile: dev\n")
    outer = [*COMMAND, "-q", "sandbox", "run", "--region", "eu-west-1", "--"]
    done = subprocess.run(
        [*outer, *COMMAND, "ask", "-n", "--json", "hi"],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert (answer["sandbox"], answer["region"]) == (True, "eu-west-1")
    assert "note: sandbox: canned answers" in done.stderr


def test_a_profile_has_no_place_in_a_sandbox(run: Run) -> None:
    assert (
        "reads no AWS profile" in run("sandbox", "run", "--profile", "x", "--", "true", code=2).err
    )


def test_the_context_knows_the_sandbox_s_key() -> None:
    from bedrock_claude_cli.context import SANDBOX_KEY
    from bedrock_claude_cli.sandbox.environment import ACCESS_KEY_ID

    assert SANDBOX_KEY == ACCESS_KEY_ID
