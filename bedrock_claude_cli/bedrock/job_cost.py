"""What a batch job costs: half the list price, of the models for which that is known."""

from __future__ import annotations

from typing import NamedTuple

from bedrock_claude_cli.bedrock import pricing, run_budget
from bedrock_claude_cli.bedrock.answer import Usage
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.prompt import Request

# litellm's price file 1.109.1 has batch prices, each half of the list price, for these alone.
HALF_PRICED = (
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
)
HALF = 0.5


class Most(NamedTuple):
    """The most that a record can cost, in USD: at the batch price, None where that is unknown.

    `bound` then is the list price's, as no batch is dearer; None where that is unknown too.
    """

    cost: float | None
    bound: float | None


def at_most(request: Request, target: Target, overrides: pricing.Overrides) -> Most:
    """What a record can cost: input, cache writes and all of max_tokens."""
    whole = run_budget.at_most(request, target, overrides)
    half = _batch(whole, target)
    return Most(half, whole if half is None else half)


def of(
    usage: Usage, target: Target, overrides: pricing.Overrides, *, hour: bool = False
) -> float | None:
    """What an answer cost, in USD; None where its batch price is unknown."""
    return _batch(listed(usage, target, overrides, hour=hour), target)


def listed(
    usage: Usage, target: Target, overrides: pricing.Overrides, *, hour: bool = False
) -> float | None:
    """The most that an answer cost whose batch price is unknown: its list price, in USD.

    With `hour` what it wrote to the cache stays there for an hour.
    """
    written = usage.cache_creation_input_tokens
    return pricing.cost(
        pricing.price(target, overrides),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=0 if hour else written,
        cache_write_1h=written if hour else 0,
    )


def _batch(whole: float | None, target: Target) -> float | None:
    if whole is None or target.base_id not in HALF_PRICED:
        return None
    return HALF * whole
