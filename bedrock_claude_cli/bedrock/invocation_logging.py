"""Bedrock's one logging configuration of an account and region: read, written, removed.

Shapes: PutModelInvocationLoggingConfiguration. A Put replaces all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = ("text", "images", "embeddings", "video", "audio")
_KEYS = {
    "text": "textDataDeliveryEnabled",
    "images": "imageDataDeliveryEnabled",
    "embeddings": "embeddingDataDeliveryEnabled",
    "video": "videoDataDeliveryEnabled",
    "audio": "audioDataDeliveryEnabled",
}


@dataclass(frozen=True)
class Configured:
    """What is logged and where to: a log group with a role, a bucket, or both.

    `large_data_bucket` takes what is too large for the log group. Prefixes have no slash at either
    end and are empty where there is none.
    """

    log_group: str | None = None
    role_arn: str | None = None
    large_data_bucket: str | None = None
    large_data_prefix: str = ""
    bucket: str | None = None
    prefix: str = ""
    text: bool = True
    images: bool = True
    embeddings: bool = True
    video: bool = True
    audio: bool = True


def read(bedrock: Any) -> Configured | None:
    """What is configured in the client's region, or None where logging is off."""
    told = bedrock.get_model_invocation_logging_configuration().get("loggingConfig")
    if not told:
        return None
    group, bucket = told.get("cloudWatchConfig") or {}, told.get("s3Config") or {}
    large = group.get("largeDataDeliveryS3Config") or {}
    return Configured(
        log_group=group.get("logGroupName"),
        role_arn=group.get("roleArn"),
        large_data_bucket=large.get("bucketName"),
        large_data_prefix=(large.get("keyPrefix") or "").strip("/"),
        bucket=bucket.get("bucketName"),
        prefix=(bucket.get("keyPrefix") or "").strip("/"),
        # AWS takes an unset flag for enabled.
        **{kind: bool(told.get(key, True)) for kind, key in _KEYS.items()},
    )


def write(bedrock: Any, wanted: Configured) -> None:
    """Put the whole configuration; AWS checks role, group and buckets before it answers."""
    config: dict[str, Any] = {key: getattr(wanted, kind) for kind, key in _KEYS.items()}
    if wanted.log_group:
        group: dict[str, Any] = {"logGroupName": wanted.log_group, "roleArn": wanted.role_arn}
        if wanted.large_data_bucket:
            large = _place(wanted.large_data_bucket, wanted.large_data_prefix)
            group["largeDataDeliveryS3Config"] = large
        config["cloudWatchConfig"] = group
    if wanted.bucket:
        config["s3Config"] = _place(wanted.bucket, wanted.prefix)
    bedrock.put_model_invocation_logging_configuration(loggingConfig=config)


def remove(bedrock: Any) -> None:
    """Switch logging off; nothing that was logged is deleted."""
    bedrock.delete_model_invocation_logging_configuration()


def _place(bucket: str, prefix: str) -> dict[str, str]:
    return {"bucketName": bucket, "keyPrefix": prefix} if prefix else {"bucketName": bucket}
