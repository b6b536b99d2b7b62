"""`config`: show every setting with its source, write the example, tell the path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import typer

from bedrock_claude_cli import config as settings
from bedrock_claude_cli import config_example, config_file
from bedrock_claude_cli.bedrock import catalog
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
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "(nothing)"
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@app.command("show")
@as_command
def show(ctx: Context) -> None:
    """Print every setting, where it comes from and what it overrules."""
    ctx.out.rows(list(_settings(ctx)), COLUMNS, empty="no settings")
    for name in ctx.settings.prices:
        if not _has_price(name):
            ctx.out.warn(f"prices.{name} is neither an id nor a model's alias such as sonnet-4.5")
    if not ctx.settings.path.exists():
        ctx.out.note(f"no config file; `bedrock-claude config init` writes {ctx.settings.path}")


def _settings(ctx: Context) -> Iterator[Shown]:
    for key, setting in ctx.settings.values.items():
        if key == "meta" and ctx.settings.meta:
            for name, each in ctx.settings.meta.items():
                yield _shown(f"meta.{name}", each)
        else:
            yield _shown(key, ctx.aws.region if key == "region" else setting)
    for key, setting in ctx.settings.allowed.items():
        yield _shown(key, setting)
    file = str(ctx.settings.path)
    for model, prices in ctx.settings.prices.items():
        for name, price in prices.items():
            yield Shown(f"prices.{model}.{name}", price, file)
    for preset, values in ctx.settings.presets.items():
        for name, value in values.items():
            yield Shown(f"presets.{preset}.{name}", value, file)


def _shown(key: str, found: settings.Setting) -> Shown:
    lost = (
        Overruled(_masked(value), source) for value, source in found.overruled if value is not None
    )
    return Shown(key, _masked(found.value), found.source, tuple(lost))


def _masked(value: Any) -> Any:
    """The value, unless a secret was put into a flag or a variable by mistake."""
    return "(looks like a secret)" if config_file.looks_secret(_text(value)) else value


def _has_price(name: str) -> bool:
    """Whether `pricing.price` may ever look the name up."""
    return "anthropic." in name or any(name == model.alias for model in catalog.load().models)


@app.command("init")
@as_command
def init(ctx: Context) -> None:
    """Write the example config, every key commented out; never overwrites."""
    path, _ = settings.config_path(ctx.environ, ctx.shared.config)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("x", encoding="utf-8")
    except OSError as error:
        if path.is_symlink() or path.exists():
            hint = f"`bedrock-claude config show --config {quote(str(path))}` reads it"
            raise ConfigError(f"{path} exists and was left as it is", hint=hint) from None
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
    with file:
        file.write(config_example.example())
    _tell_path(ctx, path)


@app.command("path")
@as_command
def path(ctx: Context) -> None:
    """Print where the config file is, or would be."""
    found, _ = settings.config_path(ctx.environ, ctx.shared.config)
    _tell_path(ctx, found)
    if not found.exists():
        ctx.out.note("there is no such file yet; `bedrock-claude config init` writes it")


def _tell_path(ctx: Context, path: Path) -> None:
    if ctx.out.json:
        ctx.out.data({"path": str(path), "exists": path.exists()})
    else:
        ctx.out.line(str(path))
