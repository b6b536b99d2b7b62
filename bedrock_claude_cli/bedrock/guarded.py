"""Whether the guard rails let through what is about to be sent, however it was named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from bedrock_claude_cli.bedrock.catalog import IN_REGION, Catalog, KnownModel
from bedrock_claude_cli.bedrock.guard_rails import Guard, Names, Rule, ways
from bedrock_claude_cli.bedrock.model_id import ARN, Target, parse
from bedrock_claude_cli.errors import DeniedError, RejectedError

# A router chooses among models and inference profiles that its ARN does not tell.
_ROUTERS = ("prompt-router", "default-prompt-router")


class _Facts(NamedTuple):
    """What the rules are held to, and where the request goes, in words."""

    models: Names
    ways: Names
    where: str


def target_of(sent: str, region: str, catalog: Catalog) -> Target:
    """The target that an id as it is sent stands for; nothing is chosen any more."""
    asked = parse(sent)
    known = catalog.get(asked.base_id or "")
    return Target(sent, asked.base_id, asked.endpoint, known, region, asked.kind)


def check(
    target: Target, asked: str, catalog: Catalog, destinations: Callable[[], Sequence[str]]
) -> None:
    """UnmetError unless the target's guard allows its model and its endpoint.

    `asked` is how the user named it. `destinations` asks AWS for the ARNs of the models behind an
    inference profile whose own ARN does not tell them.
    """
    guard = target.guard
    rule = guard.models or guard.endpoints
    if rule is None:
        return
    facts = _facts(target, catalog, lambda: _read(rule, asked, destinations))
    shown = f"`{asked}`" if asked == target.model_id else f"`{asked}` ({target.model_id})"
    if guard.models and not _allows_models(guard.models, facts.models, catalog):
        raise guard.models.refusal(shown, _other_models(guard, target.region, catalog))
    if guard.endpoints and not guard.endpoints.allows(facts.ways):
        raise guard.endpoints.refusal(f"{shown} {facts.where}", _other_endpoints(target, catalog))


def _facts(target: Target, catalog: Catalog, destinations: Callable[[], Sequence[str]]) -> _Facts:
    asked = parse(target.model_id)
    regions = list(dict.fromkeys((target.region, asked.region or target.region)))
    if target.endpoint is None and target.kind.endswith("inference-profile"):
        return _behind(target, destinations(), catalog)
    models = (_names(target.base_id, target.known, target.model_id),)
    match = ARN.fullmatch(target.model_id)
    if match and match["kind"] in _ROUTERS:
        return _Facts(models, ((match["kind"],),), "to models that its ARN does not tell")
    found = ways(target.endpoint, regions, catalog)
    if target.endpoint in (None, IN_REGION):
        return _Facts(models, found, f"in {' and '.join(regions)} itself")
    where = f"on the {target.endpoint} endpoint"
    return _Facts(models, found, where if len(found) == 1 else f"{where} from {regions[0]}")


def _behind(target: Target, arns: Sequence[str], catalog: Catalog) -> _Facts:
    """An inference profile by its destinations: a geography counts where all of them lie in it."""
    found = [parse(each) for each in arns]
    own = (target.model_id,)
    models = tuple(
        (*_names(each.base_id, catalog.get(each.base_id or "")), *own) for each in found
    ) or (own,)
    regions = list(dict.fromkeys([each.region for each in found] + [target.region]))
    told = [each for each in regions if each is not None]
    if not found or len(told) < len(regions):
        return _Facts(models, (("global",),), "on the global endpoint")
    where = f"with destinations in {', '.join(told)}"
    if len(told) == 1:
        return _Facts(models, ways(IN_REGION, told, catalog), where)
    shared = set.intersection(*(set(catalog.region(each).endpoints) for each in told))
    return _Facts(models, (tuple(sorted(shared - {"global"})),), where)


def _read(rule: Rule, asked: str, destinations: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The destinations; where AWS does not tell them, nothing can be allowed."""
    from bedrock_claude_cli.explain import translate

    try:
        return destinations()
    except Exception as error:
        told = translate(error)
        if not isinstance(told, DeniedError | RejectedError):
            raise
        what = f"`{asked}`, whose models and regions AWS does not tell ({told.message})"
        hint = "grant bedrock:GetInferenceProfile on it, or name the model by its alias or id"
        raise rule.refusal(what, hint) from error


def _names(base_id: str | None, known: KnownModel | None, *more: str) -> tuple[str, ...]:
    alias = (known.alias, known.mantle_id) if known else ()
    return tuple(each for each in (base_id, *alias, *more) if each)


def _allows_models(rule: Rule, models: Names, catalog: Catalog) -> bool:
    """As the rule says it, or by an alias in another spelling, such as `sonnet` for the newest."""
    meant = {known.id for known in map(catalog.find, rule.globs) if known}
    return all(rule.allows((names,)) or not meant.isdisjoint(names) for names in models)


def _possible(guard: Guard, known: KnownModel, region: str, catalog: Catalog) -> Iterator[str]:
    """The endpoints of a model that are offered in a region, and allowed."""
    for each in catalog.offered(known, region):
        if guard.lets(each, region, catalog):
            yield each


def _other_models(guard: Guard, region: str, catalog: Catalog) -> str:
    others = [
        known.alias
        for known in catalog.models
        if guard.models
        and known.lifecycle.status == "ACTIVE"
        and _allows_models(guard.models, (_names(known.id, known),), catalog)
        and any(_possible(guard, known, region, catalog))
    ]
    if not others:
        return f"no model that is known to be offered in {region} is allowed"
    return f"allowed, and offered in {region}: {', '.join(others)}; `--model {others[-1]}`"


def _other_endpoints(target: Target, catalog: Catalog) -> str:
    known, region = target.known, target.region
    there = list(_possible(target.guard, known, region, catalog)) if known else []
    if known and there:
        return f"`--model {known.alias} --endpoint {there[0]}`"
    return (
        f"none of its endpoints in {region} is allowed: give another --region, or another model; "
        "`bedrock-claude list-models --all-regions` shows what is offered where"
    )
