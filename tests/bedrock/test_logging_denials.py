"""Which Deny statements hit Bedrock's delivery, without any AWS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock import logging_denials as denials
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.sandbox import policies as sandbox

HERE = Place("aws", "111122223333", "eu-west-1")
FOLDER = "arn:aws:s3:::b/AWSLogs/111122223333/BedrockModelInvocationLogs/"
PUT = denials.put(HERE, "b", "")
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}


def hit(**fields: Any) -> bool | None:
    """Whether a statement denies the delivery; None is perhaps."""
    statement = {key: value for key, value in {**DENY, **fields}.items() if value is not None}
    found = list(denials.denials({"Statement": [statement]}, PUT))
    return (found[0].certain or None) if found else False


@pytest.mark.parametrize(
    "fields, said",
    [
        ({}, True),
        ({"Effect": "Allow"}, False),
        ({"Action": "s3:Put*"}, True),
        ({"Action": ["S3:PUTOBJECT"]}, True),
        ({"Action": "s3:GetObject"}, False),
        ({"Action": None, "NotAction": ["s3:Get*"]}, True),
        ({"Action": None, "NotAction": "s3:*"}, False),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"Service": ["x", "bedrock.amazonaws.com"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, False),
        ({"Principal": None, "NotPrincipal": {"Service": "bedrock.amazonaws.com"}}, False),
        ({"Principal": None, "NotPrincipal": {"AWS": "111122223333"}}, True),
        ({"Resource": f"{FOLDER}*"}, True),
        ({"Resource": "arn:aws:s3:::b/*.json.gz"}, True),
        ({"Resource": "arn:aws:s3:::b/*/data/*"}, True),
        ({"Resource": f"{FOLDER}eu-west-1/2027/*"}, None),
        ({"Resource": "arn:aws:s3:::b/AWSLogs/*/CloudTrail/*"}, False),
        ({"Resource": "arn:aws:s3:::b/${aws:PrincipalAccount}/*"}, None),
        ({"Resource": "arn:aws:s3:::other/*"}, False),
        ({"Resource": None, "NotResource": f"{FOLDER}*"}, False),
        ({"Resource": None, "NotResource": "arn:aws:s3:::b/x/*"}, True),
    ],
    ids=str,
)
def test_what_a_statement_speaks_of(fields: dict[str, Any], said: bool | None) -> None:
    assert hit(**fields) is said


@pytest.mark.parametrize(
    "condition, said",
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Bool": {"AWS:securetransport": False}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": 1.3}}, None),
        ({"NumericLessThan": {"s3:TlsVersion": "x"}}, None),
        ({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": ["1", "111122223333"]}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, True),
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:bedrock:*:111122223333:*"}}, False),
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:bedrock:*:111122223333:model/*"}}, None),
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:bedrock:us-*:111122223333:*"}}, True),
        ({"StringNotEquals": {"aws:SourceArn": "arn:aws:bedrock:x"}}, None),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}, True),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"Null": {"aws:SourceVpc": "true"}}, None),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, True),
        ({"Null": {"aws:SourceAccount": "true"}}, False),
        ({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}, None),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, None),
        ({"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}, None),
        ({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, None),
        ({"Unheard": {"aws:SourceAccount": "x"}}, None),
        ({"Bool": "no mapping"}, None),
        ("no mapping", None),
        (
            {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "1.1.1.1"}},
            False,
        ),
        ({"Bool": {"aws:SecureTransport": "true"}, "IpAddress": {"aws:SourceIp": "1.1.1.1"}}, None),
    ],
    ids=str,
)
def test_conditions_are_known_not_to_hold_or_to_hold_or_open(
    condition: Any, said: bool | None
) -> None:
    assert hit(Condition=condition) is said


@pytest.mark.parametrize(
    "condition, said",
    [
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, None),
        ({"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, None),
    ],
    ids=str,
)
def test_a_role_is_asked_for_other_things(condition: Any, said: bool | None) -> None:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    found = list(denials.denials({"Statement": statement}, *denials.log(HERE, "/g")))
    assert ((found[0].certain or None) if found else False) is said


def test_a_statement_without_a_sid_is_counted() -> None:
    found = list(denials.denials({"Statement": [{**DENY, "Effect": "Allow"}, DENY]}, PUT))
    assert found == [denials.Denial("number 2", "s3:PutObject", True)]


CONTEXT = {
    "aws:SourceAccount": HERE.account,
    "aws:SourceArn": HERE.arn("bedrock", "logging"),
    "aws:SecureTransport": "true",
    "aws:PrincipalIsAWSService": "true",
    "aws:RequestedRegion": HERE.region,
    "s3:TlsVersion": "1.2",
}
VALUES = st.sampled_from(
    ["true", "false", "1.2", "1.3", HERE.account, HERE.region, "*", "arn:aws:bedrock:*", "o-1"]
)
OPERATORS = st.builds(
    lambda qualifier, name, tail: f"{qualifier}{name}{tail}",
    st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from(
        ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "ArnLike", "ArnNotLike",
         "Bool", "StringNotEqualsIgnoreCase"]
    ),
    st.sampled_from(["", "IfExists"]),
)  # fmt: skip
KEYS = st.sampled_from([*CONTEXT, "aws:SourceVpc", "aws:PrincipalOrgID", "aws:Unheard"])
CONDITIONS = st.dictionaries(
    st.one_of(OPERATORS, st.just("Null")),
    st.dictionaries(KEYS, st.one_of(VALUES, st.lists(VALUES, min_size=1, max_size=2)),
                    min_size=1, max_size=2),
    max_size=2,
)  # fmt: skip
ACTIONS = st.sampled_from(["s3:*", "s3:PutObject", "s3:Get*", "*"])
RESOURCES = st.sampled_from(["*", f"{FOLDER}*", f"{FOLDER}eu-west-1/*", "arn:aws:s3:::c/*"])
PRINCIPALS = st.sampled_from(
    ["*", {"AWS": "*"}, {"AWS": HERE.account}, {"Service": "bedrock.amazonaws.com"}]
)


@st.composite
def statements(draw: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Deny", "Condition": draw(CONDITIONS)}
    for name, values in (("Action", ACTIONS), ("Resource", RESOURCES), ("Principal", PRINCIPALS)):
        found[draw(st.sampled_from(["", "Not"])) + name] = draw(values)
    return found


@given(statements())
def test_what_is_certain_is_what_the_sandbox_decides(statement: dict[str, Any]) -> None:
    """Two evaluators that share no code agree wherever ours is sure."""
    rows = [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}, statement]
    service = "bedrock.amazonaws.com"
    denied = [
        not sandbox.allowed(rows, "s3:PutObject", resource, CONTEXT, service=service)
        for resource in PUT.resources
    ]
    found = list(denials.denials({"Statement": statement}, PUT))
    if not found:
        assert not any(denied)
    elif found[0].certain:
        assert any(denied)
