"""The file of `jobs fetch -o`, beside `run`: it is never written by two, and counts alike."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import lines, made, make_bucket, records, submit
from tests.commands.test_jobs import here as here
from tests.commands.test_jobs_fetch import ended
from tests.conftest import Run

Use = Callable[..., Sandbox]
FORCE = ("-o", "out.jsonl", "--force")


def test_output_that_a_run_writes_is_not_replaced(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    ended(run)
    run("run", "night.jsonl", "-o", "out.jsonl")
    paid, before = Path("out.jsonl").read_bytes(), len(server.requests)
    with Path("out.jsonl").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = run("jobs", "fetch", "night", *FORCE, code=1).err
    assert "another run writes out.jsonl" in said and len(server.requests) == before
    assert Path("out.jsonl").read_bytes() == paid and list(Path().glob(".out*")) == []


def test_answers_of_run_that_are_replaced_are_told(use: Use, run: Run) -> None:
    use({"job": {"missing": 3}})
    make_bucket()
    ended(run)
    run("jobs", "fetch", "night", "-o", "out.jsonl", code=9)
    assert "of `run`" not in run("jobs", "fetch", "night", *FORCE, code=9).err
    run("run", "night.jsonl", "-o", "out.jsonl", "--retry-failed")
    said = run("jobs", "fetch", "night", *FORCE, code=9).err
    assert "out.jsonl had 3 answers of `run`, which --force replaced" in said


def test_output_that_somebody_makes_meanwhile_is_left(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = use()
    make_bucket()
    ended(run)

    class Requests(list[dict[str, Any]]):
        def append(self, request: dict[str, Any]) -> None:
            super().append(request)
            Path("out.jsonl").write_text("mine\n")

    monkeypatch.setattr(server, "requests", Requests())
    said = run("jobs", "fetch", "night", *FORCE, code=1).err
    assert "made by somebody else meanwhile" in said
    assert Path("out.jsonl").read_text() == "mine\n" and list(Path().glob(".out*")) == []


@pytest.mark.parametrize(
    "name, words", [("-", "-o takes a file"), ("th.jsonl.gz", "`-o th.jsonl`"), ("T.GZ", "`-o T`")]
)
def test_output_that_run_would_refuse_is_refused(use: Use, run: Run, name: str, words: str) -> None:
    server = use()
    assert words in run("jobs", "fetch", "night", "-o", name, code=2).err
    assert server.requests == [] and not Path(name).exists()


def test_answer_that_does_not_fit_the_schema_has_failed_as_with_run(use: Use, run: Run) -> None:
    use({"when": {"prompt": "question 5$"}, "reply": {"text": '{"sum": "x"}'}},
        {"when": {"operation": "InvokeModel"}, "reply": {"text": '{"sum": 4}'}})  # fmt: skip
    make_bucket()
    schema = '{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}'
    submit(run, records(), "--schema", schema)
    run("jobs", "wait", "night")
    done = run("jobs", "fetch", "night", "-o", "out.jsonl", "--json", code=9)
    found = json.loads(done.out)
    assert (found["failed"], found["incomplete"], found["failed_ids"]) == (1, 0, ["r5"])
    assert "--retry-failed" in done.err and lines("out.jsonl")["r5"]["cost_usd"] > 0
    status = json.loads(run("run", "status", "out.jsonl", "--json").out)
    assert status["errors"] == found["errors"]


def test_a_name_is_asked_of_aws_where_an_input_is_called_so(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(name="night"), "--name", "night")
    Path("night.job.json").rename("kept")
    assert run("jobs", "show", "night", code=8).out.startswith("night\t") and made() == ["night"]
    assert run("jobs", "show", "./kept", code=8).out.startswith("night\t")
