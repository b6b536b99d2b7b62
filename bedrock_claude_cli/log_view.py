"""How logged calls are shown: one row each, or with the prompt and the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from bedrock_claude_cli.bedrock import log_bodies, log_record, logs, pricing
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.logs import Record
from bedrock_claude_cli.errors import ExitCode
from bedrock_claude_cli.explain import translate
from bedrock_claude_cli.output import Column, Output
from bedrock_claude_cli.terminal.table import Field, Table
from bedrock_claude_cli.usage_report import dollars


class View:
    """Where logged calls go; `s3` makes the client that fetches larger bodies.

    `exit_code` is PARTIAL once a body could not be fetched.
    """

    def __init__(
        self,
        out: Output,
        known: Catalog,
        prices: pricing.Overrides,
        s3: Callable[[], Any],
        *,
        bodies: bool,
    ) -> None:
        self._out = out
        self._known = known
        self._prices = prices
        self._make_s3 = s3
        self._s3: Any = None
        self._bodies = bodies
        self._table: Table[Record] | None = None
        self.exit_code = ExitCode.OK

    def all(self, records: Iterable[Record], *, empty: str) -> None:
        """All of them: a list in JSON, one table on a terminal, row by row in a pipe.

        `empty` is noted where there are none, unless it is empty itself.
        """
        if self._out.json:
            self._out.data([self.as_json(self.whole(each)) for each in records])
            return
        if self._bodies or not self._out.terminal:
            count = self.each(records)
        else:
            # A search may find many, and their bodies are not shown.
            slim = [replace(each, input=None, output=None) for each in records]
            count = len(slim)
            if slim:
                self._show(slim)
        if not count and empty:
            self._out.note(empty)

    def each(self, records: Iterable[Record]) -> int:
        """One after the other, as they come; returns how many."""
        count = 0
        for record in records:
            count += 1
            if self._out.json:
                self._out.data(self.as_json(self.whole(record)))
            elif self._bodies:
                self.one(record)
            elif self._table is not None:
                self._print(self._table.line(record))
            else:
                cells = (column.cell(record) for column in self._columns())
                self._out.line("\t".join(" ".join(re.split(r"[\t\n]", cell)) for cell in cells))
            self._out.stdout.flush()
        return count

    def begin(self, records: Sequence[Record]) -> None:
        """The first of them; what `each` prints later stands in the same columns."""
        if self._out.json or self._bodies or not self._out.terminal:
            self.each(records)
        else:
            self._show(records, grows=True)

    def _show(self, records: Sequence[Record], *, grows: bool = False) -> None:
        self._table = Table(self._fields(), records, self._console.width, grows=grows)
        self._print(self._table.head())
        for record in records:
            self._print(self._table.line(record))
        self._out.stdout.flush()

    @cached_property
    def _console(self) -> Any:
        from rich.console import Console

        return Console(
            file=self._out.stdout,
            color_system="standard" if self._out.color else None,
            highlight=False,
        )

    def _print(self, line: Any) -> None:
        self._console.print(line, crop=False, no_wrap=True, overflow="ignore", soft_wrap=True)

    def one(self, record: Record) -> None:
        """All that is known of one call, its prompt and its answer."""
        record = self.whole(record)
        if self._out.json:
            self._out.data(self.as_json(record))
            return
        for column in (*self._columns(), *_MORE):
            value = column.cell(record).replace("\n", " ")
            gap = " " * (13 - len(column.title)) if self._out.terminal else "\t"
            self._out.line(f"{column.title.lower()}{gap}{value}")
        for title, text, path in (
            ("prompt", record.prompt, record.input_path),
            ("answer", record.answer, record.output_path),
        ):
            missing = f"(at {path})" if path else "(not in the log)"
            self._out.line(f"{title}:")
            # Indented, so that no text can pass for a line of ours.
            for line in (text if text is not None else missing).split("\n"):
                self._out.line(f"  {line}")
        self._out.line("")

    def whole(self, record: Record) -> Record:
        """The record with larger bodies fetched, where bodies are asked for."""
        if not self._bodies:
            return record
        record = replace(
            record,
            input=self._body(record.input, record.input_path),
            output=self._body(record.output, record.output_path),
        )
        return replace(record, stop_reason=record.stop_reason or log_record.stopped(record.output))

    def _body(self, body: Any, path: str | None) -> Any:
        if body is not None or path is None:
            return body
        self._s3 = self._s3 or self._make_s3()
        try:
            return logs.body_at(path, self._s3)
        except Exception as error:  # one body that is out of reach must not hide the records
            self._out.warn(f"{path}: {translate(error).message}")
            self.exit_code = ExitCode.PARTIAL
            return None

    def as_json(self, record: Record) -> dict[str, Any]:
        """Every key of docs/json.md, null where there is nothing."""
        shown = {
            "timestamp": record.timestamp or None,
            "request_id": record.request_id,
            "identity": record.identity,
            "model": record.model_id,
            "base_id": record.base_id,
            "endpoint": record.endpoint,
            "region": record.region,
            "account": record.account,
            "operation": record.operation,
            "usage": {
                "input_tokens": record.input_tokens,
                "output_tokens": record.output_tokens,
                "cache_read_input_tokens": record.cache_read,
                "cache_creation_input_tokens": record.cache_write,
            },
            "cost_usd": self._cost(record),
            "stop_reason": record.stop_reason,
            "error_code": record.error_code,
            "metadata": dict(record.metadata),
        }
        if self._bodies:
            shown |= {
                "prompt": record.prompt,
                "answer": record.answer,
                "input": log_bodies.shallow(record.input),
                "output": log_bodies.shallow(record.output),
                "input_path": record.input_path,
                "output_path": record.output_path,
            }
        return shown

    def _cost(self, record: Record) -> float | None:
        return log_record.cost(record, self._known, self._prices)

    def _columns(self) -> tuple[Column[Record], ...]:
        """What a pipe gets: the ids themselves, and plain numbers."""

        def cost(record: Record) -> str:
            amount = self._cost(record)
            plain = amount is not None and not self._out.terminal
            return f"{amount:.6f}" if plain else dollars(amount)

        return (
            Column[Record]("TIME", lambda record: record.timestamp or "-"),
            Column[Record]("WHO", lambda record: record.identity or "-"),
            Column[Record]("MODEL", lambda record: record.model_id or "-"),
            Column[Record]("ENDPOINT", lambda record: record.endpoint or "-"),
            Column[Record]("IN", lambda record: _count(record.input_tokens)),
            Column[Record]("OUT", lambda record: _count(record.output_tokens)),
            Column[Record]("CACHE READ", lambda record: _count(record.cache_read)),
            Column[Record]("CACHE WRITE", lambda record: _count(record.cache_write)),
            Column[Record]("COST", cost),
            Column[Record]("STOP", _stop),
            Column[Record]("REQUEST ID", lambda record: record.request_id or "-"),
        )

    def _fields(self) -> tuple[Field[Record], ...]:
        """What a terminal gets: short names, and what matters most where it is narrow."""

        def model(record: Record) -> str:
            found = self._known.get(record.base_id) if record.base_id else None
            # The ARN of an application inference profile ends with the profile's own id.
            return found.alias if found else (record.model_id or "-").rpartition("/")[2]

        return (
            Field("TIME (UTC)", _time, 0, least=14),
            Field("WHO", _who, 6, short=_session),
            Field("MODEL", model, 1, "bold", least=10),
            Field("ENDPOINT", lambda record: record.endpoint or "-", 8, least=9),
            Field("IN", lambda record: _count(record.input_tokens), 4, right=True, least=6),
            Field("OUT", lambda record: _count(record.output_tokens), 5, right=True, least=5),
            Field("CACHE READ", lambda record: _count(record.cache_read), 9, right=True),
            Field("CACHE WRITE", lambda record: _count(record.cache_write), 10, right=True),
            Field("COST", lambda record: dollars(self._cost(record)), 2, right=True, least=8),
            Field("STOP", _stop, 3, least=8),
            Field("REQUEST ID", lambda record: record.request_id or "-", 7, least=36),
        )


def _time(record: Record) -> str:
    """Month, day and time; a text that is no timestamp stays as it is."""
    if record.seconds is None:
        return record.timestamp or "-"
    return f"{record.timestamp[5:10]} {record.timestamp[11:19]}"


def _who(record: Record) -> str:
    """The ARN's resource without its kind: user, or role and session."""
    name = record.identity or "-"
    return name.partition("/")[2] or name


def _session(record: Record) -> str:
    return (record.identity or "-").rpartition("/")[2]


def _stop(record: Record) -> str:
    return record.error_code or record.stop_reason or "-"


_MORE = (
    Column[Record]("OPERATION", lambda record: record.operation or "-"),
    Column[Record]("REGION", lambda record: record.region or "-"),
    Column[Record]("ACCOUNT", lambda record: record.account or "-"),
    Column[Record](
        "METADATA",
        lambda record: " ".join(f"{key}={value}" for key, value in record.metadata.items()) or "-",
    ),
)


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)
