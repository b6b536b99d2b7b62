"""Draws the picture of the usage report, of made-up figures: `make pictures`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from bedrock_claude_cli import usage_report
from bedrock_claude_cli.bedrock import catalog, usage
from bedrock_claude_cli.bedrock.usage import Cell, Key

FILE = Path(__file__).with_name("usage.svg")
SINCE = 1793491200  # 2026-11-01
DAYS = 30
WIDTH = 165
# Who calls what: calls a day, then tokens of one call: input, cache read, cache write, output.
CALLERS = (
    ("assumed-role/ci/review", "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
     310, (900, 14_000, 300, 420)),
    ("user/alice", "global.anthropic.claude-opus-4-6-v1", 38, (2_600, 9_000, 700, 1_100)),
    ("user/bob", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", 24, (1_900, 0, 0, 800)),
    ("assumed-role/batch/nightly", "global.anthropic.claude-haiku-4-5-20251001-v1:0",
     520, (700, 0, 0, 90)),
)  # fmt: skip


def cells() -> Iterator[Cell]:
    """A month with quiet week-ends, a day without records and some throttling."""
    for day in range(DAYS):
        if day == 12:
            continue
        busy = (0.25 if day % 7 in (0, 6) else 1) * (1 + 0.5 * math.sin(day / 4))
        for at, (who, model, calls, tokens) in enumerate(CALLERS):
            arn = f"arn:aws:{'iam' if who.startswith('user') else 'sts'}::111122223333:{who}"
            key = Key(model, "eu-west-1", f"2026-11-{day + 1:02}", None, arn)
            count = round(calls * busy)
            sums = [count * each or None for each in tokens]
            yield Cell(key, count, 0, *sums)
            if at == 3 and day % 9 == 4:
                error = key._replace(error_code="ThrottlingException")
                yield Cell(error, 17, 0, None, None, None, None)


def picture() -> str:
    """The report as SVG; its fonts are the reader's own."""
    known = catalog.load()
    report = usage.report(
        cells(),
        by=("identity", "model"),
        since=SINCE,
        until=SINCE + DAYS * 86400 - 1,
        region="eu-west-1",
        source="log group /aws/bedrock/modelinvocations",
        catalog=known,
        tiered=False,
    )
    aliases = {model.id: model.alias for model in known.models}
    console = usage_report.recorded(report, aliases, WIDTH)
    title = "bedrock-claude usage --by identity --by model"
    svg = str(console.export_svg(title=title, unique_id="usage"))
    return "\n".join(line.rstrip() for line in _own_fonts(svg).splitlines()) + "\n"


def _own_fonts(svg: str) -> str:
    """The drawing without the fonts that rich would load from the net."""
    head, found, tail = svg.partition("@font-face")
    while found:
        head, (_, _, tail) = head, tail.partition("}")
        middle, found, tail = tail.partition("@font-face")
        head += middle
    return head.replace("font-family: Fira Code, monospace", "font-family: monospace")


if __name__ == "__main__":
    FILE.write_text(picture(), "utf-8")
