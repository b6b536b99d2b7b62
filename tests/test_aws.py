"""The session factory through the front door: who signs, from where, to where, and how long."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.aws import UNSTREAMED_TIMEOUT, Aws
from bedrock_claude_cli.config import load
from bedrock_claude_cli.errors import AuthError, ConfigError
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENTXXXXX", "AWS_SECRET_ACCESS_KEY": "fake-env-secret"}
PROFILES = """
[profile dev]
aws_access_key_id = AKIAPROFILEDEVXXXXXX
aws_secret_access_key = fake-dev-secret
region = eu-west-1
[profile other]
aws_access_key_id = AKIAPROFILEOTHERXXXX
aws_secret_access_key = fake-other-secret
"""
API_KEY = "fake-bedrock-api-key"
Start = Callable[..., Sandbox]


@pytest.fixture
def aws_config(home: Path) -> Callable[..., Path]:
    """Writes ~/.aws/config; the profiles dev and other unless told otherwise."""

    def write(text: str = PROFILES) -> Path:
        path = home / ".aws" / "config"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def reach(sandbox_with: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """A sandbox at AWS_ENDPOINT_URL, and nothing else of the environment changed."""

    def start(*rules: dict[str, Any], **settings: Any) -> Sandbox:
        sandbox = sandbox_with(*rules, **settings)
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.url)
        return sandbox

    return start


def _aws(
    monkeypatch: pytest.MonkeyPatch, flags: Mapping[str, Any] | None = None, **env: str
) -> Aws:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return Aws(load(flags or {}, os.environ), os.environ)


def _signer(sandbox: Sandbox) -> str:
    """The access key id that signed the last request; `***`, as the sandbox notes API keys."""
    authorization = sandbox.requests[-1]["headers"]["authorization"]
    kind, _, rest = authorization.partition(" ")
    return str(rest) if kind == "Bearer" else str(rest.split("=")[1].split("/")[0])


class TestWhoPays:
    """Which identity signs the request that arrives."""

    @pytest.mark.parametrize(
        ("argv", "env", "file", "signer", "note"),
        [
            ([], {}, "", "AKIAENVIRONMENTXXXXX", ""),
            (["--profile", "dev"], {}, "", "AKIAPROFILEDEVXXXXXX", ""),
            ([], {"BEDROCK_CLAUDE_PROFILE": "dev"}, "", "AKIAPROFILEDEVXXXXXX", ""),
            ([], {"AWS_PROFILE": "dev"}, "", "AKIAENVIRONMENTXXXXX", "dev (from AWS_PROFILE)"),
            ([], {}, "profile: dev", "AKIAENVIRONMENTXXXXX", "dev (from {file})"),
            (["--preset", "p"], {}, "presets: {p: {profile: dev}}", "AKIAENVIRONMENTXXXXX",
             "dev (from --preset p)"),
            (["--profile", "dev"], {"BEDROCK_CLAUDE_PROFILE": "other"}, "",
             "AKIAPROFILEDEVXXXXXX", ""),
            ([], {"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "dev"}, "", "AKIAPROFILEDEVXXXXXX", ""),
            ([], {"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "other"}, "",
             "AKIAPROFILEOTHERXXXX", ""),
            ([], {"AWS_ACCESS_KEY_ID": ""}, "profile: other", "AKIAPROFILEOTHERXXXX", ""),
        ],
    )  # fmt: skip
    def test_only_an_explicit_profile_overrules_keys(
        self,
        run: Run,
        reach: Start,
        aws_config: Callable[..., Path],
        tmp_path: Path,
        argv: list[str],
        env: dict[str, str],
        file: str,
        signer: str,
        note: str,
    ) -> None:
        aws_config()
        sandbox = reach()
        path = tmp_path / "c.yaml"
        path.write_text(file, encoding="utf-8")
        config = {"BEDROCK_CLAUDE_CONFIG": str(path), "AWS_REGION": "us-east-1"}
        result = run("ask", "hi", *argv, env=KEYS | config | env)
        assert _signer(sandbox) == signer
        told = f"the keys in AWS_ACCESS_KEY_ID are used, not profile {note.format(file=path)}"
        assert (told in result.err) == bool(note)

    @pytest.mark.parametrize(
        ("argv", "env", "signer", "note"),
        [
            ([], {}, "***", False),
            ([], {"AWS_PROFILE": "dev"}, "***", True),
            ([], {"BEDROCK_CLAUDE_PROFILE": "dev"}, "***", True),
            (["--profile", "dev"], {}, "AKIAPROFILEDEVXXXXXX", False),
            ([], {"AWS_BEARER_TOKEN_BEDROCK": ""}, "AKIAENVIRONMENTXXXXX", False),
        ],
    )
    def test_an_api_key_beats_all_but_the_flag(
        self,
        run: Run,
        reach: Start,
        aws_config: Callable[..., Path],
        certificate: tuple[str, str],
        argv: list[str],
        env: dict[str, str],
        signer: str,
        note: bool,
    ) -> None:
        """What arrives over TLS, which botocore demands for API keys."""
        aws_config()
        sandbox = reach(tls=certificate)
        given = {"AWS_BEARER_TOKEN_BEDROCK": API_KEY, "AWS_CA_BUNDLE": certificate[0]}
        result = run("ask", "hi", *argv, env=KEYS | given | {"AWS_REGION": "eu-west-1"} | env)
        assert _signer(sandbox) == signer
        assert ("the Bedrock API key in AWS_BEARER_TOKEN_BEDROCK is used" in result.err) == note

    def test_an_unknown_certificate_is_unavailable(
        self, run: Run, reach: Start, certificate: tuple[str, str]
    ) -> None:
        reach(tls=certificate)
        told = run("ask", "hi", "--retries", "0", env=KEYS, code=7).err
        assert "AWS_CA_BUNDLE" in told

    def test_a_bundle_that_is_absent_names_its_path(
        self, run: Run, reach: Start, certificate: tuple[str, str]
    ) -> None:
        reach(tls=certificate)
        env = KEYS | {"AWS_CA_BUNDLE": "/no/such/bundle.pem"}
        assert "/no/such/bundle.pem" in run("ask", "hi", "--retries", "0", env=env, code=3).err

    def test_an_api_key_needs_https(self, run: Run, reach: Start) -> None:
        reach()
        told = run("ask", "hi", env={"AWS_BEARER_TOKEN_BEDROCK": API_KEY}, code=3).err
        assert "HTTPS" in told
        assert "API key from AWS_BEARER_TOKEN_BEDROCK" in told

    @pytest.mark.parametrize(
        "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                 "AWS_BEARER_TOKEN_BEDROCK"],
    )  # fmt: skip
    @pytest.mark.parametrize("value", ["fake-value\n", "fake value", "f\u00e4ke-value"])
    def test_a_key_that_no_header_carries_is_not_shown(
        self, run: Run, reach: Start, name: str, value: str
    ) -> None:
        sandbox = reach()
        told = run("ask", "hi", "--debug", env=KEYS | {name: value}, code=4).err
        assert f"error: {name} holds a space, a line break" in told
        assert value.strip() not in told
        assert not sandbox.requests

    def test_half_a_key_is_an_error(self, run: Run, reach: Start) -> None:
        reach()
        told = run("ask", "hi", env={"AWS_ACCESS_KEY_ID": "AKIAHALFXXXXXXXXXXXX"}, code=4).err
        assert "missing: AWS_SECRET_ACCESS_KEY" in told
        assert "hint: set both halves of the key" in told

    def test_no_credentials_at_all(self, run: Run, reach: Start) -> None:
        reach()
        told = run("ask", "hi", code=4).err
        assert "`aws configure`" in told
        assert "`--sandbox`" in told

    def test_empty_variables_are_taken_out_of_the_process(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _aws(monkeypatch, AWS_BEARER_TOKEN_BEDROCK="", AWS_SESSION_TOKEN="", AWS_REGION="x")
        assert "AWS_BEARER_TOKEN_BEDROCK" not in os.environ
        assert "AWS_SESSION_TOKEN" not in os.environ
        assert os.environ["AWS_REGION"] == "x"


class TestProfilesAndRegions:
    """What is named, and what is wrong with it."""

    @pytest.mark.parametrize(
        ("argv", "env", "source"),
        [
            (["--profile", "deb"], {}, "--profile"),
            ([], {"AWS_PROFILE": "deb"}, "AWS_PROFILE"),
            ([], {"AWS_PROFILE": "deb", **KEYS}, "AWS_PROFILE"),
            ([], {"BEDROCK_CLAUDE_PROFILE": "deb", "AWS_PROFILE": "gone"},
             "BEDROCK_CLAUDE_PROFILE"),
        ],
    )  # fmt: skip
    def test_an_unknown_profile(
        self, run: Run, aws_config: Callable[..., Path], argv: list[str], env: dict[str, str],
        source: str,
    ) -> None:  # fmt: skip
        aws_config()
        told = run("ask", "hi", *argv, env=env, code=3).err
        assert f"error: no AWS profile `deb` (from {source}); did you mean `dev`?\n" in told
        assert "hint: profiles: dev, other\n" in told

    def test_an_unknown_profile_where_there_is_none(self, run: Run) -> None:
        told = run("ask", "hi", "--profile", "dev", code=3).err
        assert told == (
            "error: no AWS profile `dev` (from --profile)\nhint: `aws configure --profile dev`\n"
        )

    @pytest.mark.parametrize("text", ["", "sso_session = corp\n"])
    def test_a_name_of_two_words_is_quoted(
        self, run: Run, aws_config: Callable[..., Path], text: str
    ) -> None:
        if text:
            session = (
                "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://x.example/"
            )
            aws_config(f"[profile 'our team']\nregion = us-east-1\n{text}sso_account_id = 1\n"
                       f"sso_role_name = r\n{session}\n")  # fmt: skip
        command = "aws sso login" if text else "aws configure"
        told = run("ask", "hi", "--profile", "our team", code=4 if text else 3).err
        assert f"hint: `{command} --profile 'our team'`\n" in told

    def test_a_missing_aws_profile_does_not_hinder_another(
        self, run: Run, reach: Start, aws_config: Callable[..., Path]
    ) -> None:
        aws_config()
        sandbox = reach()
        run("ask", "hi", "--profile", "dev", env={"AWS_PROFILE": "gone"})
        assert _signer(sandbox) == "AKIAPROFILEDEVXXXXXX"

    @pytest.mark.parametrize("text", ["[profile x\n", "[default]\nregion = caf\udce9\n"])
    def test_a_broken_aws_config(self, run: Run, home: Path, text: str) -> None:
        (home / ".aws").mkdir()
        (home / ".aws" / "config").write_bytes(text.encode("utf-8", "surrogateescape"))
        told = run("ask", "hi", code=3).err
        assert f"Unable to parse config file: {home}/.aws/config" in told
        assert "{" not in told

    def test_the_region_of_the_request_and_its_source_in_an_error(
        self, run: Run, reach: Start, aws_config: Callable[..., Path]
    ) -> None:
        aws_config()
        sandbox = reach({"error": {"type": "AccessDeniedException"}})
        told = run("ask", "hi", "--profile", "dev", code=5).err
        used = "(region eu-west-1 from AWS profile dev, profile dev from --profile, request "
        assert used in told, told
        assert sandbox.requests[-1]["region"] == "eu-west-1"
        env = KEYS | {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}
        told = run("ask", "hi", env=env, code=5).err
        assert "(region eu-west-2 from AWS_REGION, keys from AWS_ACCESS_KEY_ID, " in told

    def test_a_region_that_is_none(self, run: Run) -> None:
        told = run("ask", "hi", "--region", "Frankfurt!", env=KEYS, code=3).err
        assert "hint: a region is written like `us-east-1`" in told

    def test_what_changes_an_account_needs_a_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigError, match="no region"):
            _aws(monkeypatch).required_region()
        assert _aws(monkeypatch, AWS_DEFAULT_REGION="eu-west-1").required_region() == "eu-west-1"


SSO_SESSION = """
[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Reader
region = us-east-1
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.example/start
"""
SSO_LEGACY = """
[profile dev]
sso_start_url = https://corp.example/start
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = Reader
region = us-east-1
"""


class Credentials(BaseHTTPRequestHandler):
    """A container's credentials endpoint."""

    def do_GET(self) -> None:
        """Answer with keys to whoever has the token."""
        good = self.headers.get("Authorization") == "container-token"
        keys = {
            "AccessKeyId": "ASIACONTAINERXXXXXXX", "SecretAccessKey": "fake", "Token": "fake",
            "Expiration": "2099-01-01T00:00:00Z",
        }  # fmt: skip
        self.send_response(200 if good else 403)
        self.end_headers()
        self.wfile.write(json.dumps(keys if good else {"message": "no"}).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Proxy(BaseHTTPRequestHandler):
    """A proxy that notes who is asked for and then refuses."""

    seen: list[str]

    def do_CONNECT(self) -> None:
        """Note the host."""
        self.seen.append(self.path)
        self.send_error(502)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class TestSourcesOfCredentials:
    """Everything that botocore's chain knows."""

    @pytest.mark.parametrize(
        ("text", "key"),
        [(SSO_SESSION, "corp"), (SSO_LEGACY, "https://corp.example/start")],
        ids=["session", "legacy"],
    )
    @pytest.mark.parametrize("expired", [False, True])
    def test_sso_needs_a_login(
        self, run: Run, aws_config: Callable[..., Path], home: Path, text: str, key: str,
        expired: bool,
    ) -> None:  # fmt: skip
        aws_config(text)
        if expired:
            cache = home / ".aws" / "sso" / "cache"
            cache.mkdir(parents=True)
            name = hashlib.sha1(key.encode()).hexdigest()
            token = {"accessToken": "fake", "expiresAt": "2020-01-01T00:00:00Z",
                     "region": "us-east-1", "startUrl": "https://corp.example/start"}  # fmt: skip
            (cache / f"{name}.json").write_text(json.dumps(token), encoding="utf-8")
        told = run("ask", "hi", "--profile", "dev", code=4).err
        assert "hint: `aws sso login --profile dev`\n" in told
        assert "profile dev from --profile" in told

    def test_assume_role_through_sts(
        self, run: Run, reach: Start, aws_config: Callable[..., Path], home: Path
    ) -> None:
        aws_config(
            PROFILES + "[profile role]\nrole_arn = arn:aws:iam::000000000000:role/reader\n"
            "source_profile = dev\n"
        )
        sandbox = reach()
        run("ask", "hi", "--profile", "role", "--region", "us-east-1")
        assert sandbox.requests[0]["operation"] == "AssumeRole"
        assert _signer(sandbox).startswith("ASIASANDBOX")
        assert not (home / ".aws" / "cli").exists(), "a sandbox's keys in the AWS CLI's cache"

    def test_a_source_profile_s_sso_is_what_has_to_be_renewed(
        self, run: Run, aws_config: Callable[..., Path]
    ) -> None:
        aws_config(
            SSO_SESSION + "[profile role]\nrole_arn = arn:aws:iam::000000000000:role/reader\n"
            "source_profile = dev\n"
        )
        told = run("ask", "hi", "--profile", "role", "--region", "us-east-1", code=4).err
        assert "hint: `aws sso login --profile dev`\n" in told

    def test_a_web_identity(self, run: Run, reach: Start, tmp_path: Path) -> None:
        sandbox = reach()
        token = tmp_path / "token"
        token.write_text("fake.jwt.token", encoding="utf-8")
        env = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_REGION": "us-east-1",
            "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/ci",
        }  # fmt: skip
        run("ask", "hi", env=env)
        assert sandbox.requests[0]["operation"] == "AssumeRoleWithWebIdentity"
        assert _signer(sandbox).startswith("ASIASANDBOX")

    def test_a_web_identity_without_its_file(self, run: Run, reach: Start) -> None:
        reach()
        env = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/no/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
        assert "/no/token: No such file" in run("ask", "hi", env=env, code=4).err

    @pytest.mark.parametrize(
        ("prints", "code"),
        [
            ('{"Version": 1, "AccessKeyId": "AKIAPROCESSXXXXXXXXX", "SecretAccessKey": "fake"}', 0),
            ("garbage", 4), ("[]", 4), ('{"Version": 2}', 4), ("", 4),
        ],
    )  # fmt: skip
    def test_a_credential_process(
        self, run: Run, reach: Start, aws_config: Callable[..., Path], tmp_path: Path,
        prints: str, code: int,
    ) -> None:  # fmt: skip
        sandbox = reach()
        output = tmp_path / "output"
        output.write_text(prints, encoding="utf-8")
        aws_config(f"[profile dev]\ncredential_process = cat {output}\n")
        result = run("ask", "hi", "--profile", "dev", code=code)
        if code:
            assert "by hand" in result.err
        else:
            assert _signer(sandbox) == "AKIAPROCESSXXXXXXXXX"

    @pytest.mark.parametrize(("token", "code"), [("container-token", 0), ("wrong", 4)])
    def test_a_container_s_role(
        self, run: Run, reach: Start, serve: Callable[..., str], token: str, code: int
    ) -> None:
        sandbox = reach()
        env = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": serve(Credentials) + "/role",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1",
        }
        run("ask", "hi", env=env, code=code)
        assert bool(sandbox.requests) == (code == 0)
        if not code:
            assert _signer(sandbox) == "ASIACONTAINERXXXXXXX"


