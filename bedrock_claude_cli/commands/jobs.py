"""`jobs`: many prompts through Bedrock's own batch inference, over S3."""

from __future__ import annotations

import math
import sys
from typing import Annotated, Any, Optional

import typer

from bedrock_claude_cli import batch_submit, batching, job_view, options
from bedrock_claude_cli.bedrock import catalog, jobs, records
from bedrock_claude_cli.bedrock.duration import parse_duration
from bedrock_claude_cli.bedrock.job_split import MAX_BYTES, MAX_RECORDS
from bedrock_claude_cli.commands import jobs_fetch
from bedrock_claude_cli.commands.jobs_fetch import Job, find
from bedrock_claude_cli.compose_record import Composer
from bedrock_claude_cli.confirm import confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode, UsageError
from bedrock_claude_cli.output import Column

app = typer.Typer(
    help="Many prompts as batch jobs of Bedrock's, over S3.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("fetch")(jobs_fetch.fetch)
Wait = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--wait", metavar="DURATION", help="How long to wait at most: 90s, 15m, 2h."),
]


@app.command("submit")
@as_command
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
    ] = 168,
    max_cost: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--max-cost", metavar="USD", help="Send nothing if it could cost more."),
    ] = None,
    model: options.Model = None,
    endpoint: options.Endpoint = None,
    system: options.System = None,
    max_tokens: options.MaxTokens = None,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    stop: options.Stop = None,
    attach: options.Attach = None,
    citations: options.Citations = None,
    schema: options.Schema = None,
    thinking: options.Thinking = None,
    effort: options.Effort = None,
    cache: options.Cache = None,
    context_1m: options.Context1m = None,
    beta: options.Beta = None,
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
    ctx.give(
        model=model, endpoint=endpoint, system=system, max_tokens=max_tokens,
        temperature=temperature, top_p=top_p, stop=stop, attach=attach, citations=citations,
        schema=schema, thinking=thinking, effort=effort, cache=cache,
        context_1m=context_1m or None, beta=beta,
    )  # fmt: skip
    wish = batching.Wish(input, bucket, role, name, max_records, max_bytes, timeout_hours, max_cost)
    return _submit(ctx, wish, yes=yes, dry_run=dry_run)


def _submit(ctx: Context, wish: batching.Wish, *, yes: bool, dry_run: bool) -> int:
    wish.job_name  # noqa: B018  # a bad name is refused before the input is read
    composer = Composer(ctx, catalog.load())
    source = records.open_records(wish.input, sys.stdin.buffer)
    try:
        found = batching.survey(ctx, source, composer, wish, keep=not dry_run)
    finally:
        source.close()
    try:
        for note in composer.notes:
            ctx.out.note(note)
        plan = batching.plan(ctx, found, wish)
        _carry_out(ctx, plan, yes=yes, dry_run=dry_run)
    finally:
        found.close()
    return ExitCode.OK


def _carry_out(ctx: Context, plan: batching.Plan, *, yes: bool, dry_run: bool) -> None:
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
    if not dry_run:
        _conclude(ctx, plan)


def _question(plan: batching.Plan) -> str:
    place, count = plan.target.place, len(plan.manifest.parts)
    what = "1 job" if count == 1 else f"{count} jobs"
    return f"Start {what} in account {place.account}, {place.region}?"


def _conclude(ctx: Context, plan: batching.Plan) -> None:
    parts, path = plan.manifest.parts, plan.manifest.path
    for part in parts if not ctx.out.json else ():
        ctx.out.line(f"{part.name}\t{job_view.state(part)}\t{part.arn or '-'}")
    left = sum(part.arn is None for part in parts)
    if left:
        ctx.out.note(f"AWS runs no more jobs at once: `jobs wait {path}` starts the other {left}")
    ctx.out.note(f"`bedrock-claude jobs wait {path}`, then `jobs fetch {path} -o OUTPUT`")


@app.command("show")
@as_command
def show(ctx: Context, job: Job, wait: Wait = None) -> int:
    """Show how far a job is; exit 8 while it has not ended, 9 where records failed."""
    manifest = find(ctx, job)
    if wait is not None:
        return _waited(ctx, manifest, _seconds(wait))
    batch_submit.refresh(ctx, manifest)
    return _shown(ctx, manifest)


@app.command("wait")
@as_command
def wait(ctx: Context, job: Job, wait: Wait = None) -> int:
    """Wait until a job has ended, and start its parts that had no room; exits as `jobs show`."""
    return _waited(ctx, find(ctx, job), math.inf if wait is None else _seconds(wait))


def _waited(ctx: Context, manifest: Any, seconds: float) -> int:
    batch_submit.wait(ctx, manifest, seconds)
    return _shown(ctx, manifest)


def _shown(ctx: Context, manifest: Any) -> int:
    job_view.show(ctx.out, manifest)
    if not manifest.ended:
        return ExitCode.PENDING
    return ExitCode.OK if manifest.whole else ExitCode.PARTIAL


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from None


@app.command("stop")
@as_command
def stop(ctx: Context, job: Job, yes: options.Yes = False) -> int:
    """Stop a job; what was answered by then is written and billed."""
    manifest = find(ctx, job)
    batch_submit.refresh(ctx, manifest)
    running = [part for part in manifest.parts if not part.ended]
    if running:
        confirm(ctx.out, f"Stop {', '.join(part.name for part in running)}?", yes=yes)
    batch_submit.stop(ctx, manifest)
    job_view.show(ctx.out, manifest)
    return ExitCode.OK


_LISTED: tuple[Column[dict[str, Any]], ...] = (
    Column("JOB", lambda row: row["name"], "bold"),
    Column("STATE", lambda row: row["status"] or "-"),
    Column("SUBMITTED", lambda row: row["submitted"]),
    Column("MODEL", lambda row: row["model"]),
    Column("ARN", lambda row: row["arn"]),
)


@app.command("list")
@as_command
def list_jobs(
    ctx: Context,
    status: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--status", metavar="STATE", help="Only these: InProgress, Completed, ..."),
    ] = None,
) -> int:
    """List the batch jobs of the account and region, the newest first."""
    rows = [
        {
            "name": each["jobName"],
            "arn": each["jobArn"],
            "status": each.get("status"),
            "message": each.get("message"),
            "model": each["modelId"],
            "submitted": each["submitTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for each in jobs.listed(ctx.bedrock, status)
    ]
    ctx.out.rows(rows, _LISTED, empty=f"{ctx.region} has no such batch jobs")
    return ExitCode.OK
