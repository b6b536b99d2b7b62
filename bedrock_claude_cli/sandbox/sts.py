"""STS: who calls, and roles that anybody may assume."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from bedrock_claude_cli.sandbox.models import ACCOUNT, partition
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply, xml_reply


@dataclass(frozen=True)
class Identity:
    """A caller; `secret` and `token` belong to keys that the sandbox itself has issued."""

    arn: str
    user_id: str
    secret: str = ""
    token: str = ""


class Sts:
    """The identities of one sandbox: its user, and the roles that were assumed."""

    def __init__(self) -> None:
        self.issued: dict[str, Identity] = {}

    def identity(self, request: Request) -> Identity:
        """Who signed the request."""
        if request.access_key in self.issued:
            return self.issued[request.access_key]
        arn = f"arn:{partition(request.region)}:iam::{ACCOUNT}:user/sandbox"
        return Identity(arn, "AIDASANDBOXEXAMPLEXXX")

    def answer(self, request: Request) -> Reply:
        """One STS operation."""
        if request.operation == "GetCallerIdentity":
            caller = self.identity(request)
            result: dict[str, Any] = {
                "Arn": caller.arn,
                "UserId": caller.user_id,
                "Account": ACCOUNT,
            }
        elif request.operation == "AssumeRole":
            result = self._assume(request)
        else:
            if not request.params.get("WebIdentityToken"):
                raise AwsError("ValidationError", _missing("webIdentityToken"))
            result = self._assume(request) | {
                "SubjectFromWebIdentityToken": "sandbox",
                "Audience": "sts.amazonaws.com",
            }
        return xml_reply(request.operation, result, request.request_id)

    def _assume(self, request: Request) -> dict[str, Any]:
        role, session = request.params.get("RoleArn", ""), request.params.get("RoleSessionName", "")
        for name, value in (("roleArn", role), ("roleSessionName", session)):
            if not value:
                raise AwsError("ValidationError", _missing(name))
        parts = role.split(":")
        if len(parts) != 6 or not parts[5].startswith("role/"):
            raise AwsError("ValidationError", f"{role} is invalid")
        name = parts[5].rsplit("/", 1)[-1]
        arn = f"arn:{parts[1]}:sts::{ACCOUNT}:assumed-role/{name}/{session}"
        user_id = f"AROASANDBOXEXAMPLEXXX:{session}"
        key = "ASIASANDBOX" + secrets.token_hex(5)[:9].upper()
        identity = Identity(
            arn, user_id, "sandbox-" + secrets.token_hex(16), "sandbox-session-token"
        )
        self.issued[key] = identity
        seconds = _duration(request.params.get("DurationSeconds", "3600"))
        expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        return {
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": identity.secret,
                "SessionToken": identity.token,
                "Expiration": expiry,
            },
            "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": arn},
        }


def _duration(text: str) -> int:
    if text.isdecimal() and 900 <= int(text) <= 43_200:
        return int(text)
    raise AwsError(
        "ValidationError",
        f"1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy "
        "constraint: Member must have value between 900 and 43200",
    )


def _missing(name: str) -> str:
    return (
        f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
        "Member must not be null"
    )
