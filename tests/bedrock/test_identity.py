"""Who calls, what a token claims, and what AWS says of a model: the edges."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import access, catalog, checks, identity
from bedrock_claude_cli.bedrock.checks import Check
from bedrock_claude_cli.bedrock.identity import Caller
from bedrock_claude_cli.errors import AuthError, CliError, DeniedError, UnavailableError


def token(tmp_path: Path, claims: object) -> Path:
    """A file with an unsigned token of these claims."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    path = tmp_path / "token"
    path.write_bytes(b"e30." + payload + b".sig\n")
    return path


def test_several_audiences_are_all_in_the_condition(tmp_path: Path) -> None:
    claims = {"iss": "https://oidc.eks.example/id/ABC/", "aud": ["sts", "b"], "sub": "s"}
    found = identity.read_web_identity(token(tmp_path, claims), "arn:role")
    assert found.audience == "sts, b"
    assert found.condition == {
        "StringEquals": {
            "oidc.eks.example/id/ABC:aud": ["sts", "b"],
            "oidc.eks.example/id/ABC:sub": "s",
        }
    }
    assert found.expires_at is None


def test_claims_that_are_missing_give_no_condition(tmp_path: Path) -> None:
    found = identity.read_web_identity(token(tmp_path, {"iss": "https://x"}), "arn:role")
    assert (found.issuer, found.subject, found.condition) == ("https://x", None, None)


@pytest.mark.parametrize("content", [b"", b"one", b"a.b.c", b"e30.WzFd.x", b"\xff.\xfe.x"])
def test_what_is_no_token_is_a_value_error_without_its_content(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"token holds no JSON Web Token$"):
        identity.read_web_identity(path, "arn:role")


@pytest.mark.parametrize("claims", [{"exp": "soon"}, {"exp": 1e30}, {"iss": 7, "aud": "a"}])
def test_claims_of_odd_types_are_no_token(tmp_path: Path, claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no JSON Web Token"):
        identity.read_web_identity(token(tmp_path, claims), "arn:role")


def test_a_role_in_use_is_explained_to_who_expected_the_role() -> None:
    caller = Caller("1", "arn:aws:sts::1:assumed-role/dev/me", "u")
    check = identity.expect(caller, checks.plan(arn="arn:aws:iam::1:role/dev"))
    assert check.status == "fail"
    assert "assumed-role/ROLE/SESSION" in (check.hint or "")


def test_a_glob_minds_case() -> None:
    caller = Caller("1", "arn:aws:iam::1:user/Dev", "u")
    assert identity.expect(caller, checks.plan(arn="*user/dev")).status == "fail"
    assert identity.expect(caller, checks.plan(arn="*user/Dev")).status == "ok"


def test_a_method_that_nobody_knows_is_told_by_its_name() -> None:
    end = datetime.now(timezone.utc) + timedelta(hours=1)
    told = identity.describe("new-thing", "****", True, end, None, None)
    assert (told.source, told.profile, told.end_known) == ("new-thing", None, True)


KNOWN = catalog.load()


def test_aws_tells_the_lifecycle_and_the_catalogue_stands_in() -> None:
    base_id = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    end = datetime(2030, 1, 2, tzinfo=timezone.utc)
    listed = [{"modelId": base_id, "modelLifecycle": {"status": "LEGACY", "endOfLifeTime": end}}]
    live = access.lifecycle(base_id, listed, KNOWN)
    assert live.status == "warn"
    assert "ends 2030-01-02" in live.detail
    assert "sonnet" in (live.hint or "")
    assert f"catalogue of {KNOWN.date}" in access.lifecycle(base_id, None, KNOWN).detail


def test_an_ended_model_fails_with_its_successor() -> None:
    check = access.lifecycle("anthropic.claude-3-haiku-20240307-v1:0", [], KNOWN)
    assert (check.status, check.exit_code) == ("fail", 6)
    assert "haiku-" in (check.hint or "")


def test_a_model_that_nobody_knows_is_skipped() -> None:
    assert access.lifecycle("anthropic.claude-new", [], KNOWN).status == "skip"


@pytest.mark.parametrize(
    ("config", "status", "words"),
    [
        (None, "warn", "is off in us-east-1"),
        ({}, "warn", "is off"),
        ({"s3Config": {"bucketName": "b", "keyPrefix": "p"}}, "ok", "s3://b/p"),
        (
            {"s3Config": {"bucketName": "b"}, "cloudWatchConfig": {"logGroupName": "/g"}},
            "ok",
            "log group /g and s3://b/",
        ),
        (
            {"s3Config": {"bucketName": "b"}, "textDataDeliveryEnabled": False},
            "warn",
            "without prompts and answers",
        ),
        ({"textDataDeliveryEnabled": True}, "warn", "nowhere"),
    ],
)
def test_logging_in_plain_words(config: dict[str, Any] | None, status: str, words: str) -> None:
    check = access.logging({"loggingConfig": config} if config is not None else {}, "us-east-1")
    assert check.status == status
    assert words in check.detail


class Profiles:
    """A client that knows one application inference profile."""

    def __init__(self, *arns: str) -> None:
        self.arns = arns

    def get_inference_profile(self, inferenceProfileIdentifier: str) -> dict[str, Any]:
        assert inferenceProfileIdentifier == APPLICATION
        return {"models": [{"modelArn": arn} for arn in self.arns]}


APPLICATION = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc"


def test_an_application_profile_s_model_is_looked_up() -> None:
    target = _target(APPLICATION)
    arn = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-6-v1"
    assert access.base_model(Profiles(arn), target) == "anthropic.claude-opus-4-6-v1"
    assert access.base_model(Profiles(), target) is None


def _target(text: str) -> Any:
    from bedrock_claude_cli.bedrock.model_id import resolve

    return resolve(text, region="us-east-1", catalog=KNOWN)


def raising(error: Exception) -> Any:
    """A check that fails by this error."""

    def make() -> Check:
        raise error

    return make


def test_a_bug_in_a_check_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        checks.judge("reach", raising(ZeroDivisionError()))


def test_a_refusal_that_names_no_action_is_a_skip_only_where_iam_says_no() -> None:
    action = "bedrock:ListFoundationModels"
    plain = DeniedError("no", code="AccessDeniedException")
    assert checks.judge("reach", raising(plain), action).detail == f"IAM does not allow {action}"
    form = DeniedError("fill out the form", code="ResourceNotFoundException")
    assert checks.judge("reach", raising(form), action).status == "fail"
    assert checks.judge("reach", raising(plain)).status == "fail"


@pytest.mark.parametrize("error", [AuthError("a"), UnavailableError("b")])
def test_one_cause_is_told_at_its_first_check(error: CliError) -> None:
    found = [checks.judge(name, raising(error)) for name in ("reach", "logging")]
    done = {check.name: check for check in checks.finish(found, checks.plan())}
    assert (done["reach"].status, done["logging"].status) == ("fail", "skip")
    assert done["logging"].detail.endswith("same reason as reach")
