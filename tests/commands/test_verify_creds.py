"""`verify-creds`: every check by the front door, every source of credentials with real files."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.checks import NAMES
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Result, Run

SONNET = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
ACCOUNT = "000000000000"
KEY_ID, SECRET = "AKIAFAKEFAKEFAKE1234", "fake-secret-fake-secret-fake-secret-0000"
TOKEN = "fake-session-token-of-nobody"
Use = Callable[..., Sandbox]


def report(result: Result) -> dict[str, Any]:
    """The report of a `--json` run, with its checks by name."""
    told: dict[str, Any] = json.loads(result.out)
    told["by_name"] = {check["name"]: check for check in told["checks"]}
    return told


def statuses(told: dict[str, Any]) -> dict[str, str]:
    """Each check's status."""
    return {name: check["status"] for name, check in told["by_name"].items()}


def operations(sandbox: Sandbox) -> list[str]:
    """What arrived, sorted: the calls are made side by side."""
    return sorted(request["operation"] for request in sandbox.requests)


def in_time(**delta: float) -> str:
    """A moment from now, as AWS writes one."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def files(use: Use, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sandbox]:
    """A sandbox without keys in the environment, and ~/.aws with this config and credentials."""

    def write(config: str = "", credentials: str = "", *rules: dict[str, Any]) -> Sandbox:
        sandbox = use(*rules)
        for name in (
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_CONFIG_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
        ):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        folder = home / ".aws"
        folder.mkdir()
        (folder / "config").write_text(config)
        (folder / "credentials").write_text(credentials)
        return sandbox

    return write


# The whole run


def test_every_check_is_told_in_order_and_warnings_pass(run: Run) -> None:
    told = report(run("verify-creds", "--sandbox", "--json"))
    assert tuple(check["name"] for check in told["checks"]) == NAMES
    assert statuses(told) == {
        "config": "warn",
        "credentials": "ok",
        "identity": "ok",
        "expect": "skip",
        "ttl": "ok",
        "reach": "ok",
        "clock": "ok",
        "model": "ok",
        "invoke": "skip",
        "lifecycle": "ok",
        "logging": "warn",
    }
    assert told["clock_skew_seconds"] == 0
    assert (told["schema"], told["sandbox"], told["ok"]) == (1, True, True)
    assert (told["account"], told["aws"], told["model"]) == (ACCOUNT, False, SONNET)
    assert told["arn"] == f"arn:aws:iam::{ACCOUNT}:user/sandbox"
    assert told["region"] == "us-east-1"


def test_a_bare_run_makes_each_call_once_and_bills_nothing(run: Run, use: Use) -> None:
    sandbox = use()
    run("verify-creds")
    assert operations(sandbox) == [
        "GetCallerIdentity",
        "GetFoundationModelAvailability",
        "GetModelInvocationLoggingConfiguration",
        "GetUseCaseForModelAccess",
        "ListFoundationModels",
    ]


def test_a_pipe_gets_tab_separated_facts_and_checks(run: Run, use: Use) -> None:
    use()
    lines = [line.split("\t") for line in run("verify-creds").out.splitlines()]
    assert ["account", ACCOUNT] in lines
    assert ["region", "us-east-1 from AWS_REGION"] in lines
    checks = [line for line in lines if len(line) == 4]
    assert tuple(line[0] for line in checks) == NAMES
    assert {line[1] for line in checks} == {"ok", "warn", "skip"}


def test_a_failure_in_a_pipe_is_also_told_on_stderr(run: Run, use: Use) -> None:
    use()
    result = run("verify-creds", "--require", "logging", code=11)
    assert "error: logging: required, but model invocation logging is off" in result.err
    assert "hint: " in result.err


def test_a_terminal_gets_columns_and_whole_commands(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("COLUMNS", "60")
    shown = run("verify-creds", terminal=True)
    assert "\x1b[33mwarn \x1b[0m" in shown.out
    assert max(map(len, shown.out.replace("\x1b[", "").splitlines())) <= 75
    plain = run("verify-creds", terminal=True, env={"NO_COLOR": "1"})
    assert "\x1b" not in plain.out
    assert "\nidentity     ok     STS knows" in plain.out
    assert "`--invoke` makes one" in plain.out


# Choosing checks


@pytest.mark.parametrize(
    ("only", "calls"),
    [
        ("config", []),
        ("credentials", []),
        ("ttl", []),
        ("identity", ["GetCallerIdentity"]),
        ("expect", ["GetCallerIdentity"]),
        ("reach", ["ListFoundationModels"]),
        ("clock", ["GetCallerIdentity"]),
        ("lifecycle", ["ListFoundationModels"]),
        ("model", ["GetFoundationModelAvailability", "GetUseCaseForModelAccess"]),
        ("logging", ["GetModelInvocationLoggingConfiguration"]),
        ("invoke", []),
    ],
)
def test_only_makes_no_other_call(run: Run, use: Use, only: str, calls: list[str]) -> None:
    sandbox = use()
    told = report(run("verify-creds", "--only", only, "--json"))
    assert operations(sandbox) == calls
    assert set(told["by_name"]) == {only, "config"}  # the endpoint is not AWS's own


def test_what_a_flag_asks_for_is_checked_also_beside_only(run: Run, use: Use) -> None:
    use()
    flags = ("--only", "credentials", "--expect-account", ACCOUNT, "--min-ttl", "1h")
    told = report(run("verify-creds", *flags, "--json"))
    assert set(told["by_name"]) == {"config", "credentials", "expect", "ttl"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--only", "identty"), "did you mean `identity`?"),
        (("--require", "model,awz"), "did you mean `aws`?"),
        (("--only", "aws"), "--only knows no check `aws`"),
        (("--expect-account", "12345"), "12 digits"),
        (("--min-ttl", "soon"), "`soon` is no duration"),
        (("--model", "sonet"), "did you mean `sonnet`"),
        (("--preset", "nope"), "no preset `nope`"),
    ],
)
def test_bad_usage_is_no_report(run: Run, use: Use, flags: tuple[str, ...], message: str) -> None:
    sandbox = use()
    result = run("verify-creds", *flags, code=2)
    assert message in result.err
    assert result.out == ""
    assert sandbox.requests == []


@pytest.mark.parametrize("name", ["logging", "expect", "invoke"])
def test_require_makes_warn_and_skip_a_failure(run: Run, use: Use, name: str) -> None:
    use()
    told = report(run("verify-creds", "--require", name, "--json", code=11))
    assert told["by_name"][name]["status"] == "fail"
    assert told["by_name"][name]["exit_code"] == 11
    assert told["ok"] is False


def test_require_takes_what_is_ok(run: Run, use: Use) -> None:
    use()
    run("verify-creds", "--require", "identity,reach", "--require", "model")


def test_the_exit_code_is_the_first_failure_s(run: Run, use: Use) -> None:
    use({"when": {"operation": "ListFoundationModels"}, "error": {"type": "ThrottlingException"}})
    env = {"AWS_MAX_ATTEMPTS": "1"}
    run("verify-creds", "--require", "logging", code=7, env=env)
    run("verify-creds", "--require", "logging", "--expect-arn", "x", code=11)


# Endpoints


def test_an_endpoint_that_is_not_aws_is_warned_of_and_required_away(run: Run, use: Use) -> None:
    sandbox = use()
    told = report(run("verify-creds", "--json"))
    assert sandbox.url in told["by_name"]["config"]["detail"]
    assert told["endpoint_urls"] == dict.fromkeys(
        ("sts", "bedrock", "bedrock-runtime"), sandbox.url
    )
    told = report(run("verify-creds", "--require", "aws", "--json", code=11))
    assert told["by_name"]["config"]["code"] == "Unmet"


def test_one_service_s_endpoint_is_enough_to_warn(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://user:pw@127.0.0.1:9/x")
    told = report(run("verify-creds", "--only", "config", "--json"))
    assert told["endpoint_urls"]["sts"] is None
    assert "http://127.0.0.1:9/x" in told["by_name"]["config"]["detail"]
    assert "pw" not in json.dumps(told)


def test_a_vpc_endpoint_is_aws_s_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://vpce-0a1b.bedrock-runtime.us-east-1.vpce.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)
    told = report(run("verify-creds", "--only", "config", "--require", "aws", "--json"))
    assert (told["aws"], statuses(told)) == (True, {"config": "ok"})


def test_endpoints_of_the_profile_count_and_can_be_ignored(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        "[default]\nservices = here\n[services here]\nbedrock_runtime =\n"
        "  endpoint_url = http://localhost:1\n"
    )
    told = report(run("verify-creds", "--only", "config", "--json"))
    assert told["endpoint_urls"]["bedrock-runtime"] == "http://localhost:1"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert report(run("verify-creds", "--only", "config", "--json"))["aws"] is True


def test_an_endpoint_that_is_no_url_is_a_config_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    told = report(run("verify-creds", "--json", code=3))
    assert "no URL" in told["by_name"]["config"]["detail"]


# Config


def test_a_broken_config_file_fails_first_and_the_rest_is_not_tried(
    run: Run, use: Use, tmp_path: Path
) -> None:
    sandbox = use()
    path = tmp_path / "broken.yaml"
    path.write_text("modl: sonnet\nmax_tokens: many\n")
    told = report(run("verify-creds", "--config", str(path), "--json", code=3))
    config = told["by_name"]["config"]
    assert f"{path}:1:1" in config["detail"]
    assert f"{path}:2:1" in config["detail"]
    assert {check["status"] for check in told["checks"][1:]} == {"skip"}
    assert (told["region"], sandbox.requests) == (None, [])


def test_an_unknown_profile_is_a_config_failure(run: Run) -> None:
    told = report(run("verify-creds", "--profile", "nobody", "--json", code=3))
    assert "nobody" in told["by_name"]["config"]["detail"]
    assert "aws configure" in told["by_name"]["config"]["hint"]


def test_a_broken_aws_config_is_a_config_failure(run: Run, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text("[default\nregion = us-east-1\n")
    assert "config" in report(run("verify-creds", "--json", code=3))["by_name"]["config"]["detail"]


# Sources of credentials


def test_no_credentials_names_the_ways_to_get_some(run: Run) -> None:
    check = report(run("verify-creds", "--json", code=4))["by_name"]["credentials"]
    for way in (
        "aws configure",
        "aws configure sso",
        "Command line or programmatic access",
        "--sandbox",
    ):
        assert way in check["hint"]


def test_keys_in_the_environment_never_expire_and_are_masked(run: Run, use: Use) -> None:
    use(strict_auth=(KEY_ID, SECRET))
    env = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    told = report(run("verify-creds", "--min-ttl", "30d", "--json", env=env))
    found = told["credentials"]
    assert (found["method"], found["access_key_id"]) == ("env", "AKIA****1234")
    assert (found["end_known"], found["expires_at"]) == (True, None)


def test_the_shared_file_s_profile_is_named(run: Run, files: Use) -> None:
    files("[profile dev]\nregion = eu-west-1\n", f"[dev]\n{_keys(KEY_ID, SECRET)}")
    told = report(run("verify-creds", "--profile", "dev", "--region", "eu-west-1", "--json"))
    found = told["credentials"]
    assert found["method"] == "shared-credentials-file"
    assert (found["profile"], found["profile_source"]) == ("dev", "--profile")
    assert found["source"] == "the shared credentials file"
    assert (told["region"], told["region_source"]) == ("eu-west-1", "--region")


def test_the_default_profile_is_named_too(run: Run, files: Use) -> None:
    files("", f"[default]\n{_keys(KEY_ID, SECRET)}")
    assert report(run("verify-creds", "--json"))["credentials"]["profile"] == "default"


def test_environment_keys_beat_aws_profile_but_not_the_flag(
    run: Run, files: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    files("", f"[dev]\n{_keys('AKIADEVDEVDEVDEV9999', SECRET)}")
    for name, value in _environment(KEY_ID, SECRET).items():
        monkeypatch.setenv(name, value)
    result = run("verify-creds", "--json", env={"AWS_PROFILE": "dev"})
    assert report(result)["credentials"]["method"] == "env"
    assert report(result)["credentials"]["profile"] is None
    assert "not profile dev" in result.err
    told = report(run("verify-creds", "--profile", "dev", "--json"))
    assert told["credentials"]["access_key_id"] == "AKIA****9999"


def test_an_assumed_role_shows_its_arn_and_end(run: Run, files: Use) -> None:
    files(
        "[profile ops]\nrole_arn = arn:aws:iam::000000000000:role/ops\nsource_profile = base\n"
        "role_session_name = me\n",
        f"[base]\n{_keys(KEY_ID, SECRET)}",
    )
    told = report(run("verify-creds", "--profile", "ops", "--min-ttl", "15m", "--json"))
    assert told["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/me"
    assert told["credentials"]["method"] == "assume-role"
    assert 3000 < told["credentials"]["seconds_left"] <= 3600
    late = report(run("verify-creds", "--profile", "ops", "--min-ttl", "2h", "--json", code=11))
    assert "2h were asked for" in late["by_name"]["ttl"]["detail"]


def test_a_role_that_may_not_be_assumed_is_exit_4(run: Run, files: Use) -> None:
    files(
        "[profile ops]\nrole_arn = arn:aws:iam::000000000000:role/ops\nsource_profile = base\n",
        f"[base]\n{_keys(KEY_ID, SECRET)}",
        {"deny": "sts:AssumeRole"},
    )
    check = report(run("verify-creds", "--profile", "ops", "--json", code=4))["by_name"]
    assert "sts:AssumeRole" in check["credentials"]["detail"]
    assert "trust policy" in check["credentials"]["hint"]
    assert check["identity"]["status"] == "skip"


def test_role_settings_that_sts_cannot_take_are_exit_3(run: Run, files: Use) -> None:
    files(
        "[profile ops]\nrole_arn = arn:aws:iam::000000000000:role/ops\nsource_profile = base\n"
        "role_session_name = x\n",
        f"[base]\n{_keys(KEY_ID, SECRET)}",
    )
    check = report(run("verify-creds", "--profile", "ops", "--json", code=3))["by_name"]
    assert "RoleSessionName" in check["credentials"]["detail"]


def test_half_a_key_is_exit_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    check = report(run("verify-creds", "--json", code=4))["by_name"]["credentials"]
    assert "AWS_SECRET_ACCESS_KEY" in check["detail"]


def test_a_credential_process_is_a_source(run: Run, files: Use, tmp_path: Path) -> None:
    answer = {
        "Version": 1,
        "AccessKeyId": KEY_ID,
        "SecretAccessKey": SECRET,
        "SessionToken": TOKEN,
        "Expiration": in_time(hours=2),
    }
    command = _process(tmp_path, json.dumps(answer))
    files(f"[profile made]\ncredential_process = {command}\n")
    found = report(run("verify-creds", "--profile", "made", "--json"))["credentials"]
    assert found["method"] == "custom-process"
    assert 7000 < found["seconds_left"] <= 7200


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("no json at all", "did not print a JSON object"),
        ("[]", "did not print a JSON object"),
        ('{"Version": 2}', "Unsupported version"),
        ('{"Version": 1, "AccessKeyId": "AKIAFAKEFAKEFAKE1234"}', "SecretAccessKey"),
    ],
)
def test_a_credential_process_that_prints_garbage_is_exit_4(
    run: Run, files: Use, tmp_path: Path, printed: str, told: str
) -> None:
    files(f"[profile made]\ncredential_process = {_process(tmp_path, printed)}\n")
    check = report(run("verify-creds", "--profile", "made", "--json", code=4))["by_name"]
    assert told in check["credentials"]["detail"]


def test_a_credential_process_that_is_not_there_is_exit_4(run: Run, files: Use) -> None:
    files("[profile made]\ncredential_process = /no/such/program\n")
    check = report(run("verify-creds", "--profile", "made", "--json", code=4))["by_name"]
    assert "/no/such/program" in check["credentials"]["detail"]


SSO = "sso_account_id = 111122223333\nsso_role_name = Dev\nregion = us-east-1\n"
SESSION = (
    "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\n"
    "sso_registration_scopes = sso:account:access\n"
    f"[profile dev]\nsso_session = corp\n{SSO}"
)
LEGACY = f"[profile dev]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\n{SSO}"


@pytest.mark.parametrize(
    ("config", "cached"),
    [
        (SESSION, None),
        (SESSION, "corp"),
        (LEGACY, "https://corp.example/start"),
    ],
    ids=["never logged in", "expired session", "expired legacy profile"],
)
def test_sso_prints_the_exact_login_command(
    run: Run, files: Use, home: Path, config: str, cached: str | None
) -> None:
    files(config)
    if cached:
        folder = home / ".aws" / "sso" / "cache"
        folder.mkdir(parents=True)
        name = hashlib.sha1(cached.encode()).hexdigest()
        token = {
            "startUrl": "https://corp.example/start",
            "region": "us-east-1",
            "accessToken": "fake-sso-access-token",
            "expiresAt": "2020-01-01T00:00:00Z",
        }
        (folder / f"{name}.json").write_text(json.dumps(token))
    result = run("verify-creds", "--profile", "dev", "--json", code=4)
    check = report(result)["by_name"]["credentials"]
    assert check["hint"] == "`aws sso login --profile dev`"
    assert "fake-sso-access-token" not in result.out + result.err


def test_a_role_over_sso_names_the_profile_to_log_in_with(run: Run, files: Use) -> None:
    files(
        f"{SESSION}[profile ops]\nrole_arn = arn:aws:iam::111122223333:role/ops\n"
        "source_profile = dev\n"
    )
    check = report(run("verify-creds", "--profile", "ops", "--json", code=4))["by_name"]
    assert check["credentials"]["hint"] == "`aws sso login --profile dev`"


# Web identities


CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "sts.amazonaws.com",
    "sub": "repo:acme/app:ref:refs/heads/main",
    "exp": 1767225600,
}
ROLE = "arn:aws:iam::000000000000:role/ci"


@pytest.fixture
def web(files: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sandbox]:
    """A sandbox, and the environment of a CI job with a web identity token."""

    def start(token: str, *rules: dict[str, Any]) -> Sandbox:
        path = tmp_path / "token"
        path.write_text(token)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(path))
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "job")
        return files("", "", *rules)

    return start


def test_a_web_identity_is_a_source(run: Run, web: Use) -> None:
    web(_jwt(CLAIMS))
    told = report(run("verify-creds", "--min-ttl", "15m", "--json"))
    assert told["credentials"]["method"] == "assume-role-with-web-identity"
    assert told["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/job"


def test_a_refused_web_identity_prints_its_claims_and_the_condition(run: Run, web: Use) -> None:
    token = _jwt(CLAIMS)
    refusal = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    web(
        token,
        {
            "when": {"operation": "AssumeRoleWithWebIdentity"},
            "error": {"type": "AccessDenied", "message": refusal},
        },
    )
    result = run("verify-creds", "--json", code=4)
    told = report(result)
    check = told["by_name"]["credentials"]
    for claim in (CLAIMS["iss"], CLAIMS["aud"], CLAIMS["sub"], "2026-01-01T00:00:00Z"):
        assert str(claim) in check["detail"]
    condition = told["credentials"]["web_identity"]["condition"]
    assert condition == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": CLAIMS["aud"],
            "token.actions.githubusercontent.com:sub": CLAIMS["sub"],
        }
    }
    assert json.dumps(condition) in check["hint"]
    assert ROLE in check["hint"]
    assert all(part not in result.out + result.err for part in token.split(".")[1:])


def test_a_token_file_that_holds_no_token_says_so(run: Run, web: Use) -> None:
    expired = {"type": "InvalidIdentityToken", "status": 400, "message": "bad token"}
    web("nonsense", {"when": {"operation": "AssumeRoleWithWebIdentity"}, "error": expired})
    result = run("verify-creds", "--json", code=4)
    assert "holds no JSON Web Token" in report(result)["by_name"]["credentials"]["detail"]
    assert "nonsense" not in result.out + result.err


def test_a_missing_token_file_is_exit_4(run: Run, web: Use, tmp_path: Path) -> None:
    web("x")
    (tmp_path / "token").unlink()
    check = report(run("verify-creds", "--json", code=4))["by_name"]["credentials"]
    assert "No such file" in check["detail"]


# Containers


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A loopback address that answers as a container's credentials endpoint."""
    servers: list[HTTPServer] = []

    def start(status: int, body: dict[str, str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *args: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_address[1]}/creds"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_container_s_role_is_a_source(
    run: Run, files: Use, container: Callable[..., None]
) -> None:
    files()
    container(
        200,
        {
            "AccessKeyId": "ASIAFAKEFAKEFAKE1234",
            "SecretAccessKey": SECRET,
            "Token": TOKEN,
            "Expiration": in_time(hours=1),
        },
    )
    told = report(run("verify-creds", "--min-ttl", "5h", "--json", code=11))
    assert told["credentials"]["source"] == "the container's role"
    assert "renewed before they end" in told["by_name"]["ttl"]["hint"]


