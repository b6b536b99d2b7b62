"""The question before an account is changed."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bedrock_claude_cli import confirm
from bedrock_claude_cli.sandbox import Sandbox
from tests import logging_state as made
from tests.conftest import Pipe, Run

Use = Callable[..., Sandbox]


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Somebody at a terminal types this."""
    stdin = Pipe(terminal=True)
    stdin.write(text)
    stdin.seek(0)
    monkeypatch.setattr(confirm, "sys", SimpleNamespace(stdin=stdin))


def test_a_yes_goes_ahead(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    typed(monkeypatch, "y\n")
    result = run("enable-logging", terminal=True)
    assert "Make these changes in account 000000000000, us-east-1? [y/N] " in result.err
    assert made.config() is not None


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n"])
def test_anything_else_is_exit_1_and_changes_nothing(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    use()
    typed(monkeypatch, answer)
    result = run("enable-logging", terminal=True, code=1)
    assert "nothing was changed" in result.err
    assert made.config() is None and made.group() is None


def test_disable_asks_the_same_way(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    run("enable-logging", "--yes")
    typed(monkeypatch, "n\n")
    assert "nothing was changed" in run("logs", "disable", terminal=True, code=1).err
    typed(monkeypatch, "yes\n")
    run("logs", "disable", terminal=True)
    assert made.config() is None
