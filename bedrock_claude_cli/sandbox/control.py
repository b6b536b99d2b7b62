"""The control plane: which models and inference profiles exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bedrock_claude_cli.sandbox.models import (
    Model,
    claude,
    geographies,
    model_arn,
    others,
    profile_arn,
)
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply, json_reply

PAGE_SIZE = 10


def answer(request: Request) -> Reply:
    """One operation of the control plane that reads models."""
    if request.operation == "ListFoundationModels":
        return list_foundation_models(request)
    if request.operation == "ListInferenceProfiles":
        return list_inference_profiles(request)
    return get_inference_profile(request)


def list_foundation_models(request: Request) -> Reply:
    """Active and legacy models that the region offers, filtered, without pages."""
    rows = [
        _claude_summary(model, request.region)
        for model in claude().values()
        if not model.retired and offered(model, request.region)
    ]
    rows += [_other_summary(row, request.region) for row in others()]
    filters: dict[str, Callable[[dict[str, Any], str], bool]] = {
        "byProvider": lambda row, value: str(row["providerName"]).lower() == value.lower(),
        "byOutputModality": lambda row, value: value in row["outputModalities"],
        "byInferenceType": lambda row, value: value in row["inferenceTypesSupported"],
        "byCustomizationType": lambda row, value: value in row["customizationsSupported"],
    }
    for name, matches in filters.items():
        if value := request.params.get(name):
            rows = [row for row in rows if matches(row, value)]
    return json_reply({"modelSummaries": rows})


def offered(model: Model, region: str) -> bool:
    """Whether the model can be called from the region in any way."""
    return region in model.on_demand or bool(model.profile_prefixes(region))


def _claude_summary(model: Model, region: str) -> dict[str, Any]:
    dates = {
        "start": "startOfLifeTime",
        "legacy": "legacyTime",
        "extended": "publicExtendedAccessTime",
        "end": "endOfLifeTime",
    }
    lifecycle = {"status": model.lifecycle["status"]}
    for ours, theirs in dates.items():
        if ours in model.lifecycle:
            lifecycle[theirs] = model.lifecycle[ours] + "T00:00:00Z"
    kinds = ["INFERENCE_PROFILE"] if model.profile_prefixes(region) else []
    return {
        "modelArn": model_arn(model.id, region),
        "modelId": model.id,
        "modelName": model.name,
        "providerName": "Anthropic",
        "inputModalities": ["TEXT", "IMAGE"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": kinds + ["ON_DEMAND"] * (region in model.on_demand),
        "modelLifecycle": lifecycle,
    }


def _other_summary(row: dict[str, str], region: str) -> dict[str, Any]:
    return {
        "modelArn": model_arn(row["id"], region),
        "modelId": row["id"],
        "modelName": row["name"],
        "providerName": row["provider"],
        "inputModalities": ["TEXT"],
        "outputModalities": [row["output"]],
        "responseStreamingSupported": row["output"] == "TEXT",
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def profiles(region: str) -> list[dict[str, Any]]:
    """The system-defined inference profiles that can be called from `region`, retired ones gone."""
    return [
        profile(model, prefix, region)
        for model in claude().values()
        if not model.retired
        for prefix in model.profile_prefixes(region)
    ]


def profile(model: Model, prefix: str, region: str) -> dict[str, Any]:
    """One inference profile as the control plane describes it."""
    geography = "Global" if prefix == "global" else str(geographies()[prefix]["name"])
    where = "globally" if prefix == "global" else f"in {geography} regions"
    return {
        "inferenceProfileName": f"{geography} Anthropic {model.name}",
        "description": f"Routes requests to Anthropic {model.name} {where}.",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "inferenceProfileArn": profile_arn(f"{prefix}.{model.id}", region),
        "models": [{"modelArn": arn} for arn in model.destinations(prefix, region)],
        "inferenceProfileId": f"{prefix}.{model.id}",
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }


def list_inference_profiles(request: Request) -> Reply:
    """One page; PAGE_SIZE unless maxResults says otherwise, so that clients have to page."""
    kind = request.params.get("type", "SYSTEM_DEFINED")
    rows = profiles(request.region) if kind == "SYSTEM_DEFINED" else []
    start, size = page(request)
    value: dict[str, Any] = {"inferenceProfileSummaries": rows[start : start + size]}
    if start + size < len(rows):
        value["nextToken"] = f"sandbox-{start + size}"
    return json_reply(value)


def page(request: Request) -> tuple[int, int]:
    """Where a page begins and how many rows it has, as nextToken and maxResults say."""
    size = request.params.get("maxResults", str(PAGE_SIZE))
    if not size.isdecimal() or not 1 <= int(size) <= 1000:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy "
            "constraint: Member must have value between 1 and 1000",
        )
    token = request.params.get("nextToken", "sandbox-0")
    start = token.removeprefix("sandbox-")
    if not token.startswith("sandbox-") or not start.isdecimal():
        raise AwsError("ValidationException", "The provided nextToken is invalid.")
    return int(start), int(size)


def get_inference_profile(request: Request) -> Reply:
    """A profile by id or ARN, if it can be called from the region."""
    wanted = str(request.model).rsplit("/", 1)[-1]
    for row in profiles(request.region):
        if row["inferenceProfileId"] == wanted:
            return json_reply(row)
    raise AwsError("ResourceNotFoundException", "The specified inference profile was not found.")
