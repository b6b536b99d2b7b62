"""STS and the control plane, as boto3 sees them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import GLOBAL, Start, boto

ROLE = "arn:aws:iam::000000000000:role/team/reader"


def test_get_caller_identity_names_the_account_of_no_customer(start: Start) -> None:
    start()
    answer = boto("sts").get_caller_identity()
    assert answer["Account"] == "000000000000"
    assert answer["Arn"] == "arn:aws:iam::000000000000:user/sandbox"
    assert answer["UserId"].startswith("AIDA")
    assert answer["ResponseMetadata"]["RequestId"]


def test_assumed_role_is_the_identity_of_its_keys(start: Start) -> None:
    start()
    given = boto("sts").assume_role(RoleArn=ROLE, RoleSessionName="ci")
    keys = given["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"
    )
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::000000000000:assumed-role/reader/ci"
    assert given["AssumedRoleUser"]["Arn"] == arn


def test_assume_role_with_web_identity_needs_no_signature(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = start(strict_auth=("AKIAOTHEREXAMPLE", "other"))
    answer = boto("sts").assume_role_with_web_identity(
        RoleArn=ROLE, RoleSessionName="ci", WebIdentityToken="header.payload.signature"
    )
    assert answer["Credentials"]["SessionToken"]
    assert "authorization" not in sandbox.requests[0]["headers"]
    assert sandbox.requests[0]["body"]["WebIdentityToken"] == "***"


def test_bad_role_is_a_validation_error(start: Start) -> None:
    start()
    with pytest.raises(ClientError, match="reader-of-nothing-at-all is invalid") as caught:
        boto("sts").assume_role(RoleArn="reader-of-nothing-at-all", RoleSessionName="ci")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize("seconds", ["899", "43201", "soon"])
def test_bad_duration_is_a_validation_error(start: Start, seconds: str) -> None:
    start()
    sts = boto("sts", config={"parameter_validation": False})
    with pytest.raises(ClientError, match=f"Value '{seconds}' at 'durationSeconds'"):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="ci", DurationSeconds=seconds)


def test_unknown_operation_of_sts_is_invalid_action(start: Start) -> None:
    start()
    with pytest.raises(ClientError, match="Could not find operation GetSessionToken") as caught:
        boto("sts").get_session_token()
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_list_foundation_models_filters_as_clients_ask(start: Start) -> None:
    start()
    bedrock = boto("bedrock")
    everything = bedrock.list_foundation_models()["modelSummaries"]
    claude = bedrock.list_foundation_models(byProvider="anthropic")["modelSummaries"]
    assert {row["providerName"] for row in claude} == {"Anthropic"}
    assert len(everything) - len(claude) == 3
    embedding = bedrock.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]
    assert [row["modelId"] for row in embedding] == ["cohere.embed-english-v3"]
    profiles = bedrock.list_foundation_models(byInferenceType="INFERENCE_PROFILE")
    assert len(profiles["modelSummaries"]) == len(claude)
    assert "nextToken" not in profiles


def test_foundation_models_carry_lifecycle_and_leave_out_the_retired(start: Start) -> None:
    start()
    rows = {
        row["modelId"]: row for row in boto("bedrock").list_foundation_models()["modelSummaries"]
    }
    legacy = rows["anthropic.claude-opus-4-1-20250805-v1:0"]
    assert legacy["modelLifecycle"]["status"] == "LEGACY"
    assert legacy["modelLifecycle"]["endOfLifeTime"].isoformat().startswith("2027-01-08")
    assert "anthropic.claude-sonnet-4-20250514-v1:0" not in rows
    sonnet = rows["anthropic.claude-sonnet-4-5-20250929-v1:0"]
    assert sonnet["inferenceTypesSupported"] == ["INFERENCE_PROFILE"]
    assert sonnet["modelArn"] == (
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"
    )


def test_london_offers_a_model_on_demand(start: Start) -> None:
    start()
    rows = boto("bedrock", "eu-west-2").list_foundation_models()["modelSummaries"]
    kinds = {row["modelId"]: row["inferenceTypesSupported"] for row in rows}
    assert kinds["anthropic.claude-opus-4-6-v1"] == ["INFERENCE_PROFILE", "ON_DEMAND"]


def profile_ids(region: str) -> list[str]:
    pages = boto("bedrock", region).get_paginator("list_inference_profiles").paginate()
    return [
        row["inferenceProfileId"] for page in pages for row in page["inferenceProfileSummaries"]
    ]


def test_inference_profiles_come_in_pages(start: Start) -> None:
    sandbox = start()
    ids = profile_ids("us-east-1")
    assert len(ids) == len(set(ids)) > 30
    assert len(sandbox.requests) == -(-len(ids) // 10)
    first = boto("bedrock").list_inference_profiles(maxResults=3)
    assert len(first["inferenceProfileSummaries"]) == 3
    assert first["nextToken"]


@pytest.mark.parametrize(
    ("region", "prefixes"),
    [
        ("us-east-1", {"global", "us"}),
        ("ca-west-1", {"global", "us"}),
        ("eu-central-1", {"global", "eu"}),
        ("ap-northeast-1", {"global", "jp"}),
        ("ap-southeast-2", {"global", "au"}),
        ("ap-south-1", {"global", "in"}),
        ("sa-east-1", {"global"}),
        ("us-gov-west-1", {"us-gov"}),
    ],
)
def test_inference_profiles_are_those_of_the_source_region(
    start: Start, region: str, prefixes: set[str]
) -> None:
    start()
    assert {name.split(".")[0] for name in profile_ids(region)} == prefixes


def test_global_profile_has_the_arn_without_region(start: Start) -> None:
    start()
    base = GLOBAL.removeprefix("global.")
    row = boto("bedrock", "eu-west-1").get_inference_profile(inferenceProfileIdentifier=GLOBAL)
    assert row["inferenceProfileArn"] == (
        f"arn:aws:bedrock:eu-west-1:000000000000:inference-profile/{GLOBAL}"
    )
    assert [model["modelArn"] for model in row["models"]] == [
        f"arn:aws:bedrock:eu-west-1::foundation-model/{base}",
        f"arn:aws:bedrock:::foundation-model/{base}",
    ]
    assert (row["type"], row["status"]) == ("SYSTEM_DEFINED", "ACTIVE")
    assert row["inferenceProfileName"] == "Global Anthropic Claude Sonnet 4.5"


def test_geographic_profile_routes_to_its_regions_and_the_source(start: Start) -> None:
    start()
    bedrock = boto("bedrock", "us-west-1")
    arn = f"arn:aws:bedrock:us-west-1:000000000000:inference-profile/us.{GLOBAL[7:]}"
    row = bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    regions = [model["modelArn"].split(":")[3] for model in row["models"]]
    assert regions == ["us-west-1", "us-east-1", "us-east-2", "us-west-2"]


@pytest.mark.parametrize("name", ["eu." + GLOBAL[7:], "nothing", GLOBAL[7:]])
def test_profile_that_is_not_there_is_not_found(start: Start, name: str) -> None:
    start()
    bedrock = boto("bedrock")
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier=name)


def test_application_profiles_are_none(start: Start) -> None:
    start()
    answer = boto("bedrock").list_inference_profiles(typeEquals="APPLICATION")
    assert answer["inferenceProfileSummaries"] == []


@pytest.mark.parametrize("question", [{"maxResults": 1001}, {"nextToken": "made-up"}])
def test_bad_page_is_refused(start: Start, question: dict[str, Any]) -> None:
    start()
    bedrock = boto("bedrock", config={"parameter_validation": False})
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.list_inference_profiles(**question)


def test_availability_is_by_region(start: Start) -> None:
    start()
    here = boto("bedrock").get_foundation_model_availability(modelId=GLOBAL[7:])
    assert here["agreementAvailability"] == {"status": "AVAILABLE"}
    assert here["authorizationStatus"] == "AUTHORIZED"
    assert here["entitlementAvailability"] == here["regionAvailability"] == "AVAILABLE"
    there = boto("bedrock", "sa-east-1").get_foundation_model_availability(
        modelId="anthropic.claude-opus-4-1-20250805-v1:0"
    )
    assert there["regionAvailability"] == "NOT_AVAILABLE"


@pytest.mark.parametrize("name", [GLOBAL, "anthropic.claude-nothing"])
def test_availability_takes_base_ids_only(start: Start, name: str) -> None:
    start()
    bedrock = boto("bedrock")
    with pytest.raises(bedrock.exceptions.ValidationException, match="identifier is invalid"):
        bedrock.get_foundation_model_availability(modelId=name)


def test_requests_are_shown_as_json_lines_without_secrets(start: Start) -> None:
    sandbox = start()
    boto("bedrock", "eu-west-1").list_foundation_models(byProvider="anthropic")
    boto("sts").get_caller_identity()
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/requests") as answer:
        rows = [json.loads(line) for line in answer.read().splitlines()]
    assert rows == sandbox.requests
    first, second = rows
    assert (first["service"], first["operation"]) == ("bedrock", "ListFoundationModels")
    assert (first["region"], first["status"]) == ("eu-west-1", 200)
    assert first["query"] == "byProvider=anthropic"
    assert "Signature=***" in first["headers"]["authorization"]
    assert (second["service"], second["operation"]) == ("sts", "GetCallerIdentity")
    assert second["body"]["Action"] == "GetCallerIdentity"


def test_unknown_path_is_an_unknown_operation(start: Start) -> None:
    start()
    with pytest.raises(ClientError) as caught:
        boto("bedrock").list_guardrails()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_request_without_credentials_is_refused(start: Start) -> None:
    sandbox = start()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{sandbox.url}/foundation-models")
    assert caught.value.code == 403
    assert json.loads(caught.value.read()) == {"message": "Missing Authentication Token"}
