"""`jobs submit`: the records of a file as batch jobs, planned, asked for, uploaded and started."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import batch_plan, batch_submit, batching, job_view, options
from bedrock_claude_cli.bedrock import catalog, records
from bedrock_claude_cli.bedrock.job_manifest import LOST, Manifest
from bedrock_claude_cli.bedrock.job_split import MAX_BYTES, MAX_RECORDS
from bedrock_claude_cli.compose_record import Composer
from bedrock_claude_cli.confirm import confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import requesting as as_command
from bedrock_claude_cli.errors import ExitCode, UsageError

HOURS = 168
# These shape how a single call is sent, and a batch job makes none.
OF_A_CALL = ("via", "guardrail", "meta", "timeout", "retries")


@as_command(after="max_cost", without=OF_A_CALL)
def submit(
    ctx: Context,
    input: Annotated[
        str, typer.Argument(metavar="INPUT", help="JSONL or CSV, also .gz; `-` is stdin.")
    ],
    bucket: Annotated[
        str,
        typer.Option("--bucket", metavar="NAME[/PREFIX]", help="Bucket for input and output."),
    ],
    role: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--role", metavar="NAME|ARN", help="A role that is there; else one is made."),
    ] = None,
    name: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--name", metavar="NAME", help="Name of the jobs; default the input's."),
    ] = None,
    max_records: Annotated[
        int, typer.Option("--max-records", metavar="N", min=1, help="Most records of a job.")
    ] = MAX_RECORDS,
    max_bytes: Annotated[
        int, typer.Option("--max-bytes", metavar="N", min=1, help="Most bytes of a job's input.")
    ] = MAX_BYTES,
    timeout_hours: Annotated[
        int,
        typer.Option("--hours", metavar="N", min=24, max=168, help="When a job expires."),
    ] = HOURS,
    max_cost: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--max-cost", metavar="USD", help="Send nothing if it could cost more."),
    ] = None,
    yes: options.Yes = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan; change and send nothing.")
    ] = False,
) -> int:
    """Send the records of a file as batch jobs, at half the price where AWS lists one.

    Shows a plan, asks, makes the role if there is none, uploads the input and starts a job per
    model and part. NAME.job.json keeps what was made; the same command continues a submit that
    broke off.
    """
    wish = batching.Wish(input, bucket, role, name, max_records, max_bytes, timeout_hours, max_cost)
    return _submit(ctx, wish, yes=yes, dry_run=dry_run)


def _submit(ctx: Context, wish: batching.Wish, *, yes: bool, dry_run: bool) -> int:
    wish.job_name, wish.where  # noqa: B018  # bad names are refused before the input is read
    composer = Composer(ctx, catalog.load())
    source = records.open_records(wish.input, sys.stdin.buffer)
    try:
        found = batching.survey(ctx, source, composer, wish, keep=not dry_run)
    finally:
        source.close()
    try:
        for note in composer.notes:
            ctx.out.note(note)
        plan = batch_plan.plan(ctx, found, wish, _command(ctx, wish, yes=yes))
        if plan.continued:
            batch_submit.refresh(ctx, plan.manifest)
            _tell_lost(ctx, plan)
        return _carry_out(ctx, plan, yes=yes, dry_run=dry_run)
    finally:
        found.close()


def _command(ctx: Context, wish: batching.Wish, *, yes: bool) -> str:
    """The command line that makes these jobs, and continues them."""
    told = {**wish._asdict(), **ctx.given, **ctx.shared._asdict(), "yes": yes}
    for key in ("input", "json", "query"):
        told.pop(key)
    words = ["bedrock-claude", "jobs", "submit", wish.input]
    usual = {"max_records": MAX_RECORDS, "max_bytes": MAX_BYTES, "hours": HOURS}
    return options.command_line(words, told, usual)


def _tell_lost(ctx: Context, plan: batch_plan.Plan) -> None:
    """Say what came to nothing since; UsageError where nothing else is left to do."""
    manifest = plan.manifest
    lost = [part for part in manifest.parts if part.status in LOST]
    if not lost:
        return
    which = lost[0]
    more = "" if len(lost) == 1 else f" (and {len(lost) - 1} more did not complete)"
    why = f": {which.message}" if which.message else ""
    what = f"the job {which.name} ended as {which.status}{more}{why}"
    free = batch_plan.free_name(plan.target.client("bedrock"), manifest.name)
    anew = f"`--name {free}` submits the input anew, as other jobs"
    if not manifest.ended:
        ctx.out.warn(f"{what}; {anew}")
        return
    raise UsageError(
        f"{what}; so nothing was sent",
        hint=f"{anew}; {_fetch(manifest)} has what was answered",
        code="JobEnded",
    )


def _carry_out(ctx: Context, plan: batch_plan.Plan, *, yes: bool, dry_run: bool) -> int:
    """Show the plan, stop where it ends or is refused, else make it."""
    prices = "config" if ctx.settings.prices else catalog.load().date
    if not ctx.out.json:
        for line in job_view.plan_lines(plan, prices):
            ctx.out.line(line)
    ctx.out.note(batching.LIMITS)
    batch_submit.refuse(plan.steps)
    if not dry_run and not all(part.arn or part.ended for part in plan.manifest.parts):
        confirm(ctx.out, _question(plan), yes=yes)
        batch_submit.submit(ctx, plan)
    if ctx.out.json:
        ctx.out.data(job_view.submit_json(plan, prices, dry_run=dry_run))
    return ExitCode.OK if dry_run else _conclude(ctx, plan)


def _question(plan: batch_plan.Plan) -> str:
    place = plan.target.place
    count = sum(not (part.arn or part.ended) for part in plan.manifest.parts)
    what = "1 job" if count == 1 else f"{count} jobs"
    return f"Start {what} in account {place.account}, {place.region}?"


def _fetch(manifest: Manifest) -> str:
    return f"`bedrock-claude jobs fetch {manifest.handle} -o OUTPUT`"


def _conclude(ctx: Context, plan: batch_plan.Plan) -> int:
    """Tell what comes next; PARTIAL where all has ended, and not every record was answered."""
    manifest = plan.manifest
    for part in manifest.parts if not ctx.out.json else ():
        ctx.out.line(f"{part.name}\t{job_view.state(part)}\t{part.arn or '-'}")
    fetch, handle = _fetch(manifest), manifest.handle
    if manifest.ended and manifest.whole:
        ctx.note(f"nothing was sent, as it was answered before: {fetch}")
        return ExitCode.OK
    if manifest.ended:
        ctx.note(
            f"{fetch} writes what was answered, and names the rest, which `bedrock-claude run "
            "INPUT -o OUTPUT --retry-failed`, with the options of the submit, then asks"
        )
        ctx.out.warn("nothing was sent: it ended before, and records failed or are missing")
        return ExitCode.PARTIAL
    if left := len(manifest.unstarted):
        ctx.out.note(f"AWS runs no more jobs at once: `jobs wait {handle}` starts the other {left}")
    ctx.note(f"`bedrock-claude jobs wait {handle}`, then {fetch}")
    return ExitCode.OK
