"""The output of a run, which is its checkpoint: one line per finished record, held by one run."""

from __future__ import annotations

import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from bedrock_claude_cli.bedrock import run_compact, run_read
from bedrock_claude_cli.bedrock.beside import BUFFER
from bedrock_claude_cli.bedrock.run_read import OTHER
from bedrock_claude_cli.bedrock.run_state import State
from bedrock_claude_cli.errors import CliError, UsageError

_ROOM = 1 << 16  # bytes: for the answers to the first requests


class RunOutput:
    """An output that is held by this process until `close`."""

    def __init__(self, path: str, descriptor: int, *, made: bool) -> None:
        self.path = path
        self._place, self._descriptor, self._made = Path(path).expanduser(), descriptor, made
        self.state, self._end, torn = run_read.read(descriptor, path)
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
        with os.fdopen(os.dup(self._descriptor), "rb", BUFFER) as file:
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
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint=OTHER) from None
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


def look(path: str, other: str = OTHER) -> tuple[State, bool]:
    """What an output says, and whether a run is writing it; UsageError as in `run_read`."""
    try:
        with Path(path).expanduser().open("rb") as file:
            state = run_read.read(file.fileno(), path, other)[0]
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return state, True
            return state, False
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
