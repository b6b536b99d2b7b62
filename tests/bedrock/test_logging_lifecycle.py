"""Which lifecycle rules delete what Bedrock delivers, without any AWS."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.logging_lifecycle import Expiry, expiry
from bedrock_claude_cli.bedrock.logging_policies import Place

HERE = Place("aws", "111122223333", "eu-west-1")
FOLDER = HERE.folder("claude")
OURS = f"{FOLDER}eu-west-1/"
WHOLE, PART = Expiry(7, None, True), Expiry(7, None, False)


@pytest.mark.parametrize(
    "chosen, hit",
    [
        ({}, WHOLE),
        ({"Prefix": ""}, WHOLE),
        ({"Prefix": "cla"}, WHOLE),
        ({"Prefix": FOLDER}, WHOLE),
        ({"Prefix": OURS}, WHOLE),
        ({"Prefix": f"{OURS}2026/"}, PART),
        ({"Prefix": f"{FOLDER}us-east-1/"}, None),
        ({"Prefix": "other/"}, None),
        ({"Tag": {"Key": "a", "Value": "b"}}, None),
        ({"And": {"Prefix": "cla", "Tags": [{"Key": "a", "Value": "b"}]}}, None),
        ({"And": {"Prefix": "cla", "ObjectSizeGreaterThan": 0}}, WHOLE),
        ({"And": {"Prefix": "cla", "ObjectSizeGreaterThan": 1024}}, PART),
        ({"And": {"Prefix": "other/", "ObjectSizeGreaterThan": 1024}}, None),
        ({"ObjectSizeLessThan": 1_000_000}, PART),
        ({"ObjectSizeLessThan": 1}, None),
        ({"ObjectSizeGreaterThan": 6 * 1024**3}, None),
    ],
)
def test_a_filter_counts_as_far_as_it_hits_delivered_objects(
    chosen: dict[str, Any], hit: Expiry | None
) -> None:
    rule = {"Status": "Enabled", "Filter": chosen, "Expiration": {"Days": 7}}
    assert expiry(rule, HERE, "claude") == hit
    assert expiry({**rule, "Status": "Disabled"}, HERE, "claude") is None


def test_the_older_form_without_a_filter_counts() -> None:
    rule = {"Status": "Enabled", "Prefix": "claude/", "Expiration": {"Days": 7}}
    assert expiry(rule, HERE, "claude") == WHOLE
    assert expiry({**rule, "Prefix": "x"}, HERE, "claude") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    ],
)
def test_what_deletes_no_current_object_does_not_count(fields: dict[str, Any]) -> None:
    assert expiry({"Status": "Enabled", "Filter": {}, **fields}, HERE, "claude") is None


def test_a_date_deletes_at_any_age() -> None:
    date = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)
    rule = {"Status": "Enabled", "Filter": {}, "Expiration": {"Date": date}}
    found = expiry(rule, HERE, "claude")
    assert found and found.days == 0 and str(found) == "from 2027-01-01 on, at any age"
