"""`jobs fetch`: what may have been billed, errors as `run` tells them, and outputs that are odd."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from bedrock_claude_cli.bedrock import job_output
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import BUCKET, GLOBAL, lines, make_bucket, manifest, records, submit
from tests.commands.test_jobs import here as here
from tests.conftest import Run

Use = Callable[..., Sandbox]
Lines = list[dict[str, Any]]


def where_of(part: int = 0) -> tuple[str, str]:
    """Bucket and key of a part's output."""
    found = manifest()["parts"][part]
    job, name = found["arn"].rpartition("/")[2], found["input_uri"].rpartition("/")[2]
    bucket, _, key = found["output_uri"].removeprefix("s3://").partition("/")
    return bucket, f"{key.rstrip('/')}/{job}/{name}.out"


def rewrite(change: Callable[[Lines], Iterator[dict[str, Any] | bytes]]) -> None:
    """Put another output in the place of what Bedrock wrote."""
    bucket, key = where_of()
    s3 = boto3.client("s3")
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    there = [json.loads(line) for line in text.splitlines()]
    made = (
        each if isinstance(each, bytes) else json.dumps(each).encode() for each in change(there)
    )
    s3.put_object(Bucket=bucket, Key=key, Body=b"\n".join(made))


def ended(run: Run, *argv: str, code: int = 0) -> None:
    submit(run, records(), *argv)
    run("jobs", "wait", "night", code=code)


def fetched(run: Run, code: int = 0) -> tuple[dict[str, dict[str, Any]], str]:
    said = run("jobs", "fetch", "night", "-o", "out.jsonl", "--force", code=code).err
    return lines("out.jsonl"), said


_FAULTS = {
    "ValidationException": "prompt is too long: 250000 tokens > 200000 maximum",
    "InternalServerException": "Something broke",
    "ModelErrorException": "Something broke",
    "ModelTimeoutException": "It took too long",
    "ServiceUnavailableException": "Too busy",
    "ThrottlingException": "Too many tokens, please wait before trying again.",
}


@pytest.mark.parametrize("kind", _FAULTS)
def test_failed_record_is_told_as_run_tells_it(use: Use, run: Run, kind: str) -> None:
    error = {"type": kind, "message": _FAULTS[kind]}
    use({"when": {"operation": "Invoke*", "prompt": "question 3$"}, "error": error})
    make_bucket()
    ended(run, code=9)
    ours, said = fetched(run, 9)
    assert "failed or missing: r3" in said
    run("run", "night.jsonl", "-o", "run.jsonl", "--retries", "0", code=9)
    said = run("run", "night.jsonl", "-o", "run.jsonl", code=9).err
    assert "1 failed record:" in said and "asks it again" in said
    theirs = lines("run.jsonl")["r3"]
    assert theirs["error"]["code"] == kind and theirs["error"]["hint"]
    told = [each["error"] | {"request_id": None} for each in (ours["r3"], theirs)]
    assert told[0] == told[1]
    most = theirs["cost_at_most_usd"]
    assert (most is not None) == (theirs["error"]["retry"] == "maybe-billed")
    assert ours["r3"]["cost_at_most_usd"] == (most and pytest.approx(most / 2))
    assert ours["r4"]["cost_at_most_usd"] is None


def test_names_of_errors_are_botocores() -> None:
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    shapes = model.operation_model("InvokeModel").error_shapes
    told = {(each.metadata["error"]["httpStatusCode"], each.name) for each in shapes}
    assert set(job_output._NAMES.items()) <= told
    assert set(job_output._NAMES) == {status for status, _ in told}


@pytest.mark.parametrize("error", [{}, None, {"errorCode": "InternalServerException"}])
def test_error_that_says_little_may_be_billed(use: Use, run: Run, error: Any) -> None:
    use()
    make_bucket()
    ended(run)

    def change(there: Lines) -> Iterator[dict[str, Any]]:
        del there[0]["modelOutput"]
        yield {**there[0], "error": error}
        yield from there[1:]

    rewrite(change)
    found = fetched(run, 9)[0]["r99"]
    assert found["error"]["retry"] == "maybe-billed" and found["cost_at_most_usd"] > 0


def test_missing_records_count_in_the_budget_of_run(use: Use, run: Run) -> None:
    use({"times": 1, "job": {"missing": 2}})
    make_bucket()
    ended(run)
    found, _ = fetched(run, 9)
    most = found["r98"]["cost_at_most_usd"]
    answered = sum(each["cost_usd"] or 0 for each in found.values())
    assert 0.03 < most < 0.04 and found["r97"]["cost_at_most_usd"] is None
    spent = json.loads(run("run", "status", "out.jsonl", "--json").out)["cost_usd"]
    assert spent == pytest.approx(answered + 2 * most)
    limit = f"{answered + 4 * most:.4f}"  # room for the missing at list price, were they not paid
    argv = ("run", "night.jsonl", "-o", "out.jsonl", "--retry-failed", "--max-cost", limit)
    assert "--max-cost" in run(*argv, code=11).err
    run("run", "night.jsonl", "-o", "out.jsonl", "--retry-failed")
    assert all(each["complete"] for each in lines("out.jsonl").values())


