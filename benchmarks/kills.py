"""`kill -9` in a loop: 20 kills in a run of 2,000 records, at moments that chance picks.

Run as `python benchmarks/kills.py`; `make bench` does. In the end every id stands in the output
once, and the sandbox was asked at most kills x concurrency times more than there are records.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bedrock_claude_cli.sandbox import Sandbox, environment

BIN = Path(sys.executable).with_name("bedrock-claude")
DELAY = 20  # milliseconds of each answer, so that a kill hits requests in flight


def whole_lines(out: Path) -> int:
    """How many lines the output has."""
    return out.read_bytes().count(b"\n") if out.exists() else 0


def kill(process: subprocess.Popen[bytes], out: Path, lines: int) -> bool:
    """Kill a run as soon as its output has so many lines; whether it was still running."""
    while whole_lines(out) < lines and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    return process.wait() < 0


def main() -> int:
    """Kill, go on, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    chance, at_once, kills = random.Random(options.seed), options.concurrency, 0
    ids = [f"record-{number}" for number in range(options.records)]
    moments = sorted(chance.sample(range(1, options.records - 10 * at_once), options.kills))
    rules = [{"stream": {"delay_ms": DELAY}}]
    with tempfile.TemporaryDirectory() as name, Sandbox(rules=rules) as sandbox:
        given, out = Path(name) / "in.jsonl", Path(name) / "out.jsonl"
        given.write_text("".join(json.dumps({"id": each, "prompt": each}) + "\n" for each in ids))
        command = [str(BIN), "run", str(given), "-o", str(out), "-q", "--concurrency", str(at_once)]
        environ = environment(sandbox.url, os.environ)
        for lines in moments:
            process = subprocess.Popen(command, env=environ)
            kills += kill(process, out, max(lines, whole_lines(out) + 1))
        code = subprocess.run(command, env=environ).returncode
        found = Counter(json.loads(line)["id"] for line in out.read_text().splitlines())
        asked = len(sandbox.requests)
    most = options.records + kills * at_once
    once = code == 0 and found == Counter(ids)
    print(
        f"{kills} kills at {at_once} side by side (--seed {options.seed}): "
        f"{'every id once' if once else f'exit {code}, {len(found)} ids, {found.total()} lines'}; "
        f"{asked} requests for {options.records} records "
        f"(at most {most}: {'ok' if asked <= most else 'MISSED'})"
    )
    return 0 if once and asked <= most and kills == options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
