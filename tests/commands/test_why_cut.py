"""`why`: texts that were cut, translated or put in a library's own words, and this tool's own."""

from __future__ import annotations

import pytest

from tests.commands.test_why import why
from tests.commands.why_texts import MODEL
from tests.conftest import Run

URL = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL}/invoke"
EXPIRED = "The security token included in the request is expired"
WEB = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
ROLE = "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole on resource: *"
USED = "region us-east-1 from AWS_REGION, profile dev from --profile"


@pytest.mark.parametrize(
    "text, code, topic",
    [
        (EXPIRED, "ExpiredTokenException", "expired-credentials"),
        (f"API Error: 403 {EXPIRED}", "ExpiredTokenException", "expired-credentials"),
        (f"Could not assume role with OIDC: {WEB}", "AccessDenied", "assume-role"),
        (ROLE, "AccessDenied", "assume-role"),
        ("ed (AccessDeniedException) when calling the InvokeModel operation: User: arn:aws:iam::1",
         "AccessDeniedException", "permission"),
        ("rred (ThrottlingException) when calling the Converse operation: Too many req",
         "ThrottlingException", "throttled"),
        ("rred (ThrottlingException) when calling the Conve", "ThrottlingException", "throttled"),
        ("An error occurred (ThrottlingException)", "ThrottlingException", "throttled"),
        (f"Fehler (ExpiredTokenException): {EXPIRED}", "ExpiredTokenException",
         "expired-credentials"),
        (f"Fehler (ExpiredToken) beim Aufruf von InvokeModel: {EXPIRED}", "ExpiredToken",
         "expired-credentials"),
        ("ConverseStream の操作中にエラーが発生しました (ExpiredTokenException)\uff1a"
         "セキュリティトークンの期限が切れています", "ExpiredTokenException",
         "expired-credentials"),
        ("anthropic.BadRequestError: Error code: 400 - {'message': 'messages: at least one message "
         "is required'}", "ValidationException", "rejected"),
        ("anthropic.NotFoundError: Error code: 404 - {'message': 'x'}",
         "ResourceNotFoundException", "not-found"),
        (f"requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: {URL}",
         "ThrottlingException", "throttled"),
        (f"httpx.HTTPStatusError: Client error '403 Forbidden' for url '{URL}'\nFor more "
         "information check: https://httpstatuses.com/403", "AccessDeniedException", "permission"),
        ("OSError: Tunnel connection failed: 407 Proxy Authentication Required",
         "ProxyConnectionError", "proxy"),
    ],
)  # fmt: skip
def test_the_name_that_stands_there_or_goes_with_it(
    run: Run, text: str, code: str, topic: str
) -> None:
    found = why(run, text)
    assert (found["code"], found["topic"], found["others"]) == (code, topic, [])


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    ask()\nexcept (ThrottlingException):\n    wait()",
        "class Slow(ThrottlingException):\n    pass",
        "it waits on errors of a kind (ThrottlingException), as AWS says",
        "INFO counted (ThrottlingException): none",
        "BadRequestError: Error code: 400 - {'message': 'x'}",
        "requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: "
        "https://api.example.com/x",
        # Of other programs.
        "error: could not compile `foo` (lib) due to 2 previous errors",
        "error: HTTP 502: Bad Gateway",
        "error: pathspec 'x' did not match any file(s) known to git",
    ],
)
def test_what_is_no_error_of_these_stays_unknown(run: Run, text: str) -> None:
    run("why", stdin=text, code=6)


@pytest.mark.parametrize(
    "used", [USED, "sandbox, region us-east-1", "no profile named", "keys from AWS_ACCESS_KEY_ID"]
)
def test_this_tool_s_own_line_without_a_hint(run: Run, used: str) -> None:
    found = why(run, f"note: x\nerror: no such thing ({used})\n")
    assert (found["topic"], found["exit_code"], found["line"]) == ("own", None, 2)
    assert found["message"] == "no such thing"
    found = why(run, f"error: HTTP 502: Bad Gateway ({used})\n")
    assert (found["topic"], found["status"], found["retry"]) == (
        "server-error", 502, "maybe-billed",
    )  # fmt: skip
    assert found["message"] == "Bad Gateway"
    found = why(run, f"error: HTTP 400: What ({used})\n")
    assert (found["topic"], found["message"]) == ("own", "What")


def test_a_place_in_yaml_is_this_tool_s_own(run: Run) -> None:
    found = why(run, "error: config.yaml:1:1 allow_models: is no list\n")
    assert found["topic"] == "own"
    assert found["message"] == "config.yaml:1:1 allow_models: is no list"
