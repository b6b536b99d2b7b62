"""What IAM's words refuse, which policy refuses it, and the statement that would allow it."""

from __future__ import annotations

import json
import re
from typing import Any

_MODEL_CALLS = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
# Partition, kind and base id; the empty region is where a global endpoint routes.
_A_MODEL = (
    r"^arn:([\w-]+):bedrock:[\w-]*:\d*:(inference-profile/[\w-]+\.|foundation-model/)"
    r"(anthropic\.[\w.:-]+)$"
)


def refused(message: str) -> tuple[str, str] | None:
    """The action that IAM's words refuse, and the ARN on which a policy would grant it.

    CloudWatch Logs names a stream without a name, and neither group nor stream where the action
    has no resource; both stand for something that a policy says otherwise.
    """
    if more := re.search(r'additional permission "([\w-]+:\w+)" is required', message):
        return more[1], "*"
    said = re.search(r"to perform: ([\w-]+:\w+)(?: on resource: (arn:\S+))?", message)
    if said is None:
        return None
    # One object of the logs stands for all of them.
    resource = re.sub(r"(/BedrockModelInvocationLogs/).*", r"\1*", said[2] or "*")
    if ":log-group:" in resource:
        group = resource.removesuffix(":log-stream:")
        resource = "*" if group.endswith(":log-group:") else f"{group.removesuffix(':*')}:*"
    return said[1], resource


# Kinds of policies as IAM's messages call them, and who can change one:
# docs.aws.amazon.com/IAM "Troubleshoot access denied error messages".
_OWNERS = {
    "identity-based policy": "an administrator of the account",
    "resource-based policy": "the resource's owner",
    "permissions boundary": "an administrator of the account",
    "session policy": "whoever starts the session (its policy is given with AssumeRole or SSO)",
    "service control policy": "the organization's administrator",
    "resource control policy": "the organization's administrator",
    "VPC endpoint policy": "the VPC endpoint's owner",
}


def denier(message: str) -> str | None:
    """The kind of policy that IAM's words say denies the action, where an Allow cannot help.

    `policy` where they do not say which; None where nothing but an Allow is missing.
    """
    said = re.search(
        r"with an explicit deny(?: in an? ([\w -]+? (?:policy|boundary)))?", message, re.I
    )
    if said is None:
        return None
    kinds = {kind.lower(): kind for kind in _OWNERS}
    return kinds.get(" ".join((said[1] or "").lower().split()), "policy")


def lifting(kind: str, action: str) -> str:
    """What helps where a policy of this kind, as `denier` calls it, denies an action."""
    policy = f"{'an' if kind[:1] == 'i' else 'a'} {kind}"
    owner = _OWNERS.get(kind, "whoever owns that policy")
    return (
        f"{policy} denies {action}, and that beats every Allow: {owner} has to lift the Deny, or "
        "its condition"
    )


def granting(hint: str, message: str) -> str:
    """A hint with what an administrator is asked for, and the statement where one is known."""
    action = (refused(message) or ("the action", "*"))[0]
    known = statement(message)
    places = {
        "{action}": action,
        "{statement}": f": {json.dumps(known)}" if known else "",
        "{lifting}": lifting(denier(message) or "", action),
    }
    for place, words in places.items():
        hint = hint.replace(place, words)
    return hint


def statement(message: str) -> dict[str, Any] | None:
    """The statement of a policy that grants what IAM's words refuse, where one is known.

    None for what a policy denies.
    """
    if denier(message):
        return None
    action, resource = refused(message) or ("the action", "*")
    actions: str | list[str] = action
    resources: str | list[str] = resource
    known = action.startswith(("iam:", "kms:", "logs:", "s3:")) or "Logging" in action
    if action in _MODEL_CALLS and (model := re.search(_A_MODEL, resource)):
        known, actions = True, list(_MODEL_CALLS)
        profile = f"arn:{model[1]}:bedrock:*:*:inference-profile/*.{model[3]}"
        resources = [
            resource if "inference-profile" in model[2] else profile,
            f"arn:{model[1]}:bedrock:*::foundation-model/{model[3]}",
        ]
    return {"Effect": "Allow", "Action": actions, "Resource": resources} if known else None
