"""Deny statements of others: `enable-logging` and `logs status` name them, and remove none.

The sandbox's own check of a delivery decides beside them, with code of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, GROUP

Use = Callable[..., Sandbox]
BUCKET = "logs-of-000000000000"
BOTH = ("enable-logging", "--yes", "--log-group", GROUP, "--bucket", BUCKET)
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"
READING = ("Get", "List", "Describe", "Head")
Statement = dict[str, Any]


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(**fields: Any) -> Statement:
    return {"Sid": "Stop", "Effect": "Deny", **fields}


def into_trust(**fields: Any) -> None:
    policy = document(made.trust(), deny(Action="sts:AssumeRole", **fields))
    boto3.client("iam").update_assume_role_policy(RoleName=made.role_name(), PolicyDocument=policy)


def into_inline(**fields: Any) -> None:
    boto3.client("iam").put_role_policy(
        RoleName=made.role_name(), PolicyName="theirs", PolicyDocument=document(deny(**fields))
    )


def into_our_own(**fields: Any) -> None:
    policy = made.stream_policy()
    policy["Statement"].append(deny(**fields))
    boto3.client("iam").put_role_policy(
        RoleName=made.role_name(), PolicyName=made.role_name(), PolicyDocument=json.dumps(policy)
    )


def attached(**fields: Any) -> None:
    iam = boto3.client("iam")
    policy = iam.create_policy(PolicyName="theirs", PolicyDocument=document(deny(**fields)))
    arn = policy["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=made.role_name(), PolicyArn=arn)


def into_bucket(**fields: Any) -> None:
    s3 = boto3.client("s3")
    there = made.bucket(BUCKET)["policy"] or []
    statement = {"Principal": "*", "Action": "s3:PutObject", "Resource": OBJECTS, **fields}
    if "NotPrincipal" in fields:
        del statement["Principal"]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=document(*there, deny(**statement)))


def put_again() -> None:
    """Bedrock's own check of the configuration that is there."""
    boto3.client("bedrock").put_model_invocation_logging_configuration(loggingConfig=made.config())


