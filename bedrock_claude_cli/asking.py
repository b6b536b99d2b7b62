"""What `ask` does with a question: forecast it, print it as a program, or send it and show it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_claude_cli import calling, forecast
from bedrock_claude_cli.bedrock import ask, catalog, model_id
from bedrock_claude_cli.bedrock.answer import Answer, collect
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.compose import compose
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import ExitCode, UsageError
from bedrock_claude_cli.reply import View, usage_line, verdict

if TYPE_CHECKING:
    from bedrock_claude_cli.chat import Chat


class Wish(NamedTuple):
    """What the command line wants done with a question; docs of each are the options' help."""

    use_stdin: bool = True
    params: list[str] | None = None
    chat: str | None = None
    stream: bool = True
    plain: bool = False
    show_thinking: bool = False
    usage: bool = False
    dry_run: bool = False
    count_tokens: bool = False
    max_cost: float | None = None
    code: str | None = None
    extract: str | None = None
    allow_incomplete: bool = False

    @property
    def sends(self) -> bool:
        """Whether the question goes to the model."""
        return not (self.dry_run or self.count_tokens or self.code)


class _Question(NamedTuple):
    """One question on its way."""

    request: Request
    target: model_id.Target
    fitting: Mapping[str, Any] | None


def run(ctx: Context, question: str | None, wish: Wish) -> int:
    """Ask, with the conversation held from before the request until it is saved."""
    _check(ctx, wish)
    if wish.chat is None:
        return _with_chat(ctx, question, wish, None)
    from bedrock_claude_cli import chat

    ctx.in_chat = True
    with chat.opened(wish.chat, ctx.environ, sandbox=ctx.out.sandbox, keep=wish.sends) as kept:
        return _with_chat(ctx, question, wish, kept)


def _check(ctx: Context, wish: Wish) -> None:
    ways = {"--dry-run": wish.dry_run, "--count-tokens": wish.count_tokens, "--code": wish.code}
    given = [name for name, value in ways.items() if value]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", hint="give one of them")
    if wish.max_cost is not None and (wish.count_tokens or wish.code):
        raise UsageError(
            f"{given[0]} and --max-cost exclude each other, for {given[0]} costs nothing",
            hint="leave --max-cost out",
        )
    if wish.extract is not None and ctx.settings.options.schema is not None:
        raise UsageError(
            "--extract picks a code block, and with --schema the answer is bare JSON",
            hint="leave one of them out",
        )


def _with_chat(ctx: Context, question: str | None, wish: Wish, kept: Chat | None) -> int:
    target = calling.target(ctx, catalog.load())
    request, fitting = compose(
        ctx,
        target,
        question,
        use_stdin=wish.use_stdin,
        params=wish.params,
        show_thinking=wish.show_thinking,
        history=kept.turns if kept else (),
        kept_system=kept.system if kept else None,
    )
    if wish.code is not None:
        return _program(ctx, wish.code, request)
    if wish.count_tokens:
        forecast.count_tokens(ctx, request, target)
        return ExitCode.OK
    if wish.max_cost is not None:
        forecast.check_cost(ctx, request, target, wish.max_cost, count=wish.sends)
    if wish.dry_run:
        ctx.out.data(forecast.dry_run(ctx, request, target))
        return ExitCode.OK
    return _send(ctx, _Question(request, target, fitting), wish, kept)


def _program(ctx: Context, language: str, request: Request) -> int:
    """Print the request as a program."""
    from bedrock_claude_cli.bedrock import program

    made = program.program(language, request, calling.place(ctx, request))
    if ctx.out.json:
        ctx.out.data({"language": language, "program": made})
    else:
        ctx.out.stdout.write(made)
    return ExitCode.OK


def _send(ctx: Context, asked: _Question, wish: Wish, kept: Chat | None) -> int:
    request, target, fitting = asked
    for note in (*target.notes, *request.shape.notes):
        ctx.out.note(note)
    whole = not wish.stream or ctx.out.json or wish.extract is not None or fitting is not None
    view = View(
        ctx.out,
        plain=wish.plain or fitting is not None,
        streaming=not whole,
        language=wish.extract,
        citations=request.shape.citations,
        thinking=wish.show_thinking,
    )
    answer = Answer(
        model=target.model_id, endpoint=target.endpoint, region=ctx.region, via=request.options.via
    )
    try:
        _receive(ctx, view, asked, wish.max_cost, answer)
    except KeyboardInterrupt:
        if answer.request_id:
            view.rest(answer)
        raise
    found = view.rest(answer)
    if wish.usage:
        ctx.out.asked("usage", usage_line(answer))
    if kept is not None:
        unkept = kept.keep(request, answer, allowed=wish.allow_incomplete)
        if unkept:
            ctx.out.note(unkept)
    return verdict(ctx.out, answer, wish.extract, found=found, allowed=wish.allow_incomplete)


def _receive(
    ctx: Context, view: View, asked: _Question, limit: float | None, answer: Answer
) -> None:
    """Send the request and show the text as it comes; what arrived is kept whatever happens."""
    request, target, fitting = asked
    known = catalog.load()
    events = ask.ask(request, target, calling.reach(ctx, known), known)
    if limit is not None:
        events = forecast.watched(ctx, request, target, limit, events)
    try:
        view.follow(collect(events, answer, time.monotonic))
    finally:
        if fitting is not None:
            from bedrock_claude_cli.bedrock import schema

            schema.judge(answer, fitting)
        sent = target._replace(model_id=answer.model or "", endpoint=answer.endpoint)
        # Before its end an answer's output tokens are not told, so neither is its cost.
        if answer.stop_reason and answer.usage:
            answer.cost_usd = forecast.cost(ctx, request, sent, answer.usage)
            answer.prices = forecast.prices(ctx, sent) if answer.cost_usd is not None else None
