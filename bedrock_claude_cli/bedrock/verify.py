"""`verify-creds`, once credentials are known: AWS is asked side by side, and judged in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import (
    access,
    access_check,
    ask,
    checks,
    identity,
    inventory,
    verify_id,
    verify_model,
)
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.checks import Check, Plan, judge
from bedrock_claude_cli.bedrock.duration import show_duration
from bedrock_claude_cli.bedrock.identity import Caller, Credentials
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.prompt import Options
from bedrock_claude_cli.bedrock.skew import Skew
from bedrock_claude_cli.bedrock.skew import check as clock_check
from bedrock_claude_cli.bedrock.threads import settled, side_by_side
from bedrock_claude_cli.errors import ExitCode

LIST = "bedrock:ListFoundationModels"
PROFILE = "bedrock:GetInferenceProfile"
LOGGING = "bedrock:GetModelInvocationLoggingConfiguration"


@dataclass(frozen=True)
class Report:
    """What `verify-creds` found: the shape of its `--json`.

    `endpoint_urls` is null where nothing overrules AWS's own endpoint; `aws` says that all of them
    lead to AWS; `model` is the id that would be sent; `clock_skew_seconds` is by how many this
    machine's clock is ahead of AWS's.
    """

    account: str | None
    arn: str | None
    user_id: str | None
    credentials: Credentials
    region: str | None
    region_source: str | None
    endpoint_urls: Mapping[str, str | None]
    aws: bool | None
    model: str | None
    clock_skew_seconds: int | None
    checks: tuple[Check, ...]
    ok: bool

    @property
    def exit_code(self) -> int:
        """The first fail's."""
        return next((each.exit_code or 1 for each in self.checks if each.status == "fail"), 0)


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Who calls and from where, as label and text; what is not known is left out."""
    told = report.credentials
    if report.account:
        yield "account", report.account
    if report.arn:
        yield "arn", report.arn
    if report.user_id:
        yield "user-id", report.user_id
    if told.source:
        yield "source", f"{told.source}{f', {told.access_key_id}' if told.access_key_id else ''}"
    if told.profile:
        yield "profile", f"{told.profile} from {told.profile_source}"
    if report.region:
        yield "region", f"{report.region} from {report.region_source}"
    if told.expires_at and told.seconds_left is not None:
        yield "expires", f"{told.expires_at}, in {show_duration(told.seconds_left)}"
    elif told.source:
        yield "expires", "never" if told.end_known else "nobody tells"


class World(NamedTuple):
    """How AWS is reached, and as whom. `target` is None where the model cannot be called here.

    `form` says that calls need the use-case form, for which bedrock-mantle does not ask.
    """

    credentials: Credentials
    region: str
    catalog: Catalog
    target: Target | None
    options: Options
    sts: Callable[[], Any]
    bedrock: Callable[[], Any]
    reach: ask.Reach
    say: Callable[[str], None]
    form: bool = True


class Found(NamedTuple):
    """What AWS's answers told; the credentials are those given, with their end by AWS's clock."""

    caller: Caller | None
    credentials: Credentials
    clock_skew_seconds: int | None
    checks: list[Check]


class _Asked(NamedTuple):
    """The answers of AWS under way; None where nothing needs them."""

    caller: Future[Caller] | None
    summaries: Future[list[Mapping[str, Any]]] | None
    base_id: Future[str | None] | None
    model: verify_model.Asked | None
    logging: Future[Mapping[str, Any]] | None


def examine(plan: Plan, world: World, before: Iterable[Check] = ()) -> Found:
    """Who calls, and every check of the plan that needs AWS's answer, after those of `before`."""
    skew = Skew()
    with side_by_side(8) as pool:
        asked = _ask(plan, world, pool, skew)
        told = settled(asked.caller) if asked.caller else None
        caller = told.result() if told and not told.exception() else None
        found = [_expect(plan, world, caller)]
        if plan.wants("identity", "expect"):
            found.append(_identity(asked))
        if plan.wants("reach"):
            found.append(judge("reach", lambda: _reach(asked, world), LIST))
        if asked.model:
            found.append(
                judge("model", lambda: _model(asked, world), PROFILE, access_check.AVAILABILITY)
            )
        if asked.base_id:
            found.append(judge("lifecycle", lambda: _lifecycle(asked, world), PROFILE))
        if asked.logging:
            found.append(judge("logging", lambda: _logging(asked, world), LOGGING))
        found.append(_clock(asked, skew))
        credentials = identity.by_the_clock(world.credentials, skew.seconds)
        found.append(identity.ttl(credentials, plan.min_ttl))
        if plan.wants("invoke") and world.target:
            found.append(_invoke(plan, world, world.target, [*before, *found]))
        return Found(caller, credentials, skew.seconds, found)


