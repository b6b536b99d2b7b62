"""This machine's clock, measured by the Date header of answers that are asked for anyway."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import get_ident
from typing import Any

from bedrock_claude_cli import clock
from bedrock_claude_cli.bedrock.checks import Check


class Skew:
    """Watches clients of botocore's; of what it measured the surest counts.

    An answer's date lies between request and answer, so it is sure to half of what they took.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._sent: dict[int, float] = {}
        self._found: list[tuple[float, float]] = []

    def watch(self, client: Any) -> Any:
        """The same client, each of whose attempts is measured from now on."""
        client.meta.events.register("before-send", self._before, unique_id="skew-sent")
        client.meta.events.register("response-received", self._after, unique_id="skew-answered")
        return client

    def _before(self, **_: Any) -> None:
        self._sent[get_ident()] = self._now()

    def _after(self, response_dict: Mapping[str, Any] | None = None, **_: Any) -> None:
        sent, now = self._sent.pop(get_ident(), None), self._now()
        headers = (response_dict or {}).get("headers") or {}
        if sent is None:
            return
        ahead = clock.ahead(headers.get("date"), (sent + now) / 2)
        if ahead is not None:
            self._found.append(((now - sent) / 2 + 0.5, ahead))

    @property
    def seconds(self) -> int | None:
        """Whole seconds that this clock is ahead, below 0 behind; None without an answer."""
        if not self._found:
            return None
        unsure, ahead = min(self._found)
        return 0 if abs(ahead) <= unsure else round(ahead)


def check(seconds: int | None) -> Check:
    """Whether the clock is right enough to sign with."""
    if seconds is None:
        return Check("clock", "skip", "no answer of AWS's told its time")
    if abs(seconds) < clock.WORTH_SAYING:
        return Check("clock", "ok", clock.words(seconds))
    text = f"{clock.words(seconds)}, which takes no signature that is 5 minutes off"
    return Check("clock", "warn", text, clock.setting())
