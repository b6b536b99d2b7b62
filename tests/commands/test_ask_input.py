"""What `ask` makes of its argument, standard input and files."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.bedrock import media_samples as make
from tests.commands.ask_help import prompt
from tests.conftest import Run

Use = Callable[..., Sandbox]


@pytest.mark.parametrize(
    ("argv", "stdin", "sent"),
    [
        (["Hello"], None, "Hello"),
        (["summarise"], "a file\n", "a file\n\nsummarise"),
        (["summarise"], "a file\r\n", "a file\n\nsummarise"),
        (["summarise"], "  two\nlines\n\n\n", "  two\nlines\n\nsummarise"),
        ([], "from a file\n", "from a file"),
        (["-"], "from a pipe", "from a pipe"),
        (["Hello"], "", "Hello"),
        (["Hello"], "\n \n", "Hello"),
        (["-n", "Hello"], "left alone", "Hello"),
        (["--no-stdin", "Hello"], b"\xff", "Hello"),
        (["summarise"], b"\xef\xbb\xbfwith a BOM", "with a BOM\n\nsummarise"),
        ([" spaced "], None, " spaced "),
        (["--", "-5 is a number?"], None, "-5 is a number?"),
        (["¿Qué? 你好 🦜"], "Привет", "Привет\n\n¿Qué? 你好 🦜"),
        (["a\x00b\u2028c"], None, "a\x00b\u2028c"),
    ],
)
def test_pipe_goes_first_then_a_blank_line_then_the_argument(
    argv: list[str], stdin: str | bytes | None, sent: str, run: Run, use: Use
) -> None:
    sandbox = use()
    run("ask", *argv, stdin=stdin)
    assert prompt(sandbox) == sent


@pytest.mark.parametrize(
    ("argv", "stdin", "said"),
    [
        ([], None, "no question"),
        (["-"], None, "no question"),
        (["-n"], "left alone", "no question"),
        ([""], None, "the question is empty"),
        ([" \t"], None, "the question is empty"),
        ([], " \n\n", "the question is empty"),
        ([""], "a file for an unset variable", "the question is empty"),
        (["-n", "-"], "a pipe", "--no-stdin"),
        (["two", "arguments"], None, "unexpected extra argument"),
        (["Hello"], b"caf\xe9", "standard input is not UTF-8 text (byte 3)"),
        ([], "text".encode("utf-16"), "standard input is not UTF-8 text (byte 0)"),
        (["caf\udce9"], None, "the question is not UTF-8 text"),
    ],
)
def test_bad_input_sends_nothing(
    argv: list[str], stdin: str | bytes | None, said: str, run: Run, use: Use
) -> None:
    sandbox = use()
    result = run("ask", *argv, code=2, stdin=stdin)
    assert said in result.err
    assert result.out == ""
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (make.pdf(), '`bedrock-claude ask -a - "question"` attaches'),
        (make.png(), '`bedrock-claude ask -a - "question"` attaches'),
        (make.zipped("a.txt").replace(b"a", b"\xff"), '`bedrock-claude ask -a - "question"` att'),
        (make.docx(), '`bedrock-claude ask -a - --via converse "question"` attaches'),
        (b"HTTP/1.1 200\n\n" + make.pdf(), '`bedrock-claude ask -a -:application/pdf "question"`'),
        (b"caf\xe9", "`iconv -t UTF-8` converts text"),
        ("text".encode("utf-16"), "`iconv -t UTF-8` converts text"),
    ],
)
def test_what_is_piped_in_and_no_text_has_its_own_way(
    content: bytes, hint: str, run: Run, use: Use
) -> None:
    sandbox = use()
    assert f"hint: {hint}" in run("ask", "Summarise", stdin=content, code=2).err
    if "application/pdf" in hint:
        run("ask", "-a", "-:application/pdf", "Summarise", stdin=content)
        assert len(sandbox.requests) == 1


def test_bad_options_are_told_before_a_pipe_is_read(run: Run, use: Use) -> None:
    use()
    assert "no duration" in run("ask", "--timeout", "soon", code=2, stdin=b"\xff").err
    assert "unknown model" in run("ask", "-m", "sonet", code=2, stdin=b"\xff").err


@pytest.mark.parametrize("flag", ["-s", "--system"])
def test_system_prompt_is_text_or_a_file(flag: str, run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use()
    run("ask", flag, "Be brief", "Hello")
    assert sandbox.requests[-1]["body"]["system"] == "Be brief"
    (tmp_path / "system.txt").write_text("\ufeffFrom a file\n")
    run("ask", flag, f"@{tmp_path}/system.txt", "Hello")
    assert sandbox.requests[-1]["body"]["system"] == "From a file\n"


def test_system_file_may_start_at_home(run: Run, use: Use, home: Path) -> None:
    sandbox = use()
    (home / "s").write_text("From home")
    run("ask", "-s", "@~/s", "Hello")
    assert sandbox.requests[-1]["body"]["system"] == "From home"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"caf\xe9", "is not UTF-8 text (byte 3)"),
        (b" \n", "is empty"),
    ],
)
def test_bad_system_file(
    content: bytes | None, said: str, run: Run, use: Use, tmp_path: Path
) -> None:
    sandbox = use()
    file = tmp_path / "system.txt"
    if content is not None:
        file.write_bytes(content)
    result = run("ask", "-s", f"@{file}", "Hello", code=2)
    assert said in result.err
    assert str(file) in result.err
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--system is empty"),
        ("  ", "--system is blank"),
        ("caf\udce9", "--system is not UTF-8 text"),
        ("@/", "Is a directory"),
        ("@~nobody-here/x", "cannot be read"),
    ],
)
def test_bad_system_text(text: str, said: str, run: Run, use: Use) -> None:
    sandbox = use()
    assert said in run("ask", "-s", text, "Hello", code=2).err
    assert sandbox.requests == []


def test_a_closed_standard_input_is_no_pipe(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    monkeypatch.setattr("tests.conftest._stdin", lambda content: nullcontext(None))
    sandbox = use()
    run("ask", "Hello")
    assert prompt(sandbox) == "Hello"
    assert "standard input, which is closed" in run("ask", "-", code=2).err


def test_a_process_with_many_open_files_reads_its_input(run: Run, use: Use) -> None:
    server = use()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as opened:
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            opened.callback(os.close, os.dup(0))
        run("ask", "-q", stdin="hello")
    assert prompt(server) == "hello"


def test_a_command_leaves_no_connection_open(run: Run, use: Use) -> None:
    use()
    run("ask", "-q", "hello")
    before = sum(1 for _ in Path("/dev/fd").iterdir())
    for _ in range(8):
        run("ask", "-q", "hello")
    assert sum(1 for _ in Path("/dev/fd").iterdir()) < before + 8
