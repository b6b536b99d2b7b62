"""A long file of lines, read by several processes side by side: each has a stretch of it."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

BUFFER = 1 << 17  # bytes: lines are read four times as fast as with Python's 8 KiB
_PROCESSES = 4
_STDERR = 2
_ENDS = (signal.SIGINT, signal.SIGTERM)

T = TypeVar("T")


class Stretch(io.RawIOBase):
    """The bytes of a file between two places, whoever else reads it; its file stays open."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self.descriptor, self.start, self.end = descriptor, start, end
        self._at = start

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes; 0 at the end."""
        some = os.pread(self.descriptor, min(len(buffer), self.end - self._at), self._at)
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)

    def lines_before(self) -> int:
        """How many lines the file has before it."""
        with io.BufferedReader(Stretch(self.descriptor, 0, self.start), BUFFER) as file:
            return sum(some.count(b"\n") for some in iter(lambda: file.read(BUFFER), b""))


def each(
    descriptor: int, read: Callable[[Stretch], T | None], least: int
) -> Iterator[tuple[Stretch, T | None]]:
    """The stretches of a file, of `least` bytes, in their order, with what `read` found in each.

    That is None for the first, and where a process found None or failed: the caller reads those.
    `read` runs in a copy of this process, as it was before the first stretch was given; what it
    finds is pickled.
    """
    bounds = _bounds(descriptor, least)
    others = [_Reader(Stretch(descriptor, *both), read) for both in bounds[1:]]
    try:
        yield Stretch(descriptor, *bounds[0]), None
        for reader in others:
            yield reader.stretch, reader.found()
    finally:
        for reader in others:
            reader.end()


def _bounds(descriptor: int, least: int) -> list[tuple[int, int]]:
    """Where stretches of about the same length begin and end, each with a line.

    The last has no end: the file may grow, or be one that does not know its size.
    """
    size = os.fstat(descriptor).st_size
    # Elsewhere a copy of a process may not use what the system's own libraries have begun.
    alone = sys.platform == "linux" and threading.active_count() == 1
    count = min(size // least, _PROCESSES, len(os.sched_getaffinity(0))) if alone else 1
    starts = [0]
    for number in range(1, count):
        start = size * number // count
        with io.BufferedReader(Stretch(descriptor, start, size), BUFFER) as file:
            start += len(file.readline())
        if start > starts[-1]:
            starts.append(start)
    return list(zip(starts, [*starts[1:], sys.maxsize], strict=True))


class _Reader(Generic[T]):
    """A process that reads a stretch, if the system lets there be one more."""

    def __init__(self, stretch: Stretch, read: Callable[[Stretch], T | None]) -> None:
        import multiprocessing

        self.stretch = stretch
        context = multiprocessing.get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        self._process: ForkProcess = context.Process(
            target=_tell, args=(sender, stretch, read), daemon=True
        )
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # until it has its own handlers
        try:
            self._process.start()
            self._runs = True
        except OSError:
            self._runs = False
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            sender.close()

    def found(self) -> T | None:
        """What it found; None where it failed."""
        try:
            found: T | None = self._receiver.recv()
        except (EOFError, OSError):
            return None
        return found

    def end(self) -> None:
        """End the process, if it still reads."""
        self._receiver.close()
        if self._runs:
            self._process.terminate()
            self._process.join()


def _tell(sender: Connection, stretch: Stretch, read: Callable[[Stretch], T | None]) -> None:
    """What the process does; where it cannot, the one that began it does, and tells why."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    with suppress(Exception):
        own = os.open(f"/proc/self/fd/{stretch.descriptor}", os.O_RDONLY)
        _close_but(own, sender.fileno())
        sender.send(read(Stretch(own, stretch.start, stretch.end)))


def _close_but(*kept: int) -> None:
    """Close what was inherited: a lock is held for as long as anybody has its file open."""
    for found in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if found > _STDERR and found not in kept:
            with suppress(OSError):
                os.close(found)
