"""What TAB offers: no network, and no YAML unless there is a config file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Candidates = list[tuple[str, str]]


def _starting(incomplete: str, items: Iterator[tuple[str, str]]) -> Candidates:
    return [(value, text) for value, text in items if value.startswith(incomplete)]


def endpoints(incomplete: str) -> Candidates:
    """Where a model may run."""
    from bedrock_claude_cli.bedrock.prompt import ENDPOINTS

    return _starting(incomplete, ((name, "") for name in ENDPOINTS))


def vias(incomplete: str) -> Candidates:
    """The ways to send a request."""
    from bedrock_claude_cli.bedrock.prompt import VIAS

    return _starting(incomplete, ((name, "") for name in VIAS))


def models(incomplete: str) -> Candidates:
    """Aliases, and ids once an id was begun."""
    from bedrock_claude_cli.bedrock import catalog

    known = catalog.load()

    def items() -> Iterator[tuple[str, str]]:
        yield from known.aliases().items()
        for model in known.models:
            yield model.id, model.name
            for endpoint in model.endpoints:
                yield f"{endpoint}.{model.id}", f"{model.name}, {endpoint}"

    return _starting(incomplete, items())


def regions(incomplete: str) -> Candidates:
    """The regions of the shipped catalogue."""
    from bedrock_claude_cli.bedrock import catalog

    return _starting(incomplete, ((name, "") for name in catalog.load().regions))


def aws_profiles(incomplete: str) -> Candidates:
    """The profiles in AWS's config and credentials files."""
    home = Path.home() / ".aws"
    names: dict[str, None] = {}
    for variable, default, pattern in (
        ("AWS_CONFIG_FILE", home / "config", r"^\[\s*(?:profile\s+)?([^\]]+?)\s*\]"),
        ("AWS_SHARED_CREDENTIALS_FILE", home / "credentials", r"^\[\s*([^\]]+?)\s*\]"),
    ):
        path = Path(os.environ.get(variable) or default).expanduser()
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            for name in re.findall(pattern, text, re.MULTILINE):
                if not name.startswith(("sso-session ", "services ")):
                    names[name.strip("\"'")] = None
    return _starting(incomplete, ((name, "AWS profile") for name in names))


def presets(ctx: Any, incomplete: str) -> Candidates:
    """The presets in the config file."""
    from bedrock_claude_cli import config

    flag = _config_flag(ctx)
    path, _ = config.config_path(os.environ, Path(flag) if flag else None)
    if not path.is_file():
        return []
    from bedrock_claude_cli.errors import ConfigError
    from bedrock_claude_cli.yaml_file import Problems, read_yaml

    try:
        document = read_yaml(path, Problems(path))
    except ConfigError:
        return []  # a message here would land in the middle of the user's command line
    named = document.get("presets") if isinstance(document, dict) else None
    return _starting(incomplete, ((str(name), "preset") for name in named or ()))


def _config_flag(ctx: Any) -> str | None:
    while ctx is not None:
        if ctx.params.get("config"):
            return str(ctx.params["config"])
        ctx = ctx.parent
    return None
