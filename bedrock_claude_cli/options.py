"""The command line's options, each spelled once; `ask` and `run` share the per-request ones."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Optional

import typer

from bedrock_claude_cli import complete

# Optional[...] stays: typer reads it at run time on Python 3.10.
Profile = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--profile",
        metavar="NAME",
        help="AWS profile; overrules keys in the environment and a Bedrock API key.",
        autocompletion=complete.aws_profiles,
    ),
]
Region = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--region", metavar="REGION", help="AWS region.", autocompletion=complete.regions),
]
Regions = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS region (repeatable).",
        autocompletion=complete.regions,
    ),
]
LogGroup = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--log-group", metavar="NAME", help="Read this log group, not where logging goes now."
    ),
]
LogBucket = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--bucket", metavar="NAME[/PREFIX]", help="Read this bucket, not where logging goes now."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without asking.")]
Config = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--config", metavar="PATH", help="Config file to use."),
]
Preset = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--preset",
        "-t",
        metavar="NAME|FILE.yaml",
        help="Named options from the config file, or a file of them.",
        autocompletion=complete.presets,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Query = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--query", metavar="JMESPATH", help="Pick from the JSON; a string is printed bare."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes; errors still show.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Sandbox = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--sandbox/--no-sandbox", help="Use the embedded sandbox: no AWS, no cost, canned answers."
    ),
]


def shared(
    profile: Profile = None,
    region: Region = None,
    config: Config = None,
    preset: Preset = None,
    json: Json = False,
    query: Query = None,
    quiet: Quiet = False,
    debug: Debug = False,
    sandbox: Sandbox = None,
) -> None:
    """The options that every command takes; only the signature counts."""


class Shared(NamedTuple):
    """The values of the options that every command takes."""

    profile: str | None = None
    region: str | list[str] | None = None
    config: Path | None = None
    preset: str | None = None
    json: bool = False
    query: str | None = None
    quiet: bool = False
    debug: bool = False
    sandbox: bool | None = None

    def over(self, other: Shared) -> Shared:
        """These values, and where they are unset, those given before the subcommand."""
        given = {
            name: value for name, value in self._asdict().items() if value not in (None, False, [])
        }
        if self.sandbox is not None:
            given["sandbox"] = self.sandbox
        return other._replace(**given)


class Door:
    """What main keeps of one run: the root's options, and the context once a command has one."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.context: Any = None


Model = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Alias (sonnet, opus-4.6), model id or ARN.",
        autocompletion=complete.models,
    ),
]
Endpoint = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--endpoint",
        metavar="ENDPOINT",
        help="auto, global, in-region or a geography: us, eu, jp, au, apac, in, us-gov.",
        autocompletion=complete.endpoints,
    ),
]
Via = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--via",
        metavar="WAY",
        help="How the request is sent: invoke, converse, sdk or mantle.",
        autocompletion=complete.vias,
    ),
]
System = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--system", "-s", metavar="TEXT|@FILE", help="System prompt."),
]
MaxTokens = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--max-tokens", metavar="N", help="Longest answer, in tokens."),
]
Temperature = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--temperature", metavar="0..1", help="Sampling temperature."),
]
TopP = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--top-p", metavar="0..1", help="Nucleus sampling."),
]
Stop = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--stop", metavar="TEXT", help="Text that ends the answer (repeatable)."),
]
Attach = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--attach",
        "-a",
        metavar="PATH[:TYPE]",
        help="File that goes with the question, - for stdin (repeatable).",
    ),
]
Citations = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option("--citations/--no-citations", help="Sources in the attachments, or none."),
]
Schema = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--schema", metavar="FILE|JSON", help="JSON Schema that the answer must fit."),
]
Thinking = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--thinking", metavar="off|adaptive|N", help="Thinking; N is its most tokens."),
]
Effort = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--effort",
        metavar="LEVEL",
        help="low, medium, high, xhigh or max.",
        autocompletion=complete.efforts,
    ),
]
Cache = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--cache",
        metavar="[5m|1h]",
        help="Keep system prompt and attachments in Bedrock's cache.",
    ),
]
Context1m = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option("--context-1m", help="1M context, where it is a beta.", show_default=False),
]
Beta = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--beta", metavar="NAME", help="Beta to switch on (repeatable)."),
]
Guardrail = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--guardrail", metavar="ID:VERSION", help="Guardrail to apply."),
]
Meta = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--meta", metavar="KEY=VALUE", help="Metadata for the logs (repeatable)."),
]
Timeout = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--timeout", metavar="DURATION", help="How long to wait without a byte: 90, 90s, 15m."
    ),
]
Retries = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--retries", metavar="N", help="Repeats of what cannot have been billed."),
]


def per_request(
    model: Model = None,
    endpoint: Endpoint = None,
    via: Via = None,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    stop: Stop = None,
    attach: Attach = None,
    citations: Citations = None,
    schema: Schema = None,
    thinking: Thinking = None,
    effort: Effort = None,
    cache: Cache = None,
    context_1m: Context1m = None,
    beta: Beta = None,
    guardrail: Guardrail = None,
    meta: Meta = None,
    timeout: Timeout = None,
    retries: Retries = None,
) -> None:
    """What shapes a request, for every command that makes some; only the signature counts."""


_NEGATABLE = ("citations", "sandbox")


def command_line(words: list[str], given: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """A command line as a shell takes it: `words`, and a flag for each of `given` that is set.

    Keys are parameters' names; what equals its value in `usual` is left out.
    """
    words = list(words)
    for key, value in given.items():
        unset = value is None or value == [] or (value is False and key not in _NEGATABLE)
        if unset or (key in usual and value == usual[key]):
            continue
        flag = f"--{'no-' * (value is False)}{key.replace('_', '-')}"
        for each in value if isinstance(value, list) else [value]:
            text = f"{each:.12g}" if isinstance(each, float) else str(each)
            words += [flag] if isinstance(each, bool) else [flag, text]
    return shlex.join(words)
