"""IAM policies as far as invocation logging needs them: who may do what to which resource."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
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
        if _speaks_of(statement, "Action", lambda given: _acts(given, action))
        and (
            resource is None
            or _speaks_of(statement, "Resource", lambda given: _names(given, resource))
        )
        and (
            service is None
            or _speaks_of(statement, "Principal", lambda given: _is_for(given, service))
        )
        and _holds(statement.get("Condition") or {}, context)
    }
    return "Allow" in effects and "Deny" not in effects


def _speaks_of(
    statement: Mapping[str, Any], element: str, matches: Callable[[object], bool]
) -> bool:
    """Whether an element of a statement matches, or its opposite (NotAction, ...) does not."""
    if f"Not{element}" in statement:
        return not matches(statement[f"Not{element}"])
    return matches(statement.get(element))


def _acts(actions: object, action: str) -> bool:
    return any(_like(action.lower(), name.lower()) for name in _texts(actions))


def _names(resources: object, resource: str) -> bool:
    return any(_like(resource, name) for name in _texts(resources))


def _is_for(principal: object, service: str) -> bool:
    if isinstance(principal, dict):
        return service in _texts(principal.get("Service")) or "*" in _texts(principal.get("AWS"))
    return principal == "*"


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether every condition is met; an operator that is not known here never is."""
    known = {name.lower(): value for name, value in context.items()}
    return all(
        _test(operator, known.get(key.lower()), _texts(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _test(operator: str, value: str | None, wanted: list[str]) -> bool:
    """One operator on the one value of a key, None where the request has no such key."""
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return any((value is None) is (item.lower() == "true") for item in wanted)
    compare = _OPERATORS.get(name.replace("Not", "", 1))
    if compare is None:
        return False
    negated = "Not" in name
    if value is None:
        if rest != name or quantifier == "ForAllValues":
            return True
        return negated and not quantifier
    return any(compare(value, item) for item in wanted) is not negated


def _like(value: str, glob: str) -> bool:
    """IAM's wildcards: * and ? only, so that a bracket stands for itself."""
    return fnmatchcase(value, glob.replace("[", "[[]"))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, item: value == item,
    "StringEqualsIgnoreCase": lambda value, item: value.lower() == item.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, item: value == item.lower(),
    "NumericEquals": lambda value, item: float(value) == float(item),
    "NumericLessThan": lambda value, item: float(value) < float(item),
    "NumericLessThanEquals": lambda value, item: float(value) <= float(item),
    "NumericGreaterThan": lambda value, item: float(value) > float(item),
    "NumericGreaterThanEquals": lambda value, item: float(value) >= float(item),
    "IpAddress": lambda value, item: ip_address(value) in ip_network(item, strict=False),
}


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [
        str(item).lower() if isinstance(item, bool) else str(item)
        for item in items
        if item is not None
    ]
