"""How fast `run` goes, what it tells meanwhile, and that no fault makes it bill anything twice."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import lines, many
from tests.conftest import Run

Use = Callable[..., Sandbox]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def watched(server: Sandbox) -> SimpleNamespace:
    """How many requests the sandbox answers at once: `now`, and at `most`."""
    lock, answer, seen = threading.Lock(), server.answer, SimpleNamespace(now=0, most=0)

    def counting(request: Any) -> Any:
        with lock:
            seen.now += 1
            seen.most = max(seen.most, seen.now)
        time.sleep(0.02)
        try:
            return answer(request)
        finally:
            with lock:
                seen.now -= 1

    server.answer = counting  # type: ignore[method-assign]
    return seen


def hurry(monkeypatch: pytest.MonkeyPatch, times: float) -> Callable[[], float]:
    """Make a run's clock go so many times as fast; returns the clock."""
    begun = time.monotonic()

    def clock() -> float:
        return (time.monotonic() - begun) * times

    faster = SimpleNamespace(monotonic=clock)
    for name in ("bedrock.run", "run_view", "running"):
        monkeypatch.setattr(f"bedrock_claude_cli.{name}.time", faster)
    monkeypatch.setattr("bedrock_claude_cli.bedrock.run.TICK", 0.01)
    return clock


def test_concurrency_and_rpm_hold(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    seen = watched(use())
    run("run", many(tmp_path / "in.jsonl", 30), "-o", str(out), "--concurrency", "3")
    assert 1 < seen.most <= 3
    begun = time.monotonic()
    run("run", many(tmp_path / "in.jsonl", 34), "-o", str(out), "--rpm", "1200")
    assert time.monotonic() - begun >= 3 * 60 / 1200


def test_tpm_reserves_input_and_all_of_max_tokens(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    seen = watched(use())
    given = many(tmp_path / "in.jsonl", 12)
    argv = ("run", given, "-o", str(out), "--max-tokens", "25000", "--tpm", "70000")
    run(*argv)
    assert seen.most == 2 and len(lines(out)) == 12


def test_tpm_books_input_and_cache_writes_and_five_times_the_output(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    """Twenty records of 1,000 + 4,000 + 5 x 5,000 tokens use up 600,000; 10,000 come a second."""
    usage = {"input_tokens": 1000, "cache_creation_input_tokens": 4000, "output_tokens": 5000,
             "cache_read_input_tokens": 900_000}  # fmt: skip
    use({"reply": {"text": "x", "usage": usage}})
    given = many(tmp_path / "in.jsonl", 21)
    begun = time.monotonic()
    argv = ("run", given, "-o", str(out), "--concurrency", "1", "--max-tokens", "15000")
    run(*argv, "--tpm", "600000")
    assert time.monotonic() - begun >= 15_000 / 10_000
    assert len(lines(out)) == 21


def test_a_pipe_gets_a_line_every_ten_seconds(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(use())
    clock = hurry(monkeypatch, 100)
    argv = ("run", many(tmp_path / "in.jsonl", 60), "-o", str(out), "--concurrency", "2")
    told = [each for each in run(*argv).err.splitlines() if " in flight, " in each]
    assert 2 <= len(told) <= clock() / 10
    for each in told:
        assert re.fullmatch(
            r"note: \d+ of 60 done, 0 failed, \d in flight, \d+ tokens/s, \$0\.\d{4}"
            r"(, [\dhms ]+ left)?",
            each,
        ), each
    done = [int(each.split()[1]) for each in told]
    assert done == sorted(done) and done[0] < 60


def test_json_progress_comes_every_ten_seconds_too(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(use())
    clock = hurry(monkeypatch, 100)
    argv = ("run", many(tmp_path / "in.jsonl", 60), "-o", str(out), "--concurrency", "2")
    told = run(*argv, "--progress", "json").err.splitlines()
    found = [json.loads(each)["progress"] for each in told if each.startswith('{"progress"')]
    assert 3 <= len(found) <= clock() / 10 + 2  # one at the start, one at the end
    done = [each["done"] for each in found]
    assert done == sorted(done) and done[0] < 60 and done[-1] == 60


def test_a_clock_that_is_set_back_and_forth_does_not_matter(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedrock_claude_cli.bedrock.retry.MAX_WAIT", 0.05)
    server = use({"times": 5, "error": {"type": "ThrottlingException"}})
    real, hours = time.time, cycle((0, 7, -9, 3, -2))
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * next(hours))
    argv = ("run", many(tmp_path / "in.jsonl", 40), "-o", str(out), "--rpm", "6000")
    result = run(*argv, "--tpm", "10000000", "--json")
    assert json.loads(result.out)["done"] == 40 and len(server.requests) == 45
    assert 0 < json.loads(result.out)["seconds"] < 600


def test_one_record_in_a_hundred_meets_each_kind_of_fault(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot have been billed is sent again, once; what may have been is a failed record."""
    monkeypatch.setattr("bedrock_claude_cli.bedrock.retry.MAX_WAIT", 0.05)
    once = {f"{at}": {"error": {"type": kind}, "times": 1}
            for end, kind in ((11, "ThrottlingException"), (22, "ServiceUnavailableException"))
            for at in range(end, 800, 100)}  # fmt: skip
    billed: dict[str, dict[str, Any]] = {
        "33": {"error": {"type": "InternalServerException"}},
        "44": {"stream": {"reset_after": 0}},
        "55": {"stream": {"reset_after": 3}},
        "66": {"stream": {"cut_after": 3}},
        "77": {"stream": {"garbage_after": 3}},
        "88": {"stream": {"bad_crc_after": 3}},
        "99": {"stream": {"exception": {"type": "modelStreamErrorException", "after": 3}}},
    }
    server = use(
        *({"when": {"prompt": f"say {at}$"}, **rule} for at, rule in once.items()),
        *({"when": {"prompt": f"say \\d*{end}$"}, **rule} for end, rule in billed.items()),
    )  # fmt: skip
    result = run("run", many(tmp_path / "in.jsonl", 800), "-o", str(out), code=9)
    found = {each["id"]: each for each in lines(out)}
    assert Counter(each["id"] for each in lines(out)) == Counter(f"r{at}" for at in range(800))
    failed = {name for name, each in found.items() if each["error"]}
    assert failed == {f"r{at}" for at in range(800) if f"{at % 100}" in billed}
    assert len(failed) == 56 and "56 failed" in result.err
    assert all(found[name]["error"]["retry"] == "maybe-billed" for name in failed)
    assert all(found[name]["cost_at_most_usd"] > 0 for name in failed)
    assert found["r166"]["text"] and not found["r144"]["text"]
    sent = Counter(prompt(each) for each in server.requests)
    assert sent == Counter({f"say {at}": 1 + (f"{at}" in once) for at in range(800)})
    assert all(each["attempts"] == 1 + (name[1:] in once) for name, each in found.items())


def prompt(request: dict[str, Any]) -> str:
    return str(request["body"]["messages"][0]["content"][0]["text"])
