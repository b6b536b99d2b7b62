"""IAM, CloudWatch Logs, S3 and KMS, as boto3 sees them at the sandbox's port."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.logging_world import (
    ACCOUNT,
    GROUP,
    ROLE,
    bucket_policy,
    make_bucket,
    make_group,
    put,
    stream_policy,
    trust,
)

PAIR = ("AKIASTRICTEXAMPLEXXX", "strict-dummy-secret-not-a-real-key")
KEYS = {"aws_access_key_id": PAIR[0], "aws_secret_access_key": PAIR[1]}
PUBLIC = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
LIFECYCLE = [
    {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 9}}
]


def code_of(call: Any, **params: Any) -> tuple[str, int]:
    """The error's name and status with which a call fails."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_iam_keeps_roles_in_the_account_of_no_customer(start: Start) -> None:
    start()
    iam = boto("iam")
    made = iam.create_role(RoleName="a", AssumeRolePolicyDocument=trust())["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/a"
    assert made["AssumeRolePolicyDocument"] == json.loads(trust())
    iam.put_role_policy(RoleName="a", PolicyName="p", PolicyDocument=stream_policy())
    assert iam.list_role_policies(RoleName="a")["PolicyNames"] == ["p"]
    assert code_of(iam.get_role, RoleName="b") == ("NoSuchEntity", 404)
    again = {"RoleName": "a", "AssumeRolePolicyDocument": trust()}
    assert code_of(iam.create_role, **again) == ("EntityAlreadyExists", 409)


def test_roles_are_one_for_all_regions_and_log_groups_one_for_each(start: Start) -> None:
    start()
    boto("iam", "eu-west-1").create_role(RoleName="a", AssumeRolePolicyDocument=trust())
    assert boto("iam", "us-east-1").get_role(RoleName="a")
    boto("logs", "eu-west-1").create_log_group(logGroupName="/aws/x")
    (group,) = boto("logs", "eu-west-1").describe_log_groups()["logGroups"]
    assert group["arn"] == f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/x:*"
    assert boto("logs", "us-east-1").describe_log_groups()["logGroups"] == []


def test_retention_and_events_of_a_log_group(start: Start) -> None:
    start()
    logs = boto("logs")
    assert code_of(logs.put_retention_policy, logGroupName="g", retentionInDays=30) == (
        "ResourceNotFoundException",
        400,
    )
    logs.create_log_group(logGroupName="g")
    logs.put_retention_policy(logGroupName="g", retentionInDays=30)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    assert code_of(logs.create_log_group, logGroupName="g") == (
        "ResourceAlreadyExistsException",
        400,
    )


def test_objects_come_back_byte_by_byte_whatever_their_keys(start: Start) -> None:
    start()
    s3 = boto("s3")
    s3.create_bucket(Bucket="bucket")
    key, data = "a b/ü%20+&=~.json.gz", bytes(range(256)) * 999
    s3.put_object(Bucket="bucket", Key=key, Body=data, Metadata={"team": "x"})
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == data
    head = s3.head_object(Bucket="bucket", Key=key)
    assert (head["ContentLength"], head["Metadata"]) == (len(data), {"team": "x"})
    part = s3.get_object(Bucket="bucket", Key=key, Range="bytes=1-3")["Body"].read()
    assert part == data[1:4]
    assert [row["Key"] for row in s3.list_objects_v2(Bucket="bucket")["Contents"]] == [key]
    s3.delete_object(Bucket="bucket", Key=key)
    assert s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0
    assert code_of(s3.head_object, Bucket="bucket", Key=key) == ("404", 404)


def test_bucket_may_be_called_as_bedrock_s_paths_begin(start: Start) -> None:
    start()
    s3 = boto("s3")
    s3.create_bucket(Bucket="model")
    s3.put_object(Bucket="model", Key=f"{GLOBAL}/invoke", Body=body())
    assert s3.get_object(Bucket="model", Key=f"{GLOBAL}/invoke")["Body"].read() == body().encode()


def test_everything_that_a_bucket_for_logs_needs_is_kept(start: Start) -> None:
    start()
    s3 = boto("s3", "eu-west-1")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration=where)
    assert s3.get_bucket_location(Bucket="bucket")["LocationConstraint"] == "eu-west-1"
    public = PUBLIC | {"RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket="bucket", PublicAccessBlockConfiguration=public)
    found = s3.get_public_access_block(Bucket="bucket")
    assert found["PublicAccessBlockConfiguration"] == public
    owner = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket="bucket", OwnershipControls=owner)
    assert s3.get_bucket_ownership_controls(Bucket="bucket")["OwnershipControls"] == owner
    rules: Any = {"Rules": LIFECYCLE}
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration=rules)
    assert s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"] == LIFECYCLE
    assert code_of(s3.get_bucket_policy, Bucket="bucket") == ("NoSuchBucketPolicy", 404)
    s3.put_bucket_policy(Bucket="bucket", Policy=bucket_policy("bucket"))
    assert s3.get_bucket_policy(Bucket="bucket")["Policy"] == bucket_policy("bucket")


