"""What has to be done so that calls are logged: the state that was found against the desired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bedrock_claude_cli.bedrock import logging_policies as policies
from bedrock_claude_cli.bedrock import logging_steps as steps
from bedrock_claude_cli.bedrock.invocation_logging import KINDS, Configured
from bedrock_claude_cli.bedrock.logging_buckets import bucket_steps
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logging_settings import Desired
from bedrock_claude_cli.bedrock.logging_state import Denied, Group, Role, State
from bedrock_claude_cli.bedrock.logging_step import Step, unknown

PUT = ("bedrock:PutModelInvocationLoggingConfiguration", "iam:PassRole")


def plan(place: Place, desired: Desired, now: Configured | None, state: State) -> tuple[Step, ...]:
    """Every step in the order of its making, those that are in place among them."""
    found: list[Step] = []
    config = desired.config
    if config.log_group:
        found += _group(place, desired, config.log_group, state.group)
        found += _role(place, desired, config.log_group, state.role)
        if isinstance(state.role, Role):
            config = replace(config, role_arn=state.role.arn)
    for name, prefixes in desired.buckets().items():
        found += bucket_steps(place, desired, name, prefixes, state.buckets[name])
    found.append(_configuration(now, config))
    return tuple(found)


def _group(
    place: Place, desired: Desired, name: str, found: Group | Denied | None
) -> Iterator[Step]:
    if isinstance(found, Denied):
        yield unknown(f"log group {name}", found)
        return
    arn, days = place.group_arn(name), desired.retention_days
    if found is None:
        encrypted = f", encrypted with {desired.kms_key}" if desired.kms_key else ""
        yield Step(
            "create",
            f"log group {name}{encrypted}",
            actions=("logs:CreateLogGroup", "logs:TagResource"),
            resource=arn,
            apply=steps.plain(steps.create_group(name, days, desired.kms_key)),
        )
    else:
        yield Step("in-place", f"log group {name}")
        if desired.kms_key and found.kms_key != desired.kms_key:
            yield Step(
                "change",
                f"encryption of log group {name}",
                before=found.kms_key or "none of your keys",
                after=desired.kms_key,
                takes_away=found.kms_key is not None,
                actions=("logs:AssociateKmsKey",),
                resource=arn,
                apply=steps.plain(steps.set_key(name, desired.kms_key)),
            )
    yield _retention(name, days, found, arn)


def _retention(name: str, days: int, found: Group | None, arn: str) -> Step:
    there = found.retention_days if found else None
    finish = found is None or found.unfinished
    what = f"retention of log group {name}"
    if not finish and (there is None or there >= days):
        kept = "it never expires" if there is None else f"{there} days"
        return Step("in-place", f"{what}: {kept}")
    return Step(
        "create" if finish else "change",
        what,
        before=None if finish else f"{there} days",
        after=f"{days} days",
        actions=("logs:PutRetentionPolicy", "logs:DescribeLogGroups",
                 "logs:ListTagsForResource", "logs:UntagResource"),
        resource=arn,
        apply=steps.plain(steps.set_retention(name, days, finish=finish)),
    )  # fmt: skip


def _role(
    place: Place, desired: Desired, log_group: str, found: Role | Denied | None
) -> Iterator[Step]:
    path, arn = desired.role, place.role_arn(desired.role)
    if not desired.role_is_ours:
        yield from _given_role(place, arn, log_group, found)
        return
    if isinstance(found, Denied):
        yield unknown(f"role {path}", found)
        return
    trust = policies.trust_statement(place)
    what = f"role {path}: Bedrock may assume it for this account and region"
    if found is None:
        yield Step(
            "create", what, actions=("iam:CreateRole",), resource=arn,
            apply=steps.plain(steps.create_role(path, trust)),
        )  # fmt: skip
    elif policies.has(found.trust, trust) or _bound_otherwise(place, found):
        yield Step("in-place", what)
    else:
        count = len(policies.statements(found.trust))
        yield Step(
            "change",
            what,
            before=f"{count} trust statements",
            after=f"{len(policies.statements(policies.merged(found.trust, trust)))} with ours",
            actions=("iam:GetRole", "iam:UpdateAssumeRolePolicy"),
            resource=arn,
            apply=steps.plain(steps.trust(path, trust)),
        )
    if found and policies.open_to_all(found.trust):
        yield _open(path)
    yield _role_policy(place, path, arn, log_group, found)


def _bound_otherwise(place: Place, found: Role) -> bool:
    """Whether a trust policy of somebody else's wording does the same."""
    return policies.trusts(found.trust, place) and not policies.open_to_all(found.trust)


