"""The one sink: data to stdout (a table, TSV or JSON), talk to stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Generic, TextIO, TypeVar

from bedrock_claude_cli.errors import CliError, UsageError
from bedrock_claude_cli.terminal import AsideWriter, Writer, safe

Row = TypeVar("Row")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: its title, the cell's text, and a rich style for a terminal."""

    title: str
    cell: Callable[[Row], str]
    style: str = ""


class Output:
    """Where a command puts what it found (stdout) and what it has to say (stderr)."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        environ: Mapping[str, str],
        *,
        json: bool = False,
        query: str | None = None,
        quiet: bool = False,
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.json = json or query is not None
        self.quiet = quiet
        self.sandbox = False
        self.terminal = stdout.isatty()
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self.color = self.terminal and not plain
        self._talk_color = stderr.isatty() and not plain
        self._bare = query is not None and not json
        self._query = _compile(query) if query is not None else None

    def note(self, text: str) -> None:
        """Something worth knowing; silent with --quiet."""
        if not self.quiet:
            self._say("note", text, "2")

    def warn(self, text: str) -> None:
        """Something that is probably not wanted; silent with --quiet."""
        if not self.quiet:
            self._say("warning", text, "33")

    def asked(self, word: str, text: str) -> None:
        """Talk that a flag asked for; it shows with --quiet too."""
        self._say(word, text, "2")

    def error(self, error: CliError, hint: str | None, used: str) -> None:
        """The one way an error is told: text, or JSON with --json."""
        if self.json:
            self.stderr.write(json.dumps({"error": error.as_json() | {"hint": hint}}) + "\n")
            return
        self.fail(f"{error.message} ({used})" if used else error.message, hint)

    def fail(self, text: str, hint: str | None) -> None:
        """Something that decides the exit code; it shows with --quiet too."""
        self._say("error", text, "31;1")
        if hint:
            self._say("hint", hint, "36")

    def thoughts(self) -> Writer:
        """Where thinking that a flag asked for goes as it comes; it shows with --quiet too."""
        return AsideWriter(self.stderr, terminal=self.stderr.isatty(), dim=self._talk_color)

    def _say(self, word: str, text: str, color: str) -> None:
        self.stdout.flush()
        label = f"\x1b[{color}m{word}:\x1b[0m" if self._talk_color else f"{word}:"
        shown = safe(text) if self.stderr.isatty() else text
        self.stderr.write(f"{label} {shown}\n")
        self.stderr.flush()

    def line(self, text: str) -> None:
        """One line of data, made safe where a terminal shows it."""
        self.stdout.write((safe(text) if self.terminal else text) + "\n")

    def pause(self, seconds: float) -> None:
        """Sleep; BrokenPipeError as soon as nobody reads stdout any more."""
        import select
        import time

        try:
            descriptor = self.stdout.fileno()
        except OSError:  # a stream in memory has none
            time.sleep(seconds)
            return
        watch = select.poll()
        watch.register(descriptor, 0)  # errors and hang-ups only
        if watch.poll(seconds * 1000):
            raise BrokenPipeError

    def data(self, value: Any) -> None:
        """JSON of a dataclass, a mapping or a sequence of either, through --query."""
        plain = self._plain(value)
        if self._query is not None:
            # JMESPath sees lists, and a dataclass may hold tuples.
            plain = self._query.search(json.loads(json.dumps(plain)))
            if self._bare and isinstance(plain, str):
                self.line(plain)
                return
        self.stdout.write(json.dumps(plain, indent=2, ensure_ascii=self.terminal) + "\n")

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        body = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        if not isinstance(body, dict):
            return body
        head: dict[str, Any] = {"schema": 1}
        if self.sandbox:
            head["sandbox"] = True
        return head | {key: item for key, item in body.items() if key not in head}

    def rows(self, rows: Sequence[Row], columns: Sequence[Column[Row]], *, empty: str) -> None:
        """A table on a terminal, whole tab-separated rows in a pipe; `empty` is noted if so."""
        if self.json:
            self.data(list(rows))
            return
        if not rows:
            self.note(empty)
            return
        cells = [[column.cell(row) for column in columns] for row in rows]
        if self.terminal:
            self._table(columns, [[safe(cell) for cell in row] for row in cells])
            return
        for row in cells:
            self.stdout.write("\t".join(_tsv(cell) for cell in row) + "\n")

    def _table(self, columns: Sequence[Column[Row]], cells: list[list[str]]) -> None:
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console(
            file=self.stdout, color_system="standard" if self.color else None, highlight=False
        )
        widths = [
            max(cell_len(line) for row in [[column.title for column in columns], *cells]
                for line in row[index].split("\n"))
            for index in range(len(columns))
        ]  # fmt: skip
        shown = len(columns)
        while shown > 1 and sum(widths[:shown]) + 2 * (shown - 1) > console.width:
            shown -= 1
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for column in columns[:shown]:
            table.add_column(column.title, style=column.style, no_wrap=True, overflow="ignore")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row[:shown]))
        console.print(table, crop=False, no_wrap=True)


def _tsv(cell: str) -> str:
    return cell.replace("\t", " ").replace("\n", " ")


def _compile(query: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(query)
    except JMESPathError as error:
        what = " ".join(str(error).split())
        raise UsageError(f"--query is no JMESPath expression: {what}") from None
