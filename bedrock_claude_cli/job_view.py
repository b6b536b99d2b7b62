"""How a batch submit, its plan and its jobs are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.batch_plan import Plan
from bedrock_claude_cli.bedrock import job_role
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
    place = plan.target.place
    yield f"{place.region} in account {place.account}:"
    for step in plan.steps:
        yield f"  {step_line(step)}"
    there = [part for part in plan.manifest.parts if part.arn or part.ended]
    for part in plan.manifest.parts:
        size = f"{part.records:,} records, {part.bytes:,} bytes"
        what, state_now = ("in place", f", {state(part)}") if part in there else ("job", "")
        yield f"  {what:<9} {'job ' * bool(state_now)}{part.name}: {size}, {part.model}{state_now}"
    yield f"  {'cost':<9} {_cost(plan, len(there), prices)}"
    yield f"  {'note':<9} {NOT_LOGGED}"


def _cost(plan: Plan, there: int, prices: str) -> str:
    """What can still be billed, where jobs of the plan may be there already."""
    most = plan.survey.cost
    if there == len(plan.manifest.parts):
        return "nothing more: every job is in place"
    if most is None:
        return "unknown: no batch price is known"
    some = ", with the jobs in place" if there else ""
    return f"at most ${most:.6f}{some} (batch price, half of the list of {prices})"


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
    of_role = [part for part in manifest.parts if part.status == "Failed" and _of_role(part)]
    if of_role:
        out.note(job_role.needs(of_role[0]))


def _of_role(part: Part) -> bool:
    """Whether AWS's message, which has no code, is about what the role may do."""
    return re.search(r"\brole\b|permission|access denied|s3:", part.message or "", re.I) is not None
