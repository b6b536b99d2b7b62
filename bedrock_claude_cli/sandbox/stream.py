"""How an answer goes out: its pauses, and the ways in which a rule breaks it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bedrock_claude_cli.sandbox.wire import (
    DEFAULT_MESSAGES,
    AwsError,
    Frame,
    Reply,
    exception_frame,
    exception_name,
)

GARBAGE = b"this is not an event-stream message of the sandbox, by a rule of its own"
FAULTS = ("cut_after", "reset_after", "exception", "garbage_after", "bad_crc_after")


class Cut(Exception):
    """Close the connection here, in good order but for what is missing."""


class Reset(Exception):
    """Close the connection here with a TCP reset."""


def fault(script: Mapping[str, Any]) -> tuple[str, int]:
    """The one fault of a rule's `stream` and the number of deltas that precede it."""
    for name in FAULTS:
        if name in script:
            value = script[name]
            return name, value.get("after", 0) if name == "exception" else value
    return "", -1


def scripted(
    reply: Reply, script: Mapping[str, Any], pause: Callable[[float], object]
) -> Iterator[bytes]:
    """The bytes of a stream under a rule; raises Cut or Reset where the rule breaks it.

    A fault comes as soon as so many content deltas have been sent; 0 is before any event, and
    more deltas than there are means never. `pause` takes seconds.
    """
    assert reply.frames is not None
    kind, after = fault(script)
    spell = reply.exception or exception_frame
    gap = script.get("gap_ms", 0) / 1000
    sent = 0
    if after == 0 and kind != "bad_crc_after":
        yield from _break(kind, script, spell)
    for frame in reply.frames:
        if frame.delta and sent == after and kind == "bad_crc_after":
            yield frame.data[:-1] + bytes([frame.data[-1] ^ 0xFF])
            return
        if frame.delta and sent and gap:
            pause(gap)
        yield frame.data
        sent += frame.delta
        if frame.delta and sent == after and kind != "bad_crc_after":
            yield from _break(kind, script, spell)


def _break(
    kind: str, script: Mapping[str, Any], spell: Callable[[str, str], Frame]
) -> Iterator[bytes]:
    if kind == "reset_after":
        raise Reset
    if kind == "exception":
        name = exception_name(script["exception"]["type"])
        yield spell(name, _message(name)).data
    if kind == "garbage_after":
        yield GARBAGE
    raise Cut


def _message(name: str) -> str:
    pascal = name[:1].upper() + name[1:]
    return DEFAULT_MESSAGES.get(pascal, f"{pascal} by a rule of the sandbox.")


def whole(reply: Reply, script: Mapping[str, Any]) -> Reply:
    """The same faults for an answer that is not a stream: an error, or garbage for a body."""
    kind, _ = fault(script)
    if kind == "exception":
        name = exception_name(script["exception"]["type"])
        raise AwsError(name[:1].upper() + name[1:], _message(name))
    return replace(reply, body=GARBAGE) if kind == "garbage_after" else reply


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
