"""`run`: many prompts in, a line for each answer out."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from bedrock_claude_cli import options, run_plan, running
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import requesting as as_command
from bedrock_claude_cli.errors import UsageError


@as_command(after="output")
def command(
    ctx: Context,
    given: Annotated[
        str, typer.Argument(metavar="INPUT", help="JSONL or CSV, also .gz; `-` is stdin.")
    ],
    of: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[OUTPUT]", help="With `status` as INPUT: the output to look at."),
    ] = None,
    output: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--output", "-o", metavar="FILE", help="Where each answer becomes a line."),
    ] = None,
    concurrency: Annotated[
        str, typer.Option("--concurrency", metavar="N|auto", help="Requests at once, up to 256.")
    ] = "auto",
    rpm: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--rpm", metavar="N", help="Most requests a minute."),
    ] = None,
    tpm: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--tpm", metavar="N", help="Most tokens a minute, as AWS's quota counts."),
    ] = None,
    max_cost: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--max-cost", metavar="USD", help="Most that all lines of OUTPUT may cost (exit 11)."
        ),
    ] = None,
    max_failures: Annotated[
        int, typer.Option("--max-failures", metavar="N", help="Stop after N failures in a row.")
    ] = 20,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask failed records again; may bill twice.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Ask records anew whose request has changed.")
    ] = False,
    on_expired: Annotated[
        str,
        typer.Option("--on-expired", metavar="wait|stop", help="When credentials have expired."),
    ] = "wait",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the input and forecast; send nothing.")
    ] = False,
    progress: Annotated[
        str, typer.Option("--progress", metavar="auto|json", help="How progress shows on stderr.")
    ] = "auto",
) -> int:
    """Ask every record of INPUT; OUTPUT gets a line for each, and is where a re-run goes on.

    `run status OUTPUT` tells how far it is; an INPUT of that name is written `./status`.
    """
    if given == "status":
        if of is None:
            raise UsageError(
                "`run status` takes the output to look at",
                hint="`bedrock-claude run status OUTPUT`; a file called status is `./status`",
            )
        return running.status(ctx, of)
    if of is not None:
        raise UsageError(f"run takes one input, and `{of}` is another", hint=f"-o {of}")
    wish = run_plan.Wish(
        output=output,
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        max_cost=max_cost,
        max_failures=max_failures,
        retry_failed=retry_failed,
        force=force,
        on_expired=on_expired,
        dry_run=dry_run,
        progress=progress,
    )
    return running.run(ctx, given, wish, lambda changed: _go_on(ctx, given, changed))


def _go_on(ctx: Context, given: str, wish: run_plan.Wish) -> str:
    """What goes on with a run: the same command line; what --force asked anew is done."""
    told = {**ctx.given, **ctx.shared._asdict(), **wish._asdict()}
    for key in ("dry_run", "json", "query"):
        told.pop(key)
    line = options.command_line(["bedrock-claude", "run", given], told, run_plan.Wish()._asdict())
    again = " with the same input" if given == "-" or given.startswith("/dev/") else ""
    return f"`{line}`{again}"
