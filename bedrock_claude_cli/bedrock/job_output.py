"""What a job wrote to S3, as lines of the very output that `run` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import job_cost, job_index, message_events, record_line
from bedrock_claude_cli.bedrock.answer import Answer, Event, collect
from bedrock_claude_cli.bedrock.job_index import Entry, Index
from bedrock_claude_cli.bedrock.job_manifest import COMPLETED, Part
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.pricing import Overrides
from bedrock_claude_cli.errors import CliError, UnavailableError

VIA = "batch"
MOST_NAMED = 20
# botocore's model of InvokeModel: the names of the errors that a record's errorCode gives by
# status alone; of two names for one status it is the usual one.
_NAMES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class Way(NamedTuple):
    """How lines are made of a part's records; `fill` puts what is known into a hint."""

    target: Target
    overrides: Overrides
    prices: Callable[[Target], str | None]
    fill: Callable[[str | None], str | None]
    sandbox: bool = False

    def answer(self) -> Answer:
        """A new answer, with what all of them share."""
        named = self.target
        return Answer(
            model=named.model_id, endpoint=named.endpoint, region=named.region, via=VIA, attempts=1
        )


class Fetched(NamedTuple):
    """One line of the output; `error` is its code where there is no answer."""

    id: str
    line: bytes
    error: str | None
    incomplete: bool


@dataclass
class Named:
    """How many there are of something, and the names of the first."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.names) < MOST_NAMED:
            self.names.append(name)

    def __str__(self) -> str:
        left = self.count - len(self.names)
        return ", ".join(self.names) + (f" and {left:,} more" if left else "")


@dataclass
class Odd:
    """What an output has that is no record's one line, and lacks of records without an id."""

    unreadable: Named = field(default_factory=Named)
    twice: Named = field(default_factory=Named)
    strange: Named = field(default_factory=Named)
    indexless: Named = field(default_factory=Named)
    unsent: Named = field(default_factory=Named)
    absent: Named = field(default_factory=Named)
    unnamed: int = 0
    lost: int = 0


def fetch(s3: Any, part: Part, way: Way, odd: Odd) -> Iterator[Fetched]:
    """A line for every record of an ended part: its answer, its error, or that it is missing.

    Of a record that stands there twice the first answer counts, or the first error where there
    is none. A line that cannot be read is told in `odd`, and its record is missing. Where the
    whole output of a job that answered is not there, it is told in `odd`, and there are no lines.
    """
    if not part.uploaded:
        for _ in range(part.records):
            odd.unsent.add(part.name)
        return
    index = job_index.read(s3, part, way.target, way.overrides)
    outputs = _outputs(s3, part, index)
    answered = part.status == COMPLETED or part.succeeded
    if answered and not outputs:
        odd.absent.add(_wanted(part, index))
        odd.lost += len(index.entries) + index.unnamed or part.records
        return
    if not index.own:
        odd.indexless.add(part.name)
    done: set[str] = set()
    failed: dict[str, Fetched] = {}
    ids, bad = index.entries, odd.unreadable.count
    for where, line in _lines(outputs):
        made = _made(line, index, way)
        if made is None:
            odd.unreadable.add(where)
        elif isinstance(made, str):
            odd.strange.add(made)
        elif made.id in done or (made.id in failed and made.error is not None):
            odd.twice.add(made.id)
        elif made.error is not None:
            failed[made.id] = made
        else:
            if failed.pop(made.id, None) is not None:
                odd.twice.add(made.id)
            done.add(made.id)
            yield made
    yield from failed.values()
    seen = done | failed.keys()
    odd.unnamed += max(0, index.unnamed - len(seen - ids.keys()))
    error = missing(part, len(seen), odd.unreadable.count - bad)
    for record_id, entry in ids.items():
        if record_id not in seen:
            yield _missing(record_id, entry, error, way)


def _outputs(s3: Any, part: Part, index: Index) -> list[tuple[str, Iterator[bytes]]]:
    """The objects of a part's output that are there, each with its lines."""
    if part.arn is None:
        return []
    if not index.own:
        found = job_index.listed(s3, _folder(part), f"{job_index.JSONL}.out")
        return [(uri, job_index.lines(s3, uri)) for uri in found]
    uri = _wanted(part, index)
    own = job_index.lines_if_there(s3, uri)
    return [] if own is None else [(uri, own)]


def _wanted(part: Part, index: Index) -> str:
    """The object that the output should be in; of another tool's job the folder."""
    name = part.input_uri.rpartition("/")[2]
    return f"{_folder(part)}{name}.out" if index.own else f"{_folder(part)}*{job_index.JSONL}.out"


def _folder(part: Part) -> str:
    job = (part.arn or "").rpartition("/")[2]
    return f"{part.output_uri.rstrip('/')}/{job}/"


