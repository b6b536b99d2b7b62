"""`run` under what happens to long runs: kills, full disks, faults of every kind, Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bedrock_claude_cli import running
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import lines, many, write
from tests.conftest import Run

Use = Callable[..., Sandbox]
PROGRAM = [sys.executable, "-m", "bedrock_claude_cli"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def size(path: Path) -> int:
    """The bytes of lines, without the zeros by which a run sees at first whether there is room."""
    return len(path.read_bytes().rstrip(b"\0")) if path.exists() else 0


def signals(hang_up: signal.Handlers = signal.SIG_DFL) -> None:
    """Signals as a terminal leaves them, whatever these tests were started by."""
    signal.signal(signal.SIGHUP, hang_up)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(*argv: str, **extra: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, "run", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **{"preexec_fn": signals, **extra},
    )


def until(condition: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    while child.poll() is None and not condition():
        time.sleep(0.002)


def test_kill_9_loses_no_finished_record_and_repeats_only_what_was_in_flight(
    use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"stream": {"delay_ms": 10}})
    given, chance = many(tmp_path / "in.jsonl", 400), random.Random(4)
    kills = 0
    for _ in range(6):
        before: list[bytes] = out.read_bytes().splitlines() if out.exists() else []
        child = started(given, "-o", str(out), "--concurrency", "8", "-q")
        enough = size(out) + chance.randrange(1, 40_000)
        until(lambda enough=enough: size(out) >= enough, child)  # type: ignore[misc]
        kills += child.poll() is None
        child.kill()
        child.communicate()
        whole = max(0, len(before) - 1)
        assert out.read_bytes().splitlines()[:whole] == before[:whole]
    child = started(given, "-o", str(out), "--concurrency", "8", "-q")
    assert child.communicate()[1] == b"" and child.returncode == 0
    assert kills >= 4
    assert Counter(each["id"] for each in lines(out)) == Counter(f"r{at}" for at in range(400))
    assert 400 <= len(server.requests) <= 400 + kills * 8


@pytest.mark.parametrize("cut", [1, 5, 200, -1])
def test_a_torn_last_line_is_repaired(
    run: Run, use: Use, tmp_path: Path, out: Path, cut: int
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 3)
    run("run", given, "-o", str(out), "--concurrency", "1")
    whole = out.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    out.write_bytes(whole[: len(whole) - len(last)] + last[:cut])
    result = run("run", given, "-o", str(out))
    assert [each["id"] for each in lines(out)] == ["r0", "r1", "r2"]
    missing = cut != -1  # without its line break alone the line is whole
    assert len(server.requests) == 3 + missing
    assert ("was torn" in result.err) is missing


@pytest.mark.parametrize("cut", [0, 1, 200, -1, None])
@pytest.mark.parametrize("zeros", [1, 5000])
def test_zeros_behind_the_last_line_are_repaired(
    run: Run, use: Use, tmp_path: Path, out: Path, cut: int | None, zeros: int
) -> None:
    """A file system may leave them after a loss of power."""
    server = use()
    given = many(tmp_path / "in.jsonl", 3)
    run("run", given, "-o", str(out), "--concurrency", "1")
    whole = out.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    out.write_bytes(whole[: len(whole) - len(last)] + last[:cut] + b"\0" * zeros)
    found = json.loads(run("run", "status", str(out), "--json").out)
    missing = cut not in (-1, None)  # without its line break alone the line is whole
    assert found["records"] == 3 - missing
    result = run("run", given, "-o", str(out))
    assert [each["id"] for each in lines(out)] == ["r0", "r1", "r2"]
    assert b"\0" not in out.read_bytes() and len(server.requests) == 3 + missing
    assert ("was torn" in result.err) == (cut != -1)


def test_a_damaged_line_in_the_middle_is_named(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 3)
    run("run", given, "-o", str(out), "--concurrency", "1")
    first, second, third = out.read_bytes().splitlines(keepends=True)
    damaged = first + second[:50] + b"\0" * 20 + b"\n" + third
    out.write_bytes(damaged)
    told = run("run", given, "-o", str(out), code=2).err
    assert "line 2 is none of its lines" in told and "take that line out" in told
    assert out.read_bytes() == damaged
    out.write_bytes(first + third)
    run("run", given, "-o", str(out))
    assert len(server.requests) == 4 and len(lines(out)) == 3


@pytest.mark.parametrize("content", ["my notes\n", "my notes", '{"id": "r0"}\n', "\n"])
def test_a_file_that_is_no_output_is_left_as_it_is(
    run: Run, tmp_path: Path, out: Path, content: str
) -> None:
    out.write_text(content)
    result = run("run", many(tmp_path / "in.jsonl", 2), "-o", str(out), "--sandbox", code=2)
    assert "is no output of a run: line 1" in result.err
    assert out.read_text() == content


def test_the_input_is_not_taken_for_the_output(run: Run, tmp_path: Path) -> None:
    given = many(tmp_path / "in.jsonl", 2)
    before = Path(given).read_bytes()
    run("run", given, "-o", given, "--sandbox", code=2)
    assert Path(given).read_bytes() == before


def test_two_runs_cannot_share_an_output(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 2)
    run("run", given, "-o", str(out))
    with out.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert json.loads(run("run", "status", str(out), "--json").out)["running"] is True
        result = run("run", given, "-o", str(out), code=1)
    assert "another run writes" in result.err
    assert len(server.requests) == 2


@pytest.mark.parametrize("where", ["/proc/version", "/proc/none.jsonl", "FOLDER", "/dev/null"])
def test_an_output_that_cannot_be_written_is_found_before_the_first_call(
    run: Run, use: Use, tmp_path: Path, where: str
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 2)
    run("run", given, "-o", where.replace("FOLDER", str(tmp_path)), code=2)
    assert not server.requests


def test_standard_output_is_no_output(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = use()
    monkeypatch.chdir(tmp_path)
    given = many(tmp_path / "in.jsonl", 2)
    told = run("run", given, "-o", "-", code=2).err
    assert "-o takes a file" in told and not server.requests and not (tmp_path / "-").exists()
    assert run("run", given, "-o", "-", "--dry-run", code=2).err == told
    run("run", given, "-o", "./-")
    assert len(lines(tmp_path / "-")) == 2


def test_sandbox_answers_and_real_ones_do_not_mix(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    given = many(tmp_path / "in.jsonl", 1)
    run("run", given, "-o", str(out), "--sandbox")
    use()
    assert "the sandbox's canned answers" in run("run", given, "-o", str(out), code=2).err


def small() -> None:
    """In a child: no file grows beyond 80,000 bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, 80_000))


