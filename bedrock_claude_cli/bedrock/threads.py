"""Calls side by side, in threads that Ctrl-C need not wait for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
# A Ctrl-C that comes just before a thread waits for a lock does not end that wait.
SLICE = 0.2


@contextmanager
def side_by_side(most: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of at most `most` threads; what is still under way at its end is left behind."""
    pool = ThreadPoolExecutor(most)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def settled(future: Future[T]) -> Future[T]:
    """The future once it is done; Ctrl-C is noticed within SLICE seconds, whenever it came."""
    while not wait([future], timeout=SLICE).done:
        pass
    return future
