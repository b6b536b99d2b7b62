"""One model and every way to reach it: AWS's lists of some regions, joined with the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.catalog import (
    IN_REGION,
    Catalog,
    KnownModel,
    Lifecycle,
    Price,
)
from bedrock_claude_cli.bedrock.inventory import rank, read_lifecycle, routed_to, shipped_ids
from bedrock_claude_cli.bedrock.model_id import ModelId, parse
from bedrock_claude_cli.bedrock.pricing import list_price
from bedrock_claude_cli.bedrock.surveys import Listed, Told
from bedrock_claude_cli.errors import RejectedError

ANYWHERE = "*"
PRICES = "https://aws.amazon.com/bedrock/pricing/"
DOCS = "https://docs.aws.amazon.com/bedrock/latest/userguide"
_FEW = 4


@dataclass(frozen=True)
class Way:
    """An id as it can be called from one region.

    `destinations` are the regions that it routes to: `*` is any commercial one, None is unknown.
    `premium_percent` is against the global endpoint; `endpoint` is None where an ARN hides it.
    """

    id: str
    endpoint: str | None
    region: str
    arn: str | None
    destinations: tuple[str, ...] | None
    residency: str
    price: Price | None
    premium_percent: int | None


@dataclass(frozen=True)
class Capabilities:
    """What the catalogue knows that a model takes and can; None is unknown."""

    vision: bool | None = None
    pdf: bool | None = None
    citations: bool | None = None
    context_1m: str | None = None
    thinking: tuple[str, ...] | None = None
    thinking_default: str | None = None
    efforts: tuple[str, ...] | None = None
    sampling: str | None = None
    prompt_caching: bool | None = None
    min_cache_tokens: int | None = None
    schema: bool | None = None
    forced_tools: bool | None = None
    prefill: bool | None = None
    count_tokens: str | None = None
    batch: bool | None = None


@dataclass(frozen=True)
class Details:
    """One model as `list-models MODEL --json` tells it; unknown is None."""

    alias: str | None
    name: str
    base_id: str
    known: bool
    regions: tuple[str, ...]
    lifecycle: Lifecycle
    successor: str | None
    context_window: int | None
    max_output_tokens: int | None
    input_modalities: tuple[str, ...] | None
    capabilities: Capabilities
    data_retention: tuple[str, ...] | None
    endpoints: tuple[Way, ...]
    mantle_id: str | None
    mantle_regions: tuple[str, ...] | None
    price_page: str
    model_card: str | None


class Wanted(NamedTuple):
    """The model that is looked up: its base id, and what the catalogue knows of it."""

    base_id: str
    known: KnownModel | None

    @property
    def name(self) -> str:
        """As people call it, else its id."""
        return self.known.name if self.known else self.base_id


def details(
    wanted: Wanted, listed: Sequence[Listed] | None, regions: Sequence[str], catalog: Catalog
) -> Details:
    """What AWS lists of a model in some regions; with None what the catalogue knows alone."""
    known = wanted.known
    told = next(_summaries(wanted.base_id, listed or ()), {})
    modalities = told.get("inputModalities")
    found = shipped(wanted, regions, catalog) if listed is None else ways(wanted, listed, catalog)
    named = Capabilities.__dataclass_fields__ if known else ()
    return Details(
        alias=known.alias if known else None,
        name=known.name if known else told.get("modelName") or wanted.base_id,
        base_id=wanted.base_id,
        known=known is not None,
        regions=tuple(regions),
        lifecycle=read_lifecycle(told.get("modelLifecycle") or {}, known),
        successor=successor(known, catalog),
        context_window=known.context_window if known else None,
        max_output_tokens=known.max_output_tokens if known else None,
        input_modalities=None if modalities is None else tuple(modalities),
        capabilities=Capabilities(**{name: getattr(known, name) for name in named}),
        data_retention=known.data_retention if known else None,
        endpoints=tuple(sorted(found, key=lambda way: (rank(way.endpoint), way.id))),
        mantle_id=known.mantle_id if known else None,
        mantle_regions=known.mantle_regions if known else None,
        price_page=PRICES,
        model_card=f"{DOCS}/{known.card}.html" if known and known.card else None,
    )


def _summaries(base_id: str, listed: Iterable[Listed]) -> Iterator[Mapping[str, Any]]:
    return (each for region in listed for each in region.summaries if each["modelId"] == base_id)


def successor(known: KnownModel | None, catalog: Catalog) -> str | None:
    """The alias of the newest active model of the family, if that is another."""
    newest = catalog.by_alias(known.family) if known else None
    return newest.alias if newest and newest != known else None


def ways(wanted: Wanted, listed: Iterable[Listed], catalog: Catalog) -> Iterator[Way]:
    """Every id of the model that AWS lists, once for each region that it can be called from."""
    for each in listed:
        for summary in _summaries(wanted.base_id, [each]):
            if "ON_DEMAND" in summary.get("inferenceTypesSupported", ()):
                arn = summary.get("modelArn")
                own = ModelId(wanted.base_id, "base", base_id=wanted.base_id)
                yield _way(own, wanted, each.region, arn, (each.region,), catalog)
        for profile in each.profiles:
            own, arn = parse(profile["inferenceProfileId"]), profile["inferenceProfileArn"]
            if profile.get("type") == "APPLICATION" or own.base_id is None:
                own = ModelId(arn, "application-inference-profile", base_id=routed_to(profile))
            if own.base_id == wanted.base_id:
                yield _way(own, wanted, each.region, arn, destinations(profile), catalog)


def destinations(profile: Told) -> tuple[str, ...]:
    """Where an inference profile routes to; a foundation model without a region is anywhere."""
    regions = [parse(model["modelArn"]).region or ANYWHERE for model in profile["models"]]
    return (ANYWHERE,) if ANYWHERE in regions else tuple(dict.fromkeys(regions))


def shipped(wanted: Wanted, regions: Iterable[str], catalog: Catalog) -> Iterator[Way]:
    """What the catalogue knows of the same; which regions a geography has only AWS tells."""
    for region in regions:
        for text, endpoint in shipped_ids(wanted.known, region, catalog) if wanted.known else ():
            certain = {"global": (ANYWHERE,), IN_REGION: (region,)}
            yield _way(parse(text), wanted, region, None, certain.get(endpoint or ""), catalog)


def _way(
    own: ModelId,
    wanted: Wanted,
    region: str,
    arn: str | None,
    to: tuple[str, ...] | None,
    catalog: Catalog,
) -> Way:
    price = list_price(wanted.known, own.endpoint, region)
    return Way(
        id=own.text,
        endpoint=own.endpoint,
        region=region,
        arn=arn,
        destinations=to,
        residency=residency(own.endpoint, to, catalog),
        price=price,
        premium_percent=premium(price, list_price(wanted.known, "global", region)),
    )


def premium(price: Price | None, whole: Price | None) -> int | None:
    """How many percent an endpoint's input costs more than at the global one; None is unknown."""
    if not (price and whole and price.input is not None and whole.input):
        return None
    return round((price.input / whole.input - 1) * 100)


