"""`jobs` by the front door: submitted, waited for, fetched, against the sandbox's own jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from bedrock_claude_cli import batch_submit
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

BUCKET = "jobs-bucket"
ACCOUNT = "000000000000"
Use = Callable[..., Sandbox]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Manifests land in a folder of the test's own, and no look at a job is waited for."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(batch_submit, "PAUSES", (0,))
    return folder


def make_bucket(name: str = BUCKET, region: str = "us-east-1") -> None:
    where: Any = {"LocationConstraint": region}
    extra = {} if region == "us-east-1" else {"CreateBucketConfiguration": where}
    boto3.client("s3", region_name=region).create_bucket(Bucket=name, **extra)


def records(count: int = 100, name: str = "night.jsonl", **more: Any) -> str:
    """A file of so many records; `more` stands in each."""
    lines = [{"id": f"r{n}", "prompt": f"question {n}", **more} for n in range(count)]
    Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return name


def lines(path: str) -> dict[str, dict[str, Any]]:
    """The lines of an output by id, each there once."""
    found = [json.loads(line) for line in Path(path).read_text().splitlines()]
    by_id = {line["id"]: line for line in found}
    assert len(by_id) == len(found)
    return by_id


def submit(run: Run, *argv: str, code: int = 0, **more: Any) -> Any:
    return run("jobs", "submit", *argv, "--bucket", BUCKET, "--yes", code=code, **more)


def test_submit_wait_fetch(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    shown = submit(run, records(120, team="blue")).out
    assert "create    role BedrockBatch-jobs-bucket" in shown
    assert "120 records" in shown and "global.anthropic.claude-sonnet-4-5" in shown
    manifest = Path("night.job.json")
    assert manifest.stat().st_mode & 0o777 == 0o600
    assert run("jobs", "show", "night.job.json", code=8).out.startswith("night\tSubmitted\t120\t")
    assert "\tCompleted\t120\t120\t0\t" in run("jobs", "wait", "night.job.json").out
    done = run("jobs", "fetch", "night.job.json", "-o", "out.jsonl")
    assert done.out == "out.jsonl\t120 answered\t0 failed or missing\n"
    assert Path("out.jsonl").stat().st_mode & 0o777 == 0o600
    found = lines("out.jsonl")
    assert set(found) == {f"r{n}" for n in range(120)}
    one = found["r7"]
    assert one["text"] and one["complete"] and one["team"] == "blue" and one["error"] is None
    assert one["usage"]["output_tokens"] and one["cost_usd"] > 0 and one["via"] == "batch"
    assert not any(each["operation"].startswith("Invoke") for each in server.requests)
