"""`access check`: what stands between the account and each model, every call side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from bedrock_claude_cli.bedrock import inventory, model_id, use_case, verify_id
from bedrock_claude_cli.bedrock.access import base_model
from bedrock_claude_cli.bedrock.access_state import IAM, Access, Account, Named, World, judge
from bedrock_claude_cli.bedrock.catalog import Lifecycle
from bedrock_claude_cli.bedrock.logging_state import Denied
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.bedrock.threads import settled, side_by_side
from bedrock_claude_cli.errors import (
    AuthError,
    CliError,
    ConfigError,
    DeniedError,
    ExitCode,
    RejectedError,
    UsageError,
    did_you_mean,
)
from bedrock_claude_cli.explain import blocked, refused, translate

AVAILABILITY = "bedrock:GetFoundationModelAvailability"
FORM = "bedrock:GetUseCaseForModelAccess"
RETENTION = "bedrock:GetAccountDataRetention"
LIST = "bedrock:ListFoundationModels"
MOST = 8  # calls at once: the control plane throttles a few dozen


@dataclass(frozen=True)
class Unseen:
    """What is not known, and why: the action that IAM does not allow, or what went wrong."""

    what: str
    action: str | None
    message: str

    @property
    def denied(self) -> Denied | None:
        """The refusal, where it is IAM's."""
        return Denied(self.action, "*", blocked(self.message)) if self.action else None


@dataclass(frozen=True)
class Report:
    """What `access check` found: the shape of its `--json`."""

    region: str
    form_submitted: bool | None
    data_retention: str | None
    models: tuple[Access, ...]
    unseen: tuple[Unseen, ...]


def named(text: str, world: World) -> Named:
    """The model behind an alias, id, inference profile or ARN; UsageError where there is none."""
    asked, catalog = model_id.parse(text), world.catalog
    if asked.kind == "alias":
        known = catalog.find(asked.text)
        if known is None:
            guess = did_you_mean(asked.text.lower(), catalog.aliases())
            raise UsageError(f"unknown model `{text}`{guess}", hint="`bedrock-claude list-models`")
        return Named(known.id, known)
    base_id = asked.base_id
    if base_id is None:
        target = model_id.resolve(text, region=world.region, catalog=catalog)
        base_id = base_model(world.bedrock, target)
    if base_id is None:
        raise UsageError(
            f"Bedrock does not tell who may use `{text}`",
            hint="name the model that it was made of",
        )
    known = catalog.get(base_id)
    published = (each for each in catalog.models if each.seed_id == base_id)
    known = known or next(published, None)
    return Named(known.id if known else base_id, known)


def look(texts: Iterable[str], world: World, *, every: bool = False) -> Report:
    """Ask AWS about the named models, or about all that the region offers.

    `every` adds those of the catalogue that it does not. What IAM does not show is None; errors
    that every call would meet (credentials, the network) are raised.
    """
    with side_by_side(MOST) as pool:
        form = pool.submit(use_case.submitted, world.bedrock)
        retention = pool.submit(retention_mode, world.bedrock)
        given = tuple(texts)
        ids = [text for text in given if verify_id.by_id(model_id.parse(text).kind)]
        profiles = pool.submit(verify_id.profiles, world.bedrock) if ids else None
        told = {each.base_id: each for each in (named(text, world) for text in given)}
        unseen: list[Unseen] = []
        listed = pool.submit(inventory.summaries, world.bedrock) if told else None
        models, lives = list(told.values()), dict[str, Lifecycle]()
        if not told:
            models, lives = _offered(world, unseen, every=every)
        asked = [pool.submit(availability, world.bedrock, each.base_id) for each in models]
        account = Account(_submitted(form, unseen), _value(retention, "the account's "
                          "data-retention mode", RETENTION, unseen))  # fmt: skip
        lives = _lifecycles(listed, world, unseen) if listed else lives
        if listed and profiles:
            wrong = _wrong(ids, listed, profiles, world, unseen)
            models = [each._replace(wrong=tuple(wrong.get(each.base_id, ()))) for each in models]
        found = [
            _model(each, future, account, world, lives, unseen)
            for each, future in zip(models, asked, strict=True)
        ]
    _raise_if_nothing_was_told(asked, found)
    return Report(
        world.region, account.form_submitted, account.data_retention, tuple(found),
        tuple(dict.fromkeys(unseen)),
    )  # fmt: skip


def exit_code(report: Report, *, by_name: bool) -> int:
    """DENIED where a named model cannot be called; else what the failures mean, or PENDING."""
    states = {each.access for each in report.models}
    if by_name and "closed" in states:
        return ExitCode.DENIED
    codes = [int(each.error["exit_code"]) for each in report.models if each.error]
    if by_name and "unknown" in states and not codes:
        return ExitCode.DENIED if any(each.action for each in report.unseen) else ExitCode.PARTIAL
    failed = [code for code in codes if by_name or code != ExitCode.DENIED]
    alike = len(set(failed)) == 1 and len(failed) == len(report.models)
    if not failed and by_name and "pending" in states:
        return ExitCode.PENDING
    return failed[0] if alike else ExitCode.PARTIAL if failed else ExitCode.OK


