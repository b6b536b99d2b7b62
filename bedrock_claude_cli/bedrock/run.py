"""The engine of `run`: many requests at once, each finished record a line of the output."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from bedrock_claude_cli.bedrock import record_line, run_verdict
from bedrock_claude_cli.bedrock.answer import Answer, Event, Moved, Sent, Waiting, collect
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.run_job import Job, Limits, Progress, Way
from bedrock_claude_cli.bedrock.run_output import RunOutput
from bedrock_claude_cli.bedrock.run_pace import BURNDOWN, Pace
from bedrock_claude_cli.errors import CliError, UnmetError

TICK = 0.2  # seconds that Ctrl-C and the progress wait at most
RENEWED = 10.0  # seconds between looks whether expired credentials are back
AHEAD = 32  # jobs that are ready, so that who ends one starts the next without waiting for another


class _DroppedError(Exception):
    """A wait before another attempt was given up, because the run ends."""


class Engine:
    """One run. `total` is how many records it has to do; `tell` is called often, on one thread."""

    def __init__(
        self,
        way: Way,
        output: RunOutput,
        pace: Pace,
        limits: Limits,
        total: int,
        tell: Callable[[Progress], None],
        say: Callable[[str], None],
    ) -> None:
        self._way, self._output, self._pace, self._limits = way, output, pace, limits
        self._total, self._tell, self._say = total, tell, say
        self._change = threading.Condition()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ready: deque[Job] = deque()
        self._tell_at = 0.0
        self._threads = self._in_a_row = 0
        self._reserved = 0.0
        self._begun = time.monotonic()
        self._expired: CliError | None = None
        self._probe_at = 0.0
        self._probing = False
        self._moved: dict[str, Target] = {}
        self.spent = output.state.spent
        self.done = self.incomplete = self.input_tokens = self.output_tokens = 0
        self.errors: Counter[str] = Counter()
        self.unwritten: list[bytes] = []
        self.stopped: CliError | None = None
        self.interrupted = self._dropped = False

    def run(self, jobs: Iterable[Job]) -> None:
        """Do the jobs, until the last or the first reason to stop; `stopped` tells which."""
        try:
            try:
                for job in jobs:
                    if not self._offer(job):
                        break
            except CliError as error:
                self._stop(error)
            while self._open():
                self._wait()
        finally:
            for _ in range(self._threads):
                self._jobs.put(None)
            self._tell(self.progress())

    def drop(self) -> None:
        """Leave what is in flight behind: from here on nothing is written."""
        with self._change:
            self._dropped = True

    def progress(self) -> Progress:
        """How it stands."""
        return Progress(
            self.done,
            sum(self.errors.values()),
            self._pace.in_flight,
            self._total,
            self.output_tokens,
            self.input_tokens,
            self.spent,
            time.monotonic() - self._begun,
            int(self._pace.limit),
        )

    @property
    def _ends(self) -> bool:
        return self.interrupted or self.stopped is not None

    def _open(self) -> bool:
        with self._change:
            return self._pace.in_flight > 0 or (bool(self._ready) and not self._ends)

    def _stop(self, error: CliError) -> None:
        with self._change:
            self.stopped = self.stopped or error
            self._change.notify_all()

    def _wait(self) -> None:
        """Until something has happened, but not for long; and tell how it stands."""
        with self._change:
            seconds = self._pump()
            if self._pace.in_flight or (self._ready and not self._ends):
                self._change.wait(min(seconds, TICK))
        if (now := time.monotonic()) >= self._tell_at:
            self._tell_at = now + TICK
            self._tell(self.progress())

    def _offer(self, job: Job) -> bool:
        """Take a job as soon as few are ready; False if the run ends."""
        with self._change:
            self._ready.append(job)
            self._pump()
        while len(self._ready) >= AHEAD and not self._ends:
            self._wait()
        return not self._ends

    def _pump(self) -> float:
        """Start what may start; seconds until more may."""
        while self._ready and not self._ends:
            seconds = self._hindered(self._ready[0])
            if seconds > 0:
                return seconds
            self._start(self._ready.popleft())
        return TICK

    def _hindered(self, job: Job) -> float:
        """Seconds until a job may start, at most; 0 is now."""
        now = time.monotonic()
        if self._expired is not None:
            if self._pace.in_flight or now < self._probe_at or self._way.renew is None:
                return TICK
            self._probe_at = now + RENEWED
            self._way.renew()
            self._probing = True
            return 0.0
        limit = self._limits.max_cost
        if limit is not None and self.spent + self._reserved + (job.most or 0.0) > limit:
            if not self._pace.in_flight:
                self.stopped = self.stopped or self._too_dear(job, limit)
            return TICK
        return self._pace.wait(job.tokens, now)

    def _too_dear(self, job: Job, limit: float) -> CliError:
        return UnmetError(
            f"--max-cost {limit:g} is reached: {self._output.path} has cost ${self.spent:.6f}, and "
            f"the next record can cost ${job.most or 0.0:.6f}",
            hint="raise --max-cost: what is done stays done",
        )

    def _start(self, job: Job) -> None:
        self._pace.start(job.tokens, time.monotonic())
        self._reserved += job.most or 0.0
        if self._threads < self._pace.in_flight:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._ask(job)
            except BaseException as error:
                from bedrock_claude_cli.explain import translate

                self._stop(translate(error))
                self._finish(job, None)

    def _ask(self, job: Job) -> None:
        target = self._moved.get(job.target.model_id, job.target)
        request = job.request
        if target is not job.target:
            request = request._replace(model_id=target.model_id)
        answer = Answer(
            model=target.model_id,
            endpoint=target.endpoint,
            region=self._way.region,
            via=request.options.via,
        )
        error = None
        try:
            events = self._way.send(request, target, self._sleep)
            for event in collect(events, answer, time.monotonic):
                self._watch(event, job, answer)
        except _DroppedError:
            self._finish(job, None)
            return
        except Exception as raised:
            from bedrock_claude_cli.explain import translate

            error = translate(raised)
        self._judge(job, answer, error)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._ends:
                raise _DroppedError
            time.sleep(min(left, TICK))

    def _watch(self, event: Event, job: Job, answer: Answer) -> None:
        if isinstance(event, Waiting):
            with self._change:
                self._pace.throttled(time.monotonic())
        elif isinstance(event, Sent) and answer.attempts > 1:
            with self._change:
                self._pace.again(time.monotonic())
        elif isinstance(event, Moved):
            moved = job.target._replace(model_id=event.model_id, endpoint=event.endpoint)
            self._moved[job.target.model_id] = moved

    def _judge(self, job: Job, answer: Answer, error: CliError | None) -> None:
        if error is not None and run_verdict.is_expired(error):
            self._expire(job, error)
            return
        ends = run_verdict.ending(error) if error is not None else None
        if ends is not None:
            self._stop(ends)
            self._finish(job, None)
            return
        with self._change:
            if self._probing:
                self._probing, self._expired = False, None
        target = job.target._replace(model_id=answer.model or "", endpoint=answer.endpoint)
        most = run_verdict.settle(job, target, answer, error, self._way)
        self._finish(job, answer, most)

    def _expire(self, job: Job, error: CliError) -> None:
        if self._way.renew is None:
            self._stop(error)
            self._finish(job, None)
            return
        with self._change:
            first = self._expired is None
            self._expired, self._probing = error, False
            self._probe_at = time.monotonic() + RENEWED
            self._ready.appendleft(job)
        if first:
            hint = self._way.fill(error.hint)
            self._say(f"{error.message}; the run waits until they are back: {hint}")
        self._finish(job, None)

    def _finish(self, job: Job, answer: Answer | None, most: float | None = None) -> None:
        """Book what became of a job; without an answer it is as if it had not begun."""
        line = None
        if answer is not None:
            sandbox = self._way.sandbox
            line = record_line.line(
                job.id, job.sha256, answer, job.extra, cost_at_most=most, sandbox=sandbox
            )
        with self._change:
            if self._dropped:
                return
            used = 0
            if answer is not None and line is not None:
                self._write(line)
                used = self._count(answer, most)
            self._reserved -= job.most or 0.0
            self._pace.finish(job.tokens, used)
            self._pump()
            if len(self._ready) < AHEAD // 2 or self._ends or not self._pace.in_flight:
                self._change.notify_all()

    def _write(self, line: bytes) -> None:
        if self.unwritten:
            self.unwritten.append(line)
            return
        try:
            self._output.write(line)
        except CliError as error:
            self.unwritten.append(line)
            self.stopped = self.stopped or error

    def _count(self, answer: Answer, most: float | None) -> int:
        """Take an answer into the sums; the tokens that it took from the quota."""
        usage = answer.usage
        self.done += 1
        self.spent += answer.cost_usd if answer.cost_usd is not None else most or 0.0
        used = 0
        if usage is not None:
            written = usage.cache_creation_input_tokens
            used = usage.input_tokens + written + BURNDOWN * usage.output_tokens
            self.input_tokens += usage.input_tokens + written + usage.cache_read_input_tokens
            self.output_tokens += usage.output_tokens
        if answer.error is None:
            self._in_a_row = 0
            self.incomplete += not answer.complete
            self._pace.answered()
            return used
        self.errors[answer.error["code"]] += 1
        self._in_a_row += 1
        if self._in_a_row >= self._limits.max_failures and self.stopped is None:
            self.stopped = run_verdict.in_a_row(self._in_a_row, answer.error)
        return used
