"""What `run` does with an input: checked as a whole, forecast, or sent and kept line by line."""

from __future__ import annotations

import itertools
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bedrock_claude_cli import compose_record, run_view
from bedrock_claude_cli.bedrock import catalog, records, run_output
from bedrock_claude_cli.bedrock.run import Engine
from bedrock_claude_cli.bedrock.run_job import Limits, Progress
from bedrock_claude_cli.bedrock.run_output import RunOutput
from bedrock_claude_cli.bedrock.run_pace import MOST, Pace
from bedrock_claude_cli.bedrock.run_state import State
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import ExitCode, UsageError
from bedrock_claude_cli.run_plan import Plan, Wish, way

_EXITS = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HUNG_UP,
}

# Tells the command line that does what is wished, as a message quotes it.
GoOn = Callable[[Wish], str]


def run(ctx: Context, given: str, wish: Wish, go_on: GoOn) -> int:
    """Run an input's records into the output; `go_on` tells how it is continued."""
    _check(wish)
    ctx.out.stderr = run_view.lasting(ctx.out.stderr)
    known = catalog.load()
    composer = compose_record.Composer(ctx, known)
    stdin = sys.stdin.buffer if given == records.STDIN and sys.stdin is not None else None
    source = records.open_records(given, stdin)
    try:
        if wish.dry_run:
            return _forecast(ctx, composer, source, wish)
        output = run_output.open_output(wish.output or "")
        try:
            return _run(ctx, composer, source, output, wish, go_on)
        finally:
            output.close()
    finally:
        source.close()


def _check(wish: Wish) -> None:
    if wish.output is None and not wish.dry_run:
        raise UsageError("no output is named", hint="`-o FILE.jsonl`: it keeps every answer")
    if wish.output is not None:
        run_output.check_name(wish.output)
    figures = wish.concurrency
    if figures != "auto" and not (figures.isdecimal() and 1 <= int(figures) <= MOST):
        raise UsageError(f"--concurrency is auto or 1 to {MOST}, not {figures}")
    for name, words in (("on_expired", ("wait", "stop")), ("progress", ("auto", "json"))):
        if getattr(wish, name) not in words:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} is {' or '.join(words)}, not {getattr(wish, name)}")
    for name in ("rpm", "tpm", "max_failures"):
        value = getattr(wish, name)
        if value is not None and not value >= 1:
            raise UsageError(f"--{name.replace('_', '-')} is at least 1, not {value:g}")
    if wish.max_cost is not None and not 0 <= wish.max_cost < float("inf"):
        raise UsageError(f"--max-cost takes USD from 0, not {wish.max_cost:g}")


def _forecast(
    ctx: Context, composer: compose_record.Composer, source: records.Source, wish: Wish
) -> int:
    from bedrock_claude_cli import run_forecast

    state = State()
    if wish.output is not None and run_output.exists(wish.output):
        state = run_output.look(wish.output)[0]
    found = run_forecast.Forecast(ctx, run_forecast.measured(wish.output))
    plan = Plan(ctx, composer, state, wish, found.add)
    records.check(source, plan.judge)
    for note in composer.notes:
        ctx.out.note(note)
    shown = found.as_json(run_forecast.Limits(wish.at_once, wish.rpm, wish.tpm))
    if ctx.out.json:
        ctx.out.data(shown | {"skipped": plan.skipped})
        return ExitCode.OK
    run_view.pairs(ctx.out, run_forecast.words(shown))
    return ExitCode.OK


def _run(
    ctx: Context,
    composer: compose_record.Composer,
    source: records.Source,
    output: RunOutput,
    wish: Wish,
    go_on: GoOn,
) -> int:
    if output.torn:
        ctx.out.note(f"the last line of {output.path} was torn, and is asked for again")
    if output.state.sandbox not in (None, ctx.out.sandbox):
        whose = "answers of AWS" if ctx.out.sandbox else "the sandbox's canned answers"
        raise UsageError(f"{output.path} holds {whose}", hint="give another file with -o")
    plan = Plan(ctx, composer, output.state, wish)
    records.check(source, plan.judge, plan)
    for note in composer.notes:
        ctx.out.note(note)
    if plan.to_do:
        output.check_room()
    view = run_view.view(ctx.out, as_json=wish.progress == "json")
    signals: list[signal.Signals] = []
    engine = Engine(
        way(ctx, wish),
        output,
        Pace(wish.at_once, wish.rpm, wish.tpm, time.monotonic()),
        Limits(wish.max_cost, wish.max_failures),
        plan.to_do,
        _telling(ctx, view, signals),
        ctx.out.warn,
    )
    with view, _interruptible(engine, signals):
        engine.run(plan.jobs(source))
    return _end(ctx, engine, output, plan, go_on, signals)


def _telling(
    ctx: Context, view: run_view.Lines | run_view.Bar, signals: list[signal.Signals]
) -> Callable[[Progress], None]:
    """What shows the progress, and says once what the first signal means."""
    said = False

    def tell(now: Progress) -> None:
        nonlocal said
        if len(signals) == 1 and now.in_flight and not said:
            said = True
            ctx.out.note(
                f"finishing what is in flight ({now.in_flight}); Ctrl-C again drops it: it may be "
                "billed, and only --retry-failed asks it again"
            )
        view.tell(now)

    return tell


