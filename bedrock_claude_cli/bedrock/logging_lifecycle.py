"""When lifecycle rules delete what is logged to a bucket, as steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import logging_steps as steps
from bedrock_claude_cli.bedrock.logging_policies import Document, Place
from bedrock_claude_cli.bedrock.logging_settings import LEAST_DAYS
from bedrock_claude_cli.bedrock.logging_state import Bucket, Denied
from bedrock_claude_cli.bedrock.logging_step import Step, unknown

RULE = "bedrock-invocation-logging"
# docs.aws.amazon.com/AmazonS3: one PutObject takes at most 5 GB.
_LARGEST = 5 * 1024**3


class Expiry(NamedTuple):
    """What a rule deletes of the delivered objects: after how many days, and whether all of it.

    A rule with a date deletes from then on whatever is there, which is after 0 days.
    """

    days: int
    date: str | None
    whole: bool

    def __str__(self) -> str:
        return f"from {self.date} on, at any age" if self.date else f"after {self.days} days"


def expiry_steps(
    place: Place, days: int, name: str, prefix: str, found: Bucket | None
) -> Iterator[Step]:
    """The one rule of this tool's own, and the rules of others that delete too early."""
    folder = place.folder(prefix)
    what = f"lifecycle of bucket {name}: {folder}* expires"
    rules = found.rules if found else ()
    if isinstance(rules, Denied):
        yield unknown(f"lifecycle of bucket {name}", rules)
        return
    key = f"{RULE} {prefix}".strip()[:255]
    mine = next((each for each in rules if each.get("ID") == key), None)
    others = [
        (rule.get("ID") or "without an id", hit)
        for rule in rules
        if rule is not mine and (hit := expiry(rule, place, prefix))
    ]
    early = [(title, hit) for title, hit in others if hit.days < days]
    for title, hit in early:
        yield _early(name, folder, title, hit, days)
    own = expiry(mine, place, prefix) if mine else None
    whole = [hit.days for _, hit in others if hit.whole]
    if mine and (own is None or own.days >= days):
        yield Step("in-place", f"{what} {own or 'never'}")
    elif mine is None and (whole or (found and found.used is not False)):
        if not early:
            yield Step("in-place", f"{what} {f'after {min(whole)} days' if whole else 'never'}")
    else:
        yield Step(
            "change" if own else "create",
            what,
            before=str(own) if own else None,
            after=f"after {days} days",
            actions=("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
            resource=f"arn:{place.partition}:s3:::{name}",
            apply=steps.plain(steps.lifecycle(name, partial(_joined, place, prefix, key, days))),
        )


def _joined(
    place: Place, prefix: str, key: str, days: int, rules: list[Document]
) -> list[Document]:
    """The rules with that of this tool; one that is there only gets its days raised."""
    mine = next((each for each in rules if each.get("ID") == key), None)
    ends = {"Expiration": {"Days": days}}
    if mine is None:
        chosen = {"Prefix": place.folder(prefix)}
        return [*rules, {"ID": key, "Status": "Enabled", "Filter": chosen, **ends}]
    own = expiry(mine, place, prefix)
    if own is None or own.days >= days:
        return rules
    return [{**each, **ends} if each is mine else each for each in rules]


def _early(name: str, folder: str, title: str, hit: Expiry, days: int) -> Step:
    part = "what is logged" if hit.whole else "some of what is logged"
    return Step(
        "reported",
        f'lifecycle rule "{title}" of bucket {name} deletes {part} to {folder}* {hit}, not after '
        f"{days} days",
        hint=f"its owner narrows that rule or raises it to {days} days: "
        f"`aws s3api get-bucket-lifecycle-configuration --bucket {name}` shows it",
        short=hit.days < LEAST_DAYS,
    )


def expiry(rule: Document, place: Place, prefix: str) -> Expiry | None:
    """What a rule deletes of the objects that Bedrock delivers; None where it deletes none.

    They carry no tags, and are some hundred bytes to some megabytes large.
    """
    ends: Mapping[str, Any] = rule.get("Expiration") or {}
    if rule.get("Status") != "Enabled" or not ("Days" in ends or "Date" in ends):
        return None
    chosen = {**(rule.get("Filter") or {})}
    chosen |= chosen.pop("And", None) or {}
    if "Tag" in chosen or chosen.get("Tags"):
        return None
    above, below = chosen.get("ObjectSizeGreaterThan"), chosen.get("ObjectSizeLessThan")
    if (above or 0) >= _LARGEST or (below is not None and below <= 1):
        return None
    start = chosen.get("Prefix") or rule.get("Prefix") or ""
    objects = f"{place.folder(prefix)}{place.region}/"
    if not objects.startswith(start) and not start.startswith(objects):
        return None
    whole = objects.startswith(start) and not above and below is None
    if "Date" in ends:
        return Expiry(0, str(ends["Date"])[:10], whole)
    return Expiry(int(ends["Days"]), None, whole)
