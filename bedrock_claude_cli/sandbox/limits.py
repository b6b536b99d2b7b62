"""What AWS refuses of IAM, CloudWatch Logs and S3, and moto does not."""

from __future__ import annotations

from collections.abc import Mapping

from bedrock_claude_cli.sandbox.models import ACCOUNT
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError

BUCKET_POLICY_BYTES = 20_480
ROLE_POLICY_CHARACTERS = 10_240  # without white space
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)


def check(request: Request, owners: Mapping[str, tuple[str, str]]) -> None:
    """Refuse what moto would let pass; `owners` are the partition and account of each bucket."""
    if request.service == "s3":
        _check_owner(request, owners)
    if request.operation == "PutBucketPolicy" and len(request.body) > BUCKET_POLICY_BYTES:
        raise AwsError("MalformedPolicy", "Policy exceeds the maximum allowed document size.")
    if request.operation == "PutRolePolicy":
        _check_role_policy(request)
    if request.operation == "PutRetentionPolicy":
        days = request.json().get("retentionInDays")
        if days not in RETENTION_DAYS:
            message = f"Invalid retention value: {days}. Member must satisfy enum value set."
            raise AwsError("InvalidParameterException", message)


def _check_owner(request: Request, owners: Mapping[str, tuple[str, str]]) -> None:
    """moto lets every account into every bucket; AWS only where a policy does."""
    bucket = request.path.lstrip("/").partition("/")[0]
    _, owner = owners.get(bucket, ("", ""))
    if not owner or owner == request.headers.get("x-moto-account-id", ACCOUNT):
        return
    if request.operation == "CreateBucket":
        message = "The requested bucket name is not available. Select a different name."
        raise AwsError("BucketAlreadyExists", message)
    raise AwsError("AccessDenied", "Access Denied")


def _check_role_policy(request: Request) -> None:
    size = len("".join(request.params.get("PolicyDocument", "").split()))
    if size > ROLE_POLICY_CHARACTERS:
        role = request.params.get("RoleName")
        message = f"Maximum policy size of {ROLE_POLICY_CHARACTERS} bytes exceeded for role {role}"
        raise AwsError("LimitExceeded", message)
