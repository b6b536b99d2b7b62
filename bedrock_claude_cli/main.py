"""The table of contents, and the one door where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Annotated, Any, Optional

import typer
from typer.core import TyperGroup

from bedrock_claude_cli import __version__, options
from bedrock_claude_cli.errors import CliError, ExitCode
from bedrock_claude_cli.options import Door, Shared

COMMANDS = {
    "verify-creds": ("verify_creds", "Check credentials, region, model access and logging."),
    "list-models": ("list_models", "List the Claude models that can be called, or all about one."),
    "ask": ("ask", "Ask Claude a question; the answer streams to stdout."),
    "run": ("run", "Ask many prompts from a file, each answer a line of another."),
    "jobs": ("jobs", "Send many prompts as batch jobs of Bedrock's, over S3."),
    "enable-logging": ("enable_logging", "Record every call's prompt and answer, in your account."),
    "logs": ("logs", "Show whether calls are logged, and read what was logged."),
    "usage": ("usage", "Who spent what, from the logs."),
    "why": ("why", "Explain an error of Bedrock or an SDK, and what mends it."),
    "access": ("access", "Check which models are open to the account, and request one."),
    "config": ("config", "Show, make or find the config file."),
    "sandbox": ("sandbox", "Run a local stand-in for AWS, for trying and testing."),
}


@contextmanager
def _closed_pipe() -> Iterator[None]:
    """Typer would swap sys.stdout and leave with 1."""
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(ExitCode.CLOSED_PIPE) from None


class LazyGroup(TyperGroup):
    """A group that imports and builds a command only when argv names it."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """As typer does; help may be printed here."""
        with _closed_pipe():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """As typer does."""
        with _closed_pipe():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table of contents."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build the command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"bedrock_claude_cli.commands.{COMMANDS[cmd_name][0]}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(cmd_name, cls=getattr(module, "Command", None))(module.command)
        built = typer.main.get_command(app)
        built.name = cmd_name
        return built

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, but its suggestions must not build every command."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            self.commands.update(dict.fromkeys(COMMANDS, typer.core.TyperCommand(None)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands with their one-line help, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The names of commands, without importing any."""
        return [
            SimpleNamespace(value=name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]


app = typer.Typer(
    cls=LazyGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def _show_version(value: bool) -> None:
    if value:
        print(f"bedrock-claude {__version__}")
        raise typer.Exit


def _show_completion(value: bool) -> None:
    if value:
        from bedrock_claude_cli import shells

        print(shells.script(shells.current_shell()), end="")
        raise typer.Exit


def _install_completion(value: bool) -> None:
    if value:
        from bedrock_claude_cli import shells

        shell = shells.current_shell()
        print(f"completion for {shell} written to {shells.install(shell)}; it works in new shells")
        raise typer.Exit


@app.callback(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
def root(
    context: typer.Context,
    profile: options.Profile = None,
    region: options.Region = None,
    config: options.Config = None,
    preset: options.Preset = None,
    json: options.Json = False,
    query: options.Query = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
    sandbox: options.Sandbox = None,
    version: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = None,
    install_completion: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--install-completion",
            callback=_install_completion,
            is_eager=True,
            help="Teach the current shell to complete.",
        ),
    ] = None,
    show_completion: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--show-completion",
            callback=_show_completion,
            is_eager=True,
            help="Print the completion script of the current shell.",
        ),
    ] = None,
) -> None:
    """Claude on Amazon Bedrock, from the shell.

    Try it without an AWS account: `bedrock-claude ask --sandbox "Hello, world"`.
    """
    door: Door = context.obj
    door.shared = Shared(profile, region, config, preset, json, query, quiet, debug, sandbox)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code and never raises."""
    door = Door()
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        command = typer.main.get_command(app)
        if question := os.environ.get("_BEDROCK_CLAUDE_COMPLETE"):
            from bedrock_claude_cli import shells

            print(shells.answer(question, command, args), end="")
            return ExitCode.OK
        result = command.main(
            args=args,
            prog_name="bedrock-claude",
            standalone_mode=False,
            obj=door,
        )
        return int(result or 0)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except Exception as error:
        return _tell(error, door, args)
    finally:
        if door.context is not None:
            door.context.close()


def _tell(error: Exception, door: Door, args: list[str]) -> int:
    from bedrock_claude_cli.context import Context
    from bedrock_claude_cli.explain import translate

    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    context = door.context
    told = translate(error)
    if (context.shared if context else door.shared).debug:
        import traceback

        traceback.print_exception(error)
    try:
        out = context.out if context else Context(_readable(door.shared, args), os.environ).out
        about_aws = not isinstance(error, CliError) or error.request_id is not None
        used = context.used() if context and about_aws else ""
        if told.request_id:
            used = f"{used}, request {told.request_id}".removeprefix(", ")
        out.error(told, context.fill(told.hint) if context else told.hint, used)
    except BrokenPipeError:
        return ExitCode.CLOSED_PIPE
    return told.exit_code


def _readable(shared: Shared, args: list[str]) -> Shared:
    """How to talk where the command's own options could not be read."""
    return Shared(json=shared.json or "--json" in args, quiet=shared.quiet, sandbox=False)
