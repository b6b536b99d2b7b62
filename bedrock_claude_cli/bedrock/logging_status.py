"""Whether calls are logged in a place, and whether all that takes is as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bedrock_claude_cli.bedrock.invocation_logging import KINDS, Configured
from bedrock_claude_cli.bedrock.logging_plan import destinations, plan
from bedrock_claude_cli.bedrock.logging_run import configured
from bedrock_claude_cli.bedrock.logging_settings import Wanted, desired
from bedrock_claude_cli.bedrock.logging_state import Denied, Group, Target, inspect
from bedrock_claude_cli.bedrock.logging_step import Step, grant

UNKNOWN = ("unknown", "unseen")


@dataclass(frozen=True)
class Status:
    """One region's logging; the shape of `logs status --json`.

    `on` None is not known. `drift` is what is not as it should be, `unknown` what IAM did not let
    this identity see; `retention_days` is the log group's, None without one or if it never expires.
    """

    region: str
    account: str
    on: bool | None
    log_group: str | None = None
    role_arn: str | None = None
    large_data_bucket: str | None = None
    large_data_prefix: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    logged: tuple[str, ...] = ()
    retention_days: int | None = None
    kms_key: str | None = None
    in_place: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    hint: str | None = None

    @property
    def ok(self) -> bool:
        """Whether logging is on and nothing is known to be wrong or is unknown."""
        return bool(self.on) and not self.drift and not self.unknown


def status(target: Target) -> Status:
    """Look at everything that the configuration of a place names."""
    place = target.place
    now = configured(target)
    if isinstance(now, Denied):
        unseen = f"whether logging is on, as IAM does not allow {now.action}"
        hint = grant(now)
        return Status(place.region, place.account, None, unknown=(unseen,), hint=hint)
    if now is None:
        hint = f"`bedrock-claude enable-logging --region {place.region}` switches it on"
        return Status(place.region, place.account, False, hint=hint)
    aim = desired(Wanted(), now, place)
    state = inspect(target, aim)
    # What is configured is what shall be; the plan's last step would only say so.
    steps = plan(place, aim, now, state)[:-1]
    wrong = [step for step in steps if step.kind not in ("in-place", *UNKNOWN)]
    unseen_steps = [step for step in steps if step.kind in UNKNOWN]
    group = state.group if isinstance(state.group, Group) else None
    return Status(
        region=place.region,
        account=place.account,
        on=True,
        log_group=now.log_group,
        role_arn=now.role_arn,
        large_data_bucket=now.large_data_bucket,
        large_data_prefix=now.large_data_prefix or None,
        bucket=now.bucket,
        prefix=now.prefix or None,
        logged=tuple(kind for kind in KINDS if getattr(now, kind)),
        retention_days=group.retention_days if group else None,
        kms_key=group.kms_key if group else None,
        in_place=tuple(step.what for step in steps if step.kind == "in-place"),
        drift=tuple(_drift(step) for step in wrong),
        unknown=tuple(step.what for step in unseen_steps),
        hint=_hint(place.region, wrong, unseen_steps),
    )


def _hint(region: str, wrong: list[Step], unseen: list[Step]) -> str | None:
    """What mends the drift: enable-logging does not touch what it only reports."""
    hints = (step.hint for step in (*wrong, *unseen) if step.hint and not step.is_change)
    others = "; ".join(dict.fromkeys(hints))
    changes = [step for step in wrong if step.is_change]
    # It refuses before any change where something is impossible or not known.
    if not changes or any(step.kind in ("impossible", "unknown") for step in (*wrong, *unseen)):
        return others or None
    command = f"`bedrock-claude enable-logging --region {region}`"
    told = f"{command} mends it"
    if len(changes) < len(wrong):
        told = f"{command} mends {len(changes)} of {len(wrong)}, not what it only reports"
    return f"{told}: {others}" if others else told


def _drift(step: Step) -> str:
    if step.kind == "create":
        return f"missing: {step.what}"
    if step.lack:
        return step.lack
    if step.kind == "change" and step.before is not None:
        return f"{step.what}: {step.before}, should be {step.after}"
    return step.what


def lines(found: Status) -> Iterator[tuple[str, str]]:
    """A status as label and text."""
    if found.on is None:
        yield "logging", "not known"
    elif not found.on:
        yield "logging", "off"
    else:
        yield "logging", "on"
        config = Configured(
            log_group=found.log_group,
            large_data_bucket=found.large_data_bucket,
            large_data_prefix=found.large_data_prefix or "",
            bucket=found.bucket,
            prefix=found.prefix or "",
        )
        yield "delivered to", destinations(config)
        yield "logged", ", ".join(found.logged) or "no data"
        if found.role_arn:
            yield "role", found.role_arn
    for text in found.in_place:
        yield "in place", text
    for text in found.drift:
        yield "drift", text
    for text in found.unknown:
        yield "not known", text


def left_behind(target: Target, now: Configured) -> list[str]:
    """What stays after logging was switched off, each with how it would be removed."""
    region = target.place.region
    found = []
    if now.log_group:
        found.append(
            f"log group {now.log_group} with its records: `aws logs delete-log-group --region "
            f"{region} --log-group-name {now.log_group}`"
        )
    if now.role_arn:
        found.append(f"role {now.role_arn.rsplit('/', 1)[-1]} with its policies")
    for name, prefix in (
        (now.bucket, now.prefix),
        (now.large_data_bucket, now.large_data_prefix),
    ):
        if name:
            folder = target.place.folder(prefix)
            found.append(
                f"bucket {name} with its policy and lifecycle rule, and what lies in {folder}"
            )
    return list(dict.fromkeys(found))