# Ends


def test_temporary_keys_without_an_end_fail_min_ttl(run: Run, use: Use) -> None:
    use()
    env = _environment("ASIAFAKEFAKEFAKE1234", SECRET) | {"AWS_SESSION_TOKEN": TOKEN}
    told = report(run("verify-creds", "--json", env=env))
    assert (told["by_name"]["ttl"]["status"], told["credentials"]["end_known"]) == ("skip", False)
    check = report(run("verify-creds", "--min-ttl", "1m", "--json", code=11))["by_name"]["ttl"]
    assert "nobody tells" in check["detail"]
    assert "AWS_CREDENTIAL_EXPIRATION" in check["hint"]


def test_aws_credential_expiration_is_read(run: Run, use: Use) -> None:
    use()
    env = _environment("ASIAFAKEFAKEFAKE1234", SECRET) | {
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_CREDENTIAL_EXPIRATION": in_time(minutes=50),
    }
    run("verify-creds", "--min-ttl", "45m", env=env)
    shown = run("verify-creds", "--min-ttl", "1h", code=11)
    assert "1h were asked for" in shown.out


@pytest.mark.parametrize(
    ("end", "told"),
    [("2026-01-01T00:00:00Z", "have expired"), ("tomorrow-ish", "is no date")],
)
def test_an_end_in_the_past_or_of_no_sense_is_exit_4(
    run: Run, use: Use, end: str, told: str
) -> None:
    sandbox = use()
    env = _environment("ASIAFAKEFAKEFAKE1234", SECRET) | {"AWS_CREDENTIAL_EXPIRATION": end}
    check = report(run("verify-creds", "--json", code=4, env=env))["by_name"]["credentials"]
    assert told in check["detail"]
    assert sandbox.requests == []


