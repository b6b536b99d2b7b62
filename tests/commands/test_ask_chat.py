"""`ask --chat`: what is sent again, what is kept, and every way that it is not."""

from __future__ import annotations

import base64
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import body
from tests.conftest import Run

Use = Callable[..., Sandbox]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def text(role: str, said: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": said}]}


@pytest.fixture
def kept(home: Path) -> Path:
    """The file of the chat `plan`."""
    return home / ".local" / "state" / "bedrock-claude" / "chats" / "plan.json"


def write(path: Path, content: Any) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return data


def turns(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["messages"]
    return found


class TestKept:
    """A conversation that goes on."""

    def test_earlier_turns_are_sent_again(self, run: Run, use: Use, kept: Path) -> None:
        sandbox = use({"reply": {"text": "One."}})
        run("ask", "Count", "--chat", "plan")
        assert body(sandbox)["messages"] == [text("user", "Count")]
        run("ask", "On", "--chat", "plan")
        sent = [text("user", "Count"), text("assistant", "One."), text("user", "On")]
        assert body(sandbox)["messages"] == sent
        assert turns(kept) == [*sent, text("assistant", "One.")]

    def test_the_file_is_plain_json_for_its_owner(self, run: Run, use: Use, kept: Path) -> None:
        use({"reply": {"text": "Ja, \u8a9e."}})
        run("ask", "Count", "--chat", "plan", "-m", "haiku-4.5")
        found = json.loads(kept.read_text("utf-8"))
        assert list(found) == ["schema", "model", "system", "messages"]
        assert found["schema"] == 1
        assert "haiku-4-5" in found["model"]
        assert "\u8a9e" in kept.read_text("utf-8")
        assert kept.stat().st_mode & 0o777 == 0o600
        for folder in (kept.parent, kept.parent.parent):
            assert folder.stat().st_mode & 0o777 == 0o700
        assert sorted(each.name for each in kept.parent.iterdir()) == ["plan.json", "plan.lock"]

    def test_xdg_state_home(self, run: Run, use: Use, tmp_path: Path, kept: Path) -> None:
        use()
        run("ask", "Hi", "--chat", "plan", env={"XDG_STATE_HOME": str(tmp_path / "s")})
        assert (tmp_path / "s" / "bedrock-claude" / "chats" / "plan.json").is_file()
        assert not kept.exists()

    def test_without_chat_nothing_is_stored(self, run: Run, use: Use, home: Path) -> None:
        use()
        run("ask", "Hi")
        assert list(home.rglob("*")) == []

    @pytest.mark.parametrize("flag", [["--dry-run"], ["--count-tokens"], ["--code", "curl"]])
    def test_what_asks_nothing_keeps_nothing(
        self, flag: list[str], run: Run, use: Use, kept: Path
    ) -> None:
        use()
        run("ask", "Hi", "--chat", "plan", *flag)
        assert not kept.parent.exists()
        before = write(kept, {"schema": 1, "messages": [text("user", "A"), text("assistant", "B")]})
        shown = run("ask", "Hi", "--chat", "plan", *flag).out
        assert kept.read_bytes() == before
        if flag == ["--dry-run"]:
            assert len(json.loads(shown)["request"]["body"]["messages"]) == 3

    def test_the_system_prompt_stays_until_another_is_given(
        self, run: Run, use: Use, kept: Path
    ) -> None:
        sandbox = use()
        run("ask", "Hi", "--chat", "plan", "-s", "Be kind.")
        run("ask", "Hi", "--chat", "plan")
        assert body(sandbox)["system"] == "Be kind."
        run("ask", "Hi", "--chat", "plan", "-s", "Be brief.")
        run("ask", "Hi", "--chat", "plan")
        assert body(sandbox)["system"] == "Be brief."

    def test_attachments_of_earlier_turns_are_sent_again(
        self, run: Run, use: Use, tmp_path: Path, kept: Path
    ) -> None:
        sandbox = use()
        (tmp_path / "dot.png").write_bytes(PNG)
        (tmp_path / "notes.md").write_text("# Notes\n")
        run("ask", "What?", "--chat", "plan", "-a", f"{tmp_path}/dot.png", "-a",
            f"{tmp_path}/notes.md", "--citations", "--cache", "5m")  # fmt: skip
        for block in turns(kept)[0]["content"]:
            assert not {"cache_control", "citations"} & set(block)
        run("ask", "And?", "--chat", "plan", "--citations", "--cache", "5m")
        first, answer, second = body(sandbox)["messages"]
        kinds = [block["type"] for block in first["content"]]
        assert kinds == ["image", "document", "text"]
        assert base64.b64decode(first["content"][0]["source"]["data"]) == PNG
        assert first["content"][1]["citations"] == {"enabled": True}
        assert "cache_control" in answer["content"][-1]
        assert second == text("user", "And?")

    def test_limits_are_those_of_all_turns(
        self, run: Run, use: Use, tmp_path: Path, kept: Path
    ) -> None:
        sandbox = use()
        writer = PdfWriter()
        for _ in range(40):
            writer.add_blank_page(10, 10)
        writer.write(tmp_path / "a.pdf")
        pdf = ("-a", f"{tmp_path}/a.pdf")
        argv = ("ask", "What?", "--chat", "plan")
        run(*argv, *pdf)
        before = kept.read_bytes()
        result = run(*argv, *pdf, *pdf, code=6)
        assert "120 pages, and Bedrock takes at most 100" in result.err
        assert len(sandbox.requests) == 1
        assert kept.read_bytes() == before
        result = run(*argv, "--via", "converse", *pdf)
        assert "citations are on" in result.err
        names = [
            block["document"]["name"]
            for turn in body(sandbox)["messages"]
            for block in turn["content"]
            if "document" in block
        ]
        assert len(set(names)) == len(names) == 2

    def test_the_answer_to_a_schema_is_kept_as_text(self, run: Run, use: Use, kept: Path) -> None:
        use({"reply": {"text": '{"n": 1}'}})
        run("ask", "Hi", "--chat", "plan", "--schema", '{"type": "object"}')
        said = turns(kept)[1]["content"]
        assert [block["type"] for block in said] == ["text"]
        assert json.loads(said[0]["text"]) == {"n": 1}

    def test_the_sandboxs_answers_are_kept_apart(self, run: Run, use: Use, kept: Path) -> None:
        run("ask", "Hi", "--chat", "plan", "--sandbox")
        assert json.loads(kept.read_bytes())["sandbox"] is True
        run("ask", "Hi", "--chat", "plan", "--sandbox")
        use()
        result = run("ask", "Hi", "--chat", "plan", code=2)
        assert "holds the sandbox's canned answers" in result.err


class TestNotKept:
    """The file is as it was."""

    @pytest.fixture
    def before(self, kept: Path) -> bytes:
        return write(kept, {"schema": 1, "messages": [text("user", "A"), text("assistant", "B")]})

    @pytest.mark.parametrize(
        ("rule", "code"),
        [
            ({"reply": {"stop_reason": "max_tokens"}}, 10),
            ({"reply": {"stop_reason": "refusal"}}, 10),
            ({"reply": {"words": 9}, "stream": {"cut_after": 3}}, 10),
            ({"error": {"type": "AccessDeniedException"}}, 5),
        ],
    )
    def test_what_is_no_whole_answer(
        self, rule: dict[str, Any], code: int, run: Run, use: Use, kept: Path, before: bytes
    ) -> None:
        use(rule)
        result = run("ask", "Hi", "--chat", "plan", code=code)
        assert kept.read_bytes() == before
        assert ("an answer that is not whole is not kept" in result.err) == (code == 10)

    def test_allow_incomplete_keeps_what_max_tokens_cut(
        self, run: Run, use: Use, kept: Path, before: bytes
    ) -> None:
        use({"reply": {"text": "Half an", "stop_reason": "max_tokens"}})
        run("ask", "Hi", "--chat", "plan", "--allow-incomplete")
        assert turns(kept)[-1] == text("assistant", "Half an")

    @pytest.mark.parametrize(
        "rule",
        [
            {"reply": {"stop_reason": "refusal"}},
            {"reply": {"words": 9}, "stream": {"cut_after": 3}},
        ],
    )
    def test_allow_incomplete_keeps_nothing_else(
        self, rule: dict[str, Any], run: Run, use: Use, kept: Path, before: bytes
    ) -> None:
        use(rule)
        run("ask", "Hi", "--chat", "plan", "--allow-incomplete")
        assert kept.read_bytes() == before

    def test_ctrl_c(self, use: Use, kept: Path, before: bytes) -> None:
        use({"reply": {"words": 1000}, "stream": {"gap_ms": 30}})
        process = subprocess.Popen(
            [sys.executable, "-m", "bedrock_claude_cli", "ask", "-n", "Hi", "--chat", "plan"],
            stdout=subprocess.PIPE,
        )
        assert process.stdout
        process.stdout.read(3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert kept.read_bytes() == before
        assert sorted(each.name for each in kept.parent.iterdir()) == ["plan.json", "plan.lock"]

    @pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
    def test_a_full_disk(
        self, step: str, run: Run, use: Use, kept: Path, before: bytes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        sandbox = use({"reply": {"text": "The answer."}})

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(step, full)
        result = run("ask", "Hi", "--chat", "plan", code=1)
        assert result.out == "The answer.\n"
        assert f"error: the chat was not saved to {kept}: No space left on device" in result.err
        assert kept.read_bytes() == before
        assert sorted(each.name for each in kept.parent.iterdir()) == ["plan.json", "plan.lock"]
        assert len(sandbox.requests) == 1

    def test_json_of_an_answer_that_could_not_be_saved(
        self, run: Run, use: Use, before: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use({"reply": {"text": "The answer."}})

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("os.fsync", full)
        result = run("ask", "Hi", "--chat", "plan", "--json", code=1)
        assert json.loads(result.out)["text"] == "The answer."
        assert json.loads(result.err)["error"]["exit_code"] == 1


class TestRefused:
    """Before anything is sent."""

    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", "../x", "a/b", "/etc/x", ".hidden", "a b", "a\n", "x" * 101, "\u00e9"],
    )
    def test_a_name_is_no_path(self, name: str, run: Run, use: Use, home: Path) -> None:
        sandbox = use()
        result = run("ask", "Hi", f"--chat={name}", code=2)
        assert "--chat takes a name" in result.err
        assert sandbox.requests == []
        assert list(home.rglob("*")) == []

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[" * 100_000,
            [],
            {},
            {"schema": 2, "messages": []},
            {"schema": 1},
            {"schema": 1, "messages": {}},
            {"schema": 1, "messages": [text("user", "A")]},
            {"schema": 1, "messages": [text("assistant", "A"), text("user", "B")]},
            {"schema": 1, "messages": [{"role": "user", "content": []}, text("assistant", "A")]},
            {"schema": 1, "messages": [{"role": "user"}, text("assistant", "A")]},
            {"schema": 1, "messages": [{"role": "user", "content": [{"type": "tool_result"}]},
                                       text("assistant", "A")]},
            {"schema": 1, "messages": [{"role": "user", "content": [{"type": "image"}]},
                                       text("assistant", "A")]},
            {"schema": 1, "messages": [], "system": ["x"]},
            {"schema": 1, "messages": [text("user", "\ud800"), text("assistant", "A")]},
            {"schema": 1, "messages": [1, 2]},
        ],
        ids=lambda value: str(value)[:40],
    )  # fmt: skip
    def test_a_foreign_file_is_left_alone(
        self, content: Any, run: Run, use: Use, kept: Path
    ) -> None:
        sandbox = use()
        before = write(kept, content)
        result = run("ask", "Hi", "--chat", "plan", code=3)
        assert f"error: {kept} is no chat of this tool: " in result.err
        assert "hint: it was left as it is" in result.err
        assert kept.read_bytes() == before
        assert sandbox.requests == []

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "it is empty"),
            (b'{\n "schema": 1,,', "it is not JSON (line 2, column 14)"),
            (b'{"a": "\xff"}', "it is not UTF-8 text (byte 7)"),
        ],
    )
    def test_what_is_no_json_is_told_plainly(
        self, content: bytes, why: str, run: Run, use: Use, kept: Path
    ) -> None:
        use()
        write(kept, content)
        result = run("ask", "Hi", "--chat", "plan", code=3)
        assert result.err.splitlines()[0].endswith(f"is no chat of this tool: {why}")

    @pytest.mark.parametrize("state", ["", "relative"])
    def test_without_a_home_there_is_no_folder(self, state: str, run: Run, use: Use) -> None:
        sandbox = use()
        env = {"HOME": "", "XDG_STATE_HOME": state}
        result = run("ask", "Hi", "--chat", "plan", code=3, env=env)
        assert "hint: set HOME or XDG_STATE_HOME" in result.err
        assert sandbox.requests == []

    def test_neither_a_folder_nor_a_pipe_is_read(self, run: Run, use: Use, kept: Path) -> None:
        use()
        kept.mkdir(parents=True)
        assert "it is no file" in run("ask", "Hi", "--chat", "plan", code=3).err
        kept.rmdir()
        os.mkfifo(kept)
        assert "it is no file" in run("ask", "Hi", "--chat", "plan", code=3).err

    def test_a_state_folder_that_cannot_be_made(self, run: Run, use: Use, tmp_path: Path) -> None:
        sandbox = use()
        (tmp_path / "file").write_text("")
        env = {"XDG_STATE_HOME": str(tmp_path / "file")}
        result = run("ask", "Hi", "--chat", "plan", code=1, env=env)
        assert "the chat cannot be kept" in result.err
        assert sandbox.requests == []

    def test_another_process_holds_it(self, run: Run, use: Use, kept: Path) -> None:
        sandbox = use()
        run("ask", "Hi", "--chat", "plan")
        with (kept.parent / "plan.lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            result = run("ask", "Hi", "--chat", "plan", code=1)
            told = run("ask", "Hi", "--chat", "plan", "--json", code=1)
            run("ask", "Hi", "--chat", "other")
            run("ask", "Hi", "--chat", "plan", "--dry-run")
        assert json.loads(told.err)["error"]["code"] == "Failure"
        assert f"the chat plan is in use by process {os.getpid()}" in result.err
        assert len(sandbox.requests) == 2
        run("ask", "Hi", "--chat", "plan")

    def test_of_two_at_once_one_is_refused_and_none_is_lost(self, use: Use, kept: Path) -> None:
        sandbox = use({"reply": {"words": 20}, "stream": {"gap_ms": 20}})
        argv = [sys.executable, "-m", "bedrock_claude_cli", "ask", "-n", "Hi", "--chat", "plan"]
        codes: list[int] = []

        def start() -> None:
            codes.append(subprocess.run(argv, capture_output=True, check=False).returncode)

        threads = [threading.Thread(target=start) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(codes) <= {0, 1}
        assert codes.count(0) == len(sandbox.requests) == len(turns(kept)) // 2 >= 1


class TestTooLong:
    """A conversation that outgrows the model's context."""

    def test_what_can_fit_by_no_count_is_not_sent(self, run: Run, use: Use, kept: Path) -> None:
        sandbox = use()
        said = text("user", "word " * 500_000)
        before = write(kept, {"schema": 1, "messages": [said, text("assistant", "B")]})
        result = run("ask", "Hi", "--chat", "plan", code=6)
        assert "the conversation has 2,500,003 characters, about 714,3" in result.err
        assert "more than the 200,000 of Claude Sonnet 4.5" in result.err
        assert "another --chat NAME" in result.err
        assert sandbox.requests == []
        assert kept.read_bytes() == before

    def test_what_aws_counts_as_too_long_says_by_how_much(
        self, run: Run, use: Use, kept: Path
    ) -> None:
        told = "prompt is too long: 201234 tokens > 200000 maximum"
        use({"error": {"type": "ValidationException", "message": told}})
        said = text("user", "word " * 10)
        before = write(kept, {"schema": 1, "messages": [said, text("assistant", "B")]})
        result = run("ask", "Hi", "--chat", "plan", code=6)
        assert "hint: it is 1,234 tokens too long: " in result.err
        assert "begin another --chat" in result.err
        assert kept.read_bytes() == before
