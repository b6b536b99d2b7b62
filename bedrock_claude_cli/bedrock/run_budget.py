"""What a record can cost at most, and what is left of a run's --max-cost."""

from __future__ import annotations

import json

from bedrock_claude_cli.bedrock import pricing, tokens
from bedrock_claude_cli.bedrock.answer import Usage
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.errors import CliError, UnmetError


def cost(
    request: Request, target: Target, usage: Usage, overrides: pricing.Overrides
) -> float | None:
    """USD of an answer; None where a price is unknown."""
    written, hour = usage.cache_creation_input_tokens, request.options.cache == "1h"
    return pricing.cost(
        pricing.price(target, overrides),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=0 if hour else written,
        cache_write_1h=written if hour else 0,
    )


def at_most(request: Request, target: Target, overrides: pricing.Overrides) -> float | None:
    """USD that a request can cost at most: input, cache writes and all of max_tokens.

    None where a price, or how long the input can be, is unknown.
    """
    price = pricing.price(target, overrides)
    bound = _bound(request, target)
    if price is None or bound is None:
        return None
    tier = pricing.tier(price, bound)
    figures = [tier.input]
    if request.options.cache is not None:
        hour = request.options.cache == "1h"
        figures.append(tier.cache_write_1h if hour else tier.cache_write_5m)
    if request.body is not None and "cache_control" in json.dumps(request.body):
        figures.append(tier.cache_write_1h or tier.cache_write_5m)
    known = [figure for figure in figures if figure is not None]
    if tier.output is None or len(known) < len(figures):
        return None
    return (bound * max(known) + (request.options.max_tokens or 0) * tier.output) / 1_000_000


def reached(limit: float, path: str, spent: float, most: float) -> CliError:
    """The end of a run whose next record can cost `most` USD, for which there is no room."""
    return UnmetError(
        f"--max-cost {limit:g} is reached: {path} has cost ${spent:.6f}, and the next record can "
        f"cost ${most:.6f}",
        hint="raise --max-cost: what is done stays done",
    )


def _bound(request: Request, target: Target) -> int | None:
    if request.body is not None:
        text = json.dumps(request.body)
        if any(f'"type": "{kind}"' in text for kind in ("image", "document")):
            return tokens.window(request, target.known)
    return tokens.at_most(request, target.known)[0]