# Expectations


@pytest.mark.parametrize(
    ("flag", "value", "code"),
    [
        ("--expect-account", "000000000000", 0),
        ("--expect-account", "0000-0000-0000", 0),
        ("--expect-account", "111122223333", 11),
        ("--expect-arn", "arn:aws:iam::*:user/sand*", 0),
        ("--expect-arn", "arn:aws:iam::*:role/*", 11),
    ],
)
def test_expectations(run: Run, use: Use, flag: str, value: str, code: int) -> None:
    use()
    run("verify-creds", "--only", "identity", flag, value, code=code)


def test_nothing_is_paid_for_in_an_unexpected_account(run: Run, use: Use) -> None:
    sandbox = use()
    flags = ("--invoke", "--expect-account", "111122223333")
    told = report(run("verify-creds", *flags, "--json", code=11))
    assert told["by_name"]["invoke"]["status"] == "skip"
    assert not any("Invoke" in each and "Logging" not in each for each in _invocations(sandbox))


# AWS's refusals


def test_a_role_with_nothing_but_invoke_passes_and_is_told_the_actions(run: Run, use: Use) -> None:
    use(
        {"deny": "bedrock:ListFoundationModels"},
        {"deny": "bedrock:GetFoundationModelAvailability"},
        {"deny": "bedrock:GetUseCaseForModelAccess"},
        {"deny": "bedrock:GetModelInvocationLoggingConfiguration"},
    )
    told = report(run("verify-creds", "--invoke", "--json"))
    for name, action in (
        ("reach", "bedrock:ListFoundationModels"),
        ("model", "bedrock:GetFoundationModelAvailability"),
        ("logging", "bedrock:GetModelInvocationLoggingConfiguration"),
    ):
        check = told["by_name"][name]
        assert (check["status"], check["detail"]) == ("skip", f"IAM does not allow {action}")
    assert statuses(told)["invoke"] == "ok"
    assert "catalogue" in told["by_name"]["lifecycle"]["detail"]


