"""Join catalog/overrides.yaml with the pinned genai-prices into the shipped catalog.json."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
OVERRIDES = HERE / "overrides.yaml"
SHIPPED = HERE.parent / "bedrock_claude_cli" / "bedrock" / "catalog.json"

FACTS = (
    "name",
    "family",
    "version",
    "endpoints",
    "in_region",
    "lifecycle",
    "context_window",
    "context_1m",
    "max_output_tokens",
    "thinking",
    "thinking_default",
    "efforts",
    "sampling",
    "schema",
    "forced_tools",
    "prefill",
    "pdf",
    "citations",
    "vision",
    "prompt_caching",
    "min_cache_tokens",
    "count_tokens",
    "batch",
    "mantle_id",
    "mantle_regions",
    "card",
    "data_retention",
    "arn_versioned",
    "seed_id",
)
LIFECYCLE = ("status", "launch", "legacy", "extended_access", "end_of_life")
PRICE_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


def number(value: Any) -> int | float:
    """A price without the noise of binary fractions, whole where it is whole."""
    exact = round(float(value), 6)
    return int(exact) if exact.is_integer() else exact


def genai_price(model_id: str) -> dict[str, Any] | None:
    """What genai-prices knows of one Bedrock id, in USD per million tokens; None if nothing."""
    from genai_prices.data import providers
    from genai_prices.types import TieredPrices

    aws = next(provider for provider in providers if provider.id == "aws")
    found = aws.find_model(model_id)
    if found is None or not hasattr(found.prices, "input_mtok"):
        return None
    price: dict[str, Any] = {}
    tiers: dict[int, dict[str, Any]] = {}
    for ours, theirs in PRICE_FIELDS.items():
        value = getattr(found.prices, theirs)
        if isinstance(value, TieredPrices):
            for tier in value.tiers:
                tiers.setdefault(tier.start, {})[ours] = number(tier.price)
            value = value.base
        price[ours] = None if value is None else number(value)
    if len(tiers) > 1:
        raise ValueError(f"{model_id}: more than one long-context tier: {sorted(tiers)}")
    for above, tier_price in tiers.items():
        price["long_context"] = {
            "above": above,
            **{key: tier_price.get(key) for key in PRICE_FIELDS},
        }
    return price


def scaled(price: dict[str, Any], factor: float) -> dict[str, Any]:
    """Every figure of a price times a factor; the tier's threshold stays."""
    result: dict[str, Any] = {}
    for key, value in price.items():
        if isinstance(value, dict):
            result[key] = scaled(value, factor)
        elif value is None or key == "above":
            result[key] = value
        else:
            result[key] = number(Decimal(str(value)) * Decimal(str(factor)))
    return result


def prices(base_id: str, facts: dict[str, Any], gov_factor: float) -> dict[str, Any]:
    """The prices of one model by kind of endpoint, with the source's name."""
    if "prices" in facts:
        source, table = facts["prices"]["source"], dict(facts["prices"]["value"])
    else:
        source, table = "genai-prices", {}
        if "global" in facts["endpoints"]["value"]:
            table["global"] = genai_price(f"global.{base_id}")
        table["regional"] = genai_price(f"us.{base_id}")
    table = {kind: price for kind, price in table.items() if price is not None}
    regions = facts["in_region"]["value"] or ()
    in_gov = any(region.startswith("us-gov-") for region in regions)
    if "global" in table and ("us-gov" in facts["endpoints"]["value"] or in_gov):
        table["us-gov"] = scaled(table["global"], gov_factor)
    return {"source": source, **table} if table else {}


def plain(value: Any) -> Any:
    """YAML's dates become text, as they were written."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def sourced(node: Any, sources: dict[str, str], where: str = "") -> None:
    """Refuse a fact whose source is missing or not listed at the top."""
    if not isinstance(node, dict):
        return
    if ({"value", "source"} & set(node)) and node.get("source") not in sources:
        raise ValueError(f"{where}: no known source: {node.get('source')}")
    for key, child in node.items():
        if key not in ("value", "other"):
            sourced(child, sources, f"{where}.{key}")


def model(base_id: str, facts: dict[str, Any], gov_factor: float) -> dict[str, Any]:
    """One entry of catalog.json."""
    unknown = set(facts) - {*FACTS, "prices"}
    if unknown:
        raise ValueError(f"{base_id}: unknown facts: {sorted(unknown)}")
    entry: dict[str, Any] = {"id": base_id}
    for key in FACTS:
        entry[key] = facts[key]["value"] if key in facts else None
    dates = entry["lifecycle"] or {}
    entry["lifecycle"] = {key: dates.get(key) for key in LIFECYCLE}
    entry["alias"] = f"{entry['family']}-{entry['version']}"
    entry["prices"] = prices(base_id, facts, gov_factor)
    return entry


def build(overrides: dict[str, Any]) -> dict[str, Any]:
    """The whole catalogue as plain data."""
    overrides = plain(overrides)
    sources = overrides["sources"]
    for section in ("rules", "models", "regions", "history", "ghosts"):
        sourced(overrides[section], sources, section)
    gov_factor = overrides["rules"]["us_gov_factor"]["value"]
    kept = ("place", "geography", "endpoints", "only")
    regions = {
        name: {key: region[key] for key in kept if key in region}
        for name, region in overrides["regions"].items()
    }
    return {
        "date": overrides["date"],
        "regions": regions,
        "geographies": [[rule["start"], rule["geography"]] for rule in overrides["geographies"]],
        "models": [model(name, facts, gov_factor) for name, facts in overrides["models"].items()],
    }


def text(catalog: dict[str, Any]) -> str:
    """Compact JSON, a line per model and region, so that a change shows as one."""

    def lines(items: list[str]) -> str:
        return ",\n".join(items)

    def dump(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    regions = lines([f"{dump(name)}:{dump(value)}" for name, value in catalog["regions"].items()])
    models = lines([dump(entry) for entry in catalog["models"]])
    return (
        f'{{"date":{dump(catalog["date"])},\n"geographies":{dump(catalog["geographies"])},\n'
        f'"regions":{{\n{regions}\n}},\n"models":[\n{models}\n]}}\n'
    )


def read() -> dict[str, Any]:
    """catalog/overrides.yaml as plain data."""
    loaded: dict[str, Any] = yaml.safe_load(OVERRIDES.read_text(encoding="utf-8"))
    return loaded


if __name__ == "__main__":
    SHIPPED.write_text(text(build(read())), encoding="utf-8")
