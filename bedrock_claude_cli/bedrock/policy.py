"""The least IAM policy that lets an identity call one model in one way (pure).

docs.aws.amazon.com/bedrock, "Geographic cross-Region inference" and "Global cross-Region
inference": a request at an inference profile is judged on the profile, on the foundation model in
the source region and on it in every destination, where `bedrock:InferenceProfileArn` is set; a
global profile's destination is the model's ARN without a region, and `aws:RequestedRegion` then
`unspecified`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bedrock_claude_cli.bedrock.logging_policies import Document, document

# InvokeModel covers Converse, the other one ConverseStream.
ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
UNSPECIFIED = {"aws:RequestedRegion": "unspecified"}


def foundation_model(partition: str, region: str, base_id: str) -> str:
    """The ARN of a foundation model; with an empty region the one that global profiles route to."""
    return f"arn:{partition}:bedrock:{region}::foundation-model/{base_id}"


def inference_profile(partition: str, region: str, account: str, profile_id: str) -> str:
    """The ARN of a system-defined inference profile in its source region."""
    return f"arn:{partition}:bedrock:{region}:{account}:inference-profile/{profile_id}"


def in_region(model_arn: str) -> list[Document]:
    """What a foundation model takes that is called without an inference profile."""
    return [_allow(model_arn)]


def through_profile(profile_arn: str, model_arns: Iterable[str]) -> list[Document]:
    """What an inference profile takes that routes to these foundation models.

    The source region's model, which AWS may leave out of the profile's list, is granted too.
    """
    given = list(model_arns)
    _, partition, _, source, *_ = profile_arn.split(":")
    base_id = given[0].rpartition("/")[2]
    placed = [foundation_model(partition, source, base_id)]
    placed += [arn for arn in given if arn.split(":")[3]]
    by_it = {"bedrock:InferenceProfileArn": profile_arn}
    found = [_allow(profile_arn), _allow(*dict.fromkeys(placed), **by_it)]
    anywhere = [arn for arn in given if not arn.split(":")[3]]
    return [*found, _allow(*anywhere, **UNSPECIFIED, **by_it)] if anywhere else found


def on_mantle(partition: str, region: str, account: str, mantle_id: str) -> list[Document]:
    """What bedrock-mantle takes in an account's default project.

    docs.aws.amazon.com/service-authorization, "Amazon Bedrock Powered by AWS Mantle".
    """
    arn = f"arn:{partition}:bedrock-mantle:{region}:{account}:project/default"
    condition = {"StringEquals": {"bedrock-mantle:Model": mantle_id}}
    return [
        {
            "Effect": "Allow",
            "Action": "bedrock-mantle:CreateInference",
            "Resource": arn,
            "Condition": condition,
        }
    ]


def whole(statements: Iterable[Document]) -> Document:
    """The statements as one policy document."""
    return document(*statements)


def _allow(*arns: str, **equals: str) -> Document:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": ACTIONS,
        "Resource": arns[0] if len(arns) == 1 else list(arns),
    }
    return statement | ({"Condition": {"StringEquals": equals}} if equals else {})
