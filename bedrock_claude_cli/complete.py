"""What TAB offers: no network, and no YAML unless there is a config file.

The words are read here rather than by typer's own completion, which offers values without
their `--option=`, and loads rich to show a help text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

Candidates = list[tuple[str, str]]
# A metavar that takes a file as it stands, not behind an `@`.
_FILE = re.compile(r"(?<![@\w])(FILE|PATH|INPUT)")
# `values`, or that the shell shall offer `files` or `commands` of its own.
Answer = tuple[str, Candidates]


def _starting(incomplete: str, items: Iterator[tuple[str, str]]) -> Candidates:
    return [(value, text) for value, text in items if value.startswith(incomplete)]


def endpoints(incomplete: str) -> Candidates:
    """Where a model may run."""
    from bedrock_claude_cli.bedrock.prompt import ENDPOINTS

    return _starting(incomplete, ((name, "") for name in ENDPOINTS))


def offered_endpoints(incomplete: str) -> Candidates:
    """The endpoints that a list can be narrowed to: all but auto, which chooses among them."""
    return [each for each in endpoints(incomplete) if each[0] != "auto"]


def vias(incomplete: str) -> Candidates:
    """The ways to send a request."""
    from bedrock_claude_cli.bedrock.prompt import VIAS

    return _starting(incomplete, ((name, "") for name in VIAS))


def efforts(incomplete: str) -> Candidates:
    """How hard a model may work."""
    from bedrock_claude_cli.bedrock.prompt import EFFORTS

    return _starting(incomplete, ((name, "") for name in EFFORTS))


def languages(incomplete: str) -> Candidates:
    """The languages that a request can be written in."""
    from bedrock_claude_cli.bedrock.prompt import LANGUAGES

    return _starting(incomplete, ((name, "") for name in LANGUAGES))


def models(incomplete: str) -> Candidates:
    """Aliases, and ids once a letter was typed."""
    from bedrock_claude_cli.bedrock import catalog

    known = catalog.load()

    def items() -> Iterator[tuple[str, str]]:
        yield from known.aliases().items()
        for model in known.models if incomplete else ():
            yield model.id, model.name
            for endpoint in model.endpoints:
                yield f"{endpoint}.{model.id}", f"{model.name}, {endpoint}"

    return _starting(incomplete, items())


def regions(incomplete: str) -> Candidates:
    """The regions of the shipped catalogue."""
    from bedrock_claude_cli.bedrock import catalog

    return _starting(incomplete, ((name, "") for name in catalog.load().regions))


def jobs(incomplete: str) -> Candidates:
    """The manifests of batch jobs in the current folder."""
    found = sorted(path.name for path in Path().glob("*.job.json"))
    return _starting(incomplete, ((name, "batch job") for name in found))


def job_states(incomplete: str) -> Candidates:
    """The states of a batch job."""
    from bedrock_claude_cli.bedrock.job_manifest import STATUSES

    return _starting(incomplete, ((name, "") for name in STATUSES))


def aws_profiles(incomplete: str) -> Candidates:
    """The profiles in AWS's config and credentials files."""
    home = Path.home() / ".aws"
    names: dict[str, None] = {}
    for variable, default, pattern in (
        (
            "AWS_CONFIG_FILE",
            home / "config",
            r"^\[\s*(?:profile\s+|(?=default\s*\]))([^\]]+?)\s*\]",
        ),
        ("AWS_SHARED_CREDENTIALS_FILE", home / "credentials", r"^\[\s*([^\]]+?)\s*\]"),
    ):
        path = Path(os.environ.get(variable) or default).expanduser()
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            for name in re.findall(pattern, text, re.MULTILINE):
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
    names = named if isinstance(named, dict) else ()
    return _starting(incomplete, ((str(name), "preset") for name in names))


def _config_flag(ctx: Any) -> str | None:
    while ctx is not None:
        if ctx.params.get("config"):
            return str(ctx.params["config"])
        ctx = ctx.parent
    return None


