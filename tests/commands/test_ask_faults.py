"""What can go wrong, on every way to call: nothing is billed twice, and what is said is true."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bedrock_claude_cli.bedrock.prompt import VIAS
from bedrock_claude_cli.bedrock.retry import attempts
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Use = Callable[..., Sandbox]
RUNS_A_MODEL = {
    "invoke": "InvokeModelWithResponseStream",
    "converse": "ConverseStream",
    "sdk": "InvokeModelWithResponseStream",
    "mantle": "CreateInference",
}
TEXT = "one two three four five"
MAYBE = "hint: the model may have worked, and been billed, so nothing was sent again"
every_way = pytest.mark.parametrize("via", VIAS)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be slept; none are."""
    slept: list[float] = []
    defaults = attempts.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "sleep", slept.append)
    monkeypatch.setitem(defaults, "rng", lambda: 1.0)
    return slept


def asking(via: str, *more: str) -> list[str]:
    """The arguments of a question that goes this way, to a model that it has."""
    return ["ask", "Hello", "--via", via, "-m", "haiku-4.5", *more]


def sent(sandbox: Sandbox, via: str) -> int:
    """How many requests reached the model."""
    return [each["operation"] for each in sandbox.requests].count(RUNS_A_MODEL[via])


class Refused(NamedTuple):
    """An error before the answer, and what becomes of it; `renamed` is mantle's coarser name."""

    kind: str
    message: str | None
    code: int
    says: str
    retry: str = "no"
    renamed: str | None = None
    not_via: tuple[str, ...] = ()


