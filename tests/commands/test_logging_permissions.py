"""Each permission that `enable-logging` needs, denied in turn."""

from __future__ import annotations

import json
from collections.abc import Callable

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, BOTH, BUCKET, ENABLE, GROUP, assert_whole, changed

Use = Callable[..., Sandbox]


# Every action without which nothing can be planned, and every one that a change needs.
NEEDED = [
    "bedrock:GetModelInvocationLoggingConfiguration",
    "logs:DescribeLogGroups",
    "iam:GetRole",
    "s3:GetBucketLocation",
    "logs:CreateLogGroup",
    "logs:TagResource",
    "logs:PutRetentionPolicy",
    "logs:UntagResource",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "s3:CreateBucket",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "bedrock:PutModelInvocationLoggingConfiguration",
    "iam:PassRole",
]


@pytest.mark.parametrize("action", NEEDED)
def test_a_missing_permission_is_named_with_the_policy_to_add(
    run: Run, use: Use, action: str
) -> None:
    """It says what was done and what is left; once granted, the same command goes on."""
    use({"deny": action, "times": 1})
    result = run(*BOTH, code=5)
    assert action in result.err
    assert f'"Action": "{action}"' in result.err and '"Effect": "Allow"' in result.err
    read = action.split(":")[1].startswith(("Get", "Describe"))
    assert ("nothing was changed" in result.err) is read
    if not read:
        assert "left: us-east-1" in result.err or "PassRole" in action or "Invocation" in action
        assert "the same command continues" in result.err
    run(*BOTH)
    assert_whole(run)


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"


def bare_role() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    boto3.client("iam").create_role(RoleName=made.role_name(), AssumeRolePolicyDocument=policy)


# What only some accounts need: what is there before, and the flags.
SOMETIMES: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "iam:UpdateAssumeRolePolicy": (bare_role, ENABLE),
    "logs:AssociateKmsKey": (
        lambda: boto3.client("logs").create_log_group(logGroupName=GROUP),
        (*ENABLE, "--kms-key", KEY),
    ),
    "s3:PutEncryptionConfiguration": (
        lambda: None,
        (*ENABLE, "--bucket", BUCKET, "--kms-key", KEY),
    ),
}


@pytest.mark.parametrize("action", SOMETIMES)
def test_a_permission_that_is_needed_sometimes_is_named(run: Run, use: Use, action: str) -> None:
    prepare, argv = SOMETIMES[action]
    use({"deny": action, "times": 1})
    prepare()
    result = run(*argv, code=5)
    assert f"(missing: {action})" in result.err
    assert f'"Action": "{action}"' in result.err and '"Effect": "Allow"' in result.err
    assert "left: us-east-1" in result.err and "the same command continues" in result.err
    assert made.config() is None
    run(*argv)
    run("logs", "status", "--check")
    if action == "s3:PutEncryptionConfiguration":
        assert made.bucket(BUCKET)["key"] == KEY
    elif action == "logs:AssociateKmsKey":
        assert (made.group() or {})["key"] == KEY


def test_a_tag_that_may_not_be_read_leaves_no_group_without_retention(run: Run, use: Use) -> None:
    """The step fails instead of passing over it."""
    use({"deny": "logs:ListTagsForResource"})
    assert '"Action": "logs:ListTagsForResource"' in run(*ENABLE, code=5).err


OTHER_READS = ["iam:ListRolePolicies", "iam:GetRolePolicy", "s3:GetBucketPolicy",
               "s3:GetLifecycleConfiguration"]  # fmt: skip


@pytest.mark.parametrize("action", OTHER_READS)
def test_what_cannot_be_read_is_not_merged(run: Run, use: Use, action: str) -> None:
    server = use({"deny": action})
    names = {"RoleName": made.role_name()}
    document = json.dumps({"Version": "2012-10-17", "Statement": [made.trust()]})
    iam = boto3.client("iam")
    iam.create_role(**names, AssumeRolePolicyDocument=document)
    iam.put_role_policy(**names, PolicyName="x", PolicyDocument=json.dumps(made.stream_policy()))
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    server.requests.clear()
    result = run(*BOTH, code=5)
    assert action in result.err and "nothing was changed" in result.err
    assert changed(server) == []


COURTESY = [
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketOwnershipControls",
    "s3:GetEncryptionConfiguration",
    "s3:ListBucket",
    "iam:ListAttachedRolePolicies",
]


@pytest.mark.parametrize("action", COURTESY)
def test_what_is_only_reported_is_not_needed(run: Run, use: Use, action: str) -> None:
    use({"deny": action})
    run(*BOTH)
    run(*BOTH)
    assert made.config() is not None
