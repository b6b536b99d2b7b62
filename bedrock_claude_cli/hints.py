"""Hints as a user can follow them: with what this run knows, and the flags that it was given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from bedrock_claude_cli.known_errors import PLACES

# These ask no AWS, or say by themselves how they go on.
_OTHERS = "config|run|sandbox|why"
_COMMAND = re.compile(rf"`(bedrock-claude (?!(?:{_OTHERS})\b)[\w-][^`|<>]*)`")


class Asked(NamedTuple):
    """What was asked for: the model as it was typed, the endpoint, and whence; the guard's globs.

    `allowed` is None where nothing is forbidden.
    """

    model: str
    endpoint: str
    region: str
    allowed: Collection[str] | None = None


def filled(hint: str, places: Mapping[str, Callable[[], str]]) -> str:
    """A hint with its places filled; what is not in `places` as for a run that knows nothing."""
    for place, words in PLACES.items():
        if place in hint:
            hint = hint.replace(place, places[place]() if place in places else words)
    return hint


def spelled(flags: Iterable[tuple[str, str]]) -> str:
    """Flags and their values as a shell takes them, behind a command."""
    return "".join(
        f" {flag} {shlex.quote(value)}" if value else f" {flag}" for flag, value in flags
    )


def same_place(hint: str, flags: Sequence[tuple[str, str]]) -> str:
    """A hint whose commands ask AWS where this run asked it: each flag that they lack behind."""

    def command(found: re.Match[str]) -> str:
        words = found[1]
        there = re.sub("--all-regions", "--region", words)
        lacking = (each for each in flags if not re.search(rf"{each[0]}\b", there))
        return f"`{words}{spelled(lacking)}`"

    return _COMMAND.sub(command, hint) if flags else hint


def nearer(asked: Asked) -> str:
    """The endpoint of the region's own geography, where it is another one that can be asked for."""
    from bedrock_claude_cli.bedrock import catalog, model_id

    known = catalog.load()
    own = known.geography(asked.region)
    named = model_id.parse(asked.model)
    model = known.get(named.base_id or "") or known.by_alias(asked.model)
    if own is None or own == (named.endpoint or asked.endpoint) or not _lets(asked, own):
        return ""
    if model is None or own not in known.offered(model, asked.region):
        return ""
    return f", as in `--endpoint {own}`" if not named.endpoint else f", as in `-m {own}.{model.id}`"


def roomier(asked: Asked) -> str:
    """What is said of the global endpoint where it is another one that can be asked for."""
    from bedrock_claude_cli.bedrock import model_id

    endpoint = model_id.parse(asked.model).endpoint or asked.endpoint
    return (
        "" if endpoint in ("auto", "global") or not _lets(asked, "global") else PLACES["{roomier}"]
    )


def _lets(asked: Asked, endpoint: str) -> bool:
    from fnmatch import fnmatchcase

    return asked.allowed is None or any(fnmatchcase(endpoint, each) for each in asked.allowed)
