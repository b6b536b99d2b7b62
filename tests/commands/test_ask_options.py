"""The per-request options of `ask`: ranges, what is sent, what is refused before sending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import body
from tests.conftest import Run

Use = Callable[..., Sandbox]


def test_only_what_is_set_is_sent(run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "Hello")
    assert body(sandbox) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }


@pytest.mark.parametrize(
    ("argv", "key", "value"),
    [
        (["--max-tokens", "7"], "max_tokens", 7),
        (["--temperature", "0"], "temperature", 0),
        (["--temperature", "1"], "temperature", 1),
        (["--top-p", "0.25"], "top_p", 0.25),
        (["--top-p", "0"], "top_p", 0),
        (["--stop", "END"], "stop_sequences", ["END"]),
        (["--stop", "END", "--stop", "\n\nQ:"], "stop_sequences", ["END", "\n\nQ:"]),
    ],
)
def test_options_reach_the_body(argv: list[str], key: str, value: Any, run: Run, use: Use) -> None:
    sandbox = use({"reply": {"text": "Yes"}})
    run("ask", "Hello", *argv)
    assert body(sandbox)[key] == value


def test_a_stop_sequence_ends_the_answer_and_it_is_whole(run: Run, use: Use) -> None:
    use({"reply": {"text": "one two END three"}})
    assert run("ask", "Hello", "--stop", "END").out == "one two \n"


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--max-tokens", "0"),
        ("--max-tokens", "-1"),
        ("--max-tokens", "1.5"),
        ("--max-tokens", "many"),
        ("--temperature", "-0.1"),
        ("--temperature", "1.01"),
        ("--temperature", "nan"),
        ("--temperature", "hot"),
        ("--top-p", "2"),
        ("--top-p", "-inf"),
        ("--timeout", "0"),
        ("--timeout", "0.5s"),
        ("--timeout", "-5"),
        ("--timeout", "25h"),
        ("--timeout", "999999999999999"),
        ("--timeout", "soon"),
        ("--timeout", ""),
        ("--retries", "-1"),
        ("--retries", "101"),
        ("--retries", "x"),
        ("--stop", ""),
        ("--stop", " \n"),
        ("--stop", "caf\udce9"),
        ("--via", "pigeon"),
        ("--endpoint", "mars"),
        ("--model", ""),
        ("--model", "anthropic.caf\udce9"),
    ],
)
def test_out_of_range_sends_nothing(flag: str, value: str, run: Run, use: Use) -> None:
    """Each is exit 2 and one line that names the flag."""
    sandbox = use()
    result = run("ask", "Hello", f"{flag}={value}", code=2)
    assert flag in result.err.splitlines()[0]
    assert result.out == ""
    assert sandbox.requests == []


@pytest.mark.parametrize("value", ["90", "90s", "1.5m", "2h", "1"])
def test_timeout_takes_durations(value: str, run: Run, use: Use) -> None:
    use()
    run("ask", "Hello", "--timeout", value)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-m", "opus-5.5", "--temperature", "0.5"], "refuses temperature 0.5"),
        (["-m", "opus-5.5", "--top-p", "0.5"], "refuses top_p 0.5"),
        (["--temperature", "0.5", "--top-p", "0.5"], "only one of temperature 0.5"),
        (["-m", "haiku-4.5", "--top-p", "1", "--temperature", "1"], "only one of"),
        (["--max-tokens", "64001"], "max_tokens 64001 (from --max-tokens) is more than the 64000"),
    ],
)
def test_what_the_catalogue_says_the_model_refuses_is_not_sent(
    argv: list[str], said: str, run: Run, use: Use
) -> None:
    sandbox = use()
    result = run("ask", "Hello", *argv, code=6)
    assert said in result.err
    assert "hint: " in result.err
    assert sandbox.requests == []


def test_a_refused_option_names_the_file_that_set_it(run: Run, use: Use, tmp_path: Path) -> None:
    use()
    config = tmp_path / "config.yaml"
    config.write_text("temperature: 0.5\n")
    result = run("ask", "Hello", "-m", "opus-5.5", "--config", str(config), code=6)
    assert f"temperature 0.5 (from {config})" in result.err


def test_a_model_that_no_table_knows_gets_what_was_asked_for(run: Run, use: Use) -> None:
    sandbox = use()
    unknown = "global.anthropic.claude-next-9"
    argv = ["-m", unknown, "--temperature", "1", "--top-p", "1", "--max-tokens", "999999"]
    run("ask", "Hello", *argv, code=6)
    assert sandbox.requests[0]["model"] == unknown
    assert sandbox.requests[0]["body"]["max_tokens"] == 999999


def test_a_prompt_that_cannot_fit_is_not_sent(run: Run, use: Use) -> None:
    sandbox = use()
    result = run("ask", stdin="word " * 500_000, code=6)
    assert "2,500,000 characters, about 714,294 tokens (estimated): 514,294 more than" in result.err
    assert sandbox.requests == []


def test_a_body_over_twenty_megabytes_is_not_sent(run: Run, use: Use) -> None:
    sandbox = use()
    result = run("ask", "-m", "global.anthropic.claude-next-9", stdin=b"x" * 20_000_000, code=6)
    assert "Bedrock takes at most 20,000,000" in result.err
    assert sandbox.requests == []


def test_environment_and_preset_set_options_too(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use()
    config = tmp_path / "config.yaml"
    config.write_text("presets: {short: {max_tokens: 5, stop: [X, Y]}}\n")
    env = {"BEDROCK_CLAUDE_SYSTEM": "Be kind", "BEDROCK_CLAUDE_MAX_TOKENS": "9"}
    argv = ["--config", str(config), "--preset", "short", "--allow-incomplete"]
    run("ask", "Hello", *argv, env=env)
    assert body(sandbox)["system"] == "Be kind"
    assert body(sandbox)["max_tokens"] == 5
    assert body(sandbox)["stop_sequences"] == ["X", "Y"]
