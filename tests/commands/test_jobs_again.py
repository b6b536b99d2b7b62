"""`jobs submit` of what was submitted before: failed, from elsewhere, or not wholly uploaded."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from bedrock_claude_cli.bedrock import job_find
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import (
    BUCKET,
    ROLE,
    lines,
    made,
    make_bucket,
    manifest,
    records,
    submit,
)
from tests.commands.test_jobs import here as here
from tests.conftest import Run

Use = Callable[..., Sandbox]
SPLIT = ("--max-records", "110")


def _name_in(said: str) -> str:
    """The --name that a message advises."""
    return said.split("--name ")[1].split("`")[0]


@pytest.mark.parametrize("status", ["Failed", "Expired"])
def test_submit_after_a_job_that_failed_says_so_and_how_to_start_anew(
    use: Use, run: Run, status: str
) -> None:
    use({"times": 1, "job": {"status": status, "message": "the model had a day off"}})
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night", code=9)
    said = submit(run, "night.jsonl", code=2).err
    assert f"night ended as {status}: the model had a day off; so nothing was sent" in said
    assert "jobs fetch night.job.json -o OUTPUT" in said and "jobs wait" not in said
    assert made() == ["night"]
    submit(run, "night.jsonl", "--name", _name_in(said))
    assert made() == ["night", "night.2"]
    run("jobs", "wait", "night.2")


def test_submit_asks_aws_how_a_job_went_that_nobody_waited_for(use: Use, run: Run) -> None:
    use({"job": {"status": "Failed", "message": "so it is"}})
    make_bucket()
    submit(run, records())
    for _ in range(9):
        boto3.client("bedrock").get_model_invocation_job(
            jobIdentifier=manifest()["parts"][0]["arn"]
        )
    error = json.loads(submit(run, "night.jsonl", "--json", code=2).err.splitlines()[-1])["error"]
    assert error["code"] == "JobEnded" and "so it is" in error["message"]
    assert "so it is" in submit(run, "night.jsonl", "--dry-run", code=2).err


def test_submit_after_a_job_that_was_stopped_says_so(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    run("jobs", "stop", "night", "--yes")
    run("jobs", "wait", "night", code=9)
    said = submit(run, "night.jsonl", code=2).err
    assert "ended as Stopped" in said and "--name night.2" in said


def test_part_that_failed_is_told_while_the_others_go_on(use: Use, run: Run) -> None:
    when = {"operation": "CreateModelInvocationJob"}
    full = {"type": "ServiceQuotaExceededException"}
    use(
        {"when": when, "times": 1, "job": {"status": "Failed", "message": "so it is"}},
        {"when": when, "times": 1, "error": full},
    )
    make_bucket()
    submit(run, records(220), *SPLIT)
    for _ in range(9):
        run("jobs", "show", "night", code=8)
    said = submit(run, "night.jsonl", *SPLIT).err
    assert "warning: the job night-1 ended as Failed: so it is" in said
    assert made() == ["night-1", "night-2"]


def test_submit_after_a_job_that_completed_leads_to_its_answers(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night")
    said = submit(run, "night.jsonl").err
    assert "answered before: `bedrock-claude jobs fetch night.job.json" in said
    assert "jobs wait" not in said and made() == ["night"]


@pytest.mark.parametrize("waited", [False, True])
def test_same_input_from_another_folder_is_not_paid_for_twice(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch, waited: bool
) -> None:
    server = use()
    make_bucket()
    source = str(Path(records()).absolute())
    submit(run, source)
    arn = manifest()["parts"][0]["arn"]
    if waited:
        run("jobs", "wait", "night")
    elsewhere = Path("elsewhere")
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    before = len(server.requests)
    for more in ([], ["--dry-run"]):
        said = submit(run, source, *more, code=2).err
        assert "submitted before as night, so nothing was sent" in said and arn in said
        assert f"jobs fetch {arn} -o OUTPUT" in said
        assert ("jobs wait" in said) == (not waited)
    asked = [each["operation"] for each in server.requests[before:]]
    assert all(name.startswith(("Get", "List")) for name in asked)
    assert made() == ["night"] and not Path("night.job.json").exists()
    run("jobs", "wait", arn)
    run("jobs", "fetch", arn, "-o", "out.jsonl")
    assert len(lines("out.jsonl")) == 100
    submit(run, source, "--name", _name_in(said))
    assert made() == ["night", "night.2"]


@pytest.mark.parametrize("argv", [(), ("--max-records", "110")])
def test_same_input_in_a_renamed_file_is_not_paid_for_twice(
    use: Use, run: Run, argv: tuple[str, ...]
) -> None:
    server = use()
    make_bucket()
    submit(run, records(220))
    arn = manifest()["parts"][0]["arn"]
    Path("night.jsonl").rename("renamed.jsonl")
    before = len(server.requests)
    said = submit(run, "renamed.jsonl", *argv, code=2).err
    assert "submitted before as night, so nothing was sent" in said and arn in said
    assert f"jobs wait {arn}`" in said and _name_in(said) == "renamed.2"
    asked = [each["operation"] for each in server.requests[before:]]
    assert all(name.startswith(("Get", "List")) for name in asked)
    said = submit(run, "renamed.jsonl", "--name", _name_in(said)).err
    assert f"submitted before as night ({arn}), and is paid for once more as renamed.2" in said
    assert made() == ["night", "renamed.2"] and not Path("renamed.job.json").exists()
    run("jobs", "wait", arn)
    assert "fetch" in submit(run, "renamed.jsonl", "--name", "renamed.2").err


def test_renamed_file_is_found_on_the_second_page(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    make_bucket()
    submit(run, records())
    submit(run, records(101, "other.jsonl"))
    monkeypatch.setattr(job_find, "PAGE", 1)
    Path("night.jsonl").write_text("")
    assert "before as night," in submit(run, records(name="renamed.jsonl"), code=2).err
    assert made() == ["night", "other"]


def test_renamed_file_whose_first_job_failed_is_sent(use: Use, run: Run) -> None:
    use({"times": 1, "job": {"status": "Failed"}})
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night", code=9)
    submit(run, records(name="renamed.jsonl"))
    assert made() == ["night", "renamed"]


def test_split_submit_whose_manifest_is_gone_is_named_by_its_name(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(220), *SPLIT)
    Path("night.job.json").unlink()
    said = submit(run, "night.jsonl", *SPLIT, code=2).err
    assert "jobs wait night`, then `bedrock-claude jobs fetch night -o OUTPUT" in said
    run("jobs", "wait", "night")
    run("jobs", "fetch", "night", "-o", "out.jsonl")
    assert len(lines("out.jsonl")) == 220


def test_jobs_of_the_same_input_that_came_to_nothing_are_no_hindrance(use: Use, run: Run) -> None:
    use({"times": 1, "job": {"status": "Failed"}})
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night", code=9)
    Path("night.job.json").unlink()
    submit(run, "night.jsonl")
    assert made() == ["night", "night"]
    run("jobs", "wait", "night")
    Path("night.job.json").unlink()
    said = run("jobs", "show", "night", code=2).err
    assert "more than one job called night: arn:" in said


def test_other_records_under_a_name_of_before_are_sent_and_it_is_said(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    Path("night.job.json").unlink()
    assert "another job called night, of other records" in submit(run, records(101)).err
    assert made() == ["night", "night"]


def test_who_may_not_list_jobs_is_told_that_nobody_looked(use: Use, run: Run) -> None:
    use({"deny": "bedrock:ListModelInvocationJobs"})
    make_bucket()
    shown = submit(run, records()).out
    assert "submitted before is not shown (bedrock:ListModelInvocationJobs)" in shown


def test_all_verbs_lead_from_a_broken_upload_to_the_command_that_mends_it(
    use: Use, run: Run
) -> None:
    use({"times": 1, "deny": "s3:PutObject"})
    make_bucket()
    argv = ["--max-tokens", "77", "-s", "Be brief", "--stop", "END", "--stop", "--"]
    argv += ["--temperature", "0", "--no-citations"]
    submit(run, records(), *argv, code=5)
    said = [
        run("jobs", "wait", "night", code=1).err,
        run("jobs", "wait", "night", "--wait", "1s", code=1).err,
        run("jobs", "fetch", "night", "-o", "out.jsonl", code=1).err,
        run("jobs", "show", "night", code=8).err,
    ]
    assert all("not wholly uploaded" in each and "`jobs wait" not in each for each in said)
    [command] = {each.split("`")[1] for each in said}
    assert {"--yes", "--no-citations"} < set(command.split()) and "--temperature 0" in command
    run(*shlex.split(command)[1:])
    assert made() == ["night"]
    run("jobs", "wait", "night")


def test_stopped_before_its_upload_is_fetched_as_far_as_it_is(use: Use, run: Run) -> None:
    upload = {"when": {"operation": "PutObject"}, "times": 2, "reply": {}}
    use(upload, {"when": {"operation": "PutObject"}, "times": 1, "error": {"type": "AccessDenied"}})
    make_bucket()
    submit(run, records(220), *SPLIT, code=5)
    assert [part["uploaded"] for part in manifest()["parts"]] == [True, False]
    run("jobs", "stop", "night", "--yes")
    done = run("jobs", "fetch", "night", "-o", "out.jsonl", "--json", code=9)
    found = json.loads(done.out)
    assert found["errors"] == {"JobStopped": 110, "NotSent": 110}
    assert "110 records of night-2 not in out.jsonl: never uploaded" in done.err
    assert len(lines("out.jsonl")) == 110


def test_a_name_means_its_manifest_before_a_file_called_so(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records(name="night"), "--name", "night")
    assert run("jobs", "show", "night", code=8).out.startswith("night\t")


def test_bucket_of_a_sandbox_for_one_command_is_explained(run: Run) -> None:
    said = run("jobs", "submit", records(), "--bucket", BUCKET, "--sandbox", code=6).err
    assert "bedrock-claude sandbox run -- bash" in said


def test_role_that_was_refused_is_replaced_by_the_next_one(use: Use, run: Run) -> None:
    use()
    make_bucket()
    said = submit(run, records(), "--role", "nosuch", code=6).err
    assert "without --role the same command makes one that does" in said
    assert "jobs wait night.job.json` starts" in run("jobs", "show", "night", code=8).err
    submit(run, "night.jsonl")
    assert made() == ["night"] and manifest()["role"].endswith(f"/{ROLE}")
    run("jobs", "wait", "night")


def test_why_a_job_failed_is_told_where_the_screen_is_narrow(use: Use, run: Run) -> None:
    use({"job": {"status": "Failed", "message": "the model had a day off"}})
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night", code=9)
    shown = run("jobs", "show", "night", code=9, terminal=True, env={"COLUMNS": "80"})
    assert "day off" not in shown.out
    assert "night ended as Failed: the model had a day off" in shown.err


def test_every_verb_says_what_comes_next(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    arn = manifest()["parts"][0]["arn"]
    assert f"jobs wait {arn}`" in run("jobs", "fetch", arn, "-o", "out.jsonl", code=8).err
    assert "jobs fetch night.job.json -o OUTPUT" in run("jobs", "wait", "night").err
    assert f"jobs fetch {arn} -o OUTPUT" in run("jobs", "show", arn).err


def test_job_that_aws_does_not_know_is_told(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    there = manifest()
    part = there["parts"][0]
    gone = part["arn"][:-12] + "0" * 12
    Path("night.job.json").write_text(json.dumps(there | {"parts": [part | {"arn": gone}]}))
    for job in ("night", gone):
        assert f"AWS knows no job {gone}" in run("jobs", "show", job, code=6).err


def test_waiting_says_that_there_is_no_room(use: Use, run: Run) -> None:
    full = {"type": "ServiceQuotaExceededException"}
    use({"when": {"operation": "CreateModelInvocationJob"}, "times": 4, "error": full})
    make_bucket()
    submit(run, records())
    said = run("jobs", "wait", "night").err
    assert said.count("AWS runs no more jobs at once, so 1 will be started later") == 1


@pytest.mark.parametrize("operation", ["PutObject", "CreateModelInvocationJob"])
def test_lost_connection_is_no_bill_and_is_continued(use: Use, run: Run, operation: str) -> None:
    use({"when": {"operation": operation}, "times": 3, "stream": {"reset_after": 0}})
    make_bucket()
    said = submit(run, records(), code=7).err
    assert "try again in a little while" in said and "billed, so" not in said
    submit(run, "night.jsonl")
    assert made() == ["night"]


def test_refusal_of_a_model_that_aws_does_not_list_names_those_listed(use: Use, run: Run) -> None:
    use()
    make_bucket()
    said = submit(run, records(model="opus-4.8"), "-q", code=6)
    assert "unseen    whether batch inference takes Claude Opus 4.8" in said.out
    assert "not supported for batch" in said.err and "bedrock-claude run" in said.err
    assert "opus-5, opus-4.6" in said.err and made() == []
