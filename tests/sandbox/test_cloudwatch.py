"""Insights queries and filtered events, over what stands in the log group."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from bedrock_claude_cli.sandbox.insights import parse
from bedrock_claude_cli.sandbox.patterns import compiled
from bedrock_claude_cli.sandbox.wire import AwsError
from tests.sandbox.conftest import Start, boto
from tests.sandbox.logging_world import GROUP, STREAM, messages

DAY = 86_400
# Noon two days ago: neither it nor the day after is today, whenever the tests run.
THEN = int(time.time()) // DAY * DAY - 2 * DAY + DAY // 2
NOT_JSON = "Permissions are correctly set for Amazon Bedrock logs."


def record(model: str, tokens: int | None, **fields: Any) -> dict[str, Any]:
    """A record with few fields."""
    counts = {} if tokens is None else {"inputTokenCount": tokens}
    return {"schemaType": "ModelInvocationLog", "modelId": model, "input": counts, **fields}


RECORDS = [
    (THEN, record("a", 1, identity={"arn": "me"}, requestMetadata={"team": "x", "cost-1": "7"})),
    (THEN + 1, record("a", 2, identity={"arn": "you"}, requestMetadata={"team": "R and D | x"})),
    (THEN + DAY, record("a", 4)),
    (THEN + DAY + 1, record("b", None, errorCode="ThrottlingException")),
    (THEN + DAY + 2, {"schemaType": "another", "modelId": "a"}),
]


def write(rows: list[tuple[int, Any]]) -> None:
    """Put these events, with times in seconds, into the group's stream."""
    logs = boto("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    events = [
        {
            "timestamp": second * 1000,
            "message": value if isinstance(value, str) else json.dumps(value),
        }
        for second, value in rows
    ]
    logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=events)


def ask(text: str, start: int = THEN - DAY, end: int = THEN + 2 * DAY, **more: Any) -> list[Any]:
    """The rows of a query, each as a mapping, over everything unless times are given."""
    logs = boto("logs")
    params = {"logGroupName": GROUP, "startTime": start, "endTime": end, **more}
    query_id = logs.start_query(queryString=text, **params)["queryId"]
    first = logs.get_query_results(queryId=query_id)
    assert (first["status"], first["results"]) == ("Running", [])
    answer = logs.get_query_results(queryId=query_id)
    assert answer["status"] == "Complete"
    return [{item["field"]: item["value"] for item in row} for row in answer["results"]]


def test_sums_by_model_and_day(start: Start) -> None:
    start()
    write([(THEN - 1, NOT_JSON), *RECORDS])
    rows = ask(
        'filter schemaType="ModelInvocationLog" '
        "| stats count() as calls, sum(input.inputTokenCount) as inTok by modelId, bin(1d)"
    )
    first, second = (
        time.strftime("%Y-%m-%d 00:00:00.000", time.gmtime(day)) for day in (THEN, THEN + DAY)
    )
    assert rows == [
        {"modelId": "a", "bin(1d)": first, "calls": "2", "inTok": "3"},
        {"modelId": "a", "bin(1d)": second, "calls": "1", "inTok": "4"},
        {"modelId": "b", "bin(1d)": second, "calls": "1"},
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("stats count(*)", [{"count(*)": "5"}]),
        ("stats count(errorCode) as n", [{"n": "1"}]),
        (
            "filter ispresent(errorCode) | stats count() by errorCode, modelId",
            [{"errorCode": "ThrottlingException", "modelId": "b", "count()": "1"}],
        ),
        (
            'filter modelId = "a" and identity.arn="you" | stats count() as n by identity.arn',
            [{"identity.arn": "you", "n": "1"}],
        ),
        (
            'filter requestMetadata.team="R and D | x" | stats count() as n',
            [{"n": "1"}],
        ),
        (
            "filter input.inputTokenCount = 4 | stats count() as n",
            [{"n": "1"}],
        ),
        (
            "filter ispresent(`requestMetadata.cost-1`) | stats sum(input.inputTokenCount) as s"
            " by `requestMetadata.cost-1`",
            [{"`requestMetadata.cost-1`": "7", "s": "1"}],
        ),
        ('filter modelId="nothing" | stats count() by modelId', []),
    ],
)
def test_what_the_language_has(start: Start, text: str, rows: list[Any]) -> None:
    start()
    write(RECORDS)
    assert ask(text) == rows


def test_times_are_seconds_and_include_their_ends(start: Start) -> None:
    start()
    write(RECORDS)
    assert ask("stats count() as n", THEN, THEN + 1) == [{"n": "2"}]
    assert ask("stats count() as n", THEN + 1, THEN + DAY - 1) == [{"n": "1"}]


def test_limit_and_group_lists(start: Start) -> None:
    start()
    write(RECORDS)
    assert len(ask("stats count() by modelId, bin(1d)", limit=2)) == 2
    logs = boto("logs")
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}"
    text = "stats count() as n"
    for groups in ({"logGroupNames": [GROUP]}, {"logGroupIdentifiers": [arn]}):
        asked = {"startTime": THEN, "endTime": THEN + DAY, "queryString": text, **groups}
        query_id = logs.start_query(**asked)["queryId"]
        logs.get_query_results(queryId=query_id)
        told = logs.get_query_results(queryId=query_id)
        assert told["results"] == [[{"field": "n", "value": "3"}]]
        assert told["statistics"]["recordsScanned"] == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fields @timestamp",
        "stats avg(x)",
        "stats sum(*)",
        "stats sum()",
        "stats count() by bin(1h)",
        "stats count() by a by b",
        "stats count() | sort x desc",
        'filter a like "x" | stats count()',
        'filter a="x" or b="y" | stats count()',
        "stats count() by requestMetadata.cost-1",
        'stats count() | filter a="x"',
        "filter a=b | stats count()",
    ],
)
def test_any_other_text_is_malformed(start: Start, text: str) -> None:
    start()
    write(RECORDS)
    logs = boto("logs")
    with pytest.raises(logs.exceptions.MalformedQueryException):
        logs.start_query(logGroupName=GROUP, startTime=0, endTime=1, queryString=text)


