"""Cited answers: markers in the text and numbered sources after it; thinking on stderr."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.sandbox import Sandbox
from bedrock_claude_cli.terminal import AsideWriter, RawWriter, answer_writer
from bedrock_claude_cli.terminal.citations import CitedWriter, listing
from tests.bedrock import media_samples as make
from tests.commands.ask_help import body
from tests.conftest import Run

Use = Callable[..., Sandbox]
FOUR = ["invoke", "converse", "sdk", "mantle"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to stand in, with a text and a PDF."""
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("Grass is green.\nThe sky is blue.\n")
    Path("b.pdf").write_bytes(make.pdf(3))


def page(first: int, after: int, **more: Any) -> dict[str, Any]:
    """A citation of pages, as the Messages API has it."""
    place = {"start_page_number": first, "end_page_number": after}
    about = {"document_index": 0, "document_title": "b.pdf", "cited_text": "Blue sky"}
    return {"type": "page_location", **about, **place, **more}


def said(text: str, *citations: dict[str, Any]) -> dict[str, Any]:
    """A rule that replies with a cited text."""
    return {"reply": {"text": text, "citations": list(citations)}}


def by(via: str) -> list[str]:
    """The flags of a way to call, with a model that it offers."""
    return ["--via", via, *(["-m", "haiku-4.5"] if via == "mantle" else [])]


@pytest.mark.parametrize("via", FOUR)
@pytest.mark.parametrize("flags", [[], ["--no-stream"]])
def test_sources_are_numbered_behind_what_they_are_for(
    flags: list[str], via: str, run: Run, use: Use
) -> None:
    use()
    out = run(
        "ask", "-n", *by(via), *flags, "-a", "a.txt", "-a", "b.pdf", "--citations", "What?"
    ).out
    text, _, sources = out.partition("\n\n")
    dot = "-" if via == "converse" else "."  # the name that the sandbox was sent
    assert text.endswith(f"It cites a{dot}txt.[1] It cites b{dot}pdf.[2]")
    assert sources.splitlines() == [
        '[1] a.txt, characters 1-33: "Grass is green. The sky is blue."',
        '[2] b.pdf, page 1: "The sandbox reads no PDF: page 1 of 3."',
    ]


@pytest.mark.parametrize("flags", [[], ["--no-stream"]])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The sky is blue.", "The sky is blue.[1]\n"),
        ("The sky is blue. ", "The sky is blue.[1] \n"),
        ("Blue.\n\n", "Blue.[1]\n"),
        ("- green\n- blue\n", "- green\n- blue[1]\n"),
        ("|a|b|\n|-|-|\n|1| 2 |\n", "|a|b|\n|-|-|\n|1| 2[1] |\n"),
        ("So:\n```\nls\n```\n", "So:\n```\nls\n```\n[1]\n"),
        ("So:\n> ~~~~\n> ls\n> ~~~~", "So:\n> ~~~~\n> ls\n> ~~~~\n[1]\n"),
        ("   ", "[1]   \n"),
    ],
)
def test_a_marker_stands_before_the_line_ends(
    text: str, shown: str, flags: list[str], run: Run, use: Use
) -> None:
    use(said(text, page(1, 2)))
    out = run("ask", *flags, "-na", "b.pdf", "--citations", "What?").out
    assert out == f'{shown}\n[1] b.pdf, page 1: "Blue sky"\n'


def test_several_sources_of_one_text(run: Run, use: Use) -> None:
    use(said("Blue.", page(3, 4), page(1, 3), page(3, 4), page(3, 4, document_index=1)))
    out = run("ask", "-na", "b.pdf", "--citations", "What?").out
    assert out == (
        "Blue.[1][2][3]\n\n"
        '[1] b.pdf, page 3: "Blue sky"\n'
        '[2] b.pdf, pages 1-2: "Blue sky"\n'
        '[3] b.pdf, page 3: "Blue sky"\n'
    )


def test_json_has_the_citations_and_no_markers(run: Run, use: Use) -> None:
    use(said("Blue.", page(3, 4), page(1, 3), page(3, 4)))
    answer = json.loads(run("ask", "-na", "b.pdf", "--citations", "--json", "What?").out)
    assert answer["text"] == "Blue."
    assert [(each["number"], each["position"]) for each in answer["citations"]] == [
        (1, 5),
        (2, 5),
        (1, 5),
    ]
    assert answer["citations"][1]["cited_text"] == "Blue sky"
    assert answer["citations"][1]["end_page_number"] == 3
    assert answer["citations"][1]["start_char_index"] is None


def test_positions_part_the_text(run: Run, use: Use) -> None:
    use()
    argv = ["-a", "a.txt", "-a", "b.pdf", "--citations", "--json"]
    answer = json.loads(run("ask", "-n", *argv, "What?").out)
    first, second = (each["position"] for each in answer["citations"])
    assert answer["text"][first:second] == " It cites b.pdf."
    assert second == len(answer["text"])


def test_extract_prints_the_bare_block(run: Run, use: Use) -> None:
    use(said("So:\n```\nls\n```\n", page(1, 2)))
    assert run("ask", "-x", "-na", "b.pdf", "--citations", "What?").out == "ls\n"


