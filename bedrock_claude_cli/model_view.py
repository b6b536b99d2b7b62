"""How models are shown: the list's columns, one model's facts and endpoints, and differences."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from bedrock_claude_cli.bedrock.catalog import Lifecycle, Price
from bedrock_claude_cli.bedrock.inventory import Model
from bedrock_claude_cli.output import Column, Output
from bedrock_claude_cli.terminal import safe

if TYPE_CHECKING:
    from bedrock_claude_cli.bedrock.catalog_diff import Difference
    from bedrock_claude_cli.bedrock.model_details import Capabilities, Details, Way

FEW = 2
LABEL = 13  # characters before a value, as in verify-creds
UNKNOWN = "unknown"
_SAMPLING = {
    "all": "temperature, top_p, top_k",
    "one-of": "temperature or top_p, not both; top_k",
    "none": "no temperature, top_p or top_k",
}
_LONG = {"native": True, "beta-withdrawn": False, "none": False}


def lifecycle(life: Lifecycle) -> str:
    """A model's state and the next date that counts."""
    if life.status == "EOL":
        return f"ended {life.end_of_life}" if life.end_of_life else "ended"
    if life.status == "LEGACY":
        if life.end_of_life:
            return f"legacy, ends {life.end_of_life}"
        return f"legacy since {life.legacy}" if life.legacy else "legacy"
    if life.end_of_life:
        return f"active, ends {life.end_of_life}"
    return (life.status or UNKNOWN).lower()


def tokens(count: int | None) -> str:
    """A number of tokens, rounded to thousands or millions."""
    if count is None:
        return "?"
    return f"{count // 1_000_000}M" if count >= 1_000_000 else f"{count // 1000}k"


def _price(model: Model) -> str:
    """USD per million tokens, input/output, of the first id; `+` where long prompts cost more."""
    price = next((offer.price for offer in model.ids if offer.price), None)
    if price is None or price.input is None or price.output is None:
        return "?"
    dearer = "+" if price.long_context else ""
    return f"${price.input:g}/${price.output:g}{dearer}"


COLUMNS = (
    Column[Model]("ALIAS", lambda model: model.alias or "-", "bold"),
    Column[Model]("BASE ID", lambda model: model.base_id),
    Column[Model]("ENDPOINTS", lambda model: " ".join(model.endpoints) or "-"),
    Column[Model]("LIFECYCLE", lambda model: lifecycle(model.lifecycle)),
    Column[Model]("CONTEXT", lambda model: tokens(model.context_window)),
    Column[Model]("$/MTOK IN/OUT", _price),
    Column[Model]("NAME", lambda model: model.name),
)


def columns(out: Output, asked: int) -> tuple[Column[Model], ...]:
    """With several regions, where each model was found: counted on a terminal, else in full."""
    if asked == 1:
        return COLUMNS

    def regions(model: Model) -> str:
        if out.terminal and len(model.regions) > FEW:
            count = len(model.regions)
            return f"all {asked}" if count == asked else f"{count} of {asked}"
        return " ".join(model.regions)

    return (*COLUMNS[:3], Column[Model]("REGIONS", regions), *COLUMNS[3:])


def show_differences(out: Output, found: tuple[Difference, ...], asked: int) -> None:
    """A row for each difference between AWS and the catalogue."""

    def regions(each: Difference) -> str:
        if out.terminal and asked > 1 and len(each.regions) > FEW:
            return f"{len(each.regions)} of {asked}"
        return " ".join(each.regions)

    titled: tuple[Column[Difference], ...] = (
        Column("WHAT", lambda each: each.what, "bold"),
        Column("ID", lambda each: each.id),
        Column("REGIONS", regions),
        Column("CATALOGUE", lambda each: each.catalogue or "-"),
        Column("AWS", lambda each: each.aws or "-"),
        Column("WHY", lambda each: each.why or "-"),
    )
    out.rows(found, titled, empty="AWS and the catalogue agree")


def show(out: Output, model: Details) -> None:
    """One model: its facts, then every endpoint; in a pipe a line each, tab-separated."""
    if out.json:
        out.data(model)
        return
    if not out.terminal:
        for label, value in (*_facts(model), *_links(model)):
            out.line(f"{label}\t{value}")
        for way in model.endpoints:
            cells = (way.endpoint or "-", way.id, way.region, _to(way, " "), way.residency)
            out.line("\t".join(("endpoint", *cells, "; ".join(_prices(way)))))
        return
    for label, value in _facts(model):
        _entry(out, label, [value])
    for group in _alike(model.endpoints):
        way = group[0]
        route = f"from {_sources(group, len(model.regions))}"
        if way.destinations not in (None, (way.region,)):
            route += f" to {_to(way, ', ')}"
        title = f"{way.endpoint}: {way.id}" if way.endpoint else way.id
        _entry(out, "endpoint", [title, route, way.residency, *_prices(way)])
    for label, value in _links(model):
        _entry(out, label, [value])


