"""Which models a region offers: what AWS lists, joined with the catalogue; and a cache of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bedrock_claude_cli.bedrock.catalog import (
    IN_REGION,
    Catalog,
    KnownModel,
    Lifecycle,
    Price,
)
from bedrock_claude_cli.bedrock.model_id import PREFIXES, parse
from bedrock_claude_cli.bedrock.pricing import list_price
from bedrock_claude_cli.bedrock.surveys import Listed, look
from bedrock_claude_cli.bedrock.surveys import summaries as summaries

CACHE_SECONDS = 7 * 24 * 3600
SCHEMA = 1
ORDER = ("global", *PREFIXES[1:], IN_REGION)


@dataclass(frozen=True)
class Offer:
    """An id that can be typed and called; `endpoint` is None for an application profile's ARN."""

    id: str
    endpoint: str | None
    price: Price | None
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One model as `list-models --json` tells it; unknown is None."""

    alias: str | None
    name: str
    base_id: str
    lifecycle: Lifecycle
    context_window: int | None
    max_output_tokens: int | None
    ids: tuple[Offer, ...]
    regions: tuple[str, ...]
    known: bool

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints of `ids`, global first and in-region last."""
        found = {offer.endpoint for offer in self.ids if offer.endpoint}
        return tuple(sorted(found, key=rank))


def list_models(client: Any, region: str, catalog: Catalog) -> tuple[Model, ...]:
    """What AWS says can be called from `region`, with a boto3 `bedrock` client of that region.

    Needs bedrock:ListFoundationModels and bedrock:ListInferenceProfiles; botocore's errors pass.
    """
    listed = look(client, region)
    return join(listed.summaries, listed.profiles, region, catalog)


def joined(listed: Iterable[Listed], catalog: Catalog) -> tuple[Model, ...]:
    """Several regions' lists and the catalogue as one list of models."""
    return merge(
        (join(each.summaries, each.profiles, each.region, catalog) for each in listed), catalog
    )


def join(
    summaries: Iterable[Mapping[str, Any]],
    profiles: Iterable[Mapping[str, Any]],
    region: str,
    catalog: Catalog,
) -> tuple[Model, ...]:
    """The two answers of AWS and the catalogue as one list, the catalogue's order first."""
    listed = {each["modelId"]: each for each in summaries if "anthropic." in each["modelId"]}
    ids: dict[str, list[tuple[str, str | None]]] = {}
    for base_id, summary in listed.items():
        if "ON_DEMAND" in summary.get("inferenceTypesSupported", ()):
            ids.setdefault(base_id, []).append((base_id, IN_REGION))
    for profile in profiles:
        own = parse(profile["inferenceProfileId"])
        if profile.get("type") == "APPLICATION" or own.base_id is None:
            base = routed_to(profile)
            if base:
                ids.setdefault(base, []).append((profile["inferenceProfileArn"], None))
        else:
            ids.setdefault(own.base_id, []).append((own.text, own.endpoint))
    models = [
        _model(base_id, found, region, catalog, listed.get(base_id, {}))
        for base_id, found in ids.items()
    ]
    return _ordered(models, catalog)


def routed_to(profile: Mapping[str, Any]) -> str | None:
    """The base id behind a profile's ARNs, if it is one of ours."""
    bases = (parse(model["modelArn"]).base_id for model in profile.get("models", ()))
    return next((base for base in bases if base), None)


def offline(catalog: Catalog, region: str) -> tuple[Model, ...]:
    """Every model of the catalogue; `ids` is empty where it cannot be called from `region`."""
    return tuple(
        _model(known.id, shipped_ids(known, region, catalog), region, catalog)
        for known in catalog.models
    )


def shipped_ids(known: KnownModel, region: str, catalog: Catalog) -> list[tuple[str, str | None]]:
    """The ids that the catalogue says can be called from a region, and their endpoints."""
    if known.lifecycle.status == "EOL":
        return []
    return [
        (known.id if endpoint == IN_REGION else f"{endpoint}.{known.id}", endpoint)
        for endpoint in catalog.offered(known, region)
    ]