def test_a_full_disk_ends_the_run_and_loses_no_answer(use: Use, tmp_path: Path, out: Path) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 200)

    child = started(given, "-o", str(out), "--concurrency", "4", preexec_fn=small)
    stdout, stderr = child.communicate()
    assert child.returncode == 1
    assert b"cannot be written: File too large" in stderr and b"are on stdout" in stderr
    assert size(out) <= 80_000 and out.read_bytes().endswith(b"}\n")
    saved = [json.loads(line)["id"] for line in stdout.splitlines()]
    asked = len(server.requests)
    assert len(saved) + len(lines(out)) == asked < 200
    there = out.read_bytes()
    child = started(given, "-o", str(out), preexec_fn=small)
    stderr = child.communicate()[1]
    assert child.returncode == 1 and b"make room, then run it again" in stderr
    assert len(server.requests) == asked and out.read_bytes() == there
    child = started(given, "-o", str(out), "-q")
    child.communicate()
    assert child.returncode == 0 and len(lines(out)) == 200


def test_a_full_disk_leaves_the_summary_of_json_alone(use: Use, tmp_path: Path, out: Path) -> None:
    use()
    given = many(tmp_path / "in.jsonl", 200)
    child = started(given, "-o", str(out), "--json", preexec_fn=small)
    stdout, stderr = child.communicate()
    found = [json.loads(line) for line in stderr.splitlines() if line.startswith(b"{")]
    saved = {each["id"] for each in found if "request_sha256" in each}
    assert child.returncode == 1 and b"are on stderr" in stderr and saved
    assert json.loads(stdout)["done"] == len(saved) + len(lines(out))


