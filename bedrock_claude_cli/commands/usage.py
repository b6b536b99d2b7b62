"""`usage`: who spent what, from the invocation logs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import usage_report
from bedrock_claude_cli.bedrock import catalog, logs, usage, usage_insights, usage_s3
from bedrock_claude_cli.bedrock.usage import Report
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import UsageError

LONGEST = 3653  # days, the longest retention of a log group


@as_command
def command(
    ctx: Context,
    days: Annotated[
        int,
        typer.Option(
            "--days", metavar="N", min=1, max=LONGEST, help="How many days (UTC), today included."
        ),
    ] = 30,
    by: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--by",
            metavar="WHAT",
            help="model (default), identity, day, region or meta:KEY (repeatable).",
            autocompletion=lambda: list(usage.DIMENSIONS),
        ),
    ] = None,
    html: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--html", metavar="FILE", help="Write the report as an HTML page as well."),
    ] = None,
) -> None:
    """Who spent what: calls, tokens, errors and estimated cost, from the invocation logs."""
    groups = usage.dimensions(by or ())
    if html is not None and not html.parent.is_dir():
        raise UsageError(f"{html.parent} is no folder")
    report = _report(ctx, days, groups)
    if html is not None:
        _write_page(html, report)
    for note in usage_report.notes(report):
        ctx.out.note(note)
    empty = f"no calls were logged from {report.first_day} to {report.last_day} in {report.region}"
    if ctx.out.json:
        ctx.out.data(report)
    elif ctx.out.terminal and report.rows:
        _show(ctx, report)
    else:
        ctx.out.rows(report.rows, usage_report.columns(report.by), empty=empty)


def _report(ctx: Context, days: int, by: tuple[str, ...]) -> Report:
    source = logs.configured(ctx.aws.client, ctx.region)
    known = catalog.load()
    until = time.time()
    since = usage.first_midnight(until, days)
    if isinstance(source, logs.CloudWatch):
        cells = list(usage_insights.cells(source, since, until, by))
        place = f"log group {source.log_group}"
    else:
        cells = usage_s3.cells(source, since, until, by, known)
        place = f"s3://{source.bucket}/{source.prefix}".rstrip("/")
    return usage.report(
        cells,
        by=by,
        since=since,
        until=until,
        region=ctx.region,
        source=place,
        catalog=known,
        prices=ctx.settings.prices,
        tiered=isinstance(source, logs.S3),
    )


def _aliases() -> dict[str, str]:
    return {model.id: model.alias for model in catalog.load().models}


def _show(ctx: Context, report: Report) -> None:
    from rich.console import Console

    encoding = getattr(ctx.out.stdout, "encoding", None) or "utf-8"
    look = usage_report.Look(
        Console(file=ctx.out.stdout).width, "utf" in encoding.lower(), _aliases()
    )
    usage_report.show(report, ctx.out.stdout, look, color=ctx.out.color)


def _write_page(file: Path, report: Report) -> None:
    try:
        file.write_text(usage_report.page(report, _aliases()), "utf-8")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
