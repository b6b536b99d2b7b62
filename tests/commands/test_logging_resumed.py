"""`enable-logging` killed, interleaved with another, throttled, and before IAM is consistent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import botocore.client
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, BOTH, BUCKET, ENABLE, GROUP, READING, assert_whole, changed

Use = Callable[..., Sandbox]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
PLAIN = (BOTH, None, 10)
ENCRYPTED = ((*BOTH, "--kms-key", KEY), KEY, 11)


@pytest.mark.parametrize(
    "argv, key, calls",
    [(argv, key, at) for argv, key, count in (PLAIN, ENCRYPTED) for at in range(1, count + 1)],
    ids=lambda value: str(value) if isinstance(value, int) else "key" if value == KEY else "",
)
def test_killed_after_any_change_it_goes_on(
    run: Run, use: Use, argv: tuple[str, ...], key: str | None, calls: int
) -> None:
    use()
    real = botocore.client.BaseClient._make_api_call
    count = 0

    def killed(self: Any, operation: str, arguments: Any) -> Any:
        nonlocal count
        answer = real(self, operation, arguments)
        if not operation.startswith(READING):
            count += 1
            if count == calls:
                raise KeyboardInterrupt
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", killed)
        run(*argv, code=130)
    run(*argv)
    assert_whole(run, key)


@pytest.mark.parametrize("argv, key, count", [PLAIN, ENCRYPTED], ids=["plain", "key"])
def test_there_are_no_more_changes_than_those(
    run: Run, use: Use, argv: tuple[str, ...], key: str | None, count: int
) -> None:
    server = use()
    run(*argv)
    assert len(changed(server)) == count


def test_somebody_elses_configuration_in_the_meantime_is_left_alone(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    real = botocore.client.BaseClient._make_api_call

    def other(self: Any, operation: str, arguments: Any) -> Any:
        answer = real(self, operation, arguments)
        if operation == "PutRolePolicy" and not made.config():
            with monkeypatch.context() as patch:
                patch.setattr(botocore.client.BaseClient, "_make_api_call", real)
                theirs = {
                    "logGroupName": GROUP,
                    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{made.role_name()}",
                }
                boto3.client("bedrock").put_model_invocation_logging_configuration(
                    loggingConfig={"cloudWatchConfig": theirs, "videoDataDeliveryEnabled": False}
                )
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", other)
    assert "somebody else" in run(*ENABLE, code=1).err
    assert (made.config() or {})["videoDataDeliveryEnabled"] is False


@pytest.mark.parametrize("before", range(1, 11))
def test_two_people_at_once_end_with_the_same(run: Run, use: Use, before: int) -> None:
    """The other one's whole run falls before any one of our changes, and counts as done."""
    use()
    real = botocore.client.BaseClient._make_api_call
    count = 0

    def other(self: Any, operation: str, arguments: Any) -> Any:
        nonlocal count
        if not operation.startswith(READING):
            count += 1
            if count == before:
                run(*BOTH)
        return real(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", other)
        run(*BOTH)
    assert count >= before
    assert_whole(run)


def test_what_somebody_adds_after_our_look_is_kept(run: Run, use: Use) -> None:
    """Trust, bucket policy and lifecycle rules are read again just before they are written."""
    use()
    run(*BOTH)
    iam, s3, name = boto3.client("iam"), boto3.client("s3"), {"RoleName": made.role_name()}
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    to_bucket = {**theirs, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    rule = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "tmp/"},
            "Expiration": {"Days": 1}}  # fmt: skip
    iam.update_assume_role_policy(**name, PolicyDocument=json.dumps(document(theirs)))
    s3.delete_bucket_policy(Bucket=BUCKET)
    [ours] = made.bucket(BUCKET)["rules"]
    short = {**ours, "Expiration": {"Days": 7}}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [short]})
    boto3.client("logs").delete_log_group(logGroupName=GROUP)
    real = botocore.client.BaseClient._make_api_call

    def other(self: Any, operation: str, arguments: Any) -> Any:
        if operation == "CreateLogGroup":
            trust = json.dumps(document(theirs, {**theirs, "Sid": "Later"}))
            iam.update_assume_role_policy(**name, PolicyDocument=trust)
            s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document(to_bucket)))
            s3.put_bucket_lifecycle_configuration(
                Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule, short]}
            )
        return real(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", other)
        run(*BOTH)
    assert (made.role() or {})["trust"][1]["Sid"] == "Later"
    assert (made.role() or {})["trust"][2] == made.trust()
    assert made.bucket(BUCKET)["policy"][0] == to_bucket
    assert len(made.bucket(BUCKET)["policy"]) == 2
    assert made.bucket(BUCKET)["rules"] == [rule, ours]


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


LATE = {
    "when": {"operation": "PutModelInvocationLoggingConfiguration"},
    "error": {"type": "ValidationException"},
}


def test_it_waits_while_iam_becomes_consistent(run: Run, use: Use, waits: list[float]) -> None:
    use({**LATE, "times": 3})
    result = run(*ENABLE)
    assert waits == [2, 4, 8]
    assert "waiting 8 s" in result.err
    assert made.config() is not None


def test_it_stops_waiting_after_two_minutes(run: Run, use: Use, waits: list[float]) -> None:
    use(LATE)
    result = run(*ENABLE, code=6)
    assert 100 <= sum(waits) <= 130
    assert "Failed to validate permissions" in result.err
    assert "done: create log group" in result.err


def test_another_refusal_is_not_waited_for(run: Run, use: Use, waits: list[float]) -> None:
    use({**LATE, "error": {"type": "ValidationException", "message": "Something else."}})
    run(*ENABLE, code=6)
    assert waits == []


@pytest.mark.parametrize(
    "operation",
    ["GetModelInvocationLoggingConfiguration", "DescribeLogGroups", "CreateLogGroup", "GetRole",
     "CreateRole", "PutRolePolicy", "CreateBucket", "PutBucketPolicy",
     "PutModelInvocationLoggingConfiguration"],
)  # fmt: skip
def test_throttling_is_waited_out_and_then_told(
    run: Run, use: Use, waits: list[float], operation: str
) -> None:
    rule = {"when": {"operation": operation}, "error": {"type": "ThrottlingException"}}
    use({**rule, "times": 3})
    result = run(*BOTH, code=7)
    assert "--retries" not in result.err
    run(*BOTH)
    assert_whole(run)
