"""What a command is handed: settings, clients and output, each made at first touch."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Callable, Collection, MutableMapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bedrock_claude_cli import config, hints, options
from bedrock_claude_cli.aws import Aws
from bedrock_claude_cli.errors import ConfigError, UsageError
from bedrock_claude_cli.options import Door, Shared
from bedrock_claude_cli.output import Output

if TYPE_CHECKING:
    from bedrock_claude_cli.yaml_file import Problems

# In the sandbox these stay the user's: they shape a request and say nothing of an AWS account.
_OF_AN_ACCOUNT = ("BEDROCK_CLAUDE_PROFILE", "BEDROCK_CLAUDE_SANDBOX")
SANDBOX_NOTE = "sandbox: canned answers, nothing reaches AWS and nothing is billed"
# As sandbox.environment sets it: importing the sandbox to ask would cost every start 30 ms.
SANDBOX_KEY = "AKIASANDBOXEXAMPLEXX"
_ON = ("1", "true", "yes", "on")


class Context:
    """One command's world; nothing is read before it is touched."""

    def __init__(self, shared: Shared, environ: MutableMapping[str, str]) -> None:
        self.shared = shared
        self.environ = environ
        self.out = Output(
            sys.stdout,
            sys.stderr,
            environ,
            json=shared.json,
            query=shared.query,
            quiet=shared.quiet,
        )
        self.given: dict[str, Any] = {}
        self._noted: set[str] = set()
        self._sandbox: Any = None
        self._environ_before: dict[str, str] | None = None
        self.in_chat = False
        self.in_sandbox = self._wants_sandbox()
        # Inside `sandbox run` this is a child with the sandbox's keys, and says so as well.
        self.out.sandbox = self.in_sandbox or environ.get("AWS_ACCESS_KEY_ID") == SANDBOX_KEY

    def _wants_sandbox(self) -> bool:
        if self.shared.sandbox is None:
            wanted = self.environ.get("BEDROCK_CLAUDE_SANDBOX", "").lower()
            if wanted not in ("", "0", "false", "no", "off", *_ON):
                raise UsageError(f"BEDROCK_CLAUDE_SANDBOX is 1 or 0, not `{wanted}`")
            on = wanted in _ON
        else:
            on = self.shared.sandbox
        if on and self.shared.profile:
            raise UsageError("--sandbox reads no AWS profile; leave --profile out")
        return on

    def give(self, **flags: Any) -> None:
        """Hand in the command's own per-request flags, before the first look at settings."""
        self.given.update(flags)

    @cached_property
    def settings(self) -> config.Settings:
        """Everything that flags, presets, environment and config file set."""
        if self.in_sandbox and self._sandbox is None:
            self._enter_sandbox()
        region = self.shared.region
        flags = {
            **self.given,
            "profile": self.shared.profile,
            "region": region if isinstance(region, str) else next(iter(region or ()), None),
        }
        settings = config.load(
            flags, self.environ, config=self.shared.config, preset=self.shared.preset
        )
        if self.in_sandbox:
            settings = _without_account(settings)
        for note in settings.notes:
            self.out.warn(note)
        return settings

    @cached_property
    def _unannounced(self) -> Aws:
        return Aws(self.settings, self.environ)

    @cached_property
    def aws(self) -> Aws:
        """The session factory; what is unexpected about the identity is noted once."""
        aws = self._unannounced
        notes = [SANDBOX_NOTE] if self.out.sandbox and not self.in_sandbox else []
        for note in (*notes, *aws.notes()):
            if note not in self._noted:
                self._noted.add(note)
                self.out.note(note)
        return aws

    @cached_property
    def sts(self) -> Any:
        """The STS client."""
        return self.aws.client("sts")

    @cached_property
    def bedrock(self) -> Any:
        """The client of Bedrock's control plane."""
        return self.aws.client("bedrock")

    @cached_property
    def runtime(self) -> Any:
        """The client that invokes models; it never retries by itself."""
        return self.aws.client("bedrock-runtime")

    @cached_property
    def mantle(self) -> Any:
        """The SDK's client of bedrock-mantle; it never retries by itself."""
        from bedrock_claude_cli import sdk_clients

        return sdk_clients.mantle(self.aws)

    @property
    def region(self) -> str:
        """The region that requests go to."""
        return str(self.aws.region.value)

    def regions(self, given: list[str] | None, *, changing: bool = False) -> list[str]:
        """The regions of a repeatable --region, each checked, else the one region.

        ConfigError for one that is none; `changing` an account, somebody must have named it.
        """
        found = [each for each in given or () if each]
        if changing and not found:
            return [self._unannounced.required_region()]
        for each in found:
            self.aws.check_region(each)
        return found or [self.region]

    def used(self) -> str:
        """Which identity and region a message is about; empty before any was resolved."""
        if "aws" not in self.__dict__:
            return ""
        return f"sandbox, region {self.region}" if self.in_sandbox else self.aws.used()

    def fill(self, hint: str | None) -> str | None:
        """A hint with what this run knows put in its places, and its flags in the commands."""
        if hint is None:
            return None
        known: dict[str, Callable[[], str]] = {}
        if "aws" in self.__dict__:
            known = {
                "{login}": self.aws.login,
                "{region}": lambda: self.region,
                "{model}": lambda: str(self.settings.options.model),
                "{chat}": lambda: ", begin another --chat" if self.in_chat else "",
                "{unlisted}": lambda: "".join(f"; {each}" for each in self.aws.unlisted.values()),
                "{nearer}": lambda: hints.nearer(self._asked()),
                "{roomier}": lambda: hints.roomier(self._asked()),
            }
        return hints.same_place(hints.filled(hint, known), self.place_flags())

    def note(self, text: str) -> None:
        """A note whose commands ask AWS where this one does."""
        self.out.note(hints.same_place(text, self.place_flags()))

    def _asked(self) -> hints.Asked:
        chosen, allowed = self.settings.options, self.settings.allowed.get("allow_endpoints")
        return hints.Asked(
            chosen.model or "", chosen.endpoint or "auto", self.region, allowed and allowed[0]
        )

    def place_flags(self) -> list[tuple[str, str]]:
        """What a command that is printed needs to ask AWS where this one does.

        These are the flags of the command line, and what a preset says of it; what environment and
        config file say holds for the next command, too.
        """
        found = []
        if "settings" in self.__dict__:
            settings = self.settings
            for flag, each in (("--profile", settings.profile), ("--region", settings.region)):
                if each.value and each.source.startswith("--"):
                    found.append((flag, str(each.value)))
        if self.shared.config is not None:
            found.append(("--config", str(self.shared.config)))
        return [*found, ("--sandbox", "")] if self.in_sandbox else found

    def cache_folder(self) -> Path | None:
        """Where seen model ids are kept; None for the sandbox and for endpoints not AWS's own."""
        if self.in_sandbox:
            return None
        urls = self.aws.endpoint_urls(("bedrock", "bedrock-runtime")).values()
        if not all(url is None or self.aws.is_aws(url) for url in urls):
            return None
        folder = config.xdg_folder(self.environ, "XDG_CACHE_HOME", ".cache")
        return folder / "models" if folder.is_absolute() else None

    def _enter_sandbox(self) -> None:
        from bedrock_claude_cli.sandbox import environment

        script = self.environ.get("BEDROCK_CLAUDE_SANDBOX_SCRIPT")
        self._sandbox = make_sandbox(Path(script) if script else None).start()
        kept = {
            name: value
            for name, value in self.environ.items()
            if name.startswith(config.PREFIX) and name not in _OF_AN_ACCOUNT
        }
        self._environ_before = dict(self.environ)
        inside = environment(self._sandbox.url, self.environ) | kept
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            del inside[name]  # every client is told its region, which a config file may set
        for name in self._environ_before.keys() - inside.keys():
            del self.environ[name]
        self.environ.update(inside)
        self.out.note(SANDBOX_NOTE)

    def renew(self) -> None:
        """Forget the session and its clients, so that the next ones read credentials anew."""
        if "aws" in self.__dict__:
            self.aws.close()
        for name in ("aws", "_unannounced", "sts", "bedrock", "runtime", "mantle"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close what is open, stop the sandbox, and give the environment back."""
        if "aws" in self.__dict__:
            self.aws.close()
        if self._sandbox is not None:
            self._sandbox.stop()
        if self._environ_before is not None:
            for name in self.environ.keys() - self._environ_before.keys():
                del self.environ[name]
            self.environ.update(self._environ_before)


def _without_account(settings: config.Settings) -> config.Settings:
    """The settings as the sandbox has them: no AWS profile, and a region whatever happens."""
    named = settings.region
    region = named if named.value else config.Setting(config.FALLBACK_REGION, "the sandbox")
    ours = {"profile": config.Setting(None, "the sandbox"), "region": region}
    return settings._replace(values={**settings.values, **ours})


def make_sandbox(script: Path | None, **settings: Any) -> Any:
    """A sandbox, not yet started, that follows the rules in the YAML file `script`.

    ConfigError says everything that is wrong with the rules.
    """
    from bedrock_claude_cli.sandbox import RuleError, Sandbox

    if script is None:
        return Sandbox(**settings)
    from bedrock_claude_cli.yaml_file import Problems, read_yaml

    script = config.expanded(script)
    problems = Problems(script)
    document = read_yaml(script, problems)
    try:
        sandbox = Sandbox(rules=() if document is None else document, **settings)
    except RuleError as error:
        for text in error.problems:
            _place(problems, text)
    if problems.lines:
        raise ConfigError("\n".join(problems.texts()))
    return sandbox


def _place(problems: Problems, text: str) -> None:
    """Add what the sandbox says of `rules[0].when.model` with the position of that value."""
    name, _, what = text.partition(": ")
    index, _, rest = name.removeprefix("rules[").partition("]")
    key = (int(index), *rest.split(".")[1:]) if index.isdigit() else ()
    while key and key not in problems.positions:
        key = key[:-1]
    problems.add((), text if index.isdigit() else what, problems.positions.get(key))


_SHARED = inspect.signature(options.shared, eval_str=True).parameters


def requesting(
    *, after: str, without: Collection[str] = ()
) -> Callable[[Callable[..., int | None]], Callable[..., int]]:
    """Make a function into a command that makes requests.

    Their options stand behind its parameter `after`, but for those in `without`, and are given to
    the context.
    """
    taken = inspect.signature(options.per_request, eval_str=True).parameters.values()
    shaping = [item for item in taken if item.name not in without]
    return lambda function: command(function, shaping, after)


def command(
    function: Callable[..., int | None],
    shaping: Sequence[inspect.Parameter] = (),
    after: str = "",
) -> Callable[..., int]:
    """Make a function whose first parameter is a Context into a command.

    The shared options are appended to its own; one that it declares itself (a repeatable
    `--region`) replaces the shared one.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    names = [parameter.name for parameter in own]
    place = names.index(after) + 1 if after else 0
    extra = [item for item in _SHARED.values() if item.name not in names]

    def call(click_context: typer.Context, **values: Any) -> int:
        door: Door = click_context.find_object(Door) or Door()
        given: dict[str, Any] = {name: values.get(name) for name in _SHARED}
        shared = Shared(**given)
        door.context = Context(shared.over(door.shared), os.environ)
        arguments = {item.name: values[item.name] for item in own}
        # A flag without a negative that was not given is unset, not false.
        unset = {"context_1m"} if not values.get("context_1m") else set()
        door.context.give(
            **{item.name: values[item.name] for item in shaping if item.name not in unset}
        )
        if not gc.isenabled():  # __main__ switched it off while modules load
            gc.freeze()
            gc.enable()
        return function(door.context, **arguments) or 0

    first = inspect.Parameter(
        "click_context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
    )
    ordered = (first, *own[:place], *shaping, *own[place:], *extra)
    keywords = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in ordered]
    call.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    call.__annotations__ = {item.name: item.annotation for item in keywords}
    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    return call
