"""Entries of the invocation log as Bedrock writes them, and where tests put them."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from tests.sandbox.conftest import boto

ACCOUNT = "000000000000"
GROUP = "/aws/bedrock/modelinvocations"
STREAM = "aws/bedrock/modelinvocations"
BUCKET = "prompt-log-000000000000"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
CHECKED = "Permissions are correctly set for Amazon Bedrock logs."


def at(seconds: float) -> str:
    """A timestamp as Bedrock writes it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def streamed(*pieces: str, stop: str = "end_turn") -> list[dict[str, Any]]:
    """A streamed answer of InvokeModelWithResponseStream, as it is logged."""
    return [
        {"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}}
            for t in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]


def entry(request_id: str = "id-1", ago: float = 2, **fields: Any) -> dict[str, Any]:
    """One entry; `prompt`, `answer` and the counts fill its bodies, the rest overrides it."""
    asked = fields.pop("prompt", "Hello")
    told = fields.pop("answer", streamed("Hi ", "there"))
    tokens = {"inputTokenCount": fields.pop("tokens_in", 1000)}
    for key, name in (
        ("read", "cacheReadInputTokenCount"),
        ("written", "cacheWriteInputTokenCount"),
    ):
        if key in fields:
            tokens[name] = fields.pop(key)
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": at(time.time() - ago),
        "accountId": ACCOUNT,
        "region": "us-east-1",
        "requestId": request_id,
        "operation": "InvokeModelWithResponseStream",
        "modelId": f"global.{SONNET}",
        "identity": {"arn": ALICE},
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {"messages": [{"role": "user", "content": asked}]},
            **tokens,
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": told,
            "outputTokenCount": fields.pop("tokens_out", 100),
        },
        **fields,
    }


def failed(request_id: str, code: str = "ThrottlingException", **fields: Any) -> dict[str, Any]:
    """An entry of a call that failed: no counts, no answer."""
    found = entry(request_id, errorCode=code, **fields)
    return found | {"input": {"inputContentType": "application/json"}, "output": {}}


def to_group(entries: Iterable[dict[str, Any] | str], region: str = "us-east-1") -> None:
    """Put entries, or lines that are none, into the log group, which is made if need be."""
    logs = boto("logs", region)
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        logs.create_log_group(logGroupName=GROUP)
    if not logs.describe_log_streams(logGroupName=GROUP)["logStreams"]:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    events = []
    for each in entries:
        when = time.time()
        if isinstance(each, dict):
            stamp = each["timestamp"].replace("Z", "+00:00")
            when = datetime.fromisoformat(stamp).timestamp()
        message = each if isinstance(each, str) else json.dumps(each)
        events.append({"timestamp": int(when * 1000), "message": message})
    events.sort(key=lambda event: event["timestamp"])  # type: ignore[arg-type, return-value]
    logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)


def key_of(ago: float, name: str = "a.json.gz", prefix: str = "", region: str = "us-east-1") -> str:
    """Where Bedrock puts an object of that time."""
    hour = datetime.fromtimestamp(time.time() - ago, timezone.utc).strftime("%Y/%m/%d/%H")
    return f"{prefix}AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/{region}/{hour}/{name}"


def to_bucket(key: str, *lines: Any) -> None:
    """Put lines, gzipped, into the bucket; a text stays as it is, anything else becomes JSON."""
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    boto("s3").put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text.encode() + b"\n"))
