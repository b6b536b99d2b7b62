"""What is open to an account, as boto3, the AWS CLI and the anthropic SDK see it."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest
from botocore.exceptions import ClientError

from bedrock_claude_cli.sandbox import RuleError, Sandbox, environment
from bedrock_claude_cli.sandbox.models import claude
from tests.sandbox.clients import aws_cli, run
from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.test_jobs import create as create_job
from tests.sandbox.test_jobs import ended, output, world
from tests.sandbox.test_mantle import ASK, HAIKU, mantle
from tests.sandbox.test_model_table import catalogue

BASE = GLOBAL.removeprefix("global.")
FABLE = "anthropic.claude-fable-5-1"
FORM = json.dumps({"companyName": "Example", "useCases": "Trying things out"}).encode()
NO_FORM = "Model use case details have not been submitted for this account"
UNFILLED = "You have not filled out the request form"
MARKETPLACE = "required AWS Marketplace actions"
BEING_MADE = "subscription for this model is still being processed"
NO_ACCESS = "You don't have access to the model with the specified model ID."
HELLO = [{"role": "user", "content": [{"text": "Hello, world"}]}]

Call = Callable[..., Any]
CALLS: dict[str, Call] = {
    "InvokeModel": lambda runtime, model: runtime.invoke_model(modelId=model, body=body()),
    "InvokeModelWithResponseStream": lambda runtime, model: (
        runtime.invoke_model_with_response_stream(modelId=model, body=body())
    ),
    "Converse": lambda runtime, model: runtime.converse(modelId=model, messages=HELLO),
    "ConverseStream": lambda runtime, model: runtime.converse_stream(modelId=model, messages=HELLO),
    "CountTokens": lambda runtime, model: runtime.count_tokens(
        modelId=model.removeprefix("global."), input={"converse": {"messages": HELLO}}
    ),
}


def refused(call: Call, *argv: Any, **arguments: Any) -> tuple[str, int, str]:
    """Error name, HTTP status and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(*argv, **arguments)
    error = caught.value.response
    status = error["ResponseMetadata"]["HTTPStatusCode"]
    return error["Error"]["Code"], status, error["Error"]["Message"]


def answers(model: str = GLOBAL, region: str = "us-east-1") -> bool:
    """Whether the model answers a Converse."""
    said = CALLS["Converse"](boto("bedrock-runtime", region), model)
    return bool(said["output"]["message"]["content"])


def not_answering(model: str = GLOBAL, region: str = "us-east-1") -> str:
    """The words in which a Converse is refused."""
    return refused(CALLS["Converse"], boto("bedrock-runtime", region), model)[2]


def status(model: str = BASE, region: str = "us-east-1") -> str:
    """The status of the model's agreement."""
    told = boto("bedrock", region).get_foundation_model_availability(modelId=model)
    return str(told["agreementAvailability"]["status"])


def offer(model: str = BASE, region: str = "us-east-1") -> dict[str, Any]:
    """The model's one offer."""
    bedrock = boto("bedrock", region)
    told = bedrock.list_foundation_model_agreement_offers(modelId=model)
    assert told["modelId"] == model
    (only,) = told["offers"]
    found: dict[str, Any] = only
    return found


def agree(model: str = BASE, region: str = "us-east-1", token: str | None = None) -> Any:
    """Make the agreement, by default with the offer's own token."""
    token = token or offer(model, region)["offerToken"]
    bedrock = boto("bedrock", region)
    return bedrock.create_foundation_model_agreement(modelId=model, offerToken=token)


def access(**state: Any) -> dict[str, Any]:
    """A rule about the model that is asked for here."""
    return {"when": {"model": BASE}, "access": state}


def test_without_rules_everything_is_open(start: Start) -> None:
    start()
    assert status() == "AVAILABLE"
    assert answers()
    assert answers(f"global.{FABLE}")
    form = boto("bedrock").get_use_case_for_model_access()["formData"]
    assert json.loads(form)["intendedUsers"] == "0"
    told = boto("bedrock").get_account_data_retention()
    assert told["mode"] == "provider_data_share"
    assert "updatedAt" not in told


