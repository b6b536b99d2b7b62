"""`logs`: whether calls are logged, switching it off, and what the logs hold."""

from __future__ import annotations

import typer

from bedrock_claude_cli.commands import logs_read

app = typer.Typer(
    help="Show whether calls are logged, switch it off, read what was logged.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

logs_read.register(app)
