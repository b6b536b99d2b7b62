"""What AWS's errors mean: one table from error name and text to exit code, hint and retry."""

from __future__ import annotations

import re
from typing import NamedTuple

from bedrock_claude_cli.errors import (
    AuthError,
    CliError,
    ConfigError,
    DeniedError,
    RejectedError,
    UnavailableError,
)


class Verdict(NamedTuple):
    """What an error means for a user; `hint`, `retry` and `topic` as in `Known`."""

    error: type[CliError]
    hint: str | None
    retry: str
    topic: str


class Known(NamedTuple):
    """One row of the table: an AWS error name and a stable part of its message, explained.

    `names` empty means any name, `operation` any operation; `fragment` is matched in lower case,
    and `#` in it stands for a number.
    `hint` may hold `{login}`, `{model}`, `{region}`, `{chat}` (what helps in a chat) and
    `{unlisted}` (a region that botocore does not list), filled from what the command knows.
    `topic` is the key of what `why` says more of it, in `diagnosis.topics`.
    """

    topic: str
    names: tuple[str, ...]
    fragment: str
    error: type[CliError]
    hint: str | None
    retry: str = "no"
    operation: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What it means, without what it is recognised by."""
        return Verdict(self.error, self.hint, self.retry, self.topic)


def says(text: str, fragment: str) -> bool:
    """Whether a row's fragment stands in a text of lower case."""
    return fragment in text or ("#" in fragment and fragment in re.sub(r"\d+", "#", text))


# What these texts may hold for the door to fill in, and what stands there where it knows nothing.
PLACES = {
    "{login}": "`aws sso login` or `aws configure`",
    "{region}": "REGION",
    "{model}": "MODEL",
    "{chat}": "",
    "{unlisted}": "",
    "{nearer}": ", as in `--endpoint us` (or eu, jp, au)",
    "{roomier}": "; a global endpoint has the most",
}
_MARKETPLACE = (
    "`bedrock-claude access request {model}`, run once by an identity with "
    "aws-marketplace:Subscribe and aws-marketplace:ViewSubscriptions, opens it for the account; "
    "then try again after 2 minutes"
)
_AGREEMENT = (
    "the Marketplace agreement is being created: `bedrock-claude access request {model}` waits for "
    "it, or try again in 15 minutes"
)
_LIST = "`bedrock-claude list-models --ids --region {region}` prints every id this region takes"
_USE_CASE = (
    "`bedrock-claude access request {model}` submits Anthropic's one-time use-case form and makes "
    "the agreement; where the form was sent already, try again in 15 minutes"
)
_RETENTION = (
    "this model needs another data-retention mode for the account; that shares prompts with the "
    "provider, so it is the account owner's choice: `bedrock-claude access request {model} "
    "--data-retention MODE` (`bedrock-claude access check {model}` shows which of them are known)"
)
_ANTHROPIC = (
    "that is Anthropic's own API, not Bedrock: use the SDK's AnthropicBedrock, in Claude Code set "
    "CLAUDE_CODE_USE_BEDROCK=1, in litellm write bedrock/ before the model's id"
)
_FEWER = "lower --max-tokens: the message names the most that the model takes"
_CLOCK = "set this machine's clock: AWS accepts a signature for 5 minutes only"
_TRUST = "the role's trust policy must allow this identity, audience and subject"
_BUSY = "Bedrock is out of capacity for this model for now{roomier}"
EXPIRED = "renew the credentials: {login}"
_MAYBE = "the model may have worked, and been billed, so nothing was sent again"

_GONE = (
    "invocation logging in {region} may name what is not there any more: `bedrock-claude logs "
    "status --region {region}` shows it, and `bedrock-claude enable-logging --region {region}` "
    "makes it again"
)
_OFF = "region {region} may be switched off in this account: its owner enables it, or give --region"
_SOMEBODY = "somebody else changes it at this moment: try again in a little while"
_MOTO = (
    "install the extra: in a checkout `pip install '.[sandbox]'`, or with pipx `pipx install "
    "--force '.[sandbox]'`; from PyPI `pip install 'bedrock-claude-cli[sandbox]'`"
)
_QUOTA = "ask for a higher quota in the Service Quotas console"
_SLOWER = "wait a little, or raise --retries"
AGAIN = "wait a minute, then try again"