class TestTheCacheOfRoleSessions:
    """~/.aws/cli/cache, which the AWS CLI reads too."""

    @pytest.fixture
    def role(self, aws_config: Callable[..., Path]) -> str:
        """A profile that assumes a role."""
        aws_config(
            PROFILES + "[profile role]\nrole_arn = arn:aws:iam::000000000000:role/reader\n"
            "source_profile = dev\n"
        )
        return "role"

    def _cache(self, monkeypatch: pytest.MonkeyPatch, role: str) -> Any:
        aws = _aws(monkeypatch, {"profile": role, "region": "us-east-1"})
        provider = aws.session.get_component("credential_provider").get_provider("assume-role")
        return provider.cache

    def test_its_files_are_for_the_user_only(
        self, monkeypatch: pytest.MonkeyPatch, role: str, home: Path
    ) -> None:
        self._cache(monkeypatch, role)["abc"] = {"Credentials": {}}
        path = home / ".aws" / "cli" / "cache" / "abc.json"
        assert json.loads(path.read_text("utf-8")) == {"Credentials": {}}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_home_that_cannot_be_written_is_fine(
        self, monkeypatch: pytest.MonkeyPatch, role: str, home: Path
    ) -> None:
        (home / ".aws" / "cli").write_text("in the way", encoding="utf-8")
        cache = self._cache(monkeypatch, role)
        cache["abc"] = {}
        assert "abc" not in cache

    def test_two_roles_never_share_an_entry(
        self, monkeypatch: pytest.MonkeyPatch, aws_config: Callable[..., Path]
    ) -> None:
        from botocore.credentials import AssumeRoleCredentialFetcher

        roles = [("arn:aws:iam::1:role/a", {}), ("arn:aws:iam::1:role/b", {}),
                 ("arn:aws:iam::1:role/a", {"ExternalId": "x"}),
                 ("arn:aws:iam::1:role/a", {"SerialNumber": "mfa"})]  # fmt: skip
        keys = {
            AssumeRoleCredentialFetcher(None, None, arn, extra_args=extra)._create_cache_key()
            for arn, extra in roles
        }
        assert len(keys) == len(roles)


