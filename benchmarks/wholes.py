"""Whole processes against a sandbox of its own, beside hand-written boto3 scripts: `make bench`.

Prints ratios of medians, ours over theirs, taken alternately in one run; 1.00 is as fast. Times
are noisy on a shared machine, so only the ratios of one run mean anything.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).with_name("bedrock-claude")
MODEL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"

ASK = f"""
import boto3, json, sys
client = boto3.client("bedrock-runtime", region_name="us-east-1")
body = json.dumps({{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4096,
                   "messages": [{{"role": "user", "content": "Hello, world"}}]}})
response = client.invoke_model_with_response_stream(modelId="{MODEL}", body=body)
for item in response["body"]:
    event = json.loads(item["chunk"]["bytes"])
    if event["type"] == "content_block_delta":
        sys.stdout.write(event["delta"]["text"])
        sys.stdout.flush()
print()
"""

VERIFY = """
import boto3
session = boto3.Session(region_name="us-east-1")
print(session.client("sts").get_caller_identity()["Arn"])
bedrock = session.client("bedrock")
models = bedrock.list_foundation_models(byProvider="Anthropic")["modelSummaries"]
print(len(models))
model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
found = bedrock.get_foundation_model_availability(modelId=model)
print(found["agreementAvailability"]["status"])
print(bedrock.get_model_invocation_logging_configuration().get("loggingConfig"))
"""

LIST = """
import boto3
bedrock = boto3.client("bedrock", region_name="us-east-1")
for model in bedrock.list_foundation_models(byProvider="Anthropic")["modelSummaries"]:
    print(model["modelId"], model["modelLifecycle"]["status"])
for page in bedrock.get_paginator("list_inference_profiles").paginate(maxResults=1000):
    for profile in page["inferenceProfileSummaries"]:
        print(profile["inferenceProfileId"])
"""


@dataclass(frozen=True)
class Case:
    """One comparison: what is run, its first byte or its end, and the ratio that is the goal."""

    name: str
    ours: Sequence[str]
    theirs: Sequence[str]
    goal: float
    first_byte: bool = False


def cases(aws: str | None) -> list[Case]:
    """The comparisons that can be made on this machine."""
    python = sys.executable
    ask = [str(BIN), "ask", "-n", "-q", "Hello, world"]
    found = [
        Case("ask, first byte / boto3", ask, [python, "-c", ASK], 1.1, first_byte=True),
        Case("ask, all / boto3", ask, [python, "-c", ASK], 0.9),
        Case("verify-creds / boto3", [str(BIN), "verify-creds", "-q"], [python, "-c", VERIFY], 1.0),
        Case("list-models / boto3", [str(BIN), "list-models", "-q"], [python, "-c", LIST], 1.0),
    ]
    if aws:
        converse = [aws, "bedrock-runtime", "converse", "--model-id", MODEL, "--messages"]
        message = '[{"role": "user", "content": [{"text": "Hello, world"}]}]'
        found.append(Case("ask, all / AWS CLI converse", ask, [*converse, message], 0.5))
    return found


def once(argv: Sequence[str], env: dict[str, str], first_byte: bool) -> tuple[float, int]:
    """Seconds to the first byte or to the end, and the peak memory in KiB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    head = process.stdout.read(1)
    first = time.perf_counter() - started
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or (first_byte and not head):
        raise SystemExit(f"{' '.join(argv[:4])}... left with {process.returncode}")
    return (first if first_byte else ended), usage.ru_maxrss


def compare(case: Case, env: dict[str, str], runs: int) -> None:
    """Run both sides alternately and print the ratio of their medians."""
    times: tuple[list[float], list[float]] = ([], [])
    memory: tuple[list[int], list[int]] = ([], [])
    for turn in range(runs + 1):  # the first fills bytecode caches
        for side, argv in enumerate((case.ours, case.theirs)):
            seconds, peak = once(argv, env, case.first_byte)
            if not turn:
                continue
            times[side].append(seconds)
            memory[side].append(peak)
    ours, theirs = (statistics.median(side) for side in times)
    peaks = statistics.median(memory[0]) / statistics.median(memory[1])
    ratio = ours / theirs
    verdict = "ok" if ratio <= case.goal else "MISSED"
    print(
        f"{case.name:30} {ratio:5.2f}  (goal {case.goal:.2f}, {verdict})"
        f"  {ours * 1000:6.0f} / {theirs * 1000:.0f} ms, peak memory {peaks:.2f}"
    )


def main() -> None:
    """Start a sandbox in a process of its own and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    rules = Path(__file__).with_name("two_hundred_deltas.yaml")
    server = subprocess.Popen(
        [str(BIN), "sandbox", "serve", "--script", str(rules), "-q"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for line in iter(server.stdout.readline, ""):
        word, _, rest = line.strip().partition(" ")
        if word == "unset":
            env.pop(rest, None)
        else:
            name, _, value = rest.partition("=")
            env[name] = value.strip("'")
        if "no_proxy" in line:
            break
    try:
        for case in cases(shutil.which("aws")):
            if options.only in case.name:
                compare(case, env, options.runs)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
