"""Anthropic's one-time use-case form: its keys, what each takes, and how AWS wants it written.

Keys, lengths and codes: docs.aws.amazon.com/bedrock "Access Amazon Bedrock foundation models".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.errors import did_you_mean
from bedrock_claude_cli.explain import fault

USERS = {"internal": "0", "external": "1", "both": "2"}
MAX_BYTES = 16_384  # of the form as JSON: botocore's AcknowledgementFormDataBody
ONE_FORM = (
    "one form holds for the whole account and every model of Anthropic's, and no operation takes "
    "it back; one that an organization's management account submitted holds for its members"
)


class Key(NamedTuple):
    """One field of the form: how long it may be, and how a person is asked for it."""

    name: str
    longest: int
    question: str
    required: bool = True


KEYS = (
    Key("companyName", 128, "company"),
    Key("companyWebsite", 128, "its website (a person may give a GitHub profile or portfolio)"),
    Key("intendedUsers", 128, "who will use it: internal, external or both"),
    Key("industryOption", 128, "industry, such as Technology, Education or Other"),
    Key("otherIndustryOption", 128, "which other industry", required=False),
    Key("useCases", 8192, "what Claude will be used for, in a sentence or more"),
)
NAMES = tuple(key.name for key in KEYS)


def wrong(key: Key, value: Any) -> str | None:
    """What is wrong with the value of a field, or None."""
    if key.name == "intendedUsers" and value is not None:
        said = str(value).strip().lower()
        if said in USERS or said in USERS.values():
            return None
        return f"takes internal, external or both{did_you_mean(said, USERS)}"
    if value is None or value == "":
        return "is missing" if key.required else None
    if not isinstance(value, str):
        return "takes text"
    if not value.strip():
        return "is blank"
    if len(value) > key.longest:
        return f"has {len(value):,} characters, and {key.longest:,} is the most"
    return None


def is_other(form: Mapping[str, Any]) -> bool:
    """Whether the industry is Other, which asks for the field that names it."""
    return str(form.get("industryOption") or "").strip().lower().startswith("other")


def faults(form: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Everything wrong with a form, as the field's name and what is wrong with it.

    The name is None for what is wrong with the form as a whole.
    """
    for name in form:
        if name not in NAMES:
            yield name, f"unknown key{did_you_mean(name, NAMES)}"
    found = [(key.name, what) for key in KEYS if (what := wrong(key, form.get(key.name)))]
    if is_other(form) and not form.get("otherIndustryOption"):
        found.append(("otherIndustryOption", "is missing, as industryOption is Other"))
    yield from found
    if not found and (size := len(encode(form))) > MAX_BYTES:
        yield None, f"the form has {size:,} bytes as JSON, and {MAX_BYTES:,} is the most"


def coded(form: Mapping[str, Any]) -> dict[str, str]:
    """The form as AWS takes it: every key, each a text, the users as their code."""
    sent = {name: str(form.get(name) or "").strip() for name in NAMES}
    users = str(form.get("intendedUsers", "")).strip().lower()
    return {**sent, "intendedUsers": USERS.get(users, users)}


def encode(form: Mapping[str, Any]) -> bytes:
    """The form as the bytes of `formData`, which botocore puts in base64."""
    return json.dumps(coded(form), ensure_ascii=False).encode()


def shown(form: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The form's fields with their values, the users in words beside their code."""
    words = {code: word for word, code in USERS.items()}
    for name, value in form.items():
        text = str(value)
        yield (
            name,
            f'"{text}" ({words[text]})' if name == "intendedUsers" and text in words else text,
        )


def submitted(bedrock: Any) -> dict[str, Any] | None:
    """The form that AWS has, or None where none was submitted; botocore's errors pass.

    Needs bedrock:GetUseCaseForModelAccess. A form that is no JSON object is an empty one.
    """
    try:
        told = bedrock.get_use_case_for_model_access()
    except Exception as error:
        found = fault(error)
        if found is not None and found.name == "ResourceNotFoundException":
            return None
        raise
    try:
        form = json.loads(part(told, "formData"))
    except ValueError:
        return {}
    return form if isinstance(form, dict) else {}
