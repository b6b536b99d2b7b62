"""`access check`: what stands between the account and each model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.access_world import NO_FORM, SONNET, agreement, operations, refuse
from tests.conftest import Run

Use = Callable[..., Sandbox]
CHECK = ("access", "check")
AVAILABILITY = "GetFoundationModelAvailability"


def report(run: Run, *argv: str, code: int = 0) -> dict[str, Any]:
    told = json.loads(run(*CHECK, *argv, "--json", code=code).out)
    return {**told, "by_name": {row["alias"] or row["base_id"]: row for row in told["models"]}}


def one(run: Run, *argv: str, code: int = 0) -> dict[str, Any]:
    (row,) = report(run, *argv, code=code)["models"]
    return dict(row)


def test_an_open_model_is_exit_0(run: Run, use: Use) -> None:
    use()
    row = one(run, "sonnet-4.5")
    assert (row["access"], row["agreement"], row["missing"]) == ("open", "available", [])
    assert row["authorized"] and row["entitled"] and row["in_region"] and row["form_submitted"]
    assert row["lifecycle"]["status"] == "ACTIVE"
    assert row["command"] is None


@pytest.mark.parametrize(
    "text",
    [
        "Sonnet 4.5",
        SONNET,
        f"us.{SONNET}",
        f"global.{SONNET}",
        f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{SONNET}",
    ],
)
def test_a_model_is_named_in_any_way(run: Run, use: Use, text: str) -> None:
    use()
    assert one(run, text)["base_id"] == SONNET


def test_a_published_id_that_bedrock_never_had_is_put_right(run: Run, use: Use) -> None:
    use()
    assert one(run, "anthropic.claude-opus-4-6-v1:0")["base_id"] == "anthropic.claude-opus-4-6-v1"


def test_a_model_named_twice_is_asked_about_once(run: Run, use: Use) -> None:
    sandbox = use()
    assert len(report(run, "sonnet-4.5", SONNET)["models"]) == 1
    assert len(operations(sandbox, AVAILABILITY)) == 1


@pytest.mark.parametrize(
    "text, words",
    [
        (f"eu.{SONNET}", f"is offered there as global.{SONNET}, us.{SONNET}"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}", f"there as global.{SONNET}"),
        (f"arn:aws:bedrock:eu-west-1:000000000000:inference-profile/eu.{SONNET}", "there as"),
        (f"arn:aws:bedrock:us-west-2:000000000000:inference-profile/us.{SONNET}", "us-west-2"),
        (f"arn:aws:bedrock:::foundation-model/{SONNET}", "names no region"),
    ],
)
def test_an_id_that_cannot_be_called_from_the_region_is_exit_5(
    run: Run, use: Use, text: str, words: str
) -> None:
    use()
    row = one(run, "sonnet-4.5", text, code=5)
    assert (row["access"], row["agreement"], row["in_region"]) == ("closed", "available", True)
    [missing] = row["missing"]
    assert words in missing
    assert text in missing
    assert row["command"] == "bedrock-claude list-models sonnet-4.5"
    run("ask", "--model", text, "hi", code=6)


def test_an_id_of_another_region_can_be_called_from_there(run: Run, use: Use) -> None:
    use()
    assert one(run, f"eu.{SONNET}", "--region", "eu-west-1")["access"] == "open"


def test_where_iam_hides_the_ids_no_answer_is_made_up(run: Run, use: Use) -> None:
    use({"deny": "bedrock:ListInferenceProfiles"})
    result = run(*CHECK, f"eu.{SONNET}")
    assert "IAM does not show which ids the region takes" in result.err
    assert "bedrock:ListInferenceProfiles" in result.err
    run(*CHECK, f"arn:aws:bedrock:us-west-2:000000000000:inference-profile/us.{SONNET}", code=5)


def test_ids_are_looked_up_once_and_only_where_one_was_named(run: Run, use: Use) -> None:
    sandbox = use()
    run(*CHECK, "sonnet-4.5", "haiku-4.5")
    assert not operations(sandbox, "ListInferenceProfiles")
    run(*CHECK, "us.anthropic.claude-opus-5", f"us.{SONNET}")
    pages = len(operations(sandbox, "ListInferenceProfiles"))
    run(*CHECK, f"us.{SONNET}")
    assert len(operations(sandbox, "ListInferenceProfiles")) == 2 * pages > 0


def test_an_unknown_model_is_a_usage_error_with_a_guess(run: Run, use: Use) -> None:
    sandbox = use()
    assert "did you mean `sonnet-4.5`?" in run(*CHECK, "sonet-4.5", code=2).err
    assert not operations(sandbox, AVAILABILITY)


def test_an_arn_of_which_bedrock_tells_nothing_is_a_usage_error(run: Run, use: Use) -> None:
    use()
    arn = "arn:aws:bedrock:us-east-1:000000000000:provisioned-model/abc"
    assert "does not tell" in run(*CHECK, arn, code=2).err


@pytest.mark.parametrize(
    "rule, words, mends",
    [
        (agreement("none"), "no Marketplace agreement", True),
        (agreement("error"), "agreement failed: The AWS Marketplace", True),
        (NO_FORM, "use-case form was not submitted", True),
        (agreement("available", authorized=False), "not authorized", False),
        (agreement("available", entitled=False), "not entitled", False),
    ],
)
def test_what_is_missing_is_said_with_the_command_that_mends_it(
    run: Run, use: Use, rule: dict[str, Any], words: str, mends: bool
) -> None:
    use(rule)
    row = one(run, "sonnet-4.5", code=5)
    assert row["access"] == "closed"
    assert words in " ".join(row["missing"])
    assert row["command"] == ("bedrock-claude access request sonnet-4.5" if mends else None)


def test_a_named_model_that_is_pending_is_exit_8(run: Run, use: Use) -> None:
    use(agreement("pending", polls=99))
    row = one(run, "sonnet-4.5", code=8)
    assert (row["access"], row["missing"]) == ("pending", [])
    result = run(*CHECK, "haiku-4.5", "sonnet-4.5", code=8)
    assert "calls may work already" in result.out
    assert "error: sonnet-4.5: AWS is making its agreement" in result.err
    assert report(run)["by_name"]["sonnet-4.5"]["access"] == "pending"


def test_closed_counts_before_pending(run: Run, use: Use) -> None:
    use(agreement("pending", polls=99), {"account": {"retention": "default"}})
    result = run(*CHECK, "sonnet-4.5", "fable-5.1", code=5)
    assert "error: fable-5.1: " in result.err


@pytest.mark.parametrize(
    "mode, state", [("default", None), ("none", None), ("inherit", None), ("aws_review", True)]
)
def test_a_model_unknown_to_the_catalogue_is_not_said_to_suit_the_mode(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, mode: str, state: bool | None
) -> None:
    use({"account": {"retention": mode}})
    monkeypatch.setattr(catalog.Catalog, "get", lambda self, base_id: None)
    row = one(run, SONNET, code=0 if state else 9)
    assert (row["access"], row["data_retention_ok"]) == ("open" if state else "unknown", state)
    if not state:
        result = run(*CHECK, SONNET, code=9)
        assert f"whether data-retention mode {mode} suits it is not known" in result.out


def test_a_data_retention_mode_that_blocks_is_said_with_those_that_do_not(
    run: Run, use: Use
) -> None:
    use({"account": {"retention": "none"}})
    told = report(run, "fable-5.1", "sonnet-4.5", code=5)
    fable, sonnet = told["by_name"]["fable-5.1"], told["by_name"]["sonnet-4.5"]
    assert (fable["access"], fable["data_retention_ok"]) == ("closed", False)
    assert fable["missing"] == [
        "it is refused under data-retention mode none: it takes aws_review or provider_data_share"
    ]
    assert (sonnet["access"], sonnet["data_retention_ok"]) == ("open", True)


def test_under_the_strictest_mode_no_more_is_claimed_than_is_known(run: Run, use: Use) -> None:
    rule = {"when": {"model": "*"}, "access": {"retention": ["provider_data_share"]}}
    doubt = "should AWS refuse it under mode none, it asks for another one"
    use({"account": {"retention": "none"}}, rule)
    for terminal in (True, False):
        told = " ".join(run(*CHECK, "sonnet-4.5", terminal=terminal).out.split())
        assert doubt in told
    run("ask", "--model", "sonnet-4.5", "hi", code=5)


@pytest.mark.parametrize("mode", ["default", "inherit", "aws_review", "provider_data_share"])
def test_under_every_other_mode_nothing_is_said_of_it(run: Run, use: Use, mode: str) -> None:
    use({"account": {"retention": mode}})
    assert "should AWS refuse" not in run(*CHECK, "sonnet-4.5").out


@pytest.mark.parametrize("mode", ["aws_review", "provider_data_share"])
def test_a_data_retention_mode_that_the_model_takes_opens_it(run: Run, use: Use, mode: str) -> None:
    use({"account": {"retention": mode}})
    assert one(run, "fable-5.1")["access"] == "open"


def test_where_nothing_is_set_the_mode_is_the_default(run: Run, use: Use) -> None:
    use({"account": {"retention": "inherit"}})
    assert one(run, "fable-5.1", code=5)["data_retention_ok"] is False


def test_what_the_region_does_not_offer_or_no_more_is_closed(run: Run, use: Use) -> None:
    use()
    flags = ("--region", "eu-west-1")
    row = one(run, "opus-4.1", *flags, code=5)
    assert "not offered in eu-west-1" in " ".join(row["missing"])
    assert row["command"] == "bedrock-claude list-models --all-regions"
    row = one(run, "sonnet-4", *flags, code=5)
    assert row["missing"] == ["it reached its end of life on 2026-10-14"]
    assert "--active" in row["command"]


def test_a_command_that_is_printed_keeps_the_region_that_was_given(run: Run, use: Use) -> None:
    use(agreement("none"))
    row = one(run, "sonnet-4.5", "--region", "eu-west-1", code=5)
    assert row["command"] == "bedrock-claude access request sonnet-4.5 --region eu-west-1"


# Without a name


def test_by_default_it_is_what_the_region_offers_and_exit_0(run: Run, use: Use) -> None:
    use(agreement("none"))
    told = report(run)
    assert told["by_name"]["sonnet-4.5"]["access"] == "closed"
    assert "sonnet-4" not in told["by_name"]
    assert len(told["models"]) > 5


def test_all_adds_the_whole_catalogue(run: Run, use: Use) -> None:
    use()
    told = report(run, "--all", "--region", "eu-west-1")
    assert {model.id for model in catalog.load().models} <= {
        row["base_id"] for row in told["models"]
    }
    assert told["by_name"]["sonnet-3.5"]["access"] == "closed"


def test_all_takes_no_model(run: Run, use: Use) -> None:
    use()
    assert "--all" in run(*CHECK, "--all", "sonnet", code=2).err


def test_form_and_retention_are_asked_once_for_all(run: Run, use: Use) -> None:
    sandbox = use()
    rows = report(run)["models"]
    assert len(operations(sandbox, AVAILABILITY)) == len(rows)
    assert len(operations(sandbox, "GetUseCaseForModelAccess")) == 1
    assert len(operations(sandbox, "GetAccountDataRetention")) == 1


@pytest.mark.parametrize("argv", [CHECK, ("access", "request", "sonnet-4.5")])
def test_two_regions_are_a_usage_error(run: Run, use: Use, argv: tuple[str, ...]) -> None:
    sandbox = use()
    result = run(*argv, "--region", "us-east-1", "--region", "eu-west-1", code=2)
    assert "one region here, not us-east-1 and eu-west-1" in result.err
    assert not sandbox.requests


# What IAM does not show, and what goes wrong


@pytest.mark.parametrize(
    "operation, keys",
    [
        ("GetUseCaseForModelAccess", ("form_submitted",)),
        ("GetAccountDataRetention", ("data_retention",)),
        ("GetFoundationModelAvailability", ("agreement", "authorized", "entitled", "in_region")),
    ],
)
def test_a_refused_kind_of_call_is_a_question_mark_and_its_action_named(
    run: Run, use: Use, operation: str, keys: tuple[str, ...]
) -> None:
    use({"deny": f"bedrock:{operation}"})
    told = report(run)
    assert [each["action"] for each in told["unseen"]] == [f"bedrock:{operation}"]
    assert all(row[key] is None for row in told["models"] for key in keys)
    shown = run(*CHECK)
    assert all("?" in line.split("\t") or "?" in line for line in shown.out.splitlines())
    assert f'"Action": "bedrock:{operation}"' in shown.err
    assert shown.err.count("warning: ") == 1


def test_without_the_lists_the_catalogue_says_what_there_is(run: Run, use: Use) -> None:
    use({"deny": "bedrock:ListFoundationModels"})
    told = report(run)
    assert told["unseen"][0]["action"] == "bedrock:ListFoundationModels"
    assert told["by_name"]["sonnet-4.5"]["access"] == "open"
    assert one(run, "sonnet-4.5")["lifecycle"]["status"] == "ACTIVE"


def test_a_named_model_of_which_iam_shows_nothing_is_exit_5(run: Run, use: Use) -> None:
    use({"deny": f"bedrock:{AVAILABILITY}"})
    assert one(run, "sonnet-4.5", code=5)["access"] == "unknown"
    assert "bedrock:GetFoundationModelAvailability" in run(*CHECK, "sonnet-4.5", code=5).err


def test_a_model_whose_retention_is_not_known_is_not_said_to_be_open(run: Run, use: Use) -> None:
    use({"deny": "bedrock:GetAccountDataRetention"})
    told = report(run, "fable-5.1", "sonnet-4.5", code=5)
    states = {name: row["access"] for name, row in told["by_name"].items()}
    assert states == {"fable-5.1": "unknown", "sonnet-4.5": "open"}


def test_a_failure_of_one_model_does_not_lose_the_others(run: Run, use: Use) -> None:
    failing = refuse(AVAILABILITY, "Too many", "ThrottlingException")
    failing["when"]["model"] = "*opus-5"
    use(failing)
    told = report(run, code=9)
    assert told["by_name"]["opus-5"]["access"] == "unknown"
    assert told["by_name"]["opus-5"]["error"]["code"] == "ThrottlingException"
    assert told["unseen"] == []
    assert told["by_name"]["sonnet-4.5"]["access"] == "open"
    assert "Too many" in run(*CHECK, "opus-5", "sonnet-4.5", code=9).out


def test_a_failure_is_said_beside_what_else_is_missing(run: Run, use: Use) -> None:
    failing = refuse(AVAILABILITY, "Too many", "ThrottlingException")
    failing["when"]["model"] = "*opus-5"
    use(failing, NO_FORM)
    lines = run(*CHECK, code=9).out.splitlines()
    [line] = [each for each in lines if each.startswith("opus-5\t")]
    assert "use-case form" in line and "Too many" in line


def test_the_lifecycle_of_the_list_counts_without_a_name_too(run: Run, use: Use) -> None:
    use()
    row = report(run, "--region", "us-east-1")["by_name"]["mythos-preview"]
    assert row["lifecycle"]["status"] == "ACTIVE"


def test_a_failure_of_all_is_the_error_itself(run: Run, use: Use) -> None:
    use(refuse(AVAILABILITY, "Too many", "ThrottlingException"))
    result = run(*CHECK, "opus-5", "sonnet-4.5", code=7)
    assert (result.out, "Too many" in result.err) == ("", True)


def test_an_id_that_aws_does_not_know_is_exit_6(run: Run, use: Use) -> None:
    use()
    assert "identifier is invalid" in run(*CHECK, "anthropic.claude-nothing-9", code=6).err


def test_the_words_of_a_missing_form_are_understood_where_models_are_asked(
    run: Run, use: Use
) -> None:
    text = "Model use case details have not been submitted for this account."
    use(refuse(AVAILABILITY, text, "ResourceNotFoundException"))
    row = one(run, "sonnet-4.5", code=5)
    assert row["command"] == "bedrock-claude access request sonnet-4.5"
    assert text in " ".join(row["missing"])


def test_an_account_wide_call_that_fails_is_warned_of(run: Run, use: Use) -> None:
    use(refuse("GetAccountDataRetention", "Not here", "ValidationException"))
    result = run(*CHECK, "sonnet-4.5")
    assert "the account's data-retention mode" in result.err and "Not here" in result.err


def test_no_credentials_is_exit_4(run: Run) -> None:
    result = run(*CHECK, "sonnet-4.5", code=4)
    assert result.out == ""


def test_expired_credentials_are_exit_4(run: Run, use: Use) -> None:
    text = "The security token included in the request is expired"
    use(refuse("*", text, "ExpiredTokenException"))
    assert run(*CHECK, code=4).out == ""


def test_bedrock_out_of_reach_is_exit_7(run: Run, use: Use) -> None:
    use()
    env = {"AWS_ENDPOINT_URL_BEDROCK": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    assert run(*CHECK, "sonnet-4.5", code=7, env=env).out == ""
    assert run(*CHECK, code=7, env=env).out == ""


def test_what_answers_without_the_fields_is_not_aws(
    run: Run, use: Use, web_page: Callable[[int, str], str]
) -> None:
    use()
    for page in ("{}", '{"agreementAvailability": {}}', "<html>Sign in</html>"):
        env = {"AWS_ENDPOINT_URL_BEDROCK": web_page(200, page), "AWS_MAX_ATTEMPTS": "1"}
        assert "not AWS's" in run(*CHECK, "sonnet-4.5", code=7, env=env).err


# How it looks


@pytest.mark.parametrize("width", ["80", "200"])
def test_on_a_terminal_it_fits_and_nothing_is_cut(run: Run, use: Use, width: str) -> None:
    use(NO_FORM, {"account": {"retention": "default"}})
    env = {"COLUMNS": width, "NO_COLOR": "1"}
    shown = run(*CHECK, "sonnet-4.5", "fable-5.1", terminal=True, env=env, code=5).out
    assert all(len(line) <= int(width) for line in shown.splitlines())
    assert "MODEL" in shown and "closed" in shown and "…" not in shown
    assert ("AUTHORIZED" in shown) is (width == "200")
    assert "`bedrock-claude access request fable-5.1`" in shown
    assert "data-retention mode default" in " ".join(shown.split())


def test_models_that_miss_the_same_share_a_paragraph(run: Run, use: Use) -> None:
    use(NO_FORM)
    shown = run(*CHECK, "sonnet-4.5", "opus-5", terminal=True, code=5).out
    assert "sonnet-4.5, opus-5: Anthropic's use-case form" in " ".join(shown.split())
    assert "`bedrock-claude access request MODEL` for each" in shown


def test_in_a_pipe_a_row_holds_everything(run: Run, use: Use) -> None:
    use(agreement("none"))
    result = run(*CHECK, "sonnet-4.5", code=5)
    assert result.out.splitlines() == [
        "sonnet-4.5\tclosed\tnone\tsubmitted\tprovider_data_share\tyes\tyes\tyes\t"
        "active, ends 2027-04-08\t"
        f"{SONNET}\tthe account has no Marketplace agreement for it\t"
        "bedrock-claude access request sonnet-4.5"
    ]
    assert "error: sonnet-4.5: the account has no Marketplace agreement for it" in result.err
    assert "hint: `bedrock-claude access request sonnet-4.5`" in result.err


def test_the_embedded_sandbox_tries_it(run: Run) -> None:
    assert "open" in run("--sandbox", *CHECK, "sonnet-4.5").out
