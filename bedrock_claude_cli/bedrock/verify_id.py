"""Whether an id that was named can be called from the region at all, by AWS's own lists.

An alias is judged where its id is chosen; an id or ARN is sent as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bedrock_claude_cli.bedrock import inventory, model_id
from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.errors import RejectedError

PROFILES = "bedrock:ListInferenceProfiles"
Rows = Iterable[Mapping[str, Any]]


def by_id(kind: model_id.Kind) -> bool:
    """Whether what was named says itself where it can be called from."""
    return kind in ("profile", "inference-profile", "foundation-model")


def profiles(bedrock: Any) -> list[Mapping[str, Any]]:
    """What ListInferenceProfiles says of AWS's own."""
    pages = bedrock.get_paginator("list_inference_profiles")
    told = pages.paginate(PaginationConfig={"PageSize": 1000})
    return [each for page in told for each in part(page, "inferenceProfileSummaries")]


def refusal(
    target: Target, summaries: Rows | None, profiles: Rows | None, catalog: Catalog
) -> RejectedError | None:
    """Why the id of a target cannot be called from its region, in the words of `ask`.

    Without both lists only an ARN tells, by its own region.
    """
    if summaries is not None and profiles is not None:
        models = inventory.join(summaries, profiles, target.region, catalog)
        try:
            model_id.fallbacks(target, [each.id for row in models for each in row.ids], catalog)
        except RejectedError as error:
            return error
    own = model_id.parse(target.model_id).region
    if own in (None, target.region):
        return None
    return RejectedError(
        f"`{target.model_id}` is not offered in {target.region}",
        hint=f"the ARN belongs to {own}; `--region {own}`, or name the model by its alias",
    )
