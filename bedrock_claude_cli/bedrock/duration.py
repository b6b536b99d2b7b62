"""The one way a duration is written: `90`, `90s`, `15m`, `2h`, `30d`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# As long as CloudWatch Logs keeps anything that has an end; further back there is no date in AWS.
LONGEST_DAYS = 3653


def parse_duration(text: str) -> float:
    """Seconds of a duration above 0, at most LONGEST_DAYS; ValueError says what one looks like."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd]?)", text.strip())
    if match is None:
        raise ValueError(f"`{text}` is no duration: write 90, 90s, 15m, 2h or 30d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds <= 0:
        raise ValueError(f"`{text}` is too short: it takes more than 0")
    if seconds > LONGEST_DAYS * 86400:
        raise ValueError(f"`{text[:24]}` is too long: {LONGEST_DAYS}d is the longest")
    return seconds


def show_duration(seconds: float) -> str:
    """A duration in its two largest units, such as `1h 5m`; whole seconds below a minute."""
    left = int(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
