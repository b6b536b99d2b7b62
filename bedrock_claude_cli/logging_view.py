"""How a logging plan, what became of it, and a status are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bedrock_claude_cli.bedrock.logging_plan import destinations
from bedrock_claude_cli.bedrock.logging_proof import shown
from bedrock_claude_cli.bedrock.logging_run import Outcome, Survey
from bedrock_claude_cli.bedrock.logging_step import Step
from bedrock_claude_cli.bedrock.logs import Record
from bedrock_claude_cli.output import Output

NOTE = (
    "Anthropic recommends keeping logs for at least 30 days, on a rolling basis, to understand the",
    "use and to look into misuse. They stay in this account: switching logging on gives neither",
    "AWS nor Anthropic access to them. They hold whole prompts and answers: restrict who may read.",
)
KEY = "the policy of the KMS key has to allow this use: `--print-policy` prints the statements"


@dataclass
class Report:
    """One run of `enable-logging`, as far as it got."""

    surveys: list[Survey]
    dry_run: bool
    outcomes: list[Outcome] = field(default_factory=list)
    verified: dict[str, list[tuple[str, Record]]] = field(default_factory=dict)

    def outcome(self, survey: Survey) -> Outcome | None:
        """What became of a survey; None where nothing was begun."""
        region = survey.target.place.region
        return next((each for each in self.outcomes if each.region == region), None)


def plan_lines(surveys: Sequence[Survey]) -> Iterator[str]:
    """The plan of every place, what will not be kept, and the note on what logging is."""
    for survey in surveys:
        place = survey.target.place
        yield f"{place.region} in account {place.account}:"
        for step in survey.steps:
            yield f"  {step_line(step)}"
            if step.kind in ("reported", "unseen", "impossible") and step.hint:
                yield f"  {'':<10}{step.hint}"
        for text in survey.not_kept:
            yield f"  {'not kept':<10}{text}"
        if survey.desired.kms_key:
            yield f"  {'key':<10}{KEY}"
    yield from NOTE


def step_line(step: Step) -> str:
    """One step in one line."""
    line = f"{step.kind.replace('-', ' '):<9} {step.what}"
    if step.before is not None and step.after is not None:
        line += f": {step.before} -> {step.after}"
    elif step.after is not None:
        line += f": {step.after}"
    if step.short:
        line += " (accepted with --allow-short-retention only)"
    return f"{line} (takes away or redirects: with --replace only)" if step.takes_away else line


def end_lines(report: Report) -> Iterator[str]:
    """How each place ended, for those that did well."""
    for survey in report.surveys:
        outcome = report.outcome(survey)
        if outcome is None or outcome.left:
            continue
        region = survey.target.place.region
        unchanged = "" if outcome.done else "nothing to change: "
        yield f"{region}: {unchanged}calls are logged to {destinations(survey.desired.config)}"
        for where, record in report.verified.get(region, ()):
            yield (
                f"{region}: record {record.request_id} arrived in {where}: {record.timestamp}, "
                f"{record.identity}, {record.model_id}, {record.input_tokens} tokens in, "
                f"{record.output_tokens} out"
            )


def show_json(out: Output, report: Report) -> None:
    """The report as `--json` shows it; nothing without --json."""
    if not out.json:
        return
    regions = []
    for survey in report.surveys:
        outcome = report.outcome(survey)
        region = survey.target.place.region
        regions.append(
            {
                "region": region,
                "steps": [step.as_json() for step in survey.steps],
                "not_kept": list(survey.not_kept),
                "done": [step.what for step in outcome.done] if outcome else [],
                "left": [step.what for step in outcome.left if outcome]
                if outcome
                else [step.what for step in survey.changes],
                "error": outcome.error.as_json() if outcome and outcome.error else None,
                "verified": shown(report.verified.get(region, ())),
            }
        )
    out.data(
        {
            "account": report.surveys[0].target.place.account,
            "dry_run": report.dry_run,
            "changed": any(outcome.done for outcome in report.outcomes),
            "regions": regions,
            "note": " ".join(NOTE),
        }
    )
