"""`logs` and `usage` read the place that is named, and say which one they read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run
from tests.log_entries import BUCKET, GROUP, entry, key_of, to_bucket, to_group
from tests.sandbox import logging_world as world
from tests.sandbox.conftest import boto

Use = Callable[..., Sandbox]
DAY = 86400
COMMANDS = [("logs", "tail"), ("logs", "search"), ("logs", "show", "a"), ("usage",)]


@pytest.fixture
def both(use: Use) -> Callable[..., Sandbox]:
    """Starts a sandbox whose calls are logged to a log group and a bucket."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        server = use(*rules)
        world.make_group()
        world.make_bucket(BUCKET)
        world.put({**world.to_group(), "s3Config": {"bucketName": BUCKET}})
        return server

    return start


def bucket_holds(*entries: tuple[str, float]) -> None:
    for request_id, ago in entries:
        to_bucket(key_of(ago, f"{request_id}.json.gz"), entry(request_id, ago=ago))


def calls(run: Run, *argv: str) -> int:
    total: dict[str, int] = json.loads(run("usage", "--json", *argv).out)["total"]
    return total["calls"]


def test_calls_from_before_the_log_group_are_counted_once_from_the_bucket(
    run: Run, both: Use
) -> None:
    both()
    bucket_holds(("only-s3", 3 * DAY), ("too", 3 * DAY + 9), ("in-both", DAY))
    to_group([entry("in-both", ago=DAY), entry("just-now")])
    found = json.loads(run("usage", "--json").out)
    assert found["total"]["calls"] == 4
    assert found["source"] == f"log group {GROUP} and s3://{BUCKET}"
    assert calls(run, "--log-group", GROUP) == 2
    assert calls(run, "--bucket", BUCKET) == 3


def test_on_the_day_of_the_change_the_fuller_source_counts(run: Run, both: Use) -> None:
    both()
    bucket_holds(("morning", 9), ("noon", 8), ("evening", 7))
    to_group([entry("evening", ago=7)])
    assert calls(run, "--days", "2") == 3


def test_a_bucket_out_of_reach_is_said_and_the_log_group_counted(run: Run, both: Use) -> None:
    both({"deny": "s3:ListBucket"})
    to_group([entry("a")])
    found = run("usage", "-q", code=9)
    assert found.out.split("\t")[1] == "1"
    assert f"s3://{BUCKET} was not read" in found.err and "s3:ListBucket" in found.err
    assert f"`--log-group {GROUP}` reads log group {GROUP} alone" in found.err
    assert calls(run, "--log-group", GROUP) == 1


def test_two_named_places_are_counted_as_two_configured_ones(run: Run, use: Use) -> None:
    use()
    world.make_bucket(BUCKET)
    bucket_holds(("a", 3 * DAY), ("b", 5))
    to_group([entry("b", ago=5)])
    assert calls(run, "--bucket", BUCKET, "--log-group", GROUP) == 2


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_what_was_logged_before_is_read_while_logging_is_off(
    run: Run, use: Use, argv: tuple[str, ...]
) -> None:
    use()
    world.make_bucket(BUCKET)
    to_bucket(key_of(60, prefix="old/logs/"), entry("a", ago=60))
    to_group([entry("a")])
    shown = run(*argv, code=6).err
    assert "logging is off in us-east-1" in shown and "recorded" not in shown
    assert "`--log-group NAME` or `--bucket NAME[/PREFIX]` reads what was logged before" in shown
    assert "`bedrock-claude enable-logging --region us-east-1` switches it on" in shown
    for place in (
        ("--log-group", GROUP),
        ("--bucket", f"{BUCKET}/old/logs"),
        ("--bucket", f"s3://{BUCKET}/old/logs/"),
        ("--bucket", "prompt-log-{account}/old/logs"),
    ):
        assert run(*argv, *place).out, place


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("place", [("--log-group", "gone"), ("--bucket", "gone-for-good")])
def test_a_named_place_that_is_not_there_is_said(
    run: Run, use: Use, argv: tuple[str, ...], place: tuple[str, str]
) -> None:
    use()
    assert "does not exist" in run(*argv, *place, code=6).err


def test_after_a_redirect_no_one_claims_that_nothing_was_logged(run: Run, use: Use) -> None:
    use()
    world.make_group()
    to_group([entry("a")])
    boto("logs").create_log_group(logGroupName="new")
    policy = world.stream_policy().replace(GROUP, "new")
    boto("iam").put_role_policy(RoleName=world.ROLE, PolicyName="new", PolicyDocument=policy)
    world.put(world.to_group(logGroupName="new"))
    for argv in (("logs", "tail"), ("logs", "search"), ("usage",)):
        shown = run(*argv)
        assert shown.out == ""
        assert "in log group new of us-east-1" in shown.err
        assert "`--log-group` or `--bucket`" in shown.err
        assert run(*argv, "--log-group", GROUP).out
    assert run("logs", "tail", "--json").out.strip() == "[]"


def test_a_record_that_is_not_found_names_the_place_and_the_time(run: Run, both: Use) -> None:
    both()
    shown = run("logs", "show", "id-404", "--since", "2h", code=6).err
    assert f"in log group {GROUP} of us-east-1 since 20" in shown
    assert "`--log-group` or `--bucket` elsewhere" in shown


def test_the_last_none_are_none_and_nothing_is_said_of_them(run: Run, both: Use) -> None:
    both()
    to_group([entry("a")])
    for terminal in (True, False):
        shown = run("logs", "tail", "-n", "0", terminal=terminal)
        assert (shown.out, shown.err) == ("", "")
    assert run("logs", "tail", "-n", "0", "--json").out.strip() == "[]"


@pytest.mark.parametrize("place", [("--log-group", GROUP), ("--bucket", BUCKET)], ids=" ".join)
def test_records_of_one_second_keep_their_order_and_those_without_a_time_show(
    run: Run, both: Use, place: tuple[str, str]
) -> None:
    both()
    made = [entry(f"id-{each}", ago=60) for each in range(6)]
    lost = entry("no-time")
    to_group(made)
    del lost["timestamp"]
    odd = entry("odd-time", ago=60) | {"timestamp": "yesterday"}
    to_bucket(key_of(60), *made, odd, lost)
    stream = boto("logs").describe_log_streams(logGroupName=GROUP)["logStreams"][0]
    boto("logs").put_log_events(
        logGroupName=GROUP,
        logStreamName=stream["logStreamName"],
        logEvents=[
            {"timestamp": int(stream["lastEventTimestamp"]) + 1, "message": json.dumps(each)}
            for each in (odd, lost)
        ],
    )
    found = [line.split("\t") for line in run("logs", "tail", *place).out.splitlines()]
    shown = [row[-1] for row in found]
    assert [each for each in shown if each.startswith("id-")] == [f"id-{n}" for n in range(6)]
    assert shown[-2:] == ["odd-time", "no-time"]
    assert [row[0] for row in found[-2:]] == ["yesterday", "-"]
    assert [row[-1] for row in found[-3:]] == [
        line.split("\t")[-1] for line in run("logs", "tail", "-n", "3", *place).out.splitlines()
    ]
    assert json.loads(run("logs", "tail", "-n", "1", "--json", *place).out)[0]["timestamp"] is None
