"""How a usage report looks: a table with bars and a line of days, on a terminal and as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.usage import Report, Spend, ranges
from bedrock_claude_cli.output import Column
from bedrock_claude_cli.terminal import safe
from bedrock_claude_cli.terminal.table import Field, Table

BAR = 12
PAGE_WIDTH = 500  # no column is left out of a page
FEW = 6
_EIGHTHS = " ▏▎▍▌▋▊▉"
_HEIGHTS = "▁▂▃▄▅▆▇█"
# rich's own page, with a title.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<title>Claude on Amazon Bedrock: usage</title>
<style>
{stylesheet}
body {{ color: {foreground}; background-color: {background}; }}
</style>
</head>
<body>
<pre style="font-family:Menlo,'DejaVu Sans Mono',Consolas,monospace"><code>{code}</code></pre>
</body>
</html>
"""


class Look(NamedTuple):
    """What the terminal can show, and the short names of models by base id."""

    width: int
    blocks: bool
    aliases: Mapping[str, str]


def columns(by: Sequence[str]) -> list[Column[Spend]]:
    """The columns in a pipe: groups, then plain numbers; `?` is unknown, `-` is none."""

    def group(name: str) -> Callable[[Spend], str]:
        return lambda spend: spend.group[name] or "-"

    def plain(name: str) -> Callable[[Spend], str]:
        return lambda spend: _plain(getattr(spend, name))

    return [
        *(Column[Spend](name.upper(), group(name)) for name in by),
        Column[Spend]("CALLS", plain("calls")),
        Column[Spend]("INPUT", plain("input_tokens")),
        Column[Spend]("CACHE READ", plain("cache_read_input_tokens")),
        Column[Spend]("CACHE WRITE", plain("cache_creation_input_tokens")),
        Column[Spend]("OUTPUT", plain("output_tokens")),
        Column[Spend]("ERRORS", plain("errors")),
        Column[Spend]("THROTTLES", plain("throttles")),
        Column[Spend]("COST USD", plain("cost_usd")),
    ]


def notes(report: Report) -> list[str]:
    """What a reader of the figures has to know."""
    told = []
    if report.missing_days and report.total.calls:
        missing = ranges(report.missing_days)
        more = f" and {len(missing) - FEW} more times" if len(missing) > FEW else ""
        told.append(
            f"no records on {len(report.missing_days)} of {len(report.days)} days: "
            f"{', '.join(missing[:FEW])}{more}"
        )
    if report.total.uncounted:
        told.append(f"{report.total.uncounted} calls were logged without token counts")
    if report.total.unpriced:
        told.append(f"{report.total.unpriced} calls have no known price; the cost is without them")
    if report.untiered:
        told.append(
            "a model here charges more for long prompts, which sums from CloudWatch Logs do not "
            "tell apart; the cost is what it is at least"
        )
    return told


def show(report: Report, stream: Any, look: Look, *, color: bool) -> None:
    """Write the report to a terminal."""
    from rich.console import Console

    console = Console(
        file=stream,
        width=look.width,
        color_system="standard" if color else None,
        force_terminal=True,
        highlight=False,
    )
    for part in _parts(report, look):
        console.print(part, crop=False, no_wrap=True, overflow="ignore", soft_wrap=True)


def page(report: Report, aliases: Mapping[str, str]) -> str:
    """The same report as one HTML page that needs nothing else."""
    console = recorded(report, aliases, PAGE_WIDTH)
    return str(console.export_html(code_format=_PAGE))


def recorded(report: Report, aliases: Mapping[str, str], width: int) -> Any:
    """A console of rich's that has seen the report and its notes, to export from."""
    import io

    from rich.console import Console
    from rich.text import Text

    console = Console(
        record=True,
        file=io.StringIO(),
        width=width,
        color_system="truecolor",
        force_terminal=True,
        highlight=False,
        legacy_windows=False,
    )
    for part in _parts(report, Look(width, True, aliases)):
        console.print(part, crop=False, no_wrap=True, overflow="ignore", soft_wrap=True)
    for each in notes(report):
        console.print(Text(safe(f"note: {each}"), "dim"))
    return console


def _parts(report: Report, look: Look) -> list[Any]:
    from rich.text import Text

    head = f"Claude on Amazon Bedrock, {report.region}"
    days = f"{report.first_day} to {report.last_day} (UTC)"
    return [
        Text.assemble((head, "bold"), f"  {days}"),
        Text(safe(report.source), "dim"),
        Text(f"cost: an estimate, {report.prices}", "dim"),
        Text(),
        *_table(report, look),
        Text(),
        _line_of_days(report, look),
        _top_day(report),
    ]