class Line:
    """The finished words of a command line: what they mean, and what may come next."""

    def __init__(self, command: Any) -> None:
        self._context: Any = None
        self._enter(command, "bedrock-claude")

    def _enter(self, command: Any, name: str) -> None:
        self._command: Any = command
        self._context = typer.Context(
            command, parent=self._context, info_name=name, **command.context_settings
        )
        params = command.get_params(self._context)
        self._arguments = [each for each in params if each.param_type_name == "argument"]
        self._options = {
            name: each
            for each in params
            if each.param_type_name == "option" and not each.hidden
            for name in (*each.opts, *each.secondary_opts)
        }
        self._wanted: list[Any] = []  # the option whose values come next, once for each value
        self._positionals = 0
        self._closed = False  # no option can follow
        self._unknown = False

    def take(self, word: str) -> None:
        """Read one finished word."""
        if self._wanted:
            self._context.params[self._wanted.pop().name] = word
        elif word == "--" and not self._closed:
            self._closed = True
        elif word.startswith("-") and word != "-" and not self._closed:
            self._take_options(word)
        elif self._is_group():
            command = self._command.get_command(self._context, word)
            self._unknown = self._unknown or command is None
            if not self._unknown:
                self._enter(command, word)
        else:
            self._positionals += 1
            self._closed = self._closed or not self._context.allow_interspersed_args

    def offers(self, incomplete: str) -> Answer:
        """What the unfinished word may become."""
        if self._unknown:
            return "values", []
        if self._wanted:
            return self._values(self._wanted[-1], incomplete)
        if incomplete.startswith("-") and not self._closed:
            options, at = self._named(incomplete)
            if options and _takes_value(options[-1]) and incomplete not in self._options:
                kind, items = self._values(options[-1], incomplete[at:])
                return kind, [(incomplete[:at] + value, text) for value, text in items]
            return "values", self._option_names(incomplete)
        if self._is_group():
            items = self._command.shell_complete(self._context, incomplete)
            return "values", [(item.value, item.help or "") for item in items]
        argument = self._argument()
        if argument is not None:
            return self._values(argument, incomplete)
        return "values", [] if self._closed or incomplete else self._option_names("-")

    def _is_group(self) -> bool:
        return hasattr(self._command, "list_commands") or hasattr(self._command, "commands")

    def _named(self, word: str) -> tuple[list[Any], int]:
        """The options that a word spells, and where in it an attached value would begin."""
        if word.startswith("--"):
            name, equals, _ = word.partition("=")
            found = self._options.get(name)
            return ([found] if found else []), len(name + equals)
        spelled = []
        for at, letter in enumerate(word[1:], 2):
            option = self._options.get(f"-{letter}")
            if option is None:
                return [], len(word)
            spelled.append(option)
            if _takes_value(option):
                return spelled, at
        return spelled, len(word)

    def _take_options(self, word: str) -> None:
        options, at = self._named(word)
        for option in options:
            self._context.params[option.name] = True
        if options and _takes_value(options[-1]):
            last = options[-1]
            if at < len(word) or word.endswith("="):
                self._context.params[last.name] = word[at:]
            elif not (last.metavar or "").startswith("["):
                self._wanted = [last] * last.nargs

    def _option_names(self, incomplete: str) -> list[tuple[str, str]]:
        """The options that can still be given."""
        return [
            (name, (option.help or "").splitlines()[0] if option.help else "")
            for name, option in self._options.items()
            if name.startswith(incomplete)
            and (option.multiple or option.name not in self._context.params)
        ]

    def _argument(self) -> Any:
        """The argument that the next word belongs to; None after the last one."""
        before = 0
        for argument in self._arguments:
            before += argument.nargs
            if argument.nargs < 0 or self._positionals < before:
                return argument
        return None

    def _values(self, param: Any, incomplete: str) -> Answer:
        kind = param.type
        if param.nargs > 1 and self._wanted:
            kind = kind.types[param.nargs - len(self._wanted)]
        if kind.name in ("path", "file", "directory"):
            return "files", []
        if param.nargs < 0 and not self._context.allow_interspersed_args:
            return ("files" if self._positionals else "commands"), []  # another program's line
        items = param.shell_complete(self._context, incomplete)
        if not items and _FILE.search(param.metavar or ""):
            return "files", []
        return "values", [(item.value, item.help or "") for item in items]


def _takes_value(option: Any) -> bool:
    return not (option.is_flag or option.count)