def test_where_the_batch_price_is_unknown_the_list_price_is_the_most(use: Use, run: Run) -> None:
    use({"times": 1, "job": {"missing": 1}})
    make_bucket()
    ended(run, "-m", "sonnet-4.6")
    found, _ = fetched(run, 9)
    run("run", "night.jsonl", "-o", "run.jsonl", "-m", "sonnet-4.6")
    theirs = lines("run.jsonl")
    assert found["r7"]["cost_usd"] is None
    assert found["r7"]["cost_at_most_usd"] == pytest.approx(theirs["r7"]["cost_usd"])
    assert found["r99"]["cost_at_most_usd"] > 0.06


def test_cache_of_an_hour_is_paid_as_such(use: Use, run: Run) -> None:
    usage = {"input_tokens": 5, "output_tokens": 5, "cache_creation_input_tokens": 100_000}
    use({"when": {"operation": "Invoke*"}, "reply": {"text": "So", "usage": usage}})
    make_bucket()
    ended(run, "--cache", "1h", "-s", "Be brief")
    run("run", "night.jsonl", "-o", "run.jsonl", "--cache", "1h", "-s", "Be brief")
    ours, theirs = fetched(run)[0]["r7"], lines("run.jsonl")["r7"]
    assert ours["cost_usd"] == pytest.approx(theirs["cost_usd"] / 2)


@pytest.mark.parametrize(
    "bad",
    [
        b'{"recordId": "r99", "modelOutput": {"content": [',
        b"[1]",
        b"\xff",
        b'{"recordId": "r99", "modelOutput": {}}',
        b'{"recordId": "r99", "modelOutput": null}',
        b'{"recordId": "r99", "modelOutput": {"content": "text", "usage": {}}}',
        b'{"recordId": 99, "modelOutput": {}}',
    ],
)
def test_line_that_cannot_be_read_costs_its_own_record_only(use: Use, run: Run, bad: bytes) -> None:
    use()
    make_bucket()
    ended(run)

    def change(there: Lines) -> Iterator[dict[str, Any] | bytes]:
        assert there[0]["recordId"] == "r99"
        yield bad
        yield from there[1:]

    rewrite(change)
    done = run("jobs", "fetch", "night", "-o", "out.jsonl", "--json", code=9)
    shown = json.loads(done.out)
    assert (shown["answered"], shown["failed_ids"]) == (99, ["r99"])
    assert len(shown["unreadable"]) == 1 and shown["unreadable"][0].startswith("line 1 of s3://")
    assert "night.jsonl.out: cannot be read" in done.err
    found = lines("out.jsonl")["r99"]
    assert found["error"]["code"] == "RecordMissing" and "1 line that" in found["error"]["message"]
    assert found["error"]["retry"] == "maybe-billed" and found["cost_at_most_usd"] > 0


def test_broken_line_beside_all_answers_is_partial_too(use: Use, run: Run) -> None:
    use()
    make_bucket()
    ended(run)
    rewrite(lambda there: iter([*there, b"{"]))
    found, said = fetched(run, 9)
    assert len(found) == 100 and "line 101 of" in said


def test_first_answer_of_a_record_that_stands_twice_counts(use: Use, run: Run) -> None:
    use()
    make_bucket()
    ended(run)

    def change(there: Lines) -> Iterator[dict[str, Any]]:
        first, second, third, *rest = there
        again = json.loads(json.dumps(first))
        again["modelOutput"]["content"] = [{"type": "text", "text": "another"}]
        yield first
        yield again
        error = {"errorCode": 500, "errorMessage": "so it is"}
        bare = {key: second[key] for key in ("recordId", "modelInput")}
        yield {**bare, "error": error}
        yield {**bare, "error": {"errorCode": 503, "errorMessage": "later"}}
        yield second
        bare = {key: third[key] for key in ("recordId", "modelInput")}
        yield {**bare, "error": error}
        yield {**bare, "error": {"errorCode": 503, "errorMessage": "later"}}
        yield from rest

    rewrite(change)
    done = run("jobs", "fetch", "night", "-o", "out.jsonl", "--json", code=9)
    shown = json.loads(done.out)
    assert shown["twice"] == ["r99", "r98", "r98", "r97"] and shown["failed_ids"] == ["r97"]
    assert "r99, r98, r98, r97: stands there more than once" in done.err
    found = lines("out.jsonl")
    assert found["r99"]["text"] != "another" and found["r98"]["complete"]
    assert found["r97"]["error"]["code"] == "InternalServerException"


def test_record_that_nobody_sent_is_left_out_and_named(use: Use, run: Run) -> None:
    use()
    make_bucket()
    ended(run)
    rewrite(lambda there: iter([*there, {**there[0], "recordId": "who"}]))
    found, said = fetched(run)
    assert len(found) == 100 and "who: was not in the input" in said


