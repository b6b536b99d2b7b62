"""`run` keeps what was paid for, whatever others do with its output meanwhile."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path

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
