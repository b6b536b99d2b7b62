"""`usage`: who spent what, from the invocation logs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import options, usage_report
from bedrock_claude_cli.bedrock import catalog, log_places, logs, usage, usage_sources
from bedrock_claude_cli.bedrock.duration import LONGEST_DAYS
from bedrock_claude_cli.bedrock.usage import Report
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode, UsageError
from bedrock_claude_cli.explain import translate


@as_command
def command(
    ctx: Context,
    days: Annotated[
        int,
        typer.Option(
            "--days",
            metavar="N",
            min=1,
            max=LONGEST_DAYS,
            help="How many days (UTC), today included.",
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
        typer.Option(
            "--html",
            metavar="FILE",
            allow_dash=True,
            help="Write the report as an HTML page as well; - is stdout, and the page alone.",
        ),
    ] = None,
    log_group: options.LogGroup = None,
    bucket: options.LogBucket = None,
) -> int:
    """Who spent what: calls, tokens, errors and estimated cost, from the invocation logs.

    A log group is summed by CloudWatch Logs Insights, a bucket's objects here. Where logging goes
    to both, or both are named, the bucket is read for the days on which the log group has no
    record, for those beside them and for the first; of each day that source counts which knows more
    calls, so that none counts twice.
    """
    groups = usage.dimensions(by or ())
    bare = html is not None and str(html) == "-"
    if bare and ctx.out.json:
        raise UsageError("--html - and --json: stdout takes one of them")
    if html is not None and not html.parent.is_dir():
        raise UsageError(f"{html.parent} is no folder")
    sources = log_places.sources(ctx.aws.client, ctx.region, log_group=log_group, bucket=bucket)
    unread: list[tuple[str, str]] = []
    with log_places.reading(ctx.region, log_group=log_group, bucket=bucket):
        report = _report(ctx, sources, days, groups, unread)
    if bare:
        ctx.out.stdout.write(usage_report.page(report, _aliases()))
    elif html is not None:
        _write_page(html, report)
    for note in usage_report.notes(report):
        ctx.out.note(note)
    if not bare:
        _tell(ctx, report)
    for failure, hint in unread:
        ctx.out.fail(failure, hint)
    return ExitCode.PARTIAL if unread else ExitCode.OK


def _tell(ctx: Context, report: Report) -> None:
    if ctx.out.json:
        ctx.out.data(report)
    elif ctx.out.terminal and report.rows:
        _show(ctx, report)
    else:
        empty = (
            f"no record in {report.source} of {report.region} from {report.first_day} to "
            f"{report.last_day}; `--log-group` or `--bucket` reads elsewhere"
        )
        ctx.out.rows(report.rows, usage_report.columns(report.by), empty=empty)


def _report(
    ctx: Context,
    sources: tuple[logs.Source, ...],
    days: int,
    by: tuple[str, ...],
    unread: list[tuple[str, str]],
) -> Report:
    known = catalog.load()
    until = time.time()
    since = usage.first_midnight(until, days)
    names = [each.name for each in sources]

    def skip(source: logs.Source, error: Exception) -> None:
        names.remove(source.name)
        told = translate(error)
        alone = [f"`--log-group {each.log_group}` reads {each.name} alone"
                 for each in sources if isinstance(each, logs.CloudWatch)]  # fmt: skip
        hints = [hint for hint in (ctx.fill(told.hint), *alone) if hint]
        what = f"{source.name} was not read, and what only it holds is missing here"
        unread.append((f"{what}: {told.message}", "; ".join(hints)))

    cells = usage_sources.cells(sources, usage_sources.Window(since, until, by), known, skip)
    return usage.report(
        cells,
        by=by,
        since=since,
        until=until,
        region=ctx.region,
        source=" and ".join(names),
        catalog=known,
        prices=ctx.settings.prices,
        tiered=isinstance(sources[0], logs.S3),
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
