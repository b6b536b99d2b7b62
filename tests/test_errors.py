"""The error table: every known text of AWS and its clients -> exit code, hint, retry."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import anthropic
import botocore.exceptions as aws
import httpx2
import pytest

from bedrock_claude_cli.errors import CliError, ExitCode
from bedrock_claude_cli.explain import AwsFault, explain, fault, translate
from bedrock_claude_cli.known_errors import AWS_NAMES, CLIENT_TABLE, TABLE
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run


class Case(NamedTuple):
    """An error as AWS words it, and what a user is told."""

    name: str
    status: int
    message: str
    code: int
    hint: str
    retry: str = "no"


AUTH, DENIED, REJECTED, UNAVAILABLE = (
    ExitCode.AUTH, ExitCode.DENIED, ExitCode.REJECTED, ExitCode.UNAVAILABLE,
)  # fmt: skip
ALIAS = "sonnet-4.5"  # the default model
MODEL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
USER = "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: "
GLOBAL_ARN = "arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"
VALIDATION, MISSING = "ValidationException", "ResourceNotFoundException"
REFUSED, SLOW = "AccessDeniedException", "ThrottlingException"
BILLED = "may have worked, and been billed"

CASES = [
    Case("ExpiredTokenException", 403, "The security token included in the request is expired",
         AUTH, "copy new keys"),
    Case(VALIDATION, 400, "The security token included in the request is expired", AUTH, "renew"),
    Case("RequestExpired", 400, "Request has expired.", AUTH, "clock"),
    Case("InvalidSignatureException", 403, "Signature expired: 20260101T000000Z is now earlier "
         "than 20260101T010000Z (20260101T010500Z - 5 min.)", AUTH, "clock"),
    Case("InvalidSignatureException", 403, "Signature not yet current: 20260101T010000Z is still "
         "later than 20260101T000500Z", AUTH, "clock"),
    Case("InvalidSignatureException", 403, "The request signature we calculated does not match the "
         "signature you provided.", AUTH, "does not belong to the access key id"),
    Case("UnrecognizedClientException", 403, "The security token included in the request is "
         "invalid.", AUTH, "region us-east-1 is not enabled"),
    Case("IncompleteSignatureException", 400, "Authorization header requires 'Credential'", AUTH,
         "proxy"),
    Case("MissingAuthenticationTokenException", 403, "Missing Authentication Token", AUTH, "proxy"),
    Case(REFUSED, 403, "Authentication failed: Please make sure your API Key is valid.", AUTH,
         "AWS_BEARER_TOKEN_BEDROCK"),
    Case(REFUSED, 403, "The bearer token has expired", AUTH, "not valid any more"),
    Case(REFUSED, 403, USER + "bedrock:CallWithBearerToken on resource: * because no "
         "identity-based policy allows it", DENIED, "grant bedrock:CallWithBearerToken"),
    Case(REFUSED, 403, USER + f"bedrock:InvokeModel on resource: {GLOBAL_ARN} because no "
         "identity-based policy allows the bedrock:InvokeModel action", DENIED,
         "every destination region"),
    Case(REFUSED, 403, USER + f"bedrock:InvokeModel on resource: {GLOBAL_ARN} with an explicit "
         "deny in a service control policy", DENIED, "`unspecified`"),
    Case(REFUSED, 403, USER + f"bedrock:InvokeModel on resource: {GLOBAL_ARN} with an explicit "
         "deny in an identity-based policy", DENIED, "beats every Allow: an administrator"),
    Case(REFUSED, 403, USER + "bedrock:ListFoundationModels", DENIED,
         "grant bedrock:ListFoundationModels"),
    Case("NotAuthorized", 400, "You do not have permission to perform this action.", DENIED,
         "grant the action"),
    Case(REFUSED, 403, "Model access is denied due to IAM user or service role is not authorized "
         "to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, "
         "aws-marketplace:Subscribe) to enable access to this model.", DENIED,
         f"`bedrock-claude access request {ALIAS}`, run once by an identity with aws-marketplace:"),
    Case(REFUSED, 403, "Your account is not authorized to access this model. Your AWS Marketplace "
         "subscription for this model is still being processed", DENIED,
         f"`bedrock-claude access request {ALIAS}` waits", "later"),
    Case(REFUSED, 403, "You have not filled out the request form", DENIED,
         f"`bedrock-claude access request {ALIAS}` submits"),
    Case("MPAgreementBeingCreated", 403, "The agreement is being created", DENIED,
         f"`bedrock-claude access request {ALIAS}` waits", "later"),
    Case(REFUSED, 403, "You don't have access to the model with the specified model ID.", DENIED,
         f"`bedrock-claude access request {ALIAS}`"),
    Case(REFUSED, 403, "You don\u2019t have access to the model with the specified model ID.",
         DENIED, "use-case form"),
    Case("permission_error", 403, "claude is not available for this account", DENIED,
         "--via invoke"),
    Case(VALIDATION, 400, "Operation not allowed", DENIED, "AWS Support"),
    Case(VALIDATION, 400, "Access to Anthropic models is not allowed for this account.", DENIED,
         "not offered to this account"),
    Case(VALIDATION, 400, "data retention mode 'default' is not available for this model", DENIED,
         f"`bedrock-claude access request {ALIAS} --data-retention MODE`"),
    Case(VALIDATION, 400, "The model returned the following errors: data retention mode \u2018none"
         "\u2019 is not available for this model", DENIED, "data-retention"),
    Case(MISSING, 404, "Model use case details have not been submitted for this account. Fill out "
         "the Anthropic use case details form before using the model.", DENIED, "15 minutes"),
    Case(MISSING, 404, "You have not filled out the request form", DENIED,
         f"`bedrock-claude access request {ALIAS}` submits"),
    Case(MISSING, 404, "Access denied. This Model is marked by provider as Legacy and you have not "
         "been actively using the model in the last 15 days.", DENIED, "--active"),
    Case(MISSING, 404, "This model version has reached the end of its life.", REJECTED, "--active"),
    Case(MISSING, 404, "Could not find it", REJECTED, ""),
    Case(MISSING, 400, "The specified log group does not exist.", REJECTED, "enable-logging"),
    Case(MISSING, 400, "Log group 'a' does not exist for account ID '111122223333'", REJECTED,
         "logs status"),
    Case("NoSuchBucket", 404, "The specified bucket does not exist", REJECTED, "enable-logging"),
    Case("AccessDenied", 403, "Access Denied", DENIED, "s3:GetObject"),
    Case("not_found_error", 404, "model: us.anthropic.claude", REJECTED, "--via invoke"),
    Case(VALIDATION, 400, "Invocation of model ID X with on-demand throughput isn\u2019t "
         "supported. Retry your request with the ID or ARN of an inference profile that contains "
         "this model.", REJECTED, "list-models --ids --region us-east-1"),
    Case(VALIDATION, 400, "Invocation of model ID X with on-demand throughput isn't supported.",
         REJECTED, "list-models --ids --region us-east-1"),
    Case(VALIDATION, 400, "The provided model identifier is invalid.", REJECTED, "list-models"),
    Case(VALIDATION, 400, "Invalid API version: 2026-10-21", REJECTED, "bedrock-2023-05-31"),
    Case(VALIDATION, 400, "anthropic_version: Field required", REJECTED, "bedrock-2023-05-31"),
    Case(VALIDATION, 400, "The model returned the following errors: `temperature` and `top_p` "
         "cannot both be specified for this model. Please use only one.", REJECTED, "only one"),
    Case(VALIDATION, 400, "The model returned the following errors: top_k: Extra inputs are not "
         "permitted", REJECTED, "--dry-run"),
    Case(VALIDATION, 400, "max_tokens: 65536 > 64000, which is the maximum allowed number of "
         "output tokens for claude-sonnet-4-5-20250929", REJECTED, "lower --max-tokens"),
    Case(VALIDATION, 400, "The maximum tokens you requested exceeds the model limit of 64000.",
         REJECTED, "lower --max-tokens"),
    Case(VALIDATION, 400, "max_tokens: Field required", REJECTED, ""),
    Case(REFUSED, 403, "Invalid API Key format: Must start with pre-defined prefix", AUTH, "ABSK"),
    Case(REFUSED, 403, "Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment "
         "instrument must be provided. Your AWS Marketplace subscription for this model cannot be "
         "completed at this time.", DENIED, "payment method"),
    Case("authentication_error", 401, "invalid x-api-key", AUTH, "Anthropic's own API"),
    Case(VALIDATION, 400, "prompt is too long: 210000 tokens > 200000 maximum", REJECTED,
         "shorten"),
    Case(VALIDATION, 400, "Input is too long for requested model.", REJECTED, "shorten"),
    Case(VALIDATION, 400, "Failed to validate permissions for log group: g, with role: r. Verify "
         "the IAM role permissions are correct.", REJECTED, "log group"),
    Case(VALIDATION, 400, "1 validation error detected", REJECTED, ""),
    Case("ServiceQuotaExceededException", 400, "Too many things", REJECTED, "Service Quotas"),
    Case(SLOW, 429, "Too many requests, please wait before trying again.", UNAVAILABLE,
         "--retries", "now"),
    Case(SLOW, 429, "Too many tokens, please wait before trying again.", UNAVAILABLE,
         "--max-tokens", "now"),
    Case(SLOW, 429, "Too many tokens per day, please wait before trying again.", UNAVAILABLE,
         "tomorrow", "later"),
    Case("ModelNotReadyException", 429, "The model is not ready", UNAVAILABLE, "a minute", "now"),
    Case("ModelTimeoutException", 408, "Model timed out", UNAVAILABLE, BILLED, "maybe-billed"),
    Case("ModelErrorException", 424, "The model failed", UNAVAILABLE, BILLED, "maybe-billed"),
    Case("InternalServerException", 500, "Oh no", UNAVAILABLE, BILLED, "maybe-billed"),
    Case("ServiceUnavailableException", 503, "Busy", UNAVAILABLE, "capacity", "now"),
    Case("overloaded_error", 529, "Overloaded", UNAVAILABLE, "capacity", "now"),
    Case("rate_limit_error", 429, "Too many tokens per day", UNAVAILABLE, "daily", "later"),
    Case("authentication_error", 401, "Signature expired: x is now earlier than y", AUTH, "clock"),
    Case("authentication_error", 401, "The security token included in the request is invalid.",
         AUTH, "region us-east-1 is not enabled"),
    Case("invalid_request_error", 400, "prompt is too long: 9 tokens > 8 maximum", REJECTED,
         "shorten the prompt"),
    Case("api_error", 500, "Oh no", UNAVAILABLE, BILLED, "maybe-billed"),
    Case("timeout_error", 504, "Too slow", UNAVAILABLE, BILLED, "maybe-billed"),
    # Nothing is known of these but their status.
    Case("WhoKnowsException", 400, "Something", REJECTED, ""),
    Case("WhoKnowsException", 401, "Something", AUTH, ""),
    Case("WhoKnowsException", 403, "Something", DENIED, ""),
    Case("WhoKnowsException", 408, "Something", UNAVAILABLE, "", "maybe-billed"),
    Case("WhoKnowsException", 418, "Something", REJECTED, ""),
    Case("WhoKnowsException", 429, "Something", UNAVAILABLE, "", "now"),
    Case("WhoKnowsException", 502, "Something", UNAVAILABLE, "", "maybe-billed"),
    Case("WhoKnowsException", 503, "Something", UNAVAILABLE, "", "now"),
]  # fmt: skip
IDS = [f"{index}-{case.name}-{case.status}" for index, case in enumerate(CASES)]
# What only STS says: a client error of its own shape, with nothing of Bedrock's header.
STS_CASES = [
    Case("ExpiredToken", 403, "The security token included in the request is expired", AUTH,
         "{login}"),
    Case("InvalidClientTokenId", 403, "The security token included in the request is invalid.",
         AUTH, "{region}"),
    Case("SignatureDoesNotMatch", 403, "Signature expired: x is now earlier than y", AUTH, "clock"),
    Case("SignatureDoesNotMatch", 403, "The request signature we calculated does not match", AUTH,
         "secret access key"),
    Case("InvalidIdentityToken", 400, "No OpenIDConnect provider found in your account", AUTH,
         "issuer"),
    Case("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity", AUTH,
         "trust policy"),
    Case("AccessDenied", 403, USER + "sts:AssumeRole on resource: arn:aws:iam::1:role/r", AUTH,
         "trust policy"),
]  # fmt: skip


def _client_error(case: Case, **meta: Any) -> aws.ClientError:
    return aws.ClientError(
        {
            "Error": {"Code": case.name, "Message": case.message},
            "ResponseMetadata": {
                "HTTPStatusCode": case.status, "RequestId": "r-1", "HTTPHeaders": {}, **meta,
            },
        },
        "InvokeModel",
    )  # fmt: skip


OTHERS = [
    Case("RequestTimeTooSkewed", 403, "The difference between the request time and the current "
         "time is too large.", AUTH, "clock"),
    Case("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our "
         "records.", AUTH, "does not know these keys"),
    Case("InvalidToken", 400, "The provided token is malformed or otherwise invalid.", AUTH,
         "does not know these keys"),
    Case("OptInRequired", 403, "You are not subscribed to this service", DENIED, "switched off"),
    Case("EntityTemporarilyUnmodifiable", 409, "The role is being created", UNAVAILABLE, "somebody",
         "now"),
    Case("LimitExceededException", 400, "Resource limit exceeded.", REJECTED, "Service Quotas"),
    Case("BandwidthLimitExceeded", 503, "Bandwidth limit exceeded", UNAVAILABLE, "wait", "now"),
]  # fmt: skip


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.name)
def test_what_iam_s3_and_cloudwatch_logs_say(case: Case) -> None:
    told = translate(_client_error(case))
    assert (told.exit_code, told.retry, told.code) == (case.code, case.retry, case.name)
    assert case.hint in (told.hint or "")


@pytest.mark.parametrize("case", STS_CASES, ids=lambda case: f"{case.name}-{case.message[:20]}")
def test_what_sts_says(case: Case) -> None:
    told = translate(_client_error(case))
    assert (told.exit_code, told.retry, told.code) == (case.code, case.retry, case.name)
    assert case.hint in (told.hint or "")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_bedrock_says_comes_out_of_the_door(
    run: Run, use: Callable[..., Sandbox], case: Case
) -> None:
    """Through the wire, botocore and the door, with every place in the hint filled in."""
    error = {"type": case.name, "status": case.status, "message": case.message}
    use({"when": {"operation": "InvokeModelWithResponseStream"}, "error": error})
    error_shown = run("ask", "hi", "--retries", "0", "--json", "--no-stream", code=case.code)
    told = json.loads(error_shown.err.splitlines()[-1])["error"]
    assert told["retry"] == case.retry
    assert told["code"] == AWS_NAMES.get(case.name, case.name)
    assert case.message in told["message"]
    assert told["request_id"]
    assert case.hint in (told["hint"] or "")
    assert bool(case.hint) == bool(told["hint"])
    assert not re.search(r"\{\w+\}", told["hint"] or "")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_anthropic_sdk_s_errors_mean_the_same(case: Case) -> None:
    header = {} if "_" in case.name else {"x-amzn-errortype": f"{case.name}:http://internal/"}
    body: dict[str, Any] = {"message": case.message}
    if not header:
        body = {"type": "error", "error": {"type": case.name, "message": case.message}}
    response = httpx2.Response(
        case.status,
        headers=header | {"x-amzn-requestid": "r-1"},
        json=body,
        request=httpx2.Request("POST", "https://bedrock.example"),
    )
    client = anthropic.AnthropicBedrock(aws_region="us-east-1", aws_access_key="AKIAFAKE",
                                        aws_secret_key="fake")  # fmt: skip
    sdk, boto = (
        translate(client._make_status_error_from_response(response)),
        translate(_client_error(case)),
    )
    assert sdk.as_json() == boto.as_json()


def test_the_sdk_against_the_sandbox(use: Callable[..., Sandbox]) -> None:
    use({"error": {"type": SLOW, "message": "Too many tokens per day", "headers": {}}})
    with pytest.raises(anthropic.RateLimitError) as caught:
        anthropic.AnthropicBedrock(max_retries=0).messages.create(
            model=MODEL, max_tokens=5, messages=[{"role": "user", "content": "hi"}]
        )
    told = translate(caught.value)
    assert (told.exit_code, told.code, told.retry) == (UNAVAILABLE, SLOW, "later")
    assert told.request_id


def from_sdk(inner: Exception) -> Exception:
    """The anthropic SDK's error about a connection, around the one of its HTTP layer."""
    request = httpx2.Request("POST", "https://x")
    late = isinstance(inner, httpx2.TimeoutException)
    outer = (
        anthropic.APITimeoutError(request)
        if late
        else anthropic.APIConnectionError(request=request)
    )
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "code", "hint", "retry"),
    [
        (aws.NoCredentialsError(), 4, "`aws configure`", "no"),
        (aws.PartialCredentialsError(provider="env", cred_var="X"), 4, "both halves", "no"),
        (aws.CredentialRetrievalError(provider="p", error_msg="x"), 4, "credential_process", "no"),
        (aws.SSOTokenLoadError(error_msg="x"), 4, "{login}", "no"),
        (aws.TokenRetrievalError(provider="sso", error_msg="x"), 4, "{login}", "no"),
        (aws.UnauthorizedSSOTokenError(), 4, "{login}", "no"),
        (aws.LoginRefreshRequired(), 4, "{login}", "no"),
        (aws.LoginTokenLoadError(error_msg="x"), 4, "{login}", "no"),
        (aws.LoginError(), 4, "{login}", "no"),
        (aws.MissingDependencyException(msg="needs crt"), 4, "botocore[crt]", "no"),
        (aws.MetadataRetrievalError(error_msg="x"), 4, "`aws configure`", "no"),
        (aws.RefreshWithMFAUnsupportedError(), 4, "temporary keys", "no"),
        (aws.ProfileNotFound(profile="x"), 3, "list-profiles", "no"),
        (aws.ConfigParseError(path="x"), 3, "named above", "no"),
        (aws.InvalidConfigError(error_msg="x"), 3, "the AWS config file", "no"),
        (aws.NoRegionError(), 3, "--region", "no"),
        (aws.InvalidRegionError(region_name="x"), 3, "us-east-1", "no"),
        (aws.InvalidEndpointConfigurationError(msg="x"), 3, "AWS_BEARER_TOKEN_BEDROCK", "no"),
        (aws.EndpointProviderError(msg="x"), 3, "AWS_USE_FIPS_ENDPOINT", "no"),
        (aws.InvalidDefaultsMode(mode="x", valid_modes="y"), 3, "mend it", "no"),
        (aws.InvalidSTSRegionalEndpointsConfigError(sts_regional_endpoints_config="x"), 3,
         "mend it", "no"),
        (aws.EndpointConnectionError(endpoint_url="u"), 7, "nothing was billed", "now"),
        (aws.ConnectTimeoutError(endpoint_url="u"), 7, "nothing was billed", "now"),
        (aws.ProxyConnectionError(proxy_url="u"), 7, "HTTPS_PROXY", "now"),
        (aws.SSLError(endpoint_url="u", error="bad record mac"), 7, "sent again", "maybe-billed"),
        (aws.SSLError(endpoint_url="u", error="CERTIFICATE_VERIFY_FAILED"), 7, "AWS_CA_BUNDLE",
         "no"),
        (aws.ReadTimeoutError(endpoint_url="https://sts.us-east-1.amazonaws.com/"), 7, "try again",
         "now"),
        (aws.ReadTimeoutError(endpoint_url="u"), 7, "--timeout", "maybe-billed"),
        (aws.ConnectionClosedError(endpoint_url="u"), 7, BILLED, "maybe-billed"),
        (aws.ResponseStreamingError(error="e"), 7, BILLED, "maybe-billed"),
        (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), 7, BILLED, "maybe-billed"),
        (aws.HTTPClientError(error="e"), 7, BILLED, "maybe-billed"),
        (aws.HTTPClientError(error="Invalid header value b'Bearer fake-key\\n'"), 4, "set it anew",
         "no"),
        (anthropic.APITimeoutError(httpx2.Request("POST", "https://x")), 7, "--timeout",
         "maybe-billed"),
        (anthropic.APIConnectionError(request=httpx2.Request("POST", "https://x")), 7, BILLED,
         "maybe-billed"),
        (from_sdk(httpx2.ConnectError("[Errno 111] Connection refused")), 7, "nothing was billed",
         "now"),
        (from_sdk(httpx2.ConnectTimeout("timed out")), 7, "nothing was billed", "now"),
        (from_sdk(httpx2.ProxyError("407")), 7, "HTTPS_PROXY", "now"),
        (from_sdk(httpx2.PoolTimeout("")), 7, "ask less", "now"),
        (from_sdk(httpx2.ReadTimeout("timed out")), 7, "--timeout", "maybe-billed"),
        (from_sdk(httpx2.WriteError("reset")), 7, BILLED, "maybe-billed"),
        (from_sdk(httpx2.RemoteProtocolError("disconnected")), 7, BILLED, "maybe-billed"),
        (from_sdk(httpx2.LocalProtocolError("Illegal header value b'Bearer fake-key\\n'")), 4,
         "set it anew", "no"),
        (httpx2.ReadError("reset"), 7, BILLED, "maybe-billed"),
        (RuntimeError("Could not resolve AWS credentials from session"), 4, "`aws configure`",
         "no"),
        (RuntimeError("what?"), 1, "--debug", "no"),
        (ValueError("Invalid endpoint: not raised in botocore"), 1, "--debug", "no"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_what_the_clients_raise(error: Exception, code: int, hint: str, retry: str) -> None:
    told = translate(error)
    assert (told.exit_code, told.retry) == (code, retry)
    assert hint in (told.hint or "")
    assert "fake-key" not in told.message


@pytest.mark.parametrize("name", sorted(CLIENT_TABLE))
def test_every_class_in_the_table_exists(name: str) -> None:
    import botocore.eventstream
    import botocore.parsers

    homes = (aws, anthropic, httpx2, botocore.eventstream, botocore.parsers)
    assert any(hasattr(home, name) for home in homes)


def test_fragments_are_lower_case_and_hold_no_apostrophe() -> None:
    for row in TABLE:
        assert row.fragment == row.fragment.lower()
        assert not set(row.fragment) & set("'\u2019\u2018")


def test_no_row_hides_a_later_one() -> None:
    for index, row in enumerate(TABLE):
        for later in TABLE[index + 1 :]:
            same = not row.names or (later.names and set(later.names) <= set(row.names))
            assert not (same and row.fragment in later.fragment), (row, later)


@pytest.mark.parametrize("status", [0, 200])
def test_what_breaks_inside_a_stream_may_have_been_billed(status: int) -> None:
    for name in ("throttlingException", "serviceUnavailableException", "whoKnowsException"):
        error = _client_error(Case(name, status, "m", 7, ""))
        told = translate(error)
        assert (told.exit_code, told.retry) == (UNAVAILABLE, "maybe-billed")
        assert told.code == name[0].upper() + name[1:]


def test_without_a_name_the_status_is_shown() -> None:
    told = explain(AwsFault("403", "", 403, None))
    assert (told.message, told.code, told.exit_code) == ("HTTP 403", "Denied", DENIED)
    told = explain(AwsFault("", "<html>proxy</html>", 502, None))
    assert told.message == "HTTP 502: <html>proxy</html>"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("1.5", 1.5), ("", None), ("soon", None), ("²", None), ("-1", None)],
)
def test_retry_after_is_read_where_it_is_a_number(header: str, seconds: float | None) -> None:
    found = fault(_client_error(CASES[0], HTTPHeaders={"retry-after": header}))
    assert found is not None
    assert found.retry_after == seconds


