"""Batch jobs with raw boto3: made, moved through their states, answered; shapes as botocore has."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.logging_world import ACCOUNT, make_bucket, objects, statement

BUCKET = "jobs"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/batch"
ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/"
BASE = GLOBAL.removeprefix("global.")
MODELS = [
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/{GLOBAL}",
    f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}",
    f"arn:aws:bedrock:::foundation-model/{BASE}",
]
TRUST = statement(
    Principal={"Service": "bedrock.amazonaws.com"},
    Action="sts:AssumeRole",
    Condition={
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": f"{ARN}*"},
    },
)


def s3_policy() -> str:
    return statement(
        Action=["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
        Resource=[f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        Condition={"StringEquals": {"aws:ResourceAccount": [ACCOUNT]}},
    )


def world(count: int = 100, *, trust: str = TRUST, s3: str | None = None, **record: Any) -> None:
    """Bucket, input of `count` records, and a role that may do what a job does."""
    make_bucket(BUCKET, "")
    lines = [
        {"recordId": f"r{n}", "modelInput": json.loads(body(f"question {n}"))} | record
        for n in range(count)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    boto("s3").put_object(Bucket=BUCKET, Key="in/part.jsonl", Body=text.encode())
    iam = boto("iam")
    iam.create_role(RoleName="batch", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="batch", PolicyName="s3", PolicyDocument=s3 or s3_policy())
    models = statement(Action="bedrock:InvokeModel", Resource=MODELS)
    iam.put_role_policy(RoleName="batch", PolicyName="models", PolicyDocument=models)


def asked(**more: Any) -> dict[str, Any]:
    return {
        "jobName": "night",
        "roleArn": ROLE_ARN,
        "modelId": GLOBAL,
        "clientRequestToken": "token-1",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in/part.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
        **more,
    }


def create(**more: Any) -> str:
    return str(boto("bedrock").create_model_invocation_job(**asked(**more))["jobArn"])


def get(arn: str) -> dict[str, Any]:
    found: dict[str, Any] = boto("bedrock").get_model_invocation_job(jobIdentifier=arn)
    return found


def ended(arn: str) -> tuple[dict[str, Any], list[str]]:
    """The job at its end, and the states that it went through."""
    seen: list[str] = []
    for _ in range(20):
        job = get(arn)
        seen.append(job["status"])
        if "endTime" in job:
            return job, seen
    raise AssertionError(seen)


def output(arn: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of the output, and the manifest."""
    folder, s3 = f"out/{arn.rpartition('/')[2]}/", boto("s3")
    read = [
        s3.get_object(Bucket=BUCKET, Key=folder + name)["Body"].read().decode()
        for name in ("part.jsonl.out", "manifest.json.out")
    ]
    return [json.loads(line) for line in read[0].splitlines()], json.loads(read[1])


def refused(**more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        create(**more)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_job_answers_every_record_and_writes_output_and_manifest(start: Start) -> None:
    server = start()
    world()
    arn = create(timeoutDurationInHours=30)
    job, seen = ended(arn)
    assert seen == ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]
    assert job["jobArn"] == arn and arn.startswith(ARN) and len(arn.removeprefix(ARN)) == 12
    counts = {"totalRecordCount": 100, "processedRecordCount": 100, "successRecordCount": 100}
    assert {key: job[key] for key in counts} == counts and job["errorRecordCount"] == 0
    assert job["jobExpirationTime"] - job["submitTime"] == datetime.timedelta(hours=30)
    lines, manifest = output(arn)
    assert {line["recordId"] for line in lines} == {f"r{n}" for n in range(100)}
    by_id = {line["recordId"]: line for line in lines}
    assert by_id["r7"]["modelInput"]["messages"][0]["content"] == "question 7"
    assert by_id["r7"]["modelOutput"]["content"][0]["text"]
    assert by_id["r7"]["modelOutput"]["stop_reason"] == "end_turn"
    assert manifest | counts == manifest
    assert manifest["inputTokenCount"] == sum(
        line["modelOutput"]["usage"]["input_tokens"] for line in lines
    )
    assert not any(each["operation"] == "InvokeModel" for each in server.requests)


def test_records_are_not_in_the_invocation_log(start: Start) -> None:
    start()
    world()
    make_bucket("logs")
    config = {"s3Config": {"bucketName": "logs"}}
    boto("bedrock").put_model_invocation_logging_configuration(loggingConfig=config)
    before = objects("logs")
    ended(create())
    assert objects("logs") == before


def test_same_token_is_the_same_job(start: Start) -> None:
    start()
    world()
    arn = create()
    assert create() == arn
    assert create(clientRequestToken="token-2") != arn
    assert refused(jobName="another")[0] == "ConflictException"


def test_converse_records_are_answered_as_converse(start: Start) -> None:
    start()
    value = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    world(modelInput=value)
    arn = create(modelInvocationType="Converse")
    ended(arn)
    assert output(arn)[0][0]["modelOutput"]["output"]["message"]["content"][0]["text"]


def test_record_that_is_refused_is_an_error_line(start: Start) -> None:
    rule = {"when": {"prompt": "question 3$"}, "error": {"type": "ThrottlingException"}}
    start({**rule, "when": {**rule["when"], "operation": "InvokeModel"}})
    world()
    arn = create()
    job, _ = ended(arn)
    assert job["status"] == "Completed" and job["errorRecordCount"] == 1
    [line] = [line for line in output(arn)[0] if "error" in line]
    assert line["recordId"] == "r3" and "modelOutput" not in line
    assert line["error"]["errorCode"] == 429 and line["error"]["errorMessage"]


