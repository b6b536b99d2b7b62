"""A whole run of `enable-logging`: look at every place, refuse early, then make the changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bedrock_claude_cli.bedrock import invocation_logging
from bedrock_claude_cli.bedrock import logging_policies as policies
from bedrock_claude_cli.bedrock.identity import Caller
from bedrock_claude_cli.bedrock.invocation_logging import Configured
from bedrock_claude_cli.bedrock.logging_plan import not_kept, plan
from bedrock_claude_cli.bedrock.logging_policies import Document, Place
from bedrock_claude_cli.bedrock.logging_settings import LEAST_DAYS, Desired, Wanted, desired
from bedrock_claude_cli.bedrock.logging_state import READ, Denied, Target, inspect, look
from bedrock_claude_cli.bedrock.logging_step import Step, grant, missing_permission
from bedrock_claude_cli.errors import (
    CliError,
    ConfigError,
    DeniedError,
    ExitCode,
    RejectedError,
    UsageError,
)

UNCHANGED = "nothing was changed"


@dataclass(frozen=True)
class Survey:
    """One place: what is configured, what shall be, and the steps between."""

    target: Target
    now: Configured | None
    desired: Desired
    steps: tuple[Step, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change the account."""
        return tuple(step for step in self.steps if step.is_change)

    @property
    def not_kept(self) -> tuple[str, ...]:
        """What will not be in the logs."""
        return not_kept(self.desired.config)


@dataclass(frozen=True)
class Outcome:
    """What was done of a survey, what is left, and why it stopped.

    With `interrupted` the first step that is left may have been made.
    """

    region: str
    done: tuple[Step, ...]
    left: tuple[Step, ...]
    error: CliError | None
    interrupted: bool = False


def places(caller: Caller, regions: Iterable[str]) -> list[Place]:
    """The caller's account in each region, named once; ConfigError for another partition's."""
    partition = caller.arn.split(":")[1]
    found = []
    for region in dict.fromkeys(regions):
        start = "-".join(region.split("-")[:-2])
        theirs = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(start, "aws")
        if theirs != partition and (theirs != "aws" or partition in ("aws-cn", "aws-us-gov")):
            raise ConfigError(
                f"region {region} is in partition {theirs}, these credentials are of {partition}"
            )
        found.append(Place(partition, caller.account, region))
    return found


def configured(target: Target) -> Configured | Denied | None:
    """What is configured, or that IAM does not show it."""
    bedrock = target.client("bedrock")
    return look(Denied(READ, "*"), lambda: invocation_logging.read(bedrock))


def survey(target: Target, wanted: Wanted) -> Survey:
    """Look at a place and plan; what goes wrong is raised, and says that nothing was changed."""
    from bedrock_claude_cli.explain import translate

    try:
        now = configured(target)
        if isinstance(now, Denied):
            raise denied(now)
        aim = desired(wanted, now, target.place)
        return Survey(target, now, aim, plan(target.place, aim, now, inspect(target, aim)))
    except Exception as error:
        told = translate(error)
        if told.exit_code == ExitCode.FAILURE or UNCHANGED in told.message:
            raise
        raise _retold(told, f"{told.message}; {UNCHANGED}", _patient(told)) from error


def denied(what: Denied) -> DeniedError:
    """The refusal of a read without which nothing can be planned."""
    return DeniedError(
        f"IAM does not allow {what.action}; {UNCHANGED}",
        hint=grant(what),
        code="AccessDeniedException",
    )


def _patient(told: CliError) -> str | None:
    """The error's hint; the table's for a throttled call speaks of invocations."""
    return "wait a minute" if "Throttling" in told.code else told.hint


def _retold(told: CliError, message: str, hint: str | None) -> CliError:
    return type(told)(
        message, hint=hint, code=told.code, request_id=told.request_id, retry=told.retry
    )


