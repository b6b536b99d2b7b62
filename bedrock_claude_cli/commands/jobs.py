"""`jobs`: many prompts through Bedrock's own batch inference, over S3."""

from __future__ import annotations

import math
from typing import Annotated, Any, Optional

import typer

from bedrock_claude_cli import batch_submit, complete, job_view, options
from bedrock_claude_cli.bedrock import jobs
from bedrock_claude_cli.bedrock.duration import parse_duration
from bedrock_claude_cli.bedrock.job_manifest import STATUSES, Manifest
from bedrock_claude_cli.commands import jobs_fetch, jobs_submit
from bedrock_claude_cli.commands.jobs_fetch import Job, find
from bedrock_claude_cli.confirm import confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode, UsageError, did_you_mean
from bedrock_claude_cli.output import Column

app = typer.Typer(
    help="Many prompts as batch jobs of Bedrock's, over S3.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("submit")(jobs_submit.submit)
app.command("fetch")(jobs_fetch.fetch)
Wait = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--wait", metavar="DURATION", help="How long to wait at most: 90s, 15m, 2h."),
]


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


def _waited(ctx: Context, manifest: Manifest, seconds: float) -> int:
    batch_submit.wait(ctx, manifest, seconds)
    return _shown(ctx, manifest)


def _shown(ctx: Context, manifest: Manifest) -> int:
    job_view.show(ctx.out, manifest)
    if not manifest.sent:
        ctx.out.warn(f"its input is not wholly uploaded: {batch_submit.go_on(manifest)}")
    elif any(part.arn is None and not part.ended for part in manifest.parts):
        ctx.note(f"`bedrock-claude jobs wait {manifest.handle}` starts what is not started")
    if not manifest.ended:
        return ExitCode.PENDING
    ctx.note(f"`bedrock-claude jobs fetch {manifest.handle} -o OUTPUT` writes the answers")
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


def _state(given: str | None) -> str | None:
    """AWS's spelling of a state; UsageError for one that there is not."""
    if given is None:
        return None
    for each in STATUSES:
        if each.lower() == given.replace("-", "").lower():
            return each
    raise UsageError(
        f"no job is ever `{given}`{did_you_mean(given, STATUSES)}",
        hint=f"--status takes {', '.join(STATUSES)}",
    )


@app.command("list")
@as_command
def list_jobs(
    ctx: Context,
    status: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--status",
            metavar="STATE",
            help="Only these: InProgress, Completed, ...",
            autocompletion=complete.job_states,
        ),
    ] = None,
) -> int:
    """List the batch jobs of the account and region, the newest first."""
    state = _state(status)
    rows = [
        {
            "name": each["jobName"],
            "arn": each["jobArn"],
            "status": each.get("status"),
            "message": each.get("message"),
            "model": each["modelId"],
            "submitted": each["submitTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for each in jobs.listed(ctx.bedrock, state)
    ]
    which = f"no {state} batch jobs" if state else "no batch jobs"
    ctx.out.rows(rows, _LISTED, empty=f"{ctx.region} has {which}")
    return ExitCode.OK