class TestEndpoints:
    """Where a request goes."""

    def _url(
        self, monkeypatch: pytest.MonkeyPatch, service: str = "bedrock-runtime", **env: str
    ) -> str:
        aws = _aws(monkeypatch, {"region": "us-east-1"}, **env)
        return str(aws.client(service).meta.endpoint_url)

    @pytest.mark.parametrize(
        ("env", "url"),
        [
            ({}, "https://bedrock-runtime.us-east-1.amazonaws.com"),
            ({"AWS_USE_FIPS_ENDPOINT": "true"},
             "https://bedrock-runtime-fips.us-east-1.amazonaws.com"),
            ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://bedrock-runtime.us-east-1.api.aws"),
            ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
            ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1",
              "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:2"}, "http://127.0.0.1:2"),
            ({"AWS_ENDPOINT_URL_BEDROCK": "http://127.0.0.1:2"},
             "https://bedrock-runtime.us-east-1.amazonaws.com"),
            ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1",
              "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
             "https://bedrock-runtime.us-east-1.amazonaws.com"),
            ({"AWS_ENDPOINT_URL": ""}, "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ],
    )  # fmt: skip
    def test_variables(
        self, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], url: str
    ) -> None:
        assert self._url(monkeypatch, **env) == url

    def test_the_services_section_of_a_profile(
        self, monkeypatch: pytest.MonkeyPatch, aws_config: Callable[..., Path]
    ) -> None:
        aws_config(
            "[profile dev]\nservices = local\n[services local]\nbedrock_runtime =\n"
            "  endpoint_url = http://127.0.0.1:3\n"
        )
        assert self._url(monkeypatch, AWS_PROFILE="dev") == "http://127.0.0.1:3"
        assert "amazonaws.com" in self._url(monkeypatch, "bedrock", AWS_PROFILE="dev")

    def test_an_endpoint_without_a_scheme(self, run: Run) -> None:
        told = run("ask", "hi", env=KEYS | {"AWS_ENDPOINT_URL": "localhost"}, code=3).err
        assert "Invalid endpoint: localhost" in told
        assert "hint: AWS_ENDPOINT_URL* is written like https://HOST" in told

    def test_a_proxy_is_asked(self, run: Run, serve: Callable[..., str]) -> None:
        Proxy.seen = []
        env = KEYS | {"HTTPS_PROXY": serve(Proxy), "AWS_REGION": "eu-west-1"}
        run("ask", "hi", "--retries", "0", env=env, code=7)
        assert Proxy.seen == ["bedrock-runtime.eu-west-1.amazonaws.com:443"]


