"""Records: many prompts in one file, read as a stream, with every fault told by its line."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from bedrock_claude_cli.bedrock import record_parse
from bedrock_claude_cli.bedrock.record_parse import MAX_LINE
from bedrock_claude_cli.bedrock.record_parse import Fault as Fault
from bedrock_claude_cli.bedrock.record_parse import Record as Record
from bedrock_claude_cli.errors import CliError, UnmetError, UsageError

MOST_TOLD = 20
STDIN = "-"


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
        raw: IO[bytes] = self._file
        if self._zipped:
            import gzip

            raw = gzip.GzipFile(fileobj=self._file)  # type: ignore[assignment]
        found = record_parse.of_csv(raw) if self._kind == "csv" else _parsed(raw, first)
        try:
            for each in found:
                if each is not None:
                    yield each
        except (EOFError, OSError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{self.name} cannot be read: {why}") from None
        except ValueError as error:  # zlib's own, of a broken archive
            raise UsageError(f"{self.name} is not as its name says: {error}") from None

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

    UsageError where it cannot be read.
    """
    if path == STDIN:
        import shutil
        import tempfile

        spooled: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # Source closes it
        if stdin is not None:
            shutil.copyfileobj(stdin, spooled)
        spooled.flush()
        return Source("standard input", spooled, "jsonl", zipped=False)
    found = Path(path).expanduser()
    name = found.name.lower()
    zipped = name.endswith(".gz")
    kind = "csv" if name.removesuffix(".gz").endswith(".csv") else "jsonl"
    try:
        if not found.is_file():
            raise UsageError(f"{path}: {'it is no file' if found.exists() else 'no such file'}")
        return Source(path, found.open("rb"), kind, zipped=zipped)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


class Forbidden(str):
    """What is wrong with a record that a condition of the user's forbids."""

    __slots__ = ()


def fault_of(error: CliError) -> str:
    """What is wrong with a record, of which `check` can tell whether it is forbidden."""
    return Forbidden(error.message) if isinstance(error, UnmetError) else error.message


def check(source: Source, judge: Callable[[Record], Iterable[str]]) -> int:
    """The number of records; UsageError tells every fault of the input, with its line.

    `judge` says what is wrong with one record; where every fault is Forbidden it is an UnmetError.
    Ids are held as 8-byte hashes.
    """
    told: list[str] = []
    hashes, count, forbidden = array("q"), 0, 0
    for each in source.read():
        if isinstance(each, Fault):
            faults: Iterable[str] = (each.what,)
        else:
            hashes.append(hash(each.id))
            faults = judge(each)
        for what in faults:
            count += 1
            forbidden += isinstance(what, Forbidden)
            if count <= MOST_TOLD:
                told.append(f"line {each.line:,}: {what}")
    for fault in _twice(source, hashes):
        count += 1
        if count <= MOST_TOLD:
            told.append(f"line {fault.line:,}: {fault.what}")
    if count:
        more = f"\nand {count - MOST_TOLD:,} more" if count > MOST_TOLD else ""
        faults_word = "fault" if count == 1 else "faults"
        listed = "\n".join(told)
        kind = UnmetError if forbidden == count else UsageError
        raise kind(
            f"{source.name}: {count:,} {faults_word}, so nothing was sent\n{listed}{more}",
            hint="mend the input, then run it again",
        )
    if not hashes:
        raise UsageError(f"{source.name} holds no records")
    return len(hashes)


def _twice(source: Source, hashes: array[int]) -> Iterator[Fault]:
    """Ids that stand twice: by their hashes, and only where two are equal by reading again."""
    suspect: set[int] = set()
    before: int | None = None
    for each in sorted(hashes):
        if each == before:
            suspect.add(each)
        before = each
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


def _parsed(raw: IO[bytes], first: int) -> Iterator[Record | Fault | None]:
    for number, line in enumerate(_lines(raw), 1):
        if number >= first:
            yield record_parse.of_json(number, line)


def _lines(raw: IO[bytes]) -> Iterator[bytes]:
    """The lines; one that is far too long comes cut, and is refused for its length."""
    while line := raw.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = raw.readline(MAX_LINE + 1)
