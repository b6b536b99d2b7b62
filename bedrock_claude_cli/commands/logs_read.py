"""`logs tail`, `logs show` and `logs search`: what was asked and answered, read back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import complete, options
from bedrock_claude_cli.bedrock import catalog, log_places, logs
from bedrock_claude_cli.bedrock.duration import parse_duration
from bedrock_claude_cli.bedrock.log_record import iso_of
from bedrock_claude_cli.bedrock.log_search import Wanted
from bedrock_claude_cli.bedrock.logs import Record, Source
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import RejectedError, UsageError
from bedrock_claude_cli.log_view import View

Since = Annotated[
    str, typer.Option("--since", metavar="DURATION", help="How far back to look: 90s, 15m, 2h, 7d.")
]
Bodies = Annotated[
    bool, typer.Option("--bodies", help="Show the prompt and the answer of each call too.")
]


@as_command
def tail(
    ctx: Context,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as calls are logged, until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", min=0, help="How many of the last calls.")
    ] = 20,
    since: Since = "1d",
    bodies: Bodies = False,
    log_group: options.LogGroup = None,
    bucket: options.LogBucket = None,
) -> int:
    """Show the last calls that were logged."""
    view = _view(ctx, bodies)
    now = time.time()
    begin = now - _seconds(since)
    source = _source(ctx, log_group, bucket)
    with log_places.reading(ctx.region, log_group=log_group, bucket=bucket):
        found = logs.latest(source, lines, since=begin, now=now) if lines else []
        if not follow:
            view.all(found, empty=_none(ctx, source, begin) if lines else "")
            return view.exit_code
        shown = {each.request_id for each in found}
        view.begin(found)
        start = found[-1].seconds if found else None
        for record in logs.follow(source, start or now, sleep=ctx.out.pause):
            if record.request_id is None or record.request_id not in shown:
                view.each([record])
    return view.exit_code


@as_command
def show(
    ctx: Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="As AWS gave it.")],
    since: Since = "30d",
    log_group: options.LogGroup = None,
    bucket: options.LogBucket = None,
) -> int:
    """Show one call: who, when, what it took, the prompt and the answer."""
    if not request_id.strip():
        raise UsageError(
            "REQUEST_ID is empty", hint="`bedrock-claude logs tail` prints the last ones"
        )
    view = _view(ctx, bodies=True)
    begin = time.time() - _seconds(since)
    source = _source(ctx, log_group, bucket)
    with log_places.reading(ctx.region, log_group=log_group, bucket=bucket):
        record = logs.find(source, request_id.strip(), since=begin)
    if record is None:
        raise RejectedError(
            f"no record of request `{request_id}` in {source.name} of {ctx.region} since "
            f"{iso_of(begin)}",
            hint="records arrive a minute or more after the call; `--since` looks further back, "
            "`--log-group` or `--bucket` elsewhere",
            code="RecordNotFound",
        )
    view.one(record)
    return view.exit_code


@as_command
def search(
    ctx: Context,
    text: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="TEXT", help="In the prompt or the answer, in any case."),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Alias, or part of the model id.",
            autocompletion=complete.models,
        ),
    ] = None,
    identity: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--identity", metavar="TEXT", help="Part of the caller's ARN."),
    ] = None,
    since: Since = "1d",
    errors: Annotated[bool, typer.Option("--errors", help="Only calls that failed.")] = False,
    meta: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--meta", metavar="KEY=VALUE", help="Request metadata (repeatable)."),
    ] = None,
    bodies: Bodies = False,
    log_group: options.LogGroup = None,
    bucket: options.LogBucket = None,
) -> int:
    """Show the calls that match everything that is asked for."""
    view = _view(ctx, bodies)
    wanted = Wanted.read(text, model, identity, errors, meta or (), catalog.load())
    begin = time.time() - _seconds(since)
    source = _source(ctx, log_group, bucket)
    found = logs.records(source, begin)
    unread = 0

    def matching() -> Iterator[Record]:
        nonlocal unread
        for record in found:
            if not wanted.but_text(record):
                continue
            whole = view.whole(record) if text else record
            if wanted.has_text(whole):
                yield whole
            elif whole.elsewhere:
                unread += 1

    with log_places.reading(ctx.region, log_group=log_group, bucket=bucket):
        view.all(matching(), empty=_none(ctx, source, begin, "matching record"))
    if unread and not bodies:
        ctx.out.note(f"larger bodies of {unread} calls were not searched; --bodies fetches them")
    return view.exit_code


def _view(ctx: Context, bodies: bool) -> View:
    return View(
        ctx.out,
        catalog.load(),
        ctx.settings.prices,
        lambda: ctx.aws.client("s3"),
        bodies=bodies,
    )


def _source(ctx: Context, log_group: str | None, bucket: str | None) -> Source:
    if log_group is not None and bucket is not None:
        raise UsageError("--log-group and --bucket: one place is read at a time")
    return log_places.sources(ctx.aws.client, ctx.region, log_group=log_group, bucket=bucket)[0]


def _none(ctx: Context, source: Source, begin: float, what: str = "record") -> str:
    return (
        f"no {what} in {source.name} of {ctx.region} since {iso_of(begin)}; "
        "`--since` looks further back, `--log-group` or `--bucket` elsewhere"
    )


def _seconds(since: str) -> float:
    try:
        return parse_duration(since)
    except ValueError as error:
        raise UsageError(f"--since: {error}") from None