@pytest.mark.parametrize("flags", [[], ["--no-citations"]])
def test_without_citations_there_are_no_sources(flags: list[str], run: Run, use: Use) -> None:
    sandbox = use()
    result = run("ask", "-n", "-a", "b.pdf", *flags, "What?")
    assert "[1]" not in result.out
    assert result.err == ""
    assert "citations" not in body(sandbox)["messages"][0]["content"][0]


def test_converse_has_them_on_for_a_pdf_and_off_if_told_so(run: Run, use: Use) -> None:
    use()
    result = run("ask", "--via", "converse", "-na", "b.pdf", "What?")
    assert "\n[1] b.pdf, page 1: " in result.out
    assert "note: citations are on" in result.err
    result = run("ask", "--via", "converse", "-na", "b.pdf", "--no-citations", "What?")
    assert "[1]" not in result.out
    assert result.err == ""


def test_an_answer_that_broke_off_keeps_its_sources(run: Run, use: Use) -> None:
    use({**said("Blue.", page(1, 2)), "reply": {**said("Blue.", page(1, 2))["reply"],
         "stop_reason": "max_tokens"}})  # fmt: skip
    result = run("ask", "-na", "b.pdf", "--citations", "What?", code=10)
    assert result.out == 'Blue.[1]\n\n[1] b.pdf, page 1: "Blue sky"\n'


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
@pytest.mark.parametrize("flags", [[], ["--plain"], ["--no-stream"]])
def test_a_terminal_shows_them_and_cannot_be_driven(
    flags: list[str], env: dict[str, str], run: Run, use: Use
) -> None:
    evil = page(1, 2, document_title="b\x1b[2J.pdf", cited_text="Blue\x1b]0;x\x07\n sky\x9b31m")
    use(said("**Blue.**\n\n- sky\n", evil))
    out = run("ask", *flags, "-na", "b.pdf", "--citations", "?", terminal=True, env=env).out
    for bad in ("\x1b]", "\x07", "\x1b[2J", "\x9b"):
        assert bad not in out
    screen = pyte.Screen(80, 10)
    pyte.Stream(screen).feed(out.replace("\n", "\r\n"))
    shown = [line.rstrip() for line in screen.display]
    last = next(index for index, line in enumerate(shown) if "sky[1]" in line)
    assert shown[last + 1] == ""
    assert shown[last + 2].startswith("[1] b␛[2J.pdf, page 1: ")


def test_a_quote_is_as_short_as_the_terminal(run: Run, use: Use) -> None:
    use(said("Blue.", page(1, 2, cited_text="你好 sky " * 50)))
    out = run("ask", "-na", "b.pdf", "--citations", "?", terminal=True, env={"COLUMNS": "50"}).out
    screen = pyte.Screen(50, 10)
    pyte.Stream(screen).feed(out.replace("\n", "\r\n"))
    (line,) = [line for line in screen.display if "page 1" in line]
    assert line.rstrip().endswith('…"')
    assert screen.display[3].strip() == ""


@pytest.mark.parametrize(
    ("citation", "shown"),
    [
        ({"document_title": "a", "start_char_index": 119, "end_char_index": 260},
         "[7] a, characters 120-260"),
        ({"document_title": "a", "start_char_index": 0, "end_char_index": 1},
         "[7] a, character 1"),
        ({"document_title": "a", "start_block_index": 0, "end_block_index": 2},
         "[7] a, blocks 1-2"),
        ({"document_title": "a", "start_page_number": 3, "end_page_number": 5},
         "[7] a, pages 3-4"),
        ({"document_title": "a", "start_page_number": 3, "end_page_number": 3}, "[7] a, page 3"),
        ({"document_title": None, "document_index": 1}, "[7] document 2"),
        ({"cited_text": None}, "[7] a source"),
        ({"document_title": "a\nb  c", "cited_text": " x \n y "}, '[7] a b c: "x y"'),
        ({"document_title": "a" * 90, "cited_text": "x" * 90}, "[7] " + "a" * 90),
    ],
)  # fmt: skip
def test_a_place_is_told_as_people_count(citation: dict[str, Any], shown: str) -> None:
    assert listing([{"number": 7, **citation}], 100) == shown


def written(*pieces: str | int, markdown: bool = False) -> str:
    """What pieces of text and numbers of sources look like."""
    stream = io.StringIO()
    inner = (
        answer_writer(stream, terminal=True, markdown=True, width=60)
        if markdown
        else RawWriter(stream)
    )
    writer = CitedWriter(inner)
    for piece in pieces:
        if isinstance(piece, int):
            writer.cite(piece)
        else:
            writer.write(piece)
    writer.finish()
    return stream.getvalue()


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (("Blue ", 1, "sky"), "Blue[1] sky\n"),
        (("Blue", " ", "\n", 1, "\nsky"), "Blue[1] \n\nsky\n"),
        (("Blue", 1, 1, 2, 1, " sky", 1), "Blue[1][2] sky[1]\n"),
        (("Blue", 1, "(sky)"), "Blue[1] (sky)\n"),
        (("Blue ", 1, "(sky)"), "Blue[1] (sky)\n"),
        (("", 1, "", 2), "[1][2]\n"),
        (("| a ", "| b", " |", "\n", 1, "| c |"), "| a | b[1] |\n| c |\n"),
        (("x = `a|", 1, "b`"), "x = `a[1]|b`\n"),
        (("```\nls\n``", "`", "\n", 1, 2, "\nSo"), "```\nls\n```\n[1][2]\n\nSo\n"),
        (("", ""), ""),
    ],
)
def test_markers_in_a_streamed_text(pieces: tuple[str | int, ...], shown: str) -> None:
    assert written(*pieces) == shown