_THROTTLE = (
    "ThrottlingException", "Throttling", "TooManyRequestsException",
    "ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded",
    "SlowDown", "BandwidthLimitExceeded",
)  # fmt: skip

# What the Messages API calls the same errors: docs.anthropic.com "Errors". A row may name either.
AWS_NAMES = {
    "invalid_request_error": "ValidationException",
    "authentication_error": "UnrecognizedClientException",
    "permission_error": "AccessDeniedException",
    "not_found_error": "ResourceNotFoundException",
    "request_too_large": "ValidationException",
    "rate_limit_error": "ThrottlingException",
    "timeout_error": "ModelTimeoutException",
    "api_error": "InternalServerException",
    "overloaded_error": "ServiceUnavailableException",
}

_SIGNATURE = ("InvalidSignatureException", "SignatureDoesNotMatch")

# Error texts and what they mean: docs.aws.amazon.com/bedrock "Troubleshooting API error codes" and
# the public issue threads that quote them. First match wins.
TABLE: tuple[Known, ...] = (
    Known("expired-credentials", ("ExpiredTokenException", "ExpiredToken"), "", AuthError, EXPIRED),
    Known("expired-credentials",
          (), "security token included in the request is expired", AuthError, EXPIRED),
    Known("clock", ("RequestExpired", "RequestTimeTooSkewed"), "", AuthError, _CLOCK),
    Known("clock", (*_SIGNATURE, "authentication_error"), "signature expired", AuthError, _CLOCK),
    Known("clock", (*_SIGNATURE, "authentication_error"), "not yet current", AuthError, _CLOCK),
    Known("wrong-secret", _SIGNATURE, "", AuthError,
          "the secret access key does not belong to the access key id: `aws configure` sets both"),
    Known("anthropic-api", ("authentication_error",), "invalid x-api-key", AuthError, _ANTHROPIC),
    Known("anthropic-api", ("invalid_request_error",), "to access the anthropic api", DeniedError,
          _ANTHROPIC),
    Known("unknown-keys",
          ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
           "InvalidToken"), "", AuthError,
          "AWS does not know these keys, or region {region} is not enabled in the account; "
          "`bedrock-claude verify-creds` shows which keys are used"),
    Known("broken-signature",
          ("IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
           "MissingAuthenticationTokenException"), "", AuthError,
          "a proxy may have changed the request; `bedrock-claude verify-creds` shows the endpoint"),
    Known("web-identity",
          ("InvalidIdentityToken", "InvalidIdentityTokenException", "IDPCommunicationError"), "",
          AuthError, "compare the token's issuer and audience with the role's identity provider"),
    Known("assume-role", (), "not authorized to perform: sts:assumerole", AuthError, _TRUST),
    Known("assume-role", (), "not authorized to perform sts:assumerole", AuthError, _TRUST),
    Known("payment",
          ("AccessDeniedException", "AccessDenied"), "invalid_payment_instrument", DeniedError,
          "the account's owner adds a payment method that AWS Marketplace takes (Billing console, "
          "Payment preferences); then try again after 2 minutes"),
    Known("marketplace",
          ("AccessDeniedException", "AccessDenied"), "aws marketplace actions", DeniedError,
          _MARKETPLACE),
    Known("agreement-pending", ("MPAgreementBeingCreated",), "", DeniedError,
          _AGREEMENT, "later"),
    Known("agreement-pending", ("AccessDeniedException",),
          "marketplace subscription for this model is", DeniedError, _AGREEMENT, "later"),
    Known("use-case-form", ("AccessDeniedException",), "have not filled out the request form",
          DeniedError, _USE_CASE),
    Known("api-key", ("AccessDeniedException", "AccessDenied"), "authentication failed", AuthError,
          "the Bedrock API key in AWS_BEARER_TOKEN_BEDROCK is not valid; make a new one, "
          "or unset it to use your AWS credentials"),
    Known("api-key",
          ("AccessDeniedException", "AccessDenied"), "invalid api key format", AuthError,
          "a Bedrock API key begins with ABSK or bedrock-api-key-: set AWS_BEARER_TOKEN_BEDROCK to "
          "a whole one, or unset it to use your AWS credentials"),
    Known("api-key", ("AccessDeniedException", "AccessDenied"), "bearer token", AuthError,
          "the Bedrock API key in AWS_BEARER_TOKEN_BEDROCK is not valid any more"),
    Known("api-key-permission",
          ("AccessDeniedException", "AccessDenied"), "bedrock:callwithbearertoken", DeniedError,
          "grant bedrock:CallWithBearerToken to the identity behind the Bedrock API key"),
    Known("organization",
          ("AccessDeniedException", "AccessDenied"), "service control policy", DeniedError,
          "an organization's policy denies it, or does not allow it: ask its administrator (a "
          "global endpoint needs the region `unspecified` allowed), or choose another "
          "endpoint{nearer}"),
    Known("model-permission", ("AccessDeniedException",), "foundation-model/anthropic", DeniedError,
          "grant {action} on the inference profile and on the foundation model in every "
          "destination region{statement}"),
    Known("model-access",
          ("AccessDeniedException",), "have access to the model", DeniedError, _USE_CASE),
    Known("s3-permission", ("AccessDenied",), "access denied", DeniedError,
          "to read logs in S3 takes s3:ListBucket on the bucket, s3:GetObject on its objects, and "
          "kms:Decrypt where a key of yours encrypts them"),
    Known("mantle-account", ("permission_error",), "not available for this account", DeniedError,
          "bedrock-mantle does not offer the model to this account; `--via invoke` may reach it"),
    Known("permission",
          ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized"), "",
          DeniedError, "ask an administrator of the account to grant {action}{statement}"),
    Known("region-off", ("OptInRequired",), "", DeniedError, _OFF),
    Known("sandbox-moto", ("SandboxNeedsMoto",), "", RejectedError, _MOTO),
    Known("account-restricted", ("ValidationException",), "operation not allowed", DeniedError,
          "the account is restricted (often a new one): ask AWS Support to enable Bedrock"),
    Known("account-restricted",
          ("ValidationException",), "is not allowed for this account", DeniedError,
          "Anthropic's models are not offered to this account or its country"),
    Known("data-retention",
          ("ValidationException",), "data retention mode", DeniedError, _RETENTION),
    Known("use-case-form",
          ("ResourceNotFoundException",), "use case details have not been submitted", DeniedError,
          _USE_CASE),
    Known("use-case-form",
          ("ResourceNotFoundException",), "have not filled out the request form", DeniedError,
          _USE_CASE),
    Known("legacy", ("ResourceNotFoundException",), "marked by provider as legacy", DeniedError,
          "use an active model: `bedrock-claude list-models --active`"),
    Known("end-of-life", ("ResourceNotFoundException",), "end of its life", RejectedError,
          "use an active model: `bedrock-claude list-models --active`"),
    Known("logs-gone", ("ResourceNotFoundException",), "log group", RejectedError, _GONE),
    Known("logs-gone", ("NoSuchBucket",), "", RejectedError, _GONE),
    Known("mantle-id", ("not_found_error",), "", RejectedError,
          "bedrock-mantle has ids of its own and fewer regions; `--via invoke` calls the model "
          "through an inference profile"),
    Known("inference-profile",
          ("ValidationException",), "on-demand throughput isn", RejectedError, _LIST),
    Known("model-id",
          ("ValidationException",), "model identifier is invalid", RejectedError, _LIST),
    Known("api-version", ("ValidationException",), "invalid api version", RejectedError,
          "on Bedrock, anthropic_version is `bedrock-2023-05-31`"),
    Known("api-version", ("ValidationException",), "anthropic_version", RejectedError,
          "on Bedrock, anthropic_version is `bedrock-2023-05-31`"),
    Known("temperature-top-p",
          ("ValidationException",), "`temperature` and `top_p` cannot both", RejectedError,
          "give only one of --temperature and --top-p"),
    Known("too-long",
          ("ValidationException", "invalid_request_error"), "prompt is too long", RejectedError,
          "shorten the prompt{chat}, or use a model with a larger context: "
          "`bedrock-claude list-models`"),
    Known("too-long", ("ValidationException",), "input is too long", RejectedError,
          "shorten the prompt, or use a model with a larger context: `bedrock-claude list-models`"),
    Known("max-tokens", ("ValidationException", "invalid_request_error"), "max_tokens: # > #",
          RejectedError, _FEWER),
    Known("max-tokens", ("ValidationException",), "exceeds the model limit of #", RejectedError,
          _FEWER),
    Known("parameter", ("ValidationException",), "extra inputs are not permitted", RejectedError,
          "the model does not take one of these parameters; `bedrock-claude ask --dry-run` "
          "shows what is sent"),
    Known("logging-permissions",
          ("ValidationException",), "failed to validate permissions", RejectedError,
          "check that the log group or bucket exists and the role's trust and policy match it"),
    # docs.aws.amazon.com/AmazonCloudWatchLogs, StartQuery: so many queries may run at once.
    Known("insights-limit", ("LimitExceededException",), "", UnavailableError,
          "too many CloudWatch Logs Insights queries run in this account and region: try again in "
          "a minute", "now", operation="StartQuery"),
    Known("quota", ("ServiceQuotaExceededException", "LimitExceededException", "LimitExceeded",
           "TooManyBuckets"), "", RejectedError, _QUOTA),
    # The last three are IAM's, S3's and CloudWatch Logs' own names for one thing.
    Known("changing",
          ("EntityTemporarilyUnmodifiable", "ConcurrentModification", "OperationAborted",
           "OperationAbortedException"), "", UnavailableError, _SOMEBODY, "now"),
    Known("daily-quota", _THROTTLE, "per day", UnavailableError,
          "the account's daily token quota is used up; it helps to wait until tomorrow or to ask "
          "for a higher quota (a new account may have none)", "later"),
    Known("token-rate", _THROTTLE, "too many tokens", UnavailableError,
          "input and --max-tokens count against the quota when a request starts: lower "
          "--max-tokens, or wait a minute", "now"),
    Known("throttled", _THROTTLE, "", UnavailableError, _SLOWER, "now"),
    Known("not-ready", ("ModelNotReadyException",), "", UnavailableError,
          "the model is being made ready; try again in a minute", "now"),
    Known("capacity", ("ServiceUnavailableException", "ServiceUnavailable"), "",
          UnavailableError, _BUSY, "now"),
    Known("model-timeout", ("ModelTimeoutException",), "", UnavailableError,
          f"{_MAYBE}; ask for less at once, or raise --timeout", "maybe-billed"),
    Known("model-error",
          ("ModelErrorException", "ModelStreamErrorException", "InternalServerException",
           "InternalFailure", "InternalServerError"), "", UnavailableError, _MAYBE,
          "maybe-billed"),
)  # fmt: skip
# Before every row that grants: IAM's words say that a policy denies the action itself.
EXPLICIT_DENY = Verdict(DeniedError, "{lifting}", "no", "explicit-deny")
# And that a policy beside those of the identity does not allow it.
BOUNDED = Verdict(DeniedError, "{lifting}", "no", "bounded")
# What these say holds for calls of a model only.
OF_A_MODEL = (_SLOWER, _BUSY)

