"""Whether a policy's Deny statements keep Bedrock from delivering, as far as that can be known.

An explicit Deny wins over every Allow. docs.aws.amazon.com/IAM: "Policy evaluation logic" and
"IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.logging_policies import BEDROCK, STREAM, Document, Place, statements

# What follows cannot be foreseen, as the rest of an ARN or of an object's key.
REST = "\0"
# What the keys of delivered objects are made of behind the region: dates, times, random hexadecimal
# digits, data, input, output, json and gz.
_LETTERS = frozenset("0123456789abcdef/_-.TZdatainputoutputjsongz*?")
# The values that a condition key may have in a request; None is a key that is not there.
Values = tuple[str | None, ...]
_ABSENT: Values = (None,)
# Bedrock comes through no VPC of this account, and may come through one of its own.
_NO_VPC: Values = (None, "vpc-of-aws")


@dataclass(frozen=True)
class Access:
    """What Bedrock does when it delivers; the context's keys are in small letters.

    `resources` are examples of what it is done to, none for a trust policy, and `below` is what
    those that nobody can foresee begin with; `service` says that Bedrock itself does it, and not a
    role.
    """

    action: str
    resources: tuple[str, ...] = ()
    below: str = ""
    service: bool = True
    context: Mapping[str, Values] = field(default_factory=dict)


class Denial(NamedTuple):
    """A statement that denies the access; without `certain` its condition or resource may not."""

    statement: str
    action: str
    certain: bool


def assume(place: Place) -> Access:
    """Bedrock takes on the role."""
    context = {**_service(place), "sts:externalid": _ABSENT}
    return Access("sts:AssumeRole", context=context)


def log(place: Place, group: str) -> tuple[Access, ...]:
    """The role writes to the one log stream."""
    stream = f"{place.group_arn(group)}:log-stream:{STREAM}"
    return tuple(
        Access(f"logs:{name}", (stream,), service=False, context=_role(place))
        for name in ("CreateLogStream", "PutLogEvents")
    )


def put(place: Place, bucket: str, prefix: str) -> Access:
    """Bedrock writes below a prefix of a bucket: records, larger data, and its check's object."""
    below = f"arn:{place.partition}:s3:::{bucket}/{place.folder(prefix)}"
    records = f"{below}{place.region}/"
    check, hour = f"{below}amazon-bedrock-logs-permission-check", f"{records}{REST}"
    keys = (check, f"{hour}.json.gz", f"{hour}/data/x")
    context = {
        **_service(place),
        "aws:resourceaccount": (place.account,),
        "aws:requestedregion": (place.region,),
        "s3:resourceaccount": (place.account,),
        # AWS's own services and endpoints speak no older one.
        "s3:tlsversion": ("1.2", "1.3"),
        "s3:signatureversion": ("AWS4-HMAC-SHA256",),
    }
    return Access("s3:PutObject", keys, records, context=context)


def _service(place: Place) -> dict[str, Values]:
    return {
        "aws:sourceaccount": (place.account,),
        "aws:sourcearn": (place.arn("bedrock", REST),),
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (BEDROCK,),
        "aws:viaawsservice": ("false",),
        "aws:multifactorauthpresent": _ABSENT,
        "aws:principalorgid": _ABSENT,
        "aws:sourcevpc": _NO_VPC,
        "aws:sourcevpce": _NO_VPC,
    }


def _role(place: Place) -> dict[str, Values]:
    return {
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("false",),
        "aws:principalaccount": (place.account,),
        "aws:resourceaccount": (place.account,),
        "aws:requestedregion": (place.region,),
        "aws:viaawsservice": ("false",),
        "aws:multifactorauthpresent": (None, "false"),
        "aws:sourcevpc": _NO_VPC,
        "aws:sourcevpce": _NO_VPC,
    }


def denials(policy: Document | None, *accesses: Access) -> Iterator[Denial]:
    """The Deny statements of a policy that hit an access, each once and the worst of it."""
    for number, each in enumerate(statements(policy), 1):
        if each.get("Effect") != "Deny":
            continue
        found = [(access.action, _hits(each, access)) for access in accesses]
        hits = [(action, hit) for action, hit in found if hit is not False]
        if hits:
            action, hit = max(hits, key=lambda pair: pair[1] is True)
            name = f'"{each["Sid"]}"' if each.get("Sid") else f"number {number}"
            yield Denial(name, action, hit is True)


def _hits(statement: Document, access: Access) -> bool | None:
    """Whether a statement speaks of this access; None is not known."""
    return _all(
        [
            _acts(statement, access.action),
            _is_on(statement, access),
            not access.service or _is_for(statement),
            _holds(statement.get("Condition") or {}, access.context),
        ]
    )


