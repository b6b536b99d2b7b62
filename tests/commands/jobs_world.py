"""What the tests of `jobs` share: bucket, records, and the ways to look at what came of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3

from tests.conftest import Run

BUCKET = "jobs-bucket"
ACCOUNT = "000000000000"
ROLE = f"BedrockBatch-{BUCKET}"
GLOBAL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"


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


def manifest(name: str = "night") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"{name}.job.json").read_text())
    return found


def made() -> list[str]:
    """The names of the jobs that the sandbox has, the oldest first."""
    found = boto3.client("bedrock").list_model_invocation_jobs(maxResults=100)
    return [each["jobName"] for each in found["invocationJobSummaries"]][::-1]


def policies(role: str = ROLE) -> list[dict[str, Any]]:
    """Every statement of the role's inline policies."""
    iam = boto3.client("iam")
    return [
        statement
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"][
            "Statement"
        ]
    ]
