"""docs/json.md is held to what the commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run
from tests.sandbox import logging_world as world

DOCUMENT = Path(__file__).parents[1] / "docs" / "json.md"
ASK = ("ask", "--sandbox", "-n", "--json")


def told(section: str) -> set[str]:
    """The keys that the table of a section names."""
    text = DOCUMENT.read_text("utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", text, re.M))


def printed(run: Run, *argv: str) -> Any:
    return json.loads(run(*argv).out)


@pytest.mark.parametrize(
    "section, argv",
    [
        ("ask", (*ASK, "hi")),
        ("ask --dry-run", (*ASK, "--dry-run", "hi")),
        ("ask --count-tokens", (*ASK, "--count-tokens", "hi")),
        ("list-models", ("list-models", "--sandbox", "--json")),
        ("list-models MODEL", ("list-models", "opus-5.5", "--sandbox", "--json")),
        ("list-models --diff", ("list-models", "--diff", "--sandbox", "--json")),
        ("verify-creds", ("verify-creds", "--sandbox", "--json")),
        ("access check", ("access", "check", "--sandbox", "--json")),
        ("access request", ("access", "request", "sonnet", "--sandbox", "--json")),
        ("enable-logging", ("enable-logging", "--sandbox", "--yes", "--json")),
        ("logs status", ("logs", "status", "--sandbox", "--json")),
        ("logs disable", ("logs", "disable", "--sandbox", "--json")),
        ("why", ("why", "--json", "ThrottlingException")),
        ("config show", ("config", "show", "--json")),
        ("config path", ("config", "path", "--json")),
    ],
)
def test_the_keys_of_a_result(run: Run, section: str, argv: tuple[str, ...]) -> None:
    found = printed(run, *argv)
    first = found[0] if isinstance(found, list) else found
    assert first.pop("schema") == 1
    assert first.pop("sandbox", False) is ("--sandbox" in argv)
    assert set(first) == told(section)


@pytest.mark.parametrize(
    "section, argv, path",
    [
        ("usage", (*ASK, "hi"), ["usage"]),
        ("list-models ids", ("list-models", "--sandbox", "--json"), [0, "ids", 0]),
        (
            "list-models endpoints",
            ("list-models", "opus", "--sandbox", "--json"),
            ["endpoints", 0],
        ),
        (
            "list-models capabilities",
            ("list-models", "opus", "--sandbox", "--json"),
            ["capabilities"],
        ),
        ("access check models", ("access", "check", "--sandbox", "--json"), ["models", 0]),
        ("verify-creds checks", ("verify-creds", "--sandbox", "--json"), ["checks", 0]),
        (
            "enable-logging regions",
            ("enable-logging", "--sandbox", "--dry-run", "--json"),
            ["regions", 0],
        ),
        (
            "enable-logging steps",
            ("enable-logging", "--sandbox", "--dry-run", "--json"),
            ["regions", 0, "steps", 0],
        ),
        ("verify-creds credentials", ("verify-creds", "--sandbox", "--json"), ["credentials"]),
    ],
)
def test_the_keys_of_what_is_inside(
    run: Run, section: str, argv: tuple[str, ...], path: list[Any]
) -> None:
    found = printed(run, *argv)
    for step in path:
        found = found[step]
    assert set(found) == told(section)


def test_the_keys_of_a_run(run: Run, tmp_path: Path) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text('{"prompt": "hi"}')
    argv = ("run", str(given), "-o", str(out), "--sandbox", "--json")
    forecast = printed(run, *argv, "--dry-run")
    result = run(*argv, "--progress", "json")
    (line,) = map(json.loads, out.read_text().splitlines())
    status = printed(run, "run", "status", str(out), "--json")
    found = [json.loads(result.out), forecast, line, status]
    for each in found:
        assert each.pop("schema") == 1
        each.pop("sandbox", None)
    assert set(found[0]) == told("run")
    assert set(forecast) == told("run --dry-run")
    assert set(line) == told("run output") | told("ask")
    assert set(status) == told("run status")
    for key in forecast["batch"][0]:
        assert f"`{key}`" in DOCUMENT.read_text("utf-8")
    progress = json.loads(next(each for each in result.err.splitlines() if "progress" in each))
    assert set(progress["progress"]) == told("run progress")


def test_the_keys_of_a_citation(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Grass is green.")
    found = printed(run, *ASK, "-a", str(tmp_path / "a.txt"), "--citations", "hi")
    (citation,) = found["citations"]
    assert set(citation) == told("ask citations")


def test_the_keys_of_an_error(run: Run) -> None:
    error = json.loads(run(*ASK, code=2).err.splitlines()[-1])["error"]
    assert set(error) == told("error")


def test_the_fields_named_in_running_text(run: Run) -> None:
    model = printed(run, "list-models", "--sandbox", "--json")[0]
    text = DOCUMENT.read_text("utf-8")
    for field in (*model["lifecycle"], *model["ids"][0]["price"]):
        assert f"`{field}`" in text
    assert set(printed(run, *ASK, "--dry-run", "hi")["estimate"]) == {
        "input_tokens",
        "max_tokens",
        "cost_usd",
        "prices",
    }


def test_the_keys_of_jobs(
    run: Run, use: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    use()
    world.make_bucket("batch", "")
    Path("in.jsonl").write_text('{"prompt": "Hi"}\n' * 100)
    made = printed(run, "jobs", "submit", "in.jsonl", "--bucket", "batch", "--yes", "--json")
    for _ in range(2):
        run("jobs", "show", "in", code=8)
    stopped = printed(run, "jobs", "stop", "in", "--yes", "--json")
    waited = json.loads(run("jobs", "wait", "in", "--json", code=9).out)
    (row,) = printed(run, "jobs", "list", "--json")
    fetched = json.loads(run("jobs", "fetch", "in", "-o", "out", "--json", code=9).out)
    for found in (made, stopped, waited, row, fetched):
        assert found.pop("schema") == 1
    assert set(made) == told("jobs") | told("jobs submit")
    assert set(stopped) == set(waited) == told("jobs")
    assert set(waited["jobs"][0]) == told("jobs jobs")
    assert set(row) == told("jobs list")
    assert set(fetched) == told("jobs fetch")


def test_the_keys_of_what_was_logged(run: Run, use: Callable[..., Sandbox]) -> None:
    use()
    world.make_group()
    world.put(world.to_group())
    request_id = printed(run, "ask", "-n", "--json", "hi")["request_id"]
    (row,) = printed(run, "logs", "tail", "--json")
    whole = printed(run, "logs", "show", "--json", request_id)
    report = printed(run, "usage", "--json")
    for found in (row, whole, report):
        assert found.pop("schema") == 1
    assert set(row) == told("logs tail")
    assert set(row["usage"]) == told("usage")
    assert set(whole) == told("logs tail") | told("logs show")
    assert set(report) == told("usage report")
    for each in (*report["rows"], *report["days"], report["total"]):
        assert set(each) == told("usage report rows")
