"""What `list-models` asks: AWS's lists of some regions, one model's details, and its policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bedrock_claude_cli.bedrock import catalog, inventory, model_id, surveys
from bedrock_claude_cli.bedrock.inventory import Model
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import ExitCode, RejectedError, UsageError
from bedrock_claude_cli.explain import translate

if TYPE_CHECKING:
    from bedrock_claude_cli.bedrock.model_details import Details, Wanted


def survey(ctx: Context, regions: Sequence[str]) -> surveys.Survey:
    """AWS's lists of these regions; one that gives none is told of, unless it is the only one."""
    if len(regions) == 1:
        return surveys.Survey((surveys.look(_client(ctx, regions[0]), regions[0]),))
    found = surveys.look_around(lambda name: _client(ctx, name), regions)
    if found.not_enabled:
        ctx.out.note(f"not enabled in this account: {', '.join(found.not_enabled)}")
    for name, error in found.failed:
        ctx.out.warn(f"{name}: {translate(error).message}")
    return found


def exit_code(found: surveys.Survey, *, by_name: bool) -> ExitCode:
    """PARTIAL where a region failed, or one that was asked for by name is not enabled."""
    partial = found.failed or (by_name and found.not_enabled)
    return ExitCode.PARTIAL if partial else ExitCode.OK


def models(
    ctx: Context, listed: Sequence[surveys.Listed], known: catalog.Catalog
) -> tuple[Model, ...]:
    """The lists joined with the catalogue; the ids are kept for the next `ask`."""
    found = inventory.joined(listed, known)
    folder = ctx.cache_folder()
    for name in [each.region for each in listed] if folder else ():
        there = [
            replace(model, ids=tuple(each for each in model.ids if name in each.regions))
            for model in found
            if name in model.regions
        ]
        if folder and there:
            inventory.remember(folder / f"{name}.json", there)
    return found


def _client(ctx: Context, region: str) -> Any:
    return ctx.bedrock if region == ctx.region else ctx.aws.client("bedrock", region=region)


def details(
    ctx: Context, text: str, regions: Sequence[str], known: catalog.Catalog, *, offline: bool
) -> tuple[Details, surveys.Survey]:
    """One model, named in any way, as the regions offer it, and how the regions answered."""
    from bedrock_claude_cli.bedrock import model_details

    wanted, own = _wanted(ctx, text, known, offline=offline)
    found = surveys.Survey(()) if offline else survey(ctx, regions)
    listed: Sequence[surveys.Listed] | None = None if offline else found.listed
    if own:
        listed = [_beside(each, own) for each in found.listed]
    return model_details.details(wanted, listed, regions, known), found


def _beside(listed: surveys.Listed, own: surveys.Told) -> surveys.Listed:
    """A region's lists with an inference profile of the account's own, which AWS may leave out."""
    arn = own["inferenceProfileArn"]
    there = [each["inferenceProfileArn"] for each in listed.profiles]
    if arn.split(":")[3] != listed.region or arn in there:
        return listed
    return listed._replace(profiles=[*listed.profiles, own])


def region_of(ctx: Context, text: str) -> str:
    """The region of an ARN, else the one that requests go to."""
    return model_id.parse(text).region or ctx.region


def narrowed(
    model: Details, endpoint: str | None, regions: Sequence[str], known: catalog.Catalog
) -> Details:
    """The model's ways by one endpoint, or all; RejectedError where there is none."""
    from bedrock_claude_cli.bedrock import model_details

    kept = tuple(way for way in model.endpoints if endpoint in (None, way.endpoint))
    if not kept:
        there = list(dict.fromkeys(way.endpoint for way in model.endpoints if way.endpoint))
        wanted = model_details.Wanted(model.base_id, known.get(model.base_id))
        raise model_details.not_offered(wanted, regions, endpoint, there, known)
    return replace(model, endpoints=kept)


def _wanted(
    ctx: Context, text: str, known: catalog.Catalog, *, offline: bool
) -> tuple[Wanted, surveys.Told | None]:
    """The model that a text names, and the account's own inference profile where it is one."""
    from bedrock_claude_cli.bedrock.model_details import Wanted

    asked, model = model_id.named(text, known)
    base_id, own = model.id if model else asked.base_id, None
    if asked.kind == "application-inference-profile":
        if offline:
            raise UsageError(f"only AWS tells the model behind `{text}`; leave --offline out")
        own = _client(ctx, asked.region or ctx.region).get_inference_profile(
            inferenceProfileIdentifier=asked.text
        )
        base_id = inventory.routed_to(own)
    if base_id is None:
        raise UsageError(
            f"`{text}` names no Claude model of which there is more to know",
            hint="name it by its alias or id: `bedrock-claude list-models`",
        )
    return Wanted(base_id, known.get(base_id)), own


