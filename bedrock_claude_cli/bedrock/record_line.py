"""One line of an output: an answer with its record's id, and how such lines are read again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import messages
from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.prompt import Request

HEAD = (
    "id", "request_sha256", "cost_usd", "cost_at_most_usd", "earlier_cost_usd", "complete", "error",
)  # fmt: skip
# Every key of a line that is not carried over from the record.
KEYS = frozenset(("schema", "sandbox", *HEAD, *Answer.__dataclass_fields__))
# The head as `line` writes it, so that a file of a million lines is read without parsing each.
_HEAD = re.compile(
    rb'\{"schema": 1, ("sandbox": true, )?"id": ("(?:[^"\\]|\\.)*"), "request_sha256": '
    rb'"([0-9a-f]{64})", "cost_usd": ([^,]+), "cost_at_most_usd": ([^,]+), '
    rb'"earlier_cost_usd": ([^,]+), "complete": (true|false), '
    rb'"error": (?:null|\{"code": "([^"\\]+)")'
)
# The same at half the work, of what most lines are: whole answers, under an id without escapes.
# Its groups are the sandbox, the id, the hash and the cost in USD.
WHOLE = re.compile(
    rb'\{"schema": 1, ("sandbox": true, )?"id": "([^"\\]*)", "request_sha256": "(.{64})", '
    rb'"cost_usd": ([0-9.e-]+), "cost_at_most_usd": null, "earlier_cost_usd": null, '
    rb'"complete": true, "error": null, "'
)

_MARK = "\x00the prompt\x00"


class Head(NamedTuple):
    """What a run has to know of a line; costs in USD, `error` is a code."""

    id: str
    sha256: str
    cost_usd: float | None
    cost_at_most_usd: float | None
    earlier_cost_usd: float | None
    complete: bool
    error: str | None
    sandbox: bool = False

    @property
    def spent(self) -> float:
        """What the line counts for: its cost, or the most it can have been, and earlier tries."""
        own = self.cost_usd if self.cost_usd is not None else self.cost_at_most_usd or 0.0
        return own + (self.earlier_cost_usd or 0.0)


def request_sha256(request: Request, target: Target) -> str:
    """The hash of what is asked, of whom: the same whichever way and id it is sent by."""
    return _sha256(_canonical(request, target))


def frame(request: Request, target: Target) -> tuple[str, str] | None:
    """What the hashed text has before and behind the prompt, for `framed_sha256`.

    It is the same for all records that differ in their prompt alone; None where that is not so.
    """
    parts = _canonical(request._replace(text=_MARK), target).split(json.dumps(_MARK))
    return (parts[0], parts[1]) if len(parts) == 2 else None


def framed_sha256(around: tuple[str, str], text: str) -> str:
    """`request_sha256` of a prompt in its frame, at a fifth of the work."""
    made = _begun(around[0]).copy()
    made.update((encode_basestring_ascii(text) + around[1]).encode())
    return made.hexdigest()


@lru_cache(maxsize=256)
def _begun(text: str) -> hashlib._Hash:
    return hashlib.sha256(text.encode())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(request: Request, target: Target) -> str:
    options = request.options
    by_name = target.kind in ("alias", "base") and target.base_id
    asked = {
        "model": f"{options.endpoint} {target.base_id}" if by_name else target.model_id,
        "body": messages.body(request),
        "betas": request.shape.betas,
        "guardrail": options.guardrail,
        "meta": options.meta and dict(options.meta),
    }
    return json.dumps(asked, sort_keys=True, separators=(",", ":"))


def line(
    record_id: str,
    sha256: str,
    answer: Answer,
    extra: Mapping[str, Any],
    *,
    cost_at_most: float | None = None,
    sandbox: bool = False,
) -> bytes:
    """The line of one record, with the line break; `extra` is carried over from its input.

    `cost_at_most` (USD) stands where AWS told no usage and may have billed the call.
    """
    shown = answer.as_json()
    made: dict[str, Any] = {"schema": 1}
    if sandbox:
        made["sandbox"] = True
    made |= {
        "id": record_id,
        "request_sha256": sha256,
        "cost_usd": shown.pop("cost_usd"),
        "cost_at_most_usd": cost_at_most,
        "earlier_cost_usd": None,
        "complete": shown.pop("complete"),
        "error": shown.pop("error"),
        **shown,
        **extra,
    }
    try:
        return json.dumps(made, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, which a model may write
        return json.dumps(made).encode() + b"\n"


def read(found: bytes) -> Head | None:
    """The head of a line; None for what is no line of an output."""
    try:
        return _written(found) or _parsed(found)
    except ValueError:  # of a number or a character that is none
        return _parsed(found)


def _written(found: bytes) -> Head | None:
    """The same of a line as `line` writes it."""
    match = _HEAD.match(found)
    if match is None:
        return None
    sandbox, name, sha256, cost, most, earlier, complete, error = match.groups()
    return Head(
        json.loads(name) if b"\\" in name else name[1:-1].decode(),
        sha256.decode(),
        _number(cost),
        _number(most),
        _number(earlier),
        complete == b"true",
        error.decode() if error else None,
        bool(sandbox),
    )


def _number(text: bytes) -> float | None:
    return None if text == b"null" else float(text)


def _parsed(found: bytes) -> Head | None:
    """The same of a line that another program wrote anew."""
    try:
        made = json.loads(found)
        values = [made[key] for key in HEAD]
        error = values[6] and str(values[6]["code"])
        return Head(
            str(values[0]), str(values[1]), values[2], values[3], values[4], values[5] is True,
            error,
            made.get("sandbox") is True,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
