"""Who spent what: logged calls summed by model, identity, day, region or a key of their metadata.

A sum is taken over Cells, which CloudWatch Logs Insights or the reader of S3 hands out; the cost is
an estimate from list prices. A count that no record gave stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from bedrock_claude_cli.bedrock import pricing
from bedrock_claude_cli.bedrock.catalog import Catalog, Price
from bedrock_claude_cli.bedrock.log_record import THROTTLES, short_id, target
from bedrock_claude_cli.bedrock.model_id import parse
from bedrock_claude_cli.errors import UsageError

DIMENSIONS = ("model", "identity", "day", "region")
META = "meta:"


class Key(NamedTuple):
    """What the calls of one cell have in common; `long` prompts are priced in a tier of their own.

    `day` is an ISO date in UTC, `meta` the values of the keys that were asked for.
    """

    model_id: str | None
    region: str | None
    day: str | None
    error_code: str | None
    identity: str | None = None
    meta: tuple[str | None, ...] = ()
    long: bool = False


class Cell(NamedTuple):
    """The sums of one key; `uncounted` are calls without an error that lack a token count."""

    key: Key
    calls: int
    uncounted: int
    input_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    output_tokens: int | None


@dataclass(frozen=True)
class Spend:
    """One line of the report; `errors` include `throttles`, `cost_usd` covers what is priced.

    `uncounted` calls have no token counts, `unpriced` ones a model without a known price.
    """

    group: Mapping[str, str | None]
    calls: int = 0
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    errors: int = 0
    throttles: int = 0
    cost_usd: float | None = None
    uncounted: int = 0
    unpriced: int = 0

    def plus(self, cell: Cell, cost: float | None, unpriced: bool) -> Spend:
        """This line with one more cell."""
        code = cell.key.error_code
        return replace(
            self,
            calls=self.calls + cell.calls,
            input_tokens=add(self.input_tokens, cell.input_tokens),
            cache_read_input_tokens=add(self.cache_read_input_tokens, cell.cache_read),
            cache_creation_input_tokens=add(self.cache_creation_input_tokens, cell.cache_write),
            output_tokens=add(self.output_tokens, cell.output_tokens),
            errors=self.errors + (cell.calls if code else 0),
            throttles=self.throttles + (cell.calls if code in THROTTLES else 0),
            cost_usd=self.cost_usd if cost is None else (self.cost_usd or 0.0) + cost,
            uncounted=self.uncounted + cell.uncounted,
            unpriced=self.unpriced + (cell.calls if unpriced else 0),
        )


@dataclass(frozen=True)
class Report:
    """The whole report: days are ISO dates in UTC, from `first_day` to `last_day`.

    `source` is where the records were read, `prices` whose prices the estimate is made of.
    `untiered` says that long prompts, which cost more, could not be told apart.
    """

    region: str
    source: str
    first_day: str
    last_day: str
    by: tuple[str, ...]
    rows: tuple[Spend, ...]
    days: tuple[Spend, ...]
    total: Spend
    missing_days: tuple[str, ...]
    prices: str
    untiered: bool = False


def dimensions(by: Sequence[str]) -> tuple[str, ...]:
    """What to group by, each once; UsageError for what there is not."""
    for each in by:
        key = each.removeprefix(META)
        if each not in DIMENSIONS and (each == key or not key or "`" in key):
            raise UsageError(
                f"cannot group by `{each}`", hint=f"one of {', '.join(DIMENSIONS)}, meta:KEY"
            )
    return tuple(dict.fromkeys(by)) or ("model",)


def meta_keys(by: Sequence[str]) -> tuple[str, ...]:
    """The metadata keys among what is grouped by, in order."""
    return tuple(each.removeprefix(META) for each in by if each.startswith(META))


def first_midnight(now: float, days: int) -> float:
    """When the first of the last `days` days (UTC, today included) began, in seconds."""
    return (now // 86400 - days + 1) * 86400


def report(
    cells: Iterable[Cell],
    *,
    by: tuple[str, ...],
    since: float,
    until: float,
    region: str,
    source: str,
    catalog: Catalog,
    prices: pricing.Overrides | None = None,
    tiered: bool = True,
) -> Report:
    """Sum the cells and price them; `tiered` says that they keep long prompts apart."""
    groups: dict[tuple[str | None, ...], Spend] = {}
    days: dict[str, Spend] = {day: Spend({"day": day}) for day in dates(since, until)}
    total = Spend({})
    untiered = False
    for cell in cells:
        found = _price(cell.key, catalog, prices)
        untiered |= not tiered and found is not None and found.long_context is not None
        cost = _cost(cell, found)
        counted = cell.input_tokens is not None and cell.output_tokens is not None
        unpriced = cost is None and counted
        values = _values(cell.key, by)
        group = groups.get(values) or Spend(dict(zip(by, values, strict=True)))
        groups[values] = group.plus(cell, cost, unpriced)
        total = total.plus(cell, cost, unpriced)
        if cell.key.day in days:
            days[cell.key.day] = days[cell.key.day].plus(cell, cost, unpriced)
    own = "your prices, then " if prices else ""
    return Report(
        region=region,
        source=source,
        first_day=next(iter(days)),
        last_day=list(days)[-1],
        by=by,
        rows=tuple(sorted(groups.values(), key=_order(by))),
        days=tuple(days.values()),
        total=total,
        missing_days=tuple(day for day, spend in days.items() if not spend.calls),
        prices=f"{own}list prices, {catalog.date}",
        untiered=untiered,
    )


def ranges(days: Sequence[str]) -> list[str]:
    """Days in a row told as `first to last`."""
    told: list[list[str]] = []
    for day in days:
        before = (datetime.fromisoformat(day) - timedelta(days=1)).strftime("%Y-%m-%d")
        if told and told[-1][-1] == before:
            told[-1].append(day)
        else:
            told.append([day])
    return [f"{run[0]} to {run[-1]}" if len(run) > 1 else run[0] for run in told]


def add(one: int | None, other: int | None) -> int | None:
    """A sum in which unknown and unknown stays unknown."""
    return one if other is None else (one or 0) + other


def dates(since: float, until: float) -> list[str]:
    """The days (UTC, ISO) from one time to another, in seconds since 1970."""
    start = datetime.fromtimestamp(since, timezone.utc)
    count = int(until // 86400 - since // 86400) + 1
    return [(start + timedelta(days=each)).strftime("%Y-%m-%d") for each in range(count)]


def _order(by: tuple[str, ...]) -> Callable[[Spend], tuple[object, ...]]:
    """Days in their order, else the dearest first, and the same whatever came first."""

    def rank(spend: Spend) -> tuple[object, ...]:
        values = [spend.group[each] or "" for each in by]
        day = (spend.group["day"] or "") if "day" in by else ""
        return day, -(spend.cost_usd or 0.0), -spend.calls, values

    return rank


def _price(key: Key, catalog: Catalog, prices: pricing.Overrides | None) -> Price | None:
    """The price of one cell's calls, before its tier is chosen."""
    if key.model_id is None:
        return None
    model_id = short_id(key.model_id) or key.model_id
    return pricing.price(target(model_id, key.region or "", catalog), prices)


def _cost(cell: Cell, price: Price | None) -> float | None:
    if price is None or cell.input_tokens is None or cell.output_tokens is None:
        return None
    flat = (price.long_context if cell.key.long else None) or replace(price, long_context=None)
    return pricing.cost(
        flat,
        input_tokens=cell.input_tokens,
        output_tokens=cell.output_tokens,
        cache_read=cell.cache_read or 0,
        cache_write_5m=cell.cache_write or 0,
    )


def _values(key: Key, by: tuple[str, ...]) -> tuple[str | None, ...]:
    """What stands in the group columns; the ids of one model are one model, whatever endpoint."""
    meta = iter(key.meta)
    plain = {"identity": key.identity, "day": key.day, "region": key.region}
    if key.model_id:
        plain["model"] = parse(key.model_id).base_id or key.model_id
    return tuple(next(meta) if each.startswith(META) else plain.get(each) for each in by)
