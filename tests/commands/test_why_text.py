"""`why`: which error of a text counts, what is no error, and what a terminal gets to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.diagnosis import pasted
from tests.commands.test_why import REFUSED, why
from tests.commands.why_texts import TRACE, Said, boto3
from tests.conftest import Run

SLOW = Said("ThrottlingException", 429, "Too many requests, please wait before trying again.", "")
BAD_ID = Said("ValidationException", 400, "The provided model identifier is invalid.", "")
DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"
DIRECT = "\nThe above exception was the direct cause of the following exception:\n\n"


# Which one counts


def test_the_last_error_counts_and_the_others_are_named(run: Run) -> None:
    found = why(run, boto3(SLOW) + "retrying\n" + boto3(REFUSED) + "giving up\n" + boto3(BAD_ID))
    assert found["code"] == "ValidationException"
    assert found["line"] == 23
    assert [(each["code"], each["line"]) for each in found["others"]] == [
        ("AccessDeniedException", 15), ("ThrottlingException", 7),
    ]  # fmt: skip


def test_a_connection_that_fails_later_counts(run: Run) -> None:
    found = why(run, boto3(BAD_ID) + f"{TRACE}anthropic.APIConnectionError: Connection error.\n")
    assert found["topic"] == "broken-off"
    assert [each["code"] for each in found["others"]] == ["ValidationException"]


def test_the_same_error_a_hundred_times_is_one(run: Run) -> None:
    assert why(run, boto3(SLOW) * 150)["others"] == []


@pytest.mark.parametrize("between", [DURING, DIRECT])
@pytest.mark.parametrize(
    "wrapper",
    [
        "ValueError: Error raised by bedrock service",
        "app.errors.AnswerError: An answer could not be made",
        "anthropic.APIConnectionError: Connection error.",
        "botocore.exceptions.NoCredentialsError: Unable to locate credentials",
        "litellm.exceptions.APIConnectionError: litellm.APIConnectionError: something else",
    ],
)
def test_in_a_chain_what_aws_said_counts(run: Run, between: str, wrapper: str) -> None:
    found = why(run, boto3(SLOW) + between + TRACE + wrapper + "\n")
    assert (found["topic"], found["line"]) == ("throttled", 7)


def test_in_a_chain_the_cause_of_a_connection_error_counts(run: Run) -> None:
    text = (
        f"{TRACE}httpcore2.ConnectError: [Errno 111] Connection refused\n{DIRECT}"
        f"{TRACE}httpx2.ConnectError: [Errno 111] Connection refused\n{DIRECT}"
        f"{TRACE}anthropic.APIConnectionError: Connection error.\n"
    )
    found = why(run, text)
    assert (found["code"], found["retry"]) == ("ConnectError", "now")
    assert why(run, "anthropic.APIConnectionError: Connection error.")["retry"] == "maybe-billed"


def test_in_a_chain_what_aws_said_counts_wherever_it_stands(run: Run) -> None:
    first = f"{TRACE}botocore.exceptions.NoCredentialsError: Unable to locate credentials\n"
    assert why(run, first + DURING + boto3(SLOW))["topic"] == "throttled"
    wire = f"{TRACE}urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool: Read timed out.\n"
    told = 'Read timeout on endpoint URL: "https://sts.us-east-1.amazonaws.com/"'
    found = why(run, f"{wire}{DURING}{TRACE}botocore.exceptions.ReadTimeoutError: {told}\n")
    assert (found["message"], found["retry"]) == (told, "now")


def test_java_tells_the_root_last(run: Run) -> None:
    text = (
        "java.util.concurrent.CompletionException: com.example.Failed: no answer\n"
        "\tat com.example.Main.main(Main.java:9)\n"
        "Caused by: software.amazon.awssdk.services.bedrockruntime.model.ValidationException: The "
        "provided model identifier is invalid. (Service: BedrockRuntime, Status Code: 400, "
        "Request ID: 8ccca143-eedf-43e0-b293-ae020376db02)\n\tat x.Y.z(Y.java:1)\n"
    )
    found = why(run, text)
    assert (found["topic"], found["status"]) == ("model-id", 400)
    assert found["message"] == "The provided model identifier is invalid."


@pytest.mark.parametrize(
    "text, topic",
    [
        ("A client error (ThrottlingException) occurred\nThrottlingException: Rate exceeded",
         "throttled"),
        ("RetryError[<Future at 0x7f state=finished raised ThrottlingException>]", "throttled"),
        ("API Error: Request rejected (429) · Rate limited. Please try again later.", "throttled"),
        ('Provider error: API error 400: {"message":"The provided model identifier is invalid."}',
         "model-id"),
        ('{"message":"The provided model identifier is invalid.","modelId":"anthropic.claude-x",'
         '"providerId":"bedrock"}', "model-id"),
        ('{"code": "invalid_param", "message": "ValidationException: Operation not allowed", '
         '"status": 400}', "account-restricted"),
        ('AccessDeniedException(properties: AWSBedrockRuntime.AccessDeniedException.Properties('
         'message: Optional("Your account is not authorized to invoke this API operation.")))',
         "permission"),
        ("ERROR:app:Non-retryable Bedrock error: AccessDeniedException - You don't have access to "
         "the model with the specified model ID.", "model-access"),
        ('"claude-sonnet-4-5" is not supported on this API. Please use the Messages API instead.',
         "rejected"),
        ("A conversation must start with a user message. Try again with a conversation that "
         "starts with a user message. (Service: BedrockRuntime, Status Code: 400, Request ID: 1)",
         "rejected"),
        ("AmazonBedrockException: Rate exceeded (Service: AmazonBedrock; Status Code: 429; Error "
         "Code: ThrottlingException; Request ID: 1; Proxy: null)", "throttled"),
        ("<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security "
         "token included in the request is expired</Message></Error></ErrorResponse>",
         "expired-credentials"),
        ("CredentialsProviderError: Could not load credentials from any providers",
         "no-credentials"),
        ("operation error STS: AssumeRole, get identity: get credentials: failed to refresh cached "
         "credentials, no EC2 IMDS role found", "no-credentials"),
        ("litellm.APIConnectionError: Unable to locate credentials", "no-credentials"),
        ("openai.BadRequestError: Error code: 400 - {'error': {'message': 'litellm.BadRequestError:"
         " BedrockException - {\"message\":\"The provided model identifier is invalid.\"}'}}",
         "model-id"),
        ('{"error": {"code": "Usage", "message": "no question", "hint": "`x`", "exit_code": 2, '
         '"request_id": null, "retry": "no"}}', "own"),
        ("error: it could cost up to 0.5 USD\nhint: raise --max-cost\n", "own"),
        ("AccessDeniedException", "permission"),
        ("Error: request 7 failed: ThrottlingException\nbye", "throttled"),
        ("  ⎿  API Error: Connection error.", "broken-off"),
        ("API Error: Request timed out.", "read-timeout"),
    ],
)  # fmt: skip
def test_forms_that_were_seen_in_public(run: Run, text: str, topic: str) -> None:
    assert why(run, text)["topic"] == topic


def test_an_error_of_this_tool_keeps_its_own_words(run: Run) -> None:
    told = run("ask", "--json", "--sandbox", "-n", "--max-cost", "x", "hi", code=2).err
    found = why(run, told)
    error = json.loads(told.splitlines()[-1])["error"]
    assert (found["exit_code"], found["retry"]) == (2, "no")
    assert found["mends"][0] == error["hint"] or error["hint"] is None
    assert found["code"] == error["code"]


def test_what_ask_says_goes_in_again(run: Run, tmp_path: Path) -> None:
    rules = '- error: {type: ThrottlingException, message: "Too many tokens per day, please wait"}'
    (tmp_path / "rules.yaml").write_text(rules)
    env = {"BEDROCK_CLAUDE_SANDBOX_SCRIPT": str(tmp_path / "rules.yaml")}
    for argv in ((), ("--json",)):
        told = run("ask", "--sandbox", "-n", *argv, "hi", code=7, env=env).err
        found = why(run, told)
        assert (found["topic"], found["exit_code"], found["retry"]) == ("daily-quota", 7, "later")
        assert found["request_id"]


# What is unknown


@pytest.mark.parametrize(
    "text, line, taken",
    [
        ("hello\n", 1, "hello"),
        (f"{TRACE}ZeroDivisionError: division by zero\n", 7, "ZeroDivisionError"),
        ("x\nrequests.exceptions.SSLError: CERTIFICATE_VERIFY_FAILED\nbye\n", 2, "SSLError"),
        ("An error occurred (BlockedException) when calling the RunTask operation: blocked", 1,
         "BlockedException"),
        (f"{boto3(SLOW)}\nAn error occurred (BlockedException) when calling the RunTask operation: "
         "Your account is blocked.\n", 9, "BlockedException"),
        ("openai.RateLimitError: Error code: 429 - {'error': {'message': 'You exceeded your current"
         " quota, please check your plan'}}", 1, "openai"),
        ("yaml.parser.ParserError: while parsing a block mapping\n", 1, "yaml"),
        ("mysql: ERROR 1045 (28000): Access denied for user 'x'@'localhost'", 1, "1045"),
        ("Error: ENOENT: no such file or directory, open 'x'", 1, "ENOENT"),
        # Nothing that went wrong.
        ("INFO server up\nINFO throttling enabled\n2026 INFO Too many requests, please wait: "
         "answered to 3 clients\nINFO done\n", 4, "done"),
        ("the retry policy has throttling and ThrottlingException in its list\nall went well\n"
         "a\nb\nc\nd\ne\nf\n", 1, "retry policy"),
        ("try:\n    ask()\nexcept ThrottlingException:\n    wait()\nprint(1)\nprint(2)\n", 3,
         "except"),
        ('{"level":"info","message":"Too many requests, please wait was shown to nobody"}', 1,
         "level"),
        ('{"message": "all is well", "status": 200}', 1, "all is well"),
        ("from botocore.exceptions import NoCredentialsError\n", 1, "import"),
        ("raises ThrottlingException: where it is busy\n", 1, "raises"),
    ],
)  # fmt: skip
def test_an_unknown_text_is_said_to_be(run: Run, text: str, line: int, taken: str) -> None:
    result = run("why", stdin=text, code=6)
    assert result.out == ""
    assert result.err.startswith(f"error: no error is known in this text; line {line} was taken")
    assert taken in result.err
    assert "verify-creds" in result.err and "--debug" in result.err
    assert "troubleshooting-api-error-codes" in result.err
    error = json.loads(run("why", "--json", stdin=text, code=6).err)["error"]
    assert (error["code"], error["exit_code"], error["retry"]) == ("UnknownError", 6, "no")


def test_binary_garbage_is_unknown(run: Run) -> None:
    garbage = bytes(range(256)) * 400
    assert "\x1b" not in run("why", stdin=garbage, code=6, terminal=True).err.replace("\x1b[", "")
    run("why", stdin=b"\xff\xfe\x00\xd8", code=6)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_text_is_a_usage_error(run: Run, text: str) -> None:
    assert "the text is empty" in run("why", stdin=text, code=2).err
    assert "the text is empty" in run("why", "-", stdin=text, code=2).err
    assert "the text is empty" in run("why", text, code=2).err


# Where it comes from


def test_the_argument_goes_before_the_pipe(run: Run) -> None:
    assert "throttled" in run("why", "--json", "ThrottlingException", stdin=boto3(REFUSED)).out
    assert "throttled" in run("why", "--json", "-", stdin=boto3(SLOW)).out
    words = (
        "An error occurred (ThrottlingException) when calling the Converse operation: Rate exceeded"
    )
    assert "throttled" in run("why", "--json", *words.split()).out


def test_no_argument_on_a_terminal_is_a_usage_error() -> None:
    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "bedrock_claude_cli", "why"],
        stdin=theirs, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no text\nhint: `bedrock-claude why")


def test_a_stdin_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with (tmp_path / "written").open("w") as only_written:
        done = subprocess.run(
            [sys.executable, "-m", "bedrock_claude_cli", "why"],
            stdin=only_written, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard input cannot be read")


def test_no_home_no_config_and_no_network(tmp_path: Path) -> None:
    """Also a broken config file and a preset that is not there change nothing."""
    program = [sys.executable, "-m", "bedrock_claude_cli", "why"]
    broken = tmp_path / "config.yaml"
    broken.write_text("model: [")
    for env in ({}, {"BEDROCK_CLAUDE_CONFIG": str(broken)}, {"HOME": "/nonexistent"}):
        done = subprocess.run(
            program, input=boto3(SLOW), env=env | {"PATH": os.environ["PATH"]},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "means\tmore requests came" in done.stdout


def test_why_loads_no_sdk_and_ask_loads_nothing_of_why(tmp_path: Path) -> None:
    script = (
        "import sys; from bedrock_claude_cli.main import main; main(sys.argv[1:]); "
        "print([n for n in sys.modules if n in ('boto3', 'botocore', 'anthropic', 'yaml', 'rich') "
        "or n.startswith('bedrock_claude_cli.diagnosis')], file=sys.stderr)"
    )

    def loaded(*argv: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stderr.splitlines()[-1]

    assert all("bedrock_claude_cli" in each for each in loaded("why", "HTTP 403").split(", "))
    assert "diagnosis" not in loaded("ask", "--sandbox", "-n", "hi")
    assert "diagnosis" not in loaded("ask", "--sandbox", "-n", "--max-cost", "x", "hi")


# A large text


def test_of_a_large_log_the_end_counts(run: Run) -> None:
    line = 'INFO request done {"message": "fine"} Error code: none, status: 200\n'
    text = boto3(REFUSED) + line * 160_000 + boto3(SLOW)
    assert len(text) > 10_000_000
    result = run("why", "--json", stdin=text)
    found = json.loads(result.out)
    assert (found["topic"], found["others"]) == ("throttled", [])
    assert found["line"] == text.count("\n")
    assert "only the last" in result.err


def test_no_more_than_the_end_is_held() -> None:
    class Endless(BytesIO):
        left = 400

        def read(self, size: int | None = -1) -> bytes:
            self.left -= 1
            return b"x\n" * 50 if self.left >= 0 else b""

    content, lines = pasted.read(Endless(), tail=1000)
    assert 1000 <= len(content) <= 2000
    assert lines == 400 * 50 - len(content) // 2


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "error: ", '{"message": "', "An error occurred (X) when    ", "'", "\\", "(", "\n",
     "at x\n", "Bearer ", "secret=", "eyJ", "An error occurred (ThrottlingException) when calling "
     "the X operation: Too many tokens\n", "ThrottlingException: ", "-----BEGIN PRIVATE KEY-----"],
)  # fmt: skip
def test_no_text_takes_for_ever(piece: str) -> None:
    """Each is done in a second or three; one that is searched again and again takes minutes."""
    text = piece * (300_000 // len(piece))
    done = subprocess.run(
        [sys.executable, "-m", "bedrock_claude_cli", "why"],
        input=text, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 2, 6), done.stderr[-500:]


# What must not be shown

KEY_ID = "AKIA" + "FAKEKEYFAKEKEY00"
SECRET = "fAkE0fAkE1fAkE2fAkE3fAkE4fAkE5fAkE6fAkE7"
TOKEN = "FakeSessionToken//////////fake+fake=="


@pytest.mark.parametrize(
    "secret, text",
    [
        (KEY_ID, f"the AWS Access Key Id {KEY_ID} you provided"),
        (SECRET, f"key {SECRET} was used"),
        (SECRET, f"aws_secret_access_key = {SECRET}"),
        (SECRET, f'"SecretAccessKey": "{SECRET}"'),
        (TOKEN, f"AWS_SESSION_TOKEN={TOKEN}"),
        (TOKEN, f"x-amz-security-token:{TOKEN}"),
        (TOKEN, f"https://x/?X-Amz-Security-Token={TOKEN}&X-Amz-Signature=abc"),
        ("ABSKFakeFakeFakeFake", "Authorization: Bearer ABSKFakeFakeFakeFake"),
        ("ABSKFakeFakeFakeFake", "AWS_BEARER_TOKEN_BEDROCK=ABSKFakeFakeFakeFake"),
        ("bedrock-api-key-FakeFakeFakeFake", "with bedrock-api-key-FakeFakeFakeFake"),
        ("sk-ant-fake-fake-fake-fake", "key sk-ant-fake-fake-fake-fake"),
        ("eyJmYWtlIjoiZmFrZSJ9.fake.fake", "token eyJmYWtlIjoiZmFrZSJ9.fake.fake"),
        ("hunter2hunter2", "https://me:hunter2hunter2@proxy:3128"),
        ("hunter2hunter2", "password: hunter2hunter2"),
        ("deadbeefdeadbeef", "AWS4-HMAC-SHA256 Credential=x, Signature=deadbeefdeadbeef"),
    ],
)
def test_credentials_are_not_echoed(run: Run, secret: str, text: str) -> None:
    known = f"An error occurred (ValidationException) when calling the X operation: {text} failed"
    for argv in ((), ("--json",)):
        told = run("why", *argv, stdin=known)
        assert secret not in told.out + told.err
        assert "****" in told.out
        told = run("why", *argv, stdin=f"error: {text}", code=6)
        assert secret not in told.out + told.err


def test_what_is_no_secret_stays(run: Run) -> None:
    arn = "arn:aws:sts::111122223333:assumed-role/very-long-role-name-for-testing/session-name-1"
    message = f"User: {arn} is not authorized to perform: bedrock:ListFoundationModels"
    found = why(run, f"An error occurred (AccessDeniedException) when calling the X operation: "
                     f"{message}")  # fmt: skip
    assert found["message"] == message


# What is shown


def test_a_pipe_gets_plain_rows(run: Run) -> None:
    rows = [line.split("\t") for line in run("why", stdin=boto3(REFUSED)).out.splitlines()]
    labels = [row[0] for row in rows]
    assert all(len(row) == 2 for row in rows)
    assert labels == ["error", "means", *["cause"] * 4, "mend", "policy", "mend", "mend", "retry",
                      "exit"]  # fmt: skip
    assert json.loads(dict(rows)["policy"])["Effect"] == "Allow"
    assert dict(rows)["exit"] == "`ask` exits with 5 (denied)"


def test_a_terminal_of_80_columns(run: Run) -> None:
    env = {"COLUMNS": "80"}
    shown = run("why", stdin=boto3(SLOW) + boto3(REFUSED), terminal=True, env=env).out
    for line in shown.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines():
        # Only what would not be whole any more is longer: a command, an ARN.
        assert len(line) <= 80 or line.lstrip(" -1234567890.").count(" ") <= 5, line
    assert "`bedrock-claude list-models anthropic.claude-opus-4-6-v1 --policy`" in shown
    policy = shown[shown.index("{\n") : shown.index("\n        }\n") + 11]
    assert json.loads(policy)["Effect"] == "Allow"
    assert "also" in shown


def test_no_color_shows_none(run: Run) -> None:
    shown = run("why", "HTTP 403", terminal=True, env={"NO_COLOR": "1"}).out
    assert "\x1b" not in shown
    assert shown.startswith("error   HTTP 403\nmeans   ")


def test_what_was_pasted_cannot_drive_the_terminal(run: Run) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202eevil\x9b31m"
    for text in (f"ThrottlingException: {evil} Too many requests", f"error: {evil}"):
        code = 0 if "Throttling" in text else 6
        result = run("why", stdin=text, terminal=True, code=code, env={"NO_COLOR": "1"})
        shown = result.out + result.err.replace("\x1b[31;1m", "").replace("\x1b[0m", "")
        assert not set("\x1b\x07\x9b\u202e") & set(shown.replace("\x1b[36m", ""))


def test_query_picks_from_the_answer(run: Run) -> None:
    assert run("why", "--query", "topic", stdin=boto3(SLOW)).out == "throttled\n"


def test_colours_and_smart_quotes_are_taken_away(run: Run) -> None:
    found = why(run, boto3(SLOW).replace("Converse", "\x1b[4mConv\x1b[0merse\x1b]8;;x\x07"))
    assert (found["operation"], found["message"]) == ("Converse", SLOW.message)
    smart = "Please reauthenticate using \u2018aws login\u2019."
    assert why(run, f"Your session has expired. {smart}")["topic"] == "login"
    body = "{\u201cmessage\u201d: \u201cOperation not allowed\u201d}"
    assert why(run, body)["message"] == "Operation not allowed"


def test_utf_16_of_powershell(run: Run) -> None:
    assert why(run, boto3(SLOW).encode("utf-16"))["topic"] == "throttled"
