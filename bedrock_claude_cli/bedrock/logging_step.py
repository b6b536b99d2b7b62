"""One step of a plan, and the two documents that a missing permission is told with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from bedrock_claude_cli.bedrock.logging_state import Denied, Target

# `reported` is wrong but somebody else's to change; of `unknown` and `unseen` IAM shows too little,
# and `unseen` can be done without; with `impossible` nothing can be done before it is mended.
Kind = Literal["create", "change", "in-place", "reported", "unknown", "unseen", "impossible"]
_ACTIONS = {
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "ListObjectsV2": "s3:ListBucket",
}


@dataclass(frozen=True)
class Step:
    """One thing that has to be so; `before` and `after` where there is something to tell.

    `takes_away` marks what removes or redirects, `short` what keeps less than is recommended, and
    `may_block` what AWS may refuse the configuration for; `lack` says what is wrong until it is
    made, and `actions` are the IAM actions it needs on `resource`.
    """

    kind: Kind
    what: str
    before: str | None = None
    after: str | None = None
    takes_away: bool = False
    short: bool = False
    may_block: bool = False
    lack: str | None = None
    hint: str | None = None
    actions: tuple[str, ...] = ()
    resource: str = "*"
    apply: Callable[[Target, Callable[[str], None]], None] | None = field(
        default=None, repr=False, compare=False
    )

    @property
    def is_change(self) -> bool:
        """Whether it changes the account."""
        return self.kind in ("create", "change")

    def as_json(self) -> dict[str, Any]:
        """What `--json` shows of it."""
        return {
            "kind": self.kind,
            "what": self.what,
            "from": self.before,
            "to": self.after,
            "needs_replace": self.takes_away,
            "hint": self.hint,
            "actions": list(self.actions),
        }


def unknown(what: str, denied: Denied) -> Step:
    """What could not be looked at."""
    return Step(
        "unknown",
        f"{what}: not known, as IAM does not allow {denied.action}",
        hint=grant(denied),
        actions=(denied.action,),
        resource=denied.resource,
    )


def grant(denied: Denied) -> str:
    """The statement that an administrator adds, or who can lift what blocks the action."""
    statement = {"Effect": "Allow", "Action": denied.action, "Resource": denied.resource}
    if denied.by is not None:
        from bedrock_claude_cli.explain import lifting

        return lifting(denied.by, denied.action, statement)
    return f"an administrator adds {json.dumps(statement)}"


def missing_permission(error: BaseException, step: Step) -> Denied | None:
    """The action that IAM refused in this step, or None where it was something else."""
    from bedrock_claude_cli.explain import blocked, fault, refused

    found = fault(error)
    if found is None or "Denied" not in found.name:
        return None
    by = blocked(found.message)
    if named := refused(found.message):
        action, resource = named
        return Denied(action, step.resource if resource == "*" else resource, by)
    operation = found.operation or ""
    listed = (each for each in step.actions if each.endswith(f":{operation}"))
    return Denied(_ACTIONS.get(operation) or next(listed, operation), step.resource, by)
