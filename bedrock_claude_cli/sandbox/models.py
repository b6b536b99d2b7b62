"""The sandbox's own model table, and what Bedrock says to an id in a region."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bedrock_claude_cli.sandbox.wire import AwsError

ACCOUNT = "000000000000"
INVALID_ID = "The provided model identifier is invalid."
END_OF_LIFE = (
    "This model version has reached the end of its life. "
    "Please refer to the AWS documentation for more details."
)


@dataclass(frozen=True)
class Model:
    """One base model: where it can be called and what it takes; dates are ISO days.

    `price` is in dollars per million tokens, of its global inference profile where it has one:
    input, output, cache read, cache write. `retention` are the modes of data retention that it
    takes; none where any will do.
    """

    id: str
    name: str
    prefixes: tuple[str, ...]
    on_demand: tuple[str, ...]
    lifecycle: dict[str, str]
    context: int
    max_output: int
    sampling: str
    thinking: tuple[str, ...]
    prefill: bool
    mid_system: bool
    count_tokens: bool
    thinking_default: str
    efforts: tuple[str, ...]
    schema: bool
    forced_tools: bool
    min_cache: int
    batch: bool = False
    price: tuple[float, ...] = ()
    retention: tuple[str, ...] = ()
    extra_sources: dict[str, list[str]] = field(default_factory=dict)

    @property
    def first_party_id(self) -> str:
        """The id that Anthropic itself uses, as answers and messages name it."""
        return re.sub(r"^anthropic\.|-v\d+(:\d+)?$", "", self.id)

    @property
    def arn_versioned(self) -> bool:
        """Whether the id ends in a version such as -v1:0 or -v1."""
        return re.search(r"-v\d+(:\d+)?$", self.id) is not None

    @property
    def retired(self) -> bool:
        """Whether the model is past its end of life."""
        return self.lifecycle["status"] == "EOL"

    def profile_prefixes(self, region: str) -> list[str]:
        """The prefixes of the inference profiles that can be called from `region`."""
        return [prefix for prefix in self.prefixes if region in self.sources(prefix, region)]

    def sources(self, prefix: str, region: str) -> list[str]:
        """The source regions of one prefix; `global` takes every commercial region."""
        if prefix == "global":
            return [region] if partition(region) == "aws" else []
        sources: list[str] = geographies()[prefix]["sources"]
        return sources + self.extra_sources.get(prefix, [])

    def destinations(self, prefix: str, region: str) -> list[str]:
        """The ARNs of the foundation models that a profile may route to from `region`."""
        if prefix == "global":
            return [model_arn(self.id, region), model_arn(self.id, "")]
        regions = geographies()[prefix]["destinations"]
        everywhere = regions if region in regions else [region, *regions]
        return [model_arn(self.id, destination) for destination in everywhere]


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("models.json").read_text())
    return table


@cache
def claude() -> dict[str, Model]:
    """Every Claude model that Bedrock has ever had, by base id."""
    rows: list[dict[str, Any]] = _table()["claude"]
    listed = ("prefixes", "on_demand", "thinking", "efforts", "price", "retention")
    return {
        row["id"]: Model(**row | {name: tuple(row.get(name, ())) for name in listed})
        for row in rows
    }


def geographies() -> dict[str, dict[str, Any]]:
    """Name, source and destination regions of every geography prefix."""
    table: dict[str, dict[str, Any]] = _table()["geographies"]
    return table


def others() -> list[dict[str, str]]:
    """A few models of other providers, so that clients must filter."""
    rows: list[dict[str, str]] = _table()["others"]
    return rows


def partition(region: str) -> str:
    """The ARN partition of a region."""
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws-cn" if region.startswith("cn-") else "aws"


def model_arn(model_id: str, region: str) -> str:
    """The ARN of a foundation model; an empty region is the one of global profiles."""
    return f"arn:{partition(region)}:bedrock:{region}::foundation-model/{model_id}"


def profile_arn(profile_id: str, region: str) -> str:
    """The ARN of a system-defined inference profile as seen from its source region."""
    return f"arn:{partition(region)}:bedrock:{region}:{ACCOUNT}:inference-profile/{profile_id}"


_ARN = re.compile(
    r"arn:aws[\w-]*:bedrock:(?P<region>[\w-]*):(?P<account>\d*):"
    r"(?P<kind>foundation-model|inference-profile)/(?P<id>.+)"
)


def split(identifier: str, region: str) -> tuple[str, Model]:
    """The endpoint prefix ('' for a base id) and the model of an id or ARN in `region`."""
    name = identifier
    if match := _ARN.fullmatch(identifier):
        account = "" if match["kind"] == "foundation-model" else ACCOUNT
        if match["region"] != region or match["account"] != account:
            raise AwsError("ValidationException", INVALID_ID)
        name = match["id"]
        if (match["kind"] == "foundation-model") != (name in claude()):
            raise AwsError("ValidationException", INVALID_ID)
    base = re.sub(r"^(global|us-gov|us|eu|jp|au|apac|in)\.", "", name)
    model = claude().get(base)
    prefix = name[: -len(base) - 1]
    if model is None or (prefix and prefix not in model.prefixes):
        raise AwsError("ValidationException", INVALID_ID)
    return prefix, model


def base_model(identifier: str, region: str) -> Model:
    """The model of a base id, for the operations that take nothing else."""
    prefix, model = split(identifier, region)
    if prefix:
        raise AwsError("ValidationException", INVALID_ID)
    return model


def resolve(identifier: str, region: str) -> Model:
    """The model that an invocation in `region` reaches, or Bedrock's refusal of the id."""
    prefix, model = split(identifier, region)
    if model.retired:
        raise AwsError("ResourceNotFoundException", END_OF_LIFE)
    if prefix and prefix not in model.profile_prefixes(region):
        raise AwsError("ValidationException", INVALID_ID)
    if not prefix and region not in model.on_demand:
        raise AwsError(
            "ValidationException",
            f"Invocation of model ID {identifier} with on-demand throughput isn\u2019t supported. "
            "Retry your request with the ID or ARN of an inference profile "
            "that contains this model.",
        )
    return model


def resource_arn(identifier: str, region: str) -> str:
    """The ARN that an IAM refusal names for a model id."""
    if identifier.startswith("arn:"):
        return identifier
    if re.match(r"(global|us-gov|us|eu|jp|au|apac|in)\.", identifier):
        return profile_arn(identifier, region)
    return model_arn(identifier, region)
