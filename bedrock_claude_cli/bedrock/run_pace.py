"""How fast a run goes: how many requests at once, how many and how many tokens a minute."""

from __future__ import annotations

FIRST = 8
MOST = 256
# docs.aws.amazon.com/bedrock, "Token burndown": what an output token takes from the quota
BURNDOWN = 5
_SLOWER = 0.7
# Requests that were under way together are throttled together, which is one sign, not many.
_ONE_SIGN = 1.0
RENEWED = 10.0  # seconds between looks whether expired credentials are back


class Pace:
    """Admits requests; `now` is a monotonic clock's seconds, so a change of the time is none here.

    Without `concurrency` it goes up from 8 until AWS throttles. `rpm` and `tpm` are the user's
    limits of requests and tokens a minute.
    """

    def __init__(
        self, concurrency: int | None, rpm: float | None, tpm: float | None, now: float
    ) -> None:
        self.most = min(concurrency or MOST, MOST)
        self.limit = float(concurrency or FIRST)
        self._rpm, self._tpm = rpm, tpm
        self._next = now
        self._level, self._filled = float(tpm or 0), now
        self._rising = True
        self._slowed = now - _ONE_SIGN
        self.in_flight = 0

    def wait(self, tokens: int, now: float) -> float:
        """Seconds until a request of so many tokens may start; 0 is now, at most a minute."""
        if self.in_flight >= int(self.limit):
            return 60.0
        wait = max(0.0, self._next - now) if self._rpm else 0.0
        if self._tpm:
            self._fill(now)
            short = min(tokens, self._tpm) - self._level
            wait = max(wait, short / self._tpm * 60)
        return min(wait, 60.0)

    def start(self, tokens: int, now: float) -> None:
        """Book a request that starts: its input and all of its max_tokens."""
        self.in_flight += 1
        self._level -= tokens
        self.again(now)

    def again(self, now: float) -> None:
        """Book one request more, as a repeated one."""
        if self._rpm:
            self._next = max(self._next, now) + 60 / self._rpm

    def finish(self, reserved: int, used: int) -> None:
        """Give back what a request reserved, but for the tokens that it used."""
        self.in_flight -= 1
        self._level += reserved - used

    def answered(self) -> None:
        """A request was served: go faster, doubling until AWS first throttles."""
        if self.limit < self.most and self.in_flight + 1 >= int(self.limit):
            self.limit = min(self.most, self.limit + (1 if self._rising else 1 / self.limit))

    def throttled(self, now: float) -> None:
        """AWS throttled: go slower."""
        if now - self._slowed < _ONE_SIGN:
            return
        self._slowed = now
        self._rising = False
        self.limit = max(1.0, self.limit * _SLOWER)

    def hold(self, most: int) -> None:
        """The system has room for so many requests at once, and at least for one."""
        self.most = max(1, most)
        self.limit = min(self.limit, float(self.most))

    def _fill(self, now: float) -> None:
        tpm = self._tpm or 0
        self._level = min(tpm, self._level + (now - self._filled) * tpm / 60)
        self._filled = now


class Pause:
    """The wait for credentials that have expired; one request at a time tries the new ones."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._probe_at = self._waited = 0.0
        self._probing = False

    @property
    def on(self) -> bool:
        """Whether the run waits."""
        return self._since is not None

    def seconds(self, now: float) -> float:
        """How long the run has waited in all."""
        return self._waited + (now - self._since if self._since is not None else 0.0)

    def expired(self, now: float) -> bool:
        """A request met expired credentials; True for the first one."""
        first = self._since is None
        self._since = now if self._since is None else self._since
        self._probing = False
        self._probe_at = now + RENEWED
        return first

    def probe(self, now: float) -> bool:
        """Whether it is time that a request tries again."""
        if now < self._probe_at:
            return False
        self._probe_at = now + RENEWED
        self._probing = True
        return True

    def answered(self, now: float) -> None:
        """A request got past the credentials; if it was the one that tried, the wait is over."""
        if self._probing:
            self._waited = self.seconds(now)
            self._probing, self._since = False, None
