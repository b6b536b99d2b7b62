"""Rendering an answer as markdown on a terminal: characters written, and time per character.

Run as `python benchmarks/markdown.py`; every ratio near 1.0 means time linear in the length.
"""

from __future__ import annotations

import io
import time

from bedrock_claude_cli.terminal import answer_writer

PROSE = (
    "## A heading\n\nSome **bold** words, `code`, a [link](https://example.com/page) and "
    "a sentence that goes on until it has to be wrapped somewhere.\n\n- an item\n- another\n\n"
    "```python\nprint('hello, world')\n```\n\n"
)
KINDS = {
    "mixed answer": ("", PROSE),
    "one code block": ("```python\n", "    value = compute(value)  # a line of code\n"),
    "one code line": ("```\n", "0123456789"),
    "one paragraph": ("", "Words of **one** endless paragraph with `code` in it. "),
    "one word": ("", "endless"),
    "one list": ("", "1. an item with *emphasis*\n"),
    "one table": ("| a | b |\n|---|---|\n", "| a cell | **another** cell |\n"),
    "unclosed marks": ("", "*a `b [c **d "),
    "CJK": ("", "没有空格的一段文字。"),
}
LENGTHS = (100_000, 300_000, 1_000_000)


def render(text: str, piece: int) -> tuple[float, int]:
    """Return seconds and characters written for text in pieces of this many characters."""
    stream = io.StringIO()
    writer = answer_writer(stream, terminal=True, markdown=True, width=80)
    started = time.perf_counter()
    for at in range(0, len(text), piece):
        writer.write(text[at : at + piece])
    writer.finish()
    return time.perf_counter() - started, len(stream.getvalue())


def main() -> None:
    """Print the table."""
    answer = (PROSE * 100)[:6_000]
    render(answer, 30)  # imports rich
    seconds, size = render(answer, 30)
    print(f"6 KB in 200 pieces: {size / len(answer):.2f} x the text, {seconds * 1000:.1f} ms\n")
    print(f"{'kind':16}{'written':>9}{'1 MB, s':>9}   time per character at 300 KB, 1 MB vs 100 KB")
    for kind, (start, unit) in KINDS.items():
        texts = [start + unit * (length // len(unit)) for length in LENGTHS]
        results = [(*render(text, 20), len(text)) for text in texts]
        costs = [seconds / length for seconds, _, length in results]
        seconds, size, length = results[-1]
        ratios = "  ".join(f"{cost / costs[0]:.2f}" for cost in costs[1:])
        print(f"{kind:16}{size / length:8.2f}x{seconds:9.2f}   {ratios}")


if __name__ == "__main__":
    main()
