"""Event-stream frames, decoded by those who did not write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer

from bedrock_claude_cli.sandbox.images import dimensions
from bedrock_claude_cli.sandbox.wire import event, exception_frame, frame
from tests.sandbox.clients import run_node

FRAMES = [
    event("chunk", {"bytes": "\u4e16\u754c" * 1000}).data,
    exception_frame("throttlingException", "Too many \u201crequests\u201d").data,
    frame({}, b""),
    frame({":event-type": "x" * 255}, b"\0\xff"),
]


def test_botocore_decodes_the_frames() -> None:
    buffer = EventStreamBuffer()
    joined = b"".join(FRAMES)
    for start in range(0, len(joined), 7):
        buffer.add_data(joined[start : start + 7])
    first, second, third, fourth = list(buffer)
    assert first.headers == {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert json.loads(first.payload) == {"bytes": "\u4e16\u754c" * 1000}
    assert second.headers[":exception-type"] == "throttlingException"
    assert json.loads(second.payload) == {"message": "Too many \u201crequests\u201d"}
    assert (third.headers, third.payload) == ({}, b"")
    assert (fourth.headers, fourth.payload) == ({":event-type": "x" * 255}, b"\0\xff")


DECODE = """
import { EventStreamCodec } from '@smithy/eventstream-codec';
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'), (text) => Buffer.from(text, 'utf8'));
for (const hex of %s) {
  const message = codec.decode(new Uint8Array(Buffer.from(hex, 'hex')));
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, header]) => [name, header.value]));
  const body = Buffer.from(message.body).toString('hex');
  console.log(JSON.stringify({ headers, body }));
}
"""


def test_smithy_decodes_the_frames(tmp_path: Path) -> None:
    script = DECODE % json.dumps([data.hex() for data in FRAMES])
    import os

    done = run_node(script, dict(os.environ), tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[0]["headers"][":event-type"] == "chunk"
    assert json.loads(bytes.fromhex(rows[0]["body"])) == {"bytes": "\u4e16\u754c" * 1000}
    assert rows[1]["headers"][":message-type"] == "exception"
    assert rows[2] == {"headers": {}, "body": ""}
    assert rows[3] == {"headers": {":event-type": "x" * 255}, "body": "00ff"}


VP8X = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x3f\x1f\0" + b"\x07\0\0" + b"\0" * 8
VP8L = b"RIFF\0\0\0\0WEBPVP8L\x0a\0\0\0\x2f" + (7999 | 7 << 14).to_bytes(4, "little") + b"\0" * 8
VP8 = b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a" + b"\x40\x1f\x08\0"
JPEG = b"\xff\xd8\xff\xe0\0\x04xx\xff\xc4\0\x03x\xff\xc2\0\x0b\x08\0\x08\x1f\x40\x03"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x1f\x40\0\0\0\x08"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG, (8000, 8)),
        (b"GIF89a\x40\x1f\x08\0", (8000, 8)),
        (JPEG, (8000, 8)),
        (VP8X, (8000, 8)),
        (VP8L, (8000, 8)),
        (VP8, (8000, 8)),
        (b"\xff\xd8\xff", (0, 0)),
        (b"", (0, 0)),
        (b"plain text that is no image at all", (0, 0)),
    ],
)
def test_image_headers_are_read(data: bytes, size: tuple[int, int]) -> None:
    assert dimensions(data) == size
