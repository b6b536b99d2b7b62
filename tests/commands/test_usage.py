"""`usage` through the front door, against the sandbox: Insights, S3, table, TSV, JSON and HTML."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run
from tests.log_entries import (
    ALICE,
    BUCKET,
    CHECKED,
    GROUP,
    SONNET,
    entry,
    failed,
    key_of,
    to_bucket,
    to_group,
)
from tests.sandbox import logging_world as world
from tests.sandbox.conftest import boto

Use = Callable[..., Sandbox]
DAY = 86400
OPUS = "anthropic.claude-opus-4-6-v1"
BOB = ALICE.replace("alice", "bob")
WIDE = {"COLUMNS": "160", "NO_COLOR": "1"}
# Noon of yesterday (UTC): no test depends on the hour in which it runs.
NOW = time.time() // DAY * DAY - DAY / 2


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for `usage` and for what tests put into the logs."""
    for module in ("bedrock_claude_cli.commands.usage", "tests.log_entries"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: NOW))


@pytest.fixture
def group(use: Use) -> Use:
    """Starts a sandbox whose calls are logged to the log group."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        server = use(*rules)
        world.make_group()
        world.put(world.to_group())
        return server

    return start


@pytest.fixture
def bucket(use: Use) -> Use:
    """Starts a sandbox whose calls are logged to the bucket."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        server = use(*rules)
        world.make_bucket(BUCKET)
        world.put({"s3Config": {"bucketName": BUCKET}})
        return server

    return start


def some() -> list[Any]:
    """Records of two days, two people and two models, with errors and other lines."""
    arn = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{OPUS}"
    bob = {"arn": BOB}
    return [
        CHECKED,
        entry("a", read=500, written=50, requestMetadata={"team": "x"}),
        entry("b", tokens_in=3000),
        entry("c", ago=DAY + 2, modelId=arn, identity=bob, requestMetadata={"team": "y"}),
        failed("d"),
        failed("e", "ModelTimeoutException", identity=bob),
    ]


