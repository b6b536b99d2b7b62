"""A plain `ask` beside one of an earlier commit: `make bench`, or with a COMMIT of your own.

Prints the ratio of medians, now over then, of whole processes taken alternately against one
sandbox; 1.00 is as fast. The default is the last commit whose `ask` took text alone.
"""

from __future__ import annotations

import argparse
import compileall
import io
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from bedrock_claude_cli.sandbox import Sandbox, environment

ROOT = Path(__file__).parents[1]
TEXT_ALONE = "1f3817f"
PACKAGE = "bedrock_claude_cli"
ASK = f"""
import sys
sys.path.insert(0, sys.argv[1])
sys.argv[:] = ["bedrock-claude", "ask", "-nq", "Hello"]
from {PACKAGE}.__main__ import run
run()
"""


def unpack(commit: str, folder: Path) -> Path:
    """The package as it was, compiled."""
    command = ["git", "archive", commit, PACKAGE]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def seconds(package: Path, env: dict[str, str]) -> float:
    """One whole `ask`, in seconds."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-I", "-c", ASK, str(package)],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return time.perf_counter() - begun


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", nargs="?", default=TEXT_ALONE)
    parser.add_argument("--runs", type=int, default=40)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox:
        env = environment(sandbox.url, os.environ)
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        then, now = unpack(args.commit, Path(name) / "then"), Path(name) / "now"
        shutil.copytree(ROOT / PACKAGE, now / PACKAGE)
        for folder in (then, now):
            compileall.compile_dir(str(folder), quiet=1)
        pairs = [(seconds(now, env), seconds(then, env)) for _ in range(args.runs)]
        ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"plain ask, now / {args.commit}: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