def _model(
    base_id: str,
    ids: Iterable[tuple[str, str | None]],
    region: str,
    catalog: Catalog,
    summary: Mapping[str, Any] | None = None,
) -> Model:
    known = catalog.get(base_id)
    told = summary or {}
    offers = [
        Offer(text, endpoint, list_price(known, endpoint, region), (region,))
        for text, endpoint in ids
    ]
    return Model(
        alias=known.alias if known else None,
        name=known.name if known else told.get("modelName") or base_id,
        base_id=base_id,
        lifecycle=read_lifecycle(told.get("modelLifecycle") or {}, known),
        context_window=known.context_window if known else None,
        max_output_tokens=known.max_output_tokens if known else None,
        ids=_sorted(offers),
        regions=(region,) if offers else (),
        known=known is not None,
    )


def read_lifecycle(told: Mapping[str, Any], known: KnownModel | None) -> Lifecycle:
    """AWS's answer first, the catalogue where AWS is silent."""
    shipped = known.lifecycle if known else Lifecycle()

    def day(key: str) -> str | None:
        value = told.get(key)
        return value.date().isoformat() if isinstance(value, datetime) else value

    return Lifecycle(
        status=told.get("status") or shipped.status,
        launch=day("startOfLifeTime") or shipped.launch,
        legacy=day("legacyTime") or shipped.legacy,
        extended_access=day("publicExtendedAccessTime") or shipped.extended_access,
        end_of_life=day("endOfLifeTime") or shipped.end_of_life,
    )


def rank(endpoint: str | None) -> int:
    """The place of an endpoint in a list: global first, in-region and ARNs last."""
    return ORDER.index(endpoint) if endpoint in ORDER else len(ORDER)


def _sorted(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    return tuple(sorted(offers, key=lambda offer: (rank(offer.endpoint), offer.id)))


def _ordered(models: Iterable[Model], catalog: Catalog) -> tuple[Model, ...]:
    places = {known.id: place for place, known in enumerate(catalog.models)}
    last = len(places)
    return tuple(sorted(models, key=lambda m: (places.get(m.base_id, last), m.base_id)))


def merge(answers: Iterable[Iterable[Model]], catalog: Catalog) -> tuple[Model, ...]:
    """Several regions' lists as one: a row per model, an id once with all its regions."""
    merged: dict[str, Model] = {}
    for model in (model for answer in answers for model in answer):
        before = merged.get(model.base_id)
        if before is None:
            merged[model.base_id] = model
            continue
        offers = {offer.id: offer for offer in before.ids}
        for offer in model.ids:
            seen = offers.get(offer.id, replace(offer, regions=()))
            offers[offer.id] = replace(seen, regions=(*seen.regions, *offer.regions))
        regions = (*before.regions, *model.regions)
        merged[model.base_id] = replace(before, ids=_sorted(offers.values()), regions=regions)
    return _ordered(merged.values(), catalog)


def remember(path: Path, models: Iterable[Model], *, now: float | None = None) -> bool:
    """Keep the ids that can be called, atomically; False where the folder cannot be written."""
    ids = [offer.id for model in models for offer in model.ids]
    kept = {"schema": SCHEMA, "at": time.time() if now is None else now, "ids": ids}
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(kept), encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        return False
    return True


def recall(path: Path, *, now: float | None = None) -> tuple[str, ...]:
    """The ids seen within 7 days: a hint about ids, never about access."""
    try:
        kept = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return ()
    if not isinstance(kept, dict) or kept.get("schema") != SCHEMA:
        return ()
    at, ids = kept.get("at"), kept.get("ids")
    age = (time.time() if now is None else now) - at if isinstance(at, (int, float)) else -1
    if not 0 <= age <= CACHE_SECONDS or not isinstance(ids, list):
        return ()
    return tuple(each for each in ids if isinstance(each, str))
