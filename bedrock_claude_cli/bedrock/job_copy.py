"""The manifest of a submit beside its input in S3, for whoever has not the file."""

from __future__ import annotations

from typing import Any

from bedrock_claude_cli.bedrock import job_manifest, job_upload
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.bedrock.logging_state import fault_name

_NOT_SHOWN = ("NoSuchKey", "NoSuchBucket", "404", "AccessDenied", "403")


def uri(part: Part) -> str:
    """Where it lies, by any of the parts."""
    return f"{part.input_uri.rpartition('/')[0]}/{part.submit}{job_manifest.SUFFIX}"


def write(s3: Any, manifest: Manifest) -> None:
    """Put it there, in the place of an earlier one."""
    bucket, key = job_upload.split(uri(manifest.parts[0]))
    text = manifest.as_text().encode()
    s3.put_object(Bucket=bucket, Key=key, Body=text, ExpectedBucketOwner=manifest.account)


def read(s3: Any, part: Part) -> Manifest | None:
    """The submit of a part; None where none is there, or may be read."""
    if not part.submit:
        return None
    bucket, key = job_upload.split(uri(part))
    try:
        return job_manifest.parse(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except Exception as error:
        if fault_name(error) not in _NOT_SHOWN:
            raise
        return None


def take_over(s3: Any, manifest: Manifest) -> bool:
    """What was stopped on another machine, by name, is not started here; whether it can stay so."""
    copy = read(s3, manifest.parts[0])
    if copy is None or copy.tokens != manifest.tokens:
        return False
    for own, its in zip(manifest.parts, copy.parts, strict=True):
        own.take_over(its)
    return (copy.role, copy.hours) == (manifest.role, manifest.hours)
