"""Objects written to S3 as they are made, so that an input may be larger than memory."""

from __future__ import annotations

from typing import Any

# S3 takes 10,000 pieces of an object, each but the last of at least 5 MiB.
PIECE = 8 * 1024 * 1024


class Upload:
    """One object on its way; encrypted as the bucket's default says."""

    def __init__(self, client: Any, uri: str, owner: str) -> None:
        bucket, key = split(uri)
        self._client = client
        self._where = {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": owner}
        self._held = bytearray()
        self._id: str | None = None
        self._pieces: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        """Add to the object; a piece is sent whenever there is a whole one."""
        self._held += data
        if len(self._held) >= PIECE:
            self._send()

    def _send(self) -> None:
        if self._id is None:
            kind = "application/x-ndjson"
            made = self._client.create_multipart_upload(**self._where, ContentType=kind)
            self._id = made["UploadId"]
        number = len(self._pieces) + 1
        answer = self._client.upload_part(
            **self._where, UploadId=self._id, PartNumber=number, Body=bytes(self._held)
        )
        self._pieces.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._held.clear()

    def close(self) -> None:
        """Send the rest; only now the object is there."""
        if self._id is None:
            self._client.put_object(**self._where, Body=bytes(self._held))
            return
        if self._held:
            self._send()
        self._client.complete_multipart_upload(
            **self._where, UploadId=self._id, MultipartUpload={"Parts": self._pieces}
        )

    def abort(self) -> None:
        """Give up, so that S3 keeps, and bills, nothing of it."""
        if self._id is not None:
            self._client.abort_multipart_upload(**self._where, UploadId=self._id)


def abort_left(client: Any, uri: str, owner: str) -> None:
    """Give up what an earlier process, which was killed, left of an object."""
    bucket, key = split(uri)
    ours = {"Bucket": bucket, "ExpectedBucketOwner": owner}
    for each in client.list_multipart_uploads(**ours, Prefix=key).get("Uploads", ()):
        client.abort_multipart_upload(**ours, Key=each["Key"], UploadId=each["UploadId"])


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
