"""Where AWS's lists and the shipped catalogue differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from bedrock_claude_cli.bedrock.catalog import IN_REGION, Catalog, KnownModel, Lifecycle
from bedrock_claude_cli.bedrock.inventory import Model, join, rank, read_lifecycle
from bedrock_claude_cli.bedrock.surveys import Listed

NEW_MODEL, NEW_ID, NOT_LISTED = "new-model", "new-id", "not-listed"
# What a user plans by; the day of the launch is not.
DATES = ("status", "legacy", "extended_access", "end_of_life")
ORDER = (NEW_MODEL, NEW_ID, NOT_LISTED, *DATES)


@dataclass(frozen=True)
class Difference:
    """One difference, with all the regions in which it is the same.

    `what` is new-model, new-id, not-listed or the name of a fact of the lifecycle; `catalogue` and
    `aws` are the two opinions, None for none.
    """

    what: str
    id: str
    regions: tuple[str, ...]
    catalogue: str | None
    aws: str | None
    why: str | None


def differences(listed: Iterable[Listed], catalog: Catalog, today: date) -> tuple[Difference, ...]:
    """What AWS lists and the catalogue does not know, the other way round, and other dates.

    An inference profile of the account's own is no matter of the catalogue.
    """
    found: dict[Difference, Difference] = {}
    for each in listed:
        for one in _in_region(each, catalog, today):
            alike = replace(one, regions=())
            before = found.get(alike, alike)
            found[alike] = replace(before, regions=(*before.regions, each.region))
    return tuple(sorted(found.values(), key=lambda each: (ORDER.index(each.what), each.id)))


def _in_region(listed: Listed, catalog: Catalog, today: date) -> Iterator[Difference]:
    models = {
        model.base_id: model
        for model in join(listed.summaries, listed.profiles, listed.region, catalog)
    }
    for model in models.values():
        if not model.known and model.endpoints:
            told = f"{model.name}, as {', '.join(model.endpoints)}"
            yield Difference(NEW_MODEL, model.base_id, (), None, told, None)
    for known in catalog.models:
        yield from _ids(known, models.get(known.id), listed.region, catalog, today)
    for summary in listed.summaries:
        shipped = catalog.get(summary["modelId"])
        if shipped:
            yield from _dates(shipped, read_lifecycle(summary.get("modelLifecycle") or {}, None))


def _ids(
    known: KnownModel, model: Model | None, region: str, catalog: Catalog, today: date
) -> Iterator[Difference]:
    ended = known.lifecycle.status == "EOL"
    ours = () if ended else catalog.offered(known, region)
    theirs = model.endpoints if model else ()
    for endpoint in sorted({*ours, *theirs}, key=rank):
        text = known.id if endpoint == IN_REGION else f"{endpoint}.{known.id}"
        if endpoint not in ours:
            has = "past its end of life" if ended else f"offered as {', '.join(ours) or 'nothing'}"
            yield Difference(NEW_ID, text, (), has, "offered", None)
        elif endpoint not in theirs:
            why = _why(known, theirs, today)
            yield Difference(NOT_LISTED, text, (), "offered", None, why)


def _why(known: KnownModel, theirs: tuple[str, ...], today: date) -> str:
    end = known.lifecycle.end_of_life
    if end and date.fromisoformat(end) <= today:
        return f"its end of life was {end}, so it is gone as expected"
    if theirs:
        return f"AWS offers it there as {', '.join(theirs)}"
    return "AWS does not offer it there"


def _dates(known: KnownModel, told: Lifecycle) -> Iterator[Difference]:
    for name in DATES:
        ours, theirs = getattr(known.lifecycle, name), getattr(told, name)
        if theirs is not None and ours != theirs:
            yield Difference(name, known.id, (), ours, theirs, None)
