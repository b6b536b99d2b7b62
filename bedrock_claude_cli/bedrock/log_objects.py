"""Gzipped objects of lines in S3, streamed: several downloads run ahead, memory stays constant."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Full, Queue
from typing import Any

from bedrock_claude_cli.errors import RejectedError

PARALLEL = 8
# Bytes that are asked of S3 at once, and the blocks of lines that may wait for each download.
CHUNK = 256 * 1024
WAITING = 2
GZIP = b"\x1f\x8b"


def keys(client: Any, bucket: str, prefix: str, first: str, last: str) -> Iterator[str]:
    """The keys below `prefix` from `first` to those that start with `last`, in order.

    S3 lists in the order of keys and can begin anywhere, so hours that are not asked for cost
    nothing.
    """
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, StartAfter=first
    )
    for page in pages:
        for item in page.get("Contents", ()):
            key = str(item["Key"])
            if key > last and not key.startswith(last):
                return
            yield key


def blocks(client: Any, bucket: str, names: Iterable[str]) -> Iterator[bytes]:
    """The content of every object in turn, unzipped, in blocks that end with a line."""
    with ThreadPoolExecutor(PARALLEL, "download") as pool:
        stop = threading.Event()
        ahead: deque[_Download] = deque()
        waiting = iter(names)
        try:
            while True:
                while len(ahead) < PARALLEL and (name := next(waiting, None)) is not None:
                    ahead.append(_Download(client, bucket, name, stop))
                    pool.submit(ahead[-1].run)
                if not ahead:
                    return
                yield from ahead.popleft().blocks()
        finally:
            stop.set()


def whole(client: Any, bucket: str, key: str) -> bytes:
    """One object, unzipped where it is zipped."""
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    return b"".join(_unzipped(body.iter_chunks(CHUNK), key))


class _Download:
    """One object on its way, from the thread that fetches it to the one that reads it."""

    def __init__(self, client: Any, bucket: str, key: str, stop: threading.Event) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._stop = stop
        self._queue: Queue[bytes | BaseException | None] = Queue(WAITING)

    def run(self) -> None:
        """Fetch and unzip; an error is handed to the reader, who raises it."""
        try:
            if self._stop.is_set():
                return
            body = self._client.get_object(Bucket=self._bucket, Key=self._key)["Body"]
            for block in _lines(_unzipped(body.iter_chunks(CHUNK), self._key)):
                if not self._put(block):
                    body.close()
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, item: bytes | BaseException | None) -> bool:
        """Wait for room, as long as somebody reads."""
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False

    def blocks(self) -> Iterator[bytes]:
        """The blocks as they arrive."""
        while True:
            try:
                item = self._queue.get(timeout=1)  # a Ctrl-C gets in between
            except Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item


def _unzipped(chunks: Iterable[bytes], key: str) -> Iterator[bytes]:
    """Gzip members one after the other; what is not zipped passes as it is."""
    unzip: Any = None
    plain = None
    try:
        for chunk in chunks:
            if plain is None:
                plain = not chunk.startswith(GZIP)
            if plain:
                yield chunk
                continue
            while chunk:
                unzip = unzip or zlib.decompressobj(wbits=31)
                yield unzip.decompress(chunk, 4 * CHUNK)
                chunk = unzip.unconsumed_tail
                if unzip.eof:
                    chunk, unzip = unzip.unused_data, None
    except zlib.error as error:
        raise RejectedError(f"{key} is not readable gzip: {error}") from None
    if unzip is not None:
        yield unzip.flush()
        if not unzip.eof:
            raise RejectedError(f"{key} is gzip that ends too early")


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes cut where lines end."""
    held: list[bytes] = []
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if end:
            yield b"".join((*held, piece[:end]))
            held = []
        if end < len(piece):
            held.append(piece[end:])
    if held:
        yield b"".join(held)
