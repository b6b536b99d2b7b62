"""The one spelling of durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock.duration import parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("30d", 2592000),
        ("0", 0),
        ("1.5m", 90),
        (" 5 s ", 5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "s", "-1", "1w", "1h30m", "1e3", "inf", "nan", "1,5", ".5", "5.", "\u0663", "1ms"],
)
def test_what_is_none_is_told_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="write 90, 90s, 15m, 2h or 30d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m"), (3661, "1h 1m"), (90061, "1d 1h")],
)
def test_shown_durations(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@given(st.integers(0, 59), st.integers(1, 59))
def test_what_is_shown_adds_up(seconds: int, minutes: int) -> None:
    shown = show_duration(minutes * 60 + seconds)
    assert sum(parse_duration(part) for part in shown.split()) == minutes * 60 + seconds
