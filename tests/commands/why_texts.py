"""Errors as AWS, its clients and Anthropic's word them, and the forms that tools give them."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable
from typing import NamedTuple

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
REQUEST = "8ccca143-eedf-43e0-b293-ae020376db02"
USER = "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: "
GLOBAL = "arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{MODEL}"


class Said(NamedTuple):
    """What AWS says, and the topic that it is about; `plain` words need a name beside them."""

    name: str
    status: int
    message: str
    topic: str
    plain: bool = False


VALIDATION, DENIED, MISSING = (
    "ValidationException", "AccessDeniedException", "ResourceNotFoundException",
)  # fmt: skip
SLOW = "ThrottlingException"
MARKETPLACE = (
    "Model access is denied due to IAM user or service role is not authorized to perform the "
    "required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, "
    "aws-marketplace:Subscribe) to enable access to this model. Refer to the Amazon Bedrock "
    "documentation for further details. Your AWS Marketplace subscription for this model cannot be "
    "completed at this time. If you recently fixed this issue, try again after {} minutes."
)
WRAPPED = "The model returned the following errors: "

BEDROCK = [
    Said(VALIDATION, 400, f"Invocation of model ID {MODEL} with on-demand throughput isn\u2019t "
         "supported. Retry your request with the ID or ARN of an inference profile that contains "
         "this model.", "inference-profile"),
    Said(VALIDATION, 400, f"Invocation of model ID {MODEL} with on-demand throughput isn't "
         "supported. Retry your request with the ID or ARN of an inference profile that contains "
         "this model.", "inference-profile"),
    Said(VALIDATION, 400, "The provided model identifier is invalid.", "model-id"),
    Said(VALIDATION, 400, "data retention mode 'default' is not available for this model",
         "data-retention"),
    Said(VALIDATION, 400, WRAPPED + "data retention mode 'none' is not available for this model",
         "data-retention"),
    Said(VALIDATION, 400, WRAPPED + "`temperature` and `top_p` cannot both be specified for this "
         "model. Please use only one.", "temperature-top-p"),
    Said(VALIDATION, 400, WRAPPED + "thinking: Extra inputs are not permitted", "parameter"),
    Said(VALIDATION, 400, "Invalid API version: 2026-10-21", "api-version"),
    Said(VALIDATION, 400, "anthropic_version: Field required", "api-version"),
    Said(VALIDATION, 400, "Operation not allowed", "account-restricted"),
    Said(VALIDATION, 400, "Access to Anthropic models is not allowed for this account.",
         "account-restricted"),
    Said(VALIDATION, 400, "prompt is too long: 210000 tokens > 200000 maximum", "too-long"),
    Said(VALIDATION, 400, "Input is too long for requested model.", "too-long"),
    Said(VALIDATION, 400, "Malformed input request: 2 schema violations found, please reformat "
         "your input and try again.", "rejected"),
    Said(DENIED, 403, f"{USER}bedrock:InvokeModel on resource: {GLOBAL} because no identity-based "
         "policy allows the bedrock:InvokeModel action", "model-permission"),
    Said(DENIED, 403, f"{USER}bedrock:InvokeModel on resource: {PROFILE} because no identity-based "
         "policy allows the bedrock:InvokeModel action", "model-permission"),
    Said(DENIED, 403, f"{USER}bedrock:InvokeModelWithResponseStream on resource: {GLOBAL} with an "
         "explicit deny in a service control policy", "organization"),
    Said(DENIED, 403, f"{USER}bedrock:CallWithBearerToken on resource: * because no identity-based "
         "policy allows the bedrock:CallWithBearerToken action", "api-key-permission"),
    Said(DENIED, 403, MARKETPLACE.format(2), "marketplace"),
    Said(DENIED, 403, MARKETPLACE.format(5), "marketplace"),
    Said(DENIED, 403, "You don't have access to the model with the specified model ID.",
         "model-access"),
    Said(DENIED, 403, "You don\u2019t have access to the model with the specified model ID.",
         "model-access"),
    Said(DENIED, 403, "Your account is not authorized to invoke this API operation.",
         "permission"),
    Said(DENIED, 403, "Authentication failed: Please make sure your API Key is valid.", "api-key"),
    Said(DENIED, 403, "Bearer Token has expired", "api-key"),
    Said("MPAgreementBeingCreated", 403, "The agreement is being created", "agreement-pending",
         plain=True),
    Said(MISSING, 404, "Model use case details have not been submitted for this account. Fill out "
         "the Anthropic use case details form before using the model. If you have already filled "
         "out the form, try again in 15 minutes.", "use-case-form"),
    Said(MISSING, 404, "You have not filled out the request form", "use-case-form"),
    Said(MISSING, 404, "This model version has reached the end of its life. Please refer to the "
         "AWS documentation for more details.", "end-of-life"),
    Said(MISSING, 404, "Access denied. This Model is marked by provider as Legacy and you have not "
         "been actively using the model in the last 15 days. Please upgrade to an active model on "
         "Amazon Bedrock", "legacy"),
    Said(SLOW, 429, "Too many requests, please wait before trying again.", "throttled"),
    Said(SLOW, 429, "Too many tokens, please wait before trying again.", "token-rate"),
    Said(SLOW, 429, "Too many tokens per day, please wait before trying again.", "daily-quota"),
    Said(SLOW, 429, "Rate exceeded", "throttled"),
    Said("ModelNotReadyException", 429, "The model is not ready for inference", "not-ready",
         plain=True),
    Said("ModelTimeoutException", 408, "Model has timed out in processing the request. Try your "
         "request again.", "model-timeout"),
    Said("ModelErrorException", 424, "The model failed", "model-error", plain=True),
    Said("InternalServerException", 500, "The system encountered an unexpected error during "
         "processing. Try your request again.", "model-error"),
    Said("ServiceUnavailableException", 503, "Bedrock is unable to process your request.",
         "capacity"),
    Said("ServiceQuotaExceededException", 400, "Too many things", "quota", plain=True),
    # Invocation logging.
    Said(VALIDATION, 400, "Failed to validate permissions for log group: /aws/bedrock/x, with "
         "role: arn:aws:iam::111122223333:role/r. Verify the IAM role permissions are correct.",
         "logging-permissions"),
    Said(VALIDATION, 400, "Failed to validate permissions for bucket: b", "logging-permissions"),
    Said(MISSING, 400, "The specified log group does not exist.", "logs-gone", plain=True),
    # Credentials.
    Said("ExpiredTokenException", 403, "The security token included in the request is expired",
         "expired-credentials"),
    Said("UnrecognizedClientException", 403, "The security token included in the request is "
         "invalid.", "unknown-keys"),
    Said("InvalidSignatureException", 403, "Signature expired: 20260101T000000Z is now earlier "
         "than 20260101T010000Z (20260101T010500Z - 5 min.)", "clock"),
    Said("InvalidSignatureException", 403, "The request signature we calculated does not match the "
         "signature you provided. Check your AWS Secret Access Key and signing method.",
         "wrong-secret"),
    Said("IncompleteSignatureException", 400, "Authorization header requires 'Credential' "
         "parameter.", "broken-signature"),
    Said("InvalidClientTokenId", 403, "The security token included in the request is invalid.",
         "unknown-keys"),
    Said("NotAuthorized", 400, "You do not have permission to perform this action.", "permission",
         plain=True),
    Said("RequestExpired", 400, "Request has expired.", "clock"),
    Said("ExpiredToken", 403, "The security token included in the request is expired",
         "expired-credentials"),
    Said("SignatureDoesNotMatch", 403, "Signature expired: x is now earlier than y", "clock"),
    Said("AccessDenied", 403, f"{USER}sts:AssumeRole on resource: arn:aws:iam::1:role/r",
         "assume-role"),
    Said("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity",
         "assume-role"),
    Said("InvalidIdentityToken", 400, "No OpenIDConnect provider found in your account for "
         "https://token.actions.githubusercontent.com", "web-identity"),
]  # fmt: skip
# What bedrock-mantle says, in the Messages API's own body.
MANTLE = [
    Said("permission_error", 403, "claude-opus-5-5 is not available for this account",
         "mantle-account"),
    Said("not_found_error", 404, "model: us.anthropic.claude-opus-5-5", "mantle-id"),
    Said("rate_limit_error", 429, "Number of requests has exceeded your limit", "throttled"),
    Said("overloaded_error", 529, "Overloaded", "capacity"),
    Said("invalid_request_error", 400, "prompt is too long: 9 tokens > 8 maximum", "too-long"),
    Said("api_error", 500, "Internal server error", "model-error"),
    Said("authentication_error", 401, "Signature expired: x is now earlier than y", "clock"),
]  # fmt: skip
# What the clients say by themselves, without an answer of AWS's.
CLIENTS = [
    ("botocore.exceptions.NoCredentialsError", "Unable to locate credentials", "no-credentials"),
    ("botocore.exceptions.PartialCredentialsError",
     "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY", "half-a-key"),
    ("botocore.exceptions.ProfileNotFound", "The config profile (dev) could not be found",
     "profile"),
    ("botocore.exceptions.SSOTokenLoadError",
     "Error loading SSO Token: Token for corp does not exist", "login"),
    ("botocore.exceptions.TokenRetrievalError", "Error when retrieving token from sso: Token has "
     "expired and refresh failed", "login"),
    ("botocore.exceptions.UnauthorizedSSOTokenError", "The SSO session associated with this "
     "profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login "
     "with the corresponding profile.", "login"),
    ("botocore.exceptions.MissingDependencyException", "Missing Dependency: Using the login "
     "credential provider requires an additional dependency.", "login-dependency"),
    ("botocore.exceptions.NoRegionError", "You must specify a region.", "region"),
    ("botocore.exceptions.InvalidEndpointConfigurationError", "Invalid endpoint configuration: "
     "Bearer authorization requires an HTTPS endpoint.", "endpoint"),
    ("botocore.exceptions.EndpointConnectionError", "Could not connect to the endpoint URL: "
     f'"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL}/invoke"', "unreached"),
    ("botocore.exceptions.ReadTimeoutError", "Read timeout on endpoint URL: "
     f'"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL}/invoke"', "read-timeout"),
    ("botocore.exceptions.ConnectTimeoutError", 'Connect timeout on endpoint URL: "https://x/"',
     "unreached"),
    ("botocore.exceptions.ProxyConnectionError", 'Failed to connect to proxy URL: "http://p:1"',
     "proxy"),
    ("botocore.exceptions.SSLError", "SSL validation failed for https://x/ [SSL: "
     "CERTIFICATE_VERIFY_FAILED] certificate verify failed", "tls"),
    ("botocore.exceptions.ParamValidationError", "Parameter validation failed:\nInvalid type for "
     "parameter body", "client-request"),
    ("RuntimeError", "Could not resolve AWS credentials from session", "no-credentials"),
    ("ValueError", "Streaming is required for operations that may take longer than 10 minutes.",
     "long-request"),
]  # fmt: skip

TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/srv/app.py", line 14, in <module>\n    reply = client.converse(**request)\n'
    '  File "/srv/botocore/client.py", line 601, in _api_call\n'
    "    return self._make_api_call(operation_name, kwargs)\n"
    "           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
)
Form = Callable[[Said], str]


def boto3(said: Said) -> str:
    """A traceback of boto3's."""
    return (
        f"{TRACE}botocore.errorfactory.{said.name}: An error occurred ({said.name}) when calling "
        f"the Converse operation (reached max retries: 4): {said.message}\n"
    )


