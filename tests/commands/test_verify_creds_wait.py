"""`verify-creds --wait`: what it waits for, what it does not, and what it says and bills."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import verify_wait
from bedrock_claude_cli.bedrock.checks import Check
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import SONNET, operations
from tests.conftest import Result, Run

Use = Callable[..., Sandbox]
KEY_ID, SECRET = "AKIAFAKEFAKEFAKE1234", "fake-secret-fake-secret-fake-secret-0000"
DENIED = {"type": "AccessDeniedException", "message": "You don't have access to the model with "
          "the specified model ID."}  # fmt: skip
INVOKE = {"operation": "InvokeModel*"}
TRUSTED = {"operation": "GetCallerIdentity"}


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which took any time."""
    made: list[float] = []
    monkeypatch.setattr(Output, "pause", lambda self, seconds: made.append(seconds))
    return made


def checks_of(result: Result) -> dict[str, Any]:
    """The checks of a report by name."""
    return {check["name"]: check for check in json.loads(result.out)["checks"]}


def waits(result: Result) -> list[str]:
    """What was said of waiting."""
    return [line for line in result.err.splitlines() if "note: waiting for " in line]


@pytest.mark.parametrize(
    "rule",
    [
        {"when": TRUSTED, "error": {"type": "ThrottlingException"}},
        {"when": TRUSTED, "error": {"type": "InvalidClientTokenId", "status": 403}},
        {"when": {"operation": "ListFoundationModels"}, "error": {"type": "ServiceUnavailable"
                                                                  "Exception"}},
        {"when": {"operation": "GetFoundationModelAvailability"},
         "error": {"type": "InternalServerException"}},
    ],
)  # fmt: skip
def test_what_passes_is_waited_for(rule: dict[str, Any], run: Run, use: Use) -> None:
    use({**rule, "times": 2})
    env = {"AWS_MAX_ATTEMPTS": "1"}
    result = run("verify-creds", "--wait", "120", "--json", env=env)
    assert json.loads(result.out)["ok"] is True
    assert len(waits(result)) == 1


def test_access_that_an_administrator_gives_is_waited_for(run: Run, use: Use) -> None:
    use({"when": {"model": "*"}, "access": {"agreement": "pending", "polls": 3}})
    result = run("verify-creds", "--wait", "2m", "--json")
    assert checks_of(result)["model"]["status"] == "ok"
    assert len(waits(result)) == 1
    assert "note: waiting for model, " in waits(result)[0]
    assert " at most: the Marketplace agreement" in waits(result)[0]


def test_without_wait_a_pending_agreement_passes_as_a_warning(
    run: Run, use: Use, pauses: list[float]
) -> None:
    use({"when": {"model": "*"}, "access": {"agreement": "pending", "polls": 3}})
    check = checks_of(run("verify-creds", "--json"))["model"]
    assert (check["status"], check["code"], pauses) == ("warn", "Pending", [])


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {"model": "*"}, "access": {"agreement": "pending", "polls": 2}},
        {"when": {"operation": "ListFoundationModels"}, "times": 1,
         "deny": "bedrock:ListFoundationModels"},
    ],
)  # fmt: skip
def test_a_required_check_that_is_pending_or_denied_is_waited_for(
    rule: dict[str, Any], run: Run, use: Use, pauses: list[float]
) -> None:
    use(rule)
    run("verify-creds", "--wait", "2m", "--require", "model,reach")
    assert pauses


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, "credentials, AT_MOST: Unable to locate credentials"),
        (("AKIAOLDOLDOLDOLD0000", SECRET), "identity, AT_MOST: InvalidClientTokenId"),
    ],
)
def test_credentials_that_arrive_in_a_file_are_read(
    before: tuple[str, str] | None,
    reason: str,
    run: Run,
    use: Use,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(strict_auth=(KEY_ID, SECRET))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)
    looks: list[float] = []

    def write(keys: tuple[str, str]) -> None:
        (home / ".aws").mkdir(exist_ok=True)
        lines = f"aws_access_key_id = {keys[0]}\naws_secret_access_key = {keys[1]}\n"
        (home / ".aws" / "credentials").write_text(f"[default]\n{lines}")

    def pause(self: Output, seconds: float) -> None:
        looks.append(seconds)
        assert len(looks) < 5
        if len(looks) == 2:
            write((KEY_ID, SECRET))

    monkeypatch.setattr(Output, "pause", pause)
    if before:
        write(before)
    flags = ("--wait", "1h", "--require", "identity,model", "--json")
    result = run("verify-creds", *flags)
    assert json.loads(result.out)["credentials"]["method"] == "shared-credentials-file"
    assert len(looks) == 2
    [said] = waits(result)
    assert re.search(reason.replace("AT_MOST", r"(1h|59m .*s) at most"), said)


KEYS = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"