def availability(bedrock: Any, base_id: str) -> Mapping[str, Any]:
    """What GetFoundationModelAvailability says of a base id."""
    told: Mapping[str, Any] = bedrock.get_foundation_model_availability(modelId=base_id)
    return told


def retention_mode(bedrock: Any) -> str:
    """The account's data-retention mode in this region."""
    return str(part(bedrock.get_account_data_retention(), "mode"))


def _offered(
    world: World, unseen: list[Unseen], *, every: bool
) -> tuple[list[Named], dict[str, Lifecycle]]:
    """What the region offers by AWS's lists, or where IAM hides them by the catalogue."""
    catalog = world.catalog
    try:
        listed = inventory.list_models(world.bedrock, world.region, catalog)
    except Exception as error:
        told = translate(error)
        action = refused_action(told, LIST)
        if action is None:
            raise
        unseen.append(
            Unseen("what the region offers (the shipped catalogue was used)", action, told.message)
        )
        listed = inventory.offline(catalog, world.region)
    ids = [each.base_id for each in listed if each.ids and each.lifecycle.status != "EOL"]
    if every:
        ids = [*(each.id for each in catalog.models), *(each.base_id for each in listed)]
    lives = {each.base_id: each.lifecycle for each in listed}
    return [Named(each, catalog.get(each)) for each in dict.fromkeys(ids)], lives


def refused_action(told: CliError, action: str) -> str | None:
    """The action that IAM refused, if that is what went wrong."""
    if not isinstance(told, DeniedError) or told.code not in IAM:
        return None
    named = refused(told.message)
    return named[0] if named else action


def _value(
    future: Future[Any], what: str, action: str, unseen: list[Unseen], *, one: bool = False
) -> Any:
    """The call's answer, or None where there is none and the others may still tell something.

    `one` of many says itself what went wrong, unless IAM refuses them all.
    """
    error = settled(future).exception()
    if error is None:
        return future.result()
    told = translate(error)
    if told.exit_code == ExitCode.FAILURE or isinstance(told, AuthError | ConfigError):
        raise error
    lacking = refused_action(told, action)
    if lacking or not one:
        unseen.append(Unseen(what, lacking, told.message))
    return None


def _submitted(form: Future[dict[str, Any] | None], unseen: list[Unseen]) -> bool | None:
    told = _value(form, "whether the use-case form was submitted", FORM, unseen)
    return None if told is None and form.exception() else told is not None


def _lifecycles(
    listed: Future[list[Mapping[str, Any]]], world: World, unseen: list[Unseen]
) -> dict[str, Lifecycle]:
    rows = _value(listed, "AWS's own word on the lifecycle", LIST, unseen) or ()
    return {
        row["modelId"]: inventory.read_lifecycle(
            row.get("modelLifecycle") or {}, world.catalog.get(row["modelId"])
        )
        for row in rows
    }


def _wrong(
    ids: Iterable[str],
    listed: Future[list[Mapping[str, Any]]],
    profiles: Future[list[Mapping[str, Any]]],
    world: World,
    unseen: list[Unseen],
) -> dict[str, list[str]]:
    """What is said of the ids that cannot be called from the region, by the model they name."""
    told = _value(profiles, "which ids the region takes", verify_id.PROFILES, unseen)
    rows = None if listed.exception() else listed.result()
    found: dict[str, list[str]] = {}
    for text in ids:
        try:
            target = model_id.resolve(text, region=world.region, catalog=world.catalog)
            error = verify_id.refusal(target, rows, told, world.catalog)
        except RejectedError as refused:
            error = refused
        if error:
            words = f"{error.message}: {error.hint}"
            found.setdefault(named(text, world).base_id, []).append(words)
    return found


def _raise_if_nothing_was_told(asked: list[Future[Mapping[str, Any]]], rows: list[Access]) -> None:
    """Where every call failed alike, and not by IAM, there is no report."""
    errors = [error for each in asked if (error := each.exception())]
    if errors and len(errors) == len(asked) and all(row.access == "unknown" for row in rows):
        told = [translate(each) for each in errors]
        if len({each.exit_code for each in told}) == 1 and not isinstance(told[0], DeniedError):
            raise errors[0]


def _model(
    model: Named,
    future: Future[Mapping[str, Any]],
    account: Account,
    world: World,
    lives: Mapping[str, Lifecycle],
    unseen: list[Unseen],
) -> Access:
    told = _value(future, "the agreements of models", AVAILABILITY, unseen, one=True)
    error = future.exception()
    known = model.known
    life = lives.get(model.base_id) or inventory.read_lifecycle({}, known)
    return judge(model, told, translate(error) if error else None, account, life, world)
