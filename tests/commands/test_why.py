"""`why`: every known text, in every form that a tool gives it, leads to its topic."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
import typer

from bedrock_claude_cli import main
from bedrock_claude_cli.diagnosis.topics import TOPICS
from bedrock_claude_cli.diagnosis.words import CLIENT_TOPIC_OF, CLIENT_WORDS
from bedrock_claude_cli.explain import AwsFault, explain
from bedrock_claude_cli.known_errors import (
    BOUNDED,
    BY_NAME,
    BY_STATUS,
    CLIENT_TABLE,
    EXPLICIT_DENY,
    IN_A_STREAM,
    OTHER,
    PLACES,
    TABLE,
)
from bedrock_claude_cli.options import Door
from tests.commands.why_texts import (
    BEDROCK,
    CLIENTS,
    FORMS,
    MANTLE,
    MESSAGES,
    MODEL,
    NAMELESS,
    REQUEST,
    Said,
    boto3,
)
from tests.conftest import Run
from tests.test_errors import CASES, OTHERS, STS_CASES, Case

OF_CALLS = {
    "throttled": "throttled-calls",
    **dict.fromkeys(("capacity", "model-error", "model-timeout"), "calls-failed"),
}


def why(run: Run, text: str | bytes) -> Any:
    """The answer of `why` to a text on standard input."""
    found = json.loads(run("why", "--json", stdin=text).out)
    assert found.pop("schema") == 1
    return found


def name_of(said: Said) -> str:
    return f"{said.name}-{said.message[:30]}"


@pytest.mark.parametrize("said", BEDROCK, ids=name_of)
def test_what_aws_says_in_every_client_s_form(run: Run, said: Said) -> None:
    for name, form in FORMS.items():
        found = why(run, form(said))
        # Terraform's operation asks no model.
        topic = OF_CALLS.get(said.topic, said.topic) if name == "terraform" else said.topic
        assert (name, found["topic"], found["code"]) == (name, topic, said.name)
        assert found["others"] == []


@pytest.mark.parametrize("said", [each for each in BEDROCK if not each.plain], ids=name_of)
def test_what_aws_says_where_nobody_tells_its_name(run: Run, said: Said) -> None:
    for name, form in NAMELESS.items():
        found = why(run, form(said))
        assert (name, found["topic"], found["others"]) == (name, said.topic, [])


@pytest.mark.parametrize("said", MANTLE, ids=name_of)
def test_what_bedrock_mantle_says(run: Run, said: Said) -> None:
    for name, form in MESSAGES.items():
        found = why(run, form(said))
        assert (name, found["topic"], found["others"]) == (name, said.topic, [])


@pytest.mark.parametrize("name, message, topic", CLIENTS, ids=lambda item: item[-20:])
def test_what_the_clients_say(run: Run, name: str, message: str, topic: str) -> None:
    trace = f'Traceback (most recent call last):\n  File "x.py", line 1, in x\n{name}: {message}\n'
    assert why(run, trace)["topic"] == topic
    # The AWS CLI says only the words.
    assert why(run, f"\n{message}\n")["topic"] == topic
    assert why(run, f"\naws: [ERROR]: An error occurred (Thing): {message}\n")["topic"] == topic


KNOWN = [case for case in (*CASES, *STS_CASES, *OTHERS) if case.name != "WhoKnowsException"]


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: f"{case.name}-{case.message[:20]}")
def test_the_door_and_why_say_the_same(run: Run, case: Case) -> None:
    """The same exit code, retry and hint, whichever is asked."""
    found = why(run, boto3(Said(case.name, case.status, case.message, "")))
    assert (found["exit_code"], found["retry"]) == (case.code, case.retry)
    told = explain(AwsFault(case.name, case.message, case.status, None, operation="Converse"))
    if told.hint:
        hint = told.hint
        for place, words in PLACES.items():
            hint = hint.replace(place, words)
        hint = hint.partition(", so nothing was sent again")[0]  # which others may have done
        assert found["mends"][0].startswith(hint.partition("`")[0].partition(": {")[0])


@pytest.mark.parametrize("status", [400, 401, 403, 408, 418, 429, 502, 503])
def test_a_status_alone_says_what_it_does_at_the_door(run: Run, status: int) -> None:
    text = f"anthropic.APIStatusError: Error code: {status} - {{'message': 'Something'}}"
    told = explain(AwsFault("", "Something", status, None))
    if status in BY_STATUS:
        found = why(run, text)
        assert (found["exit_code"], found["retry"]) == (told.exit_code, told.retry)
    else:
        assert "line 1 was taken for one" in run("why", stdin=text, code=6).err


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("Throttling", "CreateRole"),
        ("SlowDown", "PutObject"),
        ("ThrottlingException", "CountTokens"),
    ],
)
def test_a_throttle_of_what_asks_no_model_is_not_of_its_quotas(
    run: Run, name: str, operation: str
) -> None:
    text = f"An error occurred ({name}) when calling the {operation} operation: Rate exceeded"
    found = why(run, text)
    assert (found["topic"], found["retry"], found["exit_code"]) == ("throttled-calls", "now", 7)
    assert "bedrock-claude run" not in str(found) and "quota" not in str(found)
    asked = why(run, text.replace(operation, "ConverseStream"))
    assert asked["topic"] == "throttled" and "bedrock-claude run" in str(asked["mends"])


# The table and the topics


def test_every_row_has_a_topic_and_no_topic_is_orphaned() -> None:
    used = {row.topic for row in TABLE} | {row.topic for row in CLIENT_TABLE.values()}
    used |= {row.topic for row in BY_STATUS.values()} | set(BY_NAME.values())
    used |= {OTHER.topic, IN_A_STREAM.topic, EXPLICIT_DENY.topic, BOUNDED.topic, "own"}
    used |= set(CLIENT_TOPIC_OF.values())
    used |= {"other-service", "bucket", "proxy-page", "throttled-calls", "calls-failed",
             "not-there"}  # fmt: skip
    assert used == set(TOPICS)


def test_every_row_says_what_mends_it() -> None:
    rows = [row.verdict for row in TABLE]
    rows += [*CLIENT_TABLE.values(), *BY_STATUS.values(), OTHER, IN_A_STREAM]
    for row in rows:
        topic = TOPICS[row.topic]
        assert row.hint or topic.mends, row
    for name, topic in TOPICS.items():
        assert topic.means and topic.causes, name
        assert not topic.means.endswith("."), name
        assert all(text == text.strip() for text in (topic.means, *topic.causes, *topic.mends))


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("operation", ["Converse", "CreateFoundationModelAgreement", "GetRole"])
def test_what_only_a_name_tells_has_a_mend(run: Run, name: str, operation: str) -> None:
    text = f"An error occurred ({name}) when calling the {operation} operation: It already exists."
    assert why(run, text)["mends"]
    assert "\nmend\t" in run("why", text).out


def test_every_class_of_botocore_s_is_known_by_its_words() -> None:
    import botocore.exceptions

    for name in CLIENT_TABLE:
        words = getattr(getattr(botocore.exceptions, name, None), "fmt", "")
        if words.startswith("{") and words.endswith("}"):
            continue  # somebody else's words
        if words:
            known = {each for part, each in CLIENT_WORDS if part in words.lower()}
            assert name in known, (name, words)


@pytest.mark.parametrize("name", sorted(CLIENT_TABLE))
def test_a_class_of_a_client_is_known_by_its_name(run: Run, name: str) -> None:
    found = why(run, f'  File "x.py", line 1\nbotocore.exceptions.{name}: whatever it says\n')
    assert (found["topic"], found["code"]) == (CLIENT_TABLE[name].topic, name)


@pytest.mark.parametrize("status", BY_STATUS)
def test_a_bare_status(run: Run, status: int) -> None:
    for text in (f"{status}", f"HTTP {status}", f"HTTP/1.1 {status} Something\r\n\r\n<html>"):
        found = why(run, text)
        assert (found["topic"], found["status"]) == (BY_STATUS[status].topic, status)


def test_a_bare_name_in_any_case(run: Run) -> None:
    for text in ("ThrottlingException", "throttlingexception", " MODELTIMEOUTEXCEPTION\n"):
        expected = "throttled" if "throttling" in text.lower() else "model-timeout"
        assert why(run, text)["topic"] == expected


# What an answer holds

REFUSED = Said(
    "AccessDeniedException", 403,
    "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: "
    "bedrock:InvokeModel on resource: "
    "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-4-6-v1 because no "
    "identity-based policy allows the bedrock:InvokeModel action", "model-permission",
)  # fmt: skip


def test_the_statement_names_what_was_refused(run: Run) -> None:
    found = why(run, boto3(REFUSED))
    assert found["statement"] == {
        "Effect": "Allow",
        "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
        "Resource": [
            "arn:aws:bedrock:*:*:inference-profile/*.anthropic.claude-opus-4-6-v1",
            "arn:aws:bedrock:*::foundation-model/anthropic.claude-opus-4-6-v1",
        ],
    }
    assert found["mends"][0].startswith("grant bedrock:InvokeModel on the inference profile")
    assert (found["model"], found["region"]) == ("anthropic.claude-opus-4-6-v1", "eu-west-1")
    assert "`bedrock-claude list-models anthropic.claude-opus-4-6-v1 --policy`" in str(found)
    assert (found["exit_code"], found["retry"], found["operation"]) == (5, "no", "Converse")


@pytest.mark.parametrize(
    "kind, who",
    [
        ("n identity-based policy", "an administrator of the account"),
        (" resource-based policy", "the resource's owner"),
        (" permissions boundary", "an administrator of the account"),
        (" session policy", "whoever starts the session"),
        (" resource control policy", "the organization's administrator"),
        (" VPC endpoint policy", "the VPC endpoint's owner"),
        (" service control policy", "ask its administrator"),
    ],
)
def test_what_a_policy_denies_is_not_granted(run: Run, kind: str, who: str) -> None:
    denied = REFUSED.message.partition(" because")[0] + f" with an explicit deny in a{kind}"
    found = why(run, boto3(REFUSED._replace(message=denied)))
    assert found["statement"] is None
    assert found["exit_code"] == 5
    assert not re.search("grant bedrock|Effect", str(found["mends"]))
    assert who in found["mends"][0]
    if "service control" in kind:
        assert found["topic"] == "organization"
    else:
        assert found["topic"] == "explicit-deny"
        assert found["mends"][0].startswith(f"a{kind} denies bedrock:InvokeModel")
    assert "policy\t" not in run("why", stdin=denied).out


@pytest.mark.parametrize(
    "kind, who",
    [
        ("resource-based policy", "the resource's owner"),
        ("permissions boundary", "an administrator of the account"),
        ("session policy", "whoever starts the session"),
        ("VPC endpoint policy", "the VPC endpoint's owner"),
        ("service control policy", "ask its administrator"),
        ("identity-based policy", "grant bedrock:InvokeModel on"),
    ],
)
def test_what_a_policy_does_not_allow_is_granted_there(run: Run, kind: str, who: str) -> None:
    refused = REFUSED.message.partition(" because")[0]
    refused += f" because no {kind} allows the bedrock:InvokeModel action"
    found = why(run, boto3(REFUSED._replace(message=refused)))
    assert found["statement"]["Effect"] == "Allow" and found["exit_code"] == 5
    assert who in found["mends"][0] and "Effect" not in str(found["mends"])
    others = {"service control policy": "organization", "identity-based policy": "model-permission"}
    assert found["topic"] == others.get(kind, "bounded")
    if found["topic"] == "bounded":
        assert found["mends"][0].startswith(f"no {kind} allows bedrock:InvokeModel, and what other")
        assert "has to allow it there" in found["mends"][0]


@pytest.mark.parametrize(
    "action", ["sts:AssumeRole", "bedrock:CallWithBearerToken", "s3:GetObject"]
)
def test_a_deny_counts_before_what_the_action_needs(run: Run, action: str) -> None:
    text = f"User: arn:aws:iam::111122223333:user/dev is not authorized to perform: {action}"
    found = why(run, f"AccessDenied: {text} on resource: * with an explicit deny")
    assert (found["topic"], found["statement"]) == ("explicit-deny", None)
    assert found["mends"][0].startswith(f"a policy denies {action}")


def test_what_no_organization_s_policy_allows_lacks_an_allow(run: Run) -> None:
    missing = REFUSED.message.replace("identity-based policy", "service control policy")
    found = why(run, boto3(REFUSED._replace(message=missing)))
    assert (found["topic"], found["statement"]["Effect"]) == ("organization", "Allow")


def test_model_and_region_come_from_around_the_error(run: Run) -> None:
    text = (
        "POST https://bedrock-runtime.ap-northeast-1.amazonaws.com/model/"
        "jp.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse\n"
        'HTTP/2 404\nx-amzn-requestid: 8ccca143-eedf-43e0-b293-ae020376db02\n\n{"message":"Model '
        'use case details have not been submitted for this account."}'
    )
    found = why(run, text)
    model = "jp.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert (found["model"], found["region"]) == (model, "ap-northeast-1")
    assert f"`bedrock-claude access request {model}`" in found["mends"][0]
    assert found["request_id"] == REQUEST


def test_places_that_nothing_fills_have_a_name(run: Run) -> None:
    found = why(run, '{"message": "The provided model identifier is invalid."}')
    assert (found["model"], found["region"], found["request_id"]) == (None, None, None)
    assert "`bedrock-claude list-models --ids --region REGION`" in found["mends"][0]
    found = why(run, "You have not filled out the request form")
    assert "`bedrock-claude access request MODEL`" in found["mends"][0]
    found = why(run, "data retention mode 'default' is not available for this model")
    assert "`bedrock-claude access request MODEL --data-retention MODE`" in found["mends"][0]


def test_a_login_names_its_session(run: Run) -> None:
    found = why(run, "Error loading SSO Token: Token for corp does not exist")
    assert found["mends"][0] == "`aws sso login --sso-session corp`"


def test_how_much_too_long_it_is(run: Run) -> None:
    found = why(run, "prompt is too long: 210000 tokens > 200000 maximum")
    assert found["mends"][0].startswith("it is 10,000 tokens too long")


@pytest.mark.parametrize(
    "text",
    [
        "botocore.exceptions.EventStreamError: An error occurred (throttlingException) when calling"
        " the InvokeModelWithResponseStream operation: Too many tokens, please wait before trying"
        " again.",
        "anthropic.APIStatusError: {'type': 'error', 'error': {'type': 'throttlingException', "
        "'message': 'Too many tokens'}}",
        "anthropic.APIStatusError: Error code: 200 - {'type': 'error', 'error': {'type': "
        "'throttlingException', 'message': 'Too many tokens'}}",
        "Error code: 200 - {'message': 'Too many tokens, please wait before trying again.'}",
    ],
)
def test_what_broke_inside_a_stream_may_have_been_billed(run: Run, text: str) -> None:
    found = why(run, text)
    assert (found["topic"], found["retry"]) == ("token-rate", "maybe-billed")


def test_a_timeout_of_a_free_call_may_be_sent_again(run: Run) -> None:
    text = "botocore.exceptions.ReadTimeoutError: Read timeout on endpoint URL: "
    assert why(run, f'{text}"https://sts.us-east-1.amazonaws.com/"')["retry"] == "now"
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL}/invoke"
    assert why(run, f'{text}"{url}"')["retry"] == "maybe-billed"


def test_tls_that_failed_before_anything_was_sent(run: Run) -> None:
    text = "botocore.exceptions.SSLError: SSL validation failed for https://x/ "
    assert why(run, f"{text}[SSL] EOF occurred in violation of protocol")["retry"] == "maybe-billed"
    assert why(run, f"{text}[SSL] tlsv1 alert handshake failure")["retry"] == "now"
    assert why(run, f"{text}CERTIFICATE_VERIFY_FAILED")["retry"] == "no"


def _printed() -> list[str]:
    rows = [*(row.hint for row in TABLE), *(row.hint for row in CLIENT_TABLE.values())]
    texts = [*filter(None, rows), *(each for topic in TOPICS.values() for each in topic.mends)]
    lines = {each for text in texts for each in re.findall(r"`(bedrock-claude [^`]+)`", text)}
    return sorted(lines - {"bedrock-claude --help"})


@pytest.mark.parametrize("line", _printed())
def test_a_command_that_mends_is_one(line: str) -> None:
    """Its options and subcommands exist; whether it mends is for a test that runs it."""
    argv = shlex.split(line.replace("{model}", "sonnet").replace("{region}", "us-east-1"))[1:]
    command = typer.main.get_command(main.app)
    with command.make_context("bedrock-claude", argv, obj=Door()) as context:
        rest = [*context._protected_args, *context.args]
        while rest and hasattr(context.command, "resolve_command"):
            name, inner, rest = context.command.resolve_command(context, rest)
            context = inner.make_context(name, rest, parent=context)
            rest = [*context._protected_args, *context.args]
