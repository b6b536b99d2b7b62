"""Every action that logging's commands need, denied in turn: it is named, with a valid policy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from bedrock_claude_cli.sandbox.rules import Rules
from bedrock_claude_cli.sandbox.services import S3_ACTIONS
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, GROUP

Use = Callable[..., Sandbox]
BUCKET = "logs-of-000000000000"
KEY = "12345678-1234-1234-1234-123456789012"
ENABLE = ("enable-logging", "--yes")
BOTH = (*ENABLE, "--log-group", GROUP, "--bucket", f"{BUCKET}/claude", "--kms-key", KEY)

# What a resource of each service looks like in a policy that grants an action on it.
ARNS = {
    "bedrock": r"\*",
    "iam": rf"arn:aws:iam::{ACCOUNT}:role/[\w+=,.@/-]+",
    "kms": rf"arn:aws:kms:us-east-1:{ACCOUNT}:key/[0-9a-f-]{{36}}",
    "logs": rf"\*|arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"
    r"(\*|[.\-_/#A-Za-z0-9]+(:\*|:log-stream:[^\s:*]*)?)",
    "s3": rf"arn:aws:s3:::{BUCKET}",
    "s3:GetObject": rf"arn:aws:s3:::{BUCKET}(/claude)?"
    rf"/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/\*",
}
# In the order in which a run comes to them, so that each run gets a step further.
CHANGES = [
    "logs:CreateLogGroup",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:UntagResource",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "s3:CreateBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "bedrock:PutModelInvocationLoggingConfiguration",
    "iam:PassRole",
]
LOOKS = [
    "bedrock:GetModelInvocationLoggingConfiguration",
    "logs:DescribeLogGroups",
    "iam:GetRole",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "s3:GetBucketLocation",
    "s3:GetBucketPolicy",
    "s3:GetLifecycleConfiguration",
]
COURTESY = [
    "iam:ListAttachedRolePolicies",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:ListBucket",
]
READING = {
    "bedrock:GetModelInvocationLoggingConfiguration": ["usage", "logs tail", "logs show x"],
    "logs:FilterLogEvents": ["logs tail", "logs search hi", "logs show x"],
    "logs:StartQuery": ["usage"],
    "logs:GetQueryResults": ["usage"],
}
READING_S3 = {
    "s3:ListBucket": ["usage", "logs tail"],
    "s3:GetObject": ["usage", "logs tail", "logs search hi", "logs show x"],
}


def deny(server: Sandbox, *actions: str) -> None:
    """From now on these actions are denied, and no others."""
    server._rules = Rules([{"deny": action} for action in actions])


def proposed(text: str) -> Iterator[tuple[str, str]]:
    """Every action and resource of the policies in a message, which have to be JSON."""
    for match in re.finditer(r'\[?\{"Effect"', text):
        found, _ = json.JSONDecoder().raw_decode(text[match.start() :])
        for each in found if isinstance(found, list) else [found]:
            actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
            assert each["Effect"] == "Allow"
            yield from ((action, each["Resource"]) for action in actions)


def assert_told(action: str, text: str) -> None:
    """The message names the action, and proposes to allow it on a resource that can have it."""
    assert action in text
    found = dict(proposed(text))
    assert action in found, text
    shape = ARNS.get(action) or ARNS[action.partition(":")[0]]
    assert re.fullmatch(shape, found[action]), found[action]
    assert "docs/" not in text
    assert action != "logs:DescribeLogGroups" or found[action] == "*"
    assert "Traceback" not in text


def test_every_change_that_is_denied(run: Run, use: Use) -> None:
    server = use()
    for action in CHANGES:
        deny(server, action)
        assert_told(action, run(*BOTH, code=5).err)
    deny(server)
    run(*BOTH)


@pytest.mark.parametrize(
    ("action", "flags"),
    [
        ("logs:AssociateKmsKey", ("--kms-key", KEY)),
        ("iam:UpdateAssumeRolePolicy", ()),
        ("bedrock:DeleteModelInvocationLoggingConfiguration", None),
    ],
)
def test_changes_of_what_is_there(
    run: Run, use: Use, action: str, flags: tuple[str, ...] | None
) -> None:
    server = use()
    run(*ENABLE)
    trust = {**made.trust("eu-west-1")}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    boto3.client("iam").update_assume_role_policy(
        RoleName=made.role_name(), PolicyDocument=document
    )
    deny(server, action)
    line = ("logs", "disable", "--yes") if flags is None else (*ENABLE, *flags)
    assert_told(action, run(*line, code=5).err)


def test_every_look_that_is_denied(run: Run, use: Use) -> None:
    """`logs status` says what it could not see, and is no failure."""
    server = use()
    run(*BOTH)
    for action in LOOKS:
        deny(server, action)
        assert_told(action, run(*BOTH, code=5).err)
        [status] = json.loads(run("logs", "status", "--json").out)
        assert action in str(status["unknown"])
        assert_told(action, f"{action} {status['hint']}")
    deny(server, *LOOKS[1:])
    several = run(*BOTH, code=5).err
    for action in ("logs:DescribeLogGroups", "iam:GetRole", "s3:GetBucketLocation"):
        assert_told(action, several)
    for action in COURTESY:
        deny(server, action)
        run(*BOTH)


def test_every_read_of_a_log_group_that_is_denied(run: Run, use: Use) -> None:
    server = use()
    run(*ENABLE)
    read(run, server, READING)


def test_every_read_of_a_bucket_that_is_denied(run: Run, use: Use) -> None:
    server = use()
    run(*ENABLE, "--bucket", f"{BUCKET}/claude")
    run("ask", "hi")
    read(run, server, READING_S3)


def read(run: Run, server: Sandbox, table: dict[str, list[str]]) -> None:
    for action, lines in table.items():
        deny(server, action)
        for line in lines:
            assert_told(action, run(*line.split(), code=5).err)


def test_a_key_that_may_not_decrypt(run: Run, use: Use) -> None:
    """S3 and CloudWatch Logs pass on what KMS denies."""
    server = use()
    run(*ENABLE, "--bucket", BUCKET)
    run("ask", "hi")
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY}"
    said = (
        f"User: arn:aws:iam::{ACCOUNT}:user/dev is not authorized to perform: kms:Decrypt on "
        f'resource: "{arn}" because no identity-based policy allows the kms:Decrypt action'
    )
    error = {"type": "AccessDenied", "message": said}
    server._rules = Rules([{"when": {"operation": "GetObject"}, "error": error}])
    assert_told("kms:Decrypt", run("logs", "tail", code=5).err)


def test_a_role_that_may_not_be_assumed(run: Run, use: Use, home: Path) -> None:
    server = use()
    (home / ".aws").mkdir()
    role = f"role_arn = arn:aws:iam::{ACCOUNT}:role/ops\ncredential_source = Environment\n"
    (home / ".aws" / "config").write_text(f"[profile ops]\n{role}region = us-east-1\n")
    deny(server, "sts:AssumeRole")
    env = {"AWS_CONFIG_FILE": str(home / ".aws" / "config")}
    for line in (ENABLE, ("usage",), ("logs", "status"), ("logs", "tail")):
        told = run(*line, "--profile", "ops", code=4, env=env).err
        assert "sts:AssumeRole" in told and "trust policy" in told
        assert list(proposed(told)) == []


def test_no_action_was_forgotten(run: Run, use: Use) -> None:
    """What the commands ask of AWS is what is denied above, or best effort."""
    server = use()
    run("ask", "hi")
    server.requests.clear()
    run(*BOTH)
    run(*BOTH, "--retention-days", "60")
    for line in ("logs status", "logs tail", "logs search hi", "usage", "logs disable --yes"):
        run(*line.split())
    run(*ENABLE, "--bucket", BUCKET)
    run("ask", "hi")
    run("logs", "tail", "--bodies")
    asked = {action_of(each) for each in server.requests}
    asked -= {"sts:GetCallerIdentity", "bedrock:InvokeModelWithResponseStream"}
    told = {*CHANGES, *LOOKS, *COURTESY, *READING, *READING_S3, "logs:AssociateKmsKey",
            "iam:UpdateAssumeRolePolicy",
            "bedrock:DeleteModelInvocationLoggingConfiguration"}  # fmt: skip
    assert asked <= told
    # Nothing here changes a key or a role; the others are no operations of their own.
    assert told - asked == {"iam:PassRole", "iam:UpdateAssumeRolePolicy", "logs:AssociateKmsKey",
                            "s3:PutBucketOwnershipControls"}  # fmt: skip


def test_the_documented_policies_grant_every_one_of_them() -> None:
    """The administrator's and the reader's, and nothing that is not needed or explained."""
    text = (Path(__file__).parents[2] / "docs" / "iam.md").read_text("utf-8")
    granted = {}
    for title in ("The administrator of the logs", "The reader of the logs"):
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        policy = json.loads(section.split("```json")[1].split("```")[0])
        granted[title] = {
            action for each in policy["Statement"]
            for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
        }  # fmt: skip
    administrator, reader = granted.values()
    tags = {"logs:TagResource"}  # an action of CreateLogGroup that is no operation here
    changes = {"logs:AssociateKmsKey", "iam:UpdateAssumeRolePolicy",
               "bedrock:DeleteModelInvocationLoggingConfiguration"}  # fmt: skip
    assert administrator == {*CHANGES, *LOOKS, *COURTESY, *changes, *tags}
    assert reader == {*READING, *READING_S3, "logs:StopQuery"}


def action_of(request: dict[str, Any]) -> str:
    """The IAM action of an operation that reached the sandbox."""
    operation = request["operation"]
    if request["service"] == "s3":
        return f"s3:{S3_ACTIONS[operation]}"
    return f"{request['service']}:{operation}"


def test_a_log_group_with_tags_takes_an_action_of_its_own(run: Run, use: Use) -> None:
    """CloudWatch Logs' words for it name no ARN, and the action last."""
    said = (
        f"User with accountId: {ACCOUNT} is not authorized to perform CreateLogGroup with Tags. "
        'An additional permission "logs:TagResource" is required.'
    )
    error = {"type": "AccessDeniedException", "message": said}
    use({"when": {"operation": "CreateLogGroup"}, "error": error})
    assert_told("logs:TagResource", run(*ENABLE, code=5).err)


