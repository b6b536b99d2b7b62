"""Settings and argv, put together into one request: what is asked, with what, in which shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bedrock_claude_cli.bedrock import ask, messages, model_id, shape
from bedrock_claude_cli.bedrock.prompt import Attachment, Request
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import UsageError
from bedrock_claude_cli.question import read_question, read_stdin, read_system


def compose(
    ctx: Context,
    target: model_id.Target,
    question: str | None,
    *,
    use_stdin: bool,
    show_thinking: bool = False,
    params: list[str] | None = None,
    history: tuple[Mapping[str, Any], ...] = (),
    kept_system: str | None = None,
) -> tuple[Request, Mapping[str, Any] | None]:
    """The request, checked, and the schema that its answer must fit.

    `params` fill the preset's template; `kept_system` counts where the settings have no system
    prompt. What AWS or the model is known to refuse is refused here, before anything is sent.
    """
    asked = ctx.settings.options
    prompt, system = _filled(ctx, params or [])
    schema = read_schema(asked.schema, ctx.settings.values["schema"].source)
    earlier = tuple(messages.attached(history, pages=True))
    attached, stdin_left = _attachments(
        ctx, target, question or prompt, earlier, use_stdin=use_stdin
    )
    text = read_question(question, use_stdin=stdin_left, note=ctx.out.note, prompt=prompt)
    system = kept_system if system is None else system
    sources = {key: each.source for key, each in ctx.settings.values.items()}
    shaped = shape.resolve(
        asked,
        target.known,
        sources=sources,
        schema=schema,
        system=system,
        attachments=(*earlier, *attached),
        history=history,
    )
    if show_thinking:
        from bedrock_claude_cli.bedrock import thinking

        shaped = thinking.shown(shaped, target.known)
    request = Request(
        asked,
        target.model_id,
        text,
        system,
        attachments=attached,
        history=history,
        shape=shaped,
    )
    ask.check(request, target.known, sources)
    return request, schema


def _filled(ctx: Context, params: list[str]) -> tuple[str | None, str | None]:
    """The template's prompt and its system prompt, filled; another place's system as it is."""
    template, system = ctx.settings.template, read_system(ctx.settings.options.system)
    if template is None:
        if params:
            raise UsageError(
                "-p fills a template, and none is named",
                hint="`-t NAME|FILE.yaml` names a preset that has a `prompt`",
            )
        return None, system
    from bedrock_claude_cli import template as templates

    values = templates.read_values(params)
    prompt, filled = templates.fill(template, system if template.has_system else None, values)
    return prompt, filled if template.has_system else system


def read_schema(given: str | None, source: str) -> Mapping[str, Any] | None:
    """The schema in a JSON text, which begins with a brace or a bracket, or in a file."""
    if given is None:
        return None
    from bedrock_claude_cli.bedrock import schema

    named = source if source == "--schema" else f"schema (from {source})"
    if given.lstrip()[:1] in ("{", "["):
        return schema.read(given, named)
    path = Path(given)
    try:
        text = path.expanduser().read_bytes().decode("utf-8-sig")
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            why = f"it is not UTF-8 text (byte {error.start:,})"
        raise UsageError(
            f"the schema in {path} cannot be read: {why}",
            hint=f"{named} takes a file, or the JSON itself, which begins with {{",
        ) from None
    return schema.read(text, f"the schema in {path}")


def _attachments(
    ctx: Context,
    target: model_id.Target,
    question: str | None,
    earlier: tuple[Attachment, ...],
    *,
    use_stdin: bool,
) -> tuple[tuple[Attachment, ...], bool]:
    """The attachments, and whether standard input is left for the question.

    Bedrock's limits are a request's, so those of `earlier` turns count.
    """
    via, given = ctx.settings.options.via, ctx.settings.options.attach or ()
    if not (given or earlier):
        return (), use_stdin
    from bedrock_claude_cli.bedrock import attachments

    from_stdin = [attachments.split(each)[0] for each in given].count(attachments.STDIN)
    if from_stdin:
        _check_stdin(from_stdin, question, use_stdin=use_stdin)
    found = tuple(attachments.read(each, lambda: read_stdin(ctx.out.note)) for each in given)
    attachments.check((*earlier, *found), via, target.known)
    return found, use_stdin and not from_stdin


def _check_stdin(times: int, question: str | None, *, use_stdin: bool) -> None:
    if times > 1:
        raise UsageError("standard input can be attached once, not twice")
    if not use_stdin:
        raise UsageError("`-a -` reads standard input, and --no-stdin does not")
    if question is None or question.strip() in ("", "-"):
        raise UsageError(
            "standard input is an attachment, so the question has to be the argument",
            hint='`bedrock-claude ask -a - "question"`',
        )
