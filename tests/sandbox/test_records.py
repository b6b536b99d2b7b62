"""What the invocation log holds of each kind of invocation, in a group and in a bucket."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import GLOBAL, Start, body, boto
from tests.sandbox.logging_world import (
    GROUP,
    ROLE,
    bucket_policy,
    make_bucket,
    make_group,
    objects,
    put,
    records,
    to_group,
    trust,
)

MESSAGES = [{"role": "user", "content": [{"text": "Hello, world"}]}]
ARN = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{GLOBAL}"
HOUR = r"AWSLogs/000000000000/BedrockModelInvocationLogs/us-east-1/\d{4}/\d\d/\d\d/\d\d"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
USAGE = {
    "input_tokens": 7,
    "output_tokens": 5,
    "cache_read_input_tokens": 3,
    "cache_creation_input_tokens": 2,
}


def test_invoke_model_is_recorded_whole(start: Start) -> None:
    start({"reply": {"text": "hi", "usage": USAGE}})
    make_group()
    put(to_group())
    answer = boto("bedrock-runtime").invoke_model(
        modelId=GLOBAL, body=body(), requestMetadata='{"team": "x"}'
    )
    (record,) = records()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record.pop("timestamp"))
    assert record == {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "accountId": "000000000000",
        "region": "us-east-1",
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "operation": "InvokeModel",
        "modelId": GLOBAL,
        "identity": {"arn": "arn:aws:iam::000000000000:user/sandbox"},
        "inferenceRegion": "us-east-1",
        "requestMetadata": {"team": "x"},
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": json.loads(body()),
            "inputTokenCount": 7,
            "cacheReadInputTokenCount": 3,
            "cacheWriteInputTokenCount": 2,
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": json.loads(answer["body"].read()),
            "outputTokenCount": 5,
        },
    }


def test_stream_is_recorded_as_its_events(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    stream = boto("bedrock-runtime").invoke_model_with_response_stream(modelId=ARN, body=body())
    events = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]]
    (record,) = records()
    assert record["operation"] == "InvokeModelWithResponseStream"
    assert record["modelId"] == ARN
    assert record["output"]["outputBodyJson"] == events
    assert record["output"]["outputTokenCount"] > 1


@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_converse_is_recorded_as_one_object(start: Start, operation: str) -> None:
    start({"reply": {"text": "hi"}})
    make_group()
    put(to_group())
    runtime = boto("bedrock-runtime")
    call = runtime.converse if operation == "Converse" else runtime.converse_stream
    answer = call(modelId=GLOBAL, messages=MESSAGES, requestMetadata={"team": "y"})
    list(answer.get("stream", ()))
    (record,) = records()
    assert record["operation"] == operation
    assert record["requestMetadata"] == {"team": "y"}
    assert record["input"]["inputBodyJson"]["messages"] == MESSAGES
    told = record["output"]["outputBodyJson"]
    assert told["output"]["message"]["content"] == [{"text": "hi"}]
    assert told["usage"]["outputTokens"] == record["output"]["outputTokenCount"] == 1


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ([], "ValidationException"),
        ([{"error": {"type": "ThrottlingException"}}], "ThrottlingException"),
        ([{"deny": "bedrock:InvokeModel"}], "AccessDeniedException"),
    ],
)
def test_refused_invocation_is_recorded_without_counts(
    start: Start, rules: list[dict[str, Any]], name: str
) -> None:
    start(*({"when": {"operation": "InvokeModel"}, **rule} for rule in rules))
    make_group()
    put(to_group())
    with pytest.raises(ClientError):
        boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body(max_tokens=None))
    (record,) = records()
    assert record["errorCode"] == name
    assert record["output"] == {"outputContentType": "application/json"}
    assert "inputTokenCount" not in record["input"]


def test_error_in_mid_stream_is_recorded(start: Start) -> None:
    start({"stream": {"exception": {"type": "throttlingException", "after": 1}}})
    make_group()
    put(to_group())
    answer = boto("bedrock-runtime").converse_stream(modelId=GLOBAL, messages=MESSAGES)
    with pytest.raises(ClientError):
        list(answer["stream"])
    assert [record["errorCode"] for record in records()] == ["ThrottlingException"]


def test_counting_tokens_and_control_calls_are_not_recorded(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    converse: Any = {"converse": {"messages": MESSAGES}}
    boto("bedrock-runtime").count_tokens(modelId=model, input=converse)
    boto("bedrock").list_foundation_models()
    assert records() == []


def test_geography_may_answer_from_another_region(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    runtime = boto("bedrock-runtime")
    runtime.converse(modelId=GLOBAL.replace("global.", "us."), messages=MESSAGES)
    assert records()[0]["inferenceRegion"].startswith("us-")
    assert records()[0]["inferenceRegion"] != "us-east-1"


def test_bucket_gets_one_gzipped_line_under_the_hour(start: Start) -> None:
    start()
    make_bucket("mine", bucket_policy("mine", "logs/"))
    put({"s3Config": {"bucketName": "mine", "keyPrefix": "logs"}})
    boto("bedrock-runtime").converse(modelId=GLOBAL, messages=MESSAGES)
    found = {key: value for key, value in objects("mine").items() if value}
    ((key, record),) = found.items()
    assert re.fullmatch(rf"logs/{HOUR}/\d{{8}}T\d{{9}}Z_[0-9a-f]{{16}}\.json\.gz", key)
    assert record["operation"] == "Converse"
    assert record["input"]["inputBodyJson"]["messages"] == MESSAGES


LONG = "x" * 103_000


def test_large_bodies_go_to_the_bucket_for_them(start: Start) -> None:
    start()
    make_group()
    make_bucket("large")
    put(to_group(largeDataDeliveryS3Config={"bucketName": "large"}))
    boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body(LONG))
    (record,) = records()
    path = record["input"]["inputBodyS3Path"]
    assert re.fullmatch(rf"s3://large/{HOUR}/data/{record['requestId']}_input\.json\.gz", path)
    assert "inputBodyJson" not in record["input"]
    assert objects("large")[path.removeprefix("s3://large/")] == json.loads(body(LONG))
    assert record["output"]["outputBodyJson"]["type"] == "message"
    assert record["input"]["inputTokenCount"] > 25_000


def test_large_bodies_are_lost_without_a_bucket_for_them(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body(LONG))
    (record,) = records()
    assert not {"inputBodyJson", "inputBodyS3Path"} & set(record["input"])
    assert record["input"]["inputTokenCount"] > 25_000


def test_bucket_of_the_records_takes_their_large_bodies_too(start: Start) -> None:
    start()
    make_bucket("mine")
    put({"s3Config": {"bucketName": "mine"}})
    boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body(LONG))
    found = objects("mine")
    (record,) = [value for value in found.values() if value and "schemaType" in value]
    key = record["input"]["inputBodyS3Path"].removeprefix("s3://mine/")
    assert found[key] == json.loads(body(LONG))


def test_both_destinations_get_the_record(start: Start) -> None:
    start()
    make_group()
    make_bucket("mine")
    put(to_group() | {"s3Config": {"bucketName": "mine"}})
    boto("bedrock-runtime").converse(modelId=GLOBAL, messages=MESSAGES)
    assert [value for value in objects("mine").values() if value] == records()


def test_text_that_is_switched_off_leaves_the_counts(start: Start) -> None:
    start()
    make_group()
    put(to_group() | {"textDataDeliveryEnabled": False})
    boto("bedrock-runtime").converse(modelId=GLOBAL, messages=MESSAGES)
    (record,) = records()
    assert set(record["output"]) == {"outputContentType", "outputTokenCount"}
    assert "inputBodyJson" not in record["input"]


@pytest.mark.parametrize("on", [True, False])
def test_images_are_recorded_unless_they_are_switched_off(start: Start, on: bool) -> None:
    start()
    make_group()
    put(to_group() | {"imageDataDeliveryEnabled": on})
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}]
    messages = [{"role": "user", "content": content}]
    boto("bedrock-runtime").invoke_model(modelId=GLOBAL, body=body(messages=messages))
    (record,) = records()
    (message,) = record["input"]["inputBodyJson"]["messages"]
    assert message["content"] == content[0 if on else 1 :]


def test_regions_deliver_apart_and_a_role_bound_to_another_loses_records(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    make_bucket("theirs", region="eu-west-1")
    put({"s3Config": {"bucketName": "theirs"}}, "eu-west-1")
    boto("bedrock-runtime", "eu-west-1").converse(modelId=GLOBAL, messages=MESSAGES)
    assert records() == []
    assert len(objects("theirs", "eu-west-1")) == 2
    iam = boto("iam")
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust("eu-west-1"))
    boto("bedrock-runtime").converse(modelId=GLOBAL, messages=MESSAGES)
    assert records() == []
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust())
    boto("bedrock-runtime").converse(modelId=GLOBAL, messages=MESSAGES)
    assert len(records()) == 1


def test_nothing_is_recorded_once_logging_or_its_group_is_gone(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    runtime, bedrock = boto("bedrock-runtime"), boto("bedrock")
    bedrock.delete_model_invocation_logging_configuration()
    runtime.converse(modelId=GLOBAL, messages=MESSAGES)
    assert records() == []
    put(to_group())
    boto("logs").delete_log_group(logGroupName=GROUP)
    assert runtime.converse(modelId=GLOBAL, messages=MESSAGES)
    assert boto("logs").describe_log_groups()["logGroups"] == []


def test_assumed_role_stands_in_the_record(start: Start) -> None:
    start()
    make_group()
    put(to_group())
    role = "arn:aws:iam::000000000000:role/team/reader"
    keys = boto("sts").assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"]
    boto(
        "bedrock-runtime",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    ).converse(modelId=GLOBAL, messages=MESSAGES)
    arn = "arn:aws:sts::000000000000:assumed-role/reader/ci"
    assert [record["identity"]["arn"] for record in records()] == [arn]
