"""`jobs` when something goes wrong: permissions, states, missing records, ends half-way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from bedrock_claude_cli import batch_submit
from bedrock_claude_cli.bedrock import job_upload, jobs
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.jobs_world import (
    ACCOUNT,
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


def uploads() -> list[str]:
    """The keys of uploads that are under way in the bucket."""
    found = boto3.client("s3").list_multipart_uploads(Bucket=BUCKET)
    return [each["Key"] for each in found.get("Uploads", ())]


def waited(run: Run, code: int, name: str = "night") -> str:
    return str(run("jobs", "wait", name, code=code).out)


def fetched(run: Run, code: int = 0) -> tuple[dict[str, dict[str, Any]], str]:
    said = run("jobs", "fetch", "night", "-o", "out.jsonl", code=code).err
    return lines("out.jsonl"), said


def test_role_without_permission_fails_the_job_and_every_record_says_so(use: Use, run: Run) -> None:
    use()
    make_bucket()
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam = boto3.client("iam")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(trust))
    submit(run, records(), "--role", "theirs")
    assert manifest()["role"] == f"arn:aws:iam::{ACCOUNT}:role/theirs"
    told = run("jobs", "wait", "night", code=9)
    assert "s3:GetObject on" in told.out
    assert f"s3:ListBucket on {BUCKET}, s3:GetObject and s3:PutObject on {BUCKET}/bedrock-" in (
        told.err
    )
    assert "without --role makes one" in told.err
    found, said = fetched(run, 9)
    error = found["r5"]["error"]
    assert error["code"] == "JobFailed" and "s3:PutObject" in error["message"]
    assert len(found) == 100 and "failed or missing: r0, r1" in said


@pytest.mark.parametrize(
    "status, answered", [("Failed", 0), ("Expired", 0), ("Expired", 20), ("PartiallyCompleted", 50)]
)
def test_job_that_does_not_complete(use: Use, run: Run, status: str, answered: int) -> None:
    more = {"processed": answered} if status == "Expired" else {}
    use({"job": {"status": status, "message": "so it is", **more}})
    make_bucket()
    submit(run, records())
    assert f"\t{status}\t" in waited(run, 9)
    found, _ = fetched(run, 9)
    whole = [each for each in found.values() if each["complete"]]
    assert len(found) == 100 and len(whole) == answered
    error = found["r99"]["error"]
    assert error["code"] == f"Job{status}" and error["message"].endswith("so it is")
    assert error["retry"] == "now"


def test_records_missing_in_the_output_are_named(use: Use, run: Run) -> None:
    use({"job": {"missing": 2}})
    make_bucket()
    submit(run, records())
    waited(run, 0)
    found, said = fetched(run, 9)
    assert said.rstrip().endswith("failed or missing: r98, r99")
    assert found["r98"]["error"]["code"] == "RecordMissing"
    assert found["r98"]["error"]["retry"] == "maybe-billed"
    assert found["r97"]["complete"] and found["r98"]["request_sha256"]


def test_refused_record_is_an_error_of_its_own(use: Use, run: Run) -> None:
    use(
        {
            "when": {"operation": "InvokeModel", "prompt": "question 3$"},
            "error": {"type": "ValidationException", "message": "It is too long"},
        }
    )
    make_bucket()
    submit(run, records())
    assert "\tCompleted\t100\t100\t1\t" in waited(run, 9)
    found, said = fetched(run, 9)
    assert "failed or missing: r3" in said
    assert "It is too long" in found["r3"]["error"]["message"]
    assert found["r3"]["error"]["exit_code"] == 6 and found["r4"]["complete"]


def test_caller_who_may_not_write_is_told_and_continues_later(use: Use, run: Run) -> None:
    use({"times": 1, "deny": "s3:PutObject"})
    make_bucket()
    said = submit(run, records(), code=5).err
    below = f"arn:aws:s3:::{BUCKET}/bedrock-batch/*"
    assert f'"Action": "s3:PutObject", "Resource": "{below}"' in said
    assert "the same command continues" in said
    assert made() == [] and not manifest()["parts"][0]["uploaded"]
    submit(run, "night.jsonl")
    assert made() == ["night"]


def test_a_deny_is_not_answered_with_an_allow(use: Use, run: Run) -> None:
    text = (
        "User: arn:aws:iam::000000000000:user/x is not authorized to perform: s3:PutObject on "
        f'resource: "arn:aws:s3:::{BUCKET}/x" with an explicit deny in a resource-based policy'
    )
    refused = {"type": "AccessDeniedException", "message": text}
    use({"when": {"operation": "PutObject"}, "error": refused})
    make_bucket()
    said = submit(run, records(), code=5).err
    assert "a resource-based policy denies s3:PutObject" in said and '"Allow"' not in said
    assert "the resource's owner has to lift the Deny" in said


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy"])
def test_caller_who_may_not_make_the_role_is_told_what_to_grant(
    use: Use, run: Run, action: str
) -> None:
    use({"deny": action})
    make_bucket()
    said = submit(run, records(), code=5).err
    assert f'"Action": "{action}"' in said and f"role/{ROLE}" in said
    assert made() == []


def test_bucket_that_is_not_there_or_elsewhere_is_refused(use: Use, run: Run) -> None:
    use()
    assert "aws s3 mb" in submit(run, records(), code=6).err
    make_bucket(region="eu-west-1")
    said = submit(run, "night.jsonl", code=6).err
    assert f"bucket {BUCKET} lies in eu-west-1" in said
    assert not Path("night.job.json").exists()


def test_role_that_iam_does_not_know_yet_is_waited_for(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = {"type": "ValidationException", "message": "Unable to assume the role"}
    when = {"operation": "CreateModelInvocationJob"}
    monkeypatch.setattr(jobs, "WAITS", (0, 0, 0))
    use({"when": when, "times": 2, "error": refusal})
    make_bucket()
    said = submit(run, records()).err
    assert said.count("does not accept the role yet") == 2 and made() == ["night"]


def test_role_that_was_there_is_not_waited_for(use: Use, run: Run) -> None:
    refusal = {"type": "ValidationException", "message": "Unable to assume the role"}
    use({"when": {"operation": "CreateModelInvocationJob"}, "error": refusal})
    make_bucket()
    assert "Unable to assume" in submit(run, records(), "--role", "theirs", code=6).err


def test_jobs_beyond_the_limit_are_started_as_others_end(use: Use, run: Run) -> None:
    full = {"type": "ServiceQuotaExceededException"}
    use(
        {"when": {"operation": "CreateModelInvocationJob"}, "times": 1, "job": {}},
        {"when": {"operation": "CreateModelInvocationJob"}, "times": 3, "error": full},
    )
    make_bucket()
    said = submit(run, records(330), *SPLIT).err
    assert made() == ["night-1"] and "starts the other 2" in said
    run("jobs", "fetch", "night", "-o", "out.jsonl", code=8)
    waited(run, 0)
    assert made() == ["night-1", "night-2", "night-3"]
    assert len(fetched(run)[0]) == 330


class _KilledError(BaseException):
    """What a test raises for a kill -9: nothing of the program runs after it."""


def killed_submit(run: Run, *argv: str) -> None:
    with pytest.raises(_KilledError):
        submit(run, *argv)


def test_submit_that_died_after_a_job_was_made_finds_it_again(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = use()
    make_bucket()
    create = jobs.create

    def die(*args: Any, **named: Any) -> bool:
        create(*args, **named)
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "create", die)
        killed_submit(run, records(220), *SPLIT)
    assert made() == ["night-1"] and manifest()["parts"][0]["arn"] is None
    shown = run("jobs", "submit", "night.jsonl", *SPLIT, "--bucket", BUCKET, "--dry-run").out
    assert "in place  job night-1" in shown and "  job       night-2" in shown
    assert ", with the jobs in place (batch" in shown
    before = len(server.requests)
    shown = submit(run, "night.jsonl", *SPLIT, "--json").out
    assert json.loads(shown)["continued"]
    operations = [each["operation"] for each in server.requests[before:]]
    assert operations.count("CreateModelInvocationJob") == 1
    assert not {"PutObject", "UploadPart", "CreateRole"} & set(operations)
    assert made() == ["night-1", "night-2"]
    waited(run, 0)
    assert len(fetched(run)[0]) == 220


@pytest.mark.parametrize("verb", ["stop", "show"])
def test_a_job_that_a_killed_submit_made_is_found_by_the_other_verbs_too(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    use()
    make_bucket()
    create = jobs.create

    def die(*args: Any, **named: Any) -> bool:
        create(*args, **named)
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "create", die)
        killed_submit(run, records())
    assert manifest()["parts"][0]["arn"] is None
    told = (
        run("jobs", "stop", "night", "--yes")
        if verb == "stop"
        else run("jobs", "show", "night", code=8)
    )
    assert "not started" not in told.out + told.err and "before it was" not in told.out + told.err
    assert manifest()["parts"][0]["arn"]
    states = run("jobs", "list").out
    assert ("Stopp" in states) == (verb == "stop")


def test_records_that_a_job_worked_on_and_did_not_write_may_be_billed(use: Use, run: Run) -> None:
    use({"job": {"status": "PartiallyCompleted", "processed": 80, "missing": 3}})
    make_bucket()
    submit(run, records())
    waited(run, 9)
    found, _ = fetched(run, 9)
    assert found["r99"]["error"]["code"] == "JobPartiallyCompleted"
    assert found["r99"]["error"]["retry"] == "maybe-billed"


def test_submit_that_was_killed_while_uploading_is_continued(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    make_bucket()
    send, sent = job_upload.Upload._send, 0

    def die(self: job_upload.Upload) -> None:
        nonlocal sent
        send(self)
        sent += 1
        if sent == 3:
            raise _KilledError

    source = records(220, system="x" * 100_000)
    with monkeypatch.context() as patch:
        patch.setattr(job_upload.Upload, "_send", die)
        patch.setattr(job_upload.Upload, "abort", lambda self: None)
        killed_submit(run, source, *SPLIT)
    assert len(uploads()) == 1
    assert [part["uploaded"] for part in manifest()["parts"]] == [True, False]
    submit(run, source, *SPLIT)
    assert uploads() == [] and made() == ["night-1", "night-2"]
    waited(run, 0)
    assert len(fetched(run)[0]) == 220


def test_upload_that_fails_leaves_no_piece_in_the_bucket(use: Use, run: Run) -> None:
    error = {"type": "AccessDenied"}
    use({"when": {"operation": "CompleteMultipartUpload"}, "error": error})
    make_bucket()
    submit(run, records(100, system="x" * 100_000), code=5)
    assert uploads() == []
    [there] = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert there["Key"].endswith(".index")


def test_submit_that_is_done_does_nothing_again(use: Use, run: Run) -> None:
    server = use()
    make_bucket()
    assert "  job       night: 100 records" in submit(run, records()).out
    before = len(server.requests)
    shown = run("jobs", "submit", "night.jsonl", "--bucket", BUCKET).out
    assert "  in place  job night: 100 records" in shown and ", Submitted\n" in shown
    assert "nothing more: every job is in place" in shown and "at most" not in shown
    asked = [each["operation"] for each in server.requests[before:]]
    assert all(name.startswith(("Get", "List")) for name in asked)


def test_other_input_under_the_same_name_is_refused(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    assert "--name" in submit(run, records(101), code=2).err
    assert made() == ["night"]
    submit(run, "night.jsonl", "--name", "other")
    assert made() == ["night", "other"]


def test_waiting_goes_on_over_throttles(use: Use, run: Run) -> None:
    error = {"type": "ThrottlingException"}
    use({"when": {"operation": "GetModelInvocationJob"}, "times": 4, "error": error})
    make_bucket()
    submit(run, records())
    run("jobs", "wait", "night")


def test_broken_manifest_is_told(use: Use, run: Run) -> None:
    use()
    Path("night.job.json").write_text('{"schema": 1}')
    assert "no manifest of a job" in run("jobs", "show", "night", code=3).err


def test_manifest_of_the_sandbox_is_not_taken_to_aws(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    found = manifest() | {"sandbox": True}
    Path("night.job.json").write_text(json.dumps(found))
    assert "of jobs in the sandbox" in run("jobs", "show", "night", code=2).err


@pytest.mark.parametrize("name", ["a b", "-a", "ä", "a" * 57])
def test_name_that_aws_would_not_take_is_refused(use: Use, run: Run, name: str) -> None:
    server = use()
    assert "no name for a job" in submit(run, records(), f"--name={name}", code=2).err
    assert server.requests == []


@pytest.mark.parametrize("bucket", ["", "UPPER", "a b", "arn:aws:s3:::mine", "s3:///x", "ab"])
def test_bucket_that_s3_would_not_take_is_refused(use: Use, run: Run, bucket: str) -> None:
    server = use()
    argv = ("jobs", "submit", records(), f"--bucket={bucket}", "--yes")
    assert "is no name of a bucket" in run(*argv, code=2).err
    assert server.requests == []


def test_ctrl_c_while_waiting_leaves_the_jobs(
    use: Use, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    make_bucket()
    submit(run, records())

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(batch_submit, "refresh", interrupt)
        run("jobs", "wait", "night", code=130)
    waited(run, 0)


def test_stopping_counts_for_jobs_that_had_no_room(use: Use, run: Run) -> None:
    when = {"operation": "CreateModelInvocationJob"}
    full = {"type": "ServiceQuotaExceededException"}
    use({"when": when, "times": 1, "job": {}}, {"when": when, "times": 1, "error": full})
    make_bucket()
    submit(run, records(220), *SPLIT)
    run("jobs", "stop", "night", "--yes")
    waited(run, 9)
    assert made() == ["night-1"]
    found, _ = fetched(run, 9)
    assert len(found) == 220
    assert "before it was started" in found["r219"]["error"]["message"]


def test_deleted_role_is_not_made_again_for_jobs_that_run(use: Use, run: Run) -> None:
    use()
    make_bucket()
    submit(run, records())
    iam = boto3.client("iam")
    for name in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]:
        iam.delete_role_policy(RoleName=ROLE, PolicyName=name)
    run("jobs", "submit", "night.jsonl", "--bucket", BUCKET)
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == []
