"""Settings: flags, presets, environment and config file merged, each value with its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.prompt import DEFAULTS, SPECS, Options
from bedrock_claude_cli.errors import ConfigError, UsageError
from bedrock_claude_cli.yaml_file import Problems, read_yaml

PREFIX = "BEDROCK_CLAUDE_"
AWS_KEYS = {
    "profile": "the AWS profile",
    "region": "the AWS region that requests go to",
}
PRICE_KEYS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
FILE_KEYS = (*AWS_KEYS, *SPECS, "prices", "presets")
ENVIRONMENT_KEYS = (*AWS_KEYS, *SPECS, "config", "sandbox", "sandbox_script")
FALLBACK_REGION = "us-east-1"

_SECRET_KEY = r"(?i)secret|session_?token|access_?key|api_?key|bearer|password"
_SECRET_VALUE = (
    r"\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|\bABSK[A-Za-z0-9+/=]{30,}|bedrock-api-key-"
    r"|(?<![A-Za-z0-9+/=])(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])"
    r"[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])"
)


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


@dataclass
class _Layer:
    """One place that settings come from; earlier layers overrule later ones."""

    source: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)


def config_path(environ: Mapping[str, str], flag: Path | None = None) -> tuple[Path, str | None]:
    """The config file's path, and which flag or variable named it (None: the default place)."""
    if flag is not None:
        return flag.expanduser(), "--config"
    if environ.get(PREFIX + "CONFIG"):
        return Path(environ[PREFIX + "CONFIG"]).expanduser(), PREFIX + "CONFIG"
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
    path, named_by = config_path(environ, config)
    if named_by and not path.exists():
        raise ConfigError(
            f"{path}: no such file (from {named_by})", hint="`bedrock-claude config init` makes one"
        )
    wrong: list[str] = []
    document, presets = _read_file(path, wrong) if path.exists() else ({}, {})
    notes = tuple(_unknown_variables(environ))
    flag_layer = _read_flags(flags)
    layers = [
        flag_layer,
        *_preset_layer(preset, presets, path),
        _read_environment(environ, wrong),
        _aws_environment(environ),
        _Layer(dict.fromkeys(document, str(path)), document),
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))
    values = _merge(layers)
    options = Options(**{key: values[key].value for key in SPECS})
    return Settings(values, options, document.get("prices") or {}, presets, path, notes)


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
        close = get_close_matches(name, presets, 1)
        known = (
            f"did you mean `{close[0]}`?"
            if close
            else f"presets in {path}: " + (", ".join(presets) or "none")
        )
        raise UsageError(f"no preset `{name}`", hint=known)
    return [_Layer(dict.fromkeys(presets[name], f"--preset {name}"), dict(presets[name]))]


def _read_environment(environ: Mapping[str, str], wrong: list[str]) -> _Layer:
    found = {}
    for key in (*AWS_KEYS, *SPECS):
        if environ.get(PREFIX + key.upper()):
            found[key] = environ[PREFIX + key.upper()]
    options = Options.read(
        found, lambda key, what: wrong.append(f"{PREFIX}{key.upper()} {what}"), text=True
    )
    values = options.given() | {key: found[key] for key in AWS_KEYS if key in found}
    return _Layer({key: PREFIX + key.upper() for key in values}, values)


def _aws_environment(environ: Mapping[str, str]) -> _Layer:
    layer = _Layer({})
    for key, variables in (
        ("profile", ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")),
        ("region", ("AWS_REGION", "AWS_DEFAULT_REGION")),
    ):
        for variable in variables:
            if environ.get(variable):
                layer.values[key] = environ[variable]
                layer.source[key] = variable
                break
    return layer


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = [PREFIX + key.upper() for key in ENVIRONMENT_KEYS]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and environ[name]:
            close = get_close_matches(name, known, 1)
            tail = f"; did you mean {close[0]}?" if close else ""
            yield f"{name} is no setting of this tool and was ignored{tail}"


def _merge(layers: list[_Layer]) -> dict[str, Setting]:
    merged = {}
    for key in (*AWS_KEYS, *SPECS):
        found = [(layer.values[key], layer.source[key]) for layer in layers if key in layer.values]
        found.append((getattr(DEFAULTS, key, None), "default"))
        merged[key] = Setting(*found[0], overruled=tuple(found[1:]))
    return merged


def _read_file(path: Path, wrong: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    problems = Problems(path)
    document = read_yaml(path, problems)
    if document is None:
        return {}, {}
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path}:1:1 not a mapping of keys to values",
            hint="`bedrock-claude config init --config NEW.yaml` writes an example",
        )
    _refuse_secrets(document, (), problems)
    values = _read_level(document, FILE_KEYS, (), problems)
    values["prices"] = _read_prices(document.get("prices"), problems)
    presets = {}
    raw = document.get("presets")
    if raw is not None and not isinstance(raw, dict):
        problems.add(("presets",), "takes a mapping of names to options")
    elif raw:
        for name, entry in raw.items():
            if isinstance(entry, dict):
                keys = (*AWS_KEYS, *SPECS)
                presets[str(name)] = _read_level(entry, keys, ("presets", name), problems)
            else:
                problems.add(("presets", name), "takes a mapping of options")
    wrong.extend(problems.texts())
    return values, presets


