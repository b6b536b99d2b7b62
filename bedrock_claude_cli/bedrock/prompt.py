"""What is asked: every per-request option exactly once, and the request made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bedrock_claude_cli.bedrock.duration import parse_duration

ENDPOINTS = ("auto", "global", "in-region", "us", "eu", "jp", "au", "apac", "in", "us-gov")
VIAS = ("invoke",)

Problem = Callable[[str, str], None]


def is_utf8(text: str) -> bool:
    """False for what Python makes of other bytes in argv and the environment."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Spec:
    """What one option takes: its kind, range, default and one line of help."""

    kind: type
    help: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    duration: bool = False

    def read(self, value: object, *, text: bool) -> Any:
        """`value` as this option's type; ValueError says what it takes.

        With `text` a string stands for any type, as in an environment variable.
        """
        if self.many:
            items = value if isinstance(value, list | tuple) else [value]
            return tuple(self._one(item, text=text) for item in items)
        return self._one(value, text=text)

    def _one(self, value: object, *, text: bool) -> Any:
        if self.kind is str:
            if not isinstance(value, str):
                raise ValueError(f"takes text, not {_shown(value)}")
            if not value.strip():
                raise ValueError("is blank" if value else "is empty")
            if not is_utf8(value):
                raise ValueError("is not UTF-8 text")
            if self.choices and value not in self.choices:
                raise ValueError(f"is one of {', '.join(self.choices)}, not `{value}`")
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


SPECS: dict[str, Spec] = {
    "model": Spec(str, "an alias (`sonnet`, `opus-4.6`), a model id or an ARN", "sonnet-4.5"),
    "endpoint": Spec(str, "where the model may run", "auto", choices=ENDPOINTS),
    "via": Spec(str, "how the request is sent", "invoke", choices=VIAS),
    "max_tokens": Spec(int, "the longest answer, in tokens", 4096, low=1),
    "temperature": Spec(float, "0 to 1; the model's own default if unset", low=0, high=1),
    "top_p": Spec(float, "0 to 1; the model's own default if unset", low=0, high=1),
    "stop": Spec(str, "texts that end the answer", many=True),
    "system": Spec(str, "the system prompt, or @FILE"),
    "timeout": Spec(
        float,
        "how long to wait without a byte (90, 90s, 15m)",
        900,
        low=1,
        high=86400,
        duration=True,
    ),
    "retries": Spec(int, "how often to repeat what cannot have been billed", 4, low=0, high=100),
}


@dataclass(frozen=True)
class Options:
    """Every per-request option; None where it is not set. `timeout` is in seconds."""

    model: str | None = None
    endpoint: str | None = None
    via: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] | None = None
    system: str | None = None
    timeout: float | None = None
    retries: int | None = None

    @classmethod
    def read(
        cls, mapping: Mapping[str, object], problem: Problem, *, text: bool = False
    ) -> Options:
        """The options in `mapping`, from flags, environment, config, presets or record lines.

        Keys that are no options are left to the caller; what is wrong with a value goes to
        `problem(key, what)`, and the option stays unset. With `text` numbers may be strings.
        """
        found: dict[str, Any] = {}
        for key, value in mapping.items():
            if key in SPECS:
                try:
                    found[key] = SPECS[key].read(value, text=text)
                except ValueError as error:
                    problem(key, str(error))
        return cls(**found)

    def over(self, other: Options) -> Options:
        """These options, and where they are unset, those of `other`."""
        return replace(other, **self.given())

    def given(self) -> dict[str, Any]:
        """The options that are set."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value for key, value in values.items() if value is not None}


DEFAULTS = Options(**{key: spec.default for key, spec in SPECS.items()})


@dataclass(frozen=True)
class Request:
    """One question: options with nothing left to resolve, the id that is sent, and the text."""

    options: Options
    model_id: str
    text: str
    system: str | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation in the Messages API's shape."""
        return [{"role": "user", "content": [{"type": "text", "text": self.text}]}]
