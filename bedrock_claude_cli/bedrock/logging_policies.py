"""The policies that logging needs, as plain documents, and how they join what is there.

Every statement is bound to one account and region, so that Bedrock cannot be used by somebody else
to write here; docs.aws.amazon.com/bedrock "Monitor model invocation".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from zlib import crc32

BEDROCK = "bedrock.amazonaws.com"
STREAM = "aws/bedrock/modelinvocations"
FOLDER = "BedrockModelInvocationLogs"
# docs.aws.amazon.com/AmazonS3: "Bucket policies are limited to 20 KB in size"
MAX_BUCKET_POLICY = 20 * 1024
VERSION = "2012-10-17"
Document = dict[str, Any]
_TESTS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")


class Place(NamedTuple):
    """Where logging is configured: one account and region of a partition (aws, aws-cn, ...)."""

    partition: str
    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, name: str) -> str:
        """The ARN of a role, whose name may have a path before it."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def group_arn(self, name: str) -> str:
        """The ARN of a log group, without the `:*` that CloudWatch Logs ends it with."""
        return self.arn("logs", f"log-group:{name}")

    def folder(self, prefix: str) -> str:
        """The folder in a bucket that Bedrock writes to, with its last slash."""
        return f"{prefix}/".lstrip("/") + f"AWSLogs/{self.account}/{FOLDER}/"


def document(*statements: Document) -> Document:
    """A policy of these statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def _bound(place: Place) -> Document:
    return {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": place.arn("bedrock", "*")},
    }


def trust_statement(place: Place) -> Document:
    """Bedrock may assume the role, for this account and region; a statement per region."""
    return {
        "Sid": "BedrockInvocationLogging" + "".join(filter(str.isalnum, place.region)),
        "Effect": "Allow",
        "Principal": {"Service": BEDROCK},
        "Action": "sts:AssumeRole",
        "Condition": _bound(place),
    }


def role_statement(place: Place, log_group: str) -> Document:
    """The role may write to the one log stream that Bedrock uses."""
    return {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{place.group_arn(log_group)}:log-stream:{STREAM}",
    }


def bucket_statement(place: Place, bucket: str, prefix: str) -> Document:
    """Bedrock may write below a prefix of a bucket; a statement per prefix.

    One for a prefix that is used no more stays: until the configuration is changed it is needed.
    """
    tail = f"{crc32(prefix.encode()):08x}" if prefix else ""
    return {
        "Sid": f"BedrockInvocationLogging{tail}",
        "Effect": "Allow",
        "Principal": {"Service": BEDROCK},
        "Action": "s3:PutObject",
        "Resource": f"arn:{place.partition}:s3:::{bucket}/{place.folder(prefix)}*",
        "Condition": _bound(place),
    }


def key_statements(place: Place, log_group: str | None, buckets: bool) -> list[Document]:
    """What the policy of a KMS key has to allow; the key's owner adds it."""
    found: list[Document] = []
    if log_group:
        arn = place.group_arn(log_group)
        found.append(
            {
                "Sid": "CloudWatchLogs",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{place.region}.{_suffix(place)}"},
                "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*",
                           "kms:GenerateDataKey*", "kms:Describe*"],
                "Resource": "*",
                "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}},
            }
        )  # fmt: skip
    if buckets:
        found.append(
            {
                "Sid": "BedrockInvocationLogging",
                "Effect": "Allow",
                "Principal": {"Service": BEDROCK},
                "Action": "kms:GenerateDataKey",
                "Resource": "*",
                "Condition": _bound(place),
            }
        )
    return found


def _suffix(place: Place) -> str:
    return "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"


def parse(text: str) -> Document:
    """A policy's text; ValueError where it is no JSON object."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("a policy is a JSON object")
    return found


def statements(policy: Mapping[str, Any] | None) -> list[Document]:
    """The statements of a policy, which may hold a single one without a list."""
    found = (policy or {}).get("Statement", [])
    listed = [found] if isinstance(found, dict) else found
    return [each for each in listed if isinstance(each, dict)]


def has(policy: Mapping[str, Any] | None, statement: Document) -> bool:
    """Whether a policy holds this very statement, under whatever Sid."""
    return any(_plain(each) == _plain(statement) for each in statements(policy))


def merged(policy: Mapping[str, Any] | None, statement: Document) -> Document:
    """The policy with the statement under its own Sid; all others stay as they are."""
    if policy is not None and has(policy, statement):
        return dict(policy)
    kept = [each for each in statements(policy) if each.get("Sid") != statement["Sid"]]
    return {**(policy or {"Version": VERSION}), "Statement": [*kept, statement]}


def told(policy: Mapping[str, Any] | None, statement: Document) -> tuple[str, str]:
    """What merging the statement changes, as before and after."""
    there = statements(policy)
    sid = statement["Sid"]
    if any(each.get("Sid") == sid for each in there):
        return f"another statement {sid}", "the right one"
    return _counted(len(there)), _counted(len(there) + 1)


def _counted(count: int) -> str:
    return "1 statement" if count == 1 else f"{count} statements"


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two policies hold the same statements."""
    return [_plain(each) for each in statements(one)] == [
        _plain(each) for each in statements(other)
    ]


def allows(policies: Iterable[Mapping[str, Any]], statement: Document) -> bool:
    """Whether the policies of a role allow every action of the statement on its resource."""
    given = [
        (_listed(each.get("Action")), _listed(each.get("Resource")))
        for policy in policies
        for each in statements(policy)
        if each.get("Effect") == "Allow" and "Condition" not in each
    ]
    return all(
        any(_matches(action, actions) and _matches(statement["Resource"], resources)
            for actions, resources in given)
        for action in statement["Action"]
    )  # fmt: skip


def trusts(policy: Mapping[str, Any] | None, place: Place) -> bool:
    """Whether a trust policy lets Bedrock assume the role for this account and region.

    Conditions on anything but the source are taken to hold.
    """
    source = {"aws:sourceaccount": place.account, "aws:sourcearn": place.arn("bedrock", "x")}
    return any(
        each.get("Effect") == "Allow"
        and BEDROCK in _listed((each.get("Principal") or {}).get("Service"))
        and _matches("sts:AssumeRole", _listed(each.get("Action")))
        and all(
            _matches(source[key.lower()], _listed(patterns))
            for test, wanted in (each.get("Condition") or {}).items()
            if test.removesuffix("IfExists") in _TESTS
            for key, patterns in wanted.items()
            if key.lower() in source
        )
        for each in statements(policy)
        if isinstance(each.get("Principal"), dict)
    )


def open_to_all(policy: Mapping[str, Any] | None) -> bool:
    """Whether a trust policy lets Bedrock assume the role for accounts that are not named."""
    return any(
        each.get("Effect") == "Allow"
        and BEDROCK in _listed((each.get("Principal") or {}).get("Service"))
        and "aws:source" not in json.dumps(each.get("Condition", {})).lower()
        for each in statements(policy)
        if isinstance(each.get("Principal"), dict)
    )


def size(policy: Mapping[str, Any]) -> int:
    """The bytes of a policy as it is sent."""
    return len(text(policy).encode())


def text(policy: Mapping[str, Any]) -> str:
    """A policy as it is sent, without spaces: they count against AWS's limits."""
    return json.dumps(policy, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """A statement without its Sid, and a list of one as its one."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "Sid"}
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return items[0] if len(items) == 1 else sorted(items, key=str)
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _matches(name: str, patterns: list[Any]) -> bool:
    return any(
        fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))
        for pattern in patterns
        if isinstance(pattern, str)
    )
