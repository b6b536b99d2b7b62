"""Jobs that no manifest here knows: by ARN or name, and those of an input submitted before."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.bedrock import job_copy, jobs
from bedrock_claude_cli.bedrock.job_manifest import LOST, Manifest, Part
from bedrock_claude_cli.errors import RejectedError, UsageError

KNOWN_DAYS = 30  # how long another name hides no input that was submitted before
PAGE = 100
_JOB = re.compile(r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]+):\d*:model-invocation-job/\w+")


def region_of(arn: str) -> str | None:
    """The region of a job's ARN; None for what is no such ARN."""
    match = _JOB.fullmatch(arn)
    return match["region"] if match else None


def of_arn(bedrock: Any, arn: str, region: str) -> Manifest:
    """A job by its ARN, as a manifest of one part that has no file."""
    told = jobs.get(bedrock, arn)
    return _manifest(told["jobName"], region, [_part(told)])


def of_name(bedrock: Any, s3: Any, name: str, region: str) -> Manifest:
    """The one submit of a name, with the parts that were not started where S3 tells of them.

    Its jobs are called NAME, or NAME-1 and so on; CliError without any, or with another submit's.
    """
    parts = sorted(named(bedrock, name), key=lambda part: (len(part.name), part.name))
    if not parts:
        raise RejectedError(
            f"there is no job called {name} in {region}, and no {name}.job.json here",
            hint="`bedrock-claude jobs list`",
        )
    folders = {part.input_uri.rpartition("/")[0] for part in parts}
    if len(folders) > 1 or len({part.name for part in parts}) < len(parts):
        arns = ", ".join(str(part.arn) for part in parts)
        raise UsageError(
            f"{region} has more than one job called {name}: {arns}",
            hint="name it by its ARN; `bedrock-claude jobs list` shows them all",
        )
    return whole(job_copy.read(s3, parts[0]), parts, name) or _manifest(name, region, parts)


def whole(copy: Manifest | None, parts: list[Part], name: str) -> Manifest | None:
    """A submit as S3 keeps it, with the jobs that AWS lists; None where they are not all of it."""
    if copy is None or copy.name != name:
        return None
    there = {part.token: part for part in parts}
    if not there.keys() <= {part.token for part in copy.parts}:
        return None
    for part in copy.parts:
        if part.token in there:
            part.join(there[part.token])
    return copy


def named(bedrock: Any, name: str) -> Iterator[Part]:
    """The jobs of a name: called so, or with a number behind as parts of the submit called so."""
    for part in _like(bedrock, name):
        numbered = re.fullmatch(re.escape(name) + r"-\d+", part.name)
        if part.name == name or (numbered and part.submit == name):
            yield part


def names(bedrock: Any, name: str) -> set[str]:
    """The names with this one in them that jobs, and the submits of jobs, have."""
    return {each for part in _like(bedrock, name) for each in (part.name, part.submit)}


def _like(bedrock: Any, name: str) -> Iterator[Part]:
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(nameContains=name)
    for page in pages:
        yield from map(_part, page.get("invocationJobSummaries", ()))


def strangers(bedrock: Any, manifest: Manifest) -> Iterator[tuple[Part, bool]]:
    """Jobs that a manifest does not know, and whether each is of the same input.

    They are those of its name, and those of the same input of the last `KNOWN_DAYS`, whatever
    their name; those that came to nothing are left out.
    """
    known = {part.token for part in manifest.parts}
    mark, seen = manifest.parts[0].mark, set()
    for part in named(bedrock, manifest.name):
        seen.add(part.arn)
        if part.token not in known and part.status not in LOST:
            yield part, part.mark == mark
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=KNOWN_DAYS)
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(
        submitTimeAfter=since, sortBy="CreationTime", sortOrder="Descending", maxResults=PAGE
    )
    for page in pages:
        for part in map(_part, page.get("invocationJobSummaries", ())):
            same = part.mark == mark and part.arn not in seen
            if same and part.token not in known and part.status not in LOST:
                yield part, True


def _manifest(name: str, region: str, parts: list[Part]) -> Manifest:
    account = (parts[0].arn or "").split(":")[4]
    return Manifest(name, region, account, "", "", 0, parts=parts)


def _part(told: dict[str, Any]) -> Part:
    part = Part(
        name=told["jobName"],
        model=told["modelId"],
        token=told.get("clientRequestToken", ""),
        input_uri=told["inputDataConfig"]["s3InputDataConfig"]["s3Uri"],
        output_uri=told["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"],
        records=0,
        bytes=0,
        uploaded=True,
        arn=told["jobArn"],
    )
    part.told(told)
    return part
