"""How `run` ends early: signals, limits, credentials; and that its line to go on does go on."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import lines, many, write
from tests.commands.test_run_faults import size
from tests.conftest import Result, Run

Use = Callable[..., Sandbox]
PROGRAM = [sys.executable, "-m", "bedrock_claude_cli"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def to_go_on(result: Result) -> list[str]:
    """The arguments of the line that goes on, as a shell reads them."""
    (line,) = re.findall(r"to go on: `(.*?)`", result.err)
    return shlex.split(line)[1:]


def wait_for(condition: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    while child.poll() is None and not condition():
        time.sleep(0.002)


def test_sigterm_drains_and_says_how_to_go_on(use: Use, tmp_path: Path, out: Path) -> None:
    server = use({"stream": {"delay_ms": 150}})
    given = many(tmp_path / "in.jsonl", 100)
    argv = [*PROGRAM, "run", given, "-o", str(out), "--concurrency", "4"]
    child = subprocess.Popen(argv, stderr=subprocess.PIPE)
    wait_for(lambda: size(out) > 0, child)
    child.send_signal(signal.SIGTERM)
    stderr = child.communicate()[1].decode()
    assert child.returncode == 143
    assert len(lines(out)) == len(server.requests) < 100
    assert "to go on: `bedrock-claude run " in stderr


def test_a_signal_after_which_all_is_done_is_no_early_end(
    use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"stream": {"delay_ms": 700}})
    argv = [*PROGRAM, "run", many(tmp_path / "in.jsonl", 4), "-o", str(out)]
    child = subprocess.Popen(argv, stderr=subprocess.PIPE)
    wait_for(lambda: len(server.requests) == 4, child)
    child.send_signal(signal.SIGTERM)
    stderr = child.communicate()[1].decode()
    assert child.returncode == 0 and len(lines(out)) == 4 and "to go on" not in stderr


def test_sigterm_and_then_another_signal_stops_at_once(use: Use, tmp_path: Path, out: Path) -> None:
    server = use({"stream": {"delay_ms": 20_000}})
    argv = [*PROGRAM, "run", many(tmp_path / "in.jsonl", 9), "-o", str(out), "--concurrency", "4"]
    said = tmp_path / "stderr"
    with said.open("wb") as stderr:
        child = subprocess.Popen(argv, stderr=stderr)
    wait_for(lambda: len(server.requests) >= 4, child)
    child.send_signal(signal.SIGTERM)
    wait_for(lambda: "note: finishing what is in flight (4)" in said.read_text(), child)
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait() == 143 and said.read_text().count("finishing") == 1
    assert "to go on: " in said.read_text() and time.monotonic() - begun < 15


def test_a_signal_that_is_ignored_stays_so(use: Use, tmp_path: Path, out: Path) -> None:
    """A shell's `&` ignores Ctrl-C for what it starts."""
    use({"stream": {"delay_ms": 50}})

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    argv = [*PROGRAM, "run", many(tmp_path / "in.jsonl", 20), "-o", str(out), "-q"]
    child = subprocess.Popen(argv, preexec_fn=ignore)
    wait_for(lambda: size(out) > 0, child)
    child.send_signal(signal.SIGINT)
    assert child.wait() == 0 and len(lines(out)) == 20


