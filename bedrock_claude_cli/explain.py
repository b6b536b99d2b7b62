"""What an exception means to a user: judged by the table of known errors.

An exception is judged by its module, its name and its message, so that no SDK has to be loaded to
explain what went wrong.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple

from bedrock_claude_cli import clock
from bedrock_claude_cli.errors import (
    AuthError,
    CliError,
    ConfigError,
    UnavailableError,
    UsageError,
)
from bedrock_claude_cli.known_errors import (
    AGAIN,
    AWS_NAMES,
    BOUNDED,
    BY_STATUS,
    CLIENT_TABLE,
    EXPIRED,
    EXPLICIT_DENY,
    IN_A_STREAM,
    NO_CREDENTIALS,
    OF_A_MODEL,
    OTHER,
    TABLE,
    Verdict,
    says,
)
from bedrock_claude_cli.refusal import Blocked as Blocked
from bedrock_claude_cli.refusal import blocked as blocked
from bedrock_claude_cli.refusal import granting
from bedrock_claude_cli.refusal import lifting as lifting
from bedrock_claude_cli.refusal import refused as refused
from bedrock_claude_cli.refusal import statement as statement

NOT_AWS = "something between you and AWS answered: a proxy, a firewall or a captive portal"
_PAGE = 80  # characters of a web page, which is nobody's message


# The operations that AWS bills; `ask` retries them itself, and only where none was billed.
_BILLED = ("invokemodel", "converse")
# URLs, as botocore quotes them, at which no model answers: all but those of the runtimes.
_FREE = r'"https?://[^/"]+/(?!model/|anthropic/)'


class AwsFault(NamedTuple):
    """What an AWS error response said, whichever client received it."""

    name: str
    message: str
    status: int
    request_id: str | None
    retry_after: float | None = None
    operation: str | None = None
    clock_ahead: float | None = None


def fault(error: BaseException) -> AwsFault | None:
    """The AWS error inside a botocore or anthropic exception, or None if there is none."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and not response.keys().isdisjoint(("Error", "ResponseMetadata")):
        meta = response.get("ResponseMetadata", {})
        headers = meta.get("HTTPHeaders", {})
        inner = response.get("Error", {})
        name = str(inner.get("Code", ""))
        return AwsFault(
            name=name[:1].upper() + name[1:] if "_" not in name else name,
            # S3 quotes the ARN that it denies, which would get into every policy made of it.
            message=re.sub(r'"(arn:[^"\s]+)"', r"\1", str(inner.get("Message", ""))),
            status=int(meta.get("HTTPStatusCode", 0)),
            request_id=meta.get("RequestId"),
            retry_after=_seconds(headers.get("retry-after")),
            operation=getattr(error, "operation_name", None),
            clock_ahead=clock.ahead(headers.get("date"), time.time()),
        )
    headers = getattr(response, "headers", None)
    if hasattr(error, "status_code") and headers is not None:
        body = getattr(error, "body", None)
        said = body.get("error", body) if isinstance(body, dict) else {}
        inner = said if isinstance(said, dict) else {}
        name = headers.get("x-amzn-errortype", "").split(":")[0] or str(inner.get("type", ""))
        return AwsFault(
            name=name[:1].upper() + name[1:] if "_" not in name else name,
            message=str(inner.get("message") or error),
            status=int(error.status_code),
            request_id=headers.get("x-amzn-requestid") or headers.get("request-id"),
            retry_after=_seconds(headers.get("retry-after")),
            clock_ahead=clock.ahead(headers.get("date"), time.time()),
        )
    return None


def asks_a_model(operation: str) -> bool:
    """Whether it is an operation by which a model answers, which is paid for; in any spelling."""
    return operation.lower().replace("-", "").startswith(_BILLED)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.replace(".", "", 1).isdecimal() else None


def verdict(found: AwsFault) -> Verdict:
    """What the table says of an AWS error; by HTTP status where no row fits."""
    told = _by_table(found)
    by = blocked(found.message)
    if by is None or told.topic == "organization":
        return told
    return (EXPLICIT_DENY if by.denies else BOUNDED)._replace(error=told.error)


