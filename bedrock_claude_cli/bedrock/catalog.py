"""What is known of Claude on Amazon Bedrock without a network: the shipped catalog.json.

Every `ask` and every TAB reads it, so it is one small file and plain records. A fact that no source
gives is None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

FILE = Path(__file__).with_name("catalog.json")
IN_REGION = "in-region"


@dataclass(frozen=True)
class Price:
    """USD per million tokens; `long_context` replaces it for prompts above `above` tokens."""

    input: float | None
    output: float | None
    cache_read: float | None = None
    cache_write_5m: float | None = None
    cache_write_1h: float | None = None
    above: int | None = None
    long_context: Price | None = None
    source: str | None = None


@dataclass(frozen=True)
class Lifecycle:
    """A model's state on Bedrock and its dates (ISO, AWS's words)."""

    status: Literal["ACTIVE", "LEGACY", "EOL"] | None = None
    launch: str | None = None
    legacy: str | None = None
    extended_access: str | None = None
    end_of_life: str | None = None


class KnownModel(NamedTuple):
    """One model of the catalogue; catalog/overrides.yaml names the source of each fact."""

    id: str
    name: str
    alias: str
    family: str
    version: str
    endpoints: tuple[str, ...]
    in_region: tuple[str, ...] | None
    lifecycle: Lifecycle
    prices: Mapping[str, Price]
    context_window: int | None
    context_1m: Literal["native", "beta-withdrawn", "none"] | None
    max_output_tokens: int | None
    thinking: tuple[str, ...] | None
    thinking_default: Literal["off", "on", "always"] | None
    efforts: tuple[str, ...] | None
    sampling: Literal["all", "one-of", "none"] | None
    schema: bool | None
    forced_tools: bool | None
    prefill: bool | None
    pdf: bool | None
    citations: bool | None
    vision: bool | None
    prompt_caching: bool | None
    min_cache_tokens: int | None
    count_tokens: Literal["runtime", "mantle"] | None
    batch: bool | None
    mantle_id: str | None
    mantle_regions: tuple[str, ...] | None
    card: str | None
    data_retention: tuple[str, ...] | None
    arn_versioned: bool
    seed_id: str | None

    @property
    def version_key(self) -> tuple[int, ...]:
        """Sorts versions within a family; a version without figures comes first."""
        figures = self.version.replace("-v", ".").split(".")
        return tuple(int(figure) for figure in figures if figure.isdigit())


class Region(NamedTuple):
    """A Bedrock region, its own geography, and every prefix that can be called from it.

    `place` is the country that it lies in, or "the EU"; None for a region that is new.
    """

    name: str
    geography: str | None
    endpoints: tuple[str, ...]
    only: Mapping[str, tuple[str, ...]]
    place: str | None = None


class Catalog(NamedTuple):
    """The shipped catalogue and the date (ISO) of its facts."""

    date: str
    models: tuple[KnownModel, ...]
    regions: Mapping[str, Region]
    geographies: tuple[tuple[str, str], ...]

    def get(self, base_id: str) -> KnownModel | None:
        """The model with this base id."""
        return next((model for model in self.models if model.id == base_id), None)

    def by_alias(self, alias: str) -> KnownModel | None:
        """The model behind an alias exactly as `aliases` spells it."""
        base_id = self.aliases().get(alias)
        return self.get(base_id) if base_id else None

    def find(self, name: str) -> KnownModel | None:
        """The model that a person means: an alias in any spelling, or the vendor's own id."""
        wanted = plain(name)
        for alias, base_id in self.aliases().items():
            if plain(alias) == wanted:
                return self.get(base_id)
        dated = {_core(model.id): model for model in reversed(self.models)}
        undated = {re.sub(r"-\d{8}$", "", core): model for core, model in dated.items()}
        return dated.get(wanted) or undated.get(wanted)

    def aliases(self) -> dict[str, str]:
        """Family-version and family (its newest active model) to base id."""
        found = {model.alias: model.id for model in self.models}
        newest: dict[str, KnownModel] = {}
        for model in self.models:
            if model.lifecycle.status != "ACTIVE":
                continue
            best = newest.get(model.family)
            if best is None or model.version_key > best.version_key:
                newest[model.family] = model
        return {family: model.id for family, model in newest.items()} | found

    def region(self, name: str) -> Region:
        """The region, or for one that is newer than the catalogue what its name tells."""
        known = self.regions.get(name)
        if known:
            return known
        starts = (geography for start, geography in self.geographies if name.startswith(start))
        geography = next(starts, None)
        everywhere = () if geography == "us-gov" else ("global",)
        return Region(name, geography, (*everywhere, *([geography] if geography else [])), {})

    def geography(self, region: str) -> str | None:
        """The prefix that keeps a request near a region: us, eu, jp, au, in, us-gov or none."""
        return self.region(region).geography

    def offered(self, model: KnownModel, region: str) -> tuple[str, ...]:
        """The endpoints of a model that can be called from a region, in-region last."""
        place = self.region(region)
        prefixes = tuple(
            endpoint
            for endpoint in place.endpoints
            if endpoint in model.endpoints and model.id in place.only.get(endpoint, (model.id,))
        )
        return (*prefixes, IN_REGION) if region in (model.in_region or ()) else prefixes


def plain(name: str) -> str:
    """One spelling for `Sonnet 4.5`, `claude-sonnet-4-5` and `sonnet-4.5`."""
    return re.sub(r"[\s._-]+", "-", name.strip().lower()).removeprefix("claude-")


def _core(base_id: str) -> str:
    return re.sub(r"-v\d+(:\d+)?$", "", base_id.removeprefix("anthropic.claude-"))


def _price(figures: Mapping[str, Any], source: str) -> Price:
    tier = figures.get("long_context")
    base = {key: value for key, value in figures.items() if key != "long_context"}
    if not tier:
        return Price(**base, source=source)
    above = {key: value for key, value in tier.items() if key != "above"}
    return Price(**base, above=tier["above"], long_context=Price(**above), source=source)


def _model(entry: dict[str, Any]) -> KnownModel:
    prices = entry["prices"]
    source = prices.pop("source", "")
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    fields["lifecycle"] = Lifecycle(**entry["lifecycle"])
    fields["prices"] = {kind: _price(figures, source) for kind, figures in prices.items()}
    return KnownModel(**fields)


@cache
def load(file: Path = FILE) -> Catalog:
    """The shipped catalogue, read once."""
    data = json.loads(file.read_bytes())
    regions = {
        name: Region(
            name,
            entry["geography"],
            tuple(entry["endpoints"]),
            {key: tuple(ids) for key, ids in entry.get("only", {}).items()},
            entry["place"],
        )
        for name, entry in data["regions"].items()
    }
    return Catalog(
        date=data["date"],
        models=tuple(_model(entry) for entry in data["models"]),
        regions=regions,
        geographies=tuple((start, geography) for start, geography in data["geographies"]),
    )
