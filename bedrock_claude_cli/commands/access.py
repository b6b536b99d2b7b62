"""`access`: which models are open to the account, and how one is opened."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import access_form, access_view, complete, options
from bedrock_claude_cli.access_view import Request
from bedrock_claude_cli.bedrock import (
    access_check,
    access_request,
    access_steps,
    catalog,
    identity,
    use_case,
)
from bedrock_claude_cli.bedrock.access_request import MODES, Wish
from bedrock_claude_cli.bedrock.access_state import World
from bedrock_claude_cli.bedrock.duration import parse_duration
from bedrock_claude_cli.confirm import NOTHING, confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import CliError, ExitCode, UsageError, did_you_mean
from bedrock_claude_cli.explain import translate

app = typer.Typer(
    help="Check which models are open to the account, and request one.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
WAIT = "15m"


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
        bool, typer.Option("--all", help="Also what the region does not offer, or no more.")
    ] = False,
) -> int:
    """Show what stands between the account and each model, and what mends it.

    Exit 5 where a model that was named cannot be called.
    """
    if models and every:
        raise UsageError("--all goes without a MODEL")
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
            help=f"The use-case form: {', '.join(use_case.NAMES)}; else it is asked for.",
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
) -> int:
    """Open a model: use-case form, data retention, Marketplace agreement.

    Shows the plan with prices and terms, asks, makes what is missing, and waits until the model is
    open. Running it again changes nothing, or goes on after an interruption.
    """
    seconds = _seconds(wait)
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
    try:
        return _carry_out(ctx, asked, wish, world, seconds, yes=yes)
    except KeyboardInterrupt:
        _tell_interrupted(ctx, asked)
        return ExitCode.INTERRUPTED
    except Exception as error:
        asked.error = translate(error)
        if asked.error.exit_code == ExitCode.FAILURE and not isinstance(error, CliError):
            raise
        _show_json(ctx, asked)
        raise


def _carry_out(
    ctx: Context, asked: Request, wish: Wish, world: World, seconds: float, *, yes: bool
) -> int:
    """Show the plan, stop where it ends or is refused, else make it and wait."""
    idle = not asked.changes and asked.access == "open"
    for line in access_view.plan_lines(asked) if not (idle and not asked.dry_run) else ():
        _line(ctx, line)
    access_request.refuse(asked.steps)
    _show_form(ctx, asked, wish)
    if asked.dry_run:
        _show_json(ctx, asked)
        return ExitCode.OK
    if asked.changes:
        wish = _with_form(ctx, asked, wish)
        confirm(ctx.out, _question(asked), yes=yes)
    until = time.monotonic() + seconds
    found = asked.survey
    for step in access_steps.make(asked.changes, found, wish, world, ctx.out.note, until):
        asked.done.append(step)
        asked.access = "pending"
    if not idle:
        access_steps.wait(found, world, ctx.out.note, until, ctx.out.pause)
        asked.access = "open"
    _conclude(ctx, asked)
    return ExitCode.OK


def _show_form(ctx: Context, asked: Request, wish: Wish) -> None:
    """The form that will be sent, or which one AWS has; with --dry-run also what is missing."""
    there = asked.survey.form
    if there is None and asked.form is not None:
        for line in access_view.form_lines(asked.form, "form, as it will be sent"):
            _line(ctx, line)
    elif there is None and asked.dry_run:
        _line(ctx, "form, asked for field by field, or with --form FILE.yaml of these keys:")
        for line in access_form.TEMPLATE:
            _line(ctx, f"  {line}")
    if there is None:
        ctx.out.note(use_case.ONE_FORM)
    elif wish.form is not None:
        ctx.out.note("a form was submitted before, so the one of --form is not sent")
        if asked.changes or asked.dry_run:
            for line in access_view.form_lines(there, "form, as it was submitted"):
                _line(ctx, line)


def _with_form(ctx: Context, asked: Request, wish: Wish) -> Wish:
    """The wish with the form that is needed, asked for where somebody is there."""
    if asked.survey.form is not None or wish.form is not None:
        return wish
    if not access_form.can_ask(ctx.out):
        raise UsageError(
            f"the use-case form has to be submitted, and nobody is there to be asked for it, so "
            f"{NOTHING}",
            hint=f"--form FILE.yaml holds it, with the keys {', '.join(use_case.NAMES)}; --yes "
            "goes ahead",
        )
    asked.form = access_form.ask(ctx.out)
    for line in access_view.form_lines(asked.form, "form, as it will be sent"):
        _line(ctx, line)
    return wish._replace(form=asked.form)


def _question(asked: Request) -> str:
    does = {
        access_request.PUT_FORM: "submit the form",
        access_request.PUT_RETENTION: "change the data retention",
        access_request.CREATE: "accept the offer and its legal terms",
    }
    what = ", ".join(does[step.actions[0]] for step in asked.changes)
    who = f"account {asked.account}" if asked.account else "the API key's account"
    return f"{what[0].upper()}{what[1:]}, for {who} in {asked.region}?"


def _conclude(ctx: Context, asked: Request) -> None:
    name, more = asked.survey.model.name, ""
    if not asked.done:
        more = ": nothing to request"
    _line(ctx, f"{name} is open to the account{more}")
    if access_request.PUT_FORM in (step.actions[0] for step in asked.done):
        ctx.out.note("calls may take up to 15 minutes to know of the form")
    if not asked.done and ctx.out.sandbox:
        ctx.out.note("in the sandbox every model is, unless a rule with `access` says otherwise")
    _show_json(ctx, asked)


def _tell_interrupted(ctx: Context, asked: Request) -> None:
    for step in asked.done:
        ctx.out.asked("done", f"{step.kind} {step.what}")
    for step in asked.left if asked.done else ():
        ctx.out.asked("left", f"{step.kind} {step.what}")
    _show_json(ctx, asked)
    told = "the same command continues" if asked.done or not asked.changes else NOTHING
    ctx.out.asked("note", f"interrupted; {told}")


def _line(ctx: Context, text: str) -> None:
    if not ctx.out.json:
        ctx.out.line(text)


def _show_json(ctx: Context, asked: Request) -> None:
    if ctx.out.json:
        ctx.out.data(access_view.request_json(asked))


def _seconds(text: str) -> float:
    if text.strip() in ("0", "0s"):
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from None


def _world(ctx: Context) -> World:
    """How AWS is asked; commands that are printed get the flags that were given here."""
    flags = (("--region", ctx.aws.region), ("--profile", ctx.aws.profile))
    more = "".join(f" {flag} {each.value}" for flag, each in flags if each.source == flag)
    return World(ctx.bedrock, ctx.region, catalog.load(), more)
