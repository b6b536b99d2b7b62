"""NAME.job.json: what a submit was split into, kept so that any of it can be continued."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bedrock_claude_cli.errors import CliError, ConfigError

SCHEMA = 1
SUFFIX = ".job.json"
COMPLETED = "Completed"
LOST = ("Failed", "Stopped", "Expired")
ENDED = (COMPLETED, "PartiallyCompleted", *LOST)
_NOT_WRITTEN = ("path", "kept", "revised", "held")
# botocore's ModelInvocationJobStatus
STATUSES = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping", *ENDED)


@dataclass
class Part:
    """One job of Bedrock's; `status` is AWS's word as last seen, `arn` None before it was made."""

    name: str
    model: str
    token: str
    input_uri: str
    output_uri: str
    records: int
    bytes: int
    uploaded: bool = False
    arn: str | None = None
    status: str | None = None
    message: str | None = None
    processed: int | None = None
    succeeded: int | None = None
    failed: int | None = None

    @property
    def folder(self) -> str:
        """The last folder of its input, which is called after the name and the fingerprint."""
        return self.input_uri.rpartition("/")[0].rpartition("/")[2]

    @property
    def below(self) -> str:
        """The bucket and the prefix that its folder lies in, with a slash behind."""
        return self.input_uri.removeprefix("s3://").rpartition("/")[0].rpartition("/")[0] + "/"

    @property
    def submit(self) -> str:
        """The name of the submit that it is a part of, as its folder tells it."""
        return self.folder.rpartition("-")[0]

    @property
    def mark(self) -> str:
        """The beginning of the fingerprint of all that was sent, as its folder tells it."""
        return self.folder.rpartition("-")[2]

    @property
    def ended(self) -> bool:
        """Whether AWS is done with it."""
        return self.status in ENDED

    @property
    def whole(self) -> bool:
        """Whether every record was answered."""
        return self.status == COMPLETED and not self.failed

    def told(self, answer: dict[str, Any]) -> bool:
        """Take over what AWS tells of the job; whether its state changed."""
        before = self.status
        self.status, self.message = answer.get("status"), answer.get("message")
        self.processed = answer.get("processedRecordCount")
        self.succeeded = answer.get("successRecordCount")
        self.failed = answer.get("errorRecordCount")
        self.records = self.records or answer.get("totalRecordCount") or 0
        return self.status != before

    def join(self, job: Part) -> None:
        """Take over the job that AWS lists for it."""
        self.arn, self.status, self.message, self.uploaded = job.arn, job.status, job.message, True
        self.processed, self.succeeded, self.failed = job.processed, job.succeeded, job.failed

    def take_over(self, other: Part) -> None:
        """What another process found out about it: a job that was made, and an end, are final."""
        self.uploaded = self.uploaded or other.uploaded
        further = other.ended and not self.ended
        if other.arn != self.arn:
            further = self.arn is None
        if further:
            for each in fields(self):
                if each.name != "uploaded":
                    setattr(self, each.name, getattr(other, each.name))


@dataclass
class Manifest:
    """One submit: `fingerprint` is the hash of all that is sent, `path` None if it has no file.

    `command` is the command line that made it, and continues it. `kept` says that the file was
    made, and `revised` that role, hours and command are those of this process, not the file's.
    """

    name: str
    region: str
    account: str
    role: str
    fingerprint: str
    hours: int
    sandbox: bool = False
    parts: list[Part] = field(default_factory=list)
    path: Path | None = None
    command: str | None = None
    kept: bool = False
    revised: bool = False
    held: bool = False

    @property
    def handle(self) -> str:
        """What the verbs take for it: its file, else the ARN of its one job, else its name."""
        if self.path is not None and self.kept:
            return str(self.path)
        return (self.parts[0].arn if len(self.parts) == 1 else None) or self.name

    @property
    def tokens(self) -> list[str]:
        """What AWS tells its parts by, which no other submit has."""
        return [part.token for part in self.parts]

    @property
    def unstarted(self) -> list[Part]:
        """The parts that have no job yet, and may get one."""
        return [part for part in self.parts if part.arn is None and not part.ended]

    @property
    def sent(self) -> bool:
        """Whether the input of every part that has not ended is in S3."""
        return all(part.uploaded or part.ended for part in self.parts)

    @property
    def ended(self) -> bool:
        """Whether every part has."""
        return all(part.ended for part in self.parts)

    @property
    def whole(self) -> bool:
        """Whether every record of every part was answered."""
        return all(part.whole for part in self.parts)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold it against other processes, with all that they wrote until now taken over."""
        if self.path is None or self.held:
            yield
            return
        with _locked(self.path.absolute().parent):
            self.held = True
            try:
                if self.kept and self.path.exists():
                    self.take_over(read(self.path))
                yield
            finally:
                self.held = False

    def take_over(self, other: Manifest) -> None:
        """What another process wrote of the same submit; CliError where it is of another one."""
        if other.tokens != self.tokens:
            raise self._made_meanwhile()
        for own, its in zip(self.parts, other.parts, strict=True):
            own.take_over(its)
        if not self.revised:
            self.role, self.hours, self.command = other.role, other.hours, other.command

    def _made_meanwhile(self) -> CliError:
        return CliError(f"{self.path} was made by somebody else meanwhile")

    def save(self, *, new: bool = False) -> None:
        """Replace the file so that at any time the old or the new one is whole; mode 0600.

        With `new` it is made, and must not be there yet; before that nothing is written.
        """
        if self.path is None or not (self.kept or new):
            return
        with self.hold():
            try:
                _write(self.path, self.as_text(), new=new)
            except FileExistsError:
                raise self._made_meanwhile() from None
            except OSError as error:
                raise CliError(f"{self.path} cannot be written: {error.strerror}") from None
        self.kept = True

    def as_text(self) -> str:
        """What stands in the file."""
        own = {key: value for key, value in asdict(self).items() if key not in _NOT_WRITTEN}
        return json.dumps({"schema": SCHEMA, **own}, indent=1) + "\n"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's manifests; the files cannot be locked themselves, as each save is a new one.

    Where the folder cannot be locked, as on some network drives, nobody holds it.
    """
    descriptor = None
    try:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _write(path: Path, text: str, *, new: bool) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(name, path)
        else:
            Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def read(path: Path) -> Manifest:
    """The manifest in a file; ConfigError where there is none or it is not as `save` writes it."""
    try:
        found = parse(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if found is None:
        raise ConfigError(
            f"{path} is no manifest of a job",
            hint="`jobs submit` writes one; a job can be named by its ARN, too",
        )
    found.path, found.kept = path, True
    return found


def parse(text: bytes) -> Manifest | None:
    """The manifest that a text is; None for any other text."""
    try:
        found = json.loads(text)
        if found.pop("schema") != SCHEMA:
            return None
        parts = [Part(**each) for each in found.pop("parts")]
        return Manifest(**found, parts=parts)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
