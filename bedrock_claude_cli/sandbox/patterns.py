"""CloudWatch Logs' filter patterns: terms, and conditions on the fields of JSON events.

error "two words" -not        all of the terms; those after a minus must not be there
?one ?two                     one of the terms at least
{ $.a.b = "x*" && $.n > 1 }   also != < >= <=, IS NULL, IS TRUE, NOT EXISTS, ||, parentheses
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from bedrock_claude_cli.sandbox.wire import AwsError

Matches = Callable[[str], bool]
Condition = Callable[[Any], bool]
MISSING = object()
_TOKEN = re.compile(
    r"""\s*(?:(?P<field>\$[\w.\[\]-]+)|(?P<text>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<sign>&&|\|\||!=|<=|>=|[=<>()])|(?P<word>[^\s()=<>!&|"$]+))"""
)
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compiled(pattern: str) -> Matches:
    """What a message must be like; InvalidParameterException for a pattern that is none."""
    if not pattern.strip().startswith("{"):
        return _terms(pattern)
    condition = _Parser(pattern.strip()).parse()

    def matches(message: str) -> bool:
        try:
            return condition(json.loads(message))
        except (ValueError, RecursionError):
            return False

    return matches


def _terms(pattern: str) -> Matches:
    found = re.findall(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))', pattern)
    terms = [(sign, re.sub(r"\\(.)", r"\1", quoted) or bare) for sign, quoted, bare in found]
    wanted = [term for sign, term in terms if not sign]
    unwanted = [term for sign, term in terms if sign == "-"]
    either = [term for sign, term in terms if sign == "?"]

    def matches(message: str) -> bool:
        return (
            all(term in message for term in wanted)
            and not any(term in message for term in unwanted)
            and (not either or any(term in message for term in either))
        )

    return matches


def _refusal(pattern: str) -> AwsError:
    return AwsError("InvalidParameterException", f"Invalid filter pattern: {pattern}")


class _Parser:
    """A condition in braces, by recursive descent."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        if not pattern.endswith("}"):
            raise _refusal(pattern)
        self._tokens: list[tuple[str, str]] = []
        inner, at = pattern[1:-1].rstrip(), 0
        while at < len(inner):
            match = _TOKEN.match(inner, at)
            if not match or not match.lastgroup:
                raise _refusal(pattern)
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()

    def parse(self) -> Condition:
        condition = self._either()
        if self._tokens:
            raise _refusal(self._pattern)
        return condition

    def _next(self, kind: str | None = None, value: str | None = None) -> str:
        if not self._tokens:
            raise _refusal(self._pattern)
        found, text = self._tokens.pop(0)
        if kind not in (None, found) or value not in (None, text):
            raise _refusal(self._pattern)
        return text

    def _takes(self, sign: str) -> bool:
        if self._tokens[:1] == [("sign", sign)]:
            self._tokens.pop(0)
            return True
        return False

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._takes("||"):
            parts.append(self._both())
        return lambda value: any(part(value) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._takes("&&"):
            parts.append(self._one())
        return lambda value: all(part(value) for part in parts)

    def _one(self) -> Condition:
        if self._takes("("):
            inner = self._either()
            self._next("sign", ")")
            return inner
        path = self._next("field").removeprefix("$").lstrip(".")
        if self._tokens and self._tokens[0][0] == "word":
            return self._state(path)
        sign = self._next("sign")
        kind, text = self._tokens[0] if self._tokens else ("", "")
        self._next()
        if kind not in ("text", "word"):
            raise _refusal(self._pattern)
        if kind == "word" and sign in _ORDER:
            limit = self._number(text)
            return lambda value: _compares(sign, found_at(value, path), limit)
        if sign not in ("=", "!="):
            raise _refusal(self._pattern)
        glob = re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "text" else text
        return lambda value: (sign == "=") == _equals(found_at(value, path), glob)

    def _state(self, path: str) -> Condition:
        words = (self._next("word").upper(), self._next("word").upper())
        if words == ("NOT", "EXISTS"):
            return lambda value: found_at(value, path) is MISSING
        named = {"NULL": None, "TRUE": True, "FALSE": False}
        if words[0] != "IS" or words[1] not in named:
            raise _refusal(self._pattern)
        return lambda value: found_at(value, path) is named[words[1]]

    def _number(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise _refusal(self._pattern) from None


def found_at(value: Any, path: str) -> Any:
    """What stands at a dotted path of parsed JSON; MISSING where nothing does."""
    if path == "":
        return value
    if isinstance(value, list):
        head, _, rest = path.partition(".")
        inside = head.isdecimal() and int(head) < len(value)
        return found_at(value[int(head)], rest) if inside else MISSING
    if not isinstance(value, dict):
        return MISSING
    if path in value:  # a key may hold dots of its own
        return value[path]
    head, _, rest = path.partition(".")
    return found_at(value[head], rest) if head in value and rest else MISSING


def _equals(value: Any, glob: str) -> bool:
    if value is MISSING or isinstance(value, dict | list | None):
        return False
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
    return fnmatchcase(text, glob.replace("[", "[[]").replace("?", "[?]"))


def _compares(sign: str, value: Any, limit: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return bool(number and _ORDER[sign](value, limit))
