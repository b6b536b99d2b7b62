"""Which failures are made again, and how long is waited between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from bedrock_claude_cli.bedrock.answer import Event, Sent, Started, Stopped, Text, Waiting
from bedrock_claude_cli.bedrock.retry import attempts
from bedrock_claude_cli.errors import UnavailableError

URL = {"endpoint_url": "https://example.com"}


def aws(code: str, status: int, message: str = "", **headers: str) -> ClientError:
    """An error as botocore raises it."""
    meta = {"HTTPStatusCode": status, "HTTPHeaders": headers, "RequestId": "r-1"}
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}
    return ClientError(response, "InvokeModelWithResponseStream")


class Calls:
    """A call that fails in the given ways, one by one, and then answers."""

    def __init__(self, *failures: Exception, events: tuple[Event, ...] = ()) -> None:
        self.failures = list(failures)
        self.events = events
        self.made = 0

    def __call__(self) -> Iterator[Event]:
        self.made += 1
        yield from self.events
        if self.failures:
            raise self.failures.pop(0)
        yield Started("r-2")
        yield Text("Yes")
        yield Stopped("end_turn")


def play(
    calls: Calls, retries: int = 4, rng: Callable[[], float] = lambda: 0.5
) -> tuple[list[Event], list[float]]:
    """All events and all waits; what is raised at last passes."""
    slept: list[float] = []
    return list(attempts(calls, retries=retries, sleep=slept.append, rng=rng)), slept


def in_handshake(error: Exception) -> Exception:
    """The error with the traceback of a handshake that failed."""

    def do_handshake() -> None:
        raise error

    try:
        do_handshake()
    except Exception as raised:
        return raised
    raise AssertionError


UNBILLED = [
    aws("ThrottlingException", 429, "Too many requests, please wait before trying again."),
    aws("ThrottlingException", 429, "Too many tokens, please wait before trying again."),
    aws("ModelNotReadyException", 429),
    aws("ServiceUnavailableException", 503),
    aws("overloaded_error", 529),
    aws("429", 429),
    aws("503", 503),
    aws("529", 529),
    EndpointConnectionError(**URL),
    ConnectTimeoutError(**URL),
    ProxyConnectionError(proxy_url="http://proxy"),
    in_handshake(SSLError(**URL, error="tlsv1 alert protocol version")),
]
FINAL = [
    SSLError(**URL, error="bad record mac"),
    in_handshake(SSLError(**URL, error="[SSL: CERTIFICATE_VERIFY_FAILED]")),
    aws("ThrottlingException", 429, "Too many tokens per day, please wait before trying again."),
    aws("ModelTimeoutException", 408),
    aws("ModelErrorException", 424),
    aws("InternalServerException", 500),
    aws("502", 502),
    aws("504", 504),
    aws("ValidationException", 400),
    aws("AccessDeniedException", 403),
    aws("ResourceNotFoundException", 404),
    aws("ServiceQuotaExceededException", 400),
    ReadTimeoutError(**URL),
    ConnectionClosedError(**URL),
    NoCredentialsError(),
    ValueError("a bug"),
]


def name(error: Exception) -> str:
    """How a failure is called in the list of tests."""
    return str(error)[:60]


@pytest.mark.parametrize("error", UNBILLED, ids=name)
def test_what_cannot_have_been_billed_is_made_again(error: Exception) -> None:
    calls = Calls(error)
    events, slept = play(calls)
    assert calls.made == 2
    assert [type(event) for event in events] == [Sent, Waiting, Sent, Started, Text, Stopped]
    assert slept == [0.5]


@pytest.mark.parametrize("error", FINAL, ids=name)
def test_everything_else_is_raised_at_once(error: Exception) -> None:
    calls = Calls(error)
    with pytest.raises(type(error)):
        play(calls)
    assert calls.made == 1


@pytest.mark.parametrize("error", UNBILLED, ids=name)
def test_once_aws_took_the_request_nothing_is_made_again(error: Exception) -> None:
    calls = Calls(error, events=(Started("r-1"), Text("par")))
    with pytest.raises(type(error)):
        play(calls)
    assert calls.made == 1


def test_the_last_failure_is_raised_without_a_wait() -> None:
    calls = Calls(*UNBILLED[:3])
    with pytest.raises(ClientError, match="ModelNotReady"):
        play(calls, retries=2)
    assert calls.made == 3


def test_waits_double_up_to_a_minute_under_full_jitter() -> None:
    throttled = [UNBILLED[0]] * 9
    assert play(Calls(*throttled), 9, lambda: 1.0)[1] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert play(Calls(*throttled), 9, lambda: 0.25)[1][:3] == [0.25, 0.5, 1]
    assert min(play(Calls(*throttled), 9, lambda: 0.0)[1]) > 0


@pytest.mark.parametrize(
    ("header", "wait"), [("3", 3), ("0", 0.5), ("0.7", 0.7), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.5)]
)
def test_a_wait_is_never_below_retry_after(header: str, wait: float) -> None:
    error = aws("ThrottlingException", 429, **{"retry-after": header})
    events, slept = play(Calls(error))
    assert slept == [wait]
    assert events[1] == Waiting(wait, "ThrottlingException", 2, 5)


def test_a_wait_is_told_before_it_is_slept() -> None:
    slept: list[float] = []
    events = attempts(Calls(UNBILLED[0]), retries=1, sleep=slept.append, rng=lambda: 1.0)
    assert next(events) == Sent()
    assert isinstance(next(events), Waiting)
    assert slept == []
    assert next(events) == Sent()
    assert slept == [1]


def test_a_retry_after_of_hours_is_told_not_waited_for() -> None:
    calls = Calls(aws("ServiceUnavailableException", 503, **{"retry-after": "3600"}))
    with pytest.raises(UnavailableError) as raised:
        play(calls)
    assert calls.made == 1
    assert raised.value.hint == "AWS asks to wait 3600 s before the next try"
