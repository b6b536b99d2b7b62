"""`list-models`: the Claude models that can be called, and the ids to call them by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import complete
from bedrock_claude_cli.bedrock import catalog, inventory
from bedrock_claude_cli.bedrock.inventory import Model
from bedrock_claude_cli.bedrock.model_id import ENDPOINTS
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import UsageError
from bedrock_claude_cli.explain import translate
from bedrock_claude_cli.output import Column

FEW = 2


@as_command
def command(
    ctx: Context,
    region: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--region",
            metavar="REGION",
            help="AWS region (repeatable).",
            autocompletion=complete.regions,
        ),
    ] = None,
    all_regions: Annotated[
        bool, typer.Option("--all-regions", help="Ask every Bedrock region.")
    ] = False,
    endpoint: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--endpoint",
            metavar="ENDPOINT",
            help="Only what this endpoint offers: global, us, eu, ..., in-region.",
            autocompletion=complete.offered_endpoints,
        ),
    ] = None,
    active: Annotated[
        bool, typer.Option("--active", help="No legacy models, and none past their end of life.")
    ] = False,
    ids: Annotated[bool, typer.Option("--ids", help="Print ids only, one a line.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="The shipped catalogue; no network.")
    ] = False,
) -> None:
    """List the Claude models that can be called, and their ids."""
    if endpoint is not None and endpoint not in ENDPOINTS[1:]:
        raise UsageError(f"no endpoint `{endpoint}`", hint=f"one of {', '.join(ENDPOINTS[1:])}")
    if all_regions and (region or offline):
        raise UsageError("--all-regions goes with neither --region nor --offline")
    known = catalog.load()
    regions = region or ([ctx.region] if not all_regions else _all_regions(ctx, known))
    if offline:
        listed = [inventory.offline(known, each) for each in regions]
        models = inventory.merge(listed, known)
        ctx.out.note(f"the shipped catalogue of {known.date}; AWS was not asked")
    else:
        models = _ask_aws(ctx, regions, known)
    shown = _filtered(models, endpoint, active)
    if ids:
        _print_ids(ctx, shown)
    else:
        ctx.out.rows(shown, _columns(ctx, len(regions)), empty="no model matches")


def _all_regions(ctx: Context, known: catalog.Catalog) -> list[str]:
    """Every Bedrock region of the partition that the chosen region is in."""
    government = ctx.region.startswith("us-gov-")
    return [name for name in known.regions if name.startswith("us-gov-") == government]


def _ask_aws(ctx: Context, regions: list[str], known: catalog.Catalog) -> tuple[Model, ...]:
    if len(regions) == 1:
        client = ctx.bedrock if regions[0] == ctx.region else _client(ctx, regions[0])
        models = inventory.list_models(client, regions[0], known)
    else:
        survey = inventory.across_regions(lambda name: _client(ctx, name), regions, known)
        models = survey.models
        if survey.not_enabled:
            ctx.out.note(f"not enabled in this account: {', '.join(survey.not_enabled)}")
        for name, error in survey.failed:
            ctx.out.warn(f"{name}: {translate(error).message}")
    folder = ctx.cache_folder()
    for name in regions if folder else ():
        there = [
            replace(model, ids=tuple(each for each in model.ids if name in each.regions))
            for model in models
            if name in model.regions
        ]
        if folder and there:
            inventory.remember(folder / f"{name}.json", there)
    return models


def _client(ctx: Context, region: str) -> object:
    return ctx.aws.client("bedrock", region=region)


def _filtered(models: Iterable[Model], endpoint: str | None, active: bool) -> list[Model]:
    kept = [model for model in models if not active or model.lifecycle.status == "ACTIVE"]
    if endpoint is None:
        return kept
    narrowed = [
        replace(model, ids=tuple(each for each in model.ids if each.endpoint == endpoint))
        for model in kept
    ]
    return [model for model in narrowed if model.ids]


def _print_ids(ctx: Context, models: list[Model]) -> None:
    found = [offer.id for model in models for offer in model.ids]
    if ctx.out.json:
        ctx.out.data(found)
    elif not found:
        ctx.out.note("no id matches")
    else:
        for each in found:
            ctx.out.line(each)


def _lifecycle(model: Model) -> str:
    life = model.lifecycle
    if life.status == "EOL":
        return f"ended {life.end_of_life}" if life.end_of_life else "ended"
    if life.status == "LEGACY":
        if life.end_of_life:
            return f"legacy, ends {life.end_of_life}"
        return f"legacy since {life.legacy}" if life.legacy else "legacy"
    if life.end_of_life:
        return f"active, ends {life.end_of_life}"
    return (life.status or "unknown").lower()


def _tokens(count: int | None) -> str:
    if count is None:
        return "?"
    return f"{count // 1_000_000}M" if count >= 1_000_000 else f"{count // 1000}k"


def _price(model: Model) -> str:
    """USD per million tokens, input/output, of the first id; `+` where long prompts cost more."""
    price = next((offer.price for offer in model.ids if offer.price), None)
    if price is None or price.input is None or price.output is None:
        return "?"
    dearer = "+" if price.long_context else ""
    return f"${price.input:g}/${price.output:g}{dearer}"


COLUMNS = (
    Column[Model]("ALIAS", lambda model: model.alias or "-", "bold"),
    Column[Model]("BASE ID", lambda model: model.base_id),
    Column[Model]("ENDPOINTS", lambda model: " ".join(model.endpoints) or "-"),
    Column[Model]("LIFECYCLE", _lifecycle),
    Column[Model]("CONTEXT", lambda model: _tokens(model.context_window)),
    Column[Model]("$/MTOK IN/OUT", _price),
    Column[Model]("NAME", lambda model: model.name),
)


def _columns(ctx: Context, asked: int) -> tuple[Column[Model], ...]:
    """With several regions, where each model was found: counted on a terminal, else in full."""
    if asked == 1:
        return COLUMNS

    def regions(model: Model) -> str:
        if ctx.out.terminal and len(model.regions) > FEW:
            count = len(model.regions)
            return f"all {asked}" if count == asked else f"{count} of {asked}"
        return " ".join(model.regions)

    return (*COLUMNS[:3], Column[Model]("REGIONS", regions), *COLUMNS[3:])