def test_another_action_s_refusal_is_no_skip(run: Run, use: Use) -> None:
    text = "User: arn:aws:iam::000000000000:user/k is not authorized to perform: "
    text += "bedrock:CallWithBearerToken"
    refusal = {"type": "AccessDeniedException", "message": text}
    use({"when": {"operation": "ListFoundationModels"}, "error": refusal})
    told = report(run("verify-creds", "--json", code=5))
    assert told["by_name"]["reach"]["code"] == "AccessDeniedException"


def test_wrong_keys_are_told_once(run: Run, use: Use) -> None:
    use(strict_auth=(KEY_ID, SECRET))
    told = report(run("verify-creds", "--json", code=4, env=_environment(KEY_ID, "wrong" * 8)))
    check = told["by_name"]["identity"]
    assert (check["code"], check["exit_code"]) == ("SignatureDoesNotMatch", 4)
    assert "aws configure" in check["hint"]
    assert check["request_id"]
    unknown = report(run("verify-creds", "--json", code=4, env=_environment("AKIA" * 5, SECRET)))
    assert unknown["by_name"]["identity"]["code"] == "InvalidClientTokenId"


def test_one_cause_is_one_failure(run: Run, use: Use) -> None:
    use({"error": {"type": "ExpiredTokenException"}})
    told = report(run("verify-creds", "--json", code=4))
    assert [check["name"] for check in told["checks"] if check["status"] == "fail"] == ["identity"]
    assert "same reason as identity" in told["by_name"]["reach"]["detail"]
    assert "renew" in told["by_name"]["identity"]["hint"]


