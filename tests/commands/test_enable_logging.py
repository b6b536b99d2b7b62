"""`enable-logging` by the front door; what it made is read back with boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from bedrock_claude_cli.bedrock import invocation_logging
from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, BOTH, BUCKET, ENABLE, GROUP, changed

Use = Callable[..., Sandbox]
ON = ("text", "image", "embedding", "video", "audio")


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