NO_CREDENTIALS = (
    "run `aws configure`, or `aws configure sso` and then name its profile with --profile, or copy "
    "keys from your AWS access portal (Command line or programmatic access); `--sandbox` tries "
    "everything without an account"
)
_UNREACHED = "check the network, the proxy and the region's name; nothing was billed{unlisted}"

_MISCONFIGURED = (
    "InvalidChecksumConfigError", "InvalidDefaultsMode", "InvalidIMDSEndpointError",
    "InvalidIMDSEndpointModeError", "InvalidMaxRetryAttemptsError", "InvalidProxiesConfigError",
    "InvalidRetryConfigurationError", "InvalidRetryModeError",
    "InvalidSTSRegionalEndpointsConfigError", "UnknownCredentialError", "EndpointVariantError",
)  # fmt: skip

_LOG_IN = Verdict(AuthError, "{login}", "no", "login")
_MISSED = Verdict(UnavailableError, _UNREACHED, "now", "unreached")
_PROXY = Verdict(UnavailableError, "check HTTPS_PROXY; nothing was billed", "now", "proxy")
_LATE = Verdict(UnavailableError, f"{_MAYBE}; raise --timeout", "maybe-billed", "read-timeout")
_BROKEN = Verdict(UnavailableError, _MAYBE, "maybe-billed", "broken-off")
_NOBODY = Verdict(AuthError, NO_CREDENTIALS, "no", "no-credentials")

