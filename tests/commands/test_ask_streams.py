"""Event streams that are cut or garbled anywhere: never a whole answer that is not, never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from bedrock_claude_cli.sandbox import converse_message, message
from bedrock_claude_cli.sandbox.answers import Answer, Said
from bedrock_claude_cli.sandbox.wire import Frame
from tests.conftest import Run

TEXT = "one two three four"
COUNTS = {
    "input_tokens": 5,
    "output_tokens": 4,
    "cache_read_input_tokens": 0,
    "cache_creation_input_tokens": 0,
}
ANSWER = Answer("claude", "msg_1", (Said(TEXT),), None, "end_turn", None, COUNTS)
FRAMES: dict[str, list[Frame]] = {
    "invoke": list(message.frames(ANSWER, {})),
    "converse": list(converse_message.frames(ANSWER)),
}
WIRE = {via: b"".join(frame.data for frame in frames) for via, frames in FRAMES.items()}
# From here on the text is whole: over Converse the usage comes after the end.
WHOLE = {"invoke": len(WIRE["invoke"]), "converse": len(WIRE["converse"])}
WHOLE["converse"] -= len(FRAMES["converse"][-1].data)


class Harm(NamedTuple):
    """What happens to a stream: it is cut at a byte, or some bits of it are turned."""

    at: int
    flip: int  # 0 cuts
    promised: bool  # whether Content-Length promises all of it

    def done(self, data: bytes) -> bytes:
        """The stream that arrives."""
        if not self.flip:
            return data[: self.at]
        return data[: self.at] + bytes([data[self.at] ^ self.flip]) + data[self.at + 1 :]


class Broken(ThreadingHTTPServer):
    """Answers every request with the stream that was set, and counts the requests."""

    daemon_threads = True
    wire = b""
    length: int | None = None
    count = 0


class Handler(BaseHTTPRequestHandler):
    server: Broken

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.count += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.amazon.eventstream")
        self.send_header("x-amzn-RequestId", "r-1")
        if self.server.length is not None:
            self.send_header("Content-Length", str(self.server.length))
        self.end_headers()
        self.wfile.write(self.server.wire)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    """A runtime endpoint that harms its streams, and the environment that leads to it."""
    server = Broken(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIASTREAMSAMPLEXXXX",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    server.server_close()


def harms(via: str) -> some.SearchStrategy[Harm]:
    """Any harm to the stream of one way to call."""
    places = some.integers(0, len(WIRE[via]) - 1)
    return some.builds(Harm, places, some.just(0) | some.integers(1, 255), some.booleans())


def judge(run: Run, broken: Broken, via: str, harm: Harm) -> None:
    """Ask once; a whole answer has all of its text, and any other is exit 10."""
    broken.wire, broken.count = harm.done(WIRE[via]), 0
    broken.length = len(WIRE[via]) if harm.promised else None
    whole = harm.at >= WHOLE[via]
    result = run("ask", "-n", "Hi", "--via", via, "--json", code=0 if whole else 10)
    answer = json.loads(result.out)
    assert broken.count == answer["attempts"] == 1
    assert answer["complete"] is whole
    assert answer["text"] == TEXT if whole else TEXT.startswith(answer["text"])
    if not whole:
        assert answer["error"]["retry"] == "maybe-billed"
        assert (answer["stop_reason"], answer["cost_usd"]) == (None, None)


FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(harms("invoke"))
@example(Harm(0, 0, promised=False))
@example(Harm(len(WIRE["invoke"]) - 1, 0, promised=True))
@example(Harm(3, 1, promised=False))
@example(Harm(0, 0x7F, promised=False))
def test_invoke_gives_no_answer_for_whole_that_is_not(run: Run, broken: Broken, harm: Harm) -> None:
    judge(run, broken, "invoke", harm)


@FEW
@given(harms("converse"))
@example(Harm(0, 0, promised=False))
@example(Harm(WHOLE["converse"] - 1, 0, promised=True))
@example(Harm(WHOLE["converse"], 0, promised=False))
@example(Harm(WHOLE["converse"] + 3, 1, promised=False))
@example(Harm(3, 1, promised=False))
def test_converse_gives_no_answer_for_whole_that_is_not(
    run: Run, broken: Broken, harm: Harm
) -> None:
    judge(run, broken, "converse", harm)


@pytest.mark.parametrize("via", WIRE)
def test_without_harm_it_is_whole(via: str, run: Run, broken: Broken) -> None:
    broken.wire = WIRE[via]
    answer = json.loads(run("ask", "-n", "Hi", "--via", via, "--json").out)
    assert (answer["text"], answer["usage"]) == (TEXT, COUNTS)
