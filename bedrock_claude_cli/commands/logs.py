"""`logs`: whether calls are logged, switching it off, and what the logs hold."""

from __future__ import annotations

from functools import cache, partial
from typing import Annotated

import typer

from bedrock_claude_cli import options
from bedrock_claude_cli.bedrock import identity, invocation_logging, logging_run, logging_status
from bedrock_claude_cli.bedrock.invocation_logging import Configured
from bedrock_claude_cli.bedrock.logging_state import Denied, Target
from bedrock_claude_cli.bedrock.logging_status import Status
from bedrock_claude_cli.commands import logs_read
from bedrock_claude_cli.confirm import confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode

app = typer.Typer(
    help="Show whether calls are logged, switch it off, read what was logged.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("tail")(logs_read.tail)
app.command("show")(logs_read.show)
app.command("search")(logs_read.search)


def _targets(ctx: Context, regions: list[str]) -> list[Target]:
    caller = identity.get_caller(ctx.sts)
    return [
        Target(place, cache(partial(ctx.aws.client, region=place.region)))
        for place in logging_run.places(caller, regions)
    ]


@app.command("status")
@as_command
def status(
    ctx: Context,
    region: options.Regions = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit 11 unless logging is on and all is as it should be."),
    ] = False,
) -> int:
    """Show whether calls are logged, where to, and whether all is as it should be."""
    found = [logging_status.status(each) for each in _targets(ctx, ctx.regions(region))]
    if ctx.out.json:
        ctx.out.data([{**vars(each), "ok": each.ok} for each in found])
    for each in found if not ctx.out.json else ():
        _show(ctx, each)
    return ExitCode.UNMET if check and not all(each.ok for each in found) else ExitCode.OK


def _show(ctx: Context, found: Status) -> None:
    """Label and text: in columns on a terminal, tab-separated with the region in a pipe."""
    if ctx.out.terminal:
        ctx.out.line(f"{found.region} in account {found.account}:")
    for label, text in logging_status.lines(found):
        if ctx.out.terminal:
            ctx.out.line(f"  {label:<14}{text}")
        else:
            ctx.out.line(f"{found.region}\t{label}\t{text}")
    if found.hint:
        ctx.out.note(f"{found.region}: {found.hint}")


@app.command("disable")
@as_command
def disable(
    ctx: Context,
    region: options.Regions = None,
    yes: options.Yes = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done and change nothing.")
    ] = False,
) -> None:
    """Stop logging; nothing that was logged is deleted, and what stays is said."""
    targets = _targets(ctx, ctx.regions(region, changing=True))
    on = [(target, now) for target in targets if (now := _configured(target)) is not None]
    if not ctx.out.json:
        for target, now in on:
            for line in _plan(target, now, "would" if dry_run else "will"):
                ctx.out.line(line)
        for target in targets:
            if target not in [each for each, _ in on]:
                ctx.out.line(f"{target.place.region}: logging is off; nothing to change")
    if on and not dry_run:
        where = " and ".join(target.place.region for target, _ in on)
        confirm(ctx.out, f"Stop logging in {where}?", yes=yes)
        _switch_off(ctx, [target for target, _ in on])
    if ctx.out.json:
        left = {target.place.region: logging_status.left_behind(target, now) for target, now in on}
        body = {"changed": bool(on) and not dry_run, "dry_run": dry_run, "left_behind": left}
        ctx.out.data(body)


def _switch_off(ctx: Context, targets: list[Target]) -> None:
    """Switch off one region after the other; what ends it early says what was done and is left."""
    for index, target in enumerate(targets):
        try:
            invocation_logging.remove(target.client("bedrock"))
        except BaseException:
            for done in targets[:index]:
                ctx.out.asked("done", f"{done.place.region}: logging is switched off")
            for left in targets[index:]:
                ctx.out.asked("left", f"{left.place.region}: switch logging off")
            ctx.out.asked("note", "the same command continues")
            raise
        ctx.out.note(f"{target.place.region}: logging is switched off")


def _configured(target: Target) -> Configured | None:
    found = logging_run.configured(target)
    if isinstance(found, Denied):
        raise logging_run.denied(found)
    return found


def _plan(target: Target, now: Configured, verb: str) -> list[str]:
    place = target.place
    return [
        f"{place.region} in account {place.account}: logging {verb} be switched off",
        *(f"  {'stays':<10}{text}" for text in logging_status.left_behind(target, now)),
    ]
