"""What a run would take: `run --dry-run`, with the same records as a batch job beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import job_cost, jobs, run_budget, tokens
from bedrock_claude_cli.bedrock.answer import Usage
from bedrock_claude_cli.bedrock.duration import show_duration
from bedrock_claude_cli.bedrock.job_split import MAX_BYTES, MAX_RECORDS, Splitter
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.run_pace import BURNDOWN, FIRST
from bedrock_claude_cli.bedrock.transports import invoke
from bedrock_claude_cli.compose_record import Composed
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError

# Where no output tells: a guess at a model's speed, for hours that are a guess, too.
TOKENS_A_SECOND, FIRST_BYTE = 60, 1.5
_SAMPLE = 2000


class Measured(NamedTuple):
    """What the answers of an output took on average: tokens, and seconds."""

    output_tokens: float
    seconds: float


class Limits(NamedTuple):
    """What holds a run back; `concurrency` None is auto."""

    concurrency: int | None
    rpm: float | None
    tpm: float | None


def measured(path: str | None) -> Measured | None:
    """The averages over the first answers in an output; None without any."""
    if path is None or not (file := Path(path).expanduser()).exists():
        return None
    found = []
    with file.open("rb") as lines:
        for _, line in zip(range(_SAMPLE), lines, strict=False):
            try:
                made = json.loads(line)
            except ValueError:  # torn
                continue
            # A batch job tells no times.
            if made.get("usage") and made.get("stop_reason") and made.get("latency_ms") is not None:
                found.append((made["usage"]["output_tokens"], made["latency_ms"] / 1000))
    if not found:
        return None
    return Measured(sum(each[0] for each in found) / len(found),
                    sum(each[1] for each in found) / len(found))  # fmt: skip


class Forecast:
    """Sums over the records that are to be done; `ask` takes one after the other."""

    def __init__(self, ctx: Context, before: Measured | None) -> None:
        self._prices = ctx.settings.prices
        self._before = before
        self.records = self.input_tokens = 0
        self.output_tokens = self.seconds = 0.0
        self.cost: float | None = 0.0
        self.most: float | None = 0.0
        self._splitters: dict[str, Splitter] = {}
        self._batch_cost: dict[str, float | None] = {}
        self._targets: dict[str, Target] = {}

    def add(self, composed: Composed) -> None:
        """Count one record."""
        request, target = composed.request, composed.target
        prompt, limit = tokens.estimate(request), request.options.max_tokens or 0
        if request.body is not None:
            prompt = round(len(json.dumps(request.body)) / tokens.CHARACTERS_A_TOKEN)
        answer = min(self._before.output_tokens, limit) if self._before else limit
        self.records += 1
        self.input_tokens += prompt
        self.output_tokens += answer
        self.seconds += (
            self._before.seconds if self._before else FIRST_BYTE + answer / TOKENS_A_SECOND
        )
        usage = Usage(prompt, round(answer))
        self.cost = _sum(self.cost, run_budget.cost(request, target, usage, self._prices))
        longest = Usage(prompt, limit)
        self.most = _sum(self.most, run_budget.cost(request, target, longest, self._prices))
        self._add_to_batch(composed, usage)

    def _add_to_batch(self, composed: Composed, usage: Usage) -> None:
        target, model = composed.target, composed.target.model_id
        if model not in self._splitters:
            self._splitters[model] = Splitter(model, MAX_RECORDS, MAX_BYTES)
            self._targets[model], self._batch_cost[model] = target, 0.0
        price = job_cost.of(usage, target, self._prices)
        self._batch_cost[model] = _sum(self._batch_cost[model], price)
        if composed.request.options.via == "invoke":
            body = len(invoke.build(composed.request).arguments["body"])
            self._splitters[model].add(body + len(composed.id) + 40)

    def as_json(self, limits: Limits) -> dict[str, Any]:
        """The forecast; docs/json.md describes the keys."""
        at_once = limits.concurrency or FIRST
        bounds = {"concurrency": self.seconds / at_once}
        if limits.rpm:
            bounds["rpm"] = self.records / limits.rpm * 60
        if limits.tpm:
            used = self.input_tokens + BURNDOWN * self.output_tokens
            bounds["tpm"] = used / limits.tpm * 60
        slowest = max(bounds, key=lambda name: bounds[name])
        return {
            "records": self.records,
            "input_tokens": self.input_tokens,
            "output_tokens": round(self.output_tokens),
            "output_from": "measured" if self._before else "max_tokens",
            "cost_usd": self.cost,
            "cost_at_most_usd": self.most,
            "concurrency": at_once,
            "hours": round(bounds[slowest] / 3600, 4),
            "hours_by": slowest,
            "batch": [self._batch(model) for model in self._splitters],
        }

    def _batch(self, model: str) -> dict[str, Any]:
        count = None
        why = jobs.doubt(self._targets[model].known, model)
        if why is None:
            try:
                count = len(self._splitters[model].shares())
            except CliError as error:
                why = error.message
        cost = self._batch_cost[model] if count else None
        return {"model": model, "jobs": count, "cost_usd": cost, "why_not": why}


def _sum(total: float | None, more: float | None) -> float | None:
    return None if total is None or more is None else total + more


def words(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The forecast for people: names and values."""
    cost, most = (_usd(found[key]) for key in ("cost_usd", "cost_at_most_usd"))
    measured = found["output_from"] == "measured"
    how = "as measured" if measured else "all of max_tokens"
    lines = [
        ("records", f"{found['records']:,}"),
        ("input tokens", f"{found['input_tokens']:,} (estimated)"),
        ("output tokens", f"{found['output_tokens']:,} ({how})"),
        ("cost", f"{f'about {cost}, ' * measured}at most about {most}"),
        (
            "time",
            f"{show_duration(found['hours'] * 3600)} (by {found['hours_by']}; concurrency "
            f"{found['concurrency']})",
        ),
    ]
    for each in found["batch"]:
        count = "1 job" if each["jobs"] == 1 else f"{each['jobs']} jobs"
        told = each["why_not"] or f"{count}, {_usd(each['cost_usd'])}"
        lines.append(("as a batch job", f"{each['model']}: {told}"))
    return lines


def _usd(cost: float | None) -> str:
    return "unknown" if cost is None else f"${cost:.6f}"