def _lines(outputs: list[tuple[str, Iterator[bytes]]]) -> Iterator[tuple[str, bytes]]:
    """The lines of a part's output, each with where it stands."""
    for uri, found in outputs:
        for number, line in enumerate(found, 1):
            yield f"line {number:,} of {uri}", line


def _made(line: bytes, index: Index, way: Way) -> Fetched | str | None:
    """The line of a record; its id where the input has none such, None for what is no record."""
    found = job_index.parsed(line)
    record_id = found.get("recordId")
    if not isinstance(record_id, str):
        return None
    entry = index.entries.get(record_id)
    if entry is None and not index.own and isinstance(found.get("modelInput"), dict):
        entry = job_index.entry(found["modelInput"], way.target, way.overrides)
    if entry is None:
        return record_id
    answer = way.answer()
    if "modelOutput" not in found:
        refused = _refusal(found.get("error"))
        answer.error = refused.as_json() | {"hint": way.fill(refused.hint)}
        most = entry.most if refused.retry == "maybe-billed" else None
        return _fetched(record_id, entry, answer, most, way)
    try:
        for _ in collect(_events(found["modelOutput"]), answer, lambda: 0.0):
            pass
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return _fetched(record_id, entry, answer, _settle(answer, found, entry, way), way)


def _events(said: Mapping[str, Any]) -> Iterator[Event]:
    """The answer, of whichever of the two kinds of jobs."""
    if "output" in said and "content" not in said:
        from bedrock_claude_cli.bedrock.transports import converse

        return converse.answered(said, {})
    return message_events.whole(said)


def _settle(answer: Answer, found: Mapping[str, Any], entry: Entry, way: Way) -> float | None:
    """Set what an answer cost; the USD that it can have cost where that is not known."""
    answer.latency_ms = answer.first_token_ms = None
    if entry.schema is not None:
        from bedrock_claude_cli.bedrock import schema

        schema.judge(answer, entry.schema)
    usage = answer.usage
    if usage is None:
        return entry.most
    hour = bool(usage.cache_creation_input_tokens) and '"ttl": "1h"' in json.dumps(
        found.get("modelInput")
    )
    answer.cost_usd = job_cost.of(usage, way.target, way.overrides, hour=hour)
    if answer.cost_usd is None:
        return job_cost.listed(usage, way.target, way.overrides, hour=hour)
    answer.prices = way.prices(way.target)
    return None


def _fetched(record_id: str, entry: Entry, answer: Answer, most: float | None, way: Way) -> Fetched:
    line = record_line.line(
        record_id, entry.sha256, answer, entry.extra, cost_at_most=most, sandbox=way.sandbox
    )
    code = str(answer.error["code"]) if answer.error else None
    return Fetched(record_id, line, code, not (code or answer.complete))


def _missing(record_id: str, entry: Entry, error: CliError, way: Way) -> Fetched:
    answer = way.answer()
    answer.error = error.as_json()
    most = entry.most if error.retry == "maybe-billed" else None
    return _fetched(record_id, entry, answer, most, way)


def missing(part: Part, lines: int, unreadable: int = 0) -> CliError:
    """Why a record has neither answer nor error of its own, where the output has so many lines."""
    bad = "1 line" if unreadable == 1 else f"{unreadable:,} lines"
    also = f", or has it in the {bad} that cannot be read" if unreadable else ""
    if part.status == COMPLETED:
        message = f"the job {part.name} is completed, and its output does not have this record"
        return UnavailableError(message + also, code="RecordMissing", retry="maybe-billed")
    why = f": {part.message}" if part.message else ""
    message = f"the job {part.name} ended as {part.status} before this record was answered{why}"
    # What AWS worked on and did not write may be billed; it counts what it worked on.
    found = lines + unreadable
    worked_on = part.processed if part.processed is not None else found and found + 1
    unbilled = part.arn is None or worked_on <= lines
    retry = "now" if unbilled else "maybe-billed"
    return UnavailableError(message + also, code=f"Job{part.status}", retry=retry)


def _refusal(said: Any) -> CliError:
    """The error of a record, as `run` tells it of the call that failed like this."""
    from bedrock_claude_cli.explain import AwsFault, explain

    error = said if isinstance(said, dict) else {}
    if not (error.get("errorCode") or error.get("errorMessage")):
        what = "the output has a line of this record with neither an answer nor an error"
        return UnavailableError(what, code="RecordMissing", retry="maybe-billed")
    code = str(error.get("errorCode") or "")
    status = int(code) if code.isdecimal() else 0
    name = _NAMES.get(status, code)
    text = str(error.get("errorMessage", ""))
    return explain(AwsFault(name, text, status, None, operation="InvokeModel"))