@pytest.mark.parametrize(
    "status, processed, retry",
    [("Stopped", None, "now"), ("Expired", 30, "now"), ("PartiallyCompleted", 80, "maybe-billed")],
)
def test_records_that_were_not_reached_cost_nothing(
    use: Use, run: Run, status: str, processed: int | None, retry: str
) -> None:
    script = {"processed": processed, "missing": int(retry != "now")} if processed else {}
    use({"job": {"status": status, **script}})
    make_bucket()
    submit(run, records())
    if status == "Stopped":
        run("jobs", "stop", "night", "--yes")
    run("jobs", "wait", "night", code=9)
    found = fetched(run, 9)[0]["r99"]
    assert found["error"]["retry"] == retry
    assert (found["cost_at_most_usd"] is not None) == (retry != "now")


def test_answers_that_are_not_whole_are_counted(use: Use, run: Run) -> None:
    use({"when": {"prompt": "question 5$"}, "reply": {"text": "x", "stop_reason": "max_tokens"}})
    make_bucket()
    ended(run)
    assert "1 record answered and not whole" in fetched(run, 10)[1]
    done = run("jobs", "fetch", "night", "-o", "out.jsonl", "--force", "--json", code=10).out
    assert json.loads(done)["incomplete"] == 1


BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
}
CONVERSE = {
    "inferenceConfig": {"maxTokens": 50},
    "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
}


def foreign(
    run: Run, *, name: str = "theirs", ids: bool = True, where: str = "x/in.jsonl", **more: Any
) -> str:
    """The ARN of a job that another tool made, with a role that is there."""
    ended(run)
    body = CONVERSE if more else BODY
    made = [
        {**({"recordId": f"t{n}"} if ids else {}), "modelInput": body} for n in range(100)
    ]  # fmt: skip
    text = "".join(json.dumps(each) + "\n" for each in made)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"bedrock-batch/{where}", Body=text.encode())
    source = where if where.count("/") == 1 else where.rpartition("/")[0] + "/"
    s3 = f"s3://{BUCKET}/bedrock-batch"
    arn: str = boto3.client("bedrock").create_model_invocation_job(
        jobName=name, roleArn=manifest()["role"], modelId=GLOBAL,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": f"{s3}/{source}"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"{s3}/out/"}},
        **more,
    )["jobArn"]  # fmt: skip
    return arn


@pytest.mark.parametrize("where", ["x/in.jsonl", "x/y/in.jsonl"])
def test_job_of_another_tool_is_fetched(use: Use, run: Run, where: str) -> None:
    use({"job": {}, "times": 1}, {"job": {"missing": 2}})
    make_bucket()
    arn = foreign(run, where=where)
    run("jobs", "wait", arn)
    said = run("jobs", "fetch", arn, "-o", "out.jsonl", code=9).err
    assert "theirs has no index beside its input" in said and "t98, t99" in said
    found = lines("out.jsonl")
    assert len(found) == 100 and found["t7"]["complete"] and found["t7"]["cost_usd"] > 0
    assert found["t98"]["error"]["code"] == "RecordMissing"
    assert found["t98"]["cost_at_most_usd"] > 0
    rows = [json.dumps({"recordId": f"t{n}", "modelInput": BODY}) for n in range(100)]
    Path("in.jsonl").write_text("\n".join(rows))
    again = run("run", "in.jsonl", "-o", "out.jsonl", "-m", GLOBAL, "--dry-run", "--json")
    assert json.loads(again.out)["records"] == 0  # the hashes are those of `run`


def test_job_of_another_tool_without_ids_or_input_is_fetched(use: Use, run: Run) -> None:
    use({"job": {}, "times": 1}, {"job": {"missing": 2}})
    make_bucket()
    arn = foreign(run, ids=False)
    run("jobs", "wait", arn)
    for force in ("--quiet", "--force"):
        done = run("jobs", "fetch", arn, "-o", "out.jsonl", force, "--json", code=9)
        found = json.loads(done.out)
        assert found["errors"] == {"Unnamed": 2} and found["answered"] == 98
        assert len(lines("out.jsonl")) == 98
        boto3.client("s3").delete_object(Bucket=BUCKET, Key="bedrock-batch/x/in.jsonl")
    assert "2 records without an id that is known: missing" in done.err


def test_job_of_another_tool_for_converse_is_fetched(use: Use, run: Run) -> None:
    use()
    make_bucket()
    arn = foreign(run, modelInvocationType="Converse")
    run("jobs", "wait", arn)
    run("jobs", "fetch", arn, "-o", "out.jsonl")
    one = lines("out.jsonl")["t7"]
    assert one["complete"] and one["text"] and one["usage"]["output_tokens"] and one["cost_usd"]


def test_lost_index_loses_no_answer(use: Use, run: Run) -> None:
    use()
    make_bucket()
    ended(run)
    key = manifest()["parts"][0]["input_uri"].removeprefix(f"s3://{BUCKET}/") + ".index"
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
    found, said = fetched(run)
    assert len(found) == 100 and "without keys that were carried over" in said


def test_who_may_not_read_the_bucket_is_told(use: Use, run: Run) -> None:
    use({"deny": "s3:GetObject"})
    make_bucket()
    ended(run)
    said = run("jobs", "fetch", "night", "-o", "out.jsonl", code=5).err
    assert "s3:GetObject" in said and not Path("out.jsonl").exists()
