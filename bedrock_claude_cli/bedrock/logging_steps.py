"""The changes that enable logging, each a function that may run again after any interruption.

What is merged is read again just before it is written, so that a plan that was looked at for a
while overwrites nothing that came in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from bedrock_claude_cli.bedrock import invocation_logging, logging_policies
from bedrock_claude_cli.bedrock.invocation_logging import Configured
from bedrock_claude_cli.bedrock.logging_policies import Document
from bedrock_claude_cli.bedrock.logging_state import (
    UNFINISHED,
    Group,
    Target,
    fault_name,
    find_group,
    read_policy,
)
from bedrock_claude_cli.errors import CliError, RejectedError

# Two minutes in all: IAM takes a new role's word that long at most, as a rule.
WAITS = (2, 4, 8, 15, 30, 30, 30)
NOT_YET = "failed to validate permissions"
Change = Callable[[Target], None]
Say = Callable[[str], None]


def _tolerant(call: Callable[[], Any], *known: str) -> bool:
    """Make a call; false where it is done already, by an earlier run or by somebody else."""
    try:
        call()
    except Exception as error:
        if fault_name(error) not in known:
            raise
        return False
    return True


def create_group(name: str, days: int, kms_key: str | None) -> Change:
    """Make the log group; a tag tells until its retention is set that this is still to come."""

    def apply(target: Target) -> None:
        key = {"kmsKeyId": kms_key} if kms_key else {}
        tags = {UNFINISHED: str(days)}
        _tolerant(
            lambda: target.client("logs").create_log_group(logGroupName=name, tags=tags, **key),
            "ResourceAlreadyExistsException",
        )

    return apply


def set_retention(name: str, days: int, *, finish: bool) -> Change:
    """Raise a retention; one that is longer by now stays.

    With `finish` it is that of a group which this tool has made, as the group's tag tells.
    """

    def apply(target: Target) -> None:
        logs, arn = target.client("logs"), target.place.group_arn(name)
        found = find_group(target, name)
        there = found.retention_days if isinstance(found, Group) else None
        tags = logs.list_tags_for_resource(resourceArn=arn)["tags"] if finish else {}
        if UNFINISHED in tags if there is None else there < days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        if UNFINISHED in tags:
            logs.untag_resource(resourceArn=arn, tagKeys=[UNFINISHED])

    return apply


def set_key(name: str, kms_key: str) -> Change:
    """Encrypt what is logged from now on with this key."""

    def apply(target: Target) -> None:
        target.client("logs").associate_kms_key(logGroupName=name, kmsKeyId=kms_key)

    return apply


def create_role(
    path: str, statement: Document, purpose: str = "Lets Amazon Bedrock write its invocation logs"
) -> Change:
    """Make the role with its trust policy; one that somebody made meanwhile is joined."""

    def apply(target: Target) -> None:
        folder, _, name = path.rpartition("/")
        made = _tolerant(
            lambda: target.client("iam").create_role(
                RoleName=name,
                Path=f"/{folder}/" if folder else "/",
                AssumeRolePolicyDocument=logging_policies.text(
                    logging_policies.document(statement)
                ),
                Description=purpose,
            ),
            "EntityAlreadyExists",
            "EntityAlreadyExistsException",
        )
        if not made:
            trust(path, statement)(target)

    return apply


def trust(path: str, statement: Document) -> Change:
    """Add the statement to the role's trust policy."""

    def apply(target: Target) -> None:
        iam, name = target.client("iam"), path.rsplit("/", 1)[-1]
        there = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        joined = logging_policies.merged(there, statement)
        if joined != there:
            iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=logging_policies.text(joined)
            )

    return apply


def role_policy(path: str, policy_name: str, policy: Document) -> Change:
    """Put the role's inline policy of this name; others stay."""

    def apply(target: Target) -> None:
        target.client("iam").put_role_policy(
            RoleName=path.rsplit("/", 1)[-1],
            PolicyName=policy_name,
            PolicyDocument=logging_policies.text(policy),
        )

    return apply


