"""Records: many prompts in one file, read as a stream, with every fault told by its line."""

from __future__ import annotations

import io
import os
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from bedrock_claude_cli.bedrock import beside, record_parse
from bedrock_claude_cli.bedrock.beside import BUFFER, Stretch
from bedrock_claude_cli.bedrock.hashes import Hashes
from bedrock_claude_cli.bedrock.record_parse import MAX_LINE
from bedrock_claude_cli.bedrock.record_parse import Fault as Fault
from bedrock_claude_cli.bedrock.record_parse import Record as Record
from bedrock_claude_cli.errors import CliError, UnmetError, UsageError

MOST_TOLD = 20
LISTED = 5  # lines of what many share
STDIN = "-"
_GZIP = b"\x1f\x8b"
_STRETCH = 1 << 24  # bytes: half a second's work, for which a process is worth its start
_START = 65_536  # bytes in which a first line that is not blank begins


class Counts(Protocol):
    """What the judging of records leaves behind beside the faults."""

    def taken(self) -> Any:
        """All of it, to be pickled."""

    def join(self, others: Any) -> None:
        """Add what another process took, of later records."""


class _Judged(NamedTuple):
    """What a stretch without a fault holds: the hashes of its ids, and what was counted."""

    hashes: array[int]
    counts: Any


