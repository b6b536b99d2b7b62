"""Attachments: what a file is, judged by its content, and whether Bedrock takes it."""

from __future__ import annotations

import sys
from pathlib import Path

from bedrock_claude_cli.bedrock.prompt import Attachment
from bedrock_claude_cli.errors import UsageError


def read(spec: str) -> Attachment:
    """The attachment that `PATH`, `-` or `PATH:type/subtype` names; UsageError where it is none."""
    if spec == "-":
        return Attachment("stdin", "text/plain", sys.stdin.buffer.read())
    path = Path(spec).expanduser()
    try:
        return Attachment(path.name, "text/plain", path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
