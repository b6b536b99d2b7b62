"""How an output is read again, from its first line to what may be torn at its end."""

from __future__ import annotations

import io
import json
from typing import NamedTuple

from bedrock_claude_cli.bedrock import beside, record_line
from bedrock_claude_cli.bedrock.beside import BUFFER
from bedrock_claude_cli.bedrock.run_state import State
from bedrock_claude_cli.errors import UsageError

OTHER = "give another file with -o"
_START = b'{"schema": 1, '
_STRETCH = 1 << 26  # bytes: a third of a second's work, for which a process is worth its start


def read(descriptor: int, name: str, other: str = OTHER) -> tuple[State, int, bytes]:
    """The state, where its last whole line ends, and what is torn behind; UsageError for a file of
    another kind, with what to give instead in the hint.

    After a loss of power a file may end in zeros where nothing was written any more.
    """
    state, end, line = State(), 0, b""
    for stretch, found in beside.each(descriptor, _scan, _STRETCH):
        part = found or _scan(stretch)
        state.join(part.state)
        end, line = end + part.length, part.line
        if line:
            break
    lines = state.lines
    state.index()
    ends, start = line.endswith(b"\n"), line.rstrip(b"\0")[: len(_START)]
    if line and (ends or start != _START[: len(start)]):
        raise UsageError(
            f"{name} is no output of a run: line {lines + 1:,} is none of its lines",
            hint=f"take that line out, and its record is asked again; or {other}"
            if lines
            else f"it was left as it is; {other}",
        )
    return state, end, line


class _Part(NamedTuple):
    """What a stretch of lines says, their bytes, and the first line that is none of an output."""

    state: State
    length: int
    line: bytes


def _scan(lines: beside.Stretch) -> _Part:
    state, length = State(), 0
    with io.BufferedReader(lines, BUFFER) as file:
        while True:
            counted, line = state.add_answers(file)
            length += counted
            written = line.rstrip(b"\0")
            head = None
            if line and (line.endswith(b"\n") or _parses(written)):
                head = record_line.read(written)
            if head is None:
                return _Part(state, length, line)
            state.add(head)
            length += len(written)


def _parses(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
