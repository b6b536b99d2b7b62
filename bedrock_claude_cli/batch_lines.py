"""Records as the lines of a job's input, made once, and kept on disk until they are uploaded."""

from __future__ import annotations

import json
import tempfile
from json.encoder import encode_basestring
from pathlib import Path
from typing import IO, NamedTuple

from bedrock_claude_cli.bedrock import job_cost, job_output
from bedrock_claude_cli.bedrock.pricing import Overrides
from bedrock_claude_cli.bedrock.transports import invoke
from bedrock_claude_cli.compose_record import Composed
from bedrock_claude_cli.errors import CliError

_MARK = "the prompt \x00"


class Line(NamedTuple):
    """A record as it is sent: the line of the input, that of the index beside it, its cost.

    `cost` is the most that it can cost, in USD; None where that is unknown.
    """

    model: str
    sent: bytes
    beside: bytes
    cost: float | None


class _Frame(NamedTuple):
    """What is around the prompt in the bodies of records that differ in nothing else.

    What such a record can cost depends on the length of its prompt alone, if that is ASCII.
    """

    before: bytes
    behind: bytes
    costs: dict[int, float | None]


class Lines:
    """Makes lines, of records that are alike from one frame."""

    def __init__(self, prices: Overrides) -> None:
        self._prices = prices
        self._frames: dict[tuple[str, str], _Frame | None] = {}

    def of(self, composed: Composed) -> Line:
        """The lines of a record."""
        request, name = composed.request, encode_basestring(composed.id)
        frame = self._frame(composed)
        if frame is None:
            body: bytes = invoke.build(request).arguments["body"]
            cost = job_cost.at_most(request, composed.target, self._prices)
        else:
            body = frame.before + encode_basestring(request.text).encode() + frame.behind
            cost = self._cost(composed, frame)
        beside = (
            job_output.index_line(composed.id, composed.sha256, composed.extra, composed.schema)
            if composed.extra or composed.schema is not None
            else f'[{name}, "{composed.sha256}", {{}}, null]\n'.encode()
        )
        sent = b'{"recordId": ' + name.encode() + b', "modelInput": ' + body + b"}\n"
        return Line(request.model_id, sent, beside, cost)

    def _frame(self, composed: Composed) -> _Frame | None:
        key = composed.frame
        if key is None:
            return None
        if key not in self._frames:
            if len(self._frames) > 256:
                self._frames.clear()
            marked = invoke.build(composed.request._replace(text=_MARK)).arguments["body"]
            parts = marked.split(json.dumps(_MARK).encode())
            self._frames[key] = _Frame(parts[0], parts[1], {}) if len(parts) == 2 else None
        return self._frames[key]

    def _cost(self, composed: Composed, frame: _Frame) -> float | None:
        text = composed.request.text
        size = len(text)
        if not text.isascii():
            return job_cost.at_most(composed.request, composed.target, self._prices)
        if size not in frame.costs:
            cost = job_cost.at_most(composed.request, composed.target, self._prices)
            frame.costs[size] = cost
        return frame.costs[size]


class Spool:
    """The lines of one model on disk, in files without a name that end with the process."""

    def __init__(self, folder: Path) -> None:
        try:
            self.sent: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # see close
            self.beside: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        except OSError as error:
            raise _no_room(folder, error) from None
        self._folder = folder

    def add(self, line: Line) -> None:
        """Keep a record's lines; CliError where the disk does not take them."""
        try:
            self.sent.write(line.sent)
            self.beside.write(line.beside)
        except OSError as error:
            raise _no_room(self._folder, error) from None

    def rewind(self) -> None:
        """Go back to the first line."""
        try:
            for each in (self.sent, self.beside):
                each.seek(0)
        except OSError as error:
            raise _no_room(self._folder, error) from None

    def close(self) -> None:
        """Let go of the disk."""
        self.sent.close()
        self.beside.close()


def _no_room(folder: Path, error: OSError) -> CliError:
    return CliError(
        f"the lines of the jobs cannot be kept in {folder}: {error.strerror}",
        hint="nothing was sent; run it where there is room for a copy of the input",
    )
