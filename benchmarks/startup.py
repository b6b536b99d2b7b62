"""Start-up and TAB against `python -c "import typer"`: whole processes, medians, as ratios.

Run as `python benchmarks/startup.py`; the limits are 1.2 for --version and 1.4 for TAB.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 20
BASE = "python -c 'import typer'"
RUN = "from bedrock_claude_cli.__main__ import run; run()"
WITH_FORTY = (
    "import gc; gc.disable(); from bedrock_claude_cli.main import COMMANDS; "
    "COMMANDS.update({f'dummy-{n}': ('ask', 'A dummy command.') for n in range(40)}); " + RUN
)
LINES = {
    "a command": ["a"],
    "a flag": ["ask", "--"],
    "a model": ["ask", "-m", "son"],
    "an id": ["ask", "--model=global."],
    "an endpoint": ["ask", "--endpoint", ""],
    "a preset": ["ask", "--preset", ""],
}
Case = tuple[list[str], dict[str, str]]


def cases() -> dict[str, Case]:
    """Each name's command line and environment."""
    python = sys.executable
    found: dict[str, Case] = {
        BASE: ([python, "-c", "import typer"], {}),
        "--version": ([python, "-c", RUN, "--version"], {}),
        "--version, 40 more commands": ([python, "-c", WITH_FORTY, "--version"], {}),
    }
    for shell in ("bash", "zsh", "fish"):
        for what, words in LINES.items():
            given = [" ".join(["bedrock-claude", *words]), words[-1]] if shell == "bash" else words
            asks = {"_BEDROCK_CLAUDE_COMPLETE": f"complete_{shell}"}
            found[f"TAB {shell}: {what}"] = ([python, "-c", RUN, *given], asks)
            found[f"TAB {shell}: {what}, 40 more"] = ([python, "-c", WITH_FORTY, *given], asks)
    return found


def measure(chosen: dict[str, Case], home: str) -> dict[str, float]:
    """Median seconds of each case, taken in turns, after one round that fills bytecode caches."""
    environ = {**os.environ, "HOME": home, "PYTHONPYCACHEPREFIX": f"{home}/bytecode"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    times: dict[str, list[float]] = {name: [] for name in chosen}
    for turn in range(ROUNDS + 1):
        for name, (argv, more) in chosen.items():
            started = time.perf_counter()
            subprocess.run(argv, env=environ | more, stdout=subprocess.DEVNULL, check=True)
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as home:
        medians = measure(cases(), home)
    base = medians[BASE]
    for name, seconds in medians.items():
        limit = 1.0 if name == BASE else 1.2 if name.startswith("--version") else 1.4
        verdict = "" if seconds <= limit * base else "  over the limit"
        print(f"{name:32}{seconds * 1000:7.1f} ms{seconds / base:7.2f} x{verdict}")


if __name__ == "__main__":
    main()