def create_bucket(name: str) -> Change:
    """Make the bucket, without access control lists from the start."""

    def apply(target: Target) -> None:
        region = target.place.region
        # us-east-1 is where S3 makes buckets unless told otherwise, and it refuses to be told so.
        where: dict[str, Any] = (
            {}
            if region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        try:
            _tolerant(
                lambda: target.client("s3").create_bucket(
                    Bucket=name, ObjectOwnership="BucketOwnerEnforced", **where
                ),
                "BucketAlreadyOwnedByYou",
            )
        except Exception as error:
            if fault_name(error) != "BucketAlreadyExists":
                raise
            raise RejectedError(
                f"bucket {name} belongs to another account",
                hint="bucket names are unique in all of AWS: choose another",
            ) from error

    return apply


def block_public_access(name: str) -> Change:
    """Block every kind of public access to the bucket."""
    blocked = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )

    def apply(target: Target) -> None:
        target.client("s3").put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration=blocked,
            ExpectedBucketOwner=target.place.account,
        )

    return apply


def encrypt_bucket(name: str, kms_key: str) -> Change:
    """Encrypt new objects with this key."""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}

    def apply(target: Target) -> None:
        target.client("s3").put_bucket_encryption(
            Bucket=name,
            ServerSideEncryptionConfiguration={"Rules": [rule]},
            ExpectedBucketOwner=target.place.account,
        )

    return apply


def bucket_policy(name: str, statement: Document) -> Change:
    """Add the statement to the bucket's policy."""

    def apply(target: Target) -> None:
        s3 = target.client("s3")
        there: Document | None = None

        def read() -> None:
            nonlocal there
            there = read_policy(s3, name, target.place)

        _tolerant(read, "NoSuchBucketPolicy")
        s3.put_bucket_policy(
            Bucket=name,
            Policy=logging_policies.text(logging_policies.merged(there, statement)),
            ExpectedBucketOwner=target.place.account,
        )

    return apply


def lifecycle(name: str, joined: Callable[[list[Document]], list[Document]]) -> Change:
    """Put what `joined` makes of the bucket's rules."""

    def apply(target: Target) -> None:
        s3, owner = target.client("s3"), target.place.account
        there: dict[str, Any] = {}

        def read() -> None:
            told = s3.get_bucket_lifecycle_configuration(Bucket=name, ExpectedBucketOwner=owner)
            there.update(told)

        _tolerant(read, "NoSuchLifecycleConfiguration")
        rules = there.get("Rules", [])
        wanted = joined(rules)
        if wanted == rules:
            return
        size = there.get("TransitionDefaultMinimumObjectSize")
        s3.put_bucket_lifecycle_configuration(
            Bucket=name,
            LifecycleConfiguration={"Rules": wanted},
            ExpectedBucketOwner=owner,
            **({"TransitionDefaultMinimumObjectSize": size} if size else {}),
        )

    return apply


def configure(
    before: Configured | None, wanted: Configured, doubts: Sequence[str] = ()
) -> Callable[[Target, Say], None]:
    """Put the configuration, again and again while IAM does not know the role yet.

    `doubts` are what else may make AWS refuse it.
    """

    def apply(target: Target, say: Say) -> None:
        bedrock = target.client("bedrock")
        now = invocation_logging.read(bedrock)
        if now == wanted:
            return
        if now != before:
            raise CliError(
                f"somebody else has changed the logging configuration of {target.place.region} "
                "in the meantime; it was left as it is",
                hint="run it again to see the new plan",
                code="Changed",
            )
        if wanted.log_group and find_group(target, wanted.log_group) is None:
            raise RejectedError(
                f"log group {wanted.log_group} is gone from {target.place.region}",
                hint="run it again: it is made anew",
            )
        _put(bedrock, wanted, doubts, say)

    return apply


def _put(bedrock: Any, wanted: Configured, doubts: Sequence[str], say: Say) -> None:
    why = "; or: ".join(("as IAM takes a while", *doubts))
    for wait in (*WAITS, None):
        try:
            invocation_logging.write(bedrock, wanted)
            return
        except Exception as error:
            if wait is None or NOT_YET not in str(error).lower():
                raise
        say(f"AWS does not accept the role or bucket yet, {why}: waiting {wait} s")
        time.sleep(wait)


def plain(change: Change) -> Callable[[Target, Say], None]:
    """A change that has nothing to say while it is made."""

    def apply(target: Target, say: Say) -> None:
        change(target)

    return apply
