"""The words by which an error is known where nothing says its name.

TABLE's fragments do it for AWS's errors, where they are distinct enough; these are the others, and
what botocore, the AWS CLI and the other SDKs say of themselves. Sources: botocore's `exceptions`,
the AWS CLI, the AWS SDKs for JavaScript, Java and Go, and public issue threads that quote them.
"""

from __future__ import annotations

from bedrock_claude_cli.known_errors import AWS_NAMES, BY_NAME, CLIENT_TABLE, TABLE

_CLEAR = 15  # characters of a fragment that does not stand in other people's texts
# Long enough, and other people's words all the same.
_COMMON = ("authentication failed", "service control policy", "foundation-model/anthropic")

AWS_WORDS = (
    ("security token included in the request is expired", "ExpiredTokenException"),
    ("please make sure your api key is valid", "AccessDeniedException"),
    ("bearer token has expired", "AccessDeniedException"),
    ("not authorized to perform sts:assumerole", "AccessDenied"),
    ("not authorized to perform: sts:assumerole", "AccessDenied"),
    ("is not authorized to perform", "AccessDeniedException"),
    ("is not authorized to invoke this api operation", "AccessDeniedException"),
    ("too many requests, please wait", "ThrottlingException"),
    ("too many tokens", "ThrottlingException"),
    ("security token included in the request is invalid", "UnrecognizedClientException"),
    ("request signature we calculated does not match", "InvalidSignatureException"),
    ("signature expired:", "InvalidSignatureException"),
    ("signature not yet current", "InvalidSignatureException"),
    ("aws access key id you provided does not exist", "InvalidAccessKeyId"),
    ("authorization header requires", "IncompleteSignatureException"),
    ("missing authentication token", "MissingAuthenticationTokenException"),
    ("bedrock is unable to process your request", "ServiceUnavailableException"),
    ("model has timed out in processing the request", "ModelTimeoutException"),
    ("system encountered an unexpected error during processing", "InternalServerException"),
    ("malformed input request", "ValidationException"),
    ("conversation must start with a user message", "ValidationException"),
    ("is not supported on this api. please use the messages api", "ValidationException"),
    ("validation error detected:", "ValidationException"),
    ("validation errors detected:", "ValidationException"),
    ("model returned the following errors", "ValidationException"),
    ("could not resolve the foundation model", "ResourceNotFoundException"),
    ("no openidconnect provider found in your account", "InvalidIdentityToken"),
    *(
        (row.fragment, next(iter(row.names)))
        for row in TABLE
        if row.names and len(row.fragment) >= _CLEAR and row.fragment not in _COMMON
    ),
)
# Only where it is the whole message.
WHOLE = {
    "operation not allowed": "ValidationException",
    "rate exceeded": "ThrottlingException",
    "overloaded": "overloaded_error",
    "request has expired": "RequestExpired",
}

CLIENT_WORDS = (
    ("unable to locate credentials", "NoCredentialsError"),
    ("could not resolve aws credentials from session", "NoCredentialsError"),
    ("could not load credentials from any providers", "NoCredentialsError"),
    ("unable to load credentials from any of the providers", "NoCredentialsError"),
    ("no ec2 imds role found", "NoCredentialsError"),
    ("no valid credential sources", "NoCredentialsError"),
    ("partial credentials found in", "PartialCredentialsError"),
    ("error when retrieving credentials from", "CredentialRetrievalError"),
    ("error loading sso token", "SSOTokenLoadError"),
    ("error when retrieving token from", "TokenRetrievalError"),
    ("the sso session associated with this profile", "UnauthorizedSSOTokenError"),
    ("token is expired. to refresh this sso session", "UnauthorizedSSOTokenError"),
    ("resolving aws credentials or an access token from sso", "SSOError"),
    ("please reauthenticate using 'aws login'", "LoginRefreshRequired"),
    ("error loading login session token", "LoginTokenLoadError"),
    ("unable to create or refresh login credentials", "LoginInsufficientPermissions"),
    ("or refreshing a login session profile", "LoginError"),
    ("unable to locate authorization token", "NoAuthTokenError"),
    ("missing dependency: ", "MissingDependencyException"),
    ("error retrieving metadata: ", "MetadataRetrievalError"),
    ("mfa token required", "RefreshWithMFAUnsupportedError"),
    ("the config profile (", "ProfileNotFound"),
    ("failed to get shared config profile", "ProfileNotFound"),
    ("the specified config file (", "ConfigNotFound"),
    ("unable to parse config file", "ConfigParseError"),
    ("you must specify a region", "NoRegionError"),
    ("region is missing", "NoRegionError"),
    ("no aws region was provided", "NoRegionError"),
    ("no aws region or base url found", "NoRegionError"),
    ("cannot specify both `api_key` and aws credentials", "TwoCredentials"),
    ("cannot specify both api_key and aws credentials", "TwoCredentials"),
    ("unable to load region from any of the providers", "NoRegionError"),
    ("provided region_name '", "InvalidRegionError"),
    ("invalid endpoint configuration: ", "InvalidEndpointConfigurationError"),
    ("bearer authorization requires an https endpoint", "InvalidEndpointConfigurationError"),
    ("unsupported configuration value for", "InvalidChecksumConfigError"),
    ("configured with invalid defaults mode", "InvalidDefaultsMode"),
    ("invalid endpoint ec2 instance metadata", "InvalidIMDSEndpointError"),
    ("invalid ec2 instance metadata endpoint mode", "InvalidIMDSEndpointModeError"),
    ('value provided to "max_attempts"', "InvalidMaxRetryAttemptsError"),
    ("provided for proxies_config", "InvalidProxiesConfigError"),
    ("cannot provide retry configuration for", "InvalidRetryConfigurationError"),
    ('invalid value provided to "mode"', "InvalidRetryModeError"),
    ("sts regional endpoints option", "InvalidSTSRegionalEndpointsConfigError"),
    ("credential named ", "UnknownCredentialError"),
    ("unable to construct a modeled endpoint", "EndpointVariantError"),
    ("unknown service: '", "UnknownServiceError"),
    ("could not connect to the endpoint url", "EndpointConnectionError"),
    ("connect timeout on endpoint url", "ConnectTimeoutError"),
    *(
        (f"{words} {host}", "EndpointConnectionError")
        for words in (
            "getaddrinfo enotfound",
            "getaddrinfo eai_again",
            "unknownhostexception:",
            "unable to execute http request:",
            "dial tcp: lookup",
        )
        for host in ("bedrock", "sts.")
    ),
    ("received an unknownhostexception when attempting", "EndpointConnectionError"),
    ("unable to execute http request: connect to ", "EndpointConnectionError"),
    ("unable to execute http request: connect timed out", "ConnectTimeoutError"),
    ("unable to execute http request: read timed out", "ReadTimeoutError"),
    ("failed to connect to proxy url", "ProxyConnectionError"),
    ("tunnel connection failed:", "ProxyConnectionError"),
    ("ssl validation failed for", "SSLError"),
    ("read timeout on endpoint url", "ReadTimeoutError"),
    ("connection was closed before we received a valid response", "ConnectionClosedError"),
    ("error occurred while reading from response stream", "ResponseStreamingError"),
    ("but total bytes expected is", "IncompleteReadError"),
    ("http client raised an unhandled exception", "HTTPClientError"),
    ("request timed out or interrupted", "APITimeoutError"),
    ("api error: request timed out", "APITimeoutError"),
    ("api error: connection error", "APIConnectionError"),
    ("parameter validation failed:", "ParamValidationError"),
    ("streaming is required for operations that may take longer", "StreamingRequired"),
    ("issue with the selected model (", "SelectedModel"),
    ("llm provider not provided", "LLMProviderNotProvided"),
    ("streaming is strongly recommended for operations that may", "StreamingRequired"),
)
# A client's errors that the door never sees, for bedrock-claude does not make them.
CLIENT_TOPIC_OF = {
    "ParamValidationError": "client-request",
    "StreamingRequired": "long-request",
    "TwoCredentials": "two-credentials",
    "SelectedModel": "selected-model",
    "LLMProviderNotProvided": "litellm-provider",
}

