"""`list-models` through the front door, against the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.conftest import Run

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
Use = Callable[..., Sandbox]


def operations(server: Sandbox) -> list[str]:
    return [str(request["operation"]) for request in server.requests]


def test_a_pipe_gets_whole_tab_separated_rows_without_a_head(run: Run, use: Use) -> None:
    use()
    rows = [line.split("\t") for line in run("list-models").out.splitlines()]
    found = {row[0]: row for row in rows}
    assert found["sonnet-4.5"] == [
        "sonnet-4.5",
        SONNET,
        "global us",
        "active, ends 2027-04-08",
        "200k",
        "$3/$15",
        "Claude Sonnet 4.5",
    ]
    assert {len(row) for row in rows} == {7}
    assert not any("amazon" in row[1] or "meta" in row[1] for row in rows)


def test_both_lists_are_asked_and_every_page_is_read(run: Run, use: Use) -> None:
    server = use()
    ids = run("list-models", "--ids").out.splitlines()
    assert operations(server).count("ListFoundationModels") == 1
    assert operations(server).count("ListInferenceProfiles") >= 1
    assert f"global.{SONNET}" in ids
    assert f"us.{SONNET}" in ids
    assert SONNET not in ids, "a bare id that cannot be invoked here was offered"


def test_every_printed_id_can_be_called(run: Run, use: Use) -> None:
    use()
    ids = run("list-models", "--ids", "--region", "eu-west-2").out.splitlines()
    assert "anthropic.claude-opus-4-6-v1" in ids, "in-region ids are missing"
    for each in ids:
        run(
            "ask",
            "-n",
            "-q",
            "--region",
            "eu-west-2",
            "--max-tokens",
            "5",
            "-m",
            each,
            "hi",
            code=10,
        )


def test_a_terminal_shows_whole_ids_at_80_columns(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = run("list-models", terminal=True).out
    assert SONNET in shown
    assert "…" not in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
    assert shown.splitlines()[0].split() == ["ALIAS", "BASE", "ID", "ENDPOINTS"]
    assert "\x1b" not in shown


def test_a_wide_terminal_shows_all_columns_and_colour(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = run("list-models", terminal=True).out
    assert "Claude Sonnet 4.5" in shown
    assert "\x1b[1m" in shown


def test_json_is_a_list_of_models_each_with_ids_and_prices(run: Run, use: Use) -> None:
    use()
    models = json.loads(run("list-models", "--json").out)
    sonnet = next(model for model in models if model["alias"] == "sonnet-4.5")
    assert sonnet["schema"] == 1
    assert "sandbox" not in sonnet
    assert [(offer["id"], offer["endpoint"]) for offer in sonnet["ids"]] == [
        (f"global.{SONNET}", "global"),
        (f"us.{SONNET}", "us"),
    ]
    assert sonnet["ids"][1]["price"]["input"] == 3.3


def test_the_embedded_sandbox_marks_its_json(run: Run) -> None:
    models = json.loads(run("list-models", "--sandbox", "--json").out)
    assert all(model["sandbox"] is True for model in models)


def test_query_picks_and_a_string_is_bare(run: Run, use: Use) -> None:
    use()
    picked = run("list-models", "--query", "[?alias=='sonnet-4.5'].base_id | [0]").out
    assert picked == SONNET + "\n"


def test_a_query_that_is_none_is_told_before_any_request(run: Run, use: Use) -> None:
    server = use()
    assert "JMESPath" in run("list-models", "--query", "[?", code=2).err
    assert server.requests == []


def test_several_regions_are_asked_and_named(run: Run, use: Use) -> None:
    server = use()
    out = run("list-models", "--region", "us-east-1", "--region", "eu-west-1").out
    row = next(line.split("\t") for line in out.splitlines() if line.startswith("sonnet-4.5\t"))
    assert row[2:4] == ["global us eu", "us-east-1 eu-west-1"]
    assert {request["region"] for request in server.requests} == {"us-east-1", "eu-west-1"}


def test_all_regions_asks_everywhere_and_notes_what_is_not_enabled(run: Run, use: Use) -> None:
    server = use(
        {
            "when": {"region": "af-south-1"},
            "error": {"type": "UnrecognizedClientException", "status": 403},
        }
    )
    result = run("list-models", "--all-regions")
    assert "not enabled in this account: af-south-1" in result.err
    regions = {str(request["region"]) for request in server.requests}
    assert len(regions) > 25
    assert not any(region.startswith("us-gov-") for region in regions)


def test_a_region_that_fails_is_a_warning_and_all_failing_is_the_first_ones_code(
    run: Run, use: Use
) -> None:
    denied = {"type": "AccessDeniedException", "status": 403, "message": "not authorized"}
    use({"when": {"region": "eu-*"}, "error": denied})
    some = run("list-models", "--region", "us-east-1", "--region", "eu-west-1", code=9)
    assert "warning: eu-west-1: AccessDeniedException: not authorized" in some.err
    assert "sonnet-4.5" in some.out
    run("list-models", "--region", "eu-west-1", "--region", "eu-west-2", code=5)


@pytest.mark.parametrize("flags", [(), ("--ids",), ("--json",), ("--diff",), ("sonnet-4.5",)])
@pytest.mark.parametrize(
    "error, everywhere",
    [("UnrecognizedClientException", 0), ("AccessDeniedException", 9)],
)
def test_a_region_that_was_named_and_gave_nothing_makes_it_partial(
    error: str, everywhere: int, flags: tuple[str, ...], run: Run, use: Use
) -> None:
    use({"when": {"region": "eu-west-1"}, "error": {"type": error, "status": 403}})
    named = ("--region", "us-east-1", "--region", "eu-west-1")
    told = run("list-models", *flags, *named, code=9)
    assert "eu-west-1" in told.err and (told.out or flags == ("--diff",))
    run("list-models", *flags, "--all-regions", code=everywhere)
    run("list-models", *flags, "--region", "us-east-1")


def test_endpoint_and_active_narrow_the_list(run: Run, use: Use) -> None:
    use()
    ids = run("list-models", "--ids", "--endpoint", "us", "--active").out.splitlines()
    assert ids and all(each.startswith("us.") for each in ids)
    assert "us.anthropic.claude-opus-4-1-20250805-v1:0" not in ids, "a legacy model is not active"


def test_nothing_found_is_a_note_and_exit_0(run: Run, use: Use) -> None:
    use()
    result = run("list-models", "--endpoint", "jp")
    assert (result.out, "no model matches" in result.err) == ("", True)
    assert json.loads(run("list-models", "--endpoint", "jp", "--json").out) == []


def test_an_unknown_endpoint_is_a_usage_error(run: Run, use: Use) -> None:
    assert "in-region" in run("list-models", "--endpoint", "mars", code=2).err


def test_offline_needs_no_network_and_tells_its_date(run: Run, use: Use) -> None:
    server = use({"error": {"type": "InternalServerException", "status": 500}})
    result = run("list-models", "--offline")
    assert server.requests == []
    assert "haiku-3\tanthropic.claude-3-haiku-20240307-v1:0\t-\tended 2026-09-10" in result.out
    assert "catalogue of 20" in result.err


def test_denied_lists_are_told_with_the_documented_code(run: Run, use: Use) -> None:
    use({"deny": "bedrock:ListInferenceProfiles"})
    result = run("list-models", code=5)
    assert "bedrock:ListInferenceProfiles" in result.err
    assert "hint: ask an administrator of the account to grant bedrock:ListInfer" in result.err
    assert result.out == ""


def test_seen_ids_are_kept_but_never_from_a_custom_endpoint(run: Run, use: Use, home: Path) -> None:
    use()
    run("list-models")
    assert not (home / ".cache").exists()
    run("list-models", "--sandbox")
    assert not (home / ".cache").exists()


def test_ctrl_c_ends_it_while_a_call_hangs() -> None:
    slow = {"when": {"operation": "ListInferenceProfiles"}, "stream": {"delay_ms": 30_000}}
    with Sandbox(rules=[slow]) as server:
        child = subprocess.Popen(
            [sys.executable, "-m", "bedrock_claude_cli", "list-models", "-q"],
            env=environment(server.url, os.environ),
        )
        started = time.monotonic()
        while len(server.requests) < 2 and time.monotonic() < started + 20:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130


def test_an_answer_that_is_not_aws_s_is_told_as_such(
    run: Run, web_page: Callable[[int, str], str]
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAENDPOINTEXAMPLEX", "AWS_SECRET_ACCESS_KEY": "fake-secret"}
    url = web_page(200, "<html>Please sign in</html>")
    told = run("list-models", env={**keys, "AWS_ENDPOINT_URL": url}, code=7).err
    assert "captive portal" in told
