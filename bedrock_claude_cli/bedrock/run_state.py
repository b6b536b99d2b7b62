"""What the lines of an output say: which records are done, failed, cut or changed, and the cost."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from bedrock_claude_cli.bedrock import record_line
from bedrock_claude_cli.bedrock.hashes import Hashes
from bedrock_claude_cli.bedrock.record_line import WHOLE

Found = Literal["new", "done", "failed", "changed", "corrected"]


class State:
    """What the lines of an output say; ids and their requests are held as 8-byte hashes.

    `spent` is in USD: what the lines cost, or can have cost at most. Of an id that was asked again
    the later line counts, and both were paid for; `repeats` are the earlier ones. An answer before
    an error still is what became of its own request.
    """

    def __init__(self) -> None:
        self.records = self.incomplete = self.repeats = 0
        self.spent = 0.0
        self.errors: Counter[str] = Counter()
        self.sandbox: bool | None = None
        self._ids, self._requests = array("q"), array("q")
        self._indexed = Hashes(array("q"), array("q"))
        # The ids without a whole answer: the code of the error, None for an answer that is cut.
        self._flawed: dict[int, str | None] = {}
        self._failed_at, self._cut_at = array("q"), array("q")  # which lines those are
        self._kept: dict[int, int] = {}  # the requests of the answers before errors, by id
        self._kept_cut: set[int] = set()

    def add(self, head: record_line.Head) -> None:
        """Count one line more, before `index`."""
        record_id, sha256, cost, _, earlier, complete, error, self.sandbox = head
        own = hash(record_id)
        self.spent += cost if cost is not None and earlier is None else head.spent
        self._ids.append(own)
        self._requests.append(hash(sha256))
        if own in self._flawed:
            self._count(self._flawed.pop(own), -1)
        if error is not None or not complete:
            self._count(error, 1)
            self._flawed[own] = error
            (self._cut_at if error is None else self._failed_at).append(len(self._ids) - 1)

    def join(self, later: State) -> None:
        """Count the lines of another state as if they had been added here, before `index`."""
        flawed = self._flawed
        if flawed:
            for own in later._ids:
                if own in flawed:
                    self._count(flawed.pop(own), -1)
        for own, error in later._flawed.items():
            flawed[own] = error
            self._count(error, 1)
        behind = len(self._ids)
        for ours, theirs in ((self._failed_at, later._failed_at), (self._cut_at, later._cut_at)):
            ours.extend(behind + at for at in theirs)
        self.spent += later.spent
        if later._ids:
            self.sandbox = later.sandbox
        self._ids.extend(later._ids)
        self._requests.extend(later._requests)

    def _count(self, error: str | None, more: int) -> None:
        if error is None:
            self.incomplete += more
        else:
            self.errors[error] += more
            if not self.errors[error]:
                del self.errors[error]

    def add_answers(self, lines: Iterable[bytes]) -> tuple[int, bytes]:
        """Count whole answers, at a third of the work, until a line that is something else.

        Returns the bytes of those that were counted, and that other line: empty at the end.
        """
        add_id, add_request, flawed = self._ids.append, self._requests.append, self._flawed
        read, spent, length, sandbox, line = WHOLE.match, self.spent, 0, self.sandbox, b""
        for line in lines:
            match = read(line)
            if match is None or not line.endswith(b"\n"):
                break
            in_sandbox, name, sha256, cost = match.groups()
            try:
                own, request, usd = hash(name.decode()), hash(sha256.decode()), float(cost)
            except ValueError:  # of a number or a character that is none
                break
            if own in flawed:
                break
            add_id(own)
            add_request(request)
            spent += usd
            length += len(line)
            sandbox = in_sandbox is not None
        else:
            line = b""
        self.spent, self.sandbox = spent, sandbox
        return length, line

    def index(self) -> None:
        """Make what was added ready to be asked for."""
        self._indexed = Hashes(self._ids, self._requests)
        self.repeats = self._indexed.repeats
        self.records = len(self._ids) - self.repeats
        failed = {own for own in self._indexed.twice if self._flawed.get(own) is not None}
        if failed:
            self._keep(failed)
        self._ids, self._requests = array("q"), array("q")
        self._failed_at, self._cut_at = array("q"), array("q")

    def _keep(self, failed: set[int]) -> None:
        """Find the answers before the errors of these ids."""
        flaws = bytearray(len(self._ids))  # 1 for an error, 2 for an answer that is cut
        for flaw, where in ((1, self._failed_at), (2, self._cut_at)):
            for at in where:
                flaws[at] = flaw
        for at, own in enumerate(self._ids):
            if own in failed and flaws[at] != 1:
                self._kept[own] = self._requests[at]
                (self._kept_cut.add if flaws[at] else self._kept_cut.discard)(own)

    def __len__(self) -> int:
        return self.records

    @property
    def lines(self) -> int:
        """The lines that were counted, before `index`."""
        return len(self._ids)

    def has(self, record_id: str) -> bool:
        """Whether a line has this id."""
        return self._indexed.get(hash(record_id)) is not None

    def failed(self, record_id: str) -> bool:
        """Whether the last line of this id is an error."""
        return self._flawed.get(hash(record_id)) is not None

    def cut(self, record_id: str) -> bool:
        """Whether the last answer of this id is not whole."""
        own = hash(record_id)
        if own in self._kept_cut:
            return True
        return bool(self.incomplete) and self._flawed.get(own, "whole") is None

    def find(self, record_id: str, sha256: str) -> Found:
        """What became of a record; `corrected` is one that failed, with another request."""
        own = hash(record_id)
        asked = self._indexed.get(own)
        if asked is None:
            return "new"
        request = hash(sha256)
        same = asked == request
        if self._flawed and self._flawed.get(own) is not None:
            if self._kept.get(own) == request:
                return "done"
            return "failed" if same else "corrected"
        return "done" if same else "changed"