def refuse(surveys: Sequence[Survey]) -> None:
    """Raise for what stands in the way; nothing was made yet."""
    steps = [step for each in surveys for step in each.steps]
    for step in steps:
        if step.kind == "impossible":
            raise RejectedError(f"{step.what}; {UNCHANGED}", hint=step.hint)
    unseen = [step for step in steps if step.kind == "unknown"]
    if len(unseen) == 1:
        raise DeniedError(
            f"{unseen[0].what}; {UNCHANGED}", hint=unseen[0].hint, code="AccessDeniedException"
        )
    if unseen:
        rules = [
            {"Effect": "Allow", "Action": list(step.actions), "Resource": step.resource}
            for step in unseen
        ]
        raise DeniedError(
            f"IAM does not allow {', '.join(step.actions[0] for step in unseen)}; {UNCHANGED}",
            hint=f"an administrator adds {json.dumps(rules)}, or makes by hand what "
            "`bedrock-claude enable-logging --print-policy` prints",
            code="AccessDeniedException",
        )


def refuse_taking_away(surveys: Sequence[Survey]) -> None:
    """UsageError for steps that remove or redirect, which --yes does not cover."""
    taking = [step for each in surveys for step in each.changes if step.takes_away]
    if taking:
        raise UsageError(
            f"{taking[0].what}: {taking[0].before} -> {taking[0].after} takes away or redirects; "
            f"{UNCHANGED}",
            hint="--replace allows it",
        )


def refuse_short(surveys: Sequence[Survey]) -> None:
    """UsageError for what somebody else's rule deletes earlier than is recommended."""
    short = [step for each in surveys for step in each.steps if step.short]
    if short:
        raise UsageError(
            f"{short[0].what}, and Anthropic recommends to keep logs for at least {LEAST_DAYS} "
            f"days; {UNCHANGED}",
            hint=f"{short[0].hint}; or --allow-short-retention accepts it",
        )


def apply_all(
    surveys: Sequence[Survey], say: Callable[[Survey], Callable[[str], None]]
) -> Iterator[Outcome]:
    """Make the changes of every place; after Ctrl-C nothing more is made."""
    stopped = False
    for each in surveys:
        if stopped:
            yield Outcome(each.target.place.region, (), each.changes, None, interrupted=True)
            continue
        outcome = apply(each, say(each))
        stopped = outcome.interrupted
        yield outcome


def apply(survey: Survey, say: Callable[[str], None]) -> Outcome:
    """Make the changes in order, saying each, up to the first that fails or Ctrl-C."""
    region, changes, index = survey.target.place.region, survey.changes, 0
    try:
        for index, step in enumerate(changes):
            try:
                if step.apply:
                    step.apply(survey.target, say)
            except Exception as error:
                return Outcome(region, changes[:index], changes[index:], _failed(step, error))
            say(f"done: {step.kind} {step.what}")
    except KeyboardInterrupt:
        return Outcome(region, changes[:index], changes[index:], None, interrupted=True)
    return Outcome(region, changes, (), None)


def _failed(step: Step, error: Exception) -> CliError:
    """The step's error, with the permission it lacked; a bug is raised."""
    from bedrock_claude_cli.explain import translate

    told = translate(error)
    if told.exit_code == ExitCode.FAILURE and told is not error:
        raise error
    lacking = missing_permission(error, step)
    hint = grant(lacking) if lacking else _patient(told)
    missing = f" (missing: {lacking.action})" if lacking else ""
    return _retold(
        told,
        f"{step.kind} {step.what}: {told.message}{missing}",
        f"{hint}; the same command continues" if hint else "the same command continues",
    )


def documents(place: Place, aim: Desired) -> dict[str, Document | list[Document]]:
    """The policies that an administrator may make by hand, by what each belongs to."""
    found: dict[str, Any] = {}
    config = aim.config
    if config.log_group:
        found[f"trust policy of role {aim.role}"] = policies.document(
            policies.trust_statement(place)
        )
        found[f"inline policy of role {aim.role}"] = policies.document(
            policies.role_statement(place, config.log_group)
        )
    for name, prefixes in aim.buckets().items():
        found[f"policy of bucket {name}"] = policies.document(
            *(policies.bucket_statement(place, name, prefix) for prefix in prefixes)
        )
    if aim.kms_key:
        statements = policies.key_statements(place, config.log_group, bool(aim.buckets()))
        found[f"statements for the policy of key {aim.kms_key}"] = statements
    return found
