"""Put checks that Bedrock may write where it is told to, as AWS does, and says so in its words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Start, boto
from tests.sandbox.logging_world import (
    GROUP,
    REFUSAL,
    ROLE,
    ROLE_ARN,
    bucket_policy,
    condition,
    make_bucket,
    make_group,
    messages,
    objects,
    put,
    statement,
    stream_policy,
    to_group,
    trust,
)

PERMITTED = "Permissions are correctly set for Amazon Bedrock logs."
MARKER = "AWSLogs/000000000000/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check"


def refused(config: dict[str, Any], region: str = "us-east-1") -> str:
    """The message of the ValidationException with which Put refuses."""
    with pytest.raises(ClientError) as caught:
        put(config, region)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "ValidationException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    kept = boto("bedrock", region).get_model_invocation_logging_configuration()
    assert "loggingConfig" not in kept
    return str(answer["Error"]["Message"])


def test_configuration_is_kept_per_region_until_it_is_deleted(start: Start) -> None:
    start()
    make_bucket("here")
    here, there = boto("bedrock"), boto("bedrock", "eu-west-1")
    assert "loggingConfig" not in here.get_model_invocation_logging_configuration()
    config = {"s3Config": {"bucketName": "here"}, "textDataDeliveryEnabled": True}
    put(config)
    assert here.get_model_invocation_logging_configuration()["loggingConfig"] == config
    assert "loggingConfig" not in there.get_model_invocation_logging_configuration()
    here.delete_model_invocation_logging_configuration()
    assert "loggingConfig" not in here.get_model_invocation_logging_configuration()


def test_right_group_and_role_are_confirmed_by_an_event_that_is_no_json(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    assert messages() == [PERMITTED]
    streams = boto("logs").describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert [row["logStreamName"] for row in streams] == ["aws/bedrock/modelinvocations"]


def test_missing_log_group_is_refused_as_a_permission(start: Start) -> None:
    start()
    make_group()
    boto("logs").delete_log_group(logGroupName=GROUP)
    assert refused(to_group()) == REFUSAL


def test_log_group_of_another_region_does_not_count(start: Start) -> None:
    start()
    make_group(trust=trust("eu-west-1"), policy=stream_policy("eu-west-1"))
    assert refused(to_group(), "eu-west-1") == REFUSAL


def test_missing_role_and_role_of_another_account_are_refused(start: Start) -> None:
    start()
    make_group()
    for arn in (ROLE_ARN + "-2", ROLE_ARN.replace("000000000000", "1" * 12), "not-an-arn-at-all-x"):
        config = {"cloudWatchConfig": {"logGroupName": GROUP, "roleArn": arn}}
        assert refused(config) == REFUSAL.replace(ROLE_ARN, arn)


OTHER = "arn:aws:logs:us-east-1:000000000000"
BAD_ROLES = {
    "another service": {"trust": trust(Principal={"Service": "lambda.amazonaws.com"})},
    "another region": {"trust": trust("eu-west-1")},
    "another account": {"trust": trust(Condition=condition(account="1" * 12))},
    "an unknown operator": {"trust": trust(Condition={"DateLessThan": {"aws:CurrentTime": "x"}})},
    "another action": {"policy": stream_policy(Action=["logs:CreateLogStream"])},
    "another stream": {"policy": stream_policy(Resource=f"{OTHER}:log-group:{GROUP}:log-stream:x")},
    "another group": {"policy": stream_policy(Resource=f"{OTHER}:log-group:/other:*")},
    "a malformed ARN": {
        "policy": stream_policy(
            Resource=f"{OTHER}:log-group:{GROUP}:*:log-stream:aws/bedrock/modelinvocations"
        )
    },
    "a denial": {
        "policy": json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
                    {"Effect": "Deny", "Action": "logs:Put*", "Resource": "*"},
                ],
            }
        )
    },
}


@pytest.mark.parametrize("what", BAD_ROLES)
def test_role_with_something_wrong_is_refused(start: Start, what: str) -> None:
    start()
    make_group(**BAD_ROLES[what])
    assert refused(to_group()) == REFUSAL


GOOD_ROLES = {
    "no condition": {"trust": trust(Condition={})},
    "several principals": {"trust": trust(Principal={"Service": ["a", "bedrock.amazonaws.com"]})},
    "a wildcard account": {
        "trust": trust(
            Condition={"StringLike": {"AWS:sourceArn": "arn:aws:bedrock:*:000000000000:*"}}
        )
    },
    "all of the group": {"policy": stream_policy(Resource=f"{OTHER}:log-group:{GROUP}:*")},
    "everything": {"policy": statement(Action="*", Resource="*")},
}


@pytest.mark.parametrize("what", GOOD_ROLES)
def test_role_that_is_wide_enough_is_taken(start: Start, what: str) -> None:
    start()
    make_group(**GOOD_ROLES[what])
    put(to_group())


def test_attached_policy_counts_as_an_inline_one_does(start: Start) -> None:
    start()
    make_group()
    iam = boto("iam")
    iam.delete_role_policy(RoleName=ROLE, PolicyName="write")
    assert refused(to_group()) == REFUSAL
    made = iam.create_policy(PolicyName="write", PolicyDocument=stream_policy())["Policy"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=made["Arn"])
    put(to_group())


def test_right_bucket_gets_an_empty_object(start: Start) -> None:
    start()
    make_bucket("mine", bucket_policy("mine", "logs/"))
    put({"s3Config": {"bucketName": "mine", "keyPrefix": "logs"}})
    assert objects("mine") == {f"logs/{MARKER}": None}


BAD_BUCKETS: dict[str, Callable[[], None]] = {
    "no bucket": lambda: None,
    "no policy": lambda: make_bucket("mine", ""),
    "another prefix": lambda: make_bucket("mine", bucket_policy("mine", "other/")),
    "another region's policy": lambda: make_bucket("mine", bucket_policy("mine", region="eu-x-1")),
    "another principal": lambda: make_bucket(
        "mine", bucket_policy("mine", Principal={"Service": "logging.s3.amazonaws.com"})
    ),
    "another region": lambda: make_bucket("mine", bucket_policy("mine"), "eu-west-1"),
}


@pytest.mark.parametrize("what", BAD_BUCKETS)
@pytest.mark.parametrize("large", [False, True])
def test_bucket_with_something_wrong_is_refused(start: Start, what: str, large: bool) -> None:
    start()
    make_group()
    BAD_BUCKETS[what]()
    bucket = {"bucketName": "mine"}
    config = to_group(largeDataDeliveryS3Config=bucket) if large else {"s3Config": bucket}
    assert refused(config).startswith("Failed to validate permissions for bucket: mine")


def test_bucket_with_acls_is_refused(start: Start) -> None:
    start()
    make_bucket("mine")
    owner: Any = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    boto("s3").put_bucket_ownership_controls(Bucket="mine", OwnershipControls=owner)
    assert "for bucket: mine" in refused({"s3Config": {"bucketName": "mine"}})


def test_bucket_policy_that_denies_plain_http_does_not_deny_bedrock(start: Start) -> None:
    start()
    make_bucket("mine")
    policy = json.loads(bucket_policy("mine"))
    policy["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
    boto("s3").put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))
    put({"s3Config": {"bucketName": "mine"}})


def test_iam_that_is_not_consistent_yet_is_a_rule(start: Start) -> None:
    put_operation = {"operation": "PutModelInvocationLoggingConfiguration"}
    start({"when": put_operation, "times": 2, "error": {"type": "ValidationException"}})
    make_group()
    assert [refused(to_group()), refused(to_group())] == [REFUSAL] * 2
    put(to_group())


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:PassRole", ROLE_ARN),
        ("bedrock:PutModelInvocationLoggingConfiguration", ""),
    ],
)
def test_putting_can_be_denied_for_itself_and_for_the_role(
    start: Start, action: str, resource: str
) -> None:
    start({"deny": action})
    make_group()
    with pytest.raises(ClientError) as caught:
        put(to_group())
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert f"is not authorized to perform: {action}" in error["Message"]
    assert resource in error["Message"]


def test_configuration_without_a_role_passes_none(start: Start) -> None:
    start({"deny": "iam:PassRole"})
    make_bucket("mine")
    put({"s3Config": {"bucketName": "mine"}})


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"cloudWatchConfig": {"logGroupName": GROUP}}, "cloudWatchConfig.roleArn"),
        ({"s3Config": {"keyPrefix": "x"}}, "s3Config.bucketName"),
        (None, ""),
    ],
)
def test_required_members_are_asked_for(start: Start, config: Any, path: str) -> None:
    start()
    client = boto("bedrock", config={"parameter_validation": False})
    with pytest.raises(ClientError, match=f"Value null at 'loggingConfig.?{path}'"):
        client.put_model_invocation_logging_configuration(loggingConfig=config)


def test_many_requests_at_once_stay_within_their_sandboxes(start: Start) -> None:
    one, two = start(), start()
    failures: list[Exception] = []

    def work(url: str, name: str) -> None:
        try:
            logs = boto("logs", endpoint_url=url)
            for index in range(10):
                logs.create_log_group(logGroupName=f"{name}-{index}")
        except ClientError as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(each.url, name))
        for each in (one, two)
        for name in ("a", "b")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for each in (one, two):
        assert len(boto("logs", endpoint_url=each.url).describe_log_groups()["logGroups"]) == 20