def test_a_wrong_clock_is_named(run: Run, use: Use) -> None:
    text = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"
    use({"error": {"type": "SignatureDoesNotMatch", "message": text}})
    check = report(run("verify-creds", "--json", code=4))["by_name"]["identity"]
    assert "clock" in check["hint"]


def test_sts_out_of_reach_is_exit_7_and_bedrock_is_asked_all_the_same(run: Run, use: Use) -> None:
    use()
    env = {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    told = report(run("verify-creds", "--json", code=7, env=env))
    assert statuses(told)["identity"] == "fail"
    assert statuses(told)["reach"] == "ok"
    assert told["account"] is None


def test_bedrock_out_of_reach_is_exit_7(run: Run, use: Use) -> None:
    use()
    env = {"AWS_ENDPOINT_URL_BEDROCK": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    told = report(run("verify-creds", "--json", code=7, env=env))
    assert statuses(told)["identity"] == "ok"
    assert [name for name, status in statuses(told).items() if status == "fail"] == ["reach"]


# The model


def test_the_use_case_form_is_named_where_it_is_missing(run: Run, use: Use) -> None:
    text = "Model use case details have not been submitted for this account."
    refusal = {"type": "ResourceNotFoundException", "message": text}
    use({"when": {"operation": "GetFoundationModelAvailability"}, "error": refusal})
    check = report(run("verify-creds", "--json", code=5))["by_name"]["model"]
    assert "use-case form" in check["hint"]
    assert SONNET not in check["detail"]
    assert "sonnet-4.5" in check["hint"]


@pytest.mark.parametrize(
    ("rule", "status", "words"),
    [
        ({"account": {"form": False}}, "fail", "use-case form was not submitted"),
        ({"access": {"agreement": "none"}}, "fail", "no Marketplace agreement"),
        ({"access": {"agreement": "error"}}, "fail", "The AWS Marketplace subscription"),
        ({"access": {"authorized": False}}, "fail", "not authorized"),
        ({"access": {"entitled": False}}, "fail", "not entitled"),
        ({"access": {"agreement": "pending"}}, "warn", "being made"),
        ({"account": {"retention": "default"}}, "ok", "is open"),
    ],
)
def test_it_says_of_a_model_what_access_check_says(
    run: Run, use: Use, rule: dict[str, Any], status: str, words: str
) -> None:
    use(rule)
    code = {"fail": 5, "warn": 11, "ok": 0}[status]
    check = report(run("verify-creds", "--require", "model", "--json", code=code))["by_name"]
    assert words in check["model"]["detail"]
    assert (check["model"]["hint"] is None) == (status == "ok")
    same = {"fail": 5, "warn": 8, "ok": 0}[status]
    run("access", "check", "sonnet-4.5", code=same)


def test_a_data_retention_mode_that_the_model_refuses_is_exit_5(run: Run, use: Use) -> None:
    use({"account": {"retention": "default"}})
    flags = ("--only", "model", "--model", "fable-5.1", "--json")
    check = report(run("verify-creds", *flags, code=5))["by_name"]["model"]
    assert "data-retention mode default" in check["detail"]


def test_a_model_that_is_open_as_far_as_iam_shows_passes_with_a_word(run: Run, use: Use) -> None:
    use({"deny": "bedrock:GetUseCaseForModelAccess"})
    check = report(run("verify-creds", "--require", "model", "--json"))["by_name"]["model"]
    assert check["status"] == "ok"
    assert "IAM does not allow bedrock:GetUseCaseForModelAccess" in check["detail"]


def test_a_mode_that_iam_hides_is_a_warning_where_the_model_minds(run: Run, use: Use) -> None:
    use({"deny": "bedrock:GetAccountDataRetention"})
    flags = ("verify-creds", "--only", "model", "--json", "--model")
    check = report(run(*flags, "fable-5.1"))["by_name"]["model"]
    assert check["status"] == "warn"
    assert "bedrock:GetAccountDataRetention" in check["detail"]
    assert report(run(*flags, "sonnet-4.5"))["by_name"]["model"]["status"] == "ok"


def test_a_form_that_cannot_be_asked_for_just_now_is_exit_7(run: Run, use: Use) -> None:
    use({"when": {"operation": "GetUseCase*"}, "error": {"type": "ThrottlingException"}})
    run("verify-creds", "--only", "model", code=7, env={"AWS_MAX_ATTEMPTS": "1"})


def test_bedrock_mantle_asks_for_no_form(run: Run, use: Use, home: Path) -> None:
    sandbox = use({"account": {"form": False}})
    config = home / "mantle.yaml"
    config.write_text("via: mantle\n")
    run("verify-creds", "--only", "model", "--model", "opus-5", "--config", str(config))
    assert operations(sandbox) == ["GetFoundationModelAvailability"]


def test_a_model_that_the_region_does_not_offer_is_exit_6(run: Run, use: Use) -> None:
    use()
    flags = ("--model", "opus-4.1", "--region", "eu-west-1")
    told = report(run("verify-creds", *flags, "--json", code=6))
    assert told["by_name"]["model"]["status"] == "fail"
    assert statuses(told)["reach"] == "ok"


def test_a_legacy_model_is_warned_of_with_its_successor(run: Run, use: Use) -> None:
    use()
    told = report(run("verify-creds", "--model", "opus-4.1", "--json"))
    check = told["by_name"]["lifecycle"]
    assert check["status"] == "warn"
    assert "2027-01-08" in check["detail"]
    assert "opus-" in check["hint"]


def test_an_arn_of_which_bedrock_tells_nothing_is_skipped(run: Run, use: Use) -> None:
    use()
    arn = "arn:aws:bedrock:us-east-1:000000000000:provisioned-model/abc"
    told = report(run("verify-creds", "--model", arn, "--json"))
    assert (statuses(told)["model"], statuses(told)["lifecycle"]) == ("skip", "skip")


def test_invoke_makes_one_call_of_one_token(run: Run, use: Use) -> None:
    sandbox = use()
    told = report(run("verify-creds", "--invoke", "--json"))
    check = told["by_name"]["invoke"]
    assert check["status"] == "ok"
    assert SONNET in check["detail"]
    assert check["request_id"]
    assert _invocations(sandbox) == ["InvokeModelWithResponseStream"]
    assert _bodies(sandbox)[0]["max_tokens"] == 1


def test_an_identity_that_may_not_invoke_is_exit_5(run: Run, use: Use) -> None:
    use({"deny": "bedrock:InvokeModel*"})
    told = report(run("verify-creds", "--invoke", "--json", code=5))
    assert statuses(told)["model"] == "ok"
    assert told["by_name"]["invoke"]["exit_code"] == 5


def test_logging_that_is_on_is_told_with_its_place(run: Run, use: Use) -> None:
    use()
    run("enable-logging", "--yes", "--log-group", "/aws/bedrock/calls")
    told = report(run("verify-creds", "--require", "logging", "--json"))
    assert "/aws/bedrock/calls" in told["by_name"]["logging"]["detail"]


# API keys

API_KEY = "fake-bedrock-api-key"


@pytest.fixture
def key(
    use: Use, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sandbox]:
    """A sandbox behind TLS, and nothing but an API key in the environment."""

    def start(*rules: dict[str, Any]) -> Sandbox:
        sandbox = use(*rules, tls=certificate, strict_auth=("AKIAUNUSEDUNUSED0000", API_KEY))
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_CA_BUNDLE", certificate[0])
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
        return sandbox

    return start


def test_an_api_key_is_identified_through_bedrock(run: Run, key: Use) -> None:
    sandbox = key()
    result = run("verify-creds", "--json")
    told = report(result)
    assert operations(sandbox) == [
        "GetFoundationModelAvailability",
        "GetModelInvocationLoggingConfiguration",
        "GetUseCaseForModelAccess",
        "ListFoundationModels",
    ]
    assert "STS cannot tell" in told["by_name"]["identity"]["detail"]
    assert (told["account"], told["credentials"]["api_key"]) == (None, True)
    assert API_KEY not in result.out + result.err


def test_only_identity_of_an_api_key_is_one_call(run: Run, key: Use) -> None:
    sandbox = key()
    run("verify-creds", "--only", "identity")
    assert operations(sandbox) == ["ListFoundationModels"]


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (("--expect-account", ACCOUNT), "expect"),
        (("--expect-arn", "*"), "expect"),
        (("--min-ttl", "1s"), "ttl"),
    ],
)
def test_what_an_api_key_cannot_prove_is_unmet(
    run: Run, key: Use, flags: tuple[str, ...], name: str
) -> None:
    key()
    told = report(run("verify-creds", *flags, "--json", code=11))
    assert told["by_name"][name]["exit_code"] == 11


