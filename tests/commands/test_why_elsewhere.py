"""`why`: errors of other clients, other services and what stands between, each told for itself."""

from __future__ import annotations

import botocore.session
import pytest

from bedrock_claude_cli.diagnosis.elsewhere import of_another_service
from tests.commands.test_why import why
from tests.conftest import Run

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
PAGE = (
    "<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n<body>\n<center>"
    "<h1>503 Service Temporarily Unavailable</h1></center>\n<hr><center>nginx</center>\n</body>\n"
    "</html>"
)
DECODE = "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n"
PROCESS = (
    'Traceback (most recent call last):\n  File "/x/app.py", line 3, in <module>\n    ask()\n'
    '  File "/x/botocore/credentials.py", line 1029, in _retrieve_credentials_using\n'
    "    parsed = botocore.compat.json.loads(stdout.decode('utf-8'))\n"
    '  File "/x/json/decoder.py", line 355, in raw_decode\n'
    '    raise JSONDecodeError("Expecting value", s, err.value) from None\n'
)  # fmt: skip
TOO_MANY = (
    "max_tokens: 65536 > 64000, which is the maximum allowed number of output tokens for "
    "claude-sonnet-4-5-20250929"
)


@pytest.mark.parametrize(
    "text, topic, mend",
    [
        ("ValueError: No AWS region was provided. Set the `aws_region` argument, the `AWS_REGION` "
         "/ `AWS_DEFAULT_REGION` environment variable, or configure a region for your AWS "
         "profile.", "region", "AWS_REGION"),
        ("anthropic.AnthropicError: No AWS region or base URL found. Set `aws_region` in the "
         "constructor", "region", "AWS_REGION"),
        ("ValueError: Cannot specify both `api_key` and AWS credentials (`aws_access_key`, "
         "`aws_secret_key`, `aws_session_token`, `aws_profile`)", "two-credentials", "api_key"),
        ("ValueError: Cannot specify both api_key and AWS credentials", "two-credentials",
         "api_key"),
        (PROCESS + DECODE, "credential-process", "credential_process"),
        (f"Error: getaddrinfo ENOTFOUND {HOST}\n    at GetAddrInfoReqWrap.onlookup (node:dns:1:2)",
         "unreached", "network"),
        (f"Caused by: java.net.UnknownHostException: {HOST}", "unreached", "network"),
        ("software.amazon.awssdk.core.exception.SdkClientException: Received an "
         "UnknownHostException when attempting to interact with a service.", "unreached",
         "network"),
        ("software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP "
         "request: Read timed out (SDK Attempt Count: 1)", "read-timeout", "--timeout"),
        ('{"Message":"Invalid API Key format: Must start with pre-defined prefix"}', "api-key",
         "ABSK"),
        ("There\u2019s an issue with the selected model (us.anthropic.claude-sonnet-4-5). It may "
         "not exist or you may not have access to it. Run /model to pick a different model.",
         "selected-model", "list-models"),
        ("An error occurred (AccessDeniedException) when calling the InvokeModel operation: Model "
         "access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be "
         "provided. Your AWS Marketplace subscription for this model cannot be completed at this "
         "time. If you recently fixed this issue, try again after 2 minutes.", "payment",
         "Billing"),
        ("litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are "
         "trying to call. You passed model=claude-sonnet-4-5", "litellm-provider", "`bedrock/"),
        (f'API Error: 400 {{"message":"{TOO_MANY}"}}', "max-tokens", "--max-tokens"),
        ("API Error: 400 max_tokens: 65536 > 64000", "max-tokens",
         "CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
        ("ValidationException: The maximum tokens you requested exceeds the model limit of 64000. "
         "Try again with a maximum tokens value that is lower than 64000.", "max-tokens",
         "--max-tokens"),
        ("anthropic.AuthenticationError: Error code: 401 - {'type': 'error', 'error': {'type': "
         "'authentication_error', 'message': 'invalid x-api-key'}, 'request_id': 'req_1'}",
         "anthropic-api", "CLAUDE_CODE_USE_BEDROCK"),
    ],
)  # fmt: skip
def test_what_was_unknown_or_taken_for_something_else(
    run: Run, text: str, topic: str, mend: str
) -> None:
    found = why(run, text)
    assert found["topic"] == topic
    assert mend in str(found["mends"])


def test_anthropic_s_own_api_is_the_first_cause(run: Run) -> None:
    found = why(run, '{"type":"error","error":{"type":"authentication_error","message":"invalid '
                     'x-api-key"}}')  # fmt: skip
    assert "api.anthropic.com" in found["means"] and "ANTHROPIC_API_KEY" in found["causes"][0]
    assert found["code"] == "authentication_error"  # AWS's name would say that AWS said it


def test_json_that_somebody_else_reads_is_no_credential_process(run: Run) -> None:
    other = PROCESS.replace("botocore/credentials", "app/settings")
    run("why", stdin=other + DECODE, code=6)
    done = "ok\nTraceback (most recent call last):\n" + '  File "/x/app.py", line 1, in x\n'
    run("why", stdin=PROCESS + done + DECODE, code=6)


@pytest.mark.parametrize(
    "text",
    [
        "ThrottlingException: Rate exceeded (Service: AmazonEC2; Status Code: 400; Error Code: "
        "ThrottlingException; Request ID: 1)",
        "botocore.errorfactory.ThrottlingException: An error occurred (ThrottlingException) when "
        "calling the DescribeInstances operation: Rate exceeded",
        "An error occurred (ValidationException) when calling the PutItem operation: One or more "
        "parameter values were invalid",
        "An error occurred (ResourceNotFoundException) when calling the GetItem operation: "
        "Requested resource not found",
        "operation error DynamoDB: Query, https response error StatusCode: 400, RequestID: ABC, "
        "ResourceNotFoundException: Requested resource not found",
        "An error occurred (InternalServerError) when calling the GetItem operation: Oh no",
    ],
)
def test_another_service_gets_no_answer_of_bedrock_s(run: Run, text: str) -> None:
    found = why(run, text)
    assert (found["topic"], found["exit_code"]) == ("other-service", None)
    assert found["retry"] in ("no", "now")  # no model worked
    assert "another AWS service" in found["means"]
    assert "list-models" not in str(found) and "--dry-run" not in str(found)
    assert "exit\t" not in run("why", stdin=text).out


def test_what_every_service_says_alike_is_answered_and_said_to_be_general(run: Run) -> None:
    text = "An error occurred ({}) when calling the DescribeInstances operation: {}"
    found = why(run, text.format("ExpiredToken", "The security token included is expired"))
    assert found["topic"] == "expired-credentials"
    assert "another AWS service" in found["means"]
    assert "another" not in why(run, "ExpiredToken: x")["means"]


def test_a_bucket_that_is_not_there_is_the_logs_only_where_logs_are_read(run: Run) -> None:
    text = "An error occurred (NoSuchBucket) when calling the GetObject operation: The specified "
    found = why(run, text + "bucket does not exist")
    assert found["topic"] == "bucket"
    assert "logging" not in str(found["mends"])
    found = why(run, "bedrock-claude logs: " + text + "bucket does not exist")
    assert found["topic"] == "logs-gone"


@pytest.mark.parametrize(
    "text",
    [PAGE, f"API Error: 503 {PAGE}", "503 Service Temporarily Unavailable nginx",
     "HTTP/1.1 502 Bad Gateway\nServer: openresty\n\n<html>"],
)  # fmt: skip
def test_a_proxy_s_page_is_not_bedrock_s(run: Run, text: str) -> None:
    found = why(run, text)
    assert found["topic"] == "proxy-page"
    assert "a proxy" in found["mends"][0] + found["means"]


def test_the_operations_that_are_bedrock_s() -> None:
    session = botocore.session.get_session()

    def foreign(service: str) -> set[str]:
        names = session.get_service_model(service).operation_names
        return {name for name in names if of_another_service(name, "")}

    for ours in ("bedrock", "bedrock-runtime", "sts", "sso", "sso-oidc"):
        assert not foreign(ours)
    for other in ("dynamodb", "sqs", "lambda", "ec2"):
        left = set(session.get_service_model(other).operation_names) - foreign(other)
        assert left <= {"TagResource", "UntagResource", "ListTagsForResource", "GetResourcePolicy",
                        "PutResourcePolicy", "DeleteResourcePolicy"}  # fmt: skip


@pytest.mark.parametrize(
    "status, code", [(400, 6), (401, 4), (403, 5), (404, 6), (407, 6), (502, 7), (503, 7)]
)
def test_a_proxy_s_page_has_the_exit_code_of_its_status(run: Run, status: int, code: int) -> None:
    page = PAGE.replace("503 Service Temporarily Unavailable", f"{status} Something")
    for text in (page, page.replace("nginx", "squid"), f"API Error: {status} {page}"):
        found = why(run, text)
        assert (found["topic"], found["status"], found["exit_code"]) == ("proxy-page", status, code)
    # A page without its server's name, of which no table knows the status.
    if status in (400, 404, 407):
        text = f"<!DOCTYPE html>\n<title>{status} Something</title>"
        assert why(run, text)["topic"] == "proxy-page"


@pytest.mark.parametrize(
    "text",
    [
        "botocore.exceptions.ReadTimeoutError: Read timeout on endpoint URL: "
        f'"https://{HOST}/model/x/invoke"',
        "anthropic.APIConnectionError: Connection error.",
        "An error occurred (ModelTimeoutException) when calling the Converse operation: Late",
        "An error occurred (InternalServerException) when calling the Converse operation: Oh no",
    ],
)
def test_other_clients_may_have_sent_it_again(run: Run, text: str) -> None:
    found = why(run, text)
    assert found["retry"] == "maybe-billed"
    assert "nothing was sent again" not in str(found)
    assert "the client may have sent it again by itself" in found["mends"][0]


def test_this_tool_has_sent_nothing_again(run: Run) -> None:
    text = "error: ModelTimeoutException: Late (sandbox, region us-east-1)\n"
    assert "so nothing was sent again" in why(run, text)["mends"][0]
    hint = "the model may have worked, and been billed, so nothing was sent again"
    assert why(run, f"{text}hint: {hint}\n")["mends"][0] == hint


@pytest.mark.parametrize(
    "name, operation, topic",
    [
        ("NoSuchEntity", "GetRole", "not-there"),
        ("NoSuchKey", "GetObject", "not-there"),
        ("ResourceNotFoundException", "GetLogEvents", "not-there"),
        ("ResourceNotFoundException", "GetInferenceProfile", "not-found"),
        ("ResourceNotFoundException", "Converse", "not-found"),
        ("ServiceUnavailableException", "ListFoundationModels", "calls-failed"),
        ("InternalServerException", "GetFoundationModel", "calls-failed"),
        ("InternalFailure", "AssumeRole", "calls-failed"),
        ("500", "ListFoundationModels", "calls-failed"),
        ("ServiceUnavailableException", "Converse", "capacity"),
        ("InternalServerException", "InvokeModel", "model-error"),
    ],
)
def test_what_asks_no_model_is_not_told_of_models(
    run: Run, name: str, operation: str, topic: str
) -> None:
    found = why(run, f"An error occurred ({name}) when calling the {operation} operation: Oh no")
    assert found["topic"] == topic
    if topic in ("not-there", "calls-failed"):
        assert not any(each in str(found) for each in ("list-models", "--endpoint", "billed"))


@pytest.mark.parametrize("status", [400, 403, 404, 429, 502])
def test_a_status_has_no_name_in_what_is_shown(run: Run, status: int) -> None:
    text = f"An error occurred ({status}) when calling the Converse operation: Something"
    assert run("why", text).out.startswith(f"error\tHTTP {status}: Something\n")
    text = "error: no such thing (sandbox, region us-east-1)"
    assert run("why", text).out.startswith("error\tno such thing\n")
