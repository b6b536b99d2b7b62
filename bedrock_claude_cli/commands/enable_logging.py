"""`enable-logging`: everything that invocation logging needs, planned, asked for, and made."""

from __future__ import annotations

import json as json_module
import time
from dataclasses import replace as replaced
from functools import cache, partial
from typing import Annotated, Any, NamedTuple, Optional

import typer

from bedrock_claude_cli import calling, logging_view, options
from bedrock_claude_cli.bedrock import (
    ask,
    catalog,
    identity,
    logging_proof,
    logging_run,
    logging_settings,
    model_id,
)
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logging_run import Outcome, Survey
from bedrock_claude_cli.bedrock.logging_settings import LEAST_DAYS, LOG_GROUP, ROLE, Wanted
from bedrock_claude_cli.bedrock.logging_state import Target
from bedrock_claude_cli.bedrock.logs import Record
from bedrock_claude_cli.confirm import confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import CliError, ExitCode, UsageError
from bedrock_claude_cli.explain import translate

Name = Optional[str]  # noqa: UP045
Flag = Optional[bool]  # noqa: UP045


@as_command
def command(
    ctx: Context,
    log_group: Annotated[
        Name,
        typer.Option("--log-group", metavar="NAME", help=f"Log group; default {LOG_GROUP}."),
    ] = None,
    bucket: Annotated[
        Name,
        typer.Option("--bucket", metavar="NAME[/PREFIX]", help="Deliver to this S3 bucket."),
    ] = None,
    large_data_bucket: Annotated[
        Name,
        typer.Option(
            "--large-data-bucket",
            metavar="NAME[/PREFIX]",
            help="Bucket for what a log group cannot hold: above 100 KB, and binary.",
        ),
    ] = None,
    kms_key: Annotated[
        Name,
        typer.Option("--kms-key", metavar="ARN|ID", help="KMS key that encrypts the logs."),
    ] = None,
    retention_days: Annotated[
        int,
        typer.Option("--retention-days", metavar="DAYS", help="How long logs are kept at least."),
    ] = LEAST_DAYS,
    allow_short_retention: Annotated[
        bool,
        typer.Option("--allow-short-retention", help=f"Allow fewer than {LEAST_DAYS} days."),
    ] = False,
    role: Annotated[
        Name,
        typer.Option("--role", metavar="NAME|ARN", help=f"IAM role; default {ROLE}."),
    ] = None,
    text: Annotated[Flag, typer.Option("--text/--no-text", help="Log text.")] = None,
    images: Annotated[Flag, typer.Option("--images/--no-images", help="Log images.")] = None,
    embeddings: Annotated[
        Flag, typer.Option("--embeddings/--no-embeddings", help="Log embeddings.")
    ] = None,
    video: Annotated[Flag, typer.Option("--video/--no-video", help="Log video.")] = None,
    audio: Annotated[Flag, typer.Option("--audio/--no-audio", help="Log audio.")] = None,
    region: options.Regions = None,
    yes: options.Yes = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also allow what takes away or redirects.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and change nothing.")
    ] = False,
    print_policy: Annotated[
        bool,
        typer.Option("--print-policy", help="Print the policies for making them by hand."),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Make one tiny call, which is billed, and await its record."),
    ] = False,
) -> int:
    """Record every call's prompt and answer, in your own account.

    Shows a plan, asks, and makes what is missing: log group or bucket, role, policies,
    configuration. Running it again changes nothing. In names, {account} and {region} are filled in.
    """
    if verify and (print_policy or dry_run):
        other = "--print-policy" if print_policy else "--dry-run"
        raise UsageError(f"{other} changes nothing, so there is nothing to --verify: leave one out")
    wanted = Wanted(
        log_group, bucket, large_data_bucket, kms_key, retention_days, role,
        text, images, embeddings, video, audio,
    )  # fmt: skip
    regions = ctx.regions(region, changing=True)
    places = logging_run.places(identity.get_caller(ctx.sts), regions)
    logging_settings.check(wanted, places, short=allow_short_retention)
    if print_policy:
        _print_policies(ctx, wanted, places)
        return ExitCode.OK
    for place in places if verify else ():
        _model(ctx, place)  # what cannot be called is said before anything is changed
    surveys = [logging_run.survey(_target(ctx, place), wanted) for place in places]
    report = logging_view.Report(surveys, dry_run=dry_run)
    allowed = _Allowed(yes, replace, allow_short_retention)
    return _carry_out(ctx, report, allowed, verify=verify)


def _target(ctx: Context, place: Place) -> Target:
    """The place, with clients that are made once."""
    return Target(place, cache(partial(ctx.aws.client, region=place.region)))


class _Allowed(NamedTuple):
    """What the flags allow without a question, or at all."""

    yes: bool
    replace: bool
    short_retention: bool


