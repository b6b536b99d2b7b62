"""The Marketplace offers of the models: price cards, terms, and the token that accepts one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from bedrock_claude_cli.sandbox.models import Model

PREMIUM = 1.1  # of an endpoint that stays in its geography, over the global one
_KINDS = (
    ("InputTokenCount", "Million Input Tokens"),
    ("OutputTokenCount", "Million Response Tokens"),
    ("CacheReadInputTokenCount", "Million Cache Read Input Tokens"),
    ("CacheWriteInputTokenCount", "Million Cache Write Input Tokens"),
)


def token(model: Model, region: str) -> str:
    """What accepts the offer of a model in a region, and no other."""
    return base64.b64encode(hashlib.sha512(f"{model.id} {region}".encode()).digest()).decode()


def offer(model: Model, region: str) -> dict[str, Any]:
    """The one public offer of a model, as ListFoundationModelAgreementOffers has it."""
    name = hashlib.sha256(model.id.encode()).hexdigest()[:13]
    terms = f"https://legal.invalid/{model.first_party_id}/EULA.pdf"
    return {
        "offerId": f"offer-{name}",
        "offerToken": token(model, region),
        "termDetails": {
            "usageBasedPricingTerm": {"rateCard": list(_rates(model, region))},
            "legalTerm": {"url": f"{terms}?X-Amz-Expires=3600&X-Amz-Signature={'0' * 64}"},
            "supportTerm": {"refundPolicyDescription": "No refunds: it is a sandbox."},
            "validityTerm": {"agreementDuration": "P1Y"},
        },
    }


def _rates(model: Model, region: str) -> Iterator[dict[str, str]]:
    """A row for each kind of token, of the global endpoint first, as the price cards have them."""
    area, side, number = region.rsplit("-", 2)
    code = f"{area.replace('-', '')}{side[0]}{number}".upper()
    prefixes = model.profile_prefixes(region)
    scopes = [("Global", "Global", 1.0)] if "global" in prefixes else []
    if region in model.on_demand or set(prefixes) - {"global"}:
        factor = PREMIUM if "global" in model.prefixes else 1.0
        scopes.append(("Regional", "Regional CRIS", factor))
    for scope, words, factor in scopes:
        for (dimension, what), price in zip(_KINDS, model.price, strict=True):
            yield {
                "dimension": f"{code}_{dimension}_{scope}",
                "price": f"{round(price * factor, 6):g}",
                "description": f"AWS Marketplace software usage|{region}|{what} {words}",
                "unit": "Units",
            }