@pytest.fixture
def arriving(
    use: Use, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str], dict[str, str]], list[float]]:
    """AWS's own files as they are at first, and as they are two looks later."""
    use(strict_auth=(KEY_ID, SECRET))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SHARED_CREDENTIALS_FILE",
                 "AWS_CONFIG_FILE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    looks: list[float] = []

    def write(files: dict[str, str]) -> None:
        (home / ".aws").mkdir(exist_ok=True)
        for name, text in files.items():
            (home / ".aws" / name).write_text(text)

    def begin(before: dict[str, str], after: dict[str, str]) -> list[float]:
        def pause(self: Output, seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 2:
                write(after)

        monkeypatch.setattr(Output, "pause", pause)
        write(before)
        return looks

    return begin


@pytest.mark.parametrize(
    ("flags", "env", "before", "reason"),
    [
        (("--profile", "ci"), {}, {}, "config, AT_MOST: no AWS profile `ci`"),
        ((), {"AWS_PROFILE": "ci"}, {}, "config, AT_MOST: no AWS profile `ci`"),
        ((), {"AWS_PROFILE": "ci"}, {"credentials": "[default]\n"}, "no AWS profile `ci`"),
        ((), {"AWS_PROFILE": "ci"}, {"credentials": "[ci\naws_acc"}, "Unable to parse config file"),
        ((), {}, {"config": "[default]\nreg", "credentials": "[def"}, "Unable to parse config"),
        (
            ("--profile", "role"),
            {},
            {"config": "[profile role]\nrole_arn = arn:aws:iam::000000000000:role/x\n"
                       "source_profile = ci\n"},
            'credentials, AT_MOST: The source_profile "ci"',
        ),
    ],
)  # fmt: skip
def test_aws_s_own_files_are_waited_for_until_they_are_whole(
    flags: tuple[str, ...],
    env: dict[str, str],
    before: dict[str, str],
    reason: str,
    run: Run,
    arriving: Callable[..., list[float]],
) -> None:
    whole = {"config": "[default]\nregion = us-east-1\n"} if "role" not in flags else {}
    looks = arriving(before, {**whole, "credentials": f"[default]\n{KEYS}[ci]\n{KEYS}"})
    result = run("verify-creds", "--wait", "1h", "--only", "credentials", *flags, env=env)
    assert len(looks) == 2
    [said] = waits(result)
    assert re.search(reason.replace("AT_MOST", r"(1h|59m .*s) at most"), said)


@pytest.mark.parametrize("before", [{}, {"credentials": "[ci\naws_acc"}])
def test_files_that_never_become_whole_are_the_error_that_they_were(
    before: dict[str, str], run: Run, arriving: Callable[..., list[float]]
) -> None:
    looks = arriving(before, {})
    flags = ("verify-creds", "--profile", "ci", "--json")
    once = checks_of(run(*flags, code=3))
    assert looks == []
    assert checks_of(run(*flags, "--wait", "0.5", code=3)) == once
    assert looks


def test_the_tool_s_own_file_is_not_waited_for(
    run: Run, arriving: Callable[..., list[float]], home: Path
) -> None:
    looks = arriving({}, {})
    (home / "own.yaml").write_text("modl: x\n")
    flags = ("--config", str(home / "own.yaml"), "--profile", "ci")
    assert "did you mean `model`?" in run("verify-creds", "--wait", "1h", *flags, code=3).err
    assert looks == []


def test_each_change_of_reason_is_one_line(run: Run, use: Use) -> None:
    use({"when": TRUSTED, "times": 2, "error": {"type": "ThrottlingException"}},
        {"when": {"model": "*"}, "access": {"agreement": "pending", "polls": 4}})  # fmt: skip
    result = run("verify-creds", "--wait", "120", env={"AWS_MAX_ATTEMPTS": "1"})
    assert [line.split(",")[0] for line in waits(result)] == [
        "note: waiting for identity",
        "note: waiting for model",
    ]
    assert result.out.count("\nidentity\t") == 1


# What would not come


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--expect-account", "111122223333"), 11),
        (("--require", "logging"), 11),
        (("--require", "aws"), 11),
        (("--model", "opus-3"), 6),
        (("--region", "moon-1"), 3),
        (("--wait", "soon"), 2),
        (("--model", "no-such-model"), 2),
    ],
)
def test_what_only_another_command_mends_ends_at_once(
    flags: tuple[str, ...], code: int, run: Run, use: Use, pauses: list[float]
) -> None:
    use()
    run("verify-creds", "--wait", "120", *flags, code=code)
    assert pauses == []


def test_expired_keys_in_the_environment_end_at_once(
    run: Run, use: Use, pauses: list[float]
) -> None:
    use({"error": {"type": "ExpiredToken", "status": 403}})
    run("verify-creds", "--wait", "120", code=4)
    assert pauses == []


# Time


