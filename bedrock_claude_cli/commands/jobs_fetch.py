"""`jobs fetch`: what batch jobs answered, as one output in the format of `run`."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from bedrock_claude_cli import batch_submit, complete, forecast
from bedrock_claude_cli.bedrock import catalog, job_cost, job_manifest, job_output, jobs, model_id
from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import CliError, ExitCode, UsageError

Job = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        help="NAME.job.json, a job's ARN, or its name.",
        autocompletion=complete.jobs,
    ),
]
MOST_NAMED = 20


def find(ctx: Context, job: str) -> Manifest:
    """The submit that a manifest, an ARN or a name means; CliError where there is none."""
    for path in (Path(job).expanduser(), Path(f"{job}{job_manifest.SUFFIX}")):
        if path.is_file():
            found = job_manifest.read(path)
            if found.sandbox != ctx.out.sandbox:
                where = "the sandbox" if found.sandbox else "AWS"
                raise UsageError(f"{path} is of jobs in {where}")
            return found
    if region := jobs.region_of(job):
        return jobs.of_arn(ctx.aws.client("bedrock", region=region), job, region)
    if "/" in job or job.endswith(job_manifest.SUFFIX):
        raise UsageError(f"{job} is no file, no ARN of a job and no name of one")
    return jobs.of_name(ctx.bedrock, job, ctx.region)


@as_command
def fetch(
    ctx: Context,
    job: Job,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUTPUT", help="File to write, as `run` does.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT if it is there.")] = False,
) -> int:
    """Write what ended jobs answered: one line a record, missing and failed ones with an error.

    Exit 8 while a job has not ended, 9 where records failed or are missing.
    """
    output = output.expanduser()
    if output.exists() and not force:
        raise UsageError(f"{output} is there, so nothing was fetched", hint="--force replaces it")
    manifest = find(ctx, job)
    batch_submit.refresh(ctx, manifest)
    if not manifest.ended:
        raise batch_submit.pending(manifest)
    found = _Found()
    _write(ctx, manifest, output, found)
    if ctx.out.json:
        ctx.out.data(found.as_json() | {"output": str(output)})
    else:
        answered = found.records - found.failed
        ctx.out.line(f"{output}\t{answered} answered\t{found.failed} failed or missing")
    if not found.failed:
        return ExitCode.OK
    more = f" and {found.failed - len(found.ids):,} more" if found.failed > len(found.ids) else ""
    ctx.out.warn(f"failed or missing: {', '.join(found.ids)}{more}")
    return ExitCode.PARTIAL


@dataclass
class _Found:
    """What came of the records: `ids` are the first of those that failed."""

    records: int = 0
    failed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)

    def add(self, line: job_output.Fetched) -> None:
        """Count one line."""
        self.records += 1
        if line.error is None:
            return
        self.failed += 1
        self.errors[line.error] += 1
        if len(self.ids) < MOST_NAMED:
            self.ids.append(line.id)

    def as_json(self) -> dict[str, Any]:
        """What `--json` shows of it."""
        return {
            "records": self.records,
            "answered": self.records - self.failed,
            "failed": self.failed,
            "errors": dict(self.errors),
            "failed_ids": self.ids,
        }


def _write(ctx: Context, manifest: Manifest, output: Path, found: _Found) -> None:
    """Write a file of mode 0600 beside the output, and put it in its place when it is whole."""
    s3 = ctx.aws.client("s3", region=manifest.region)
    try:
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                for part in manifest.parts:
                    for line in _lines(ctx, s3, manifest, part):
                        found.add(line)
                        file.write(line.line)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.filename is None and error.errno is None:  # a connection's, not the disk's
            raise
        raise CliError(
            f"{output} cannot be written: {error.strerror}",
            hint="nothing is lost: the answers stay in S3",
        ) from None


def _lines(ctx: Context, s3: Any, manifest: Manifest, part: Part) -> Iterator[job_output.Fetched]:
    known, overrides = catalog.load(), ctx.settings.prices
    named = model_id.parse(part.model)
    target = model_id.Target(
        part.model, named.base_id, named.endpoint, known.get(named.base_id or ""),
        manifest.region, named.kind,
    )  # fmt: skip
    blank = Answer(model=part.model, endpoint=target.endpoint, region=manifest.region)

    def price(answer: Answer) -> None:
        if answer.usage is not None:
            answer.cost_usd = job_cost.of(answer.usage, target, overrides)
            answer.prices = forecast.prices(ctx, target) if answer.cost_usd is not None else None

    return job_output.fetch(s3, part, blank, price, sandbox=ctx.out.sandbox)
