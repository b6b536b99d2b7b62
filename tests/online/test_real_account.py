"""What the sandbox can only claim, checked against a real account; see README.md for the cost."""

from __future__ import annotations

import json
import os

import pytest

from tests.conftest import Run

pytestmark = pytest.mark.online
MODEL = os.environ.get("ONLINE_MODEL", "haiku-4.5")
SMALL = ("ask", "-n", "-q", "-m", MODEL, "--max-tokens", "16", "--json")


def test_the_credentials_reach_bedrock(run: Run) -> None:
    report = json.loads(run("verify-creds", "--model", MODEL, "--require", "aws", "--json").out)
    assert report["account"] != "000000000000"
    assert {check["name"]: check["status"] for check in report["checks"]}["reach"] == "ok"


def test_the_lists_join_into_callable_ids(run: Run) -> None:
    models = json.loads(run("list-models", "--json").out)
    haiku = next(model for model in models if model["alias"] == "haiku-4.5")
    assert "global" in {offer["endpoint"] for offer in haiku["ids"]}
    assert haiku["lifecycle"]["status"] in ("ACTIVE", "LEGACY")


def test_an_answer_streams_with_its_counts(run: Run) -> None:
    answer = json.loads(run(*SMALL, "Say only: pong").out)
    assert "pong" in answer["text"].lower()
    assert answer["complete"] and answer["stop_reason"] == "end_turn"
    assert answer["usage"]["input_tokens"] > 0 and answer["usage"]["output_tokens"] > 0
    assert answer["request_id"] and answer["attempts"] == 1


def test_an_answer_cut_at_max_tokens_is_exit_10(run: Run) -> None:
    answer = json.loads(run(*SMALL, "Count from one to a thousand in words", code=10).out)
    assert answer["stop_reason"] == "max_tokens"


def test_a_bare_id_is_moved_to_the_geography_not_to_global(run: Run) -> None:
    bare = "anthropic.claude-haiku-4-5-20251001-v1:0"
    answer = json.loads(run(*SMALL[:4], bare, *SMALL[5:], "Say only: pong").out)
    assert answer["endpoint"] not in ("global", "in-region")


def test_stop_sequences_end_the_answer(run: Run) -> None:
    answer = json.loads(run(*SMALL, "--stop", "2", "Say only: 1 2 3").out)
    assert answer["stop_reason"] == "stop_sequence"


REFUSALS = [
    ("global.anthropic.claude-no-such-model-v1:0", "model identifier is invalid"),
    ("anthropic.claude-3-haiku-20240307-v1:0", "end of its life"),
]


@pytest.mark.parametrize("model, words", REFUSALS)
def test_refusals_have_the_words_that_the_error_table_knows(
    run: Run, model: str, words: str
) -> None:
    told = run("ask", "-n", "-m", model, "--max-tokens", "16", "hi", code=6).err
    assert words in told


def test_a_bare_id_is_refused_in_the_words_that_the_look_up_waits_for() -> None:
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("bedrock-runtime")
    message = {"role": "user", "content": [{"text": "hi"}]}
    with pytest.raises(ClientError) as raised:
        client.converse(
            modelId="anthropic.claude-haiku-4-5-20251001-v1:0",
            messages=[message],
            inferenceConfig={"maxTokens": 1},
        )
    assert "on-demand throughput isn" in raised.value.response["Error"]["Message"]
