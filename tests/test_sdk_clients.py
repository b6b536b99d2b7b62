"""The anthropic SDK's clients go where boto3's go, as whom boto3's go, and wait as long."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli import sdk_clients
from bedrock_claude_cli.aws import CONNECT_TIMEOUT, Aws
from bedrock_claude_cli.config import load
from bedrock_claude_cli.errors import ConfigError
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENTXXXXX", "AWS_SECRET_ACCESS_KEY": "fake-env-secret"}
API_KEY = "fake-bedrock-api-key"
Make = Callable[..., Any]
both = pytest.mark.parametrize("make", [sdk_clients.bedrock, sdk_clients.mantle])
via_sdk = pytest.mark.parametrize("via", ["sdk", "mantle"])


def aws(monkeypatch: pytest.MonkeyPatch, flags: Mapping[str, Any] | None = None, **env: str) -> Aws:
    """A session factory in this environment."""
    for name, value in {**KEYS, **env}.items():
        monkeypatch.setenv(name, value)
    return Aws(load(flags or {}, os.environ), os.environ)


def asking(via: str, *more: str) -> list[str]:
    """The arguments of a question to a model that both ways have."""
    return ["ask", "Hello", "--via", via, "-m", "haiku-4.5", "--retries", "0", *more]


@pytest.mark.parametrize(
    ("region", "env", "url"),
    [
        ("eu-west-1", {}, "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ("us-east-1", {"AWS_USE_FIPS_ENDPOINT": "true"},
         "https://bedrock-runtime-fips.us-east-1.amazonaws.com"),
        ("us-east-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
         "https://bedrock-runtime.us-east-1.api.aws"),
        ("cn-north-1", {}, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        ("us-east-1", {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://vpce.example"},
         "https://vpce.example"),
        ("us-east-1", {"AWS_ENDPOINT_URL": "https://all.example"}, "https://all.example"),
        ("us-east-1", {"AWS_ENDPOINT_URL": "https://all.example",
                       "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
         "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("us-east-1", {"ANTHROPIC_BEDROCK_BASE_URL": "https://wrong.example"},
         "https://bedrock-runtime.us-east-1.amazonaws.com"),
    ],
)  # fmt: skip
def test_bedrock_is_where_botocore_finds_it(
    region: str, env: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sdk_clients.bedrock(aws(monkeypatch, {"region": region}, AWS_REGION="xx-1", **env))
    assert str(client.base_url).rstrip("/") == url
    assert client.aws_region == region


@pytest.mark.parametrize(
    ("region", "env", "url"),
    [
        ("eu-north-1", {}, "https://bedrock-mantle.eu-north-1.api.aws/anthropic"),
        ("us-east-1", {"AWS_ENDPOINT_URL_BEDROCK_MANTLE": "https://vpce.example/"},
         "https://vpce.example/anthropic"),
        ("us-east-1", {"AWS_ENDPOINT_URL": "https://all.example"},
         "https://all.example/anthropic"),
        ("us-east-1", {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://other.example",
                       "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": "https://wrong.example"},
         "https://bedrock-mantle.us-east-1.api.aws/anthropic"),
    ],
)  # fmt: skip
def test_mantle_is_in_the_region(
    region: str, env: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sdk_clients.mantle(aws(monkeypatch, {"region": region}, AWS_REGION="xx-1", **env))
    assert str(client.base_url).rstrip("/") == url


def test_the_endpoint_of_an_aws_profile_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(
        "[default]\nregion = eu-west-1\nservices = here\n[services here]\n"
        "bedrock_runtime =\n  endpoint_url = https://runtime.example\n"
        "bedrock_mantle =\n  endpoint_url = https://mantle.example\n"
    )
    made = aws(monkeypatch)
    assert "//runtime.example" in str(sdk_clients.bedrock(made).base_url)
    assert "//mantle.example/anthropic" in str(sdk_clients.mantle(made).base_url)


def test_mantle_has_no_fips_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    made = aws(monkeypatch, {"region": "us-east-1"}, AWS_USE_FIPS_ENDPOINT="true")
    with pytest.raises(ConfigError, match="no FIPS endpoint"):
        sdk_clients.mantle(made)


@both
def test_it_tries_once_and_waits_as_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = aws(monkeypatch, {"region": "us-east-1", "timeout": 77})
    client = make(made)
    assert client.max_retries == 0
    assert (client.timeout.read, client.timeout.connect) == (77, CONNECT_TIMEOUT)
    assert make(made, read_timeout=3600).timeout.read == 3600
    made.close()
    assert client.is_closed()


@via_sdk
@pytest.mark.parametrize("token", [None, "fake-session-token"])
def test_requests_are_signed_for_the_right_service(
    via: str, token: str | None, run: Run, use: Callable[..., Sandbox]
) -> None:
    """The sandbox computes the signature anew, as AWS does."""
    key = "ASIASTRICTEXAMPLEXXX" if token else "AKIASTRICTEXAMPLEXXX"
    sandbox = use(strict_auth=(key, "strict-secret"))
    env = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "strict-secret"}
    env |= {"AWS_SESSION_TOKEN": token} if token else {}
    # Whatever else the SDK would take for credentials, or for headers of its own.
    env |= {"ANTHROPIC_AWS_API_KEY": "wrong", "ANTHROPIC_API_KEY": "wrong",
            "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer wrong",
            "AWS_BEARER_TOKEN_BEDROCK": ""}  # fmt: skip
    assert "canned answer" in run(*asking(via), env=env).out
    service = "bedrock-mantle" if via == "mantle" else "bedrock"
    assert f"/us-east-1/{service}/" in sandbox.requests[0]["headers"]["authorization"]
    wrong = {"AWS_SECRET_ACCESS_KEY": "wrong"}
    assert "signature we calculated" in run(*asking(via), env=wrong, code=4).err


@via_sdk
def test_an_api_key_is_sent_and_a_profile_s_flag_beats_it(
    via: str,
    run: Run,
    use: Callable[..., Sandbox],
    home: Path,
    certificate: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox = use(tls=certificate)
    config = home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text("[profile dev]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    env = {"AWS_BEARER_TOKEN_BEDROCK": API_KEY, "AWS_CA_BUNDLE": certificate[0]}
    run(*asking(via), env=env)
    assert sandbox.requests[0]["headers"]["authorization"] == "Bearer ***"
    run(*asking(via, "--profile", "dev"))
    assert "AKIAPROFILE/" in sandbox.requests[1]["headers"]["authorization"]


@via_sdk
def test_an_api_key_does_not_travel_in_clear(
    via: str, run: Run, use: Callable[..., Sandbox]
) -> None:
    sandbox = use()
    run(*asking(via), env={"AWS_BEARER_TOKEN_BEDROCK": API_KEY}, code=3)
    assert sandbox.requests == []


@via_sdk
def test_without_credentials_nothing_is_sent(
    via: str, run: Run, use: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use()
    for name in KEYS:
        monkeypatch.delenv(name)
    assert "error: Unable to locate credentials" in run(*asking(via), code=4).err
    assert sandbox.requests == []


@via_sdk
def test_certificates_of_botocore_s_variables_are_trusted(
    via: str, run: Run, use: Callable[..., Sandbox], certificate: tuple[str, str]
) -> None:
    use(tls=certificate)
    env = {"REQUESTS_CA_BUNDLE": certificate[0]}
    assert "canned answer" in run(*asking(via), env=env).out
    env = {"AWS_CA_BUNDLE": "/no/such/bundle.pem"}
    assert "no such certificate bundle" in run(*asking(via), env=env, code=3).err


@via_sdk
def test_proxies_are_used_and_no_proxy_heeded(
    via: str, run: Run, use: Callable[..., Sandbox], sandbox_with: Callable[..., Sandbox]
) -> None:
    """Another sandbox stands in for the proxy: it sees the whole URL in the request line."""
    sandbox, proxy = use(), sandbox_with()
    env = {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url, "HTTPS_PROXY": "http://127.0.0.1:9"}
    run(*asking(via), env=env, code=6)
    assert sandbox.requests == []
    assert proxy.requests[0]["path"].startswith(sandbox.url)
    run(*asking(via), env={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
    assert len(sandbox.requests) == len(proxy.requests) == 1
