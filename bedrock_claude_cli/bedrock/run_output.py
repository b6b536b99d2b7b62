"""The output of a run, which is its checkpoint: one line per finished record, held by one run."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import stat
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal

from bedrock_claude_cli.bedrock import record_line, run_compact
from bedrock_claude_cli.bedrock.hashes import Hashes
from bedrock_claude_cli.bedrock.record_line import WHOLE
from bedrock_claude_cli.errors import CliError, UsageError

Found = Literal["new", "done", "failed", "changed", "corrected"]
_START = b'{"schema": 1, '
_OTHER = "give another file with -o"
_ROOM = 1 << 16  # bytes: for the answers to the first requests
_BUFFER = 1 << 17  # a quarter of the time that reading lines takes with Python's 8 KiB


class State:
    """What the lines of an output say; ids and their requests are held as 8-byte hashes.

    `spent` is in USD: what the lines cost, or can have cost at most. Of an id that was asked again
    the later line counts, and both were paid for; `repeats` are the earlier ones. An answer before
    an error still is what became of its own request.
    """

    def __init__(self) -> None:
        self.records = self.incomplete = self.repeats = 0
        self.spent = 0.0
        self.errors: Counter[str] = Counter()
        self.sandbox: bool | None = None
        self._ids, self._requests = array("q"), array("q")
        self._indexed = Hashes(array("q"), array("q"))
        # The ids without a whole answer: the code of the error, None for an answer that is cut.
        self._flawed: dict[int, str | None] = {}
        self._failed_at, self._cut_at = array("q"), array("q")  # which lines those are
        self._kept: dict[int, int] = {}  # the requests of the answers before errors, by id
        self._kept_cut: set[int] = set()

    def add(self, head: record_line.Head) -> None:
        """Count one line more, before `index`."""
        record_id, sha256, cost, _, earlier, complete, error, self.sandbox = head
        own = hash(record_id)
        self.spent += cost if cost is not None and earlier is None else head.spent
        self._ids.append(own)
        self._requests.append(hash(sha256))
        if own in self._flawed:
            self._count(self._flawed.pop(own), -1)
        if error is not None or not complete:
            self._count(error, 1)
            self._flawed[own] = error
            (self._cut_at if error is None else self._failed_at).append(len(self._ids) - 1)

    def _count(self, error: str | None, more: int) -> None:
        if error is None:
            self.incomplete += more
        else:
            self.errors[error] += more
            if not self.errors[error]:
                del self.errors[error]

    def add_answers(self, lines: Iterable[bytes]) -> tuple[int, bytes]:
        """Count whole answers, at a third of the work, until a line that is something else.

        Returns the bytes of those that were counted, and that other line: empty at the end.
        """
        add_id, add_request, flawed = self._ids.append, self._requests.append, self._flawed
        read, spent, length, sandbox, line = WHOLE.match, self.spent, 0, self.sandbox, b""
        for line in lines:
            match = read(line)
            if match is None or not line.endswith(b"\n"):
                break
            in_sandbox, name, sha256, cost = match.groups()
            try:
                own, request, usd = hash(name.decode()), hash(sha256.decode()), float(cost)
            except ValueError:  # of a number or a character that is none
                break
            if own in flawed:
                break
            add_id(own)
            add_request(request)
            spent += usd
            length += len(line)
            sandbox = in_sandbox is not None
        else:
            line = b""
        self.spent, self.sandbox = spent, sandbox
        return length, line

    def index(self) -> None:
        """Make what was added ready to be asked for."""
        self._indexed = Hashes(self._ids, self._requests)
        self.repeats = self._indexed.repeats
        self.records = len(self._ids) - self.repeats
        failed = {own for own in self._indexed.twice if self._flawed.get(own) is not None}
        if failed:
            self._keep(failed)
        self._ids, self._requests = array("q"), array("q")
        self._failed_at, self._cut_at = array("q"), array("q")

    def _keep(self, failed: set[int]) -> None:
        """Find the answers before the errors of these ids."""
        flaws = bytearray(len(self._ids))  # 1 for an error, 2 for an answer that is cut
        for flaw, where in ((1, self._failed_at), (2, self._cut_at)):
            for at in where:
                flaws[at] = flaw
        for at, own in enumerate(self._ids):
            if own in failed and flaws[at] != 1:
                self._kept[own] = self._requests[at]
                (self._kept_cut.add if flaws[at] else self._kept_cut.discard)(own)

    def __len__(self) -> int:
        return self.records

    @property
    def lines(self) -> int:
        """The lines that were counted, before `index`."""
        return len(self._ids)

    def has(self, record_id: str) -> bool:
        """Whether a line has this id."""
        return self._indexed.get(hash(record_id)) is not None

    def failed(self, record_id: str) -> bool:
        """Whether the last line of this id is an error."""
        return self._flawed.get(hash(record_id)) is not None

    def cut(self, record_id: str) -> bool:
        """Whether the last answer of this id is not whole."""
        own = hash(record_id)
        if own in self._kept_cut:
            return True
        return bool(self.incomplete) and self._flawed.get(own, "whole") is None

    def find(self, record_id: str, sha256: str) -> Found:
        """What became of a record; `corrected` is one that failed, with another request."""
        own = hash(record_id)
        asked = self._indexed.get(own)
        if asked is None:
            return "new"
        request = hash(sha256)
        same = asked == request
        if self._flawed and self._flawed.get(own) is not None:
            if self._kept.get(own) == request:
                return "done"
            return "failed" if same else "corrected"
        return "done" if same else "changed"


def read(file: IO[bytes], name: str, other: str = _OTHER) -> tuple[State, int, bytes]:
    """The state, where its last whole line ends, and what is torn behind; UsageError for a file of
    another kind, with what to give instead in the hint.

    After a loss of power a file may end in zeros where nothing was written any more.
    """
    state, end = State(), 0
    while True:
        length, line = state.add_answers(file)
        end += length
        if not line:
            state.index()
            return state, end, b""
        ends = line.endswith(b"\n")
        written = line.rstrip(b"\0")
        head = record_line.read(written) if ends or _parses(written) else None
        if head is None:
            if not ends and written[: len(_START)] == _START[: len(written)]:
                state.index()
                return state, end, line
            raise UsageError(
                f"{name} is no output of a run: line {state.lines + 1:,} is none of its lines",
                hint=f"take that line out, and its record is asked again; or {other}"
                if state.lines
                else f"it was left as it is; {other}",
            )
        state.add(head)
        end += len(written)


def _parses(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class RunOutput:
    """An output that is held by this process until `close`."""

    def __init__(self, path: str, descriptor: int, *, made: bool) -> None:
        self.path = path
        self._place, self._descriptor, self._made = Path(path).expanduser(), descriptor, made
        with os.fdopen(os.dup(descriptor), "rb", _BUFFER) as file:
            file.seek(0)
            self.state, self._end, torn = read(file, path)
        self.torn = bool(torn)
        os.ftruncate(descriptor, self._end)
        if self._end and os.pread(descriptor, 1, self._end - 1) != b"\n":
            self.write(b"\n")

    def check_room(self) -> None:
        """CliError where there is no room for a few answers, before they are paid for."""
        end = self._end
        try:
            self.write(bytes(_ROOM))  # if this is killed here, the next run takes zeros away
        finally:
            os.ftruncate(self._descriptor, end)
            self._end = end

    def write(self, line: bytes) -> None:
        """Append a line, whole or not at all; CliError where the disk does not take it."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            os.ftruncate(self._descriptor, self._end)
            raise CliError(
                f"{self.path} cannot be written: {error.strerror}",
                hint="make room, then run it again; what is finished is kept",
            ) from None
        self._end += len(line)

    def held(self) -> bool:
        """Whether its path still leads to it, and to all of it: nobody else changed that."""
        try:
            return run_compact.leads_to(self._place, self._descriptor) and not self.cut
        except OSError:
            return True

    @property
    def cut(self) -> bool:
        """Whether another program took lines away."""
        there = self._end  # read first, as threads write meanwhile
        return os.fstat(self._descriptor).st_size < there

    def lost(self, hint: str = "run it again") -> CliError:
        """The error where it is not held any more."""
        what = "emptied or cut" if self.cut else "removed, moved or replaced"
        return CliError(f"{self.path} was {what} while the run wrote it", hint=hint)

    @property
    def named(self) -> bool:
        """Whether its lines have a name, be it another one."""
        return os.fstat(self._descriptor).st_nlink > 0

    @property
    def empty(self) -> bool:
        """Whether it has no line."""
        return not self._end

    def __iter__(self) -> Iterator[bytes]:
        with os.fdopen(os.dup(self._descriptor), "rb", _BUFFER) as file:
            file.seek(0)
            yield from file

    def save(self) -> str:
        """Give lines without a name a file beside where they were; its path; OSError."""
        return str(run_compact.save(self._descriptor, self._place))

    def compact(self) -> None:
        """Leave one line an id, the last one, which then says what the earlier ones cost.

        Where that is an error, the last answer stays before it, which an earlier request got.
        Where there is no room for that, or the path is another file's by now, both lines stay, and
        the later one counts.
        """
        repeated = run_compact.repeated(self._descriptor)
        if not repeated or not self.held():
            return
        try:
            made = run_compact.write(self._descriptor, repeated, self._place.resolve())
        except OSError:
            return
        os.close(self._descriptor)
        self._descriptor, self._end = made, os.fstat(made).st_size

    def close(self) -> None:
        """Let another run have it; a file that this run made does not stay without a line."""
        if self._made and not self._end and self.held() and not self._place.is_symlink():
            self._place.unlink(missing_ok=True)
        os.close(self._descriptor)


