"""`config`: show every setting with its source, write the example, tell the path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from bedrock_claude_cli import config as settings
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ConfigError
from bedrock_claude_cli.output import Column

app = typer.Typer(
    help="Show, make or find the config file.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@dataclass(frozen=True)
class Overruled:
    """A value that did not count, and where it stands."""

    value: Any
    source: str


@dataclass(frozen=True)
class Shown:
    """One setting as `config show` prints it."""

    key: str
    value: Any
    source: str
    overruled: tuple[Overruled, ...] = ()


COLUMNS = (
    Column[Shown]("KEY", lambda row: row.key, "bold"),
    Column[Shown]("VALUE", lambda row: _text(row.value)),
    Column[Shown]("SOURCE", lambda row: row.source),
    Column[Shown](
        "OVERRULED",
        lambda row: ", ".join(f"{_text(each.value)} ({each.source})" for each in row.overruled),
    ),
)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@app.command("show")
@as_command
def show(ctx: Context) -> None:
    """Print every setting, where it comes from and what it overrules."""
    ctx.out.rows(list(_settings(ctx)), COLUMNS, empty="no settings")
    if not ctx.settings.path.exists():
        ctx.out.note(f"no config file; `bedrock-claude config init` writes {ctx.settings.path}")


def _settings(ctx: Context) -> Iterator[Shown]:
    for key, setting in ctx.settings.values.items():
        found = ctx.aws.region if key == "region" else setting
        lost = (Overruled(*each) for each in found.overruled if each[0] is not None)
        yield Shown(key, found.value, found.source, tuple(lost))
    file = str(ctx.settings.path)
    for model, prices in ctx.settings.prices.items():
        for name, price in prices.items():
            yield Shown(f"prices.{model}.{name}", price, file)
    for preset, values in ctx.settings.presets.items():
        for name, value in values.items():
            yield Shown(f"presets.{preset}.{name}", value, file)


@app.command("init")
@as_command
def init(ctx: Context) -> None:
    """Write the example config, every key commented out; never overwrites."""
    path, _ = settings.config_path(ctx.environ, ctx.shared.config)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(settings.example())
    except FileExistsError:
        raise ConfigError(
            f"{path} exists and was left as it is", hint="`bedrock-claude config show` reads it"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
    ctx.out.line(str(path))


@app.command("path")
@as_command
def path(ctx: Context) -> None:
    """Print where the config file is, or would be."""
    found, _ = settings.config_path(ctx.environ, ctx.shared.config)
    if ctx.out.json:
        ctx.out.data({"path": str(found), "exists": found.exists()})
        return
    ctx.out.line(str(found))
    if not found.exists():
        ctx.out.note("there is no such file yet; `bedrock-claude config init` writes it")
