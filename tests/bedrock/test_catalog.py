"""The shipped catalogue: true to the facts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bedrock_claude_cli.bedrock import catalog as catalog_module
from bedrock_claude_cli.bedrock.catalog import FILE, IN_REGION, Catalog, KnownModel, load

ROOT = Path(__file__).resolve().parents[2]
SONNET_45 = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.fixture
def known() -> Catalog:
    return load()


def test_ids_aliases_and_order_are_sound(known: Catalog) -> None:
    ids = [model.id for model in known.models]
    assert len(ids) == len(set(ids)) == 29
    assert len({model.alias for model in known.models}) == 29
    assert all(model_id.startswith("anthropic.claude-") for model_id in ids)
    assert all(model.name.startswith("Claude ") for model in known.models)
    assert {name: place.name for name, place in known.regions.items()} == {
        name: name for name in known.regions
    }


def test_every_alias_is_a_family_and_version_and_a_family_is_its_newest_active_model(
    known: Catalog,
) -> None:
    aliases = known.aliases()
    assert aliases["sonnet-4.5"] == SONNET_45
    assert aliases["sonnet-3.5-v2"] == "anthropic.claude-3-5-sonnet-20241022-v2:0"
    assert aliases["sonnet"] == "anthropic.claude-sonnet-5-5"
    assert aliases["opus"] == "anthropic.claude-opus-5-5"
    assert aliases["haiku"] == "anthropic.claude-haiku-5-5"
    assert aliases["mythos"] == "anthropic.claude-mythos-5-2"
    assert known.by_alias("opus-4.6") is known.get("anthropic.claude-opus-4-6-v1")
    assert known.by_alias("opus-9") is None
    assert known.get("anthropic.claude-9") is None


def test_version_ten_is_newer_than_version_nine(known: Catalog) -> None:
    sonnet = _model(known, "sonnet")
    nine = sonnet._replace(id="anthropic.claude-sonnet-9", version="9", alias="sonnet-9")
    ten = sonnet._replace(id="anthropic.claude-sonnet-10", version="10", alias="sonnet-10")
    grown = known._replace(models=(nine, ten, *known.models))
    assert grown.aliases()["sonnet"] == ten.id


def test_a_family_without_an_active_model_is_no_alias(known: Catalog) -> None:
    retired = tuple(m for m in known.models if m.lifecycle.status == "EOL")
    left = Catalog(known.date, retired, known.regions, known.geographies)
    assert "sonnet" not in left.aliases()
    assert "sonnet-4" in left.aliases()


def test_versions_sort_by_figures_and_not_by_letters(known: Catalog) -> None:
    def key(alias: str) -> tuple[int, ...]:
        model = known.by_alias(alias)
        assert model
        return model.version_key

    assert key("mythos-preview") < key("mythos-5") < key("mythos-5.1")
    assert key("sonnet-3.5") < key("sonnet-3.5-v2") < key("sonnet-3.7") < key("sonnet-4")


@pytest.mark.parametrize(
    ("region", "geography"),
    [
        ("us-east-1", "us"),
        ("ca-central-1", "us"),
        ("us-gov-west-1", "us-gov"),
        ("eu-central-2", "eu"),
        ("ap-northeast-1", "jp"),
        ("ap-northeast-3", "jp"),
        ("ap-southeast-2", "au"),
        ("ap-southeast-4", "au"),
        ("ap-southeast-6", "au"),
        ("ap-south-1", "in"),
        ("ap-northeast-2", None),
        ("sa-east-1", None),
        ("eu-west-9", "eu"),
        ("us-gov-south-9", "us-gov"),
        ("xx-north-1", None),
    ],
)
def test_each_region_has_its_own_geography_also_one_newer_than_the_file(
    known: Catalog, region: str, geography: str | None
) -> None:
    assert known.geography(region) == geography


def test_every_region_that_botocore_knows_is_listed(known: Catalog) -> None:
    import boto3

    session = boto3.Session()
    theirs = set(session.get_available_regions("bedrock")) | set(
        session.get_available_regions("bedrock", partition_name="aws-us-gov")
    )
    assert theirs == set(known.regions)


@pytest.mark.parametrize(
    ("alias", "region", "offered"),
    [
        ("sonnet-4.5", "us-east-1", ("global", "us")),
        ("sonnet-4.5", "ca-west-1", ("global",)),
        ("opus-4.6", "ca-west-1", ("global", "us")),
        ("opus-4.6", "eu-west-2", ("global", "eu", IN_REGION)),
        ("opus-4.6", "ap-northeast-1", ("global",)),
        ("sonnet-4.5", "us-gov-east-1", ("us-gov",)),
        ("haiku-4.5", "us-gov-east-1", (IN_REGION,)),
        ("haiku-3", "ap-northeast-1", ("apac",)),
        ("opus-4.1", "eu-west-1", ()),
        ("sonnet-5", "ap-south-1", ("global", "in")),
        ("sonnet-4.5", "eu-west-9", ("global", "eu")),
        ("sonnet-4.5", "us-gov-south-9", ("us-gov",)),
        ("sonnet-4.5", "xx-north-1", ("global",)),
    ],
)
def test_what_a_region_offers_is_the_models_and_the_regions_endpoints(
    known: Catalog, alias: str, region: str, offered: tuple[str, ...]
) -> None:
    model = known.by_alias(alias)
    assert model and known.offered(model, region) == offered


def test_nothing_unknown_is_told_as_zero_or_false(known: Catalog) -> None:
    newest = known.by_alias("fable-5.2")
    assert newest
    assert [newest.max_output_tokens, newest.schema, newest.efforts, newest.batch] == [None] * 4
    for model in known.models:
        figures: list[float | None] = [model.context_window, model.max_output_tokens]
        figures.append(model.min_cache_tokens)
        for price in model.prices.values():
            figures += [price.input, price.output, price.cache_read, price.cache_write_5m]
        assert 0 not in figures


def _model(known: Catalog, alias: str) -> KnownModel:
    model = known.by_alias(alias)
    assert model
    return model


def test_prices_follow_genai_prices_the_tiers_and_the_rule_for_govcloud(known: Catalog) -> None:
    haiku = _model(known, "haiku-5.5").prices["global"]
    assert (haiku.input, haiku.output, haiku.cache_write_1h) == (0.1, 0.5, 0.2)
    assert haiku.above == 100_000
    assert haiku.long_context and haiku.long_context.cache_read == 0.05
    sonnet = _model(known, "sonnet-4.5").prices
    assert {kind: price.input for kind, price in sonnet.items()} == {
        "global": 3,
        "regional": 3.3,
        "us-gov": 3.6,
    }
    assert sonnet["global"].long_context is None
    assert _model(known, "opus-4.1").prices["regional"].cache_write_1h is None
    assert "global" not in _model(known, "opus-4.1").prices
    assert _model(known, "mythos-5").prices["regional"].source == "litellm"


def test_the_regional_premium_begins_with_sonnet_4_5(known: Catalog) -> None:
    ratios = {
        model.alias: round(model.prices["regional"].input / model.prices["global"].input, 3)
        for model in known.models
        if "global" in model.prices
        and model.prices["global"].input
        and model.prices["regional"].input
    }
    assert ratios.pop("sonnet-4") == 1.0
    assert set(ratios.values()) == {1.1}


def test_capabilities_differ_by_generation(known: Catalog) -> None:
    def told(alias: str) -> tuple[object, ...]:
        model = _model(known, alias)
        return model.thinking, model.thinking_default, model.sampling, model.schema

    assert told("sonnet-4") == (("enabled", "disabled"), "off", "all", False)
    assert told("sonnet-4.5") == (("enabled", "disabled"), "off", "one-of", True)
    assert told("opus-4.6") == (("adaptive", "enabled", "disabled"), "off", "one-of", True)
    assert told("opus-4.7") == (("adaptive", "disabled"), "off", "none", False)
    assert told("sonnet-5") == (("adaptive", "disabled"), "on", "none", None)
    assert told("opus-5.5") == (("adaptive",), "always", "none", False)
    assert _model(known, "opus-5.5").forced_tools is False
    assert _model(known, "opus-5.5").count_tokens == "mantle"
    assert _model(known, "haiku-4.5").count_tokens == "runtime"
    assert _model(known, "fable-5").data_retention == ("provider_data_share",)
    assert _model(known, "opus-4.6").seed_id == "anthropic.claude-opus-4-6-v1:0"


def test_the_file_is_read_once_and_stays_small(known: Catalog) -> None:
    assert load() is known
    assert FILE.stat().st_size < 64_000
    json.loads(FILE.read_bytes())


def test_reading_it_needs_no_yaml_and_no_sdk() -> None:
    import subprocess

    code = (
        "import sys; from bedrock_claude_cli.bedrock.catalog import load; load(); "
        "print(sorted({'yaml', 'boto3', 'botocore', 'rich', 'typer'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
    assert catalog_module.FILE.name == "catalog.json"
