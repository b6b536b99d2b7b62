"""Invocation logging: one configuration per region, and a record of every invocation.

Most sandboxes never log: what writes the records is imported when there is one.
"""

from __future__ import annotations

import json
from typing import Any

from bedrock_claude_cli.sandbox import stream
from bedrock_claude_cli.sandbox.backend import Backend
from bedrock_claude_cli.sandbox.models import ACCOUNT, geographies, split
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import (
    AwsError,
    Logged,
    Reply,
    exception_name,
    invalid,
    json_reply,
)


class InvocationLogging:
    """The logging configurations of one sandbox, and what follows from them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._configs: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request) -> Reply:
        """Put, Get or DeleteModelInvocationLoggingConfiguration in the request's region."""
        if request.operation.startswith("Get"):
            config = self._configs.get(request.region)
            return json_reply({"loggingConfig": config} if config else {})
        if request.operation.startswith("Delete"):
            self._configs.pop(request.region, None)
            return json_reply({})
        from bedrock_claude_cli.sandbox import delivery
        from bedrock_claude_cli.sandbox.inside import Inside

        config = check_shape(request.json().get("loggingConfig"))
        inside = Inside(self._backend, request.region)
        delivery.check(inside, config)
        delivery.leave_signs(inside, config)
        self._configs[request.region] = config
        return json_reply({})

    def log(
        self, request: Request, caller: str, reply: Reply | AwsError, script: dict[str, Any]
    ) -> None:
        """Write the record of one invocation, where its region has logging switched on."""
        config = self._configs.get(request.region)
        if config is None:
            return
        logged = reply.logged if isinstance(reply, Reply) else None
        error = reply.code if isinstance(reply, AwsError) else ""
        if stream.fault(script)[0] == "exception":
            name = exception_name(script["exception"]["type"])
            error, logged = name[:1].upper() + name[1:], None
        record = compose(request, caller, logged, error)
        sides = {"input": _json(request.body), "output": logged.body if logged else None}
        bodies = {side: _shown(body, config) for side, body in sides.items() if body is not None}
        if not config.get("textDataDeliveryEnabled", True):
            bodies = {}
        from bedrock_claude_cli.sandbox import delivery
        from bedrock_claude_cli.sandbox.inside import Inside

        delivery.deliver(Inside(self._backend, request.region), config, record, bodies)


REQUIRED = (
    "cloudWatchConfig.logGroupName",
    "cloudWatchConfig.roleArn",
    "cloudWatchConfig.largeDataDeliveryS3Config.bucketName",
    "s3Config.bucketName",
)


def check_shape(config: object) -> dict[str, Any]:
    """The configuration, unless something required is missing: ValidationException."""
    if not isinstance(config, dict):
        raise invalid(null_value("loggingConfig"))
    for path in REQUIRED:
        holder: Any = config
        *above, name = path.split(".")
        for step in above:
            holder = (holder or {}).get(step)
        if holder is not None and not holder.get(name):
            raise invalid(null_value(f"loggingConfig.{path}"))
    return config


def group_refusal(cloudwatch: dict[str, Any]) -> str:
    """AWS's words for a log group, role or policy that is not as it should be."""
    return (
        f"Failed to validate permissions for log group: {cloudwatch.get('logGroupName')}, "
        f"with role: {cloudwatch.get('roleArn')}. Verify the IAM role permissions are correct."
    )


def null_value(name: str) -> str:
    """AWS's words for a required member that is not there."""
    return (
        f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: "
        "Member must not be null"
    )


def compose(request: Request, caller: str, logged: Logged | None, error: str) -> dict[str, Any]:
    """A ModelInvocationLog record without its bodies; without token counts where it failed."""
    record: dict[str, Any] = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": request.time[:19] + "Z",
        "accountId": ACCOUNT,
        "region": request.region,
        "requestId": request.request_id,
        "operation": request.operation,
        "modelId": request.model,
        "identity": {"arn": caller},
        "input": {"inputContentType": "application/json"},
        "output": {"outputContentType": "application/json"},
    }
    if metadata := _metadata(request):
        record["requestMetadata"] = metadata
    if error:
        record["errorCode"] = error
    if logged:
        record["inferenceRegion"] = _inference_region(request)
        usage = logged.usage
        record["input"] |= {
            "inputTokenCount": usage["input_tokens"],
            "cacheReadInputTokenCount": usage["cache_read_input_tokens"],
            "cacheWriteInputTokenCount": usage["cache_creation_input_tokens"],
        }
        record["output"]["outputTokenCount"] = usage["output_tokens"]
    return record


def _metadata(request: Request) -> dict[str, Any]:
    if request.operation.startswith("Converse"):
        body = _json(request.body)
        given = body.get("requestMetadata") if isinstance(body, dict) else None
    else:
        header = request.headers.get("x-amzn-bedrock-request-metadata", "")
        given = _json(header.encode())
    return given if isinstance(given, dict) else {}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _inference_region(request: Request) -> str:
    """Some region that the endpoint may have routed to, another than its own where there is one."""
    prefix, _ = split(str(request.model), request.region)
    if prefix in ("", "global"):
        return request.region
    elsewhere = [name for name in geographies()[prefix]["destinations"] if name != request.region]
    return str(elsewhere[0]) if elsewhere else request.region


def _shown(body: Any, config: dict[str, Any]) -> Any:
    return body if config.get("imageDataDeliveryEnabled", True) else _without_images(body)


def _without_images(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_images(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_images(item) for item in value if not _is_image(item)]
    return value


def _is_image(item: Any) -> bool:
    return isinstance(item, dict) and (item.get("type") == "image" or "image" in item)
