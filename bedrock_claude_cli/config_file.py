"""The config file: read and checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bedrock_claude_cli.bedrock.prompt import ENDPOINTS, SPECS, Options
from bedrock_claude_cli.config import AWS_KEYS, GUARD_KEYS, OPTION_KEYS, FileSettings, Setting
from bedrock_claude_cli.errors import ConfigError, did_you_mean
from bedrock_claude_cli.template import faults
from bedrock_claude_cli.yaml_file import Key, Problems, read_yaml

FILE_KEYS = (*OPTION_KEYS, *GUARD_KEYS, "prices", "presets")
PRESET_KEYS = (*OPTION_KEYS, "prompt")
PRICE_KEYS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
DEAREST = 1_000_000

_SECRET_KEY = re.compile(r"secret|session_?token|access_?key|api_?key|bearer|password", re.I)
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|\bABSK[A-Za-z0-9+/=]{30,}|bedrock-api-key-"
)
_FORTY = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])")
_SECRET_ADVICE = (
    "looks like an AWS secret, which does not belong in this file: "
    "keep it in an AWS profile (`aws configure`) and name that profile here"
)


def read_file(
    path: Path, environ: Mapping[str, str], preset: str | None = None
) -> tuple[FileSettings, list[str]]:
    """What the file at `path` sets, and everything that is wrong with it.

    `${VAR}` in `meta` is taken from `environ`, in presets only in the one that is used.
    """
    problems = Problems(path)
    document = _read_document(path, problems)
    values = _read_level(document, FILE_KEYS, (), problems, environ)
    prices = {
        model: _read_prices(entry, ("prices", model), problems)
        for model, entry in _mapping(document, "prices", (), problems).items()
    }
    named = _mapping(document, "presets", (), problems)
    presets = {
        name: _read_level(
            _mapping(named, name, ("presets",), problems),
            PRESET_KEYS,
            ("presets", name),
            problems,
            environ if name == preset else None,
        )
        for name in named
    }
    allowed = {
        key: Setting(_globs(document[key], key, problems), f"{path}:{problems.line((key,))}")
        for key in GUARD_KEYS
        if key in document
    }
    return FileSettings(values, prices, presets, allowed), problems.texts()


def read_preset(path: Path, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What the preset in the file at `path` sets, and everything that is wrong with it."""
    problems = Problems(path)
    document = _read_document(path, problems)
    return _read_level(document, PRESET_KEYS, (), problems, environ), problems.texts()


def _read_document(path: Path, problems: Problems) -> dict[str, Any]:
    document = read_yaml(path, problems)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(
            f"{path}:1:1 not a mapping of keys to values",
            hint="a setting is written as `model: sonnet-4.5`; "
            "`bedrock-claude config init --config NEW.yaml` writes an example",
        )
    kept: dict[str, Any] = _without_secrets(document, (), problems)
    return kept


def looks_secret(text: str) -> bool:
    """Whether a text holds what looks like an AWS key, secret or Bedrock API key."""
    if _SECRET_VALUE.search(text):
        return True
    kinds = (str.isupper, str.islower, str.isdigit)
    return any(all(any(map(kind, found)) for kind in kinds) for found in _FORTY.findall(text))


def _without_secrets(value: Any, where: Key, problems: Problems) -> Any:
    """The value without what looks like a secret, so that no later message can repeat it."""
    if isinstance(value, str) and looks_secret(value):
        problems.add(where, _SECRET_ADVICE)
        return None
    if isinstance(value, list):
        items = (
            (item, _without_secrets(item, (*where, index), problems))
            for index, item in enumerate(value)
        )
        return [kept for item, kept in items if item is None or kept is not None]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, inner in value.items():
        at = problems.positions.get((*where, key))
        if looks_secret(key):
            problems.add(where, f"a key here {_SECRET_ADVICE}", at)
        elif _SECRET_KEY.search(key) and not isinstance(inner, dict):
            problems.add((*where, key), _SECRET_ADVICE, at)
        else:
            kept[key] = _without_secrets(inner, (*where, key), problems)
    return kept


def _mapping(level: dict[str, Any], key: str, where: Key, problems: Problems) -> dict[str, Any]:
    found = level.get(key)
    if found is not None and not isinstance(found, dict):
        problems.add((*where, key), "takes a mapping")
    return found if isinstance(found, dict) else {}


