"""Which days of a bucket are read beside a log group, and which source's count stands."""

from __future__ import annotations

import pytest

from bedrock_claude_cli.bedrock.usage import Cell, Key, dates
from bedrock_claude_cli.bedrock.usage_sources import DAY, Window, doubtful, fuller

SINCE = 20_000 * DAY  # 2024-10-04
WINDOW = Window(SINCE, SINCE + 9 * DAY + 3600, ("model",))
DAYS = dates(WINDOW.since, WINDOW.until)


def days(*numbers: int) -> list[str]:
    return [DAYS[each] for each in numbers]


@pytest.mark.parametrize(
    "held, read",
    [
        (range(10), [(0, 0)]),
        ((), [(0, 9)]),
        ((8, 9), [(0, 8)]),
        ((0, 1, 2, 3), [(0, 0), (3, 9)]),
        ((0, 1, 2, 4, 5, 6, 7, 8, 9), [(0, 0), (2, 4)]),
        ((0, 2, 3, 4, 5, 7, 8, 9), [(0, 2), (5, 7)]),
    ],
)
def test_days_without_a_record_and_those_beside_them_are_read(
    held: tuple[int, ...], read: list[tuple[int, int]]
) -> None:
    spans = [
        (SINCE + first * DAY, min(SINCE + (last + 1) * DAY - 1, WINDOW.until))
        for first, last in read
    ]
    assert list(doubtful([*days(*held), None], WINDOW)) == spans


def cell(day: str | None, calls: int, name: str = "a") -> Cell:
    return Cell(Key(name, "us-east-1", day, None), calls, 0, 1, None, None, 1)


def test_of_each_day_the_side_that_knows_more_calls_counts_whole() -> None:
    one, two, three = days(1, 2, 3)
    group = [cell(two, 2), cell(two, 2, "b"), cell(three, 1), cell(None, 1)]
    bucket = [cell(one, 9), cell(two, 3), cell(three, 1, "c"), cell(three, 1), cell(None, 5)]
    kept = [cell(one, 9), cell(two, 2), cell(two, 2, "b"), cell(three, 1), cell(three, 1, "c")]
    found = fuller(group, bucket)
    assert sorted(found, key=str) == sorted([*kept, cell(None, 1)], key=str)


def test_with_as_many_calls_on_both_sides_the_log_group_counts() -> None:
    (day,) = days(4)
    assert fuller([cell(day, 2)], [cell(day, 2, "b")]) == [cell(day, 2)]
