"""What stands between an account and a model, out of AWS's answers (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bedrock_claude_cli.bedrock.catalog import Catalog, KnownModel, Lifecycle
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.errors import CliError, DeniedError

IAM = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized")
Agreement = Literal["available", "none", "pending", "error"]
_AGREEMENTS: dict[str, Agreement] = {
    "AVAILABLE": "available", "NOT_AVAILABLE": "none", "PENDING": "pending", "ERROR": "error",
}  # fmt: skip


# The modes under which models may refuse to run that ask for more.
RETAINING_LITTLE = ("default", "none", "inherit")


class World(NamedTuple):
    """How AWS is asked; `more` is what a command that is printed needs to mean the same."""

    bedrock: Any
    region: str
    catalog: Catalog
    more: str = ""


class Named(NamedTuple):
    """A model that is looked at; `shown` is how a command names it.

    `wrong` says of each id by which it was named that it cannot be called from the region.
    """

    base_id: str
    known: KnownModel | None
    wrong: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Its alias, or its id where the catalogue does not know it."""
        return self.known.alias if self.known else self.base_id

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.known.name if self.known else self.base_id


@dataclass(frozen=True)
class Account:
    """What holds for every model; None is not known."""

    form_submitted: bool | None
    data_retention: str | None


@dataclass(frozen=True)
class Access:
    """One model: what AWS says of it, and what is missing in words. None is not known.

    `accepted_data_retention` None means that every mode will do, or, where the catalogue does not
    know the model, that nobody tells.
    """

    alias: str | None
    name: str
    base_id: str
    access: Literal["open", "pending", "closed", "unknown"]
    agreement: Agreement | None
    authorized: bool | None
    entitled: bool | None
    in_region: bool | None
    form_submitted: bool | None
    data_retention: str | None
    accepted_data_retention: tuple[str, ...] | None
    data_retention_ok: bool | None
    lifecycle: Lifecycle
    missing: tuple[str, ...]
    command: str | None
    error: Mapping[str, Any] | None


def retained(known: KnownModel | None, mode: str | None) -> bool | None:
    """Whether a model takes the account's mode; None where that is not known."""
    if known is None:
        return None if mode in (None, *RETAINING_LITTLE) else True
    if known.data_retention is None:
        return True
    return None if mode is None else mode in known.data_retention


def unsure(row: Access) -> str:
    """Why it is not known whether a model can be called."""
    if row.agreement is not None and row.data_retention_ok is None:
        mode = f" {row.data_retention}" if row.data_retention else ""
        return f"whether data-retention mode{mode} suits it is not known"
    return "AWS did not say"


def judge(
    model: Named,
    told: Mapping[str, Any] | None,
    error: CliError | None,
    account: Account,
    life: Lifecycle,
    world: World,
) -> Access:
    """One model's row out of AWS's answers."""
    state = read(told)
    accepted = model.known.data_retention if model.known else None
    ok = retained(model.known, account.data_retention)
    found = list(_missing(state, told, error, account, life, world.region))
    if life.status != "EOL":
        found = [*((text, False) for text in model.wrong), *found]
    if ok is False:
        found.append((refusal(account.data_retention, accepted or ()), True))
    return Access(
        alias=model.known.alias if model.known else None,
        name=model.name,
        base_id=model.base_id,
        access=_verdict(bool(found), state, ok),
        form_submitted=account.form_submitted,
        data_retention=account.data_retention,
        accepted_data_retention=accepted,
        data_retention_ok=ok,
        lifecycle=life,
        missing=tuple(text for text, _ in found),
        command=_command(model, found, state, life, world),
        error=error.as_json() if error else None,
        **state._asdict(),
    )


class State(NamedTuple):
    """What GetFoundationModelAvailability says, each None where it was not asked."""

    agreement: Agreement | None = None
    authorized: bool | None = None
    entitled: bool | None = None
    in_region: bool | None = None


def read(told: Mapping[str, Any] | None) -> State:
    """AWS's words as ours."""
    if told is None:
        return State()
    status = part(part(told, "agreementAvailability"), "status")
    return State(
        agreement=_AGREEMENTS.get(status, "none"),
        authorized=part(told, "authorizationStatus") == "AUTHORIZED",
        entitled=part(told, "entitlementAvailability") == "AVAILABLE",
        in_region=part(told, "regionAvailability") == "AVAILABLE",
    )


def refusal(mode: str | None, accepted: tuple[str, ...]) -> str:
    """That a model does not run under the account's data-retention mode."""
    return f"it is refused under data-retention mode {mode}: it takes {' or '.join(accepted)}"


def failed(told: Mapping[str, Any] | None) -> str:
    """That an agreement failed, with AWS's own words."""
    why = ((told or {}).get("agreementAvailability") or {}).get("errorMessage")
    return f"its Marketplace agreement failed: {why or 'AWS gives no reason'}"


def _missing(
    state: State,
    told: Mapping[str, Any] | None,
    error: CliError | None,
    account: Account,
    life: Lifecycle,
    region: str,
) -> Iterator[tuple[str, bool]]:
    """What is missing, and whether `access request` can mend it."""
    if life.status == "EOL":
        when = f" on {life.end_of_life}" if life.end_of_life else ""
        yield f"it reached its end of life{when}", False
        return
    if isinstance(error, DeniedError) and error.code not in IAM:
        yield error.message, True
    if state.in_region is False:
        yield f"it is not offered in {region}", False
    if account.form_submitted is False:
        yield "Anthropic's use-case form was not submitted for this account", True
    if state.agreement == "none":
        yield "the account has no Marketplace agreement for it", True
    if state.agreement == "error":
        yield failed(told), True
    if state.authorized is False:
        yield (
            "the account is not authorized to use it (AWS Support can tell why)",
            state.agreement == "none",
        )
    if state.entitled is False and state.agreement != "pending":
        yield (
            "the account is not entitled to it (AWS Support can tell why)",
            state.agreement != "available",
        )


def _verdict(
    closed: bool, state: State, retention_ok: bool | None
) -> Literal["open", "pending", "closed", "unknown"]:
    if closed:
        return "closed"
    if state.agreement is None or retention_ok is None:
        return "unknown"
    return "pending" if state.agreement == "pending" else "open"


def _command(
    model: Named, found: list[tuple[str, bool]], state: State, life: Lifecycle, world: World
) -> str | None:
    """The command that mends what is missing, if one does."""
    if life.status == "EOL":
        return f"bedrock-claude list-models --active{world.more}"
    if state.in_region is False:
        return "bedrock-claude list-models --all-regions"
    if model.wrong:
        return f"bedrock-claude list-models {model.shown}{world.more}"
    if state.agreement == "pending" or (found and all(mends for _, mends in found)):
        return request_command(model, world.more)
    return None


def request_command(model: Named, more: str = "") -> str:
    """The command that opens a model."""
    return f"bedrock-claude access request {model.shown}{more}"
