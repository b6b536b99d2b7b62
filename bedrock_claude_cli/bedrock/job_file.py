"""The file that `jobs fetch` writes: whole or not at all, and none that a run writes meanwhile."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bedrock_claude_cli.bedrock import run_output
from bedrock_claude_cli.errors import CliError, UsageError

_OF_A_RUN = b'{"schema": 1, '
_BY_BATCH = b'"via": "batch"'
_WHOLE = b'"complete": true'


def check(output: Path, *, force: bool) -> None:
    """UsageError for what is no file, is there already, or lies where nothing can be written."""
    run_output.check_name(str(output))
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} is no file", hint="give a file with -o")
    if output.exists() and not force:
        raise UsageError(f"{output} is there, so nothing was fetched", hint="--force replaces it")
    folder = output.resolve().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        why = os.strerror(errno.EACCES if folder.is_dir() else errno.ENOENT)
        raise UsageError(f"{output} cannot be written: {why}", hint="give another file with -o")


@contextmanager
def hold(output: Path) -> Iterator[int | None]:
    """Hold a file that is to be replaced, so that no run adds answers to it; None without one.

    CliError where a run writes it at this moment. The value is how many answers of `run` it has.
    """
    try:
        descriptor = os.open(output, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror}", hint="give another file with -o"
        ) from None
    try:
        run_output.lock(descriptor, str(output))
        yield _by_run(descriptor)
    finally:
        os.close(descriptor)


def _by_run(descriptor: int) -> int:
    """The whole answers that were asked for one by one, and so paid for beside the job's."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return sum(
            line.startswith(_OF_A_RUN) and _WHOLE in line and _BY_BATCH not in line for line in file
        )


@contextmanager
def written(output: Path, *, new: bool) -> Iterator[IO[bytes]]:
    """A file of mode 0600 beside the output, put in its place when it is whole.

    With `new` none may have come to be there meanwhile.
    """
    target = output.resolve()  # a link stays one
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if new:
                _check_new(output)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.filename is None and error.errno is None:  # a connection's, not the disk's
            raise
        raise CliError(
            f"{output} cannot be written: {error.strerror}",
            hint="nothing is lost: the answers stay in S3",
        ) from None


def _check_new(output: Path) -> None:
    if output.exists():
        raise CliError(
            f"{output} was made by somebody else meanwhile, so it was left as it is",
            hint="nothing is lost: the answers stay in S3; give another file with -o",
        )
