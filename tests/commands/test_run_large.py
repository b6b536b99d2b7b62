"""`run` on large files, which several processes read side by side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import lines, many
from tests.commands.test_run_faults import PROGRAM, started, until
from tests.conftest import Run

Use = Callable[..., Sandbox]

COUNT, EACH = 200, 1_200_000  # records, and bytes of each answer: 240 MB
SEVERAL = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
FAILED, MISSING = {7, 85, 86, 195}, {0, 117}  # and the last, which is torn


@pytest.fixture
def given(tmp_path: Path) -> str:
    return many(tmp_path / "in.jsonl", COUNT)


@pytest.fixture
def bulky(tmp_path: Path) -> Iterator[Path]:
    """The same records with as much beside each that the input has 80 MB; the last has no id."""
    path = tmp_path / "bulky.jsonl"
    with path.open("w") as file:
        for at in range(COUNT):
            record = {"id": f"r{at}", "prompt": f"say {at}", "note": "x" * 400_000}
            file.write(json.dumps(record) + "\n")
        file.write(json.dumps({"prompt": "say something"}) + "\n")
    yield path
    path.unlink()


@pytest.fixture
def large(run: Run, use: Use, tmp_path: Path, given: str) -> Iterator[Path]:
    """Answers to nearly all; one record failed early and was answered late, the last is torn."""
    use({"when": {"prompt": "say 1 *$"}, "error": {"type": "ValidationException"}})
    small, out = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    run("run", many(tmp_path / "two.jsonl", 2), "-o", str(small), code=9)
    answer, error = sorted(lines(small), key=lambda each: each["error"] is not None)
    hashes = hashed(run, given, tmp_path)
    with out.open("w") as file:
        write(file, error, "r130", hashes)
        for at in (number for number in range(COUNT) if number not in MISSING):
            write(file, error if at in FAILED else answer, f"r{at}", hashes)
    os.truncate(out, out.stat().st_size - 1000)
    yield out
    out.unlink()


def hashed(run: Run, given: str, tmp_path: Path) -> dict[str, str]:
    """What each record's request hashes to."""
    out = tmp_path / "all.jsonl"
    run("run", given, "-o", str(out), "-q", "--concurrency", "64", code=9)
    return {each["id"]: each["request_sha256"] for each in lines(out)}


def write(file: Any, line: dict[str, Any], name: str, hashes: dict[str, str]) -> None:
    text = {} if line["error"] else {"text": "x" * EACH}
    made = line | {"id": name, "request_sha256": hashes[name]} | text
    file.write(json.dumps(made) + "\n")


def children(child: subprocess.Popen[bytes]) -> list[int]:
    found = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    return [int(each) for each in found.read_text().split()] if found.exists() else []


def readers_of(child: subprocess.Popen[bytes]) -> list[int]:
    """The processes that read beside a run, as soon as there are any."""
    found: list[int] = []

    def seen() -> bool:
        found[:] = children(child)
        return bool(found)

    until(seen, child)
    return found


def has_let_go(reader: int) -> bool:
    """Whether it has no file open but the standard ones, its stretch and its pipe; or has ended."""
    try:
        return len(os.listdir(f"/proc/{reader}/fd")) <= 5  # noqa: PTH208  # names alone
    except OSError:
        return True


def test_it_is_read_as_a_small_one_is(run: Run, large: Path) -> None:
    alone = run("run", "status", str(large), "--json").out
    beside = subprocess.run([*PROGRAM, "run", "status", str(large), "--json"], capture_output=True)
    assert json.loads(beside.stdout) == json.loads(alone)
    found = json.loads(alone)
    assert found["records"] == COUNT - len(MISSING) - 1 and found["failed"] == len(FAILED)


