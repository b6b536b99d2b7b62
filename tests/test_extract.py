"""Which code block `--extract` picks."""

from __future__ import annotations

import pytest

from bedrock_claude_cli.extract import fenced


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
