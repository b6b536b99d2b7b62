"""How a batch submit, its plan and its jobs are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.batch_plan import Plan
from bedrock_claude_cli.bedrock.job_manifest import COMPLETED, Manifest, Part
from bedrock_claude_cli.bedrock.jobs import NOT_LOGGED
from bedrock_claude_cli.logging_view import step_line
from bedrock_claude_cli.output import Column, Output

COLUMNS: tuple[Column[Part], ...] = (
    Column("JOB", lambda part: part.name, "bold"),
    Column("STATE", lambda part: state(part)),
    Column("RECORDS", lambda part: f"{part.records}"),
    Column("DONE", lambda part: _count(part.processed)),
    Column("FAILED", lambda part: _count(part.failed)),
    Column("MODEL", lambda part: part.model),
    Column("ARN", lambda part: part.arn or "-"),
    Column("MESSAGE", lambda part: part.message or "-"),
)


def state(part: Part) -> str:
    """AWS's word, or what comes before it."""
    return part.status or ("not started" if part.uploaded else "not uploaded")


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def plan_lines(plan: Plan, prices: str) -> Iterator[str]:
    """The plan, and what it can cost."""
    place, survey = plan.target.place, plan.survey
    yield f"{place.region} in account {place.account}:"
    for step in plan.steps:
        yield f"  {step_line(step)}"
    for part in plan.manifest.parts:
        size = f"{part.records:,} records, {part.bytes:,} bytes"
        yield f"  {'job':<9} {part.name}: {size}, {part.model}"
    known = survey.cost is not None
    yield f"  {'cost':<9} " + (
        f"at most ${survey.cost:.6f} (batch price, half of the list of {prices})"
        if known
        else "unknown: no batch price is known"
    )
    yield f"  {'note':<9} {NOT_LOGGED}"


def submit_json(plan: Plan, prices: str, *, dry_run: bool) -> dict[str, Any]:
    """What `jobs submit --json` prints."""
    known = plan.survey.cost is not None
    return {
        **manifest_json(plan.manifest),
        "records": plan.survey.records,
        "cost_at_most_usd": plan.survey.cost,
        "prices": prices if known else None,
        "dry_run": dry_run,
        "continued": plan.continued,
        "steps": [step.as_json() for step in plan.steps],
        "note": NOT_LOGGED,
    }


def manifest_json(manifest: Manifest) -> dict[str, Any]:
    """What `--json` shows of a submit or of a job."""
    return {
        "name": manifest.name,
        "manifest": str(manifest.path) if manifest.path else None,
        "region": manifest.region,
        "account": manifest.account,
        "role": manifest.role or None,
        "ended": manifest.ended,
        "complete": manifest.whole,
        "jobs": [_part(part) for part in manifest.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "arn": part.arn,
        "status": part.status,
        "message": part.message,
        "model": part.model,
        "records": part.records,
        "processed": part.processed,
        "succeeded": part.succeeded,
        "failed": part.failed,
        "input": part.input_uri,
        "output": part.output_uri,
    }


def show(out: Output, manifest: Manifest) -> None:
    """Every job of a submit, as rows or as JSON; why one came to nothing, as no width hides it."""
    if out.json:
        out.data(manifest_json(manifest))
        return
    out.rows(manifest.parts, COLUMNS, empty="there are no jobs")
    for part in manifest.parts:
        if part.ended and part.message and part.status != COMPLETED:
            out.warn(f"{part.name} ended as {part.status}: {part.message}")
