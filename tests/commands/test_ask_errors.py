"""Errors before the answer starts: exit codes, hints, and what is sent again."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.retry import attempts
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import CANNED, SONNET, operations
from tests.conftest import Run

Use = Callable[..., Sandbox]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be slept; none are."""
    slept: list[float] = []
    defaults = attempts.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "sleep", slept.append)
    monkeypatch.setitem(defaults, "rng", lambda: 1.0)
    return slept


def error(kind: str, message: str | None = None, **more: Any) -> dict[str, Any]:
    """A rule that answers with an AWS error; `times` and `status`, `headers` as in rules."""
    rule: dict[str, Any] = {"error": {"type": kind}}
    if message is not None:
        rule["error"]["message"] = message
    for key, value in more.items():
        (rule if key == "times" else rule["error"])[key] = value
    return rule


@pytest.mark.parametrize(
    ("kind", "message", "code", "retry", "hint"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired", 4,
         "no", "renew the credentials"),
        ("UnrecognizedClientException", "The security token included in the request is invalid.",
         4, "no", "AWS does not know these keys"),
        ("InvalidSignatureException", "Signature expired: 20261120 is now earlier than 20261121",
         4, "no", "clock"),
        ("AccessDeniedException", "You don't have access to the model with the specified model ID.",
         5, "no", "use-case form"),
        ("AccessDeniedException", "Model access is denied due to IAM user or service role is not "
         "authorized to perform the required AWS Marketplace actions", 5, "no",
         "aws-marketplace:Subscribe"),
        ("ResourceNotFoundException", "Model use case details have not been submitted for this "
         "account.", 5, "no", "use-case form"),
        ("ResourceNotFoundException", "Access denied. This Model is marked by provider as Legacy",
         5, "no", "list-models --active"),
        ("ValidationException", "Operation not allowed", 5, "no", "AWS Support"),
        ("ValidationException", "data retention mode 'default' is not available for this model", 5,
         "no", "data-retention"),
        ("ResourceNotFoundException", "This model version has reached the end of its life.", 6,
         "no", "list-models --active"),
        ("ValidationException", "The model returned the following errors: prompt is too long", 6,
         "no", "shorten the prompt"),
        ("ServiceQuotaExceededException", "Too much", 6, "no", "Service Quotas"),
        ("ThrottlingException", "Too many tokens per day, please wait before trying again.", 7,
         "later", "daily"),
        ("ModelTimeoutException", None, 7, "maybe-billed", "nothing was sent again"),
        ("ModelErrorException", None, 7, "maybe-billed", "nothing was sent again"),
        ("InternalServerException", None, 7, "maybe-billed", "nothing was sent again"),
    ],
)  # fmt: skip
def test_what_may_be_billed_or_cannot_succeed_is_sent_once(
    kind: str,
    message: str | None,
    code: int,
    retry: str,
    hint: str,
    run: Run,
    use: Use,
    waits: list[float],
) -> None:
    sandbox = use(error(kind, message))
    result = run("ask", "Hello", code=code)
    assert result.out == ""
    assert result.err.splitlines()[0].startswith(f"error: {kind}: {message or ''}")
    assert "(region us-east-1 from AWS_REGION, keys from AWS_ACCESS_KEY_ID, request " in result.err
    assert f"request {sandbox.requests[0]['request_id']})" in result.err
    assert hint in result.err.partition("hint: ")[2]
    assert "{" not in result.err
    told = run("ask", "Hello", "--json", code=code)
    assert told.out == ""
    found = json.loads(told.err)["error"]
    assert found["code"] == kind
    assert (found["exit_code"], found["retry"]) == (code, retry)
    assert found["request_id"] == sandbox.requests[1]["request_id"]
    assert len(sandbox.requests) == 2
    assert waits == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ThrottlingException", 429),
        ("ModelNotReadyException", 429),
        ("ServiceUnavailableException", 503),
        ("overloaded_error", 529),
    ],
)
def test_what_cannot_be_billed_is_sent_again_and_each_wait_is_said(
    kind: str, status: int, run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use(error(kind, times=2, status=status))
    result = run("ask", "Hello")
    kind = "ServiceUnavailableException" if kind == "overloaded_error" else kind
    assert CANNED in result.out
    assert operations(sandbox) == ["InvokeModelWithResponseStream"] * 3
    assert result.err.splitlines() == [
        f"note: {kind}: trying again in 1 s (attempt 2 of 5)",
        f"note: {kind}: trying again in 2 s (attempt 3 of 5)",
    ]
    assert waits == [1, 2]


def test_attempts_are_counted(run: Run, use: Use, waits: list[float]) -> None:
    use(error("ThrottlingException", times=3))
    assert json.loads(run("ask", "--json", "-q", "Hello").out)["attempts"] == 4


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_counted_beside_the_first_attempt(
    retries: int, run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use(error("ThrottlingException"))
    result = run("ask", "Hello", "--retries", str(retries), code=7)
    assert len(sandbox.requests) == retries + 1
    assert len(waits) == retries
    assert "hint: wait a little, or raise --retries" in result.err


def test_quiet_waits_silently(run: Run, use: Use, waits: list[float]) -> None:
    use(error("ThrottlingException", times=1))
    assert run("ask", "-q", "Hello").err == ""


def test_quiet_and_json_leave_one_object_on_stderr(run: Run, use: Use, waits: list[float]) -> None:
    use(error("ThrottlingException"))
    result = run("ask", "-q", "--json", "Hello", code=7)
    assert json.loads(result.err)["error"]["retry"] == "now"


@pytest.mark.parametrize("flag", ["--bogus", "--max-tokens=many", "--temperature=2", "-m=sonet"])
def test_json_errors_of_usage_are_json_too(flag: str, run: Run) -> None:
    found = json.loads(run("ask", "--region", "us-east-1", "Hello", flag, "--json", code=2).err)
    assert found["error"]["exit_code"] == 2
    assert found["error"]["message"]


def test_retry_after_is_honoured(run: Run, use: Use, waits: list[float]) -> None:
    use(error("ThrottlingException", times=1, headers={"Retry-After": "7"}))
    assert "trying again in 7 s" in run("ask", "Hello").err
    assert waits == [7]


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_a_refused_connection_is_tried_again(
    run: Run,
    use: Use,
    waits: list[float],
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    result = run("ask", "Hello", "--retries", "2", code=7)
    assert len(waits) == 2
    assert "note: EndpointConnectionError: trying again in 2 s (attempt 3 of 3)" in result.err
    assert "nothing was billed" in result.err


def test_a_reset_before_the_answer_is_not_sent_again(
    run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use({"stream": {"reset_after": 0}})
    result = run("ask", "Hello", code=7)
    assert len(sandbox.requests) == 1
    assert waits == []
    assert "hint: the model may have worked, and been billed, so nothing was sent again" in (
        result.err
    )


def test_a_silent_endpoint_is_given_up_and_not_asked_again(
    run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use({"stream": {"delay_ms": 60_000}})
    result = run("ask", "Hello", "--timeout", "1", code=7)
    assert len(sandbox.requests) == 1
    assert waits == []
    assert "raise --timeout" in result.err


def test_a_proxy_page_is_an_error_of_aws_by_its_status(run: Run, waits: list[float]) -> None:
    """Where no AWS error name arrives, the HTTP status decides; 502 may have been billed."""
    with one_reply(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops") as url:
        env = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "fake",
            "AWS_SECRET_ACCESS_KEY": "fake",
        }
        run("ask", "Hello", code=7, env=env)
    assert waits == []


@contextmanager
def one_reply(reply: bytes) -> Iterator[str]:
    """A server that gives every connection the same bytes."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_no_credentials_sends_nothing(run: Run) -> None:
    result = run("ask", "Hello", code=4)
    assert "error: Unable to locate credentials" in result.err
    assert "--sandbox" in result.err


def test_the_error_names_the_region_and_where_it_came_from(run: Run, use: Use) -> None:
    use(error("AccessDeniedException"))
    err = run("ask", "Hello", "--region", "eu-west-1", code=5).err
    assert "region eu-west-1 from --region" in err


def test_sandbox_and_real_share_the_path(run: Run, use: Use, tmp_path: Any) -> None:
    """The embedded sandbox takes rules from a file, and errors come out the same way."""
    script = tmp_path / "rules.yaml"
    script.write_text("- error: {type: ModelTimeoutException}\n")
    env = {"BEDROCK_CLAUDE_SANDBOX_SCRIPT": str(script)}
    result = run("ask", "--sandbox", "-m", f"us.{SONNET}", "Hello", code=7, env=env)
    assert "error: ModelTimeoutException" in result.err