def test_standard_input_that_cannot_be_kept_names_the_folder(
    use: Use, tmp_path: Path, out: Path
) -> None:
    use()
    child = started("-", "-o", str(out), preexec_fn=small, stdin=subprocess.PIPE)
    told = child.communicate(b'{"prompt": "a"}\n' * 20_000)[1].decode()
    assert child.returncode == 1
    assert f"standard input cannot be kept in {tempfile.gettempdir()}" in told
    assert "File too large" in told and "TMPDIR" in told and not out.exists()


def test_the_first_ctrl_c_drains_and_says_how_to_go_on(use: Use, tmp_path: Path, out: Path) -> None:
    server = use({"stream": {"delay_ms": 150}})
    given = many(tmp_path / "in.jsonl", 100)
    child = started(given, "-o", str(out), "--concurrency", "4", "--max-tokens", "99")
    until(lambda: size(out) > 0, child)
    child.send_signal(signal.SIGINT)
    stderr = child.communicate()[1].decode()
    assert child.returncode == 130
    assert len(lines(out)) == len(server.requests) < 100
    assert f"to go on: `bedrock-claude run {given} --max-tokens 99 --output {out}" in stderr


def test_the_second_ctrl_c_stops_at_once_and_leaves_a_line_of_what_it_dropped(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"stream": {"delay_ms": 20_000}, "times": 25})
    given = many(tmp_path / "in.jsonl", 30)
    child = started(given, "-o", str(out), "--concurrency", "25")
    until(lambda: len(server.requests) >= 25, child)
    started_at = time.monotonic()
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    stderr = child.communicate()[1].decode()
    assert child.returncode == 130 and "to go on: " in stderr
    assert "it may be billed" in stderr and "25 failed records: " in stderr
    assert time.monotonic() - started_at < 15
    dropped = lines(out)
    assert [each["error"]["code"] for each in dropped] == ["Interrupted"] * 25
    assert {each["error"]["retry"] for each in dropped} == {"maybe-billed"}
    assert all(each["cost_at_most_usd"] > 0 and not each["complete"] for each in dropped)
    run("run", given, "-o", str(out), code=9)
    assert len(server.requests) == 30 == len(lines(out))
    run("run", given, "-o", str(out), "--retry-failed")
    assert len(server.requests) == 55 and not any(each["error"] for each in lines(out))


def test_all_that_was_left_may_be_what_was_dropped(use: Use, tmp_path: Path, out: Path) -> None:
    server = use({"stream": {"delay_ms": 20_000}})
    child = started(many(tmp_path / "in.jsonl", 2), "-o", str(out))
    until(lambda: len(server.requests) >= 2, child)
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    stderr = child.communicate()[1].decode()
    assert child.returncode == 130 and len(lines(out)) == 2
    assert "to go on" not in stderr and "--retry-failed` asks them again" in stderr


def test_a_terminal_that_hangs_up_loses_no_answer(use: Use, tmp_path: Path, out: Path) -> None:
    """The system and the shell may both say so, and nobody reads what is said."""
    server = use({"stream": {"delay_ms": 300}})
    child = started(many(tmp_path / "in.jsonl", 60), "-o", str(out), "--concurrency", "4")
    until(lambda: size(out) > 0, child)
    assert child.stderr is not None
    child.stderr.close()
    while child.poll() is None:
        for _ in range(200):  # some come while the one before is still being handled
            os.kill(child.pid, signal.SIGHUP)
        time.sleep(0.001)
    assert child.returncode == 129
    assert len(lines(out)) == len(server.requests) < 60
    assert not any(each["error"] for each in lines(out))


class Loud(list[signal.Signals]):
    """A list by which a signal comes while the one before is still being handled."""

    def append(self, number: signal.Signals) -> None:
        first = not self
        super().append(number)
        if first:
            signal.raise_signal(signal.SIGHUP)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_hangup_within_the_first_signal_is_not_the_second(number: signal.Signals) -> None:
    drops: list[bool] = []
    engine = SimpleNamespace(interrupted=False, dropped=False, drop=lambda: drops.append(True))
    came = Loud()
    with running._interruptible(cast(Any, engine), came):
        signal.raise_signal(number)
        assert engine.interrupted and came == [number]
        signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert drops == [True] and came == [number, signal.SIGTERM]