def test_a_body_that_is_no_mapping_is_no_crash() -> None:
    response = httpx2.Response(403, request=httpx2.Request("POST", "https://x"))
    bodies: tuple[Any, ...] = (None, "text", {"error": "text"}, [])
    for body in bodies:
        told = translate(anthropic.APIStatusError("m", response=response, body=body))
        assert told.exit_code == DENIED


def test_an_unexpected_error_shows_its_place_only_with_debug(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("bedrock_claude_cli.config.load", fail)
    result = run("config", "show", code=1)
    assert result.err == "error: ZeroDivisionError: by zero\nhint: `--debug` shows where\n"
    assert "Traceback" in run("config", "show", "--debug", code=1).err


def test_a_hint_is_filled_before_aws_is_known(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise aws.UnauthorizedSSOTokenError

    monkeypatch.setattr("bedrock_claude_cli.config.load", fail)
    assert "hint: `aws sso login` or `aws configure`\n" in run("config", "show", code=4).err

    def refuse(*_: Any, **__: Any) -> None:
        raise CliError("m", hint="{login} {region} {model}")

    monkeypatch.setattr("bedrock_claude_cli.config.load", refuse)
    told = run("config", "show", code=1).err
    assert "hint: `aws sso login` or `aws configure` REGION MODEL\n" in told


def test_no_error_text_mentions_a_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        told = translate(error)
        assert traceback.format_exc() not in told.message
    assert told.message == "ValueError: two lines"
