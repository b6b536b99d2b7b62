"""The sandbox's model table beside the shipped catalogue: two readings of the same sources."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from bedrock_claude_cli.sandbox import models

SAMPLING = {"any": "all", "one": "one-of", "none": "none", "fixed": "fixed"}
# (model, field): why the sandbox says something else than the catalogue.
DIFFERENCES = {
    ("anthropic.claude-fable-5-1", "sampling"): (
        "its card takes a temperature of exactly 1, which is nothing that a user could choose"
    ),
    ("anthropic.claude-haiku-4-5-20251001-v1:0", "in_region"): (
        "that GovCloud calls it on demand stands in one price file only"
    ),
}


def catalogue() -> dict[str, Any]:
    """The shipped catalogue, as data."""
    text = (files("bedrock_claude_cli") / "bedrock" / "catalog.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def spelled(model: models.Model) -> dict[str, Any]:
    """The sandbox's row in the catalogue's words."""
    lifecycle = model.lifecycle
    return {
        "name": model.name,
        "endpoints": sorted(model.prefixes),
        "in_region": sorted(model.on_demand),
        "context_window": model.context,
        "max_output_tokens": model.max_output,
        "sampling": SAMPLING[model.sampling],
        "thinking": sorted(model.thinking),
        "prefill": model.prefill,
        "count_tokens": model.count_tokens,
        "arn_versioned": model.arn_versioned,
        "batch": model.batch,
        "status": lifecycle["status"],
        "launch": lifecycle.get("start"),
        "legacy": lifecycle.get("legacy"),
        "extended_access": lifecycle.get("extended"),
        "end_of_life": lifecycle.get("end"),
    }


def known(row: dict[str, Any]) -> dict[str, Any]:
    """What the catalogue is sure of; what it does not know is no difference."""
    flat = row | row["lifecycle"]
    flat["count_tokens"] = row["count_tokens"] and row["count_tokens"] == "runtime"
    for name in ("endpoints", "in_region", "thinking"):
        flat[name] = sorted(flat[name] or []) if flat[name] is not None else None
    return {name: value for name, value in flat.items() if value is not None}


def test_both_tables_have_the_same_models() -> None:
    assert {row["id"] for row in catalogue()["models"]} == set(models.claude())


def test_every_difference_between_the_tables_has_its_reason() -> None:
    found = set()
    for row in catalogue()["models"]:
        ours, theirs = spelled(models.claude()[row["id"]]), known(row)
        found |= {(row["id"], name) for name in ours.keys() & theirs if ours[name] != theirs[name]}
    assert found == set(DIFFERENCES)


def test_every_region_reaches_the_models_that_the_catalogue_says() -> None:
    table = catalogue()
    for region, row in table["regions"].items():
        for entry in table["models"]:
            model = models.claude()[entry["id"]]
            if model.retired:
                continue
            wanted = {
                prefix
                for prefix in set(row["endpoints"]) & set(entry["endpoints"])
                if entry["id"] in row.get("only", {}).get(prefix, [entry["id"]])
            }
            assert set(model.profile_prefixes(region)) == wanted, (region, entry["id"])
