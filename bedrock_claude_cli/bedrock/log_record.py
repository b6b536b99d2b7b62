"""One record of Bedrock's invocation log: who asked which model, and what it took.

The schema is "ModelInvocationLog" of the Bedrock user guide's page "model-invocation-logging".
Every field may be missing; what is missing stays None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from bedrock_claude_cli.bedrock import log_bodies, pricing
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.model_id import Target, parse

SCHEMA = "ModelInvocationLog"
THROTTLES = frozenset({"ThrottlingException", "TooManyRequestsException"})


@dataclass(frozen=True)
class Record:
    """One logged call; counts are tokens, `input_tokens` without cached ones, times ISO in UTC.

    `input` and `output` are the logged bodies as JSON, or None where they are missing or stand at
    `input_path` and `output_path` (s3://...).
    """

    timestamp: str
    request_id: str | None
    operation: str | None
    model_id: str | None
    base_id: str | None
    endpoint: str | None
    region: str | None
    account: str | None
    identity: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    error_code: str | None
    stop_reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    input: Any = field(default=None, repr=False)
    output: Any = field(default=None, repr=False)
    input_path: str | None = None
    output_path: str | None = None

    @property
    def seconds(self) -> float | None:
        """When it was, in seconds since 1970; None for a timestamp that is none."""
        return seconds_of(self.timestamp)

    @property
    def elsewhere(self) -> bool:
        """Whether a body stands in S3 and was not fetched."""
        missing = (self.input is None and self.input_path, self.output is None and self.output_path)
        return any(missing)

    @property
    def prompt(self) -> str | None:
        """The conversation that was sent, as text; None where no body was logged."""
        return log_bodies.prompt(self.input)

    @property
    def answer(self) -> str | None:
        """The answer, put back together from its events where it was streamed."""
        return log_bodies.answer(self.output)


def stopped(body: Any) -> str | None:
    """Why the model stopped, as far as the body of its answer tells."""
    return log_bodies.stop_reason(body)


def entries(line: str | bytes) -> list[dict[str, Any]]:
    """The invocations on one line, which may be an array; none where it is no record at all.

    Bedrock's permission check writes a line of plain text, and a log group may hold anything.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return []
    several = found if isinstance(found, list) else [found]
    return [item for item in several if isinstance(item, dict) and item.get("schemaType") == SCHEMA]


def read(line: str | bytes) -> list[Record]:
    """The records on one line."""
    return [record(entry) for entry in entries(line)]


def record(entry: Mapping[str, Any]) -> Record:
    """A logged entry as a Record; a field of an unexpected type counts as missing."""
    sent, received = _mapping(entry.get("input")), _mapping(entry.get("output"))
    model_id = short_id(_text(entry.get("modelId")))
    asked = parse(model_id) if model_id else None
    return Record(
        timestamp=iso(_text(entry.get("timestamp")) or ""),
        request_id=_text(entry.get("requestId")),
        operation=_text(entry.get("operation")),
        model_id=model_id,
        base_id=asked.base_id if asked else None,
        endpoint=asked.endpoint if asked else None,
        region=_text(entry.get("region")),
        account=_text(entry.get("accountId")),
        identity=_text(_mapping(entry.get("identity")).get("arn")),
        input_tokens=count(sent.get("inputTokenCount")),
        output_tokens=count(received.get("outputTokenCount")),
        cache_read=count(sent.get("cacheReadInputTokenCount")),
        cache_write=count(sent.get("cacheWriteInputTokenCount")),
        error_code=_text(entry.get("errorCode")),
        stop_reason=stopped(received.get("outputBodyJson")),
        metadata={key: str(value) for key, value in _mapping(entry.get("requestMetadata")).items()},
        input=sent.get("inputBodyJson"),
        output=received.get("outputBodyJson"),
        input_path=_text(sent.get("inputBodyS3Path")),
        output_path=_text(received.get("outputBodyS3Path")),
    )


def short_id(model_id: str | None) -> str | None:
    """The id inside the ARN of a model or an inference profile; an opaque ARN stays whole."""
    if model_id and model_id.startswith("arn:") and parse(model_id).base_id:
        return model_id.rpartition("/")[2]
    return model_id


def target(model_id: str, region: str, catalog: Catalog) -> Target:
    """What a logged id and its source region say of the price."""
    asked = parse(model_id)
    known = catalog.get(asked.base_id) if asked.base_id else None
    return Target(model_id, asked.base_id, asked.endpoint, known, region, asked.kind)


def cost(found: Record, catalog: Catalog, prices: pricing.Overrides | None) -> float | None:
    """USD for one call; None where the price or a count is unknown."""
    if found.model_id is None or found.input_tokens is None or found.output_tokens is None:
        return None
    price = pricing.price(target(found.model_id, found.region or "", catalog), prices)
    return pricing.cost(
        price,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        cache_read=found.cache_read or 0,
        cache_write_5m=found.cache_write or 0,
    )


def count(value: Any) -> int | None:
    """A token count, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def seconds_of(timestamp: str) -> float | None:
    """Seconds since 1970 of an ISO timestamp, UTC where it names no zone; None if it is none."""
    try:
        # Python 3.10 takes no other fraction than of three or six digits.
        text = re.sub(r"\.(\d+)", lambda part: f".{part[1][:6]:0<6}", timestamp)
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


def iso(timestamp: str) -> str:
    """An ISO timestamp in UTC to the second; a text that is none stays as it is."""
    seconds = seconds_of(timestamp)
    return timestamp if seconds is None else iso_of(seconds)


def iso_of(seconds: float) -> str:
    """Seconds since 1970 as an ISO timestamp in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
