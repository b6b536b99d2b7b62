"""`why`: errors that stand inside a record of a log, a quoted string or this tool's own JSON."""

from __future__ import annotations

import json

import pytest

from tests.commands.test_why import why
from tests.commands.why_texts import MODEL, USER
from tests.conftest import Run

BAD_ID = "The provided model identifier is invalid."
BOTO = f"An error occurred (ValidationException) when calling the Converse operation: {BAD_ID}"
ROLE = "arn:aws:iam::111122223333:role/BedrockLogs"
REFUSED = (
    "An error occurred (AccessDenied) when calling the CreateRole operation: "
    f"{USER}iam:CreateRole on resource: {ROLE}"
)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"msg": BOTO, "level": "error", "attempt": 1}),
        json.dumps({"msg": f"call failed: {BOTO}\n  at ask (x.js:1)\n", "level": "error"}),
        json.dumps({"log": json.dumps({"err": BOTO, "n": 1}), "stream": "stderr"}),
        json.dumps({"err": f"ValidationException: {BAD_ID}", "level": "error"}),
        json.dumps([BOTO, "next"]),
        str({"msg": BOTO, "level": "error"}),
        f'time=1 level=error err="ValidationException: {BAD_ID}" attempt=1',
        f'time=1 err="{BOTO}"',
        f'the log says "{BOTO}"',
        f"level=error err='{BOTO}' model={MODEL}",
    ],
)
def test_a_message_ends_where_its_quotes_end(run: Run, text: str) -> None:
    found = why(run, text + "\n")
    assert (found["code"], found["message"]) == ("ValidationException", BAD_ID)
    assert found["topic"] == "model-id" and found["others"] == []


def test_quotes_inside_a_message_do_not_end_it(run: Run) -> None:
    said = "Value 'x' at 'messages', \"y\" and \"z\" failed"
    text = BOTO.replace(BAD_ID, said)
    for record in (text, json.dumps({"msg": text, "n": 1}), f"the \"other\" 'one': {text}"):
        assert why(run, record)["message"] == said


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"error": REFUSED, "level": "error", "attempt": 1}),
        f'"{REFUSED}","level":"error"',
        f'failed with {REFUSED}","level":"error"',
        f"({REFUSED}), request abc",
        REFUSED.replace(ROLE, f'"{ROLE}" because no identity-based policy allows it'),
        json.dumps({"msg": REFUSED.replace(ROLE, f'"{ROLE}"'), "n": 1}),
    ],
)
def test_a_policy_names_the_bare_arn(run: Run, text: str) -> None:
    expected = {"Effect": "Allow", "Action": "iam:CreateRole", "Resource": ROLE}
    assert why(run, text)["statement"] == expected
    assert "grant iam:CreateRole" in why(run, text)["mends"][0]


def test_the_hint_of_this_tool_goes_before_what_the_table_says(run: Run) -> None:
    for argv in ((), ("--json",)):
        told = run("ask", "--sandbox", *argv, "-m", "anthropic.claude-zzz", "hi", code=6).err
        hint = (
            json.loads(told.splitlines()[-1])["error"]["hint"]
            if argv
            else told.splitlines()[-1].removeprefix("hint: ")
        )
        found = why(run, told)
        assert (found["message"], found["topic"]) == (BAD_ID, "model-id")
        assert found["mends"][0] == hint and "--sandbox" in hint
        assert (found["exit_code"], found["retry"]) == (6, "no")


@pytest.mark.parametrize("width", [60, 80, 90, 100, 120, 123, 150])
@pytest.mark.parametrize("end", ["with an explicit deny in a VPC endpoint policy",
                                 "because no permissions boundary allows it",
                                 "because no identity-based policy allows it"])  # fmt: skip
def test_lines_broken_within_words_are_put_together(run: Run, width: int, end: str) -> None:
    action = "bedrock:InvokeModel"
    arn = f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{MODEL}"
    text = (
        "An error occurred (AccessDeniedException) when calling the Converse operation: "
        f"{USER}{action} on resource: {arn} {end}"
    )
    whole = why(run, text)
    folded = "\n".join(text[at : at + width] for at in range(0, len(text), width))
    found = why(run, folded + "\n")
    for key in ("topic", "message", "statement", "mends", "model"):
        assert found[key] == whole[key]


def test_a_boundary_has_the_causes_of_its_kind(run: Run) -> None:
    text = f"AccessDeniedException: {USER}bedrock:InvokeModel on resource: * because no "
    causes = {
        "permissions boundary": "boundary",
        "session policy": "session",
        "VPC endpoint policy": "endpoint",
        "resource-based policy": "resource",
    }
    for kind, word in causes.items():
        found = why(run, f"{text}{kind} allows the bedrock:InvokeModel action")
        assert len(found["causes"]) == 1 and word in found["causes"][0]