# Exceptions that never reached AWS, or lost it on the way, by class name (botocore, the anthropic
# SDK and its HTTP layer).
CLIENT_TABLE: dict[str, Verdict] = {
    "NoCredentialsError": _NOBODY,
    "PartialCredentialsError": Verdict(
        AuthError, "set both halves of the key, or use a profile", "no", "half-a-key"),
    "CredentialRetrievalError": Verdict(
        AuthError, "run the profile's credential_process by hand, or look at what the container's "
        "credentials address answers", "no", "credential-process"),
    **dict.fromkeys((
        "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "SSOError",
        "LoginRefreshRequired", "LoginTokenLoadError", "LoginInsufficientPermissions",
        "LoginError", "NoAuthTokenError"), _LOG_IN),
    "MissingDependencyException": Verdict(
        AuthError, "`pip install \"botocore[crt]\"` beside this tool: `aws login` needs it", "no",
        "login-dependency"),
    "MetadataRetrievalError": _NOBODY,
    "RefreshWithMFAUnsupportedError": Verdict(
        AuthError, "use temporary keys or SSO instead", "no", "mfa"),
    "ProfileNotFound": Verdict(
        ConfigError, "`aws configure list-profiles` prints the profiles", "no", "profile"),
    "ConfigNotFound": Verdict(ConfigError, None, "no", "aws-config"),
    "ConfigParseError": Verdict(
        ConfigError, "mend the AWS config file named above", "no", "aws-config"),
    "InvalidConfigError": Verdict(
        ConfigError, "mend the profile in the AWS config file", "no", "aws-config"),
    "NoRegionError": Verdict(ConfigError, "give --region, or set AWS_REGION", "no", "region"),
    "InvalidRegionError": Verdict(
        ConfigError, "a region is written like `us-east-1`", "no", "region"),
    "InvalidEndpointConfigurationError": Verdict(
        ConfigError, "unset AWS_BEARER_TOKEN_BEDROCK, or use an https endpoint", "no", "endpoint"),
    "EndpointProviderError": Verdict(
        ConfigError, "look at AWS_ENDPOINT_URL*, AWS_USE_FIPS_ENDPOINT and "
        "AWS_USE_DUALSTACK_ENDPOINT", "no", "endpoint"),
    **dict.fromkeys(_MISCONFIGURED, Verdict(
        ConfigError, "mend it in the environment or in the AWS config file", "no", "aws-config")),
    "UnknownServiceError": Verdict(ConfigError, "upgrade boto3", "no", "old-library"),
    **dict.fromkeys((
        "EndpointConnectionError", "ConnectTimeoutError", "ConnectError", "ConnectTimeout",
    ), _MISSED),
    **dict.fromkeys(("ProxyConnectionError", "ProxyError"), _PROXY),
    "SSLError": Verdict(
        UnavailableError, "behind a TLS proxy, set AWS_CA_BUNDLE to its certificate", "now",
        "tls"),
    **dict.fromkeys(("ReadTimeoutError", "TimeoutException", "APITimeoutError"), _LATE),
    "PoolTimeout": Verdict(
        UnavailableError, "nothing was billed; ask less at once", "now", "pool"),
    **dict.fromkeys((
        "ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError",
        "HTTPClientError", "ChecksumMismatch", "InvalidHeadersLength", "InvalidPayloadLength",
        "ParserError", "ResponseParserError", "TransportError", "APIConnectionError"), _BROKEN),
}  # fmt: skip

