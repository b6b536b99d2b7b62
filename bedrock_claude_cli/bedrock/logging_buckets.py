"""What a bucket needs so that Bedrock delivers into it, as steps."""

from __future__ import annotations

from collections.abc import Iterator

from bedrock_claude_cli.bedrock import logging_policies as policies
from bedrock_claude_cli.bedrock import logging_steps as steps
from bedrock_claude_cli.bedrock.logging_blocks import bucket_blocks
from bedrock_claude_cli.bedrock.logging_lifecycle import expiry_steps
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logging_settings import Desired
from bedrock_claude_cli.bedrock.logging_state import Bucket, Denied
from bedrock_claude_cli.bedrock.logging_step import Step, unknown


def bucket_steps(
    place: Place,
    desired: Desired,
    name: str,
    prefixes: tuple[str, ...],
    found: Bucket | Denied | None,
) -> Iterator[Step]:
    """Everything about one bucket; of one that is there only policy and lifecycle are merged."""
    arn = f"arn:{place.partition}:s3:::{name}"
    if isinstance(found, Denied):
        yield Step(
            "unknown",
            f"bucket {name}: AWS does not show it: it belongs to another account, or IAM does not "
            f"allow {found.action}",
            hint=f"choose a bucket of account {place.account}, or: {unknown('', found).hint}",
            actions=(found.action,),
            resource=found.resource,
        )
        return
    if found and found.region != place.region:
        yield Step(
            "impossible",
            f"bucket {name} is in {found.region}, and Bedrock delivers within {place.region} only",
            hint="choose a bucket in the same region",
        )
        return
    yield from _itself(desired, name, found, arn)
    yield from _policy(place, name, prefixes, found, arn)
    for prefix in prefixes:
        yield from expiry_steps(place, desired.retention_days, name, prefix, found)


def _itself(desired: Desired, name: str, found: Bucket | None, arn: str) -> Iterator[Step]:
    if found is None:
        yield Step(
            "create",
            f"bucket {name}, owner-enforced (no access control lists)",
            actions=("s3:CreateBucket", "s3:PutBucketOwnershipControls"),
            resource=arn,
            apply=steps.plain(steps.create_bucket(name)),
        )
    else:
        yield Step("in-place", f"bucket {name}")
    if found and not _just_made(found):
        yield from _reported(desired, name, found)
        return
    if found and found.public_blocked:
        yield Step("in-place", f"public access to bucket {name} blocked")
    else:
        yield Step(
            "create",
            f"public access to bucket {name} blocked",
            actions=("s3:PutBucketPublicAccessBlock",),
            resource=arn,
            apply=steps.plain(steps.block_public_access(name)),
        )
    if desired.kms_key and not (found and found.encryption == desired.kms_key):
        yield Step(
            "create",
            f"bucket {name} encrypted with {desired.kms_key}",
            actions=("s3:PutEncryptionConfiguration",),
            resource=arn,
            apply=steps.plain(steps.encrypt_bucket(name, desired.kms_key)),
        )


def _just_made(found: Bucket) -> bool:
    """Whether a bucket is as an interrupted run leaves it: nothing in it, nothing set."""
    return bool(found.owner_enforced and found.empty) and not (found.policy or found.rules)


def _reported(desired: Desired, name: str, found: Bucket) -> Iterator[Step]:
    if found.public_blocked:
        yield Step("in-place", f"public access to bucket {name} blocked")
    elif found.public_blocked is False:
        yield Step(
            "reported",
            f"bucket {name} does not block public access",
            hint=f"`aws s3api put-public-access-block --bucket {name} "
            "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
            "BlockPublicPolicy=true,RestrictPublicBuckets=true`",
        )
    if found.owner_enforced is False:
        yield Step(
            "reported",
            f"bucket {name} allows access control lists, and Bedrock needs them switched off",
            hint=f"`aws s3api put-bucket-ownership-controls --bucket {name} "
            "--ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'`",
        )
    if desired.kms_key and found.encryption is not None and found.encryption != desired.kms_key:
        yield Step(
            "reported",
            f"bucket {name} is encrypted with {found.encryption or 'no key'}, not with "
            f"{desired.kms_key}",
            hint="its owner sets the default encryption",
        )


def _policy(
    place: Place, name: str, prefixes: tuple[str, ...], found: Bucket | None, arn: str
) -> Iterator[Step]:
    there = found.policy if found else None
    if isinstance(there, Denied):
        yield unknown(f"policy of bucket {name}", there)
        return
    if there:
        yield from bucket_blocks(place, name, prefixes, there)
    joined = there
    for prefix in prefixes:
        statement = policies.bucket_statement(place, name, prefix)
        what = f"policy of bucket {name}: Bedrock may write to {place.folder(prefix)}*"
        if policies.has(joined, statement):
            yield Step("in-place", what)
            continue
        before, after = policies.told(joined, statement)
        yield Step(
            "change" if joined else "create",
            what,
            before=before if joined else None,
            after=after if joined else None,
            lack=f"the policy of bucket {name} lacks the statement that lets Bedrock write to "
            f"{place.folder(prefix)}*",
            actions=("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
            resource=arn,
            apply=steps.plain(steps.bucket_policy(name, statement)),
        )
        joined = policies.merged(joined, statement)
    if joined != there and policies.size(joined or {}) > policies.MAX_BUCKET_POLICY:
        yield Step(
            "impossible",
            f"the policy of bucket {name} would have {policies.size(joined or {})} bytes, and S3 "
            f"takes at most {policies.MAX_BUCKET_POLICY}",
            hint="take statements out of it, or choose another bucket",
        )
