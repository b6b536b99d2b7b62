"""How many records a second `jobs submit` checks, makes into lines and keeps until it uploads them.

Run as `python benchmarks/submit.py`; `make bench` does. Start-up is left out by taking a short run
from a long one, and nothing is uploaded: without --yes it ends where it would ask. Its CPU time
stands beside that of a plain loop of json.loads. The goal is 50,000 records a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import million

from bedrock_claude_cli.sandbox import Sandbox, environment

SHORT, GOAL = 2_000, 50_000
UNANSWERED = 2


def prepare(given: Path, environ: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak MB of a submit that ends at its question."""
    argv = [str(million.BIN), "jobs", "submit", str(given), "--bucket", "bench", "-q"]
    started = time.perf_counter()
    process = subprocess.Popen(
        argv, env=environ, cwd=given.parent, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != UNANSWERED or "--yes" not in told:
        raise SystemExit(f"jobs submit left with {process.returncode}: {told}")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def make_bucket(environ: dict[str, str]) -> None:
    """The bucket that the submits name."""
    import boto3

    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="bench")


def main() -> int:
    """Print records a second, that beside json.loads, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox:
        environ = environment(sandbox.url, os.environ)
        make_bucket(environ)
        short, long = Path(name) / "short.jsonl", Path(name) / "long.jsonl"
        short.write_text("".join(million.records(SHORT)))
        with long.open("w") as file:
            file.writelines(million.records(options.records))
        prepare(short, environ)  # the sandbox loads what it needs
        speeds, ratios, peaks = [], [], []
        for _ in range(options.runs):
            little, much = prepare(short, environ), prepare(long, environ)
            speeds.append((options.records - SHORT) / (much[0] - little[0]))
            theirs = million.parse(long) - million.parse(short)
            ratios.append((much[1] - little[1]) / theirs)
            peaks.append(much[2])
    speed = statistics.median(speeds)
    print(
        f"jobs submit prepares {speed:,.0f} records/s, CPU {statistics.median(ratios):.2f} x "
        f"json.loads; peak memory {max(peaks):.0f} MB  (goal {GOAL:,} records/s: "
        f"{'ok' if speed >= GOAL else 'MISSED'})"
    )
    return 0 if speed >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
