"""How the options that AWS reads by a pattern are written; each check raises ValueError."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# botocore 1.44.5, bedrock-runtime: GuardrailIdentifier and GuardrailVersion
_GUARDRAIL = (
    r"([a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+)"
    r":([1-9][0-9]{0,7}|DRAFT)"
)
# botocore 1.44.5, bedrock-runtime: RequestMetadata, its keys and values, and RequestMetadataJson
_METADATA = r"[a-zA-Z0-9\s:_@$#=/+,\-.]*"
MOST_METADATA = 16
LONGEST_METADATA = 256
MOST_METADATA_JSON = 8500


def guardrail(text: str) -> None:
    """A guardrail's id or ARN, a colon, and a version's number or DRAFT."""
    if not re.fullmatch(_GUARDRAIL, text):
        raise ValueError(
            f"is written ID:VERSION, ID a guardrail's id or ARN, VERSION a number or DRAFT, "
            f"not `{text}`"
        )


def beta(text: str) -> None:
    """One name of a beta: betas travel in a list that is joined by commas."""
    if re.search(r"[^!-+\--~]", text):
        raise ValueError(f"is one name without blanks and commas, not `{text}`; it may repeat")


def thinking(text: str) -> None:
    """off, adaptive, or a number of tokens."""
    if text not in ("off", "adaptive") and not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"is off, adaptive or a number of tokens, not `{text}`")


def meta(pairs: Mapping[str, str]) -> None:
    """Request metadata that both InvokeModel's header and Converse take."""
    if len(pairs) > MOST_METADATA:
        raise ValueError(f"takes at most {MOST_METADATA} entries, not {len(pairs)}")
    for key, value in pairs.items():
        for what, text in (("key", key), ("value", value)):
            if len(text) > LONGEST_METADATA:
                raise ValueError(
                    f"takes a {what} of at most {LONGEST_METADATA} characters, not the "
                    f"{len(text)} of `{text[:24]}...`"
                )
            if not re.fullmatch(_METADATA, text, re.ASCII):
                raise ValueError(
                    f"takes letters, figures, spaces and :_@$#=/+,-. in a {what}, not `{text}`"
                )
        if not key:
            raise ValueError("takes no empty key")
    if len(json.dumps(dict(pairs))) > MOST_METADATA_JSON:
        raise ValueError(f"takes at most {MOST_METADATA_JSON} characters as JSON")
