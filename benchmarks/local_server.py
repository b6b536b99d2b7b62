"""What the benchmarks of `run` ask: a loopback server that streams one answer, 200 ms after a POST.

It is a process of its own and prints a line at its first request.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from bedrock_claude_cli.sandbox import environment
from bedrock_claude_cli.sandbox.wire import frame

DELAY = 0.2
WORDS = ["Water", " boils", " at", " 100", " degrees", " at", " sea", " level", "."]


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
    body, asked = answer(), False
    reply = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
        "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                if not asked:
                    asked = True
                    print("asked", flush=True)
                await asyncio.sleep(DELAY)
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running() -> Iterator[tuple[dict[str, str], IO[bytes]]]:
    """The environment that leads clients to a server, and where it prints its first request."""
    server = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        yield environment(url, os.environ), server.stdout
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    asyncio.run(serve())
