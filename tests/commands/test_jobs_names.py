"""`jobs` by name: whose jobs a name means, which of them were not started, and what is free."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import BUCKET, lines, made, make_bucket, manifest, records, submit
from tests.commands.test_jobs import here as here
from tests.conftest import Run

Use = Callable[..., Sandbox]
SPLIT = ("--max-records", "110")
CREATE = {"operation": "CreateModelInvocationJob"}
FULL = {"type": "ServiceQuotaExceededException"}


def _half(use: Use, run: Run, **job: int) -> str:
    """The input of a submit of three parts, of which one was started."""
    use({"when": CREATE, "times": 1, "job": job}, {"when": CREATE, "times": 1, "error": FULL})
    make_bucket()
    source = str(Path(records(330)).absolute())
    submit(run, source, *SPLIT)
    assert made() == ["night-1"]
    return source


def _away(monkeypatch: pytest.MonkeyPatch, name: str = "away") -> None:
    folder = Path(name).absolute()
    folder.mkdir()
    monkeypatch.chdir(folder)


def test_submits_whose_names_look_like_parts_are_kept_apart(use: Use, run: Run) -> None:
    use()
    make_bucket()
    for name, count in (("day", 100), ("day-2", 101)):
        submit(run, records(count, f"{name}.jsonl"))
        Path(f"{name}.job.json").unlink()
    assert run("jobs", "stop", "day", "--yes").out.startswith("day\tStopping\t")
    states = json.loads(run("jobs", "list", "--json").out)
    assert {each["name"]: each["status"] for each in states}["day-2"] == "Submitted"
    run("jobs", "wait", "day-2")
    run("jobs", "fetch", "day-2", "-o", "out.jsonl")
    assert len(lines("out.jsonl")) == 101


def test_two_submits_of_one_name_are_told_by_their_arns(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(220), *SPLIT)
    Path("night.job.json").unlink()
    submit(run, records(101))
    Path("night.job.json").unlink()
    arns = [each["arn"] for each in json.loads(run("jobs", "list", "--json").out)]
    for verb in (("show",), ("stop", "--yes"), ("fetch", "-o", "out.jsonl")):
        said = run("jobs", *verb, "night", code=2).err
        assert "more than one job called night" in said and all(arn in said for arn in arns)


def test_name_means_the_parts_that_were_not_started_too(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _half(use, run)
    _away(monkeypatch)
    shown = json.loads(run("jobs", "show", "night", "--json", code=8).out)
    assert [each["records"] for each in shown["jobs"]] == [110, 110, 110]
    said = run("jobs", "fetch", "night", "-o", "out.jsonl", code=8).err
    assert "3 jobs have not ended yet, of 3" in said and "jobs wait night`" in said
    run("jobs", "wait", "night")
    assert made() == ["night-1", "night-2", "night-3"]
    run("jobs", "fetch", "night", "-o", "out.jsonl")
    assert len(lines("out.jsonl")) == 330


def test_part_is_started_once_by_two_machines(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _half(use, run)
    home = Path.cwd()
    _away(monkeypatch)
    run("jobs", "wait", "night")
    monkeypatch.chdir(home)
    run("jobs", "wait", "night.job.json")
    assert made() == ["night-1", "night-2", "night-3"]


def test_what_was_stopped_by_name_stays_so_where_the_manifest_is(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _half(use, run)
    home = Path.cwd()
    _away(monkeypatch)
    run("jobs", "stop", "night", "--yes")
    run("jobs", "wait", "night", code=9)
    monkeypatch.chdir(home)
    run("jobs", "wait", "night", code=9)
    assert made() == ["night-1"]
    _away(monkeypatch, "again")
    run("jobs", "wait", "night", code=9)
    assert made() == ["night-1"]


def test_stop_that_cannot_tell_other_machines_says_so(use: Use, run: Run) -> None:
    use(
        {"when": CREATE, "times": 1, "job": {}},
        {"when": CREATE, "times": 1, "error": FULL},
        {"when": {"operation": "PutObject"}, "times": 7, "reply": {}},
        {"deny": "s3:PutObject"},
    )
    make_bucket()
    submit(run, records(330), *SPLIT)
    said = run("jobs", "stop", "night", "--yes").err
    assert "may start what was stopped here" in said and "s3:PutObject" in said


def test_submit_from_another_folder_starts_what_is_missing(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _half(use, run)
    home = Path.cwd()
    _away(monkeypatch)
    said = submit(run, source, *SPLIT, "--dry-run")
    assert "1 of its 3 jobs were started: this continues it" in said.err
    assert "in place  job night-1" in said.out and not Path("night.job.json").exists()
    submit(run, source, *SPLIT)
    assert made() == ["night-1", "night-2", "night-3"]
    tokens = [part["token"] for part in manifest()["parts"]]
    monkeypatch.chdir(home)
    assert [part["token"] for part in manifest()["parts"]] == tokens
    run("jobs", "wait", "night")
    assert len(made()) == 3


def test_submit_split_otherwise_leads_to_what_starts_the_rest(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _half(use, run)
    _away(monkeypatch)
    said = submit(run, source, "--max-records", "200", code=2).err
    assert "`bedrock-claude jobs wait night` starts 2 more that it has, then" in said
    assert made() == ["night-1"]


def test_submit_without_its_copy_in_s3_is_named_as_far_as_it_is(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(220), *SPLIT)
    folder = manifest()["parts"][0]["input_uri"].removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"{folder}/night.job.json")
    Path("night.job.json").unlink()
    shown = run("jobs", "wait", "night").out  # it began before AWS had counted the records
    assert [row.split("\t")[2] for row in shown.splitlines()] == ["110", "110"]


def test_name_that_is_advised_is_free_at_aws_too(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    submit(run, "night.jsonl", "--name", "night.2")
    for name in ("night", "night.2"):
        Path(f"{name}.job.json").unlink()
    assert "`--name night.3`" in submit(run, "night.jsonl", code=2).err


def test_submit_of_what_was_partly_answered_says_so(use: Use, run: Run) -> None:
    use({"job": {"status": "PartiallyCompleted"}})
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night", code=9)
    said = submit(run, "night.jsonl", code=9).err
    assert "records failed or are missing" in said and "--retry-failed" in said
    assert "answered before" not in said and made() == ["night"]


def test_submit_of_what_is_being_stopped_promises_no_start(use: Use, run: Run) -> None:
    source = _half(use, run, looks=99)
    run("jobs", "stop", "night", "--yes")
    said = submit(run, source, *SPLIT).err
    assert "runs no more jobs" not in said and "jobs wait night.job.json`, then" in said
