"""`ask`: one question in, Claude's answer out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any, Optional

import typer

from bedrock_claude_cli import calling, complete, options
from bedrock_claude_cli.bedrock import ask, catalog, model_id, pricing
from bedrock_claude_cli.bedrock import schema as schemas
from bedrock_claude_cli.bedrock.answer import Answer, Usage, collect
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import transport
from bedrock_claude_cli.compose import compose
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode, UsageError
from bedrock_claude_cli.extract import Command as Command
from bedrock_claude_cli.reply import View, usage_line, verdict


@as_command
def command(
    ctx: Context,
    question: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[QUESTION]", help="What to ask; `-` reads it from stdin."),
    ] = None,
    model: options.Model = None,
    endpoint: options.Endpoint = None,
    via: options.Via = None,
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
    guardrail: options.Guardrail = None,
    meta: options.Meta = None,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", "-n", help="Never read standard input.")
    ] = False,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Print the answer when it is whole.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Bare text on a terminal too, no markdown.")
    ] = False,
    show_thinking: Annotated[
        bool, typer.Option("--show-thinking", help="The model's thinking, on stderr.")
    ] = False,
    usage: Annotated[
        bool, typer.Option("--usage", "-u", help="Tokens, cost and times, on stderr.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the exact request; send nothing.")
    ] = False,
    code: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--code",
            metavar="LANG",
            help="Print a program that makes this request: python, typescript, boto3 or curl.",
            autocompletion=complete.languages,
        ),
    ] = None,
    extract: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--extract",
            "-x",
            metavar="[LANG]",
            help="Print the first fenced code block only, of LANG (as in -xpython) if given.",
        ),
    ] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Exit 0 also if the answer is not whole.")
    ] = False,
) -> int:
    """Ask Claude a question; the answer streams to stdout.

    Piped input goes first, then a blank line, then the argument.
    """
    ctx.give(
        model=model,
        endpoint=endpoint,
        via=via,
        system=system,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        stop=stop,
        attach=attach,
        citations=citations,
        schema=schema,
        thinking=thinking,
        effort=effort,
        cache=cache,
        context_1m=context_1m or None,
        beta=beta,
        guardrail=guardrail,
        meta=meta,
        timeout=timeout,
        retries=retries,
    )
    if extract is not None and ctx.settings.options.schema is not None:
        raise UsageError(
            "--extract picks a code block, and with --schema the answer is bare JSON",
            hint="leave one of them out",
        )
    known = catalog.load()
    target = calling.target(ctx, known)
    request, fitting = compose(
        ctx, target, question, use_stdin=not no_stdin, show_thinking=show_thinking
    )
    if code is not None:
        return _program(ctx, code, request)
    if dry_run:
        ctx.out.data(_forecast(ctx, request, target))
        return ExitCode.OK
    for note in (*target.notes, *request.shape.notes):
        ctx.out.note(note)
    streaming = not (no_stream or ctx.out.json or extract is not None or fitting is not None)
    view = View(
        ctx.out,
        plain=plain or fitting is not None,
        streaming=streaming,
        language=extract,
        citations=request.shape.citations,
        thinking=show_thinking,
    )
    answer = Answer(
        model=target.model_id, endpoint=target.endpoint, region=ctx.region, via=request.options.via
    )
    try:
        _receive(ctx, view, request, target, known, answer, fitting)
    except KeyboardInterrupt:
        if answer.request_id:
            view.rest(answer)
        raise
    found = view.rest(answer)
    if usage:
        own = pricing.price(target, ctx.settings.prices)
        prices = "your prices" if own and own.source == "config" else f"list prices, {known.date}"
        ctx.out.asked("usage", usage_line(answer, prices))
    return verdict(ctx.out, answer, extract, found=found, allowed=allow_incomplete)


def _program(ctx: Context, language: str, request: Request) -> int:
    """Print the request as a program."""
    from bedrock_claude_cli.bedrock import program

    made = program.program(language, request, calling.place(ctx, request))
    if ctx.out.json:
        ctx.out.data({"language": language, "program": made})
    else:
        ctx.out.stdout.write(made)
    return ExitCode.OK


def _receive(
    ctx: Context,
    view: View,
    request: Request,
    target: model_id.Target,
    known: catalog.Catalog,
    answer: Answer,
    fitting: Mapping[str, Any] | None,
) -> None:
    """Send the request and show the text as it comes; what arrived is kept whatever happens."""
    try:
        view.follow(
            collect(
                ask.ask(request, target, calling.reach(ctx, known), known), answer, time.monotonic
            )
        )
    finally:
        if fitting is not None:
            schemas.judge(answer, fitting)
        sent = target._replace(model_id=answer.model or "", endpoint=answer.endpoint)
        # Before its end an answer's output tokens are not told, so neither is its cost.
        cache = request.options.cache
        answer.cost_usd = _cost(ctx, sent, answer.usage, cache) if answer.stop_reason else None


def _cost(
    ctx: Context, target: model_id.Target, usage: Usage | None, cache: str | None
) -> float | None:
    """What the tokens cost; every cache point of a request lives as long, `cache`."""
    if usage is None:
        return None
    written = usage.cache_creation_input_tokens
    return pricing.cost(
        pricing.price(target, ctx.settings.prices),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=0 if cache == "1h" else written,
        cache_write_1h=written if cache == "1h" else 0,
    )


def _forecast(ctx: Context, request: Request, target: model_id.Target) -> dict[str, Any]:
    """What would be sent, and what it costs where the answer takes all of max_tokens, roughly."""
    call = transport(request.options.via).build(request)
    tokens = ask.estimated_tokens(request)
    most = Usage(input_tokens=tokens, output_tokens=request.options.max_tokens or 0)
    return {
        "operation": call.operation,
        "endpoint_url": calling.endpoint_url(ctx),
        "region": ctx.region,
        "endpoint": target.endpoint,
        "request": call.as_json(),
        "estimate": {
            "input_tokens": tokens,
            "max_tokens": request.options.max_tokens,
            "cost_usd": _cost(ctx, target, most, request.options.cache),
        },
        "notes": [*target.notes, *request.shape.notes],
    }