def test_the_last_look_is_the_report_and_its_exit_code(
    run: Run, use: Use, pauses: list[float]
) -> None:
    use({"error": {"type": "ThrottlingException"}})
    flags = ("--wait", "0.05", "--json")
    result = run("verify-creds", *flags, code=7, env={"AWS_MAX_ATTEMPTS": "1"})
    assert checks_of(result)["identity"]["exit_code"] == 7
    assert all(pause <= 0.05 for pause in pauses)


@pytest.mark.parametrize(("wait", "each"), [("14s", 1), ("1h", 3)])
def test_no_call_is_made_again_and_again_where_the_time_would_not_suffice(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, wait: str, each: int
) -> None:
    looks: list[float] = []

    def pause(self: Output, seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Output, "pause", pause)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    name = "GetFoundationModelAvailability"
    sandbox = use({"when": {"operation": name}, "error": {"type": "ThrottlingException"}})
    env = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "3"}
    run("verify-creds", "--only", "model", "--wait", wait, code=130, env=env)
    assert operations(sandbox).count(name) == 2 * each


def test_pauses_grow_and_never_reach_beyond_the_end() -> None:
    clock, pauses = [0.0], []

    class Report:
        checks = (Check("identity", "fail", "x", exit_code=7, code="X"),)
        credentials = type("Credentials", (), {"method": None})

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    said: list[str] = []
    report: Any = Report()
    found = verify_wait.patiently(
        lambda _: report, 42, renew=lambda: None, pause=pause, say=said.append, now=lambda: clock[0]
    )
    assert (found, pauses) == (report, [2, 3, 5, 7, 10, 10, 5])
    assert said == ["waiting for identity, 42s at most: x"]


def test_ctrl_c_ends_it(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use({"error": {"type": "ThrottlingException"}})

    def pause(self: Output, seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Output, "pause", pause)
    run("verify-creds", "--wait", "120", code=130, env={"AWS_MAX_ATTEMPTS": "1"})


# The billed call


def test_nothing_is_billed_before_all_the_rest_is_there(run: Run, use: Use) -> None:
    sandbox = use({"when": {"model": "*"}, "access": {"agreement": "pending", "polls": 3}})
    result = run("verify-creds", "--wait", "120", "--invoke", "--json")
    assert checks_of(result)["invoke"]["status"] == "ok"
    looks = operations(sandbox)
    assert looks.count("InvokeModelWithResponseStream") == 1
    assert looks[-1] == "InvokeModelWithResponseStream"
    assert looks.count("GetFoundationModelAvailability") >= 3


def test_what_was_not_tried_is_not_the_reason(run: Run, use: Use) -> None:
    use({"when": {"operation": "GetModelInvocationLogging*"}, "times": 1,
         "error": {"type": "ThrottlingException"}})  # fmt: skip
    flags = ("--wait", "120", "--invoke", "--require", "invoke")
    [said] = waits(run("verify-creds", *flags, env={"AWS_MAX_ATTEMPTS": "1"}))
    assert "waiting for logging, " in said


def test_time_that_is_up_bills_nothing(run: Run, use: Use) -> None:
    sandbox = use({"when": {"model": "*"}, "access": {"agreement": "pending", "polls": 10**6}})
    flags = ("--wait", "0.01", "--invoke", "--json")
    result = run("verify-creds", *flags, code=8)
    check = checks_of(result)["invoke"]
    assert (check["status"], check["code"]) == ("skip", "NotTried")
    assert json.loads(result.out)["ok"] is False
    assert "error: model: time is up, and the Marketplace agreement" in result.err
    assert "InvokeModelWithResponseStream" not in operations(sandbox)


def test_a_form_that_is_missing_is_waited_for(run: Run, use: Use, pauses: list[float]) -> None:
    use({"when": {"operation": "GetUseCase*"}, "times": 2,
         "error": {"type": "ResourceNotFoundException"}})  # fmt: skip
    [said] = waits(run("verify-creds", "--only", "model", "--wait", "120"))
    assert "use-case form was not submitted" in said
    assert len(pauses) == 2


def test_a_required_check_that_fails_bills_nothing(run: Run, use: Use) -> None:
    sandbox = use()
    run("verify-creds", "--invoke", "--require", "logging", code=11)
    assert "InvokeModelWithResponseStream" not in operations(sandbox)


def test_a_refused_proof_is_made_again(run: Run, use: Use) -> None:
    sandbox = use({"when": INVOKE, "times": 2, "error": DENIED})
    run("verify-creds", "--wait", "120", "--invoke", "--model", SONNET, "--region", "us-east-1")
    assert operations(sandbox).count("InvokeModelWithResponseStream") == 3


def test_a_proof_that_may_be_billed_is_not_made_again(
    run: Run, use: Use, pauses: list[float]
) -> None:
    use({"when": INVOKE, "error": {"type": "InternalServerException"}})
    run("verify-creds", "--wait", "120", "--invoke", code=7)
    assert pauses == []