STATES: dict[str, tuple[dict[str, Any], tuple[str, int, str]]] = {
    "no form": ({"account": {"form": False}}, ("ResourceNotFoundException", 404, NO_FORM)),
    "no agreement": (access(agreement="none"), ("AccessDeniedException", 403, MARKETPLACE)),
    "failed agreement": (access(agreement="error"), ("AccessDeniedException", 403, MARKETPLACE)),
    "pending agreement": (
        access(agreement="pending", polls=3),
        ("MPAgreementBeingCreated", 403, BEING_MADE),
    ),
    "not entitled": (access(entitled=False), ("AccessDeniedException", 403, NO_ACCESS)),
    "not authorized": (
        access(authorized=False),
        ("ValidationException", 400, "Operation not allowed"),
    ),
    "data retention": (
        access(retention=["aws_review"]),
        ("ValidationException", 400, "data retention mode 'provider_data_share' is not available"),
    ),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("state", STATES)
def test_every_call_of_a_model_meets_what_is_not_open(
    start: Start, state: str, operation: str
) -> None:
    rule, (name, code, words) = STATES[state]
    sandbox = start(rule)
    found = refused(CALLS[operation], boto("bedrock-runtime"), GLOBAL)
    assert found[:2] == (name, code)
    assert words in found[2]
    assert sandbox.requests[-1]["operation"] == operation


@pytest.mark.parametrize("state", [name for name in STATES if name != "no form"])
def test_other_models_stay_open(start: Start, state: str) -> None:
    start(STATES[state][0])
    assert answers("global.anthropic.claude-haiku-4-5-20251001-v1:0")


def test_what_is_not_open_comes_one_by_one_and_before_the_body(start: Start) -> None:
    """Data retention, then the form, then the agreement; AWS looks at the body last."""
    start(
        access(agreement="none", retention=["none"]),
        {"account": {"form": False, "retention": "aws_review"}},
    )
    bedrock, runtime = boto("bedrock"), boto("bedrock-runtime")

    def said() -> str:
        return refused(runtime.invoke_model, modelId=GLOBAL, body=body(max_tokens=None))[2]

    assert said() == "data retention mode 'aws_review' is not available for this model"
    bedrock.put_account_data_retention(mode="none")
    assert NO_FORM in said()
    bedrock.put_use_case_for_model_access(formData=FORM)
    assert MARKETPLACE in said()
    agree()
    assert "max_tokens" in said()


def test_an_id_that_is_not_offered_is_that_first(start: Start) -> None:
    start(access(agreement="none"))
    assert "identifier is invalid" in not_answering(f"us.{BASE}", "eu-west-1")


@pytest.mark.parametrize("model", ["*sonnet*", BASE, f"us.{BASE}", "global.*"])
def test_a_rule_names_a_model_by_any_of_its_ids(start: Start, model: str) -> None:
    start({"when": {"model": model}, "access": {"agreement": "none"}})
    assert status() == "NOT_AVAILABLE"
    assert MARKETPLACE in not_answering()


def test_the_first_rule_that_fits_counts(start: Start) -> None:
    start(
        {"when": {"model": "*haiku*"}, "access": {}},
        {"access": {"agreement": "none"}},
        {"access": {"authorized": False}},
    )
    assert answers("global.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert MARKETPLACE in not_answering()


def test_a_region_has_its_own_agreements(start: Start) -> None:
    start({"when": {"region": "eu-*"}, "access": {"agreement": "none"}})
    assert answers()
    assert MARKETPLACE in not_answering(region="eu-west-1")
    agree(region="eu-west-1")
    assert answers(region="eu-west-1")
    assert MARKETPLACE in not_answering(region="eu-central-1")


def test_rules_about_requests_come_before_the_state(start: Start) -> None:
    start(
        access(agreement="none"),
        {"times": 1, "error": {"type": "ThrottlingException"}},
        {"reply": {"text": "never"}},
    )
    assert not_answering() == "Too many requests, please wait before trying again."
    assert MARKETPLACE in not_answering()


def test_a_rule_about_the_state_answers_no_request(start: Start) -> None:
    start({"access": {}}, {"account": {}}, {"reply": {"text": "the first about requests"}})
    said = CALLS["Converse"](boto("bedrock-runtime"), GLOBAL)
    assert said["output"]["message"]["content"] == [{"text": "the first about requests"}]


def test_a_sandbox_that_starts_again_begins_as_its_rules_say(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = start(access(agreement="none"), {"account": {"form": False}})
    boto("bedrock").put_use_case_for_model_access(formData=FORM)
    boto("bedrock").put_account_data_retention(mode="none")
    agree()
    sandbox.stop()
    sandbox.start()
    for name, value in environment(sandbox.url, os.environ).items():
        monkeypatch.setenv(name, value)
    assert NO_FORM in not_answering()
    assert boto("bedrock").get_account_data_retention()["mode"] == "provider_data_share"
    assert status() == "NOT_AVAILABLE"


# The use-case form.


def test_a_form_is_given_back_as_it_was_sent_and_opens_the_models(start: Start) -> None:
    sandbox = start({"account": {"form": False}})
    bedrock = boto("bedrock")
    found = refused(bedrock.get_use_case_for_model_access)
    assert found[:2] == ("ResourceNotFoundException", 404)
    assert UNFILLED in found[2]
    assert NO_FORM in not_answering()
    answer = bedrock.put_use_case_for_model_access(formData=FORM)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert bedrock.get_use_case_for_model_access()["formData"] == FORM
    assert answers()
    (sent,) = (row for row in sandbox.requests if row["operation"] == "PutUseCaseForModelAccess")
    assert base64.b64decode(sent["body"]["formData"]) == FORM


@pytest.mark.parametrize(("length", "taken"), [(9, 0), (10, 1), (16_384, 1), (16_385, 0)])
def test_a_form_has_a_least_and_a_greatest_length(start: Start, length: int, taken: int) -> None:
    start({"account": {"form": False}})
    put = boto("bedrock").put_use_case_for_model_access
    if taken:
        put(formData=b"x" * length)
    else:
        assert refused(put, formData=b"x" * length)[:2] == ("ValidationException", 400)
    assert answers() if taken else NO_FORM in not_answering()


@pytest.mark.parametrize("sent", [b"{}", b'{"formData": 5}', b'{"formData": "%%"}', b"nothing"])
def test_a_form_that_is_no_blob_is_refused(start: Start, sent: bytes) -> None:
    sandbox = start()
    scope = "AKIAEXAMPLE/20260101/us-east-1/bedrock/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0",
        "Content-Type": "application/json",
    }
    url = f"{sandbox.url}/use-case-for-model-access"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, sent, headers))
    assert caught.value.code == 400
    assert caught.value.headers["x-amzn-ErrorType"].startswith("ValidationException")


