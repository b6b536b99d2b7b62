"""Ctrl-C and failures in `enable-logging` and `logs disable` over several regions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.client
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import GROUP

Use = Callable[..., Sandbox]
REGIONS = ("--region", "us-east-1", "--region", "eu-west-1", "--region", "us-west-2")
ENABLE = ("enable-logging", "--yes", *REGIONS)


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Ctrl-C just before an operation in a region."""
    real = botocore.client.BaseClient._make_api_call

    def arm(wanted: str, region: str) -> None:
        def call(self: Any, operation: str, arguments: Any) -> Any:
            if (operation, self.meta.region_name) == (wanted, region):
                monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", real)
                raise KeyboardInterrupt
            return real(self, operation, arguments)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)

    return arm


def lines(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"{word}: ")]


@pytest.mark.parametrize("quiet", [(), ("--quiet",)], ids=["", "quiet"])
def test_what_was_done_and_what_is_left_is_said(
    run: Run, use: Use, ctrl_c: Callable[[str, str], None], quiet: tuple[str, ...]
) -> None:
    use()
    ctrl_c("PutRetentionPolicy", "eu-west-1")
    err = run(*ENABLE, *quiet, code=130).err
    done, left = lines(err, "done"), lines(err, "left")
    assert len([line for line in done if "us-east-1: " in line]) == 5
    assert [line for line in done if "eu-west-1: " in line] == [
        f"done: eu-west-1: create log group {GROUP}"
    ]
    assert len([line for line in left if "eu-west-1: " in line]) == 4
    assert left[0] == f"left: eu-west-1: create retention of log group {GROUP}"
    assert len([line for line in left if "us-west-2: " in line]) == 5
    assert "the same command continues" in err
    assert made.config("us-east-1") and not made.config("us-west-2")
    run(*ENABLE)
    run("logs", "status", "--check", *REGIONS)


def test_with_json_the_report_says_it(
    run: Run, use: Use, ctrl_c: Callable[[str, str], None]
) -> None:
    use()
    ctrl_c("CreateRole", "eu-west-1")
    told = json.loads(run(*ENABLE, "--json", code=130).out)
    assert [len(each["done"]) for each in told["regions"]] == [5, 2, 0]
    assert [len(each["left"]) for each in told["regions"]] == [0, 3, 5]
    assert told["changed"] is True


def test_nothing_is_called_logged_where_it_is_not(
    run: Run, use: Use, ctrl_c: Callable[[str, str], None]
) -> None:
    use()
    ctrl_c("PutModelInvocationLoggingConfiguration", "eu-west-1")
    out = run(*ENABLE, code=130).out
    assert "us-east-1: calls are logged" in out
    assert "eu-west-1: calls" not in out and "us-west-2: calls" not in out


DISABLE = ("logs", "disable", "--yes", *REGIONS)


def assert_half_disabled(run: Run, err: str) -> None:
    assert lines(err, "done") == ["done: us-east-1: logging is switched off"]
    assert lines(err, "left") == [
        "left: eu-west-1: switch logging off",
        "left: us-west-2: switch logging off",
    ]
    assert not made.config("us-east-1") and made.config("eu-west-1") and made.config("us-west-2")
    run(*DISABLE)
    assert not made.config("eu-west-1") and not made.config("us-west-2")


def test_disable_that_is_interrupted_says_done_and_left(
    run: Run, use: Use, ctrl_c: Callable[[str, str], None]
) -> None:
    use()
    run(*ENABLE)
    ctrl_c("DeleteModelInvocationLoggingConfiguration", "eu-west-1")
    assert_half_disabled(run, run(*DISABLE, code=130).err)


def test_disable_that_fails_says_done_and_left(run: Run, use: Use) -> None:
    action = "bedrock:DeleteModelInvocationLoggingConfiguration"
    use({"deny": action, "when": {"region": "eu-west-1"}, "times": 1})
    run(*ENABLE)
    err = run(*DISABLE, code=5).err
    assert action in err
    assert_half_disabled(run, err)


def test_disable_speaks_of_what_is_to_come(run: Run, use: Use) -> None:
    use()
    run("enable-logging", "--yes")
    told = run("logs", "disable", "--dry-run").out
    assert "us-east-1 in account 000000000000: logging would be switched off" in told
    assert "logging will be switched off" in run("logs", "disable", "--yes").out


def test_a_log_group_beside_a_bucket_is_no_change_of_role_none(run: Run, use: Use) -> None:
    use()
    run("enable-logging", "--yes", "--bucket", "logs-of-000000000000")
    told = run("enable-logging", "--dry-run", "--log-group", GROUP).out
    assert "role None" not in told and "no role -> log group" in told
    assert "--replace" not in told
