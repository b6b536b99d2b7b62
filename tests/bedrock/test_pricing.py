"""What a request costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock.catalog import Price, load
from bedrock_claude_cli.bedrock.model_id import Target, resolve
from bedrock_claude_cli.bedrock.pricing import cost, list_price, price
from bedrock_claude_cli.config_file import PRICE_KEYS

SONNET_45 = "anthropic.claude-sonnet-4-5-20250929-v1:0"
KNOWN = load()


def to(text: str, region: str = "us-east-1", endpoint: str = "auto") -> Target:
    return resolve(text, endpoint=endpoint, region=region, catalog=KNOWN)


def priced(target: Target, overrides: dict[str, dict[str, float]] | None = None) -> Price:
    found = price(target, overrides)
    assert found
    return found


@pytest.mark.parametrize(
    ("text", "region", "endpoint", "figure"),
    [
        ("sonnet-4.5", "us-east-1", "global", 3),
        ("sonnet-4.5", "us-east-1", "us", 3.3),
        ("sonnet-4.5", "us-gov-west-1", "us-gov", 3.6),
        ("haiku-4.5", "us-gov-west-1", "in-region", 1.2),
        ("opus-4.6", "eu-west-2", "in-region", 5.5),
        ("opus-4.1", "us-east-1", "us", 15),
        ("mythos-5", "us-east-1", "us", 11),
        (f"global.{SONNET_45}", "us-east-1", "auto", 3),
    ],
)
def test_the_price_follows_the_endpoint_and_the_region(
    text: str, region: str, endpoint: str, figure: float
) -> None:
    assert priced(to(text, region, endpoint)).input == figure


def test_an_unknown_model_and_an_opaque_arn_have_no_price() -> None:
    assert price(to("anthropic.claude-next-9")) is None
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    assert price(to(arn)) is None
    assert list_price(None, "global", "us-east-1") is None


def test_an_endpoint_that_no_source_prices_has_no_price() -> None:
    assert list_price(KNOWN.by_alias("opus-4.1"), "global", "us-east-1") is None
    assert list_price(KNOWN.by_alias("opus-4.1"), "us", "us-gov-west-1") is None


def test_a_hidden_endpoint_is_priced_as_the_dearer_one() -> None:
    found = list_price(KNOWN.by_alias("sonnet-4.5"), None, "us-east-1")
    assert found and found.input == 3.3


@pytest.mark.parametrize("key", ["sonnet-4.5", SONNET_45, f"us.{SONNET_45}"])
def test_the_config_overrides_by_alias_base_id_or_full_id(key: str) -> None:
    found = priced(to("sonnet-4.5", endpoint="us"), {key: {"input": 1.5, "output": 7}})
    assert (found.input, found.output, found.source) == (1.5, 7, "config")
    assert found.cache_read == 0.33


def test_the_most_exact_override_wins() -> None:
    overrides = {
        "sonnet-4.5": {"input": 1.0},
        SONNET_45: {"input": 2.0},
        f"us.{SONNET_45}": {"input": 4.0},
    }
    assert priced(to("sonnet-4.5", endpoint="us"), overrides).input == 4
    assert priced(to("sonnet-4.5"), overrides).input == 2
    del overrides[SONNET_45]
    assert priced(to("sonnet-4.5"), overrides).input == 1
    assert priced(to("opus-4.6"), overrides).input == 5


def test_an_override_prices_what_no_catalogue_knows() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    found = priced(to(arn), {arn: {"input": 1.0, "output": 2.0}})
    assert found == Price(1.0, 2.0, source="config")
    assert cost(found, input_tokens=1_000_000, cache_read=1) is None


def test_an_override_of_zero_is_a_price() -> None:
    free = priced(to("sonnet-4.5"), {"sonnet-4.5": dict.fromkeys(PRICE_KEYS, 0.0)})
    assert cost(free, input_tokens=5, output_tokens=5) == 0


def test_an_override_leaves_no_long_context_tier_behind() -> None:
    assert priced(to("haiku-5.5")).long_context
    assert priced(to("haiku-5.5"), {"haiku-5.5": {"input": 0.2}}).long_context is None


def test_every_kind_of_token_counts() -> None:
    found = Price(1, 2, 3, 4, 5)
    million = 1_000_000
    assert cost(found, input_tokens=million) == 1
    assert cost(found, output_tokens=million) == 2
    assert cost(found, cache_read=million) == 3
    assert cost(found, cache_write_5m=million) == 4
    assert cost(found, cache_write_1h=million) == 5
    assert cost(found, input_tokens=million, output_tokens=million) == 3


def test_an_unknown_figure_makes_the_cost_unknown_only_where_it_is_needed() -> None:
    found = priced(to("opus-4.1"))
    assert cost(found, input_tokens=1_000_000, output_tokens=1_000_000) == 90
    assert cost(found, input_tokens=1, cache_write_1h=1) is None
    assert cost(None, input_tokens=1) is None
    assert cost(Price(None, None)) == 0


def test_the_long_context_tier_counts_the_whole_prompt_and_every_token() -> None:
    found = priced(to("haiku-5.5"))
    assert cost(found, input_tokens=100_000, output_tokens=1_000_000) == pytest.approx(0.51)
    assert cost(found, input_tokens=100_001) == pytest.approx(100_001 * 0.5 / 1e6)
    below = cost(found, input_tokens=50_000, cache_read=50_000)
    above = cost(found, input_tokens=50_000, cache_read=50_001)
    assert below == pytest.approx(0.0055)
    assert above == pytest.approx((50_000 * 0.5 + 50_001 * 0.05) / 1e6)


@given(*[st.integers(0, 10**7)] * 4)
def test_more_tokens_never_cost_less(tokens: int, output: int, read: int, more: int) -> None:
    for model in KNOWN.models:
        for found in model.prices.values():
            less = cost(found, input_tokens=tokens, output_tokens=output, cache_read=read)
            bigger = cost(found, input_tokens=tokens + more, output_tokens=output, cache_read=read)
            assert less is None or (bigger is not None and bigger >= less)
