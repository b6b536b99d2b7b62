"""What AWS's errors mean: one table from error name and text to exit code, hint and retry."""

from __future__ import annotations

from typing import NamedTuple

from bedrock_claude_cli.errors import (
    AuthError,
    CliError,
    ConfigError,
    DeniedError,
    RejectedError,
    UnavailableError,
)


class Known(NamedTuple):
    """One row of the table: an AWS error name and a stable part of its message, explained.

    `names` empty means any name, `operation` any operation; `fragment` is matched in lower case.
    `hint` may hold `{login}`, `{model}`, `{region}` and `{unlisted}` (a region that botocore does
    not list), filled from what the command knows.
    """

    names: tuple[str, ...]
    fragment: str
    error: type[CliError]
    hint: str | None
    retry: str = "no"
    operation: str | None = None


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
    "--data-retention MODE` (`bedrock-claude access check {model}` shows the modes it takes)"
)
_CLOCK = "set this machine's clock: AWS accepts a signature for 5 minutes only"
_TRUST = "the role's trust policy must allow this identity, audience and subject"
_BUSY = "Bedrock is out of capacity for this model for now; a global endpoint has the most"
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
    Known(("ExpiredTokenException", "ExpiredToken"), "", AuthError, EXPIRED),
    Known((), "security token included in the request is expired", AuthError, EXPIRED),
    Known(("RequestExpired", "RequestTimeTooSkewed"), "", AuthError, _CLOCK),
    Known((*_SIGNATURE, "authentication_error"), "signature expired", AuthError, _CLOCK),
    Known((*_SIGNATURE, "authentication_error"), "not yet current", AuthError, _CLOCK),
    Known(_SIGNATURE, "", AuthError,
          "the secret access key does not belong to the access key id: `aws configure` sets both"),
    Known(("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
           "InvalidToken"), "", AuthError,
          "AWS does not know these keys, or region {region} is not enabled in the account; "
          "`bedrock-claude verify-creds` shows which keys are used"),
    Known(("IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
           "MissingAuthenticationTokenException"), "", AuthError,
          "a proxy may have changed the request; `bedrock-claude verify-creds` shows the endpoint"),
    Known(("InvalidIdentityToken", "InvalidIdentityTokenException", "IDPCommunicationError"), "",
          AuthError, "compare the token's issuer and audience with the role's identity provider"),
    Known((), "not authorized to perform: sts:assumerole", AuthError, _TRUST),
    Known((), "not authorized to perform sts:assumerole", AuthError, _TRUST),
    Known(("AccessDeniedException", "AccessDenied"), "aws marketplace actions", DeniedError,
          _MARKETPLACE),
    Known(("MPAgreementBeingCreated",), "", DeniedError,
          _AGREEMENT, "later"),
    Known(("AccessDeniedException", "AccessDenied"), "authentication failed", AuthError,
          "the Bedrock API key in AWS_BEARER_TOKEN_BEDROCK is not valid; make a new one, "
          "or unset it to use your AWS credentials"),
    Known(("AccessDeniedException", "AccessDenied"), "bearer token", AuthError,
          "the Bedrock API key in AWS_BEARER_TOKEN_BEDROCK is not valid any more"),
    Known(("AccessDeniedException", "AccessDenied"), "bedrock:callwithbearertoken", DeniedError,
          "grant bedrock:CallWithBearerToken to the identity behind the Bedrock API key"),
    Known(("AccessDeniedException", "AccessDenied"), "service control policy", DeniedError,
          "an organization's policy denies it: ask its administrator (a global endpoint needs the "
          "region `unspecified` allowed), or choose another endpoint, as in `--endpoint us`"),
    Known(("AccessDeniedException",), "foundation-model/anthropic", DeniedError,
          "grant {action} on the inference profile and on the foundation model in every "
          "destination region{statement}"),
    Known(("AccessDeniedException",), "have access to the model", DeniedError, _USE_CASE),
    Known(("AccessDenied",), "access denied", DeniedError,
          "to read logs in S3 takes s3:ListBucket on the bucket, s3:GetObject on its objects, and "
          "kms:Decrypt where a key of yours encrypts them"),
    Known(("permission_error",), "not available for this account", DeniedError,
          "bedrock-mantle does not offer the model to this account; `--via invoke` may reach it"),
    Known(("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized"), "",
          DeniedError, "ask an administrator of the account to grant {action}{statement}"),
    Known(("OptInRequired",), "", DeniedError, _OFF),
    Known(("SandboxNeedsMoto",), "", RejectedError, _MOTO),
    Known(("ValidationException",), "operation not allowed", DeniedError,
          "the account is restricted (often a new one): ask AWS Support to enable Bedrock"),
    Known(("ValidationException",), "is not allowed for this account", DeniedError,
          "Anthropic's models are not offered to this account or its country"),
    Known(("ValidationException",), "data retention mode", DeniedError, _RETENTION),
    Known(("ResourceNotFoundException",), "use case details have not been submitted", DeniedError,
          _USE_CASE),
    Known(("ResourceNotFoundException",), "have not filled out the request form", DeniedError,
          _USE_CASE),
    Known(("ResourceNotFoundException",), "marked by provider as legacy", DeniedError,
          "use an active model: `bedrock-claude list-models --active`"),
    Known(("ResourceNotFoundException",), "end of its life", RejectedError,
          "use an active model: `bedrock-claude list-models --active`"),
    Known(("ResourceNotFoundException",), "log group", RejectedError, _GONE),
    Known(("NoSuchBucket",), "", RejectedError, _GONE),
    Known(("not_found_error",), "", RejectedError,
          "bedrock-mantle has ids of its own and fewer regions; `--via invoke` calls the model "
          "through an inference profile"),
    Known(("ValidationException",), "on-demand throughput isn", RejectedError, _LIST),
    Known(("ValidationException",), "model identifier is invalid", RejectedError, _LIST),
    Known(("ValidationException",), "invalid api version", RejectedError,
          "on Bedrock, anthropic_version is `bedrock-2023-05-31`"),
    Known(("ValidationException",), "anthropic_version", RejectedError,
          "on Bedrock, anthropic_version is `bedrock-2023-05-31`"),
    Known(("ValidationException",), "`temperature` and `top_p` cannot both", RejectedError,
          "give only one of --temperature and --top-p"),
    Known(("ValidationException", "invalid_request_error"), "prompt is too long", RejectedError,
          "shorten the prompt, begin another --chat, or use a model with a larger context: "
          "`bedrock-claude list-models`"),
    Known(("ValidationException",), "input is too long", RejectedError,
          "shorten the prompt, or use a model with a larger context: `bedrock-claude list-models`"),
    Known(("ValidationException",), "extra inputs are not permitted", RejectedError,
          "the model does not take one of these parameters; `--dry-run` shows what is sent"),
    Known(("ValidationException",), "failed to validate permissions", RejectedError,
          "check that the log group or bucket exists and the role's trust and policy match it"),
    # docs.aws.amazon.com/AmazonCloudWatchLogs, StartQuery: so many queries may run at once.
    Known(("LimitExceededException",), "", UnavailableError,
          "too many CloudWatch Logs Insights queries run in this account and region: try again in "
          "a minute", "now", operation="StartQuery"),
    Known(("ServiceQuotaExceededException", "LimitExceededException", "LimitExceeded",
           "TooManyBuckets"), "", RejectedError, _QUOTA),
    # The last three are IAM's, S3's and CloudWatch Logs' own names for one thing.
    Known(("EntityTemporarilyUnmodifiable", "ConcurrentModification", "OperationAborted",
           "OperationAbortedException"), "", UnavailableError, _SOMEBODY, "now"),
    Known(_THROTTLE, "per day", UnavailableError,
          "the account's daily token quota is used up; it helps to wait until tomorrow or to ask "
          "for a higher quota (a new account may have none)", "later"),
    Known(_THROTTLE, "too many tokens", UnavailableError,
          "input and --max-tokens count against the quota when a request starts: lower "
          "--max-tokens, or wait a minute", "now"),
    Known(_THROTTLE, "", UnavailableError, _SLOWER, "now"),
    Known(("ModelNotReadyException",), "", UnavailableError,
          "the model is being made ready; try again in a minute", "now"),
    Known(("ServiceUnavailableException", "ServiceUnavailable"), "",
          UnavailableError, _BUSY, "now"),
    Known(("ModelTimeoutException",), "", UnavailableError,
          f"{_MAYBE}; ask for less at once, or raise --timeout", "maybe-billed"),
    Known(("ModelErrorException", "ModelStreamErrorException", "InternalServerException",
           "InternalFailure", "InternalServerError"), "", UnavailableError, _MAYBE,
          "maybe-billed"),
)  # fmt: skip
# What these say holds for calls of a model only.
OF_A_MODEL = (_SLOWER, _BUSY)

