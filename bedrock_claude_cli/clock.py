"""How far this machine's clock is off AWS's: by the Date header, or by what AWS says of it."""

from __future__ import annotations

import re
import sys

# AWS takes a signature for 5 minutes, so from here on a clock is worth a word.
WORTH_SAYING = 60
# "Signature expired: SIGNED is now earlier than ... (NOW - 5 min.)"
_TOLD = re.compile(r"Signature (?:expired|not yet current): (\d{8}T\d{6}Z) .*\((\d{8}T\d{6}Z) ")
_SETS = {"darwin": "`sudo sntp -sS time.apple.com` sets it", "win32": "`w32tm /resync` sets it"}
_LINUX = (
    "`sudo timedatectl set-ntp true` sets it, in WSL `sudo hwclock -s`; a container has its host's"
)


def ahead(date: str | None, local: float) -> float | None:
    """Seconds that `local` (of the epoch) is ahead of a Date header; below 0 it is behind.

    The header is cut to its second, so what it means is half a second later. None without one.
    """
    from email.utils import parsedate_to_datetime

    try:
        return local - parsedate_to_datetime(date or "").timestamp() - 0.5
    except (TypeError, ValueError, OverflowError):
        return None


def told(message: str) -> float | None:
    """Seconds ahead by AWS's own words: the time that was signed, and AWS's time."""
    from datetime import datetime

    found = _TOLD.search(message)
    if found is None:
        return None
    try:
        signed, now = (datetime.strptime(each, "%Y%m%dT%H%M%SZ") for each in found.groups())
    except ValueError:
        return None
    return (signed - now).total_seconds()


def words(seconds: float) -> str:
    """`this machine's clock is 12 min 3 s behind AWS's`."""
    left, parts = round(abs(seconds)), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    if not parts:
        return "this machine's clock agrees with AWS's"
    side = "ahead of" if seconds > 0 else "behind"
    return f"this machine's clock is {' '.join(parts[:2])} {side} AWS's"


def setting(platform: str = sys.platform) -> str:
    """How a clock is set."""
    return _SETS.get(platform, _LINUX)


def hint(usual: str | None, message: str, by_header: float | None) -> str:
    """The hint of an error about the clock, with how far it is off where that is known."""
    off = told(message)
    off = by_header if off is None else off
    known = [words(off)] if off is not None and abs(off) >= WORTH_SAYING else []
    return "; ".join([*known, *([usual] if usual else []), setting()])