def _read_level(
    mapping: dict[str, Any],
    keys: tuple[str, ...],
    where: Key,
    problems: Problems,
    environ: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The values of one level; without `environ` its `${VAR}` are checked and left as they are."""
    for key in mapping:
        if key not in keys:
            problems.add((*where, key), f"unknown key{did_you_mean(key, keys)}")
    given = {key: value for key, value in mapping.items() if value is not None}
    meta = given.get("meta")
    if isinstance(meta, dict):
        given["meta"] = _expanded(meta, (*where, "meta"), problems, environ)
    values = Options.read(given, lambda key, what: problems.add((*where, key), what)).given()
    if "meta" in values and environ is None:
        values["meta"] = meta
    if "prompt" in keys and "prompt" in given:
        prompt = _prompt(given["prompt"], (*where, "prompt"), problems)
        values |= {"prompt": prompt} if prompt else {}
    for key in AWS_KEYS:
        if key in given:
            if isinstance(given[key], str) and given[key].strip():
                values[key] = given[key]
            else:
                problems.add((*where, key), "takes a name")
    return values


_VARIABLE = re.compile(r"\$(\$?)\{([^}]*)\}")


def _expanded(
    meta: dict[str, Any], where: Key, problems: Problems, environ: Mapping[str, str] | None
) -> dict[str, Any]:
    """The metadata with `${VAR}` from the environment; `$${` stands for `${`."""

    def value(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped or environ is None:
            return match[0][1:] if escaped else "x"
        if not environ.get(name):
            problems.add(key, f"the environment variable {name or '``'} is not set")
        return environ.get(name, "")

    found = {}
    for name, text in meta.items():
        key: Key = (*where, name)
        found[name] = _VARIABLE.sub(value, text) if isinstance(text, str) else text
        if found[name] != text and looks_secret(found[name]):
            problems.add(key, _SECRET_ADVICE)
            found[name] = ""
    return found


# A region, or part of one with wildcards in it.
_OF_REGIONS = re.compile(r"[a-z*?\[\]!]+-[a-z0-9*?\[\]!-]+")


def _globs(value: Any, key: str, problems: Problems) -> tuple[str, ...]:
    """The globs of a guard rail: texts, as `stop` is; a key without a value is no empty list."""
    try:
        globs: tuple[str, ...] = SPECS["stop"].read(value, text=False)
    except ValueError as error:
        problems.add((key,), f"takes a list of globs: it {error}")
        return ()
    known = ENDPOINTS[1:]
    for each in globs if key == "allow_endpoints" else ():
        if not (any(fnmatchcase(name, each) for name in known) or _OF_REGIONS.fullmatch(each)):
            guess = did_you_mean(each.lower(), known)
            what = f"`{each}` matches no endpoint ({', '.join(known)}) and no region{guess}"
            problems.add((key,), what)
    if key == "allow_models":
        _check_names(globs, problems)
    return globs


def _check_names(names: tuple[str, ...], problems: Problems) -> None:
    """A name without wildcards is an alias that is known, or an id, which may be a new one."""
    from bedrock_claude_cli.bedrock import catalog

    known = catalog.load()
    for each in names:
        if not (re.search(r"[*?\[]|^arn:|\.[A-Za-z]", each) or known.find(each)):
            guess = did_you_mean(each.lower(), known.aliases())
            what = f"`{each}` is no alias of a model that is known here, and no id{guess}"
            problems.add(("allow_models",), what)


def _prompt(text: Any, where: Key, problems: Problems) -> str | None:
    if not isinstance(text, str) or not text.strip():
        problems.add(where, "takes the text of a prompt")
        return None
    wrong = list(faults(text))
    for each in wrong:
        problems.add(where, each)
    return None if wrong else text


def _read_prices(entry: Any, where: Key, problems: Problems) -> dict[str, float]:
    if not isinstance(entry, dict):
        problems.add(where, f"takes a mapping of {', '.join(PRICE_KEYS)}")
        return {}
    prices = {}
    for key, value in entry.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if key not in PRICE_KEYS:
            problems.add((*where, key), f"unknown key{did_you_mean(key, PRICE_KEYS)}")
        elif not number or not 0 <= value <= DEAREST:
            problems.add((*where, key), f"takes USD per million tokens, 0 to {DEAREST}")
        else:
            prices[key] = value
    return prices
