"""`logs status` and `logs disable` by the front door."""

from __future__ import annotations

import json
from collections.abc import Callable

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, GROUP

Use = Callable[..., Sandbox]
BUCKET = "logs-of-000000000000"
STATUS = ("logs", "status", "--check")
BOTH = ("enable-logging", "--yes", "--log-group", GROUP, "--bucket", BUCKET)


def drift(run: Run) -> str:
    """What `logs status` names as drift, which makes --check exit 11."""
    result = run(*STATUS, code=11)
    return "\n".join(line for line in result.out.splitlines() if "\tdrift\t" in line)


def test_off_is_said_with_the_command_that_switches_it_on(run: Run, use: Use) -> None:
    use()
    result = run("logs", "status")
    assert result.out == "us-east-1\tlogging\toff\n"
    assert "bedrock-claude enable-logging --region us-east-1" in result.err
    run(*STATUS, code=11)


def test_on_and_whole_is_exit_0(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    told = run(*STATUS).out
    assert f"us-east-1\tdelivered to\tlog group {GROUP}, bucket {BUCKET}\n" in told
    assert "us-east-1\tlogged\ttext, images, embeddings, video, audio\n" in told
    [found] = json.loads(run("logs", "status", "--json").out)
    assert found["ok"] is True and found["retention_days"] == 30
    assert found["drift"] == [] and found["unknown"] == []


def test_a_missing_group_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    boto3.client("logs").delete_log_group(logGroupName=GROUP)
    assert f"missing: log group {GROUP}" in drift(run)


def test_a_short_retention_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    boto3.client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    assert "7 days, should be 30 days" in drift(run)


def test_a_lost_role_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    iam, name = boto3.client("iam"), {"RoleName": made.role_name()}
    iam.delete_role_policy(**name, PolicyName=made.role_name())
    assert f"missing: inline policy {made.role_name()}" in drift(run)
    iam.delete_role(**name)
    assert f"missing: role {made.role_name()}" in drift(run)


def test_a_role_that_any_account_could_use_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    statement = {key: value for key, value in made.trust().items() if key == "Effect"}
    statement |= {"Principal": made.trust()["Principal"], "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [made.trust(), statement]})
    boto3.client("iam").update_assume_role_policy(
        RoleName=made.role_name(), PolicyDocument=document
    )
    assert "confused deputy" in drift(run)


def test_a_wider_role_policy_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    wide = made.stream_policy()
    wide["Statement"][0]["Resource"] = "*"
    boto3.client("iam").put_role_policy(
        RoleName=made.role_name(), PolicyName=made.role_name(), PolicyDocument=json.dumps(wide)
    )
    assert "should be this one only" in drift(run)


def test_what_a_bucket_lost_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    s3 = boto3.client("s3")
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/x", Body=b"")
    s3.delete_public_access_block(Bucket=BUCKET)
    told = drift(run)
    assert f"missing: policy of bucket {BUCKET}" in told
    assert "does not block public access" in told


def test_a_rule_that_deletes_too_early_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 3}}
    s3 = boto3.client("s3")
    rules = [*made.bucket(BUCKET)["rules"], rule]
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})
    told = drift(run)
    assert 'rule "all" of bucket' in told and "after 3 days, not after 30 days" in told


def test_a_role_made_by_other_means_is_no_drift(run: Run, use: Use) -> None:
    """The grant may stand in a policy of any name, inline or attached."""
    use()
    iam = boto3.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [made.trust()]}
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(trust))
    policy = iam.create_policy(
        PolicyName="theirs", PolicyDocument=json.dumps(made.stream_policy())
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="theirs", PolicyArn=policy)
    boto3.client("logs").create_log_group(logGroupName=GROUP)
    config = {"logGroupName": GROUP, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/theirs"}
    boto3.client("bedrock").put_model_invocation_logging_configuration(
        loggingConfig={"cloudWatchConfig": config}
    )
    run(*STATUS)


@pytest.mark.parametrize(
    "action",
    ["bedrock:GetModelInvocationLoggingConfiguration", "logs:DescribeLogGroups", "iam:GetRole",
     "s3:GetBucketPolicy", "s3:GetLifecycleConfiguration"],
)  # fmt: skip
def test_what_iam_does_not_show_is_not_known(run: Run, use: Use, action: str) -> None:
    server = use()
    run(*BOTH)
    server._rules._rules.append({"deny": action})
    server._rules._left.append(float("inf"))
    result = run("logs", "status")
    assert f"does not allow {action}" in result.out and "\tnot known\t" in result.out
    assert f'"Action": "{action}"' in result.err
    run(*STATUS, code=11)


def test_disable_keeps_the_data_and_says_what_stays(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    told = run("logs", "disable", "--yes").out
    assert made.config() is None
    assert f"stays     log group {GROUP} with its records" in told
    assert f"stays     role {made.role_name()}" in told and f"stays     bucket {BUCKET}" in told
    assert made.group() and made.role() and made.bucket(BUCKET)["policy"]
    assert "logging is off; nothing to change" in run("logs", "disable").out


def test_disable_asks(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    result = run("logs", "disable", code=2)
    assert "nothing was changed" in result.err and f"stays     log group {GROUP}" in result.out
    run("logs", "disable", "--dry-run")
    assert made.config() is not None


def test_disable_as_json(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    told = json.loads(run("logs", "disable", "--yes", "--json").out)
    assert told["changed"] is True and len(told["left_behind"]["us-east-1"]) == 3


@pytest.mark.parametrize("action", ["Get", "Delete"])
def test_disable_names_the_missing_permission(run: Run, use: Use, action: str) -> None:
    name = f"bedrock:{action}ModelInvocationLoggingConfiguration"
    use({"deny": name, "times": 1})
    if action == "Delete":
        run(*BOTH)
    assert name in run("logs", "disable", "--yes", code=5).err