def _all(found: list[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _not(found: bool | None) -> bool | None:
    return None if found is None else not found


def _acts(statement: Document, action: str) -> bool:
    name = "NotAction" if "NotAction" in statement else "Action"
    named = any(_like(action.lower(), each.lower()) for each in _texts(statement.get(name)))
    return named is (name == "Action")


def _is_for(statement: Document) -> bool:
    """Whether a statement's principals include the service; a wildcard is everybody."""
    name = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
    given = statement.get(name)
    named = given == "*" or (
        isinstance(given, Mapping)
        and ("*" in _texts(given.get("AWS"))
             or bool({"*", BEDROCK} & set(_texts(given.get("Service")))))
    )  # fmt: skip
    return named is (name == "Principal")


def _is_on(statement: Document, access: Access) -> bool | None:
    if not access.resources:
        return True
    if "NotResource" in statement:
        spared = _texts(statement["NotResource"])
        return _any(
            [_not(_any([_names(one, each) for each in spared])) for one in access.resources]
        )
    named = _texts(statement.get("Resource"))
    found = _any([_names(one, each) for one in access.resources for each in named])
    if (
        found is False
        and access.below
        and any(_begins(access.below, each, _LETTERS) for each in named)
    ):
        return None
    return found


def _names(resource: str, pattern: str) -> bool | None:
    return None if "${" in pattern else _like(resource, pattern)


def _begins(start: str, pattern: str, letters: frozenset[str] | None = None) -> bool:
    """Whether a pattern matches anything that begins so, and goes on with these letters."""
    open_at = {0}
    for letter in start:
        further = set()
        for at in _passed(open_at, pattern):
            if at < len(pattern) and pattern[at] in ("*", "?", letter):
                further.add(at if pattern[at] == "*" else at + 1)
        open_at = further
    return any(letters is None or letters.issuperset(pattern[at:]) for at in open_at)


def _passed(open_at: set[int], pattern: str) -> set[int]:
    """The places in a pattern and those behind a star that stands for nothing."""
    found = set(open_at)
    for at in sorted(open_at):
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            found.add(at)
    return found


def _holds(condition: Any, context: Mapping[str, Values]) -> bool | None:
    """Whether every condition is met: a key that is not known here leaves it open."""
    if not isinstance(condition, Mapping):
        return None
    found: list[bool | None] = []
    for operator, keys in condition.items():
        for key, wanted in keys.items() if isinstance(keys, Mapping) else [("", None)]:
            values = context.get(key.lower())
            if values is None:
                found.append(None)
                continue
            told = [_met(str(operator), value, _texts(wanted)) for value in values]
            found.append(told[0] if len(set(told)) == 1 else None)
    return _all(found)


def _met(operator: str, value: str | None, wanted: list[str]) -> bool | None:
    """One condition on one value; of the set operators only what a single value tells."""
    qualifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if base == "Null":
        return _any([(value is None) is (each.lower() == "true") for each in wanted])
    positive = base.replace("Not", "")
    if positive not in _TESTS or (positive not in ("Bool",) and any("${" in w for w in wanted)):
        return None
    if value is None:
        loose = name != base or qualifier == "ForAllValues"
        return loose or (positive != base and not qualifier)
    found = _any([_TESTS[positive](value, each) for each in wanted])
    return found if positive == base else _not(found)


def _equal(value: str, wanted: str) -> bool | None:
    return None if REST in value else value == wanted


def _wild(value: str, wanted: str) -> bool | None:
    """A wildcard match; of a value whose rest is not known it may be open."""
    if REST not in value or _like(value, wanted):
        return _like(value, wanted)
    return None if _begins(value.partition(REST)[0], wanted) else False


def _number(value: str, wanted: str, sign: str) -> bool | None:
    try:
        one, other = float(value), float(wanted)
    except ValueError:
        return None
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[sign]


_TESTS: dict[str, Any] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": lambda value, wanted: _equal(value.lower(), wanted.lower()),
    "StringLike": _wild,
    "ArnEquals": _wild,
    "ArnLike": _wild,
    "Bool": lambda value, wanted: value == wanted.lower(),
    "NumericLessThan": lambda value, wanted: _number(value, wanted, "<"),
    "NumericLessThanEquals": lambda value, wanted: _number(value, wanted, "<="),
    "NumericGreaterThan": lambda value, wanted: _number(value, wanted, ">"),
    "NumericGreaterThanEquals": lambda value, wanted: _number(value, wanted, ">="),
}


def _like(value: str, pattern: str) -> bool:
    """IAM's wildcards: * and ? only, so that a bracket stands for itself."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in items]
