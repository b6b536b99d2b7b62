"""Who calls AWS: the caller, where the credentials come from, and what a web identity claims."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bedrock_claude_cli import clock
from bedrock_claude_cli.bedrock.checks import Check, Plan, fail
from bedrock_claude_cli.bedrock.duration import show_duration
from bedrock_claude_cli.bedrock.response import part
from bedrock_claude_cli.errors import ExitCode

# botocore's names of its credential providers, in words.
SOURCES = {
    "env": "access keys in the environment",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role assumed with a web identity token",
    "sso": "IAM Identity Center (SSO)",
    "login": "a console session (aws login)",
    "shared-credentials-file": "the shared credentials file",
    "custom-process": "the profile's credential_process",
    "config-file": "the AWS config file",
    "ec2-credentials-file": "the file in AWS_CREDENTIAL_FILE",
    "boto-config": "the boto config file",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}
API_KEY = "a Bedrock API key in AWS_BEARER_TOKEN_BEDROCK"
_OF_A_PROFILE = ("assume-role", "sso", "login", "shared-credentials-file", "custom-process",
                 "config-file")  # fmt: skip
SELF_RENEWING = ("container-role", "iam-role")
_RENEWS = "this role's credentials are renewed before they end, so --min-ttl is not needed here"
_TELL_THE_END = (
    "set AWS_CREDENTIAL_EXPIRATION beside the session token (`aws configure export-credentials` "
    "prints it)"
)
_ROLE_IN_USE = "STS writes a role in use as arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION"


@dataclass(frozen=True)
class Caller:
    """What STS says of the credentials."""

    account: str
    arn: str
    user_id: str


@dataclass(frozen=True)
class WebIdentity:
    """What a web identity token claims of itself, and the trust condition that takes it."""

    role_arn: str
    issuer: str | None
    audience: str | None
    subject: str | None
    expires_at: str | None
    condition: dict[str, Any] | None


@dataclass(frozen=True)
class Credentials:
    """Where credentials come from and when they end; never what they are.

    `method` is botocore's name of `source`; times are ISO and seconds. `expires_at` None means
    never, unless `end_known` is false.
    """

    source: str | None = None
    method: str | None = None
    profile: str | None = None
    profile_source: str | None = None
    access_key_id: str | None = None
    expires_at: str | None = None
    seconds_left: int | None = None
    end_known: bool | None = None
    api_key: bool = False
    web_identity: WebIdentity | None = None


def describe(
    method: str,
    access_key_id: str,
    temporary: bool,
    expires_at: datetime | None,
    profile: str | None,
    profile_source: str | None,
) -> Credentials:
    """Credentials that were fetched; `method` is botocore's name, `access_key_id` is masked."""
    if profile is None and method in _OF_A_PROFILE:
        profile, profile_source = "default", "default"
    left = None
    if expires_at is not None:
        left = max(0, int((expires_at - datetime.now(timezone.utc)).total_seconds()))
    return Credentials(
        source=SOURCES.get(method, method),
        method=method,
        profile=profile,
        profile_source=profile_source if profile else None,
        access_key_id=access_key_id,
        expires_at=iso(expires_at) if expires_at else None,
        seconds_left=left,
        end_known=expires_at is not None or not temporary,
    )


def get_caller(sts: Any) -> Caller:
    """Ask STS who calls; it needs no permission, and works under an explicit deny."""
    told = sts.get_caller_identity()
    return Caller(part(told, "Account"), part(told, "Arn"), part(told, "UserId"))


def expect(caller: Caller, plan: Plan) -> Check:
    """Whether the caller is the expected one."""
    if plan.account is not None and caller.account != plan.account:
        problem = f"the account is {caller.account}, not {plan.account}"
        return fail("expect", ExitCode.UNMET, problem)
    if plan.arn is not None and not fnmatchcase(caller.arn, plan.arn):
        problem = f"the ARN is {caller.arn}, which does not match {plan.arn}"
        role = ":role/" in plan.arn and ":assumed-role/" in caller.arn
        return fail("expect", ExitCode.UNMET, problem, _ROLE_IN_USE if role else None)
    return Check("expect", "ok", "the caller is the expected one")