def test_nohup_stays_what_it_is(use: Use, tmp_path: Path, out: Path) -> None:
    use({"stream": {"delay_ms": 50}})
    given = many(tmp_path / "in.jsonl", 20)
    child = started(given, "-o", str(out), "-q", preexec_fn=partial(signals, signal.SIG_IGN))
    until(lambda: size(out) > 0, child)
    child.send_signal(signal.SIGHUP)
    child.communicate()
    assert child.returncode == 0 and len(lines(out)) == 20


def test_expired_credentials_stop_the_run_where_that_is_asked_for(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use({"when": {"prompt": "say [3-9]"}, "error": {"type": "ExpiredTokenException"}})
    given = many(tmp_path / "in.jsonl", 10)
    argv = ("run", given, "-o", str(out), "--concurrency", "1", "--on-expired", "stop")
    run(*argv, code=4)
    assert len(lines(out)) == 3


@pytest.mark.parametrize("progress", ["auto", "json"])
def test_a_stderr_that_nobody_reads_any_more_ends_no_run(
    use: Use, tmp_path: Path, out: Path, progress: str
) -> None:
    server = use({"stream": {"delay_ms": 100}})
    given = many(tmp_path / "in.jsonl", 40)
    quick = "from bedrock_claude_cli import run_view; run_view.EVERY = 0.02"
    begin = f"{quick}; from bedrock_claude_cli.__main__ import run; run()"
    argv = [sys.executable, "-c", begin, "run", given, "-o", str(out), "--progress", progress]
    child = subprocess.Popen(
        [*argv, "--concurrency", "8"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.wait() == 0
    assert len(lines(out)) == len(server.requests) == 40


def test_a_packed_output_is_refused_because_lines_are_written(
    run: Run, use: Use, tmp_path: Path
) -> None:
    server = use()
    where = tmp_path / "o ut.jsonl.gz"
    told = run("run", many(tmp_path / "in.jsonl", 1), "-o", str(where), code=2).err
    assert f"hint: `-o '{tmp_path}/o ut.jsonl'`; `gzip`" in told
    assert not server.requests and not where.exists()


def test_status_of_another_file_names_no_flag_that_it_lacks(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("notes\n")
    told = run("run", "status", str(other), code=2).err
    assert "give the file that `run` got with -o" in told and "another file with -o" not in told


def test_a_failed_record_that_was_corrected_is_asked_where_that_is_wished(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    refused = {"type": "ValidationException", "message": "no"}
    server = use({"when": {"prompt": "bad"}, "error": refused})
    first, bad, worse = ({"id": each, "prompt": each} for each in ("good", "bad 1", "bad 2"))
    given = write(tmp_path / "in.jsonl", first, bad, worse)
    run("run", given, "-o", str(out), code=9)
    good = {"id": "bad 1", "prompt": "mended"}
    write(tmp_path / "in.jsonl", first, good, worse)
    told = run("run", given, "-o", str(out), code=2).err
    assert "line 2: the id is in the output as failed, with another request" in told
    assert "hint: --retry-failed asks what failed, and --force what has changed" in told
    assert len(server.requests) == 3
    run("run", given, "-o", str(out), "--force", code=9)  # the other one still failed
    assert len(server.requests) == 4 and len(lines(out)) == 3
    assert [each["id"] for each in lines(out) if each["error"]] == ["bad 2"]
    write(tmp_path / "in.jsonl", first, good, {"id": "bad 2", "prompt": "mended too"})
    run("run", given, "-o", str(out), "--retry-failed")
    assert len(server.requests) == 5 and not any(each["error"] for each in lines(out))
    write(tmp_path / "in.jsonl", first, bad, worse)  # as they were when they failed
    told = run("run", given, "-o", str(out), code=2).err
    assert "lines 2, 3: the id is in the output with another request" in told


def test_what_helps_where_answers_and_failures_have_changed_is_one_line(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"when": {"prompt": "say 1"}, "error": {"type": "ModelErrorException"}})
    given = many(tmp_path / "in.jsonl", 2)
    run("run", given, "-o", str(out), code=9)
    argv = ("run", given, "-o", str(out), "--temperature", "0.5")
    told = run(*argv, code=2).err
    assert "--force asks anew" in told and "mend the input" not in told
    run(*argv, "--force", code=9)
    assert len(server.requests) == 4
