"""What the sandbox answers of CloudWatch Logs itself: Insights queries, and filtered events.

And AssociateKmsKey, which moto lacks.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bedrock_claude_cli.sandbox.backend import Backend
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply

if TYPE_CHECKING:
    from bedrock_claude_cli.sandbox import insights

PAGE = 10_000  # events that one page of FilterLogEvents searches, and also its most hits
MOST_ROWS = 10_000


@dataclass
class _Running:
    """A query under way; it is done when its results are asked for the second time."""

    query: insights.Query
    events: list[dict[str, Any]]
    limit: int
    status: str = "Running"
    asked: int = 0
    answer: dict[str, Any] = field(default_factory=dict)


class CloudWatch:
    """The queries of one sandbox."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._queries: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request, rule: dict[str, Any]) -> Reply | None:
        """The sandbox's own answer; None for what moto answers."""
        if request.operation == "FilterLogEvents":
            params = request.json()
            if rule.get("empty"):
                return _reply({"events": [], "searchedLogStreams": []})
            return self._filter(request, params) if params.get("filterPattern") else None
        if request.operation == "StartQuery":
            return _reply({"queryId": self._start(request)})
        if request.operation == "GetQueryResults":
            return _reply(self._results(request.json().get("queryId", "")))
        if request.operation == "StopQuery":
            return _reply({"success": self._stop(request.json().get("queryId", ""))})
        if request.operation == "AssociateKmsKey":
            params = request.json()
            group, key = str(params.get("logGroupName")), str(params.get("kmsKeyId"))
            if not self._backend.encrypt_group(request.region, group, key):
                raise _no_group()
            return _reply({})
        return None

    def _events(self, request: Request, group: str) -> list[dict[str, Any]]:
        events = self._backend.log_events(request.region, group)
        if events is None:
            raise _no_group()
        return events

    def _filter(self, request: Request, params: dict[str, Any]) -> Reply:
        """One page; the first is empty, as AWS's often are: whoever reads must follow nextToken."""
        from bedrock_claude_cli.sandbox import patterns

        matches = patterns.compiled(params["filterPattern"])
        streams = params.get("logStreamNames")
        start, end = params.get("startTime", 0), params.get("endTime", float("inf"))
        events = [
            event
            for event in self._events(request, str(params.get("logGroupName")))
            if start <= event["timestamp"] <= end
            and (not streams or event["logStreamName"] in streams)
        ]
        token = params.get("nextToken")
        if token is None:
            return _reply({"events": [], "searchedLogStreams": [], "nextToken": "sandbox-0"})
        match = re.fullmatch(r"sandbox-(\d+)", token)
        if not match:
            raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
        at, found = int(match[1]), list[Any]()
        last, limit = min(at + PAGE, len(events)), params.get("limit", PAGE)
        while at < last and len(found) < limit:
            found += [events[at]] if matches(events[at]["message"]) else []
            at += 1
        page: dict[str, Any] = {"events": found, "searchedLogStreams": []}
        return _reply(page | ({"nextToken": f"sandbox-{at}"} if at < len(events) else {}))

    def _start(self, request: Request) -> str:
        from bedrock_claude_cli.sandbox import insights

        params = request.json()
        start, end = params.get("startTime", 0), params.get("endTime", 0)
        query = insights.parse(str(params.get("queryString", "")))
        if start > end:
            raise AwsError("InvalidParameterException", "Query's end time is before its start time")
        if start > time.time() + 86400:  # which milliseconds always are
            raise AwsError(
                "MalformedQueryException",
                "end date and time is either before the log groups creation time or exceeds the "
                "log groups log retention settings",
            )
        names = params.get("logGroupNames") or params.get("logGroupIdentifiers")
        groups = names or [params.get("logGroupName", "")]
        events = [
            event
            for name in groups
            for event in self._events(request, re.sub(r"^arn:.*?:log-group:", "", name))
            if start <= event["timestamp"] / 1000 < end + 1
        ]
        query_id = str(uuid.uuid4())
        with self._lock:
            self._queries[query_id] = _Running(query, events, params.get("limit", MOST_ROWS))
        return query_id

    def _results(self, query_id: str) -> dict[str, Any]:
        with self._lock:
            running = self._known(query_id)
            running.asked += 1
            if running.status == "Running" and running.asked > 1:
                rows, matched = running.query.run(running.events)
                running.status = "Complete"
                running.answer = {
                    "results": rows[: running.limit],
                    "statistics": {
                        "recordsMatched": float(matched),
                        "recordsScanned": float(len(running.events)),
                        "bytesScanned": float(sum(len(row["message"]) for row in running.events)),
                    },
                }
                running.events = []
        found = running.answer or {"results": [], "statistics": {}}
        return {"queryLanguage": "CWLI", "status": running.status, **found}

    def _stop(self, query_id: str) -> bool:
        with self._lock:
            running = self._known(query_id)
            if running.status != "Running":
                message = f"Query {query_id} has already ended with status {running.status}"
                raise AwsError("InvalidParameterException", message)
            running.status, running.events = "Cancelled", []
            return True

    def _known(self, query_id: str) -> _Running:
        if query_id not in self._queries:
            raise AwsError("ResourceNotFoundException", f"Query {query_id} does not exist", 400)
        return self._queries[query_id]


def _no_group() -> AwsError:
    message = "The specified log group does not exist."
    return AwsError("ResourceNotFoundException", message, 400)


def _reply(value: dict[str, Any]) -> Reply:
    return Reply(json.dumps(value).encode(), content_type="application/x-amz-json-1.1")
