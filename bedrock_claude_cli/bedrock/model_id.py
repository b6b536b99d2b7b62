"""From what a user types to the id that is sent: alias, base id, inference profile or ARN."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from bedrock_claude_cli.bedrock.catalog import IN_REGION, Catalog, KnownModel, plain
from bedrock_claude_cli.bedrock.guard_rails import OPEN, Guard
from bedrock_claude_cli.errors import RejectedError, UsageError

PREFIXES = ("global", "us", "eu", "jp", "au", "apac", "in", "us-gov")
ENDPOINTS = ("auto", "global", IN_REGION, *PREFIXES[1:])
ARN = re.compile(r"arn:aws[a-z-]*:bedrock:(?P<region>[a-z0-9-]*):\d*:(?P<kind>[a-z-]+)/(?P<id>.+)")

Kind = Literal[
    "alias",
    "base",
    "profile",
    "foundation-model",
    "inference-profile",
    "application-inference-profile",
    "other",
]


class ModelId(NamedTuple):
    """What a text says by itself; `base_id` is None where only AWS knows the model behind it."""

    text: str
    kind: Kind
    prefix: str | None = None
    base_id: str | None = None
    region: str | None = None

    @property
    def endpoint(self) -> str | None:
        """global, in-region or a geography; None for an alias or an opaque ARN."""
        if self.prefix:
            return self.prefix
        return IN_REGION if self.kind in ("base", "foundation-model") else None


class Target(NamedTuple):
    """What will be sent, and the notes that explain it.

    `endpoint` is None where an ARN hides it. `kind` is how the user named the model, and `strict`
    says that the endpoint was asked for by name. `guard` holds for any id that is tried instead.
    """

    model_id: str
    base_id: str | None
    endpoint: str | None
    known: KnownModel | None
    region: str
    kind: Kind
    strict: bool = False
    notes: tuple[str, ...] = ()
    guard: Guard = OPEN


def parse(text: str) -> ModelId:
    """Tell the kinds of ids apart; anything without `anthropic.` that is no ARN is an alias."""
    text = text.strip()
    if text.startswith("arn:"):
        return _parse_arn(text)
    head, found, tail = text.partition("anthropic.")
    if not found:
        return ModelId(text, "alias")
    if not head:
        return ModelId(text, "base", base_id=text)
    if head.endswith("."):
        return ModelId(text, "profile", head[:-1], found + tail)
    return ModelId(text, "other")


def _parse_arn(text: str) -> ModelId:
    match = ARN.fullmatch(text)
    if match is None:
        return ModelId(text, "other")
    region = match["region"] or None
    if match["kind"] == "application-inference-profile":
        return ModelId(text, "application-inference-profile", region=region)
    inner = parse(match["id"])
    if match["kind"] == "foundation-model":
        return ModelId(text, "foundation-model", base_id=inner.base_id, region=region)
    if match["kind"] == "inference-profile":
        return ModelId(text, "inference-profile", inner.prefix, inner.base_id, region)
    return ModelId(text, "other", region=region)


def callable_id(asked: ModelId) -> ModelId:
    """The same, or RejectedError for an ARN of a foundation model that AWS cannot call.

    Such an ARN has a region and a base id: an endpoint before the id is an inference profile's, and
    without a region it is what policies call the destination of a global one.
    """
    match = ARN.fullmatch(asked.text)
    if match is None or match["kind"] != "foundation-model":
        return asked
    inner = match["id"]
    prefixed = inner.partition(".")[0].lower() in PREFIXES
    if prefixed or "/" in inner or inner.find("anthropic.") > 0:
        raise RejectedError(
            f"no foundation model has the ARN `{asked.text}`: `{inner}` is no base id",
            hint="an inference profile's ARN ends in `:inference-profile/ID`; "
            f"`--model {inner.rpartition('/')[2]}`",
        )
    if asked.region is None:
        raise RejectedError(
            f"`{asked.text}` names no region, as in policies for global endpoints, "
            "and cannot be called",
            hint=f"`--model {inner}`, or the ARN with a region",
        )
    return asked


def named(text: str, catalog: Catalog) -> tuple[ModelId, KnownModel | None]:
    """What a text says, and the model of the catalogue that it names in whatever way.

    Raises UsageError for an unknown alias.
    """
    asked, _ = _corrected(parse(text), catalog)
    if asked.kind == "alias":
        return asked, _find(asked.text, catalog)
    theirs = (model for model in catalog.models if model.mantle_id == asked.text)
    return asked, (catalog.get(asked.base_id) if asked.base_id else None) or next(theirs, None)


def resolve(
    text: str,
    *,
    endpoint: str = "auto",
    region: str,
    catalog: Catalog,
    seen: Iterable[str] = (),
    guard: Guard = OPEN,
) -> Target:
    """Choose the id to send from `region`, without a network.

    `seen` are ids that were observed there. The endpoint is one that `guard` allows, unless another
    was asked for or there is none, for the caller to refuse. Raises UsageError for an unknown alias
    or an endpoint that contradicts the id, RejectedError for an endpoint that the model or region
    does not offer.
    """
    if endpoint not in ENDPOINTS:
        raise UsageError(f"unknown endpoint `{endpoint}`", hint=f"one of {', '.join(ENDPOINTS)}")
    asked, notes = _corrected(parse(text), catalog)
    callable_id(asked)
    if asked.kind == "alias":
        known: KnownModel | None = _find(asked.text, catalog)
    else:
        known = catalog.get(asked.base_id) if asked.base_id else None
    base_id = known.id if known else asked.base_id
    choice = _Choice(asked, base_id, known, endpoint, region, catalog, tuple(seen), guard)
    if base_id is None or asked.kind not in ("alias", "base"):
        target = choice.verbatim()
    elif asked.kind == "base" and endpoint == "auto":
        target = choice.bare()
    else:
        target = choice.placed()
    return target._replace(
        notes=(*notes, *target.notes, *_premium(target, catalog), *_end_of_life(known, catalog)),
    )


def resolve_mantle(text: str, *, endpoint: str, region: str, catalog: Catalog) -> Target:
    """Choose the id that bedrock-mantle takes, which has ids of its own and one endpoint a region.

    Raises UsageError for an unknown alias, RejectedError for what only bedrock-runtime can do.
    """
    elsewhere = "`--via invoke`, converse and sdk can"
    if endpoint not in ("auto", IN_REGION):
        raise RejectedError(
            f"--via mantle always runs in {region} itself, not on the {endpoint} endpoint",
            hint=f"{elsewhere}; or leave --endpoint out",
        )
    asked, notes = _corrected(parse(text), catalog)
    if asked.kind not in ("alias", "base"):
        what = "the ARN" if asked.text.startswith("arn:") else "the inference profile"
        raise RejectedError(
            f"--via mantle cannot call {what} `{asked.text}`",
            hint=f"{elsewhere}; or name the model by its alias",
        )
    if asked.kind == "alias":
        known: KnownModel | None = _find(asked.text, catalog)
    else:
        theirs = (model for model in catalog.models if model.mantle_id == asked.text)
        known = catalog.get(asked.text) or next(theirs, None)
    if known and known.mantle_id is None:
        there = ", ".join(model.alias for model in catalog.models if model.mantle_id)
        raise RejectedError(
            f"{known.name} is not on bedrock-mantle", hint=f"{elsewhere}; on mantle are {there}"
        )
    model_id = known.mantle_id if known and known.mantle_id else asked.text
    base_id = known.id if known else asked.text
    notes = (*notes, *_end_of_life(known, catalog))
    strict = endpoint != "auto"
    return Target(model_id, base_id, IN_REGION, known, region, asked.kind, strict, notes)


class _Choice(NamedTuple):
    asked: ModelId
    base_id: str | None
    known: KnownModel | None
    endpoint: str
    region: str
    catalog: Catalog
    seen: tuple[str, ...]
    guard: Guard

    def target(self, model_id: str, endpoint: str | None, *notes: str) -> Target:
        strict = self.endpoint != "auto"
        kind = self.asked.kind
        return Target(
            model_id, self.base_id, endpoint, self.known, self.region, kind, strict, notes,
            self.guard,
        )  # fmt: skip

    def shipped(self) -> tuple[str, ...]:
        """What the catalogue says of the model here; where it is silent, in-region may work."""
        if self.known is None:
            return ()
        offered = self.catalog.offered(self.known, self.region)
        return (*offered, IN_REGION) if self.known.in_region is None else offered

    def live(self) -> tuple[str, ...]:
        """The same from what was seen here."""
        found = [parse(each) for each in self.seen]
        return tuple(
            each.endpoint for each in found if each.base_id == self.base_id and each.endpoint
        )

    def allowed(self, options: Iterable[str]) -> tuple[str, ...]:
        """Those that the guard allows, or all where it allows none of them."""
        every = tuple(options)
        lets = (each for each in every if self.guard.lets(each, self.region, self.catalog))
        return tuple(lets) or every

    def verbatim(self) -> Target:
        asked, own = self.asked, self.asked.endpoint
        if self.endpoint not in ("auto", own):
            means = f"is the {own} endpoint" if own else "hides its endpoint"
            raise UsageError(
                f"`{asked.text}` {means}, but --endpoint asks for {self.endpoint}",
                hint="leave --endpoint out, or name the model by its alias",
            )
        if asked.region and asked.region != self.region:
            other = f"the ARN belongs to {asked.region}, the request goes to {self.region}"
            return self.target(asked.text, own, other)
        return self.target(asked.text, own)

    def bare(self) -> Target:
        """A bare id means the regional endpoint; it may move to the geography, never to global."""
        options = self.live() or self.shipped()
        regional = self.allowed(each for each in options if each != "global")
        if (not options and self.known is None) or IN_REGION in regional:
            return self.target(self.asked.text, IN_REGION)
        if not regional:
            raise self.not_offered("in-region or in a geography ")
        endpoint = _best(regional, self.region, self.catalog)
        model_id = f"{endpoint}.{self.base_id}"
        moved = (
            f"`{self.asked.text}` cannot be called in {self.region} itself; using `{model_id}`, "
            f"which stays in {endpoint}"
        )
        return self.target(model_id, endpoint, moved)

    def placed(self) -> Target:
        """An alias, or a bare id with --endpoint."""
        options = self.live() or self.shipped()
        endpoint = self.endpoint
        if endpoint == "auto":
            if not options:
                raise self.not_offered()
            endpoint = _best(self.allowed(options), self.region, self.catalog)
        elif endpoint not in (*options, *self.shipped()) and (self.known or options):
            raise self.not_offered(f"as {endpoint} ")
        base_id = self.base_id or ""
        return self.target(base_id if endpoint == IN_REGION else f"{endpoint}.{base_id}", endpoint)

    def not_offered(self, how: str = "") -> RejectedError:
        options = self.live() or self.shipped()
        if options:
            hint = f"offered there: {', '.join(options)}; `--endpoint` chooses"
        elif self.known:
            places = (*self.known.endpoints, *(self.known.in_region or ()))
            hint = (
                f"offered as {', '.join(places)}, from other regions: `list-models --all-regions`"
            )
        else:
            hint = "`bedrock-claude list-models --all-regions`"
        name = self.known.name if self.known else self.base_id
        ended = "".join(f"; {note}" for note in _end_of_life(self.known, self.catalog))
        return RejectedError(f"{name} is not offered {how}in {self.region}", hint=hint + ended)


def _best(options: Iterable[str], region: str, catalog: Catalog) -> str:
    """global has no premium; then the region's own geography, any other, in-region last."""
    own = catalog.geography(region)

    def rank(option: str) -> int:
        if option == "global":
            return 0
        return 1 if option == own else 3 if option == IN_REGION else 2

    return min(options, key=rank)