NO_CREDENTIALS = (
    "run `aws configure` or `aws sso login`, or copy keys from your AWS access portal "
    "(Command line or programmatic access); `--sandbox` tries everything without an account"
)
_UNREACHED = "check the network, the proxy and the region's name; nothing was billed{unlisted}"

_MISCONFIGURED = (
    "InvalidChecksumConfigError", "InvalidDefaultsMode", "InvalidIMDSEndpointError",
    "InvalidIMDSEndpointModeError", "InvalidMaxRetryAttemptsError", "InvalidProxiesConfigError",
    "InvalidRetryConfigurationError", "InvalidRetryModeError",
    "InvalidSTSRegionalEndpointsConfigError", "UnknownCredentialError", "EndpointVariantError",
)  # fmt: skip

# Exceptions that never reached AWS, or lost it on the way, by class name (botocore, the anthropic
# SDK and its HTTP layer).
CLIENT_TABLE: dict[str, tuple[type[CliError], str | None, str]] = {
    "NoCredentialsError": (AuthError, NO_CREDENTIALS, "no"),
    "PartialCredentialsError": (AuthError, "set both halves of the key, or use a profile", "no"),
    "CredentialRetrievalError": (
        AuthError, "run the profile's credential_process by hand, or look at what the container's "
        "credentials address answers", "no"),
    "SSOTokenLoadError": (AuthError, "{login}", "no"),
    "TokenRetrievalError": (AuthError, "{login}", "no"),
    "UnauthorizedSSOTokenError": (AuthError, "{login}", "no"),
    "SSOError": (AuthError, "{login}", "no"),
    "LoginRefreshRequired": (AuthError, "{login}", "no"),
    "LoginTokenLoadError": (AuthError, "{login}", "no"),
    "LoginInsufficientPermissions": (AuthError, "{login}", "no"),
    "LoginError": (AuthError, "{login}", "no"),
    "NoAuthTokenError": (AuthError, "{login}", "no"),
    "MissingDependencyException": (
        AuthError, "`pip install \"botocore[crt]\"` beside this tool: `aws login` needs it", "no"),
    "MetadataRetrievalError": (AuthError, NO_CREDENTIALS, "no"),
    "RefreshWithMFAUnsupportedError": (AuthError, "use temporary keys or SSO instead", "no"),
    "ProfileNotFound": (ConfigError, "`aws configure list-profiles` prints the profiles", "no"),
    "ConfigNotFound": (ConfigError, None, "no"),
    "ConfigParseError": (ConfigError, "mend the AWS config file named above", "no"),
    "InvalidConfigError": (ConfigError, "mend the profile in the AWS config file", "no"),
    "NoRegionError": (ConfigError, "give --region, or set AWS_REGION", "no"),
    "InvalidRegionError": (ConfigError, "a region is written like `us-east-1`", "no"),
    "InvalidEndpointConfigurationError": (
        ConfigError, "unset AWS_BEARER_TOKEN_BEDROCK, or use an https endpoint", "no"),
    "EndpointProviderError": (
        ConfigError, "look at AWS_ENDPOINT_URL*, AWS_USE_FIPS_ENDPOINT and "
        "AWS_USE_DUALSTACK_ENDPOINT", "no"),
    **dict.fromkeys(_MISCONFIGURED, (
        ConfigError, "mend it in the environment or in the AWS config file", "no")),
    "UnknownServiceError": (ConfigError, "upgrade boto3", "no"),
    "EndpointConnectionError": (UnavailableError, _UNREACHED, "now"),
    "ConnectTimeoutError": (UnavailableError, _UNREACHED, "now"),
    "ProxyConnectionError": (UnavailableError, "check HTTPS_PROXY; nothing was billed", "now"),
    "SSLError": (
        UnavailableError, "behind a TLS proxy, set AWS_CA_BUNDLE to its certificate", "now"),
    "ReadTimeoutError": (UnavailableError, f"{_MAYBE}; raise --timeout", "maybe-billed"),
    "ConnectionClosedError": (UnavailableError, _MAYBE, "maybe-billed"),
    "ResponseStreamingError": (UnavailableError, _MAYBE, "maybe-billed"),
    "IncompleteReadError": (UnavailableError, _MAYBE, "maybe-billed"),
    "HTTPClientError": (UnavailableError, _MAYBE, "maybe-billed"),
    "ChecksumMismatch": (UnavailableError, _MAYBE, "maybe-billed"),
    "InvalidHeadersLength": (UnavailableError, _MAYBE, "maybe-billed"),
    "InvalidPayloadLength": (UnavailableError, _MAYBE, "maybe-billed"),
    "ParserError": (UnavailableError, _MAYBE, "maybe-billed"),
    "ResponseParserError": (UnavailableError, _MAYBE, "maybe-billed"),
    "ConnectError": (UnavailableError, _UNREACHED, "now"),
    "ConnectTimeout": (UnavailableError, _UNREACHED, "now"),
    "ProxyError": (UnavailableError, "check HTTPS_PROXY; nothing was billed", "now"),
    "PoolTimeout": (UnavailableError, "nothing was billed; ask less at once", "now"),
    "TimeoutException": (UnavailableError, f"{_MAYBE}; raise --timeout", "maybe-billed"),
    "TransportError": (UnavailableError, _MAYBE, "maybe-billed"),
    "APITimeoutError": (UnavailableError, f"{_MAYBE}; raise --timeout", "maybe-billed"),
    "APIConnectionError": (UnavailableError, _MAYBE, "maybe-billed"),
}  # fmt: skip

BY_STATUS: dict[int, tuple[type[CliError], str]] = {
    401: (AuthError, "no"), 403: (DeniedError, "no"), 408: (UnavailableError, "maybe-billed"),
    424: (UnavailableError, "maybe-billed"), 429: (UnavailableError, "now"),
    500: (UnavailableError, "maybe-billed"), 502: (UnavailableError, "maybe-billed"),
    503: (UnavailableError, "now"), 504: (UnavailableError, "maybe-billed"),
    529: (UnavailableError, "now"),
}  # fmt: skip
