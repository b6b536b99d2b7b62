"""The proof that logging works: the record of a call that was just made arrives."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bedrock_claude_cli.bedrock import logs
from bedrock_claude_cli.bedrock.invocation_logging import Configured
from bedrock_claude_cli.bedrock.logging_state import Target
from bedrock_claude_cli.bedrock.logs import Record, Source
from bedrock_claude_cli.errors import PendingError

# Records come within a minute or two as a rule; nobody promises it.
LIMIT = 600.0


def sources(target: Target, config: Configured) -> tuple[tuple[str, Source], ...]:
    """Every destination of the records, with its name."""
    found: list[tuple[str, Source]] = []
    if config.log_group:
        group = logs.cloudwatch(target.client("logs"), config.log_group)
        found.append((f"log group {config.log_group}", group))
    if config.bucket:
        place = target.place
        bucket = logs.s3(
            target.client("s3"), config.bucket, config.prefix, place.account, place.region
        )
        found.append((f"bucket {config.bucket}", bucket))
    return tuple(found)


def await_record(
    where: str,
    source: Source,
    request_id: str,
    *,
    since: float,
    say: Callable[[str], None],
    limit: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Record:
    """The record of a request, as soon as it arrives; PendingError after `limit` seconds."""
    limit = LIMIT if limit is None else limit
    begun = clock()
    waited = False
    while True:
        record = logs.find(source, request_id, since=since)
        if record is not None:
            return record
        if clock() - begun >= limit:
            raise PendingError(
                f"no record of request {request_id} in {where} after {limit:g} s",
                hint=f"it may still come: `bedrock-claude logs show {request_id} --region "
                "{region}`; `bedrock-claude logs status --region {region}` shows what is not as it "
                "should be",
            )
        if not waited:
            say(f"waiting for the record in {where}, at most {limit:g} s")
            waited = True
        sleep(source.every)


def shown(records: Sequence[tuple[str, Record]]) -> list[dict[str, object]]:
    """The records as `--json` shows them."""
    return [
        {
            "where": where,
            "request_id": record.request_id,
            "timestamp": record.timestamp,
            "model": record.model_id,
            "identity": record.identity,
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
        }
        for where, record in records
    ]
