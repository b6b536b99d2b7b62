"""What `access request` does with its plan: shown, agreed to, made, and waited for."""

from __future__ import annotations

import time

from bedrock_claude_cli import access_form, access_view
from bedrock_claude_cli.access_view import Request
from bedrock_claude_cli.bedrock import access_request, access_steps, use_case
from bedrock_claude_cli.bedrock.access_request import Wish
from bedrock_claude_cli.bedrock.access_state import World
from bedrock_claude_cli.confirm import NOTHING, confirm
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, DeniedError, ExitCode, PendingError, UsageError
from bedrock_claude_cli.explain import translate


def carry_out(
    ctx: Context, asked: Request, wish: Wish, world: World, seconds: float, *, yes: bool
) -> int:
    """Show the plan, ask, make it and wait for `seconds` at most; the exit code.

    With --json the request is printed as far as it got, whatever ends it.
    """
    try:
        return _make(ctx, asked, wish, world, seconds, yes=yes)
    except KeyboardInterrupt:
        _tell_interrupted(ctx, asked)
        _tell_changed_mode(ctx, asked, world)
        return ExitCode.INTERRUPTED
    except Exception as error:
        asked.error = translate(error)
        if asked.error.exit_code == ExitCode.FAILURE and not isinstance(error, CliError):
            raise
        if isinstance(asked.error, DeniedError):
            asked.access = "closed"
        if not isinstance(asked.error, PendingError):
            _tell_changed_mode(ctx, asked, world)
        _show_json(ctx, asked)
        raise


def _make(
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
        _refuse_unseen(ctx, yes=yes)
        wish = _with_form(ctx, asked, wish)
        confirm(ctx.out, _question(asked), yes=yes)
    until = time.monotonic() + seconds
    found = asked.survey
    for step in access_steps.make(asked.changes, found, wish, world, ctx.out.note, until):
        asked.done.append(step)
    if not idle:
        asked.access = "pending"
        often = 10 if ctx.out.stderr.isatty() else 60
        access_steps.wait(found, world, ctx.out.note, until, ctx.out.pause, often)
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


def _refuse_unseen(ctx: Context, *, yes: bool) -> None:
    """Nobody agrees to terms that went to a file or into --json."""
    if not yes and access_form.can_ask(ctx.out) and (ctx.out.json or not ctx.out.terminal):
        raise UsageError(
            f"prices and terms are not shown on a terminal, so nobody can agree to them and "
            f"{NOTHING}",
            hint="--yes goes ahead; --dry-run shows them",
        )


def _question(asked: Request) -> str:
    does = {
        access_request.PUT_FORM: "submit the form (no operation takes it back)",
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


def _tell_changed_mode(ctx: Context, asked: Request, world: World) -> None:
    """What was made for a model that did not open stays; it shows with --quiet too."""
    for step in asked.done:
        if access_request.PUT_RETENTION in step.actions:
            ctx.out.asked("note", access_request.back(step.before, world))


def _line(ctx: Context, text: str) -> None:
    if not ctx.out.json:
        ctx.out.line(text)


def _show_json(ctx: Context, asked: Request) -> None:
    if ctx.out.json:
        ctx.out.data(access_view.request_json(asked))
