"""What a question may cost, before it is sent: --dry-run, --count-tokens and --max-cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_claude_cli import calling
from bedrock_claude_cli.bedrock import catalog, model_id, pricing
from bedrock_claude_cli.bedrock.answer import Event, Moved, Usage
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import transport
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, DeniedError, RejectedError, UnmetError, UsageError

if TYPE_CHECKING:
    from bedrock_claude_cli.bedrock import tokens


def cost(ctx: Context, request: Request, target: model_id.Target, usage: Usage) -> float | None:
    """USD for a question of so many tokens; None where a price is unknown."""
    written = usage.cache_creation_input_tokens
    hour = request.options.cache == "1h"
    return pricing.cost(
        pricing.price(target, ctx.settings.prices),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=0 if hour else written,
        cache_write_1h=written if hour else 0,
    )


def prices(ctx: Context, target: model_id.Target) -> str | None:
    """Whose prices count for a model: the date of the list, `config`, or None if unknown."""
    found = pricing.price(target, ctx.settings.prices)
    if found is None:
        return None
    return "config" if found.source == "config" else catalog.load().date


def dry_run(ctx: Context, request: Request, target: model_id.Target) -> dict[str, Any]:
    """What would be sent, and what it costs where the answer takes all of max_tokens, roughly."""
    from bedrock_claude_cli.bedrock import tokens

    call = transport(request.options.via).build(request)
    estimated = tokens.estimate(request)
    most = Usage(input_tokens=estimated, output_tokens=request.options.max_tokens or 0)
    figure = cost(ctx, request, target, most)
    return {
        "operation": call.operation,
        "endpoint_url": calling.endpoint_url(ctx),
        "region": ctx.region,
        "endpoint": target.endpoint,
        "request": call.as_json(),
        "estimate": {
            "input_tokens": estimated,
            "max_tokens": request.options.max_tokens,
            "cost_usd": figure,
            "prices": None if figure is None else prices(ctx, target),
        },
        "notes": [*target.notes, *request.shape.notes],
    }


def count_tokens(ctx: Context, request: Request, target: model_id.Target) -> None:
    """Print the input tokens: bare in a pipe, with their counter on a terminal."""
    from bedrock_claude_cli.bedrock import tokens

    found = _counted(ctx, request, target)
    if found is None:
        ctx.out.warn(f"AWS counts no tokens for {request.model_id}, so this is an estimate")
        found = tokens.Count(tokens.estimate(request), "estimate")
    if ctx.out.json:
        ctx.out.data(
            {"input_tokens": found.tokens, "method": found.method, "model": request.model_id}
        )
    elif ctx.out.terminal:
        by = "estimated" if found.method == "estimate" else f"counted by {found.method}"
        ctx.out.line(f"{found.tokens:,} input tokens ({by})")
    else:
        ctx.out.line(str(found.tokens))


def _counted(ctx: Context, request: Request, target: model_id.Target) -> tokens.Count | None:
    from bedrock_claude_cli.bedrock import tokens

    return tokens.count(
        request,
        target,
        runtime=lambda: ctx.runtime,
        mantle=lambda: ctx.mantle,
        say=ctx.out.note,
    )


class _Most(NamedTuple):
    """The most that a question can cost, in USD, and its parts; prices per million tokens."""

    tokens: int
    how: str
    input_price: float
    max_tokens: int
    output_price: float

    @property
    def input_usd(self) -> float:
        return self.tokens * self.input_price / 1_000_000

    @property
    def output_usd(self) -> float:
        return self.max_tokens * self.output_price / 1_000_000

    @property
    def usd(self) -> float:
        return self.input_usd + self.output_usd


def check_cost(
    ctx: Context, request: Request, target: model_id.Target, limit: float, *, count: bool = True
) -> None:
    """UnmetError where the question could cost more than `limit` USD, or nobody knows.

    The bound is a true one, without a request to AWS; only where it is above the limit the tokens
    are counted, if `count` allows it and AWS does that for this model.
    """
    from bedrock_claude_cli.bedrock import tokens

    if not (math.isfinite(limit) and limit >= 0):
        raise UsageError(f"--max-cost takes USD from 0, not {limit:g}")
    bound, how = tokens.at_most(request, target.known)
    most = _most(ctx, request, target, bound, how) if bound is not None else None
    if most is not None and most.usd <= limit:
        return
    if count and (most is None or most.output_usd <= limit):
        most = _exactly(ctx, request, target) or most
    if most is None:
        raise UnmetError(
            "how many tokens this has at most is unknown, so --max-cost cannot hold",
            hint="name the model by its alias or id: `bedrock-claude list-models`",
        )
    if most.usd > limit:
        raise _too_dear(ctx, target, most, limit)


def _exactly(ctx: Context, request: Request, target: model_id.Target) -> _Most | None:
    try:
        found = _counted(ctx, request, target)
    except Exception as error:
        from bedrock_claude_cli.explain import translate

        told = translate(error)
        if not isinstance(told, DeniedError | RejectedError):
            raise
        ctx.out.note(f"the tokens could not be counted: {told.message}")
        return None
    if found is None:
        return None
    return _most(ctx, request, target, found.tokens, f"counted by {found.method}")


def _most(ctx: Context, request: Request, target: model_id.Target, prompt: int, how: str) -> _Most:
    """The most for so many tokens: with --cache each may be written, which costs more than read."""
    price = pricing.price(target, ctx.settings.prices)
    tier = pricing.tier(price, prompt) if price else None
    needed = ["input"]
    if request.options.cache is not None:
        needed.append(f"cache_write_{request.options.cache}")
    figures: dict[str, Any] = {
        key: getattr(tier, key) if tier else None for key in (*needed, "output")
    }
    missing = [key for key, figure in figures.items() if figure is None]
    if missing:
        raise _priceless(ctx, target, missing)
    dearest = max(figures[key] for key in needed)
    return _Most(prompt, how, dearest, request.options.max_tokens or 0, figures["output"])


def _priceless(ctx: Context, target: model_id.Target, missing: list[str]) -> CliError:
    key, own = pricing.override(target, ctx.settings.prices)
    told = [f"{name}: {figure}" for name, figure in own.items()]
    entry = ", ".join([*told, *(f"{name}: ..." for name in missing)])
    return UnmetError(
        f"the price of {target.model_id} is unknown ({', '.join(missing)}), so --max-cost cannot "
        "hold",
        hint=f"give it in {ctx.settings.path}, in USD per million tokens: `prices: {{{key}: "
        f"{{{entry}}}}}`",
    )


def _too_dear(ctx: Context, target: model_id.Target, most: _Most, limit: float) -> CliError:
    whose = prices(ctx, target)
    listed = "your prices" if whose == "config" else f"list prices, {whose}"
    fits = 0
    if most.output_price:
        fits = int((limit - most.input_usd) * 1_000_000 / most.output_price)
    less = f"`--max-tokens {fits}`, " if fits > 0 else ""
    return UnmetError(
        f"this could cost ${most.usd:.6f}, more than --max-cost {limit:g}, so nothing was sent: "
        f"{most.tokens:,} tokens in ({most.how}) at ${most.input_price:g}, {most.max_tokens:,} out "
        f"at ${most.output_price:g} a million ({listed})",
        hint=f"{less}a cheaper model, or a higher --max-cost",
    )


def watched(
    ctx: Context,
    request: Request,
    target: model_id.Target,
    limit: float,
    events: Iterator[Event],
) -> Iterator[Event]:
    """The events of an answer, held to the limit also where another id, or price, is tried."""
    for event in events:
        if isinstance(event, Moved):
            check_cost(
                ctx,
                request,
                target._replace(model_id=event.model_id, endpoint=event.endpoint),
                limit,
            )
        yield event
