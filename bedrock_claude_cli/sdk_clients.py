"""The anthropic SDK's clients, made to resolve nothing by themselves.

Left alone the SDK has its own rules for region, endpoint, API key, retries, proxies and trusted
certificates. Here all of that is what boto3's clients have, so that the way to call changes none
of it; and every request is signed with the session's own credentials, which renew themselves.
"""

from __future__ import annotations

from typing import Any

from bedrock_claude_cli.aws import BEARER, CONNECT_TIMEOUT, Aws, quick_imports
from bedrock_claude_cli.errors import ConfigError

# docs.aws.amazon.com/bedrock: "bedrock-mantle.{region}.api.aws"
MANTLE = "bedrock-mantle"


def bedrock(aws: Aws, *, region: str | None = None, read_timeout: float | None = None) -> Any:
    """An AnthropicBedrock client for bedrock-runtime; `read_timeout` in seconds without a byte."""
    there = region or str(aws.region.value)
    url = aws.client("bedrock-runtime", region=there).meta.endpoint_url
    with quick_imports():
        from anthropic import AnthropicBedrock

    class Client(AnthropicBedrock):
        def _prepare_request(self, request: Any) -> None:
            _authorize(aws, request, "bedrock", there)

    settings = _settings(aws, url, read_timeout)
    # Any key keeps the SDK from looking for credentials; `_prepare_request` has the real ones.
    client = Client(api_key="", aws_region=there, base_url=url, max_retries=0, **settings)
    aws.closes(client)
    return client


def mantle(aws: Aws, *, region: str | None = None, read_timeout: float | None = None) -> Any:
    """An AnthropicBedrockMantle client; `read_timeout` in seconds without a byte."""
    there = region or str(aws.region.value)
    url = mantle_url(aws, there)
    with quick_imports():
        from anthropic import AnthropicBedrockMantle

    class Client(AnthropicBedrockMantle):
        def _prepare_request(self, request: Any) -> None:
            _authorize(aws, request, MANTLE, there)

    settings = _settings(aws, url, read_timeout)
    client = Client(skip_auth=True, aws_region=there, base_url=url, max_retries=0, **settings)
    aws.closes(client)
    return client


def mantle_url(aws: Aws, region: str) -> str:
    """Where bedrock-mantle's Messages API is: AWS_ENDPOINT_URL_BEDROCK_MANTLE, or AWS's own."""
    given = aws.endpoint_urls((MANTLE,))[MANTLE]
    if given is None and aws.session.get_config_variable("use_fips_endpoint"):
        raise ConfigError(
            "no FIPS endpoint of bedrock-mantle is known",
            hint="`--via invoke`, converse and sdk use the one of bedrock-runtime",
        )
    return f"{(given or f'https://{MANTLE}.{region}.api.aws').rstrip('/')}/anthropic"


def _settings(aws: Aws, url: str, read_timeout: float | None) -> dict[str, Any]:
    """Time limits and the HTTP client, with botocore's proxies and certificates for `url`."""
    with quick_imports():
        import socket
        import ssl

        import httpx2
        from botocore.httpsession import get_cert_path
        from botocore.utils import get_environ_proxies

    if aws.api_key and not url.startswith("https:"):
        raise ConfigError(
            "a Bedrock API key is sent to an https endpoint only",
            hint=f"unset {BEARER}, or use an https endpoint",
        )
    trusted = aws.session.get_config_variable("ca_bundle") or aws.environ.get("REQUESTS_CA_BUNDLE")
    proxies = get_environ_proxies(url)
    waits = read_timeout or aws.settings.options.timeout
    transport = httpx2.HTTPTransport(
        verify=ssl.create_default_context(cafile=get_cert_path(trusted or True)),
        proxy=proxies.get(url.partition(":")[0]) or None,
        trust_env=False,
        limits=httpx2.Limits(max_connections=256),
        socket_options=[
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        ],
    )
    timeout = httpx2.Timeout(waits, connect=CONNECT_TIMEOUT)
    client = httpx2.Client(transport=transport, timeout=timeout, trust_env=False)
    return {"timeout": timeout, "http_client": client}


def _authorize(aws: Aws, request: Any, service: str, region: str) -> None:
    """Put the API key or a signature into a request; botocore's errors pass through."""
    if aws.api_key:
        request.headers["Authorization"] = f"Bearer {aws.environ[BEARER]}"
        return
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import NoCredentialsError

    credentials = aws.session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    # A proxy may take this one away, and then the signature would not fit.
    signed = {name: value for name, value in request.headers.items() if name != "connection"}
    wanted = AWSRequest(request.method, str(request.url), headers=signed, data=request.read())
    SigV4Auth(credentials.get_frozen_credentials(), service, region).add_auth(wanted)
    request.headers.update(dict(wanted.headers.items()))
