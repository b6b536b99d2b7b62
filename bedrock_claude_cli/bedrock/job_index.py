"""What the output of a job needs of its input: the index beside it, else the input itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import job_cost, job_upload, record_line
from bedrock_claude_cli.bedrock.job_manifest import Part
from bedrock_claude_cli.bedrock.log_objects import CHUNK
from bedrock_claude_cli.bedrock.logging_state import fault_name
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.pricing import Overrides
from bedrock_claude_cli.bedrock.prompt import Options, Request

INDEX = ".index"
JSONL = ".jsonl"
_GONE = ("NoSuchKey", "404")


class Entry(NamedTuple):
    """What the output needs of a record beyond what Bedrock keeps of it; `most` is in USD."""

    sha256: str
    extra: Mapping[str, Any]
    schema: Mapping[str, Any] | None
    most: float | None = None


class Index(NamedTuple):
    """The records of an input by id, and how many more it has, of which no id is known.

    `own` says that `jobs submit` wrote it; `there` is false where the input is gone, too.
    """

    entries: dict[str, Entry]
    unnamed: int = 0
    own: bool = True
    there: bool = True


def head(
    record_id: str, sha256: str, extra: Mapping[str, Any], schema: Mapping[str, Any] | None
) -> bytes:
    """A line of the index, which lies beside the input for `fetch` on whatever machine."""
    made = json.dumps([record_id, sha256, extra, schema], ensure_ascii=False)
    return made.removesuffix("]").encode()


def line(begun: bytes, most: float | None) -> bytes:
    """The whole line, which ends with the most that the record can cost."""
    return begun + (b", null]\n" if most is None else b", %r]\n" % most)


def read(s3: Any, part: Part, target: Target, overrides: Overrides) -> Index:
    """The index of a part; made from its input where another tool made the job."""
    found = {}
    try:
        for each in lines(s3, part.input_uri + INDEX):
            record_id, *rest = json.loads(each)
            found[record_id] = Entry(*rest)
        return Index(found)
    except Exception as error:
        if fault_name(error) not in _GONE:
            raise
    try:
        return _of_input(s3, part, target, overrides)
    except Exception as error:
        if fault_name(error) not in _GONE:
            raise
        return Index({}, part.records, own=False, there=False)


def _of_input(s3: Any, part: Part, target: Target, overrides: Overrides) -> Index:
    found, unnamed = {}, 0
    single = part.input_uri.endswith(JSONL)
    for uri in [part.input_uri] if single else listed(s3, part.input_uri, JSONL):
        for each in lines(s3, uri):
            record = parsed(each)
            body, record_id = record.get("modelInput"), record.get("recordId")
            if isinstance(record_id, str) and isinstance(body, dict):
                found[record_id] = entry(body, target, overrides)
            else:
                unnamed += 1
    return Index(found, unnamed, own=False)


def entry(body: Mapping[str, Any], target: Target, overrides: Overrides) -> Entry:
    """What can be told of a record by its `modelInput` alone, as `run` tells it of such a one."""
    most = body.get("max_tokens")
    known = isinstance(most, int)
    options = Options(endpoint="auto", max_tokens=most if known else None)
    request = Request(options, target.model_id, "", body=body)
    bound = job_cost.at_most(request, target, overrides).bound if known else None
    return Entry(record_line.request_sha256(request, target), {}, None, bound)


def parsed(found: bytes) -> dict[str, Any]:
    """A line of JSONL; empty where it is no JSON object."""
    try:
        made = json.loads(found)
    except (ValueError, RecursionError):
        return {}
    return made if isinstance(made, dict) else {}


def listed(s3: Any, folder: str, ending: str) -> Iterator[str]:
    """The URIs below a folder that end so."""
    bucket, prefix = job_upload.split(folder)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", ()):
            if each["Key"].endswith(ending):
                yield f"s3://{bucket}/{each['Key']}"


def lines(s3: Any, uri: str) -> Iterator[bytes]:
    """The lines of an object, streamed, blank ones left out."""
    yield from _split(_opened(s3, uri))


def lines_if_there(s3: Any, uri: str) -> Iterator[bytes] | None:
    """The same; None for an object that is not there."""
    try:
        return _split(_opened(s3, uri))
    except Exception as error:
        if fault_name(error) not in _GONE:
            raise
        return None


def _opened(s3: Any, uri: str) -> Any:
    bucket, key = job_upload.split(uri)
    return s3.get_object(Bucket=bucket, Key=key)["Body"]


def _split(body: Any) -> Iterator[bytes]:
    held = b""
    for chunk in body.iter_chunks(CHUNK):
        *whole, held = (held + chunk).split(b"\n")
        yield from filter(None, whole)
    if held:
        yield held
