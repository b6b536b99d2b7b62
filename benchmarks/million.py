"""`run` over 1,000,000 records, fresh and with 990,000 of them done: first request and memory.

Run as `python benchmarks/million.py`; `make bench` does. Each run goes on for a second after its
first request, at concurrency 100, and is then ended as by Ctrl-C. Its CPU time, all of it, stands
beside that of a plain loop of json.loads over the same files. The goals are 10 s and 150 MB. It
takes 1 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import local_server

BIN = Path(sys.executable).with_name("bedrock-claude")
PARSE = """
import json, sys
for name in sys.argv[1:]:
    with open(name) as file:
        for line in file:
            json.loads(line)
"""
KINDS, SECONDS, MEGABYTES = 1000, 10, 150
INTERRUPTED = 130


def records(count: int) -> Iterator[str]:
    """So many records; KINDS prompts take turns."""
    for number in range(count):
        kind = number % KINDS
        prompt = f"Sort message {kind} into one of our folders: " + "word " * (10 + kind % 20)
        yield json.dumps({"id": f"record-{number}", "prompt": prompt}) + "\n"


def command(given: Path, out: Path) -> list[str]:
    """The run that is measured."""
    return [str(BIN), "run", str(given), "-o", str(out), "-q", "--concurrency", "100"]


def finish(folder: Path, out: Path, count: int, environ: dict[str, str]) -> None:
    """The output of the first `count` records: those of a run of KINDS, under every id."""
    given, done = folder / "kinds.jsonl", folder / "kinds.out"
    given.write_text("".join(records(KINDS)))
    subprocess.run(command(given, done), env=environ, check=True)
    lines = {json.loads(line)["id"]: line for line in done.read_text().splitlines(keepends=True)}
    kinds = [lines[f"record-{number}"].split(f'"record-{number}"') for number in range(KINDS)]
    with out.open("w") as file:
        for number in range(count):
            before, behind = kinds[number % KINDS]
            file.write(f'{before}"record-{number}"{behind}')


def measure(
    given: Path, out: Path, environ: dict[str, str], asked: IO[bytes], after: float
) -> tuple[float, float, float]:
    """Seconds to the first request, CPU seconds of it all, and the peak memory in MB."""
    peak = 0.0
    started = time.perf_counter()
    process = subprocess.Popen(command(given, out), env=environ)
    while not select.select([asked], [], [], 0.1)[0]:
        peak = max(peak, memory(process.pid))
        if process.poll() is not None:
            raise SystemExit(f"run left with {process.returncode} before its first request")
    seconds = time.perf_counter() - started
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != INTERRUPTED:
        raise SystemExit(f"run left with {process.returncode}")
    return seconds, used.ru_utime + used.ru_stime, max(peak, used.ru_maxrss / 1024)


def memory(process: int) -> float:
    """MB that a process and those that read beside it have now, what they share counted once."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = 0
    for each in (process, *children):
        with suppress(OSError):  # it has just ended
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
            found += sum(
                int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")
            )
    return found / 1024


def parse(*files: Path) -> float:
    """CPU seconds of a process that only parses each line."""
    before = os.times()
    subprocess.run([sys.executable, "-c", PARSE, *files], check=True)
    return sum(os.times()[2:4]) - sum(before[2:4])


def compare(name: str, given: Path, out: Path, after: float) -> bool:
    """Print a run beside the plain loop; whether it keeps to the goals."""
    base = parse(*(each for each in (given, out) if each.exists()))
    with local_server.running() as (environ, asked):
        seconds, cpu, peak = measure(given, out, environ, asked, after)
    good = seconds <= SECONDS and peak <= MEGABYTES
    print(
        f"{name:8} first request {seconds:5.1f} s, CPU {cpu:.1f} s, {cpu / base:.2f} x json.loads; "
        f"peak memory {peak:.0f} MB  (goals {SECONDS} s, {MEGABYTES} MB: "
        f"{'ok' if good else 'MISSED'})",
        flush=True,
    )
    return good


def main() -> int:
    """Make the records, run them, and run them again with nearly all of them done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--after", type=float, default=1, help="seconds after the first request")
    options = parser.parse_args()
    good = []
    with tempfile.TemporaryDirectory() as name:
        given, out = Path(name) / "in.jsonl", Path(name) / "out.jsonl"
        with given.open("w") as file:
            file.writelines(records(options.records))
        for _ in range(options.runs):
            out.unlink(missing_ok=True)
            good.append(compare("fresh", given, out, options.after))
            with local_server.running() as (environ, _):
                finish(Path(name), out, options.records * 99 // 100, environ)
            good.append(compare("resumed", given, out, options.after))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
