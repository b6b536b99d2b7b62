"""This machine's clock beside AWS's: measured by `verify-creds`, and told by any command."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from bedrock_claude_cli import clock
from bedrock_claude_cli.bedrock.skew import Skew
from bedrock_claude_cli.sandbox import Sandbox
from bedrock_claude_cli.sandbox.http import Handler
from tests.conftest import Run

Use = Callable[..., Sandbox]
Away = Callable[[float], None]


@pytest.fixture
def aws_is_ahead(monkeypatch: pytest.MonkeyPatch) -> Away:
    """Lets the sandbox's Date header be so many seconds ahead of this machine's clock."""

    def shift(seconds: float) -> None:
        def date(self: Handler, timestamp: float | None = None) -> str:
            now = datetime.datetime.now(datetime.timezone.utc).timestamp()
            return formatdate((timestamp or now) + seconds, usegmt=True)

        monkeypatch.setattr(Handler, "date_time_string", date)

    return shift


def checked(run: Run, *flags: str, code: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report, and its checks by name."""
    told = json.loads(run("verify-creds", *flags, "--json", code=code).out)
    return told, {check["name"]: check for check in told["checks"]}


@pytest.mark.parametrize(
    ("seconds", "status", "words"),
    [
        (30, "ok", "behind AWS's"),
        (-30, "ok", "ahead of AWS's"),
        (723, "warn", "this machine's clock is 12 min"),
        (-7200, "warn", "ahead of AWS's"),
        (200_000, "warn", "this machine's clock is 2 d 7 h behind AWS's"),
    ],
)
def test_the_clock_is_measured_by_the_answers_there_are(
    seconds: int, status: str, words: str, run: Run, use: Use, aws_is_ahead: Away
) -> None:
    use()
    aws_is_ahead(seconds)
    told, checks = checked(run)
    assert abs(told["clock_skew_seconds"] + seconds) <= 3
    assert (checks["clock"]["status"], told["ok"]) == (status, True)
    assert words in checks["clock"]["detail"]
    assert (checks["clock"]["hint"] is not None) == (status == "warn")


def test_required_it_is_a_failure(run: Run, use: Use, aws_is_ahead: Away) -> None:
    use()
    aws_is_ahead(100)
    _, checks = checked(run, "--require", "clock", code=11)
    assert "required, but this machine's clock is 1 min" in checks["clock"]["detail"]


def test_a_refusal_tells_the_time_too(run: Run, use: Use, aws_is_ahead: Away) -> None:
    words = {"type": "SignatureDoesNotMatch", "message": "Signature expired: x"}
    use({"when": {"operation": "GetCallerIdentity"}, "error": words})
    aws_is_ahead(900)
    told, checks = checked(run, "--only", "identity", code=4)
    assert abs(told["clock_skew_seconds"] + 900) <= 3
    assert checks["clock"]["status"] == "warn"
    assert "this machine's clock is 1" in checks["identity"]["hint"]


def test_without_an_answer_nobody_knows(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    told, checks = checked(run, code=7)
    assert (told["clock_skew_seconds"], checks["clock"]["status"]) == (None, "skip")


@pytest.mark.parametrize("date", [None, "", "tomorrow", "Sat, 99 Nov 2026 00:00:00 GMT"])
def test_what_is_no_date_tells_nothing(date: str | None) -> None:
    assert clock.ahead(date, 0.0) is None


def test_the_end_of_credentials_is_judged_by_aws_s_clock(
    run: Run, use: Use, aws_is_ahead: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=20)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "ASIAFAKEFAKEFAKE1234"),
        ("AWS_SESSION_TOKEN", "fake-session-token-of-nobody"),
        ("AWS_CREDENTIAL_EXPIRATION", end.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ):
        monkeypatch.setenv(name, value)
    checked(run, "--min-ttl", "15m")
    aws_is_ahead(10 * 60)
    told, checks = checked(run, "--min-ttl", "15m", code=11)
    assert 590 <= told["credentials"]["seconds_left"] <= 605
    assert checks["ttl"]["status"] == "fail"
    aws_is_ahead(-60 * 60)
    told, _ = checked(run, "--min-ttl", "1h")
    assert told["credentials"]["seconds_left"] > 4700