def test_streamed_bodies_over_tls_arrive_without_their_chunks(
    start: Start, certificate: tuple[str, str]
) -> None:
    start(tls=certificate)
    s3 = boto("s3", verify=certificate[0])
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a", Body=b"x" * 200_000)
    assert s3.get_object(Bucket="bucket", Key="a")["Body"].read() == b"x" * 200_000


def test_two_sandboxes_share_neither_buckets_nor_roles(start: Start) -> None:
    one, two = start(), start()
    for sandbox in (one, two):
        boto("iam", endpoint_url=sandbox.url).create_role(
            RoleName="same", AssumeRolePolicyDocument=trust()
        )
        boto("s3", endpoint_url=sandbox.url).create_bucket(Bucket="same")
    boto("s3", endpoint_url=one.url).create_bucket(Bucket="first")
    names = [
        {row["Name"] for row in boto("s3", endpoint_url=each.url).list_buckets()["Buckets"]}
        for each in (one, two)
    ]
    assert names == [{"first", "same"}, {"same"}]


def test_a_sandbox_that_starts_again_starts_empty(start: Start) -> None:
    sandbox = start()
    make_bucket("bucket")
    put({"s3Config": {"bucketName": "bucket"}})
    sandbox.stop()
    sandbox.start()
    assert boto("s3", endpoint_url=sandbox.url).list_buckets()["Buckets"] == []
    bedrock = boto("bedrock", endpoint_url=sandbox.url)
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()


