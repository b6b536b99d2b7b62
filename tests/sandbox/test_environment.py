"""The environment: every client arrives, however wrong the one was that it came from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.sandbox.clients import aws_cli, run, run_node

URL = "http://127.0.0.1:1"
NOWHERE = "http://127.0.0.1:9"
WRONG = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_DEFAULT_PROFILE": "no-such-profile",
    "AWS_REGION": "xx-wrong-1",
    "AWS_DEFAULT_REGION": "xx-wrong-1",
    "AWS_ACCESS_KEY_ID": "AKIAREALLOOKINGEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-real-key",
    "AWS_SESSION_TOKEN": "not-a-real-token",
    "AWS_BEARER_TOKEN_BEDROCK": "not-a-real-key",
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_ENDPOINT_URL_BEDROCK": NOWHERE,
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": NOWHERE,
    "AWS_ENDPOINT_URL_STS": NOWHERE,
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "/no/such/file.pem",
    "AWS_CONFIG_FILE": "/no/such/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/no/such/credentials",
    "AWS_ROLE_ARN": "arn:aws:iam::111111111111:role/wrong",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": NOWHERE,
    "AWS_RETRY_MODE": "wrong",
    "AWS_MAX_ATTEMPTS": "wrong",
    "ANTHROPIC_BEDROCK_BASE_URL": NOWHERE,
    "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": NOWHERE,
    "ANTHROPIC_BASE_URL": NOWHERE,
    "ANTHROPIC_API_KEY": "not-a-real-key",
    "ANTHROPIC_AUTH_TOKEN": "not-a-real-token",
    "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer wrong",
    "BEDROCK_CLAUDE_PROFILE": "no-such-profile",
    "BEDROCK_CLAUDE_CONFIG": "/no/such/config.yaml",
    "HTTP_PROXY": NOWHERE,
    "http_proxy": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "https_proxy": NOWHERE,
    "ALL_PROXY": NOWHERE,
    "NO_PROXY": "example.com",
    "no_proxy": "example.org",
}
PYTHON = """
import asyncio, boto3
from anthropic import AnthropicBedrock, AsyncAnthropicBedrock
assert boto3.client("sts").get_caller_identity()["Account"] == "000000000000"
assert boto3.client("bedrock").list_foundation_models()["modelSummaries"]
ask = dict(model="global.anthropic.claude-sonnet-4-5-20250929-v1:0", max_tokens=99,
           messages=[{"role": "user", "content": "hi"}])
assert AnthropicBedrock(max_retries=0).messages.create(**ask).content
assert asyncio.run(AsyncAnthropicBedrock(max_retries=0).messages.create(**ask)).content
"""
NODE = """
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
const model = 'global.anthropic.claude-sonnet-4-5-20250929-v1:0';
await new AnthropicBedrock({ maxRetries: 0 }).messages.create(
  { model, max_tokens: 99, messages: [{ role: 'user', content: 'hi' }] });
await new BedrockRuntimeClient({ requestHandler: new NodeHttpHandler(), maxAttempts: 1 }).send(
  new ConverseCommand({ modelId: model, messages: [{ role: 'user', content: [{ text: 'hi' }] }] }));
"""


def wrong(sandbox: Sandbox, home: Path) -> dict[str, str]:
    """The sandbox's environment made of one in which everything is wrong."""
    settings = home / ".aws"
    settings.mkdir()
    (settings / "config").write_text("[default]\nregion = xx-wrong-1\nendpoint_url = " + NOWHERE)
    (settings / "credentials").write_text("[default]\naws_access_key_id = AKIAWRONGEXAMPLE\n")
    return environment(sandbox.url, dict(os.environ) | WRONG | {"HOME": str(home)})


def test_python_clients_arrive(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        done = run([sys.executable, "-c", PYTHON], wrong(sandbox, tmp_path))
    assert done.returncode == 0, done.stderr
    assert [seen["operation"] for seen in sandbox.requests] == [
        "GetCallerIdentity",
        "ListFoundationModels",
        "InvokeModel",
        "InvokeModel",
    ]
    assert {seen["region"] for seen in sandbox.requests} == {"us-east-1"}


def test_aws_cli_arrives(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        done = run([aws_cli(), "sts", "get-caller-identity"], wrong(sandbox, tmp_path))
    assert done.returncode == 0, done.stderr
    assert [seen["operation"] for seen in sandbox.requests] == ["GetCallerIdentity"]


def test_typescript_clients_arrive(tmp_path: Path) -> None:
    folder = tmp_path / "script"
    folder.mkdir()
    with Sandbox() as sandbox:
        done = run_node(NODE, wrong(sandbox, tmp_path), folder)
    assert done.returncode == 0, done.stderr
    assert [seen["operation"] for seen in sandbox.requests] == ["InvokeModel", "Converse"]


def test_nothing_of_the_user_s_identity_remains() -> None:
    made = environment(URL, WRONG | {"PATH": "/bin", "LANG": "C"})
    ours = {name for name in made if name.startswith(("AWS_", "ANTHROPIC_", "BEDROCK_CLAUDE_"))}
    assert ours == {
        "AWS_ENDPOINT_URL",
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert made["PATH"] == "/bin"
    assert "SANDBOX" in made["AWS_ACCESS_KEY_ID"]
    assert made["AWS_CONFIG_FILE"] == os.devnull


def test_proxies_stay_for_other_hosts() -> None:
    made = environment(URL, {"HTTPS_PROXY": NOWHERE, "NO_PROXY": "example.com"})
    assert made["HTTPS_PROXY"] == NOWHERE
    assert made["NO_PROXY"].split(",")[0] == "127.0.0.1"
    assert made["NO_PROXY"].split(",")[-1] == "example.com"
    assert made["no_proxy"] == made["NO_PROXY"]


def test_certificate_is_named_to_every_client() -> None:
    made = environment("https://127.0.0.1:1", {}, ca="/a/cert.pem")
    names = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    assert [made[name] for name in names] == ["/a/cert.pem"] * 3


def test_port_that_is_taken_is_an_os_error() -> None:
    with Sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        Sandbox(port=int(sandbox.url.rsplit(":", 1)[1])).start()


def test_sandbox_can_be_started_again_and_stopped_twice() -> None:
    sandbox = Sandbox()
    sandbox.stop()
    for _ in range(2):
        assert sandbox.start().url.startswith("http://127.0.0.1:")
        sandbox.stop()
        sandbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_import_is_light() -> None:
    code = (
        "import sys, bedrock_claude_cli.sandbox; "
        "print([n for n in ('yaml', 'boto3', 'botocore', 'rich', 'anthropic', 'typer', 'asyncio') "
        "if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