def test_only_what_it_lacks_is_asked(run: Run, use: Use, large: Path, bulky: Path) -> None:
    server = use()
    child = started(str(bulky), "-o", str(large), "--json")
    out, _ = child.communicate()
    summary = json.loads(out)
    asked = len(MISSING) + 2
    assert child.returncode == 9 and len(server.requests) == asked
    assert (summary["to_do"], summary["done"]) == (asked, asked)
    assert (summary["skipped"], summary["left_failed"]) == (COUNT + 1 - asked, len(FAILED))
    found = json.loads(run("run", "status", str(large), "--json").out)
    assert found["records"] == COUNT + 1 and found["failed"] == len(FAILED)
    with large.open() as file:
        assert f'"id": "{COUNT + 1}"' in "".join(line[:200] for line in file)


TWICE = ('{"id": "r3", "prompt": "twice"}', f"line {COUNT + 2}: the id `r3` stands in line 4 too")
FAULTS = [
    TWICE,
    ('{"prompt": ', f"line {COUNT + 3}: "),
    ('{"model": "no-model", "prompt": "a"}', f"line {COUNT + 4}: "),
]


@pytest.mark.parametrize("faults", [[TWICE], FAULTS], ids=["an id twice", "every kind"])
def test_faults_anywhere_in_a_large_input_are_told_with_their_lines(
    run: Run, use: Use, bulky: Path, tmp_path: Path, faults: list[tuple[str, str]]
) -> None:
    server, out = use(), tmp_path / "out.jsonl"
    with bulky.open("a") as file:
        file.writelines(line + "\n" for line, _ in faults)
    alone = run("run", str(bulky), "-o", str(out), code=2).err
    child = started(str(bulky), "-o", str(out))
    beside = readers_of(child)
    _, err = child.communicate()
    assert bool(beside) is SEVERAL
    assert child.returncode == 2 and err.decode() == alone and not server.requests
    assert all(told in alone for _, told in faults)


def test_a_damaged_line_in_any_stretch_is_named(large: Path) -> None:
    size, number = large.stat().st_size, 0
    with large.open("r+b") as file:
        file.seek(size * 3 // 4)
        file.readline()
        damaged = file.tell()
        file.write(b"[")
        file.seek(0)
        while file.tell() <= damaged:
            number += 1
            file.readline()
    done = subprocess.run([*PROGRAM, "run", "status", str(large)], capture_output=True, text=True)
    assert done.returncode == 2 and f"line {number:,} is none of its lines" in done.stderr


def test_a_run_that_is_killed_while_others_read_for_it_lets_go_of_its_output(
    run: Run, large: Path, given: str
) -> None:
    child = started(given, "-o", str(large), "-q")
    readers_of(child)
    child.send_signal(signal.SIGSTOP)
    readers, begun = children(child), time.monotonic()
    while not all(map(has_let_go, readers)) and time.monotonic() - begun < 20:
        time.sleep(0.001)
    for each in readers:
        os.kill(each, signal.SIGSTOP)
    child.kill()
    child.wait()  # what was stopped has its pipes still open
    try:
        assert bool(readers) is SEVERAL
        found = json.loads(run("run", "status", str(large), "--json").out)
        assert found["running"] is False
    finally:
        for each in readers:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def test_where_no_other_process_may_begin_the_run_reads_alone(run: Run, large: Path) -> None:
    alone = run("run", "status", str(large), "--json").out
    code = (
        "import os, sys; from bedrock_claude_cli.main import main\n"
        "def fork(): raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "os.fork = fork; sys.exit(main())"
    )
    argv = [sys.executable, "-c", code, "run", "status", str(large), "--json"]
    done = subprocess.run(argv, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == json.loads(alone)


def test_what_a_process_that_ended_did_not_read_is_read_by_the_run(run: Run, large: Path) -> None:
    alone = run("run", "status", str(large), "--json").out
    argv = [*PROGRAM, "run", "status", str(large), "--json"]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for each in readers_of(child):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGINT)
    out, err = child.communicate()
    assert (child.returncode, err) == (0, b"") and json.loads(out) == json.loads(alone)


def test_ctrl_c_while_it_is_read_is_silent(large: Path, given: str) -> None:
    child = started(given, "-o", str(large), "-q", start_new_session=True)
    readers_of(child)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate()
    assert (child.returncode, out, err) == (130, b"", b"")
