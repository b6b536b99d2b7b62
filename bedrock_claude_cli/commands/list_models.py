"""`list-models`: the Claude models that can be called, and everything about one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import complete, listing, model_view, options
from bedrock_claude_cli.bedrock import catalog, inventory, surveys
from bedrock_claude_cli.bedrock.inventory import Model
from bedrock_claude_cli.bedrock.model_id import ENDPOINTS
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import UsageError


@as_command
def command(
    ctx: Context,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(
            metavar="[MODEL]",
            help="Only this one, with every way to reach it: alias, model id or ARN.",
            autocompletion=complete.models,
        ),
    ] = None,
    region: options.Regions = None,
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
    policy: Annotated[
        bool,
        typer.Option(
            "--policy", help="Print the least IAM policy to call MODEL as `ask` would, as JSON."
        ),
    ] = False,
    via: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--via",
            metavar="WAY",
            help="With --policy: how it is called, invoke or mantle.",
            autocompletion=complete.vias,
        ),
    ] = None,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="What AWS lists and the catalogue does not, and vice versa."),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="The shipped catalogue; no network.")
    ] = False,
) -> int:
    """List the Claude models that can be called, or all about one.

    With MODEL every way to reach it: id, route, residency and price of each endpoint, what the
    model can, and its lifecycle. Exit 9 where only some of the regions answered.
    """
    if endpoint is not None and endpoint not in ENDPOINTS[1:]:
        raise UsageError(f"no endpoint `{endpoint}`", hint=f"one of {', '.join(ENDPOINTS[1:])}")
    if all_regions and (region or offline):
        raise UsageError("--all-regions goes with neither --region nor --offline")
    given = {"--active": active, "--ids": ids, "--policy": policy, "--diff": diff,
             "--endpoint": endpoint, "--via": via, "--offline": offline}  # fmt: skip
    _refuse(model, {name for name, value in given.items() if value}, all_regions=all_regions)
    known = catalog.load()
    if model is not None and policy:
        ctx.give(model=model, endpoint=endpoint, via=via)
    if all_regions:
        regions = _all_regions(ctx, known)
    else:
        named = region and ctx.regions(list(dict.fromkeys(region)))
        regions = named or [listing.region_of(ctx, model or "")]
    if offline:
        ctx.out.note(f"the shipped catalogue of {known.date}; AWS was not asked")
    answered = surveys.Survey(())
    if policy:
        _print_policy(ctx, listing.policy(ctx, regions, known, offline=offline))
    elif diff:
        answered = listing.survey(ctx, regions)
        _differences(ctx, answered.listed, len(regions), known)
    elif model is not None:
        found, answered = listing.details(ctx, model, regions, known, offline=offline)
        found = listing.narrowed(found, endpoint, regions, known)
        if ids:
            _print_ids(ctx, [way.id for way in found.endpoints])
        else:
            model_view.show(ctx.out, found)
    else:
        if not offline:
            answered = listing.survey(ctx, regions)
            every = listing.models(ctx, answered.listed, known)
        else:
            every = inventory.merge([inventory.offline(known, each) for each in regions], known)
        shown = _filtered(every, endpoint, active)
        if ids:
            _print_ids(ctx, [offer.id for model in shown for offer in model.ids])
        else:
            columns = model_view.columns(ctx.out, len(regions))
            ctx.out.rows(shown, columns, empty="no model matches")
    return listing.exit_code(answered, by_name=not all_regions)


def _refuse(model: str | None, given: set[str], *, all_regions: bool) -> None:
    """UsageError for flags that say nothing together."""
    if model is None and "--policy" in given:
        raise UsageError(
            "--policy is for one MODEL", hint="`bedrock-claude list-models sonnet-4.5 --policy`"
        )
    if model is not None and given & {"--active", "--diff"}:
        raise UsageError(
            f"{min(given & {'--active', '--diff'})} is for the whole list, not for one MODEL"
        )
    if "--via" in given and "--policy" not in given:
        raise UsageError("--via goes with --policy")
    for mode, others in (("--policy", {"--ids"}), ("--diff", given - {"--diff"})):
        if mode in given and (clash := given & others):
            raise UsageError(f"{mode} does not go with {min(clash)}")
    if "--policy" in given and all_regions:
        raise UsageError("--policy is for the regions that you call from: name them by --region")


def _all_regions(ctx: Context, known: catalog.Catalog) -> list[str]:
    """Every Bedrock region of the partition that the chosen region is in."""
    government = ctx.region.startswith("us-gov-")
    return [name for name in known.regions if name.startswith("us-gov-") == government]


def _filtered(models: Iterable[Model], endpoint: str | None, active: bool) -> list[Model]:
    kept = [model for model in models if not active or model.lifecycle.status == "ACTIVE"]
    if endpoint is None:
        return kept
    narrowed = [
        replace(model, ids=tuple(each for each in model.ids if each.endpoint == endpoint))
        for model in kept
    ]
    return [model for model in narrowed if model.ids]


def _print_ids(ctx: Context, found: Sequence[str]) -> None:
    found = list(dict.fromkeys(found))
    if ctx.out.json:
        ctx.out.data(found)
    elif not found:
        ctx.out.note("no id matches")
    else:
        for each in found:
            ctx.out.line(each)


def _print_policy(ctx: Context, policy: dict[str, object]) -> None:
    """The document that IAM takes, which has no room for a `schema`; --query picks from it."""
    if ctx.shared.query is not None:
        ctx.out.data(policy)
    else:
        import json

        ctx.out.line(json.dumps(policy, indent=2))


def _differences(
    ctx: Context, listed: Sequence[surveys.Listed], asked: int, known: catalog.Catalog
) -> None:
    from datetime import datetime, timezone

    from bedrock_claude_cli.bedrock.catalog_diff import differences

    today = datetime.now(timezone.utc).date()
    found = differences(listed, known, today)
    ctx.out.note(f"AWS beside the shipped catalogue of {known.date}")
    model_view.show_differences(ctx.out, found, asked)