def test_the_line_to_go_on_after_max_cost_has_room_for_the_rest(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use()
    given = many(tmp_path / "in.jsonl", 40)
    argv = ("run", given, "-o", str(out), "--max-tokens", "40", "--max-cost", "0.006")
    again = to_go_on(run(*argv, code=11))
    assert again == to_go_on(run(*argv, code=11))
    assert 0.02 < float(again[again.index("--max-cost") + 1]) < 0.03
    run(*again)
    assert len(lines(out)) == 40


def test_the_line_to_go_on_where_not_even_one_record_had_room(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 2)
    again = to_go_on(run("run", given, "-o", str(out), "--max-cost", "0", code=11))
    assert not server.requests
    run(*again)
    assert len(lines(out)) == 2


def test_the_line_to_go_on_asks_the_very_same(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    message = "Too many tokens per day, please wait before trying again."
    error = {"type": "ThrottlingException", "message": message}
    server = use({"when": {"prompt": "say 2"}, "times": 1, "error": error})
    (tmp_path / "t.yaml").write_text("citations: true\ntemperature: 1\nprompt: Do $prompt!\n")
    argv = (
        "run", many(tmp_path / "in.jsonl", 5), "-o", str(out), "--preset", str(tmp_path / "t.yaml"),
        "--temperature", "0", "--no-citations", "--stop", "A B", "--stop", "$x", "-s", "it's",
        "--meta", "a=b", "--concurrency", "1", "--max-cost", "9.5",
    )  # fmt: skip
    run(*to_go_on(run(*argv, code=8)))
    asked = [{**each["body"], "messages": None} for each in server.requests]
    assert len(asked) == 6 and all(each == asked[0] for each in asked)
    assert asked[0]["temperature"] == 0 and asked[0]["stop_sequences"] == ["A B", "$x"]


def test_the_line_to_go_on_asks_failed_records_again_where_that_was_wished(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    message = "Too many tokens per day, please wait before trying again."
    use(
        {"when": {"prompt": "say [0-4]"}, "times": 5, "error": {"type": "ModelErrorException"}},
        {"when": {"prompt": "say 2"}, "times": 1,
         "error": {"type": "ThrottlingException", "message": message}},
    )  # fmt: skip
    given = many(tmp_path / "in.jsonl", 5)
    run("run", given, "-o", str(out), code=9)
    result = run("run", given, "-o", str(out), "--concurrency", "1", "--retry-failed", code=8)
    run(*to_go_on(result))
    assert not any(each["error"] for each in lines(out)) and len(lines(out)) == 5


def test_the_line_to_go_on_after_standard_input_says_what_it_needs(
    run: Run, use: Use, out: Path
) -> None:
    use()
    text = '{"prompt": "a"}\n{"prompt": "b"}\n'
    result = run("run", "-", "-o", str(out), "--max-cost", "0", code=11, stdin=text)
    assert re.search(r"to go on: `bedrock-claude run - [^`]+` with the same input", result.err)


def test_keys_of_the_environment_that_expire_end_the_run_and_it_is_said_why(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use({"when": {"prompt": "say [3-9]"}, "error": {"type": "ExpiredTokenException"}})
    given = many(tmp_path / "in.jsonl", 10)
    argv = ("run", given, "-o", str(out), "--concurrency", "1")
    told = run(*argv, code=4).err
    assert "into the environment; a run cannot wait for that" in told and "to go on: " in told
    assert "cannot wait" not in run(*argv, "--on-expired", "stop", code=4).err


@pytest.fixture
def of_a_profile(use: Use, home: Path, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Starts a sandbox whose keys are in a profile, and so may come back."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        server = use(*rules)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        key, secret = (os.environ[name] for name in names)
        for name in (*names, "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.delenv(name, raising=False)
        (home / ".aws").mkdir()
        (home / ".aws" / "credentials").write_text(
            f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        )
        return server

    return start


def test_expired_credentials_pause_the_run_until_they_are_back(
    run: Run, of_a_profile: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run.TICK", "run_pace.RENEWED"):
        monkeypatch.setattr(f"bedrock_claude_cli.bedrock.{name}", 0.01)
    server = of_a_profile({"when": {"prompt": "say [3-9]"}, "times": 6,
                           "error": {"type": "ExpiredTokenException"}})  # fmt: skip
    given = many(tmp_path / "in.jsonl", 10)
    result = run("run", given, "-o", str(out), "--concurrency", "2")
    assert sorted(each["id"] for each in lines(out)) == [f"r{at}" for at in range(10)]
    assert len(server.requests) == 16
    assert result.err.count("the run waits until they are back") == 1
    assert "`aws configure`" in result.err


def test_the_time_left_does_not_grow_while_the_run_waits_for_credentials(
    run: Run, of_a_profile: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run.TICK", "run_pace.RENEWED", "run_view.EVERY"):
        place = name if "view" in name else f"bedrock.{name}"
        monkeypatch.setattr(f"bedrock_claude_cli.{place}", 0.02)
    of_a_profile({"when": {"prompt": "say [3-9]"}, "times": 40,
                  "error": {"type": "ExpiredTokenException"}})  # fmt: skip
    argv = ("run", many(tmp_path / "in.jsonl", 10), "-o", str(out), "--concurrency", "1")
    told = run(*argv, "--progress", "json").err
    waits = [each for each in shown(told) if each["waiting"]]
    assert len(waits) > 5 and waits[-1]["waited"] > waits[0]["waited"]
    assert waits[-1]["seconds"] > waits[0]["seconds"]
    assert waits[-1]["seconds_left"] <= waits[0]["seconds_left"] + 1
    assert shown(told)[-1]["waiting"] is False


def test_a_line_of_progress_says_that_the_run_waits(
    run: Run, of_a_profile: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run.TICK", "run_pace.RENEWED", "run_view.EVERY"):
        place = name if "view" in name else f"bedrock.{name}"
        monkeypatch.setattr(f"bedrock_claude_cli.{place}", 0.02)
    of_a_profile({"when": {"prompt": "say [3-9]"}, "times": 20,
                  "error": {"type": "ExpiredTokenException"}})  # fmt: skip
    argv = ("run", many(tmp_path / "in.jsonl", 10), "-o", str(out), "--concurrency", "1")
    told = [each for each in run(*argv).err.splitlines() if "waiting for credentials" in each]
    assert told and not any("left" in each for each in told)


def shown(told: str) -> list[dict[str, Any]]:
    import json

    found = [each for each in told.splitlines() if each.startswith('{"progress"')]
    return [json.loads(each)["progress"] for each in found]


def test_a_system_without_more_threads_asks_each_record_once(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = use({"stream": {"delay_ms": 5}})
    start, ours = threading.Thread.start, 0

    def scarce(self: threading.Thread) -> None:
        nonlocal ours
        if "_work" in self.name:
            ours += 1
            if ours > 3:
                raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    result = run("run", many(tmp_path / "in.jsonl", 60), "-o", str(out))
    assert ours > 3 and "60 of 60 records done" in result.err
    assert Counter(each["id"] for each in lines(out)) == Counter(f"r{at}" for at in range(60))
    assert len(server.requests) == 60


def test_a_system_without_any_thread_ends_the_run_with_a_word(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = use()
    start = threading.Thread.start

    def none(self: threading.Thread) -> None:
        if "_work" in self.name:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", none)
    result = run("run", many(tmp_path / "in.jsonl", 3), "-o", str(out), code=1)
    assert "can't start new thread" in result.err and "ulimit -u" in result.err
    assert not server.requests


@pytest.mark.parametrize("terminal", [False, True])
def test_an_id_that_no_region_has_is_looked_up_once(
    run: Run, use: Use, tmp_path: Path, out: Path, terminal: bool
) -> None:
    use(
        {"deny": "bedrock:List*"},
        {"when": {"operation": "InvokeModel*"}, "stream": {"delay_ms": 50}},
    )
    argv = ("run", many(tmp_path / "in.jsonl", 30), "-o", str(out), "-m")
    told = run(*argv, "anthropic.claude-none-v1:0", terminal=terminal, code=6).err
    assert told.count("looking up which ids") == 1
    assert "the look-up of this region's ids failed (AccessDeniedException)" in told


def test_a_prompt_that_is_too_long_is_told_without_a_chat(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    message = "prompt is too long: 210000 tokens > 200000 maximum"
    use({"error": {"type": "ValidationException", "message": message}})
    run("run", many(tmp_path / "in.jsonl", 1), "-o", str(out), code=9)
    (line,) = lines(out)
    assert line["error"]["hint"].startswith("it is 10,000 tokens too long: shorten the prompt")
    assert "--chat" not in line["error"]["hint"]
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"},
             {"role": "user", "content": "z" * 3_000_000}]  # fmt: skip
    given = write(tmp_path / "long.jsonl", {"messages": turns})
    told = run("run", given, "-o", str(out), "-m", "haiku-4.5", code=2).err
    assert "more than the 200,000" in told and "--chat" not in told


def test_no_line_goes_on_where_no_record_is_left(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"times": 3, "error": {"type": "ModelErrorException"}})
    argv = ("run", many(tmp_path / "in.jsonl", 3), "-o", str(out), "--max-failures", "3")
    told = run(*argv, "--concurrency", "1", code=7).err
    assert "3 records failed in a row" in told and "to go on" not in told
    (line,) = re.findall("3 failed records: `(.*?)` asks them again", told)
    run(*shlex.split(line)[1:])
    assert len(server.requests) == 6 and not any(each["error"] for each in lines(out))
