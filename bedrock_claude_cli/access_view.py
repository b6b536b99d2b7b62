"""How the access of models is shown: a row each, or the plan that opens one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from bedrock_claude_cli.bedrock import use_case
from bedrock_claude_cli.bedrock.access_check import Report
from bedrock_claude_cli.bedrock.access_request import CREATE, Offer, Survey
from bedrock_claude_cli.bedrock.access_state import IAM, Access, unsure
from bedrock_claude_cli.bedrock.logging_step import Step, grant
from bedrock_claude_cli.errors import CliError
from bedrock_claude_cli.logging_view import step_line
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.terminal import safe
from bedrock_claude_cli.terminal.table import Field, Table

UNLISTED = (
    "as far as is known it runs under every data-retention mode; should AWS refuse it under mode "
    "none, it asks for another one"
)
PENDING = "AWS is making its agreement, which may take 15 minutes; calls may work already"


def _word(value: bool | None, yes: str = "yes", no: str = "no") -> str:
    return "?" if value is None else yes if value else no


def _model(row: Access) -> str:
    return row.alias or row.base_id


def _retention(row: Access) -> str:
    mode = row.data_retention or "?"
    return f"{mode}, refused" if row.data_retention_ok is False else mode


def _lifecycle(row: Access) -> str:
    life = row.lifecycle
    word = {"EOL": "ended", None: "?"}.get(life.status, (life.status or "").lower())
    if not life.end_of_life:
        return word
    return (
        f"{word} {life.end_of_life}" if life.status == "EOL" else f"{word}, ends {life.end_of_life}"
    )


def _state(row: Access) -> str:
    return _lifecycle(row).split()[0].rstrip(",")


FIELDS: tuple[Field[Access], ...] = (
    Field("MODEL", _model, 1, "bold"),
    Field("ACCESS", lambda row: "?" if row.access == "unknown" else row.access, 2),
    Field("AGREEMENT", lambda row: row.agreement or "?", 3),
    Field("FORM", lambda row: _word(row.form_submitted, "submitted", "missing"), 4),
    Field("RETENTION", _retention, 5,
          short=lambda row: _word(row.data_retention_ok, "ok", "refused")),
    Field("AUTHORIZED", lambda row: _word(row.authorized), 8),
    Field("ENTITLED", lambda row: _word(row.entitled), 9),
    Field("IN REGION", lambda row: _word(row.in_region), 7),
    Field("LIFECYCLE", _lifecycle, 6, short=_state),
)  # fmt: skip
# In a pipe, after those.
_MORE: tuple[Callable[[Access], str], ...] = (
    lambda row: row.base_id,
    lambda row: "; ".join(words(row)) or "-",
    lambda row: row.command or "-",
)


def words(row: Access) -> tuple[str, ...]:
    """What is missing or in doubt, in words, and what went wrong where it was asked."""
    found = [*row.missing, *([PENDING] if row.access == "pending" else [])]
    if row.access == "open" and row.data_retention == "none" and not row.accepted_data_retention:
        found.append(UNLISTED)
    if row.error:
        message = str(row.error["message"])
        found += [message] if row.error["code"] not in IAM and message not in found else []
    elif row.access == "unknown":
        found.append(unsure(row))
    return tuple(found)


def show_check(out: Output, report: Report, failing: bool) -> None:
    """The report; what IAM did not show is warned of, and in a pipe the first failure told."""
    if out.json:
        out.data(report)
    elif not report.models:
        out.note(f"{report.region} offers no model of Anthropic's")
    elif out.terminal:
        _table(out, report)
    else:
        for row in report.models:
            cells = (*(each.cell(row) for each in FIELDS), *(cell(row) for cell in _MORE))
            out.line("\t".join(re.sub(r"[\t\n]", " ", cell) for cell in cells))
    for each in report.unseen:
        denied = each.denied
        why = f"IAM does not show {each.what}: {grant(denied)}" if denied else None
        out.warn(why or f"not known is {each.what}: {each.message}")
    states = ("closed", "unknown", "pending")
    wrong = min(
        (row for row in report.models if row.access in states),
        key=lambda row: row.access == "pending",
        default=None,
    )
    if failing and wrong and not out.terminal and not out.json:
        text = "; ".join(words(wrong)) or "it is not known whether it can be called"
        out.fail(f"{_model(wrong)}: {text}", f"`{wrong.command}`" if wrong.command else None)


def _table(out: Output, report: Report) -> None:
    from rich.console import Console

    console = Console(
        file=out.stdout, color_system="standard" if out.color else None, highlight=False
    )
    table = Table(FIELDS, report.models, console.width)
    for line in (table.head(), *map(table.line, report.models)):
        console.print(line, crop=False, no_wrap=True, overflow="ignore", soft_wrap=True)
    groups: dict[tuple[str, ...], list[Access]] = {}
    for row in report.models:
        if told := words(row):
            groups.setdefault(told, []).append(row)
    for told, rows in groups.items():
        out.line("")
        for line in _wrapped(f"{', '.join(map(_model, rows))}: {'; '.join(told)}"):
            out.line(line)
        if command := _command(rows):
            out.line(f"  {command}")


def _command(rows: Sequence[Access]) -> str | None:
    found = {row.command for row in rows if row.command}
    if len(found) == 1:
        return f"`{found.pop()}`"
    return "`bedrock-claude access request MODEL` for each" if found else None


def _wrapped(text: str) -> list[str]:
    """The text in lines that fit the terminal; what stands in backticks stays whole."""
    width = max(40, shutil.get_terminal_size().columns)
    whole = re.sub(r"`[^`]*`", lambda span: span[0].replace(" ", "\0"), safe(text))
    lines = wrap(
        whole, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


@dataclass
class Request:
    """One run of `access request`, as far as it got."""

    region: str
    account: str | None
    survey: Survey
    steps: tuple[Step, ...]
    form: Mapping[str, str] | None
    dry_run: bool
    done: list[Step] = field(default_factory=list)
    access: str = "closed"
    error: CliError | None = None

    @property
    def changes(self) -> list[Step]:
        """The steps that change the account."""
        return [step for step in self.steps if step.is_change]

    @property
    def left(self) -> list[Step]:
        """Those of them that were not made."""
        return [step for step in self.changes if step not in self.done]


def plan_lines(request: Request) -> Iterator[str]:
    """The plan, and the offer whose terms it accepts."""
    who = f"account {request.account}" if request.account else "the API key's account"
    yield f"{request.survey.model.name}, {request.region} in {who}:"
    for step in request.steps:
        yield f"  {step_line(step)}"
        if step.kind == "reported" and step.hint:
            yield f"  {'':<9} {step.hint}"
    accepts = any(CREATE in step.actions for step in request.steps)
    for offer in request.survey.offers if accepts or request.dry_run else ():
        yield from _offer_lines(offer)


def _offer_lines(offer: Offer) -> Iterator[str]:
    yield f"offer {offer.id or 'without an id'} (AWS names no currency; public offers are in USD):"
    prices = [rate.get("price") or "?" for rate in offer.rate_card]
    width = max(map(len, prices), default=0)
    for price, rate in zip(prices, offer.rate_card, strict=True):
        what = (rate.get("description") or "").rpartition("|")[2] or rate.get("dimension") or "?"
        unit = rate.get("unit") or ""
        per = f" per {unit}" if unit.lower() not in ("", "unit", "units") else ""
        yield f"  {price:>{width}}{per}  {what}"
    yield f"  legal terms: {offer.legal_url or 'AWS names none'}"
    yield f"  refunds: {offer.refund_policy or 'AWS tells nothing'}"
    if offer.duration:
        yield f"  duration: {offer.duration}"


def form_lines(form: Mapping[str, Any], title: str) -> Iterator[str]:
    """A form, field by field."""
    yield f"{title}:"
    for name, value in use_case.shown(form):
        yield f"  {name}: {value}"


def request_json(request: Request) -> dict[str, Any]:
    """What `access request --json` prints."""
    model, access = request.survey.model, request.survey.access
    return {
        "region": request.region,
        "account": request.account,
        "alias": access.alias,
        "name": model.name,
        "base_id": model.base_id,
        "access": request.access,
        "dry_run": request.dry_run,
        "changed": bool(request.done),
        "steps": [step.as_json() for step in request.steps],
        "offers": [offer.as_json() for offer in request.survey.offers],
        "form": dict(request.form) if request.form else None,
        "done": [step.what for step in request.done],
        "left": [step.what for step in request.left],
        "error": request.error.as_json() if request.error else None,
    }
