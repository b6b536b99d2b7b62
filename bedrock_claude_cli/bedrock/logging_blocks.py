"""Deny statements of others as steps: said before anything is changed, and never removed here."""

from __future__ import annotations

from collections.abc import Iterator

from bedrock_claude_cli.bedrock import logging_denials as denials
from bedrock_claude_cli.bedrock.logging_denials import Denial
from bedrock_claude_cli.bedrock.logging_policies import Document, Place
from bedrock_claude_cli.bedrock.logging_state import Denied, Role
from bedrock_claude_cli.bedrock.logging_step import Step, grant


def role_blocks(place: Place, role: Role, group: str) -> Iterator[Step]:
    """What in a role's own policies keeps Bedrock from assuming it, or it from the log stream."""
    name = role.arn.rsplit("/", 1)[-1]
    for each in denials.denials(role.trust, denials.assume(place)):
        shows = f"`aws iam get-role --role-name {name}` shows it"
        yield _step(f"the trust policy of role {name}", "Bedrock", each, shows)
    attached = {} if isinstance(role.attached, Denied) else role.attached
    stream = denials.log(place, group)
    for title, policy in role.inline.items():
        for each in denials.denials(policy, *stream):
            shows = f"`aws iam get-role-policy --role-name {name} --policy-name {title}` shows it"
            yield _step(f"inline policy {title} of role {name}", "the role", each, shows)
    for arn, policy in attached.items():
        for each in denials.denials(policy, *stream):
            shows = f"`aws iam get-policy --policy-arn {arn}` names its version"
            yield _step(f"policy {arn}, attached to role {name}", "the role", each, shows)
    if isinstance(role.attached, Denied):
        yield Step(
            "unseen",
            f"policies attached to role {name}: not known whether they deny the role its log "
            f"stream, as IAM does not allow {role.attached.action}",
            hint=grant(role.attached),
            actions=(role.attached.action,),
            resource=role.attached.resource,
        )


def bucket_blocks(
    place: Place, bucket: str, prefixes: tuple[str, ...], policy: Document
) -> Iterator[Step]:
    """What in a bucket's policy keeps Bedrock from writing below the prefixes."""
    writes = [denials.put(place, bucket, prefix) for prefix in prefixes]
    shows = f"`aws s3api get-bucket-policy --bucket {bucket}` shows it"
    for each in denials.denials(policy, *writes):
        yield _step(f"the policy of bucket {bucket}", "Bedrock", each, shows)


def _step(where: str, whom: str, denial: Denial, shows: str) -> Step:
    said = f"{where} denies {whom} {denial.action}: statement {denial.statement}"
    if denial.certain:
        hint = f"remove that statement, or except Bedrock's delivery from it; {shows}"
        return Step("impossible", said, hint=hint)
    return Step(
        "reported",
        f"{where} may block Bedrock: statement {denial.statement} denies {denial.action} under "
        "conditions, or on resources, that are not known beforehand",
        hint=f"if nothing arrives, remove that statement or except Bedrock from it; {shows}",
        may_block=True,
    )
