"""The use-case form from a file, or field by field from a person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bedrock_claude_cli.bedrock import use_case
from bedrock_claude_cli.bedrock.use_case import Key
from bedrock_claude_cli.errors import CliError, ConfigError
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.yaml_file import Problems, parse_yaml, read_yaml

TEMPLATE = (
    "companyName: Example Corp",
    "companyWebsite: https://example.com",
    "intendedUsers: internal    # or external, or both",
    "industryOption: Technology",
    'otherIndustryOption: ""    # where the industry is Other',
    "useCases: What Claude will be used for.",
)


def read(path: Path) -> dict[str, Any]:
    """The form in a YAML or JSON file, as AWS takes it; ConfigError says all that is wrong.

    The path `-` is stdin.
    """
    if str(path) == "-":
        problems = Problems("stdin")
        document = parse_yaml(sys.stdin.read(), problems)
    else:
        problems = Problems(path)
        document = read_yaml(path, problems)
    if not isinstance(document, dict):
        problems.add((), f"takes a mapping with the keys {', '.join(use_case.NAMES)}")
        document = None
    for name, what in use_case.faults(document) if document is not None else ():
        problems.add((name,) if name else (), what)
    if problems.lines:
        raise ConfigError("\n".join(problems.texts()))
    return use_case.coded(document or {})


def can_ask(out: Output) -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and out.stderr.isatty()


def ask(out: Output) -> dict[str, Any]:
    """The form, asked field by field until each is right; Ctrl-D ends it with nothing changed."""
    out.asked("note", "Ctrl-C leaves without a change")
    form: dict[str, Any] = {}
    for key in use_case.KEYS:
        other = key.name == "otherIndustryOption" and use_case.is_other(form)
        key = key._replace(required=key.required or other)
        form[key.name] = _field(out, key) if key.required else ""
    return use_case.coded(form)


def _field(out: Output, key: Key) -> str:
    while True:
        out.stdout.flush()
        out.stderr.write(f"{key.name}, {key.question}: ")
        out.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            out.stderr.write("\n")
            raise CliError("the form was not filled in, so nothing was changed", code="Declined")
        what = use_case.wrong(key, line.strip())
        if what is None:
            return line.strip()
        out.stderr.write(f"  {key.name} {what}\n")
