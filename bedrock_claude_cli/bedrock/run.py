"""The engine of `run`: many requests at once, each finished record a line of the output."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from bedrock_claude_cli.bedrock import run_budget, run_verdict
from bedrock_claude_cli.bedrock.run_ask import Asker, DroppedError, Finished
from bedrock_claude_cli.bedrock.run_job import Job, Limits, Progress, Way
from bedrock_claude_cli.bedrock.run_output import RunOutput
from bedrock_claude_cli.bedrock.run_pace import Pace, Pause
from bedrock_claude_cli.bedrock.run_tally import Tally
from bedrock_claude_cli.errors import CliError

TICK = 0.2  # seconds that Ctrl-C and the progress wait at most
AHEAD = 32  # jobs that are ready, so that who ends one starts the next without waiting for another


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
        self._pause = Pause()
        self._total, self._tell, self._say = total, tell, say
        self._change = threading.Condition()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ready: deque[Job] = deque()
        self._begun_jobs: dict[int, Job] = {}
        self._asker = Asker(way, pace, self._change, self.ends)
        self._tell_at = 0.0
        self._threads = 0
        self._reserved = 0.0
        self._begun = time.monotonic()
        self.tally = Tally(output.state.spent)
        self.too_dear: Job | None = None
        self.unwritten: list[bytes] = []
        self.stopped: CliError | None = None
        self.interrupted = self.dropped = False

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
        """After `dropped` is set: leave what is in flight as failed lines, as it may be billed."""
        with self._change:
            for job in self._begun_jobs.values():
                self._book(job, self._asker.dropped(job))
                self._pace.finish(job.tokens, 0)
            self._begun_jobs.clear()

    def progress(self) -> Progress:
        """How it stands."""
        now = time.monotonic()
        return Progress(
            self.tally.done,
            self.tally.failed,
            self._pace.in_flight,
            self._total,
            self.tally.output_tokens,
            self.tally.input_tokens,
            self.tally.spent,
            now - self._begun,
            int(self._pace.limit),
            self._pause.on,
            self._pause.seconds(now),
        )

    def ends(self) -> bool:
        """Whether nothing more is begun."""
        return self.interrupted or self.stopped is not None

    def _open(self) -> bool:
        with self._change:
            return self._pace.in_flight > 0 or (bool(self._ready) and not self.ends())

    def _stop(self, error: CliError) -> None:
        with self._change:
            self.stopped = self.stopped or error
            self._change.notify_all()

    def _wait(self) -> None:
        """Until something has happened, but not for long; and tell how it stands."""
        with self._change:
            seconds = self._pump()
            if self._pace.in_flight or (self._ready and not self.ends()):
                self._change.wait(min(seconds, TICK))
        if (now := time.monotonic()) >= self._tell_at:
            self._tell_at = now + TICK
            if not self._output.held():
                self._stop(self._output.lost())
            self._tell(self.progress())

    def _offer(self, job: Job) -> bool:
        """Take a job as soon as few are ready; False if the run ends."""
        with self._change:
            self._ready.append(job)
            self._pump()
        while len(self._ready) >= AHEAD and not self.ends():
            self._wait()
        return not self.ends()

    def _pump(self) -> float:
        """Start what may start; seconds until more may."""
        while self._ready and not self.ends():
            seconds = self._hindered(self._ready[0])
            if seconds > 0:
                return seconds
            if not self._start(self._ready[0]):
                return TICK
            self._ready.popleft()
        return TICK

    def _hindered(self, job: Job) -> float:
        """Seconds until a job may start, at most; 0 is now."""
        now = time.monotonic()
        if self._pause.on:
            if self._pace.in_flight or self._way.renew is None or not self._pause.probe(now):
                return TICK
            self._way.renew()
            return 0.0
        limit = self._limits.max_cost
        if limit is not None and self.tally.spent + self._reserved + (job.most or 0.0) > limit:
            if not self._pace.in_flight:
                self.too_dear = job
                end = run_budget.reached(limit, self._output.path, self.tally.spent, job.most or 0)
                self.stopped = self.stopped or end
            return TICK
        return self._pace.wait(job.tokens, now)

    def _start(self, job: Job) -> bool:
        """Begin a job, on a thread that is free or new; False if the system has none."""
        if self._threads <= self._pace.in_flight and not self._grow():
            return False
        self._pace.start(job.tokens, time.monotonic())
        self._reserved += job.most or 0.0
        self._begun_jobs[id(job)] = job
        self._jobs.put(job)
        return True

    def _grow(self) -> bool:
        try:
            threading.Thread(target=self._work, daemon=True).start()
        except RuntimeError as error:  # at the limit of processes or of memory
            if not self._threads:
                hint = "end other programs, or raise the limit: `ulimit -u` shows it"
                self.stopped = self.stopped or CliError(str(error), hint=hint)
            self._pace.hold(self._threads)
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._finish(job, self._outcome(job))

    def _outcome(self, job: Job) -> Finished | None:
        """What a job came to; None where it is as if it had not begun."""
        try:
            answer, error = self._asker.ask(job)
            if error is not None and run_verdict.is_expired(error):
                self._expire(job, error)
                return None
            ends = run_verdict.ending(error) if error is not None else None
            if ends is not None:
                self._stop(ends)
                return None
            with self._change:
                self._pause.answered(time.monotonic())
            return self._asker.finished(job, answer, error)
        except DroppedError:
            return None
        except BaseException as error:
            self._crashed(error)
            return None

    def _crashed(self, error: BaseException) -> None:
        from bedrock_claude_cli.explain import translate

        self._stop(translate(error))

    def _expire(self, job: Job, error: CliError) -> None:
        if self._way.renew is None:
            why = f"{error.hint}; {self._way.fixed}" if self._way.fixed else error.hint
            self._stop(error.hinted(why or ""))
            return
        with self._change:
            first = self._pause.expired(time.monotonic())
            self._ready.appendleft(job)
        if first:
            hint = self._way.fill(error.hint)
            self._say(f"{error.message}; the run waits until they are back: {hint}")

    def _finish(self, job: Job, made: Finished | None) -> None:
        """Book what became of a job, and start the next."""
        with self._change:
            if self.dropped:
                return
            self._begun_jobs.pop(id(job), None)
            used = self._book(job, made) if made is not None else 0
            self.stopped = self.stopped or self.tally.hopeless(self._limits.max_failures)
            self._reserved -= job.most or 0.0
            self._pace.finish(job.tokens, used)
            try:
                self._pump()
            except Exception as error:
                self._crashed(error)
            if len(self._ready) < AHEAD // 2 or self.ends() or not self._pace.in_flight:
                self._change.notify_all()

    def _book(self, job: Job, made: Finished) -> int:
        """Write a record's line and count it; the tokens that it took from the quota."""
        self._write(made.line)
        used = self.tally.count(made.answer, made.most)
        if made.answer.error is None:
            self._pace.answered()
        elif made.answer.usage is None and made.most is not None:
            used = job.tokens  # AWS may have worked, and did not tell how much
        return used

    def _write(self, line: bytes) -> None:
        try:
            if not self.unwritten:
                self._output.write(line)
                return
        except CliError as error:
            self.stopped = self.stopped or error
        self.unwritten.append(line)