def _table(report: Report, look: Look) -> list[Any]:
    """Where the terminal is narrow, names and bars are shorter, and then columns are left out."""
    weigh = _weigher(report)
    most = max((weigh(row) for row in report.rows), default=0)
    total = replace(report.total, group=dict.fromkeys(report.by))

    def bars(size: int) -> Callable[[Spend], str]:
        return lambda row: "" if row is total else bar(weigh(row), most, look.blocks, size)

    def group(at: int, name: str) -> Field[Spend]:
        title = "total" if at == 0 else ""
        short = _short_names(report, name, look)

        def whole(row: Spend) -> str:
            return title if row is total else _name(row.group[name], name, look)

        def shorter(row: Spend) -> str:
            return title if row is total else short[row.group[name]]

        return Field(name.upper(), whole, 0, "bold" if at == 0 else "", short=shorter)

    def figure(title: str, text: Callable[[Spend], str], rank: int) -> Field[Spend]:
        return Field(title, text, rank, right=True)

    fields = [
        *(group(at, name) for at, name in enumerate(report.by)),
        figure("COST", _dollars, 1),
        Field("", bars(BAR), 7, "cyan", short=bars(BAR // 2)),
        figure("CALLS", lambda row: f"{row.calls:,}", 2),
        figure("INPUT", lambda row: _tokens(row.input_tokens), 5),
        figure("OUTPUT", lambda row: _tokens(row.output_tokens), 6),
        figure("CACHE READ", lambda row: _tokens(row.cache_read_input_tokens), 8),
        figure("CACHE WRITE", lambda row: _tokens(row.cache_creation_input_tokens), 9),
        figure("ERRORS", lambda row: f"{row.errors:,}", 3),
        figure("THROTTLES", lambda row: f"{row.throttles:,}", 4),
    ]
    table = Table(fields, [*report.rows, total], look.width)
    return [table.head(), *map(table.line, report.rows), table.line(total, "bold")]


def _short_names(report: Report, dimension: str, look: Look) -> dict[str | None, str]:
    """Identities as session or user, or with the role before it, where they stay different."""
    values = {row.group[dimension] for row in report.rows}
    whole = {value: _name(value, dimension, look) for value in values}
    if dimension != "identity":
        return whole
    last = {value: name.rpartition("/")[2] for value, name in whole.items()}
    both = {value: name.partition("/")[2] or name for value, name in whole.items()}
    return next((each for each in (last, both) if len(set(each.values())) == len(values)), whole)


def _line_of_days(report: Report, look: Look) -> Any:
    """One character a day; where the terminal is too narrow, one for a few days."""
    from rich.text import Text

    weigh = _weigher(report)
    room = max(look.width - len("day by day  "), 1)
    step = -(-len(report.days) // room)
    runs = [report.days[at : at + step] for at in range(0, len(report.days), step)]
    heights = [sum(map(weigh, run)) if any(day.calls for day in run) else None for run in runs]
    title = "day by day  " if step == 1 else f"by {step} days".ljust(12)
    return Text.assemble((title, "bold"), (spark(heights, look.blocks), "cyan"))


def _top_day(report: Report) -> Any:
    from rich.text import Text

    top = max(report.days, key=_weigher(report))
    amount = _dollars(top) if report.total.cost_usd else f"{top.calls} calls"
    return Text(f"{'most on':<12}{top.group['day']}: {amount}")


def bar(value: float, most: float, blocks: bool, size: int = BAR) -> str:
    """A bar of up to `size` cells, in eighths where the terminal has them."""
    eighths = round(value / most * size * 8) if most else 0
    if value and not eighths:
        eighths = 1
    if not blocks:
        return "#" * -(-eighths // 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + _EIGHTHS[rest].strip()


def spark(values: Sequence[float | None], blocks: bool) -> str:
    """One character for each value by its share of the largest; a dot for None."""
    heights = _HEIGHTS if blocks else "_.-=+*%#"
    most = max((value for value in values if value is not None), default=0)

    def one(value: float | None) -> str:
        if value is None:
            return "·" if blocks else " "
        return heights[min(int(value / most * len(heights)), len(heights) - 1) if most else 0]

    return "".join(one(value) for value in values)


def _weigher(report: Report) -> Callable[[Spend], float]:
    """What bars show: the cost, or where none is known the calls."""
    if report.total.cost_usd:
        return lambda spend: spend.cost_usd or 0.0
    return lambda spend: float(spend.calls)


def _name(value: str | None, dimension: str, look: Look) -> str:
    if value is None:
        return "-"
    return safe(look.aliases.get(value, value) if dimension == "model" else value)


def _tokens(count: int | None) -> str:
    if count is None:
        return "?"
    return f"{count / 1e6:,.2f}M" if count >= 1_000_000 else f"{count:,}"


def dollars(amount: float | None) -> str:
    """An amount of money, with more figures where it is small."""
    if amount is None:
        return "?"
    return f"${amount:,.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.6f}".rstrip("0")


def _dollars(spend: Spend) -> str:
    """What is known of the cost; `>` where more calls were made than could be priced."""
    short = spend.unpriced or spend.uncounted
    if spend.cost_usd is None:
        return "?" if short or spend.errors != spend.calls else "-"
    return f"{'>' if short else ''}{dollars(spend.cost_usd)}"


def _plain(value: float | None) -> str:
    if value is None:
        return "?"
    return str(value) if isinstance(value, int) else f"{value:.6f}"