def test_query_of_no_group_and_of_wrong_times_is_refused(start: Start) -> None:
    start()
    logs, text = boto("logs"), "stats count()"
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.start_query(logGroupName="none", startTime=0, endTime=1, queryString=text)
    write(RECORDS)
    asked = {"logGroupName": GROUP, "queryString": text}
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.start_query(startTime=2, endTime=1, **asked)
    with pytest.raises(logs.exceptions.MalformedQueryException):
        logs.start_query(startTime=THEN * 1000, endTime=THEN * 1000 + 1, **asked)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_query_results(queryId="unknown")


def test_query_that_is_stopped_is_cancelled_and_a_finished_one_is_not_stopped(
    start: Start,
) -> None:
    start()
    write(RECORDS)
    logs = boto("logs")
    asked = {"logGroupName": GROUP, "startTime": 0, "endTime": 1, "queryString": "stats count()"}
    query_id = logs.start_query(**asked)["queryId"]
    assert logs.stop_query(queryId=query_id)["success"] is True
    assert logs.get_query_results(queryId=query_id)["status"] == "Cancelled"
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.stop_query(queryId=query_id)


def test_filtered_events_begin_with_an_empty_page(start: Start) -> None:
    start()
    write(RECORDS)
    logs, asked = boto("logs"), {"logGroupName": GROUP, "filterPattern": '{ $.modelId = "a" }'}
    first = logs.filter_log_events(**asked)
    assert first["events"] == []
    second = logs.filter_log_events(**asked, nextToken=first["nextToken"], limit=2)
    assert len(second["events"]) == 2
    assert second["events"][0]["logStreamName"] == STREAM
    third = logs.filter_log_events(**asked, nextToken=second["nextToken"])
    assert len(third["events"]) == 2
    assert "nextToken" not in third


def test_filtered_events_keep_to_their_times_in_milliseconds(start: Start) -> None:
    start()
    write(RECORDS)
    times: dict[str, Any] = {"startTime": (THEN + 1) * 1000, "endTime": (THEN + DAY) * 1000}
    assert len(messages(filterPattern='{ $.modelId = "*" }', **times)) == 2
    assert len(messages(**times)) == 2


def test_wrong_tokens_patterns_and_groups_are_refused(start: Start) -> None:
    start()
    logs = boto("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="none", filterPattern="x")
    write(RECORDS)
    for more in ({"filterPattern": "{ $.a = }"}, {"filterPattern": "x", "nextToken": "y"}):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.filter_log_events(logGroupName=GROUP, **more)


def test_a_record_on_its_way_is_a_rule(start: Start) -> None:
    start({"empty": True, "times": 1})
    write(RECORDS)
    assert messages() == []
    assert len(messages()) == len(RECORDS)


EVENT = json.dumps(
    {"a": "one two", "n": 3, "yes": True, "none": None, "deep": {"x-y": [{"z": "hit"}]}}
)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.a = "one two" }',
        '{ $.a = "one*" }',
        "{ $.n = 3 }",
        "{ $.n >= 3 && $.n < 4 }",
        "{ $.n != 4 }",
        "{ $.deep.x-y.0.z = hit }",
        "{ $.none IS NULL }",
        "{ $.yes IS TRUE }",
        "{ $.yes = true }",
        "{ $.errorCode NOT EXISTS }",
        '{ ($.a = "no" || $.n > 2) && $.yes IS TRUE }',
        '"one two"',
        "one hit",
        "?nothing ?hit",
        "one -nothing",
        '{$.a="one two"}',
    ],
)
def test_patterns_that_match(pattern: str) -> None:
    assert compiled(pattern)(EVENT)
    assert not compiled(pattern)(NOT_JSON)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.a = "one" }',
        "{ $.n > 3 }",
        "{ $.a > 3 }",
        "{ $.none = 1 }",
        "{ $.errorCode = * }",
        "{ $.n NOT EXISTS }",
        "{ $.a IS NULL }",
        "{ $.yes IS FALSE }",
        '{ $.a = "one two" && $.n = 4 }',
        '{ $.a = "[o]ne two" }',
        "nothing",
        "one -hit",
        "?nothing ?never",
    ],
)
def test_patterns_that_do_not_match(pattern: str) -> None:
    assert not compiled(pattern)(EVENT)


@pytest.mark.parametrize(
    "pattern",
    ["{", "{}", "{ $.a }", "{ $.a = 1", "{ a = 1 }", "{ $.a > x }", "{ $.a IS x }", "{ $.a ~ 1 }",
     "{ ($.a = 1 }", "{ $.a = 1 $.b = 2 }", "{ $.a < \"x\" }"],
)  # fmt: skip
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(AwsError, match="InvalidParameterException"):
        compiled(pattern)


def test_a_query_reads_fields_whose_names_hold_dots() -> None:
    event = {"timestamp": 0, "message": json.dumps({"requestMetadata": {"a.b": "x"}})}
    rows, matched = parse("stats count() as n by requestMetadata.a.b").run([event])
    assert matched == 1
    assert rows == [[{"field": "requestMetadata.a.b", "value": "x"}, {"field": "n", "value": "1"}]]
