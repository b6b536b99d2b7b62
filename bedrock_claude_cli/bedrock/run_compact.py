"""What a run leaves: one line an id, and a file also where its own was removed meanwhile."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
import stat
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bedrock_claude_cli.bedrock import record_line
from bedrock_claude_cli.bedrock.hashes import Hashes


class Lines(NamedTuple):
    """Of one id's lines, counted from 1: the last, an answer that stays, what the rest cost."""

    last: int
    answer: int
    cost: float


def write(descriptor: int, repeated: dict[str, Lines], target: Path) -> int:
    """Replace `target`, which is open, by what stays of each id; the new descriptor, locked.

    OSError where that cannot be, or the path leads to another file by now: all is left as it is.
    """
    # Only who holds the lock of the target writes there, and a killed run may have left one.
    name = target.with_name(f".{target.name}.tmp")
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    made = os.open(name, flags, 0o600)
    try:
        with os.fdopen(os.dup(made), "wb") as new:
            new.writelines(_compacted(descriptor, repeated))
            new.flush()
            os.fchmod(made, stat.S_IMODE(os.fstat(descriptor).st_mode))
            os.fsync(made)
        fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not leads_to(target, descriptor):
            raise FileNotFoundError(target)
        name.replace(target)
    except BaseException:
        name.unlink(missing_ok=True)
        os.close(made)
        raise
    return made


def leads_to(path: Path, descriptor: int) -> bool:
    """Whether a path still is the file that is open; OSError where nobody can tell."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except (FileNotFoundError, NotADirectoryError):
        return False


def save(descriptor: int, place: Path) -> Path:
    """Copy a file that has no name any more to a free one beside its place; OSError."""
    for number in itertools.count(1):
        more = f"-{number}" if number > 1 else ""
        name = place.with_name(f"{place.stem}.saved{more}{place.suffix}")
        try:
            made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            break
        except FileExistsError:
            continue
    try:
        with os.fdopen(made, "wb") as new, os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            shutil.copyfileobj(file, new)
            new.flush()
            os.fsync(made)
    except BaseException:
        name.unlink()
        raise
    return name


def _lines(descriptor: int) -> Iterator[tuple[bytes, record_line.Head]]:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        for line in file:
            head = record_line.read(line)
            if head is not None:
                yield line, head


def repeated(descriptor: int) -> dict[str, Lines]:
    """The ids with lines that need not stay.

    The last line stays, and before an error the last answer: it is good for what it was asked.
    """
    suspect = Hashes(array("q", (hash(head.id) for _, head in _lines(descriptor)))).twice
    costs: dict[str, list[float]] = {}
    answers: dict[str, int] = {}
    for _, head in _lines(descriptor) if suspect else ():
        if hash(head.id) in suspect:
            costs.setdefault(head.id, []).append(head.spent)
            if head.error is None:
                answers[head.id] = len(costs[head.id])
    made = ((key, _judged(each, answers.get(key, len(each)))) for key, each in costs.items())
    return {key: each for key, each in made if len({each.last, each.answer}) < each.last}


def _judged(costs: list[float], answer: int) -> Lines:
    last = len(costs)
    return Lines(last, answer, sum(costs[at - 1] for at in range(1, last) if at != answer))


def _compacted(descriptor: int, repeated: dict[str, Lines]) -> Iterator[bytes]:
    seen: Counter[str] = Counter()
    for line, head in _lines(descriptor):
        each = repeated.get(head.id)
        if each is None:
            yield line
            continue
        seen[head.id] += 1
        if seen[head.id] == each.last:
            made = json.loads(line)
            made["earlier_cost_usd"] = each.cost + (head.earlier_cost_usd or 0.0)
            yield json.dumps(made).encode() + b"\n"
        elif seen[head.id] == each.answer:
            yield line
