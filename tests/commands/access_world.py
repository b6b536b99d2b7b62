"""Accounts to which models are not open, and what was asked of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_claude_cli import access_form, confirm
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Pipe

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NO_FORM = {"account": {"form": False}}
CHANGES = ("Put", "Create", "Delete")
FORM = {
    "companyName": "Example Corp",
    "companyWebsite": "https://example.com",
    "intendedUsers": "both",
    "industryOption": "Technology",
    "useCases": "Trying things out",
}


def agreement(status: str, **more: Any) -> dict[str, Any]:
    """A rule for Sonnet 4.5: how its agreement stands, and what else of it."""
    return {
        "when": {"model": f"*{SONNET}"},
        "access": {"agreement": status, **more},
    }


def refuse(operation: str, message: str, name: str = "AccessDeniedException") -> dict[str, Any]:
    """A rule: an operation that AWS refuses in these words."""
    return {"when": {"operation": operation}, "error": {"type": name, "message": message}}


def changes(sandbox: Sandbox) -> list[str]:
    """The operations that changed the account, in order."""
    names = [str(each["operation"]) for each in sandbox.requests]
    return [name for name in names if name.startswith(CHANGES)]


def operations(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """Every request for an operation."""
    return [each for each in sandbox.requests if each["operation"] == name]


def sent_form(sandbox: Sandbox) -> dict[str, Any]:
    """The one form that was submitted."""
    (request,) = operations(sandbox, "PutUseCaseForModelAccess")
    form: dict[str, Any] = json.loads(base64.b64decode(request["body"]["formData"]))
    return form


def form_file(folder: Path, **fields: Any) -> str:
    """A form on disk, right but for these fields; None leaves a field out."""
    form = {key: value for key, value in {**FORM, **fields}.items() if value is not None}
    path = folder / "form.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in form.items()))
    return str(path)


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Somebody at a terminal types these lines, then Ctrl-D."""
    stdin = Pipe(terminal=True)
    stdin.write("".join(f"{line}\n" for line in lines))
    stdin.seek(0)
    for module in (confirm, access_form):
        monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=stdin))
