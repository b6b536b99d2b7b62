"""`run` beside a plain boto3 pool and AsyncAnthropicBedrock, against a server that takes 200 ms.

Run as `python benchmarks/run.py`. Each reads the same streams at concurrency 100; start-up is left
out by taking a short run from a long one. The limits are 0.95 x the throughput and 1.2 x the CPU of
the boto3 pool, and 1.5 x the throughput of the SDK.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import local_server

SHORT, LONG, ROUNDS, AT_ONCE = 200, 3000, 3, 100
MODEL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
BOTO3 = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
import boto3
from botocore.config import Config
client = boto3.client("bedrock-runtime", config=Config(
    max_pool_connections=256, retries={"total_max_attempts": 1}))
def ask(number):
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4096, "messages": [
        {"role": "user", "content": [{"type": "text", "text": f"Say {number}"}]}]}
    response = client.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(body))
    text = ""
    for item in response["body"]:
        event = json.loads(item["chunk"]["bytes"])
        if event["type"] == "content_block_delta":
            text += event["delta"]["text"]
    return text
with ThreadPoolExecutor(AT_ONCE) as pool, open(sys.argv[2], "w") as file:
    for text in pool.map(ask, range(int(sys.argv[1]))):
        file.write(json.dumps({"text": text}) + "\\n")
"""
SDK = """
import asyncio, json, sys
from anthropic import AsyncAnthropicBedrock
async def main():
    client, gate = AsyncAnthropicBedrock(max_retries=0), asyncio.Semaphore(AT_ONCE)
    async def ask(number):
        async with gate, client.messages.stream(model=MODEL, max_tokens=4096, messages=[
                {"role": "user", "content": f"Say {number}"}]) as stream:
            return await stream.get_final_text()
    texts = await asyncio.gather(*map(ask, range(int(sys.argv[1]))))
    with open(sys.argv[2], "w") as file:
        file.writelines(json.dumps({"text": text}) + "\\n" for text in texts)
asyncio.run(main())
"""
RUN = """
import sys
from pathlib import Path
from bedrock_claude_cli.__main__ import run
given = Path(sys.argv[2] + ".in")
given.write_text("".join(f'{{"prompt": "Say {n}"}}\\n' for n in range(int(sys.argv[1]))))
sys.argv = ["bedrock-claude", "run", str(given), "-o", sys.argv[2], "-q", "--concurrency", "100"]
run()
"""


def once(script: str, count: int, environ: dict[str, str], folder: str) -> tuple[float, float]:
    """Wall and CPU seconds of one process that asks `count` times."""
    out = Path(folder) / "out"
    out.unlink(missing_ok=True)
    code = f"MODEL, AT_ONCE = {MODEL!r}, {AT_ONCE}\n{script}"
    began, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code, str(count), str(out)], env=environ, check=True)
    wall, after = time.perf_counter() - began, os.times()
    assert len(out.read_text().splitlines()) == count
    return wall, sum(after[2:4]) - sum(before[2:4])


def main() -> int:
    """Print requests a second and CPU a request of each, and whether the limits hold."""
    cases = {"run": RUN, "boto3 in threads": BOTO3, "AsyncAnthropicBedrock": SDK}
    speeds: dict[str, list[float]] = {name: [] for name in cases}
    costs: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder, local_server.running() as (environ, _):
        for _ in range(ROUNDS):
            for name, script in cases.items():
                short = once(script, SHORT, environ, folder)
                long = once(script, LONG, environ, folder)
                speeds[name].append((LONG - SHORT) / (long[0] - short[0]))
                costs[name].append((long[1] - short[1]) / (LONG - SHORT) * 1000)
    speed = {name: statistics.median(each) for name, each in speeds.items()}
    cost = {name: statistics.median(each) for name, each in costs.items()}
    for name in cases:
        print(f"{name:24} {speed[name]:6.0f} requests/s {cost[name]:6.2f} ms CPU a request")
    ours, boto3, sdk = cases
    ratios = {
        "throughput / boto3 (>= 0.95)": speed[ours] / speed[boto3],
        "CPU / boto3 (<= 1.2)": cost[ours] / cost[boto3],
        "throughput / SDK (>= 1.5)": speed[ours] / speed[sdk],
    }
    for name, ratio in ratios.items():
        print(f"{name:32} {ratio:.2f}")
    first, second, third = ratios.values()
    return 0 if first >= 0.95 and second <= 1.2 and third >= 1.5 else 1


if __name__ == "__main__":
    sys.exit(main())
