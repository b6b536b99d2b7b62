"""`jobs` beside another command on the same job: nothing that one decided is undone by the other.

The other terminal has its turn while the first one pauses between two looks.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from bedrock_claude_cli.output import Output
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import made, make_bucket, manifest, records, submit
from tests.commands.test_jobs import here as here
from tests.conftest import Run

Use = Callable[..., Sandbox]
SPLIT = ("--max-records", "110")
CREATE = {"operation": "CreateModelInvocationJob"}
FULL = {"type": "ServiceQuotaExceededException"}


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has something done once, at the first pause of a command that waits."""

    def at_first_pause(act: Callable[[], object]) -> None:
        todo = [act]

        def pause(self: Output, seconds: float) -> None:
            if todo:
                todo.pop()()

        monkeypatch.setattr(Output, "pause", pause)

    return at_first_pause


def _one_started(use: Use, run: Run) -> None:
    """A submit of two parts, of which AWS took one; the other is refused twice more."""
    use({"when": CREATE, "times": 1, "job": {}}, {"when": CREATE, "times": 2, "error": FULL})
    make_bucket()
    submit(run, records(220), *SPLIT)
    assert made() == ["night-1"]


def test_what_was_stopped_is_not_started_by_a_wait_that_runs(
    use: Use, run: Run, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    _one_started(use, run)
    meanwhile(lambda: run("jobs", "stop", "night", "--yes"))
    done = run("jobs", "wait", "night", code=9)
    assert made() == ["night-1"] and "night-2 ended as Stopped" in done.err
    assert [part["status"] for part in manifest()["parts"]] == ["Stopped", "Stopped"]
    assert "before it was started" in manifest()["parts"][1]["message"]


def test_what_another_command_started_is_kept_by_a_wait_that_runs(
    use: Use, run: Run, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    _one_started(use, run)

    meanwhile(lambda: submit(run, "night.jsonl", *SPLIT))
    run("jobs", "wait", "night")
    assert made() == ["night-1", "night-2"]
    assert [part["status"] for part in manifest()["parts"]] == ["Completed", "Completed"]


def test_role_that_another_command_gave_is_kept_by_a_wait_that_runs(
    use: Use, run: Run, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    _one_started(use, run)

    def revise() -> None:
        there = manifest()
        Path("night.job.json").write_text(json.dumps(there | {"role": there["role"] + "x"}))

    meanwhile(revise)
    run("jobs", "wait", "night", code=6)
    assert manifest()["role"].endswith("x") and made() == ["night-1"]


def test_manifest_of_another_submit_is_not_overwritten_by_a_wait_that_runs(
    use: Use, run: Run, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    _one_started(use, run)

    def replace() -> None:
        there = manifest()
        for part in there["parts"]:
            part["token"] += "x"
        Path("night.job.json").write_text(json.dumps(there))

    meanwhile(replace)
    assert "made by somebody else meanwhile" in run("jobs", "wait", "night", code=1).err
    assert manifest()["parts"][0]["token"].endswith("x") and made() == ["night-1"]


def test_disk_that_is_full_is_told_as_such(use: Use, run: Run) -> None:
    use()
    make_bucket()
    source = records(400, system="x" * 1000)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, usual[1]))
    try:
        said = submit(run, source, code=1).err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "the lines of the jobs cannot be kept" in said and "File too large" in said
    assert "stdout" not in said and made() == []