def fallbacks(target: Target, offered: Iterable[str], catalog: Catalog) -> Target | None:
    """After AWS refused the id itself: the one other id worth trying, or None.

    `offered` are the ids that the region offers now. A regional meaning never becomes global, and
    an id or endpoint that was asked for by name never changes: RejectedError lists what there is.
    Where the guard allows none of them the best of all is given, for the caller to refuse.
    """
    found = {
        each.endpoint: each.text
        for each in map(parse, offered)
        if each.base_id == target.base_id and each.endpoint and each.kind in ("base", "profile")
    }
    if target.base_id is None or not found or target.endpoint in found:
        return None
    name = target.known.name if target.known else target.base_id
    choices = [each for each in found if target.kind == "alias" or each != "global"]
    if target.kind not in ("alias", "base") or target.strict or not choices:
        raise RejectedError(
            f"`{target.model_id}` is not offered in {target.region}",
            hint=f"{name} is offered there as {', '.join(sorted(found.values()))}",
        )
    lets = [each for each in choices if target.guard.lets(each, target.region, catalog)]
    endpoint = _best(lets or choices, target.region, catalog)
    note = f"`{target.model_id}` was refused in {target.region}; trying `{found[endpoint]}`"
    moved = target._replace(model_id=found[endpoint], endpoint=endpoint)
    return moved._replace(notes=(note, *_premium(moved, catalog)))


