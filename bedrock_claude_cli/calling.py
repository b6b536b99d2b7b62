"""How a command gets to a model: the id that its settings mean, and the clients to reach it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedrock_claude_cli.aws import UNSTREAMED_TIMEOUT
from bedrock_claude_cli.bedrock import ask, catalog, guarded, model_id
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.guard_rails import Guard, Rule
from bedrock_claude_cli.bedrock.prompt import Options, Request
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.context import Context

if TYPE_CHECKING:
    from bedrock_claude_cli.bedrock import program


def target(
    ctx: Context,
    known: Catalog,
    region: str | None = None,
    via: str | None = None,
    options: Options | None = None,
) -> model_id.Target:
    """The id that would be sent, from the catalogue and what was seen in the region lately.

    `region`, `via` and `options` are the settings' own by default. UnmetError where the config
    file's guard rails forbid it, for which AWS is asked what an opaque inference profile is.
    """
    chosen = options or ctx.settings.options
    region = region or ctx.region
    way = via or chosen.via
    found = _resolved(ctx, known, region, way, chosen)
    _check(ctx, known, found, chosen.model or "", way)
    return found


def check_id(ctx: Context, sent: str, region: str) -> None:
    """UnmetError where the guard rails forbid an id that was resolved some time ago."""
    if ctx.settings.allowed:
        known = catalog.load()
        found = guarded.target_of(sent, region, known)
        _check(ctx, known, found._replace(guard=_guard(ctx)), sent)


def _check(
    ctx: Context, known: Catalog, target: model_id.Target, asked: str, via: str | None = None
) -> None:
    def destinations() -> list[str]:
        own = target.region == ctx.region
        bedrock = ctx.bedrock if own else ctx.aws.client("bedrock", region=target.region)
        told = bedrock.get_inference_profile(inferenceProfileIdentifier=target.model_id)
        return [str(model["modelArn"]) for model in part(told, "models")]

    if target.guard.endpoints:
        services = ("bedrock-mantle",) if via == "mantle" else ("bedrock-runtime", "bedrock")
        hosts = map(_host, ctx.aws.endpoint_urls(services).values())
        guarded.check_hosts(target, (host for host in hosts if ctx.aws.is_aws(f"//{host}")))
    guarded.check(target, asked, known, destinations, via)


def _host(url: str | None) -> str:
    from urllib.parse import urlsplit

    return (urlsplit(url or "").hostname or "").rstrip(".")


def _guard(ctx: Context) -> Guard:
    rules = {key: Rule(key, *found[:2]) for key, found in ctx.settings.allowed.items()}
    return Guard(rules.get("allow_endpoints"), rules.get("allow_models"))


def _resolved(
    ctx: Context, known: Catalog, region: str, via: str | None, chosen: Options
) -> model_id.Target:
    guard, folder = _guard(ctx), ctx.cache_folder()
    if via == "mantle":
        found = model_id.resolve_mantle(
            chosen.model or "", endpoint=chosen.endpoint or "auto", region=region, catalog=known
        )
        return found._replace(guard=guard)
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
        guard=guard,
    )


def client(
    ctx: Context, via: str | None, region: str | None = None, read_timeout: float | None = None
) -> Any:
    """The client of a way to call; the usual boto3 and mantle clients are made once.

    `read_timeout` is in seconds without a byte, the settings' own by default.
    """
    usual = region is None and read_timeout is None
    if via in ("sdk", "mantle"):
        from bedrock_claude_cli import sdk_clients

        if usual and via == "mantle":
            return ctx.mantle
        make = sdk_clients.bedrock if via == "sdk" else sdk_clients.mantle
        return make(ctx.aws, region=region or ctx.region, read_timeout=read_timeout)
    if usual:
        return ctx.runtime
    return ctx.aws.client("bedrock-runtime", region=region, read_timeout=read_timeout)


def reach(
    ctx: Context, known: Catalog, region: str | None = None, via: str | None = None
) -> ask.Reach:
    """The clients that a question may need, each made when it is needed."""
    way = via or ctx.settings.options.via
    return ask.Reach(
        runtime=lambda: client(ctx, way, region),
        patient=lambda: client(ctx, way, region, UNSTREAMED_TIMEOUT),
        offered=lambda: () if way == "mantle" else offered(ctx, known, region or ctx.region),
    )


def endpoint_url(ctx: Context) -> str:
    """Where a question would be sent."""
    if ctx.settings.options.via == "mantle":
        from bedrock_claude_cli import sdk_clients

        return sdk_clients.mantle_url(ctx.aws, ctx.region)
    return str(ctx.runtime.meta.endpoint_url)


def place(ctx: Context, request: Request) -> program.Place:
    """Where a program that makes this request finds AWS and the attachments."""
    from bedrock_claude_cli.bedrock import program

    profile, endpoint = ctx.settings.profile, str(ctx.runtime.meta.endpoint_url)
    if not ctx.aws.is_aws(endpoint):
        endpoint = f"https://bedrock-runtime.{ctx.region}.amazonaws.com"
    # What AWS's own variables say reaches the program without its help.
    named = None if profile.source.startswith("AWS_") else profile.value
    return program.Place(ctx.region, endpoint, named, dict(_files(request)))


def _files(request: Request) -> Iterator[tuple[bytes, str]]:
    """The attachments that a program can read itself: what lies in a file just as it is sent."""
    given = request.options.attach or ()
    if not given:
        return
    from bedrock_claude_cli.bedrock import attachments

    for spec, attached in zip(given, request.attachments, strict=True):
        path = Path(attachments.split(spec)[0]).expanduser()
        if path.is_file() and path.read_bytes() == attached.data:
            yield attached.data, str(path)


def offered(ctx: Context, known: Catalog, region: str) -> list[str]:
    """The ids that the region offers now, kept for the next time."""
    from bedrock_claude_cli.bedrock import inventory

    ctx.out.note(f"looking up which ids {region} offers")
    client = ctx.bedrock if region == ctx.region else ctx.aws.client("bedrock", region=region)
    models = inventory.list_models(client, region, known)
    folder = ctx.cache_folder()
    if folder:
        inventory.remember(folder / f"{region}.json", models)
    return [offer.id for model in models for offer in model.ids]
