"""One request as it arrived, and what the sandbox makes of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from bedrock_claude_cli.sandbox import services
from bedrock_claude_cli.sandbox.wire import AwsError

DEFAULT_REGION = "us-east-1"
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>.*?)/(?P<day>\d{8})/(?P<region>[^/]+)"
    r"/(?P<service>[^/]+)/aws4_request"
)

ROUTES = (
    ("GET", r"/foundation-models", "ListFoundationModels"),
    ("GET", r"/inference-profiles", "ListInferenceProfiles"),
    ("GET", r"/inference-profiles/(.+)", "GetInferenceProfile"),
    ("GET", r"/foundation-model-availability/(.+)", "GetFoundationModelAvailability"),
    ("GET", r"/list-foundation-model-agreement-offers/(.+)", "ListFoundationModelAgreementOffers"),
    ("POST", r"/create-foundation-model-agreement", "CreateFoundationModelAgreement"),
    ("POST", r"/delete-foundation-model-agreement", "DeleteFoundationModelAgreement"),
    ("GET", r"/use-case-for-model-access", "GetUseCaseForModelAccess"),
    ("POST", r"/use-case-for-model-access", "PutUseCaseForModelAccess"),
    ("GET", r"/data-retention", "GetAccountDataRetention"),
    ("PUT", r"/data-retention", "PutAccountDataRetention"),
    ("GET", r"/logging/modelinvocations", "GetModelInvocationLoggingConfiguration"),
    ("PUT", r"/logging/modelinvocations", "PutModelInvocationLoggingConfiguration"),
    ("DELETE", r"/logging/modelinvocations", "DeleteModelInvocationLoggingConfiguration"),
    ("POST", r"/model-invocation-job", "CreateModelInvocationJob"),
    ("GET", r"/model-invocation-job/[^/]+", "GetModelInvocationJob"),
    ("POST", r"/model-invocation-job/[^/]+/stop", "StopModelInvocationJob"),
    ("GET", r"/model-invocation-jobs", "ListModelInvocationJobs"),
    ("POST", r"/model/(.+)/invoke", "InvokeModel"),
    ("POST", r"/model/(.+)/invoke-with-response-stream", "InvokeModelWithResponseStream"),
    ("POST", r"/model/(.+)/converse", "Converse"),
    ("POST", r"/model/(.+)/converse-stream", "ConverseStream"),
    ("POST", r"/model/(.+)/count-tokens", "CountTokens"),
)
MANTLE = "bedrock-mantle"
MANTLE_ROUTES = {
    "/anthropic/v1/messages": "CreateInference",
    "/anthropic/v1/messages/count_tokens": "CountTokens",
}
STS_OPERATIONS = ("GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity")
BEDROCK_OPERATIONS = tuple(name for _, _, name in ROUTES)
OWN_OPERATIONS = (*STS_OPERATIONS, *BEDROCK_OPERATIONS, "CreateInference")
OPERATIONS = (*OWN_OPERATIONS, *services.OPERATIONS)
_OTHER_ACTIONS = {
    "Converse": "InvokeModel",
    "ConverseStream": "InvokeModelWithResponseStream",
}
_PASSING = ("PutModelInvocationLoggingConfiguration", "CreateModelInvocationJob")
# What an agreement takes beside Bedrock's own action: docs.aws.amazon.com/bedrock "Access Amazon
# Bedrock foundation models".
_SUBSCRIBING = {
    "CreateFoundationModelAgreement": (
        "aws-marketplace:Subscribe",
        "aws-marketplace:ViewSubscriptions",
    ),
    "DeleteFoundationModelAgreement": ("aws-marketplace:Unsubscribe",),
}
# GetCallerIdentity needs no permission: AWS answers it even under an explicit deny.
INFERENCE = ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream")
ACTIONS = (
    *(f"sts:{name}" for name in STS_OPERATIONS[1:]),
    *(f"bedrock:{name}" for name in BEDROCK_OPERATIONS if name not in _OTHER_ACTIONS),
    *(f"{MANTLE}:{name}" for name in MANTLE_ROUTES.values()),
    *(name for names in _SUBSCRIBING.values() for name in names),
    *services.ACTIONS,
)
LARGEST_SHOWN = 100_000  # bytes of a body that is no JSON


@dataclass
class Request:
    """A request; header names are in lower case, `path` and `query` as they were sent."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    request_id: str
    time: str
    service: str = "bedrock"
    region: str = DEFAULT_REGION
    access_key: str | None = None
    bearer: str | None = None
    operation: str = ""
    model: str | None = None
    params: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        authorization = self.headers.get("authorization", "")
        if match := _CREDENTIAL.match(authorization):
            self.access_key = match["key"]
            self.region = match["region"]
            self.service = match["service"]
        elif authorization.startswith("Bearer "):
            self.bearer = authorization[len("Bearer ") :]
            if host := re.match(
                r"bedrock[\w-]*\.([a-z]+(-[a-z]+)+-\d)\.", self.headers.get("host", "")
            ):
                self.region = host[1]
        elif self.mantled:
            self.bearer = self.headers.get("x-api-key")
        if self.mantled and self.access_key is None:
            self.service = MANTLE
        self.params = dict(parse_qsl(self.query, keep_blank_values=True))
        form = "application/x-www-form-urlencoded" in self.headers.get("content-type", "")
        if self.service == "s3":
            self.operation = services.s3_operation(self.method, self.path, self.params)
        elif target := self.headers.get("x-amz-target"):
            self.operation = target.rpartition(".")[2]
        elif form:
            if self.access_key is None:  # AssumeRoleWithWebIdentity comes unsigned
                self.service = "sts"
            self.params |= dict(parse_qsl(self.body.decode(errors="replace")))
            self.operation = self.params.get("Action", "")
        else:
            self._route()

    @property
    def mantled(self) -> bool:
        """Whether the path is one of bedrock-mantle's."""
        return self.path.startswith("/anthropic/") and self.service not in services.MOTO

    def _route(self) -> None:
        if self.mantled:
            self.operation = MANTLE_ROUTES.get(self.path, "") if self.method == "POST" else ""
            self.model = self._named("model")
            return
        for method, pattern, operation in ROUTES:
            match = re.fullmatch(pattern, self.path)
            if match and method == self.method:
                self.operation = operation
                self.model = unquote(match[1]) if match.groups() else None
                if operation in _SUBSCRIBING:
                    self.model = self._named("modelId")
                return

    def _named(self, key: str) -> str | None:
        found = re.search(rb'"%s":\s*"([^"]*)"' % key.encode(), self.body)
        return found[1].decode(errors="replace") if found else None

    @property
    def actions(self) -> list[str]:
        """The IAM actions that the operation needs, in the order in which AWS asks for them."""
        if self.operation in ("", "GetCallerIdentity"):
            return []
        if self.service == "s3":
            action = f"s3:{services.S3_ACTIONS.get(self.operation, self.operation)}"
            owned = self.operation == "CreateBucket" and "x-amz-object-ownership" in self.headers
            return [action, "s3:PutBucketOwnershipControls"] if owned else [action]
        first = f"{self.service}:{_OTHER_ACTIONS.get(self.operation, self.operation)}"
        if self.operation == "CreateLogGroup" and self.json().get("tags"):
            return [first, "logs:TagResource"]
        if self.operation in _SUBSCRIBING:
            return [first, *_SUBSCRIBING[self.operation]]
        return [first, "iam:PassRole"] if self.passed_role else [first]

    @property
    def passed_role(self) -> str:
        """The role that the request hands to Bedrock, which takes iam:PassRole."""
        if self.operation not in _PASSING:
            return ""
        match = re.search(rb'"roleArn":\s*"([^"]*)"', self.body)
        return match[1].decode(errors="replace") if match else ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; anything else is Bedrock's malformed-input refusal."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise AwsError("ValidationException", MALFORMED) from error
        if not isinstance(value, dict):
            raise AwsError("ValidationException", MALFORMED)
        return value

    def record(self) -> dict[str, Any]:
        """What /_sandbox/requests shows: everything but the secrets in the headers."""
        return {
            "time": self.time,
            "request_id": self.request_id,
            "operation": self.operation or None,
            "service": self.service,
            "region": self.region,
            "model": self.model,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": {name: _redacted(name, value) for name, value in self.headers.items()},
            "body": self._shown_body(),
            "status": None,
        }

    def _shown_body(self) -> object:
        if self.service in ("sts", "iam"):
            return {name: _hidden(name, value) for name, value in self.params.items()}
        if not self.body:
            return None
        try:
            shown: object = json.loads(self.body)
        except ValueError:
            if len(self.body) > LARGEST_SHOWN:
                return f"{len(self.body)} bytes"
            shown = self.body.decode(errors="replace")
        return shown


MALFORMED = "Malformed input request, please reformat your input and try again."


def _hidden(name: str, value: str) -> str:
    return "***" if name == "WebIdentityToken" else value


def _redacted(name: str, value: str) -> str:
    if name == "authorization":
        if value.startswith("Bearer"):
            return "Bearer ***"
        return re.sub(r"Signature=\w+", "Signature=***", value)
    return "***" if name in ("x-amz-security-token", "x-api-key") else value
