"""`access request`: what AWS says of a model, and as a plan what opens it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import access_check, use_case
from bedrock_claude_cli.bedrock.access_state import (
    IAM,
    Access,
    Account,
    Named,
    World,
    judge,
)
from bedrock_claude_cli.bedrock.inventory import read_lifecycle
from bedrock_claude_cli.bedrock.logging_step import Step
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.bedrock.threads import settled, side_by_side
from bedrock_claude_cli.errors import CliError, DeniedError, RejectedError, UsageError
from bedrock_claude_cli.explain import blocked, refused, translate

OFFERS = "bedrock:ListFoundationModelAgreementOffers"
PUT_FORM = "bedrock:PutUseCaseForModelAccess"
PUT_RETENTION = "bedrock:PutAccountDataRetention"
CREATE = "bedrock:CreateFoundationModelAgreement"
MARKETPLACE = (
    "aws-marketplace:Subscribe",
    "aws-marketplace:Unsubscribe",
    "aws-marketplace:ViewSubscriptions",
)
OPENING = (
    *MARKETPLACE, CREATE, access_check.AVAILABILITY, access_check.FORM, OFFERS, PUT_FORM,
)  # fmt: skip
RETAINING = (access_check.RETENTION, PUT_RETENTION)
# botocore's DataRetentionMode.
MODES = {
    "default": "the standard handling of each model",
    "none": "nothing is kept",
    "aws_review": "AWS may keep and review prompts and answers; the model's provider gets none",
    "provider_data_share": "prompts and answers may be shared with the model's provider",
    "inherit": "nothing is set, so the standard handling of each model",
}
UNCHANGED = "nothing was changed"
_CONSOLES = {
    "cn-": "console.amazonaws.cn",
    "us-gov-": "console.amazonaws-us-gov.com",
    "eusc-": "console.amazonaws-eusc.eu",
}


@dataclass(frozen=True)
class Offer:
    """What a Marketplace agreement would accept; the token, which accepts it, is never shown."""

    id: str | None
    rate_card: tuple[Mapping[str, str], ...]
    legal_url: str | None
    refund_policy: str | None
    duration: str | None
    token: str = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """What `--json` shows of it."""
        keys = ("dimension", "price", "unit", "description")
        return {
            "id": self.id,
            "rate_card": [{key: rate.get(key) for key in keys} for rate in self.rate_card],
            "legal_url": self.legal_url,
            "refund_policy": self.refund_policy,
            "duration": self.duration,
        }


@dataclass(frozen=True)
class Survey:
    """What AWS says of a model now; the first offer is the one that is accepted."""

    model: Named
    access: Access
    offers: tuple[Offer, ...]
    form: Mapping[str, Any] | None


class Wish(NamedTuple):
    """What was asked for: the form, if one was given, and the data-retention mode to set."""

    form: Mapping[str, str] | None = None
    mode: str | None = None


def check_mode(found: Survey, wish: Wish) -> None:
    """UsageError for a data-retention mode that the model is known to refuse."""
    accepted = found.access.accepted_data_retention
    if wish.mode is not None and accepted is not None and wish.mode not in accepted:
        raise UsageError(
            f"{found.model.name} is refused under data-retention mode {wish.mode}; {UNCHANGED}",
            hint=f"it takes {' or '.join(accepted)}",
        )


def console(region: str) -> str:
    """The page of AWS's console where a model is opened by hand."""
    starts = (host for start, host in _CONSOLES.items() if region.startswith(start))
    host = next(starts, "console.aws.amazon.com")
    return f"https://{host}/bedrock/home?region={region}#/model-catalog"