def filled(where: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(where)()
    if where == "group":
        to_group(some())
        return
    for ago in (0, DAY):
        of_day = [each for each in some() if isinstance(each, str) or _is_of(each, ago)]
        to_bucket(key_of(max(ago, 60)), *of_day)


def _is_of(each: dict[str, Any], ago: float) -> bool:
    return bool((each["requestId"] == "c") == (ago == DAY))


SONNET_COST = (4000 * 3 + 500 * 0.3 + 50 * 3.75 + 200 * 15) / 1e6
OPUS_COST = (1000 * 5.5 + 100 * 27.5) / 1e6


@pytest.mark.parametrize("where", ["group", "bucket"])
def test_who_spent_what_is_the_same_from_either_place(
    run: Run, where: str, request: pytest.FixtureRequest
) -> None:
    filled(where, request)
    rows = [line.split("\t") for line in run("usage").out.splitlines()]
    assert rows == [
        [SONNET, "4", "4000", "500", "50", "200", "2", "1", f"{SONNET_COST:.6f}"],
        [OPUS, "1", "1000", "?", "?", "100", "0", "0", f"{OPUS_COST:.6f}"],
    ]


@pytest.mark.parametrize("where", ["group", "bucket"])
def test_groups_by_identity_and_metadata(
    run: Run, where: str, request: pytest.FixtureRequest
) -> None:
    filled(where, request)
    out = run("usage", "--by", "identity", "--by", "meta:team").out
    rows = [line.split("\t")[:3] for line in out.splitlines()]
    assert sorted(rows) == sorted(
        [[ALICE, "-", "2"], [ALICE, "x", "1"], [BOB, "y", "1"], [BOB, "-", "1"]]
    )


@pytest.mark.parametrize("where", ["group", "bucket"])
def test_the_whole_report_as_json(run: Run, where: str, request: pytest.FixtureRequest) -> None:
    filled(where, request)
    found = json.loads(run("usage", "--days", "3", "--by", "day", "--json").out)
    today = datetime.fromtimestamp(NOW, timezone.utc)
    assert found["last_day"] == today.strftime("%Y-%m-%d")
    assert len(found["days"]) == 3
    assert found["missing_days"] == [found["first_day"]]
    assert found["total"]["calls"] == 5
    assert found["total"]["cost_usd"] == pytest.approx(SONNET_COST + OPUS_COST)
    assert (found["total"]["errors"], found["total"]["throttles"]) == (2, 1)
    assert (found["total"]["uncounted"], found["total"]["unpriced"]) == (0, 0)
    assert [row["group"]["day"] for row in found["rows"]] == [
        day["group"]["day"] for day in found["days"][1:]
    ]
    assert found["source"] == (f"log group {GROUP}" if where == "group" else f"s3://{BUCKET}")


def test_calls_of_a_real_session_are_summed(
    run: Run, group: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    group()
    monkeypatch.setattr("bedrock_claude_cli.commands.usage.time", time)
    answers = [json.loads(run("ask", "-n", "--json", text).out) for text in ("one", "and two")]
    total = json.loads(run("usage", "--json").out)["total"]
    assert total["calls"] == 2
    assert total["output_tokens"] == sum(each["usage"]["output_tokens"] for each in answers)
    assert total["cost_usd"] == pytest.approx(sum(each["cost_usd"] for each in answers))


def test_a_month_in_a_bucket_with_a_gap(run: Run, bucket: Use) -> None:
    bucket()
    days = [*range(10), *range(12, 29)]
    for each in days:
        to_bucket(key_of(each * DAY + 2), entry(f"id-{each}", ago=each * DAY + 2))
    to_bucket(key_of(31 * DAY), entry("old", ago=31 * DAY))
    found = run("usage")
    assert found.out.split("\t")[1] == str(len(days))
    gap = [
        datetime.fromtimestamp(NOW - each * DAY, timezone.utc).strftime("%Y-%m-%d")
        for each in (11, 10)
    ]
    assert "no records on 3 of 30 days" in found.err
    assert f"{gap[0]} to {gap[1]}" in found.err


def test_counts_that_are_missing_and_models_without_a_price_are_told(run: Run, bucket: Use) -> None:
    bucket()
    application = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc"
    odd = [entry("a", tokens_in=None, tokens_out=None), entry("b", modelId=application)]
    to_bucket(key_of(60), *odd, entry("c"))
    found = run("usage")
    assert "1 calls were logged without token counts" in found.err
    assert "1 calls have no known price" in found.err
    rows = {row[0]: row for row in (line.split("\t") for line in found.out.splitlines())}
    assert rows[application][-1] == "?"
    shown = run("usage", terminal=True, env=WIDE).out
    assert ">$0.0045" in shown


def test_a_table_with_bars_and_a_line_of_days(run: Run, group: Use) -> None:
    group()
    to_group(some())
    shown = run("usage", "--days", "2", terminal=True, env=WIDE).out.splitlines()
    assert shown[0].startswith("Claude on Amazon Bedrock, us-east-1")
    head = next(line for line in shown if line.startswith("MODEL"))
    assert head.split()[:3] == ["MODEL", "COST", "CALLS"]
    sonnet, opus, total = shown[5:8]
    assert sonnet.startswith("sonnet-4.5") and "█" * 12 in sonnet
    assert opus.startswith("opus-4.6") and 0 < opus.count("█") < 12
    assert total.split()[:3] == ["total", f"${SONNET_COST + OPUS_COST:.6f}".rstrip("0"), "5"]
    assert sonnet.index("4,000") + 5 == head.index("INPUT") + 5, "figures end where titles end"
    assert shown[-2].startswith("day by day  ▅█") or shown[-2].startswith("day by day  ▄█")


def test_what_the_log_says_cannot_drive_a_terminal(run: Run, bucket: Use) -> None:
    bucket()
    to_bucket(key_of(60), entry("a", identity={"arn": "\x1b]0;x\x07[red]me"}))
    shown = run("usage", "--by", "identity", terminal=True, env=WIDE).out
    assert "\x1b" not in shown and "\x07" not in shown
    assert "[red]me" in shown


class Page(HTMLParser):
    """The text of a page, and everything that it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_as_a_page_of_its_own(run: Run, bucket: Use, tmp_path: Path) -> None:
    bucket()
    to_bucket(key_of(60), entry("a", identity={"arn": "<script>alert(1)</script>"}), *some()[1:3])
    file = tmp_path / "usage.html"
    piped = run("usage", "--by", "identity", "--by", "model", "--html", str(file)).out
    assert piped.count("\n") == 2, "the rows come as without --html"
    page = Page()
    page.feed(file.read_text("utf-8"))
    assert page.links == [] and "script" not in page.tags
    assert "@import" not in page.text and "http" not in page.text
    for expected in ("<script>alert(1)</script>", "sonnet-4.5", "THROTTLES", "day by day", "█"):
        assert expected in page.text
    assert "no records on 29 of 30 days" in page.text


@pytest.mark.parametrize("terminal", [True, False])
def test_the_page_goes_to_stdout_alone_if_its_name_is_a_dash(
    run: Run, group: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    group()
    to_group(some())
    monkeypatch.chdir(tmp_path)
    found = run("usage", "--html", "-", terminal=terminal).out
    assert found.startswith("<!DOCTYPE html>") and found.rstrip().endswith("</html>")
    assert not list(tmp_path.glob("-*"))


def test_a_page_that_cannot_be_written_is_refused(run: Run, group: Use, tmp_path: Path) -> None:
    group()
    assert "is no folder" in run("usage", "--html", str(tmp_path / "no" / "a"), code=2).err
    assert "Is a directory" in run("usage", "--html", str(tmp_path), code=2).err


@pytest.mark.parametrize(
    "argv",
    [
        ("--by", "user"),
        ("--by", "meta:"),
        ("--days", "0"),
        ("--days", "-1"),
        ("--days", "3654"),
        ("--days", "9" * 30),
        ("--days", "x"),
        ("--html", "-", "--json"),
        ("--html", "-", "--query", "total"),
        ("--log-group", "no such name!"),
        ("--log-group", ""),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused(run: Run, use: Use, argv: tuple[str, ...]) -> None:
    server = use()
    run("usage", *argv, code=2)
    assert server.requests == []


def test_no_calls_are_no_failure(run: Run, group: Use, tmp_path: Path) -> None:
    group()
    found = run("usage", "--html", str(tmp_path / "empty.html"))
    assert found.out == "" and f"no record in log group {GROUP} of us-east-1 from" in found.err
    assert "total" in (tmp_path / "empty.html").read_text("utf-8")
    assert run("usage", terminal=True).out == ""
    assert json.loads(run("usage", "--json").out)["total"]["cost_usd"] is None


def test_with_logging_off_it_is_said_how_to_switch_it_on(run: Run, use: Use) -> None:
    use()
    shown = run("usage", code=6).err
    assert "logging is off in us-east-1" in shown
    assert "`bedrock-claude enable-logging --region us-east-1`" in shown
    assert json.loads(run("usage", "--json", code=6).err)["error"]["code"] == "LoggingOff"


def test_the_region_is_the_one_that_is_named(run: Run, use: Use) -> None:
    use()
    assert "eu-west-1" in run("usage", "--region", "eu-west-1", code=6).err


@pytest.mark.parametrize(
    "where, action",
    [
        ("group", "bedrock:GetModelInvocationLoggingConfiguration"),
        ("group", "logs:StartQuery"),
        ("group", "logs:GetQueryResults"),
        ("bucket", "s3:ListBucket"),
        ("bucket", "s3:GetObject"),
    ],
)
def test_a_denied_permission_is_named(
    run: Run, where: str, action: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)({"deny": action})
    if where == "bucket":
        to_bucket(key_of(60), entry())
    shown = run("usage", code=5).err
    assert f"not authorized to perform: {action}" in shown
    assert "grant" in shown or "takes s3:" in shown


@pytest.mark.parametrize(
    "where, operation",
    [("group", "StartQuery"), ("group", "GetQueryResults"), ("bucket", "GetObject")],
)
def test_lasting_throttling_is_unavailable(
    run: Run, where: str, operation: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)(
        {"when": {"operation": operation}, "error": {"type": "ThrottlingException"}}
    )
    if where == "bucket":
        to_bucket(key_of(60), entry())
    run("usage", code=7, env={"AWS_MAX_ATTEMPTS": "1"})


@pytest.mark.parametrize("where", ["group", "bucket"])
def test_a_destination_that_is_gone_is_explained(
    run: Run, where: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)()
    if where == "group":
        boto("logs").delete_log_group(logGroupName=GROUP)
    else:
        for item in boto("s3").list_objects_v2(Bucket=BUCKET)["Contents"]:
            boto("s3").delete_object(Bucket=BUCKET, Key=item["Key"])
        boto("s3").delete_bucket(Bucket=BUCKET)
    shown = run("usage", code=6).err
    assert "does not exist" in shown and "`bedrock-claude logs status" in shown
