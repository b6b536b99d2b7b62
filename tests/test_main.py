"""The door: usage errors, shared options, errors as text and JSON, closed pipes, interrupts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from bedrock_claude_cli import __version__
from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.conftest import Run

BIN = Path(sys.executable).with_name("bedrock-claude")
Use = Callable[..., Sandbox]


def test_version(run: Run) -> None:
    assert run("--version").out == f"bedrock-claude {__version__}\n"


def test_no_arguments_shows_help_on_stderr_and_is_usage(run: Run) -> None:
    result = run(code=2)
    assert result.out == ""
    assert "Commands:" in result.err
    assert not result.err.startswith("error")


def test_a_mistyped_command_gets_a_suggestion(run: Run) -> None:
    assert "Did you mean 'ask'?" in run("aks", "hi", code=2).err


@pytest.mark.parametrize(
    "argv", [["ask", "--modle", "x"], ["ask", "a", "b"], ["ask", "--max-tokens", "many", "x"]]
)
def test_usage_errors_name_the_help(run: Run, argv: list[str]) -> None:
    result = run(*argv, code=2)
    assert result.err.startswith("error: ")
    assert "hint: `bedrock-claude ask --help`" in result.err


def test_a_command_is_built_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """To build `ask` from its signature takes 5 ms of each start."""
    built = []
    build = typer.main.get_command

    def get_command(app: typer.Typer) -> Any:
        built.append(build(app))
        return built[-1]

    monkeypatch.setattr(typer.main, "get_command", get_command)
    run("config", "path")
    assert [each.name for each in built] == ["", "config"]


def test_shared_options_work_before_and_after_the_subcommand(run: Run, use: Use) -> None:
    server = use()
    before = run("--region", "eu-west-1", "--json", "list-models").out
    after = run("list-models", "--region", "eu-west-1", "--json").out
    assert before == after
    assert {request["region"] for request in server.requests} == {"eu-west-1"}


def test_what_stands_after_the_subcommand_wins(run: Run, use: Use) -> None:
    server = use()
    run("--region", "eu-west-1", "ask", "-n", "--region", "us-west-2", "hi")
    assert {request["region"] for request in server.requests} == {"us-west-2"}


def test_an_error_says_region_and_identity_with_their_sources(run: Run, use: Use) -> None:
    use({"error": {"type": "AccessDeniedException", "status": 403, "message": "no"}})
    told = run("list-models", "--region", "eu-west-1", code=5).err
    assert "(region eu-west-1 from --region, keys from AWS_ACCESS_KEY_ID, request " in told


def test_with_json_an_error_is_one_object_on_stderr_and_stdout_is_empty(run: Run, use: Use) -> None:
    use({"error": {"type": "ThrottlingException", "message": "Too many tokens per day, wait"}})
    result = run("ask", "-n", "-q", "--json", "--retries", "0", "hi", code=7)
    error = json.loads(result.err)["error"]
    assert result.out == ""
    assert set(error) == {"code", "message", "hint", "exit_code", "request_id", "retry"}
    assert (error["code"], error["exit_code"], error["retry"]) == (
        "ThrottlingException",
        7,
        "later",
    )
    assert error["request_id"]


def test_an_unexpected_error_is_one_line_and_a_traceback_only_with_debug(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("bedrock_claude_cli.bedrock.inventory.offline", broken)
    quiet = run("list-models", "--offline", "-q", code=1).err
    assert quiet.splitlines()[0].startswith("error: ZeroDivisionError: boom")
    assert "Traceback" not in quiet
    assert "Traceback" in run("list-models", "--offline", "--debug", code=1).err


def test_quiet_silences_notes_but_no_errors(run: Run) -> None:
    assert run("ask", "--sandbox", "-q", "-n", "hi").err == ""
    assert run("ask", "--sandbox", "-q", "-n", code=2).err.startswith("error: ")


def test_text_from_outside_cannot_drive_a_terminal_through_an_error(run: Run, use: Use) -> None:
    use({"error": {"type": "ValidationException", "message": "\x1b]0;owned\x07 bad [red]x[/red]"}})
    told = run("list-models", code=6, terminal=True, env={"NO_COLOR": "1"}).err
    assert "\x1b" not in told and "\x07" not in told
    assert "[red]x[/red]" in told


def test_a_closed_pipe_is_silent_and_141() -> None:
    with Sandbox(rules=[{"reply": {"words": 60_000}}]) as server:
        env = environment(server.url, os.environ)
        child = subprocess.Popen(
            [str(BIN), "ask", "-n", "-q", "hi"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdout and child.stderr
        child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
        child.stderr.close()
        assert child.wait() == 141


def test_help_into_a_closed_pipe_is_silent() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([str(BIN), "--help"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_before_the_answer_is_130_and_silent() -> None:
    with Sandbox(rules=[{"stream": {"delay_ms": 20_000}}]) as server:
        env = environment(server.url, os.environ)
        child = subprocess.Popen(
            [str(BIN), "ask", "-n", "-q", "hi"], env=env, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 20
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        assert child.stderr
        assert child.stderr.read() == b""
        child.stderr.close()
        assert child.wait() == 130


def test_output_is_utf_8_and_what_a_locale_lacks_is_escaped() -> None:
    with Sandbox(rules=[{"reply": {"text": "naïve ✓"}}]) as server:
        env = environment(server.url, os.environ)
        shown = subprocess.run([str(BIN), "ask", "-nq", "hi"], env=env, capture_output=True)
        assert shown.stdout == "naïve ✓\n".encode()
        env["PYTHONIOENCODING"] = "ascii"
        shown = subprocess.run([str(BIN), "ask", "-nq", "hi"], env=env, capture_output=True)
        assert shown.stdout == b"na\\xefve \\u2713\n"


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_full_disk_is_told_and_is_no_closed_pipe(flags: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [str(BIN), "ask", "--sandbox", "-nq", "hi", *flags],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert "stdout cannot be written: No space left on device" in done.stderr
    if flags:
        assert json.loads(done.stderr.splitlines()[-1])["error"]["retry"] == "maybe-billed"
