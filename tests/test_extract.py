"""Which code block `--extract` picks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bedrock_claude_cli.extract import fenced
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("```\na\n```", None, "a\n"),
        ("x\n```py\na\n\nb\n```\n```\nc\n```", None, "a\n\nb\n"),
        ("~~~\na\n```\n~~~", None, "a\n```\n"),
        ("````md\n```sh\nls\n```\n````", None, "```sh\nls\n```\n"),
        ("````md\n```sh\nls\n```\n````", "sh", None),
        ("```\na\n`````", None, "a\n"),
        ("1. do\n   ```sh\n   if a\n     b\n \n   ```", None, "if a\n  b\n\n"),
        ("```sh\r\nls\r\n```\r\n", "sh", "ls\r\n"),
        ("```Python title=x.py\na\n```", "PYTHON", "a\n"),
        ("```pythonic\na\n```", "python", None),
        ("```\na\n```", "python", None),
        ("```js\na\n```\n~~~ python\nb\n~~~", "python", "b\n"),
        ("```\nnever closed\n", None, "never closed\n"),
        ("```\n```", None, ""),
        ("```", None, ""),
        ("a ```not a fence``` b", None, None),
        ("```inline``` is no fence", None, None),
        ("``\na\n``", None, None),
        ("no code", None, None),
        ("", None, None),
    ],
)
def test_the_first_block(text: str, language: str | None, code: str | None) -> None:
    assert fenced(text, language) == code


def test_many_blocks_of_another_language_are_no_trouble() -> None:
    assert fenced("```js\na\n```\n" * 5000 + "```py\nb\n```", "py") == "b\n"


PIPED = "```js\na\n```\n```python\nb\n```\n"


@pytest.mark.parametrize(
    ("flags", "code", "question"),
    [
        (["-x", "python", "hi"], "b\n", "hi"),
        (["hi", "-x", "python"], "b\n", "hi"),
        (["-nx", "python", "hi"], "b\n", "hi"),
        (["--extract", "python", "hi"], "b\n", "hi"),
        (["-xpython", "hi"], "b\n", "hi"),
        (["-x", "hi"], "a\n", "hi"),
        (["-x", "python code, please"], "a\n", "python code, please"),
        (["-s", "-x", "hi"], PIPED, "hi"),
    ],
)
def test_the_language_may_stand_apart(
    run: Run, use: Callable[..., Sandbox], flags: list[str], code: str, question: str
) -> None:
    server = use({"reply": {"text": PIPED}})
    assert run("ask", "-q", *flags).out == code
    assert server.requests[0]["body"]["messages"][0]["content"][0]["text"] == question


def test_a_language_is_not_asked_when_the_question_is_piped(
    run: Run, use: Callable[..., Sandbox]
) -> None:
    server = use({"reply": {"text": PIPED}})
    assert run("ask", "-q", "-x", "python", stdin="hello").out == "b\n"
    assert server.requests[0]["body"]["messages"][0]["content"][0]["text"] == "hello"