@given(
    st.lists(st.text(alphabet="a |`~(\n>", max_size=12) | st.integers(1, 3), max_size=8),
    st.integers(1, 4),
)
def test_markers_do_not_depend_on_how_the_text_is_split(pieces: list[str | int], size: int) -> None:
    split: list[str | int] = []
    for piece in pieces:
        if isinstance(piece, int):
            split.append(piece)
        else:
            split += [piece[at : at + size] for at in range(0, len(piece), size)]
    assert written(*split) == written(*pieces)


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (("A **bold** claim", 1, "(sic) and [more]", 2), ["A bold claim[1] (sic) and [more][2]"]),
        (("# Title\n", 1, "\ntext"), ["Title[1]", "", "text"]),
        (("- one\n", 1, "- two\n", 2), ["• one[1]", "• two[2]"]),
        (("", 1, ": a start"), ["[1]: a start"]),
        (("```\nls\n```\n", 1, "\n*So*"), ["─" * 40, "ls", "─" * 40, "[1]", "", "So"]),
        (
            ("|a|b|\n|-|-|\n|1|2|\n", 1, "|3|4|\n", 2, 3),
            ["a │ b", "──┼────────", "1 │ 2[1]", "3 │ 4[2][3]"],
        ),
    ],
)
def test_markdown_keeps_the_markers(pieces: tuple[str | int, ...], lines: list[str]) -> None:
    screen = pyte.Screen(60, 12)
    pyte.Stream(screen).feed(written(*pieces, markdown=True).replace("\n", "\r\n"))
    assert [line.rstrip() for line in screen.display][: len(lines)] == lines


THINKING = {"reply": {"text": "Yes", "thinking": "It \x1b[2Jseems\nso"}}


@pytest.mark.parametrize("via", FOUR)
@pytest.mark.parametrize("flags", [[], ["--no-stream"], ["-q"]])
def test_thinking_is_shown_on_stderr(flags: list[str], via: str, run: Run, use: Use) -> None:
    use(THINKING)
    result = run("ask", "-n", *by(via), *flags, "--thinking", "2000", "--show-thinking", "So?")
    assert result.out == "Yes\n"
    assert result.err == "It \x1b[2Jseems\nso\n\n"


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_thinking_is_dimmed_and_safe_on_a_terminal(env: dict[str, str], run: Run, use: Use) -> None:
    use(THINKING)
    argv = ["ask", "-n", "--thinking", "2000", "--show-thinking", "So?"]
    err = run(*argv, terminal=True, env=env).err
    assert "\x1b[2J" not in err
    assert ("\x1b[2mIt\x1b[0m" in err) == (not env)
    plain = err.replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert plain == "It ␛[2Jseems\nso\n\n"


def test_thinking_is_no_part_of_the_json(run: Run, use: Use) -> None:
    use(THINKING)
    result = run("ask", "-n", "--thinking", "2000", "--show-thinking", "--json", "So?")
    assert json.loads(result.out)["text"] == "Yes"
    assert "seems" in result.err


def test_a_stream_that_breaks_while_thinking_ends_the_color(run: Run, use: Use) -> None:
    use({**THINKING, "stream": {"cut_after": 2}})
    argv = ["ask", "-n", "--thinking", "2000", "--show-thinking", "So?"]
    err = run(*argv, terminal=True, code=10).err
    before, _, after = err.partition("error:")
    assert "It" in before
    assert before.rindex("\x1b[0m") > before.rindex("\x1b[2m")
    assert "the stream ended" in after


def test_newer_models_are_asked_to_tell_their_thinking(run: Run, use: Use) -> None:
    sandbox = use()
    run("ask", "-n", "-m", "opus-5.5", "--show-thinking", "So?")
    assert body(sandbox)["thinking"] == {"type": "adaptive", "display": "summarized"}
    run("ask", "-n", "-m", "opus-5.5", "So?")
    assert "thinking" not in body(sandbox)
    run("ask", "-n", "--thinking", "2000", "--show-thinking", "So?")
    assert body(sandbox)["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    err = run("ask", "-n", "--show-thinking", "So?").err
    assert "no thinking to show" in err


def test_an_aside_ends_once_and_only_if_anything_was_said() -> None:
    stream = io.StringIO()
    writer = AsideWriter(stream, terminal=True, dim=True)
    writer.finish()
    assert stream.getvalue() == ""
    writer.write("x")
    writer.finish()
    writer.finish()
    assert stream.getvalue().count("\n") == 2
