"""Records as the lines of a job's input, made once, and kept on disk until they are uploaded."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from json.encoder import encode_basestring
from pathlib import Path
from typing import IO, NamedTuple

from bedrock_claude_cli.bedrock import job_cost, job_index
from bedrock_claude_cli.bedrock.job_cost import Most
from bedrock_claude_cli.bedrock.pricing import Overrides
from bedrock_claude_cli.bedrock.transports import invoke
from bedrock_claude_cli.compose_record import Composed
from bedrock_claude_cli.errors import CliError

_BUFFER = 1 << 17  # bytes
_MARK = "the prompt \x00"


class Line(NamedTuple):
    """A record as it is sent: the line of the input, and that of the index beside it.

    `asked` is the latter but for the costs at its end, which change with the price list.
    """

    model: str
    sent: bytes
    asked: bytes
    most: Most

    @property
    def cost(self) -> float | None:
        """The most that it can cost, in USD; None where the batch price is unknown."""
        return self.most.cost

    @property
    def beside(self) -> bytes:
        """The line of the index."""
        return job_index.line(self.asked, self.most.bound)


class _Frame(NamedTuple):
    """What is around the prompt in the bodies of records that differ in nothing else.

    What such a record can cost depends on the length of its prompt alone, if that is ASCII.
    """

    before: bytes
    behind: bytes
    costs: dict[int, Most]


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
            most = job_cost.at_most(request, composed.target, self._prices)
        else:
            body = frame.before + encode_basestring(request.text).encode() + frame.behind
            most = self._most(composed, frame)
        asked = (
            job_index.head(composed.id, composed.sha256, composed.extra, composed.schema)
            if composed.extra or composed.schema is not None
            else f'[{name}, "{composed.sha256}", {{}}, null'.encode()
        )
        sent = b'{"recordId": ' + name.encode() + b', "modelInput": ' + body + b"}\n"
        return Line(request.model_id, sent, asked, most)

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

    def _most(self, composed: Composed, frame: _Frame) -> Most:
        text = composed.request.text
        size = len(text)
        if not text.isascii():
            return job_cost.at_most(composed.request, composed.target, self._prices)
        if size not in frame.costs:
            most = job_cost.at_most(composed.request, composed.target, self._prices)
            frame.costs[size] = most
        return frame.costs[size]


class Spool:
    """The lines of one model on disk, in files without a name that end with the process."""

    def __init__(self, folder: Path) -> None:
        try:
            self.sent: IO[bytes] = _file(folder)
            self.beside: IO[bytes] = _file(folder)
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
        """Let go of the disk; what it did not take is not wanted any more."""
        for each in (self.sent, self.beside):
            with suppress(OSError):
                each.close()


def _file(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=_BUFFER, dir=folder)  # Spool.close closes it


def _no_room(folder: Path, error: OSError) -> CliError:
    return CliError(
        f"the lines of the jobs cannot be kept in {folder}: {error.strerror}",
        hint="nothing was sent; run it where there is room for a copy of the input",
    )
