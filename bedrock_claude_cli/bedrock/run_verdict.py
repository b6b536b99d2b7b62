"""What an answer or an error means for a run: a line of its own, or the end of it all."""

from __future__ import annotations

from typing import Any

from bedrock_claude_cli.bedrock import run_budget
from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.run_job import Job, Way
from bedrock_claude_cli.errors import (
    AuthError,
    CliError,
    ConfigError,
    DeniedError,
    PendingError,
    RejectedError,
    UnavailableError,
)

# Of these the next record would die, too: the model, its id or its end.
_OF_THE_MODEL = ("end of its life", "model identifier is invalid", "on-demand throughput isn")


def is_expired(error: CliError) -> bool:
    """Whether credentials expired that can come back."""
    message = error.message.lower()
    return isinstance(error, AuthError) and (
        (error.code or "").startswith("ExpiredToken") or "expired" in message.split("signature")[0]
    )


def ending(error: CliError) -> CliError | None:
    """The error that ends the run, if the next record would meet this one, too."""
    if isinstance(error, AuthError | ConfigError | DeniedError):
        return error
    if isinstance(error, UnavailableError) and error.retry == "later":
        return PendingError(
            f"{error.message}: this is the end for today",
            hint="run it again tomorrow; what is finished is kept",
            code=error.code,
            request_id=error.request_id,
            retry="later",
        )
    gone = error.code == "ResourceNotFoundException" or any(
        text in error.message.lower() for text in _OF_THE_MODEL
    )
    return error if isinstance(error, RejectedError) and gone else None


def in_a_row(count: int, error: dict[str, Any]) -> CliError:
    """What is said when every record fails; it leaves with the code of the last error."""
    kinds: dict[int, type[CliError]] = {
        int(kind.exit_code): kind for kind in (RejectedError, UnavailableError)
    }
    kind = kinds.get(error["exit_code"], UnavailableError)
    return kind(
        f"{count} records failed in a row, the last one with: {error['message']}",
        hint=error["hint"] or "the output has each error; --max-failures allows more",
        code=error["code"],
        request_id=error["request_id"],
        retry=error["retry"],
    )


def settle(
    job: Job, target: Target, answer: Answer, error: CliError | None, way: Way
) -> float | None:
    """Set what an answer cost or why it failed; the USD it can have cost where nobody told."""
    if job.schema is not None and error is None:
        from bedrock_claude_cli.bedrock import schema

        schema.judge(answer, job.schema)
    if error is not None:
        answer.error = error.as_json() | {"hint": way.fill(error.hint)}
        answer.request_id = answer.request_id or error.request_id
    if answer.stop_reason and answer.usage:
        answer.cost_usd = run_budget.cost(job.request, target, answer.usage, way.overrides)
        answer.prices = way.prices(target) if answer.cost_usd is not None else None
        return None
    billed = error is None or error.retry == "maybe-billed"
    return run_budget.at_most(job.request, target, way.overrides) if billed else None
