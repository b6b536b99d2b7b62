"""The part of CloudWatch Logs Insights' language that sums invocation logs up.

    filter CONDITION [and CONDITION]... | stats SUM [as NAME], ... [by KEY, ...]

A condition is `field = "value"`, `field = 1` or `ispresent(field)`; a sum count(), count(*),
count(field) or sum(field); a key a field or bin(1d). A field with other characters than letters,
digits, _ and dots stands in backticks. Anything else is a MalformedQueryException.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bedrock_claude_cli.sandbox.patterns import MISSING, found_at
from bedrock_claude_cli.sandbox.wire import AwsError

_FIELD = r"(?:`[^`]+`|[A-Za-z_@][\w.]*)"
_CONDITION = re.compile(
    rf"(?:ispresent\s*\(\s*(?P<present>{_FIELD})\s*\)"
    rf"|(?P<field>{_FIELD})\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|-?\d+(?:\.\d+)?))"
)
_SUM = re.compile(
    rf"(?P<text>(?P<kind>count|sum)\s*\(\s*(?P<field>\*|{_FIELD})?\s*\))"
    r"(?:\s+as\s+(?P<name>[A-Za-z_]\w*))?"
)
_KEY = re.compile(rf"(?P<day>bin\s*\(\s*1d\s*\))|(?P<field>{_FIELD})")


@dataclass(frozen=True)
class Query:
    """A query that can be run over events, each a time in milliseconds and a JSON object."""

    conditions: list[Callable[[dict[str, Any]], bool]]
    sums: list[tuple[str, str, str]]
    keys: list[tuple[str, str]]

    def run(self, events: Iterable[dict[str, Any]]) -> tuple[list[list[dict[str, str]]], int]:
        """The rows of GetQueryResults, and how many events matched."""
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        matched = 0
        for event in events:
            value = _parsed(event["message"])
            if value is None or not all(holds(value) for holds in self.conditions):
                continue
            matched += 1
            key = tuple(_key(path, value, event["timestamp"]) for _, path in self.keys)
            groups.setdefault(key, []).append(value)
        return [self._row(key, values) for key, values in groups.items()], matched

    def _row(self, key: tuple[Any, ...], values: list[dict[str, Any]]) -> list[dict[str, str]]:
        named = zip((name for name, _ in self.keys), key, strict=True)
        row = [(name, value) for name, value in named if value is not None]
        row += [(name, _summed(kind, path, values)) for name, kind, path in self.sums]
        return [{"field": name, "value": str(value)} for name, value in row if value is not None]


def _parsed(message: str) -> dict[str, Any] | None:
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _key(path: str, value: dict[str, Any], milliseconds: int) -> Any:
    if path == "bin(1d)":
        moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
        return f"{moment:%Y-%m-%d} 00:00:00.000"
    found = found_at(value, path)
    return None if found is MISSING or isinstance(found, dict | list) else found


def _summed(kind: str, path: str, values: list[dict[str, Any]]) -> Any:
    if path in ("", "*"):
        return len(values)
    found = [item for value in values if (item := found_at(value, path)) is not MISSING]
    if kind == "count":
        return len(found)
    numbers = [item for item in found if isinstance(item, int | float)]
    return sum(numbers) if numbers else None


def parse(text: str) -> Query:
    """A query's text as something that can be run; MalformedQueryException."""
    commands = [command.strip() for command in _split(text, r"\|")]
    filters = [each for each in commands if each.startswith("filter ")]
    stats = [each for each in commands if each.startswith("stats ")]
    if commands != [*filters, *stats] or len(stats) != 1:
        raise malformed(text)
    words = [part for each in filters for part in _split(each[len("filter ") :], r"\sand\s")]
    summed, *grouped = _split(stats[0][len("stats ") :], r"\sby\s")
    if len(grouped) > 1:
        raise malformed(text)
    sums = [_whole(_SUM, part, text) for part in _split(summed, ",")]
    keys = [_whole(_KEY, part, text) for each in grouped for part in _split(each, ",")]
    return Query(
        [_condition(_whole(_CONDITION, part, text)) for part in words],
        [_sum(match, text) for match in sums],
        [
            ("bin(1d)", "bin(1d)") if match["day"] else (match["field"], _path(match["field"]))
            for match in keys
        ],
    )


def _split(text: str, separator: str) -> list[str]:
    """The text in pieces, where no quotes are around the separator."""
    masked = re.sub(r"\"[^\"]*\"|'[^']*'|`[^`]*`", lambda match: "_" * len(match[0]), text)
    edges = [edge for match in re.finditer(separator, masked) for edge in match.span()]
    bounds = [0, *edges, len(text)]
    return [text[bounds[at] : bounds[at + 1]] for at in range(0, len(bounds), 2)]


def _whole(pattern: re.Pattern[str], part: str, text: str) -> re.Match[str]:
    match = pattern.fullmatch(part.strip())
    if not match:
        raise malformed(text)
    return match


def _sum(match: re.Match[str], text: str) -> tuple[str, str, str]:
    if match["kind"] == "sum" and match["field"] in (None, "*"):
        raise malformed(text)
    return match["name"] or match["text"], match["kind"], _path(match["field"] or "")


def _condition(match: re.Match[str]) -> Callable[[dict[str, Any]], bool]:
    if match["present"]:
        path = _path(match["present"])
        return lambda value: found_at(value, path) is not MISSING
    path, value = _path(match["field"]), match["value"]
    wanted = value[1:-1] if value[0] in "\"'" else value
    return lambda event: str(found_at(event, path)) == wanted


def _path(field: str) -> str:
    return field.replace("`", "")


def malformed(text: str) -> AwsError:
    """The refusal of a text that this part of the language does not have."""
    return AwsError(
        "MalformedQueryException",
        "unexpected symbol found; the sandbox knows filter on equality and ispresent, and "
        f"stats count and sum by fields and bin(1d): {text}",
    )
