"""The AWS CLI against the sandbox."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.sandbox.clients import aws_cli, run
from tests.sandbox.conftest import GLOBAL, body
from tests.sandbox.logging_world import (
    GROUP,
    ROLE,
    ROLE_ARN,
    bucket_policy,
    stream_policy,
    to_group,
    trust,
)


def aws(sandbox: Sandbox, *argv: str, fails: bool = False) -> Any:
    """What the AWS CLI prints: its JSON, or its error where it has to fail."""
    if not fails:
        return json.loads(command(sandbox, *argv))
    done = run([aws_cli(), *argv], environment(sandbox.url, os.environ))
    assert done.returncode in (254, 255), done.stderr  # version 1 leaves with 255, 2 with 254
    return done.stderr


def command(sandbox: Sandbox, *argv: str) -> str:
    """The output of an AWS CLI command, many of which print nothing."""
    done = run([aws_cli(), *argv], environment(sandbox.url, os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_identity_models_and_profiles() -> None:
    with Sandbox() as sandbox:
        assert aws(sandbox, "sts", "get-caller-identity")["Account"] == "000000000000"
        models = aws(sandbox, "bedrock", "list-foundation-models", "--by-provider", "anthropic")[
            "modelSummaries"
        ]
        assert all(row["modelId"].startswith("anthropic.") for row in models)
        profiles = aws(sandbox, "bedrock", "list-inference-profiles")
        assert len(profiles["inferenceProfileSummaries"]) > 30


def test_converse() -> None:
    with Sandbox() as sandbox:
        messages = '[{"role": "user", "content": [{"text": "Hello"}]}]'
        answer = aws(
            sandbox,
            *("bedrock-runtime", "converse"),
            *("--model-id", GLOBAL, "--messages", messages),
        )
        assert "canned" in answer["output"]["message"]["content"][0]["text"]


def test_invoke_model_and_a_refusal(tmp_path: Path) -> None:
    asked, answered = tmp_path / "body.json", tmp_path / "answer.json"
    asked.write_text(body(), encoding="utf-8")
    with Sandbox() as sandbox:
        words = ("bedrock-runtime", "invoke-model", "--body", f"fileb://{asked}", str(answered))
        aws(sandbox, *words, "--model-id", GLOBAL)
        assert "canned" in json.loads(answered.read_text())["content"][0]["text"]
        error = aws(sandbox, *words, "--model-id", GLOBAL[7:], fails=True)
        assert "ValidationException" in error
        assert "isn\u2019t supported" in error


def test_invocation_logging_from_nothing_to_a_record(tmp_path: Path) -> None:
    """Group, role, bucket and configuration made with the AWS CLI alone, and the record read."""
    policies = {
        "trust": trust(),
        "stream": stream_policy(),
        "bucket": bucket_policy("mine"),
        "config": json.dumps(to_group() | {"s3Config": {"bucketName": "mine"}}),
    }
    for name, text in policies.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = {name: f"file://{tmp_path / name}" for name in policies}
    with Sandbox() as sandbox:
        command(sandbox, "logs", "create-log-group", "--log-group-name", GROUP)
        role = ("--role-name", ROLE)
        document = ("--assume-role-policy-document", files["trust"])
        assert aws(sandbox, "iam", "create-role", *role, *document)["Role"]["Arn"] == ROLE_ARN
        policy = ("--policy-name", "write", "--policy-document", files["stream"])
        command(sandbox, "iam", "put-role-policy", *role, *policy)
        command(sandbox, "s3", "mb", "s3://mine")
        bucket = ("--bucket", "mine", "--policy", files["bucket"])
        command(sandbox, "s3api", "put-bucket-policy", *bucket)
        put = ("put-model-invocation-logging-configuration", "--logging-config", files["config"])
        command(sandbox, "bedrock", *put)
        got = aws(sandbox, "bedrock", "get-model-invocation-logging-configuration")
        assert got["loggingConfig"]["s3Config"] == {"bucketName": "mine"}
        messages = '[{"role": "user", "content": [{"text": "Hello"}]}]'
        asked = ("converse", "--model-id", GLOBAL, "--messages", messages)
        aws(sandbox, "bedrock-runtime", *asked)
        pattern = ("--filter-pattern", '{ $.operation = "Converse" }')
        found = aws(sandbox, "logs", "filter-log-events", "--log-group-name", GROUP, *pattern)
        assert json.loads(found["events"][0]["message"])["modelId"] == GLOBAL
        assert ".json.gz" in command(sandbox, "s3", "ls", "s3://mine", "--recursive")


def test_denied_services_are_named_by_the_cli() -> None:
    with Sandbox(rules=[{"deny": "*:*Role*"}, {"deny": "s3:ListAllMyBuckets"}]) as sandbox:
        error = aws(sandbox, "iam", "get-role", "--role-name", "a", fails=True)
        assert "(AccessDenied)" in error
        assert "iam:GetRole" in error
        assert "s3:ListAllMyBuckets" in aws(sandbox, "s3api", "list-buckets", fails=True)


def test_sandbox_run_serves_logs_and_iam(tmp_path: Path) -> None:
    """As in the README: a shell inside `sandbox run` whose AWS CLI reaches all services."""
    script = f"{aws_cli()} logs create-log-group --log-group-name g && {aws_cli()} iam list-roles"
    module = (sys.executable, "-m", "bedrock_claude_cli", "sandbox", "run", "--", "sh", "-c")
    done = run([*module, script], {**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"Roles": []}
