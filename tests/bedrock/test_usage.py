"""Who spent what: sums, prices, days, and the two ways the sums are made."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import catalog, logs, usage, usage_insights, usage_s3
from bedrock_claude_cli.bedrock.usage import Cell, Key, Report
from bedrock_claude_cli.errors import UnavailableError, UsageError
from tests.log_entries import ALICE, CHECKED, SONNET, entry, failed

KNOWN = catalog.load()
DAY = 86400
NOW = 20_000 * DAY + 3600.0  # 2024-10-04T01:00Z
HAIKU = "global.anthropic.claude-haiku-5-5"  # dearer above 100,000 prompt tokens


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that entries are made at."""
    monkeypatch.setattr("tests.log_entries.time", SimpleNamespace(time=lambda: NOW))


def cell(model: str = f"global.{SONNET}", day: str = "2024-10-04", **fields: Any) -> Cell:
    names = {"calls": 1, "uncounted": 0, "input_tokens": 1000, "cache_read": None}
    names |= {"cache_write": None, "output_tokens": 100}
    sums = {name: fields.pop(name, default) for name, default in names.items()}
    key = {"model_id": model, "region": "us-east-1", "day": day, "error_code": None, **fields}
    return Cell(Key(**key), **sums)


def report(*cells: Cell, by: tuple[str, ...] = ("model",), days: int = 3, **more: Any) -> Report:
    since = usage.first_midnight(NOW, days)
    return usage.report(
        cells, by=by, since=since, until=NOW, region="us-east-1", source="x", catalog=KNOWN, **more
    )


def test_one_model_is_one_row_and_each_endpoint_keeps_its_price() -> None:
    arn = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/eu.{SONNET}"
    (row,) = report(cell(), cell(arn)).rows
    assert row.group == {"model": SONNET}
    assert (row.calls, row.input_tokens, row.output_tokens) == (2, 2000, 200)
    assert row.cost_usd == pytest.approx((1000 * 3 + 100 * 15) / 1e6 * 2.1)


def test_missing_counts_stay_unknown() -> None:
    (row,) = report(cell(input_tokens=None, output_tokens=None, uncounted=1)).rows
    assert (row.input_tokens, row.cache_read_input_tokens, row.output_tokens) == (None, None, None)
    assert (row.cost_usd, row.uncounted, row.unpriced) == (None, 1, 0)


def test_a_known_count_and_an_unknown_one_add_up_to_the_known_one() -> None:
    told = report(cell(cache_read=None), cell(cache_read=5), cell(input_tokens=None)).total
    assert (told.cache_read_input_tokens, told.input_tokens) == (5, 2000)


def test_a_model_without_a_price_is_counted_as_such() -> None:
    found = report(cell(), cell("arn:aws:bedrock:us-east-1:0:application-inference-profile/a"))
    assert found.total.unpriced == 1
    assert found.total.cost_usd == pytest.approx(0.0045)
    assert [row.cost_usd is None for row in found.rows] == [False, True]


def test_throttles_are_errors_and_neither_is_taken_for_unpriced() -> None:
    lost: dict[str, Any] = {"input_tokens": None, "output_tokens": None}
    found = report(
        cell(calls=2, error_code="ThrottlingException", **lost),
        cell(calls=3, error_code="ModelTimeoutException", **lost),
        cell(),
    ).total
    assert (found.calls, found.errors, found.throttles) == (6, 5, 2)
    assert (found.uncounted, found.unpriced) == (0, 0)


def test_long_prompts_have_a_price_of_their_own() -> None:
    short, long = cell(HAIKU, input_tokens=90_000), cell(HAIKU, input_tokens=200_000, long=True)
    found = report(short, long).total.cost_usd
    assert found == pytest.approx((90_000 * 0.1 + 100 * 0.5 + 200_000 * 0.5 + 100 * 2.5) / 1e6)


def test_a_sum_of_short_prompts_is_no_long_prompt() -> None:
    found = report(cell(HAIKU, calls=10, input_tokens=900_000, output_tokens=0)).total.cost_usd
    assert found == pytest.approx(0.09)


def test_sums_that_cannot_tell_long_prompts_apart_say_so() -> None:
    assert report(cell(HAIKU), tiered=False).untiered
    assert not report(cell(), tiered=False).untiered
    assert not report(cell(HAIKU)).untiered


