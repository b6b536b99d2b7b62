"""Usage summed here, over the records that Bedrock writes to S3, as fast as they can be parsed."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.log_record import count, entries, iso, iso_of, short_id
from bedrock_claude_cli.bedrock.logs import S3
from bedrock_claude_cli.bedrock.model_id import parse
from bedrock_claude_cli.bedrock.usage import Cell, Key, add, meta_keys

Sums = list[Any]


def cells(
    source: S3, since: float, until: float, by: Sequence[str], catalog: Catalog
) -> list[Cell]:
    """The sums over all records between two times, in seconds since 1970."""
    with _no_collections():
        return summed(source.blocks(since, until), since, until, by, catalog)


def summed(
    blocks: Iterable[bytes], since: float, until: float, by: Sequence[str], catalog: Catalog
) -> list[Cell]:
    """The sums over blocks of whole lines; lines that are no records are skipped."""
    first, last = iso_of(since), iso_of(until)
    with_identity, keys = "identity" in by, meta_keys(by)
    tiers: dict[str | None, float] = {}
    sums: dict[Key, Sums] = {}
    for entry in _entries(blocks):
        when = _text(entry.get("timestamp"))
        if when is not None:
            when = when if len(when) == 20 and when[19] == "Z" else iso(when)
            if not first <= when <= last:
                continue
        sent, received = _mapping(entry.get("input")), _mapping(entry.get("output"))
        model = _text(entry.get("modelId"))
        tokens = (
            count(sent.get("inputTokenCount")),
            count(sent.get("cacheReadInputTokenCount")),
            count(sent.get("cacheWriteInputTokenCount")),
            count(received.get("outputTokenCount")),
        )
        if model not in tiers:
            tiers[model] = _tier(model, catalog)
        error = _text(entry.get("errorCode"))
        told = _mapping(entry.get("requestMetadata")) if keys else {}
        key = Key(
            model,
            _text(entry.get("region")),
            when and when[:10],
            error,
            _text(_mapping(entry.get("identity")).get("arn")) if with_identity else None,
            tuple(_text(told.get(each)) for each in keys),
            (tokens[0] or 0) + (tokens[1] or 0) + (tokens[2] or 0) > tiers[model],
        )
        uncounted = error is None and (tokens[0] is None or tokens[3] is None)
        found = sums.get(key)
        if found is None:
            sums[key] = [1, int(uncounted), *tokens]
            continue
        found[0] += 1
        found[1] += uncounted
        for at, tally in enumerate(tokens, 2):
            if tally:
                found[at] = (found[at] or 0) + tally
            elif tally == 0:
                found[at] = add(found[at], 0)
    return [Cell(key, *found) for key, found in sums.items()]


def _entries(blocks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        for line in block.decode("utf-8", "replace").split("\n"):
            yield from entries(line)


def _tier(model: str | None, catalog: Catalog) -> float:
    """Above how many prompt tokens a model costs more; infinity for most."""
    known = catalog.get(parse(short_id(model) or "").base_id or "") if model else None
    above = [price.above for price in known.prices.values() if price.above] if known else []
    return min(above, default=float("inf"))


@contextmanager
def _no_collections() -> Iterator[None]:
    """Parsed JSON has no cycles, and looking for some is a tenth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