@contextmanager
def _interruptible(engine: Engine, signals: list[signal.Signals]) -> Iterator[None]:
    """The first signal lets what is in flight finish, the second is a KeyboardInterrupt.

    One SIGHUP may come from the system and another from the shell, so that it is never the second.
    """
    once = threading.Lock()

    def interrupt(number: int, frame: object) -> None:
        # Another signal may be handled between any two steps of this, so that one step decides.
        first = once.acquire(blocking=False)
        if engine.dropped or (not first and number == signal.SIGHUP):
            return
        signals.append(signal.Signals(number))
        engine.interrupted = True
        if not first:
            engine.dropped = True
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _EXITS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # as a shell wants it for what runs in the background
            signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        engine.drop()
    finally:
        for number, handler in before.items():
            if number == signal.SIGHUP and number in signals:
                handler = signal.SIG_IGN  # the other one may come until the process is gone
            signal.signal(number, handler)


def _end(
    ctx: Context,
    engine: Engine,
    output: RunOutput,
    plan: Plan,
    go_on: GoOn,
    signals: list[signal.Signals],
) -> int:
    """Tell what was done, and how to go on; what stopped the run is raised."""
    goes_on = _settle(ctx, engine, output, plan)
    summary = run_view.summary(engine, plan.wish.output or "", plan.counts())
    if ctx.out.json:
        ctx.out.data(summary)
    else:
        ctx.out.note(run_view.summary_line(summary))
    failed = engine.tally.failed + plan.left_failed
    left = engine.tally.done < plan.to_do or bool(engine.unwritten)
    interrupted = engine.interrupted and (left or engine.dropped)
    early = left and (interrupted or engine.stopped is not None)
    if early and goes_on:
        ctx.out.note(_to_go_on(engine, plan, go_on))
    if failed and goes_on and (engine.dropped or not early):
        again = go_on(plan.wish._replace(retry_failed=True))
        which = "1 failed record" if failed == 1 else f"{failed:,} failed records"
        ctx.out.note(f"{which}: {again} asks {'it' if failed == 1 else 'them'} again")
    incomplete = engine.tally.incomplete + plan.left_incomplete
    if incomplete and not early:
        ctx.out.note(run_view.not_whole(incomplete))
    if engine.stopped is not None:
        raise engine.stopped
    if interrupted:
        return _EXITS[signals[0]]
    if failed:
        return ExitCode.PARTIAL
    return ExitCode.INCOMPLETE if incomplete else ExitCode.OK


def _settle(ctx: Context, engine: Engine, output: RunOutput, plan: Plan) -> bool:
    """Leave the lines as they are to stay; False where no command line goes on with them."""
    if not output.empty and not output.held():
        return _rescue(ctx, engine, output, plan)
    if engine.unwritten:
        _spill(ctx, engine.unwritten, output.path)
    elif (plan.again or output.state.repeats) and not engine.dropped:
        output.compact()
    return True


def _rescue(ctx: Context, engine: Engine, output: RunOutput, plan: Plan) -> bool:
    """The same where the output is not at its path any more, which then is what ended the run."""
    unwritten: Iterable[bytes] = engine.unwritten
    saved, hint = None, "-o with the name that it has now goes on with what is finished"
    if output.cut:
        hint = "give back the lines that it had, if there is a copy: else they are asked anew"
    elif not output.named:
        try:
            saved = output.save()
            hint = f"all of its lines are in {saved}: move it back, or go on with it as -o"
            plan.wish = plan.wish._replace(output=saved)
        except OSError:
            hint = "its lines, as printed, are what a run goes on from"
            unwritten = itertools.chain(output, engine.unwritten)
    if engine.unwritten or unwritten is not engine.unwritten:
        _spill(ctx, unwritten, output.path)
    engine.stopped = output.lost(hint)
    return saved is not None


def _spill(ctx: Context, lines: Iterable[bytes], path: str) -> None:
    """Save what was paid for and the output did not take; --json keeps stdout one document."""
    stream, name = (ctx.out.stderr, "stderr") if ctx.out.json else (ctx.out.stdout, "stdout")
    count = 0
    for line in lines:
        stream.write(line.decode(errors="replace"))
        count += 1
    ctx.out.fail(
        f"{count} finished records that {path} did not take are on {name}",
        "append those lines to it: records that it lacks are asked, and paid for, again",
    )


def _to_go_on(engine: Engine, plan: Plan, go_on: GoOn) -> str:
    wish, dear = plan.wish, engine.too_dear
    if dear is None or dear.most is None:
        return f"to go on: {go_on(wish)}"
    tally = engine.tally
    there = plan.skipped + tally.done
    each = tally.spent / there if there else dear.most
    needed = _rounded_up(1.1 * (tally.spent + each * (plan.to_do - tally.done) + dear.most))
    line = go_on(wish._replace(max_cost=needed))
    return f"to go on: {line}, a guess at what all of it costs"


def _rounded_up(usd: float) -> float:
    """The next figure with two digits."""
    digits = 1 - math.floor(math.log10(usd))
    return float(round(math.ceil(usd * 10.0**digits) / 10.0**digits, max(digits, 0)))


def status(ctx: Context, path: str) -> int:
    """Tell what an output holds, also while a run is writing it."""
    state, running = run_output.look(path, "give the file that `run` got with -o")
    found = {
        "output": path,
        "running": running,
        "records": state.records,
        "failed": sum(state.errors.values()),
        "incomplete": state.incomplete,
        "errors": dict(state.errors),
        "cost_usd": round(state.spent, 9),
    }
    if ctx.out.json:
        ctx.out.data(found)
        return ExitCode.OK
    told: list[tuple[str, str]] = []
    for key, value in found.items():
        if key == "errors":
            told += [(f"error {code}", str(count)) for code, count in state.errors.most_common()]
        else:
            told.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    run_view.pairs(ctx.out, told)
    return ExitCode.OK
