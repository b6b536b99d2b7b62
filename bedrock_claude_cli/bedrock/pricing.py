"""What a request costs: an estimate from list prices, or from the user's own figures."""

from __future__ import annotations

from collections.abc import Mapping

from bedrock_claude_cli.bedrock.catalog import KnownModel, Price
from bedrock_claude_cli.bedrock.model_id import Target

Overrides = Mapping[str, Mapping[str, float]]


def list_price(known: KnownModel | None, endpoint: str | None, region: str) -> Price | None:
    """The catalogue's price of a model at an endpoint, by source region; None if unknown.

    An endpoint that an ARN hides is priced as regional, the dearer of the two.
    """
    if known is None:
        return None
    if endpoint == "global":
        return known.prices.get("global")
    if endpoint == "us-gov" or region.startswith("us-gov-"):
        return known.prices.get("us-gov")
    return known.prices.get("regional")


def price(target: Target, overrides: Overrides | None = None) -> Price | None:
    """The price in USD per million tokens, the config's `prices` before the catalogue's.

    The most exact key wins: the id that is sent, then the base id, then the alias. Own figures
    drop the long-context tier; what they leave out stays as listed.
    """
    listed = list_price(target.known, target.endpoint, target.region)
    _, own = override(target, overrides or {})
    if not own:
        return listed
    base = listed or Price(None, None)
    return Price(
        input=own.get("input", base.input),
        output=own.get("output", base.output),
        cache_read=own.get("cache_read", base.cache_read),
        cache_write_5m=own.get("cache_write_5m", base.cache_write_5m),
        cache_write_1h=own.get("cache_write_1h", base.cache_write_1h),
        source="config",
    )


def override(target: Target, overrides: Overrides) -> tuple[str, Mapping[str, float]]:
    """The key of the config's `prices` that counts for a model, and its figures, if any."""
    alias = target.known.alias if target.known else None
    keys = [key for key in (target.model_id, target.base_id, alias) if key]
    key = next((key for key in keys if key in overrides), keys[-1])
    return key, overrides.get(key, {})


def tier(price: Price, prompt: int) -> Price:
    """What counts for a prompt of so many tokens, cached ones included."""
    above = price.long_context and price.above is not None and prompt > price.above
    return price.long_context if above and price.long_context else price


def cost(
    price: Price | None,
    *,
    input_tokens: int = 0,
    output_tokens: int = 0,
    cache_read: int = 0,
    cache_write_5m: int = 0,
    cache_write_1h: int = 0,
) -> float | None:
    """USD for one request; None as soon as a price that is needed is unknown, never 0.

    `input_tokens` are those outside the cache; the whole prompt decides on the long-context tier.
    """
    if price is None:
        return None
    price = tier(price, input_tokens + cache_read + cache_write_5m + cache_write_1h)
    total = 0.0
    for tokens, figure in (
        (input_tokens, price.input),
        (output_tokens, price.output),
        (cache_read, price.cache_read),
        (cache_write_5m, price.cache_write_5m),
        (cache_write_1h, price.cache_write_1h),
    ):
        if tokens and figure is None:
            return None
        total += tokens * (figure or 0)
    return total / 1_000_000