def _by_table(found: AwsFault) -> Verdict:
    text = found.message.lower()
    names = {_said(found), aws_name(_said(found))}
    for row in TABLE:
        fits = row.operation in (None, found.operation)
        if fits and (not row.names or names & set(row.names)) and says(text, row.fragment):
            return row.verdict
    if _in_a_stream(found):
        return IN_A_STREAM
    told = BY_STATUS.get(found.status, OTHER)
    return told._replace(hint=None if found.message and not _is_page(found) else NOT_AWS)


def explain(found: AwsFault) -> CliError:
    """An AWS error as the table explains it.

    What arrived inside a stream (HTTP 200, or no status at all) came from a model at work, so it
    may have been billed whatever it is.
    """
    name = aws_name(_said(found))
    message = " ".join(found.message.split()) if _is_page(found) else found.message
    message = f"{message[:_PAGE]}..." if _is_page(found) and message[_PAGE:] else message
    shown = ": ".join(part for part in (name or f"HTTP {found.status}", message) if part)
    kind, hint, retry, topic = verdict(found)
    if topic == "clock":
        hint = clock.hint(hint, found.message, found.clock_ahead)
    if found.operation and not asks_a_model(found.operation):
        if retry == "maybe-billed":
            hint, retry = "try again in a little while", "now"
        elif hint in OF_A_MODEL or (retry == "now" and hint is None):
            hint = AGAIN
    if hint:
        hint = granting(hint, found.message)
    if hint and (over := re.search(r"(\d+) tokens > (\d+) maximum", found.message)):
        hint = f"it is {int(over[1]) - int(over[2]):,} tokens too long: {hint}"
    if _in_a_stream(found) and retry == "now":
        retry = "maybe-billed"
    return kind(shown, hint=hint, code=name or None, request_id=found.request_id, retry=retry)


def _said(found: AwsFault) -> str:
    """The error's name; without the header that tells it, botocore gives the status for one."""
    return "" if found.name.isdecimal() else found.name


def _is_page(found: AwsFault) -> bool:
    return found.message.lstrip().startswith("<")


def _in_a_stream(found: AwsFault) -> bool:
    return not 300 <= found.status < 600


def aws_name(name: str) -> str:
    """AWS's name of an error that the Messages API calls by another."""
    return AWS_NAMES.get(name, name)


def cause(error: BaseException) -> BaseException:
    """What the anthropic SDK's error about a connection wraps; any other error itself."""
    inner = error.__cause__
    wraps = type(error).__name__ in ("APIConnectionError", "APITimeoutError")
    return inner if wraps and inner is not None else error


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def translate(error: BaseException) -> CliError:
    """Any exception as the error a user sees; an unexpected one is exit 1.

    Hints may still hold `{login}`, `{model}` and `{region}`; the door fills them in.
    """
    if isinstance(error, CliError):
        return error
    found = fault(error)
    if found is not None:
        return explain(found)
    names = [kind.__name__ for kind in type(error).__mro__]
    if type(error).__module__.startswith("typer.") and "ClickException" in names:
        return UsageError(_usage_message(error), hint=_usage_hint(error))
    if _of_a_client(error):
        error = cause(error)
        names = [kind.__name__ for kind in type(error).__mro__]
        if re.search(
            "(invalid|illegal) header value", str(error), re.I
        ):  # whose text would show the key
            return AuthError(
                "a key or token holds a line break or another character that no header can carry",
                hint="set it anew; it was not sent",
            )
        for name in names:
            if name in CLIENT_TABLE:
                return _from_client(error, name)
    unread = names[0] == "KeyError" and _raised_in(error, "botocore/parsers")
    if unread or (names[0] == "ParseError" and _raised_in(error, "botocore/")):
        return UnavailableError("the answer is not AWS's", hint=NOT_AWS, retry="now")
    if _raised_in(error, "botocore/"):
        unfetched = _while_fetching_credentials(error, names)
        if unfetched is not None:
            return unfetched
    if names[0] == "RuntimeError" and "could not resolve aws credentials" in str(error).lower():
        return AuthError(str(error), hint=NO_CREDENTIALS)
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        return CliError(
            f"stdout cannot be written: {error.strerror}",
            hint="make room where the output goes, or let it go elsewhere",
            retry="maybe-billed",
        )
    return CliError(f"{names[0]}: {_one_line(error)}", hint="`--debug` shows where", code="Failure")


