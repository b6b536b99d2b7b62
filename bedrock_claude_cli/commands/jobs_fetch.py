"""`jobs fetch`: what batch jobs answered, as one output in the format of `run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from bedrock_claude_cli import batch_submit, complete, forecast
from bedrock_claude_cli.bedrock import (
    catalog,
    job_file,
    job_find,
    job_manifest,
    job_output,
    model_id,
)
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.bedrock.job_output import Named, Odd
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import CliError, ExitCode, RejectedError, UsageError

Job = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        help="NAME.job.json, a job's ARN, or its name.",
        autocompletion=complete.jobs,
    ),
]


def find(ctx: Context, job: str) -> Manifest:
    """The submit that a manifest, an ARN or a name means; CliError where there is none."""
    if not job.strip():
        raise UsageError("no job is named", hint="`bedrock-claude jobs list` shows them")
    own, given = Path(f"{job}{job_manifest.SUFFIX}"), Path(job).expanduser()
    # A plain word is a name, also where an input is called like it.
    for path in (own, given) if "/" in job or job.endswith(job_manifest.SUFFIX) else (own,):
        if path.is_file():
            return _of_here(ctx, job_manifest.read(path))
    if region := job_find.region_of(job):
        return job_find.of_arn(ctx.aws.client("bedrock", region=region), job, region)
    if "/" in job or job.endswith(job_manifest.SUFFIX):
        raise UsageError(f"{job} is no file, no ARN of a job and no name of one")
    return job_find.of_name(ctx.bedrock, ctx.aws.client("s3", region=ctx.region), job, ctx.region)


def _of_here(ctx: Context, found: Manifest) -> Manifest:
    if found.sandbox == ctx.out.sandbox:
        return found
    if not found.sandbox:
        raise UsageError(f"{found.path} is of jobs in AWS", hint="leave --sandbox out")
    raise UsageError(
        f"{found.path} is of jobs in the sandbox",
        hint="they end with their sandbox, and the file can then be deleted",
    )


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
    job_file.check(output, force=force)
    with job_file.hold(output) as by_run:
        manifest = find(ctx, job)
        batch_submit.refresh(ctx, manifest)
        if not manifest.ended:
            raise batch_submit.pending(manifest)
        found = _Found()
        with job_file.written(output, new=by_run is None) as file:
            _write(ctx, manifest, file, found)
    if by_run:
        ctx.out.warn(f"{output} had {_answers(by_run)} of `run`, which --force replaced")
    if ctx.out.json:
        ctx.out.data(found.as_json() | {"output": str(output)})
    else:
        answered = found.records - found.failed.count
        ctx.out.line(f"{output}\t{answered} answered\t{found.failed.count} failed or missing")
    return _conclude(ctx, output, found)


@dataclass
class _Found:
    """What came of the records."""

    records: int = 0
    incomplete: int = 0
    failed: Named = field(default_factory=Named)
    errors: Counter[str] = field(default_factory=Counter)
    odd: Odd = field(default_factory=Odd)

    def add(self, line: job_output.Fetched) -> None:
        """Count one line."""
        self.records += 1
        self.incomplete += line.incomplete
        if line.error is not None:
            self.failed.add(line.id)
            self.errors[line.error] += 1

    def add_unnamed(self) -> None:
        """Count the records that have no line, as nothing tells their ids."""
        for code, count in (
            ("NotSent", self.odd.unsent.count),
            ("Unnamed", self.odd.unnamed),
            ("OutputMissing", self.odd.lost),
        ):
            if count:
                self.records += count
                self.failed.count += count
                self.errors[code] += count

    def as_json(self) -> dict[str, Any]:
        """What `--json` shows of it."""
        return {
            "records": self.records,
            "answered": self.records - self.failed.count,
            "incomplete": self.incomplete,
            "failed": self.failed.count,
            "errors": dict(self.errors),
            "failed_ids": self.failed.names,
            "unreadable": self.odd.unreadable.names,
            "twice": self.odd.twice.names,
        }


def _conclude(ctx: Context, output: Path, found: _Found) -> int:
    """Tell what is odd, missing or not whole."""
    odd, warn = found.odd, ctx.out.warn
    for each, what in (
        (odd.unreadable, "cannot be read"),
        (odd.twice, "stands there more than once; the first answer counts"),
        (odd.strange, "was not in the input, and is left out"),
    ):
        if each.count:
            warn(f"{each}: {what}")
    if odd.indexless.count:
        warn(
            f"{odd.indexless} has no index beside its input, so it is fetched without keys that "
            "were carried over and without `parsed`: another tool made it, or somebody deleted it"
        )
    if odd.absent.count:
        warn(f"{_records(odd.lost)} not in {output}: {odd.absent} is not there; {_ABSENT}")
    if odd.unnamed:
        warn(f"{_records(odd.unnamed)} without an id that is known: missing, and not in {output}")
    if odd.unsent.count:
        parts = ", ".join(dict.fromkeys(odd.unsent.names))
        warn(
            f"{_records(odd.unsent.count)} of {parts} not in {output}: never uploaded, so never "
            "sent; `bedrock-claude run` asks what an output lacks"
        )
    if found.incomplete:
        warn(f"{_records(found.incomplete)} answered and not whole: `complete` is false")
    if found.failed.names:
        ctx.out.note(
            f"`bedrock-claude run INPUT -o {output} --retry-failed`, with the options of the "
            "submit, asks them again at the price of single calls"
        )
        warn(f"failed or missing: {found.failed}")
    if found.failed.count or odd.unreadable.count:
        return ExitCode.PARTIAL
    return ExitCode.INCOMPLETE if found.incomplete else ExitCode.OK


_ABSENT = (
    "the job answered them, so somebody deleted or moved its output; look there before "
    "`bedrock-claude run` asks them again at the price of single calls"
)


def _no_output(odd: Odd) -> CliError:
    return RejectedError(
        f"the output of the job is not in S3: {odd.absent} is not there, so nothing was written",
        hint=_ABSENT,
        code="OutputMissing",
    )


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _answers(count: int) -> str:
    return "1 answer" if count == 1 else f"{count:,} answers"


def _write(ctx: Context, manifest: Manifest, file: IO[bytes], found: _Found) -> None:
    """Write all lines; RejectedError where there are none, as the output is gone."""
    s3 = ctx.aws.client("s3", region=manifest.region)
    for part in manifest.parts:
        for line in _lines(ctx, s3, manifest, part, found.odd):
            found.add(line)
            file.write(line.line)
    found.add_unnamed()
    if found.odd.absent.count and not file.tell():
        raise _no_output(found.odd)


def _lines(
    ctx: Context, s3: Any, manifest: Manifest, part: Part, odd: Odd
) -> Iterator[job_output.Fetched]:
    named = model_id.parse(part.model)
    target = model_id.Target(
        part.model, named.base_id, named.endpoint, catalog.load().get(named.base_id or ""),
        manifest.region, named.kind,
    )  # fmt: skip

    def fill(hint: str | None) -> str | None:
        return ctx.fill(hint and hint.replace("{region}", manifest.region))

    way = job_output.Way(
        target,
        ctx.settings.prices,
        lambda target: forecast.prices(ctx, target),
        fill,
        ctx.out.sandbox,
    )
    return job_output.fetch(s3, part, way, odd)
