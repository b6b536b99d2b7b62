"""Is a model open to the account, how long will there be one, and are its calls logged.

Opening a model is the account's matter (agreement, authorisation, entitlement, region); whether an
identity may invoke it is IAM's, and only an invocation proves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bedrock_claude_cli.bedrock.access_state import Access, unsure
from bedrock_claude_cli.bedrock.catalog import Catalog, KnownModel
from bedrock_claude_cli.bedrock.checks import PENDING, Check, fail
from bedrock_claude_cli.bedrock.inventory import read_lifecycle
from bedrock_claude_cli.bedrock.model_id import Target, parse
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.errors import ExitCode

_OFFERED = "`bedrock-claude list-models --all-regions` shows where it can be reached"
_UNAUTHORISED = "it is by invitation, or the account is restricted: AWS Support can tell which"


def base_model(bedrock: Any, target: Target) -> str | None:
    """The base id behind a target; for an application inference profile AWS is asked.

    None for ARNs of which Bedrock tells no availability (provisioned, custom, imported).
    """
    if target.base_id or target.kind != "application-inference-profile":
        return target.base_id
    profile = bedrock.get_inference_profile(inferenceProfileIdentifier=target.model_id)
    bases = (parse(model["modelArn"]).base_id for model in part(profile, "models"))
    return next((base for base in bases if base), None)


def opened(row: Access, shown: str, region: str, hidden: Sequence[str] = ()) -> Check:
    """The check `model` out of a model's row; `hidden` are the actions that IAM did not allow."""
    mends = f"`{row.command}` opens it, or says what does" if row.command else _UNAUTHORISED
    unseen = f" (IAM does not allow {' or '.join(hidden)})" if hidden else ""
    if row.in_region is False:
        return fail("model", ExitCode.REJECTED, f"{shown} is not offered in {region}", _OFFERED)
    if row.access == "closed":
        why = "; ".join(row.missing)
        return fail("model", ExitCode.DENIED, f"{shown} is not open to the account: {why}", mends)
    if row.access == "pending":
        text = f"the Marketplace agreement for {shown} is being made; calls may work already"
        return Check("model", "warn", text, f"`{row.command}` waits for it", code=PENDING)
    if row.access == "unknown":
        text = f"it is not known whether {shown} is open to the account: {unsure(row)}{unseen}"
        return Check("model", "warn", text, "`--invoke` proves it by one tiny billed call")
    but = f", as far as it shows{unseen}" if unseen else ""
    return Check("model", "ok", f"{shown} is open to the account{but}")


def lifecycle(
    base_id: str, summaries: Iterable[Mapping[str, Any]] | None, catalog: Catalog
) -> Check:
    """Whether a model is active; from AWS's list if there is one, else from the catalogue."""
    listed = next((each for each in summaries or () if each["modelId"] == base_id), None)
    known = catalog.get(base_id)
    if listed is None and known is None:
        return Check("lifecycle", "skip", f"nothing is known of the lifecycle of {base_id}")
    told = listed.get("modelLifecycle") or {} if listed else {}
    life = read_lifecycle(told, known)
    by = "" if told else f" (says the catalogue of {catalog.date})"
    name = known.name if known else base_id
    ends = f", ends {life.end_of_life}" if life.end_of_life else ""
    hint = _successor(known, catalog)
    if life.status == "EOL":
        when = f" on {life.end_of_life}" if life.end_of_life else ""
        text = f"{name} reached its end of life{when}{by}"
        return fail("lifecycle", ExitCode.REJECTED, text, hint)
    if life.status == "LEGACY":
        since = f" since {life.legacy}" if life.legacy else ""
        idle = "AWS locks out accounts that have not used it for 15 days"
        return Check("lifecycle", "warn", f"{name} is legacy{since}{ends}{by}; {idle}", hint)
    return Check("lifecycle", "ok", f"{name} is {(life.status or 'listed').lower()}{ends}{by}")


def _successor(known: KnownModel | None, catalog: Catalog) -> str | None:
    newest = catalog.by_alias(known.family) if known else None
    if newest is None or newest == known:
        return None
    return f"its successor is {newest.name} (`--model {newest.alias}`)"


def logging(told: Mapping[str, Any], region: str) -> Check:
    """What GetModelInvocationLoggingConfiguration means; without a configuration it is off."""
    config = told.get("loggingConfig")
    if not config:
        return Check(
            "logging",
            "warn",
            f"model invocation logging is off in {region}",
            f"`bedrock-claude enable-logging --region {region}` turns it on",
        )
    places = []
    if cloudwatch := config.get("cloudWatchConfig"):
        places.append(f"log group {cloudwatch['logGroupName']}")
    if s3 := config.get("s3Config"):
        places.append(f"s3://{s3['bucketName']}/{s3.get('keyPrefix') or ''}")
    where = f"model invocation logging goes to {' and '.join(places) or 'nowhere'}"
    if not places or config.get("textDataDeliveryEnabled") is False:
        return Check("logging", "warn", f"{where}, without prompts and answers")
    return Check("logging", "ok", where)
