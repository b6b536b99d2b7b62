"""Where invocation logs go: whether Bedrock may write there, and the writing itself."""

from __future__ import annotations

import datetime
import gzip
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bedrock_claude_cli.sandbox.inside import STREAM, Inside
from bedrock_claude_cli.sandbox.invocation_logging import group_refusal
from bedrock_claude_cli.sandbox.models import ACCOUNT, partition
from bedrock_claude_cli.sandbox.policies import BEDROCK, allowed, parse
from bedrock_claude_cli.sandbox.wire import invalid

PERMITTED = "Permissions are correctly set for Amazon Bedrock logs."
MARKER = "amazon-bedrock-logs-permission-check"


@dataclass(frozen=True)
class Bucket:
    """One S3 destination of a logging configuration."""

    name: str
    prefix: str

    @classmethod
    def read(cls, config: dict[str, Any]) -> Bucket:
        """The destination that an S3Config names."""
        return cls(config["bucketName"], config.get("keyPrefix") or "")

    @property
    def root(self) -> str:
        """The key under which everything of this account is written, without a slash at its end."""
        before = self.prefix if not self.prefix or self.prefix.endswith("/") else self.prefix + "/"
        return f"{before}AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs"

    def hour(self, region: str, now: datetime.datetime) -> str:
        """The key under which the records of one region and hour are written."""
        return f"{self.root}/{region}/{now:%Y/%m/%d/%H}"

    def put(self, inside: Inside, key: str, value: object) -> str:
        """Write a value as one gzipped JSON line; the s3:// path of it."""
        line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
        inside.put_object(self.name, key, gzip.compress(line, 1))
        return f"s3://{self.name}/{key}"


def buckets(config: dict[str, Any]) -> Iterator[Bucket]:
    """Every bucket of a configuration, that of large data included."""
    for holder, name in (
        (config.get("cloudWatchConfig") or {}, "largeDataDeliveryS3Config"),
        (config, "s3Config"),
    ):
        if holder.get(name):
            yield Bucket.read(holder[name])


def check(inside: Inside, config: dict[str, Any]) -> None:
    """Refuse, as Put does, a destination that Bedrock could not write to."""
    cloudwatch = config.get("cloudWatchConfig")
    if cloudwatch and not may_log(inside, cloudwatch):
        raise invalid(group_refusal(cloudwatch))
    for bucket in buckets(config):
        if not may_write(inside, bucket):
            raise invalid(bucket_refusal(bucket))


def leave_signs(inside: Inside, config: dict[str, Any]) -> None:
    """Write what Bedrock writes once its permissions are right: an event, and empty objects."""
    if cloudwatch := config.get("cloudWatchConfig"):
        inside.put_event(cloudwatch["logGroupName"], PERMITTED)
    for bucket in buckets(config):
        inside.put_object(bucket.name, f"{bucket.root}/{MARKER}", b"")


def bucket_refusal(bucket: Bucket) -> str:
    """AWS's words for a bucket that is not as it should be, as far as they are known."""
    return (
        f"Failed to validate permissions for bucket: {bucket.name}. "
        "Verify the bucket policy is correct."
    )


def may_log(inside: Inside, cloudwatch: dict[str, Any]) -> bool:
    """Whether Bedrock can take on the role, and the role can write to the group's one stream."""
    group, role = cloudwatch["logGroupName"], str(cloudwatch["roleArn"])
    here = f"arn:{partition(inside.region)}:iam::{ACCOUNT}:role/"
    if not inside.has_group(group) or not role.startswith(here):
        return False
    name, context = role.rpartition("/")[2], _context(inside.region)
    trust = parse(inside.trust_policy(name) or "")
    if not allowed(trust, "sts:AssumeRole", None, context, service=BEDROCK):
        return False
    statements = [row for text in inside.role_policies(name) for row in parse(text)]
    logs = f"arn:{partition(inside.region)}:logs:{inside.region}:{ACCOUNT}"
    stream = f"{logs}:log-group:{group}:log-stream:{STREAM}"
    needed = ("logs:CreateLogStream", "logs:PutLogEvents")
    as_role = {
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalArn": role,
        "aws:PrincipalIsAWSService": "false",
        "aws:RequestedRegion": inside.region,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }
    return all(allowed(statements, action, stream, as_role) for action in needed)


def may_write(inside: Inside, bucket: Bucket, name: str = "") -> bool:
    """Whether the bucket is here, has no ACLs, and lets Bedrock put this object, or its sign."""
    if inside.bucket_region(bucket.name) != inside.region or inside.has_acls(bucket.name):
        return False
    key = f"arn:{partition(inside.region)}:s3:::{bucket.name}/{name or f'{bucket.root}/{MARKER}'}"
    statements = parse(inside.bucket_policy(bucket.name))
    context = {**_context(inside.region), "s3:TlsVersion": "1.2", "aws:ResourceAccount": ACCOUNT}
    return allowed(statements, "s3:PutObject", key, context, service=BEDROCK)


def _context(region: str) -> dict[str, str]:
    return {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:{partition(region)}:bedrock:{region}:{ACCOUNT}:logging",
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": BEDROCK,
        "aws:RequestedRegion": region,
        "aws:ViaAWSService": "false",
    }


def deliver(
    inside: Inside, config: dict[str, Any], record: dict[str, Any], bodies: dict[str, Any]
) -> None:
    """Write a record to every destination that takes it; without permission it is lost.

    `bodies` are those of `input` and `output` by that name; above LARGEST they go to S3.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    cloudwatch = config.get("cloudWatchConfig")
    if cloudwatch and may_log(inside, cloudwatch):
        large = cloudwatch.get("largeDataDeliveryS3Config")
        bucket = Bucket.read(large) if large else None
        filled = _with_bodies(inside, bucket, record, bodies, now)
        inside.put_event(cloudwatch["logGroupName"], json.dumps(filled, ensure_ascii=False))
    if config.get("s3Config"):
        bucket = Bucket.read(config["s3Config"])
        name = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z_{secrets.token_hex(8)}"
        key = f"{bucket.hour(inside.region, now)}/{name}.json.gz"
        if may_write(inside, bucket, key):
            bucket.put(inside, key, _with_bodies(inside, bucket, record, bodies, now))


LARGEST = 100 * 1024  # bytes of a body that still stands in its record


def _with_bodies(
    inside: Inside,
    bucket: Bucket | None,
    record: dict[str, Any],
    bodies: dict[str, Any],
    now: datetime.datetime,
) -> dict[str, Any]:
    filled = dict(record)
    for side, body in bodies.items():
        where: dict[str, Any] = {}
        if len(json.dumps(body, ensure_ascii=False).encode()) <= LARGEST:
            where = {f"{side}BodyJson": body}
        elif bucket:
            folder = f"{bucket.hour(inside.region, now)}/data"
            key = f"{folder}/{record['requestId']}_{side}.json.gz"
            if may_write(inside, bucket, key):
                where = {f"{side}BodyS3Path": bucket.put(inside, key, body)}
        filled[side] = record[side] | where
    return filled
