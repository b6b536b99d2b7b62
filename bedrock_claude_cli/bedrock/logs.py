"""Reads invocation records back, from CloudWatch Logs or from S3.

A source hands out lines; what they hold is log_record's business. Times are seconds since 1970.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from heapq import nlargest
from itertools import chain
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import log_objects
from bedrock_claude_cli.bedrock.log_record import SCHEMA, read, seconds_of
from bedrock_claude_cli.bedrock.log_record import Record as Record
from bedrock_claude_cli.errors import RejectedError

HOUR = 3600
FOLDER = "BedrockModelInvocationLogs"


class CloudWatch(NamedTuple):
    """The log group that Bedrock writes to, and a client of `logs`.

    `late` is how long after its time a record may still arrive, `every` how often it is worth
    looking, in seconds.
    """

    client: Any
    log_group: str
    late: float = 300
    every: float = 2

    @property
    def name(self) -> str:
        """As a user knows it."""
        return f"log group {self.log_group}"

    def lines(
        self, since: float, until: float, term: str = SCHEMA, seen: dict[str, float] | None = None
    ) -> Iterator[str | bytes]:
        """The lines that hold `term`; a page may be empty and not the last.

        Events in `seen` are left out, and those that come are added, with their time.
        """
        asked: dict[str, Any] = {
            "logGroupName": self.log_group,
            "startTime": int(since * 1000),
            "endTime": int(until * 1000),
            "filterPattern": f'"{term}"',
        }
        while True:
            page = self.client.filter_log_events(**asked)
            for event in page.get("events", ()):
                if seen is not None:
                    if event["eventId"] in seen:
                        continue
                    seen[event["eventId"]] = event["timestamp"] / 1000
                yield event["message"]
            if not page.get("nextToken"):
                return
            asked["nextToken"] = page["nextToken"]


class S3(NamedTuple):
    """The bucket that Bedrock writes to, and a client of `s3`; `late` and `every` as above."""

    client: Any
    bucket: str
    prefix: str
    account: str
    region: str
    late: float = HOUR
    every: float = 30

    @property
    def name(self) -> str:
        """As a user knows it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def blocks(
        self, since: float, until: float, seen: dict[str, float] | None = None
    ) -> Iterator[bytes]:
        """Blocks of whole lines, of the hours that the time touches and the one after."""
        log_folder = f"AWSLogs/{self.account}/{FOLDER}/{self.region}/"
        base = "/".join(part for part in (self.prefix.strip("/"), log_folder) if part)
        found = log_objects.keys(
            self.client, self.bucket, base, base + _hour(since), base + _hour(until + HOUR)
        )
        return log_objects.blocks(self.client, self.bucket, self._new(found, base, seen))

    @staticmethod
    def _new(found: Iterator[str], base: str, seen: dict[str, float] | None) -> Iterator[str]:
        for key in found:
            if not key.endswith(".json.gz") or "/data/" in key[len(base) - 1 :]:
                continue  # larger bodies lie beside the records
            if seen is not None:
                if key in seen:
                    continue
                seen[key] = _hour_of(key[len(base) :])
            yield key

    def lines(
        self, since: float, until: float, term: str = SCHEMA, seen: dict[str, float] | None = None
    ) -> Iterator[str | bytes]:
        """The lines that hold `term`."""
        wanted = term.encode()
        for block in self.blocks(since, until, seen):
            for line in block.split(b"\n"):
                if wanted in line:
                    yield line


Source = CloudWatch | S3


def cloudwatch(logs_client: Any, log_group: str) -> CloudWatch:
    """A source that reads a log group."""
    return CloudWatch(logs_client, log_group)


def s3(s3_client: Any, bucket: str, prefix: str, account: str, region: str) -> S3:
    """A source that reads a bucket below a prefix, which may be empty."""
    return S3(s3_client, bucket, prefix, account, region)


def records(
    source: Source,
    since: float,
    until: float | None = None,
    *,
    term: str = SCHEMA,
    seen: dict[str, float] | None = None,
) -> Iterator[Record]:
    """The records between two times, nearly in their order; lines that are none are skipped."""
    until = time.time() + HOUR if until is None else until  # a clock here may be slow
    for line in source.lines(since, until, term, seen):
        for found in read(line):
            when = found.seconds
            if when is None or since <= when <= until:
                yield found


def find(source: Source, request_id: str, *, since: float) -> Record | None:
    """The record of one request that was made after `since`, or None."""
    if '"' in request_id:
        return None
    # The timestamp of a record is whole seconds.
    found = records(source, since - 1, term=request_id)
    return next((each for each in found if each.request_id == request_id), None)


def latest(source: Source, count: int, *, since: float, now: float) -> list[Record]:
    """The last `count` records since a time, oldest first; recent hours are looked at first.

    Records of one second keep the order in which they were logged.
    """
    found: list[_Placed] = []
    # Each event, or object, is read once; those of a log group are too many to be remembered.
    seen: dict[str, float] | None = {} if isinstance(source, S3) else None
    until = now + HOUR
    for look, span in enumerate((HOUR / 4, 6 * HOUR, now - since)):
        start = max(now - span, since)
        lines = source.lines(start, until, SCHEMA, seen)
        fresh = (each for each in _placed(lines, start, -look) if each.when >= since)
        found = nlargest(count, chain(found, fresh), key=lambda each: each[:3])
        if start == since or sum(each.when >= start for each in found) >= count:
            break
        until = start - 0.001
    return [each.record for each in reversed(found)]


class _Placed(NamedTuple):
    """A record and its place among the others."""

    when: float
    look: int
    number: int
    record: Record


def _placed(lines: Iterable[str | bytes], start: float, look: int) -> Iterator[_Placed]:
    """Records with their times; one without a time has that of the record before it."""
    when = start
    found = (record for line in lines for record in read(line))
    for number, record in enumerate(found):
        when = max(when, start) if record.seconds is None else record.seconds
        yield _Placed(when, look, number, record)


def follow(
    source: Source,
    since: float,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Record]:
    """Records as they arrive after `since`, without an end."""
    seen: dict[str, float] = {}
    begun = since
    while True:
        for old in [key for key, when in seen.items() if when < since - source.late - HOUR]:
            del seen[old]
        yield from records(source, max(begun, since - source.late), seen=seen)
        since = now()
        sleep(source.every)


def body_at(path: str, client: Any) -> Any:
    """A larger body from its `s3://bucket/key`: JSON where it is, else its text."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    if not path.startswith("s3://") or not key:
        raise RejectedError(f"`{path}` is no S3 path")
    content = log_objects.whole(client, bucket, key)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def _hour(seconds: float) -> str:
    return datetime.fromtimestamp(max(seconds, 0), timezone.utc).strftime("%Y/%m/%d/%H/")


def _hour_of(tail: str) -> float:
    return seconds_of(f"{tail[:10].replace('/', '-')}T{tail[11:13]}:00:00Z") or 0.0
