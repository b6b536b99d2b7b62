"""How records are split into jobs: one model each, within what a job takes."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from bedrock_claude_cli.errors import UsageError

# docs.aws.amazon.com/bedrock, quotas of batch inference: defaults that an account may have changed
LEAST_RECORDS = 100
MAX_RECORDS = 50_000
MAX_BYTES = 1_000_000_000
DEFAULTS = "this is a default of AWS's, which Service Quotas may have changed for the account"


class Share(NamedTuple):
    """What one job gets of the records of its model: the next so many, and their bytes."""

    model: str
    records: int
    bytes: int


class Splitter:
    """Shares for the records of one model, which come one by one with their size."""

    def __init__(self, model: str, max_records: int, max_bytes: int) -> None:
        self.model = model
        self._most = max_records
        self._most_bytes = max_bytes
        self._full: list[Share] = []
        self._count = self._size = 0
        self._last: deque[int] = deque(maxlen=LEAST_RECORDS)

    def add(self, size: int) -> None:
        """One more record of so many bytes; UsageError where it alone is too large for a job."""
        if size > self._most_bytes:
            raise UsageError(f"it has {size:,} bytes, and a job takes {self._most_bytes:,}")
        if self._count == self._most or self._size + size > self._most_bytes:
            self._full.append(Share(self.model, self._count, self._size))
            self._count = self._size = 0
        self._count += 1
        self._size += size
        self._last.append(size)

    def shares(self) -> list[Share]:
        """The jobs; the last one takes from the one before what it lacks of the least.

        UsageError where there are too few records for the jobs that are needed.
        """
        lacking = LEAST_RECORDS - self._count
        if lacking <= 0:
            return [*self._full, Share(self.model, self._count, self._size)]
        if not self._full:
            raise UsageError(
                f"{self._count} records for {self.model}, and a batch job takes at least "
                f"{LEAST_RECORDS}: {DEFAULTS}",
                hint="fewer are a case for `bedrock-claude run`",
            )
        before, size = self._full[-1], sum(self._last)
        if before.records - lacking < LEAST_RECORDS or size > self._most_bytes:
            raise UsageError(
                f"the records for {self.model} cannot be split into jobs of at least "
                f"{LEAST_RECORDS} records within --max-records and --max-bytes",
                hint="raise them, if the account's quotas allow it",
            )
        moved = size - self._size
        shorter = Share(self.model, before.records - lacking, before.bytes - moved)
        return [*self._full[:-1], shorter, Share(self.model, LEAST_RECORDS, size)]