class TestClients:
    """How patient a client is."""

    def test_the_runtime_client_never_retries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        aws = _aws(monkeypatch, {"timeout": "90"}, AWS_MAX_ATTEMPTS="7", AWS_RETRY_MODE="legacy")
        config = aws.client("bedrock-runtime").meta.config
        assert config.retries == {"total_max_attempts": 1, "mode": "standard"}
        assert (config.connect_timeout, config.read_timeout, config.tcp_keepalive) == (10, 90, True)
        assert "bedrock-claude/" in config.user_agent_extra
        patient = aws.client("bedrock-runtime", read_timeout=UNSTREAMED_TIMEOUT)
        assert patient.meta.config.read_timeout == 3600

    def test_the_default_timeout_is_900_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert _aws(monkeypatch).client("bedrock-runtime").meta.config.read_timeout == 900

    @pytest.mark.parametrize("service", ["sts", "bedrock"])
    def test_others_retry_as_botocore_does(
        self, run: Run, reach: Start, monkeypatch: pytest.MonkeyPatch, service: str
    ) -> None:
        sandbox = reach({"error": {"type": "ServiceUnavailableException"}, "times": 1})
        aws = _aws(monkeypatch, {"region": "us-east-1"}, **KEYS)
        client = aws.client(service)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        call = {"sts": "get_caller_identity", "bedrock": "list_foundation_models"}[service]
        getattr(client, call)()
        assert [each["status"] for each in sandbox.requests] == [503, 200]
        assert client.meta.config.connect_timeout == 10

    def test_the_user_agent_names_this_tool(self, run: Run, use: Start) -> None:
        sandbox = use()
        run("ask", "hi")
        assert "bedrock-claude/" in sandbox.requests[-1]["headers"]["user-agent"]

    def test_another_region_than_the_session_s(self, monkeypatch: pytest.MonkeyPatch) -> None:
        aws = _aws(monkeypatch, AWS_REGION="us-east-1")
        assert aws.client("bedrock", region="eu-west-1").meta.region_name == "eu-west-1"


