"""What a rule may say, checked as a whole before a sandbox starts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any

from bedrock_claude_cli.sandbox.request import ACTIONS, OPERATIONS
from bedrock_claude_cli.sandbox.wire import (
    RETENTION_MODES,
    STATUS,
    STREAM_EXCEPTIONS,
    exception_name,
)

# The last two say how the account begins, and answer no request.
STATE = ("access", "account")
DOING = ("reply", "error", "stream", "deny", "empty", "job", *STATE)
ENDED = ("Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired")
FAULTS = ("cut_after", "reset_after", "exception", "garbage_after", "bad_crc_after")
Check = Callable[[Any], "str | None"]


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be text"


def _regex(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    try:
        re.compile(value)
    except re.error as error:
        return f"is not a regular expression: {error}"
    return None


def _whole(least: int, most: int | None = None) -> Check:
    def verdict(value: Any) -> str | None:
        bad = isinstance(value, bool) or not isinstance(value, int) or value < least
        if bad or (most is not None and value > most):
            top = "" if most is None else f" to {most}"
            return f"must be a whole number from {least}{top}"
        return None

    return verdict


def _milliseconds(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return "must be a number of milliseconds from 0"
    return None


def _one_of(names: Sequence[str], what: str) -> Check:
    def verdict(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be text"
        if any(fnmatchcase(name, value) for name in names):
            return None
        return f"no {what} is called {value!r}{_did_you_mean(value, names)}"

    return verdict


def _exception(value: Any) -> str | None:
    if isinstance(value, str) and exception_name(value) in STREAM_EXCEPTIONS:
        return None
    return "must be one of " + ", ".join(STREAM_EXCEPTIONS)


def _headers(value: Any) -> str | None:
    texts = isinstance(value, Mapping) and all(
        isinstance(item, str) for pair in value.items() for item in pair
    )
    return None if texts else "must map header names to text"


def _true(value: Any) -> str | None:
    return None if value is True else "must be true"


def _yes_or_no(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _exactly(*names: str) -> Check:
    def verdict(value: Any) -> str | None:
        if value in names:
            return None
        return f"must be one of {', '.join(names)}{_did_you_mean(str(value), names)}"

    return verdict


def _modes(value: Any) -> str | None:
    fine = isinstance(value, list) and value and all(each in RETENTION_MODES for each in value)
    return None if fine else f"must be a list of {', '.join(RETENTION_MODES)}"


def _object(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be a mapping"


def _citations(value: Any) -> str | None:
    places = ("char_location", "page_location", "content_block_location")
    fine = isinstance(value, list) and all(
        isinstance(each, Mapping) and each.get("type") in places for each in value
    )
    return None if fine else f"must be a list of mappings whose type is one of {', '.join(places)}"


_WHOLE = _whole(0)
SCHEMA: dict[str, Any] = {
    "when": {
        "operation": _one_of(OPERATIONS, "operation"),
        "model": _text,
        "prompt": _regex,
        "body": _regex,
        "region": _text,
    },
    "times": _whole(1),
    "reply": {
        "text": _text,
        "words": _whole(1),
        "thinking": _text,
        "tool_input": _object,
        "citations": _citations,
        "stop_reason": _text,
        "usage": {
            "input_tokens": _WHOLE,
            "output_tokens": _WHOLE,
            "cache_read_input_tokens": _WHOLE,
            "cache_creation_input_tokens": _WHOLE,
        },
    },
    "error": {
        "type": _text,
        "status": _whole(400, 599),
        "message": _text,
        "headers": _headers,
    },
    "stream": {
        "delay_ms": _milliseconds,
        "gap_ms": _milliseconds,
        "cut_after": _WHOLE,
        "reset_after": _WHOLE,
        "exception": {"type": _exception, "after": _WHOLE},
        "garbage_after": _WHOLE,
        "bad_crc_after": _WHOLE,
    },
    "deny": _one_of(ACTIONS, "action"),
    "job": {
        "status": _one_of(ENDED, "state"),
        "message": _text,
        "processed": _WHOLE,
        "missing": _WHOLE,
        "looks": _whole(1),
    },
    "empty": _true,
    "access": {
        "agreement": _exactly("available", "none", "pending", "error"),
        "polls": _WHOLE,
        "authorized": _yes_or_no,
        "entitled": _yes_or_no,
        "retention": _modes,
    },
    "account": {"form": _yes_or_no, "retention": _exactly(*RETENTION_MODES)},
}


def problems(rules: object) -> list[str]:
    """Everything that is wrong with the rules, in their order, as `rules[i].key: what`."""
    if isinstance(rules, str | bytes) or not isinstance(rules, Sequence):
        return ["rules: must be a list"]
    found: list[str] = []
    for index, rule in enumerate(rules):
        here = f"rules[{index}]"
        found.extend(_walk(rule, SCHEMA, here))
        if isinstance(rule, Mapping):
            found.extend(f"{here}: {what}" for what in _contradictions(rule))
    return found


def _walk(value: object, schema: Mapping[str, Any], here: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{here}: must be a mapping"
        return
    for key, item in value.items():
        there = f"{here}.{key}"
        if key not in schema:
            yield f"{there}: unknown key{_did_you_mean(str(key), list(schema))}"
        elif isinstance(schema[key], dict):
            yield from _walk(item, schema[key], there)
        elif what := schema[key](item):
            yield f"{there}: {what}"


def _contradictions(rule: Mapping[str, Any]) -> Iterator[str]:
    doing = [key for key in DOING if key in rule]
    if not doing:
        yield "does nothing: needs reply, error, stream, deny, empty, job, access or account"
    for first, second in combinations(("error", "deny", "reply", "empty", "job", *STATE), 2):
        if first in doing and second in doing:
            yield f"has both {first} and {second}"
    yield from _ill_timed(rule)
    reply, error, stream = (_mapping(rule.get(key)) for key in ("reply", "error", "stream"))
    if "text" in reply and "words" in reply:
        yield "reply has both text and words"
    faults = [name for name in FAULTS if name in stream]
    if len(faults) > 1:
        yield f"stream has more than one fault: {', '.join(faults)}"
    if "exception" in stream and "type" not in _mapping(stream["exception"]):
        yield "stream.exception needs a type"
    if "error" in rule and "type" not in error:
        yield "error needs a type"
    elif isinstance(error.get("type"), str) and not (error["type"] in STATUS or "status" in error):
        yield f"error needs a status, as {error['type']!r} is no error type known here"


def _ill_timed(rule: Mapping[str, Any]) -> Iterator[str]:
    """What a rule about the start cannot say, as it meets no request."""
    for state in (name for name in STATE if name in rule):
        yield from (f"has both {state} and {name}" for name in ("stream", "times") if name in rule)
        known = ("model", "region") if state == "access" else ()
        for key in _mapping(rule.get("when")):
            if key not in known:
                yield f"{state} does not go by {key}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _did_you_mean(word: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, names, 1)
    return f"; did you mean {close[0]!r}?" if close else ""
