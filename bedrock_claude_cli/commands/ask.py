"""`ask`: one question in, Claude's answer out."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Optional

import typer
from typer.core import TyperCommand

from bedrock_claude_cli import options
from bedrock_claude_cli.aws import UNSTREAMED_TIMEOUT
from bedrock_claude_cli.bedrock import ask, catalog, model_id, pricing
from bedrock_claude_cli.bedrock.answer import Answer, Note, Text, Usage, Waiting, collect, fenced
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import invoke
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ExitCode
from bedrock_claude_cli.question import read_question, read_system
from bedrock_claude_cli.terminal import Writer, answer_writer


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
    usage: Annotated[
        bool, typer.Option("--usage", "-u", help="Tokens, cost and times, on stderr.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the exact request; send nothing.")
    ] = False,
    extract: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--extract",
            "-x",
            metavar="[=LANG]",
            help="Print the first fenced code block only (of LANG, attached: -xpython).",
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
        timeout=timeout,
        retries=retries,
    )
    text = read_question(question, use_stdin=not no_stdin, note=ctx.out.note)
    known = catalog.load()
    target = _target(ctx, known)
    request = Request(
        ctx.settings.options, target.model_id, text, read_system(ctx.settings.options.system)
    )
    ask.check(request, target.known)
    if dry_run:
        ctx.out.data(_forecast(ctx, request, target))
        return ExitCode.OK
    for note in target.notes:
        ctx.out.note(note)
    streaming = not (no_stream or ctx.out.json or extract is not None)
    answer = _answer(ctx, request, target, known, streaming=streaming, plain=plain)
    found = _print(ctx, answer, printed=streaming, plain=plain, language=extract)
    if usage:
        ctx.out.note(_usage_line(answer, known))
    if not found:
        ctx.out.fail("the answer has no such fenced code block", None)
    reason = answer.incomplete_reason()
    if reason is None:
        return ExitCode.OK if found else ExitCode.INCOMPLETE
    hint = "raise --max-tokens" if answer.stop_reason == "max_tokens" else None
    ctx.out.fail(f"the answer is not whole: {reason}", hint)
    return ExitCode.OK if allow_incomplete and found else ExitCode.INCOMPLETE


def _target(ctx: Context, known: catalog.Catalog) -> model_id.Target:
    options = ctx.settings.options
    folder = ctx.cache_folder()
    file = folder / f"{ctx.region}.json" if folder else None
    seen: tuple[str, ...] = ()
    if file and file.exists():
        from bedrock_claude_cli.bedrock import inventory

        seen = inventory.recall(file)
    return model_id.resolve(
        options.model or "",
        endpoint=options.endpoint or "auto",
        region=ctx.region,
        catalog=known,
        seen=seen,
    )


def _answer(
    ctx: Context,
    request: Request,
    target: model_id.Target,
    known: catalog.Catalog,
    *,
    streaming: bool,
    plain: bool,
) -> Answer:
    """Send the request and show the text as it comes; what arrived is kept whatever happens."""
    answer = Answer(
        model=target.model_id,
        endpoint=target.endpoint,
        region=ctx.region,
        via=request.options.via,
    )
    reach = ask.Reach(
        runtime=lambda: ctx.runtime,
        patient=lambda: ctx.aws.client("bedrock-runtime", read_timeout=UNSTREAMED_TIMEOUT),
        offered=lambda: _offered(ctx, known),
    )
    writer = _writer(ctx, plain)
    events = collect(ask.ask(request, target, reach, known), answer, time.monotonic)
    try:
        for event in events:
            match event:
                case Text(text) if streaming:
                    writer.write(text)
                case Waiting(seconds, cause, attempt):
                    total = (request.options.retries or 0) + 1
                    ctx.out.note(
                        f"{cause}: waiting {seconds:g} s after attempt {attempt} of {total}"
                    )
                case Note(text):
                    ctx.out.note(text)
    finally:
        if streaming:
            writer.finish()
    sent = target._replace(model_id=answer.model or "", endpoint=answer.endpoint)
    answer.cost_usd = _cost(ctx, sent, answer.usage)
    return answer


def _writer(ctx: Context, plain: bool) -> Writer:
    out = ctx.out
    return answer_writer(out.stdout, terminal=out.terminal, markdown=not plain, color=out.color)


def _print(
    ctx: Context, answer: Answer, *, printed: bool, plain: bool, language: str | None
) -> bool:
    """Print what was not streamed; False if a code block was asked for and there is none."""
    text: str | None = answer.text
    if language is not None:
        text = fenced(answer.text, language or None)
    if ctx.out.json:
        extracted = {} if language is None else {"extracted": text}
        ctx.out.data(answer.as_json() | extracted)
    elif text and not printed:
        writer = _writer(ctx, plain or language is not None)
        writer.write(text)
        writer.finish()
    return text is not None


def _cost(ctx: Context, target: model_id.Target, usage: Usage | None) -> float | None:
    if usage is None:
        return None
    return pricing.cost(
        pricing.price(target, ctx.settings.prices),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=usage.cache_creation_input_tokens,
    )


def _offered(ctx: Context, known: catalog.Catalog) -> list[str]:
    """The ids that the region offers now, kept for the next time."""
    from bedrock_claude_cli.bedrock import inventory

    ctx.out.note(f"looking up which ids {ctx.region} offers")
    models = inventory.list_models(ctx.bedrock, ctx.region, known)
    folder = ctx.cache_folder()
    if folder:
        inventory.remember(folder / f"{ctx.region}.json", models)
    return [entry.id for model in models for entry in model.ids]


def _forecast(ctx: Context, request: Request, target: model_id.Target) -> dict[str, Any]:
    """What would be sent, and what it may cost at most; `input_tokens` is a rough estimate."""
    call = invoke.build(request)
    tokens = ask.estimated_tokens(request)
    most = Usage(input_tokens=tokens, output_tokens=request.options.max_tokens or 0)
    return {
        "operation": call.operation,
        "endpoint_url": ctx.runtime.meta.endpoint_url,
        "region": ctx.region,
        "endpoint": target.endpoint,
        "request": call.arguments | {"body": json.loads(call.arguments["body"])},
        "estimate": {
            "input_tokens": tokens,
            "max_tokens": request.options.max_tokens,
            "cost_usd_at_most": _cost(ctx, target, most),
        },
        "notes": list(target.notes),
    }


def _usage_line(answer: Answer, known: catalog.Catalog) -> str:
    usage = answer.usage or Usage()
    tokens = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
    if usage.cache_read_input_tokens or usage.cache_creation_input_tokens:
        tokens += (
            f", cache {usage.cache_read_input_tokens} read"
            f" {usage.cache_creation_input_tokens} written"
        )
    cost = (
        "cost unknown"
        if answer.cost_usd is None
        else f"about ${answer.cost_usd:.6f} (list prices of {known.date})"
    )
    first = (
        "no text" if answer.first_token_ms is None else f"first token {answer.first_token_ms} ms"
    )
    return f"{tokens}; {cost}; {first}, all {answer.latency_ms} ms; {answer.model}"


class Command(TyperCommand):
    """Lets `--extract` stand alone or carry an attached language, as in `-xpython`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Spell every form as `--extract LANG` before typer reads it."""
        spelled: list[str] = []
        for index, arg in enumerate(args):
            if arg == "--":
                spelled.extend(args[index:])
                break
            if arg in ("-x", "--extract"):
                spelled.append("--extract=")
            elif arg.startswith("-x"):
                spelled.append(f"--extract={arg[2:]}")
            else:
                spelled.append(arg)
        return super().parse_args(ctx, spelled)
