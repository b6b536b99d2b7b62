"""Whether the guard rails let through what is about to be sent, however it was named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from bedrock_claude_cli.bedrock.catalog import IN_REGION, Catalog, KnownModel
from bedrock_claude_cli.bedrock.guard_rails import Guard, Names, Rule, ways
from bedrock_claude_cli.bedrock.model_id import ARN, Target, callable_id, parse
from bedrock_claude_cli.errors import DeniedError, RejectedError

# What runs in the region of its ARN. A router or a prompt names models and inference profiles that
# its own ARN does not tell, and so may whatever AWS adds.
_OF_A_REGION = ("provisioned-model", "custom-model", "custom-model-deployment", "imported-model")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")


class _Facts(NamedTuple):
    """What the rules are held to, and where the request goes, in words."""

    models: Names
    ways: Names
    where: str


def target_of(sent: str, region: str, catalog: Catalog) -> Target:
    """The target that an id as it is sent stands for; nothing is chosen any more."""
    asked = callable_id(parse(sent))
    known = catalog.get(asked.base_id or "")
    return Target(sent, asked.base_id, asked.endpoint, known, region, asked.kind)


def check(
    target: Target,
    asked: str,
    catalog: Catalog,
    destinations: Callable[[], Sequence[str]],
    via: str | None = None,
) -> None:
    """UnmetError unless the target's guard allows its model and its endpoint.

    `asked` is how the user named it, `via` the way to call it. `destinations` asks AWS for the ARNs
    of the models behind an inference profile whose own ARN does not tell them.
    """
    guard = target.guard
    rule = guard.models or guard.endpoints
    if rule is None:
        return
    facts = _facts(target, catalog, lambda: _read(rule, asked, destinations))
    more = " --via invoke" if via == "mantle" else ""
    shown = f"`{asked}`" if asked == target.model_id else f"`{asked}` ({target.model_id})"
    if guard.models and not _allows_models(guard.models, facts.models, catalog):
        raise guard.models.refusal(shown, _other_models(guard, target.region, catalog, more))
    if guard.endpoints and not guard.endpoints.allows(facts.ways):
        hint = _other_endpoints(target, catalog, more)
        raise guard.endpoints.refusal(f"{shown} {facts.where}", hint)


def check_hosts(target: Target, hosts: Iterable[str]) -> None:
    """UnmetError where a request would go to AWS in another region than the one that was judged.

    `hosts` are AWS's own. Where anybody else's proxy sends a request nobody can tell.
    """
    rule = target.guard.endpoints
    for host in hosts if rule else ():
        regions = {each for each in host.split(".") if _REGION.fullmatch(each)}
        if rule and regions != {target.region}:
            raise rule.refusal(
                f"requests to {host}, which is not of {target.region}, the region that was judged",
                "unset the AWS_ENDPOINT_URL* that names it, or take endpoint_url out of the AWS "
                "profile; --region says where requests may go",
            )


def _facts(target: Target, catalog: Catalog, destinations: Callable[[], Sequence[str]]) -> _Facts:
    asked = parse(target.model_id)
    regions = list(dict.fromkeys((target.region, asked.region or target.region)))
    if target.endpoint is None and target.kind.endswith("inference-profile"):
        return _behind(target, destinations(), catalog)
    models = (_names(target.base_id, target.known, target.model_id),)
    if target.endpoint is None and not _runs_where_it_is(target.model_id):
        what = "ARN" if target.model_id.startswith("arn:") else "id"
        return _Facts(models, (("opaque",),), f"to models or regions that its {what} does not tell")
    found = ways(target.endpoint, regions, catalog)
    if target.endpoint in (None, IN_REGION):
        return _Facts(models, found, f"in {' and '.join(regions)} itself")
    where = f"on the {target.endpoint} endpoint"
    return _Facts(models, found, where if len(found) == 1 else f"{where} from {regions[0]}")


def _runs_where_it_is(sent: str) -> bool:
    match = ARN.fullmatch(sent)
    return bool(match and match["region"] and match["kind"] in _OF_A_REGION)


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


def _other_models(guard: Guard, region: str, catalog: Catalog, more: str) -> str:
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
    return f"allowed, and offered in {region}: {', '.join(others)}; `--model {others[-1]}{more}`"


def _other_endpoints(target: Target, catalog: Catalog, more: str) -> str:
    if target.endpoint is None:
        return "name the model by its alias or id: `bedrock-claude list-models`"
    known, region = target.known, target.region
    if known and known.lifecycle.status != "ACTIVE":
        known = catalog.by_alias(known.family)
    if known and target.guard.models:
        allowed = _allows_models(target.guard.models, (_names(known.id, known),), catalog)
        known = known if allowed else None
    there = list(_possible(target.guard, known, region, catalog)) if known else []
    if known and there:
        return f"`--model {known.alias} --endpoint {there[0]}{more}`"
    return (
        f"none of its endpoints in {region} is allowed: give another --region, or another model; "
        "`bedrock-claude list-models --all-regions` shows what is offered where"
    )