# Agreements.


def test_an_offer_has_its_price_card_and_its_terms(start: Start) -> None:
    start()
    terms = offer()["termDetails"]
    assert terms["legalTerm"]["url"].startswith("https://")
    assert terms["supportTerm"]["refundPolicyDescription"]
    assert terms["validityTerm"] == {"agreementDuration": "P1Y"}
    rates = {row["dimension"]: row for row in terms["usageBasedPricingTerm"]["rateCard"]}
    assert rates["USE1_InputTokenCount_Global"]["price"] == "3"
    assert rates["USE1_OutputTokenCount_Regional"]["price"] == "16.5"
    assert all(set(row) == {"dimension", "price", "description", "unit"} for row in rates.values())


@pytest.mark.parametrize(
    ("model", "region", "scopes"),
    [
        (BASE, "sa-east-1", {"Global"}),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "us-east-1", {"Regional"}),
        ("anthropic.claude-opus-4-6-v1", "eu-west-2", {"Global", "Regional"}),
        (BASE, "us-gov-west-1", {"Regional"}),
    ],
)
def test_a_price_card_has_what_the_region_offers(
    start: Start, model: str, region: str, scopes: set[str]
) -> None:
    start()
    card = offer(model, region)["termDetails"]["usageBasedPricingTerm"]["rateCard"]
    assert {row["dimension"].rpartition("_")[2] for row in card} == scopes


