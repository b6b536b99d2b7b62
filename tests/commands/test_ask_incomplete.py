"""Answers that arrive and are not whole: printed as far as they go, said, exit 10."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Use = Callable[..., Sandbox]
EXCEPTIONS = (
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
)
TEXT = "one two three four five"


def broken(**stream: Any) -> dict[str, Any]:
    """A rule that breaks the stream of a short answer."""
    return {"reply": {"text": TEXT}, "stream": stream}


@pytest.mark.parametrize(
    ("reason", "said", "hint"),
    [
        ("max_tokens", "it reached the limit of --max-tokens", "hint: raise --max-tokens"),
        ("refusal", "the model refused to go on", ""),
        ("model_context_window_exceeded", "the model's context window is full", "larger context"),
        ("pause_turn", "the model paused its turn", ""),
        ("something_new", "it stopped with `something_new`", ""),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--no-stream"], ["--json"]])
def test_a_stop_before_the_end(
    reason: str, said: str, hint: str, flags: list[str], run: Run, use: Use
) -> None:
    use({"reply": {"text": TEXT, "stop_reason": reason}})
    result = run("ask", "Hello", *flags, code=10)
    if "--json" in flags:
        answer = json.loads(result.out)
        assert (answer["text"], answer["stop_reason"]) == (TEXT, reason)
        assert (answer["complete"], answer["error"]) == (False, None)
    else:
        assert result.out == TEXT + "\n"
    assert f"error: the answer is not whole: {said}\n" in result.err
    assert hint in result.err


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "tool_use"])
def test_an_end_of_its_own_is_whole(reason: str, run: Run, use: Use) -> None:
    use({"reply": {"text": TEXT, "stop_reason": reason}})
    assert json.loads(run("ask", "Hello", "--json").out)["complete"] is True


@pytest.mark.parametrize(
    ("stream", "code", "said"),
    [
        *[
            ({"exception": {"type": name, "after": 3}}, name[0].upper() + name[1:], name[1:])
            for name in EXCEPTIONS
        ],
        ({"cut_after": 3}, "Incomplete", "the stream ended before the answer did"),
        ({"garbage_after": 3}, "ChecksumMismatch", "the stream failed (ChecksumMismatch)"),
        ({"bad_crc_after": 3}, "ChecksumMismatch", "the stream failed (ChecksumMismatch)"),
        ({"reset_after": 3}, None, "the stream failed ("),
    ],
)
def test_a_broken_stream_keeps_what_arrived(
    stream: dict[str, Any], code: str | None, said: str, run: Run, use: Use
) -> None:
    """What had arrived may be billed, so it is printed, and nothing is sent again."""
    sandbox = use(broken(**stream))
    result = run("ask", "Hello", code=10)
    assert TEXT.startswith(result.out.rstrip("\n"))
    if code is not None:
        assert result.out == "one two three\n"
    assert said in result.err
    assert f" (request {sandbox.requests[0]['request_id']})\n" in result.err
    assert "hint: what arrived may be billed, so nothing was sent again" in result.err
    assert len(sandbox.requests) == 1

    result = run("ask", "Hello", "--json", code=10)
    answer = json.loads(result.out)
    assert answer["complete"] is False
    assert answer["stop_reason"] is None
    assert answer["usage"]["input_tokens"] > 0
    assert answer["cost_usd"] is None
    assert answer["request_id"] == sandbox.requests[1]["request_id"]
    assert answer["error"]["request_id"] == sandbox.requests[1]["request_id"]
    assert answer["error"]["code"] == code or code is None
    assert answer["error"]["exit_code"] == 10
    assert answer["error"]["retry"] == "maybe-billed"
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize(
    "stream", [{"cut_after": 0}, {"garbage_after": 0}, {"exception": {"type": EXCEPTIONS[4]}}]
)
def test_a_stream_without_any_text(stream: dict[str, Any], run: Run, use: Use) -> None:
    sandbox = use(broken(**stream))
    result = run("ask", "Hello", code=10)
    assert result.out == ""
    assert "error: the answer is not whole: " in result.err
    assert len(sandbox.requests) == 1


def test_a_stream_that_falls_silent_is_given_up(run: Run, use: Use) -> None:
    sandbox = use(broken(gap_ms=60_000))
    result = run("ask", "Hello", "--timeout", "1", code=10)
    assert result.out == "one\n"
    assert "no byte came within --timeout" in result.err
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    "rule", [broken(cut_after=3), {"reply": {"text": TEXT, "stop_reason": "max_tokens"}}]
)
def test_allow_incomplete_makes_it_a_warning(rule: dict[str, Any], run: Run, use: Use) -> None:
    use(rule)
    result = run("ask", "Hello", "--allow-incomplete")
    assert result.out.startswith("one two three")
    assert "warning: the answer is not whole: " in result.err
    assert "error:" not in result.err


def test_quiet_still_says_that_the_answer_is_not_whole(run: Run, use: Use) -> None:
    use(broken(cut_after=3))
    assert "error: the answer is not whole: " in run("ask", "-q", "Hello", code=10).err


def test_a_cut_block_is_printed_as_far_as_it_goes(run: Run, use: Use) -> None:
    use({"reply": {"text": "```sh\necho one\necho two\n```"}, "stream": {"cut_after": 4}})
    result = run("ask", "-x", "Hello", code=10)
    assert result.out == "echo one\necho\n"
    assert "error: the answer is not whole" in result.err
