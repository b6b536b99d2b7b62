"""What AWS lists in a region or in many: its Claude models and its inference profiles, as told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.response import part

Told = Mapping[str, Any]
NOT_ENABLED = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidClientTokenIdException",
}
NO_CONNECTION = {"EndpointConnectionError", "ConnectTimeoutError"}


class Listed(NamedTuple):
    """One region's two lists: members of ListFoundationModels and of ListInferenceProfiles."""

    region: str
    summaries: Sequence[Told]
    profiles: Sequence[Told]


class Survey(NamedTuple):
    """Several regions' lists, and the regions that gave none, by reason."""

    listed: tuple[Listed, ...]
    not_enabled: tuple[str, ...] = ()
    failed: tuple[tuple[str, BaseException], ...] = ()


def look(client: Any, region: str) -> Listed:
    """Both lists of one region, with a boto3 `bedrock` client of that region.

    Needs bedrock:ListFoundationModels and bedrock:ListInferenceProfiles; botocore's errors pass.
    """
    from bedrock_claude_cli.bedrock.threads import settled, side_by_side

    with side_by_side(1) as pool:
        profiles = pool.submit(_profiles, client)
        return Listed(region, summaries(client), settled(profiles).result())


def summaries(client: Any) -> list[Told]:
    """What ListFoundationModels says of Anthropic's models."""
    found: list[Told] = part(
        client.list_foundation_models(byProvider="Anthropic"), "modelSummaries"
    )
    return found


def _profiles(client: Any) -> list[Told]:
    found: list[Told] = []
    page = client.list_inference_profiles(maxResults=1000)
    found += part(page, "inferenceProfileSummaries")
    while page.get("nextToken"):
        page = client.list_inference_profiles(maxResults=1000, nextToken=page["nextToken"])
        found += part(page, "inferenceProfileSummaries")
    return found


def look_around(client_for: Callable[[str], Any], regions: Sequence[str]) -> Survey:
    """Ask every region at once. When all of them fail, the first one's error is raised."""
    from bedrock_claude_cli.bedrock.threads import settled, side_by_side

    with side_by_side(min(32, len(regions) or 1)) as pool:
        asked = {
            region: pool.submit(look, client_for(region), region)
            for region in dict.fromkeys(regions)
        }
        errors = {
            region: error for region, ask in asked.items() if (error := settled(ask).exception())
        }
    if errors and len(errors) == len(asked):
        raise next(iter(errors.values()))
    return Survey(
        listed=tuple(ask.result() for region, ask in asked.items() if region not in errors),
        not_enabled=tuple(region for region, error in errors.items() if _not_enabled(error)),
        failed=tuple(each for each in errors.items() if not _not_enabled(each[1])),
    )


def _not_enabled(error: BaseException) -> bool:
    response = getattr(error, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    return code in NOT_ENABLED or type(error).__name__ in NO_CONNECTION
