"""A Deny keeps Bedrock from delivering; a key that is not there meets what is negated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Start, boto
from tests.sandbox.logging_world import bucket_policy, make_bucket, objects, put

CONFIG = {"s3Config": {"bucketName": "mine"}}
SERVICE = {"Service": "bedrock.amazonaws.com"}


def deny(**fields: Any) -> None:
    """Add a Deny on writing to everything in the bucket, with these fields instead."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", **fields}
    if "NotPrincipal" in fields:
        del statement["Principal"]
    if "NotAction" in fields:
        del statement["Action"]
    if "NotResource" not in fields:
        statement.setdefault("Resource", "arn:aws:s3:::mine/*")
    policy = json.loads(bucket_policy("mine"))
    policy["Statement"].append(statement)
    boto("s3").put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))


DENYING: dict[str, dict[str, Any]] = {
    "everybody": {},
    "the service": {"Principal": SERVICE},
    "all but one principal": {"NotPrincipal": {"AWS": "arn:aws:iam::000000000000:root"}},
    "all but one action": {"NotAction": "s3:GetObject"},
    "all but one resource": {"NotResource": "arn:aws:s3:::mine/x"},
    "no VPC": {"Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}},
    "no organization": {"Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}},
    "no key": {"Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}}},
    "no address": {"Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    "TLS": {"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.3"}}},
    "every value": {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}},
}


@pytest.mark.parametrize("what", DENYING)
def test_it_denies(start: Start, what: str) -> None:
    start()
    make_bucket("mine")
    deny(**DENYING[what])
    with pytest.raises(ClientError, match="Failed to validate permissions for bucket"):
        put(CONFIG)


HARMLESS: dict[str, dict[str, Any]] = {
    "the service is spared": {"NotPrincipal": SERVICE},
    "the action is spared": {"NotAction": "s3:Put*"},
    "the resource is spared": {"NotResource": "arn:aws:s3:::mine/AWSLogs/*"},
    "AWS's services are spared": {
        "Condition": {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    },
    "a VPC": {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}},
    "any value": {"Condition": {"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}}},
    "our account": {"Condition": {"StringNotEquals": {"aws:SourceAccount": "000000000000"}}},
}


@pytest.mark.parametrize("what", HARMLESS)
def test_it_does_not_deny(start: Start, what: str) -> None:
    start()
    make_bucket("mine")
    deny(**HARMLESS[what])
    put(CONFIG)


def test_a_denial_of_the_records_alone_loses_them(start: Start) -> None:
    """The check's own object may be written, so that Put takes the configuration."""
    start()
    make_bucket("mine")
    deny(Resource="arn:aws:s3:::mine/*.json.gz")
    put(CONFIG)
    body = json.dumps(
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5,
         "messages": [{"role": "user", "content": "hello"}]}
    )  # fmt: skip
    model = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    boto("bedrock-runtime").invoke_model(modelId=model, body=body)
    assert not [key for key in objects("mine") if key.endswith(".json.gz")]
    deny(Resource="arn:aws:s3:::mine/x")
    boto("bedrock-runtime").invoke_model(modelId=model, body=body)
    assert [key for key in objects("mine") if key.endswith(".json.gz")]