def ttl(credentials: Credentials, least: float | None) -> Check:
    """When the credentials end, and whether that is later than in `least` seconds."""
    if not credentials.end_known:
        text = "nobody tells when these credentials end"
        if least is None:
            return Check("ttl", "skip", text)
        return fail("ttl", ExitCode.UNMET, text, None if credentials.api_key else _TELL_THE_END)
    left = credentials.seconds_left
    if left is None:
        return Check("ttl", "ok", "these keys do not expire")
    text = f"{show_duration(left)} left, until {credentials.expires_at}"
    if least is None or left >= least:
        return Check("ttl", "ok", text)
    hint = _RENEWS if credentials.method in SELF_RENEWING else "renew the credentials: {login}"
    return fail("ttl", ExitCode.UNMET, f"{text}; {show_duration(least)} were asked for", hint)


def by_the_clock(credentials: Credentials, ahead: int | None) -> Credentials:
    """The credentials with the seconds that they have left at AWS, whose clock is the one to count.

    `ahead` is by how many seconds this machine's is ahead of it.
    """
    if not credentials.expires_at or ahead is None or abs(ahead) < clock.WORTH_SAYING:
        return credentials
    end = datetime.strptime(credentials.expires_at, "%Y-%m-%dT%H:%M:%SZ")
    left = (end.replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)).total_seconds()
    return replace(credentials, seconds_left=max(0, int(left + ahead)))


def diagnose(file: Path, role_arn: str, check: Check) -> tuple[WebIdentity | None, Check]:
    """A failed web identity's check, with what its token claims and the condition it would meet."""
    try:
        claims = read_web_identity(file, role_arn)
    except ValueError as error:
        return None, replace(check, detail=f"{check.detail}; {error}")
    told = ", ".join(
        f"{name} {value}"
        for name, value in (
            ("iss", claims.issuer),
            ("aud", claims.audience),
            ("sub", claims.subject),
            ("expires", claims.expires_at),
        )
        if value
    )
    hint = check.hint
    if claims.condition:
        condition = json.dumps(claims.condition)
        hint = f'the trust policy of {role_arn} lets this token in with "Condition": {condition}'
    return claims, replace(check, detail=f"{check.detail}; the token says {told}", hint=hint)


def read_web_identity(file: Path, role_arn: str) -> WebIdentity:
    """The claims of the token in `file`, unverified; ValueError if it is no JSON Web Token.

    The token itself is a credential and goes no further.
    """
    try:
        payload = file.read_text(encoding="ascii").strip().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return _claimed(claims, role_arn)
    # What a stranger's token holds can be of any type and size.
    except (ValueError, IndexError, AttributeError, TypeError, OverflowError):
        raise ValueError(f"{file} holds no JSON Web Token") from None


def _claimed(claims: dict[str, Any], role_arn: str) -> WebIdentity:
    issuer, audience, subject = (claims.get(key) for key in ("iss", "aud", "sub"))
    audiences = audience if isinstance(audience, list) else [audience] if audience else []
    if not all(isinstance(each, str) for each in (*audiences, issuer or "", subject or "")):
        raise TypeError("a claim is no text")
    expires = claims.get("exp")
    return WebIdentity(
        role_arn=role_arn,
        issuer=issuer,
        audience=", ".join(audiences) or None,
        subject=subject,
        expires_at=iso(datetime.fromtimestamp(expires, timezone.utc)) if expires else None,
        condition=_condition(issuer, audience, subject),
    )


def _condition(issuer: str | None, audience: Any, subject: str | None) -> dict[str, Any] | None:
    """The Condition of a trust policy that lets exactly this token in."""
    if not (issuer and audience and subject):
        return None
    provider = issuer.removeprefix("https://").rstrip("/")
    return {"StringEquals": {f"{provider}:aud": audience, f"{provider}:sub": subject}}


def iso(moment: datetime) -> str:
    """A moment in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