def test_a_wrong_api_key_is_exit_4(run: Run, key: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    key()
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "another-fake-key")
    result = run("verify-creds", "--json", code=4)
    check = report(result)["by_name"]["identity"]
    assert "AWS_BEARER_TOKEN_BEDROCK" in check["hint"]
    assert "another-fake-key" not in result.out + result.err


def test_an_api_key_that_may_not_list_is_not_proven_but_passes(run: Run, key: Use) -> None:
    key({"deny": "bedrock:ListFoundationModels"})
    told = report(run("verify-creds", "--json"))
    assert statuses(told)["identity"] == statuses(told)["reach"] == "skip"


def test_an_api_key_over_http_is_a_config_failure(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    told = report(run("verify-creds", "--json", code=3))
    assert "https" in told["by_name"]["identity"]["detail"].lower()


# Secrets


@pytest.mark.parametrize("format", [("--json",), ()])
def test_secrets_never_appear(run: Run, use: Use, format: tuple[str, ...]) -> None:
    use(strict_auth=(KEY_ID, "another"))
    env = _environment(KEY_ID, SECRET) | {"AWS_SESSION_TOKEN": TOKEN}
    for terminal in (False, True):
        result = run("verify-creds", *format, "--debug", code=4, terminal=terminal, env=env)
        everything = result.out + result.err
        assert "AKIA****1234" in everything
        assert not [each for each in (KEY_ID, SECRET, TOKEN) if each in everything]


def _keys(key: str, secret: str) -> str:
    return f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


def _environment(key: str, secret: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}


def _process(folder: Path, printed: str) -> str:
    path = folder / "process.py"
    path.write_text(f"print({printed!r})")
    return f"{sys.executable} {path}"


def _jwt(claims: dict[str, Any]) -> str:
    parts = [{"alg": "none"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b"c2lnbmF0dXJl"]).decode()


def _invocations(sandbox: Sandbox) -> list[str]:
    return [
        request["operation"]
        for request in sandbox.requests
        if request["operation"].startswith(("InvokeModel", "Converse"))
    ]


def _bodies(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [
        request["body"]
        for request in sandbox.requests
        if request["operation"] == "InvokeModelWithResponseStream"
    ]


@pytest.mark.parametrize(("status", "code"), [(200, 7), (403, 5), (502, 7)])
def test_a_page_from_between_is_a_report_with_a_failed_identity(
    run: Run, web_page: Callable[[int, str], str], status: int, code: int
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAENDPOINTEXAMPLEX", "AWS_SECRET_ACCESS_KEY": "fake-secret"}
    env = {**keys, "AWS_ENDPOINT_URL": web_page(status, "<html>no</html>"), "AWS_MAX_ATTEMPTS": "1"}
    told = json.loads(run("verify-creds", "--json", env=env, code=code).out)
    identity = next(check for check in told["checks"] if check["name"] == "identity")
    assert identity["status"] == "fail"
    assert "may have worked" not in str(told)


def test_invoke_tells_that_streaming_is_denied(run: Run, use: Use) -> None:
    use({"deny": "bedrock:InvokeModelWithResponseStream"})
    told = run("verify-creds", "--invoke")
    assert "grant bedrock:InvokeModelWithResponseStream" in told.err


def test_only_nothing_is_a_usage_error(run: Run) -> None:
    assert "names no check" in run("verify-creds", "--only", "", code=2).err
