"""Asks before an account is changed."""

from __future__ import annotations

import sys

from bedrock_claude_cli.errors import CliError, UsageError
from bedrock_claude_cli.output import Output

NOTHING = "nothing was changed"


def confirm(out: Output, question: str, *, yes: bool) -> None:
    """Go on after a yes; an answer of no is exit 1, and nobody to ask is exit 2."""
    if yes:
        return
    if not (sys.stdin.isatty() and out.stderr.isatty()):
        raise UsageError(f"nobody is there to be asked, so {NOTHING}", hint="--yes goes ahead")
    out.stdout.flush()
    out.stderr.write(f"{question} [y/N] ")
    out.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:  # Ctrl-D leaves the cursor behind the question
        out.stderr.write("\n")
    if answer.strip().lower() not in ("y", "yes"):
        raise CliError(f"not confirmed, so {NOTHING}", code="Declined")
