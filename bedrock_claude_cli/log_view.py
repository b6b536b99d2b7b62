"""How logged calls are shown: one row each, or with the prompt and the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from bedrock_claude_cli.bedrock import log_record, logs, pricing
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.logs import Record
from bedrock_claude_cli.errors import ExitCode
from bedrock_claude_cli.explain import translate
from bedrock_claude_cli.output import Column, Output
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
        self.exit_code = ExitCode.OK

    def all(self, records: Iterable[Record], *, empty: str) -> None:
        """All of them: a list in JSON, one table on a terminal, row by row in a pipe."""
        if self._out.json:
            self._out.data([self.as_json(self.whole(each)) for each in records])
        elif self._bodies or not self._out.terminal:
            if not self.each(records):
                self._out.note(empty)
        else:
            # A search may find many, and their bodies are not shown.
            slim = [replace(each, input=None, output=None) for each in records]
            self._out.rows(slim, self._columns(), empty=empty)

    def each(self, records: Iterable[Record]) -> int:
        """One after the other, as they come; returns how many."""
        count = 0
        for record in records:
            count += 1
            if self._out.json:
                self._out.data(self.as_json(self.whole(record)))
            elif self._bodies:
                self.one(record)
            else:
                cells = [column.cell(record).replace("\n", " ") for column in self._columns()]
                gap = "  " if self._out.terminal else "\t"
                self._out.line(gap.join(cell.replace("\t", " ") for cell in cells))
            self._out.stdout.flush()
        return count

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
            "timestamp": record.timestamp,
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
                "input": record.input,
                "output": record.output,
                "input_path": record.input_path,
                "output_path": record.output_path,
            }
        return shown

    def _cost(self, record: Record) -> float | None:
        return log_record.cost(record, self._known, self._prices)

    def _columns(self) -> tuple[Column[Record], ...]:
        """On a terminal short names, in a pipe the ids themselves."""
        short = self._out.terminal

        def who(record: Record) -> str:
            name = record.identity or "-"
            return name.partition("/")[2] or name if short else name

        def model(record: Record) -> str:
            found = self._known.get(record.base_id) if short and record.base_id else None
            return found.alias if found else record.model_id or "-"

        def cost(record: Record) -> str:
            amount = self._cost(record)
            return dollars(amount) if short or amount is None else f"{amount:.6f}"

        return (
            Column[Record]("TIME", lambda record: record.timestamp or "-"),
            Column[Record]("WHO", who),
            Column[Record]("MODEL", model, "bold"),
            Column[Record]("ENDPOINT", lambda record: record.endpoint or "-"),
            Column[Record]("IN", lambda record: _count(record.input_tokens)),
            Column[Record]("OUT", lambda record: _count(record.output_tokens)),
            Column[Record]("CACHE READ", lambda record: _count(record.cache_read)),
            Column[Record]("CACHE WRITE", lambda record: _count(record.cache_write)),
            Column[Record]("COST", cost),
            Column[Record]("STOP", lambda record: record.error_code or record.stop_reason or "-"),
            Column[Record]("REQUEST ID", lambda record: record.request_id or "-"),
        )


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
