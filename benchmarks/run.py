"""`run` beside a plain boto3 pool and AsyncAnthropicBedrock, against a server that takes 200 ms.

Run as `python benchmarks/run.py`. Each reads the same streams at concurrency 100; start-up is left
out by taking a short run from a long one. The limits are 0.95 x the throughput and 1.2 x the CPU of
the boto3 pool, and 1.5 x the throughput of the SDK.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bedrock_claude_cli.sandbox.wire import frame

SHORT, LONG, ROUNDS, AT_ONCE, DELAY = 200, 3000, 3, 100, 0.2
MODEL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
WORDS = ["Water", " boils", " at", " 100", " degrees", " at", " sea", " level", "."]
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


def answer() -> bytes:
    """One streamed answer, as it stands on the wire."""
    start = {"type": "message_start", "message": {"id": "msg_1", "type": "message",
             "role": "assistant", "model": "claude", "content": [], "stop_reason": None,
             "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1}}}  # fmt: skip
    block = {"type": "text", "text": ""}
    said = [{"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": word}} for word in WORDS]  # fmt: skip
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
           "usage": {"output_tokens": 9}}  # fmt: skip
    events = [start, {"type": "content_block_start", "index": 0, "content_block": block}, *said,
              {"type": "content_block_stop", "index": 0}, end,
              {"type": "message_stop"}]  # fmt: skip

    headers = {":event-type": "chunk", ":content-type": "application/json",
               ":message-type": "event"}  # fmt: skip
    return b"".join(
        frame(headers, json.dumps({"bytes": base64.b64encode(json.dumps(each).encode()).decode()})
              .encode()) for each in events
    )  # fmt: skip


async def serve() -> None:
    """Answer every POST on a port that is printed, DELAY seconds after it came."""
    body = answer()
    reply = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
        "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(DELAY)
                writer.write(reply)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


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
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(server.stdout.readline())}"
    environ = {**os.environ, "AWS_ACCESS_KEY_ID": "AKIABENCHMARKSAMPLEX",
               "AWS_SECRET_ACCESS_KEY": "sample", "AWS_REGION": "us-east-1",
               "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url,
               "ANTHROPIC_BEDROCK_BASE_URL": url}  # fmt: skip
    cases = {"run": RUN, "boto3 in threads": BOTO3, "AsyncAnthropicBedrock": SDK}
    speeds: dict[str, list[float]] = {name: [] for name in cases}
    costs: dict[str, list[float]] = {name: [] for name in cases}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(ROUNDS):
                for name, script in cases.items():
                    short = once(script, SHORT, environ, folder)
                    long = once(script, LONG, environ, folder)
                    speeds[name].append((LONG - SHORT) / (long[0] - short[0]))
                    costs[name].append((long[1] - short[1]) / (LONG - SHORT) * 1000)
    finally:
        server.terminate()
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
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        sys.exit(main())