VALIDATION, MISSING = "ValidationException", "ResourceNotFoundException"
DENIED, SLOW = "AccessDeniedException", "ThrottlingException"
UNKNOWN_KEYS = "UnrecognizedClientException"
USER = "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: "
REFUSALS = [
    Refused(VALIDATION, "Invocation of model ID X with on-demand throughput isn\u2019t supported. "
            "Retry your request with the ID or ARN of an inference profile that contains this "
            "model.", 6, "list-models --ids"),
    Refused(VALIDATION, "The provided model identifier is invalid.", 6, "list-models --ids"),
    Refused(VALIDATION, "data retention mode 'default' is not available for this model", 5,
            "data-retention mode"),
    Refused(VALIDATION, "The model returned the following errors: `temperature` and `top_p` cannot "
            "both be specified for this model. Please use only one.", 6, "give only one of"),
    Refused(VALIDATION, "The model returned the following errors: x: Extra inputs are not "
            "permitted", 6, "ask --dry-run` shows"),
    Refused(VALIDATION, "The model returned the following errors: prompt is too long: 2 tokens > 1 "
            "maximum", 6, "shorten the prompt"),
    Refused(VALIDATION, "Input is too long for requested model.", 6, "shorten the prompt"),
    Refused(VALIDATION, "Invalid API version: 2026-10-21", 6, "bedrock-2023-05-31"),
    Refused(VALIDATION, "anthropic_version: Field required", 6, "bedrock-2023-05-31"),
    Refused(VALIDATION, "Operation not allowed", 5, "AWS Support"),
    Refused(VALIDATION, "Access to Anthropic models is not allowed for this account.", 5,
            "not offered to this account"),
    Refused(DENIED, USER + "bedrock:InvokeModel on resource: arn:aws:bedrock:::foundation-model/"
            "anthropic.claude because no identity-based policy allows it", 5,
            "grant bedrock:InvokeModel on the inference profile"),
    Refused(DENIED, USER + "bedrock:InvokeModel with an explicit deny in a service control policy",
            5, "organization's policy"),
    Refused(DENIED, "Model access is denied due to IAM user or service role is not authorized to "
            "perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, "
            "aws-marketplace:Subscribe) to enable access to this model.", 5,
            "aws-marketplace:Subscribe"),
    Refused(DENIED, "You don't have access to the model with the specified model ID.", 5,
            "use-case form"),
    Refused(MISSING, "Model use case details have not been submitted for this account. Fill out "
            "the Anthropic use case details form before using the model.", 5, "use-case form"),
    Refused(MISSING, "This model version has reached the end of its life.", 6,
            "list-models --active"),
    Refused(MISSING, "Access denied. This Model is marked by provider as Legacy and you have not "
            "been actively using the model in the last 15 days.", 5, "list-models --active"),
    Refused(SLOW, "Too many tokens per day, please wait before trying again.", 7,
            "daily token quota", "later"),
    Refused("ServiceQuotaExceededException", "Too much", 6, "Service Quotas", not_via=("mantle",)),
    Refused("ExpiredTokenException", None, 4, "renew the credentials", renamed=UNKNOWN_KEYS),
    Refused("InvalidSignatureException", "Signature expired: a is now earlier than b", 4, "clock",
            renamed=UNKNOWN_KEYS),
    Refused(UNKNOWN_KEYS, None, 4, "AWS does not know these keys"),
    Refused("ModelTimeoutException", None, 7, "nothing was sent again", "maybe-billed"),
    Refused("ModelErrorException", None, 7, "nothing was sent again", "maybe-billed",
            renamed="InternalServerException"),
    Refused("InternalServerException", None, 7, "nothing was sent again", "maybe-billed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "via"),
    [
        (each, via)
        for via in VIAS
        # Converse and the SDK come by the same errors as InvokeModel: a third of them will do.
        for each in REFUSALS[:: 1 if via in ("invoke", "mantle") else 3]
        if via not in each.not_via
    ],
    ids=lambda each: each if isinstance(each, str) else f"{each.kind}-{each.message}"[:40],
)
def test_a_refusal_is_sent_once_and_explained_alike(
    fault: Refused, via: str, run: Run, use: Use, waits: list[float]
) -> None:
    error = {"type": fault.kind} | ({"message": fault.message} if fault.message else {})
    sandbox = use({"when": {"operation": RUNS_A_MODEL[via]}, "error": error})
    result = run(*asking(via, "--json"), code=fault.code)
    told = json.loads(result.err.splitlines()[-1])["error"]
    renamed = fault.renamed if via == "mantle" else None
    assert told["code"] == (renamed or fault.kind)
    assert (told["exit_code"], told["retry"]) == (fault.code, fault.retry)
    assert fault.says in told["hint"]
    assert not re.search(r"\{\w+\}", told["hint"])
    assert fault.message is None or fault.message in told["message"]
    assert told["message"].startswith(f"{told['code']}: ")
    assert told["request_id"] == sandbox.requests[0]["request_id"]
    assert result.out == ""
    assert (sent(sandbox, via), waits) == (1, [])


@every_way
@pytest.mark.parametrize("kind", [SLOW, "ServiceUnavailableException"])
def test_what_was_not_billed_is_sent_again(
    kind: str, via: str, run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use({"times": 2, "error": {"type": kind}}, {"reply": {"text": TEXT}})
    result = run(*asking(via))
    assert result.out == TEXT + "\n"
    assert sent(sandbox, via) == 3
    assert waits == [1, 2]
    assert result.err.splitlines()[-2:] == [
        f"note: {kind}: trying again in 1 s (attempt 2 of 5)",
        f"note: {kind}: trying again in 2 s (attempt 3 of 5)",
    ]


@every_way
def test_throttled_for_good(via: str, run: Run, use: Use, waits: list[float]) -> None:
    sandbox = use({"error": {"type": SLOW, "headers": {"Retry-After": "7"}}})
    result = run(*asking(via, "--retries", "2"), code=7)
    assert (sent(sandbox, via), waits) == (3, [7, 7])
    assert f"error: {SLOW}: Too many requests" in result.err
    assert f"request {sandbox.requests[-1]['request_id']})" in result.err
    assert "hint: wait a little, or raise --retries" in result.err


@every_way
def test_credentials_that_expire_during_the_waits(
    via: str, run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use(
        {"times": 1, "error": {"type": SLOW}}, {"error": {"type": "ExpiredTokenException"}}
    )
    result = run(*asking(via), code=4)
    assert (sent(sandbox, via), waits) == (2, [1])
    assert "hint: renew the credentials: " in result.err


@every_way
def test_credentials_are_renewed_during_the_waits(
    via: str,
    run: Run,
    use: Use,
    waits: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A source whose keys are about to end is asked again, and the new keys sign."""
    sandbox = use({"times": 1, "error": {"type": SLOW}})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    source = tmp_path / "keys.sh"
    source.write_text(
        f"echo >> {tmp_path}/asked\n"
        f'echo "{{\\"Version\\": 1, \\"AccessKeyId\\": \\"AKIAFAKE$(wc -l < {tmp_path}/asked)\\",'
        ' \\"SecretAccessKey\\": \\"fake\\", \\"SessionToken\\": \\"fake\\",'
        ' \\"Expiration\\": \\"$(date -u -d "+1 minute" +%Y-%m-%dT%H:%M:%SZ)\\"}"\n'
    )
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = bash {source}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    run(*asking(via))
    keys = [each["headers"]["authorization"].split("/")[0] for each in sandbox.requests]
    assert len(keys) == len(set(keys)) == 2


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def plain_url(sandbox: Sandbox) -> str:
    """A port that speaks no TLS, asked for it."""
    return sandbox.url.replace("http:", "https:")


UNREACHED: list[tuple[str, Callable[[Sandbox], str]]] = [
    ("refused", lambda _: f"http://127.0.0.1:{closed_port()}"),
    ("no-such-name", lambda _: "http://bedrock.invalid"),
    ("no-tls", plain_url),
]


@every_way
@pytest.mark.parametrize("url", [url for _, url in UNREACHED], ids=[name for name, _ in UNREACHED])
def test_what_never_reached_aws_is_tried_again(
    url: Callable[[Sandbox], str],
    via: str,
    run: Run,
    use: Use,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox = use()
    there = url(sandbox)
    monkeypatch.setenv("AWS_ENDPOINT_URL", there)
    look_up = socket.getaddrinfo

    def only_numbers(host: Any, *more: Any, **names: Any) -> Any:
        if str(host).endswith("invalid"):
            raise socket.gaierror(-2, "Name or service not known")
        return look_up(host, *more, **names)

    monkeypatch.setattr(socket, "getaddrinfo", only_numbers)
    result = run(*asking(via, "--retries", "1"), code=7)
    assert (sandbox.requests, waits) == ([], [1])
    assert there in result.err
    assert "nothing was billed" in result.err or "AWS_CA_BUNDLE" in result.err


@every_way
def test_a_certificate_that_nobody_trusts(
    via: str, run: Run, use: Use, waits: list[float], certificate: tuple[str, str]
) -> None:
    sandbox = use(tls=certificate)
    result = run(*asking(via), code=7)
    assert (sandbox.requests, waits) == ([], [])
    assert "hint: behind a TLS proxy, set AWS_CA_BUNDLE to its certificate" in result.err
    env = {"AWS_CA_BUNDLE": certificate[0]}
    assert "canned answer" in run(*asking(via), env=env).out


@every_way
@pytest.mark.parametrize(("status", "code"), [(302, 6), (403, 5), (502, 7)])
def test_a_web_page_is_said_to_be_none_of_aws_s(
    status: int,
    code: int,
    via: str,
    run: Run,
    use: Use,
    waits: list[float],
    web_page: Callable[[int, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use()
    monkeypatch.setenv("AWS_ENDPOINT_URL", web_page(status, "<html>" + "Please sign in. " * 99))
    result = run(*asking(via), code=code)
    assert f"error: HTTP {status}: " in result.err
    assert result.err.count("Please sign in") < 6
    if status != 502 or via in ("sdk", "mantle"):  # botocore reads no page of a gateway
        assert "hint: something between you and AWS answered" in result.err
    assert waits == []


@every_way
def test_a_reset_before_the_answer(via: str, run: Run, use: Use, waits: list[float]) -> None:
    sandbox = use({"stream": {"reset_after": 0}})
    result = run(*asking(via), code=7)
    assert (sent(sandbox, via), waits) == (1, [])
    assert MAYBE in result.err


@every_way
def test_silence_before_the_answer(via: str, run: Run, use: Use, waits: list[float]) -> None:
    sandbox = use({"stream": {"delay_ms": 60_000}})
    result = run(*asking(via, "--timeout", "1"), code=7)
    assert (sent(sandbox, via), waits) == (1, [])
    assert f"{MAYBE}; raise --timeout" in result.err


SERVER_SENT = ("mantle",)
BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"reset_after": 3}, "the stream failed (ConnectionLost)",
     "the stream failed (ConnectionLost)"),
    ({"gap_ms": 60_000}, "no byte came within --timeout", "no byte came within --timeout"),
    ({"exception": {"type": "throttlingException", "after": 3}}, "ThrottlingException: Too many",
     "ThrottlingException: Too many"),
    ({"exception": {"type": "internalServerException", "after": 3}}, "InternalServerException: ",
     "InternalServerException: "),
    ({"exception": {"type": "validationException", "after": 3}}, "ValidationException: ",
     "ValidationException: "),
    ({"garbage_after": 3}, "the stream failed (ChecksumMismatch)", "ended before the answer did"),
    ({"bad_crc_after": 3}, "the stream failed (ChecksumMismatch)", "the stream failed ("),
    ({"cut_after": 3}, "ended before the answer did", "ended before the answer did"),
    ({"cut_after": 0}, "ended before the answer did", "ended before the answer did"),
    ({"garbage_after": 0}, "the stream failed (ChecksumMismatch)", "ended before the answer did"),
]  # fmt: skip


@every_way
@pytest.mark.parametrize("stream, framed, plain", BROKEN, ids=[str(each[0]) for each in BROKEN])
def test_a_broken_stream_keeps_what_arrived_and_is_not_sent_again(
    stream: dict[str, Any],
    framed: str,
    plain: str,
    via: str,
    run: Run,
    use: Use,
    waits: list[float],
) -> None:
    sandbox = use({"reply": {"text": TEXT}, "stream": stream})
    flags = ["--timeout", "1"] if "gap_ms" in stream else []
    result = run(*asking(via, *flags), code=10)
    shown = result.out.rstrip("\n")
    assert TEXT.startswith(shown)
    assert bool(shown) == (0 not in stream.values())
    said = plain if via in SERVER_SENT else framed
    assert said in result.err.partition("error: the answer is not whole: ")[2]
    assert f" (request {sandbox.requests[0]['request_id']})\n" in result.err
    assert "hint: what arrived may be billed, so nothing was sent again" in result.err
    assert (sent(sandbox, via), waits) == (1, [])


@every_way
@pytest.mark.parametrize(
    ("stream", "code"),
    [
        ({"exception": {"type": "throttlingException", "after": 3}}, SLOW),
        ({"reset_after": 3}, "ConnectionLost"),
        ({"cut_after": 3}, "Incomplete"),
    ],
)
def test_a_broken_answer_as_json(
    stream: dict[str, Any], code: str, via: str, run: Run, use: Use, waits: list[float]
) -> None:
    sandbox = use({"reply": {"text": TEXT}, "stream": stream})
    answer = json.loads(run(*asking(via, "--json"), code=10).out)
    assert (answer["text"], answer["complete"], answer["stop_reason"]) == (
        "one two three", False, None,
    )  # fmt: skip
    error = answer["error"]
    assert (error["code"], error["exit_code"], error["retry"]) == (code, 10, "maybe-billed")
    assert answer["cost_usd"] is None
    assert answer["request_id"] == error["request_id"] == sandbox.requests[0]["request_id"]
    assert sent(sandbox, via) == 1


@pytest.mark.parametrize("via", [via for via in VIAS if via != "mantle"])
def test_an_identity_that_may_not_stream_gets_its_answer_at_once(
    via: str, run: Run, use: Use, waits: list[float]
) -> None:
    """However long it may get: the SDK by itself would ask for a stream from 21,334 tokens on."""
    sandbox = use({"deny": "bedrock:InvokeModelWithResponseStream"}, {"reply": {"text": TEXT}})
    result = run(*asking(via, "--max-tokens", "64000"))
    assert result.out == TEXT + "\n"
    assert "note: this identity may not stream" in result.err
    assert (len(sandbox.requests), sent(sandbox, via)) == (2, 1)


def test_mantle_has_one_permission_for_both(run: Run, use: Use, waits: list[float]) -> None:
    sandbox = use({"deny": "bedrock-mantle:CreateInference"})
    result = run(*asking("mantle"), code=5)
    assert "grant bedrock-mantle:CreateInference" in result.err
    assert len(sandbox.requests) == 1


ENDLESS = {"reply": {"words": 1000}, "stream": {"gap_ms": 30}}
COMMAND = [sys.executable, "-m", "bedrock_claude_cli"]


def started(via: str) -> subprocess.Popen[bytes]:
    """A real process that asks."""
    pipe = subprocess.PIPE
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [*COMMAND, *asking(via)], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environ
    )


@every_way
def test_ctrl_c_in_the_midst_of_an_answer(via: str, use: Use) -> None:
    sandbox = use(ENDLESS)
    process = started(via)
    assert process.stdout
    first = process.stdout.read(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err.count(b"Traceback"), err.count(b"error")) == (130, 0, 0)
    assert (b"one two six ten " * 250).startswith((first + out).rstrip(b"\n"))
    assert sent(sandbox, via) == 1


@pytest.mark.parametrize("via", ["sdk", "mantle"])
def test_ctrl_c_before_the_answer(via: str, use: Use) -> None:
    sandbox = use({"stream": {"delay_ms": 60_000}})
    process = started(via)
    while not sandbox.requests:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.count(b"Traceback")) == (130, b"", 0)
    assert sent(sandbox, via) == 1


@every_way
def test_a_reader_that_leaves(via: str, use: Use) -> None:
    sandbox = use(ENDLESS)
    process = started(via)
    assert process.stdout
    assert process.stderr
    process.stdout.read(3)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=30), err.count(b"Traceback")) == (141, 0)
    assert sent(sandbox, via) == 1
