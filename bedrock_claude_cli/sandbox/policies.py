"""IAM policies as far as invocation logging needs them: who may do what to which resource."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

BEDROCK = "bedrock.amazonaws.com"


def parse(text: str) -> list[dict[str, Any]]:
    """The statements of a policy document; none of what is no JSON object."""
    try:
        document = json.loads(text)
    except ValueError:
        return []
    statements = document.get("Statement") if isinstance(document, dict) else None
    rows = statements if isinstance(statements, list) else [statements]
    return [row for row in rows if isinstance(row, dict)]


def allowed(
    statements: list[dict[str, Any]],
    action: str,
    resource: str | None,
    context: Mapping[str, str],
    *,
    service: str | None = None,
) -> bool:
    """Whether the statements let `action` happen: one allows it and none denies it.

    `resource` is None for trust policies, which name none. `service` is the principal of trust
    and bucket policies; None for policies of an identity, which name no principal.
    """
    effects = {
        statement.get("Effect")
        for statement in statements
        if _acts(statement, action)
        and (resource is None or _names(statement.get("Resource"), resource))
        and (service is None or _is_for(statement.get("Principal"), service))
        and _holds(statement.get("Condition") or {}, context)
    }
    return "Allow" in effects and "Deny" not in effects


def _acts(statement: Mapping[str, Any], action: str) -> bool:
    return any(
        fnmatchcase(action.lower(), name.lower()) for name in _texts(statement.get("Action"))
    )


def _names(resources: object, resource: str) -> bool:
    return any(_like(resource, name) for name in _texts(resources))


def _is_for(principal: object, service: str) -> bool:
    if isinstance(principal, dict):
        return service in _texts(principal.get("Service")) or "*" in _texts(principal.get("AWS"))
    return principal == "*"


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether every condition is met; an operator that is not known here never is."""
    known = {name.lower(): value for name, value in context.items()}
    for operator, keys in condition.items():
        for key, values in keys.items():
            value = known.get(key.lower())
            if value is None or not any(_test(operator, value, item) for item in _texts(values)):
                return False
    return True


def _test(operator: str, value: str, wanted: str) -> bool:
    if operator in ("StringEquals", "Bool"):
        return value == wanted
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return _like(value, wanted)
    return False


def _like(value: str, glob: str) -> bool:
    """IAM's wildcards: * and ? only, so that a bracket stands for itself."""
    return fnmatchcase(value, glob.replace("[", "[[]"))


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [
        str(item).lower() if isinstance(item, bool) else str(item)
        for item in items
        if item is not None
    ]