def mends(run: Run) -> str:
    """The hint of `logs status`."""
    return str(json.loads(run("logs", "status", "--json").out)[0]["hint"])


def open_trust(*more: dict[str, Any]) -> None:
    """Let Bedrock assume the role on behalf of any account."""
    anybody = {key: value for key, value in made.trust().items() if key != "Condition"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**anybody, "Sid": "x"}, *more]})
    boto3.client("iam").update_assume_role_policy(
        RoleName=made.role_name(), PolicyDocument=document
    )


def test_what_is_only_reported_is_not_said_to_be_mended(run: Run, use: Use) -> None:
    use()
    run(*ENABLE)
    open_trust(made.trust())
    assert "mends" not in mends(run) and "aws:SourceAccount" in mends(run)
    boto3.client("logs").delete_retention_policy(logGroupName=GROUP)
    boto3.client("iam").delete_role_policy(RoleName=made.role_name(), PolicyName=made.role_name())
    told = mends(run)
    assert "mends 1 of 2, not what it only reports" in told and "aws:SourceAccount" in told
    boto3.client("iam").update_assume_role_policy(
        RoleName=made.role_name(),
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [made.trust()]}),
    )
    assert mends(run) == "`bedrock-claude enable-logging --region us-east-1` mends it"
    run(*ENABLE)
    assert mends(run) == "None"


