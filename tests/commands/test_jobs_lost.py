"""`jobs fetch`: an output that is not in S3, and a place where none can be written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import BUCKET, lines, make_bucket, records, submit
from tests.commands.test_jobs import here as here
from tests.commands.test_jobs_fetch import ended, fetched, foreign, rewrite, where_of
from tests.conftest import Run

Use = Callable[..., Sandbox]


def _delete(part: int = 0) -> str:
    """Delete a part's output; its URI."""
    bucket, key = where_of(part)
    boto3.client("s3").delete_object(Bucket=bucket, Key=key)
    return f"s3://{bucket}/{key}"


def test_output_that_is_not_in_s3_is_told_and_nothing_written(use: Use, run: Run) -> None:
    use()
    make_bucket()
    ended(run)
    uri = _delete()
    said = run("jobs", "fetch", "night", "-o", "out.jsonl", code=6).err
    assert f"{uri} is not there, so nothing was written" in said and "RecordMissing" not in said
    assert "deleted or moved" in said and list(Path().glob("*out.jsonl*")) == []


def test_one_part_whose_output_is_not_in_s3_leaves_the_others(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(220), "--max-records", "110")
    run("jobs", "wait", "night")
    uri = _delete(1)
    done = run("jobs", "fetch", "night", "-o", "out.jsonl", "--json", code=9)
    assert json.loads(done.out)["errors"] == {"OutputMissing": 110}
    assert f"110 records not in out.jsonl: {uri} is not there" in done.err
    assert len(lines("out.jsonl")) == 110


def test_output_of_another_tools_job_that_is_not_in_s3_is_told(use: Use, run: Run) -> None:
    use()
    make_bucket()
    arn = foreign(run)
    run("jobs", "wait", arn)
    key = f"bedrock-batch/out/{arn.rpartition('/')[2]}/in.jsonl.out"
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
    said = run("jobs", "fetch", arn, "-o", "out.jsonl", code=6).err
    assert f"s3://{BUCKET}/{key.replace('in.jsonl', '*.jsonl')} is not there" in said


@pytest.mark.parametrize("error", [{}, {"error": None}, {"error": {}}])
def test_line_with_neither_answer_nor_error_is_told_in_words(
    use: Use, run: Run, error: dict[str, Any]
) -> None:
    use()
    make_bucket()
    ended(run)
    rewrite(lambda there: iter([{"recordId": "r99", "modelInput": {}, **error}, *there[1:]]))
    found = fetched(run, 9)[0]["r99"]["error"]
    assert found["code"] == "RecordMissing" and "HTTP" not in found["message"]
    assert "neither an answer nor an error" in found["message"]


def test_force_replaces_files_only(use: Use, run: Run) -> None:
    use()
    make_bucket()
    ended(run)
    os.mkfifo("pipe")
    Path("folder").mkdir()
    for name in ("pipe", "folder"):
        said = run("jobs", "fetch", "night", "-o", name, "--force", code=2).err
        assert f"{name} is no file" in said
    assert Path("pipe").is_fifo()
    Path("real.jsonl").write_text("mine\n")
    Path("link.jsonl").symlink_to("real.jsonl")
    run("jobs", "fetch", "night", "-o", "link.jsonl", "--force")
    assert Path("link.jsonl").is_symlink() and len(lines("real.jsonl")) == 100


def test_output_that_cannot_be_written_is_refused_before_anything_is_read(
    use: Use, run: Run
) -> None:
    server = use()
    make_bucket()
    ended(run)
    before = len(server.requests)
    said = run("jobs", "fetch", "night", "-o", "none/out.jsonl", code=2).err
    assert "none/out.jsonl cannot be written: No such file or directory" in said
    assert len(server.requests) == before


@pytest.mark.parametrize("name", ["", " "])
def test_job_without_a_name_is_a_fault_of_the_command(use: Use, run: Run, name: str) -> None:
    server = use()
    assert "no job is named" in run("jobs", "show", name, code=2).err
    assert server.requests == []