WRONG = {
    "AWS_PROFILE": "no-such", "AWS_REGION": "nowhere", "AWS_ACCESS_KEY_ID": "bad\n",
    "AWS_BEARER_TOKEN_BEDROCK": "fake", "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_CONFIG_FILE": "/no/such", "AWS_CA_BUNDLE": "/no/such", "AWS_USE_FIPS_ENDPOINT": "true",
    "BEDROCK_CLAUDE_PROFILE": "no-such", "ANTHROPIC_BEDROCK_BASE_URL": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9", "AWS_EMPTY": "",
}  # fmt: skip


class TestTheEmbeddedSandbox:
    """--sandbox, which reads nothing of the user's AWS settings and leaves nothing behind."""

    def test_wrong_settings_do_not_matter_and_come_back(
        self, run: Run, aws_config: Callable[..., Path]
    ) -> None:
        aws_config("[broken\n")
        run("config", "path", env=WRONG)
        before = dict(os.environ)
        result = run("ask", "hi", "--sandbox")
        assert "canned answer" in result.out
        assert (
            result.err
            == "note: sandbox: canned answers, nothing reaches AWS and nothing is billed\n"
        )
        assert dict(os.environ) == before

    def test_the_environment_comes_back_after_an_error(self, run: Run) -> None:
        before = dict(os.environ)
        run("ask", "hi", "--sandbox", "--max-tokens", "0", code=2)
        run("ask", "hi", "--sandbox", "--model", "nonsense", code=2)
        assert dict(os.environ) == before

    def test_a_profile_beside_it_is_a_usage_error(self, run: Run) -> None:
        assert "--profile" in run("ask", "hi", "--sandbox", "--profile", "dev", code=2).err

    @pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
    def test_the_variable_switches_it_on(self, run: Run, value: str) -> None:
        assert "canned" in run("ask", "hi", env={"BEDROCK_CLAUDE_SANDBOX": value}).out

    @pytest.mark.parametrize("value", ["", "0", "false", "No", "off"])
    def test_the_variable_switches_it_off(self, run: Run, value: str) -> None:
        run("ask", "hi", env={"BEDROCK_CLAUDE_SANDBOX": value}, code=4)

    def test_no_sandbox_overrules_the_variable(self, run: Run) -> None:
        run("ask", "hi", "--no-sandbox", env={"BEDROCK_CLAUDE_SANDBOX": "1"}, code=4)

    def test_another_value_is_a_usage_error(self, run: Run) -> None:
        told = run("ask", "hi", env={"BEDROCK_CLAUDE_SANDBOX": "maybe"}, code=2).err
        assert "BEDROCK_CLAUDE_SANDBOX is 1 or 0, not `maybe`" in told

    def test_own_settings_still_count(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "c.yaml"
        path.write_text("region: eu-west-1\nprofile: no-such\n", encoding="utf-8")
        result = run("config", "show", "--sandbox", "--config", str(path), env=WRONG)
        assert f"region\teu-west-1\t{path}" in result.out
        assert "profile\t-\tthe sandbox" in result.out
        result = run("config", "show", "--sandbox", env={"BEDROCK_CLAUDE_REGION": "ap-south-1"})
        assert "region\tap-south-1\tBEDROCK_CLAUDE_REGION" in result.out

    def test_rules_from_a_file(self, run: Run, home: Path) -> None:
        path = home / "rules.yaml"
        path.write_text("- {reply: {text: from a rule}}\n", encoding="utf-8")
        for value in (str(path), "~/rules.yaml"):
            result = run("ask", "hi", "--sandbox", env={"BEDROCK_CLAUDE_SANDBOX_SCRIPT": value})
            assert result.out == "from a rule\n"

    def test_broken_rules_are_told_with_their_places(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "rules.yaml"
        path.write_text(
            "- when: {operatoin: x, model: 5}\n  reply: {text: 5}\n- times: 0\n- {}\n",
            encoding="utf-8",
        )
        told = run(
            "ask", "hi", "--sandbox", env={"BEDROCK_CLAUDE_SANDBOX_SCRIPT": str(path)}, code=3
        ).err
        lines = told.removeprefix("error: ").replace(f"{path}:", "").splitlines()
        assert lines == [
            "1:10 rules[0].when.operatoin: unknown key; did you mean 'operation'?",
            "1:24 rules[0].when.model: must be text",
            "2:11 rules[0].reply.text: must be text",
            "3:3 rules[1].times: must be a whole number from 1",
            "3:3 rules[1]: does nothing: needs reply, error, stream, deny, empty, job, "
            "access or account",
            "4:3 rules[2]: does nothing: needs reply, error, stream, deny, empty, job, "
            "access or account",
        ]

    @pytest.mark.parametrize(
        ("text", "told"),
        [("a: b\n", ":1:1 must be a list"), ("- [\n", "not YAML"), ("word\n", "must be a list")],
    )
    def test_rules_that_are_no_list(self, run: Run, tmp_path: Path, text: str, told: str) -> None:
        path = tmp_path / "rules.yaml"
        path.write_text(text, encoding="utf-8")
        env = {"BEDROCK_CLAUDE_SANDBOX_SCRIPT": str(path)}
        assert told in run("ask", "hi", "--sandbox", env=env, code=3).err

    def test_rules_that_are_absent(self, run: Run) -> None:
        env = {"BEDROCK_CLAUDE_SANDBOX_SCRIPT": "/no/rules.yaml"}
        told = run("ask", "hi", "--sandbox", env=env, code=3).err
        assert "/no/rules.yaml: cannot be read: No such file or directory" in told

    def test_json_says_that_it_is_the_sandbox(self, run: Run) -> None:
        assert json.loads(run("ask", "hi", "--sandbox", "--json").out)["sandbox"] is True


def test_keys_describe_themselves_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = _aws(monkeypatch, {}, **KEYS).keys()
    assert (keys.method, keys.access_key_id, keys.temporary) == ("env", "AKIA****XXXX", False)
    assert base64.b64encode(b"fake-env-secret").decode() not in repr(keys)
    with pytest.raises(AuthError):
        _aws(monkeypatch, {}, **KEYS | {"AWS_SESSION_TOKEN": "a b"}).keys()
