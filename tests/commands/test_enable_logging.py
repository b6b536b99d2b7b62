"""`enable-logging` by the front door; what it made is read back with boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import botocore.client
import pytest

from bedrock_claude_cli.bedrock import invocation_logging
from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, GROUP

Use = Callable[..., Sandbox]
ENABLE = ("enable-logging", "--yes")
BUCKET = "logs-of-000000000000"
BOTH = (*ENABLE, "--log-group", GROUP, "--bucket", f"{BUCKET}/claude")
READING = ("Get", "List", "Describe", "Head")
ON = ("text", "image", "embedding", "video", "audio")


def changed(server: Sandbox) -> list[str]:
    """The operations that reached the sandbox and changed something there."""
    names = [each["operation"] or "" for each in server.requests]
    return [name for name in names if not name.startswith((*READING, "Invoke"))]


def test_it_makes_group_role_policy_and_configuration(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    assert made.group() == {"retention": 30, "key": None, "tags": {}}
    assert made.role() == {
        "trust": [made.trust()],
        "policies": {made.role_name(): made.stream_policy()},
    }
    assert made.config() == {
        "cloudWatchConfig": {
            "logGroupName": GROUP,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{made.role_name()}",
        },
        **{f"{kind}DataDeliveryEnabled": True for kind in ON},
    }


def test_again_it_changes_nothing_and_says_so(run: Run, use: Use) -> None:
    server = use()
    run(*BOTH)
    server.requests.clear()
    told = run(*BOTH).out
    assert changed(server) == []
    assert "nothing to change" in told
    assert "create" not in told and "change  " not in told


def test_nothing_to_change_needs_no_answer(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    assert "nothing to change" in run("enable-logging").out


def test_a_bucket_that_it_makes_is_closed_and_forgets(run: Run, use: Use) -> None:
    use()
    run(*ENABLE, "--bucket", f"{BUCKET}/claude")
    found = made.bucket(BUCKET)
    assert found["blocked"] is True
    assert found["owner"] == "BucketOwnerEnforced"
    [grant] = found["policy"]
    grant.pop("Sid")
    assert grant == made.bucket_grant(BUCKET, "claude")
    [rule] = found["rules"]
    assert rule["Expiration"] == {"Days": 30}
    assert rule["Filter"] == {"Prefix": f"claude/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/"}
    config = made.config() or {}
    assert config["s3Config"] == {"bucketName": BUCKET, "keyPrefix": "claude"}
    assert "cloudWatchConfig" not in config
    assert made.group() is None and made.role() is None


def test_a_bucket_outside_us_east_1_is_made_there(run: Run, use: Use) -> None:
    use()
    run(*ENABLE, "--bucket", "logs-{account}-{region}", "--region", "eu-west-1")
    assert made.bucket(f"logs-{ACCOUNT}-eu-west-1", "eu-west-1")["region"] == "eu-west-1"


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


@pytest.mark.parametrize(
    "there, asked, kept",
    [(7, "30", 30), (365, "30", 365), (None, "90", None), (30, "90", 90)],
)
def test_a_retention_is_raised_and_never_lowered(
    run: Run, use: Use, there: int | None, asked: str, kept: int | None
) -> None:
    """A group without retention never expires, which is longest."""
    use()
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    if there:
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=there)
    run(*ENABLE, "--retention-days", asked)
    assert (made.group() or {})["retention"] == kept


def test_a_lifecycle_is_raised_and_never_lowered(run: Run, use: Use) -> None:
    use()
    run(*ENABLE, "--bucket", BUCKET, "--retention-days", "60")
    run(*ENABLE, "--bucket", BUCKET, "--retention-days", "30")
    assert made.bucket(BUCKET)["rules"][0]["Expiration"] == {"Days": 60}
    run(*ENABLE, "--bucket", BUCKET, "--retention-days", "90")
    [rule] = made.bucket(BUCKET)["rules"]
    assert rule["Expiration"] == {"Days": 90}


def test_a_short_retention_has_to_be_allowed(run: Run, use: Use) -> None:
    server = use()
    short = (*ENABLE, "--retention-days", "14")
    assert "--allow-short-retention" in run(*short, code=2).err
    assert changed(server) == []
    run(*short, "--allow-short-retention")
    assert (made.group() or {})["retention"] == 14


def test_two_regions_in_one_run_have_a_role_each(run: Run, use: Use) -> None:
    use()
    run(*ENABLE, "--region", "us-east-1", "--region", "eu-west-1")
    assert_both_deliver(run)


def test_two_regions_in_two_runs_have_a_role_each(run: Run, use: Use) -> None:
    use()
    run(*ENABLE, "--region", "us-east-1")
    run(*ENABLE, "--region", "eu-west-1")
    assert_both_deliver(run)


def assert_both_deliver(run: Run) -> None:
    for region in ("us-east-1", "eu-west-1"):
        found = made.role(made.role_name(region)) or {}
        assert found["trust"] == [made.trust(region)]
        assert found["policies"] == {made.role_name(region): made.stream_policy(region)}
    run("logs", "status", "--check", "--region", "us-east-1", "--region", "eu-west-1")
    told = run(*ENABLE, "--verify", "--region", "us-east-1", "--region", "eu-west-1").out
    assert told.count("arrived in log group") == 2


def test_one_role_for_two_regions_trusts_both(run: Run, use: Use) -> None:
    use()
    for region in ("us-east-1", "eu-west-1"):
        run(*ENABLE, "--role", "shared", "--region", region)
    found = made.role("shared") or {}
    assert found["trust"] == [made.trust("us-east-1"), made.trust("eu-west-1")]
    assert len(found["policies"]) == 2
    run("logs", "status", "--check", "--region", "us-east-1", "--region", "eu-west-1")


@pytest.mark.parametrize("flag", ["--bucket", "--large-data-bucket"])
def test_one_bucket_cannot_serve_two_regions(run: Run, use: Use, flag: str) -> None:
    server = use()
    regions = ("--region", "us-east-1", "--region", "eu-west-1")
    assert "{region}" in run(*ENABLE, flag, BUCKET, *regions, code=2).err
    assert changed(server) == []
    run(*ENABLE, flag, "logs-{region}", *regions)
    assert made.bucket("logs-eu-west-1", "eu-west-1")["blocked"] is True


@pytest.mark.parametrize(
    "flags",
    [
        ("--log-group", "a b"),
        ("--log-group", "aws/mine"),
        ("--log-group", "x" * 513),
        ("--log-group", "{user}"),
        ("--bucket", "No-Capitals"),
        ("--bucket", "ab"),
        ("--bucket", "a..b"),
        ("--bucket", "10.0.0.1"),
        ("--bucket", "xn--logs"),
        ("--bucket", "logs-s3alias"),
        ("--bucket", "logs/" + "x" * 1025),
        ("--role", "a role"),
        ("--role", "r" * 65),
        ("--role", "arn:aws:iam::111122223333:role/x"),
        ("--kms-key", "alias/mine"),
        ("--kms-key", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"),
        ("--retention-days", "45"),
    ],
    ids=lambda flags: " ".join(flags)[:40],
)
def test_a_name_that_aws_would_refuse_is_refused_first(
    run: Run, use: Use, flags: tuple[str, ...]
) -> None:
    server = use()
    run(*ENABLE, *flags, code=2)
    assert changed(server) == []


def test_dry_run_shows_the_plan_and_changes_nothing(run: Run, use: Use) -> None:
    server = use()
    told = run("enable-logging", "--dry-run", "--json").out
    [region] = json.loads(told)["regions"]
    assert [step["kind"] for step in region["steps"]] == ["create"] * 5
    assert json.loads(told)["changed"] is False
    shown = run("enable-logging", "--dry-run").out
    assert f"create    log group {GROUP}" in shown
    assert "not kept  bodies above 100 KB and binary data" in shown
    assert "bedrock-mantle, and batch" in shown
    assert "30 days" in shown and "neither\nAWS nor Anthropic" in shown
    assert changed(server) == []


def test_nobody_to_ask_prints_the_plan_and_is_exit_2(run: Run, use: Use) -> None:
    server = use()
    result = run("enable-logging", code=2)
    assert f"create    log group {GROUP}" in result.out
    assert "nothing was changed" in result.err and "--yes" in result.err
    assert changed(server) == []


def test_what_takes_away_needs_replace_as_well(run: Run, use: Use) -> None:
    server = use()
    run(*ENABLE)
    server.requests.clear()
    for flags in (("--log-group", "/other"), ("--no-images",), ("--role", "another")):
        result = run(*ENABLE, *flags, code=2)
        assert "(takes away or redirects: with --replace only)" in result.out
        assert "--replace" in result.err and "nothing was changed" in result.err
    assert changed(server) == []
    run(*ENABLE, "--no-images", "--replace")
    assert (made.config() or {})["imageDataDeliveryEnabled"] is False
    told = run(*ENABLE, "--images").out  # widening again needs no --replace
    assert "image" in told and "--replace" not in told


def test_what_no_flag_names_stays_as_it_is(run: Run, use: Use) -> None:
    use()
    run(*ENABLE, "--no-video")
    run(*ENABLE, "--bucket", BUCKET)
    config = made.config() or {}
    assert config["videoDataDeliveryEnabled"] is False
    assert config["cloudWatchConfig"]["logGroupName"] == GROUP
    assert config["s3Config"]["bucketName"] == BUCKET


def test_a_moved_log_group_stays_allowed_until_the_configuration_has_changed(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    run(*ENABLE)
    seen: list[Any] = []
    put = invocation_logging.write

    def spy(bedrock: Any, wanted: Any) -> None:
        seen.append((made.role() or {})["policies"][made.role_name()]["Statement"])
        put(bedrock, wanted)

    monkeypatch.setattr(invocation_logging, "write", spy)
    run(*ENABLE, "--log-group", "/other", "--replace")
    old, new = made.stream_policy()["Statement"], made.stream_policy(group="/other")["Statement"]
    assert seen == [[*old, *new]]
    assert (made.role() or {})["policies"][made.role_name()]["Statement"] == new
    assert "nothing to change" in run(*ENABLE).out


def test_print_policy_is_what_it_would_make(run: Run, use: Use) -> None:
    server = use()
    told = json.loads(run("enable-logging", "--print-policy", "--json").out)["policies"]
    documents = list(told["us-east-1"].values())
    assert documents[0]["Statement"] == [made.trust()]
    assert documents[1] == made.stream_policy()
    shown = run("enable-logging", "--print-policy", "--bucket", BUCKET).out
    assert f"policy of bucket {BUCKET}" in shown
    assert {each["operation"] for each in server.requests} == {"GetCallerIdentity"}


def test_a_key_comes_with_advice_for_its_policy(run: Run, use: Use) -> None:
    use()
    key = "12345678-1234-1234-1234-123456789012"
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"
    told = run(*ENABLE, "--kms-key", key).out
    assert "the policy of the KMS key has to allow this use" in told
    assert (made.group() or {})["key"] == arn
    shown = run("enable-logging", "--print-policy", "--kms-key", key).out
    assert "logs.us-east-1.amazonaws.com" in shown


def test_verify_shows_the_record_of_one_billed_call(run: Run, use: Use) -> None:
    server = use()
    result = run(*ENABLE, "--verify")
    assert "which is billed" in result.err
    [call] = [each for each in server.requests if (each["operation"] or "").startswith("Invoke")]
    assert f"record {call['request_id']} arrived in log group {GROUP}" in result.out
    verified = json.loads(run(*ENABLE, "--verify", "--json").out)["regions"][0]["verified"]
    assert verified[0]["identity"] == f"arn:aws:iam::{ACCOUNT}:user/sandbox"


def test_verify_looks_into_every_destination(run: Run, use: Use) -> None:
    use()
    told = run(*BOTH, "--verify").out
    assert "arrived in log group" in told and f"arrived in bucket {BUCKET}" in told


def test_verify_gives_up_with_exit_8(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use({"when": {"operation": "FilterLogEvents"}, "empty": True})
    monkeypatch.setattr("bedrock_claude_cli.bedrock.logging_proof.LIMIT", 0.0)
    result = run(*ENABLE, "--verify", code=8)
    assert "no record of request" in result.err and "logs show" in result.err
    assert made.config() is not None


# Every action without which nothing can be planned, and every one that a change needs.
NEEDED = [
    "bedrock:GetModelInvocationLoggingConfiguration",
    "logs:DescribeLogGroups",
    "iam:GetRole",
    "s3:GetBucketLocation",
    "logs:CreateLogGroup",
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


def assert_whole(run: Run) -> None:
    """Group, role and bucket are as one run without any trouble leaves them."""
    assert made.group() == {"retention": 30, "key": None, "tags": {}}
    found = made.role() or {}
    assert found["trust"] == [made.trust()]
    assert found["policies"] == {made.role_name(): made.stream_policy()}
    there = made.bucket(BUCKET)
    assert there["blocked"] and there["owner"] == "BucketOwnerEnforced"
    assert len(there["policy"]) == 1 and len(there["rules"]) == 1
    config = made.config() or {}
    assert "cloudWatchConfig" in config and "s3Config" in config
    run("logs", "status", "--check")


@pytest.mark.parametrize("calls", range(1, 11))
def test_killed_after_any_change_it_goes_on(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    use()
    real = botocore.client.BaseClient._make_api_call
    count = 0

    def killed(self: Any, operation: str, arguments: Any) -> Any:
        nonlocal count
        answer = real(self, operation, arguments)
        if not operation.startswith(READING):
            count += 1
            if count == calls:
                raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", killed)
        run(*BOTH, code=130)
    run(*BOTH)
    assert_whole(run)


def test_there_are_no_more_changes_than_those_ten(run: Run, use: Use) -> None:
    server = use()
    run(*BOTH)
    assert len(changed(server)) == 10


def test_somebody_elses_configuration_in_the_meantime_is_left_alone(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    real = botocore.client.BaseClient._make_api_call

    def other(self: Any, operation: str, arguments: Any) -> Any:
        answer = real(self, operation, arguments)
        if operation == "PutRolePolicy" and not made.config():
            with monkeypatch.context() as patch:
                patch.setattr(botocore.client.BaseClient, "_make_api_call", real)
                theirs = {
                    "logGroupName": GROUP,
                    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{made.role_name()}",
                }
                boto3.client("bedrock").put_model_invocation_logging_configuration(
                    loggingConfig={"cloudWatchConfig": theirs, "videoDataDeliveryEnabled": False}
                )
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", other)
    assert "somebody else" in run(*ENABLE, code=1).err
    assert (made.config() or {})["videoDataDeliveryEnabled"] is False


def test_two_people_at_once_end_with_the_same(run: Run, use: Use) -> None:
    """Whatever the other one made between our look and our change counts as done."""
    use()
    real = botocore.client.BaseClient._make_api_call
    begun = False

    def other(self: Any, operation: str, arguments: Any) -> Any:
        nonlocal begun
        if operation == "CreateLogGroup" and not begun:
            begun = True
            run(*BOTH)
        return real(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", other)
        run(*BOTH)
    assert_whole(run)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


LATE = {
    "when": {"operation": "PutModelInvocationLoggingConfiguration"},
    "error": {"type": "ValidationException"},
}


def test_it_waits_while_iam_becomes_consistent(run: Run, use: Use, waits: list[float]) -> None:
    use({**LATE, "times": 3})
    result = run(*ENABLE)
    assert waits == [2, 4, 8]
    assert "waiting 8 s" in result.err
    assert made.config() is not None


def test_it_stops_waiting_after_two_minutes(run: Run, use: Use, waits: list[float]) -> None:
    use(LATE)
    result = run(*ENABLE, code=6)
    assert 100 <= sum(waits) <= 130
    assert "Failed to validate permissions" in result.err
    assert "done: create log group" in result.err


def test_another_refusal_is_not_waited_for(run: Run, use: Use, waits: list[float]) -> None:
    use({**LATE, "error": {"type": "ValidationException", "message": "Something else."}})
    run(*ENABLE, code=6)
    assert waits == []


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


@pytest.mark.parametrize(
    "operation",
    ["GetModelInvocationLoggingConfiguration", "DescribeLogGroups", "CreateLogGroup", "GetRole",
     "CreateRole", "PutRolePolicy", "CreateBucket", "PutBucketPolicy",
     "PutModelInvocationLoggingConfiguration"],
)  # fmt: skip
def test_throttling_is_waited_out_and_then_told(
    run: Run, use: Use, waits: list[float], operation: str
) -> None:
    rule = {"when": {"operation": operation}, "error": {"type": "ThrottlingException"}}
    use({**rule, "times": 3})
    result = run(*BOTH, code=7)
    assert "--retries" not in result.err
    run(*BOTH)
    assert_whole(run)


def test_one_region_of_two_that_fails_is_exit_9(run: Run, use: Use) -> None:
    use({"deny": "logs:CreateLogGroup", "when": {"region": "eu-west-1"}})
    regions = ("--region", "eu-west-1", "--region", "us-east-1")
    result = run(*ENABLE, *regions, code=9)
    assert "eu-west-1: create log group" in result.err
    assert "us-east-1: calls are logged" in result.out
    assert made.config("us-east-1") and not made.config("eu-west-1")


def test_a_failure_with_json_is_a_whole_report(run: Run, use: Use) -> None:
    use({"deny": "iam:CreateRole"})
    told = json.loads(run(*ENABLE, "--json", code=5).out)
    [region] = told["regions"]
    assert region["error"]["exit_code"] == 5 and "iam:CreateRole" in region["error"]["message"]
    assert len(region["done"]) == 2 and len(region["left"]) == 3
    assert told["changed"] is True


def test_not_signed_in_is_exit_4(run: Run) -> None:
    assert run(*ENABLE, "--region", "us-east-1", code=4).err.startswith("error: Unable to locate")


def test_a_region_has_to_be_named(run: Run, use: Use) -> None:
    use()
    env = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    assert "no region" in run(*ENABLE, code=3, env=env).err


def test_a_region_of_another_partition_is_refused(run: Run, use: Use) -> None:
    use()
    assert "aws-cn" in run(*ENABLE, "--region", "us-east-1", "--region", "cn-north-1", code=3).err


def test_help_names_the_defaults(run: Run) -> None:
    shown = run("enable-logging", "--help").out
    assert GROUP in shown and "BedrockInvocationLogging-{region}" in shown