def test_record_without_an_id_is_given_one(start: Start) -> None:
    start()
    world(recordId="")
    arn = create()
    ended(arn)
    assert len({line["recordId"] for line in output(arn)[0]}) == 100


@pytest.mark.parametrize(
    "change, words",
    [
        ({"jobName": "-night"}, "jobName"),
        ({"jobName": "n" * 64}, "jobName"),
        ({"timeoutDurationInHours": 169}, "timeoutDurationInHours"),
        ({"modelInvocationType": "Ask"}, "modelInvocationType"),
        ({"modelId": "global.anthropic.claude-opus-5-5"}, "not supported for batch"),
        ({"modelId": "anthropic.claude-none"}, "model identifier is invalid"),
        ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/none"}, "Unable to assume"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://no/a.jsonl"}}}, "not a bucket"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://jobs/a.jsonl"}}}, "No JSONL"),
        ({"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://none/"}}}, "not a bucket"),
    ],
    ids=lambda item: next(iter(item)) if isinstance(item, dict) else item,
)  # fmt: skip
def test_what_cannot_be_is_refused_at_once(start: Start, change: Any, words: str) -> None:
    start()
    world()
    code, message = refused(**change)
    assert code == "ValidationException" and words in message


def test_role_that_does_not_trust_bedrock_is_refused(start: Start) -> None:
    start()
    other = statement(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
    world(trust=other)
    assert "Unable to assume" in refused()[1]


def test_role_without_s3_permission_fails_the_job(start: Start) -> None:
    start()
    world(s3=statement(Action="s3:ListBucket", Resource="*"))
    job, seen = ended(create())
    assert job["status"] == "Failed" and seen[-2] == "Validating"
    assert "s3:GetObject on arn:aws:s3:::jobs/in/part.jsonl" in job["message"]
    assert "s3:PutObject" in job["message"]


def test_too_few_records_fail_the_job(start: Start) -> None:
    start()
    world(99)
    job, _ = ended(create())
    assert job["status"] == "Failed" and "99 records" in job["message"]


def test_line_that_is_no_record_fails_the_job(start: Start) -> None:
    start()
    world(100, modelInput="text")
    job, _ = ended(create())
    assert job["status"] == "Failed" and "Line 1 of s3://jobs/in/part.jsonl" in job["message"]


@pytest.mark.parametrize(
    "status, written", [("PartiallyCompleted", 50), ("Expired", 0), ("Failed", 0)]
)
def test_rule_ends_a_job_otherwise(start: Start, status: str, written: int) -> None:
    start({"job": {"status": status, "message": "so it is"}})
    world()
    arn = create()
    job, _ = ended(arn)
    assert (job["status"], job["message"]) == (status, "so it is")
    assert job["processedRecordCount"] == written
    if written:
        assert len(output(arn)[0]) == written


def test_rule_leaves_answers_out_of_the_output(start: Start) -> None:
    start({"job": {"missing": 3}})
    world()
    arn = create()
    job, _ = ended(arn)
    assert job["processedRecordCount"] == 100 and len(output(arn)[0]) == 97


def test_stopped_job_ends_as_stopped_and_cannot_be_stopped_again(start: Start) -> None:
    start()
    world()
    arn, client = create(), boto("bedrock")
    client.stop_model_invocation_job(jobIdentifier=arn)
    job, seen = ended(arn)
    assert seen == ["Stopping", "Stopped"]
    with pytest.raises(ClientError, match="ConflictException"):
        client.stop_model_invocation_job(jobIdentifier=job["jobArn"])


def test_jobs_are_found_by_id_and_nowhere_else(start: Start) -> None:
    start()
    world()
    identifier = create().rpartition("/")[2]
    assert get(identifier)["jobName"] == "night"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        get("0" * 12)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        boto("bedrock", "eu-west-1").get_model_invocation_job(jobIdentifier=identifier)


def test_jobs_are_listed_in_pages_and_filtered(start: Start) -> None:
    start()
    world()
    arns = [create(clientRequestToken=f"t{n}", jobName=f"night-{n}") for n in range(12)]
    client = boto("bedrock")
    pages = client.get_paginator("list_model_invocation_jobs").paginate(maxResults=5)
    rows = [row for page in pages for row in page["invocationJobSummaries"]]
    assert [row["jobArn"] for row in rows] == arns[::-1]
    ended(arns[0])

    def listed(**filters: Any) -> list[str]:
        found = client.list_model_invocation_jobs(**filters)["invocationJobSummaries"]
        return [row["jobArn"] for row in found]

    assert listed(statusEquals="Completed") == [arns[0]]
    assert listed(nameContains="night-11") == [arns[11]]
    assert listed(sortOrder="Ascending", maxResults=1) == [arns[0]]
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert listed(submitTimeAfter=later) == [] and len(listed(submitTimeBefore=later)) == 10


def test_twenty_jobs_of_a_model_at_once_are_the_most(start: Start) -> None:
    start()
    world()
    arns = [create(clientRequestToken=f"t{n}") for n in range(20)]
    assert refused(clientRequestToken="t20")[0] == "ServiceQuotaExceededException"
    ended(arns[0])
    assert create(clientRequestToken="t20")


def test_rules_about_jobs_are_checked() -> None:
    from bedrock_claude_cli.sandbox import RuleError, Sandbox

    with pytest.raises(RuleError, match=r"rules\[0\].job.status: no state is called 'Ended'"):
        Sandbox(rules=[{"job": {"status": "Ended"}}])