def test_prices_and_retention_are_those_of_the_catalogue() -> None:
    """Two readings of the same sources, of every model that can still be called."""
    kinds = ("input", "output", "cache_read", "cache_write_5m")
    for row in catalogue()["models"]:
        model = claude()[row["id"]]
        prices = row["prices"].get("global") or row["prices"]["regional"]
        if not model.retired:
            assert model.price == tuple(prices[kind] for kind in kinds), model.id
        assert list(model.retention) == (row["data_retention"] or []), model.id


@pytest.mark.parametrize(
    ("model", "region", "name", "code"),
    [
        (GLOBAL, "us-east-1", "ValidationException", 400),
        ("anthropic.claude-nothing", "us-east-1", "ValidationException", 400),
        ("anthropic.claude-3-haiku-20240307-v1:0", "us-east-1", "ResourceNotFoundException", 404),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "eu-west-1", "ResourceNotFoundException", 404),
    ],
)
def test_there_is_no_offer(start: Start, model: str, region: str, name: str, code: int) -> None:
    start()
    call = boto("bedrock", region).list_foundation_model_agreement_offers
    assert refused(call, modelId=model)[:2] == (name, code)


def test_the_type_of_an_offer_is_checked(start: Start) -> None:
    start()
    call = boto("bedrock").list_foundation_model_agreement_offers
    assert call(modelId=BASE, offerType="ALL")["offers"]
    assert "enum value set: [ALL, PUBLIC]" in refused(call, modelId=BASE, offerType="MINE")[2]


def test_an_agreement_opens_the_model(start: Start) -> None:
    start(access(agreement="none"))
    assert status() == "NOT_AVAILABLE"
    answer = agree()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["modelId"] == BASE
    assert status() == "AVAILABLE"
    assert answers()


def test_an_agreement_may_take_its_time(start: Start) -> None:
    start(access(agreement="none", polls=3))
    agree()
    assert BEING_MADE in not_answering()
    assert "already exists" in refused(agree)[2]
    assert [status() for _ in range(3)] == ["PENDING"] * 3
    assert status() == "AVAILABLE"
    assert answers()


def test_one_that_is_pending_at_the_start_ends_only_with_polls(start: Start) -> None:
    start(
        {"when": {"region": "us-east-1"}, "access": {"agreement": "pending", "polls": 2}},
        {"when": {"region": "us-west-2"}, "access": {"agreement": "pending", "polls": 0}},
        {"access": {"agreement": "pending"}},
    )
    assert [status() for _ in range(3)] == ["PENDING", "PENDING", "AVAILABLE"]
    assert answers(region="us-west-2")
    assert {status(region="eu-west-1") for _ in range(20)} == {"PENDING"}


def test_an_agreement_may_come_to_nothing(start: Start) -> None:
    start(access(agreement="error", polls=1))
    told = boto("bedrock").get_foundation_model_availability(modelId=BASE)
    assert told["agreementAvailability"]["status"] == "ERROR"
    assert told["agreementAvailability"]["errorMessage"]
    agree()
    assert [status() for _ in range(2)] == ["PENDING", "ERROR"]
    assert MARKETPLACE in not_answering()


def test_the_token_of_another_offer_makes_no_agreement(start: Start) -> None:
    start({"access": {"agreement": "none"}})
    others = (offer("anthropic.claude-opus-5"), offer(region="us-west-2"))
    for token in ("made-up", *(each["offerToken"] for each in others)):
        found = refused(agree, token=token)
        assert found == (
            "ValidationException",
            400,
            "Could not create agreement - Invalid offer token",
        )
    assert status() == "NOT_AVAILABLE"