class Source:
    """An input that can be read more than once, as it was when it was opened."""

    def __init__(self, name: str, file: IO[bytes], kind: str, *, zipped: bool) -> None:
        self.name = name
        self._file = file
        self._kind = kind
        self._zipped = zipped
        self._state = self._stat()

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def read(self, first: int = 0) -> Iterator[Record | Fault]:
        """Every record, and every line that is none; of JSONL from the line `first` on."""
        self._file.seek(0)
        raw = _opened(self._file, zipped=self._zipped)
        found = record_parse.of_csv(raw) if self._kind == "csv" else _parsed(raw, first)
        yield from self._readable(found)

    def _readable(self, found: Iterator[Record | Fault]) -> Iterator[Record | Fault]:
        try:
            yield from found
        except (EOFError, OSError, zlib.error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{self.name} cannot be read: {why}") from None

    def beside(
        self, work: Callable[[Iterator[Record | Fault]], _Judged | None]
    ) -> Iterator[tuple[Iterator[Record | Fault], _Judged | None]]:
        """All of it in stretches, with what `work` made of each elsewhere, as `beside.each` has it.

        What is packed, or no JSONL, is one stretch.
        """
        if self._kind == "csv" or self._zipped:
            yield self.read(), None
            return

        def there(stretch: Stretch) -> _Judged | None:
            return work(_stretched(stretch))

        for stretch, found in beside.each(self._file.fileno(), there, _STRETCH):
            yield self._readable(_stretched(stretch)), found

    def records(self, first: int = 0) -> Iterator[Record]:
        """The records of an input that was checked; CliError if it is not as it was then."""
        for each in self.read(first):
            if isinstance(each, Fault) or self._stat() != self._state:
                raise CliError(
                    f"{self.name} was changed while it was read",
                    hint="what is finished is kept; run it again",
                )
            yield each

    def close(self) -> None:
        """Close the file; a spooled one is gone with it."""
        self._file.close()


def open_records(path: str, stdin: IO[bytes] | None = None) -> Source:
    """Records in a JSONL or CSV file, either gzipped, or in `stdin` where the path is `-`.

    What has no name that says so is known by how it begins. UsageError where it cannot be read.
    """
    if path == STDIN:
        return _spooled("standard input", stdin)
    found = Path(path).expanduser()
    try:
        if found.is_fifo():
            with found.open("rb") as pipe:
                return _spooled(path, pipe)
        if not found.is_file():
            raise UsageError(f"{path}: {'it is no file' if found.exists() else 'no such file'}")
        return _source(path, found.open("rb", BUFFER), found.name.lower())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _spooled(name: str, stream: IO[bytes] | None) -> Source:
    """The source of what can be read only once: it is kept in a file that has no name."""
    import tempfile

    spooled: IO[bytes] | None = None
    try:
        spooled = tempfile.TemporaryFile()  # noqa: SIM115  # Source closes it
        while stream is not None and (some := _read(name, stream)):
            spooled.write(some)
        spooled.flush()
    except OSError as error:
        if spooled is not None:
            with suppress(OSError):
                spooled.close()
        raise CliError(
            f"{name} cannot be kept in {_temporary_folder()} while it is checked: {error.strerror}",
            hint="make room there, or name another folder in TMPDIR; or give run a file",
        ) from None
    return _source(name, spooled, "")


def _read(name: str, stream: IO[bytes]) -> bytes:
    try:
        return stream.read(BUFFER)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from None


def _temporary_folder() -> str:
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        return "any temporary folder"


def _source(told: str, file: IO[bytes], name: str) -> Source:
    file.seek(0)
    zipped = name.endswith(".gz") or file.read(2) == _GZIP
    bare = name.removesuffix(".gz")
    if bare.endswith((".csv", ".jsonl", ".json", ".ndjson")):
        return Source(told, file, "csv" if bare.endswith(".csv") else "jsonl", zipped=zipped)
    file.seek(0)
    try:
        start = _opened(file, zipped=zipped).read(_START).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (EOFError, OSError, zlib.error):  # told when it is read
        start = b""
    if not start or start[:1] in b"{[":
        return Source(told, file, "jsonl", zipped=zipped)
    return Source(f"{told} (read as CSV)", file, "csv", zipped=zipped)


def _opened(file: IO[bytes], *, zipped: bool) -> IO[bytes]:
    if not zipped:
        return file
    import gzip

    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


class _Told:
    """The faults of an input, as many as are told: by line, and what holds for many lines once."""

    def __init__(self) -> None:
        self.count = 0
        self._lines: list[tuple[int, str]] = []
        self._shared: dict[str, tuple[list[int], CliError]] = {}

    def add(self, line: int, what: str | CliError) -> None:
        """Take one in; an error is told once, however many lines it is about."""
        if isinstance(what, str):
            self.count += 1
            self._lines.append((line, what))
            if len(self._lines) > 2 * MOST_TOLD:  # a second reading begins at the first line again
                self._lines = sorted(self._lines)[:MOST_TOLD]
            return
        lines, _ = self._shared.setdefault(what.message, ([0], what))
        self.count += not lines[0]
        lines[0] += 1
        if len(lines) <= LISTED:
            lines.append(line)

    def error(self, name: str) -> UsageError | UnmetError:
        """All of it; where a condition of the user's forbids each of them, an UnmetError."""
        told = [(line, f"line {line:,}: {what}") for line, what in self._lines]
        for what, ((lines, *listed), _) in self._shared.items():
            others = f" and {lines - len(listed):,} more" if lines > len(listed) else ""
            numbers = ", ".join(f"{line:,}" for line in listed)
            told.append((listed[0], f"line{'s' * (lines > 1)} {numbers}{others}: {what}"))
        shown = "\n".join(text for _, text in sorted(told)[:MOST_TOLD])
        more = f"\nand {self.count - MOST_TOLD:,} more" if self.count > MOST_TOLD else ""
        hints = [error.hint for _, error in self._shared.values() if error.hint]
        forbidden = sum(isinstance(error, UnmetError) for _, error in self._shared.values())
        kind = UnmetError if forbidden == self.count else UsageError
        return kind(
            f"{name}: {self.count:,} fault{'s' * (self.count > 1)}, so nothing was sent\n"
            f"{shown}{more}",
            hint="; ".join(dict.fromkeys(hints))
            if self.count == len(hints) <= 2
            else "mend the input, then run it again",
        )


def check(
    source: Source,
    judge: Callable[[Record], Iterable[str | CliError]],
    counts: Counts | None = None,
) -> int:
    """The number of records; UsageError tells every fault of the input, with its line.

    `judge` says what is wrong with one record: in words, or as an error that others may share.
    Where all that it leaves behind is in `counts`, several processes judge a long input. Ids are
    held as 8-byte hashes.
    """
    told, hashes = _Told(), array("q")

    def elsewhere(records: Iterator[Record | Fault]) -> _Judged | None:
        _judge(records, judge, told, hashes)
        return None if told.count or counts is None else _Judged(hashes, counts.taken())

    everything: Any = [(source.read(), None)] if counts is None else source.beside(elsewhere)
    for records, found in everything:
        if found is None or counts is None:
            _judge(records, judge, told, hashes)
        else:
            hashes.extend(found.hashes)
            counts.join(found.counts)
    for fault in _twice(source, hashes):
        told.add(fault.line, fault.what)
    if told.count:
        raise told.error(source.name)
    if not hashes:
        raise UsageError(f"{source.name} holds no records")
    return len(hashes)


def _judge(
    records: Iterable[Record | Fault],
    judge: Callable[[Record], Iterable[str | CliError]],
    told: _Told,
    hashes: array[int],
) -> None:
    for record in records:
        if isinstance(record, Fault):
            told.add(record.line, record.what)
            continue
        hashes.append(hash(record.id))
        for what in judge(record):
            told.add(record.line, what)


def _twice(source: Source, hashes: array[int]) -> Iterator[Fault]:
    """Ids that stand twice: by their hashes, and only where two are equal by reading again."""
    suspect = Hashes(hashes).twice
    if not suspect:
        return
    first: dict[str, int] = {}
    for record in source.read():
        if isinstance(record, Fault) or hash(record.id) not in suspect:
            continue
        if record.id in first:
            yield Fault(
                record.line, f"the id `{record.id}` stands in line {first[record.id]:,} too"
            )
        else:
            first[record.id] = record.line


def _stretched(stretch: Stretch) -> Iterator[Record | Fault]:
    with io.BufferedReader(stretch, BUFFER) as file:
        yield from _parsed(file, before=stretch.lines_before())


def _parsed(raw: IO[bytes], first: int = 0, before: int = 0) -> Iterator[Record | Fault]:
    """What the lines hold, after so many others, from the line `first` on.

    One that is far too long comes cut, and is refused for its length.
    """
    number, parse, read = before, record_parse.of_json, raw.readline
    while line := read(MAX_LINE + 1):
        number += 1
        if number >= first:
            found = parse(number, line)
            if found is not None:
                yield found
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = read(MAX_LINE + 1)
