"""A batch job on its way: what Bedrock checks of it, and its records answered one by one."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bedrock_claude_cli.sandbox.inside import Inside
from bedrock_claude_cli.sandbox.models import ACCOUNT, partition, resource_arn, split
from bedrock_claude_cli.sandbox.policies import allowed, parse
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply

ENDED = ("Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired")
LEAST_RECORDS = 100
_NEXT = {"Submitted": "Validating", "Validating": "Scheduled", "Scheduled": "InProgress"}
Ask = Callable[[Request], Reply]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclass
class Job:
    """One job: what it was asked with, and how far it is; `script` is the `job` of a rule."""

    id: str
    arn: str
    region: str
    asked: dict[str, Any]
    script: dict[str, Any]
    submitted: datetime.datetime = field(default_factory=_now)
    modified: datetime.datetime = field(default_factory=_now)
    status: str = "Submitted"
    message: str = ""
    looks: int = 0
    half: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def become(self, status: str, message: str = "") -> None:
        """Go over to a state."""
        self.status, self.message, self.modified, self.looks = status, message, _now(), 0

    def begin_stop(self) -> None:
        """Stop: what is answered by then is written, half of the records if it has begun."""
        self.half = self.status == "InProgress"
        self.become("Stopping")

    def as_json(self) -> dict[str, Any]:
        """What Get and List show beside what it was asked with."""
        hours = self.asked.get("timeoutDurationInHours", 24)
        shown: dict[str, Any] = {
            "jobArn": self.arn,
            "status": self.status,
            "message": self.message,
            "submitTime": _iso(self.submitted),
            "lastModifiedTime": _iso(self.modified),
            "timeoutDurationInHours": hours,
            "jobExpirationTime": _iso(self.submitted + datetime.timedelta(hours=hours)),
            **self.counts,
        }
        return shown | ({"endTime": _iso(self.modified)} if self.status in ENDED else {})


def _iso(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def advance(job: Job, inside: Inside, ask: Ask) -> None:
    """Let the job come to its next state; one that has ended stays as it is."""
    job.looks += 1
    if job.status in ENDED or job.looks < job.script.get("looks", 1):
        return
    if job.status == "Stopping":
        _run(job, inside, ask, "Stopped")
    elif job.status == "InProgress":
        _run(job, inside, ask, job.script.get("status", "Completed"))
    elif job.status == "Validating" and (fault := _fault(job, inside)):
        job.become("Failed", fault)
    else:
        job.become(_NEXT[job.status])


def _fault(job: Job, inside: Inside) -> str:
    """What Bedrock finds wrong while it validates, which is not what the records ask."""
    if lacking := _lacking(job, inside):
        return f"The role lacks permissions: {', '.join(lacking)}."
    count = 0
    for uri, text in _inputs(job, inside):
        for number, line in enumerate(text.splitlines(), 1):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict) or not isinstance(record.get("modelInput"), dict):
                return f"Line {number} of {uri} is no JSON object with a modelInput."
            count += 1
    job.counts = dict.fromkeys(
        ("processedRecordCount", "successRecordCount", "errorRecordCount"), 0
    ) | {"totalRecordCount": count}
    if count < LEAST_RECORDS:
        return f"The job has {count} records, and the least is {LEAST_RECORDS}."
    return ""


def _lacking(job: Job, inside: Inside) -> list[str]:
    """The actions that the role's policies do not allow where the job needs them."""
    role = str(job.asked["roleArn"])
    texts = inside.role_policies(role.rpartition("/")[2])
    statements = [row for text in texts for row in parse(text)]
    s3 = f"arn:{partition(job.region)}:s3:::"
    source, target = _source(job).removeprefix("s3://"), _target(job).removeprefix("s3://")
    model = str(job.asked["modelId"])
    needed = [
        ("s3:ListBucket", s3 + source.partition("/")[0]),
        ("s3:GetObject", s3 + source),
        ("s3:ListBucket", s3 + target.partition("/")[0]),
        ("s3:PutObject", f"{s3}{target}{job.id}/manifest.json.out"),
    ]
    prefix, known = split(model, job.region)
    if prefix:
        where = [resource_arn(model, job.region), *known.destinations(prefix, job.region)]
        needed += [("bedrock:InvokeModel", arn) for arn in where]
    context = {"aws:ResourceAccount": ACCOUNT, "aws:PrincipalAccount": ACCOUNT}
    return [
        f"{action} on {resource}"
        for action, resource in needed
        if not allowed(statements, action, resource, context)
    ]


def _source(job: Job) -> str:
    return str(job.asked["inputDataConfig"]["s3InputDataConfig"]["s3Uri"])


def _target(job: Job) -> str:
    return str(job.asked["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]).rstrip("/") + "/"


def _inputs(job: Job, inside: Inside) -> Iterator[tuple[str, str]]:
    for bucket, key in inside.inputs(_source(job)):
        yield f"s3://{bucket}/{key}", inside.get_object(bucket, key).decode()


def _run(job: Job, inside: Inside, ask: Ask, status: str) -> None:
    """Answer the records, write what came of them, and end."""
    job.become(status, job.script.get("message", ""))
    total = job.counts.get("totalRecordCount", 0)
    usual = {"Completed": total, "PartiallyCompleted": total // 2, "Stopped": total // 2 * job.half}
    left = job.script.get("processed", usual.get(status, 0))
    if status == "Failed" or not left:
        return
    bucket, _, folder = _target(job).removeprefix("s3://").partition("/")
    tokens = {"inputTokenCount": 0, "outputTokenCount": 0}
    missing = job.script.get("missing", 0)
    for uri, text in _inputs(job, inside):
        lines = []
        for line in text.splitlines()[:left]:
            answered = _answered(job, json.loads(line), ask, tokens)
            failed = "error" in answered
            job.counts["processedRecordCount"] += 1
            job.counts["errorRecordCount" if failed else "successRecordCount"] += 1
            lines.append(json.dumps(answered, ensure_ascii=False))
        left -= len(lines)
        kept = lines[: len(lines) - missing]
        kept.reverse()  # as AWS promises no order
        name = uri.rpartition("/")[2]
        body = "".join(f"{each}\n" for each in kept).encode()
        inside.put_object(bucket, f"{folder}{job.id}/{name}.out", body)
    manifest = json.dumps({**job.counts, **tokens}).encode()
    inside.put_object(bucket, f"{folder}{job.id}/manifest.json.out", manifest)


def _answered(
    job: Job, record: Mapping[str, Any], ask: Ask, tokens: dict[str, int]
) -> dict[str, Any]:
    """One line of the output; Bedrock gives a record without an id one of its own."""
    line: dict[str, Any] = {
        "recordId": record.get("recordId") or uuid.uuid4().hex[:11].upper(),
        "modelInput": record["modelInput"],
    }
    converse = job.asked.get("modelInvocationType") == "Converse"
    path = f"/model/{quote(job.asked['modelId'], safe='')}/{'converse' if converse else 'invoke'}"
    scope = f"SANDBOX/20260101/{job.region}/bedrock/aws4_request"
    headers = {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
    body = json.dumps(record["modelInput"]).encode()
    request = Request("POST", path, "", headers, body, str(uuid.uuid4()), _iso(_now()))
    try:
        reply = ask(request)
    except AwsError as error:
        return line | {"error": {"errorCode": error.status, "errorMessage": error.message}}
    if reply.logged:
        usage = reply.logged.usage
        tokens["inputTokenCount"] += usage["input_tokens"]
        tokens["outputTokenCount"] += usage["output_tokens"]
    return line | {"modelOutput": json.loads(reply.body)}