def _facts(model: Details) -> Iterator[tuple[str, str]]:
    can = model.capabilities
    yield "model", f"{model.name}, alias {model.alias}" if model.alias else model.name
    if not model.known:
        yield "catalogue", "does not know this model; what follows is AWS's answer alone"
    yield "base-id", model.base_id
    yield "lifecycle", _dates(model.lifecycle)
    if model.successor:
        yield "successor", model.successor
    yield "context", _count(model.context_window)
    yield "output", _count(model.max_output_tokens)
    if model.input_modalities is not None:
        yield "input", " ".join(model.input_modalities).lower()
    for label, wanted in (("can", True), ("cannot", False), (UNKNOWN, None)):
        named = ", ".join(name for name, value in _abilities(can) if value is wanted)
        if named:
            yield label, named
    yield "thinking", _thinking(can)
    yield "sampling", _SAMPLING.get(can.sampling or "", UNKNOWN)
    if model.data_retention is not None:
        yield "retention", f"asks for data retention mode {' or '.join(model.data_retention)}"
    if model.mantle_id:
        places = ", ".join(model.mantle_regions or ()) or "regions that are not known here"
        yield "mantle", f"{model.mantle_id} in {places} (--via mantle)"


def _dates(life: Lifecycle) -> str:
    named = (
        ("launched", life.launch),
        ("since" if life.status == "LEGACY" else "legacy since", life.legacy),
        ("extended access since", life.extended_access),
        ("ends", life.end_of_life),
    )
    dates = (f"{name} {day}" for name, day in named if day)
    return ", ".join(((life.status or UNKNOWN).lower(), *dates))


def _count(count: int | None) -> str:
    return UNKNOWN if count is None else f"at most {count:,} tokens"


def _abilities(can: Capabilities) -> Iterator[tuple[str, bool | None]]:
    least = f" (from {can.min_cache_tokens:,} tokens)" if can.min_cache_tokens else ""
    counted = f" (by {can.count_tokens})" if can.count_tokens else ""
    yield "images", can.vision
    yield "PDF", can.pdf
    yield "citations", can.citations
    yield "1M context", _LONG.get(can.context_1m or "")
    yield f"prompt caching{least}", can.prompt_caching
    yield "JSON schema", can.schema
    yield "forced tools", can.forced_tools
    yield "prefill", can.prefill
    yield f"token counting{counted}", True if can.count_tokens else None
    yield "batch jobs", can.batch


def _thinking(can: Capabilities) -> str:
    if can.thinking is None:
        return UNKNOWN
    default = f", {can.thinking_default} by default" if can.thinking_default else ""
    default = default.replace("always by default", "always on")
    efforts = f"; efforts {', '.join(can.efforts)}" if can.efforts else ""
    return f"{' or '.join(can.thinking) or 'none'}{default if can.thinking else ''}{efforts}"


def _links(model: Details) -> Iterator[tuple[str, str]]:
    yield "price-page", model.price_page
    if model.model_card:
        yield "model-card", model.model_card


def _prices(way: Way) -> list[str]:
    """USD per million tokens: of a plain prompt, of the cache, and of long prompts."""
    if way.price is None:
        return ["price unknown"]
    premium = f", {way.premium_percent:+} % against global" if way.premium_percent else ""
    lines = [f"{_plain(way.price)} per million tokens{premium}", _cached(way.price)]
    if long := way.price.long_context:
        tier = f"above {way.price.above:,} prompt tokens: {_plain(long)}"
        lines.append(f"{tier}; {cached}" if (cached := _cached(long)) else tier)
    return [line for line in lines if line]


def _plain(price: Price) -> str:
    return _figures(("in", price.input), ("out", price.output))


def _cached(price: Price) -> str:
    figures = _figures(
        ("read", price.cache_read),
        ("write (5m)", price.cache_write_5m),
        ("write (1h)", price.cache_write_1h),
    )
    return f"cache {figures}" if figures else ""


def _figures(*named: tuple[str, float | None]) -> str:
    return ", ".join(f"${figure:g} {name}" for name, figure in named if figure is not None)


def _to(way: Way, between: str) -> str:
    if way.destinations is None:
        return UNKNOWN
    if "*" in way.destinations:
        return "any commercial region"
    return between.join(way.destinations)


def _alike(ways: tuple[Way, ...]) -> list[list[Way]]:
    """An id's regions from which it leads to the same ones, together."""
    found: dict[tuple[object, ...], list[Way]] = {}
    for way in ways:
        found.setdefault((way.id, way.destinations), []).append(way)
    return list(found.values())


def _sources(group: list[Way], asked: int) -> str:
    count = len({way.region for way in group})
    if count > FEW and count == asked:
        return f"all {asked} regions"
    return ", ".join(dict.fromkeys(way.region for way in group))


def _entry(out: Output, label: str, values: list[str]) -> None:
    """A label and values on a terminal, each wrapped under the first one; ids stay whole."""
    width = max(40, shutil.get_terminal_size().columns - LABEL)
    lines = [
        line
        for value in values
        for line in wrap(safe(value), width, break_long_words=False, break_on_hyphens=False)
    ]
    title = f"{label:<{LABEL}}"
    out.stdout.write(f"\x1b[1m{title}\x1b[0m{lines[0]}\n" if out.color else f"{title}{lines[0]}\n")
    for line in lines[1:]:
        out.stdout.write(f"{'':{LABEL}}{line}\n")