def _from_client(error: BaseException, name: str) -> CliError:
    """A client's own exception, which tells no operation: its text may name the URL."""
    if name == "ConnectError" and any(type(each).__module__ == "ssl" for each in _chain(error)):
        name = "SSLError"
    url = _url(error)
    text = f"{_one_line(error)} ({url})" if url else _one_line(error)
    return explain_client(name, text, sent=not _in_handshake(error))


def explain_client(name: str, text: str, *, sent: bool) -> CliError:
    """An exception of CLIENT_TABLE as the table explains it; `sent` is known of a TLS error."""
    kind, hint, retry, _ = CLIENT_TABLE[name]
    if name == "ResponseParserError" and "invalid XML" in text:  # which no call of a model speaks
        return UnavailableError("the answer is not AWS's", hint=NOT_AWS, retry="now")
    if name == "SSLError":
        if "CERTIFICATE_VERIFY_FAILED" in text:
            retry = "no"
        elif sent:
            hint, retry = CLIENT_TABLE["ConnectionClosedError"][1:3]
    elif retry == "maybe-billed" and re.search(_FREE, text):
        hint, retry = "try again in a little while", "now"
    return kind(text, hint=hint, retry=retry)


def _url(error: BaseException) -> str | None:
    """The URL that an httpx2 error is about, which its text does not name."""
    request = getattr(error, "_request", None)  # the public property raises where there is none
    return f'"{request.url}"' if request is not None else None


def _in_handshake(error: BaseException) -> bool:
    """Whether TLS failed before any request could be sent."""
    return any(
        trace.tb_frame.f_code.co_name == "do_handshake"
        for each in _chain(error)
        for trace in _traces(each.__traceback__)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _while_fetching_credentials(error: BaseException, names: list[str]) -> CliError | None:
    """What botocore lets through bare when a source of credentials is broken."""
    if names[0] in ("JSONDecodeError", "AttributeError") and _raised_in(
        error, "botocore/credentials"
    ):
        return AuthError(
            "the profile's credential_process did not print a JSON object",
            hint="run it by hand and compare with the AWS CLI's documentation",
        )
    if isinstance(error, OSError) and error.filename is not None:
        return AuthError(
            f"{error.filename}: {error.strerror}",
            hint="the AWS profile or environment names this file as a source of credentials",
        )
    if "dateutil" in type(error).__module__:
        return AuthError(
            f"the credentials' expiry is no date: {_one_line(error)}",
            hint="AWS_CREDENTIAL_EXPIRATION is written like 2026-01-31T12:00:00Z",
        )
    if names[0] == "ValueError" and "invalid endpoint" in str(error).lower():
        return ConfigError(_one_line(error), hint="AWS_ENDPOINT_URL* is written like https://HOST")
    if names[0] == "ParamValidationError" and _raised_in(error, "botocore/credentials"):
        return ConfigError(
            _one_line(error), hint="mend the role's settings in the AWS profile or environment"
        )
    if names[0] == "RuntimeError" and "still expired" in str(error):
        return AuthError("the credentials have expired", hint=EXPIRED, code="ExpiredToken")
    return None


def _of_a_client(error: BaseException) -> bool:
    module = type(error).__module__.partition(".")[0]
    return module in {"botocore", "boto3", "anthropic", "urllib3", "httpx2", "httpcore2"}


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no message"


def _usage_message(error: BaseException) -> str:
    message: str = error.format_message()  # type: ignore[attr-defined]
    return message.removesuffix(".")


def _usage_hint(error: BaseException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path} --help` shows the usage" if context else None


def _raised_in(error: BaseException, part: str) -> bool:
    return any(
        part in trace.tb_frame.f_code.co_filename.replace("\\", "/")
        for trace in _traces(error.__traceback__)
    )