def check_name(path: str) -> None:
    """UsageError for a name that is no file of lines, which a run could go on from."""
    if path == "-":
        raise UsageError(
            "-o takes a file, which a run that ends early goes on from",
            hint="`-o FILE.jsonl`; `tail -f FILE.jsonl` reads it meanwhile",
        )
    if path.lower().endswith(".gz"):
        bare = shlex.quote(path[: -len(".gz")])
        raise UsageError(
            "-o writes lines that a later run reads again, and packs none",
            hint=f"`-o {bare}`; `gzip` packs it when all is done",
        )


def open_output(path: str) -> RunOutput:
    """The output, made if it is not there (mode 0600), and locked.

    UsageError where it cannot be written or is no output; CliError while another run holds it.
    """
    found = Path(path).expanduser()
    try:
        descriptor, made = _opened(found)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint=_OTHER) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path} is no file", hint="give a file with -o")
        lock(descriptor, path)
        if not found.exists() or found.stat().st_ino != os.fstat(descriptor).st_ino:
            raise CliError(f"another run just let go of {path}", hint="run it again")
        return RunOutput(path, descriptor, made=made)
    except BaseException:
        os.close(descriptor)
        raise


def _opened(path: Path) -> tuple[int, bool]:
    """A descriptor of the file, and whether it was made just now."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_EXCL, 0o600), True
    except FileExistsError:
        return os.open(path, flags, 0o600), False


def lock(descriptor: int, path: str) -> None:
    """Hold an open file against other runs; CliError while another one has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CliError(
            f"another run writes {path} at this moment",
            hint=f"`bedrock-claude run status {path}` shows it; or give another file with -o",
        ) from None
    except OSError as error:
        raise CliError(f"{path} cannot be locked: {error.strerror}") from None


def exists(path: str) -> bool:
    """Whether there is something at a path."""
    return Path(path).expanduser().exists()


def look(path: str, other: str = _OTHER) -> tuple[State, bool]:
    """What an output says, and whether a run is writing it; UsageError as with `read`."""
    try:
        with Path(path).expanduser().open("rb", _BUFFER) as file:
            state = read(file, path, other)[0]
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return state, True
            return state, False
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
