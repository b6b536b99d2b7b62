"""How a run goes faster, slower, and no faster than it may."""

from __future__ import annotations

import pytest

from bedrock_claude_cli.bedrock.run_pace import FIRST, MOST, Pace


def serve(pace: Pace, count: int, now: float = 0.0) -> None:
    """So many answers, with as many requests under way as may be."""
    for _ in range(count):
        while pace.wait(0, now) == 0:
            pace.start(0, now)
        pace.finish(0, 0)
        pace.answered()


def test_it_doubles_from_eight_until_aws_throttles_and_then_climbs_slowly() -> None:
    pace = Pace(None, None, None, 0.0)
    assert pace.limit == FIRST == 8
    serve(pace, 8)
    assert pace.limit == 16
    serve(pace, 600)
    assert pace.limit == MOST == 256
    pace.throttled(1.0)
    pace.throttled(1.5)  # of the same moment, so no second sign
    slow = pace.limit
    assert slow == pytest.approx(256 * 0.7)
    serve(pace, 400, 2.0)
    assert slow + 1 < pace.limit < slow + 4
    for at in range(100):
        pace.throttled(3.0 + at)
    assert pace.limit == 1


def test_a_given_concurrency_is_never_exceeded_but_slowed_down() -> None:
    pace = Pace(5, None, None, 0.0)
    serve(pace, 100)
    assert pace.limit == 5
    pace.throttled(1.0)
    assert pace.limit == 3.5
    serve(pace, 100)
    assert pace.limit == 5


def test_requests_are_spread_over_the_minute() -> None:
    pace = Pace(100, 60, None, 10.0)
    assert pace.wait(0, 10.0) == 0
    pace.start(0, 10.0)
    assert pace.wait(0, 10.0) == 1
    assert pace.wait(0, 11.0) == 0
    pace.again(10.0)
    assert pace.wait(0, 11.0) == 1


def test_tokens_are_reserved_and_what_was_not_used_is_given_back() -> None:
    pace = Pace(100, None, 6000, 0.0)
    pace.start(5000, 0.0)
    assert pace.wait(2000, 0.0) == 10  # 1,000 are there, and 100 come a second
    pace.finish(5000, 500)
    assert pace.wait(2000, 0.0) == 0
    pace.start(2000, 0.0)
    pace.finish(2000, 9000)  # five times its output: more than was reserved
    assert pace.wait(1000, 0.0) == pytest.approx(45)
    assert pace.wait(1000, 45.0) == 0


def test_a_request_larger_than_a_minutes_tokens_goes_when_the_minute_is_full() -> None:
    pace = Pace(100, None, 1000, 0.0)
    assert pace.wait(5000, 0.0) == 0
    pace.start(5000, 0.0)
    pace.finish(5000, 5000)
    assert pace.wait(1, 0.0) == 60
