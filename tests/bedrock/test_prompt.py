"""Per-request options: one reader for flags, environment, config and presets."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_claude_cli.bedrock.model_id import ENDPOINTS as RESOLVED_ENDPOINTS
from bedrock_claude_cli.bedrock.prompt import DEFAULTS, ENDPOINTS, SPECS, VIAS, Options


def read(text: bool = False, **values: Any) -> tuple[Options, dict[str, str]]:
    """The options, and what was wrong by key."""
    wrong: dict[str, str] = {}
    return Options.read(values, wrong.__setitem__, text=text), wrong


def test_every_option_has_a_specification_in_the_same_order() -> None:
    assert list(SPECS) == list(Options._fields)
    assert DEFAULTS.given().keys() == {key for key, spec in SPECS.items() if spec.default}


def test_endpoints_are_those_that_can_be_resolved() -> None:
    assert ENDPOINTS == RESOLVED_ENDPOINTS


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("max_tokens", "7", 7),
        ("temperature", "0.5", 0.5),
        ("timeout", "2h", 7200),
        ("timeout", "90", 90),
        ("retries", "0", 0),
        ("stop", "END", ("END",)),
        ("stop", ["a", "b"], ("a", "b")),
        ("model", "sonnet", "sonnet"),
    ],
)
def test_text_stands_for_any_type(key: str, value: Any, found: Any) -> None:
    options, wrong = read(text=True, **{key: value})
    assert getattr(options, key) == found
    assert wrong == {}


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("max_tokens", "7", "takes a whole number, not `7`"),
        ("max_tokens", 1.5, "takes a whole number, not `1.5`"),
        ("max_tokens", True, "takes a whole number, not `True`"),
        ("max_tokens", 0, "is at least 1, not 0"),
        ("temperature", "0.5", "takes a number, not `0.5`"),
        ("temperature", float("nan"), "is between 0 and 1, not nan"),
        ("top_p", 1.5, "is between 0 and 1, not 1.5"),
        ("timeout", "soon", "`soon` is no duration: write 90, 90s, 15m, 2h or 30d"),
        ("timeout", 0.5, "is between 1 and 86400, not 0.5"),
        ("retries", 101, "is between 0 and 100, not 101"),
        ("system", 5, "takes text, not `5`"),
        ("system", "", "is empty"),
        ("system", "\n", "is blank"),
        ("model", {"a": 1}, "takes text, not a mapping"),
        ("model", "caf\udce9", "is not UTF-8 text"),
        ("stop", ["a", None], "takes text, not nothing"),
        ("endpoint", "mars", f"is one of {', '.join(ENDPOINTS)}, not `mars`"),
        ("via", "pigeon", f"is one of {', '.join(VIAS)}, not `pigeon`"),
    ],
)
def test_a_typed_value_is_not_guessed_at(key: str, value: Any, what: str) -> None:
    options, wrong = read(**{key: value})
    assert wrong == {key: what}
    assert getattr(options, key) is None


def test_all_problems_are_told_and_other_keys_are_left_alone() -> None:
    options, wrong = read(max_tokens=0, retries=-1, temperature=1, unknown="x")
    assert list(wrong) == ["max_tokens", "retries"]
    assert options.given() == {"temperature": 1}


def test_options_over_others() -> None:
    upper, lower = Options(model="a", retries=0), Options(model="b", retries=3, system="s")
    assert upper.over(lower) == Options(model="a", retries=0, system="s")
