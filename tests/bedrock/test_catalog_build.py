"""How catalog.json is built from overrides.yaml and genai-prices, which asks for Python 3.11."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.catalog import FILE, Catalog, load

ROOT = Path(__file__).resolve().parents[2]
SONNET_45 = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalog_build", ROOT / "catalog" / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def build() -> ModuleType:
    return load_build()


@pytest.fixture(scope="module")
def overrides(build: ModuleType) -> dict[str, Any]:
    read: dict[str, Any] = build.read()
    return read


@pytest.fixture
def known() -> Catalog:
    return load()


def test_the_shipped_file_is_what_the_sources_build(
    build: ModuleType, overrides: dict[str, Any]
) -> None:
    assert FILE.read_text(encoding="utf-8") == build.text(build.build(overrides))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda o: o["models"][SONNET_45]["batch"].pop("source"), "no known source"),
        (lambda o: o["models"][SONNET_45]["batch"].update(source="hearsay"), "hearsay"),
        (lambda o: o["models"][SONNET_45].update(colour={"value": 1, "source": "card"}), "colour"),
        (lambda o: o["rules"]["us_gov_factor"].pop("source"), "us_gov_factor"),
        (lambda o: o["history"][SONNET_45]["seeds"].update(source="?"), "history"),
    ],
)
def test_a_fact_without_a_known_source_does_not_build(
    build: ModuleType,
    overrides: dict[str, Any],
    spoil: Callable[[dict[str, Any]], None],
    said: str,
) -> None:
    spoiled = copy.deepcopy(overrides)
    spoil(spoiled)
    with pytest.raises(ValueError, match=said):
        build.build(spoiled)


def test_every_line_about_a_region_or_a_model_names_its_source(overrides: dict[str, Any]) -> None:
    sources = set(overrides["sources"])
    assert all(region["source"] in sources for region in overrides["regions"].values())
    assert all(rule["source"] in sources for rule in overrides["geographies"])
    assert all(
        fact["source"] in sources
        for model in overrides["models"].values()
        for fact in model.values()
    )


def test_ghost_ids_are_named_with_a_reason_and_left_out(
    overrides: dict[str, Any], known: Catalog
) -> None:
    ghosts = overrides["ghosts"]
    assert "anthropic.claude-3-7-sonnet-20240620-v1:0" in ghosts
    assert all(ghost["why"] for ghost in ghosts.values())
    assert not [ghost for ghost in ghosts if known.get(ghost)]
