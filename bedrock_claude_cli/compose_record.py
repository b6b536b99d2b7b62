"""Settings and a record, put together into one request: what `run` and `jobs` send."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli import calling, compose
from bedrock_claude_cli import template as templates
from bedrock_claude_cli.bedrock import (
    ask,
    messages,
    model_id,
    record_line,
    record_messages,
    shape,
)
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.prompt import SPECS, Attachment, Options, Request, Shape
from bedrock_claude_cli.bedrock.record_parse import Record
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import CliError, UnmetError, UsageError
from bedrock_claude_cli.question import read_system

# The whole run has one of these.
_OF_THE_RUN = ("profile", "region", "via")
# What a verbatim body leaves to the request around it.
_AROUND = ("model", "endpoint", "via", "guardrail", "meta", "timeout", "retries")
# Below this many characters no limit of Bedrock's or of a model is near.
_SHORT = 500_000
_MOST_BASES = 256


class Composed(NamedTuple):
    """A record's request, whom it goes to, the schema of its answer, and what is carried over."""

    id: str
    request: Request
    target: model_id.Target
    schema: Mapping[str, Any] | None
    extra: Mapping[str, Any]
    frame: tuple[str, str] | None = None

    @property
    def sha256(self) -> str:
        """The hash of the request."""
        if self.frame is not None:
            return record_line.framed_sha256(self.frame, self.request.text)
        return record_line.request_sha256(self.request, self.target)


class _Base(NamedTuple):
    """What records with the same options share; `size` is in characters, but for the prompt."""

    options: Options
    target: model_id.Target
    sources: Mapping[str, str]
    schema: Mapping[str, Any] | None
    system: str | None
    fills_system: bool
    attachments: tuple[Attachment, ...]
    shape: Shape
    size: int
    frame: tuple[str, str] | None = None


