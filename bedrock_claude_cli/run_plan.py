"""What `run` is to do: the records that its output lacks, and how their requests are sent."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from bedrock_claude_cli import calling, compose_record, forecast
from bedrock_claude_cli.aws import UNSTREAMED_TIMEOUT
from bedrock_claude_cli.bedrock import ask, catalog, record_line, records, run_budget, tokens
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.run_job import Job, Way
from bedrock_claude_cli.bedrock.run_state import Found, State
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, UsageError

_FIXED = (
    "a run cannot wait for that, because it never sees what changes in the environment; for "
    "credentials of a profile it would wait"
)


_CHANGED = UsageError(
    "the id is in the output with another request",
    hint="--force asks anew; another file with -o keeps the answers that are there",
)
_CORRECTED = UsageError(
    "the id is in the output as failed, with another request",
    hint="--retry-failed asks what failed, and --force what has changed, with the new request",
)


class Wish(NamedTuple):
    """What the command line wants done with an input; docs of each are the options' help."""

    output: str | None = None
    concurrency: str = "auto"
    rpm: float | None = None
    tpm: float | None = None
    max_cost: float | None = None
    max_failures: int = 20
    retry_failed: bool = False
    force: bool = False
    on_expired: str = "wait"
    dry_run: bool = False
    progress: str = "auto"

    @property
    def at_once(self) -> int | None:
        """The concurrency that was asked for; None for auto."""
        return None if self.concurrency == "auto" else int(self.concurrency)


class Plan:
    """Which records of an input are to be done, seeing what the output says."""

    def __init__(
        self,
        ctx: Context,
        composer: compose_record.Composer,
        state: State,
        wish: Wish,
        count: Callable[[compose_record.Composed], None] | None = None,
    ) -> None:
        self._ctx, self._composer, self._state, self.wish = ctx, composer, state, wish
        self._prices, self._count = ctx.settings.prices, count
        self._quick = count is None and wish.max_cost is None
        self._any, self._first = bool(len(state)), 0
        self.to_do = self.again = self.skipped = self.left_failed = 0
        self.left_incomplete = 0

    def counts(self) -> dict[str, int]:
        """What is to be done, and what the output says of the rest; docs/json.md has the keys."""
        names = ("to_do", "skipped", "left_failed", "left_incomplete")
        return {name: getattr(self, name) for name in names}

    def taken(self) -> Any:
        """What was counted so far, for `join`."""
        counted = self.again, *self.counts().values()
        return counted, self._first, tuple(self._composer.notes)

    def join(self, others: Any) -> None:
        """Add what another process counted, of later records."""
        (again, *counts), first, notes = others
        self.again += again
        for name, count in zip(self.counts(), counts, strict=True):
            setattr(self, name, getattr(self, name) + count)
        self._first = self._first or first
        self._composer.notes.update(dict.fromkeys(notes))

    def judge(self, record: records.Record) -> Iterable[str | CliError]:
        """What is wrong with a record; the others are counted."""
        frame = self._composer.plain_frame(record) if self._quick else None
        if frame is None:
            return self._composed(record)
        if not self._any:
            return self._place(record, "new")
        sha256 = record_line.framed_sha256(frame, record.prompt or "")
        return self._place(record, self._state.find(record.id, sha256))

    def _composed(self, record: records.Record) -> Iterator[str | CliError]:
        composed = yield from self._composer.judge(record)
        if composed is None:
            return
        if self.wish.max_cost is not None and self._most(composed) is None:
            yield self._unpriced(composed)
            return
        found = self._state.find(record.id, composed.sha256) if self._any else "new"
        yield from self._place(record, found, composed)

    def _place(
        self,
        record: records.Record,
        found: Found,
        composed: compose_record.Composed | None = None,
    ) -> tuple[CliError, ...]:
        """Count a record, by what the output says of it."""
        if found == "done":
            self.skipped += 1
            self.left_incomplete += self._state.cut(record.id)
            return ()
        if self._wanted(found):
            self._first = self._first or record.line
            self.to_do += 1
            self.again += found != "new"
            if self._count is not None and composed is not None:
                self._count(composed)
        else:
            self.skipped += 1
            self.left_failed += found == "failed"
        if found in ("changed", "corrected") and not self._wanted(found):
            return (_CHANGED if found == "changed" else _CORRECTED,)
        return ()

    def _wanted(self, found: str) -> bool:
        return (
            found == "new"
            or (found in ("changed", "corrected") and self.wish.force)
            or (found in ("failed", "corrected") and self.wish.retry_failed)
        )

    def _most(self, composed: compose_record.Composed) -> float | None:
        return run_budget.at_most(composed.request, composed.target, self._prices)

    def _unpriced(self, composed: compose_record.Composed) -> CliError:
        """Why nobody knows what a record can cost, and what helps."""
        try:
            forecast.check_cost(
                self._ctx, composed.request, composed.target, sys.float_info.max, count=False
            )
        except CliError as error:
            return error
        what = f"what {composed.target.model_id} can cost is unknown, so --max-cost cannot hold"
        return UsageError(what)

    def jobs(self, source: records.Source) -> Iterator[Job]:
        """The records that are to be done, as they are sent."""
        for record in source.records(self._first):
            there = self._state.has(record.id)
            if there and not (self.wish.force or self._state.failed(record.id)):
                continue
            composed = self._composer.compose(record)
            sha256 = composed.sha256
            if there and not self._wanted(self._state.find(record.id, sha256)):
                continue
            request = composed.request
            reserved = 0
            if self.wish.tpm is not None:
                reserved = tokens.estimate(request) + (request.options.max_tokens or 0)
            yield Job(
                record.id,
                sha256,
                request,
                composed.target,
                composed.schema,
                composed.extra,
                reserved,
                self._most(composed) if self.wish.max_cost is not None else None,
            )


def way(ctx: Context, wish: Wish) -> Way:
    """How a run's requests are sent: each client is made once, under a lock."""
    known, lock = catalog.load(), threading.Lock()
    made: dict[Any, Any] = {}

    def once(key: Any, make: Callable[[], Any]) -> Any:
        with lock:
            if key not in made:
                made[key] = make()
            return made[key]

    def send(request: Request, target: Target, sleep: Callable[[float], None]) -> Iterator[Any]:
        via, timeout = request.options.via, request.options.timeout
        own = None if timeout == ctx.settings.options.timeout else timeout
        reach = ask.Reach(
            runtime=lambda: once(own, lambda: calling.client(ctx, via, None, own)),
            patient=lambda: once(
                "patient", lambda: calling.client(ctx, via, None, UNSTREAMED_TIMEOUT)
            ),
            offered=lambda: once("offered", offered)() if via != "mantle" else (),
        )
        return ask.ask(request, target, reach, known, sleep=sleep)

    def offered() -> Callable[[], list[str]]:
        """Looks the ids up once for all records, also where that fails."""
        try:
            found = calling.offered(ctx, known, ctx.region)
        except Exception as error:
            return partial(_raise, error)
        return lambda: found

    def renew() -> None:
        with lock:
            made.clear()
            ctx.renew()

    in_environment = ctx.aws.environment_keys or ctx.aws.api_key
    return Way(
        send,
        None if in_environment or wish.on_expired == "stop" else renew,
        ctx.fill,
        ctx.settings.prices,
        lambda target: forecast.prices(ctx, target),
        ctx.region,
        ctx.out.sandbox,
        _FIXED if in_environment and wish.on_expired == "wait" else None,
    )


def _raise(error: Exception) -> Any:
    raise error.with_traceback(None)
