"""Cells from where a region's records lie: a log group, a bucket, or both without counting twice.

Where there are both, each may hold calls that the other lacks: from before it was configured, or
after its retention ended. The log group's sums are cheap; the bucket is read for the days that the
group may not hold in full, and of each day the source that knows more calls counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from bedrock_claude_cli.bedrock import usage_insights, usage_s3
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.logs import S3, CloudWatch, Source
from bedrock_claude_cli.bedrock.usage import Cell, dates

DAY = 86400


class Window(NamedTuple):
    """From a midnight (UTC) to a time, in seconds since 1970, and what is grouped by."""

    since: float
    until: float
    by: Sequence[str]


def cells(
    sources: Sequence[Source],
    window: Window,
    catalog: Catalog,
    unread: Callable[[Source, Exception], None],
) -> list[Cell]:
    """The sums of one source, or of a log group and a bucket.

    `unread` is told of a bucket beside a log group that could not be read.
    """
    first, *others = sources
    if isinstance(first, S3):
        return usage_s3.cells(first, *window, catalog)
    found = list(usage_insights.cells(first, *window))
    for other in others:
        if isinstance(other, CloudWatch):
            raise TypeError("there is one log group")
        try:
            found = fuller(found, _days_in_doubt(found, other, window, catalog))
        except Exception as error:  # what the log group holds is worth telling
            unread(other, error)
    return found


def _days_in_doubt(
    known: Iterable[Cell], source: S3, window: Window, catalog: Catalog
) -> list[Cell]:
    return [
        cell
        for since, until in doubtful((cell.key.day for cell in known), window)
        for cell in usage_s3.cells(source, since, until, window.by, catalog)
    ]


def doubtful(held: Iterable[str | None], window: Window) -> Iterator[tuple[float, float]]:
    """Spans of the days without a record, of those beside them, and of the window's first day."""
    held = set(held)
    days = dates(window.since, window.until)
    lacking = [True, *(day not in held for day in days), False]
    numbers = (each for each in range(len(days)) if any(lacking[each : each + 3]))
    for _, run in groupby(enumerate(numbers), lambda item: item[1] - item[0]):
        span = [number for _, number in run]
        end = window.since + (span[-1] + 1) * DAY - 1  # a record's time is whole seconds
        yield window.since + span[0] * DAY, min(end, window.until)


def fuller(ones: Sequence[Cell], others: Sequence[Cell]) -> list[Cell]:
    """Of each day the cells of the side that knows more calls; without a day, the first's."""
    calls = Counter[str | None]()
    for sign, side in ((-1, ones), (1, others)):
        for cell in side:
            calls[cell.key.day] += sign * cell.calls
    return [
        *(cell for cell in ones if cell.key.day is None or calls[cell.key.day] <= 0),
        *(cell for cell in others if cell.key.day is not None and calls[cell.key.day] > 0),
    ]
