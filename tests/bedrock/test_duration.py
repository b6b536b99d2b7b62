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
        ("0.5s", 0.5),
        ("3653d", 315619200),
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


@pytest.mark.parametrize("text", ["0", "0s", "0d", "0.0h"])
def test_no_time_is_too_short(text: str) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3654d", "99999d", "87673h", "9" * 400, "315619201"])
def test_more_than_logs_can_be_kept_is_too_long(text: str) -> None:
    with pytest.raises(ValueError, match="3653d is the longest"):
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
