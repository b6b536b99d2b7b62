"""`why`: what an error of Bedrock, STS or an SDK means, and what mends it."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from typing import Annotated, Optional

import typer

from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.diagnosis import pasted
from bedrock_claude_cli.diagnosis.answer import Answer, Other, Unknown, diagnose
from bedrock_claude_cli.errors import ExitCode, RejectedError, UsageError
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.terminal import safe

_HOW = '`bedrock-claude why "TEXT"`, or `some-command 2>&1 | bedrock-claude why`'
_PAGE = "https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"
_ELSEWHERE = (
    "`bedrock-claude verify-creds` looks for what is wrong here; a command of bedrock-claude "
    f"shows the whole traceback with --debug; AWS's list of errors: {_PAGE}"
)
_RETRY = {
    "now": "yes: wait a little first; nothing was billed",
    "later": "not now: later, as said above; nothing was billed",
    "maybe-billed": "the model may have worked and been billed: sending it again may bill it twice",
    "no": "no: the same request fails the same way until it is mended",
}
_WIDEST = 100
# What an error is called here to which AWS gives no name.
_NO_NAMES = ("Auth", "Denied", "Rejected", "Unavailable", "Failure")


@as_command
def command(
    ctx: Context,
    text: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[TEXT]", help="The error; `-`, or a pipe, is standard input."),
    ] = None,
) -> None:
    """Explain an error of Bedrock, STS or an SDK, and say what mends it.

    A whole traceback or log will do: of boto3, the AWS CLI, Anthropic's and AWS's SDKs, Claude
    Code, litellm, Terraform or curl. The last error counts. Nothing is sent anywhere.
    """
    content, left_out = _read(text or [])
    if not content.strip():
        raise UsageError("the text is empty", hint=_HOW)
    if left_out is not None:
        ctx.out.note(f"only the last {len(content) >> 10:,} KiB of the text are looked at")
    answer = diagnose(pasted.clean(content), left_out or 0)
    if isinstance(answer, Unknown):
        raise RejectedError(
            f"no error is known in this text; line {answer.line} was taken for one: {answer.text}",
            hint=_ELSEWHERE,
            code="UnknownError",
        )
    if ctx.out.json:
        ctx.out.data(answer)
    elif ctx.out.terminal:
        _show(ctx.out, answer)
    else:
        for label, value in _rows(answer):
            ctx.out.line(f"{label}\t{' '.join(value.split())}")


def _read(words: list[str]) -> tuple[bytes, int | None]:
    """The text, or its end where it is very long, and how many lines were left out then."""
    if words and words != ["-"]:
        return pasted.read(io.BytesIO(" ".join(words).encode("utf-8", "surrogateescape")))
    if sys.stdin is None or (not words and sys.stdin.isatty()):
        raise UsageError("no text", hint=_HOW)
    try:
        return pasted.read(sys.stdin.buffer)
    except OSError as error:
        raise UsageError(f"standard input cannot be read: {error.strerror}") from None


def _rows(answer: Answer) -> list[tuple[str, str]]:
    """The answer as labelled lines, a label as often as there are values."""
    where = f" (line {answer.line})" if answer.line > 1 else ""
    rows = [("error", f"{_said(answer)}{where}"), ("means", answer.means)]
    rows += [("cause", each) for each in answer.causes]
    rows += [("mend", each) for each in answer.mends[:1]]
    if answer.statement:
        rows.append(("policy", json.dumps(answer.statement)))
    rows += [("mend", each) for each in answer.mends[1:]]
    rows.append(("retry", _RETRY[answer.retry]))
    if answer.exit_code is not None:
        name = ExitCode(answer.exit_code).name.lower()
        rows.append(("exit", f"`ask` exits with {answer.exit_code} ({name})"))
    rows += [("also", f"line {each.line}: {_said(each)}") for each in answer.others]
    return rows


def _said(each: Answer | Other) -> str:
    """The error's name in front of its message, once; of a status alone that, for it has none."""
    name = each.code
    if isinstance(each, Answer) and name in _NO_NAMES:
        name = f"HTTP {each.status}" if each.status else ""
    named = name and name not in each.message and not each.message.startswith("HTTP ")
    return f"{name}: {each.message}" if named else each.message


def _show(out: Output, answer: Answer) -> None:
    """The rows for people: wrapped, commands whole, a label once and causes numbered."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    before, number = "", 0
    for label, value in _rows(answer):
        number = number + 1 if label == before else 1
        mark = f"{number}. " if label == "cause" else "- " if label in ("mend", "also") else ""
        shown = f"{'' if label == before else label:8}"
        if out.color:
            shown = f"\x1b[1m{shown}\x1b[0m"
        if label == "policy":
            lines = json.dumps(answer.statement, indent=2).split("\n")
        else:
            lines = _wrapped(safe(value), width - 8 - len(mark))
        for at, line in enumerate(lines):
            head, lead = (shown, mark) if at == 0 else (" " * 8, " " * len(mark))
            out.stdout.write(f"{head}{lead}{line}\n")
        before = label


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a width, broken at blanks outside of `commands`, which stay whole to be copied."""
    lines = [""]
    for word in re.findall(r"(?:`[^`]*`|[^\s`])+|`", text):
        joined = f"{lines[-1]} {word}".lstrip()
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
