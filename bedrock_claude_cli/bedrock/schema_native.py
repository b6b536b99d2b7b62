"""A JSON Schema as the models' own output format takes it, or why it cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# docs.aws.amazon.com/bedrock/latest/userguide/structured-output: no recursion, no limits on numbers
# and lengths, every object closed. anthropic 2.11.0, lib/_parse/_transform.py: the formats,
# minItems of 0 and 1, plain values in enums, and limits told in words.
FORMATS = frozenset((
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
))  # fmt: skip
# What an answer is held to here, afterwards; the model reads it in the description.
TOLD = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties",
)  # fmt: skip
BEYOND = (
    "allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies",
    "patternProperties", "propertyNames", "contains", "unevaluatedProperties", "unevaluatedItems",
    "prefixItems", "additionalItems", "$dynamicRef", "$recursiveRef",
)  # fmt: skip
_SHAPING = frozenset((
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
    "oneOf", "$ref", *TOLD,
))  # fmt: skip


class NotNativeError(Exception):
    """The output format has no such thing; the text names it."""


def native(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for the output format; NotNativeError where it would mean something else.

    What fits it need not fit `schema`, as limits are only told; objects that are not said to be
    open are closed.
    """
    reader = _Reader(schema)
    return reader.node(schema, ()) | reader.definitions


class _Reader:
    """Rewrites one schema; the definitions that it uses gather in `definitions`."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self.definitions: dict[str, dict[str, Any]] = {}

    def node(self, schema: Any, inside: tuple[str, ...]) -> dict[str, Any]:
        """The schema at one place; `inside` are the references that led to it."""
        if not isinstance(schema, dict):
            raise NotNativeError("place where anything fits")
        for key in BEYOND:
            if key in schema:
                raise NotNativeError(f"`{key}`")
        made = {key: schema[key] for key in ("title", "description") if key in schema}
        for key in ("$ref", "anyOf", "oneOf"):
            if key in schema:
                if len(_SHAPING & set(schema)) > 1:
                    raise NotNativeError(f"`{key}` beside other keywords")
                if key == "$ref":
                    return self._reference(schema[key], inside)
                return made | {"anyOf": [self.node(each, inside) for each in schema[key]]}
        if "enum" in schema or "const" in schema:
            made |= self._values(schema)
        else:
            made |= self._typed(schema, inside)
        return _telling(made, schema)

    def _reference(self, reference: str, inside: tuple[str, ...]) -> dict[str, Any]:
        place = re.fullmatch(r"#/(\$defs|definitions)/([^/~%]+)", reference)
        if place is None or reference in inside:
            what = f"`$ref` to {reference}" if reference not in ("#", *inside) else "recursion"
            raise NotNativeError(what)
        group, name = place.groups()
        known = self.definitions.setdefault(group, {})
        if name not in known:
            known[name] = self.node(self._root[group][name], (*inside, reference))
        return {"$ref": reference}

    def _values(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: schema[key] for key in ("enum", "const") if key in schema}
        for each in (*kept.get("enum", ()), kept.get("const")):
            if isinstance(each, dict | list):
                raise NotNativeError("lists and objects in `enum` or `const`")
        return kept

    def _typed(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        implied = [kind for kind, key in _IMPLIED.items() if key in schema]
        kind = schema.get("type", implied[0] if len(implied) == 1 else None)
        if kind is None:
            raise NotNativeError("place without a `type`")
        made: dict[str, Any] = {"type": kind}
        kinds = kind if isinstance(kind, list) else [kind]
        if "object" in kinds:
            made |= self._object(schema, inside)
        if "array" in kinds:
            if "items" not in schema:
                raise NotNativeError("list of anything")
            made["items"] = self.node(schema["items"], inside)
            if schema.get("minItems") in (0, 1):
                made["minItems"] = schema["minItems"]
        if "string" in kinds and schema.get("format") in FORMATS:
            made["format"] = schema["format"]
        return made

    def _object(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        if schema.get("additionalProperties", False) is not False:
            raise NotNativeError("object with other keys than its `properties`")
        properties = schema.get("properties") or {}
        required = schema.get("required", [])
        if not properties or set(required) - set(properties):
            raise NotNativeError("object whose keys are not all in `properties`")
        made = {
            "properties": {key: self.node(each, inside) for key, each in properties.items()},
            "additionalProperties": False,
        }
        return made | ({"required": list(required)} if required else {})


_IMPLIED = {"object": "properties", "array": "items"}


def _telling(made: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The limits that the format lacks, in words at the end of the description."""
    limits = [
        f"{key}: {json.dumps(schema[key], ensure_ascii=False)}"
        for key in TOLD
        if key in schema and key not in made
    ]
    if limits:
        parts = [str(made["description"])] if "description" in made else []
        made["description"] = "\n\n".join([*parts, "; ".join(limits)])
    return made
