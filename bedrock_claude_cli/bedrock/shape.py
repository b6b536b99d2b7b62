"""What the options that shape an answer mean for the model and the way it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock import schema as schemas
from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.bedrock.prompt import Attachment, Options, Shape
from bedrock_claude_cli.errors import RejectedError

# docs.aws.amazon.com/bedrock: anthropic_beta values of InvokeModel
CONTEXT_1M = "context-1m-2025-08-07"
EFFORT_BETAS = {"opus-4.5": "effort-2025-11-24"}
LEAST_BUDGET = 1024
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
    attachments: tuple[Attachment, ...] = (),
) -> Shape:
    """The shape of a request; RejectedError names what the model or the transport cannot do.

    `known` None is a model that the catalogue does not know: what is asked is sent as it stands.
    """
    via = options.via or "invoke"
    for key, others in CANNOT.get(via, {}).items():
        if getattr(options, key) is not None:
            flag = key.replace("_", "-")
            raise RejectedError(f"--via {via} takes no --{flag}", hint=others)
    notes: list[str] = []
    thinking = _thinking(options, known)
    _check_effort(options, known, thinking)
    shaped = Shape(thinking=thinking, betas=tuple(_betas(options, known, notes)))
    shaped = _with_citations(shaped, options, attachments, schema, notes)
    if schema is not None:
        shaped = _with_schema(shaped, options, known, schema, notes)
    return shaped._replace(notes=tuple(notes))


def _thinking(options: Options, known: KnownModel | None) -> Mapping[str, Any] | None:
    asked = options.thinking
    if asked is None:
        return None
    name = known.name if known else "the model"
    takes = known.thinking if known else None
    if asked == "off":
        if takes is None or "disabled" in takes:
            return {"type": "disabled"}
        if takes:
            raise RejectedError(f"{name} always thinks", hint="`--effort low` makes it think less")
        return None
    if takes == ():
        raise RejectedError(f"{name} has no thinking", hint="leave --thinking out")
    if asked == "adaptive":
        if takes is not None and "adaptive" not in takes:
            raise RejectedError(f"{name} takes a budget only", hint="`--thinking 4096`")
        return {"type": "adaptive"}
    return _budget(options, asked, name, takes)


def _budget(
    options: Options, asked: str, name: str, takes: tuple[str, ...] | None
) -> Mapping[str, Any]:
    if not asked.isdecimal():
        raise RejectedError(f"--thinking is off, adaptive or a number of tokens, not `{asked}`")
    if takes is not None and "enabled" not in takes:
        raise RejectedError(
            f"{name} takes no budget for its thinking", hint="`--thinking adaptive --effort high`"
        )
    budget, most = int(asked), options.max_tokens or 0
    if budget < LEAST_BUDGET:
        raise RejectedError(f"--thinking is at least {LEAST_BUDGET} tokens, not {budget}")
    if budget >= most:
        raise RejectedError(
            f"--thinking {budget} leaves nothing of --max-tokens {most} for the answer",
            hint=f"`--max-tokens {budget + 4096}`",
        )
    return {"type": "enabled", "budget_tokens": budget}


def _check_effort(
    options: Options, known: KnownModel | None, thinking: Mapping[str, Any] | None
) -> None:
    takes = known.efforts if known else None
    if options.effort is None or known is None or takes is None:
        return
    if options.effort not in takes:
        what = f"takes {', '.join(takes)}" if takes else "has none"
        raise RejectedError(f"{known.name} takes no --effort {options.effort}: it {what}")
    high = ("low", "medium", "high")
    if thinking == {"type": "disabled"} and options.effort not in high:
        raise RejectedError(
            f"{known.name} takes --effort {options.effort} only while it thinks",
            hint="leave --thinking off out",
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
        notes.append(f"AWS has withdrawn the 1M context of {known.name}: it has 200,000 tokens")
    elif known and kind == "none":
        raise RejectedError(f"{known.name} has no context of 1,000,000 tokens")
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
    native = schemas.native(schema)
    if native is not None and known and known.schema and options.via != "mantle":
        return shaped._replace(output_schema=native)
    thinks = shaped.thinking is not None and shaped.thinking["type"] != "disabled"
    if shaped.thinking is None and known:
        thinks = known.thinking_default in ("on", "always")
    forced = bool(known and known.forced_tools and not thinks)
    return shaped._replace(tool_schema=schema, tool_forced=forced)
