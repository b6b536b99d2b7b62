"""Settings: flags, presets, environment and config file merged, each value with its source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.prompt import DEFAULTS, SPECS, Options
from bedrock_claude_cli.errors import ConfigError, UsageError
from bedrock_claude_cli.errors import did_you_mean as did_you_mean
from bedrock_claude_cli.template import Template

PREFIX = "BEDROCK_CLAUDE_"
AWS_KEYS = ("profile", "region")
OPTION_KEYS = (*AWS_KEYS, *SPECS)
GUARD_KEYS = ("allow_endpoints", "allow_models")
ENVIRONMENT_KEYS = (*OPTION_KEYS, "config", "sandbox", "sandbox_script")
FALLBACK_REGION = "us-east-1"


class Setting(NamedTuple):
    """One value, where it came from, and what it overruled as (value, source)."""

    value: Any
    source: str
    overruled: tuple[tuple[Any, str], ...] = ()


class Settings(NamedTuple):
    """Everything resolved but the AWS profile's own region, which needs AWS's files.

    `meta` has each key of the merged metadata with its source; `template` is the preset's prompt.
    `allowed` has the guard rails, which only the config file sets, each with its FILE:LINE.
    """

    values: Mapping[str, Setting]
    options: Options
    prices: Mapping[str, Mapping[str, float]]
    presets: Mapping[str, Mapping[str, Any]]
    path: Path
    notes: tuple[str, ...] = ()
    meta: Mapping[str, Setting] = MappingProxyType({})
    template: Template | None = None
    allowed: Mapping[str, Setting] = MappingProxyType({})

    @property
    def profile(self) -> Setting:
        """The AWS profile; value None where none is named."""
        return self.values["profile"]

    @property
    def region(self) -> Setting:
        """The region; value None where only the AWS profile or the default can tell it."""
        return self.values["region"]


class FileSettings(NamedTuple):
    """What a config file sets."""

    values: Mapping[str, Any] = MappingProxyType({})
    prices: Mapping[str, Mapping[str, float]] = MappingProxyType({})
    presets: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    allowed: Mapping[str, Setting] = MappingProxyType({})


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

    Order: flag, preset, BEDROCK_CLAUDE_*, AWS's environment, file, default. `preset` is a name, or
    a YAML file where it is written like one.
    """
    flag_layer = _read_flags(flags)
    path, named_by = config_path(environ, config)
    wrong: list[str] = []
    file = _read_file(path, named_by, environ, preset, wrong)
    preset_layer = _preset_layer(preset, file.presets, path, environ, wrong)
    environment = _read_environment(environ, wrong)
    if wrong:
        raise ConfigError("\n".join(wrong))
    layers = [
        flag_layer,
        *preset_layer,
        environment,
        *_aws_environment(environ),
        _Layer(dict.fromkeys(file.values, str(path)), file.values),
    ]
    merged = _merge(layers)
    meta = _merge_meta(layers)
    if meta:
        merged["meta"] = _one_meta(meta)
    options = Options(**{key: merged[key].value for key in SPECS})
    notes = tuple(_unknown_variables(environ))
    template = _template(preset_layer, merged["system"])
    return Settings(
        merged, options, file.prices, file.presets, path, notes, meta, template, file.allowed
    )


def is_preset_file(preset: str) -> bool:
    """Whether `--preset` names a file rather than a preset of the config."""
    return os.sep in preset or preset.lower().endswith((".yaml", ".yml"))


def xdg_folder(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    """This tool's folder under an XDG base directory such as XDG_CACHE_HOME."""
    base = Path(environ.get(variable, ""))
    return (base if base.is_absolute() else expanded("~") / fallback) / "bedrock-claude"


def expanded(path: str | Path) -> Path:
    """The path with its `~` replaced by the home folder, where anybody knows that."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # Path.expanduser raises where nobody does


def _read_file(
    path: Path,
    named_by: str | None,
    environ: Mapping[str, str],
    preset: str | None,
    wrong: list[str],
) -> FileSettings:
    if not _absent(path):
        from bedrock_claude_cli.config_file import read_file

        file, problems = read_file(path, environ, preset)
        wrong += problems
        return file
    if named_by:
        from shlex import quote

        raise ConfigError(
            f"{path}: no such file (from {named_by})",
            hint=f"`bedrock-claude config init --config {quote(str(path))}` makes one",
        )
    return FileSettings()


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


def _preset_layer(
    preset: str | None,
    presets: Mapping[str, Any],
    path: Path,
    environ: Mapping[str, str],
    wrong: list[str],
) -> list[_Layer]:
    if preset is None:
        return []
    if is_preset_file(preset):
        from bedrock_claude_cli.config_file import read_preset

        values, problems = read_preset(expanded(preset), environ)
        wrong += problems
    elif preset in presets:
        values = presets[preset]
    elif wrong:
        return []  # a preset may be missing for what is wrong with the file
    else:
        known = f"presets in {path}: {', '.join(presets) or 'none'}"
        raise UsageError(f"no preset `{preset}`{did_you_mean(preset, presets)}", hint=known)
    return [_Layer(dict.fromkeys(values, f"--preset {preset}"), values)]


def _template(preset_layer: list[_Layer], system: Setting) -> Template | None:
    for layer in preset_layer:
        if "prompt" in layer.values:
            source = layer.source["prompt"]
            return Template(source, layer.values["prompt"], system.source == source)
    return None


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


def _merge_meta(layers: list[_Layer]) -> dict[str, Setting]:
    """Metadata, which alone is merged key by key over the layers."""
    given = [(layer.values["meta"], layer.source["meta"]) for layer in layers
             if "meta" in layer.values]  # fmt: skip
    merged = {}
    for key in dict.fromkeys(key for values, _ in reversed(given) for key in values):
        found = [(values[key], source) for values, source in given if key in values]
        merged[key] = Setting(*found[0], overruled=tuple(found[1:]))
    return merged


def _one_meta(meta: Mapping[str, Setting]) -> Setting:
    values = {key: setting.value for key, setting in meta.items()}
    sources = ", ".join(dict.fromkeys(setting.source for setting in meta.values()))
    return Setting(values, sources)
