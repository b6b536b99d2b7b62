"""What IAM's words refuse, which policy refuses it, and the statement that would allow it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

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


class Blocked(NamedTuple):
    """What keeps an action from an identity, whatever its own policies allow.

    `kind` is IAM's word for the policy, `policy` where it does not say; that `denies` the action,
    or only does not allow it.
    """

    kind: str
    denies: bool


def blocked(message: str) -> Blocked | None:
    """What IAM's words say blocks the action; None where nothing but an Allow is missing."""
    kinds = {kind.lower(): kind for kind in _OWNERS}
    said = re.search(
        r"with an explicit deny(?: in an? ([\w -]+? (?:policy|boundary)))?", message, re.I
    )
    if said is not None:
        return Blocked(kinds.get(" ".join((said[1] or "").lower().split()), "policy"), True)
    said = re.search(r"because no ([\w -]+? (?:policy|boundary)) allows", message, re.I)
    kind = said and kinds.get(" ".join(said[1].lower().split()))
    return Blocked(kind, False) if kind and kind != "identity-based policy" else None


def lifting(by: Blocked, action: str, statement: Mapping[str, Any] | None) -> str:
    """What helps where a policy blocks an action; the statement is what it has to allow."""
    owner = _OWNERS.get(by.kind, "whoever owns that policy")
    if by.denies:
        policy = f"{'an' if by.kind[:1] == 'i' else 'a'} {by.kind}"
        return (
            f"{policy} denies {action}, and that beats every Allow: {owner} has to lift the Deny, "
            "or its condition"
        )
    added = f": {json.dumps(statement)}" if statement else ""
    return (
        f"no {by.kind} allows {action}, and what other policies allow does not help: {owner} has "
        f"to allow it there{added}"
    )


def granting(hint: str, message: str) -> str:
    """A hint with what an administrator is asked for, and the statement where one is known."""
    action = (refused(message) or ("the action", "*"))[0]
    known = statement(message)
    places = {
        "{action}": action,
        "{statement}": f": {json.dumps(known)}" if known else "",
    }
    if by := blocked(message):
        places["{lifting}"] = lifting(by, action, known)
    for place, words in places.items():
        hint = hint.replace(place, words)
    return hint


def statement(message: str) -> dict[str, Any] | None:
    """The statement of a policy that grants what IAM's words refuse, where one is known.

    None for what a policy denies.
    """
    by = blocked(message)
    if by is not None and by.denies:
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