# What the SDKs of Anthropic, and litellm after them, call an answer by its status.
SDK_CLASSES = {
    "BadRequestError": ("ValidationException", 400),
    "AuthenticationError": ("", 401),
    "PermissionDeniedError": ("AccessDeniedException", 403),
    "NotFoundError": ("ResourceNotFoundException", 404),
    "RequestTimeoutError": ("ModelTimeoutException", 408),
    "RateLimitError": ("ThrottlingException", 429),
    "InternalServerError": ("InternalServerException", 500),
    "ServiceUnavailableError": ("ServiceUnavailableException", 503),
    "OverloadedError": ("overloaded_error", 529),
    "APIStatusError": ("", 0),
    "BedrockException": ("", 0),
    "BedrockError": ("", 0),
}
# Other libraries have classes of these names too: theirs need a module in front.
SHARED_NAMES = frozenset(
    ("ParserError", "ConnectError", "ConnectTimeout", "ProxyError", "TransportError", "SSLError",
     "TimeoutException", "PoolTimeout", "ReadTimeoutError", "ConnectTimeoutError", "LoginError",
     "SSOError", "IncompleteReadError", "ChecksumMismatch", "InvalidConfigError", "ConfigNotFound",
     "ConfigParseError", "ProfileNotFound", "HTTPClientError", "MissingDependencyException",
     "RateLimitError", "BadRequestError", "NotFoundError", "AuthenticationError",
     "PermissionDeniedError", "InternalServerError", "APIStatusError", "RequestTimeoutError",
     "ServiceUnavailableError", "APITimeoutError", "APIConnectionError"))  # fmt: skip

_HTTP = {"ReadTimeout": "TimeoutException", "WriteTimeout": "TimeoutException",
         "ReadError": "TransportError", "WriteError": "TransportError",
         "RemoteProtocolError": "TransportError", "Timeout": "APITimeoutError",
         "APIConnectionTimeoutError": "APITimeoutError",
         "CredentialsProviderError": "NoCredentialsError"}  # fmt: skip
AWS = {name for row in TABLE for name in row.names} | set(BY_NAME) | set(AWS_NAMES)
# Every name in lower case -> as the tables spell it.
NAMES = {
    **{name.lower(): name for name in (*AWS, *CLIENT_TABLE, *CLIENT_TOPIC_OF, *SDK_CLASSES)},
    **{name.lower(): meant for name, meant in _HTTP.items()},
}
# The status that goes with a name, where a text tells none; 400 for every other.
STATUS = {
    name: status
    for status, names in {
        403: ("AccessDeniedException", "AccessDenied", "permission_error"),
        404: ("ResourceNotFoundException", "not_found_error"),
        408: ("ModelTimeoutException",),
        424: ("ModelErrorException",),
        429: ("ThrottlingException", "ModelNotReadyException", "rate_limit_error"),
        500: ("InternalServerException", "api_error"),
        503: ("ServiceUnavailableException", "overloaded_error"),
    }.items()
    for name in names
}
# And the name that goes with a status, where AWS surely sent it.
NAME_OF = {
    400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
    429: "ThrottlingException",
}  # fmt: skip
