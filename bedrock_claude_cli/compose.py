"""Settings and argv, put together into one request: what is asked, with what, in which shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bedrock_claude_cli.bedrock import ask, model_id, shape
from bedrock_claude_cli.bedrock.prompt import Attachment, Request
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import UsageError
from bedrock_claude_cli.question import read_question, read_system


def compose(
    ctx: Context,
    target: model_id.Target,
    question: str | None,
    *,
    use_stdin: bool,
    history: tuple[Mapping[str, Any], ...] = (),
) -> tuple[Request, Mapping[str, Any] | None]:
    """The request, checked, and the schema that its answer must fit.

    What AWS or the model is known to refuse is refused here, before anything is sent.
    """
    asked = ctx.settings.options
    system = read_system(asked.system)
    schema = _schema(asked.schema)
    attachments = _attachments(asked.attach or ())
    text = read_question(
        question, use_stdin=use_stdin and "-" not in (asked.attach or ()), note=ctx.out.note
    )
    request = Request(
        asked,
        target.model_id,
        text,
        system,
        attachments=attachments,
        history=history,
        shape=shape.resolve(asked, target.known, schema=schema, attachments=attachments),
    )
    sources = {key: each.source for key, each in ctx.settings.values.items()}
    ask.check(request, target.known, sources)
    return request, schema


def _schema(given: str | None) -> Mapping[str, Any] | None:
    """The schema in a JSON text or in a file."""
    if given is None:
        return None
    from bedrock_claude_cli.bedrock import schema

    if given.lstrip().startswith("{"):
        return schema.read(given, "--schema")
    path = Path(given)
    try:
        return schema.read(path.expanduser().read_text("utf-8"), f"the schema in {path}")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"the schema in {path} cannot be read: {why}") from None


def _attachments(given: tuple[str, ...]) -> tuple[Attachment, ...]:
    if not given:
        return ()
    from bedrock_claude_cli.bedrock import attachments

    return tuple(attachments.read(each) for each in given)
