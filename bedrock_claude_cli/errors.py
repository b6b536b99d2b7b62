"""Exit codes, and the errors a user may see."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a script may branch on; docs/exit-codes.md explains each."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    CONFIG = 3
    AUTH = 4
    DENIED = 5
    REJECTED = 6
    UNAVAILABLE = 7
    PENDING = 8
    PARTIAL = 9
    INCOMPLETE = 10
    UNMET = 11
    HUNG_UP = 129
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


class CliError(Exception):
    """An error that is told in one line, with a hint where there is one.

    `retry` is `now` (nothing was billed), `later` (a daily cap), `maybe-billed` or `no`.
    """

    exit_code = ExitCode.FAILURE

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry: str = "no",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        named = type(self).__name__.removesuffix("Error")
        self.code = code or ("Failure" if type(self) is CliError else named)
        self.request_id = request_id
        self.retry = retry

    def hinted(self, hint: str) -> CliError:
        """The same error with another hint."""
        again = type(self)(
            self.message, hint=hint, code=self.code, request_id=self.request_id, retry=self.retry
        )
        return again

    def as_json(self) -> dict[str, Any]:
        """The error as `--json` shows it; docs/json.md describes the keys."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "exit_code": int(self.exit_code),
            "request_id": self.request_id,
            "retry": self.retry,
        }


class UsageError(CliError):
    """Bad flags, arguments or input records (2)."""

    exit_code = ExitCode.USAGE


class ConfigError(CliError):
    """Bad YAML, an unknown AWS profile, a wrong region or none where one is needed (3)."""

    exit_code = ExitCode.CONFIG


class AuthError(CliError):
    """No credentials, or credentials that AWS does not take (4)."""

    exit_code = ExitCode.AUTH


class DeniedError(CliError):
    """IAM, an SCP or the model's own access rules refuse (5)."""

    exit_code = ExitCode.DENIED


class RejectedError(CliError):
    """The request itself cannot be served: wrong id, too long, refused parameter (6)."""

    exit_code = ExitCode.REJECTED


class UnavailableError(CliError):
    """Throttled, a server error, a timeout, or no connection (7)."""

    exit_code = ExitCode.UNAVAILABLE


class PendingError(CliError):
    """Nothing is wrong, but it is not finished: call again later (8)."""

    exit_code = ExitCode.PENDING


class IncompleteError(CliError):
    """An answer arrived, but it is not whole (10)."""

    exit_code = ExitCode.INCOMPLETE


class UnmetError(CliError):
    """Everything worked, and a condition that was set does not hold (11)."""

    exit_code = ExitCode.UNMET


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` where a known name is close, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"; did you mean `{close[0]}`?" if close else ""