class _Client:
    """A client's events, as botocore has them."""

    def __init__(self) -> None:
        self.meta = self.events = self
        self.handlers: dict[str, Callable[..., None]] = {}

    def register(self, name: str, handler: Callable[..., None], **_: Any) -> None:
        self.handlers[name] = handler

    def call(self, date: str | None) -> None:
        headers = {"date": date} if date else {}
        self.handlers["before-send"](request=None)
        self.handlers["response-received"](response_dict={"headers": headers})


def test_the_quickest_answer_counts_and_what_is_within_doubt_is_no_skew() -> None:
    times = iter([1000.0, 1040.0, 2000.0, 2000.2, 3000.0, 3010.0, 4000.0, 4000.0])
    skew, client = Skew(lambda: next(times)), _Client()
    skew.watch(client)
    client.call(formatdate(1015, usegmt=True))
    assert skew.seconds == 0  # the answer may have been made at any time in those 40 s
    client.call(formatdate(1990, usegmt=True))
    assert skew.seconds == 10
    client.call(formatdate(9000, usegmt=True))
    assert skew.seconds == 10
    client.call(None)
    assert skew.seconds == 10


# Any command

EXPIRED = "Signature expired: 20260101T000000Z is now earlier than 20260101T000703Z "
SIGNED_BEFORE = f"{EXPIRED}(20260101T001203Z - 5 min.)"
SIGNED_AFTER = (
    "Signature not yet current: 20260101T020000Z is still later than 20260101T000500Z "
    "(20260101T000000Z + 5 min.)"
)


@pytest.mark.parametrize("argv", [["--via", "invoke"], ["--via", "sdk"], ["--via", "converse"]])
@pytest.mark.parametrize(
    ("message", "words"),
    [
        (SIGNED_BEFORE, "this machine's clock is 12 min 3 s behind AWS's"),
        (SIGNED_AFTER, "this machine's clock is 2 h ahead of AWS's"),
    ],
)
def test_a_refused_signature_says_how_far_the_clock_is_off(
    argv: list[str], message: str, words: str, run: Run, use: Use
) -> None:
    use({"error": {"type": "InvalidSignatureException", "message": message, "status": 403}})
    said = run("ask", *argv, "Hi", code=4).err
    assert f"hint: {words}; set this machine's clock" in said
    assert clock.setting() in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("InvalidSignatureException", "Signature expired: a is now earlier than b"),
        ("RequestExpired", "Request has expired."),
        ("RequestTimeTooSkewed", "The difference between the request time and the current time "
                                 "is too large."),
    ],
)  # fmt: skip
def test_where_the_words_tell_no_time_the_header_does(
    name: str, message: str, run: Run, use: Use, aws_is_ahead: Away
) -> None:
    use({"error": {"type": name, "message": message, "status": 403}})
    said = run("list-models", code=4).err
    assert "behind AWS's" not in said and "set this machine's clock" in said
    aws_is_ahead(1800)
    assert "hint: this machine's clock is " in run("list-models", code=4).err


def test_another_error_is_not_blamed_on_the_clock(run: Run, use: Use, aws_is_ahead: Away) -> None:
    use({"error": {"type": "AccessDeniedException", "message": "no", "status": 403}})
    aws_is_ahead(1800)
    assert "clock" not in run("list-models", code=5).err


@pytest.mark.parametrize(
    ("platform", "word"), [("linux", "timedatectl"), ("darwin", "sntp"), ("win32", "w32tm")]
)
def test_each_system_has_a_command_that_sets_its_clock(platform: str, word: str) -> None:
    assert word in clock.setting(platform)
