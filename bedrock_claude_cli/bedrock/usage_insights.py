"""Usage summed by CloudWatch Logs Insights: the records stay where they are.

StartQuery takes seconds since 1970; GetQueryResults gives at most 10,000 rows, so that a report
with more of them is asked for in halves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from bedrock_claude_cli.bedrock.log_record import SCHEMA
from bedrock_claude_cli.bedrock.logs import CloudWatch
from bedrock_claude_cli.bedrock.usage import Cell, Key, meta_keys
from bedrock_claude_cli.errors import UnavailableError

MOST = 10_000
DAY = 86400
_SUMS = {
    "inputTokens": "input.inputTokenCount",
    "cacheReadTokens": "input.cacheReadInputTokenCount",
    "cacheWriteTokens": "input.cacheWriteInputTokenCount",
    "outputTokens": "output.outputTokenCount",
}
_RUNNING = ("Scheduled", "Running", "Unknown")
# Seconds between two looks at a query: soon at first, for most take a second or two.
_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6)


def query(by: Sequence[str]) -> str:
    """The query's text."""
    sums = ", ".join(f"sum({field}) as {name}" for name, field in _SUMS.items())
    fields = ["modelId", "region", "bin(1d)", "errorCode"]
    fields += ["identity.arn"] if "identity" in by else []
    fields += [_field(key) for key in meta_keys(by)]
    grouped = ", ".join(fields)
    return f'filter schemaType="{SCHEMA}" | stats count(*) as calls, {sums} by {grouped}'


def cells(
    source: CloudWatch,
    since: float,
    until: float,
    by: Sequence[str],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Cell]:
    """The sums over all records between two times, in seconds since 1970."""
    rows = _ask(source, query(by), since, until, sleep)
    middle = (since + until) / 2 // DAY * DAY
    if len(rows) < MOST or not since < middle < until:
        if len(rows) >= MOST:
            raise UnavailableError(
                f"one day has more than {MOST} groups, which CloudWatch Logs Insights cannot give",
                hint="leave out one --by",
            )
        yield from (_cell(row, by) for row in rows)
        return
    yield from cells(source, since, middle - 1, by, sleep=sleep)
    yield from cells(source, middle, until, by, sleep=sleep)


def _ask(
    source: CloudWatch, text: str, since: float, until: float, sleep: Callable[[float], None]
) -> list[dict[str, str]]:
    client = source.client
    query_id = client.start_query(
        logGroupName=source.log_group,
        startTime=int(since),
        endTime=int(until),
        queryString=text,
        limit=MOST,
    )["queryId"]
    finished = False
    try:
        looks = 0
        while True:
            told = client.get_query_results(queryId=query_id)
            finished = told["status"] not in _RUNNING
            if finished:
                break
            sleep(_WAITS[min(looks, len(_WAITS) - 1)])
            looks += 1
    finally:
        if not finished:
            with suppress(Exception):  # best effort: nobody waits for it, and few may run at once
                client.stop_query(queryId=query_id)
    if told["status"] != "Complete":
        raise UnavailableError(
            f"the CloudWatch Logs Insights query ended as {told['status']}",
            hint="ask for fewer --days",
            retry="now",
        )
    return [
        {item["field"].replace("`", ""): item["value"] for item in row if "value" in item}
        for row in told["results"]
    ]


def _cell(row: dict[str, str], by: Sequence[str]) -> Cell:
    calls = _number(row.get("calls")) or 0
    error = row.get("errorCode") or None
    sums = {name: _number(row.get(name)) for name in _SUMS}
    counted = sums["inputTokens"] is not None and sums["outputTokens"] is not None
    return Cell(
        Key(
            row.get("modelId") or None,
            row.get("region") or None,
            row["bin(1d)"][:10] if row.get("bin(1d)") else None,
            error,
            row.get("identity.arn") or None,
            tuple(row.get(f"requestMetadata.{key}") or None for key in meta_keys(by)),
        ),
        calls,
        0 if counted or error else calls,
        sums["inputTokens"],
        sums["cacheReadTokens"],
        sums["cacheWriteTokens"],
        sums["outputTokens"],
    )


def _number(text: str | None) -> int | None:
    return int(float(text)) if text else None


def _field(key: str) -> str:
    """A field's name; one with other characters than letters, digits, _ and . is quoted."""
    name = f"requestMetadata.{key}"
    return name if key.replace("_", "").replace(".", "").isalnum() else f"`{name}`"
