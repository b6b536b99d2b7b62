"""`jobs submit`: an input checked and split, the plan of it, and all that starts its jobs."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bedrock_claude_cli.batch_lines import Lines, Spool
from bedrock_claude_cli.bedrock import (
    catalog,
    identity,
    job_cost,
    job_manifest,
    job_role,
    logging_run,
    records,
)
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.bedrock.job_split import (
    LEAST_RECORDS,
    MAX_BYTES,
    MAX_RECORDS,
    Share,
    Splitter,
)
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logging_state import Denied, Target, look
from bedrock_claude_cli.bedrock.logging_step import Step
from bedrock_claude_cli.bedrock.model_id import Target as Model
from bedrock_claude_cli.bedrock.record_parse import Record
from bedrock_claude_cli.compose_record import Composed, Composer
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, RejectedError, UnmetError, UsageError

PREFIX = "bedrock-batch/"
LONGEST_NAME = 56  # AWS takes 63 characters, and -NUMBER comes behind
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9+.-]{{0,{LONGEST_NAME - 1}}}")


class Wish(NamedTuple):
    """What was asked for beside the options of the requests."""

    input: str
    bucket: str
    role: str | None
    name: str | None
    max_records: int
    max_bytes: int
    hours: int
    max_cost: float | None

    @property
    def where(self) -> tuple[str, str]:
        """The bucket, and the prefix of everything in it, with its slash."""
        name, _, prefix = self.bucket.removeprefix("s3://").partition("/")
        return name, f"{prefix.strip('/')}/" if prefix.strip("/") else PREFIX

    @property
    def job_name(self) -> str:
        """The name of it all; UsageError where AWS would not take it."""
        name = self.name
        if name is None:
            stem = Path(self.input).name.split(".")[0] if self.input != "-" else "stdin"
            name = re.sub(r"[^A-Za-z0-9+.-]+", "-", stem).strip("-")[:LONGEST_NAME]
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"`{name}` is no name for a job: it takes letters, figures and `-`, `+`, `.`, at "
                f"most {LONGEST_NAME}",
                hint="give one with --name",
            )
        return name


@dataclass
class Survey:
    """What an input comes to: by model its share of jobs, and the most that all can cost in USD."""

    splitters: dict[str, Splitter] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0
    cost: float | None = 0.0
    fingerprint: str = ""
    spools: dict[str, Spool] = field(default_factory=dict)

    def close(self) -> None:
        """Let go of the lines on disk."""
        for each in self.spools.values():
            each.close()

    @property
    def shares(self) -> list[Share]:
        """The jobs; UsageError where a model has too few records."""
        return [share for each in self.splitters.values() for share in each.shares()]


def survey(
    ctx: Context, source: records.Source, composer: Composer, wish: Wish, *, keep: bool
) -> Survey:
    """Check the whole input; UsageError names every fault, RejectedError a model without batch.

    With `keep` the lines stay on disk until `Survey.close`.
    """
    found, digest = Survey(), hashlib.sha256()
    made = Lines(ctx.settings.prices)

    def judge(record: Record) -> Iterator[str]:
        try:
            composed = composer.compose(record)
            _check_options(composed)
            line = made.of(composed)
            model = line.model
            if model not in found.splitters:
                found.splitters[model] = Splitter(model, wish.max_records, wish.max_bytes)
                found.models[model] = composed.target
            found.splitters[model].add(len(line.sent))
        except CliError as error:
            yield records.fault_of(error)
            return
        digest.update(line.sent)
        digest.update(line.beside)
        found.bytes += len(line.sent)
        if line.cost is None or found.cost is None:
            found.cost = None
        else:
            found.cost += line.cost
        if keep:
            if model not in found.spools:
                found.spools[model] = Spool(Path())
            found.spools[model].add(line)

    try:
        found.records = records.check(source, judge)
    except BaseException:
        found.close()
        raise
    found.fingerprint = digest.hexdigest()
    for target in found.models.values():
        _check_model(ctx, target)
    _check_cost(found, wish.max_cost)
    return found


def _check_options(composed: Composed) -> None:
    options = composed.request.options
    if options.via != "invoke":
        raise UsageError("a batch job has bodies of InvokeModel: leave --via out")
    for key in ("guardrail", "meta"):
        if getattr(options, key):
            raise UsageError(f"a batch job has no place for `{key}`: leave it out")


def _check_model(ctx: Context, target: Model) -> None:
    known = target.known
    if known is None or known.batch:
        return
    listed = catalog.load()
    others = [
        each.alias
        for each in listed.models
        if each.batch and each.lifecycle.status == "ACTIVE" and listed.offered(each, ctx.region)
    ]
    if known.batch is None:
        ctx.out.warn(f"AWS does not list {known.name} for batch inference, and may refuse it")
        return
    raise RejectedError(
        f"{known.name} cannot be used in batch jobs, so nothing was sent",
        hint=f"these can: {', '.join(others)}; or use `bedrock-claude run`",
    )


def _check_cost(found: Survey, limit: float | None) -> None:
    if limit is None:
        return
    if not limit >= 0:
        raise UsageError(f"--max-cost takes USD from 0, not {limit:g}")
    if found.cost is None:
        raise UnmetError(
            "the batch price, or how long the input can be, is unknown, so --max-cost cannot hold",
            hint=f"known are the batch prices of {', '.join(job_cost.HALF_PRICED)}",
        )
    if found.cost > limit:
        raise UnmetError(
            f"this could cost ${found.cost:.6f}, more than --max-cost {limit:g}, so nothing was "
            "sent",
            hint="lower --max-tokens, or raise --max-cost",
        )


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


def plan(ctx: Context, found: Survey, wish: Wish) -> Plan:
    """What has to be made; an earlier submit of the same input is continued."""
    region = ctx.regions(None, changing=True)[0]
    [place] = logging_run.places(identity.get_caller(ctx.sts), [region])
    target = Target(place, lambda service: ctx.aws.client(service, region=region))
    bucket, prefix = wish.where
    own = job_role.name_for(bucket)
    role = wish.role or own
    arn = role if role.startswith("arn:") else place.role_arn(role)
    path = Path(f"{wish.job_name}{job_manifest.SUFFIX}")
    fresh = _split(found, wish, place, arn, path, sandbox=ctx.out.sandbox)
    manifest = job_manifest.read(path) if path.exists() else fresh
    if manifest is not fresh:
        _check_same(manifest, fresh)
    steps = [_bucket_step(target, bucket)]
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
    alike = [
        (each.region, each.account, each.fingerprint, each.sandbox,
         [(part.input_uri, part.records) for part in each.parts])
        for each in (there, wanted)
    ]  # fmt: skip
    if alike[0] != alike[1]:
        raise UsageError(
            f"{there.path} is there, of another input or other options, region or bucket",
            hint="give this one another --name",
        )


def _bucket_step(target: Target, bucket: str) -> Step:
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
        return Step("impossible", f"there is no bucket {bucket}", hint=hint)
    region = told.get("LocationConstraint") or "us-east-1"
    if region != place.region:
        hint = f"give a bucket in {place.region}, or `--region {region}`"
        return Step("impossible", f"bucket {bucket} lies in {region}", hint=hint)
    return Step("in-place", f"bucket {bucket}")


LIMITS = (
    f"AWS's defaults for a job are {LEAST_RECORDS} to {MAX_RECORDS:,} records and "
    f"{MAX_BYTES:,} bytes; Service Quotas says whether the account has others, for --max-records "
    "and --max-bytes"
)