def policy(
    ctx: Context, regions: Sequence[str], known: catalog.Catalog, *, offline: bool
) -> dict[str, Any]:
    """The least policy for what `ask` would call with these settings, from each region."""
    from bedrock_claude_cli import calling
    from bedrock_claude_cli.bedrock import policy as policies

    statements = []
    for region in regions:
        target = calling.target(ctx, known, region)
        if ctx.settings.options.via == "mantle":
            place = (_partition(ctx, region), region, _account(ctx, offline=offline))
            statements += policies.on_mantle(*place, target.model_id)
            _warn_off_mantle(ctx, target)
        elif offline:
            statements += _offline(ctx, target)
        else:
            target, found = _offered(ctx, target, known)
            statements += found
        for note in target.notes:
            ctx.out.note(note)
        ctx.out.note(f"this is for `{target.model_id}`, called from {region}")
    return policies.whole(statements)


def _warn_off_mantle(ctx: Context, target: model_id.Target) -> None:
    there = target.known.mantle_regions if target.known else None
    if target.known and there is not None and target.region not in there:
        ctx.out.warn(
            f"{target.known.name} is not known to be on bedrock-mantle in {target.region}, "
            f"only in {', '.join(there) or 'no region'}"
        )


def _offered(
    ctx: Context, target: model_id.Target, known: catalog.Catalog
) -> tuple[model_id.Target, list[dict[str, Any]]]:
    """What `ask` would call where AWS offers something else, and the statements for it."""
    from bedrock_claude_cli.bedrock import model_details
    from bedrock_claude_cli.bedrock import policy as policies

    listed = surveys.look(_client(ctx, target.region), target.region)
    wanted, own = _wanted(ctx, target.model_id, known, offline=False)
    if own:
        models = [model["modelArn"] for model in own["models"]]
        return target, policies.through_profile(own["inferenceProfileArn"], models)
    ways = list(model_details.ways(wanted, [listed], known))
    moved = model_id.fallbacks(target, [way.id for way in ways], known)
    if moved:
        instead = (
            f"`{target.model_id}` is not listed in {target.region}: `{moved.model_id}` instead"
        )
        target = moved._replace(notes=(instead, *moved.notes[1:]))
    way = next((way for way in ways if way.endpoint == target.endpoint), None)
    if way is None or way.arn is None:
        there = [way.endpoint for way in ways if way.endpoint]
        raise model_details.not_offered(wanted, [target.region], target.endpoint, there, known)
    if way.endpoint == catalog.IN_REGION:
        return target, policies.in_region(way.arn)
    profile = next(each for each in listed.profiles if each["inferenceProfileArn"] == way.arn)
    return target, policies.through_profile(
        way.arn, [model["modelArn"] for model in profile["models"]]
    )


def _offline(ctx: Context, target: model_id.Target) -> list[dict[str, Any]]:
    """The same as far as it is certain without AWS: a geography's regions are not."""
    from bedrock_claude_cli.bedrock import policy as policies

    partition, base_id = _partition(ctx, target.region), target.base_id or ""
    here = policies.foundation_model(partition, target.region, base_id)
    if target.endpoint == catalog.IN_REGION:
        return policies.in_region(here)
    if target.endpoint != "global":
        raise RejectedError(
            f"only AWS tells which regions `{target.model_id}` routes to",
            hint="leave --offline out, or `--endpoint global`",
        )
    account = _account(ctx, offline=True)
    own = policies.inference_profile(partition, target.region, account, f"global.{base_id}")
    return policies.through_profile(own, [policies.foundation_model(partition, "", base_id)])


def _account(ctx: Context, *, offline: bool) -> str:
    """The caller's account; the word ACCOUNT, and a warning, where nobody can be asked."""
    from bedrock_claude_cli.bedrock import identity

    if not (offline or ctx.aws.api_key):
        return identity.get_caller(ctx.sts).account
    ctx.out.warn("the account is not known here: put its twelve digits for ACCOUNT")
    return "ACCOUNT"


def _partition(ctx: Context, region: str) -> str:
    return str(ctx.aws.session.get_partition_for_region(region))
