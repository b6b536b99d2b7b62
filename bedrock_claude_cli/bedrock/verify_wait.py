"""`verify-creds --wait`: looking again while what is missing may come without another command."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bedrock_claude_cli.bedrock.checks import NOT_TRIED, PENDING, Check
from bedrock_claude_cli.bedrock.duration import show_duration
from bedrock_claude_cli.bedrock.verify import Report
from bedrock_claude_cli.errors import ExitCode

# Seconds between looks: the last one again and again.
PAUSES = (2, 3, 5, 7, 10)
_MAY_COME = (ExitCode.AUTH, ExitCode.DENIED, ExitCode.UNAVAILABLE)
# Seconds that botocore may wait in all before it gives up one call.
RETRIES = 15


@dataclass(frozen=True)
class Arriving(Check):
    """A fail of AWS's own files, which may still be being written."""


def awaited(report: Report) -> Check | None:
    """The first check that may hold later: by itself, a login, or an administrator's doing.

    None where there is none, or where another one fails that only another command line, another
    config or another model mends.
    """
    failed = [each for each in report.checks if each.status == "fail" and each.code != NOT_TRIED]
    # A process never sees new keys in its environment.
    fixed = report.credentials.method == "env"
    if not all(_may_come(each, fixed=fixed) for each in failed):
        return None
    pending = [each for each in report.checks if each.code == PENDING]
    return next(iter([*failed, *pending]), None)


def _may_come(check: Check, *, fixed: bool) -> bool:
    if check.name == "invoke" and check.retry == "maybe-billed":
        return False
    if fixed and str(check.code).startswith("ExpiredToken"):
        return False
    if isinstance(check, Arriving):
        return True
    required = check.exit_code == ExitCode.UNMET and check.code != "Unmet"
    return required or check.exit_code in _MAY_COME


def patiently(
    look: Callable[[bool], Report],
    seconds: float,
    *,
    renew: Callable[[], None],
    pause: Callable[[float], None],
    say: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> Report:
    """The report once there is nothing more to wait for, or after `seconds` as it is then.

    `look` is told whether to make no call again by itself, for which the time would not suffice.
    `renew` forgets credentials and clients before each further look; a reason is said once.
    """
    end, told, looks = now() + seconds, None, 0
    while True:
        report = look(seconds > 0 and end - now() < RETRIES)
        check, left = awaited(report), end - now()
        if check is None or left <= 0:
            return report
        if told != (check.name, check.code):
            told = (check.name, check.code)
            hint = f"; {check.hint}" if check.hint else ""
            most = show_duration(round(left))
            say(f"waiting for {check.name}, {most} at most: {check.detail}{hint}")
        pause(min(PAUSES[min(looks, len(PAUSES) - 1)], left))
        looks += 1
        renew()
