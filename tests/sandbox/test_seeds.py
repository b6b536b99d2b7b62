"""The documents' own code blocks, unmodified, in the sandbox's environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.sandbox.clients import aws_cli, node_modules, run

FOLDER = Path(__file__).parent.parent / "seeds"
BLOCKS = sorted(FOLDER.glob("??/*.*"))


def command(block: Path, folder: Path) -> list[str]:
    """How a reader of the page would run the block, in a folder with its packages."""
    if block.suffix == ".py":
        return [sys.executable, str(block)]
    if block.suffix == ".sh":
        (folder / "aws").symlink_to(aws_cli())
        return ["sh", str(block)]
    (folder / "node_modules").symlink_to(node_modules())
    return ["node", str(shutil.copy(block, folder / block.name))]


def test_every_block_is_here() -> None:
    assert len(BLOCKS) == 30


@pytest.mark.parametrize("block", BLOCKS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_block_runs_as_on_aws_today(block: Path, tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        env = environment(sandbox.url, os.environ)
        argv = command(block, tmp_path)
        if block.suffix == ".sh":
            env["PATH"] = f"{tmp_path}{os.pathsep}{env['PATH']}"
        done = run(argv, env)
    assert len(sandbox.requests) == 1, done.stderr
    if "bare-id" in block.name:
        assert done.returncode != 0
        assert "with on-demand throughput isn\u2019t supported" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert sandbox.requests[0]["status"] == 200
    shown = {"keys": "canned", "boto3-invoke": "canned", "identity": "0" * 12, "list": "anthropic."}
    for part, text in shown.items():
        if part in block.name:
            assert text in done.stdout
