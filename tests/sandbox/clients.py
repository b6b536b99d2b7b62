"""Where the clients are that this project does not install: the AWS CLI and the node packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Read before any fixture clears the variables of this project.
AWS = os.environ.get("BEDROCK_CLAUDE_TEST_AWS", "aws")
NODE_MODULES = Path(os.environ.get("BEDROCK_CLAUDE_TEST_NODE_MODULES", HERE / "node/node_modules"))
PACKAGES = tuple(json.loads((HERE / "node/package.json").read_text())["dependencies"])


def aws_cli() -> str:
    """The AWS CLI: BEDROCK_CLAUDE_TEST_AWS or the one on PATH; skips the test without."""
    found = shutil.which(AWS)
    if not found:
        pytest.skip("no AWS CLI: pip install awscli, or name one in BEDROCK_CLAUDE_TEST_AWS")
    return found


def node_modules() -> Path:
    """The folder with the TypeScript SDKs; skips the test without."""
    if not shutil.which("node"):
        pytest.skip("no node on PATH")
    for package in PACKAGES:
        if not (NODE_MODULES / package).is_dir():
            pytest.skip(f"no {package} in {NODE_MODULES}: npm install --prefix tests/sandbox/node")
    return NODE_MODULES.resolve()


def run_node(script: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an ES module in `folder`, with the TypeScript SDKs beside it."""
    (folder / "node_modules").symlink_to(node_modules())
    path = folder / "script.mjs"
    path.write_text(script, encoding="utf-8")
    return run(["node", "--no-warnings", str(path)], env)


def run(
    command: list[str], env: dict[str, str], *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, at most a minute, and give its output as text."""
    return subprocess.run(
        command, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
