"""Lifecycle rules of a bucket that is there, by the front door of `enable-logging`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import botocore.client
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT

Use = Callable[..., Sandbox]
BUCKET = "logs-of-000000000000"
ENABLE = ("enable-logging", "--yes", "--bucket", BUCKET)
FOLDER = f"AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/"
OURS = "bedrock-invocation-logging"


def put(*rules: dict[str, Any]) -> None:
    boto3.client("s3").put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": list(rules)}
    )


def rule(days: int, name: str = "tidy", **fields: Any) -> dict[str, Any]:
    return {
        "ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days},
        **fields,
    }  # fmt: skip


@pytest.fixture
def bucket(use: Use) -> Sandbox:
    server = use()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return server


def test_a_rule_that_keeps_less_than_30_days_is_refused_and_named(
    run: Run, bucket: Sandbox
) -> None:
    put(rule(7))
    bucket.requests.clear()
    result = run(*ENABLE, code=2)
    assert f'rule "tidy" of bucket {BUCKET} deletes what is logged to {FOLDER}*' in result.err
    assert "after 7 days" in result.err and "nothing was changed" in result.err
    assert "--allow-short-retention accepts it" in result.err
    assert "(accepted with --allow-short-retention only)" in result.out
    assert made.config() is None
    operations = [each["operation"] or "" for each in bucket.requests]
    assert all(name.startswith(("Get", "List", "Describe")) for name in operations)
    run(*ENABLE, "--allow-short-retention")
    assert made.config() is not None
    assert made.bucket(BUCKET)["rules"] == [rule(7)]


def test_a_rule_that_is_shorter_than_asked_for_is_reported(run: Run, bucket: Sandbox) -> None:
    put(rule(60))
    told = run(*ENABLE, "--retention-days", "90").out
    assert f'reported  lifecycle rule "tidy" of bucket {BUCKET}' in told
    assert "after 60 days, not after 90 days" in told
    assert "in place  lifecycle" not in told
    assert made.config() is not None


def test_a_rule_for_some_of_the_objects_is_reported_beside_our_own(
    run: Run, bucket: Sandbox
) -> None:
    put(rule(7, Filter={"Prefix": f"{FOLDER}us-east-1/2099/"}))
    told = run(*ENABLE, "--allow-short-retention").out
    assert "deletes some of what is logged" in told
    assert [each["ID"] for each in made.bucket(BUCKET)["rules"]] == ["tidy", OURS]


@pytest.mark.parametrize(
    "fields",
    [
        {"Status": "Disabled"},
        {"Filter": {"Prefix": "tmp/"}},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
    ],
    ids=["disabled", "prefix", "tag"],
)
def test_a_rule_that_hits_nothing_delivered_is_not_reported(
    run: Run, bucket: Sandbox, fields: dict[str, Any]
) -> None:
    put(rule(7, **fields))
    assert "reported  lifecycle" not in run(*ENABLE).out
    run("logs", "status", "--check", code=11)  # for the bucket's access control lists
    assert "lifecycle rule" not in run("logs", "status").out


@pytest.mark.parametrize(
    "changed",
    [
        {"Filter": {"Prefix": FOLDER}},
        {"Filter": {"Prefix": f"{FOLDER}us-east-1/2099/"}},
        {"Filter": {"Prefix": ""}},
    ],
    ids=["days", "narrower", "wider"],
)
def test_our_own_rule_that_somebody_shortened_is_raised_again(
    run: Run, use: Use, changed: dict[str, Any]
) -> None:
    """Only its days: what else was set in it stays, so that nothing is deleted earlier."""
    use()
    run(*ENABLE)
    put(rule(7, OURS, **changed))
    drift = run("logs", "status", "--check", code=11).out
    assert "expires: after 7 days, should be after 30 days" in drift
    told = run(*ENABLE).out
    assert (
        f"change    lifecycle of bucket {BUCKET}: {FOLDER}* expires: after 7 days -> after 30"
        in told
    )
    assert made.bucket(BUCKET)["rules"] == [rule(30, OURS, **changed)]
    run("logs", "status", "--check")


@pytest.mark.parametrize("changed", [{"Status": "Disabled"}, {"Expiration": {"Days": 365}}])
def test_our_own_rule_that_keeps_longer_stays(run: Run, use: Use, changed: dict[str, Any]) -> None:
    use()
    run(*ENABLE)
    longer = rule(30, OURS, **{"Filter": {"Prefix": FOLDER}, **changed})
    put(longer)
    assert "nothing to change" in run(*ENABLE).out
    assert made.bucket(BUCKET)["rules"] == [longer]


def test_a_rule_that_was_raised_meanwhile_is_not_lowered(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    put(rule(7, OURS))
    real = botocore.client.BaseClient._make_api_call
    looked = 0

    def other(self: Any, operation: str, arguments: Any) -> Any:
        nonlocal looked
        if operation == "GetBucketLifecycleConfiguration":
            looked += 1
            if looked == 2:
                put(rule(365, OURS))
        return real(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", other)
        run(*ENABLE)
    assert made.bucket(BUCKET)["rules"] == [rule(365, OURS)]