def survey(text: str, wish: Wish, world: World) -> Survey:
    """Ask AWS what is open; DeniedError names what an administrator has to allow for it."""
    model, bedrock = access_check.named(text, world), world.bedrock
    accepted = model.known.data_retention if model.known else None
    with side_by_side(4) as pool:
        state = pool.submit(access_check.availability, bedrock, model.base_id)
        form = pool.submit(use_case.submitted, bedrock)
        mode = pool.submit(access_check.retention_mode, bedrock)
        offered = pool.submit(offers, bedrock, model.base_id)
        submitted = _needed(form, access_check.FORM, wish, world)
        told = None
        if submitted is not None or not _says_no_form(settled(state).exception()):
            told = _needed(state, access_check.AVAILABILITY, wish, world)
        kept = None
        if accepted is not None or wish.mode is not None or not settled(mode).exception():
            kept = _needed(mode, access_check.RETENTION, wish, world)
        account = Account(submitted is not None, kept)
        life = read_lifecycle({}, model.known)
        access = judge(model, told, None, account, life, world)
        wanted = access.agreement in (None, "none", "error") and not _hopeless(access)
        if wanted or not settled(offered).exception():
            found = _needed(offered, OFFERS, wish, world)
        else:
            found = ()
    return Survey(model, access, found, submitted)


def _says_no_form(error: BaseException | None) -> bool:
    told = translate(error) if error else None
    return isinstance(told, DeniedError) and told.code not in IAM


def _needed(future: Any, action: str, wish: Wish, world: World) -> Any:
    error = settled(future).exception()
    if error is None:
        return future.result()
    told = translate(error)
    if isinstance(told, DeniedError) and told.code in IAM:
        named = refused(told.message)
        message = f"IAM does not allow {named[0] if named else action}; {UNCHANGED}"
        raise denied(told, message, world, retaining=bool(wish.mode) or action in RETAINING)
    raise error


def denied(told: CliError, message: str, world: World, *, retaining: bool) -> DeniedError:
    """The refusal, with all that has to be allowed and the way without it."""
    actions = sorted((*OPENING, *(RETAINING if retaining else ())))
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    mends = f"adds {json.dumps(statement)}"
    if by := blocked(told.message):
        mends = (
            "lifts that Deny, which overrules every Allow"
            if by.denies
            else (f"{mends} to the {by.kind} too")
        )
    hint = (
        f"an administrator {mends}, or opens the model in the console: {console(world.region)}; "
        "then the same command continues"
    )
    return DeniedError(message, hint=hint, code=told.code, request_id=told.request_id)


def offers(bedrock: Any, base_id: str) -> tuple[Offer, ...]:
    """The public offers of a model. Needs bedrock:ListFoundationModelAgreementOffers."""
    told = bedrock.list_foundation_model_agreement_offers(modelId=base_id)
    return tuple(_offer(each) for each in part(told, "offers"))


def _offer(told: Mapping[str, Any]) -> Offer:
    terms = part(told, "termDetails")
    return Offer(
        id=told.get("offerId"),
        rate_card=tuple((terms.get("usageBasedPricingTerm") or {}).get("rateCard") or ()),
        legal_url=(terms.get("legalTerm") or {}).get("url"),
        refund_policy=(terms.get("supportTerm") or {}).get("refundPolicyDescription"),
        duration=(terms.get("validityTerm") or {}).get("agreementDuration"),
        token=part(told, "offerToken"),
    )


def _hopeless(access: Access) -> bool:
    return access.in_region is False or access.lifecycle.status == "EOL"


def plan(found: Survey, wish: Wish, world: World) -> tuple[Step, ...]:
    """What is there and what has to be made, in order."""
    return (
        *_places(found, world),
        _form_step(found),
        *_retention_steps(found, wish, world),
        *_agreement_steps(found, world),
    )


def _places(found: Survey, world: World) -> Iterator[Step]:
    access = found.access
    if access.lifecycle.status == "EOL":
        yield Step(
            "impossible",
            f"{found.model.name}: {access.missing[0]}",
            hint="`bedrock-claude list-models --active`",
        )
    elif access.in_region is False:
        yield Step(
            "impossible",
            f"{found.model.name} is not offered in {world.region}",
            hint="`bedrock-claude list-models --all-regions` shows where it can be reached",
        )


