"""The AWS CLI against the sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.sandbox.clients import aws_cli, run
from tests.sandbox.conftest import GLOBAL, body


def aws(sandbox: Sandbox, *argv: str, fails: bool = False) -> Any:
    """What the AWS CLI prints: its JSON, or its error where it has to fail."""
    done = run([aws_cli(), *argv], environment(sandbox.url, os.environ))
    # Version 1 leaves with 255, version 2 with 254.
    assert done.returncode in ((254, 255) if fails else (0,)), done.stderr
    return done.stderr if fails else json.loads(done.stdout)


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
