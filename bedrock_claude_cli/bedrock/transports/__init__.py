"""The ways to call: each a module with `build` (pure) and `stream`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One operation and the very arguments that are sent.

    `titles` are documents' own names by those that they are sent under, where the two differ.
    """

    operation: str
    arguments: dict[str, Any]
    titles: Mapping[str, str] = MappingProxyType({})

    def as_json(self) -> Any:
        """The arguments as a dry run shows them: a JSON body opened, other bytes in base64."""
        return _plain(self.arguments)


def transport(via: str | None) -> ModuleType:
    """The module of a way to call, which must be one of `prompt.VIAS`; only it is loaded."""
    return import_module(f"{__name__}.{via or 'invoke'}")


def _plain(value: Any, key: str | None = None) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return json.loads(value) if key == "body" else base64.b64encode(value).decode()
    return value
