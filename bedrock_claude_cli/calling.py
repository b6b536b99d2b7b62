"""How a command gets to a model: the id that its settings mean, and the clients to reach it."""

from __future__ import annotations

from bedrock_claude_cli.aws import UNSTREAMED_TIMEOUT
from bedrock_claude_cli.bedrock import ask, model_id
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.context import Context


def target(ctx: Context, known: Catalog) -> model_id.Target:
    """The id that would be sent, from the catalogue and what was seen in this region lately."""
    chosen, folder = ctx.settings.options, ctx.cache_folder()
    file = folder / f"{ctx.region}.json" if folder else None
    seen: tuple[str, ...] = ()
    if file and file.exists():
        from bedrock_claude_cli.bedrock import inventory

        seen = inventory.recall(file)
    return model_id.resolve(
        chosen.model or "",
        endpoint=chosen.endpoint or "auto",
        region=ctx.region,
        catalog=known,
        seen=seen,
    )


def reach(ctx: Context, known: Catalog) -> ask.Reach:
    """The clients that a question may need, each made when it is needed."""
    return ask.Reach(
        runtime=lambda: ctx.runtime,
        patient=lambda: ctx.aws.client("bedrock-runtime", read_timeout=UNSTREAMED_TIMEOUT),
        offered=lambda: _offered(ctx, known),
    )


def _offered(ctx: Context, known: Catalog) -> list[str]:
    """The ids that the region offers now, kept for the next time."""
    from bedrock_claude_cli.bedrock import inventory

    ctx.out.note(f"looking up which ids {ctx.region} offers")
    models = inventory.list_models(ctx.bedrock, ctx.region, known)
    folder = ctx.cache_folder()
    if folder:
        inventory.remember(folder / f"{ctx.region}.json", models)
    return [offer.id for model in models for offer in model.ids]