def test_a_second_agreement_is_refused(start: Start) -> None:
    start()
    assert refused(agree) == (
        "ValidationException",
        400,
        "Could not create agreement - Agreement already exists",
    )


def test_no_agreement_without_the_form(start: Start) -> None:
    start(access(agreement="none"), {"account": {"form": False}})
    name, code, words = refused(agree)
    assert (name, code) == ("AccessDeniedException", 403)
    assert UNFILLED in words
    boto("bedrock").put_use_case_for_model_access(formData=FORM)
    agree()
    assert answers()


def test_an_agreement_that_is_deleted_closes_the_model(start: Start) -> None:
    start()
    delete = boto("bedrock").delete_foundation_model_agreement
    assert delete(modelId=BASE)["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert status() == "NOT_AVAILABLE"
    assert MARKETPLACE in not_answering()
    assert refused(delete, modelId=BASE)[:2] == ("ResourceNotFoundException", 404)
    agree()
    assert answers()


def test_an_agreement_entitles(start: Start) -> None:
    start(access(agreement="none", entitled=False))
    assert not_answering() == NO_ACCESS
    agree()
    told = boto("bedrock").get_foundation_model_availability(modelId=BASE)
    assert told["entitlementAvailability"] == "AVAILABLE"
    assert answers()


def test_availability_shows_authorization_and_entitlement(start: Start) -> None:
    start(
        {"when": {"model": "*haiku*"}, "access": {"authorized": False}},
        {"access": {"entitled": False}},
    )
    look = boto("bedrock").get_foundation_model_availability
    haiku, sonnet = (look(modelId=name) for name in ("anthropic.claude-haiku-5-5", BASE))
    assert haiku["authorizationStatus"] == "NOT_AUTHORIZED"
    assert haiku["entitlementAvailability"] == "AVAILABLE"
    assert sonnet["authorizationStatus"] == "AUTHORIZED"
    assert sonnet["entitlementAvailability"] == "NOT_AVAILABLE"
    assert sonnet["regionAvailability"] == "AVAILABLE"


# Data retention.


@pytest.mark.parametrize(
    ("model", "mode", "open_to"),
    [
        (FABLE, "default", False),
        (FABLE, "none", False),
        (FABLE, "inherit", False),
        (FABLE, "aws_review", True),
        (FABLE, "provider_data_share", True),
        ("anthropic.claude-fable-5", "aws_review", False),
        ("anthropic.claude-fable-5", "provider_data_share", True),
        (BASE, "none", True),
    ],
)
@pytest.mark.parametrize("put", [False, True], ids=["from the start", "put"])
def test_some_models_ask_for_a_mode_of_data_retention(
    start: Start, model: str, mode: str, open_to: bool, put: bool
) -> None:
    start(*([] if put else [{"account": {"retention": mode}}]))
    if put:
        told = boto("bedrock").put_account_data_retention(mode=mode)
        assert told["mode"] == mode
        assert told["updatedAt"].tzinfo
    assert boto("bedrock").get_account_data_retention()["mode"] == mode
    if open_to:
        assert answers(f"global.{model}")
    else:
        shown = "default" if mode == "inherit" else mode
        assert f"data retention mode '{shown}' is not" in not_answering(f"global.{model}")


def test_a_region_has_its_own_mode(start: Start) -> None:
    start({"account": {"retention": "none"}})
    boto("bedrock").put_account_data_retention(mode="aws_review")
    assert answers(f"global.{FABLE}")
    assert boto("bedrock", "eu-west-1").get_account_data_retention()["mode"] == "none"
    assert "'none' is not" in not_answering(f"global.{FABLE}", "eu-west-1")


def test_a_mode_that_there_is_not(start: Start) -> None:
    start()
    put = boto("bedrock").put_account_data_retention
    assert refused(put, mode="all") == (
        "ValidationException",
        400,
        "1 validation error detected: Value 'all' at 'mode' failed to satisfy constraint: Member "
        "must satisfy enum value set: [default, none, aws_review, provider_data_share, inherit]",
    )
    assert boto("bedrock").get_account_data_retention()["mode"] == "provider_data_share"


# Who may do it.

ACTIONS: dict[str, Callable[[Any], Any]] = {
    "bedrock:GetFoundationModelAvailability": lambda bedrock: (
        bedrock.get_foundation_model_availability(modelId=BASE)
    ),
    "bedrock:ListFoundationModelAgreementOffers": lambda bedrock: (
        bedrock.list_foundation_model_agreement_offers(modelId=BASE)
    ),
    "bedrock:CreateFoundationModelAgreement": lambda bedrock: (
        bedrock.create_foundation_model_agreement(modelId=BASE, offerToken="x")
    ),
    "bedrock:DeleteFoundationModelAgreement": lambda bedrock: (
        bedrock.delete_foundation_model_agreement(modelId=BASE)
    ),
    "bedrock:GetUseCaseForModelAccess": lambda bedrock: bedrock.get_use_case_for_model_access(),
    "bedrock:PutUseCaseForModelAccess": lambda bedrock: bedrock.put_use_case_for_model_access(
        formData=FORM
    ),
    "bedrock:GetAccountDataRetention": lambda bedrock: bedrock.get_account_data_retention(),
    "bedrock:PutAccountDataRetention": lambda bedrock: bedrock.put_account_data_retention(
        mode="none"
    ),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_can_be_denied(start: Start, action: str) -> None:
    start({"deny": action})
    name, code, words = refused(ACTIONS[action], boto("bedrock"))
    assert (name, code) == ("AccessDeniedException", 403)
    assert f"is not authorized to perform: {action} because no identity-based policy" in words


@pytest.mark.parametrize(
    ("action", "operation"),
    [
        ("aws-marketplace:Subscribe", "Create"),
        ("aws-marketplace:ViewSubscriptions", "Create"),
        ("aws-marketplace:Unsubscribe", "Delete"),
        ("aws-marketplace:*", "Create"),
    ],
)
def test_an_agreement_takes_marketplace_actions(start: Start, action: str, operation: str) -> None:
    start({"when": {"model": "*sonnet-4-5*"}, "deny": action}, access(agreement="none"))
    call = ACTIONS[f"bedrock:{operation}FoundationModelAgreement"]
    name, code, words = refused(call, boto("bedrock"))
    assert (name, code) == ("AccessDeniedException", 403)
    assert MARKETPLACE in words
    assert status() == "NOT_AVAILABLE"
    assert offer()


# Jobs and bedrock-mantle.


@pytest.mark.parametrize("state", STATES)
def test_no_job_is_made_for_what_is_not_open(start: Start, state: str) -> None:
    rule, (name, code, words) = STATES[state]
    start(rule)
    world()
    found = refused(create_job)
    assert found[:2] == (name, code)
    assert words in found[2]


def test_the_records_of_a_job_meet_what_was_closed_meanwhile(start: Start) -> None:
    start()
    world()
    arn = create_job()
    boto("bedrock").delete_foundation_model_agreement(modelId=BASE)
    job, _ = ended(arn)
    assert job["errorRecordCount"] == 100
    error = output(arn)[0][0]["error"]
    assert error["errorCode"] == 403
    assert MARKETPLACE in error["errorMessage"]


@pytest.mark.parametrize("state", ["no agreement", "pending agreement", "not entitled"])
@pytest.mark.parametrize("count", [False, True], ids=["messages", "count"])
def test_mantle_says_that_a_model_is_not_available(start: Start, state: str, count: bool) -> None:
    start({**STATES[state][0], "when": {"model": "*haiku*"}})
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        if count:
            mantle().messages.count_tokens(model=HAIKU, messages=ASK["messages"])
        else:
            mantle().messages.create(**ASK)
    error: Any = caught.value.body
    assert error["error"]["type"] == "permission_error"
    assert "not available for this account" in error["error"]["message"]


def test_mantle_asks_for_no_form(start: Start) -> None:
    start({"account": {"form": False}})
    assert NO_FORM in not_answering()
    assert mantle().messages.create(**ASK).content


def test_mantle_minds_data_retention(start: Start) -> None:
    start({"account": {"retention": "none"}})
    with pytest.raises(anthropic.BadRequestError, match="data retention mode 'none'"):
        mantle().messages.create(**{**ASK, "model": FABLE})
    assert mantle().messages.create(**ASK).content


# The rules themselves, and a whole way through with the AWS CLI.


def test_what_such_rules_cannot_say() -> None:
    rules: list[Any] = [
        {"access": {"agreement": "penidng", "polls": -1, "authorized": "no", "retention": []}},
        {"account": {"form": "yes", "retention": "nnoe", "region": "x"}},
        {"when": {"prompt": "x", "operation": "Converse"}, "access": {}, "times": 2},
        {"when": {"model": "*"}, "account": {}, "stream": {"gap_ms": 1}},
        {"access": {}, "account": {}, "reply": {"text": "a"}},
        {"access": {"retention": ["none", "some"]}},
    ]
    with pytest.raises(RuleError) as caught:
        Sandbox(rules=rules)
    modes = "default, none, aws_review, provider_data_share, inherit"
    assert caught.value.problems == [
        "rules[0].access.agreement: must be one of available, none, pending, error; "
        "did you mean 'pending'?",
        "rules[0].access.polls: must be a whole number from 0",
        "rules[0].access.authorized: must be true or false",
        f"rules[0].access.retention: must be a list of {modes}",
        "rules[1].account.form: must be true or false",
        f"rules[1].account.retention: must be one of {modes}; did you mean 'none'?",
        "rules[1].account.region: unknown key; did you mean 'retention'?",
        "rules[2]: has both access and times",
        "rules[2]: access does not go by prompt",
        "rules[2]: access does not go by operation",
        "rules[3]: has both account and stream",
        "rules[3]: account does not go by model",
        "rules[4]: has both reply and access",
        "rules[4]: has both reply and account",
        "rules[4]: has both access and account",
        f"rules[5].access.retention: must be a list of {modes}",
    ]


def test_the_aws_cli_from_nothing_to_an_answer(tmp_path: Path) -> None:
    form = tmp_path / "form.json"
    form.write_bytes(FORM)
    rules = [
        access(agreement="none", polls=1, retention=["aws_review"]),
        {"account": {"form": False, "retention": "none"}},
    ]
    with Sandbox(rules=rules) as sandbox:

        def aws(*argv: str, service: str = "bedrock") -> str:
            done = run([aws_cli(), service, *argv], environment(sandbox.url, os.environ))
            return done.stdout if done.returncode == 0 else done.stderr

        ask = ("converse", "--model-id", GLOBAL, "--messages", json.dumps(HELLO))
        model = ("--model-id", BASE)
        assert "data retention mode 'none'" in aws(*ask, service="bedrock-runtime")
        told = json.loads(aws("put-account-data-retention", "--mode", "aws_review"))
        assert told["mode"] == "aws_review"
        assert UNFILLED in aws("get-use-case-for-model-access")
        assert aws("put-use-case-for-model-access", "--form-data", f"fileb://{form}") == ""
        token = aws(
            *("list-foundation-model-agreement-offers", *model, "--output", "text"),
            *("--query", "offers[0].offerToken"),
        ).strip()
        made = aws("create-foundation-model-agreement", *model, "--offer-token", token)
        assert json.loads(made) == {"modelId": BASE}
        seen = [
            json.loads(aws("get-foundation-model-availability", *model))["agreementAvailability"]
            for _ in range(2)
        ]
        assert [each["status"] for each in seen] == ["PENDING", "AVAILABLE"]
        assert "canned" in aws(*ask, service="bedrock-runtime")