def _carry_out(
    ctx: Context, report: logging_view.Report, allowed: _Allowed, *, verify: bool
) -> int:
    """Show the plan, stop where it ends or is refused, else make it."""
    surveys = report.surveys
    if not ctx.out.json:
        for line in logging_view.plan_lines(surveys):
            ctx.out.line(line)
    try:
        logging_run.refuse(surveys)
        if report.dry_run:
            logging_view.show_json(ctx.out, report)
            return ExitCode.OK
        if not allowed.short_retention:
            logging_run.refuse_short(surveys)
        if not allowed.replace:
            logging_run.refuse_taking_away(surveys)
        if any(survey.changes for survey in surveys):
            confirm(ctx.out, _question(surveys), yes=allowed.yes)
    except CliError:
        logging_view.show_json(ctx.out, report)
        raise
    outcomes = logging_run.apply_all(surveys, partial(_say, ctx))
    report.outcomes.extend(_filled(ctx, each) for each in outcomes)
    if verify and not any(outcome.interrupted for outcome in report.outcomes):
        _verify(ctx, report)
    return _conclude(ctx, report)


def _filled(ctx: Context, outcome: Outcome) -> Outcome:
    """The outcome with the places in its hint filled: the region is the outcome's own."""
    error = outcome.error
    if error is None or error.hint is None:
        return outcome
    hint = ctx.fill(error.hint.replace("{region}", outcome.region))
    return replaced(outcome, error=error.hinted(hint or ""))


def _question(surveys: list[Survey]) -> str:
    account = surveys[0].target.place.account
    where = " and ".join(survey.target.place.region for survey in surveys)
    return f"Make these changes in account {account}, {where}?"


def _say(ctx: Context, survey: Survey) -> Any:
    return lambda text: ctx.out.note(f"{survey.target.place.region}: {text}")


def _verify(ctx: Context, report: logging_view.Report) -> None:
    """One billed call in each region that has no error, and the wait for its record."""
    for index, survey in enumerate(report.surveys):
        outcome = report.outcomes[index]
        if outcome.error is None:
            try:
                report.verified[outcome.region] = _proof(ctx, survey)
            except Exception as error:
                told = translate(error)
                if told.exit_code == ExitCode.FAILURE:
                    raise
                report.outcomes[index] = _filled(ctx, replaced(outcome, error=told))


def _proof(ctx: Context, survey: Survey) -> list[tuple[str, Record]]:
    place, say = survey.target.place, _say(ctx, survey)
    known, target = catalog.load(), _model(ctx, place)
    chosen = ctx.settings.options._replace(via=_via(ctx))
    say(f"one tiny call of {target.model_id}, which is billed")
    since = time.time()
    proof = ask.prove(
        target, calling.reach(ctx, known, place.region, chosen.via), known, chosen, say
    )
    return [
        (where, logging_proof.await_record(where, source, proof.request_id or "", since=since,
                                           say=say))
        for where, source in logging_proof.sources(survey.target, survey.desired.config)
    ]  # fmt: skip


def _model(ctx: Context, place: Place) -> model_id.Target:
    return calling.target(ctx, catalog.load(), place.region, _via(ctx))


def _via(ctx: Context) -> str | None:
    via = ctx.settings.options.via
    return "invoke" if via == "mantle" else via  # whose calls are never logged


def _conclude(ctx: Context, report: logging_view.Report) -> int:
    """Say how it ended; with several regions of which some failed it is exit 9."""
    logging_view.show_json(ctx.out, report)
    failed = [outcome for outcome in report.outcomes if outcome.error]
    if not ctx.out.json:
        for line in logging_view.end_lines(report):
            ctx.out.line(line)
        for outcome in failed:
            _tell_failure(ctx, outcome)
    if any(outcome.interrupted for outcome in report.outcomes):
        _tell_interrupted(ctx, report)
        return ExitCode.INTERRUPTED
    codes = {int(outcome.error.exit_code) for outcome in failed if outcome.error}
    if not failed:
        return ExitCode.OK
    if len(failed) < len(report.outcomes) or len(codes) > 1:
        return ExitCode.PARTIAL
    return codes.pop()


def _tell_failure(ctx: Context, outcome: Outcome) -> None:
    for step in outcome.left[1:]:
        ctx.out.asked("left", f"{outcome.region}: {step.kind} {step.what}")
    if error := outcome.error:
        request = f", request {error.request_id}" if error.request_id else ""
        used = f"{ctx.used()}{request}"
        ctx.out.fail(f"{outcome.region}: {error.message} ({used})", error.hint)


def _tell_interrupted(ctx: Context, report: logging_view.Report) -> None:
    for outcome in report.outcomes:
        for step in outcome.done:
            ctx.out.asked("done", f"{outcome.region}: {step.kind} {step.what}")
    for outcome in report.outcomes:
        for step in outcome.left if outcome.interrupted else ():
            ctx.out.asked("left", f"{outcome.region}: {step.kind} {step.what}")
    ctx.out.asked("note", "interrupted; the same command continues")


def _print_policies(ctx: Context, wanted: Wanted, places: list[Place]) -> None:
    """The documents for a place where logging is off; nothing in AWS is looked at."""
    found = {
        place.region: logging_run.documents(place, logging_settings.desired(wanted, None, place))
        for place in places
    }
    if ctx.out.json:
        ctx.out.data({"policies": found})
        return
    for region, documents in found.items():
        for name, document in documents.items():
            ctx.out.line(f"# {region}: {name}")
            ctx.out.line(json_module.dumps(document, indent=2))
