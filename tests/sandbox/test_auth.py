"""Strict authentication: signatures verified, and what is wrong said as AWS says it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from anthropic import AnthropicBedrock
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from bedrock_claude_cli.sandbox import auth
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError
from tests.sandbox.conftest import GLOBAL, Start, body, boto

PAIR = ("AKIASTRICTEXAMPLEXXX", "strict-dummy-secret-not-a-real-key")
KEYS = {"aws_access_key_id": PAIR[0], "aws_secret_access_key": PAIR[1]}
INVALID = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"
MISMATCH = "The request signature we calculated does not match the signature you provided."
MESSAGES = [{"role": "user", "content": [{"text": "hi"}]}]


def test_right_keys_are_let_in_everywhere(start: Start) -> None:
    start(strict_auth=PAIR)
    assert boto("sts", **KEYS).get_caller_identity()
    bedrock = boto("bedrock", "eu-west-1", **KEYS)
    assert bedrock.list_foundation_models(byProvider="an thropic+&=~'é")["modelSummaries"] == []
    assert bedrock.list_inference_profiles(maxResults=2, typeEquals="SYSTEM_DEFINED")["nextToken"]
    arn = f"arn:aws:bedrock:eu-west-1:000000000000:inference-profile/{GLOBAL}"
    assert bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    runtime = boto("bedrock-runtime", **KEYS)
    assert runtime.invoke_model(modelId=GLOBAL, body=body("\u4e16\u754c"))
    assert list(runtime.converse_stream(modelId=GLOBAL, messages=MESSAGES)["stream"])
    metadata = {"team": "a  b"}
    assert runtime.converse(modelId=GLOBAL, messages=MESSAGES, requestMetadata=metadata)


@pytest.mark.parametrize(
    "model", [GLOBAL, f"arn:aws:bedrock:us-west-2:000000000000:inference-profile/{GLOBAL}"]
)
def test_sdk_signs_the_path_with_its_colons(start: Start, model: str) -> None:
    sandbox = start(strict_auth=PAIR)
    client = AnthropicBedrock(
        aws_access_key=PAIR[0], aws_secret_key=PAIR[1], aws_region="us-west-2"
    )
    assert client.messages.create(
        model=model, max_tokens=9, messages=[{"role": "user", "content": "hi"}]
    )
    assert ":" in sandbox.requests[0]["path"]


def refusal(service: str, **keys: str) -> tuple[str, int, str]:
    """How the service refuses a harmless call with these keys."""
    client = boto(service, **keys)
    call = client.get_caller_identity if service == "sts" else client.list_foundation_models
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return response["Error"]["Code"], status, response["Error"]["Message"]


@pytest.mark.parametrize(
    ("keys", "bedrock", "sts", "message"),
    [
        (
            {"aws_access_key_id": "AKIAUNKNOWNEXAMPLEXX"},
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            INVALID,
        ),
        (
            {"aws_secret_access_key": "wrong"},
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            MISMATCH,
        ),
        ({"aws_session_token": "EXPIRED-1"}, "ExpiredTokenException", "ExpiredToken", EXPIRED),
        (
            {"aws_session_token": "some-other-session"},
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            INVALID,
        ),
    ],
)
def test_wrong_keys_are_refused_as_aws_refuses_them(
    start: Start, keys: dict[str, str], bedrock: str, sts: str, message: str
) -> None:
    start(strict_auth=PAIR)
    code, status, text = refusal("bedrock", **KEYS | keys)
    assert (code, status) == (bedrock, 403)
    assert text.startswith(message)
    code, status, text = refusal("sts", **KEYS | keys)
    assert (code, status) == (sts, 403)
    assert text.startswith(message)


def test_assumed_role_s_keys_are_let_in_and_only_with_their_token(start: Start) -> None:
    start(strict_auth=PAIR)
    role = "arn:aws:iam::000000000000:role/reader"
    given = boto("sts", **KEYS).assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
    }
    assert refusal("sts", **keys)[0] == "InvalidClientTokenId"
    client = boto("sts", **keys, aws_session_token=given["SessionToken"])
    assert client.get_caller_identity()["Arn"].endswith("assumed-role/reader/ci")


def test_temporary_pair_needs_a_token(start: Start) -> None:
    start(strict_auth=("ASIASTRICTEXAMPLEXXX", PAIR[1]))
    keys = KEYS | {"aws_access_key_id": "ASIASTRICTEXAMPLEXXX"}
    assert boto("sts", **keys, aws_session_token="any").get_caller_identity()
    assert refusal("sts", **keys, aws_session_token="EXPIRED")[0] == "ExpiredToken"


def test_without_strict_authentication_any_keys_pass(start: Start) -> None:
    start()
    keys = {"aws_access_key_id": "<access key>", "aws_secret_access_key": "<secret key>"}
    assert boto("sts", **keys, aws_session_token="EXPIRED").get_caller_identity()


def signed(service: str = "bedrock") -> Request:
    """A request that botocore has signed with the right pair, now."""
    url = f"http://127.0.0.1:1/model/{GLOBAL.replace(':', '%3A')}/invoke?b=2&a-b=1&a=%20x"
    request: Any = AWSRequest("POST", url, data=b"{}", headers={"Host": "127.0.0.1:1"})
    SigV4Auth(Credentials(*PAIR), service, "us-east-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    path, _, query = url.removeprefix("http://127.0.0.1:1").partition("?")
    return Request("POST", path, query, headers, b"{}", "id", "now")


def stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (6, "Signature expired: {signed} is now earlier than {edge} ({now} - 5 min.)"),
        (-6, "Signature not yet current: {signed} is still later than {edge} ({now} + 5 min.)"),
    ],
)
@pytest.mark.parametrize(
    ("service", "code"),
    [("bedrock", "InvalidSignatureException"), ("sts", "SignatureDoesNotMatch")],
)
def test_clock_that_is_wrong(minutes: int, words: str, service: str, code: str) -> None:
    request = signed(service)
    when = datetime.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    now = when.replace(tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    edge = now - datetime.timedelta(minutes=5 if minutes > 0 else -5)
    with pytest.raises(AwsError) as caught:
        auth.verify_signature(request, PAIR[1], None, now)
    assert (caught.value.code, caught.value.status) == (code, 403)
    assert caught.value.message == words.format(
        signed=stamp(when), edge=stamp(edge), now=stamp(now)
    )


def test_clock_within_five_minutes_passes_and_botocore_agrees_on_the_query() -> None:
    request = signed()
    when = datetime.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    for minutes in (-4, 4):
        now = when.replace(tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
        auth.verify_signature(request, PAIR[1], None, now)


def test_changed_body_breaks_the_signature() -> None:
    request = signed()
    request.body = b"{ }"
    with pytest.raises(AwsError, match="does not match"):
        auth.verify_signature(request, PAIR[1], None)
