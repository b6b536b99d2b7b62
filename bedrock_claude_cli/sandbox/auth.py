"""Signature version 4, verified with nothing but hmac, and AWS's answers to what is wrong."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote

from bedrock_claude_cli.sandbox import services
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError

TOLERANCE = datetime.timedelta(minutes=5)
EXPIRED_TOKEN = "EXPIRED"
_QUERY_NAMES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "ExpiredTokenException": "ExpiredToken",
}
_NAMES = {
    "sts": _QUERY_NAMES,
    "iam": _QUERY_NAMES,
    "s3": {
        "MissingAuthenticationTokenException": "AccessDenied",
        "IncompleteSignatureException": "AccessDenied",
        "UnrecognizedClientException": "InvalidAccessKeyId",
        "InvalidSignatureException": "SignatureDoesNotMatch",
        "ExpiredTokenException": "ExpiredToken",
    },
}


def refusal(request: Request, code: str, message: str) -> AwsError:
    """The error under the name that the service uses for it."""
    name = _NAMES.get(request.service, {}).get(code, code)
    return AwsError(name, message, services.error_status(request.service, name, 403))


def require_credentials(request: Request) -> None:
    """Refuse a request without any credentials; only web identities come unsigned."""
    if request.access_key is None and request.bearer is None:
        code, message = "MissingAuthenticationTokenException", "Missing Authentication Token"
        raise refusal(request, code, message)


def verify_bearer(request: Request, secret: str) -> None:
    """With strict authentication the API key is the secret of the given pair."""
    if request.bearer != secret:
        message = "Authentication failed: Please make sure your API Key is valid."
        raise AwsError("AccessDeniedException", message)


def verify_signature(
    request: Request,
    secret: str | None,
    token: str | None,
    now: datetime.datetime | None = None,
) -> None:
    """Check token, date and signature of a signed request.

    `secret` is None for an unknown key; `token` is the session token that belongs to the key.
    A session token that begins with EXPIRED has expired.
    """
    sent = request.headers.get("x-amz-security-token")
    if sent and sent.startswith(EXPIRED_TOKEN):
        message = "The security token included in the request is expired"
        raise refusal(request, "ExpiredTokenException", message)
    if secret is None or sent != token:
        message = "The security token included in the request is invalid."
        raise refusal(request, "UnrecognizedClientException", message)
    _check_date(request, now or datetime.datetime.now(datetime.timezone.utc))
    if not hmac.compare_digest(signature(request, secret), _part(request, "Signature")):
        raise refusal(
            request,
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details.",
        )


def _check_date(request: Request, now: datetime.datetime) -> None:
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed = datetime.datetime.strptime(stamp + "+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError as error:
        message = "Authorization header requires existence of either a 'X-Amz-Date' or 'Date'."
        raise refusal(request, "IncompleteSignatureException", message) from error
    edge = now - TOLERANCE if signed < now else now + TOLERANCE
    if abs(now - signed) <= TOLERANCE:
        return
    sign, words = ("-", "expired: {0} is now earlier than {1} ({2} {3} 5 min.)")
    if signed > now:
        sign, words = ("+", "not yet current: {0} is still later than {1} ({2} {3} 5 min.)")
    text = words.format(stamp, _stamp(edge), _stamp(now), sign)
    raise refusal(request, "InvalidSignatureException", f"Signature {text}")


def _stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _part(request: Request, name: str) -> str:
    match = re.search(rf"{name}=([^,\s]+)", request.headers["authorization"])
    return match[1] if match else ""


def signature(request: Request, secret: str) -> str:
    """The signature that `secret` gives the request as it was sent."""
    stamp = request.headers.get("x-amz-date", "")
    scope = f"{stamp[:8]}/{request.region}/{request.service}/aws4_request"
    digest = hashlib.sha256(canonical(request).encode()).hexdigest()
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    return hmac.digest(key, text.encode(), "sha256").hex()


def canonical(request: Request) -> str:
    """The canonical request; its path is encoded once more than it was sent, as outside S3."""
    names = _part(request, "SignedHeaders").split(";")
    headers = "".join(f"{name}:{_squeezed(request.headers.get(name, ''))}\n" for name in names)
    pairs = parse_qsl(request.query, keep_blank_values=True)
    encoded = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in pairs)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    payload = request.headers.get("x-amz-content-sha256")
    if payload is None or not payload.startswith(("UNSIGNED-PAYLOAD", "STREAMING-")):
        payload = hashlib.sha256(request.body).hexdigest()
    path = request.path if request.service == "s3" else quote(request.path, safe="/")
    return "\n".join([request.method, path, query, headers, ";".join(names), payload])


def _squeezed(value: str) -> str:
    return " ".join(value.split())