def _form_step(found: Survey) -> Step:
    if found.access.form_submitted:
        return Step("in-place", "use-case form: submitted before, and not sent again")
    return Step(
        "create",
        "use-case form: Anthropic's, submitted once for the whole account; no operation takes it "
        "back",
        actions=(PUT_FORM,),
    )


def _retention_steps(found: Survey, wish: Wish, world: World) -> Iterator[Step]:
    access, what = found.access, f"data retention of the account in {world.region}"
    now = access.data_retention
    if wish.mode is not None and wish.mode != now:
        yield Step(
            "change", what, before=now, after=f"{wish.mode} ({MODES[wish.mode]})",
            actions=(PUT_RETENTION,),
        )  # fmt: skip
    elif access.data_retention_ok is False:
        yield Step(
            "impossible",
            f"{what}: {found.model.name} is refused under {now}",
            hint=choices(found, world),
        )
    elif access.accepted_data_retention is not None or wish.mode is not None:
        yield Step("in-place", f"{what}: {now} ({MODES.get(now or '', 'a mode unknown here')})")
    elif access.data_retention_ok is None:
        yield Step(
            "reported",
            f"{what}: {now or 'not shown'}; whether that suits {found.model.name} is not known",
            hint="where calls are refused for it, `--data-retention MODE` sets another",
        )


def back(before: str | None, world: World) -> str:
    """That a changed data-retention mode stays, and the command that changes it back.

    It is AWS's own command: ours would open a model along with it.
    """
    told = f"the data retention of the account in {world.region} stays changed"
    profile = world.more.partition(" --profile ")[2]
    flags = f"--region {world.region}{f' --profile {profile}' if profile else ''}"
    command = f"aws bedrock put-account-data-retention --mode {before} {flags}"
    return f"{told}; `{command}` changes it back" if before else told


def choices(found: Survey, world: World) -> str:
    """The modes that a model runs under, what each means, and the command that sets it."""
    told = (
        f"`{command(found, world)} --data-retention {mode}` ({MODES[mode]})"
        for mode in found.access.accepted_data_retention or ()
    )
    return f"it holds for every call in {world.region}, so choose: {' or '.join(told)}"


def _agreement_steps(found: Survey, world: World) -> Iterator[Step]:
    access, what = found.access, f"Marketplace agreement for {found.model.name}"
    if access.agreement == "available":
        yield Step("in-place", what)
        for yes, said in ((access.authorized, "authorized"), (access.entitled, "entitled")):
            if yes is False:
                yield Step(
                    "impossible",
                    f"the account is not {said} to use {found.model.name}",
                    hint="an agreement that was just made may take 15 minutes; else AWS Support or "
                    f"AWS Sales can tell why; its page in the console: "
                    f"{console(world.region)}",
                )
    elif access.agreement == "pending":
        yield Step("in-place", f"{what}: AWS is making it; calls may work already")
    elif not _hopeless(access):
        if not found.offers:
            yield Step(
                "impossible",
                f"AWS has no offer of {found.model.name} for this account",
                hint=f"its page in the console may tell more: {console(world.region)}",
            )
            return
        again = ", again, as the last one failed" if access.agreement == "error" else ""
        yield Step(
            "create",
            f"{what}{again}: accepts the terms of offer {found.offers[0].id or 'above'}",
            actions=(CREATE, *MARKETPLACE),
        )
        if access.authorized is False:
            yield Step(
                "reported",
                "AWS says that the account is not authorized, so it may refuse",
                hint="AWS Support can tell why",
            )


def refuse(steps: Iterable[Step]) -> None:
    """Raise for what stands in the way; nothing was made yet."""
    for step in steps:
        if step.kind == "impossible":
            gone = "not offered" in step.what or "end of life" in step.what
            kind = RejectedError if gone else DeniedError
            raise kind(f"{step.what}; {UNCHANGED}", hint=step.hint)


def command(found: Survey, world: World) -> str:
    """The command that goes on with this."""
    return f"bedrock-claude access request {found.model.shown}{world.more}"
