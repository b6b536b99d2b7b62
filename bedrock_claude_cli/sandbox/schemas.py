"""JSON Schemas: what structured output takes of them, and the small instance that fits one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_claude_cli.sandbox.wire import invalid

WHERE = "output_config.format.schema"
# docs.aws.amazon.com/bedrock structured-output: no recursion, no bounds, closed objects.
REFUSED = {
    "string": ("maxLength", "minLength"),
    "number": ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"),
    "array": ("maxItems", "uniqueItems"),
    "object": ("maxProperties", "minProperties"),
}
REFUSED["integer"] = REFUSED["number"]
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "nobody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_SINGLE = ("items", "not", "additionalProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions")


def check(schema: Any) -> None:
    """Refuse what structured output does not take of a schema; ValidationException."""
    if not isinstance(schema, dict):
        raise invalid(f"{WHERE}: Input should be a valid dictionary")
    for part in _parts(schema):
        _check_part(part)
    _check_references(schema, schema, ())


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for part in _children(schema):
            yield from _parts(part)


def _children(schema: Mapping[str, Any]) -> Iterator[Any]:
    for name in _SINGLE:
        yield schema.get(name)
    for name in _LISTS:
        yield from schema.get(name) or () if isinstance(schema.get(name), list) else ()
    for name in _MAPS:
        yield from schema[name].values() if isinstance(schema.get(name), dict) else ()


def _check_part(part: dict[str, Any]) -> None:
    for kind in _types(part):
        found = [name for name in REFUSED.get(kind, ()) if name in part]
        if found:
            raise invalid(
                f"{WHERE}: For '{kind}' type, properties {', '.join(found)} are not supported"
            )
        if kind == "object" and part.get("additionalProperties") is not False:
            raise invalid(
                f"{WHERE}: For 'object' type, 'additionalProperties' must be explicitly set to "
                "false"
            )
        if kind == "array" and part.get("minItems", 0) not in (0, 1):
            raise invalid(
                f"{WHERE}: For 'array' type, 'minItems' values other than 0 or 1 are not supported"
            )


def _types(part: Mapping[str, Any]) -> list[str]:
    kind = part.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return [each for each in kinds if isinstance(each, str)]


def _check_references(part: Any, root: Mapping[str, Any], seen: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        return
    reference = part.get("$ref")
    if isinstance(reference, str):
        if reference in seen or reference == "#":
            raise invalid(f"{WHERE}: Recursive references are not supported")
        if not reference.startswith("#/") or _resolved(reference, root) is None:
            raise invalid(f"{WHERE}: Reference '{reference}' cannot be resolved")
        _check_references(_resolved(reference, root), root, (*seen, reference))
    for child in _children({name: part[name] for name in part if name not in _MAPS[1:]}):
        _check_references(child, root, seen)


def _resolved(reference: str, root: Mapping[str, Any]) -> dict[str, Any] | None:
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


class Endless(ValueError):
    """No instance of the schema has an end."""


def instance(schema: Any) -> Any:
    """A small value that fits the schema, but for `pattern`, `not` and `if`, which are not read.

    Optional properties are filled in, too, unless they would go on for ever.
    """
    try:
        return _instance(schema, schema, ())
    except Endless:
        return None


def _instance(part: Any, root: Any, seen: tuple[str, ...]) -> Any:
    if not isinstance(part, dict):
        return {}
    reference = part.get("$ref")
    if isinstance(reference, str):
        if reference in seen:
            raise Endless
        return _instance(_resolved(reference, root), root, (*seen, reference))
    for name in ("const", "default"):
        if name in part:
            return part[name]
    if isinstance(part.get("enum"), list) and part["enum"]:
        return part["enum"][0]
    for name in ("anyOf", "oneOf"):
        if isinstance(part.get(name), list) and part[name]:
            return _first(part[name], root, seen)
    if isinstance(part.get("allOf"), list) and part["allOf"]:
        return _merged([_instance(each, root, seen) for each in part["allOf"]])
    return _typed(part, root, seen)


def _first(choices: list[Any], root: Any, seen: tuple[str, ...]) -> Any:
    for choice in choices:
        try:
            return _instance(choice, root, seen)
        except Endless:
            continue
    raise Endless


def _merged(values: list[Any]) -> Any:
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) < len(values):
        return values[0]
    return {name: value for each in objects for name, value in each.items()}


def _typed(part: dict[str, Any], root: Any, seen: tuple[str, ...]) -> Any:
    kind = next(iter(_types(part)), "object" if "properties" in part else "string")
    if kind == "object":
        return _object(part, root, seen)
    if kind == "array":
        least = part.get("minItems", 1)
        try:
            item = _instance(part.get("items"), root, seen)
        except Endless:
            if "minItems" in part and least:
                raise
            return []
        return [item] * (least if isinstance(least, int) else 1)
    if kind in ("integer", "number"):
        return _number(part)
    if kind == "string":
        return _string(part)
    return False if kind == "boolean" else None


def _object(part: dict[str, Any], root: Any, seen: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    required = part.get("required")
    properties = part.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        try:
            made[name] = _instance(inner, root, seen)
        except Endless:
            if isinstance(required, list) and name in required:
                raise
    return made


def _number(part: dict[str, Any]) -> float:
    for name, step in (("minimum", 0), ("exclusiveMinimum", 1)):
        least = part.get(name)
        if isinstance(least, int | float) and not isinstance(least, bool) and least + step > 0:
            return least + step
    for name, step in (("maximum", 0), ("exclusiveMaximum", 1)):
        most = part.get(name)
        if isinstance(most, int | float) and not isinstance(most, bool) and most - step < 0:
            return most - step
    return 0


def _string(part: dict[str, Any]) -> str:
    made = FORMATS.get(str(part.get("format")), "sandbox")
    least, most = part.get("minLength"), part.get("maxLength")
    if isinstance(least, int):
        made += "x" * (least - len(made))
    return made[:most] if isinstance(most, int) and re.fullmatch("sandboxx*", made) else made