# What only the HTTP status tells, where no row of TABLE fits.
BY_STATUS: dict[int, Verdict] = {
    401: Verdict(AuthError, None, "no", "unauthorized"),
    403: Verdict(DeniedError, None, "no", "permission"),
    408: Verdict(UnavailableError, None, "maybe-billed", "model-timeout"),
    424: Verdict(UnavailableError, None, "maybe-billed", "model-error"),
    429: Verdict(UnavailableError, None, "now", "throttled"),
    **dict.fromkeys(
        (500, 502, 504), Verdict(UnavailableError, None, "maybe-billed", "server-error")
    ),
    **dict.fromkeys((503, 529), Verdict(UnavailableError, None, "now", "capacity")),
}
# Every other status, and what came inside a stream, where a model was at work.
OTHER = Verdict(RejectedError, None, "no", "rejected")
IN_A_STREAM = Verdict(UnavailableError, None, "maybe-billed", "broken-off")

# Names that say what `why` may tell of an error which no row tells apart.
BY_NAME = {
    "ValidationException": "rejected", "ValidationError": "rejected",
    "ResourceNotFoundException": "not-found", "NoSuchEntity": "not-found", "NoSuchKey": "not-found",
    "ConflictException": "changing", "ResourceInUseException": "changing",
}  # fmt: skip
