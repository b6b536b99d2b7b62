"""What `why` says of errors that are the client's, or that only a status or a name tells.

Only `why` loads it, by way of `topics`. From the sources of botocore and the anthropic SDK,
and public issue threads.
"""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """One topic: `means` in a sentence, `causes` with the most usual first, and `mends`.

    `mends` come after the hint of the table's row; both may hold `{login}`, `{model}`, `{region}`.
    """

    means: str
    causes: tuple[str, ...]
    mends: tuple[str, ...] = ()


WHO = "`bedrock-claude verify-creds` shows which credentials, profile and region are used"
TWICE = "look at the invocation logs or the bill before sending it again, or let a person decide"
IDS = "`bedrock-claude list-models --ids --region {region}` prints every id this region takes"
DRY = '`bedrock-claude ask --dry-run "Hello"` shows a request that the model takes'
_STREAM = "stream the answer: then a byte arrives every few seconds"

CLIENT_TOPICS = {
    "no-credentials": Topic(
        "no AWS credentials were found in any of the places where they are looked for",
        ("nobody has logged in, or the profile is another: AWS_PROFILE, --profile",
         "a container or CI job has no role, or the variables do not reach the program",
         "HOME is another than that of ~/.aws",
         "only a Bedrock API key is set, and the call is one that takes none (STS, logs)"),
        (WHO,),
    ),
    "half-a-key": Topic(
        "one half of the access key is there, and the other is not",
        ("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY, or the reverse",
         "a secret of the CI system is empty"),
        (WHO,),
    ),
    "credential-process": Topic(
        "the source of credentials that the profile names did not give any",
        ("the program in credential_process fails, or asks for something on a terminal",
         "the container's or pod's credentials address does not answer"),
        (WHO,),
    ),
    "login": Topic(
        "the login (SSO or `aws login`) has ended, or there was none",
        ("the session of the access portal is over, mostly after 8 to 12 hours",
         "another profile was logged in than is used",
         "the login was made on another machine, or in another HOME"),
        (WHO,),
    ),
    "login-dependency": Topic(
        "a library that this kind of login needs is not installed",
        ("the profile was made with `aws login`, and botocore lacks its extra crt",),
    ),
    "mfa": Topic(
        "the credentials ended, and renewing them takes an MFA code",
        ("a role that asks for MFA is used by a program that runs for long",),
        (WHO,),
    ),
    "profile": Topic(
        "the AWS config files have no such profile",
        ("its name is misspelled, or AWS_PROFILE is left from elsewhere",
         "the files are elsewhere: AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, HOME",
         "in ~/.aws/config a profile stands as [profile NAME]"),
        ("`bedrock-claude config show` shows which setting names the profile",),
    ),
    "aws-config": Topic(
        "the AWS config file or a variable beside it has a value that cannot be",
        ("a slip of the pen in ~/.aws/config or ~/.aws/credentials",
         "an AWS_* variable holds what it cannot"),
        (WHO,),
    ),
    "region": Topic(
        "no region is set, or what is set is none",
        ("boto3 and the AWS CLI do not read AWS_REGION everywhere: AWS_DEFAULT_REGION does it",
         "the profile has no region",
         "the value holds quotes, a blank, or an availability zone such as us-east-1a"),
        ("`bedrock-claude config show` shows where the region comes from",),
    ),
    "endpoint": Topic(
        "the address that the client would call cannot be made, or not be used this way",
        ("a Bedrock API key is set, and the endpoint is http",
         "AWS_ENDPOINT_URL or the profile names an address that is none",
         "FIPS or dual-stack is asked for where there is none"),
        (WHO,),
    ),
    "old-library": Topic(
        "the installed boto3 does not know the service",
        ("boto3 or the AWS CLI is older than Bedrock, or than this operation",),
        ("`pip install --upgrade boto3` or a newer AWS CLI",),
    ),
    "unreached": Topic(
        "the client could not connect to AWS",
        ("no network, no name resolution, or a firewall",
         "the region's name is wrong, or it has no Bedrock",
         "a proxy is needed (HTTPS_PROXY), or NO_PROXY leaves AWS out",
         "AWS_ENDPOINT_URL names a stand-in that does not run"),
        (WHO,),
    ),
    "proxy": Topic(
        "the proxy could not be reached, or refused",
        ("HTTPS_PROXY is wrong, or wants a user and a password",
         "the proxy does not allow amazonaws.com"),
        (WHO,),
    ),
    "tls": Topic(
        "no trusted TLS connection came about",
        ("a proxy of the company opens TLS, and its certificate is not known here",
         "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or SSL_CERT_FILE names a file without AWS's authority",
         "this machine's clock is wrong"),
    ),
    "read-timeout": Topic(
        "the answer did not come in the time that the client waits",
        ("the client waits 60 seconds (boto3's default), and the model thinks longer",
         "a NAT or VPC endpoint dropped the idle connection, after 350 seconds at most",
         "the client then repeats by itself, and each time is billed"),
        ("in boto3 `Config(read_timeout=3600, retries={'total_max_attempts': 1})`", _STREAM,
         "`bedrock-claude ask` streams always, and repeats nothing that may be billed"),
    ),
    "broken-off": Topic(
        "the connection broke, or an error came, while the model may have been at work",
        ("the network, a proxy or a NAT ended the connection",
         "Bedrock was throttled or failed in the middle of a streamed answer",
         "a gateway or load balancer between has a time limit of its own"),
        (TWICE, _STREAM),
    ),
    "pool": Topic(
        "the client had no free connection to send the request on",
        ("more requests run side by side than the client's pool has connections",),
        ("raise max_pool_connections (boto3) or the HTTP client's limits",),
    ),
    "unauthorized": Topic(
        "AWS, or something before it, does not accept who calls",
        ("an API key or token is missing, wrong or expired",
         "the answer is a gateway's or proxy's, not AWS's"),
        (WHO,),
    ),
    "server-error": Topic(
        "a server failed: AWS's, or a gateway's before it",
        ("a fault on AWS's side, mostly over in a minute",
         "a proxy, gateway or load balancer lost patience"),
        (TWICE,),
    ),
    "rejected": Topic(
        "AWS refuses the request as it is; its message says what is wrong",
        ("a parameter is missing, too long, or not one that the operation takes",
         "something that the request names does not exist, or is in another region"),
        (DRY,),
    ),
    "not-found": Topic(
        "what the request names does not exist in this account and region",
        ("the id or ARN is misspelled, or of another account",
         "it is in another region than the one that is called",
         "it was deleted"),
        (IDS, WHO),
    ),
    "not-there": Topic(
        "what the request names is not there: a role, a bucket's object, a log group or the like",
        ("the name is misspelled, or the thing is in another account or region",
         "it was deleted, or never made",
         "it was made this moment, and is not seen everywhere yet"),
        (WHO,),
    ),
    "calls-failed": Topic(
        "AWS could not take the call at this moment, or failed at it; no model was asked",
        ("a fault on AWS's side, mostly over in a minute",),
        ("https://health.aws.amazon.com shows whether AWS knows of it",),
    ),
    "client-request": Topic(
        "the client library refused the request before it was sent",
        ("a parameter has the wrong type, name or length",
         "the library is older or newer than the code that calls it"),
        (DRY, "`bedrock-claude ask --code boto3 \"Hello\"` prints a program that works"),
    ),
    "long-request": Topic(
        "the anthropic SDK refuses a request that could run for more than ten minutes unstreamed",
        ("max_tokens is large, and the call is neither streamed nor given a timeout",),
        ("pass stream=True or an explicit timeout, or lower max_tokens",),
    ),
    "two-credentials": Topic(
        "the anthropic SDK's Bedrock client was given an API key and AWS credentials, of which it "
        "takes one",
        ("the code passes api_key beside aws_access_key, aws_secret_key, aws_session_token or "
         "aws_profile",),
        ("pass only api_key (a Bedrock API key), or only the AWS credentials", WHO),
    ),
    "selected-model": Topic(
        "Claude Code was refused the model that it is set to",
        ("the id is none of Bedrock's: it lacks the prefix (us., eu., global.) or the version, or "
         "is an alias",
         "the model is not open to this account",
         "the region is another than the one that offers it",
         "Claude Code calls Anthropic's own API: CLAUDE_CODE_USE_BEDROCK=1 is missing"),
        (f"{IDS}: set ANTHROPIC_MODEL, or choose with /model",
         "`bedrock-claude access check {model}` shows what is missing"),
    ),
    "litellm-provider": Topic(
        "litellm cannot tell whose model is meant; nothing was sent",
        ("the model's name has no provider in front",),
        ("write `bedrock/{model}` as the model's name", IDS),
    ),
    "anthropic-api": Topic(
        "this is an answer of api.anthropic.com, Anthropic's own API; Bedrock and AWS know no such "
        "key",
        ("the program calls Anthropic's own API, with a wrong ANTHROPIC_API_KEY or one without "
         "credit, where Bedrock was meant",
         "a gateway between forwards to Anthropic's own API"),
        (WHO,),
    ),
    "payment": Topic(
        "AWS Marketplace cannot charge the account, so that it makes no agreement for the model",
        ("the account has no valid payment method, or a card that AWS Marketplace does not take",
         "the account is paid for by another (an organization or a reseller), whose method counts",
         "it was mended minutes ago and has not arrived everywhere"),
        ("`bedrock-claude access check {model}` shows what is missing",),
    ),
    "max-tokens": Topic(
        "max_tokens is more than the model writes in one answer",
        ("a tool asks for more than this model's limit, as Claude Code after a change of model",
         "the value was meant for another model"),
        ("Claude Code takes it from CLAUDE_CODE_MAX_OUTPUT_TOKENS",
         "`bedrock-claude list-models {model}` shows the most that the model writes"),
    ),
    "bucket": Topic(
        "the S3 bucket does not exist",
        ("its name is misspelled", "it was deleted, or is in another account or partition"),
        ("`aws s3 ls` prints the account's buckets", WHO),
    ),
    "other-service": Topic(
        "another AWS service than Bedrock says this; what is said here is general",
        ("the message says what that service does not take, find or allow at this moment",
         "the region, account or credentials are others than were meant"),
        ("that service's own documentation lists its errors", WHO),
    ),
    "proxy-page": Topic(
        "a server between answered, a proxy, gateway or load balancer, and not Bedrock",
        ("the server behind it is down, or took too long",
         "a proxy (HTTPS_PROXY) or an endpoint of the company's is in the way, wants a login, or "
         "does not allow the address",
         "the base URL names a gateway, not Bedrock"),
        ("look into that server's log", WHO),
    ),
    "own": Topic(
        "bedrock-claude itself ends with this; its own hint says what helps",
        ("what the hint names",),
        ("`bedrock-claude --help` and docs/exit-codes.md say more",),
    ),
}  # fmt: skip
