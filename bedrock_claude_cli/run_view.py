"""How a run is shown while it goes on, and what it came to."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO, cast

from bedrock_claude_cli.bedrock.duration import show_duration
from bedrock_claude_cli.bedrock.run import Engine
from bedrock_claude_cli.bedrock.run_job import Progress
from bedrock_claude_cli.output import Output

EVERY = 10.0  # seconds between two lines
EVERY_BAR = 0.2
_BAR = 40  # columns


class Lasting(io.TextIOBase):
    """A stderr whose reader may go away: talk then ends, and what is paid for goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what somebody may still read."""
        try:
            self._stream.write(text)
        except OSError:
            self._lose()
        return len(text)

    def flush(self) -> None:
        """The same of what is held back."""
        try:
            self._stream.flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        """From here on nobody reads; what the stream still holds must not fail at the exit."""
        with suppress(OSError):  # a stream in memory has no descriptor
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Its encoding, by which the characters of a bar are chosen."""
        return self._stream.encoding


def lasting(stream: TextIO) -> TextIO:
    """A stream that outlives its reader."""
    return cast(TextIO, Lasting(stream))


class Lines:
    """A line every ten seconds, as words or as JSON."""

    def __init__(self, out: Output, *, as_json: bool) -> None:
        self._out, self._as_json = out, as_json
        self._next = time.monotonic() + EVERY

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def tell(self, now: Progress) -> None:
        """Show how it stands, if it is time, or JSON is asked for and this is the end."""
        ended = self._as_json and not now.in_flight and now.done >= now.total
        if time.monotonic() < self._next and not ended:
            return
        self._next = time.monotonic() + EVERY
        if self._as_json:
            self._out.stderr.write(json.dumps({"progress": as_json(now)}) + "\n")
            self._out.stderr.flush()
        else:
            self._out.note(words(now))


class Bar:
    """A bar on a terminal."""

    def __init__(self, out: Output) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._out, self._stderr = out, out.stderr
        self._terminal = Console(file=out.stderr)
        self._console = Console(file=out.stderr, highlight=False)
        self._column = BarColumn(_BAR)
        self._bar = Progress(
            self._column,
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("")
        self._next = 0.0

    def __enter__(self) -> Bar:
        self._fit()
        self._bar.start()
        self._out.stderr = sys.stderr  # rich's own now: it puts what is said above the bar
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        self._out.stderr = self._stderr

    def tell(self, now: Progress) -> None:
        """Show how it stands."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_BAR
        text = f"{now.done:,}/{now.total:,} {words(now, short=True)}"
        self._fit(text)
        self._bar.update(self._task, completed=now.done, total=now.total, description=text)
        self._bar.refresh()

    def _fit(self, text: str = "") -> None:
        """Leave room for the ^C of a terminal, which would else begin a line of its own.

        What is left beside the text is the bar's.
        """
        width = self._console.width = max(self._terminal.width - len("^C^C"), 1)
        self._column.bar_width = max(min(_BAR, width - len(text) - 1), 1)


class Silent(Lines):
    """Nothing, as with --quiet."""

    def tell(self, now: Progress) -> None:
        """Show nothing."""


def pairs(out: Output, found: Sequence[tuple[str, str]]) -> None:
    """Names and values: aligned on a terminal, with a tab between in a pipe."""
    width = max(len(name) for name, _ in found)
    for name, value in found:
        out.line(f"{name:<{width}}  {value}" if out.terminal else f"{name}\t{value}")


def view(out: Output, *, as_json: bool) -> Lines | Bar:
    """What shows the progress on stderr."""
    if as_json:
        return Lines(out, as_json=True)
    if out.quiet:
        return Silent(out, as_json=False)
    return Bar(out) if out.stderr.isatty() else Lines(out, as_json=False)


def left(now: Progress) -> float | None:
    """Seconds that it will take at this speed; None before the first record."""
    return worked(now) / now.done * (now.total - now.done) if now.done else None


def worked(now: Progress) -> float:
    """Seconds in which the run did not wait for credentials."""
    return now.seconds - now.waited


def as_json(now: Progress) -> dict[str, Any]:
    """How it stands, as --progress json shows it."""
    seconds = left(now)
    return now._asdict() | {
        "seconds": round(now.seconds, 1),
        "waited": round(now.waited, 1),
        "seconds_left": None if seconds is None else round(seconds),
    }


def words(now: Progress, *, short: bool = False) -> str:
    """How it stands, in one line; `short` leaves out what a bar shows."""
    seconds = left(now)
    speed = now.output_tokens / worked(now) if worked(now) else 0.0
    parts = [] if short else [f"{now.done:,} of {now.total:,} done"]
    parts += [
        f"{now.failed:,} failed",
        f"{now.in_flight} in flight",
        f"{speed:,.0f} tokens/s",
        f"${now.cost_usd:.4f}",
    ]
    if now.waiting:
        parts.append("waiting for credentials")
    elif seconds is not None and now.done < now.total:
        parts.append(f"{show_duration(seconds)} left")
    return ", ".join(parts)


def summary(engine: Engine, path: str, counts: dict[str, int]) -> dict[str, Any]:
    """What a run came to, with the counts of its plan; docs/json.md describes the keys."""
    now = engine.progress()
    return {
        "output": path,
        **counts,
        "done": now.done,
        "failed": now.failed,
        "incomplete": engine.tally.incomplete,
        "errors": dict(engine.tally.errors),
        "input_tokens": now.input_tokens,
        "output_tokens": now.output_tokens,
        "cost_usd": round(now.cost_usd, 9),
        "seconds": round(now.seconds, 3),
        "error": engine.stopped.as_json() if engine.stopped else None,
    }


def summary_line(found: dict[str, Any]) -> str:
    """The same in one line."""
    line = (
        f"{found['done']:,} of {found['to_do']:,} records done in "
        f"{show_duration(found['seconds'])}, {found['failed']:,} failed{_listed(found['errors'])}, "
        f"{found['incomplete']:,} not whole"
    )
    if found["skipped"]:
        line += f", {found['skipped']:,} were there before"
        words = (("left_failed", "failed"), ("left_incomplete", "not whole"))
        flawed = ", ".join(f"{found[key]:,} {word}" for key, word in words if found[key])
        line += f" ({flawed})" if flawed else ""
    return f"{line}; {found['output']} has cost about ${found['cost_usd']:.6f}"


def not_whole(count: int) -> str:
    """What helps where answers are cut."""
    one = count == 1
    which = "1 record is not whole" if one else f"{count:,} records are not whole"
    return (
        f"{which}: `stop_reason` in {'its line' if one else 'their lines'} says why; for "
        f"max_tokens, give {'that record' if one else 'those records'} of the input a larger "
        f"`max_tokens` and run it with --force (--max-tokens would ask all records anew)"
    )


def _listed(errors: dict[str, int]) -> str:
    """The most frequent errors, in brackets."""
    most = sorted(errors.items(), key=lambda each: -each[1])[:3]
    told = ", ".join(f"{count:,} {code}" for code, count in most)
    return f" ({told}{', ...' * (len(errors) > 3)})" if told else ""
