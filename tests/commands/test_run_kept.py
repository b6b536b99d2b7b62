"""`run` keeps what was paid for, whatever others do with its output meanwhile."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import stat
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import lines, many, write
from tests.commands.test_run import out as out
from tests.commands.test_run_faults import size, started, until
from tests.conftest import Run

Use = Callable[..., Sandbox]


def test_the_end_of_a_run_leaves_a_new_file_of_that_name_alone(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"when": {"prompt": "slow"}, "stream": {"delay_ms": 100}})
    run("run", many(tmp_path / "in.jsonl", 8), "-o", str(out))
    before = size(out)
    slow = write(tmp_path / "slow.jsonl", *({"id": f"r{at}", "prompt": "slow"} for at in range(8)))
    child = started(slow, "-o", str(out), "--force", "--concurrency", "8")
    until(lambda: len(server.requests) == 16 or size(out) > before, child)
    moved = out.rename(tmp_path / "moved.jsonl")
    other = write(tmp_path / "other.jsonl", {"id": "other", "prompt": "paid"})
    run("run", other, "-o", str(out))
    child.communicate()
    assert [each["id"] for each in lines(out)] == ["other"]
    assert Counter(each["id"] for each in lines(moved)) == {f"r{at}": 2 for at in range(8)}
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_only_a_file_that_the_run_made_itself_is_removed_without_a_line(
    run: Run, use: Use, tmp_path: Path, out: Path, kind: str
) -> None:
    use({"deny": "bedrock:InvokeModel*"})
    target = tmp_path / "target.jsonl"
    if kind != "dangling":
        (out if kind == "file" else target).touch()
    if kind != "file":
        out.symlink_to(target)
    run("run", many(tmp_path / "in.jsonl", 1), "-o", str(out), code=5)
    assert out.is_symlink() is (kind != "file") and size(out) == 0 and out.exists()


def test_a_file_keeps_its_mode_when_records_are_asked_again(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use()
    given = many(tmp_path / "in.jsonl", 2)
    run("run", given, "-o", str(out))
    out.chmod(0o640)
    run("run", given, "-o", str(out), "--temperature", "0.5", "--force")
    assert len(lines(out)) == 2 and stat.S_IMODE(out.stat().st_mode) == 0o640


def slowly(use: Use, tmp_path: Path, out: Path, *argv: str) -> subprocess.Popen[bytes]:
    """A run of 60 records that has written the first."""
    use({"stream": {"delay_ms": 100}})
    given = many(tmp_path / "in.jsonl", 60)
    child = started(given, "-o", str(out), "--concurrency", "4", *argv)
    until(lambda: size(out) > 0, child)
    return child


def goes_on_with(stderr: str) -> list[str]:
    (line,) = re.findall(r"to go on: `(.*?)`", stderr)
    return shlex.split(line)[1:]


@pytest.mark.parametrize("replaced", [False, True])
def test_an_output_that_was_removed_meanwhile_is_saved_beside_it(
    run: Run, use: Use, tmp_path: Path, out: Path, replaced: bool
) -> None:
    saved = tmp_path / "out.saved-2.jsonl"
    (tmp_path / "out.saved.jsonl").write_text("of somebody\n")
    child = slowly(use, tmp_path, out)
    if replaced:  # as an editor does it
        (tmp_path / "new").write_bytes(out.read_bytes())
        (tmp_path / "new").replace(out)
    else:
        out.unlink()
    stderr = child.communicate()[1].decode()
    assert child.returncode == 1
    assert f"{out} was removed, moved or replaced while the run wrote it" in stderr
    assert f"all of its lines are in {saved}" in stderr
    assert out.exists() is replaced and stat.S_IMODE(saved.stat().st_mode) == 0o600
    there = lines(saved)
    assert f"{len(there)} of 60 records done" in stderr and 4 < len(there) < 60
    again = goes_on_with(stderr)
    assert str(saved) in again
    told = run(*again).err
    assert f"{60 - len(there)} of {60 - len(there)} records done" in told
    assert Counter(each["id"] for each in lines(saved)) == Counter(f"r{at}" for at in range(60))


def test_an_output_that_was_moved_meanwhile_keeps_its_lines(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    child = slowly(use, tmp_path, out, "--json")
    moved = out.rename(tmp_path / "moved.jsonl")
    stdout, stderr = child.communicate()
    found = json.loads(stdout)
    assert child.returncode == 1 and b"-o with the name that it has now" in stderr
    assert "was removed, moved or replaced" in found["error"]["message"]
    assert found["done"] == len(lines(moved)) < 60 and b"to go on" not in stderr
    assert sorted(tmp_path.glob("*.jsonl")) == [tmp_path / "in.jsonl", moved]
    run("run", str(tmp_path / "in.jsonl"), "-o", str(moved))
    assert Counter(each["id"] for each in lines(moved)) == Counter(f"r{at}" for at in range(60))


def test_an_output_whose_folder_was_removed_is_printed(use: Use, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    child = slowly(use, tmp_path, folder / "out.jsonl")
    shutil.rmtree(folder)
    stdout, stderr = child.communicate()
    assert child.returncode == 1 and b"finished records" in stderr and b"are on stdout" in stderr
    printed = [json.loads(line) for line in stdout.splitlines()]
    assert f"{len(printed)} of 60 records done".encode() in stderr and 4 < len(printed) < 60
    assert not any(each["error"] for each in printed) and b"to go on" not in stderr


def test_an_output_that_was_removed_with_nothing_left_to_ask_is_saved_too(
    use: Use, tmp_path: Path, out: Path
) -> None:
    use({"when": {"prompt": "say [1-9]"}, "stream": {"delay_ms": 100}})
    child = started(many(tmp_path / "in.jsonl", 4), "-o", str(out), "--concurrency", "4")
    until(lambda: size(out) > 0, child)
    out.unlink()
    stderr = child.communicate()[1].decode()
    assert child.returncode == 1 and "4 of 4 records done" in stderr
    assert "all of its lines are in" in stderr and "to go on" not in stderr
    assert len(lines(tmp_path / "out.saved.jsonl")) == 4


def test_an_output_is_watched_also_where_its_path_is_a_link(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use({"stream": {"delay_ms": 50}})
    target = tmp_path / "target.jsonl"
    out.symlink_to(target)
    run("run", many(tmp_path / "in.jsonl", 12), "-o", str(out), "--concurrency", "2")
    assert out.is_symlink() and len(lines(target)) == 12


def status(run: Run, out: Path) -> dict[str, Any]:
    found = json.loads(run("run", "status", str(out), "--json").out)
    assert isinstance(found, dict)
    return found


def test_a_request_that_fails_leaves_the_answer_to_the_one_before(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    refused = {"type": "ModelErrorException"}
    server = use({"when": {"prompt": "worse"}, "times": 4, "error": refused})
    ids = [f"r{at}" for at in range(4)]
    good = write(tmp_path / "good.jsonl", *({"id": each, "prompt": "good"} for each in ids))
    bad = write(tmp_path / "bad.jsonl", *({"id": each, "prompt": "worse"} for each in ids))
    to = ("-o", str(out), "--concurrency", "1")
    run("run", good, *to)
    answers = lines(out)
    run("run", bad, *to, "--force", code=9)
    assert lines(out)[:4] == answers and all(each["error"] for each in lines(out)[4:])
    spent = sum(each["cost_usd"] or each["cost_at_most_usd"] for each in lines(out))
    for _ in range(2):
        told = run("run", good, *to).err
        assert "0 of 0 records done" in told and "4 were there before" in told
    run("run", bad, *to, code=9)
    run("run", bad, *to, "--force", code=9)
    assert len(server.requests) == 8 and len(lines(out)) == 8
    found = status(run, out)
    assert (found["records"], found["failed"]) == (4, 4)
    assert found["cost_usd"] == pytest.approx(spent)
    told = run("run", bad, *to, "--temperature", "0.5", code=2).err
    assert "the id is in the output as failed, with another request" in told
    run("run", bad, *to, "--retry-failed")
    assert len(server.requests) == 12 and len(lines(out)) == 4
    found = status(run, out)
    assert (found["records"], found["failed"]) == (4, 0)
    last = sum(each["cost_usd"] + each["earlier_cost_usd"] for each in lines(out))
    assert found["cost_usd"] == pytest.approx(last) and last > spent
    told = run("run", good, *to, code=2).err
    assert "the id is in the output with another request" in told


def test_of_many_tries_the_last_answer_and_the_last_error_stay(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    refused = {"type": "ModelErrorException"}
    server = use({"when": {"prompt": "worse"}, "error": refused})
    given = tmp_path / "in.jsonl"
    argv = ("run", str(given), "-o", str(out), "--force")
    for prompt, code in (("a", 0), ("b", 0), ("worse 1", 9), ("worse 2", 9), ("worse 3", 9)):
        write(given, {"id": "r", "prompt": prompt})
        run(*argv, code=code)
    answer, error = lines(out)
    assert '"b"' in answer["text"] and answer["earlier_cost_usd"] > 0
    tries = 3 * error["cost_at_most_usd"]
    assert error["cost_at_most_usd"] + error["earlier_cost_usd"] == pytest.approx(tries)
    own = answer["cost_usd"] + answer["earlier_cost_usd"]
    assert status(run, out)["cost_usd"] == pytest.approx(own + tries)
    write(given, {"id": "r", "prompt": "b"})
    run(*argv)
    assert len(server.requests) == 5 and lines(out) == [answer, error]


def test_an_answer_that_stayed_and_is_not_whole_still_counts_as_such(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"when": {"prompt": "worse"}, "error": {"type": "ModelErrorException"}})
    cut = write(tmp_path / "cut.jsonl", {"id": "r", "prompt": "good", "max_tokens": 2})
    run("run", cut, "-o", str(out), code=10)
    bad = write(tmp_path / "bad.jsonl", {"id": "r", "prompt": "worse"})
    run("run", bad, "-o", str(out), "--force", code=9)
    run("run", cut, "-o", str(out), code=10)
    assert len(server.requests) == 2 and status(run, out)["incomplete"] == 0


def test_what_was_left_from_before_is_told(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    server = use({"when": {"prompt": "fails"}, "error": {"type": "ModelErrorException"}})
    given = tmp_path / "in.jsonl"
    records: list[dict[str, Any]] = [{"id": each, "prompt": each} for each in ("a", "b", "fails")]
    records[1]["max_tokens"] = 2
    argv = ("run", write(given, *records), "-o", str(out))
    told = run(*argv, code=9).err
    assert "1 record is not whole: `stop_reason` in its line says why" in told
    told = run(*argv, code=9).err
    assert "3 were there before (1 failed, 1 not whole); " in told
    assert "1 record is not whole: " in told and "a larger `max_tokens`" in told
    found = json.loads(run(*argv, "--json", code=9).out)
    assert (found["failed"], found["incomplete"], found["errors"]) == (0, 0, {})
    assert (found["left_failed"], found["left_incomplete"]) == (1, 1)
    write(given, *records[:2])
    assert "2 were there before (1 not whole); " in run(*argv, code=10).err
    records[1]["max_tokens"] = 400
    asked = len(server.requests)
    write(given, *records[:2])
    told = run(*argv, "--force").err
    assert len(server.requests) == asked + 1 and "1 were there before; " in told
    assert "not whole: " not in told


def test_an_output_that_was_emptied_meanwhile_is_no_success(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"when": {"prompt": "say [1-9]"}, "stream": {"delay_ms": 100}})
    given = many(tmp_path / "in.jsonl", 4)
    child = started(given, "-o", str(out), "--concurrency", "4")
    until(lambda: size(out) > 0, child)
    out.write_bytes(b"")
    stderr = child.communicate()[1].decode()
    assert child.returncode == 1 and f"{out} was emptied or cut" in stderr
    assert sorted(each["id"] for each in lines(out)) == ["r1", "r2", "r3"]
    run("run", given, "-o", str(out))
    assert len(server.requests) == 5 and len(lines(out)) == 4