def _ask(plan: Plan, world: World, pool: ThreadPoolExecutor, skew: Skew) -> _Asked:
    """Send what the plan needs; a client is made while the answers to others' calls travel."""
    api_key, target = world.credentials.api_key, world.target
    who = plan.wants("identity", "expect", "clock")
    caller = summaries = base_id = model = logging = None
    if who and not api_key:
        caller = pool.submit(identity.get_caller, skew.watch(world.sts()))
    by_id = target is not None and plan.wants("model") and verify_id.by_id(target.kind)
    needs_list = plan.wants("reach", "lifecycle") or (who and api_key) or by_id
    needs_base = target is not None and plan.wants("model", "lifecycle")
    if needs_list or needs_base or plan.wants("logging"):
        bedrock = skew.watch(world.bedrock())
    if needs_list:
        summaries = pool.submit(_summaries, bedrock)
    if target is not None and needs_base:
        base_id = pool.submit(access.base_model, bedrock, target)
        if plan.wants("model"):
            model = verify_model.ask(
                pool, bedrock, base_id, world.catalog, form=world.form, by_id=by_id
            )
    if plan.wants("logging"):
        logging = pool.submit(bedrock.get_model_invocation_logging_configuration)
    return _Asked(caller, summaries, base_id, model, logging)


def _summaries(bedrock: Any) -> list[Mapping[str, Any]]:
    return inventory.summaries(bedrock)


def _identity(asked: _Asked) -> Check:
    if asked.caller is not None:
        caller = asked.caller

        def known() -> Check:
            settled(caller).result()
            return Check("identity", "ok", "STS knows these credentials")

        return judge("identity", known)

    def accepted() -> Check:
        if asked.summaries is not None:
            settled(asked.summaries).result()
        text = "Bedrock takes the API key; STS cannot tell its account"
        return Check("identity", "ok", text)

    return judge("identity", accepted, LIST)


def _clock(asked: _Asked, skew: Skew) -> Check:
    if asked.caller is not None:
        settled(asked.caller)
    if asked.summaries is not None:
        settled(asked.summaries)
    return clock_check(skew.seconds)


def _expect(plan: Plan, world: World, caller: Caller | None) -> Check:
    if not plan.expects():
        return Check("expect", "skip", "no account or ARN is expected")
    if world.credentials.api_key:
        text = "a Bedrock API key does not tell whose it is, so this cannot be proven"
        hint = "use AWS credentials: `--profile NAME`"
        return checks.fail("expect", ExitCode.UNMET, text, hint)
    if caller is None:
        return checks.not_tried("expect", "not tried: STS did not tell who calls")
    return identity.expect(caller, plan)


def _reach(asked: _Asked, world: World) -> Check:
    models = settled(asked.summaries).result() if asked.summaries else []
    count = len({each["modelId"] for each in models})
    if not count:
        text = f"Bedrock in {world.region} answers, but lists no model of Anthropic's"
        return Check("reach", "warn", text, "`bedrock-claude list-models --all-regions`")
    return Check(
        "reach", "ok", f"Bedrock in {world.region} answers; it lists {count} Claude models"
    )


def _model(asked: _Asked, world: World) -> Check:
    target = world.target
    base = settled(asked.base_id).result() if asked.base_id else None
    if base is None or asked.model is None or target is None:
        shown = target.model_id if target else ""
        return Check("model", "skip", f"Bedrock does not tell who may use {shown}")
    return verify_model.check(asked.model, asked.summaries, base, target, world.catalog)


def _lifecycle(asked: _Asked, world: World) -> Check:
    base_id = settled(asked.base_id).result() if asked.base_id else None
    if base_id is None:
        return Check("lifecycle", "skip", "only AWS knows which model this is")
    listed = asked.summaries
    failed = listed is None or settled(listed).exception() is not None
    summaries = None if failed or listed is None else settled(listed).result()
    return access.lifecycle(base_id, summaries, world.catalog)


def _logging(asked: _Asked, world: World) -> Check:
    told = settled(asked.logging).result() if asked.logging else {}
    return access.logging(told, world.region)


def _invoke(plan: Plan, world: World, target: Target, before: list[Check]) -> Check:
    """One call of one token, and only where nothing before it speaks against paying for it."""
    if not plan.invoke:
        text = "not proven that this identity may invoke it"
        return Check("invoke", "skip", text, "`--invoke` makes one tiny billed call")
    others = replace(plan, names=tuple(name for name in plan.names if name != "invoke"))
    stands = checks.finish(before, others)
    if any(each.status == "fail" for each in stands):
        text = "not tried: an earlier check failed, and it would be billed"
        return checks.not_tried("invoke", text)
    if plan.patient and any(each.code == checks.PENDING for each in stands):
        text = "not tried: not everything is there yet, and it would be billed"
        return checks.not_tried("invoke", text)
    return judge("invoke", lambda: _invoked(world, target))


def _invoked(world: World, target: Target) -> Check:
    proof = ask.prove(target, world.reach, world.catalog, world.options, world.say)
    tokens = f"{proof.usage.input_tokens} in and {proof.usage.output_tokens} out"
    text = f"this identity may invoke {proof.model_id}; the proof took {tokens} (tokens)"
    return Check("invoke", "ok", text, request_id=proof.request_id)
