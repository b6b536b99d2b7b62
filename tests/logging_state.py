"""What invocation logging has made in the sandbox, read back with boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

ACCOUNT = "000000000000"
GROUP = "/aws/bedrock/modelinvocations"
REGION = "us-east-1"
BUCKET = "logs-of-000000000000"
ENABLE = ("enable-logging", "--yes")
BOTH = (*ENABLE, "--log-group", GROUP, "--bucket", f"{BUCKET}/claude")
READING = ("Get", "List", "Describe", "Head")


def changed(server: Sandbox) -> list[str]:
    """The operations that reached the sandbox and changed something there."""
    names = [each["operation"] or "" for each in server.requests]
    return [name for name in names if not name.startswith((*READING, "Invoke"))]


def assert_whole(run: Run, key: str | None = None) -> None:
    """Group, role and bucket are as one run of BOTH without any trouble leaves them."""
    assert group() == {"retention": 30, "key": key, "tags": {}}
    found = role() or {}
    assert found["trust"] == [trust()]
    assert found["policies"] == {role_name(): stream_policy()}
    there = bucket(BUCKET)
    assert there["blocked"] and there["owner"] == "BucketOwnerEnforced"
    assert there["key"] == key
    assert len(there["policy"]) == 1 and len(there["rules"]) == 1
    told = config() or {}
    assert "cloudWatchConfig" in told and "s3Config" in told
    run("logs", "status", "--check")


def role_name(region: str = REGION) -> str:
    return f"BedrockInvocationLogging-{region}"


def trust(region: str = REGION) -> dict[str, Any]:
    """The one statement that a role's trust policy needs."""
    return {
        "Sid": "BedrockInvocationLogging" + region.replace("-", ""),
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:{region}:{ACCOUNT}:*"},
        },
    }


def stream_policy(region: str = REGION, group: str = GROUP) -> dict[str, Any]:
    """The inline policy that a role needs."""
    stream = f"log-group:{group}:log-stream:aws/bedrock/modelinvocations"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"arn:aws:logs:{region}:{ACCOUNT}:{stream}",
            }
        ],
    }


def bucket_grant(bucket: str, prefix: str = "", region: str = REGION) -> dict[str, Any]:
    """What a bucket's policy needs, without its Sid."""
    folder = f"{prefix}/AWSLogs".lstrip("/")
    return {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{folder}/{ACCOUNT}/BedrockModelInvocationLogs/*",
        "Condition": trust(region)["Condition"],
    }


def config(region: str = REGION) -> dict[str, Any] | None:
    """The logging configuration."""
    client = boto3.client("bedrock", region_name=region)
    found: dict[str, Any] | None = client.get_model_invocation_logging_configuration().get(
        "loggingConfig"
    )
    return found


def group(name: str = GROUP, region: str = REGION) -> dict[str, Any] | None:
    """A log group and its tags."""
    logs = boto3.client("logs", region_name=region)
    for each in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        if each["logGroupName"] == name:
            arn = each["arn"].removesuffix(":*")
            tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
            return {
                "retention": each.get("retentionInDays"),
                "key": each.get("kmsKeyId"),
                "tags": tags,
            }
    return None


def role(name: str = role_name()) -> dict[str, Any] | None:
    """A role's trust statements and inline policies."""
    iam = boto3.client("iam")
    try:
        found = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    names = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {
        "trust": found["AssumeRolePolicyDocument"]["Statement"],
        "policies": {
            each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
            for each in names
        },
    }


def bucket(name: str, region: str = REGION) -> dict[str, Any]:
    """Everything about a bucket; None is what is not set."""
    s3 = boto3.client("s3", region_name=region)

    def asked(operation: str) -> Any:
        try:
            return getattr(s3, operation)(Bucket=name)
        except ClientError:
            return None

    policy, rules = asked("get_bucket_policy"), asked("get_bucket_lifecycle_configuration")
    blocked, owner = asked("get_public_access_block"), asked("get_bucket_ownership_controls")
    where, encryption = asked("get_bucket_location"), asked("get_bucket_encryption")
    defaults = encryption and encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
    return {
        "region": where and (where.get("LocationConstraint") or "us-east-1"),
        "policy": policy and json.loads(policy["Policy"])["Statement"],
        "rules": rules and rules["Rules"],
        "blocked": bool(blocked) and all(blocked["PublicAccessBlockConfiguration"].values()),
        "key": defaults
        and defaults.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"),
        "owner": owner and owner["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
    }
