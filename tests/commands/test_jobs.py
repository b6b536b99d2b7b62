"""`jobs` by the front door: submitted, waited for, fetched, against the sandbox's own jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from bedrock_claude_cli import batch_submit
from bedrock_claude_cli.bedrock.job_manifest import STATUSES
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import (
    ACCOUNT,
    BUCKET,
    GLOBAL,
    ROLE,
    lines,
    made,
    make_bucket,
    manifest,
    policies,
    records,
    submit,
)
from tests.conftest import Run

Use = Callable[..., Sandbox]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Manifests land in a folder of the test's own, and no look at a job is waited for."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(batch_submit, "PAUSES", (0,))
    return folder


def test_submit_wait_fetch(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    shown = submit(run, records(120, team="blue")).out
    assert "create    role BedrockBatch-jobs-bucket" in shown
    assert "120 records" in shown and "global.anthropic.claude-sonnet-4-5" in shown
    assert Path("night.job.json").stat().st_mode & 0o777 == 0o600
    assert run("jobs", "show", "night.job.json", code=8).out.startswith("night\tSubmitted\t120\t")
    assert "\tCompleted\t120\t120\t0\t" in run("jobs", "wait", "night.job.json").out
    done = run("jobs", "fetch", "night.job.json", "-o", "out.jsonl")
    assert done.out == "out.jsonl\t120 answered\t0 failed or missing\n"
    assert Path("out.jsonl").stat().st_mode & 0o777 == 0o600
    found = lines("out.jsonl")
    assert set(found) == {f"r{n}" for n in range(120)}
    one = found["r7"]
    assert one["text"] and one["complete"] and one["team"] == "blue" and one["error"] is None
    assert one["usage"]["output_tokens"] and one["cost_usd"] > 0 and one["via"] == "batch"
    assert not any(each["operation"].startswith("Invoke") for each in server.requests)


def test_role_has_least_privilege_and_stays_as_it_is(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    own = {"StringEquals": {"aws:ResourceAccount": [ACCOUNT]}}
    base = GLOBAL.removeprefix("global.")
    s3 = f"arn:aws:s3:::{BUCKET}"
    bedrock = "arn:aws:bedrock:"
    assert sorted(policies(), key=str) == [
        {
            "Effect": "Allow",
            "Action": "bedrock:InvokeModel",
            "Resource": [
                f"{bedrock}us-east-1:{ACCOUNT}:inference-profile/{GLOBAL}",
                f"{bedrock}us-east-1::foundation-model/{base}",
                f"{bedrock}::foundation-model/{base}",
            ],
        },
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": s3, "Condition": own},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": f"{s3}/bedrock-batch/*",
            "Condition": own,
        },
    ]
    role = boto3.client("iam").get_role(RoleName=ROLE)["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Sid": "BedrockBatchuseast1",
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnEquals": {
                    "aws:SourceArn": f"{bedrock}us-east-1:{ACCOUNT}:model-invocation-job/*"
                },
            },
        }
    ]
    shown = submit(run, records(101, "second.jsonl")).out
    assert "create" not in shown and "in place" in shown
    shown = submit(run, records(102, "third.jsonl"), "-m", "haiku-4.5").out
    assert shown.count("create ") == 1 and len(policies()) == 4


def test_dry_run_makes_nothing(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    before = len(server.requests)
    shown = submit(run, records(), "--dry-run")
    assert "create    role" in shown.out and "at most $" in shown.out
    assert "not in the invocation logs" in shown.out
    assert "100 to 50,000 records" in shown.err and "Service Quotas" in shown.err
    asked = [each["operation"] for each in server.requests[before:]]
    assert asked and all(name.startswith(("Get", "List")) for name in asked)
    assert not Path("night.job.json").exists()


def test_nobody_to_ask_is_told_to_say_yes(use: Use, run: Run) -> None:
    use()
    make_bucket()
    said = run("jobs", "submit", records(), "--bucket", BUCKET, code=2).err
    assert "--yes goes ahead" in said and made() == []


def test_given_role_is_used_and_not_looked_at(use: Use, run: Run) -> None:
    server = use({"deny": "iam:*Role*"}, {"deny": "bedrock:GetInferenceProfile"})
    make_bucket()
    said = submit(run, records(), "--role", "theirs", code=5).err
    assert "iam:PassRole" in said
    assert not any(each["service"] == "iam" for each in server.requests)


def test_split_is_one_job_to_the_user(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(330), "--max-records", "120")
    assert made() == ["night-1", "night-2", "night-3"]
    assert [part["records"] for part in manifest()["parts"]] == [120, 110, 100]
    run("jobs", "wait", "night")
    run("jobs", "fetch", "night", "-o", "out.jsonl")
    assert set(lines("out.jsonl")) == {f"r{n}" for n in range(330)}


def test_each_model_has_its_own_job(use: Use, run: Run) -> None:
    use()
    make_bucket()
    with Path("two.jsonl").open("w") as file:
        for n in range(200):
            model = ("haiku-4.5", "sonnet-4.6")[n % 2]
            file.write(json.dumps({"id": f"r{n}", "prompt": "Hello", "model": model}) + "\n")
    shown = submit(run, "two.jsonl").out
    assert "unknown: no batch price is known" in shown
    run("jobs", "wait", "two")
    run("jobs", "fetch", "two", "-o", "out.jsonl")
    found = lines("out.jsonl")
    assert "haiku-4-5" in found["r0"]["model"] and found["r0"]["cost_usd"] > 0
    assert "sonnet-4-6" in found["r1"]["model"] and found["r1"]["cost_usd"] is None


def test_split_by_bytes_and_streamed_in_pieces(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    submit(run, records(200, system="x" * 100_000), "--max-bytes", "10100000")
    assert [part["records"] for part in manifest()["parts"]] == [100, 100]
    assert sum(each["operation"] == "UploadPart" for each in server.requests) == 4
    run("jobs", "wait", "night")
    run("jobs", "fetch", "night", "-o", "out.jsonl")
    assert len(lines("out.jsonl")) == 200


@pytest.mark.parametrize("count, more", [(99, ()), (199, ("--max-records", "150"))])
def test_too_few_records_are_refused_with_the_limit(
    use: Use, run: Run, count: int, more: tuple[str, ...]
) -> None:
    use()
    make_bucket()
    said = submit(run, records(count), *more, code=2).err
    assert "at least 100" in said and made() == []


def test_model_that_batch_does_not_take_is_refused_with_others(use: Use, run: Run) -> None:
    use()
    make_bucket()
    said = submit(run, records(), "-m", "opus-5.5", code=6).err
    assert "batch inference does not take Claude Opus 5.5, so nothing was sent" in said
    assert "opus-5" in said and "haiku-4.5" in said and "sonnet-5.5" not in said


@pytest.mark.parametrize("model", ["opus-4.8", "opus-5.5"])
def test_run_says_of_batch_what_submit_says(use: Use, run: Run, model: str) -> None:
    use()
    make_bucket()
    source, dry = records(model=model), ("--dry-run", "--json")
    why = json.loads(run("run", source, *dry).out)["batch"][0]["why_not"]
    known = model == "opus-5.5"
    told = submit(run, source, "-q", "--dry-run", code=6 if known else 0)
    assert why in (told.err if known else told.out)
    assert why.startswith("batch inference does not" if known else "whether batch inference takes")


@pytest.mark.parametrize(
    "argv, words",
    [
        (("--max-cost", "0.01"), "more than --max-cost 0.01"),
        (("--max-cost", "9", "-m", "sonnet-4.6"), "batch price"),
    ],
)
def test_max_cost_is_kept_or_nothing_is_sent(
    use: Use, run: Run, argv: tuple[str, ...], words: str
) -> None:
    use()
    make_bucket()
    assert words in submit(run, records(), *argv, code=11).err
    assert made() == []


@pytest.mark.parametrize(
    "more, words",
    [
        ({"meta": {"team": "blue"}}, "no place for `meta`"),
        ({"guardrail": "abc:1"}, "no place for `guardrail`"),
        ({"via": "converse"}, "via"),
        ({"temperature": 7}, "temperature"),
    ],
)
def test_faults_of_records_are_told_before_anything_is_made(
    use: Use, run: Run, more: dict[str, Any], words: str
) -> None:
    server = use()
    make_bucket()
    before = len(server.requests)
    said = submit(run, records(**more), code=2).err
    assert words in said and "line 1" in said
    assert len(server.requests) == before


def test_jobs_are_listed_and_found_by_name_and_arn(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(220), "--max-records", "110")
    arn = manifest()["parts"][0]["arn"]
    assert run("jobs", "list").out.splitlines()[1].endswith(arn)
    assert run("jobs", "list", "--status", "Failed").out == ""
    Path("night.job.json").unlink()
    assert len(run("jobs", "show", "night", code=8).out.splitlines()) == 2
    assert run("jobs", "wait", arn).out.startswith("night-1\tCompleted\t")
    run("jobs", "fetch", arn, "-o", "one.jsonl")
    assert len(lines("one.jsonl")) == 110
    run("jobs", "wait", "night")
    shown = json.loads(run("jobs", "fetch", "night", "-o", "all.jsonl", "--json").out)
    assert (shown["records"], shown["failed"]) == (220, 0)
    assert len(lines("all.jsonl")) == 220


def test_states_are_taken_as_they_are_typed_and_unknown_ones_refused(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    submit(run, records())
    assert run("jobs", "list", "--status", "submitted").out.startswith("night\tSubmitted\t")
    assert "no InProgress batch jobs" in run("jobs", "list", "--status", "in-progress").err
    before = len(server.requests)
    said = run("jobs", "list", "--status", "Complete", code=2).err
    assert "did you mean `Completed`?" in said and "PartiallyCompleted" in said
    assert len(server.requests) == before


def test_states_are_botocores(run: Run) -> None:
    model = botocore.session.get_session().get_service_model("bedrock")
    told = model.shape_for("ModelInvocationJobStatus").enum
    assert sorted(STATUSES) == sorted(told)
    env = {"_BEDROCK_CLAUDE_COMPLETE": "complete_fish"}
    offered = run("jobs", "list", "--status", "", env=env).out.split()
    assert set(offered) >= set(told)
    assert "Completed" in run("jobs", "list", "--status=Comp", env=env).out


def test_one_job_is_not_called_jobs(use: Use, run: Run) -> None:
    use()
    make_bucket()
    assert ": 1 job, $" in run("run", records(), "--dry-run").out
    assert ": 2 jobs, $" in run("run", records(50_100), "--dry-run").out


def test_unknown_job_is_told(use: Use, run: Run) -> None:
    use()
    assert "no job called none" in run("jobs", "show", "none", code=6).err
    assert "no file" in run("jobs", "show", "none.job.json", code=2).err


def test_wait_ends_with_its_time(use: Use, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    use({"job": {"looks": 10**6}})
    make_bucket()
    submit(run, records())
    monkeypatch.setattr(batch_submit, "PAUSES", (0.01,))
    said = run("jobs", "wait", "night", "--wait", "0.05s", code=8).err
    assert "1 job has not ended yet, of 1" in said and "jobs wait night.job.json" in said
    assert "not ended" in run("jobs", "fetch", "night", "-o", "out.jsonl", code=8).err
    assert not Path("out.jsonl").exists()


def test_stopped_job_is_fetched_as_far_as_it_got(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    assert "--yes" in run("jobs", "stop", "night", code=2).err
    assert "\tStopping\t" in run("jobs", "stop", "night", "--yes").out
    run("jobs", "wait", "night", code=9)
    said = run("jobs", "fetch", "night", "-o", "out.jsonl", code=9).err
    assert "r0, r1" in said and "and 80 more" in said
    assert lines("out.jsonl")["r0"]["error"]["code"] == "JobStopped"


def test_fetch_replaces_nothing_unasked(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night")
    Path("out.jsonl").write_text("mine\n")
    assert "--force" in run("jobs", "fetch", "night", "-o", "out.jsonl", code=2).err
    assert Path("out.jsonl").read_text() == "mine\n"
    run("jobs", "fetch", "night", "-o", "out.jsonl", "--force")
    assert len(lines("out.jsonl")) == 100


def test_json_of_submit_and_show(use: Use, run: Run) -> None:
    use()
    make_bucket()
    shown = json.loads(submit(run, records(), "--json").out)
    assert shown["manifest"] == "night.job.json" and shown["records"] == 100
    assert shown["cost_at_most_usd"] > 0 and shown["jobs"][0]["status"] == "Submitted"
    assert [step["kind"] for step in shown["steps"]] == ["in-place", *["create"] * 3]
    shown = json.loads(run("jobs", "wait", "night", "--json").out)
    assert shown["complete"] and shown["jobs"][0]["succeeded"] == 100
    assert json.loads(run("jobs", "list", "--json").out)[0]["status"] == "Completed"


def test_verbatim_bodies_and_stdin(use: Use, run: Run) -> None:
    use()
    make_bucket()
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    text = "".join(json.dumps({"recordId": f"v{n}", "modelInput": body}) + "\n" for n in range(100))
    submit(run, "-", "--name", "verbatim", stdin=text)
    run("jobs", "wait", "verbatim")
    run("jobs", "fetch", "verbatim", "-o", "out.jsonl")
    assert lines("out.jsonl")["v99"]["complete"]


def test_structured_answers_are_parsed(use: Use, run: Run) -> None:
    use({"when": {"operation": "InvokeModel"}, "reply": {"text": '{"sum": 4}'}})
    make_bucket()
    schema = '{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}'
    submit(run, records(), "--schema", schema)
    run("jobs", "wait", "night")
    run("jobs", "fetch", "night", "-o", "out.jsonl")
    assert lines("out.jsonl")["r3"]["parsed"] == {"sum": 4}


_MAY_DIFFER = {
    "request_id", "latency_ms", "first_token_ms", "attempts", "via", "cost_usd",
}  # fmt: skip


def test_run_and_jobs_give_equal_outputs(use: Use, run: Run) -> None:
    use(
        {"when": {"prompt": "question 5$"}, "reply": {"words": 9, "stop_reason": "max_tokens"}},
        {"when": {"prompt": "question 6$"}, "reply": {"text": "sécond ☃"}},
    )
    make_bucket()
    source = records(100, system="Be brief", temperature=0.5, tag={"a": [1]})
    run("run", source, "-o", "run.jsonl", code=10)
    submit(run, source)
    run("jobs", "wait", "night")
    run("jobs", "fetch", "night", "-o", "jobs.jsonl", code=10)
    ours, theirs = lines("jobs.jsonl"), lines("run.jsonl")
    assert ours.keys() == theirs.keys()
    for each in theirs:
        assert ours[each].keys() == theirs[each].keys()
        differ = {key for key in ours[each] if ours[each][key] != theirs[each][key]}
        assert differ <= _MAY_DIFFER, each
    assert ours["r7"]["cost_usd"] == pytest.approx(theirs["r7"]["cost_usd"] / 2)


def test_tab_offers_manifests(run: Run) -> None:
    Path("night.job.json").write_text("{}")
    Path("other.json").write_text("{}")
    env = {"_BEDROCK_CLAUDE_COMPLETE": "complete_fish"}
    offered = run("jobs", "wait", "", env=env).out
    assert "night.job.json" in offered and "other.json" not in offered
    assert run("jobs", "submit", "", env=env).out.startswith("files")
