"""What a terminal of 40 to 200 columns shows of `logs tail` and `usage`."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from bedrock_claude_cli.sandbox import Sandbox
from bedrock_claude_cli.terminal.table import Field, Table
from tests.conftest import Run
from tests.log_entries import ACCOUNT, ALICE, GROUP, entry, failed, to_group
from tests.sandbox import logging_world as world

BIN = str(Path(sys.executable).with_name("bedrock-claude"))
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Developers_0123456789abcdef"
DANA = f"{ROLE}/dana@example.com"
PROFILE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/abc123def456"
REQUEST = "b2d1bd40-c51c-47fc-9553-4cd319dcc9b7"


@pytest.fixture
def group(use: Callable[..., Sandbox]) -> Callable[..., Sandbox]:
    """Starts a sandbox whose calls are logged to the log group."""

    def start(*entries: Any) -> Sandbox:
        server = use()
        world.make_group()
        world.put(world.to_group())
        to_group(entries)
        return server

    return start


def shown(run: Run, width: int, *argv: str) -> list[str]:
    env = {"COLUMNS": str(width), "NO_COLOR": "1"}
    return run(*argv, terminal=True, env=env).out.splitlines()


def titles(head: str) -> list[str]:
    return re.split(r"  +", head.strip())


def test_at_80_columns_a_call_shows_what_it_cost_and_why_it_ended(
    run: Run, group: Callable[..., Sandbox]
) -> None:
    group(entry(REQUEST, read=5, identity={"arn": DANA}), failed("id-2", ago=1))
    head, one, two = shown(run, 80, "logs", "tail")
    assert titles(head) == ["TIME (UTC)", "MODEL", "ENDPOINT", "IN", "OUT", "COST", "STOP"]
    assert one.split()[2:] == ["sonnet-4.5", "global", "1000", "100", "$0.004502", "end_turn"]
    assert two.split()[-1] == "ThrottlingException"
    assert max(map(len, (head, one, two))) <= 80


@pytest.mark.parametrize("arn, name", [(ALICE, "alice"), (DANA, "dana@example.com")])
def test_at_80_columns_who_it_was_is_told_in_short_if_it_fits(
    run: Run, group: Callable[..., Sandbox], arn: str, name: str
) -> None:
    group(entry(REQUEST, identity={"arn": arn}, modelId=PROFILE))
    head, line = shown(run, 80, "logs", "tail")
    assert titles(head)[:3] == ["TIME (UTC)", "WHO", "MODEL"]
    assert line.split()[2:4] == [name, "abc123def456"]
    assert len(line) <= 80


@pytest.mark.parametrize(
    "width, more",
    [
        (120, ["REQUEST ID"]),
        (200, ["ENDPOINT", "CACHE READ", "CACHE WRITE", "REQUEST ID"]),
    ],
)
def test_a_wide_terminal_shows_the_request_id_and_then_all(
    run: Run, group: Callable[..., Sandbox], width: int, more: list[str]
) -> None:
    group(entry(REQUEST), entry("id-2", ago=1, identity={"arn": DANA}))
    head, line, other = shown(run, width, "logs", "tail")
    assert set(more) <= set(titles(head))
    assert line.endswith(REQUEST) and line.index(" 1000 ") + 5 == head.index(" IN ") + 3
    assert ("AWSReservedSSO" in other) is (width == 200)


def test_a_table_on_a_terminal_has_short_names_and_no_controls(
    run: Run, group: Callable[..., Sandbox]
) -> None:
    group(entry("id-1"), entry("id-2\x1b[31m", modelId="x\x1b[1m\ny"))
    head, *lines = shown(run, 200, "logs", "search")
    assert titles(head)[:4] == ["TIME (UTC)", "WHO", "MODEL", "ENDPOINT"]
    assert len(lines) == 2
    assert lines[0].split()[2:5] == ["alice", "sonnet-4.5", "global"]
    assert "\x1b" not in "".join(lines)


def test_colour_only_where_it_is_wanted(run: Run, group: Callable[..., Sandbox]) -> None:
    group(entry("id-1"))
    commands = (("logs", "tail"), ("usage",))
    assert all("\x1b[1m" in run(*argv, terminal=True).out for argv in commands)
    plain = {"NO_COLOR": "1"}
    assert not any("\x1b" in run(*argv, terminal=True, env=plain).out for argv in commands)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_usage_report_keeps_errors_and_every_identity_whole(
    run: Run, group: Callable[..., Sandbox], width: int
) -> None:
    group(entry("a"), failed("b", identity={"arn": DANA}))
    lines = shown(run, width, "usage", "--by", "identity")
    head = next(line for line in lines if line.startswith("IDENTITY"))
    assert "ERRORS" in head
    assert ("THROTTLES" in head) is (width >= 60)
    assert ("OUTPUT" in head) is (width >= 80)
    assert ("CACHE WRITE" in head) is (width >= 120)
    names = {line.split()[0] for line in lines[lines.index(head) + 1 :][:2]}
    assert names == ({ALICE, DANA} if width == 200 else {"alice", "dana@example.com"})
    table = lines[lines.index(head) :]
    assert all(len(line.rstrip()) <= width for line in table)


def test_identities_that_differ_in_kind_alone_are_not_shortened(
    run: Run, group: Callable[..., Sandbox]
) -> None:
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/alice"
    group(entry("a"), entry("b", identity={"arn": role}))
    lines = shown(run, 80, "usage", "--by", "identity")
    assert {line.split()[0] for line in lines if line.startswith("arn:")} == {ALICE, role}


@pytest.mark.parametrize("days", [30, 90, 365, 3653])
def test_the_line_of_days_fits_whatever_the_days_are(
    run: Run, group: Callable[..., Sandbox], days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = time.time() // 86400 * 86400 - 43200
    for module in ("bedrock_claude_cli.commands.usage", "tests.log_entries"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: noon))
    group(entry("a"))
    lines = shown(run, 80, "usage", "--days", str(days))
    line = lines[-2]
    assert line.startswith("day by day  ·" if days == 30 else "by ") and line.endswith("█")
    assert cell_len(line) <= 80
    assert lines[-1].startswith("most on     20") and lines[-1].endswith(": $0.0045")
    assert f"log group {GROUP}" in lines and max(map(cell_len, lines)) <= 80


def test_following_on_a_terminal_keeps_the_columns(group: Callable[..., Sandbox]) -> None:
    group(entry("before"))
    child, terminal = pty.fork()
    if not child:
        signal.alarm(30)  # whatever goes wrong, the reader's wait ends
        os.environ |= {"COLUMNS": "80", "NO_COLOR": "1"}
        os.execv(BIN, [BIN, "logs", "tail", "--follow"])
    with os.fdopen(terminal, "rb", closefd=True) as reader:
        head, first = reader.readline().decode(), reader.readline().decode()
        to_group([entry("after", ago=0)])
        later = reader.readline().decode()
        os.kill(child, signal.SIGINT)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert head.startswith("TIME (UTC)")
    assert first.index("end_turn") == later.index("end_turn") == head.index("STOP")


def test_a_table_drops_by_rank_shortens_first_and_lengthens_again_where_it_fits() -> None:
    rows = ["x"]
    fields = [
        Field[str]("A", lambda _: "aaaa", 0),
        Field[str]("B", lambda _: "bbbbbbbbbb", 2, short=lambda _: "bb"),
        Field[str]("C", lambda _: "cccc", 1, right=True),
        Field[str]("D", lambda _: "dd", 3, short=lambda _: "d"),
    ]

    def text(width: int) -> str:
        return str(Table(fields, rows, width).line("x").plain)

    assert text(26) == "aaaa  bbbbbbbbbb  cccc  dd"
    assert text(25) == "aaaa  bbbbbbbbbb  cccc  d"
    assert text(24) == "aaaa  bb  cccc  dd"
    assert text(17) == "aaaa  bb  cccc  d"
    assert text(16) == "aaaa  bb  cccc"
    assert text(13) == "aaaa  cccc  d"
    assert text(3) == "aaaa"