def test_own_prices_count_and_are_named() -> None:
    found = report(cell(), prices={SONNET: {"input": 1.0, "output": 0.0}})
    assert found.total.cost_usd == pytest.approx(0.001)
    assert found.prices.startswith("your prices")


def test_days_without_records_are_missing() -> None:
    found = report(cell(day="2024-10-03"), days=5)
    assert [day.group["day"] for day in found.days] == [f"2024-{day}" for day in (
        "09-30", "10-01", "10-02", "10-03", "10-04")]  # fmt: skip
    assert found.missing_days == ("2024-09-30", "2024-10-01", "2024-10-02", "2024-10-04")
    assert usage.ranges(found.missing_days) == ["2024-09-30 to 2024-10-02", "2024-10-04"]


def test_groups_are_as_asked_for_in_that_order() -> None:
    found = report(
        cell(identity=ALICE, meta=("x", None)), by=("meta:team", "identity", "meta:env", "region")
    )
    assert found.rows[0].group == {
        "meta:team": "x",
        "identity": ALICE,
        "meta:env": None,
        "region": "us-east-1",
    }
    assert list(found.rows[0].group) == ["meta:team", "identity", "meta:env", "region"]


def test_the_dearest_comes_first_and_days_in_their_order() -> None:
    cheap, dear = cell(HAIKU), cell(day="2024-10-02", input_tokens=10**6)
    assert report(cheap, dear).rows[0].group == {"model": SONNET}
    days = report(cheap, dear, by=("day",)).rows
    assert [row.group["day"] for row in days] == ["2024-10-02", "2024-10-04"]


@pytest.mark.parametrize("by", ["user", "meta:", "meta", "meta:a`b", ""])
def test_what_there_is_not_to_group_by_is_refused(by: str) -> None:
    with pytest.raises(UsageError, match="cannot group by"):
        usage.dimensions([by])


def test_the_model_is_what_is_grouped_by_if_nothing_is_said() -> None:
    assert usage.dimensions([]) == ("model",)
    assert usage.dimensions(["day", "meta:a", "day"]) == ("day", "meta:a")


def summed(*entries: Any, by: tuple[str, ...] = ("model",)) -> list[Cell]:
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in entries)
    return usage_s3.summed([text.encode()], NOW - 7 * DAY, NOW, by, KNOWN)


def test_objects_are_summed_by_what_prices_and_days_need() -> None:
    cells = summed(entry("a", read=5), entry("b"), CHECKED, "{", [entry("c", tokens_in=0)])
    (found,) = cells
    assert (found.calls, found.uncounted, found.input_tokens) == (3, 0, 2000)
    assert (found.cache_read, found.cache_write, found.output_tokens) == (5, None, 300)
    assert found.key.model_id == f"global.{SONNET}"
    assert found.key.identity is None, "who it was is kept only if it is asked for"


def test_a_zero_is_known_and_a_missing_count_is_not() -> None:
    zero = entry("a", tokens_in=0, tokens_out=0)
    lost = entry("b", modelId="anthropic.x", tokens_in=None)
    by_model = {each.key.model_id: each for each in summed(zero, zero, lost, lost)}
    assert by_model[f"global.{SONNET}"].input_tokens == 0
    assert by_model["anthropic.x"].input_tokens is None
    assert by_model["anthropic.x"].uncounted == 2


def test_errors_metadata_identity_and_long_prompts_are_kept_apart() -> None:
    tagged = entry("a", requestMetadata={"team": "x"})
    cells = summed(
        tagged,
        entry("b", requestMetadata="none"),
        failed("c"),
        entry("d", modelId=HAIKU, tokens_in=10, read=100_001),
        by=("identity", "meta:team"),
    )
    keys = [(each.key.meta, each.key.error_code, each.key.long) for each in cells]
    assert keys == [
        (("x",), None, False),
        ((None,), None, False),
        ((None,), "ThrottlingException", False),
        ((None,), None, True),
    ]
    assert {each.key.identity for each in cells} == {ALICE}


def test_records_outside_the_time_are_left_out() -> None:
    assert summed(entry("a", ago=8 * DAY), entry("b", ago=-DAY)) == []


def test_a_timestamp_in_another_spelling_counts_on_its_day_in_utc() -> None:
    (found,) = usage_s3.summed(
        [json.dumps(entry(timestamp="2024-10-04T01:30:00.5+02:00")).encode()],
        NOW - 7 * DAY,
        NOW,
        ("model",),
        KNOWN,
    )
    assert found.key.day == "2024-10-03"