class Composer:
    """Makes requests of records; `notes` collects what is worth saying about them, each once."""

    def __init__(self, ctx: Context, known: Catalog) -> None:
        self._ctx = ctx
        self._known = known
        self._template = ctx.settings.template
        self._sources = {key: each.source for key, each in ctx.settings.values.items()}
        self._targets: dict[tuple[str | None, str | None], model_id.Target] = {}
        self._bases: dict[str, _Base | CliError] = {}
        self._of_many: set[str] = set()
        self.notes: dict[str, None] = {}

    def judge(self, record: Record) -> Generator[str | CliError, None, Composed | None]:
        """What is wrong with a record; returns the request if nothing is.

        It is the error itself where that is no record's own: of a model, or of the settings.
        """
        try:
            return self.compose(record)
        except CliError as error:
            shared = error.message in self._of_many or isinstance(error, UnmetError)
            yield error if shared else error.message
            return None

    def plain_frame(self, record: Record) -> tuple[str, str] | None:
        """The frame of a record that is a prompt alone and fine, for `framed_sha256`; else None.

        A million of these are checked in seconds, where composing each takes ten times as long.
        """
        prompt, base = record.prompt, self._bases.get("")
        if record.fields or prompt is None or self._template is not None:
            return None
        if not isinstance(base, _Base) or base.frame is None:
            return None
        if base.size + len(prompt) > _SHORT or not prompt.strip():
            return None
        return base.frame

    def compose(self, record: Record) -> Composed:
        """The request of a record; CliError says everything that is wrong with it."""
        if record.model_input is not None:
            return self._verbatim(record)
        own, others = _split(record)
        base = self._base(own, text=record.text)
        text, system, used = self._filled(record, base, others)
        extra = {key: value for key, value in others.items() if key not in used}
        if extra and (clash := sorted(record_line.KEYS & extra.keys())):
            raise UsageError(f"`{'`, `'.join(clash)}` is a key of the output: name it otherwise")
        history: tuple[Mapping[str, Any], ...] = ()
        shaped = base.shape
        if record.messages is not None:
            if base.attachments:
                raise UsageError("what is attached belongs into `messages`, as a block of its own")
            history = tuple(record_messages.turns(record.messages, base.target.known))
            shaped = self._shape(base, system, history)
        elif not text.strip():
            raise UsageError("the prompt is empty")
        request = Request(
            base.options,
            base.target.model_id,
            text,
            system,
            base.attachments,
            history,
            shaped,
        )
        if history or base.size + len(text) > _SHORT:
            ask.check(request, base.target.known, base.sources)
        around = None if history else base.frame
        return Composed(record.id, request, base.target, base.schema, extra, around)

    def _filled(
        self, record: Record, base: _Base, others: Mapping[str, Any]
    ) -> tuple[str, str | None, set[str]]:
        """The prompt, the system prompt, and the keys that filled a template."""
        template, prompt = self._template, record.prompt or ""
        if record.messages is not None:
            return "", base.system, set()
        if template is None:
            if record.prompt is None:
                raise UsageError("it has neither `prompt` nor `messages`")
            return prompt, base.system, set()
        wanted = set(templates.names(template.prompt))
        system = base.system if base.fills_system else None
        wanted |= set(templates.names(system or ""))
        given = {**others, **({"prompt": prompt} if record.prompt is not None else {})}
        values = {key: _text(key, given[key]) for key in wanted if key in given}
        text, filled = templates.fill(template, system, values)
        if prompt and "prompt" not in wanted:
            text = f"{text}\n\n{prompt}"
        return text, filled if base.fills_system else base.system, wanted

    def _base(self, own: Mapping[str, Any], *, text: bool) -> _Base:
        key = json.dumps([own, text], sort_keys=True) if own else ""
        found = self._bases.get(key)
        if found is None:
            if len(self._bases) >= _MOST_BASES:
                self._bases.clear()
            try:
                found = self._make_base(own, text=text)
            except CliError as error:
                found = error
                if not own:
                    self._of_many.add(error.message)
            self._bases[key] = found
        if isinstance(found, CliError):
            raise found.with_traceback(None)  # else each time would make it longer
        return found

    def _make_base(self, own: Mapping[str, Any], *, text: bool) -> _Base:
        wrong: list[str] = []
        given = dict(own)
        if isinstance(given.get("schema"), dict):
            given["schema"] = json.dumps(given["schema"])
        read = Options.read(given, lambda key, what: wrong.append(f"`{key}` {what}"), text=text)
        if wrong:
            raise UsageError("; ".join(wrong))
        options = read.over(self._ctx.settings.options)
        target = self._target(options)
        attached = _attachments(options, target)
        sources = self._sources | dict.fromkeys(read.given(), "the record")
        base = _Base(
            options,
            target,
            sources,
            compose.read_schema(options.schema, sources["schema"]),
            read_system(options.system),
            bool(self._template and self._template.has_system and read.system is None),
            attached,
            Shape(),
            0,
        )
        base = base._replace(shape=self._shape(base, base.system, ()))
        request = Request(
            options, target.model_id, "?", base.system, attachments=attached, shape=base.shape
        )
        ask.check(request, target.known, sources)
        size = len(base.system or "") + sum(len(each.data) for each in attached)
        around = record_line.frame(request, target)
        return base._replace(size=size, frame=None if base.fills_system else around)

    def _target(self, options: Options) -> model_id.Target:
        key = options.model, options.endpoint
        if key not in self._targets:
            try:
                self._targets[key] = calling.target(self._ctx, self._known, options=options)
            except CliError as error:
                self._of_many.add(error.message)
                raise
            self.notes.update(dict.fromkeys(self._targets[key].notes))
        return self._targets[key]

    def _shape(
        self, base: _Base, system: str | None, history: tuple[Mapping[str, Any], ...]
    ) -> Shape:
        earlier = tuple(messages.attached(history, pages=True))
        if earlier:
            from bedrock_claude_cli.bedrock import attachments

            attachments.check(earlier, base.options.via, base.target.known)
        shaped = shape.resolve(
            base.options,
            base.target.known,
            sources=base.sources,
            schema=base.schema,
            system=system,
            attachments=(*earlier, *base.attachments),
            history=history,
        )
        self.notes.update(dict.fromkeys(shaped.notes))
        return shaped

    def _check_verbatim(self) -> None:
        settings, wrong = self._ctx.settings, None
        for key, value in settings.values.items():
            if key in SPECS and key not in _AROUND and value.source.startswith("--"):
                wrong = f"`modelInput` is sent as it stands, and {value.source} would change it"
        if settings.options.via != "invoke":
            wrong = "`modelInput` is a body of InvokeModel: leave --via out"
        if wrong:
            self._of_many.add(wrong)
            raise UsageError(wrong)

    def _verbatim(self, record: Record) -> Composed:
        """A body of InvokeModel; what would change it is refused, not ignored."""
        self._check_verbatim()
        body = dict(record.model_input or {})
        most = body.get("max_tokens")
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise UsageError("`modelInput` has no max_tokens, which InvokeModel asks for")
        if not isinstance(body.get("messages"), list):
            raise UsageError("`modelInput` has no list of messages")
        given = self._ctx.settings.options
        around = {key: getattr(given, key) for key in _AROUND}
        target = self._target(given)
        options = Options(**around)._replace(max_tokens=most)
        request = Request(options, target.model_id, "", body=body)
        ask.check(request, target.known, self._sources)
        return Composed(record.id, request, target, None, {})


def _split(record: Record) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The record's own options, and its other keys."""
    if not record.fields:
        return {}, record.fields
    for key in _OF_THE_RUN:
        if key in record.fields:
            raise UsageError(f"`{key}` is the same for all records: give --{key}")
    own = {key: value for key, value in record.fields.items() if key in SPECS and value is not None}
    return own, {key: value for key, value in record.fields.items() if key not in SPECS}


def _text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise UsageError(f"`{key}` fills ${key}, so it is a text or a number")


def _attachments(options: Options, target: model_id.Target) -> tuple[Attachment, ...]:
    if not options.attach:
        return ()
    from bedrock_claude_cli.bedrock import attachments

    if any(attachments.split(each)[0] == attachments.STDIN for each in options.attach):
        raise UsageError("standard input cannot go with every record: attach a file")
    found = tuple(attachments.read(each, lambda: b"") for each in options.attach)
    attachments.check(found, options.via, target.known)
    return found
