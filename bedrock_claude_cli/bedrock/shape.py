"""What the options that shape an answer mean for the model and the way it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock import forms
from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.bedrock.prompt import Attachment, Options, Shape
from bedrock_claude_cli.errors import RejectedError, UsageError

# docs.aws.amazon.com/bedrock: anthropic_beta values of InvokeModel
CONTEXT_1M = "context-1m-2025-08-07"
EFFORT_BETAS = {"opus-4.5": "effort-2025-11-24"}
# platform.claude.com, extended thinking: budgets from 1,024 tokens, temperature 1, top_p from 0.95
LEAST_BUDGET = 1024
LEAST_TOP_P = 0.95
DISABLED = {"type": "disabled"}
# What a way to call cannot do, however the model is: option -> the ways that can.
CANNOT: Mapping[str, Mapping[str, str]] = {
    "mantle": {
        "guardrail": "`--via invoke`, converse and sdk can",
        "meta": "`--via invoke`, converse and sdk can",
    },
}


def resolve(
    options: Options,
    known: KnownModel | None,
    *,
    schema: Mapping[str, Any] | None = None,
    system: str | None = None,
    attachments: tuple[Attachment, ...] = (),
    history: tuple[Mapping[str, Any], ...] = (),
) -> Shape:
    """The shape of a request; RejectedError names what the model or the transport cannot do.

    `known` None is a model that the catalogue does not know: what is asked is sent as it stands.
    """
    via = options.via or "invoke"
    for key, others in CANNOT.get(via, {}).items():
        if getattr(options, key) is not None:
            flag = key.replace("_", "-")
            raise RejectedError(f"--via {via} takes no --{flag}", hint=others)
    _check_meta(options)
    notes: list[str] = []
    thinking = _thinking(options, known)
    _check_sampling(options, thinking)
    _check_effort(options, known, thinking)
    betas = tuple(dict.fromkeys(_betas(options, known, notes)))
    shaped = Shape(thinking=thinking, betas=betas)
    shaped = _with_citations(shaped, options, attachments, schema, notes)
    if schema is not None:
        shaped = _with_schema(shaped, options, known, schema, notes)
    notes += _about_cache(options, known, system, attachments, history)
    return shaped._replace(notes=tuple(notes))


def shown(shape: Shape, known: KnownModel | None) -> Shape:
    """The shape with thinking that comes in words, where the model would leave them out.

    platform.claude.com, adaptive thinking: from Opus 4.7 on `display` is `omitted` by default.
    """
    thinking = shape.thinking
    if thinking is None and known and known.thinking_default in ("on", "always"):
        thinking = {"type": "adaptive"}
    if thinking is None or thinking == DISABLED:
        return shape._replace(notes=(*shape.notes, "there is no thinking to show"))
    if known is None or known.thinking is None or "enabled" in known.thinking:
        return shape
    return shape._replace(thinking={**thinking, "display": "summarized"})


def _check_meta(options: Options) -> None:
    try:
        forms.meta(options.meta or {})
    except ValueError as error:
        raise UsageError(f"--meta {error}") from None


def _thinking(options: Options, known: KnownModel | None) -> Mapping[str, Any] | None:
    asked = options.thinking
    if asked is None:
        return None
    name = known.name if known else "the model"
    takes = known.thinking if known else None
    if asked == "off":
        if takes is None or "disabled" in takes:
            return DISABLED
        if takes:
            low = known is not None and "low" in (known.efforts or ())
            hint = "`--effort low` makes it think less" if low else "leave --thinking out"
            raise RejectedError(f"{name} always thinks, so --thinking is never off", hint=hint)
        return None
    if takes == ():
        raise RejectedError(f"{name} has no thinking", hint="leave --thinking out")
    if asked == "adaptive":
        if takes is not None and "adaptive" not in takes:
            raise RejectedError(
                f"{name} takes a budget for its thinking, not --thinking adaptive",
                hint=f"`{_budget_that_fits(options)}`",
            )
        return {"type": "adaptive"}
    return _budget(options, known, int(asked))


def _budget(options: Options, known: KnownModel | None, budget: int) -> Mapping[str, Any]:
    if known and known.thinking is not None and "enabled" not in known.thinking:
        effort = " --effort high" if "high" in (known.efforts or ()) else ""
        raise RejectedError(
            f"{known.name} takes no budget for its thinking",
            hint=f"`--thinking adaptive{effort}`",
        )
    if budget < LEAST_BUDGET:
        raise RejectedError(
            f"--thinking is at least {LEAST_BUDGET} tokens, not {budget}",
            hint=f"`{_budget_that_fits(options)}`",
        )
    most = options.max_tokens or 0
    if budget >= most:
        limit = known.max_output_tokens if known else None
        better = f"--max-tokens {budget + 4096}"
        if limit and budget + 4096 > limit:
            better = f"--thinking {limit // 2} --max-tokens {limit}"
        raise RejectedError(
            f"--thinking {budget} leaves nothing of --max-tokens {most} for the answer",
            hint=f"`{better}`",
        )
    return {"type": "enabled", "budget_tokens": budget}


def _budget_that_fits(options: Options) -> str:
    room = (options.max_tokens or 0) // 2
    if room >= LEAST_BUDGET:
        return f"--thinking {room}"
    return f"--thinking {LEAST_BUDGET} --max-tokens {4 * LEAST_BUDGET}"


def _check_sampling(options: Options, thinking: Mapping[str, Any] | None) -> None:
    if thinking in (None, DISABLED):
        return
    if options.temperature not in (None, 1):
        raise RejectedError(
            f"a model that thinks takes no --temperature {options.temperature:g}",
            hint="leave --temperature out, or take `--thinking off`",
        )
    if options.top_p is not None and options.top_p < LEAST_TOP_P:
        raise RejectedError(
            f"a model that thinks takes --top-p from {LEAST_TOP_P} on, not {options.top_p:g}",
            hint="leave --top-p out, or take `--thinking off`",
        )


def _check_effort(
    options: Options, known: KnownModel | None, thinking: Mapping[str, Any] | None
) -> None:
    takes = known.efforts if known else None
    if options.effort is None or known is None or takes is None:
        return
    if not takes:
        budget = f"`{_budget_that_fits(options)}` makes it think"
        hint = budget if "enabled" in (known.thinking or ()) else "leave --effort out"
        raise RejectedError(f"{known.name} takes no --effort", hint=hint)
    if options.effort not in takes:
        raise RejectedError(
            f"{known.name} takes no --effort {options.effort}, only {', '.join(takes)}",
            hint=f"`--effort {takes[-1]}`",
        )
    # docs.aws.amazon.com, adaptive thinking: Sonnet 5 and Opus 5, which think by default
    if (
        thinking == DISABLED
        and known.thinking_default == "on"
        and options.effort not in ("low", "medium", "high")
    ):
        raise RejectedError(
            f"{known.name} takes --effort {options.effort} only while it thinks",
            hint="leave --thinking off out, or `--effort high`",
        )


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
    if wanted and schema is not None:
        raise RejectedError(
            "Bedrock takes no citations together with a schema", hint="leave --citations out"
        )
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
    quiet = shaped.thinking == DISABLED or (
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
    """What is worth saying about --cache; RejectedError where the model has no cache."""
    if options.cache is None:
        return
    if known and known.prompt_caching is False:
        raise RejectedError(f"{known.name} has no prompt cache", hint="leave --cache out")
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
