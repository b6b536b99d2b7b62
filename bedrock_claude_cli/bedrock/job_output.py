"""What a job wrote to S3, as lines of the very output that `run` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import job_upload, message_events, record_line
from bedrock_claude_cli.bedrock.answer import Answer, collect
from bedrock_claude_cli.bedrock.job_manifest import COMPLETED, Part
from bedrock_claude_cli.bedrock.log_objects import CHUNK
from bedrock_claude_cli.bedrock.logging_state import fault_name
from bedrock_claude_cli.errors import CliError, RejectedError, UnavailableError

VIA = "batch"
INDEX = ".index"
_GONE = ("NoSuchKey", "404")


class Entry(NamedTuple):
    """What the output needs of a record beyond what Bedrock keeps of it."""

    sha256: str
    extra: Mapping[str, Any]
    schema: Mapping[str, Any] | None


class Fetched(NamedTuple):
    """One line of the output; `error` is its code where there is no answer."""

    id: str
    line: bytes
    error: str | None


def index_line(
    record_id: str, sha256: str, extra: Mapping[str, Any], schema: Mapping[str, Any] | None
) -> bytes:
    """A line of the index that lies beside the input, for `fetch` on whatever machine."""
    return json.dumps([record_id, sha256, extra, schema], ensure_ascii=False).encode() + b"\n"


def fetch(
    s3: Any, part: Part, blank: Answer, price: Callable[[Answer], None], *, sandbox: bool
) -> Iterator[Fetched]:
    """A line for every record of an ended part: its answer, its error, or that it is missing.

    `blank` is what all answers share, and `price` sets what one cost.
    """
    index = _index(s3, part)
    name = part.input_uri.rpartition("/")[2]
    job = (part.arn or "").rpartition("/")[2]
    output = f"{part.output_uri.rstrip('/')}/{job}/{name}.out"
    lines = 0
    for line in _lines(s3, output) if job else ():
        found = json.loads(line)
        lines += 1
        entry = index.pop(found["recordId"], None)
        if entry is None:
            raise RejectedError(
                f"the output of {part.name} has a record `{found['recordId']}` twice, or one "
                "that was not in its input"
            )
        yield _fetched(found["recordId"], entry, _answer(found, entry, blank, price), sandbox)
    for record_id, entry in index.items():
        answer = _fresh(blank)
        answer.error = missing(part, lines).as_json()
        yield _fetched(record_id, entry, answer, sandbox)


def _fetched(record_id: str, entry: Entry, answer: Answer, sandbox: bool) -> Fetched:
    line = record_line.line(record_id, entry.sha256, answer, entry.extra, sandbox=sandbox)
    broken = answer.error is not None and answer.stop_reason is None
    return Fetched(record_id, line, str(answer.error["code"]) if broken and answer.error else None)


def missing(part: Part, lines: int) -> CliError:
    """Why a record has neither answer nor error of its own, where the output has so many lines."""
    if part.status == COMPLETED:
        message = f"the job {part.name} is completed, and its output does not have this record"
        return UnavailableError(message, code="RecordMissing", retry="maybe-billed")
    why = f": {part.message}" if part.message else ""
    message = f"the job {part.name} ended as {part.status} before this record was answered{why}"
    # What AWS worked on and did not write may be billed; it counts what it worked on.
    unbilled = part.arn is None or (part.processed or 0) <= lines
    retry = "now" if unbilled else "maybe-billed"
    return UnavailableError(message, code=f"Job{part.status}", retry=retry)


def _index(s3: Any, part: Part) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    if not part.uploaded:
        raise RejectedError(f"{part.name} was stopped before its input was uploaded")
    try:
        for line in _lines(s3, part.input_uri + INDEX, absent=False):
            record_id, *rest = json.loads(line)
            found[record_id] = Entry(*rest)
    except Exception as error:
        if fault_name(error) not in _GONE:
            raise
        raise RejectedError(
            f"{part.name} has no index beside its input: another tool made this job",
            hint=f"its output lies below {part.output_uri}",
        ) from None
    return found


def _lines(s3: Any, uri: str, *, absent: bool = True) -> Iterator[bytes]:
    """The lines of an object, streamed; none where it is not there, if it may be `absent`."""
    bucket, key = job_upload.split(uri)
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except Exception as error:
        if absent and fault_name(error) in _GONE:
            return
        raise
    held = b""
    for chunk in body.iter_chunks(CHUNK):
        *whole, held = (held + chunk).split(b"\n")
        yield from filter(None, whole)
    if held:
        yield held


def _fresh(blank: Answer) -> Answer:
    return Answer(
        model=blank.model, endpoint=blank.endpoint, region=blank.region, via=VIA, attempts=1
    )


def _answer(
    found: Mapping[str, Any], entry: Entry, blank: Answer, price: Callable[[Answer], None]
) -> Answer:
    answer = _fresh(blank)
    if "modelOutput" not in found:
        answer.error = _refusal(found.get("error") or {}).as_json()
        return answer
    for _ in collect(message_events.whole(found["modelOutput"]), answer, lambda: 0.0):
        pass
    answer.latency_ms = answer.first_token_ms = None
    if entry.schema is not None:
        from bedrock_claude_cli.bedrock import schema

        schema.judge(answer, entry.schema)
    price(answer)
    return answer


def _refusal(error: Mapping[str, Any]) -> CliError:
    from bedrock_claude_cli.explain import AwsFault, explain

    status = int(error.get("errorCode") or 0)
    return explain(AwsFault(str(status), str(error.get("errorMessage", "")), status, None))