def _read_level(
    mapping: dict[Any, Any], keys: tuple[str, ...], where: tuple[Any, ...], problems: Problems
) -> dict[str, Any]:
    for key in mapping:
        if key not in keys and (*where, key) not in problems.refused:
            close = get_close_matches(str(key), keys, 1)
            tail = f"; did you mean `{close[0]}`?" if close else ""
            problems.add((*where, key), f"unknown key{tail}")
    given = {key: value for key, value in mapping.items() if value is not None}
    values = Options.read(given, lambda key, what: problems.add((*where, key), what)).given()
    for key in AWS_KEYS:
        if key in given:
            if isinstance(given[key], str) and given[key].strip():
                values[key] = given[key]
            else:
                problems.add((*where, key), "takes text")
    return values


def _read_prices(raw: Any, problems: Problems) -> dict[str, dict[str, float]]:
    prices: dict[str, dict[str, float]] = {}
    if raw is None:
        return prices
    if not isinstance(raw, dict):
        problems.add(("prices",), "takes a mapping of models to prices")
        return prices
    for model, entry in raw.items():
        if not isinstance(entry, dict):
            problems.add(("prices", model), f"takes a mapping of {', '.join(PRICE_KEYS)}")
            continue
        for key, value in entry.items():
            if key not in PRICE_KEYS:
                close = get_close_matches(str(key), PRICE_KEYS, 1)
                tail = f"; did you mean `{close[0]}`?" if close else ""
                problems.add(("prices", model, key), f"unknown key{tail}")
            elif isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                problems.add(("prices", model, key), "takes USD per million tokens, 0 or more")
        prices[str(model)] = dict(entry)
    return prices


def _refuse_secrets(value: Any, where: tuple[Any, ...], problems: Problems) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if re.search(_SECRET_KEY, str(key)) and where[:1] != ("prices",):
                problems.refused.add((*where, key))
                problems.add((*where, key), _SECRET_ADVICE)
            else:
                _refuse_secrets(inner, (*where, key), problems)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_secrets(inner, (*where, index), problems)
    elif isinstance(value, str) and re.search(_SECRET_VALUE, value):
        problems.add(where, _SECRET_ADVICE)


_SECRET_ADVICE = (
    "looks like an AWS secret, which does not belong in this file: "
    "keep it in an AWS profile (`aws configure`) and name that profile here"
)


def xdg_folder(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    """This tool's folder under an XDG base directory such as XDG_CACHE_HOME."""
    base = Path(environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / fallback) / "bedrock-claude"


def example() -> str:
    """The example config: every key with its default, commented out."""
    lines = [
        "# bedrock-claude config. Every key, with its default; take the `# ` away to set one.",
        "# Flags, --preset, BEDROCK_CLAUDE_* and AWS_* variables overrule this file:",
        "# `bedrock-claude config show` tells which value counts, and why.",
        "",
        "# profile: dev  # the AWS profile; keys in the environment overrule it. Default: none",
        f"# region: {FALLBACK_REGION}  # default: the AWS profile's own region, then this one",
        "",
    ]
    for key, spec in SPECS.items():
        unset = {"stop": '["END"]', "system": "Answer briefly."}.get(key, "0.5")
        value = unset if spec.default is None else f"{spec.default:g}" if spec.duration else None
        choices = f": {', '.join(spec.choices)}" if spec.choices else ""
        tail = "" if spec.default is not None else ". Default: none"
        lines.append(f"# {key}: {value or spec.default}  # {spec.help}{choices}{tail}")
    return "\n".join([*lines, _EXAMPLE_TAIL])


_EXAMPLE_TAIL = """
# What a model costs, in USD per million tokens, where the shipped price list is not yours.
# The name is an alias, a base id, or an id with its prefix. Default: {}
# prices:
#   sonnet-4.5:
#     input: 3
#     output: 15
#     cache_read: 0.3
#     cache_write_5m: 3.75
#     cache_write_1h: 6

# Options under a name, for `--preset NAME`: any key above but prices. Default: {}
# presets:
#   review:
#     model: opus-4.6
#     max_tokens: 8192
#     system: You review code. Name the line, the fault and the fix.
#   europe:
#     region: eu-central-1
#     endpoint: eu
"""
