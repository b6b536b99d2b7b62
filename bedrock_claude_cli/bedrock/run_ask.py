"""One record of a run asked: its request sent, and what came back as a line of the output."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from bedrock_claude_cli.bedrock import record_line, run_verdict
from bedrock_claude_cli.bedrock.answer import Answer, Event, Moved, Sent, Waiting, collect
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.run_job import Job, Way
from bedrock_claude_cli.bedrock.run_pace import Pace
from bedrock_claude_cli.errors import CliError, UnavailableError

SLICE = 0.2  # seconds that the end of a run waits for who waits before another attempt


class DroppedError(Exception):
    """A wait before another attempt was given up, because the run ends."""


class Finished(NamedTuple):
    """A record's line; `most` is the USD that it can have cost where nobody told what it did."""

    line: bytes
    answer: Answer
    most: float | None


class Asker:
    """Asks jobs, on any thread; `lock` guards the pace, and `ends` says whether the run ends."""

    def __init__(
        self, way: Way, pace: Pace, lock: threading.Condition, ends: Callable[[], bool]
    ) -> None:
        self._way, self._pace, self._lock, self._ends = way, pace, lock, ends
        self._moved: dict[str, Target] = {}

    def _begin(self, job: Job) -> tuple[Answer, Target]:
        target = self._moved.get(job.target.model_id, job.target)
        answer = Answer(
            model=target.model_id,
            endpoint=target.endpoint,
            region=self._way.region,
            via=job.request.options.via,
        )
        return answer, target

    def ask(self, job: Job) -> tuple[Answer, CliError | None]:
        """The answer as far as it came, and what went wrong; DroppedError where the run ends."""
        answer, target = self._begin(job)
        request = job.request
        if target is not job.target:
            request = request._replace(model_id=target.model_id)
        try:
            events = self._way.send(request, target, self._sleep)
            for event in collect(events, answer, time.monotonic):
                self._watch(event, job, answer)
        except DroppedError:
            raise
        except Exception as raised:
            from bedrock_claude_cli.explain import translate

            return answer, translate(raised)
        return answer, None

    def finished(self, job: Job, answer: Answer, error: CliError | None) -> Finished:
        """What a job came to, with its cost."""
        target = job.target._replace(model_id=answer.model or "", endpoint=answer.endpoint)
        most = run_verdict.settle(job, target, answer, error, self._way)
        line = record_line.line(
            job.id, job.sha256, answer, job.extra, cost_at_most=most, sandbox=self._way.sandbox
        )
        return Finished(line, answer, most)

    def dropped(self, job: Job) -> Finished:
        """What a job comes to that is under way, and that nobody waits for any more."""
        error = UnavailableError(
            "the run was interrupted twice, and dropped this request: it may be billed",
            hint="`run` with --retry-failed asks it again",
            code="Interrupted",
            retry="maybe-billed",
        )
        return self.finished(job, self._begin(job)[0], error)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._ends():
                raise DroppedError
            time.sleep(min(left, SLICE))

    def _watch(self, event: Event, job: Job, answer: Answer) -> None:
        if isinstance(event, Waiting):
            with self._lock:
                self._pace.throttled(time.monotonic())
        elif isinstance(event, Sent) and answer.attempts > 1:
            with self._lock:
                self._pace.again(time.monotonic())
        elif isinstance(event, Moved):
            moved = job.target._replace(model_id=event.model_id, endpoint=event.endpoint)
            self._moved[job.target.model_id] = moved