def residency(endpoint: str | None, to: tuple[str, ...] | None, catalog: Catalog) -> str:
    """Where prompts and answers may be, in one line."""
    if to is None:
        return f"data stays in the geography `{endpoint}`; only AWS tells in which regions"
    if ANYWHERE in to:
        return "anywhere AWS has capacity"
    if len(to) == 1:
        return f"data stays in {to[0]} alone"
    *most, last = dict.fromkeys(catalog.region(region).place or region for region in to)
    return f"data stays in {', '.join(most)} and {last}" if most else f"data stays in {last}"


def not_offered(
    wanted: Wanted, regions: Sequence[str], endpoint: str | None, there: Sequence[str], on: Catalog
) -> RejectedError:
    """Why a model has no id in these regions, and where the catalogue says that it has one.

    `there` are the endpoints that it does have there, where only one was asked for.
    """
    known = wanted.known
    if known and known.lifecycle.status == "EOL":
        when = known.lifecycle.end_of_life
        newest = successor(known, on)
        hint = f"its successor: `bedrock-claude list-models {newest}`" if newest else None
        ended = f"{known.name} reached its end of life{f' on {when}' if when else ''}"
        return RejectedError(ended, hint=hint)
    asked = f"as {endpoint} " if endpoint else ""
    message = f"{wanted.name} is not offered {asked}in {_some(regions)}"
    if there:
        return RejectedError(message, hint=f"--endpoint is one of {', '.join(there)} there")
    name = known.alias if known else wanted.base_id
    places = [
        region
        for region in (on.regions if known else ())
        if known
        and (found := on.offered(known, region))
        and endpoint in (None, *found)
        and region not in regions
    ]
    if known is None or not places:
        everywhere = f"`bedrock-claude list-models {name} --all-regions` asks everywhere"
        return RejectedError(message, hint=everywhere)
    command = f"`bedrock-claude list-models {name} --region {places[0]}`"
    told = f"the catalogue of {on.date} has it in {_some(places)}: {command}"
    return RejectedError(message, hint=told)


def _some(regions: Sequence[str]) -> str:
    more = len(regions) - _FEW
    shown = ", ".join(regions[:_FEW])
    return f"{shown} and {more} more regions" if more > 1 else ", ".join(regions)
