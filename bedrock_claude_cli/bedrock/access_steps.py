"""The steps of `access request`: each may run again after any interruption.

The order is AWS's: form, data retention, agreement; then it takes up to 15 minutes.
docs.aws.amazon.com/bedrock "Access Amazon Bedrock foundation models".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bedrock_claude_cli.bedrock import access_check, use_case
from bedrock_claude_cli.bedrock.access_request import (
    CREATE,
    MARKETPLACE,
    PUT_FORM,
    PUT_RETENTION,
    Survey,
    Wish,
    command,
    denied,
)
from bedrock_claude_cli.bedrock.access_state import (
    IAM,
    Access,
    Account,
    World,
    failed,
    judge,
    read,
)
from bedrock_claude_cli.bedrock.catalog import Lifecycle
from bedrock_claude_cli.bedrock.duration import show_duration
from bedrock_claude_cli.bedrock.logging_step import Step
from bedrock_claude_cli.errors import DeniedError, ExitCode, PendingError, UnavailableError
from bedrock_claude_cli.explain import fault, refused, translate

PAUSES = (1, 2, 3, 5, 10)
AGAIN = "the same command continues"
Say = Callable[[str], None]
Pause = Callable[[float], None]


def make(
    steps: Iterable[Step], found: Survey, wish: Wish, world: World, say: Say, until: float
) -> Iterator[Step]:
    """Make the changes in order, each yielded when it is done; an error says what continues."""
    makers: dict[str, Callable[[], None]] = {
        PUT_FORM: lambda: _put_form(wish, world),
        PUT_RETENTION: lambda: world.bedrock.put_account_data_retention(mode=wish.mode),
        CREATE: lambda: _create(found, world, say, until),
    }
    for step in steps:
        if not step.is_change:
            continue
        try:
            makers[step.actions[0]]()
        except Exception as error:
            raise _told(error, step, wish, world) from error
        say(f"done: {step.kind} {step.what}")
        yield step


def _put_form(wish: Wish, world: World) -> None:
    world.bedrock.put_use_case_for_model_access(formData=use_case.encode(wish.form or {}))


def _create(found: Survey, world: World, say: Say, until: float) -> None:
    """Accept the offer; AWS may take a while to see a form that was just submitted."""
    base_id, token = found.model.base_id, found.offers[0].token
    for pause in _pauses():
        try:
            world.bedrock.create_foundation_model_agreement(modelId=base_id, offerToken=token)
            return
        except Exception as error:
            told = fault(error)
            text = told.message.lower() if told else ""
            if told and (told.name == "ConflictException" or "already exists" in text):
                return
            if "use case details" not in text and "request form" not in text:
                raise
            left = until - time.monotonic()
            if left <= 0:
                raise PendingError(
                    "AWS has not taken the use-case form in yet", hint=f"in 15 minutes {AGAIN}"
                ) from error
        say("AWS has not taken the use-case form in yet, which may take 15 minutes")
        time.sleep(min(pause, left))


def _told(error: Exception, step: Step, wish: Wish, world: World) -> Exception:
    """The step's error, with the permission it lacked; a bug is itself."""
    told = translate(error)
    if told.exit_code == ExitCode.FAILURE or isinstance(told, PendingError):
        return error
    message = f"{step.kind} {step.what}: {told.message}"
    if isinstance(told, DeniedError) and told.code in IAM:
        named = refused(told.message)
        missing = f" (missing: {named[0] if named else ' or '.join(step.actions)})"
        return denied(told, message + missing, world, retaining=wish.mode is not None)
    hint = f"{told.hint}; {AGAIN}" if told.hint else AGAIN
    if "invalid form data" in told.message.lower():
        hint = (
            "AWS does not say which field: a website is written like https://example.com, and none "
            "but otherIndustryOption may be empty"
        )
    return type(told)(
        message, hint=hint, code=told.code, request_id=told.request_id, retry=told.retry
    )


def wait(
    found: Survey, world: World, say: Say, until: float, pause: Pause, often: float = 60
) -> Access:
    """Look until the model is open; PendingError after `until`, DeniedError where AWS refuses.

    `until` is a time of time.monotonic, `pause` sleeps for some seconds, and the time that has
    passed is said every `often` seconds.
    """
    began, said = time.monotonic(), 0.0
    for seconds in _pauses():
        told: Mapping[str, Any] | None = None
        try:
            told = access_check.availability(world.bedrock, found.model.base_id)
        except Exception as error:
            lost = translate(error)
            if not isinstance(lost, UnavailableError):
                raise
            say(f"{lost.message}; looking again later")
        if told is not None:
            access = _judged(found, told, world)
            _refuse_outcome(found, told, access)
            if access.access == "open":
                return access
        left = until - time.monotonic()
        if left <= 0:
            raise PendingError(
                f"AWS is still making the agreement for {found.model.name}; calls may work already",
                hint=f"`{command(found, world)}` waits again",
            )
        waited = time.monotonic() - began
        if not said or waited - said >= often:
            said = max(waited, 1.0)
            whole = show_duration(round(until - began))
            say(f"AWS is making the agreement, {show_duration(waited)} of at most {whole}")
        pause(min(seconds, left))
    raise AssertionError


def _judged(found: Survey, told: Mapping[str, Any], world: World) -> Access:
    """The model as it is after the changes: form and data retention were settled before."""
    account = Account(True, "provider_data_share")
    model = found.model._replace(known=None)
    return judge(model, told, None, account, Lifecycle(), world)


def _refuse_outcome(found: Survey, told: Mapping[str, Any], access: Access) -> None:
    if access.agreement == "error":
        raise DeniedError(
            f"{found.model.name}: {failed(told)}",
            hint=f"mend what it names (an administrator needs {', '.join(MARKETPLACE)}), "
            f"then {AGAIN}",
        )
    if access.agreement == "available" and read(told).authorized is False:
        raise DeniedError(
            f"there is an agreement, but the account is not authorized to use {found.model.name}",
            hint="AWS Support can tell why",
        )


def _pauses() -> Iterator[int]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]
