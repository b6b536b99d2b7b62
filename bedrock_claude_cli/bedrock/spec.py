"""What one per-request option takes, wherever it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.duration import parse_duration

_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def is_utf8(text: str) -> bool:
    """False for what Python makes of other bytes in argv and the environment."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Spec(NamedTuple):
    """What one option takes: its kind, range, default and one line of help.

    `check` raises ValueError for a value of the right kind that is written wrong; `loose` takes
    what YAML makes of `off` and of figures as the text that stood there.
    """

    kind: type
    help: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    duration: bool = False
    loose: bool = False
    check: Callable[[Any], None] | None = None

    def read(self, value: object, *, text: bool) -> Any:
        """`value` as this option's type; ValueError says what it takes.

        With `text` a string stands for any type, as in an environment variable; a mapping is then
        written as `key=value`, or a list of those.
        """
        if self.kind is dict:
            return self._mapping(value, text=text)
        if self.many:
            items = value if isinstance(value, list | tuple) else [value]
            return tuple(self._one(item, text=text) for item in items)
        return self._one(value, text=text)

    def _mapping(self, value: object, *, text: bool) -> dict[str, str]:
        if text:
            pairs = [value] if isinstance(value, str) else value
            found = {}
            for pair in pairs if isinstance(pairs, list | tuple) else ():
                key, equals, inner = str(pair).partition("=")
                if not equals or not key:
                    raise ValueError(f"is written key=value, not `{pair}`")
                found[key] = inner
            value = found
        if not isinstance(value, dict) or not all(
            isinstance(each, str) for pair in value.items() for each in pair
        ):
            raise ValueError(f"takes a mapping of texts, not {_shown(value)}")
        if not all(is_utf8(each) for pair in value.items() for each in pair):
            raise ValueError("is not UTF-8 text")
        return value

    def _one(self, value: object, *, text: bool) -> Any:
        if self.kind is bool:
            word = _WORDS.get(value.lower()) if text and isinstance(value, str) else value
            if not isinstance(word, bool):
                raise ValueError(f"is true or false, not {_shown(value)}")
            return word
        if self.kind is str:
            if self.loose and isinstance(value, bool | int):
                value = ("on" if value else "off") if isinstance(value, bool) else str(value)
            if not isinstance(value, str):
                raise ValueError(f"takes text, not {_shown(value)}")
            if not value.strip():
                raise ValueError("is blank" if value else "is empty")
            if not is_utf8(value):
                raise ValueError("is not UTF-8 text")
            if self.choices and value not in self.choices:
                raise ValueError(f"is one of {', '.join(self.choices)}, not `{value}`")
            if self.check is not None:
                self.check(value)
            return value
        return self._in_range(self._number(value, text=text))

    def _number(self, value: object, *, text: bool) -> float:
        noun = "a whole number" if self.kind is int else "a number"
        if isinstance(value, str) and self.duration:
            return parse_duration(value)
        if isinstance(value, str) and text:
            try:
                return float(value) if self.kind is float else int(value)
            except ValueError:
                raise ValueError(f"takes {noun}, not `{value}`") from None
        allowed = (int, float) if self.kind is float else (int,)
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise ValueError(f"takes {noun}, not {_shown(value)}")
        return value

    def _in_range(self, number: float) -> Any:
        above = self.low is not None and not number >= self.low
        if above or (self.high is not None and not number <= self.high):
            shown = str(number)[:24].removesuffix(".0")
            if self.high is None:
                raise ValueError(f"is at least {self.low:g}, not {shown}")
            raise ValueError(f"is between {self.low:g} and {self.high:g}, not {shown}")
        return number


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"`{value}`"
