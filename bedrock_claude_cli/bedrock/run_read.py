"""How an output is read again: as one stream, and a large one by several processes side by side."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from bedrock_claude_cli.bedrock import record_line
from bedrock_claude_cli.bedrock.run_state import State
from bedrock_claude_cli.errors import UsageError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

OTHER = "give another file with -o"
BUFFER = 1 << 17  # a quarter of the time that reading lines takes with Python's 8 KiB
_START = b'{"schema": 1, '
_PART = 1 << 26  # bytes: a third of a second's work, for which a process is worth its start
_PROCESSES = 4


def read(descriptor: int, name: str, other: str = OTHER) -> tuple[State, int, bytes]:
    """The state, where its last whole line ends, and what is torn behind; UsageError for a file of
    another kind, with what to give instead in the hint.

    After a loss of power a file may end in zeros where nothing was written any more.
    """
    state, end, line = State(), 0, b""
    for part in _parts(descriptor):
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


class _Stretch(io.RawIOBase):
    """The bytes of a file between two places, whoever else reads it."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor, self._at, self._end = descriptor, start, end

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes; 0 at the end."""
        some = os.pread(self._descriptor, min(len(buffer), self._end - self._at), self._at)
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)


def _scan(lines: io.RawIOBase) -> _Part:
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


def _parts(descriptor: int) -> Iterator[_Part]:
    """What each stretch of a file says, in their order."""
    bounds = _bounds(descriptor)
    others = [_Reader(descriptor, *each) for each in bounds[1:]]
    try:
        yield _scan(_Stretch(descriptor, *bounds[0]))
        for each in others:
            yield each.result()
    finally:
        for each in others:
            each.end()


def _bounds(descriptor: int) -> list[tuple[int, int]]:
    """Where stretches of about the same length begin and end, each with a line."""
    size = os.fstat(descriptor).st_size
    # Elsewhere a copy of a process may not use what the system's own libraries have begun.
    alone = sys.platform == "linux" and threading.active_count() == 1
    count = min(size // _PART, _PROCESSES, len(os.sched_getaffinity(0))) if alone else 1
    starts = [0]
    for number in range(1, count):
        with io.BufferedReader(_Stretch(descriptor, size * number // count, size), BUFFER) as file:
            start = size * number // count + len(file.readline())
        if start > starts[-1]:
            starts.append(start)
    return list(zip(starts, [*starts[1:], size], strict=True))


class _Reader:
    """A process that reads a stretch; where it fails, this one does."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        import multiprocessing

        self._stretch = descriptor, start, end
        context = multiprocessing.get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        self._process: ForkProcess = context.Process(
            target=_tell, args=(sender, *self._stretch), daemon=True
        )
        self._process.start()
        sender.close()

    def result(self) -> _Part:
        """What the stretch says."""
        try:
            found: _Part = self._receiver.recv()
        except (EOFError, OSError):
            return _scan(_Stretch(*self._stretch))
        return found

    def end(self) -> None:
        """End the process, if it still reads."""
        self._receiver.close()
        self._process.terminate()
        self._process.join()


def _tell(sender: Connection, descriptor: int, start: int, end: int) -> None:
    """What the process does; where it cannot, it ends without a word."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        # Opened anew: the lock of the output would be held for as long as this process lives.
        own = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
        os.close(descriptor)
        sender.send(_scan(_Stretch(own, start, end)))
