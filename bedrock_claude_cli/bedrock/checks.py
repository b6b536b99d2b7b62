"""The checks of `verify-creds`: their names and order, which ones run, and what a failure means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from bedrock_claude_cli.errors import CliError, DeniedError, ExitCode, UsageError

NAMES = (
    "config",
    "credentials",
    "identity",
    "expect",
    "ttl",
    "reach",
    "clock",
    "model",
    "invoke",
    "lifecycle",
    "logging",
)
AWS = "aws"
# Codes of what is neither good nor bad yet.
PENDING, NOT_TRIED = "Pending", "NotTried"
Status = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True)
class Check:
    """One line of the report; `exit_code` and `retry` belong to a fail.

    `code` is a fail's, or says why there is no ok: PENDING, NOT_TRIED, or what IAM refuses with.
    """

    name: str
    status: Status
    detail: str
    hint: str | None = None
    exit_code: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry: str | None = None


@dataclass(frozen=True)
class Plan:
    """What to check, in order, and which findings are not good enough.

    `patient` says that somebody waits, so that nothing is paid for before all the rest is there.
    """

    names: tuple[str, ...] = NAMES
    required: frozenset[str] = frozenset()
    account: str | None = None
    arn: str | None = None
    min_ttl: float | None = None
    invoke: bool = False
    patient: bool = False

    def wants(self, *names: str) -> bool:
        """Whether any of these checks is to be made."""
        return any(name in self.names for name in names)

    def expects(self) -> bool:
        """Whether a certain caller is expected."""
        return self.account is not None or self.arn is not None


def plan(
    *,
    only: Iterable[str] = (),
    require: Iterable[str] = (),
    account: str | None = None,
    arn: str | None = None,
    min_ttl: float | None = None,
    invoke: bool = False,
    patient: bool = False,
) -> Plan:
    """Choose the checks; what a flag asks for is checked also where `only` leaves it out.

    UsageError names what is no check and no account.
    """
    if account is not None:
        account = account.replace("-", "")
        if not re.fullmatch(r"[0-9]{12}", account):
            raise UsageError(f"--expect-account takes the 12 digits of an account, not `{account}`")
    only = tuple(only)
    chosen = set(_names(only, "--only", NAMES))
    if only and not chosen:
        raise UsageError("--only names no check", hint=f"one of {', '.join(NAMES)}")
    required = frozenset(_names(require, "--require", (*NAMES, AWS)))
    flags = {
        "expect": account is not None or arn is not None,
        "ttl": min_ttl is not None,
        "invoke": invoke,
    }
    if chosen:
        chosen |= {name for name, given in flags.items() if given} | (required - {AWS})
    names = tuple(name for name in NAMES if not chosen or name in chosen)
    return Plan(names, required, account, arn, min_ttl, invoke, patient)


def _names(given: Iterable[str], flag: str, known: tuple[str, ...]) -> list[str]:
    found = [name.strip() for text in given for name in text.split(",") if name.strip()]
    for name in found:
        if name not in known:
            close = get_close_matches(name, known, 1, 0.65)
            hint = f"did you mean `{close[0]}`?" if close else f"one of {', '.join(known)}"
            raise UsageError(f"{flag} knows no check `{name}`", hint=hint)
    return found


def fail(name: str, exit_code: ExitCode, detail: str, hint: str | None = None) -> Check:
    """A check that did not hold, where no error was raised."""
    return Check(name, "fail", detail, hint, int(exit_code), exit_code.name.capitalize())


def not_tried(name: str, detail: str) -> Check:
    """A check that could not be made for what another one found."""
    return Check(name, "skip", detail, code=NOT_TRIED)


def judge(name: str, make: Callable[[], Check], *actions: str) -> Check:
    """The check that `make` gives, or what its failure means; bugs and bad usage are raised.

    Where IAM does not allow one of `actions`, which only the check itself needs, it is a skip.
    """
    from bedrock_claude_cli.explain import translate

    try:
        return make()
    except Exception as error:
        told = translate(error)
        if told.exit_code in (ExitCode.FAILURE, ExitCode.USAGE):
            raise
        denied = _denied(told, actions)
        if denied:
            text = f"IAM does not allow {denied}"
            return Check(name, "skip", text, told.hint, code=told.code)
        return Check(
            name, "fail", told.message, told.hint, int(told.exit_code), told.code,
            told.request_id, told.retry,
        )  # fmt: skip


def _denied(error: CliError, actions: tuple[str, ...]) -> str | None:
    """The action of ours that IAM refused; a refusal of another one (a bearer token's) is None."""
    if not actions or not isinstance(error, DeniedError):
        return None
    if error.code not in ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation"):
        return None
    named = re.search(r"perform: ([A-Za-z0-9-]+:[A-Za-z]+)", error.message)
    action = named[1] if named else actions[-1]
    return action if action in actions else None


def finish(found: Iterable[Check], plan: Plan) -> tuple[Check, ...]:
    """The checks of the plan in their order, with warn and skip of required ones made failures.

    A check that fails by the same lost connection or refused credentials as one before it proves
    nothing of its own, and is a skip.
    """
    by_name = {check.name: check for check in found}
    ordered: list[Check] = []
    causes: dict[tuple[int | None, str | None], str] = {}
    for name in NAMES:
        check = by_name.get(name) or not_tried(name, "not tried: an earlier check failed")
        # Also where nobody asked for it, a wrong endpoint or lost credentials must show.
        if name not in plan.names and not (name in by_name and check.status in ("warn", "fail")):
            continue
        if check.exit_code in (ExitCode.AUTH, ExitCode.UNAVAILABLE):
            first = causes.setdefault((check.exit_code, check.code), name)
            if first != name:
                check = not_tried(name, f"not proven, for the same reason as {first}")
        if name in plan.required and check.status in ("warn", "skip"):
            unmet = fail(name, ExitCode.UNMET, f"required, but {check.detail}", check.hint)
            check = replace(unmet, code=check.code or unmet.code)
        ordered.append(check)
    return tuple(ordered)
