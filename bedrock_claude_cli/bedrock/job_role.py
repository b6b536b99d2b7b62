"""The role of a batch job with least privilege: what is there, and the steps that are missing.

docs.aws.amazon.com/bedrock, "Create a custom service role for batch inference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from bedrock_claude_cli.bedrock import logging_steps as steps
from bedrock_claude_cli.bedrock.job_manifest import Part
from bedrock_claude_cli.bedrock.logging_policies import (
    BEDROCK,
    Document,
    Place,
    document,
    merged,
    same,
)
from bedrock_claude_cli.bedrock.logging_state import Denied, Target, look
from bedrock_claude_cli.bedrock.logging_step import Step, unknown

_LONGEST = 64  # characters of a role's name
_ABSENT = ("NoSuchEntity", "NoSuchEntityException")
PURPOSE = "Lets Amazon Bedrock run batch inference"


class Wanted(NamedTuple):
    """What the role has to allow: the bucket's folder, and of each model the ARNs behind its id."""

    name: str
    bucket: str
    prefix: str
    models: Mapping[str, Sequence[str]]


def name_for(bucket: str) -> str:
    """The role for a bucket, whose name is the bucket's, cut where it would be too long."""
    name = f"BedrockBatch-{bucket}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{crc32(bucket.encode()):08x}"


def trust_statement(place: Place) -> Document:
    """Bedrock may assume the role for batch jobs of this account and region."""
    return {
        "Sid": "BedrockBatch" + "".join(filter(str.isalnum, place.region)),
        "Effect": "Allow",
        "Principal": {"Service": BEDROCK},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnEquals": {"aws:SourceArn": place.arn("bedrock", "model-invocation-job/*")},
        },
    }


def bucket_policy(place: Place, bucket: str, prefix: str) -> Document:
    """The role may read and write below the prefix, and list the bucket."""
    arn = f"arn:{place.partition}:s3:::{bucket}"
    own = {"StringEquals": {"aws:ResourceAccount": [place.account]}}
    return document(
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn, "Condition": own},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": f"{arn}/{prefix}*",
            "Condition": own,
        },
    )


def needs(part: Part) -> str:
    """What the role of a job has to be allowed, in words."""
    bucket = part.below.partition("/")[0]
    return (
        f"the role needs s3:ListBucket on {bucket}, s3:GetObject and s3:PutObject on {part.below}* "
        "and bedrock:InvokeModel on the model, with its inference profile "
        "(docs/iam.md#the-administrator-of-batch-jobs); `jobs submit` without --role makes one "
        "that has them"
    )


def model_policy(arns: Sequence[str]) -> Document:
    """The role may invoke a model: its inference profile, and every model that this routes to."""
    return document({"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": list(arns)})


def model_arns(bedrock: Any, place: Place, model_id: str) -> list[str]:
    """The ARNs behind an id: an inference profile's own and those of its models."""
    bare = model_id.startswith("anthropic.") or ":foundation-model/" in model_id
    if bare:
        own = f"arn:{place.partition}:bedrock:{place.region}::foundation-model/{model_id}"
        return [model_id if model_id.startswith("arn:") else own]
    found = bedrock.get_inference_profile(inferenceProfileIdentifier=model_id)
    return [found["inferenceProfileArn"], *(each["modelArn"] for each in found["models"])]


def plan(target: Target, wanted: Wanted) -> list[Step]:
    """What the role lacks, and what of it is in place."""
    name, arn = wanted.name, target.place.role_arn(wanted.name)
    iam, trust = target.client("iam"), trust_statement(target.place)
    told = look(Denied("iam:GetRole", arn), lambda: iam.get_role(RoleName=name)["Role"], _ABSENT)
    if isinstance(told, Denied):
        return [unknown(f"role {name}", told)]
    there = told["AssumeRolePolicyDocument"] if told else None
    what = f"role {name}: Bedrock may assume it for batch jobs of this account and region"
    found = [
        Step(
            "create",
            what,
            actions=("iam:CreateRole",),
            resource=arn,
            apply=steps.plain(steps.create_role(name, trust, PURPOSE)),
        )
    ]
    if there is not None:
        found = [Step("in-place", what)]
        if merged(there, trust) != there:
            change = steps.plain(steps.trust(name, trust))
            actions = ("iam:UpdateAssumeRolePolicy",)
            found = [Step("change", what, actions=actions, resource=arn, apply=change)]
    return [*found, *_policies(target, wanted, is_there=there is not None)]


def _policies(target: Target, wanted: Wanted, *, is_there: bool) -> Iterator[Step]:
    """A policy of the bucket's folder and one of each model; those of other jobs stay."""
    place, iam, name = target.place, target.client("iam"), wanted.name
    folder = f"{wanted.bucket}/{wanted.prefix}"
    policies = [
        (
            f"s3-{crc32(folder.encode()):08x}",
            f"read and write s3://{folder}*",
            bucket_policy(place, wanted.bucket, wanted.prefix),
        ),
        *(
            (f"model-{crc32(model.encode()):08x}", f"invoke {model}", model_policy(arns))
            for model, arns in wanted.models.items()
        ),
    ]
    arn = place.role_arn(name)
    for own, what, policy in policies:
        there: Any = None
        if is_there:
            there = look(
                Denied("iam:GetRolePolicy", arn),
                # mypy infers no type for a lambda with a default
                lambda own=own: iam.get_role_policy(RoleName=name, PolicyName=own),  # type: ignore[misc]
                _ABSENT,
            )
        if isinstance(there, Denied):
            yield unknown(f"policy {own} of role {name}", there)
        elif there and same(there["PolicyDocument"], policy):
            yield Step("in-place", f"role {name} may {what}")
        else:
            yield Step(
                "change" if there else "create",
                f"role {name} may {what}",
                actions=("iam:PutRolePolicy",),
                resource=arn,
                apply=steps.plain(steps.role_policy(name, own, policy)),
            )