def _open(path: str) -> Step:
    return Step(
        "reported",
        f"role {path} also lets Bedrock assume it on behalf of any account (confused deputy)",
        hint="bind that trust statement with aws:SourceAccount, or remove it",
    )


def _role_policy(place: Place, path: str, arn: str, log_group: str, found: Role | None) -> Step:
    name = f"BedrockInvocationLogging-{place.region}"
    statement = policies.role_statement(place, log_group)
    wanted = policies.document(statement)
    what = f"policy {name} of role {path}: write to the one log stream"
    mine = found.inline.get(name) if found else None
    others = [] if found is None else [*found.inline.values()]
    if found and not isinstance(found.attached, Denied):
        others += found.attached
    in_place = policies.same(mine, wanted) if mine else policies.allows(others, statement)
    if in_place:
        return Step("in-place", what)
    return Step(
        "change" if mine else "create",
        what,
        before="another policy" if mine else None,
        after="the one log stream" if mine else None,
        actions=("iam:PutRolePolicy",),
        resource=arn,
        apply=steps.plain(steps.role_policy(path, name, wanted)),
    )


def _given_role(
    place: Place, arn: str, log_group: str, found: Role | Denied | None
) -> Iterator[Step]:
    """A role of somebody else's is looked at where IAM allows it, and never changed."""
    if isinstance(found, Denied):
        yield Step("in-place", f"role {arn}, as given; not looked at ({found.action} is denied)")
        return
    hint = "`bedrock-claude enable-logging --print-policy` prints the policies it needs"
    if found is None:
        yield Step("impossible", f"there is no role {arn}", hint=hint)
        return
    if not policies.trusts(found.trust, place):
        said = "does not say that Bedrock may assume it for this account and region"
        yield Step("impossible", f"the trust policy of role {arn} {said}", hint=hint)
    elif not isinstance(found.attached, Denied) and not policies.allows(
        [*found.inline.values(), *found.attached], policies.role_statement(place, log_group)
    ):
        yield Step("impossible", f"role {arn} may not write to log group {log_group}", hint=hint)
    else:
        yield Step("in-place", f"role {arn}, as given")


def _configuration(now: Configured | None, wanted: Configured) -> Step:
    if now == wanted:
        return Step("in-place", f"invocation logging to {destinations(wanted)}")
    differing = [
        key
        for key in Configured.__dataclass_fields__
        if now is not None and getattr(now, key) != getattr(wanted, key)
    ]
    taken = now is not None and any(
        bool(getattr(now, key)) for key in differing if not key.endswith("prefix")
    )
    moved = now is not None and any(
        getattr(now, f"{key}bucket") and f"{key}prefix" in differing for key in ("", "large_data_")
    )
    return Step(
        "create" if now is None else "change",
        "invocation logging",
        before="off" if now is None else ", ".join(_shown(now, key) for key in differing),
        after=f"{destinations(wanted)}, with {kinds(wanted)}"
        if now is None
        else ", ".join(_shown(wanted, key) for key in differing),
        takes_away=taken or moved,
        actions=PUT,
        apply=steps.configure(now, wanted),
    )


def _shown(config: Configured, key: str) -> str:
    value = getattr(config, key)
    if key in KINDS:
        return f"{key} {'on' if value else 'off'}"
    return f"{key.replace('_', ' ')} {value or 'none'}"


def destinations(config: Configured) -> str:
    """Where records go, in words."""
    found = [f"log group {config.log_group}"] if config.log_group else []
    if config.large_data_bucket:
        large = f"{config.large_data_bucket}/{config.large_data_prefix}".rstrip("/")
        found.append(f"large data in bucket {large}")
    if config.bucket:
        found.append(f"bucket {config.bucket}/{config.prefix}".rstrip("/"))
    return ", ".join(found)


def kinds(config: Configured) -> str:
    """Which kinds of data are logged, in words."""
    return ", ".join(kind for kind in KINDS if getattr(config, kind)) or "no data"


def not_kept(config: Configured) -> tuple[str, ...]:
    """What no record of this configuration will hold."""
    found = []
    if config.log_group and not config.bucket and not config.large_data_bucket:
        found.append("bodies above 100 KB and binary data (--large-data-bucket keeps them)")
    off = [kind for kind in KINDS if not getattr(config, kind)]
    if off:
        found.append(f"switched off: {', '.join(off)}")
    found.append("calls to bedrock-mantle, and batch inference jobs")
    return tuple(found)