def _corrected(asked: ModelId, catalog: Catalog) -> tuple[ModelId, tuple[str, ...]]:
    """Some published tables spell an id that Bedrock never had."""
    for known in catalog.models:
        if known.seed_id and asked.base_id == known.seed_id:
            right = asked.text.removesuffix(known.seed_id) + known.id
            return parse(right), (f"Bedrock's id is `{right}`, not `{asked.text}`",)
    return asked, ()


def _premium(target: Target, catalog: Catalog) -> tuple[str, ...]:
    known = target.known
    if known is None or target.endpoint in (None, "global") or "global" not in known.prices:
        return ()
    if not {"global", target.endpoint} <= set(catalog.offered(known, target.region)):
        return ()
    whole, regional = known.prices["global"].input, known.prices["regional"].input
    if not whole or not regional or regional <= whole:
        return ()
    more = round((regional / whole - 1) * 100)
    return (f"the {target.endpoint} endpoint of {known.name} costs {more} % more than global",)


def _end_of_life(known: KnownModel | None, catalog: Catalog) -> tuple[str, ...]:
    if known is None or known.lifecycle.status not in ("EOL", "LEGACY"):
        return ()
    when = known.lifecycle.end_of_life
    successor = catalog.by_alias(known.family)
    use = f"; its successor is `{successor.alias}`" if successor else ""
    if known.lifecycle.status == "LEGACY":
        return (f"{known.name} is legacy{f' and ends on {when}' if when else ''}{use}",)
    return (f"{known.name} reached its end of life{f' on {when}' if when else ''}{use}",)


def _find(alias: str, catalog: Catalog) -> KnownModel:
    known = catalog.find(alias)
    if known:
        return known
    from difflib import get_close_matches

    names = {plain(name): name for name in catalog.aliases()}
    near = [names[each] for each in get_close_matches(plain(alias), names, n=3, cutoff=0.5)]
    guess = f"; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
    raise UsageError(f"unknown model `{alias}`{guess}", hint="`bedrock-claude list-models`")
