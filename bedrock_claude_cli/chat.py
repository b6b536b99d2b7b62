"""`--chat NAME`: a conversation on disk, held by one process at a time and replaced as a whole."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bedrock_claude_cli import config
from bedrock_claude_cli.bedrock import messages
from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.errors import CliError, ConfigError, UsageError

SCHEMA = 1
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_BLOCKS = ("text", "image", "document")


class Chat:
    """One conversation: its earlier turns in the Messages API's shape, and its system prompt."""

    def __init__(self, path: Path, *, sandbox: bool) -> None:
        self.path = path
        self.sandbox = sandbox
        self.turns: tuple[Mapping[str, Any], ...] = ()
        self.system: str | None = None

    def read(self) -> None:
        """What is kept so far; ConfigError where the file is none of ours or cannot be read."""
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise self._foreign("it is no file")
            text = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(f"the chat {self.path} cannot be read: {error.strerror}") from None
        try:
            found = _json(text)
            if not isinstance(found, dict):
                raise ValueError("it is not a JSON object")
            if found["schema"] != SCHEMA:
                raise ValueError(
                    f"its schema is {found['schema']}, and this version reads {SCHEMA}"
                )
            self.turns = tuple(_turns(found["messages"]))
            list(messages.attached(self.turns))
            self.system = _text_or_none(found.get("system"))
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair cannot be sent
        except (KeyError, TypeError, AttributeError, RecursionError):
            raise self._foreign("it is not as this tool writes it") from None
        except ValueError as error:
            raise self._foreign(str(error)) from None
        if bool(found.get("sandbox")) != self.sandbox:
            whose = "answers of AWS" if self.sandbox else "the sandbox's canned answers"
            raise UsageError(
                f"the chat {self.path.stem} holds {whose}", hint="use another --chat NAME"
            )

    def _foreign(self, why: str) -> ConfigError:
        hint = "it was left as it is; move it away, or use another --chat NAME"
        return ConfigError(f"{self.path} is no chat of this tool: {why}", hint=hint)

    def keep(self, request: Request, answer: Answer, *, allowed: bool) -> str | None:
        """Save the question and its answer, or say why not; CliError where saving fails.

        Only a whole answer is kept, and with `allowed` one that --max-tokens cut.
        """
        cut = allowed and answer.stop_reason == "max_tokens" and answer.error is None
        if not (answer.complete or cut):
            return "the chat is as it was: an answer that is not whole is not kept"
        if not answer.text.strip():
            return "the chat is as it was: the answer has no text"
        self._save(request, answer)
        return None

    def _save(self, request: Request, answer: Answer) -> None:
        said = messages.turn("assistant", answer.text)
        kept = {
            "schema": SCHEMA,
            **({"sandbox": True} if self.sandbox else {}),
            "model": answer.model,
            "system": request.system,
            "messages": [*self.turns, messages.asked(request), said],
        }
        try:
            _replace(self.path, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            raise CliError(
                f"the chat was not saved to {self.path}: {error.strerror}",
                hint="the answer above is whole; the chat is as it was before the question",
            ) from None


@contextmanager
def opened(name: str, environ: Mapping[str, str], *, sandbox: bool, keep: bool) -> Iterator[Chat]:
    """The conversation of that name, locked until the end if it shall be kept.

    UsageError for a name that is none, CliError while another process holds the conversation.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--chat takes a name of letters, figures, `.`, `_` and `-`, not `{name}`")
    folder = config.xdg_folder(environ, "XDG_STATE_HOME", ".local/state") / "chats"
    homeless = (
        environ.get("HOME") == "" and not Path(environ.get("XDG_STATE_HOME", "")).is_absolute()
    )
    if homeless or not folder.is_absolute():
        raise ConfigError("--chat has no folder to keep it in", hint="set HOME or XDG_STATE_HOME")
    chat = Chat(folder / f"{name}.json", sandbox=sandbox)
    if not keep:
        chat.read()
        yield chat
        return
    with _locked(folder, name):
        chat.read()
        yield chat


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    """Hold a file beside the conversation, for the conversation's own is replaced at each turn."""
    path = folder / f"{name}.lock"
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise CliError(f"the chat cannot be kept: {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip()
            who = f" by process {holder}" if holder.isdecimal() else ""
            raise CliError(
                f"the chat {name} is in use{who}",
                hint="wait for its answer, or use another --chat NAME",
            ) from None
        except OSError as error:
            raise CliError(f"the chat cannot be locked: {path}: {error.strerror}") from None
        with suppress(OSError):  # who holds it is a courtesy, and a full disk is told when saving
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
        yield


def _replace(path: Path, text: str) -> None:
    """Write a file of mode 0600 so that at any time the old or the new one is whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text (byte {error.start:,})") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"it is not JSON ({where})" if text.strip() else "it is empty") from None


def _turns(found: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(found, list) or len(found) % 2:
        raise ValueError("its messages are no list of questions and answers")
    for index, each in enumerate(found):
        role = ("user", "assistant")[index % 2]
        if each["role"] != role:
            raise ValueError(f"its message {index + 1} is not the {role}'s")
        turn = messages.turn(role, each["content"])
        blocks = turn["content"]
        if not isinstance(blocks, list) or not blocks:
            raise ValueError(f"its message {index + 1} has no content")
        for block in blocks:
            if block["type"] not in _BLOCKS or not isinstance(block.get("text", ""), str):
                raise ValueError(f"its message {index + 1} has a block that is not read here")
        yield turn


def _text_or_none(found: Any) -> str | None:
    if found is not None and not isinstance(found, str):
        raise ValueError("its system prompt is no text")
    return found
