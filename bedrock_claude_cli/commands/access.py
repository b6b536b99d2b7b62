"""`access`: which models are open to the account, and how one is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import access_form, access_view, complete, hints, opening, options
from bedrock_claude_cli.access_view import Request
from bedrock_claude_cli.bedrock import access_check, access_request, catalog, identity, use_case
from bedrock_claude_cli.bedrock.access_request import MODES, Wish
from bedrock_claude_cli.bedrock.access_state import World
from bedrock_claude_cli.bedrock.duration import parse_duration
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode, UsageError, did_you_mean

app = typer.Typer(
    help="Check which models are open to the account, and request one.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
WAIT = "15m"
# A list, so that a second one is refused and not silently the one that counts.
OneRegion = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--region", metavar="REGION", help="AWS region.", autocompletion=complete.regions),
]


@app.command("check")
@as_command
def check(
    ctx: Context,
    models: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(
            metavar="[MODEL]...",
            help="Aliases, ids or ARNs; default all that the region offers.",
            autocompletion=complete.models,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="Also models that the region does not offer, and ended ones."),
    ] = False,
    region: OneRegion = None,
) -> int:
    """Show what stands between the account and each model, and what mends it.

    Exit 5 where a model that was named cannot be called, 8 where AWS is still opening it.
    """
    if models and every:
        raise UsageError("--all goes without a MODEL")
    _refuse_regions(region)
    report = access_check.look(models or (), _world(ctx), every=every)
    code = access_check.exit_code(report, by_name=bool(models))
    access_view.show_check(ctx.out, report, failing=code != ExitCode.OK)
    return code


@app.command("request")
@as_command
def request(
    ctx: Context,
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Alias, id or ARN.", autocompletion=complete.models),
    ],
    form: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--form",
            metavar="FILE.yaml",
            help=f"The use-case form ({', '.join(use_case.NAMES)}), - for stdin; else it is asked "
            "for.",
        ),
    ] = None,
    data_retention: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--data-retention",
            metavar="MODE",
            help=f"Set the account's mode in the region: {', '.join(MODES)}.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and change nothing.")
    ] = False,
    yes: options.Yes = False,
    wait: Annotated[
        str,
        typer.Option("--wait", metavar="DURATION", help="How long to wait at most; 0: not at all."),
    ] = WAIT,
    region: OneRegion = None,
) -> int:
    """Open a model: use-case form, data retention, Marketplace agreement.

    Shows the plan with prices and terms, asks, makes what is missing, and waits until the model is
    open. Running it again changes nothing, or goes on after an interruption.
    """
    seconds = _seconds(wait)
    _refuse_regions(region)
    if data_retention is not None:
        if data_retention not in MODES:
            guess = did_you_mean(data_retention, MODES) or f"; one of {', '.join(MODES)}"
            raise UsageError(f"--data-retention: no mode is called `{data_retention}`{guess}")
        ctx.regions(None, changing=True)  # it holds for one region, so somebody must name it
    wish = Wish(access_form.read(form) if form else None, data_retention)
    world = _world(ctx)
    found = access_request.survey(model, wish, world)
    access_request.check_mode(found, wish)
    asked = Request(
        region=world.region,
        account=None if ctx.aws.api_key else identity.get_caller(ctx.sts).account,
        survey=found,
        steps=access_request.plan(found, wish, world),
        form=wish.form if found.form is None else None,
        dry_run=dry_run,
        access=found.access.access,
    )
    return opening.carry_out(ctx, asked, wish, world, seconds, yes=yes)


def _refuse_regions(given: list[str] | None) -> None:
    if len(set(given or ())) > 1:
        raise UsageError(f"--region takes one region here, not {' and '.join(given or ())}")


def _seconds(text: str) -> float:
    if text.strip() in ("0", "0s"):
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from None


def _world(ctx: Context) -> World:
    """How AWS is asked; commands that are printed get the flags that were given here."""
    region = ctx.region
    more = hints.spelled(ctx.place_flags())
    return World(ctx.bedrock, region, catalog.load(), more)
