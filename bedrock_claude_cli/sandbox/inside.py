"""What Bedrock itself asks of IAM, CloudWatch Logs and S3, past the rules of the sandbox."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree

from bedrock_claude_cli.sandbox.backend import Backend
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import Reply

STREAM = "aws/bedrock/modelinvocations"


class Inside:
    """One region of one sandbox as Bedrock's own service sees it."""

    def __init__(self, backend: Backend, region: str) -> None:
        self._backend = backend
        self.region = region

    def _ask(
        self,
        service: str,
        method: str,
        path: str = "/",
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        scope = f"SANDBOX/20260101/{self.region}/{service}/aws4_request"
        sent = {
            "host": "127.0.0.1",
            "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0",
            **(headers or {}),
        }
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        request = Request(method, path, query, sent, body, str(uuid.uuid4()), now)
        return self._backend.forward(request)

    def _iam(self, action: str, **params: str) -> ElementTree.Element | None:
        form = urlencode({"Action": action, "Version": "2010-05-08", **params})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        reply = self._ask("iam", "POST", headers=headers, body=form.encode())
        return ElementTree.fromstring(reply.body) if reply.status == 200 else None

    def trust_policy(self, role: str) -> str | None:
        """The trust policy of a role by name; None without such a role."""
        found = self._iam("GetRole", RoleName=role)
        return None if found is None else unquote(_texts(found, "AssumeRolePolicyDocument")[0])

    def role_policies(self, role: str) -> list[str]:
        """The documents of a role's inline and attached policies."""
        documents = []
        names = self._iam("ListRolePolicies", RoleName=role)
        for name in [] if names is None else _texts(names, "member"):
            found = self._iam("GetRolePolicy", RoleName=role, PolicyName=name)
            documents += [] if found is None else _texts(found, "PolicyDocument")
        attached = self._iam("ListAttachedRolePolicies", RoleName=role)
        for arn in [] if attached is None else _texts(attached, "PolicyArn"):
            policy = self._iam("GetPolicy", PolicyArn=arn)
            if policy is not None:
                version = _texts(policy, "DefaultVersionId")[0]
                found = self._iam("GetPolicyVersion", PolicyArn=arn, VersionId=version)
                documents += [] if found is None else _texts(found, "Document")
        return [unquote(document) for document in documents]

    def has_group(self, group: str) -> bool:
        """Whether the region has this log group."""
        return self._backend.log_events(self.region, group) is not None

    def put_event(self, group: str, message: str) -> None:
        """Write one event, now, to the stream of the invocation log."""
        where = {"logGroupName": group, "logStreamName": STREAM}
        self._logs("CreateLogStream", where)  # refused where it is there, which is as good
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        event = {"timestamp": int(now * 1000), "message": message}
        self._logs("PutLogEvents", {**where, "logEvents": [event]})

    def _logs(self, operation: str, params: dict[str, Any]) -> Reply:
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"Logs_20140328.{operation}",
        }
        return self._ask("logs", "POST", headers=headers, body=json.dumps(params).encode())

    def bucket_region(self, bucket: str) -> str | None:
        """Where a bucket of this account lies; None without such a bucket."""
        reply = self._ask("s3", "GET", f"/{bucket}", query="location")
        if reply.status != 200:
            return None
        return ElementTree.fromstring(reply.body).text or "us-east-1"

    def bucket_policy(self, bucket: str) -> str:
        """The policy of a bucket; empty without one."""
        reply = self._ask("s3", "GET", f"/{bucket}", query="policy")
        return reply.body.decode() if reply.status == 200 else ""

    def has_acls(self, bucket: str) -> bool:
        """Whether the bucket has ACLs, which new buckets have not unless they are asked for."""
        reply = self._ask("s3", "GET", f"/{bucket}", query="ownershipControls")
        return reply.status == 200 and b"BucketOwnerEnforced" not in reply.body

    def inputs(self, uri: str) -> list[tuple[str, str]]:
        """Bucket and key of the JSONL files at an S3 URI, which is one of them or their folder."""
        bucket, _, start = uri.removeprefix("s3://").partition("/")
        query = urlencode({"list-type": "2", "prefix": start})
        reply = self._ask("s3", "GET", f"/{bucket}", query=query)
        keys = _texts(ElementTree.fromstring(reply.body), "Key") if reply.status == 200 else []
        folder = start if start.endswith("/") else f"{start}/"
        return [
            (bucket, key)
            for key in keys
            if key.endswith(".jsonl") and (key == start or key.startswith(folder))
        ]

    def get_object(self, bucket: str, key: str) -> bytes:
        """What an object holds; nothing where it is gone."""
        reply = self._ask("s3", "GET", f"/{bucket}/{quote(key)}")
        return reply.body if reply.status == 200 else b""

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object of the invocation log or of a job."""
        headers = {"content-type": "application/json"}
        if key.endswith(".gz"):
            headers["content-encoding"] = "gzip"
        self._ask("s3", "PUT", f"/{bucket}/{quote(key)}", headers=headers, body=body)


def _texts(element: ElementTree.Element, name: str) -> list[str]:
    return [each.text or "" for each in element.iter() if each.tag.rpartition("}")[2] == name]
