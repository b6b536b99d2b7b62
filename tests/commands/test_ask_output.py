"""What `ask` prints: bare text, JSON, a forecast, a code block, a usage line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte
import pytest

from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import CANNED, SONNET, operations
from tests.conftest import Run

Use = Callable[..., Sandbox]
ANSWER_KEYS = [
    "schema", "text", "parsed", "citations", "stop_reason", "complete", "usage", "cost_usd",
    "prices", "model", "endpoint", "region", "via", "request_id", "latency_ms", "first_token_ms",
    "attempts", "error",
]  # fmt: skip
USAGE_KEYS = [
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
]  # fmt: skip
CODE = "So:\n\n```bash\nls\n```\n\n```python\nprint(1)\n```\nDone."


def said(text: str, **more: Any) -> dict[str, Any]:
    """A rule that replies with a text."""
    return {"reply": {"text": text, **more}}


@pytest.mark.parametrize("flags", [[], ["--no-stream"], ["--plain"], ["-q"]])
@pytest.mark.parametrize(
    "text", ["one line", "two\nlines", "# not *rendered*", "red \x1b[31m\a here", "é 你好 🦜"]
)
def test_a_pipe_gets_the_bare_text_and_one_newline(
    text: str, flags: list[str], run: Run, use: Use
) -> None:
    use(said(text))
    result = run("ask", "Hello", *flags)
    assert result.out == text + "\n"
    assert result.err == ""


@pytest.mark.parametrize("flags", [[], ["--no-stream"], ["-q"]])
@pytest.mark.parametrize("text", ["\n\none\n\ntwo", "\n\none\n\ntwo\n", "\n\none\n\ntwo\n\n\n"])
def test_the_final_newline_is_one(text: str, flags: list[str], run: Run, use: Use) -> None:
    use(said(text))
    assert run("ask", "Hello", *flags).out == "\n\none\n\ntwo\n"


@pytest.mark.parametrize("flags", [[], ["--plain"], ["--no-stream"], ["-x"]])
def test_the_answer_cannot_drive_a_terminal(flags: list[str], run: Run, use: Use) -> None:
    use(said("```\n\x1b]0;title\x07 \x1b[2J\x9b31m\n```"))
    out = run("ask", "Hello", *flags, terminal=True, env={"NO_COLOR": "1"}).out
    assert "title" in out
    assert not [each for each in ("\x1b]", "\x07", "\x1b[2J", "\x9b") if each in out]


def test_a_terminal_shows_markdown_and_plain_does_not(run: Run, use: Use) -> None:
    use(said("some **bold** text"))
    screen = pyte.Screen(80, 5)
    pyte.Stream(screen).feed(run("ask", "Hello", terminal=True).out.replace("\n", "\r\n"))
    assert screen.display[0].rstrip() == "some bold text"
    assert "some **bold** text\n" in run("ask", "Hello", "--plain", terminal=True).out


def test_thinking_is_not_printed(run: Run, use: Use) -> None:
    use(said("Yes", thinking="secret thoughts"))
    result = run("ask", "Hello")
    assert result.out == "Yes\n"
    assert "thoughts" not in result.err
    assert "thoughts" not in run("ask", "Hello", "--json").out


def test_json_is_the_answer_with_every_key(run: Run, use: Use) -> None:
    usage = dict(zip(USAGE_KEYS, (1000, 200, 30, 4), strict=True))
    sandbox = use(said("Yes", usage=usage))
    result = run("ask", "Hello", "--json")
    answer = json.loads(result.out)
    assert list(answer) == ANSWER_KEYS
    assert answer["schema"] == 1
    assert answer["text"] == "Yes"
    assert answer["stop_reason"] == "end_turn"
    assert answer["complete"] is True
    assert answer["usage"] == usage
    assert answer["cost_usd"] == pytest.approx((1000 * 3 + 200 * 15 + 30 * 0.3 + 4 * 3.75) / 1e6)
    assert answer["model"] == f"global.{SONNET}"
    assert (answer["endpoint"], answer["region"], answer["via"]) == (
        "global", "us-east-1", "invoke",
    )  # fmt: skip
    assert answer["request_id"] == sandbox.requests[0]["request_id"]
    assert answer["attempts"] == 1
    assert 0 <= answer["first_token_ms"] <= answer["latency_ms"]
    assert [answer[key] for key in ("parsed", "citations", "error")] == [None] * 3
    assert result.err == ""


def test_the_embedded_sandbox_says_so_in_json_and_on_stderr(run: Run) -> None:
    result = run("ask", "--sandbox", "--json", "Hello")
    assert json.loads(result.out)["sandbox"] is True
    assert "sandbox: canned answers" in result.err


def test_a_price_nobody_knows_is_null(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalog.load()
    monkeypatch.setattr(catalog, "load", lambda: known._replace(models=()))
    use()
    result = run("ask", "-m", f"us.{SONNET}", "--json", "-u", "Hello")
    assert json.loads(result.out)["cost_usd"] is None
    assert "written; cost unknown; " in result.err


def test_own_prices_count(run: Run, use: Use, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("prices: {sonnet-4.5: {input: 1000000, output: 0}}\n")
    use(said("Yes", usage={"input_tokens": 2, "output_tokens": 3}))
    result = run("ask", "--config", str(config), "--json", "-u", "Hello")
    assert json.loads(result.out)["cost_usd"] == 2
    assert "about $2.000000 (your prices)" in result.err


@pytest.mark.parametrize(
    ("query", "out"),
    [
        ("text", "Yes\n"),
        ("usage.input_tokens", "2\n"),
        ("[stop_reason, complete]", '[\n  "end_turn",\n  true\n]\n'),
    ],
)
def test_query_picks_from_the_answer(query: str, out: str, run: Run, use: Use) -> None:
    use(said("Yes", usage={"input_tokens": 2}))
    assert run("ask", "Hello", "--query", query).out == out


def test_a_bad_query_sends_nothing(run: Run, use: Use) -> None:
    sandbox = use()
    assert "--query" in run("ask", "Hello", "--query", "text[", code=2).err
    assert sandbox.requests == []


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_usage_is_one_line_on_stderr_even_when_quiet(quiet: list[str], run: Run, use: Use) -> None:
    usage = dict(zip(USAGE_KEYS, (1000, 200, 30, 4), strict=True))
    use(said("Yes", usage=usage))
    result = run("ask", "Hello", "-u", *quiet)
    assert result.out == "Yes\n"
    assert result.err.startswith(
        "usage: 1000 tokens in, 200 out, cache 30 read 4 written; about $0.006024 (list prices, "
    )
    assert "; first token " in result.err
    assert result.err.count("\n") == 1


def test_usage_of_nothing_is_unknown_not_zero(run: Run, use: Use) -> None:
    use({"stream": {"cut_after": 0}})
    err = run("ask", "Hello", "-u", code=10).err
    assert "usage: tokens unknown; cost unknown; no text, all " in err


def test_dry_run_shows_the_very_request_and_sends_nothing(run: Run, use: Use) -> None:
    sandbox = use()
    argv = ["ask", "-m", "haiku", "--endpoint", "us", "-s", "Be brief", "--stop", "X"]
    shown = json.loads(run(*argv, "--dry-run", "Hello").out)
    assert sandbox.requests == []
    run(*argv, "Hello")
    request = sandbox.requests[0]
    assert shown["request"]["body"] == request["body"]
    assert shown["request"]["modelId"] == request["model"]
    assert shown["operation"] == request["operation"]
    assert shown["request"]["contentType"] == request["headers"]["content-type"]
    assert shown["endpoint_url"] == sandbox.url
    assert (shown["region"], shown["endpoint"], shown["schema"]) == ("us-east-1", "us", 1)
    assert shown["estimate"]["max_tokens"] == 4096
    assert shown["estimate"]["cost_usd"] > 0
    assert "costs 10 % more than global" in shown["notes"][0]


def test_dry_run_needs_no_credentials(run: Run) -> None:
    argv = ["ask", "--dry-run", "--region", "eu-west-1", "--query", "endpoint_url", "Hello"]
    assert run(*argv).out == "https://bedrock-runtime.eu-west-1.amazonaws.com\n"


@pytest.mark.parametrize(
    ("argv", "out"),
    [
        (["-x", "Hello"], "ls\n"),
        (["Hello", "-x"], "ls\n"),
        (["--extract", "Hello"], "ls\n"),
        (["-xpython", "Hello"], "print(1)\n"),
        (["-xPython", "Hello"], "print(1)\n"),
        (["-x=python", "Hello"], "print(1)\n"),
        (["--extract=python", "Hello"], "print(1)\n"),
        (["-nx", "Hello"], "ls\n"),
        (["-nqxpython", "Hello"], "print(1)\n"),
        (["-s", "-x", "Hello"], CODE + "\n"),
        (["-s-x", "Hello"], CODE + "\n"),
        (["--system", "--extract", "Hello"], CODE + "\n"),
        (["-qs", "-x", "Hello"], CODE + "\n"),
        (["--", "-x"], CODE + "\n"),
    ],
)
def test_extract_prints_the_first_block(argv: list[str], out: str, run: Run, use: Use) -> None:
    """The language is attached, and a value of another option is never taken for the flag."""
    sandbox = use(said(CODE))
    assert run("ask", *argv).out == out
    assert operations(sandbox) == ["InvokeModelWithResponseStream"]


@pytest.mark.parametrize(
    "argv",
    [["-s", "-x"], ["-s-x"], ["--system", "-x"], ["--system=-x"], ["-ns", "-x"]],
)
def test_a_value_that_looks_like_the_flag_stays_a_value(
    argv: list[str], run: Run, use: Use
) -> None:
    sandbox = use()
    run("ask", *argv, "Hello")
    assert sandbox.requests[0]["body"]["system"] == "-x"


@pytest.mark.parametrize(("flag", "what"), [("-x", "block"), ("-xruby", "block of ruby")])
def test_no_such_block_is_incomplete_and_the_answer_is_not_lost(
    flag: str, what: str, run: Run, use: Use
) -> None:
    use(said("no code" if flag == "-x" else CODE))
    result = run("ask", "Hello", flag, "--allow-incomplete", code=10)
    assert result.out == ""
    assert f"error: the answer has no fenced code {what}\n" in result.err
    assert "note: the whole answer was:\n" in result.err


def test_extract_in_json_keeps_the_whole_answer(run: Run, use: Use) -> None:
    use(said(CODE))
    answer = json.loads(run("ask", "Hello", "-xpython", "--json").out)
    assert (answer["text"], answer["extracted"]) == (CODE, "print(1)\n")
    answer = json.loads(run("ask", "Hello", "-xruby", "--json", code=10).out)
    assert answer["extracted"] is None


def test_an_empty_answer_prints_nothing(run: Run, use: Use) -> None:
    use(said(""))
    assert run("ask", "Hello").out == ""


def test_nothing_of_it_is_stored(run: Run, use: Use, home: Path) -> None:
    use(said("a private answer"))
    run("ask", "a private question", stdin="a private file")
    run("ask", "--sandbox", "a private question", "--json")
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_debug_shows_no_secret(run: Run, use: Use) -> None:
    use({"error": {"type": "AccessDeniedException"}})
    env = {"AWS_SECRET_ACCESS_KEY": "obviously-fake-secret", "AWS_SESSION_TOKEN": "fake-token"}
    result = run("ask", "Hello", "--debug", code=5, env=env)
    assert "Traceback" in result.err
    assert "obviously-fake-secret" not in result.err
    assert "fake-token" not in result.err


def test_quiet_leaves_only_errors(run: Run, use: Use) -> None:
    use()
    argv = ["ask", "-q", "-m", SONNET]
    assert run(*argv, "Hello").err == ""
    assert CANNED in run(*argv, "--sandbox", "Hello").out
