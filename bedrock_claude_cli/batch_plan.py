"""The plan of `jobs submit`: the jobs, and what has to be made or mended before they can run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bedrock_claude_cli.batching import LONGEST_NAME, Survey, Wish
from bedrock_claude_cli.bedrock import (
    identity,
    job_copy,
    job_find,
    job_manifest,
    job_role,
    jobs,
    logging_run,
)
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logging_state import Denied, Target, look
from bedrock_claude_cli.bedrock.logging_step import Step
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, UsageError


@dataclass
class Plan:
    """All that a submit does: `steps` in IAM and S3, then the jobs of the manifest."""

    target: Target
    survey: Survey
    manifest: Manifest
    steps: list[Step]
    continued: bool

    @property
    def changes(self) -> list[Step]:
        """The steps that change the account."""
        return [step for step in self.steps if step.is_change]


def plan(ctx: Context, found: Survey, wish: Wish, command: str) -> Plan:
    """What has to be made; an earlier submit of the same input is continued.

    `command` is the command line of this one.
    """
    region = ctx.regions(None, changing=True)[0]
    [place] = logging_run.places(identity.get_caller(ctx.sts), [region])
    target = Target(place, lambda service: ctx.aws.client(service, region=region))
    bucket, prefix = wish.where
    own = job_role.name_for(bucket)
    role = wish.role or own
    arn = role if role.startswith("arn:") else place.role_arn(role)
    path = Path(f"{wish.job_name}{job_manifest.SUFFIX}")
    fresh = _split(found, wish, place, arn, path, sandbox=ctx.out.sandbox)
    if path.exists():
        manifest = job_manifest.read(path)
        _check_same(manifest, fresh)
    else:
        manifest = _begun_elsewhere(ctx, target, fresh) or fresh
    if manifest is not fresh:
        # What has no job yet may get one by another role than the one that was refused.
        manifest.role, manifest.hours = fresh.role, fresh.hours
    manifest.command, manifest.revised = command, True
    steps = [_bucket_step(ctx, target, bucket), *_strangers(ctx, target, manifest, wish)]
    steps += _doubts(found, region)
    if wish.role is None:
        bedrock = target.client("bedrock")
        models = {each: job_role.model_arns(bedrock, place, each) for each in found.models}
        steps += job_role.plan(target, job_role.Wanted(own, bucket, prefix, models))
    else:
        steps.append(Step("in-place", f"role {arn}, as given"))
    return Plan(target, found, manifest, steps, manifest is not fresh)


def _split(
    found: Survey, wish: Wish, place: Place, role: str, path: Path, *, sandbox: bool
) -> Manifest:
    bucket, prefix = wish.where
    shares, name = found.shares, wish.job_name
    folder = f"s3://{bucket}/{prefix}{name}-{found.fingerprint[:12]}"
    manifest = Manifest(
        name, place.region, place.account, role, found.fingerprint, wish.hours, sandbox, path=path
    )
    for number, share in enumerate(shares, 1):
        own = name if len(shares) == 1 else f"{name}-{number}"
        part = Part(
            own, share.model, uuid.uuid4().hex, f"{folder}/{own}.jsonl", f"{folder}/output/",
            share.records, share.bytes,
        )  # fmt: skip
        manifest.parts.append(part)
    return manifest


def _check_same(there: Manifest, wanted: Manifest) -> None:
    """UsageError unless the manifest that is there is of this very submit."""
    if not _alike(there, wanted):
        raise UsageError(
            f"{there.path} is there, of another input or other options, region or bucket",
            hint="give this one another --name",
        )


def _alike(there: Manifest, wanted: Manifest) -> bool:
    alike = [
        (each.region, each.account, each.fingerprint, each.sandbox,
         [(part.input_uri, part.records) for part in each.parts])
        for each in (there, wanted)
    ]  # fmt: skip
    return alike[0] == alike[1]


def _begun_elsewhere(ctx: Context, target: Target, fresh: Manifest) -> Manifest | None:
    """This very submit, begun where its manifest is, as far as S3 and AWS's list tell of it.

    None where there is none such, or none of its parts is left to be started.
    """
    denied = Denied("bedrock:ListModelInvocationJobs", "*")
    bedrock = target.client("bedrock")
    found = look(denied, lambda: list(job_find.named(bedrock, fresh.name)))
    copy = job_copy.read(target.client("s3"), fresh.parts[0])
    if copy is None or isinstance(found, Denied) or not _alike(copy, fresh):
        return None
    jobs_of_it = [part for part in found or () if part.token in copy.tokens]
    there = job_find.whole(copy, jobs_of_it, fresh.name)
    if there is None or not there.unstarted:
        return None
    there.path = fresh.path
    ctx.out.note(
        f"{there.name} was submitted from elsewhere, and {len(jobs_of_it)} of its "
        f"{len(there.parts)} jobs were started: this continues it"
    )
    return there


def _strangers(ctx: Context, target: Target, manifest: Manifest, wish: Wish) -> Iterator[Step]:
    """Refuse what is paid for already, be it from another folder, machine or file.

    A `--name` of its own says that it is to be paid for once more.
    """
    if all(part.arn or part.ended for part in manifest.parts):
        return
    denied = Denied("bedrock:ListModelInvocationJobs", "*")
    bedrock = target.client("bedrock")
    told = look(denied, lambda: list(job_find.strangers(bedrock, manifest)))
    if isinstance(told, Denied):
        what = f"whether this input was submitted before is not shown ({denied.action})"
        yield Step("unseen", what)
        return
    same = [part for part, is_same in told or () if is_same]
    named = [part for part in same if part.submit == manifest.name]
    if named or (same and wish.name is None):
        raise _submitted(target, manifest, named or same)
    if same:
        ctx.out.warn(
            f"this very input was submitted before as {same[0].submit} ({same[0].arn}), and is "
            f"paid for once more as {manifest.name}"
        )
    others = [part for part, is_same in told or () if not is_same]
    if others:
        ctx.out.note(
            f"there is another job called {others[0].name}, of other records: "
            f"{manifest.path} and ARNs tell the two apart, the name does not"
        )


def _submitted(target: Target, manifest: Manifest, same: list[Part]) -> UsageError:
    name = same[0].submit
    same = [part for part in same if part.submit == name]
    listed = ", ".join(f"{part.arn} ({part.status})" for part in same)
    left = _unstarted(target, name)
    job = same[0].arn if len(same) == 1 and not left else name
    wait = f"`bedrock-claude jobs wait {job}`"
    begins = "" if all(part.ended for part in same) else f"{wait}, then "
    if left:
        begins = f"{wait} starts {left} more that it has, then "
    free = free_name(target.client("bedrock"), manifest.name)
    return UsageError(
        f"this very input was submitted before as {name}, so nothing was sent: {listed}",
        hint=f"{begins}`bedrock-claude jobs fetch {job} -o OUTPUT` has its answers; to pay for it "
        f"once more, `--name {free}`",
        code="AlreadySubmitted",
    )


def _unstarted(target: Target, name: str) -> int:
    """How many parts a submit has that are not started; 0 where nothing tells of them."""
    try:
        there = job_find.of_name(
            target.client("bedrock"), target.client("s3"), name, target.place.region
        )
    except CliError:  # there are two of the name
        return 0
    return len(there.unstarted)


def free_name(bedrock: Any, name: str) -> str:
    """A name like this one that neither a manifest here has nor, as far as it tells, AWS.

    A hyphen would look like a part's.
    """
    begun, number = name[: LONGEST_NAME - 3], 2
    denied = Denied("bedrock:ListModelInvocationJobs", "*")
    told = look(denied, lambda: job_find.names(bedrock, begun))
    taken = told if isinstance(told, set) else set()
    while f"{begun}.{number}" in taken or Path(f"{begun}.{number}{job_manifest.SUFFIX}").exists():
        number += 1
    return f"{begun}.{number}"


def _doubts(found: Survey, region: str) -> Iterator[Step]:
    """The models that AWS may refuse, which is told before anything is made for them."""
    for target in found.models.values():
        if why := jobs.doubt(target.known, target.model_id):
            yield Step("unseen", f"{why}; it names {jobs.takers(region)}")


def _bucket_step(ctx: Context, target: Target, bucket: str) -> Step:
    place = target.place
    denied = Denied("s3:GetBucketLocation", f"arn:{place.partition}:s3:::{bucket}")
    ours = {"Bucket": bucket, "ExpectedBucketOwner": place.account}
    told = look(
        denied,
        lambda: target.client("s3").get_bucket_location(**ours),
        ("NoSuchBucket", "404"),
    )
    if isinstance(told, Denied):
        return Step("unseen", f"bucket {bucket}: its region is not shown ({denied.action})")
    if told is None:
        hint = f"`aws s3 mb s3://{bucket} --region {place.region}` makes it"
        if ctx.in_sandbox:
            hint = (
                "a sandbox of one command begins empty and ends with it: in `bedrock-claude "
                f"sandbox run -- bash` buckets and jobs stay, and {hint}"
            )
        return Step("impossible", f"there is no bucket {bucket}", hint=hint)
    named = told.get("LocationConstraint") or "us-east-1"
    region = "eu-west-1" if named == "EU" else named  # S3's own name for its oldest region there
    if region != place.region:
        hint = f"give a bucket in {place.region}, or `--region {region}`"
        return Step("impossible", f"bucket {bucket} lies in {region}", hint=hint)
    return Step("in-place", f"bucket {bucket}")