def test_what_stands_in_the_way_comes_before_what_would_be_mended(run: Run, use: Use) -> None:
    """enable-logging changes nothing where anything is not known."""
    server = use()
    run(*ENABLE, "--log-group", GROUP, "--bucket", BUCKET)
    boto3.client("s3").delete_bucket_policy(Bucket=BUCKET)
    assert "mends it" in mends(run)
    deny(server, "iam:GetRole")
    assert "mends" not in mends(run)
    assert_told("iam:GetRole", f"iam:GetRole {mends(run)}")


@pytest.mark.parametrize("line", ["usage", "logs tail", "logs show x", "logs status"])
def test_where_logging_is_off_the_hint_names_the_region(run: Run, use: Use, line: str) -> None:
    use()
    code = 0 if line == "logs status" else 6
    told = run(*line.split(), "--region", "eu-west-1", code=code).err
    assert "`bedrock-claude enable-logging --region eu-west-1` switches it on" in told


@pytest.mark.parametrize(
    ("action", "line", "code"),
    [
        ("iam:CreateRole", ENABLE, 5),
        ("iam:GetRole", ENABLE, 5),
        ("bedrock:GetModelInvocationLoggingConfiguration", ("logs", "status"), 0),
        ("bedrock:GetUseCaseForModelAccess", ("access", "check"), 0),
    ],
)
def test_a_deny_is_not_answered_with_an_allow(
    run: Run, use: Use, action: str, line: tuple[str, ...], code: int
) -> None:
    text = (
        f"User: arn:aws:iam::{ACCOUNT}:user/x is not authorized to perform: {action} on resource: "
        "* with an explicit deny in a permissions boundary"
    )
    refused = {"type": "AccessDeniedException", "message": text}
    use({"when": {"operation": action.partition(":")[2]}, "error": refused})
    err = run(*line, code=code).err
    assert f"a permissions boundary denies {action}" in err
    assert "an administrator of the account has to lift" in err and '"Allow"' not in err
    bounded = text.partition(" with")[0] + f" because no session policy allows the {action} action"
    use({"when": {"operation": action.partition(":")[2]}, "error": refused | {"message": bounded}})
    err = run(*line, code=code).err
    assert f"no session policy allows {action}" in err and "whoever starts the session" in err
    assert f'"Action": "{action}"' in err