def test_moto_s_own_state_in_this_process_is_left_alone(start: Start) -> None:
    start()
    iam_backends["1" * 12]["aws"].create_role("mine", "{}", "/", None, "", [], "3600")
    try:
        boto("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=trust())
        assert list(iam_backends) == ["1" * 12]
        assert [role["RoleName"] for role in boto("iam").list_roles()["Roles"]] == ["theirs"]
    finally:
        iam_backends.clear()


def test_limits_of_aws_hold_though_moto_has_them_not(start: Start) -> None:
    start()
    make_group()
    days = {"logGroupName": GROUP, "retentionInDays": 31}
    name = ("InvalidParameterException", 400)
    assert code_of(boto("logs").put_retention_policy, **days) == name
    make_bucket("bucket")
    policy = {"Bucket": "bucket", "Policy": bucket_policy("bucket", Sid="x" * 20_480)}
    assert code_of(boto("s3").put_bucket_policy, **policy) == ("MalformedPolicy", 400)
    policy = {"RoleName": ROLE, "PolicyName": "p", "PolicyDocument": stream_policy(Sid="x" * 10240)}
    assert code_of(boto("iam").put_role_policy, **policy) == ("LimitExceeded", 409)


def as_another_account(request: Any, **_: Any) -> None:
    """Sends what moto takes for the caller's account."""
    request.headers["X-Moto-Account-Id"] = "1" * 12


def test_bucket_of_another_account_is_closed_and_its_name_taken(start: Start) -> None:
    start()
    s3 = boto("s3")
    other = boto("s3")
    other.meta.events.register("before-sign", as_another_account)
    other.create_bucket(Bucket="theirs")
    assert code_of(s3.head_bucket, Bucket="theirs") == ("403", 403)
    assert code_of(s3.get_bucket_policy, Bucket="theirs") == ("AccessDenied", 403)
    assert code_of(s3.create_bucket, Bucket="theirs") == ("BucketAlreadyExists", 409)
    assert [row["Name"] for row in s3.list_buckets()["Buckets"]] == []


def test_kms_keys_have_policies(start: Start) -> None:
    start()
    kms = boto("kms")
    key = kms.create_key()["KeyMetadata"]
    assert key["Arn"].startswith(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/")
    assert kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "iam:CreateRole": ("iam", "create_role", {"RoleName": "a", "AssumeRolePolicyDocument": "{}"}),
    "iam:GetRole": ("iam", "get_role", {"RoleName": "a"}),
    "iam:PutRolePolicy": (
        *("iam", "put_role_policy"),
        {"RoleName": "a", "PolicyName": "p", "PolicyDocument": "{}"},
    ),
    "iam:UpdateAssumeRolePolicy": (
        *("iam", "update_assume_role_policy"),
        {"RoleName": "a", "PolicyDocument": "{}"},
    ),
    "logs:CreateLogGroup": ("logs", "create_log_group", {"logGroupName": "g"}),
    "logs:PutRetentionPolicy": (
        *("logs", "put_retention_policy"),
        {"logGroupName": "g", "retentionInDays": 30},
    ),
    "logs:DescribeLogGroups": ("logs", "describe_log_groups", {}),
    "logs:FilterLogEvents": ("logs", "filter_log_events", {"logGroupName": "g"}),
    "logs:StartQuery": (
        *("logs", "start_query"),
        {"logGroupName": "g", "startTime": 0, "endTime": 1, "queryString": "stats count()"},
    ),
    "logs:GetQueryResults": ("logs", "get_query_results", {"queryId": "q"}),
    "s3:CreateBucket": ("s3", "create_bucket", {"Bucket": "bbb"}),
    "s3:GetBucketPolicy": ("s3", "get_bucket_policy", {"Bucket": "bbb"}),
    "s3:PutBucketPolicy": ("s3", "put_bucket_policy", {"Bucket": "bbb", "Policy": "{}"}),
    "s3:PutLifecycleConfiguration": (
        *("s3", "put_bucket_lifecycle_configuration"),
        {"Bucket": "bbb", "LifecycleConfiguration": {"Rules": LIFECYCLE}},
    ),
    "s3:GetLifecycleConfiguration": (
        *("s3", "get_bucket_lifecycle_configuration"),
        {"Bucket": "bbb"},
    ),
    "s3:PutBucketPublicAccessBlock": (
        *("s3", "put_public_access_block"),
        {"Bucket": "bbb", "PublicAccessBlockConfiguration": PUBLIC},
    ),
    "s3:PutBucketOwnershipControls": (
        *("s3", "put_bucket_ownership_controls"),
        {"Bucket": "bbb", "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ),
    "s3:GetBucketLocation": ("s3", "get_bucket_location", {"Bucket": "bbb"}),
    "s3:ListBucket": ("s3", "list_objects_v2", {"Bucket": "bbb"}),
    "s3:GetObject": ("s3", "get_object", {"Bucket": "bbb", "Key": "k"}),
    "s3:PutObject": ("s3", "put_object", {"Bucket": "bbb", "Key": "k", "Body": b""}),
    "kms:DescribeKey": ("kms", "describe_key", {"KeyId": "k"}),
}


@pytest.mark.parametrize("action", CALLS)
def test_each_permission_can_be_denied_and_is_named(start: Start, action: str) -> None:
    """In the service's own format: botocore finds name and message."""
    start({"deny": action})
    service, method, params = CALLS[action]
    with pytest.raises(ClientError) as caught:
        getattr(boto(service), method)(**params)
    answer = caught.value.response
    denied = "AccessDenied" if service in ("iam", "s3") else "AccessDeniedException"
    assert answer["Error"]["Code"] == denied
    assert f"is not authorized to perform: {action}" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == (403 if denied[12:] == "" else 400)
    assert answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("service", "method", "params", "name", "status"),
    [
        ("iam", "get_role", {"RoleName": "a"}, "Throttling", 400),
        ("logs", "describe_log_groups", {}, "ThrottlingException", 400),
        ("s3", "list_buckets", {}, "SlowDown", 503),
    ],
)
def test_throttling_has_each_service_s_name(
    start: Start, service: str, method: str, params: Any, name: str, status: int
) -> None:
    start({"error": {"type": "ThrottlingException"}, "times": 1})
    call = getattr(boto(service), method)
    assert code_of(call, **params) == (name, status)
    if service != "iam":
        assert call(**params)


def test_rules_tell_regions_and_operations_of_other_services_apart(start: Start) -> None:
    start(
        {"when": {"operation": "CreateLogGroup", "region": "eu-*"}, "error": {"type": "Throttling"}}
    )
    boto("logs", "us-east-1").create_log_group(logGroupName="g")
    call = boto("logs", "eu-west-1").create_log_group
    assert code_of(call, logGroupName="g") == ("Throttling", 400)
    assert boto("logs", "eu-west-1").describe_log_groups()["logGroups"] == []


def test_strict_keys_are_verified_for_every_service(start: Start) -> None:
    start(strict_auth=PAIR)
    s3 = boto("s3", **KEYS)
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a b/ü%20+.json", Body=b"x")
    assert s3.list_objects_v2(Bucket="bucket", Prefix="a b/ü%")["KeyCount"] == 1
    assert boto("logs", **KEYS).describe_log_groups()
    assert boto("iam", **KEYS).list_roles()
    wrong = KEYS | {"aws_secret_access_key": "another"}
    assert code_of(boto("s3", **wrong).list_buckets) == ("SignatureDoesNotMatch", 403)
    assert code_of(boto("iam", **wrong).list_roles) == ("SignatureDoesNotMatch", 403)
    assert code_of(boto("logs", **wrong).describe_log_groups) == ("InvalidSignatureException", 400)


def test_without_moto_the_answer_says_what_to_install(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    for name in [name for name in sys.modules if name.partition(".")[0] == "moto"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "moto", None)
    for service, method in (("iam", "list_roles"), ("logs", "describe_log_groups")):
        with pytest.raises(ClientError, match=r"install .* bedrock-claude-cli\[sandbox\]"):
            getattr(boto(service), method)()
    assert boto("sts").get_caller_identity()


def test_bodies_of_objects_and_policies_are_shown_among_the_requests(start: Start) -> None:
    sandbox = start()
    boto("iam").create_role(RoleName="a", AssumeRolePolicyDocument="{}")
    s3 = boto("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"\0" * 100_001)
    role, _, put = sandbox.requests
    assert (role["operation"], role["body"]["RoleName"]) == ("CreateRole", "a")
    assert (put["operation"], put["body"]) == ("PutObject", "100001 bytes")


def test_moto_is_not_imported_before_it_is_asked(tmp_path: Path) -> None:
    script = (
        "import sys, urllib.request\n"
        "from bedrock_claude_cli.sandbox import Sandbox\n"
        "with Sandbox() as s: urllib.request.urlopen(s.url + '/_sandbox/health').read()\n"
        "sys.exit('moto' in sys.modules or 'flask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_operation_that_moto_does_not_know_is_refused(start: Start) -> None:
    start()
    with pytest.raises(ClientError) as caught:
        boto("logs").list_anomalies()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_a_log_group_is_encrypted_later(start: Start) -> None:
    start()
    logs = boto("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.associate_kms_key(logGroupName="g", kmsKeyId="k")
    logs.create_log_group(logGroupName="g")
    logs.associate_kms_key(logGroupName="g", kmsKeyId="k")
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == "k"