def _body(said: Said) -> str:
    return json.dumps({"message": said.message}, ensure_ascii=False)


def _frame(text: str) -> str:
    lines = textwrap.wrap(text, 76, break_long_words=False, break_on_hyphens=False)
    return "".join(f"│ {line}\n" for line in lines)


FORMS: dict[str, Form] = {
    "boto3": boto3,
    "aws-v1": lambda said: (
        f"\nAn error occurred ({said.name}) when calling the InvokeModel operation: "
        f"{said.message}\n"
    ),
    "aws-v2": lambda said: (
        f"\naws: [ERROR]: An error occurred ({said.name}) when calling the Converse\noperation: "
        f"{said.message}\n\nAdditional error details:\nx: y\n"
    ),
    "js-v3": lambda said: (
        "/app/node_modules/@aws-sdk/core/protocols/index.js:386\n"
        "        const exception = new ErrorCtor({});\n                          ^\n\n"
        f"{said.name}: {said.message}\n    at AwsRestJsonProtocol.handleError (/app/x.js:386:27)\n"
        "    at async file:///app/main.mjs:6:1 {\n  '$fault': 'client',\n  '$metadata': {\n"
        f"    httpStatusCode: {said.status},\n    requestId: '{REQUEST}',\n    a: 1\n  }}\n}}"
    ),
    "java": lambda said: (
        'Exception in thread "main" software.amazon.awssdk.services.bedrockruntime.model.'
        f"{said.name}: {said.message} (Service: BedrockRuntime, Status Code: {said.status}, "
        f"Request ID: {REQUEST}) (SDK Attempt Count: 1)\n\tat software.amazon.X.y(Z.java:1)\n"
    ),
    "go": lambda said: (
        "2026/01/01 00:00:00 operation error Bedrock Runtime: InvokeModel, https response error "
        f"StatusCode: {said.status}, RequestID: {REQUEST}, {said.name}: {said.message}"
    ),
    "terraform": lambda said: (
        "╷\n" + _frame(
            "Error: creating Amazon Bedrock Thing: operation error Bedrock: "
            "PutModelInvocationLoggingConfiguration, https response error StatusCode: "
            f"{said.status}, RequestID: {REQUEST}, api error {said.name}: {said.message}"
        ) + "│ \n│   with aws_bedrock_x.y,\n│   on main.tf line 1, in resource\n╵\n"
    ),
    "own-stderr": lambda said: (
        "note: sandbox\n"
        f"error: {said.name}: {said.message} (profile dev from --profile, region us-east-1 from "
        f"AWS_REGION, request {REQUEST})\nhint: something else\n"
    ),
    "html": lambda said: html.escape(f"<pre>{boto3(said)}</pre>"),
    "colours": lambda said: f"\x1b[31;1m{boto3(said)}\x1b[0m".replace("Conv", "\x1b[4mConv\x1b[m"),
    "lower": lambda said: boto3(said).lower(),
    "hard-80": lambda said: "\n".join(
        boto3(said).splitlines()[-1][at : at + 80]
        for at in range(0, len(boto3(said).splitlines()[-1]), 80)
    ),
    "words-60": lambda said: textwrap.fill(
        boto3(said).splitlines()[-1], 60, break_long_words=False, break_on_hyphens=False,
        initial_indent="  ", subsequent_indent="  ",
    ),
    "crlf": lambda said: boto3(said).replace("\n", "\r\n"),
    "curl-i": lambda said: (
        f"HTTP/2 {said.status} \r\nx-amzn-requestid: {REQUEST}\r\nx-amzn-errortype: {said.name}:"
        f"http://internal.amazon.com/coral/com.amazon.bedrock/\r\n\r\n{_body(said)}"
    ),
    "boto-response": lambda said: str(
        {"Error": {"Message": said.message, "Code": said.name}, "ResponseMetadata": {"a": 1}}
    ),
}  # fmt: skip
# These do not say AWS's name of the error.
NAMELESS: dict[str, Form] = {
    "curl": _body,
    "anthropic-python": lambda said: (
        f"{TRACE}anthropic.{SDK[said.status]}: Error code: {said.status} - "
        f"{ {'message': said.message}!s}\n"
    ),
    "anthropic-typescript": lambda said: (
        f"{SDK[said.status]}: {said.status} {_body(said)}\n    at APIError.generate (x.mjs:55:24)\n"
        "    at async file:///x.mjs:3:6 {\n  status: 400\n}"
    ),
    "anthropic-typescript-new": lambda said: (
        f"{SDK[said.status]}: {said.status} {said.message}\n    at APIError.generate (x.mjs:5:4)\n"
        f"  error: {{ message: {said.message!r} }},\n  type: null\n}}"
    ),
    "claude-code": lambda said: f"  ⎿  API Error: {said.status} {_body(said)} · Please try again",
    "claude-code-model": lambda said: f"API Error ({MODEL}): {said.status} {said.message}",
    "claude-code-brackets": lambda said: f"API Error ({said.status} {said.message})",
    "litellm": lambda said: (
        f"litellm.exceptions.BadRequestError: litellm.BadRequestError: BedrockException - "
        f"{_body(said)}. Received Model Group=bedrock/{MODEL}\nAvailable Model Group Fallbacks=None"
    ),
    "litellm-proxy": lambda said: json.dumps(
        {"error": {"message": f"litellm.APIConnectionError: BedrockException - {_body(said)}.",
                   "type": None, "code": "500"}}
    ),
    "litellm-dash": lambda said: f"litellm.Timeout: BedrockException: Timeout - {said.message}",
    "bare": lambda said: said.message,
    "error-line": lambda said: f"2026-01-01 12:00:00 ERROR app: Validation error: {said.message}",
    "twice-json": lambda said: json.dumps({"log": json.dumps({"err": _body(said)})}),
}  # fmt: skip
SDK: dict[int, str] = {
    400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError",
    404: "NotFoundError", 408: "RequestTimeoutError", 424: "APIStatusError", 429: "RateLimitError",
    500: "InternalServerError", 503: "ServiceUnavailableError", 529: "OverloadedError",
}  # fmt: skip


def messages_body(said: Said) -> str:
    """The Messages API's own body of an error."""
    body = {"type": "error", "request_id": "req_1",
            "error": {"type": said.name, "message": said.message}}  # fmt: skip
    return json.dumps(body)


MESSAGES: dict[str, Form] = {
    "curl": messages_body,
    "python": lambda said: (
        f"anthropic.{SDK[said.status]}: Error code: {said.status} - "
        f"{json.loads(messages_body(said))}"
    ),
    "typescript": lambda said: f"{SDK[said.status]}: {said.status} {messages_body(said)}",
    "claude-code": lambda said: f"API Error: {said.status} {messages_body(said)}",
}
