"""`ask`: one question in, Claude's answer out."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from bedrock_claude_cli import asking, complete
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import requesting as as_command
from bedrock_claude_cli.extract import Command as Command


@as_command(after="question")
def command(
    ctx: Context,
    question: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[QUESTION]", help="What to ask; `-` reads it from stdin."),
    ] = None,
    param: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--param",
            "-p",
            metavar="KEY=VALUE|KEY=@FILE",
            help="What fills $KEY in the preset's prompt (repeatable).",
        ),
    ] = None,
    chat: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--chat",
            metavar="NAME",
            help="Continue the conversation of that name, and keep it on this machine.",
        ),
    ] = None,
    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", "-n", help="Never read standard input.")
    ] = False,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Print the answer when it is whole.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Bare text on a terminal too, no markdown.")
    ] = False,
    show_thinking: Annotated[
        bool, typer.Option("--show-thinking", help="The model's thinking, on stderr.")
    ] = False,
    usage: Annotated[
        bool, typer.Option("--usage", "-u", help="Tokens, cost and times, on stderr.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the exact request; send nothing.")
    ] = False,
    count_tokens: Annotated[
        bool,
        typer.Option("--count-tokens", help="Print how many input tokens it has; ask nothing."),
    ] = False,
    max_cost: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--max-cost",
            metavar="USD",
            help="Send nothing if it could cost more, the answer as long as can be (exit 11).",
        ),
    ] = None,
    code: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--code",
            metavar="LANG",
            help="Print a program that makes this request: python, typescript, boto3 or curl.",
            autocompletion=complete.languages,
        ),
    ] = None,
    extract: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--extract",
            "-x",
            metavar="[LANG]",
            help="Print the first fenced code block only, of LANG (as in -xpython) if given.",
        ),
    ] = None,
    allow_incomplete: Annotated[
        bool, typer.Option("--allow-incomplete", help="Exit 0 also if the answer is not whole.")
    ] = False,
) -> int:
    """Ask Claude a question; the answer streams to stdout.

    Piped input goes first, then the prompt of a preset that has one, then the argument, with a
    blank line between each.
    """
    wish = asking.Wish(
        use_stdin=not no_stdin,
        params=param,
        chat=chat,
        stream=not no_stream,
        plain=plain,
        show_thinking=show_thinking,
        usage=usage,
        dry_run=dry_run,
        count_tokens=count_tokens,
        max_cost=max_cost,
        code=code,
        extract=extract,
        allow_incomplete=allow_incomplete,
    )
    return asking.run(ctx, question, wish)
