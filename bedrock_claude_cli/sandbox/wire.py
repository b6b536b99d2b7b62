"""What goes over the wire: replies, AWS's errors, event-stream frames, query-protocol XML."""

from __future__ import annotations

import html
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

ERROR_TYPE_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/"

STATUS = {
    "ValidationException": 400,
    "ServiceQuotaExceededException": 400,
    "ConflictException": 400,
    "InvalidParameterException": 400,
    "LimitExceededException": 400,
    "MalformedPolicy": 400,
    "MalformedPolicyDocument": 400,
    "OperationAbortedException": 400,
    "ResourceAlreadyExistsException": 400,
    "Throttling": 400,
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "MPAgreementBeingCreated": 403,
    "ExpiredToken": 403,
    "InvalidClientTokenId": 403,
    "SignatureDoesNotMatch": 403,
    "ExpiredTokenException": 403,
    "UnrecognizedClientException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NoSuchBucket": 404,
    "NoSuchEntity": 404,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ModelTimeoutException": 408,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "EntityAlreadyExists": 409,
    "LimitExceeded": 409,
    "OperationAborted": 409,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalError": 500,
    "InternalServerException": 500,
    "ServiceFailure": 500,
    "ServiceUnavailableException": 503,
    "SlowDown": 503,
    "overloaded_error": 529,
}

DEFAULT_MESSAGES = {
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "ExpiredTokenException": "The security token included in the request is expired",
    "ExpiredToken": "The security token included in the request is expired",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
    "InvalidClientTokenId": "The security token included in the request is invalid.",
    "ModelTimeoutException": "The model has timed out in processing the request. Try again.",
    "ModelErrorException": "The model has encountered an unexpected error. Try again.",
    "ModelStreamErrorException": "The model has encountered an unexpected error. Try again.",
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "Throttling": "Rate exceeded",
    "SlowDown": "Please reduce your request rate.",
    "ModelNotReadyException": "The model is not ready for inference. Try again.",
    "InternalServerException": "The system encountered an unexpected error. Try again.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
    "overloaded_error": "Overloaded",
}

MARKETPLACE = (
    "Model access is denied due to IAM user or service role is not authorized to perform the "
    "required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, "
    "aws-marketplace:Subscribe) to enable access to this model. Refer to the Amazon Bedrock "
    "documentation for further details. Your AWS Marketplace subscription for this model cannot "
    "be completed at this time. If you recently fixed this issue, try again after 2 minutes."
)
RETENTION_MODES = ("default", "none", "aws_review", "provider_data_share", "inherit")

STREAM_EXCEPTIONS = (
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
)


def exception_name(name: str) -> str:
    """The camelCase name that an event stream uses, of either spelling."""
    return name[:1].lower() + name[1:]


class AwsError(Exception):
    """An error that is answered as AWS answers it; `status` defaults to what the name implies."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status or STATUS.get(code, 400)
        self.headers = dict(headers or {})


def invalid(message: str) -> AwsError:
    """A ValidationException, which is most of what Bedrock refuses."""
    return AwsError("ValidationException", message)


@dataclass(frozen=True)
class Frame:
    """One event-stream message; `delta` marks those that a rule's `after` counts."""

    data: bytes
    delta: bool = False
    value: object = None


@dataclass(frozen=True)
class Logged:
    """What the invocation log keeps of an answer; the body of a stream is its events."""

    body: object
    usage: dict[str, int]


@dataclass(frozen=True)
class Reply:
    """One HTTP answer: either a whole body or a stream of frames.

    `exception` spells an error in the midst of a stream that is no event stream of AWS's.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    frames: Iterator[Frame] | None = None
    logged: Logged | None = None
    exception: Callable[[str, str], Frame] | None = None


def json_reply(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """A JSON body as rest-json services send it."""
    return Reply(json.dumps(value).encode(), status, headers=headers or {})


def error_reply(error: AwsError, service: str, request_id: str) -> Reply:
    """The error in the service's own protocol: XML, JSON 1.1, or JSON and x-amzn-ErrorType."""
    if service == "s3":
        return Reply(
            b'<?xml version="1.0" encoding="UTF-8"?>\n<Error>'
            + f"{_tag('Code', error.code)}{_tag('Message', error.message)}"
            f"{_tag('RequestId', request_id)}</Error>".encode(),
            error.status,
            "application/xml",
            error.headers,
        )
    if service in ("logs", "kms"):
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Reply(body, error.status, "application/x-amz-json-1.1", error.headers)
    if service in ("sts", "iam"):
        kind = "Sender" if error.status < 500 else "Receiver"
        inner = f"<Type>{kind}</Type>{_tag('Code', error.code)}{_tag('Message', error.message)}"
        return Reply(
            f'<ErrorResponse xmlns="{NAMESPACES[service]}"><Error>{inner}</Error>'
            f"<RequestId>{request_id}</RequestId></ErrorResponse>".encode(),
            error.status,
            "text/xml",
            error.headers,
        )
    headers = {"x-amzn-ErrorType": error.code + ERROR_TYPE_SUFFIX, **error.headers}
    return json_reply({"message": error.message}, status=error.status, headers=headers)


STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
NAMESPACES = {"sts": STS_NAMESPACE, "iam": "https://iam.amazonaws.com/doc/2010-05-08/"}


def xml_reply(action: str, result: Mapping[str, object], request_id: str) -> Reply:
    """A query-protocol answer of STS; nested mappings become nested elements."""
    body = (
        f'<{action}Response xmlns="{STS_NAMESPACE}"><{action}Result>{_elements(result)}'
        f"</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId>"
        f"</ResponseMetadata></{action}Response>"
    )
    return Reply(body.encode(), content_type="text/xml")


def _elements(result: Mapping[str, object]) -> str:
    parts = []
    for name, value in result.items():
        if isinstance(value, Mapping):
            parts.append(f"<{name}>{_elements(value)}</{name}>")
        else:
            parts.append(_tag(name, str(value)))
    return "".join(parts)


def _tag(name: str, text: str) -> str:
    return f"<{name}>{html.escape(text, quote=False)}</{name}>"


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of application/vnd.amazon.eventstream, all headers being strings (type 7)."""
    head = b"".join(
        struct.pack(f"!B{len(name)}sBH", len(name), name.encode(), 7, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 12 + len(head) + len(payload) + 4, len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


def event(name: str, value: object, *, delta: bool = False) -> Frame:
    """An event frame with a JSON payload."""
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return Frame(frame(headers, json.dumps(value).encode()), delta, value)


def exception_frame(name: str, message: str) -> Frame:
    """A modelled exception in mid-stream; `name` in camelCase, as AWS sends it."""
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return Frame(frame(headers, json.dumps({"message": message}).encode()))
