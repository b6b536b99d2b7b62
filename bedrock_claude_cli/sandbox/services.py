"""The services beside Bedrock and STS: their operations, the IAM actions of those, their errors."""

from __future__ import annotations

from collections.abc import Mapping

MOTO = ("iam", "kms", "logs", "s3")

IAM = (
    *("AttachRolePolicy", "CreatePolicy", "CreatePolicyVersion", "CreateRole", "DeletePolicy"),
    *("DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "GetPolicy", "GetPolicyVersion"),
    *("GetRole", "GetRolePolicy", "GetUser", "ListAttachedRolePolicies", "ListPolicies"),
    *("ListRolePolicies", "ListRoleTags", "ListRoles", "PutRolePolicy", "SimulatePrincipalPolicy"),
    *("TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole"),
)
KMS = ("CreateKey", "DescribeKey", "GetKeyPolicy", "ListAliases", "ListKeys", "PutKeyPolicy")
LOGS = (
    *("AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "DeleteLogGroup"),
    *("DeleteLogStream", "DeleteRetentionPolicy", "DescribeLogGroups", "DescribeLogStreams"),
    *("DisassociateKmsKey", "FilterLogEvents", "GetLogEvents", "GetQueryResults"),
    *("ListTagsForResource", "ListTagsLogGroup", "PutLogEvents", "PutRetentionPolicy"),
    *("StartQuery", "StopQuery", "TagResource", "UntagResource"),
)

# By method and subresource, of a bucket: operation and action; the first one that is asked for.
_BUCKET = {
    "GET": {
        "acl": ("GetBucketAcl", "GetBucketAcl"),
        "encryption": ("GetBucketEncryption", "GetEncryptionConfiguration"),
        "lifecycle": ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
        "location": ("GetBucketLocation", "GetBucketLocation"),
        "ownershipControls": ("GetBucketOwnershipControls", "GetBucketOwnershipControls"),
        "policy": ("GetBucketPolicy", "GetBucketPolicy"),
        "policyStatus": ("GetBucketPolicyStatus", "GetBucketPolicyStatus"),
        "publicAccessBlock": ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
        "tagging": ("GetBucketTagging", "GetBucketTagging"),
        "versioning": ("GetBucketVersioning", "GetBucketVersioning"),
        "versions": ("ListObjectVersions", "ListBucketVersions"),
        "uploads": ("ListMultipartUploads", "ListBucketMultipartUploads"),
        "list-type": ("ListObjectsV2", "ListBucket"),
        "": ("ListObjects", "ListBucket"),
    },
    "PUT": {
        "acl": ("PutBucketAcl", "PutBucketAcl"),
        "encryption": ("PutBucketEncryption", "PutEncryptionConfiguration"),
        "lifecycle": ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
        "ownershipControls": ("PutBucketOwnershipControls", "PutBucketOwnershipControls"),
        "policy": ("PutBucketPolicy", "PutBucketPolicy"),
        "publicAccessBlock": ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
        "tagging": ("PutBucketTagging", "PutBucketTagging"),
        "versioning": ("PutBucketVersioning", "PutBucketVersioning"),
        "": ("CreateBucket", "CreateBucket"),
    },
    "DELETE": {
        "encryption": ("DeleteBucketEncryption", "PutEncryptionConfiguration"),
        "lifecycle": ("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
        "ownershipControls": ("DeleteBucketOwnershipControls", "PutBucketOwnershipControls"),
        "policy": ("DeleteBucketPolicy", "DeleteBucketPolicy"),
        "publicAccessBlock": ("DeletePublicAccessBlock", "PutBucketPublicAccessBlock"),
        "tagging": ("DeleteBucketTagging", "PutBucketTagging"),
        "": ("DeleteBucket", "DeleteBucket"),
    },
    "HEAD": {"": ("HeadBucket", "ListBucket")},
    "POST": {"delete": ("DeleteObjects", "DeleteObject")},
}
_KEY = {
    "GET": {"acl": ("GetObjectAcl", "GetObjectAcl"), "": ("GetObject", "GetObject")},
    "HEAD": {"": ("HeadObject", "GetObject")},
    "PUT": {
        "acl": ("PutObjectAcl", "PutObjectAcl"),
        "partNumber": ("UploadPart", "PutObject"),
        "": ("PutObject", "PutObject"),
    },
    "POST": {
        "uploads": ("CreateMultipartUpload", "PutObject"),
        "uploadId": ("CompleteMultipartUpload", "PutObject"),
    },
    "DELETE": {
        "uploadId": ("AbortMultipartUpload", "AbortMultipartUpload"),
        "": ("DeleteObject", "DeleteObject"),
    },
}
_SERVICE = {"GET": {"": ("ListBuckets", "ListAllMyBuckets")}}
S3_ACTIONS = {
    operation: action
    for table in (_BUCKET, _KEY, _SERVICE)
    for rows in table.values()
    for operation, action in rows.values()
}

OPERATIONS = (*IAM, *KMS, *LOGS, *S3_ACTIONS)
ACTIONS = (
    "iam:PassRole",
    *(f"iam:{name}" for name in IAM),
    *(f"kms:{name}" for name in KMS),
    *(f"logs:{name}" for name in LOGS),
    *sorted({f"s3:{name}" for name in S3_ACTIONS.values()}),
)

# What Bedrock's names are called where a rule's error hits another service.
_NAMES = {
    "iam": {"ThrottlingException": "Throttling", "InternalServerException": "ServiceFailure"},
    "s3": {"ThrottlingException": "SlowDown", "InternalServerException": "InternalError"},
}
_DENIED = {"iam": "AccessDenied", "s3": "AccessDenied", "sts": "AccessDenied"}


def s3_operation(method: str, path: str, params: Mapping[str, str]) -> str:
    """The operation of a path-style S3 request; empty for what is not known here."""
    bucket, _, key = path.lstrip("/").partition("/")
    rows = (_KEY if key else _BUCKET if bucket else _SERVICE).get(method, {})
    for name, (operation, _) in rows.items():
        if name in params or not name:
            return operation
    return ""


def error_name(service: str, name: str) -> str:
    """The service's own name of an error that a rule calls by Bedrock's."""
    if name == "AccessDeniedException":
        return _DENIED.get(service, name)
    return _NAMES.get(service, {}).get(name, name)


def error_status(service: str, name: str, status: int) -> int:
    """The HTTP status under which the service sends the error; `status` is Bedrock's."""
    if service in ("logs", "kms"):  # JSON 1.1 knows two: the caller's fault and the service's
        return 400 if status < 500 else 500
    return {"SlowDown": 503, "Throttling": 400}.get(name, status)
