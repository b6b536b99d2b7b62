"""What a batch job costs: half the list price, of the models for which that is known."""

from __future__ import annotations

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


def at_most(request: Request, target: Target, overrides: pricing.Overrides) -> float | None:
    """The most that a record can cost, in USD; None where its batch price is unknown."""
    if target.base_id not in HALF_PRICED:
        return None
    whole = run_budget.at_most(request, target, overrides)
    return None if whole is None else HALF * whole


def of(usage: Usage, target: Target, overrides: pricing.Overrides) -> float | None:
    """What an answer cost, in USD; None where its batch price is unknown."""
    if target.base_id not in HALF_PRICED:
        return None
    whole = pricing.cost(
        pricing.price(target, overrides),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write_5m=usage.cache_creation_input_tokens,
    )
    return None if whole is None else HALF * whole
