"""How a usage report looks: a table with bars and a line of days, on a terminal and as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.usage import Report, Spend, ranges
from bedrock_claude_cli.output import Column
from bedrock_claude_cli.terminal import safe

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
        console.print(part, crop=False, no_wrap=True)


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
        console.print(part, crop=False, no_wrap=True)
    for each in notes(report):
        console.print(Text(safe(f"note: {each}"), "dim"))
    return console


def _parts(report: Report, look: Look) -> list[Any]:
    from rich.text import Text

    head = f"Claude on Amazon Bedrock, {report.region}"
    days = f"{report.first_day} to {report.last_day} (UTC)"
    origin = f"{safe(report.source)}; cost: an estimate, {report.prices}"
    return [
        Text.assemble((head, "bold"), f"  {days}"),
        Text(origin, "dim"),
        Text(),
        _table(report, look),
        Text(),
        _line_of_days(report, look),
    ]


def _table(report: Report, look: Look) -> Any:
    """Columns are dropped from the right where the terminal is narrow."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    weigh = _weigher(report)
    most = max((weigh(row) for row in report.rows), default=0)
    titles = [each.upper() for each in report.by]
    titles += ["COST", "", "CALLS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "ERRORS"]
    titles += ["THROTTLES"]
    groups = len(report.by)
    cells = [
        [_name(row.group[each], each, look) for each in report.by]
        + [_dollars(row), bar(weigh(row), most, look.blocks), *_figures(row)]
        for row in report.rows
    ]
    last = ["total", *[""] * (groups - 1), _dollars(report.total), "", *_figures(report.total)]
    widths = [max(cell_len(row[at]) for row in (titles, last, *cells)) for at in range(len(titles))]
    shown = len(titles)
    while shown > 1 and sum(widths[:shown]) + 2 * (shown - 1) > look.width:
        shown -= 1

    def left(at: int) -> bool:
        return at < groups or at == groups + 1

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for at in range(shown):
        style = "cyan" if at == groups + 1 else "bold" if at == 0 else ""
        title = titles[at] if left(at) else titles[at].rjust(widths[at])
        table.add_column(title, style=style, no_wrap=True, overflow="ignore")
    for row in (*cells, last):
        # rich leaves the alignment of what may not wrap to us.
        texts = [row[at] if left(at) else row[at].rjust(widths[at]) for at in range(shown)]
        table.add_row(*map(Text, texts), style="bold" if row is last else "")
    return table


def _line_of_days(report: Report, look: Look) -> Any:
    from rich.text import Text

    weigh = _weigher(report)
    top = max(report.days, key=weigh)
    amount = _dollars(top) if report.total.cost_usd else f"{top.calls} calls"
    line = spark([weigh(day) if day.calls else None for day in report.days], look.blocks)
    return Text.assemble(
        ("day by day  ", "bold"), (line, "cyan"), f"  most on {top.group['day']}: {amount}"
    )


def bar(value: float, most: float, blocks: bool) -> str:
    """A bar of up to BAR cells, in eighths where the terminal has them."""
    eighths = round(value / most * BAR * 8) if most else 0
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


def _figures(spend: Spend) -> list[str]:
    return [
        f"{spend.calls:,}",
        _tokens(spend.input_tokens),
        _tokens(spend.output_tokens),
        _tokens(spend.cache_read_input_tokens),
        _tokens(spend.cache_creation_input_tokens),
        f"{spend.errors:,}",
        f"{spend.throttles:,}",
    ]


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
