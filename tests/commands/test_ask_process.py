"""`ask` as a process: signals, pipes, terminals and loops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from bedrock_claude_cli.bedrock.answer import Event, Text
from bedrock_claude_cli.question import read_question
from bedrock_claude_cli.reply import View
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import prompt
from tests.conftest import Run

Use = Callable[..., Sandbox]
ASK = [sys.executable, "-m", "bedrock_claude_cli", "ask"]
SHELL_ASK = f"{sys.executable} -m bedrock_claude_cli ask"
ENDLESS = {"reply": {"words": 1000}, "stream": {"gap_ms": 30}}


@pytest.fixture(autouse=True)
def buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's default: unbuffered, it would not tell of a write that was cut short."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def start(*argv: str, **more: Any) -> subprocess.Popen[bytes]:
    """An `ask` whose output can be read while it runs."""
    pipe = subprocess.PIPE
    settings: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **more}
    return subprocess.Popen([*ASK, *argv], **settings)


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """A bash script, with what it printed."""
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )


def test_ctrl_c_leaves_what_has_arrived(use: Use) -> None:
    use(ENDLESS)
    process = start("Hello")
    assert process.stdout
    first = process.stdout.read(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    words = first + out
    assert words.endswith(b"\n")
    assert (b"one two six ten " * 250).startswith(words.rstrip(b"\n"))
    assert err == b""


@pytest.mark.parametrize("flags", [["--json"], ["--no-stream"], ["-x"]])
def test_ctrl_c_prints_what_has_arrived_where_nothing_was_streamed(
    flags: list[str], run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use({"reply": {"text": "```\none two six ten\n```"}})
    arrived: list[str] = []

    def show(self: View, event: Event) -> None:
        if isinstance(event, Text):
            arrived.append(event.text)
        if len(arrived) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(View, "_show", show)
    result = run("ask", "Hello", *flags, code=130)
    text = "".join(arrived)
    if flags == ["--json"]:
        answer = json.loads(result.out)
        assert (answer["text"], answer["complete"], answer["cost_usd"]) == (text, False, None)
    else:
        assert result.out == (text if flags == ["--no-stream"] else "one two") + "\n"
    assert result.err == ""


def test_ctrl_c_before_anything_arrived_prints_nothing(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()

    def interrupted(*_: object) -> Iterator[Event]:
        raise KeyboardInterrupt

    monkeypatch.setattr("bedrock_claude_cli.bedrock.transports.invoke.stream", interrupted)
    assert run("ask", "Hello", "--json", code=130).out == ""


def test_ctrl_c_while_standard_input_is_read(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("select.poll", interrupted)
    result = run("ask", "-", code=130)
    assert result.out + result.err == ""
    assert sandbox.requests == []


def test_ctrl_c_on_a_terminal(use: Use) -> None:
    use(ENDLESS)
    child = pexpect.spawn(ASK[0], [*ASK[1:], "Hello"], timeout=30, encoding="utf-8")
    child.expect("one two")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in (child.before or "")


@pytest.mark.parametrize("flags", ["", "--no-stream", "--json"])
def test_a_closed_pipe_is_silent(flags: str, use: Use) -> None:
    use({"reply": {"text": "a line\n" * 30_000}})
    ask = f"{SHELL_ASK} {flags} --max-tokens 64000 Hello </dev/null"
    result = shell(f"{ask} | head -n 1; exit ${{PIPESTATUS[0]}}")
    assert result.returncode == 141
    assert result.stdout in ("a line\n", "{\n")
    assert result.stderr == ""


def test_a_loop_keeps_its_input(use: Use) -> None:
    sandbox = use()
    result = shell(f'printf "a\\nb\\nc\\n" | while read -r line; do {SHELL_ASK} -n "$line"; done')
    assert result.returncode == 0
    asked = [each["body"]["messages"][0]["content"][0]["text"] for each in sandbox.requests]
    assert asked == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        ('{} "Hello" </dev/null', "Hello"),
        ('{} "Hello" <&-', "Hello"),
        ('true | {} "Hello"', "Hello"),
        ('printf "a\\nb\\n" | {} "Hello"', "a\nb\n\nHello"),
        ('{} - <<< "here"', "here"),
        ('{} "Hello" 2>&-', "Hello"),
    ],
)
def test_what_shells_do_with_standard_input(script: str, asked: str, use: Use) -> None:
    sandbox = use()
    result = shell(script.format(SHELL_ASK))
    assert result.returncode == 0
    assert result.stdout.startswith("This is a canned answer")
    assert result.stderr == ""
    assert prompt(sandbox) == asked


def test_an_argument_in_another_encoding(use: Use) -> None:
    sandbox = use()
    process = subprocess.run(
        [*map(os.fsencode, ASK), b"caf\xe9"], stdin=subprocess.DEVNULL, capture_output=True,
        check=False,
    )  # fmt: skip
    assert process.returncode == 2
    assert b"the question is not UTF-8 text" in process.stderr
    assert sandbox.requests == []


def test_a_pipe_gets_the_answer_as_it_arrives(use: Use) -> None:
    use({"reply": {"text": "one two"}, "stream": {"gap_ms": 60_000}})
    process = start("Hello")
    assert process.stdout
    assert process.stdout.read(3) == b"one"
    process.kill()
    process.communicate()


def test_a_terminal_without_a_question_waits_for_nothing(use: Use) -> None:
    sandbox = use()
    child = pexpect.spawn(ASK[0], ASK[1:], timeout=30, encoding="utf-8")
    child.expect("no question")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2
    assert sandbox.requests == []


def test_a_dash_reads_a_question_from_the_terminal(use: Use) -> None:
    sandbox = use()
    child = pexpect.spawn(ASK[0], [*ASK[1:], "-"], timeout=30, encoding="utf-8")
    child.sendline("Hello")
    child.sendeof()
    child.expect("canned answer")
    assert "standard input" not in child.before
    child.expect(pexpect.EOF)
    assert prompt(sandbox) == "Hello"


def test_a_silent_pipe_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The note comes while the pipe is still open, and what then comes is read."""
    reader, writer = os.pipe()
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        os.write(writer, b"at last")
        os.close(writer)

    with os.fdopen(reader, encoding="utf-8") as source:
        monkeypatch.setattr(sys, "stdin", source)
        asked = read_question("Hello", use_stdin=True, note=note, silence=0.01)
    assert asked == "at last\n\nHello"
    assert len(notes) == 1
    assert "nothing came from standard input for 0.01 s" in notes[0]


def test_a_terminal_that_is_typed_into_is_not_called_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typist, terminal = os.openpty()
    typing = threading.Timer(0.02, os.write, (typist, b"typed\n\x04"))
    typing.start()
    notes: list[str] = []
    with os.fdopen(terminal, encoding="utf-8") as source:
        monkeypatch.setattr(sys, "stdin", source)
        asked = read_question("-", use_stdin=True, note=notes.append, silence=0)
    typing.join()
    os.close(typist)
    assert (asked, notes) == ("typed", [])


def test_a_directory_as_standard_input_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bedrock_claude_cli.errors import UsageError

    class Directory:
        """What fails when it is read."""

        buffer = None

        def fileno(self) -> int:
            return os.open(tmp_path, os.O_RDONLY)

        def isatty(self) -> bool:
            return False

        def read(self) -> bytes:
            raise IsADirectoryError(21, "Is a directory")

    source = Directory()
    source.buffer = source  # type: ignore[assignment]
    monkeypatch.setattr(sys, "stdin", source)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_question("Hello", use_stdin=True, note=print)
