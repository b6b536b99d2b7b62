"""What the options that shape an answer mean for the model and the way it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bedrock_claude_cli.bedrock import forms, thinking
from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.bedrock.prompt import Attachment, Options, Shape
from bedrock_claude_cli.errors import RejectedError, UsageError

# docs.aws.amazon.com/bedrock: anthropic_beta values of InvokeModel
CONTEXT_1M = "context-1m-2025-08-07"
EFFORT_BETAS = {"opus-4.5": "effort-2025-11-24"}
# What a way to call cannot do, however the model is: option -> the ways that can.
CANNOT: Mapping[str, Mapping[str, str]] = {
    "mantle": {
        "guardrail": "`--via invoke`, converse and sdk can",
        "meta": "`--via invoke`, converse and sdk can",
    },
}
_NO_CITATIONS = "`--no-citations`, or leave the schema out"


def resolve(
    options: Options,
    known: KnownModel | None,
    *,
    schema: Mapping[str, Any] | None = None,
    system: str | None = None,
    attachments: tuple[Attachment, ...] = (),
    history: tuple[Mapping[str, Any], ...] = (),
    sources: Mapping[str, str] = MappingProxyType({}),
) -> Shape:
    """The shape of a request; RejectedError names what the model or the transport cannot do.

    `known` None is a model that the catalogue does not know: what is asked is sent as it stands.
    `sources` says who set each option.
    """
    via = options.via or "invoke"
    for key, others in CANNOT.get(via, {}).items():
        if getattr(options, key) is not None:
            raise RejectedError(f"--via {via} takes no {options.named(key, sources)}", hint=others)
    _check_meta(options, sources)
    notes: list[str] = []
    betas = tuple(dict.fromkeys(_betas(options, known, notes)))
    shaped = Shape(thinking=thinking.resolve(options, known, sources), betas=betas)
    if options.citations and schema is not None:
        both = (options.named(key, sources) for key in ("citations", "schema"))
        raise RejectedError(f"Bedrock takes no {' together with '.join(both)}", hint=_NO_CITATIONS)
    shaped = _with_citations(shaped, options, attachments, schema, notes)
    if schema is not None:
        shaped = _with_schema(shaped, options, known, schema, notes)
    if options.cache is not None and known and known.prompt_caching is False:
        asked = options.named("cache", sources)
        raise RejectedError(f"{known.name} has no prompt cache for {asked}", hint="leave it out")
    notes += _about_cache(options, known, system, attachments, history)
    return shaped._replace(notes=tuple(notes))


def _check_meta(options: Options, sources: Mapping[str, str]) -> None:
    try:
        forms.meta(options.meta or {})
    except ValueError as error:
        source = sources.get("meta", "the request")
        named = source if source == "--meta" else f"meta (from {source})"
        raise UsageError(f"{named} {error}") from None


def _betas(options: Options, known: KnownModel | None, notes: list[str]) -> Iterator[str]:
    yield from options.beta or ()
    if options.effort is not None and known and known.alias in EFFORT_BETAS:
        yield EFFORT_BETAS[known.alias]
    if not options.context_1m:
        return
    kind = known.context_1m if known else None
    if known and kind == "native":
        notes.append(f"{known.name} has the context of 1,000,000 tokens without --context-1m")
    elif known and kind == "beta-withdrawn":
        window = f": it has {known.context_window:,} tokens" if known.context_window else ""
        notes.append(f"AWS has withdrawn the 1M context of {known.name}{window}")
    elif known and kind == "none":
        raise RejectedError(
            f"{known.name} has no context of 1,000,000 tokens",
            hint="leave --context-1m out; `bedrock-claude list-models` shows who has it",
        )
    else:
        yield CONTEXT_1M


def _with_citations(
    shaped: Shape,
    options: Options,
    attachments: tuple[Attachment, ...],
    schema: Mapping[str, Any] | None,
    notes: list[str],
) -> Shape:
    documents = [each for each in attachments if not each.is_image]
    pdf = any(each.media_type == "application/pdf" for each in documents)
    wanted = options.citations
    if wanted is None and options.via == "converse" and pdf:
        if schema is not None:
            notes.append("citations stay off with --schema, so Converse reads the PDF's text only")
        else:
            notes.append("citations are on: without them Converse reads a PDF's text only")
            wanted = True
    return shaped._replace(citations=bool(wanted and documents))


def _with_schema(
    shaped: Shape,
    options: Options,
    known: KnownModel | None,
    schema: Mapping[str, Any],
    notes: list[str],
) -> Shape:
    from bedrock_claude_cli.bedrock.schema import as_input
    from bedrock_claude_cli.bedrock.schema_native import NotNativeError, native

    # platform.claude.com, claude-in-amazon-bedrock: no structured output over mantle
    if known and known.schema and options.via != "mantle":
        try:
            return shaped._replace(output_schema=native(schema))
        except NotNativeError as lack:
            notes.append(
                f"the schema is sent as a tool's: {known.name}'s own output format has no {lack}"
            )
    quiet = shaped.thinking == thinking.DISABLED or (
        shaped.thinking is None and known is not None and known.thinking_default == "off"
    )
    forced = bool(known and known.forced_tools and quiet)
    return shaped._replace(tool_schema=as_input(schema), tool_forced=forced)


def _about_cache(
    options: Options,
    known: KnownModel | None,
    system: str | None,
    attachments: tuple[Attachment, ...],
    history: tuple[Mapping[str, Any], ...],
) -> Iterator[str]:
    """What is worth saying about --cache."""
    if options.cache is None:
        return
    if system is None and not attachments and not history:
        yield "nothing to cache: --cache keeps the system prompt, attachments and earlier turns"
        return
    least = known.min_cache_tokens if known else None
    tokens = _estimated(system, attachments, history)
    if known and least and tokens is not None and tokens < least / 2:
        yield (
            f"about {tokens} tokens stand before the question, and {known.name} caches "
            f"nothing under {least}"
        )


def _estimated(
    system: str | None,
    attachments: tuple[Attachment, ...],
    history: tuple[Mapping[str, Any], ...],
) -> int | None:
    """Tokens before the question, roughly; None where not all of it is text."""
    if not all(each.media_type.startswith("text/") for each in attachments):
        return None
    texts = [system or "", *(each.data.decode("utf-8", "replace") for each in attachments)]
    for turn in history:
        for block in turn["content"]:
            if block.get("type") != "text":
                return None
            texts.append(block["text"])
    return sum(len(text.encode()) for text in texts) // 3
