"""TLS with a throw-away certificate, which API keys need."""

from __future__ import annotations

import json
import ssl
import urllib.request
from pathlib import Path

import pytest
from anthropic import AnthropicBedrock
from botocore.exceptions import ClientError, SSLError

from tests.sandbox.conftest import GLOBAL, Start, body, boto

API_KEY = "bedrock-api-key-not-a-real-one"


def test_api_key_through_boto3(
    start: Start, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = start(tls=certificate, strict_auth=("AKIAUNUSEDEXAMPLE", API_KEY))
    assert sandbox.url.startswith("https://127.0.0.1:")
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate[0])
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    assert boto("bedrock").list_foundation_models()["modelSummaries"]
    response = boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body())
    assert json.loads(response["body"].read())["content"]
    assert sandbox.requests[0]["headers"]["authorization"] == "Bearer ***"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "another")
    with pytest.raises(ClientError, match="make sure your API Key is valid") as caught:
        boto("bedrock").list_foundation_models()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_sdk_streams_over_tls(
    start: Start, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tls=certificate)
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    with AnthropicBedrock().messages.stream(
        model=GLOBAL, max_tokens=99, messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        assert "canned" in stream.get_final_text()


def test_client_that_does_not_trust_the_certificate_does_not_get_in(
    start: Start, certificate: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox = start(tls=certificate)
    with pytest.raises(SSLError):
        boto("sts").get_caller_identity()
    context = ssl.create_default_context(cafile=certificate[0])
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/health", context=context) as answer:
        assert json.loads(answer.read()) == {"sandbox": True}
    assert sandbox.requests == []
    sandbox.stop()
    assert capfd.readouterr().err == ""


def test_missing_certificate_is_said_at_the_start(start: Start, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start(tls=(str(tmp_path / "none.pem"), str(tmp_path / "none.key")))
