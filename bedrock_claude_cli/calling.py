"""How a command gets to a model: the id that its settings mean, and the clients to reach it."""

from __future__ import annotations

from bedrock_claude_cli.aws import UNSTREAMED_TIMEOUT
from bedrock_claude_cli.bedrock import ask, model_id
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.context import Context


def target(ctx: Context, known: Catalog, region: str | None = None) -> model_id.Target:
    """The id that would be sent, from the catalogue and what was seen in the region lately.

    `region` is the settings' own by default.
    """
    chosen, folder = ctx.settings.options, ctx.cache_folder()
    region = region or ctx.region
    file = folder / f"{region}.json" if folder else None
    seen: tuple[str, ...] = ()
    if file and file.exists():
        from bedrock_claude_cli.bedrock import inventory

        seen = inventory.recall(file)
    return model_id.resolve(
        chosen.model or "",
        endpoint=chosen.endpoint or "auto",
        region=region,
        catalog=known,
        seen=seen,
    )


def reach(ctx: Context, known: Catalog, region: str | None = None) -> ask.Reach:
    """The clients that a question may need, each made when it is needed."""
    there = region or ctx.region
    return ask.Reach(
        runtime=lambda: (
            ctx.runtime if region is None else ctx.aws.client("bedrock-runtime", region=there)
        ),
        patient=lambda: ctx.aws.client(
            "bedrock-runtime", region=there, read_timeout=UNSTREAMED_TIMEOUT
        ),
        offered=lambda: _offered(ctx, known, there),
    )


def _offered(ctx: Context, known: Catalog, region: str) -> list[str]:
    """The ids that the region offers now, kept for the next time."""
    from bedrock_claude_cli.bedrock import inventory

    ctx.out.note(f"looking up which ids {region} offers")
    client = ctx.bedrock if region == ctx.region else ctx.aws.client("bedrock", region=region)
    models = inventory.list_models(client, region, known)
    folder = ctx.cache_folder()
    if folder:
        inventory.remember(folder / f"{region}.json", models)
    return [offer.id for model in models for offer in model.ids]
