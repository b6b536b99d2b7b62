"""Structured answers: the JSON Schema that is asked for, and whether an answer fits it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.errors import IncompleteError, UsageError

# A tool's input is an object; another kind of answer travels under this key.
KEY = "value"
MOST_COUNTED = 100
_LONGEST = 200
_DATA = frozenset(("enum", "const", "default", "examples"))
_REFERRING = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))
_DEEP = "it is nested too deep, or refers to itself without end"


def read(text: str, where: str) -> Mapping[str, Any]:
    """The JSON Schema in `text`; UsageError where it is none that an answer can be held to."""
    try:
        found = parse(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(
            f"{where} is not a JSON object",
            hint='a schema is written as {"type": "object", "properties": {...}}',
        )
    try:
        wrong = _wrong(found)
    except RecursionError:
        wrong = _DEEP
    if wrong:
        raise UsageError(f"{where} is no JSON Schema: {wrong}")
    return found


def parse(text: str) -> Any:
    """The value of a JSON text that every reader takes for the same.

    ValueError in words, also for NaN, a number beyond every float, and a key that stands twice.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        what = f"{error.msg[:1].lower()}{error.msg[1:]}"
        raise ValueError(f"{what} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def as_input(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a tool whose input is the answer: an object, so others are put under KEY."""
    own = {key: value for key, value in schema.items() if key != "$schema"}
    if not _wrapped(schema):
        return own
    return {
        "type": "object",
        "properties": {KEY: _moved(own)},
        "required": [KEY],
        "additionalProperties": False,
    }


def judge(answer: Answer, schema: Mapping[str, Any]) -> None:
    """Make `text` the bare JSON, and set `parsed` where a whole answer fits.

    One that does not fit is incomplete, its error naming the first path.
    """
    called = answer.tool_input is not None
    answer.text = ((answer.tool_input or "{}") if called else answer.text).strip()
    if not answer.complete:
        return
    try:
        found = parse(answer.text)
        if called and _wrapped(schema) and isinstance(found, dict) and list(found) == [KEY]:
            found = found[KEY]
            inner = answer.text
            answer.text = inner[inner.index(":") + 1 : inner.rindex("}")].strip()
    except ValueError as error:
        words = not called and answer.text[:1] not in ("{", "[", '"')
        why = f"it is not JSON: {error}" if answer.text else "it is empty"
        _fail(answer, "it is words, not JSON" if words and answer.text else why)
        return
    try:
        misfits = list(islice(_misfits(found, schema), MOST_COUNTED))
    except RecursionError:
        misfits = [_DEEP]
    if misfits:
        count = len(misfits) - 1
        more = f", and {count} more" if count else ""
        _fail(answer, f"it does not fit the schema: {misfits[0]}{more}")
    else:
        answer.parsed = found


def _fail(answer: Answer, message: str) -> None:
    answer.complete = False
    answer.error = IncompleteError(message).as_json() | {"request_id": answer.request_id}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key `{twice}` stands twice in one object")
    return made


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number in JSON")


def _float(text: str) -> float:
    if math.isinf(float(text)):
        raise ValueError(f"the number {text[:24]} is beyond what programs can read")
    return float(text)


def _int(text: str) -> int:
    _float(text)
    return int(text)


def _wrapped(schema: Mapping[str, Any]) -> bool:
    """Whether a tool's input cannot be this: it is an object, without alternatives at the top."""
    return schema.get("type") != "object" or any(
        key in schema for key in ("anyOf", "oneOf", "allOf", "$ref")
    )


def _moved(node: Any) -> Any:
    """The schema with its references to its own top led to where it stands now."""
    if isinstance(node, list):
        return [_moved(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: _moved_value(key, value) for key, value in node.items()}


def _moved_value(key: str, value: Any) -> Any:
    if key == "$ref" and isinstance(value, str) and (value == "#" or value.startswith("#/")):
        return f"#/properties/{KEY}{value[1:]}"
    return value if key in _DATA else _moved(value)


def _kind(schema: Mapping[str, Any]) -> Any:
    from jsonschema import Draft202012Validator, validators

    named = schema.get("$schema", "")
    known = {"$schema": named} if isinstance(named, str) else {}
    return validators.validator_for(known, default=Draft202012Validator)


def _wrong(schema: dict[str, Any]) -> str | None:
    """Why nothing can be held to the schema, in words."""
    from jsonschema.exceptions import SchemaError

    kind = _kind(schema)
    try:
        kind.check_schema(schema, format_checker=kind.FORMAT_CHECKER)
    except SchemaError as error:
        return _told(error.context[0] if error.context else error)
    lost = next(_lost(schema), None)
    if lost is None:
        next(_misfits(None, schema), None)  # a schema that is nothing but itself shows here
    return lost


def _lost(schema: dict[str, Any]) -> Iterator[str]:
    """References that lead nowhere; nothing is ever fetched for them."""
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    base = resource.id() or ""
    registry: Registry[Any] = Registry().with_resource(base, resource).crawl()
    resolver = registry.resolver(base)
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            yield f"`$ref` to {reference} leads nowhere in it"


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _references(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _REFERRING and isinstance(value, str):
                yield value
            elif key not in _DATA:
                yield from _references(value)


def _misfits(found: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    from jsonschema.exceptions import best_match
    from referencing import Registry

    kind = _kind(schema)
    holder = kind(schema, format_checker=kind.FORMAT_CHECKER, registry=Registry())
    for error in holder.iter_errors(found):
        yield _told(best_match([error]))  # of alternatives the one that came nearest


def _told(error: Any) -> str:
    """Where and why, cut to one line's length: messages quote whole values."""
    message = " ".join(str(error.message).split())
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    return f"{error.json_path}: {message}"