SERVICE = {"Service": "bedrock.amazonaws.com"}
BLOCKING: dict[str, tuple[Callable[[], None], str]] = {
    "trust": (lambda: into_trust(Principal=SERVICE), "the trust policy of role"),
    "trust of everybody": (lambda: into_trust(Principal="*"), "the trust policy of role"),
    "trust from outside": (
        lambda: into_trust(
            Principal="*", Condition={"StringNotEquals": {"sts:ExternalId": "secret"}}
        ),
        "the trust policy of role",
    ),
    "inline": (
        lambda: into_inline(Action="logs:PutLogEvents", Resource="*"),
        "inline policy theirs of role",
    ),
    "in our own policy": (
        lambda: into_our_own(Action="logs:CreateLogStream", Resource="*"),
        f"inline policy {made.role_name()} of role",
    ),
    "attached": (
        lambda: attached(NotAction=["s3:*"], Resource=f"arn:aws:logs:*:{ACCOUNT}:*"),
        "policy/theirs, attached to role",
    ),
    "not resource": (
        lambda: attached(Action="*", NotResource="arn:aws:s3:::*"),
        "policy/theirs, attached to role",
    ),
    "bucket": (lambda: into_bucket(Principal=SERVICE), "the policy of bucket"),
    "bucket of everybody": (
        lambda: into_bucket(Principal={"AWS": "*"}, Action="s3:*"),
        "the policy of bucket",
    ),
    "bucket of all but one": (
        lambda: into_bucket(NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        "the policy of bucket",
    ),
    "bucket from a VPC": (
        lambda: into_bucket(Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
        "the policy of bucket",
    ),
}


@pytest.mark.parametrize("what", BLOCKING)
def test_a_denial_is_drift_and_stops_everything_before_it_begins(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    server = use()
    run(*BOTH)
    add, where = BLOCKING[what]
    add()
    with pytest.raises(ClientError, match="Failed to validate permissions"):
        put_again()
    drift = [
        line for line in run("logs", "status", "--check", code=11).out.splitlines() if where in line
    ]
    assert len(drift) == 1 and "\tdrift\t" in drift[0] and 'statement "Stop"' in drift[0]
    boto3.client("bedrock").delete_model_invocation_logging_configuration()
    server.requests.clear()
    result = run(*BOTH, code=6)
    assert where in result.err and 'statement "Stop"' in result.err
    [planned] = [line for line in result.out.splitlines() if where in line]
    assert planned.startswith("  impossible ")
    assert "nothing was changed" in result.err and "remove that statement" in result.err
    assert waits == []
    assert all((each["operation"] or "").startswith(READING) for each in server.requests)


HARMLESS: dict[str, Callable[[], None]] = {
    "plain http": lambda: into_bucket(
        Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}}
    ),
    "old TLS": lambda: into_bucket(Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    "perimeter": lambda: into_bucket(
        Condition={
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
    ),
    "other accounts' sources": lambda: into_bucket(
        Condition={"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}
    ),
    "spared": lambda: into_bucket(NotPrincipal=SERVICE),
    "somebody else": lambda: into_bucket(Principal={"Service": "logging.s3.amazonaws.com"}),
    "another prefix": lambda: into_bucket(Resource=f"arn:aws:s3:::{BUCKET}/private/*"),
    "deleting": lambda: into_bucket(Action="s3:Delete*"),
    "another region's source": lambda: into_trust(
        Principal=SERVICE,
        Condition={"ArnNotLike": {"aws:SourceArn": f"arn:aws:bedrock:us-*:{ACCOUNT}:*"}},
    ),
    "another group": lambda: into_inline(
        Action="logs:*", Resource=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/other:*"
    ),
    "all but the stream": lambda: attached(
        Action="*", NotResource=made.stream_policy()["Statement"][0]["Resource"]
    ),
    "deleting streams, in our own policy": lambda: into_our_own(
        Action="logs:DeleteLogStream", Resource="*"
    ),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_a_denial_that_does_not_hit_the_delivery_is_not_reported(
    run: Run, use: Use, what: str
) -> None:
    use()
    run(*BOTH)
    HARMLESS[what]()
    put_again()
    run("logs", "status", "--check")
    told = run(*BOTH)
    assert "nothing to change" in told.out and "Stop" not in told.out


def test_a_condition_that_is_not_known_may_block_and_is_tried(run: Run, use: Use) -> None:
    """Buckets often refuse what is not encrypted in one way."""
    use()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    into_bucket(Condition={"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}})
    told = run(*BOTH).out
    assert f'reported  the policy of bucket {BUCKET} may block Bedrock: statement "Stop"' in told
    assert "remove that statement or except Bedrock from it" in told
    assert made.config() is not None
    drift = run("logs", "status", "--check", code=11).out
    assert "may block Bedrock" in drift


def test_what_may_block_is_said_while_aws_refuses(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM's delay alone is not blamed."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    use()
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    into_bucket(Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    result = run(*BOTH, code=6)
    assert "IAM takes a while; or: the policy of bucket" in result.err


def test_a_denial_in_a_role_that_was_given_is_named(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    into_inline(Action="logs:Put*", Resource="*")
    arn = f"arn:aws:iam::{ACCOUNT}:role/{made.role_name()}"
    assert "inline policy theirs" in run(*BOTH, "--role", arn, code=6).err


@pytest.mark.parametrize(
    "action", ["iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion"]
)
def test_attached_policies_that_iam_does_not_show_are_said_and_not_needed(
    run: Run, use: Use, action: str
) -> None:
    server = use()
    run(*BOTH)
    attached(Action="s3:*", Resource="*")
    server._rules._rules.append({"deny": action})
    server._rules._left.append(float("inf"))
    told = run(*BOTH).out
    assert f"unseen    policies attached to role {made.role_name()}" in told
    assert f"IAM does not allow {action}" in told and f'"Action": "{action}"' in told
    status = run("logs", "status", "--check", code=11)
    assert f"IAM does not allow {action}" in status.out and "\tdrift\t" not in status.out
