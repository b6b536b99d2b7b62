"""`ask -a`: what is attached, from where, and what is refused before anything is sent."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.sandbox import Sandbox
from tests.bedrock import media_samples as make
from tests.commands.ask_help import body
from tests.conftest import Run

Use = Callable[..., Sandbox]
MIB = 1024 * 1024
OVER_HTTP = ["invoke", "sdk", "mantle"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a file in it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "note.txt").write_text("Grass is green.\n")
    return folder


def content(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The content of the last question."""
    found: list[dict[str, Any]] = body(sandbox)["messages"][-1]["content"]
    return found


def test_text_goes_before_the_question_with_its_name(run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "-n", "-a", "note.txt", "Which colour?")
    source = {"type": "text", "media_type": "text/plain", "data": "Grass is green.\n"}
    assert content(sandbox) == [
        {"type": "document", "source": source, "title": "note.txt"},
        {"type": "text", "text": "Which colour?"},
    ]


@pytest.mark.parametrize(
    ("data", "kind", "block"),
    [
        (make.pdf(2), "application/pdf", "document"),
        (make.png(), "image/png", "image"),
        (make.jpeg(), "image/jpeg", "image"),
        (make.gif(), "image/gif", "image"),
        (make.webp(), "image/webp", "image"),
    ],
)
def test_bytes_arrive_as_they_are_under_the_type_that_they_have(
    data: bytes, kind: str, block: str, run: Run, use: Use
) -> None:
    sandbox = use()
    Path("scan.jpg").write_bytes(data)
    run("ask", "-n", "--attach", "scan.jpg", "What?")
    sent = content(sandbox)[0]
    assert (sent["type"], sent["source"]["media_type"]) == (block, kind)
    assert base64.b64decode(sent["source"]["data"]) == data
    assert sent.get("title") == ("scan.jpg" if block == "document" else None)


def test_attachments_keep_their_order(run: Run, use: Use) -> None:
    sandbox = use()
    Path("a.md").write_text("# A")
    Path("b.png").write_bytes(make.png())
    run("ask", "-n", "-a", "b.png", "-a", "note.txt", "-a", "a.md", "What?")
    blocks = content(sandbox)
    assert [each["type"] for each in blocks] == ["image", "document", "document", "text"]
    assert [each.get("title") for each in blocks] == [None, "note.txt", "a.md", None]


@pytest.mark.parametrize("name", ["a:text/csv", "ab:text/csv", "C:report.txt", "x:y", "né 🦜.txt"])
def test_odd_names(name: str, run: Run, use: Use) -> None:
    """What exists under the whole of it is a path."""
    sandbox = use()
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("odd")
    run("ask", "-n", "-a", name, "What?")
    sent = content(sandbox)[0]
    assert (sent["source"]["data"], sent["title"]) == ("odd", Path(name).name)


@pytest.mark.parametrize("name", ["C:/none.txt", "C:text/none.txt", "C:\\none.txt"])
def test_a_drive_is_no_file_with_a_type(name: str, run: Run, use: Use) -> None:
    use()
    assert f"{name} cannot be read: No such file" in run("ask", "-na", name, "?", code=2).err


def test_a_forced_type_and_a_file_of_one_letter(run: Run, use: Use) -> None:
    sandbox = use()
    Path("a").write_text("x,y")
    run("ask", "-n", "-a", "a:text/csv", "What?")
    assert content(sandbox)[0]["title"] == "a"


def test_home(run: Run, use: Use, home: Path) -> None:
    sandbox = use()
    (home / "n.txt").write_text("From home")
    run("ask", "-n", "-a", "~/n.txt", "-a", "~/n.txt:text/plain", "What?")
    assert [each["title"] for each in content(sandbox)[:2]] == ["n.txt", "n.txt"]


def test_a_pipe_is_read_to_its_end(run: Run, use: Use) -> None:
    """What `<(command)` gives, whose name is a mere number."""
    sandbox = use()
    os.mkfifo("7")
    writer = threading.Thread(target=Path("7").write_bytes, args=(make.pdf(),))
    writer.start()
    run("ask", "-n", "-a", "7", "What?")
    writer.join()
    assert content(sandbox)[0]["title"] == "input-7"
    assert content(sandbox)[0]["source"]["media_type"] == "application/pdf"


@pytest.mark.parametrize("spec", ["-", "-:text/csv"])
def test_standard_input_may_be_attached(spec: str, run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "-a", spec, "What?", stdin="id,name\n")
    blocks = content(sandbox)
    assert (blocks[0]["title"], blocks[0]["source"]["data"]) == ("stdin", "id,name\n")
    assert blocks[1:] == [{"type": "text", "text": "What?"}]


def test_standard_input_may_be_a_picture(run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "-a", "-", "What?", stdin=make.png())
    assert content(sandbox)[0]["type"] == "image"


