"""What is there in one account and region: log group, role, buckets; nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from bedrock_claude_cli.bedrock.logging_policies import Document, Place, parse
from bedrock_claude_cli.bedrock.logging_settings import Desired
from bedrock_claude_cli.errors import RejectedError
from bedrock_claude_cli.explain import Blocked

READ = "bedrock:GetModelInvocationLoggingConfiguration"
# The tag of a log group whose retention is still to be set: it went with the group's creation.
UNFINISHED = "bedrock-claude:retention-days"
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "403")
Found = TypeVar("Found")


class Target(NamedTuple):
    """A place and how it is reached: `client` makes or finds the client of a service there."""

    place: Place
    client: Callable[[str], Any]


@dataclass(frozen=True)
class Denied:
    """What IAM did not let this identity do, and by which policy if not by its own."""

    action: str
    resource: str
    by: Blocked | None = None


@dataclass(frozen=True)
class Group:
    """A log group; `retention_days` None never expires."""

    retention_days: int | None
    kms_key: str | None
    unfinished: bool = False


@dataclass(frozen=True)
class Role:
    """A role: its trust policy, its inline policies by name, and those attached to it by ARN."""

    arn: str
    trust: Document
    inline: Mapping[str, Document]
    attached: Mapping[str, Document] | Denied = field(default_factory=dict)


@dataclass(frozen=True)
class Bucket:
    """A bucket; None from `public_blocked` on is what IAM did not show.

    `used` says whether anything lies below our prefixes, `empty` whether nothing lies anywhere.
    """

    region: str
    policy: Document | Denied | None
    rules: tuple[Document, ...] | Denied
    public_blocked: bool | None
    owner_enforced: bool | None
    encryption: str | None
    used: bool | None
    empty: bool | None = None


@dataclass(frozen=True)
class State:
    """What was found; None is what does not exist."""

    group: Group | Denied | None
    role: Role | Denied | None
    buckets: Mapping[str, Bucket | Denied | None]


def fault_name(error: BaseException) -> str | None:
    """AWS's name of an error; None for what is not AWS's answer."""
    from bedrock_claude_cli.explain import fault

    found = fault(error)
    return found.name if found else None


def look(
    denied: Denied, call: Callable[[], Found], absent: tuple[str, ...] = ()
) -> Found | Denied | None:
    """What `call` finds; None where AWS knows no such thing, `denied` where IAM refuses."""
    from bedrock_claude_cli.explain import blocked, fault

    try:
        return call()
    except Exception as error:
        found = fault(error)
        if found and found.name in absent:
            return None
        if found and found.name in _DENIED and not found.message.lstrip().startswith("<"):
            return replace(denied, by=blocked(found.message))
        raise  # a proxy's page is no refusal of IAM's


def inspect(target: Target, desired: Desired) -> State:
    """Look at everything that `desired` names."""
    config = desired.config
    return State(
        group=find_group(target, config.log_group) if config.log_group else None,
        role=_role(target, desired) if config.log_group else None,
        buckets={
            name: _bucket(target, name, prefixes) for name, prefixes in desired.buckets().items()
        },
    )


def find_group(target: Target, name: str) -> Group | Denied | None:
    """The log group of exactly this name."""
    logs, arn = target.client("logs"), target.place.group_arn(name)

    def named() -> Group | None:
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        for page in pages:
            for each in page["logGroups"]:
                if each["logGroupName"] == name:
                    days = each.get("retentionInDays")
                    return Group(days, each.get("kmsKeyId"), _tagged(logs, arn))
        return None

    # A policy on the one group is not enough: AWS asks for the action on all of them.
    return look(Denied("logs:DescribeLogGroups", "*"), named)


def _tagged(logs: Any, arn: str) -> bool:
    # Where the tags may not be read, the group counts as somebody else's.
    denied = Denied("logs:ListTagsForResource", arn)
    told = look(denied, lambda: logs.list_tags_for_resource(resourceArn=arn))
    return isinstance(told, dict) and UNFINISHED in told.get("tags", {})


def _role(target: Target, desired: Desired) -> Role | Denied | None:
    iam, path = target.client("iam"), desired.role
    arn, name = target.place.role_arn(path), path.rsplit("/", 1)[-1]
    absent = ("NoSuchEntity", "NoSuchEntityException")
    told = look(Denied("iam:GetRole", arn), lambda: iam.get_role(RoleName=name)["Role"], absent)
    if not isinstance(told, dict):
        return told
    inline: dict[str, Document] = {}
    names = look(
        Denied("iam:ListRolePolicies", arn),
        lambda: iam.list_role_policies(RoleName=name)["PolicyNames"],
    )
    if not isinstance(names, list):
        return names
    for each in names:
        found = look(
            Denied("iam:GetRolePolicy", arn),
            # mypy infers no type for a lambda with a default
            lambda each=each: iam.get_role_policy(RoleName=name, PolicyName=each),  # type: ignore[misc]
        )
        if not isinstance(found, dict):
            return found
        inline[each] = _document(found["PolicyDocument"])
    trust = _document(told["AssumeRolePolicyDocument"])
    return Role(told["Arn"], trust, inline, _attached(iam, arn, name))


def _attached(iam: Any, arn: str, name: str) -> Mapping[str, Document] | Denied:
    """The policies attached to the role; one that another tool made may be among them."""

    def listed() -> list[str]:
        told = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return [each["PolicyArn"] for each in told]

    arns = look(Denied("iam:ListAttachedRolePolicies", arn), listed)
    if not isinstance(arns, list):
        return arns or {}
    found: dict[str, Document] = {}
    for each in arns:
        version = look(
            Denied("iam:GetPolicy", each),
            # mypy infers no type for a lambda with a default
            lambda each=each: iam.get_policy(PolicyArn=each)["Policy"]["DefaultVersionId"],  # type: ignore[misc]
        )
        if isinstance(version, Denied):
            return version
        told = look(
            Denied("iam:GetPolicyVersion", each),
            # mypy infers no type for a lambda with a default
            lambda each=each, version=version: iam.get_policy_version(  # type: ignore[misc]
                PolicyArn=each, VersionId=version
            ),
        )
        if not isinstance(told, dict):
            return told or {}
        found[each] = _document(told["PolicyVersion"]["Document"])
    return found


def _document(value: Any) -> Document:
    """botocore decodes IAM's policies; what is no JSON stays text."""
    return value if isinstance(value, dict) else parse(unquote(str(value)))


