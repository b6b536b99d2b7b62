"""TLS with a throw-away certificate, which API keys need."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import urllib.request
from pathlib import Path

import pytest
from anthropic import AnthropicBedrock
from botocore.exceptions import ClientError, SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.sandbox.conftest import GLOBAL, Start, body, boto

API_KEY = "bedrock-api-key-not-a-real-one"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Paths of a certificate for 127.0.0.1, its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(certificate), str(private)


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
