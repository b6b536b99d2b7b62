"""`logs tail`, `logs show` and `logs search` through the front door, against the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
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
    streamed,
    to_bucket,
    to_group,
)
from tests.sandbox import logging_world as world
from tests.sandbox.conftest import boto

Use = Callable[..., Sandbox]
OPUS = "anthropic.claude-opus-4-6-v1"
BIN = str(Path(sys.executable).with_name("bedrock-claude"))


@pytest.fixture
def group(use: Use) -> Callable[..., Sandbox]:
    """Starts a sandbox whose calls are logged to the log group."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        server = use(*rules)
        world.make_group()
        world.put(world.to_group())
        return server

    return start


@pytest.fixture
def bucket(use: Use) -> Callable[..., Sandbox]:
    """Starts a sandbox whose calls are logged to the bucket, below a prefix."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        server = use(*rules)
        world.make_bucket(BUCKET, world.bucket_policy(BUCKET, "logs/"))
        world.put({"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}})
        return server

    return start


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def ids(text: str) -> list[str]:
    return [row[-1] for row in rows(text)]


def test_a_call_is_read_back_with_all_that_it_took(run: Run, group: Use) -> None:
    group()
    answer = json.loads(run("ask", "-n", "--json", "Hello, world").out)
    ((when, *row),) = rows(run("logs", "tail").out)
    usage = answer["usage"]
    assert when.endswith("Z") and len(when) == 20
    assert row == [
        "arn:aws:iam::000000000000:user/sandbox",
        answer["model"],
        "global",
        str(usage["input_tokens"]),
        str(usage["output_tokens"]),
        "0",
        "0",
        f"{answer['cost_usd']:.6f}",
        "end_turn",
        answer["request_id"],
    ]


def test_a_call_is_shown_by_its_request_id(run: Run, group: Use) -> None:
    group()
    answer = json.loads(run("ask", "-n", "--json", "Hello, world").out)
    run("ask", "-n", "-q", "another")
    shown = run("logs", "show", answer["request_id"]).out
    assert "prompt:\n  Hello, world\n" in shown
    assert f"answer:\n  {answer['text']}\n" in shown
    assert "another" not in shown


def test_the_same_from_a_bucket(run: Run, bucket: Use) -> None:
    bucket()
    answer = json.loads(run("ask", "-n", "--json", "Hello, world").out)
    assert ids(run("logs", "tail").out) == [answer["request_id"]]
    shown = json.loads(run("logs", "show", "--json", answer["request_id"]).out)
    assert (shown["prompt"], shown["answer"]) == ("Hello, world", answer["text"])


def test_lines_that_are_no_records_are_skipped(run: Run, group: Use) -> None:
    group()
    to_group([CHECKED, "{", "[]", entry("a"), json.dumps([entry("b"), 1])])
    assert sorted(ids(run("logs", "tail").out)) == ["a", "b"]


def test_the_last_ones_in_the_order_of_their_time(run: Run, group: Use) -> None:
    group()
    to_group(entry(f"id-{each}", ago=each * 60) for each in range(1, 30))
    assert ids(run("logs", "tail", "-n", "3").out) == ["id-3", "id-2", "id-1"]
    assert len(ids(run("logs", "tail").out)) == 20
    assert ids(run("logs", "tail", "--since", "90s").out) == ["id-1"]
    assert run("logs", "tail", "-n", "0").out == ""


def test_unknown_counts_show_as_unknown(run: Run, group: Use) -> None:
    group()
    to_group([failed("a")])
    ((*_, tokens_in, tokens_out, read, written, cost, stop, _),) = rows(run("logs", "tail").out)
    assert {tokens_in, tokens_out, read, written, cost} == {"?"}
    assert stop == "ThrottlingException"
    (shown,) = json.loads(run("logs", "tail", "--json").out)
    assert shown["usage"]["input_tokens"] is None
    assert shown["cost_usd"] is None


def test_the_arn_of_a_profile_shows_as_its_id(run: Run, group: Use) -> None:
    group()
    arn = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{SONNET}"
    to_group([entry("a", modelId=arn)])
    assert rows(run("logs", "tail").out)[0][2:4] == [f"us.{SONNET}", "us"]


FOUND = [
    (("needle",), ["a", "c"]),
    (("NEEDLE",), ["a", "c"]),
    (("split up",), ["d"]),
    (("--model", "opus-4.6"), ["c"]),
    (("--model", "opus"), ["c"]),
    (("-m", "anthropic.claude-opus"), ["c"]),
    (("--identity", "BOB"), ["b", "e"]),
    (("--errors",), ["e"]),
    (("--meta", "team=x"), ["b"]),
    (("--meta", "team=x", "--meta", "env=test"), []),
    (("--since", "90s"), ["d", "e"]),
    (("needle", "--model", "sonnet-4.5"), ["a"]),
    ((), ["a", "b", "c", "d", "e"]),
]


@pytest.mark.parametrize("argv, found", FOUND, ids=lambda item: " ".join(item))
@pytest.mark.parametrize("where", ["group", "bucket"])
def test_a_search_finds_what_has_all_that_is_asked_for(
    run: Run, where: str, argv: tuple[str, ...], found: list[str], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)()
    bob: dict[str, Any] = {"identity": {"arn": ALICE.replace("alice", "bob")}}
    entries = [
        entry("a", ago=500, prompt="a Needle here"),
        entry("b", ago=400, requestMetadata={"team": "x"}, **bob),
        entry(
            "c", ago=300, answer=streamed("the nee", "dle"), modelId="anthropic.claude-opus-4-6-v1"
        ),
        entry("d", ago=60, answer=streamed("spl", "it ", "up")),
        failed("e", ago=30, **bob),
    ]
    if where == "group":
        to_group(entries)
    else:
        to_bucket(key_of(60, prefix="logs/"), *entries)
    assert ids(run("logs", "search", *argv).out) == found


@pytest.mark.parametrize(
    "argv",
    [
        ("search", "--meta", "team"),
        ("search", "--meta", "=x"),
        ("search", "--since", "soon"),
        ("search", "--since", "0s"),
        ("show", "a", "--since", "3653.1d"),
        ("tail", "--since", "99999d"),
        ("tail", "--since", "9" * 400),
        ("tail", "--since", "-1h"),
        ("tail", "--log-group", "a", "--bucket", "some-bucket"),
        ("tail", "--log-group", "a b"),
        ("tail", "-n", "-1"),
        ("show",),
    ],
    ids=lambda argv: " ".join(argv)[:40],
)
def test_what_cannot_be_meant_is_refused(run: Run, use: Use, argv: tuple[str, ...]) -> None:
    server = use()
    run("logs", *argv, code=2)
    assert server.requests == []


def test_a_request_without_a_record_is_said(run: Run, group: Use) -> None:
    group()
    shown = run("logs", "show", "id-404", code=6).err
    assert "no record of request `id-404`" in shown and "--since" in shown


def test_bodies_cannot_drive_a_terminal_nor_pass_for_other_lines(run: Run, group: Use) -> None:
    group()
    hostile = "\x1b]0;title\x07 \x9b31m \u202eabc\nanswer:\nforged"
    to_group([entry("a\x1b[2J", prompt=hostile, answer=streamed("\x1b[", "31mred"))])
    shown = run("logs", "tail", "--bodies", terminal=True).out
    assert not set("\x1b\x07\x9b\u202e") & set(shown)
    assert "\n  answer:\n  forged\n" in shown
    assert shown.count("\nanswer:") == 1


def large(request_id: str, **fields: Any) -> dict[str, Any]:
    """An entry whose bodies stand in the bucket."""
    found = entry(request_id, **fields)
    for side in ("input", "output"):
        body = found[side].pop(f"{side}BodyJson")
        key = key_of(60, f"data/{request_id}_{side}.json.gz", "logs/")
        to_bucket(key, body)
        found[side][f"{side}BodyS3Path"] = f"s3://{BUCKET}/{key}"
    return found


def fetched(server: Sandbox) -> int:
    return [request["operation"] for request in server.requests].count("GetObject")


def test_larger_bodies_are_fetched_only_where_they_are_shown(run: Run, bucket: Use) -> None:
    server = bucket()
    to_bucket(key_of(60, prefix="logs/"), large("a", prompt="a long question"))
    run("logs", "tail")
    assert fetched(server) == 1
    shown = run("logs", "show", "a").out
    assert "prompt:\n  a long question\n" in shown and "answer:\n  Hi there\n" in shown
    assert "stop\tend_turn" in shown
    assert fetched(server) == 4


def test_a_search_says_which_bodies_it_did_not_look_into(run: Run, bucket: Use) -> None:
    server = bucket()
    to_bucket(key_of(60, prefix="logs/"), large("a", prompt="a Needle"), entry("b"))
    without = run("logs", "search", "needle")
    assert without.out == "" and "larger bodies of 1 calls were not searched" in without.err
    assert fetched(server) == 1
    assert "a Needle" in run("logs", "search", "needle", "--bodies").out


def test_a_body_that_is_out_of_reach_hides_nothing_else(run: Run, bucket: Use) -> None:
    bucket()
    lost = entry("a")
    lost["input"] = {"inputBodyS3Path": f"s3://{BUCKET}/gone.json.gz", "inputTokenCount": 5}
    to_bucket(key_of(60, prefix="logs/"), lost, entry("b"))
    found = run("logs", "tail", "--bodies", code=9)
    assert f"s3://{BUCKET}/gone.json.gz: NoSuchKey" in found.err
    assert f"(at s3://{BUCKET}/gone.json.gz)" in found.out and "Hi there" in found.out


def test_a_record_of_a_megabyte_is_read(run: Run, bucket: Use) -> None:
    bucket()
    to_bucket(key_of(60, prefix="logs/"), entry("big", prompt="x" * 10**6), entry("small"))
    assert ids(run("logs", "search", "x" * 99).out) == ["big"]


@pytest.mark.parametrize("argv", [("tail",), ("search",), ("show", "a")], ids=" ".join)
def test_with_logging_off_it_is_said_how_to_switch_it_on(
    run: Run, use: Use, argv: tuple[str, ...]
) -> None:
    use()
    shown = run("logs", *argv, code=6).err
    assert "logging is off in us-east-1" in shown
    assert "`bedrock-claude enable-logging --region us-east-1`" in shown


def test_a_log_group_that_is_gone_is_explained(run: Run, group: Use) -> None:
    group()
    boto("logs").delete_log_group(logGroupName=GROUP)
    shown = run("logs", "tail", code=6).err
    assert "log group does not exist" in shown and "`bedrock-claude logs status" in shown


@pytest.mark.parametrize(
    "where, action",
    [
        ("group", "bedrock:GetModelInvocationLoggingConfiguration"),
        ("group", "logs:FilterLogEvents"),
        ("bucket", "s3:ListBucket"),
        ("bucket", "s3:GetObject"),
    ],
)
def test_a_denied_permission_is_named(
    run: Run, where: str, action: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)({"deny": action})
    if where == "bucket":
        to_bucket(key_of(60, prefix="logs/"), entry("a"))
    shown = run("logs", "tail", code=5).err
    assert f"not authorized to perform: {action}" in shown
    assert "grant" in shown or "takes s3:" in shown


@pytest.mark.parametrize(
    "where, operation", [("group", "FilterLogEvents"), ("bucket", "ListObjectsV2")]
)
def test_lasting_throttling_is_unavailable(
    run: Run, where: str, operation: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)(
        {"when": {"operation": operation}, "error": {"type": "ThrottlingException"}}
    )
    run("logs", "tail", code=7, env={"AWS_MAX_ATTEMPTS": "1"})


def _following(*argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN, "logs", "tail", "--follow", *argv],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_following_shows_new_calls_and_ends_quietly_on_ctrl_c(group: Use) -> None:
    group()
    to_group([entry("before")])
    process = _following()
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().endswith("\tbefore\n")
    to_group([entry("after", ago=0)])
    assert process.stdout.readline().endswith("\tafter\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert process.stdout.read() == process.stderr.read() == ""


def test_following_ends_quietly_when_the_reader_leaves(group: Use) -> None:
    group()
    to_group([entry("before")])
    process = _following("--json")
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "{\n", "each record is an object of its own"
    process.stdout.close()
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        to_group([entry(f"more-{time.monotonic()}", ago=0)])
        time.sleep(0.05)
    assert process.wait(1) == 141
    assert process.stderr.read() == ""


def test_follow_ends_when_its_reader_has_left_and_no_call_comes() -> None:
    tool = f"{sys.executable} -m bedrock_claude_cli"
    script = (
        f"{tool} enable-logging --region us-east-1 --yes -q >&2 && {tool} ask -nq hi >&2 && "
        f"{tool} logs tail --follow -q | head -n 1"
    )
    done = subprocess.run(
        [*tool.split(), "-q", "sandbox", "run", "--", "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
