"""Batch inference: jobs that are made, looked at, listed and stopped; each Get moves one on."""

from __future__ import annotations

import datetime
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from bedrock_claude_cli.sandbox.access import Access
from bedrock_claude_cli.sandbox.backend import Backend
from bedrock_claude_cli.sandbox.control import page
from bedrock_claude_cli.sandbox.inside import Inside
from bedrock_claude_cli.sandbox.jobs_execution import ENDED, Job, advance
from bedrock_claude_cli.sandbox.models import ACCOUNT, partition, resolve
from bedrock_claude_cli.sandbox.policies import BEDROCK, allowed, parse
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply, invalid, json_reply

NAME = r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}"  # botocore's ModelInvocationJobName
MOST_AT_ONCE = 20  # jobs of one model that have not ended
_SUMMARY = (
    *("jobArn", "jobName", "modelId", "clientRequestToken", "roleArn", "status", "message"),
    *("submitTime", "lastModifiedTime", "endTime", "inputDataConfig", "outputDataConfig"),
    *("timeoutDurationInHours", "jobExpirationTime", "modelInvocationType", "totalRecordCount"),
    *("processedRecordCount", "successRecordCount", "errorRecordCount"),
)


class Jobs:
    """The jobs of one sandbox; `ask` answers one record as the runtime would."""

    def __init__(self, backend: Backend, access: Access, ask: Callable[[Request], Reply]) -> None:
        self._backend = backend
        self._access = access
        self._ask = ask
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request, rule: Mapping[str, Any]) -> Reply:
        """One operation on jobs in the request's region; `rule` may script a job that is made."""
        with self._lock:
            if request.operation == "CreateModelInvocationJob":
                return self._create(request, rule.get("job", {}))
            if request.operation == "ListModelInvocationJobs":
                return self._list(request)
            job = self._find(request)
            if request.operation == "StopModelInvocationJob":
                if job.status in ENDED or job.status == "Stopping":
                    words = f"The job cannot be stopped as its status is {job.status}."
                    raise AwsError("ConflictException", words)
                job.begin_stop()
                return json_reply({})
            shown = _shown(job)
            advance(job, Inside(self._backend, job.region), self._ask)
            return json_reply(shown)

    def _find(self, request: Request) -> Job:
        wanted = unquote(request.path.split("/")[2])
        job = self._jobs.get(wanted.rpartition("/")[2])
        if job is None or job.region != request.region or wanted not in (job.id, job.arn):
            raise AwsError("ResourceNotFoundException", "The specified job was not found.")
        return job

    def _create(self, request: Request, script: Mapping[str, Any]) -> Reply:
        asked = request.json()
        token = asked.get("clientRequestToken")
        for job in self._jobs.values():
            if token and job.region == request.region and job.asked["clientRequestToken"] == token:
                if job.asked != asked:
                    words = "The client request token was used for another job."
                    raise AwsError("ConflictException", words)
                return json_reply({"jobArn": job.arn})
        check(asked, Inside(self._backend, request.region), self._access)
        at_once = [
            job
            for job in self._jobs.values()
            if job.region == request.region
            and job.status not in ENDED
            and job.asked["modelId"] == asked["modelId"]
        ]
        if len(at_once) >= MOST_AT_ONCE:
            words = "You have reached the limit of concurrent batch inference jobs for this model."
            raise AwsError("ServiceQuotaExceededException", words)
        identifier = secrets.token_hex(6)
        arn = _arn(request.region, identifier)
        asked.setdefault("clientRequestToken", "")
        self._jobs[identifier] = Job(identifier, arn, request.region, asked, dict(script))
        return json_reply({"jobArn": arn})

    def _list(self, request: Request) -> Reply:
        wanted = request.params
        rows = [job for job in self._jobs.values() if job.region == request.region]
        if status := wanted.get("statusEquals"):
            rows = [job for job in rows if job.status == status]
        if part := wanted.get("nameContains"):
            rows = [job for job in rows if part in job.asked["jobName"]]
        if after := wanted.get("submitTimeAfter"):
            rows = [job for job in rows if job.submitted > _time(after)]
        if before := wanted.get("submitTimeBefore"):
            rows = [job for job in rows if job.submitted < _time(before)]
        if wanted.get("sortOrder", "Descending") == "Descending":
            rows.reverse()
        start, size = page(request)
        value: dict[str, Any] = {
            "invocationJobSummaries": [_shown(job) for job in rows[start : start + size]]
        }
        if start + size < len(rows):
            value["nextToken"] = f"sandbox-{start + size}"
        return json_reply(value)


def _arn(region: str, identifier: str) -> str:
    return f"arn:{partition(region)}:bedrock:{region}:{ACCOUNT}:model-invocation-job/{identifier}"


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _shown(job: Job) -> dict[str, Any]:
    shown = {**job.asked, **job.as_json()}
    return {key: shown[key] for key in _SUMMARY if shown.get(key) not in (None, "")}


def check(asked: Mapping[str, Any], inside: Inside, access: Access) -> None:
    """Refuse what AWS refuses at once: names, numbers, the model, the role's trust, the buckets."""
    if not re.fullmatch(NAME, str(asked.get("jobName"))) or len(asked["jobName"]) > 63:
        raise _unfit("jobName", asked.get("jobName"), f"satisfy regular expression pattern: {NAME}")
    hours = asked.get("timeoutDurationInHours", 24)
    if not 24 <= hours <= 168:
        raise _unfit("timeoutDurationInHours", hours, "have value between 24 and 168")
    kind = asked.get("modelInvocationType", "InvokeModel")
    if kind not in ("InvokeModel", "Converse"):
        raise _unfit("modelInvocationType", kind, "satisfy enum value set: [InvokeModel, Converse]")
    model = resolve(str(asked["modelId"]), inside.region)
    access.check(model, inside.region)
    if not model.batch:
        raise invalid("The requested model is not supported for batch inference.")
    if not _may_assume(inside, str(asked["roleArn"])):
        raise invalid(f"Unable to assume the role {asked['roleArn']}. Verify its trust policy.")
    for side, key in (("inputDataConfig", "s3InputDataConfig"),
                      ("outputDataConfig", "s3OutputDataConfig")):  # fmt: skip
        uri = str(asked[side][key]["s3Uri"])
        bucket = uri.removeprefix("s3://").partition("/")[0]
        if not uri.startswith("s3://") or inside.bucket_region(bucket) != inside.region:
            raise invalid(f"The S3 location {uri} is not a bucket of {inside.region}.")
    uri = asked["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
    if not inside.inputs(uri):
        raise invalid(f"No JSONL file was found at {uri}.")


def _unfit(name: str, value: object, what: str) -> AwsError:
    return invalid(
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
        f"Member must {what}"
    )


def _may_assume(inside: Inside, role: str) -> bool:
    here = f"arn:{partition(inside.region)}:iam::{ACCOUNT}:role/"
    trust = inside.trust_policy(role.rpartition("/")[2]) if role.startswith(here) else None
    context = {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": _arn(inside.region, "0" * 12),
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": BEDROCK,
    }
    return allowed(parse(trust or ""), "sts:AssumeRole", None, context, service=BEDROCK)
