"""The only owner of retries of invocations: it repeats only what cannot have been billed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bedrock_claude_cli.bedrock.answer import Event, Sent, Started, Waiting

MAX_WAIT = 60.0
# Beyond this a script would rather be told than kept.
LONGEST_RETRY_AFTER = 300.0


def _random() -> float:
    from random import random

    return random()


def attempts(
    call: Callable[[], Iterator[Event]],
    *,
    retries: int,
    sleep: Callable[[float], Any] = time.sleep,
    rng: Callable[[], float] = _random,
) -> Iterator[Event]:
    """The events of `call`, made again while it fails unbilled.

    Sent comes before each attempt, Waiting before each wait.

    Throttling (but for a daily cap), 503, 529, a refused connection, DNS and TLS failures are
    repeated. Once AWS took the request (Started) nothing is. Waits are in seconds: full jitter
    under 1, 2, 4, ... up to 60, never below what Retry-After asks for; where that is more than
    300, the error is raised.
    """
    most = retries + 1
    for attempt in range(1, most + 1):
        started = False
        yield Sent()
        try:
            for event in call():
                started = started or isinstance(event, Started)
                yield event
            return
        except Exception as error:
            from bedrock_claude_cli.explain import cause, fault, translate

            told = translate(error)
            found = fault(error)
            least = (found.retry_after if found else None) or 0.0
            if started or told.retry != "now" or attempt == most:
                raise
            if least > LONGEST_RETRY_AFTER:
                raise told.hinted(f"AWS asks to wait {least:g} s before the next try") from error
            seconds = max(least, rng() * min(MAX_WAIT, 2.0 ** (attempt - 1)), 0.05)
            yield Waiting(
                round(seconds, 2),
                told.code if found else type(cause(error)).__name__,
                attempt + 1,
                most,
            )
        sleep(seconds)
