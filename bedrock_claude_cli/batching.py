"""`jobs submit`: an input checked and split, the plan of it, and all that starts its jobs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bedrock_claude_cli.batch_lines import Lines, Spool
from bedrock_claude_cli.bedrock import job_cost, jobs, records
from bedrock_claude_cli.bedrock.job_split import (
    LEAST_RECORDS,
    MAX_BYTES,
    MAX_RECORDS,
    Share,
    Splitter,
)
from bedrock_claude_cli.bedrock.model_id import Target as Model
from bedrock_claude_cli.bedrock.prompt import Options
from bedrock_claude_cli.bedrock.record_parse import Record
from bedrock_claude_cli.compose_record import Composer
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, RejectedError, UnmetError, UsageError

PREFIX = "bedrock-batch/"
LONGEST_NAME = 56  # AWS takes 63 characters, and -NUMBER comes behind
# docs.aws.amazon.com/AmazonS3, "General purpose bucket naming rules"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
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
        """The bucket, and the prefix of everything in it, with its slash.

        UsageError for what S3 would not take as a bucket's name.
        """
        name, _, prefix = self.bucket.removeprefix("s3://").partition("/")
        if not _BUCKET.fullmatch(name):
            raise UsageError(
                f"`{name}` is no name of a bucket", hint="--bucket takes NAME, or NAME/PREFIX"
            )
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
    checked = None

    def judge(record: Record) -> Iterator[str | CliError]:
        nonlocal checked
        try:
            composed = composer.compose(record)
            if composed.request.options is not checked:
                _check_options(composed.request.options)
                checked = composed.request.options
            line = made.of(composed)
            model = line.model
            if model not in found.splitters:
                found.splitters[model] = Splitter(model, wish.max_records, wish.max_bytes)
                found.models[model] = composed.target
            found.splitters[model].add(len(line.sent))
        except CliError as error:
            yield error if isinstance(error, UnmetError) else error.message
            return
        digest.update(line.sent + line.asked)
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


def _check_options(options: Options) -> None:
    if options.via != "invoke":
        raise UsageError("a batch job has bodies of InvokeModel: leave --via out")
    for key in ("guardrail", "meta"):
        if getattr(options, key):
            raise UsageError(f"a batch job has no place for `{key}`: leave it out")


def _check_model(ctx: Context, target: Model) -> None:
    known = target.known
    if known is not None and known.batch is False:
        raise RejectedError(
            f"{jobs.doubt(known, target.model_id)}, so nothing was sent",
            hint=f"it takes {jobs.takers(ctx.region)}; or {jobs.RUN}",
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


LIMITS = (
    f"AWS's defaults for a job are {LEAST_RECORDS} to {MAX_RECORDS:,} records and "
    f"{MAX_BYTES:,} bytes; Service Quotas says whether the account has others, for --max-records "
    "and --max-bytes"
)