def test_a_file_leaves_standard_input_to_the_question(run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "-a", "note.txt", "What?", stdin="piped")
    assert content(sandbox)[1]["text"] == "piped\n\nWhat?"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-a", "-"], "the question has to be the argument"),
        (["-a", "-", "-"], "the question has to be the argument"),
        (["-a", "-", "-a", "-", "What?"], "attached once, not twice"),
        (["-a", "-", "-a", "-:text/csv", "What?"], "attached once, not twice"),
        (["-n", "-a", "-", "What?"], "--no-stdin does not"),
        (["-a", "note.txt"], "no question"),
        (["-a", "-", " "], "the question has to be the argument"),
        (["-a", "", "What?"], "--attach is empty"),
        (["-a", "-", "What?"], "standard input is empty"),
        (["-a", "none.txt", "What?"], "none.txt cannot be read: No such file or directory"),
        (["-a", "none.txt:text/csv", "What?"], "none.txt cannot be read"),
        (["-a", ".", "What?"], ". is a folder"),
        (["-a", "~nobody-here/x", "What?"], "~nobody-here/x cannot be read"),
        (["-a", "empty", "What?"], "empty is empty"),
        (["-a", "https://example.com/a.pdf", "What?"], "is a URL, and Bedrock fetches none"),
        (["-a", "s3://bucket/a.pdf", "What?"], "is a URL, and Bedrock fetches none"),
        (["-a", "HTTP://x/a:application/pdf", "What?"], "is a URL"),
        (["-a", "note.txt:audio/mpeg", "What?"], "Bedrock takes nothing as audio/mpeg"),
    ],
)
def test_what_is_no_attachment_is_refused(argv: list[str], said: str, run: Run, use: Use) -> None:
    sandbox = use()
    Path("empty").touch()
    result = run("ask", *argv, code=2)
    assert said in result.err
    assert result.out == ""
    assert sandbox.requests == []


def test_what_cannot_be_opened(run: Run, use: Use) -> None:
    use()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("sock")
        assert "sock cannot be read: " in run("ask", "-na", "sock", "?", code=2).err


