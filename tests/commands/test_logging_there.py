"""`enable-logging` where a group, a role or a bucket is there already."""

from __future__ import annotations

import json
from collections.abc import Callable

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, BUCKET, ENABLE, GROUP, changed

Use = Callable[..., Sandbox]


def test_of_a_bucket_that_is_there_only_policy_and_lifecycle_are_merged(run: Run, use: Use) -> None:
    use()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    other = {
        "Sid": "Other",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [other]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    rule = {
        "ID": "tmp",
        "Status": "Enabled",
        "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 1},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    told = run(*ENABLE, "--bucket", BUCKET).out
    found = made.bucket(BUCKET)
    assert found["policy"][0] == other and len(found["policy"]) == 2
    assert [each["ID"] for each in found["rules"]] == ["tmp", "bedrock-invocation-logging"]
    assert found["blocked"] is False and found["owner"] is None
    assert f"reported  bucket {BUCKET} does not block public access" in told
    assert f"reported  bucket {BUCKET} allows access control lists" in told


def test_where_logs_lie_already_in_a_bucket_none_is_made_to_expire(run: Run, use: Use) -> None:
    use()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    key = f"AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/us-east-1/2026/01/01/00/x.json.gz"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert "expires never" in run(*ENABLE, "--bucket", BUCKET).out
    assert made.bucket(BUCKET)["rules"] is None


def test_a_configured_log_group_that_is_gone_is_made_again(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    boto3.client("logs").delete_log_group(logGroupName=GROUP)
    told = run(*ENABLE).out
    assert f"create    log group {GROUP}" in told
    assert made.group() == {"retention": 30, "key": None, "tags": {}}


def test_a_given_role_that_bedrock_may_not_assume_is_refused_and_not_changed(
    run: Run, use: Use
) -> None:
    server = use()
    role = {"RoleName": "theirs"}
    iam = boto3.client("iam")
    trust = {**made.trust("eu-west-1")}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(**role, AssumeRolePolicyDocument=document)
    server.requests.clear()
    arn = f"arn:aws:iam::{ACCOUNT}:role/theirs"
    result = run(*ENABLE, "--role", arn, code=6)
    assert arn in result.err and "--print-policy" in result.err
    assert changed(server) == []
    document = json.dumps({"Version": "2012-10-17", "Statement": [made.trust()]})
    iam.update_assume_role_policy(**role, PolicyDocument=document)
    assert "may not write to log group" in run(*ENABLE, "--role", arn, code=6).err
    iam.put_role_policy(**role, PolicyName="x", PolicyDocument=json.dumps(made.stream_policy()))
    run(*ENABLE, "--role", arn)
    assert (made.config() or {})["cloudWatchConfig"]["roleArn"] == arn
    assert "is no role" in run(*ENABLE, "--replace", "--role", f"{arn}x", code=6).err.replace(
        "there is no role", "is no role"
    )


def test_a_role_of_ours_that_lost_its_trust_gets_it_back_beside_others(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    other = {
        "Sid": "Other",
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    boto3.client("iam").update_assume_role_policy(
        RoleName=made.role_name(), PolicyDocument=document
    )
    run("logs", "status", "--check", code=11)
    run(*ENABLE)
    assert (made.role() or {})["trust"] == [other, made.trust()]


def test_a_bucket_in_another_region_is_refused_first(run: Run, use: Use) -> None:
    server = use()
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    server.requests.clear()
    result = run(*ENABLE, "--bucket", BUCKET, code=6)
    assert f"bucket {BUCKET} is in eu-west-1" in result.err and "nothing was changed" in result.err
    assert changed(server) == []


def test_a_bucket_of_another_account_is_refused_first(run: Run, use: Use) -> None:
    server = use()
    s3 = boto3.client("s3")
    s3.meta.events.register(
        "before-sign.s3",
        lambda request, **_: request.headers.add_header("X-Moto-Account-Id", "111122223333"),
    )
    s3.create_bucket(Bucket=BUCKET)
    server.requests.clear()
    result = run(*ENABLE, "--bucket", BUCKET, code=5)
    assert "another account" in result.err
    assert changed(server) == []


def test_a_bucket_policy_that_is_no_json_is_refused_first(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = use()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy="{broken")
    server.requests.clear()
    assert "is no JSON" in run(*ENABLE, "--bucket", BUCKET, code=6).err
    assert changed(server) == []


def test_a_full_bucket_policy_is_refused_first(run: Run, use: Use) -> None:
    server = use()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    statement = {**made.bucket_grant("x"), "Sid": "x" * 20_000}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    server.requests.clear()
    assert "20480" in run(*ENABLE, "--bucket", BUCKET, code=6).err
    assert changed(server) == []
