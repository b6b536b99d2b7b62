"""`access request`: what opens a model, planned, asked for, made and waited for."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import EndpointConnectionError

from bedrock_claude_cli import opening
from bedrock_claude_cli.bedrock import access_request, access_steps, catalog
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands import access_world as world
from tests.commands.access_world import NO_FORM, SONNET, agreement, changes, form_file, refuse
from tests.conftest import Run

Use = Callable[..., Sandbox]
REQUEST = ("access", "request", "sonnet-4.5")
FABLE = ("access", "request", "fable-5.1")
PUT_FORM, PUT_MODE = "PutUseCaseForModelAccess", "PutAccountDataRetention"
CREATE = "CreateFoundationModelAgreement"
RETENTION = {"account": {"retention": "default"}}
UNFILLED = "You have not filled out the request form. Fill out the form before getting access."


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_steps, "PAUSES", (0.01,))


def document(run: Run, *argv: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run(*argv, "--json", code=code).out)
    return told


def test_the_way_from_a_refused_ask_to_an_answer(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use(NO_FORM, agreement("none", polls=3))
    refused = run("ask", "-n", "--model", "sonnet-4.5", "hi", code=5).err
    assert "`bedrock-claude access request sonnet-4.5`" in refused
    result = run(*REQUEST, "--form", form_file(tmp_path), "--yes")
    assert result.out.endswith("Claude Sonnet 4.5 is open to the account\n")
    assert "waiting" in result.err or "AWS is making the agreement" in result.err
    assert changes(sandbox) == [PUT_FORM, CREATE]
    assert world.sent_form(sandbox) == {
        **world.FORM,
        "intendedUsers": "2",
        "otherIndustryOption": "",
    }
    assert run("ask", "-n", "--model", "sonnet-4.5", "hi").out


@pytest.mark.parametrize("status", ["none", "pending", "error"])
def test_the_way_from_verify_creds(run: Run, use: Use, status: str) -> None:
    use(agreement(status, polls=2))
    told = json.loads(run("verify-creds", "--json", code=0 if status == "pending" else 5).out)
    (hint,) = [each["hint"] for each in told["checks"] if each["name"] == "model"]
    command = shlex.split(hint.split("`")[1])[1:]
    assert command[:2] == ["access", "request"]
    run(*command, "--yes", code=5 if status == "error" else 0)


def test_an_open_model_is_said_to_be_and_nothing_is_done(run: Run, use: Use) -> None:
    sandbox = use()
    result = run(*REQUEST)
    assert result.out == "Claude Sonnet 4.5 is open to the account: nothing to request\n"
    assert not changes(sandbox)


def test_running_it_again_changes_nothing(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use(NO_FORM, agreement("none"))
    run(*REQUEST, "--form", form_file(tmp_path), "--yes")
    before = changes(sandbox)
    assert "nothing to request" in run(*REQUEST, "--form", form_file(tmp_path), "--yes").out
    assert changes(sandbox) == before


# The plan


def test_the_plan_shows_prices_terms_and_the_form(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use(NO_FORM, agreement("none"))
    result = run(*REQUEST, "--form", form_file(tmp_path), "--dry-run")
    assert not changes(sandbox)
    assert "us-east-1 in account 000000000000:" in result.out
    assert "create    use-case form" in result.out
    assert "create    Marketplace agreement for Claude Sonnet 4.5: accepts" in result.out
    assert "  15  Million Response Tokens Global\n" in result.out
    assert "legal terms: https://legal.invalid/" in result.out
    assert "AWS names no currency" in result.out
    assert "no operation takes it back" in result.out
    assert "refunds: No refunds" in result.out
    assert "  companyName: Example Corp\n" in result.out
    assert '  intendedUsers: "2" (both)\n' in result.out
    assert "management account" in result.err


def test_the_token_that_accepts_an_offer_is_never_shown(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use(agreement("none"))
    plan = run(*REQUEST, "--dry-run")
    told = run(*REQUEST, "--yes", "--json", "--debug")
    (request,) = world.operations(sandbox, CREATE)
    token = request["body"]["offerToken"]
    assert all(token not in text for each in (plan, told) for text in (each.out, each.err))


def test_a_dry_run_without_a_form_prints_what_one_looks_like(
    run: Run, use: Use, tmp_path: Path
) -> None:
    use(NO_FORM)
    shown = run(*REQUEST, "--dry-run").out
    lines = shown.split("of these keys:\n")[1].splitlines()
    (tmp_path / "made.yaml").write_text("\n".join(line.removeprefix("  ") for line in lines))
    run(*REQUEST, "--form", str(tmp_path / "made.yaml"), "--yes")


def test_a_dry_run_of_an_open_model_shows_what_is_there(run: Run, use: Use) -> None:
    use()
    shown = run(*REQUEST, "--dry-run").out
    assert "in place  use-case form" in shown and "in place  Marketplace agreement" in shown
    assert "legal terms: " in shown


def test_a_plan_is_json_too(run: Run, use: Use, tmp_path: Path) -> None:
    use(NO_FORM, agreement("none"))
    told = document(run, *REQUEST, "--form", form_file(tmp_path), "--dry-run")
    assert (told["access"], told["dry_run"], told["changed"]) == ("closed", True, False)
    assert [step["kind"] for step in told["steps"]] == ["create", "create"]
    assert told["offers"][0]["rate_card"][0]["price"] == "3"
    assert told["form"]["intendedUsers"] == "2"
    assert told["left"] == [step["what"] for step in told["steps"]]


def test_what_was_made_is_json_too(run: Run, use: Use) -> None:
    use(agreement("none"))
    told = document(run, *REQUEST, "--yes")
    assert (told["access"], told["changed"], told["left"]) == ("open", True, [])
    assert told["error"] is None and told["form"] is None
    assert len(told["done"]) == 1


# Being asked


def test_a_yes_goes_ahead(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = use(agreement("none"))
    world.typed(monkeypatch, "y")
    result = run(*REQUEST, terminal=True)
    question = "Accept the offer and its legal terms, for account 000000000000 in us-east-1?"
    assert f"{question} [y/N] " in result.err
    assert changes(sandbox) == [CREATE]


@pytest.mark.parametrize("answer", [["n"], [""], []])
def test_anything_else_is_exit_1_and_changes_nothing(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    sandbox = use(agreement("none"))
    world.typed(monkeypatch, *answer)
    assert "nothing was changed" in run(*REQUEST, terminal=True, code=1).err
    assert not changes(sandbox)


def test_nobody_is_asked_to_agree_to_what_json_hides(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(agreement("none"))
    world.typed(monkeypatch, "y")
    assert "not shown on a terminal" in run(*REQUEST, "--json", terminal=True, code=2).err
    assert not changes(sandbox)


def test_without_a_terminal_yes_is_needed(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use(NO_FORM, agreement("none"))
    result = run(*REQUEST, "--form", form_file(tmp_path), code=2)
    assert "--yes goes ahead" in result.err and "nothing was changed" in result.err
    assert "Marketplace agreement" in result.out
    assert not changes(sandbox)


def test_without_a_terminal_a_form_is_needed_even_with_yes(run: Run, use: Use) -> None:
    sandbox = use(NO_FORM, agreement("none"))
    err = run(*REQUEST, "--yes", code=2).err
    assert "--form FILE.yaml" in err and "companyName" in err and "--yes" in err
    assert not changes(sandbox)


def test_a_form_that_was_submitted_before_is_not_sent_again(
    run: Run, use: Use, tmp_path: Path
) -> None:
    sandbox = use(agreement("none"))
    result = run(*REQUEST, "--form", form_file(tmp_path), "--yes")
    assert changes(sandbox) == [CREATE]
    assert "submitted before, so the one of --form is not sent" in result.err
    assert "companyName: Sandbox" in result.out
    assert "Example Corp" not in result.out
    told = document(run, *REQUEST, "--form", form_file(tmp_path), "--dry-run")
    assert told["form"] is None


# Data retention


def test_a_mode_that_blocks_is_exit_5_with_the_choice(run: Run, use: Use) -> None:
    sandbox = use(RETENTION)
    err = run(*FABLE, "--yes", code=5).err
    assert "refused under default; nothing was changed" in err
    for mode, means in (("aws_review", "provider gets none"), ("provider_data_share", "shared")):
        assert f"`bedrock-claude access request fable-5.1 --data-retention {mode}`" in err
        assert means in err
    assert not changes(sandbox)


def test_a_mode_is_changed_only_where_it_is_named(run: Run, use: Use) -> None:
    sandbox = use(RETENTION)
    run("ask", "-n", "--model", "fable-5.1", "hi", code=5)
    result = run(*FABLE, "--yes", "--data-retention", "aws_review")
    assert "data retention of the account in us-east-1: default -> aws_review (AWS may" in (
        result.out
    )
    assert changes(sandbox) == [PUT_MODE]
    assert run("ask", "-n", "--model", "fable-5.1", "hi").out
    assert "nothing to request" in run(*FABLE, "--data-retention", "aws_review").out


def test_the_question_names_the_change(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use(RETENTION)
    world.typed(monkeypatch, "y")
    err = run(*FABLE, "--data-retention", "aws_review", terminal=True).err
    assert "Change the data retention, for account 000000000000 in us-east-1?" in err


@pytest.mark.parametrize(
    "argv, words",
    [
        ((*FABLE, "--data-retention", "none"), "it takes aws_review or provider_data_share"),
        ((*FABLE, "--data-retention", "aws-review"), "did you mean `aws_review`?"),
        ((*FABLE, "--data-retention", "x"), "one of default, none, aws_review"),
    ],
)
def test_a_mode_that_cannot_be_is_a_usage_error(
    run: Run, use: Use, argv: tuple[str, ...], words: str
) -> None:
    sandbox = use(RETENTION)
    assert words in run(*argv, "--yes", code=2).err
    assert not changes(sandbox)


def test_a_mode_needs_a_region_that_somebody_named(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(RETENTION)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert "no region" in run(*FABLE, "--data-retention", "aws_review", "--yes", code=3).err
    assert not changes(sandbox)


def test_a_model_that_the_catalogue_says_nothing_of_takes_any_mode(run: Run, use: Use) -> None:
    rule = {"when": {"model": "*opus-5"}, "access": {"retention": ["provider_data_share"]}}
    use(RETENTION, rule)
    assert "access request opus-5" in run("ask", "-n", "--model", "opus-5", "hi", code=5).err
    run("access", "request", "opus-5", "--data-retention", "provider_data_share", "--yes")
    assert run("ask", "-n", "--model", "opus-5", "hi").out


def test_a_mode_that_may_not_suit_a_new_model_is_in_the_plan(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(RETENTION)
    monkeypatch.setattr(catalog.Catalog, "get", lambda self, base_id: None)
    result = run("access", "request", SONNET)
    assert "us-east-1: default; whether that suits" in result.out


def test_form_retention_and_agreement_come_in_this_order(
    run: Run, use: Use, tmp_path: Path
) -> None:
    rule = {"when": {"model": "*fable-5-1"}, "access": {"agreement": "none"}}
    sandbox = use({"account": {"form": False, "retention": "default"}}, rule)
    form = ("--form", form_file(tmp_path))
    run(*FABLE, *form, "--yes", "--data-retention", "provider_data_share")
    assert changes(sandbox) == [PUT_FORM, PUT_MODE, CREATE]


# The wait


def test_a_wait_that_ends_too_early_is_exit_8_and_goes_on(run: Run, use: Use) -> None:
    sandbox = use(agreement("none", polls=3))
    told = document(run, *REQUEST, "--yes", "--wait", "0", code=8)
    assert (told["access"], told["left"]) == ("pending", [])
    assert told["error"]["exit_code"] == 8
    assert "`bedrock-claude access request sonnet-4.5`" in told["error"]["hint"]
    result = run(*REQUEST)
    assert "is open to the account" in result.out
    assert changes(sandbox) == [CREATE]


def test_an_agreement_under_way_is_waited_for_without_a_question(run: Run, use: Use) -> None:
    sandbox = use(agreement("pending", polls=2))
    result = run(*REQUEST)
    assert "AWS is making it" in result.out
    assert "is open to the account" in result.out
    assert not changes(sandbox)


def test_a_wait_of_no_duration_is_a_usage_error(run: Run, use: Use) -> None:
    use()
    assert "--wait: `soon` is no duration" in run(*REQUEST, "--wait", "soon", code=2).err


def test_a_lost_look_does_not_end_the_wait(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(agreement("none", polls=1))
    real, made = botocore.client.BaseClient._make_api_call, list[str]()

    def call(self: Any, operation: str, arguments: Any) -> Any:
        made.append(operation)
        if made[-2:] == [CREATE, "GetFoundationModelAvailability"]:
            raise EndpointConnectionError(endpoint_url="https://lost.invalid")
        return real(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    result = run(*REQUEST, "--yes")
    assert "looking again later" in result.err
    assert "is open to the account" in result.out


def test_an_agreement_that_fails_is_exit_5_with_the_words_of_aws(run: Run, use: Use) -> None:
    sandbox = use(agreement("error"))
    told = document(run, *REQUEST, "--yes", "--wait", "9s", code=5)
    assert "The AWS Marketplace subscription could not be completed" in told["error"]["message"]
    assert "aws-marketplace:Subscribe" in told["error"]["hint"]
    assert (told["error"]["exit_code"], told["access"]) == (5, "closed")
    assert changes(sandbox) == [CREATE]  # the failed one is made anew


# What stands in the way


@pytest.mark.parametrize(
    "rule, argv, code, words",
    [
        (agreement("available", authorized=False), REQUEST, 5, "not authorized"),
        (agreement("available", entitled=False), REQUEST, 5, "not entitled"),
        ({}, ("access", "request", "opus-4.1", "--region", "eu-west-1"), 6, "not offered"),
        ({}, ("access", "request", "sonnet-4"), 6, "end of life"),
    ],
)
def test_what_no_request_opens_is_said_before_anything_is_changed(
    run: Run, use: Use, rule: dict[str, Any], argv: tuple[str, ...], code: int, words: str
) -> None:
    sandbox = use(*([rule] if rule else []))
    err = run(*argv, "--yes", code=code).err
    assert words in err and "nothing was changed" in err and "hint: " in err
    assert not changes(sandbox)


def test_an_account_that_stays_unauthorized_is_exit_5_without_a_wait(run: Run, use: Use) -> None:
    sandbox = use(agreement("none", authorized=False))
    result = run(*REQUEST, "--yes", "--wait", "9s", code=5)
    assert "reported  AWS says that the account is not authorized" in result.out
    assert "not authorized to use Claude Sonnet 4.5" in result.err
    assert changes(sandbox) == [CREATE]


def test_an_unknown_model_is_a_usage_error_with_a_guess(run: Run, use: Use) -> None:
    use()
    assert "did you mean `sonnet-4.5`?" in run("access", "request", "sonet-4.5", code=2).err


def test_a_model_without_an_offer_is_exit_5(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(agreement("none"))
    real = botocore.client.BaseClient._make_api_call

    def call(self: Any, operation: str, arguments: Any) -> Any:
        told = real(self, operation, arguments)
        if operation == "ListFoundationModelAgreementOffers":
            told["offers"] = []
        return told

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    err = run(*REQUEST, "--yes", code=5).err
    assert "AWS has no offer of Claude Sonnet 4.5" in err
    assert "https://console.aws.amazon.com/bedrock/home?region=us-east-1#/model-catalog" in err
    assert not changes(sandbox)


def test_a_state_that_is_hidden_until_the_form_is_there_is_no_end(
    run: Run, use: Use, tmp_path: Path
) -> None:
    text = "Model use case details have not been submitted for this account."
    hidden = refuse("GetFoundationModelAvailability", text, "ResourceNotFoundException")
    sandbox = use(NO_FORM, agreement("none"), {**hidden, "times": 1})
    run(*REQUEST, "--form", form_file(tmp_path), "--yes")
    assert changes(sandbox) == [PUT_FORM, CREATE]


def test_with_an_api_key_the_account_is_not_named(
    run: Run, use: Use, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "fake-bedrock-api-key"
    rules = (RETENTION, agreement("none"))
    sandbox = use(*rules, tls=certificate, strict_auth=("AKIAUNUSEDUNUSED0000", key))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CA_BUNDLE", certificate[0])
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    result = run(*REQUEST, "--yes")
    assert "us-east-1 in the API key's account:" in result.out
    assert changes(sandbox) == [CREATE]
    assert not world.operations(sandbox, "GetCallerIdentity")


# What IAM does not allow


def _statement(err: str) -> dict[str, Any]:
    text = err[err.index('{"Effect"') :]
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return found


@pytest.mark.parametrize(
    "action",
    [
        "bedrock:GetFoundationModelAvailability",
        "bedrock:GetUseCaseForModelAccess",
        "bedrock:ListFoundationModelAgreementOffers",
        "bedrock:PutUseCaseForModelAccess",
        "bedrock:CreateFoundationModelAgreement",
    ],
)
def test_a_refused_action_is_named_with_all_that_it_takes(
    run: Run, use: Use, tmp_path: Path, action: str
) -> None:
    use(NO_FORM, agreement("none"), {"deny": action})
    err = run(*REQUEST, "--form", form_file(tmp_path), "--yes", code=5).err
    assert action in err.split("hint: ")[0]
    actions = _statement(err)["Action"]
    assert {action, "aws-marketplace:Subscribe"} <= set(actions)
    assert "bedrock:PutAccountDataRetention" not in actions
    assert "#/model-catalog" in err
    assert ("nothing was changed" in err) is (not action.startswith(("bedrock:P", "bedrock:C")))


def test_a_deny_is_not_answered_with_an_allow(run: Run, use: Use) -> None:
    text = (
        "User: arn:aws:iam::000000000000:user/x is not authorized to perform: "
        "bedrock:CreateFoundationModelAgreement with an explicit deny in a service control policy"
    )
    use(agreement("none"), refuse(CREATE, text))
    err = run(*REQUEST, "--yes", code=5).err
    assert "lifts that Deny" in err and '"Allow"' not in err


def test_a_refused_change_of_the_mode_names_its_action(run: Run, use: Use) -> None:
    use(RETENTION, {"deny": "bedrock:PutAccountDataRetention"})
    err = run(*FABLE, "--yes", "--data-retention", "aws_review", code=5).err
    assert {"bedrock:PutAccountDataRetention", "bedrock:GetAccountDataRetention"} <= set(
        _statement(err)["Action"]
    )


def test_a_mode_that_is_not_shown_stops_only_the_models_that_mind(run: Run, use: Use) -> None:
    use({"deny": "bedrock:GetAccountDataRetention"})
    assert "nothing to request" in run(*REQUEST).out
    assert "bedrock:GetAccountDataRetention" in run(*FABLE, code=5).err


def test_marketplace_permissions_are_named_where_aws_speaks_of_them(run: Run, use: Use) -> None:
    text = (
        "Model access is denied due to IAM user or service role is not authorized to perform the "
        "required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, "
        "aws-marketplace:Subscribe) to enable access to this model."
    )
    use(agreement("none"), refuse(CREATE, text))
    err = run(*REQUEST, "--yes", code=5).err
    assert "required AWS Marketplace actions" in err
    assert "aws-marketplace:ViewSubscriptions" in _statement(err)["Action"]
    assert "the same command continues" in err


@pytest.mark.parametrize(
    "region, host",
    [("us-gov-west-1", "console.amazonaws-us-gov.com"), ("eu-west-1", "console.aws.amazon.com")],
)
def test_the_console_is_that_of_the_partition(run: Run, use: Use, region: str, host: str) -> None:
    use({"deny": "bedrock:GetFoundationModelAvailability"})
    err = run(*REQUEST, "--region", region, code=5).err
    assert f"https://{host}/bedrock/home?region={region}#/model-catalog" in err


@pytest.mark.parametrize("terminal", [False, True])
def test_who_watches_sees_the_time_pass(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    use(agreement("pending", polls=6))
    clock = [1000.0]

    def pause(self: Any, seconds: float) -> None:
        clock[0] += 20

    monkeypatch.setattr(Output, "pause", pause)
    for module in (access_steps, opening):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    err = run(*REQUEST, terminal=terminal).err
    assert err.count("AWS is making the agreement, ") == (5 if terminal else 2)


# Broken off


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_mode_that_was_changed_for_nothing_is_said_to_stay(
    run: Run, use: Use, quiet: tuple[str, ...]
) -> None:
    rule = {"when": {"model": "*fable-5-1"}, "access": {"agreement": "none"}}
    use(RETENTION, refuse(CREATE, "Try later", "InternalServerException"), rule)
    argv = (*FABLE, "--data-retention", "aws_review", "--yes", *quiet)
    result = run(*argv, code=7)
    assert "data retention of the account in us-east-1 stays changed" in result.err
    back = "`aws bedrock put-account-data-retention --mode default --region us-east-1`"
    assert f"{back} changes it back" in result.err


def test_a_mode_that_was_not_changed_is_not_spoken_of(run: Run, use: Use) -> None:
    use(RETENTION, refuse(PUT_MODE, "Try later", "InternalServerException"))
    result = run(*FABLE, "--data-retention", "aws_review", "--yes", code=7)
    assert "stays changed" not in result.err


def test_after_a_failure_the_same_command_continues(run: Run, use: Use, tmp_path: Path) -> None:
    failing = refuse(CREATE, "Try later", "InternalServerException")
    sandbox = use(NO_FORM, agreement("none"), {**failing, "times": 3})
    argv = (*REQUEST, "--form", form_file(tmp_path), "--yes")
    told = document(run, *argv, code=7)
    assert (len(told["done"]), len(told["left"]), told["access"]) == (1, 1, "closed")
    assert "the same command continues" in told["error"]["hint"]
    run(*argv)
    assert changes(sandbox).count(PUT_FORM) == 1


@pytest.mark.parametrize("wanted", [PUT_FORM, CREATE, "GetFoundationModelAvailability"])
def test_ctrl_c_says_what_was_done_and_can_be_continued(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    sandbox = use(NO_FORM, agreement("none"))
    real = botocore.client.BaseClient._make_api_call
    made: list[str] = []

    def call(self: Any, operation: str, arguments: Any) -> Any:
        late = wanted != "GetFoundationModelAvailability" or CREATE in made
        if operation == wanted and late:
            monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", real)
            raise KeyboardInterrupt
        made.append(operation)
        return real(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    argv = (*REQUEST, "--form", form_file(tmp_path), "--yes")
    err = run(*argv, code=130).err
    first = wanted == PUT_FORM
    assert ("interrupted; nothing was changed" in err) is first
    assert ("done: create use-case form" in err) is not first
    assert ("interrupted; the same command continues" in err) is not first
    run(*argv)
    assert changes(sandbox) == [PUT_FORM, CREATE]


def test_an_agreement_that_somebody_made_meanwhile_is_fine(run: Run, use: Use) -> None:
    conflict = refuse(CREATE, "Agreement already exists", "ConflictException")
    use(agreement("none"), conflict)
    told = document(run, *REQUEST, "--yes", "--wait", "0", code=8)
    assert len(told["done"]) == 1


def test_a_form_that_aws_has_not_taken_in_yet_is_waited_for(
    run: Run, use: Use, tmp_path: Path
) -> None:
    early = {**refuse(CREATE, UNFILLED), "times": 2}
    use(NO_FORM, agreement("none"), early)
    result = run(*REQUEST, "--form", form_file(tmp_path), "--yes")
    assert result.err.count("has not taken the use-case form in yet") == 2
    assert "is open to the account" in result.out


def test_a_form_that_is_never_taken_in_is_exit_8(run: Run, use: Use, tmp_path: Path) -> None:
    use(NO_FORM, agreement("none"), refuse(CREATE, UNFILLED))
    argv = (*REQUEST, "--form", form_file(tmp_path), "--yes", "--wait", "0")
    assert "in 15 minutes the same command continues" in run(*argv, code=8).err


def test_a_form_that_aws_refuses_is_explained(run: Run, use: Use, tmp_path: Path) -> None:
    use(NO_FORM, refuse(PUT_FORM, "Invalid form data", "ValidationException"))
    err = run(*REQUEST, "--form", form_file(tmp_path), "--yes", code=6).err
    assert "https://example.com" in err and "does not say which field" in err


def test_the_embedded_sandbox_tries_it(run: Run, tmp_path: Path) -> None:
    shown = run("--sandbox", *REQUEST)
    assert "is open to the account" in shown.out and "a rule with `access`" in shown.err
    rules = tmp_path / "rules.yaml"
    rules.write_text("- account: {form: false}\n- access: {agreement: none, polls: 2}\n")
    env = {"BEDROCK_CLAUDE_SANDBOX_SCRIPT": str(rules)}
    argv = ("--sandbox", *REQUEST, "--form", form_file(tmp_path), "--yes")
    assert "is open to the account\n" in run(*argv, env=env).out


def test_the_model_is_named_as_it_is_called(run: Run, use: Use) -> None:
    use(agreement("none"))
    assert "is open" in run("access", "request", f"global.{SONNET}", "--yes").out


def test_the_documented_policy_is_what_a_request_takes() -> None:
    text = (Path(__file__).parents[2] / "docs" / "iam.md").read_text("utf-8")
    section = text.split("## The administrator of access\n")[1].split("\n## ")[0]
    (statement,) = json.loads(section.split("```json")[1].split("```")[0])["Statement"]
    assert statement["Action"] == sorted((*access_request.OPENING, *access_request.RETAINING))


def test_the_json_of_an_offer_is_as_it_is_documented(run: Run, use: Use) -> None:
    use(agreement("none"))
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
    (offer,) = document(run, *REQUEST, "--dry-run")["offers"]
    row = next(line for line in text.splitlines() if line.startswith("| `offers` |"))
    assert all(f"`{key}`" in row for key in (*offer, *offer["rate_card"][0]))