def test_a_closed_standard_input(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    monkeypatch.setattr("tests.conftest._stdin", lambda content: nullcontext(None))
    use()
    assert "standard input, which is closed" in run("ask", "-a", "-", "What?", code=2).err


def test_a_url_says_what_to_do(run: Run, use: Use) -> None:
    use()
    err = run("ask", "-na", "https://example.com/a.pdf", "What?", code=2).err
    assert "hint: `curl -LO URL` downloads it, then attach the file\n" in err


def by(via: str) -> list[str]:
    """The flags of a way to call, with a model that it offers."""
    return ["--via", via, *(["-m", "haiku-4.5"] if via == "mantle" else [])]


def refused(run: Run, sandbox: Sandbox, *argv: str) -> str:
    """What is said of a request that is refused before it is sent."""
    result = run("ask", "-n", *argv, "What?", code=6)
    assert sandbox.requests == []
    assert result.out == ""
    return result.err


@pytest.mark.parametrize("via", [*OVER_HTTP, "converse"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (make.png(8001, 5), "has 8,001 x 5 pixels, and Bedrock takes at most 8,000 a side"),
        (make.jpeg(5, 8001), "has 5 x 8,001 pixels"),
        (
            make.png().ljust(3_932_161, b"\0"),
            "has 3,932,161 bytes, and Bedrock takes images of at most 3,932,160 (3.75 MB)",
        ),
        (bytes(20_000_001), "has 20,000,001 bytes, and a whole request at most 20,000,000"),
        (make.pdf(encrypt="AES-256"), "is encrypted"),
        (make.pdf()[:99], "is a damaged PDF"),
        (b"caf\xe9", "is not UTF-8 text (byte 3)"),
        (b"\0\1\2", "is of no type that Bedrock takes"),
    ],
)
def test_what_is_too_large_or_unreadable_is_not_sent(
    data: bytes, said: str, via: str, run: Run, use: Use
) -> None:
    sandbox = use()
    Path("big").write_bytes(data)
    assert f"error: big {said}" in refused(run, sandbox, *by(via), "-a", "big")


def test_what_is_just_not_too_large_is_sent(run: Run, use: Use) -> None:
    sandbox = use()
    Path("wide.png").write_bytes(make.png(8000, 8000))
    Path("heavy.gif").write_bytes(make.gif().ljust(3_932_160, b"\0"))
    run("ask", "-n", "-a", "wide.png", "-a", "heavy.gif", "What?")
    assert [each["type"] for each in content(sandbox)] == ["image", "image", "text"]


@pytest.mark.parametrize("via", OVER_HTTP)
def test_a_hundred_pages_a_request(via: str, run: Run, use: Use) -> None:
    sandbox = use()
    Path("a.pdf").write_bytes(make.pdf(60))
    Path("b.pdf").write_bytes(make.pdf(41))
    argv = by(via)
    err = refused(run, sandbox, *argv, "-a", "a.pdf", "-a", "b.pdf")
    assert "a.pdf, b.pdf together have 101 pages, and Bedrock takes at most 100" in err
    Path("b.pdf").write_bytes(make.pdf(40))
    run("ask", "-n", *argv, "-a", "a.pdf", "-a", "b.pdf", "--dry-run", "What?")


@pytest.mark.parametrize("via", ["invoke", "converse", "sdk", "mantle"])
def test_pages_are_held_to_the_limit_on_every_way_to_call(run: Run, use: Use, via: str) -> None:
    sandbox = use()
    Path("a.pdf").write_bytes(make.pdf(101))
    argv = ["ask", "-n", "-m", "haiku-4.5", "--via", via, "-a", "a.pdf", "What?"]
    assert "a.pdf has 101 pages, and Bedrock takes at most 100 in" in run(*argv, code=6).err
    assert sandbox.requests == []
    Path("a.pdf").write_bytes(make.pdf(100))
    run(*argv, "--dry-run")


def test_twenty_images_and_five_documents_in_converse(run: Run, use: Use) -> None:
    sandbox = use()
    Path("a.png").write_bytes(make.png())
    images = [word for _ in range(20) for word in ("-a", "a.png")]
    documents = [word for _ in range(5) for word in ("-a", "note.txt")]
    converse = ["--via", "converse"]
    run("ask", "-n", *converse, *images, *documents, "What?")
    assert len(sandbox.requests) == 1
    sandbox.requests.clear()
    err = refused(run, sandbox, *converse, *images, "-a", "a.png")
    assert "21 images are attached, and Converse takes at most 20 in a request" in err
    err = refused(run, sandbox, *converse, *documents, "-a", "note.txt")
    assert "6 documents are attached, and Converse takes at most 5 in a request" in err
    assert "hint: attach fewer, or use `--via invoke`" in err
    run("ask", "-n", *images, "-a", "a.png", *documents, "-a", "note.txt", "What?")


def test_the_size_of_a_document_in_converse(run: Run, use: Use) -> None:
    sandbox = use()
    most = int(4.5 * MIB)
    Path("a.txt").write_bytes(b"x" * (most + 1))
    err = refused(run, sandbox, "--via", "converse", "-a", "a.txt")
    assert "a.txt has 4,718,593 bytes, and Converse takes documents of at most 4,718,592" in err


def test_the_body_counts_in_base64(run: Run, use: Use) -> None:
    """Fifteen million bytes are twenty million in base64."""
    sandbox = use()
    Path("a.pdf").write_bytes(make.pdf() + b"%" + b"x" * 15_000_000 + b"\n")
    err = refused(run, sandbox, "-a", "a.pdf")
    assert "bytes, and Bedrock takes at most 20,000,000" in err


@pytest.mark.parametrize("via", OVER_HTTP)
@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_office_files_are_for_converse(kind: str, via: str, run: Run, use: Use) -> None:
    sandbox = use()
    Path("report").write_bytes(getattr(make, kind)())
    err = refused(run, sandbox, *by(via), "-a", "report")
    assert f"report is {kind}, which only Converse takes" in err
    assert "hint: `--via converse`" in err
    shown = run("ask", "-n", "--via", "converse", "-a", "report", "--dry-run", "What?").out
    sent = json.loads(shown)["request"]["messages"][0]["content"][0]["document"]
    assert sent["format"] == kind


@pytest.mark.parametrize(
    ("key", "data", "said"),
    [
        ("vision", make.png(), "Claude Sonnet 4.5 sees no images"),
        ("pdf", make.pdf(), "Claude Sonnet 4.5 reads no PDF"),
    ],
)
def test_a_model_that_cannot_names_those_that_can(
    key: str, data: bytes, said: str, run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, lacking = catalog.load(), cast("Any", {key: False})
    models = tuple(
        model._replace(**lacking) if model.alias == "sonnet-4.5" else model
        for model in known.models
    )
    monkeypatch.setattr(catalog, "load", lambda: known._replace(models=models))
    sandbox = use()
    Path("file").write_bytes(data)
    err = refused(run, sandbox, "-a", "file")
    assert said in err
    (hint,) = (line for line in err.splitlines() if line.startswith("hint: "))
    assert "haiku-4.5" in hint
    assert "sonnet-4.5" not in hint
    assert "opus-3" not in hint
    run("ask", "-n", "-a", "note.txt", "What?")


def test_a_preset_may_attach(run: Run, use: Use, here: Path) -> None:
    sandbox = use()
    Path("config.yaml").write_text(f"presets: {{rules: {{attach: ['{here}/note.txt']}}}}\n")
    run("ask", "-n", "--config", "config.yaml", "-t", "rules", "What?")
    assert content(sandbox)[0]["title"] == "note.txt"
