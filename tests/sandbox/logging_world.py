"""What an administrator makes before invocation logging can be switched on."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.sandbox.conftest import boto

ACCOUNT = "000000000000"
GROUP = "/aws/bedrock/modelinvocations"
STREAM = "aws/bedrock/modelinvocations"
ROLE = "logs-role"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
REFUSAL = (
    f"Failed to validate permissions for log group: {GROUP}, with role: {ROLE_ARN}. "
    "Verify the IAM role permissions are correct."
)


def statement(**fields: Any) -> str:
    """A policy document of one statement that allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **fields}]})


def condition(region: str = "us-east-1", account: str = ACCOUNT) -> dict[str, Any]:
    """What binds Bedrock to one account and region."""
    return {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:{region}:{account}:*"},
    }


def trust(region: str = "us-east-1", **fields: Any) -> str:
    """A trust policy for Bedrock in one region."""
    return statement(
        **{
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": condition(region),
            **fields,
        }
    )


def stream_policy(region: str = "us-east-1", **fields: Any) -> str:
    """What the role needs: to write to the one stream."""
    group = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{GROUP}"
    return statement(
        **{
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{group}:log-stream:{STREAM}",
            **fields,
        }
    )


def bucket_policy(bucket: str, prefix: str = "", region: str = "us-east-1", **fields: Any) -> str:
    """What the bucket has to allow."""
    key = f"{prefix}AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/*"
    return statement(
        **{
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/{key}",
            "Condition": condition(region),
            **fields,
        }
    )


def make_group(region: str = "us-east-1", **policies: str) -> None:
    """The log group and a role that is right unless `trust` or `policy` say otherwise."""
    boto("logs", region).create_log_group(logGroupName=GROUP)
    iam = boto("iam")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=policies.get("trust", trust(region)))
    policy = policies.get("policy", stream_policy(region))
    iam.put_role_policy(RoleName=ROLE, PolicyName="write", PolicyDocument=policy)


def make_bucket(bucket: str, policy: str | None = None, region: str = "us-east-1") -> None:
    """A bucket with the policy for its root, or with the given one; without one if it is empty."""
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    extra: dict[str, Any] = {"CreateBucketConfiguration": where} if where else {}
    s3 = boto("s3", region)
    s3.create_bucket(Bucket=bucket, **extra)
    if policy != "":
        s3.put_bucket_policy(Bucket=bucket, Policy=policy or bucket_policy(bucket, region=region))


def to_group(**more: Any) -> dict[str, Any]:
    """A logging configuration with the log group."""
    return {"cloudWatchConfig": {"logGroupName": GROUP, "roleArn": ROLE_ARN, **more}}


def put(config: dict[str, Any], region: str = "us-east-1") -> None:
    """Switch logging on."""
    boto("bedrock", region).put_model_invocation_logging_configuration(loggingConfig=config)


def messages(region: str = "us-east-1", **filters: Any) -> list[str]:
    """Every message of the log group, over all pages."""
    pages = boto("logs", region).get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=GROUP, **filters)
    return [event["message"] for page in found for event in page["events"]]


def records(region: str = "us-east-1") -> list[dict[str, Any]]:
    """The records of the log group."""
    return [json.loads(text) for text in messages(region) if text.startswith("{")]


def objects(bucket: str, region: str = "us-east-1") -> dict[str, Any]:
    """Every object of a bucket by key, decompressed and parsed; None for an empty one."""
    s3 = boto("s3", region)
    found = {}
    for row in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        data = s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read()
        found[row["Key"]] = json.loads(gzip.decompress(data)) if data else None
    return found
