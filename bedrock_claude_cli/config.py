"""Settings: flags, presets, environment and config file merged, each value with its source."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.prompt import DEFAULTS, SPECS, Options
from bedrock_claude_cli.errors import ConfigError, UsageError

PREFIX = "BEDROCK_CLAUDE_"
AWS_KEYS = ("profile", "region")
OPTION_KEYS = (*AWS_KEYS, *SPECS)
ENVIRONMENT_KEYS = (*OPTION_KEYS, "config", "sandbox", "sandbox_script")
FALLBACK_REGION = "us-east-1"


class Setting(NamedTuple):
    """One value, where it came from, and what it overruled as (value, source)."""

    value: Any
    source: str
    overruled: tuple[tuple[Any, str], ...] = ()


class Settings(NamedTuple):
    """Everything resolved but the AWS profile's own region, which needs AWS's files."""

    values: Mapping[str, Setting]
    options: Options
    prices: Mapping[str, Mapping[str, float]]
    presets: Mapping[str, Mapping[str, Any]]
    path: Path
    notes: tuple[str, ...] = ()

    @property
    def profile(self) -> Setting:
        """The AWS profile; value None where none is named."""
        return self.values["profile"]

    @property
    def region(self) -> Setting:
        """The region; value None where only the AWS profile or the default can tell it."""
        return self.values["region"]


class _Layer(NamedTuple):
    """One place that settings come from; earlier layers overrule later ones."""

    source: Mapping[str, str]
    values: Mapping[str, Any]


def config_path(environ: Mapping[str, str], flag: Path | None = None) -> tuple[Path, str | None]:
    """The config file's path, and which flag or variable named it (None: the default place)."""
    if flag is not None:
        return expanded(flag), "--config"
    if environ.get(PREFIX + "CONFIG"):
        return expanded(environ[PREFIX + "CONFIG"]), PREFIX + "CONFIG"
    return xdg_folder(environ, "XDG_CONFIG_HOME", ".config") / "config.yaml", None


def load(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    config: Path | None = None,
    preset: str | None = None,
) -> Settings:
    """All settings from all places; ConfigError tells everything wrong with them at once.

    Order: flag, preset, BEDROCK_CLAUDE_*, AWS's environment, file, default.
    """
    flag_layer = _read_flags(flags)
    path, named_by = config_path(environ, config)
    values: Mapping[str, Any] = {}
    prices: Mapping[str, Mapping[str, float]] = {}
    presets: Mapping[str, Mapping[str, Any]] = {}
    wrong: list[str] = []
    if not _absent(path):
        from bedrock_claude_cli.config_file import read_file

        (values, prices, presets), wrong = read_file(path)
    elif named_by:
        raise ConfigError(
            f"{path}: no such file (from {named_by})",
            hint=f"`bedrock-claude config init --config {path}` makes one",
        )
    environment = _read_environment(environ, wrong)
    if wrong:
        raise ConfigError("\n".join(wrong))
    merged = _merge(
        [
            flag_layer,
            *_preset_layer(preset, presets, path),
            environment,
            *_aws_environment(environ),
            _Layer(dict.fromkeys(values, str(path)), values),
        ]
    )
    options = Options(**{key: merged[key].value for key in SPECS})
    return Settings(merged, options, prices, presets, path, tuple(_unknown_variables(environ)))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` where a known name is close, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"; did you mean `{close[0]}`?" if close else ""


def xdg_folder(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    """This tool's folder under an XDG base directory such as XDG_CACHE_HOME."""
    base = Path(environ.get(variable, ""))
    return (base if base.is_absolute() else expanded("~") / fallback) / "bedrock-claude"


def expanded(path: str | Path) -> Path:
    """The path with its `~` replaced by the home folder, where anybody knows that."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # Path.expanduser raises where nobody does


def _absent(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # reading it will say why
    return False


def _read_flags(flags: Mapping[str, Any]) -> _Layer:
    given = {key: value for key, value in flags.items() if value is not None and value != []}
    wrong: list[str] = []
    options = Options.read(
        given, lambda key, what: wrong.append(f"--{key.replace('_', '-')} {what}"), text=True
    )
    if wrong:
        raise UsageError("; ".join(wrong))
    values = options.given() | {key: given[key] for key in AWS_KEYS if given.get(key)}
    return _Layer({key: f"--{key.replace('_', '-')}" for key in values}, values)


def _preset_layer(name: str | None, presets: Mapping[str, Any], path: Path) -> list[_Layer]:
    if name is None:
        return []
    if name not in presets:
        known = f"presets in {path}: {', '.join(presets) or 'none'}"
        raise UsageError(f"no preset `{name}`{did_you_mean(name, presets)}", hint=known)
    return [_Layer(dict.fromkeys(presets[name], f"--preset {name}"), presets[name])]


def _read_environment(environ: Mapping[str, str], wrong: list[str]) -> _Layer:
    found = {}
    for key in OPTION_KEYS:
        if environ.get(PREFIX + key.upper()):
            found[key] = environ[PREFIX + key.upper()]
    options = Options.read(
        found, lambda key, what: wrong.append(f"{PREFIX}{key.upper()} {what}"), text=True
    )
    values = options.given() | {key: found[key] for key in AWS_KEYS if key in found}
    return _Layer({key: PREFIX + key.upper() for key in values}, values)


def _aws_environment(environ: Mapping[str, str]) -> Iterator[_Layer]:
    for names in (
        {"profile": "AWS_PROFILE", "region": "AWS_REGION"},
        {"profile": "AWS_DEFAULT_PROFILE", "region": "AWS_DEFAULT_REGION"},
    ):
        yield _Layer(
            names, {key: environ[name] for key, name in names.items() if environ.get(name)}
        )


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = [key.upper() for key in ENVIRONMENT_KEYS]
    for name in sorted(environ):
        own = name.removeprefix(PREFIX)
        if own != name and own not in known and environ[name]:
            guess = did_you_mean(own, known).replace("`", f"`{PREFIX}", 1)
            yield f"{name} is no setting of this tool and was ignored{guess}"


def _merge(layers: list[_Layer]) -> dict[str, Setting]:
    merged = {}
    for key in OPTION_KEYS:
        found = [(layer.values[key], layer.source[key]) for layer in layers if key in layer.values]
        found.append((getattr(DEFAULTS, key, None), "default"))
        merged[key] = Setting(*found[0], overruled=tuple(found[1:]))
    return merged
