"""Bad input to `enable-logging`, `logs` and `usage`: told before anything is made."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Run
from tests.logging_state import ACCOUNT, GROUP

Use = Callable[..., Sandbox]
ROOT = Path(__file__).parents[2]
BUCKET = "logs-of-000000000000"
KEY = "12345678-1234-1234-1234-123456789012"
ENABLE = ("enable-logging", "--yes")
READERS = ["usage", "logs tail", "logs show x", "logs search", "logs status"]
COMMANDS = [*READERS, "enable-logging --yes", "logs disable --yes", "verify-creds", "ask hi"]


def changed(server: Sandbox) -> list[str]:
    """The operations that reached the sandbox and changed something there."""
    names = [each["operation"] or "" for each in server.requests]
    return [name for name in names if not name.startswith(("Get", "List", "Describe"))]


class TestRegions:
    """A region that is none is told as such, and by whom it was named."""

    @pytest.mark.parametrize("line", COMMANDS)
    def test_a_region_that_aws_cannot_have(self, run: Run, use: Use, line: str) -> None:
        server = use()
        told = run(*line.split(), "--region", "mars-1", code=3).err
        assert "no AWS region is called `mars-1` (from --region)" in told
        assert server.requests == []

    @pytest.mark.parametrize("line", ["usage", "enable-logging --yes", "verify-creds"])
    @pytest.mark.parametrize(("wrong", "right"), [("eu-west1", "eu-west-1"),
                                                  ("US-EAST-1", "us-east-1"),
                                                  ("aws-global", None)])  # fmt: skip
    def test_what_was_meant(
        self, run: Run, use: Use, line: str, wrong: str, right: str | None
    ) -> None:
        use()
        told = run(*line.split(), code=3, env={"AWS_REGION": wrong}).err
        assert f"no AWS region is called `{wrong}` (from AWS_REGION)" in told
        assert right is None or f"did you mean `{right}`?" in told

    @pytest.mark.parametrize(
        "line", ["enable-logging --yes", "enable-logging --print-policy", "logs status"]
    )
    def test_the_second_of_two(self, run: Run, use: Use, line: str) -> None:
        """It is told before anything is made in the first."""
        server = use()
        regions = ("--region", "eu-west-1", "--region", "mars-1")
        assert "`mars-1` (from --region)" in run(*line.split(), *regions, code=3).err
        assert server.requests == []

    @pytest.mark.parametrize("line", ["enable-logging --dry-run", "logs disable"])
    def test_an_empty_one_is_none_that_was_given(self, run: Run, use: Use, line: str) -> None:
        """As a variable that a script did not set."""
        use()
        assert "us-east-1" in run(*line.split(), "--region", "").out
        env = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
        assert "no region" in run(*line.split(), "--region", "", code=3, env=env).err

    def test_one_that_may_be_new_is_tried_and_then_doubted(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(host: str, *_: Any, **__: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        monkeypatch.setattr("time.sleep", lambda _: None)
        env = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLEXX", "AWS_SECRET_ACCESS_KEY": "x"}
        flags = ("--region", "ap-southest-1")
        told = run("usage", *flags, code=7, env=env).err
        assert "no region ap-southest-1 (from --region) is known here" in told
        assert "did you mean `ap-southeast-1`?" in told
        assert "is known here" not in run("usage", "--region", "us-east-1", code=7).err

    def test_the_sandbox_says_so_itself(
        self, run: Run, use: Use, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """moto would break off with a traceback, and the client take it for a lost connection."""
        use()
        told = run(*ENABLE, "--region", "ap-southest-1", code=6).err
        assert "No region is called ap-southest-1; did you mean ap-southeast-1?" in told
        assert "Traceback" not in "".join(capfd.readouterr())


class TestNames:
    """Names that AWS refuses, and prefixes that mean something else in a policy."""

    @pytest.mark.parametrize("flag", ["--bucket", "--large-data-bucket"])
    @pytest.mark.parametrize(
        "given",
        [
            "", "/", "a/b", "s3://", "s3:///x", f"s3:{BUCKET}", f"arn:aws:s3:::{BUCKET}",
            f"https://{BUCKET}", "a_b_c", "-abc", "abc-", "abc.", "abc.mrap", "a" * 64, "logs ",
            "sthree-x", "x--x-s3", f"{BUCKET}//x", f"{BUCKET}/x//", f"{BUCKET}//",
            f"{BUCKET}/x//y", f"{BUCKET}/*", f"{BUCKET}/a?b", f"{BUCKET}/$x", f"{BUCKET}/${{x}}",
            f"{BUCKET}/{{x", f"{BUCKET}/x}}", f"{BUCKET}/..", f"{BUCKET}/a/../b", f"{BUCKET}/./b",
            f"{BUCKET}/a\nb", f"{BUCKET}/café", f'{BUCKET}/"', f"{BUCKET}/a\\b", f"{BUCKET}/ ",
            f"{BUCKET}/a/ /b", f"{BUCKET}/" + "x" * 900,
        ],
        ids=lambda given: ascii(given)[:30],
    )  # fmt: skip
    def test_buckets(self, run: Run, use: Use, flag: str, given: str) -> None:
        server = use()
        told = run(*ENABLE, flag, given, code=2).err
        assert flag in told
        assert changed(server) == []

    @pytest.mark.parametrize(
        ("given", "name", "prefix"),
        [
            (f"s3://{BUCKET}", BUCKET, None),
            (f"s3://{BUCKET}/", BUCKET, None),
            (f"s3://{BUCKET}/a/b/", BUCKET, "a/b"),
            (f"{BUCKET}/team=x, (y)/1.0!", BUCKET, "team=x, (y)/1.0!"),
            ("s3://logs-{account}-{region}/{region}/x", f"logs-{ACCOUNT}-us-east-1",
             "us-east-1/x"),
        ],
    )  # fmt: skip
    def test_buckets_that_are_right(
        self, run: Run, use: Use, given: str, name: str, prefix: str | None
    ) -> None:
        use()
        run(*ENABLE, "--bucket", given)
        wanted = {"bucketName": name} | ({"keyPrefix": prefix} if prefix else {})
        assert (made.config() or {})["s3Config"] == wanted
        run("ask", "hi")
        assert run("logs", "tail", "--json").out.count('"request_id"') == 1
        assert "nothing to change" in run(*ENABLE, "--bucket", given).out

    @pytest.mark.parametrize(
        "given", ["", "a b", "a:b", "a*", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:x", "é"]
    )
    def test_log_groups(self, run: Run, use: Use, given: str) -> None:
        server = use()
        assert "--log-group" in run(*ENABLE, "--log-group", given, code=2).err
        assert changed(server) == []

    def test_what_is_in_one_region_only(self, run: Run, use: Use) -> None:
        """The name that would do is shown, unless there can be none."""
        server = use()
        regions = ("--region", "us-east-1", "--region", "eu-west-1")
        for flag, given, shown in (
            ("--bucket", "s3://logs/x", "as in logs-{region}/x"),
            ("--kms-key", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY}",
             f"as in arn:aws:kms:{{region}}:{ACCOUNT}:key/{KEY}"),
            ("--kms-key", KEY, "each with its own key"),
        ):  # fmt: skip
            assert shown in run(*ENABLE, *regions, flag, given, code=2).err
        assert changed(server) == []
        run(*ENABLE, *regions, "--kms-key", f"mrk-{KEY.replace('-', '')}")


class TestDays:
    """What is kept how long, and how far back it is looked."""

    @pytest.mark.parametrize("days", ["30", "45", "1000", "3654"])
    def test_s3_alone_takes_any_whole_number(self, run: Run, use: Use, days: str) -> None:
        use()
        run(*ENABLE, "--bucket", BUCKET, "--retention-days", days)
        [rule] = made.bucket(BUCKET)["rules"]
        assert rule["Expiration"] == {"Days": int(days)}

    def test_a_single_day_has_to_be_allowed(self, run: Run, use: Use) -> None:
        use()
        flags = (*ENABLE, "--bucket", BUCKET, "--retention-days", "1")
        assert "--allow-short-retention" in run(*flags, code=2).err
        run(*flags, "--allow-short-retention")
        assert made.bucket(BUCKET)["rules"][0]["Expiration"] == {"Days": 1}

    @pytest.mark.parametrize("days", ["0", "-1", "2147483648", "1.5", "x", ""])
    def test_what_is_no_number_of_days(self, run: Run, use: Use, days: str) -> None:
        server = use()
        flags = ("--bucket", BUCKET, "--allow-short-retention", f"--retention-days={days}")
        assert "--retention-days" in run(*ENABLE, *flags, code=2).err
        assert changed(server) == []

    @pytest.mark.parametrize(
        "flags", [(), ("--log-group", GROUP, "--bucket", BUCKET), ("--large-data-bucket", BUCKET)]
    )
    def test_a_log_group_takes_those_of_its_list(
        self, run: Run, use: Use, flags: tuple[str, ...]
    ) -> None:
        server = use()
        told = run(*ENABLE, *flags, "--retention-days", "45", code=2).err
        assert "CloudWatch Logs knows no such retention" in told and "30, 60, 90" in told
        assert changed(server) == []

    def test_a_log_group_that_is_configured_counts(self, run: Run, use: Use) -> None:
        use()
        run(*ENABLE)
        told = run(*ENABLE, "--bucket", BUCKET, "--retention-days", "45", code=2).err
        assert "CloudWatch Logs knows no such retention" in told and "nothing was changed" in told

    @pytest.mark.parametrize("since", ["99999d", "3654d", "0", "0s", "0d", "-1h", "", "soon"])
    @pytest.mark.parametrize("line", ["logs tail", "logs show x", "logs search"])
    def test_how_far_back(self, run: Run, use: Use, line: str, since: str) -> None:
        use()
        run(*ENABLE)
        told = run(*line.split(), f"--since={since}", code=2).err
        assert "--since" in told
        assert "3653d is the longest" in told or since[:4] not in ("9999", "3654")

    def test_as_far_back_as_logs_are_kept(self, run: Run, use: Use) -> None:
        use()
        run(*ENABLE)
        run("logs", "tail", "--since", "3653d")

    @pytest.mark.parametrize("days", ["0", "-1", "3654", "x"])
    def test_days_of_usage(self, run: Run, use: Use, days: str) -> None:
        use()
        assert "--days" in run("usage", f"--days={days}", code=2).err


@pytest.mark.parametrize("given", ["", " ", "\t"])
def test_no_request_id(run: Run, use: Use, given: str) -> None:
    server = use()
    assert "REQUEST_ID" in run("logs", "show", given, code=2).err
    assert server.requests == []


@pytest.mark.parametrize("flag", ["--print-policy", "--dry-run"])
def test_what_changes_nothing_cannot_be_verified(run: Run, use: Use, flag: str) -> None:
    server = use()
    told = run("enable-logging", flag, "--verify", code=2).err
    assert flag in told and "--verify" in told
    assert server.requests == []


@pytest.mark.parametrize(
    ("operation", "kind", "status", "line", "hint"),
    [
        ("StartQuery", "LimitExceededException", 400, "usage", "queries run"),
        ("StartQuery", "ThrottledException", 400, "usage", "wait a minute"),
        ("StartQuery", "ServiceUnavailableException", 500, "usage", "wait a minute"),
        ("FilterLogEvents", "ThrottlingException", 400, "logs tail", "wait a minute"),
        ("CreateLogGroup", "OperationAbortedException", 400, "enable-logging --yes", "somebody"),
        ("CreateRole", "ConcurrentModification", 409, "enable-logging --yes", "somebody"),
        ("PutRolePolicy", "Throttling", 400, "enable-logging --yes", "wait a minute"),
        ("PutRolePolicy", "ServiceFailure", 500, "enable-logging --yes", "in a little while"),
        ("GetRole", "RequestLimitExceeded", 503, "enable-logging --yes", "wait a minute"),
        ("CreateBucket", "OperationAborted", 409, f"enable-logging --yes --bucket {BUCKET}",
         "somebody"),
        ("PutBucketPolicy", "SlowDown", 503, f"enable-logging --yes --bucket {BUCKET}",
         "wait a minute"),
        ("PutBucketPolicy", "ServiceUnavailable", 503, f"enable-logging --yes --bucket {BUCKET}",
         "wait a minute"),
    ],
)  # fmt: skip
def test_what_passes_is_exit_7_and_says_to_try_again(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch,
    operation: str, kind: str, status: int, line: str, hint: str,
) -> None:  # fmt: skip
    server = use({"when": {"operation": operation}, "error": {"type": kind, "status": status}})
    monkeypatch.setattr("time.sleep", lambda _: None)
    if not line.startswith("enable"):
        run(*ENABLE)
    result = run(*line.split(), "--json", code=7)
    if line.startswith("enable") and result.out:
        error = json.loads(result.out)["regions"][0]["error"]
    else:
        error = json.loads(result.err.splitlines()[-1])["error"]
    assert error["retry"] == "now"
    assert hint in error["hint"] and "--retries" not in error["hint"]
    assert "capacity for this model" not in error["hint"]
    assert server.requests


@pytest.mark.parametrize(
    ("operation", "kind", "status"),
    [
        ("CreateLogGroup", "LimitExceededException", 400),
        ("CreateRole", "LimitExceeded", 409),
        ("CreateBucket", "TooManyBuckets", 400),
    ],
)
def test_a_quota_that_is_used_up_is_exit_6(
    run: Run, use: Use, operation: str, kind: str, status: int
) -> None:
    use({"when": {"operation": operation}, "error": {"type": kind, "status": status}})
    told = run(*ENABLE, "--log-group", GROUP, "--bucket", BUCKET, code=6).err
    assert kind in told and "Service Quotas" in told


class TestQuestion:
    """The question on a real terminal, against the embedded sandbox."""

    def ask(self, home: Path, *keys: str) -> tuple[int, str]:
        """The exit code, and all that the terminal showed, after these keys."""
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        env |= {"TERM": "dumb", "COLUMNS": "200"}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "bedrock_claude_cli", "enable-logging", "--sandbox", "--region", "us-east-1"],
            env=env, cwd=str(home), encoding="utf-8", dimensions=(100, 200), timeout=30,
        )  # fmt: skip
        child.delaybeforesend = None
        child.expect(re.escape(f"Make these changes in account {ACCOUNT}, us-east-1? [y/N] "))
        shown = child.before
        assert f"create    log group {GROUP}" in shown and "done" not in shown
        for key in keys:
            child.send(key)
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, child.before

    @pytest.mark.parametrize("answer", ["y\r", "YES\r"])
    def test_yes_makes_the_changes(self, home: Path, answer: str) -> None:
        code, shown = self.ask(home, answer)
        assert (code, shown.count("done: create")) == (0, 5)

    @pytest.mark.parametrize("answer", ["n\r", "\r", "yea\r", "\x04"], ids=ascii)
    def test_anything_else_is_no(self, home: Path, answer: str) -> None:
        """Ctrl-D is; its message has a line of its own."""
        code, shown = self.ask(home, answer)
        assert code == 1
        assert "nothing was changed" in shown and "done" not in shown
        assert "\nerror: not confirmed" in shown

    def test_ctrl_c_is_130(self, home: Path) -> None:
        code, shown = self.ask(home, "\x03")
        assert code == 130
        assert "done" not in shown and "Traceback" not in shown


def offered(run: Run, *words: str) -> list[str]:
    """What TAB offers after these words, the last of them unfinished."""
    told = run(*words, env={"_BEDROCK_CLAUDE_COMPLETE": "complete_fish"}).out.splitlines()
    assert told[0] == "values"
    return [line.partition("\t")[0] for line in told[1:]]


def test_tab_offers_what_usage_is_summed_by(run: Run) -> None:
    assert offered(run, "usage", "--by", "") == ["model", "identity", "day", "region"]
    assert offered(run, "usage", "--by", "model", "--by", "d") == ["day"]
    assert offered(run, "usage", "--by=r") == ["--by=region"]


def test_tab_offers_models_and_regions_to_the_logs(run: Run) -> None:
    assert {"sonnet", "opus", "haiku"} <= set(offered(run, "logs", "search", "--model", ""))
    assert "sonnet-4.5" in offered(run, "logs", "search", "-m", "sonnet-4")
    for line in (["logs", "status"], ["logs", "tail"], ["usage"], ["enable-logging"]):
        assert offered(run, *line, "--region", "us-gov-w") == ["us-gov-west-1"]
    assert offered(run, "logs", "s") == ["show", "search", "status"]
