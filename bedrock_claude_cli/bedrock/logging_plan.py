"""What has to be done so that calls are logged: the state that was found against the desired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bedrock_claude_cli.bedrock import logging_policies as policies
from bedrock_claude_cli.bedrock import logging_steps as steps
from bedrock_claude_cli.bedrock.invocation_logging import KINDS, Configured
from bedrock_claude_cli.bedrock.logging_blocks import role_blocks
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
        found += _role(place, desired, now, state.role)
        if isinstance(state.role, Role):
            config = replace(config, role_arn=state.role.arn)
            found += role_blocks(place, state.role, desired.config.log_group or "")
    for name, prefixes in desired.buckets().items():
        found += bucket_steps(place, desired, name, prefixes, state.buckets[name])
    found.append(_configuration(now, config, [step.what for step in found if step.may_block]))
    if (
        isinstance(state.role, Role)
        and desired.role_is_ours
        and _leaving(place, now, desired, state.role)
    ):
        found.append(_role_policy(place, desired, None, state.role))
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
    place: Place, desired: Desired, now: Configured | None, found: Role | Denied | None
) -> Iterator[Step]:
    path, arn = desired.role, place.role_arn(desired.role)
    if not desired.role_is_ours:
        yield from _given_role(place, arn, desired.config.log_group or "", found)
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
        before, after = policies.told(found.trust, trust)
        lack = f"the trust policy of role {path} lacks the statement for this account and region"
        if not policies.trusts(found.trust, place):
            lack = f"Bedrock may not assume role {path} for this account and region"
        yield Step(
            "change",
            what,
            before=before,
            after=after,
            lack=lack,
            actions=("iam:GetRole", "iam:UpdateAssumeRolePolicy"),
            resource=arn,
            apply=steps.plain(steps.trust(path, trust)),
        )
    if found and policies.open_to_all(found.trust):
        yield _open(path)
    yield _role_policy(place, desired, now, found)


def _bound_otherwise(place: Place, found: Role) -> bool:
    """Whether a trust policy of somebody else's wording does the same."""
    return policies.trusts(found.trust, place) and not policies.open_to_all(found.trust)


def _policies(found: Role) -> list[policies.Document]:
    """All policies of a role, as far as IAM shows them."""
    attached = {} if isinstance(found.attached, Denied) else found.attached
    return [*found.inline.values(), *attached.values()]


def _open(path: str) -> Step:
    return Step(
        "reported",
        f"role {path} also lets Bedrock assume it on behalf of any account (confused deputy)",
        hint="bind that trust statement with aws:SourceAccount, or remove it",
    )


def _leaving(place: Place, now: Configured | None, desired: Desired, found: Role) -> str | None:
    """The log group that is delivered to until the configuration is changed, if that is ours."""
    group = now.log_group if now else None
    mine = found.inline.get(_policy_name(place))
    if group is None or group == desired.config.log_group or mine is None:
        return None
    return group if policies.allows([mine], policies.role_statement(place, group)) else None


def _policy_name(place: Place) -> str:
    return f"BedrockInvocationLogging-{place.region}"


def _role_policy(
    place: Place, desired: Desired, now: Configured | None, found: Role | None
) -> Step:
    """The inline policy; as long as another log group is delivered to, it stays allowed."""
    path, group = desired.role, desired.config.log_group or ""
    name = _policy_name(place)
    statement = policies.role_statement(place, group)
    leaving = _leaving(place, now, desired, found) if found else None
    kept = [policies.role_statement(place, leaving)] if leaving else []
    mine = found.inline.get(name) if found else None
    # A Deny is somebody else's wish, also in a policy of our name.
    theirs = [each for each in policies.statements(mine) if each.get("Effect") == "Deny"]
    wanted = policies.document(*kept, statement, *theirs)
    what = f"inline policy {name}: write to the one log stream of {group}"
    others: list[policies.Document] = []
    if found and mine is None:
        others = _policies(found)
    if policies.same(mine, wanted) if mine else policies.allows(others, statement):
        return Step("in-place", what)
    also = f"both this and that of {leaving}" if leaving else "this one only"
    return Step(
        "change" if mine else "create",
        what,
        before="another policy" if mine else None,
        after=also if mine else None,
        actions=("iam:PutRolePolicy",),
        resource=place.role_arn(path),
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
        _policies(found), policies.role_statement(place, log_group)
    ):
        yield Step("impossible", f"role {arn} may not write to log group {log_group}", hint=hint)
    else:
        yield Step("in-place", f"role {arn}, as given")


def _configuration(now: Configured | None, wanted: Configured, doubts: list[str]) -> Step:
    what = "invocation logging"
    apply = steps.configure(now, wanted, doubts)
    if now == wanted:
        return Step("in-place", f"{what} to {destinations(wanted)}")
    if now is None:
        after = f"{destinations(wanted)}, with {kinds(wanted)}"
        return Step("create", what, before="off", after=after, actions=PUT, apply=apply)
    before, after = _differences(now, wanted)
    return Step(
        "change",
        what,
        before=before,
        after=after,
        takes_away=_takes_away(now, wanted),
        actions=PUT,
        apply=apply,
    )


def _differences(now: Configured, wanted: Configured) -> tuple[str, str]:
    """Only what differs, in words."""
    pairs = [
        (destinations(now), destinations(wanted)),
        (_role_said(now), _role_said(wanted)),
        *((_switch(kind, getattr(now, kind)), _switch(kind, getattr(wanted, kind)))
          for kind in KINDS),
    ]  # fmt: skip
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    return ", ".join(pair[0] for pair in differing), ", ".join(pair[1] for pair in differing)


def _role_said(config: Configured) -> str:
    return f"role {config.role_arn}" if config.role_arn else "no role"


def _switch(kind: str, on: bool) -> str:
    return f"{kind} {'on' if on else 'off'}"


def _takes_away(now: Configured, wanted: Configured) -> bool:
    """Whether something that is delivered now would go elsewhere or nowhere."""
    pairs = [
        (now.log_group, wanted.log_group),
        (now.log_group and now.role_arn, wanted.role_arn),
        (now.bucket and (now.bucket, now.prefix), (wanted.bucket, wanted.prefix)),
        (
            now.large_data_bucket and (now.large_data_bucket, now.large_data_prefix),
            (wanted.large_data_bucket, wanted.large_data_prefix),
        ),
        *((getattr(now, kind) and kind, getattr(wanted, kind) and kind) for kind in KINDS),
    ]
    return any(before and before != after for before, after in pairs)


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
