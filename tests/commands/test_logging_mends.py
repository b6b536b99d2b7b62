"""Hints of logging's commands that have to work as they are typed, and errors in one line."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.commands.test_logging_hints import deny, proposed
from tests.conftest import Run
from tests.log_entries import BUCKET as READ
from tests.log_entries import entry, key_of, to_bucket, to_group
from tests.logging_state import ACCOUNT, BOTH, BUCKET, ENABLE, GROUP
from tests.sandbox import logging_world as world

Use = Callable[..., Sandbox]
Page = Callable[[int, str], str]
SPECIAL = set("*?[]{}()<>;&|$!")
PAGE = "<!DOCTYPE html>\n<html>\n<body>\n<h1>Blocked</h1><br>\n" + "<p>Ask the admin.</p>\n" * 99
NO_REGION = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}


def hints(err: str) -> list[str]:
    return [line.removeprefix("hint: ") for line in err.splitlines() if line.startswith("hint: ")]


def commands(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def assert_typed(command: str) -> None:
    """No shell, zsh neither, makes anything else of it than its words."""
    assert shlex.split(command)
    bare = re.sub(r"'[^']*'|\"[^\"$!]*\"", "", command)
    assert not SPECIAL & set(bare), command


@pytest.mark.parametrize(
    "line", ["enable-logging --dry-run", "logs tail --bucket logs-of-x", "usage --log-group g"]
)
def test_without_moto_the_hint_says_how_to_install_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setitem(sys.modules, "moto.moto_server.werkzeug_app", None)
    told = run(*line.split(), "--sandbox", code=6).err
    [hint] = hints(told)
    assert "pip install" not in told.replace(hint, "")
    typed = commands(hint)
    assert "pip install '.[sandbox]'" in typed
    assert "pip install 'bedrock-claude-cli[sandbox]'" in typed
    for each in typed:
        assert_typed(each)


@pytest.mark.parametrize(
    "line",
    ["enable-logging --dry-run", "enable-logging --print-policy", "enable-logging --yes",
     "logs disable"],
)  # fmt: skip
def test_what_refuses_the_default_region_does_not_say_it_is_used(
    run: Run, use: Use, line: str
) -> None:
    server = use()
    told = run(*line.split(), code=3, env=NO_REGION).err
    assert told == "error: no region\nhint: give --region, or set AWS_REGION\n"
    assert server.requests == []
    assert "note: no region is set, using us-east-1" in run("logs", "status").err


def test_what_a_bucket_lacks_is_mended_by_commands_as_they_are_printed(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    s3 = boto3.client("s3")
    s3.put_object(Bucket=BUCKET, Key="x", Body=b"")
    s3.delete_public_access_block(Bucket=BUCKET)
    rules = [{"ObjectOwnership": "ObjectWriter"}]
    s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls={"Rules": rules})
    [status] = json.loads(run("logs", "status", "--check", "--json", code=11).out)
    typed = commands(status["hint"])
    assert len(typed) == 2 and len(status["drift"]) == 2
    for command in typed:
        assert_typed(command)
    assert "Rules=[{ObjectOwnership=BucketOwnerEnforced}]" in shlex.split(typed[1])


@pytest.mark.parametrize("line", ["logs tail", "logs search", "logs show x", "usage"])
@pytest.mark.parametrize("flag", ["--bucket", "--log-group"])
def test_a_named_place_that_is_not_there(run: Run, use: Use, line: str, flag: str) -> None:
    use()
    told = run(*line.split(), flag, "nope", code=6).err
    [hint] = hints(told)
    assert hint.startswith(f"{flag} nope names what is not there in us-east-1")
    assert "us-east-1 from AWS_REGION" in told and "request " in told


@pytest.mark.parametrize("line", ["logs tail", "usage"])
def test_a_configured_place_that_is_gone(run: Run, use: Use, line: str) -> None:
    use()
    run(*ENABLE)
    boto3.client("logs").delete_log_group(logGroupName=GROUP)
    [hint] = hints(run(*line.split(), code=6).err)
    assert "`bedrock-claude logs status --region us-east-1` shows it" in hint


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject"])
def test_usage_without_the_bucket_names_the_policy_to_add(run: Run, use: Use, action: str) -> None:
    server = use()
    world.make_group()
    world.make_bucket(READ)
    world.put({**world.to_group(), "s3Config": {"bucketName": READ}})
    to_bucket(key_of(9, "a.json.gz"), entry("a", ago=9))
    to_group([entry("b")])
    deny(server, action)
    [hint] = hints(run("usage", code=9).err)
    folder = f"/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/*" if "Get" in action else ""
    assert dict(proposed(hint)) == {action: f"arn:aws:s3:::{READ}{folder}"}
    [flags] = commands(hint)
    assert flags == f"--log-group {GROUP}"
    run("usage", *shlex.split(flags))


def test_every_mend_of_a_drift_is_shown(run: Run, use: Use) -> None:
    server = use()
    run(*BOTH)
    deny(server, "iam:GetRole", "s3:GetBucketPolicy")
    [status] = json.loads(run("logs", "status", "--check", "--json", code=11).out)
    told = dict(proposed(status["hint"]))
    assert set(told) == {"iam:GetRole", "s3:GetBucketPolicy"}
    assert isinstance(status["hint"], str)


def trust_of(*statements: object) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [*statements]})
    boto3.client("iam").update_assume_role_policy(
        RoleName=made.role_name(), PolicyDocument=document
    )


def test_a_role_that_bedrock_may_not_assume_is_said_to_be_so(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    somebody = {"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"}}  # fmt: skip
    name = made.role_name()
    for statements in ((somebody,), (made.trust("eu-west-1"), somebody)):
        trust_of(*statements)
        told = run("logs", "status", "--check", code=11).out
        said = f"drift\tBedrock may not assume role {name} for this account and region\n"
        assert said in told
        assert "statement" not in told
    anybody = {key: value for key, value in made.trust().items() if key != "Condition"}
    trust_of(anybody)
    told = run("logs", "status", "--check", code=11).out
    assert f"the trust policy of role {name} lacks the statement for this account" in told
    assert "may not assume" not in told


def test_a_bucket_policy_of_others_is_no_count_of_statements(run: Run, use: Use) -> None:
    use()
    run(*BOTH)
    other = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket",
             "Resource": f"arn:aws:s3:::{BUCKET}"}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    boto3.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=policy)
    told = run("logs", "status", "--check", code=11).out
    assert f"drift\tthe policy of bucket {BUCKET} lacks the statement that lets Bedrock" in told


@pytest.mark.parametrize(
    ("refused", "profile"),
    [
        (f"us-east-1:{ACCOUNT}:inference-profile/global.MODEL",
         f"us-east-1:{ACCOUNT}:inference-profile/global.MODEL"),
        ("us-east-2::foundation-model/MODEL", "*:*:inference-profile/*.MODEL"),
        ("::foundation-model/MODEL", "*:*:inference-profile/*.MODEL"),
    ],
)  # fmt: skip
def test_verify_without_the_model_names_the_statement_to_add(
    run: Run, use: Use, refused: str, profile: str
) -> None:
    model, action = "anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock:InvokeModel"
    said = (
        f"User: arn:aws:iam::{ACCOUNT}:user/dev is not authorized to perform: {action} on "
        f"resource: arn:aws:bedrock:{refused.replace('MODEL', model)} because no identity-based "
        f"policy allows the {action} action"
    )
    error = {"type": "AccessDeniedException", "message": said}
    use({"when": {"operation": "InvokeModel*"}, "error": error})
    [hint] = hints(run(*ENABLE, "--verify", code=5).err)
    found: dict[str, Any] = dict(proposed(hint))
    assert set(found) == {action, f"{action}WithResponseStream"}
    arns = [
        f"arn:aws:bedrock:{profile.replace('MODEL', model)}",
        f"arn:aws:bedrock:*::foundation-model/{model}",
    ]
    assert list(found.values()) == [arns, arns]


def test_verify_under_a_denial_of_the_sandbox(run: Run, use: Use) -> None:
    server = use()
    deny(server, "bedrock:InvokeModel*")
    found = dict(proposed(run(*ENABLE, "--verify", code=5).err))
    assert len(found["bedrock:InvokeModel"]) == 2


@pytest.mark.parametrize("service", ["BEDROCK", "CLOUDWATCH_LOGS", "IAM", "S3", "STS"])
@pytest.mark.parametrize("status", [403, 503])
def test_a_web_page_is_told_in_one_line(
    run: Run, use: Use, web_page: Page, status: int, service: str
) -> None:
    """Where the protocol is XML, its status does not count: nothing could be read."""
    use()
    code = 5 if status == 403 and service in ("BEDROCK", "CLOUDWATCH_LOGS") else 7
    env = {f"AWS_ENDPOINT_URL_{service}": web_page(status, PAGE), "AWS_MAX_ATTEMPTS": "1"}
    result = run(*BOTH, "--dry-run", code=code, env=env)
    told = [line for line in result.err.splitlines() if not line.startswith("note: ")]
    assert [line.partition(":")[0] for line in told] == ["error", "hint"]
    assert told[0].count("Ask the admin") < 3
    assert "something between you and AWS answered" in told[1]


@pytest.mark.parametrize("flag", ["--log-group", "--bucket", "--role", "--kms-key"])
def test_an_empty_name_is_said_to_be_empty(run: Run, use: Use, flag: str) -> None:
    server = use()
    assert run(*ENABLE, flag, "", code=2).err == f"error: {flag} is empty\n"
    assert made.changed(server) == []


@pytest.mark.parametrize("flag", ["--log-group", "--bucket"])
def test_an_empty_place_to_read_is_said_to_be_empty(run: Run, use: Use, flag: str) -> None:
    use()
    assert run("logs", "tail", flag, "", code=2).err == f"error: {flag} is empty\n"