def _bucket(target: Target, name: str, prefixes: tuple[str, ...]) -> Bucket | Denied | None:
    s3, place = target.client("s3"), target.place
    arn = f"arn:{place.partition}:s3:::{name}"
    ours = {"Bucket": name, "ExpectedBucketOwner": place.account}

    def denied(action: str) -> Denied:
        return Denied(f"s3:{action}", arn)

    def where() -> str:
        told = s3.get_bucket_location(**ours).get("LocationConstraint")
        # S3's oldest two regions have names of their own.
        return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(told) or str(told)

    region = look(denied("GetBucketLocation"), where, ("NoSuchBucket", "404"))
    if not isinstance(region, str):
        return region
    policy = look(
        denied("GetBucketPolicy"),
        lambda: read_policy(s3, name, place),
        ("NoSuchBucketPolicy",),
    )
    rules = look(
        denied("GetLifecycleConfiguration"),
        lambda: tuple(s3.get_bucket_lifecycle_configuration(**ours).get("Rules", ())),
        ("NoSuchLifecycleConfiguration",),
    )

    return Bucket(region, policy, rules or (), **_looks(s3, place, ours, denied, prefixes))


def _looks(
    s3: Any,
    place: Place,
    ours: Mapping[str, str],
    denied: Callable[[str], Denied],
    prefixes: tuple[str, ...],
) -> dict[str, Any]:
    """What is only reported of a bucket, so that None where IAM does not show it is enough."""

    def blocked() -> bool:
        told = s3.get_public_access_block(**ours)["PublicAccessBlockConfiguration"]
        return all(told.values())

    def enforced() -> bool:
        [rule] = s3.get_bucket_ownership_controls(**ours)["OwnershipControls"]["Rules"]
        return bool(rule["ObjectOwnership"] == "BucketOwnerEnforced")

    def used() -> bool:
        return any(_holds(s3, ours, place.folder(each)) for each in prefixes)

    looks: dict[str, tuple[str, Callable[[], Any], tuple[str, ...], Any]] = {
        "public_blocked": (
            "GetBucketPublicAccessBlock", blocked, ("NoSuchPublicAccessBlockConfiguration",), False
        ),
        "owner_enforced": (
            "GetBucketOwnershipControls", enforced, ("OwnershipControlsNotFoundError",), False
        ),
        "encryption": (
            "GetEncryptionConfiguration", lambda: _encryption(s3, ours),
            ("ServerSideEncryptionConfigurationNotFoundError",), "",
        ),
        "used": ("ListBucket", used, (), False),
        "empty": ("ListBucket", lambda: not _holds(s3, ours, ""), (), None),
    }  # fmt: skip
    shown = {}
    for name, (action, call, absent, default) in looks.items():
        found = look(denied(action), call, absent)
        shown[name] = None if isinstance(found, Denied) else default if found is None else found
    return shown


def _holds(s3: Any, ours: Mapping[str, str], prefix: str) -> bool:
    return bool(s3.list_objects_v2(**ours, Prefix=prefix, MaxKeys=1).get("Contents"))


def read_policy(s3: Any, name: str, place: Place) -> Document:
    """A bucket's policy; RejectedError where what is there is no JSON object."""
    told = s3.get_bucket_policy(Bucket=name, ExpectedBucketOwner=place.account)["Policy"]
    try:
        return parse(told)
    except ValueError:
        raise RejectedError(
            f"the policy of bucket {name} is no JSON, so nothing can be added to it",
            hint=f"mend it first: `aws s3api get-bucket-policy --bucket {name}` shows it",
        ) from None


def _encryption(s3: Any, ours: Mapping[str, str]) -> str:
    told = s3.get_bucket_encryption(**ours)["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = told.get("ApplyServerSideEncryptionByDefault", {})
    return str(default.get("KMSMasterKeyID") or default.get("SSEAlgorithm") or "")