class Insights:
    """A client of CloudWatch Logs whose queries end as told, row by row."""

    def __init__(self, *rows: dict[str, str], statuses: tuple[str, ...] = ("Complete",)) -> None:
        self.rows = rows
        self.statuses = iter(statuses)
        self.asked: list[dict[str, Any]] = []
        self.stopped: list[str] = []

    def start_query(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        return {"queryId": f"q{len(self.asked)}"}

    def get_query_results(self, queryId: str) -> dict[str, Any]:
        status = next(self.statuses, "Complete")
        rows = [[{"field": key, "value": row[key]} for key in row] for row in self.rows]
        return {"status": status, "results": rows if status == "Complete" else []}

    def stop_query(self, queryId: str) -> None:
        self.stopped.append(queryId)


ROW = {
    "modelId": f"global.{SONNET}",
    "region": "us-east-1",
    "bin(1d)": "2024-10-04 00:00:00.000",
    "calls": "2",
    "inputTokens": "2000",
    "outputTokens": "200",
}


def asked(client: Insights, by: tuple[str, ...] = ("model",), days: int = 3) -> list[Cell]:
    source = logs.cloudwatch(client, "group")
    since = usage.first_midnight(NOW, days)
    return list(usage_insights.cells(source, since, NOW, by, sleep=lambda _: None))


def test_the_query_asks_for_sums_alone_and_in_seconds() -> None:
    client = Insights(ROW)
    (found,) = asked(client, by=("identity", "meta:team", "meta:cost-center"))
    sent = client.asked[0]
    assert sent["queryString"] == (
        'filter schemaType="ModelInvocationLog" | stats count(*) as calls, '
        "sum(input.inputTokenCount) as inputTokens, "
        "sum(input.cacheReadInputTokenCount) as cacheReadTokens, "
        "sum(input.cacheWriteInputTokenCount) as cacheWriteTokens, "
        "sum(output.outputTokenCount) as outputTokens "
        "by modelId, region, bin(1d), errorCode, identity.arn, requestMetadata.team, "
        "`requestMetadata.cost-center`"
    )
    assert (sent["startTime"], sent["endTime"]) == (19_998 * DAY, int(NOW))
    assert (found.calls, found.input_tokens, found.cache_read) == (2, 2000, None)
    assert found.key.day == "2024-10-04"


def test_a_query_is_looked_at_until_it_is_complete() -> None:
    client = Insights(ROW, statuses=("Scheduled", "Running", "Running", "Unknown", "Complete"))
    assert len(asked(client)) == 1
    assert client.stopped == []


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_ends_otherwise_is_an_error(status: str) -> None:
    with pytest.raises(UnavailableError, match=f"ended as {status}"):
        asked(Insights(ROW, statuses=("Running", status)))


def test_a_query_that_nobody_waits_for_any_more_is_stopped() -> None:
    client = Insights(ROW, statuses=("Running",) * 9)
    source = logs.cloudwatch(client, "group")

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(usage_insights.cells(source, 0, NOW, ("model",), sleep=interrupt))
    assert client.stopped == ["q1"]


def test_calls_without_sums_are_uncounted_unless_they_failed() -> None:
    bare = {key: value for key, value in ROW.items() if not key.endswith("Tokens")}
    one, other = asked(Insights(bare, bare | {"errorCode": "ThrottlingException"}))
    assert (one.uncounted, one.input_tokens, one.output_tokens) == (2, None, None)
    assert (other.uncounted, other.key.error_code) == (0, "ThrottlingException")


def test_a_report_of_too_many_rows_is_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_insights, "MOST", 2)

    class Many(Insights):
        def get_query_results(self, queryId: str) -> dict[str, Any]:
            self.rows = (ROW, ROW) if queryId == "q1" else (ROW,)
            return super().get_query_results(queryId)

    client = Many()
    assert len(asked(client, days=4)) == 2
    spans = [(each["startTime"], each["endTime"]) for each in client.asked]
    assert spans[1:] == [(19_997 * DAY, 19_998 * DAY - 1), (19_998 * DAY, int(NOW))]


def test_a_single_day_of_too_many_rows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_insights, "MOST", 2)
    with pytest.raises(UnavailableError, match="more than 2 groups"):
        asked(Insights(ROW, ROW), days=1)
