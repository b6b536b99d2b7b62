"""How hard a model thinks: `--thinking` and `--effort` as it takes them, or why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.bedrock.prompt import Options, Shape
from bedrock_claude_cli.errors import RejectedError

# platform.claude.com, extended thinking: budgets from 1,024 tokens, temperature 1, top_p from 0.95
LEAST_BUDGET = 1024
LEAST_TOP_P = 0.95
DISABLED = {"type": "disabled"}
Named = Callable[[str], str]


def resolve(
    options: Options, known: KnownModel | None, sources: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """The Messages API's `thinking`, checked with all that goes with it; None is the default.

    `sources` says who set each option.
    """

    def named(key: str) -> str:
        return options.named(key, sources)

    thinking = _thinking(options, known, named)
    _check_sampling(options, thinking, named)
    _check_effort(options, known, thinking, named)
    return thinking


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


def _thinking(options: Options, known: KnownModel | None, named: Named) -> Mapping[str, Any] | None:
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
            hint = "`--effort low` makes it think less" if low else "leave it out"
            raise RejectedError(
                f"{name} always thinks, so it takes no {named('thinking')}", hint=hint
            )
        return None
    if takes == ():
        raise RejectedError(
            f"{name} has no thinking, so it takes no {named('thinking')}",
            hint="leave it out, or take `--thinking off`",
        )
    if asked == "adaptive":
        if takes is not None and "adaptive" not in takes:
            raise RejectedError(
                f"{name} takes a budget for its thinking, not {named('thinking')}",
                hint=f"`{_budget_that_fits(options)}`",
            )
        return {"type": "adaptive"}
    return _budget(options, known, int(asked), named)


def _budget(
    options: Options, known: KnownModel | None, budget: int, named: Named
) -> Mapping[str, Any]:
    if known and known.thinking is not None and "enabled" not in known.thinking:
        effort = " --effort high" if "high" in (known.efforts or ()) else ""
        raise RejectedError(
            f"{known.name} takes no budget for its thinking, so no {named('thinking')}",
            hint=f"`--thinking adaptive{effort}`",
        )
    if budget < LEAST_BUDGET:
        raise RejectedError(
            f"{named('thinking')} is no budget, which has at least {LEAST_BUDGET} tokens",
            hint=f"`{_budget_that_fits(options)}`",
        )
    most = options.max_tokens or 0
    if budget >= most:
        limit = known.max_output_tokens if known else None
        better = f"--max-tokens {budget + 4096}"
        if limit and budget + 4096 > limit:
            better = f"--thinking {limit // 2} --max-tokens {limit}"
        raise RejectedError(
            f"{named('thinking')} leaves nothing of {named('max_tokens')} for the answer",
            hint=f"`{better}`",
        )
    return {"type": "enabled", "budget_tokens": budget}


def _budget_that_fits(options: Options) -> str:
    room = (options.max_tokens or 0) // 2
    if room >= LEAST_BUDGET:
        return f"--thinking {room}"
    return f"--thinking {LEAST_BUDGET} --max-tokens {4 * LEAST_BUDGET}"


def _check_sampling(options: Options, thinking: Mapping[str, Any] | None, named: Named) -> None:
    if thinking in (None, DISABLED):
        return
    if options.temperature not in (None, 1):
        raise RejectedError(
            f"a model that thinks takes no {named('temperature')}",
            hint="leave it out, or take `--thinking off`",
        )
    if options.top_p is not None and options.top_p < LEAST_TOP_P:
        raise RejectedError(
            f"a model that thinks takes no {named('top_p')}, only {LEAST_TOP_P} and more",
            hint="leave it out, or take `--thinking off`",
        )


def _check_effort(
    options: Options,
    known: KnownModel | None,
    thinking: Mapping[str, Any] | None,
    named: Named,
) -> None:
    takes = known.efforts if known else None
    if options.effort is None or known is None or takes is None:
        return
    if not takes:
        budget = f"`{_budget_that_fits(options)}` makes it think"
        hint = budget if "enabled" in (known.thinking or ()) else "leave it out"
        raise RejectedError(f"{known.name} takes no {named('effort')}", hint=hint)
    if options.effort not in takes:
        raise RejectedError(
            f"{known.name} takes no {named('effort')}, only {', '.join(takes)}",
            hint=f"`--effort {takes[-1]}`",
        )
    # docs.aws.amazon.com, adaptive thinking: Sonnet 5 and Opus 5, which think by default
    if (
        thinking == DISABLED
        and known.thinking_default == "on"
        and options.effort not in ("low", "medium", "high")
    ):
        raise RejectedError(
            f"{known.name} takes {named('effort')} only while it thinks, not with "
            f"{named('thinking')}",
            hint="`--effort high`, or `--thinking adaptive`",
        )
