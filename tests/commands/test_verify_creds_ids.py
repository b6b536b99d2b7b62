"""`verify-creds --model ID`: an id or ARN has to be one that the region takes, as for `ask`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Result, Run

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:{}:000000000000:inference-profile/{}." + SONNET
MODEL = "arn:aws:bedrock:{}::foundation-model/" + SONNET
Use = Callable[..., Sandbox]


def model_check(result: Result) -> dict[str, Any]:
    """The check `model` of a `--json` report."""
    told = json.loads(result.out)["checks"]
    return next(check for check in told if check["name"] == "model")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        (f"eu.{SONNET}", "us-east-1"),
        ("jp.anthropic.claude-opus-5", "us-east-1"),
        ("us.anthropic.claude-opus-5", "eu-west-1"),
        (PROFILE.format("eu-west-1", "eu"), "us-east-1"),
        (MODEL.format("us-east-1"), "us-east-1"),
        (MODEL.format("eu-west-1"), "us-east-1"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--only", "model"), ("--invoke",)])
def test_an_id_that_the_region_does_not_take_fails_as_ask_does(
    run: Run, use: Use, text: str, region: str, more: tuple[str, ...]
) -> None:
    sandbox = use()
    flags = ("--model", text, "--region", region)
    check = model_check(run("verify-creds", *flags, *more, "--json", code=6))
    assert check["status"] == "fail"
    assert not [each for each in sandbox.requests if each["operation"].startswith("InvokeModel")]
    asked = run("ask", *flags, "hi", code=6).err
    assert f"error: {check['detail']}\n" in asked
    assert f"hint: {check['hint']}\n" in asked


def test_an_arn_of_another_region_is_refused_also_where_its_endpoint_is_offered(
    run: Run, use: Use
) -> None:
    use()
    flags = ("verify-creds", "--json", "--model", PROFILE.format("us-west-2", "us"))
    check = model_check(run(*flags, "--region", "us-east-1", code=6))
    assert "is not offered in us-east-1" in check["detail"]
    assert "`--region us-west-2`" in check["hint"]
    assert model_check(run(*flags, "--region", "us-west-2"))["status"] == "ok"


@pytest.mark.parametrize("text", [f"us.{SONNET}", PROFILE.format("us-east-1", "us")])
def test_an_id_that_the_region_takes_is_open(run: Run, use: Use, text: str) -> None:
    use()
    result = run("verify-creds", "--model", text, "--require", "model", "--json")
    assert model_check(result)["detail"] == f"{text} is open to the account"


@pytest.mark.parametrize("action", ["ListInferenceProfiles", "ListFoundationModels"])
def test_where_iam_hides_the_ids_it_says_so_and_makes_up_no_answer(
    run: Run, use: Use, action: str
) -> None:
    use({"deny": f"bedrock:{action}"})
    check = model_check(run("verify-creds", "--model", f"eu.{SONNET}", "--json"))
    assert check["status"] == "ok"
    assert check["detail"].endswith(f"as far as it shows (IAM does not allow bedrock:{action})")


def test_an_alias_costs_no_look_up_of_ids(run: Run, use: Use) -> None:
    sandbox = use()
    run("verify-creds", "--model", "sonnet-4.5")
    assert "ListInferenceProfiles" not in {each["operation"] for each in sandbox.requests}
