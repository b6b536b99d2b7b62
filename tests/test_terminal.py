"""What a terminal or a pipe shows of an answer, looked at through a terminal emulator."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_claude_cli.terminal import Writer, answer_writer, safe

SGR = re.compile(r"\x1b\[[0-9;]*m")
DRIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
BACK = re.compile(r"\r(?:\x1b\[[0-9]+A)?\x1b\[J")  # to the block's start, erasing the rest
RULE = "─" * 40
LINES = 24


class Terminal(io.StringIO):
    """A terminal's stream that counts flushes."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__(newline="")
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        super().flush()


@pytest.fixture(autouse=True, scope="module")
def _lines() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        patch.setenv("LINES", str(LINES))
        yield


def written(
    pieces: str | Iterable[str],
    *,
    width: int = 80,
    color: bool = False,
    markdown: bool = True,
    terminal: bool = True,
) -> str:
    stream = Terminal()
    writer = answer_writer(stream, terminal=terminal, markdown=markdown, width=width, color=color)
    for piece in [pieces] if isinstance(pieces, str) else pieces:
        writer.write(piece)
    writer.finish()
    return stream.getvalue()


def screen(output: str, width: int = 80) -> pyte.HistoryScreen:
    emulator = pyte.HistoryScreen(width, LINES, history=100_000, ratio=0.5)
    emulator.set_mode(pyte.modes.LNM)
    pyte.Stream(emulator).feed(output)
    return emulator


def cells(output: str, width: int = 80) -> list[list[object]]:
    """Every cell of scrollback and screen with its attributes, and where the cursor is."""
    emulator = screen(output, width)
    lines = [*emulator.history.top, *(emulator.buffer[y] for y in range(emulator.lines))]
    cursor = emulator.cursor
    at = len(emulator.history.top) + cursor.y
    empty = pyte.screens.Char(" ")
    grid: list[list[object]] = [[line[x] for x in range(width)] for line in lines]
    assert all(cell == empty for line in grid[at + 1 :] for cell in line)
    return [*grid[: at + 1], [cursor.x, cursor.hidden, cursor.attrs, emulator.title]]


def rows(output: str, width: int = 80) -> list[str]:
    """The text of scrollback and screen, line by line."""
    emulator = screen(output, width)
    lines = [*emulator.history.top, *(emulator.buffer[y] for y in range(emulator.lines))]
    text = ["".join(line[x].data for x in range(width)).rstrip() for line in lines]
    while text and not text[-1]:
        text.pop()
    return text


def shown(pieces: str | Iterable[str], *, width: int = 80) -> list[str]:
    return rows(written(pieces, width=width, color=True), width)


def split(text: str, sizes: list[int]) -> list[str]:
    """Text in pieces of these sizes, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(text[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


# --- safe -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain, ünïcode, 日本語 👍 and\ttabs\nlines", None),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b]8;;http://a\x1b\\b", "␛]8;;http://a␛\\b"),
        ("\x9b31m \x85 \x90", "\\x9b31m \\x85 \\x90"),
        ("back\x08\x7fspace \x00", "back␈␡space ␀"),
        ("a\r\nb\rc\r", "a\nb␍c␍"),
        ("\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"),
        ("line\u2028separator", "line\\u2028separator"),
        ("pay\u200bpal \ufeff\u2060soft\xadhyphen", "paypal softhyphen"),
        ("a\u200db\u200cc", "abc"),
        ("👩\u200d🚀 \u0645\u06cc\u200c\u062e", None),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("lone \ud83d \udc80", "lone \\ud83d \\udc80"),
        ("", ""),
    ],
)
def test_safe_shows_or_drops_whatever_could_drive_a_terminal(text: str, result: str | None) -> None:
    assert safe(text) == (text if result is None else result)


@given(st.text(st.characters(codec=None)))
def test_safe_leaves_nothing_that_drives_a_terminal_and_changes_nothing_twice(text: str) -> None:
    cleaned = safe(text)
    assert not DRIVING.search(cleaned)
    assert safe(cleaned) == cleaned


# --- in a pipe ----------------------------------------------------------------------------------


def piped(*pieces: str, encoding: str = "utf-8") -> bytes:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    writer = answer_writer(stream, terminal=False, markdown=True)
    for piece in pieces:
        writer.write(piece)
    writer.finish()
    writer.finish()
    return raw.getvalue()


@pytest.mark.parametrize(
    ("pieces", "result"),
    [
        (["**a** ", "b"], b"**a** b\n"),
        (["a\n"], b"a\n"),
        (["a\n", ""], b"a\n"),
        (["a", "\n"], b"a\n"),
        (["a\r\nb\r"], b"a\r\nb\r\n"),
        (["\x1b[31m\x9b\u202e\x00"], "\x1b[31m\x9b\u202e\x00\n".encode()),
        ([], b""),
        (["", ""], b""),
    ],
)
def test_a_pipe_gets_the_bytes_and_one_final_newline(pieces: list[str], result: bytes) -> None:
    assert piped(*pieces) == result


def test_what_the_stream_cannot_encode_becomes_an_escape_not_a_crash() -> None:
    assert piped("lone \ud83d!") == b"lone \\ud83d!\n"
    assert piped("caf\xe9 →", encoding="latin-1") == b"caf\xe9 \\u2192\n"
    assert piped("→", encoding="ascii") == b"\\u2192\n"


@pytest.mark.parametrize(("terminal", "markdown"), [(False, False), (True, False), (True, True)])
def test_each_piece_is_flushed_when_it_arrives(terminal: bool, markdown: bool) -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=terminal, markdown=markdown, width=80)
    writer.write("one two ")
    assert stream.getvalue().startswith("one two"[:7])
    assert stream.flushes == 1


# --- plain, on a terminal -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "result"),
    [
        (["# a **b**\n", "c"], "# a **b**\nc\n"),
        (["a\x1b", "[31mb"], "a␛[31mb\n"),
        (["a\r", "\nb"], "a\nb\n"),
        (["a\r", "b"], "a␍b\n"),
        (["a\r"], "a␍\n"),
        (["a\n"], "a\n"),
        ([], ""),
    ],
)
def test_plain_text_is_made_safe_across_pieces(pieces: list[str], result: str) -> None:
    assert written(pieces, markdown=False) == result


@given(st.text(st.sampled_from("ab \r\n\x1b[\x9b\u200d\u202eé👍\ud83d")), st.integers(1, 4))
def test_plain_text_does_not_depend_on_the_splits(text: str, size: int) -> None:
    assert written(split(text, [size]), markdown=False) == written(text, markdown=False)


# --- markdown: what is shown --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("# Title\ntext", ["Title", "text"]),
        ("text\n## Title ##\ntext", ["text", "", "Title", "text"]),
        ("# C#", ["C#"]),
        ("#hashtag", ["#hashtag"]),
        ("a\n\n\n\nb\n\n\n", ["a", "", "b"]),
        ("\n\na", ["a"]),
        ("a  \nb\\\nc", ["a", "b", "c"]),
        ("---\n", ["─" * 80]),
        ("> ---\n", ["│ " + "─" * 78]),
        ("[red]x[/red] <b>y</b> :smile:", ["[red]x[/red] <b>y</b> :smile:"]),
        ("[text](http://a.b/c_d_e)", ["text (http://a.b/c_d_e)"]),
        ("[http://a.b](http://a.b)", ["http://a.b"]),
        ("[a [b]](<u v> 'title').", ["a [b] (u%20v)."]),
        ("![alt](pic.png)!", ["alt (pic.png)!"]),
        ("see [1] and [x](", ["see [1] and [x]("]),
        ("[good.com](http://evil.com/\x1b]8;;x)", ["good.com (http://evil.com/%E2%90%9B%5D8;;x)"]),
        ("&lt;a&gt; &amp; &nope; AT&T &#x202e;&#27;", ["<a> & &nope; AT&T \\u202e�"]),
        (r"\*no\* \\ \q", [r"*no* \ \q"]),
        ("- a\n- b\n  c\n\n  d", ["• a", "• b", "  c", "", "  d"]),
        ("- a\n  - b\n    * c\n- d", ["• a", "  • b", "    • c", "• d"]),
        ("1. a\n   - b\n2. c", ["1. a", "   • b", "2. c"]),
        ("- a\nlazy", ["• a", "lazy".rjust(6)]),
        ("- a\n\n    b **c**\n\nd", ["• a", "", "    b c", "", "d"]),
        ("> - [a](b)\n>   c\n> 2. *d*", ["│ • a (b)", "│   c", "│ 2. d"]),
        ("[1]: http://a.b **c**", ["[1]: http://a.b c"]),
        ("<div>\n<!-- **a** -->\n</div>", ["<div>", "<!-- a -->", "</div>"]),
        ("<http://a.b> <c@d.e>!", ["http://a.b c@d.e!"]),
        ("a `b\nc` **d**", ["a b c d"]),
        ("**a**\n===\n***", ["a", "===", "─" * 80]),
        ("a | b\n--|--\n1 | 2", ["a │ b", "──┼──", "1 │ 2"]),
        ("- [ ] todo\n- [x] done", ["• [ ] todo", "• [x] done"]),
        ("> a\n> b\n>\n> > c\n\nd", ["│ a", "│ b", "│", "│ │ c", "", "d"]),
        ("> a\n\n> b", ["│ a", "", "│ b"]),
        ("- > q\n  > r", ["• │ q", "  │ r"]),
        ("-\n  a", ["•", "  a"]),
        ("    code **x**\n    two", ["    code **x**", "    two"]),
        ("| not a table\nx", ["| not a table", "x"]),
        ("5 apples\n2024 was\n-5 degrees\n3.14", ["5 apples", "2024 was", "-5 degrees", "3.14"]),
        ("snake_case_name 2 ** 3 *args", ["snake_case_name 2 ** 3 *args"]),
        ("Title\n===", ["Title", "==="]),
        ("", []),
    ],
)
def test_blocks_as_they_are_shown(text: str, result: list[str]) -> None:
    assert shown(text) == result
    assert shown(list(text)) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1. a\n2. b\n3. c", ["1. a", "2. b", "3. c"]),
        ("9. **a**\n10. *b*\n\n12. c", ["9. a", "10. b", "", "12. c"]),
        ("7) a\n8) b", ["7) a", "8) b"]),
        ("1. a\n   1. b\n   2. c\n2. d", ["1. a", "   1. b", "   2. c", "2. d"]),
        ("1. a\n\n   ```\n   x\n   ```\n2. b", ["1. a", "", RULE, "x", RULE, "2. b"]),
        ("1. a\n```\nx\n```\n2. b", ["1. a", RULE, "x", RULE, "2. b"]),
    ],
)
def test_a_list_keeps_its_numbers_while_it_streams(text: str, result: list[str]) -> None:
    assert shown(text) == result
    assert shown(list(text)) == result


def test_marks_stay_where_there_is_no_colour_to_stand_for_them() -> None:
    text = "**b** *i* ***bi*** ~~s~~ `` a`b `` _u_"
    assert written(text, color=False) == text + "\n"


def test_marks_become_styles_where_there_is_colour() -> None:
    emulator = screen(written("**b** *i* ~~s~~ `c` n [l](u) **a *z***", color=True))
    line = emulator.buffer[0]
    assert "".join(line[x].data for x in range(80)).rstrip() == "b i s c n l (u) a z"
    assert line[0].bold and line[2].italics and line[4].strikethrough and line[6].fg == "magenta"
    assert line[8] == pyte.screens.Char("n") and line[10].underscore and not line[13].underscore
    assert line[16].bold and line[18].bold and line[18].italics


def test_a_span_may_cross_a_line_break() -> None:
    assert shown("**a\nb** c") == ["a", "b c"]


@pytest.mark.parametrize(
    "text", ["**a", "a* b*", "`x", "*args and **kwargs", "[a](b", "a****", "~x~", "a ** b **"]
)
def test_a_mark_without_its_counterpart_is_text(text: str) -> None:
    assert shown(list(text)) == [text]
    assert shown(text + "\n\n**b**") == [text, "", "b"]


# --- code ---------------------------------------------------------------------------------------

LONG = "x = '" + "long " * 60 + "'"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```\na\n\n  b\t\n```", "a\n\n  b\t"),
        (f"~~~python\n{LONG}\n~~~\n", LONG),
        ("````md\n```py\nx\n```\n````", "```py\nx\n```"),
        ("```md\n~~~\nx\n~~~\n```", "~~~\nx\n~~~"),
        ("   ```\n   a\n     b\n   ```", "a\n  b"),
        ("- x\n\n  ```\n  a\n    b\n  ```\n", "a\n  b"),
        ("1. ```\n   a\n   ```", "a"),
        ("> ```\n> a\n>\n>  b\n> ```\n", "a\n\n b"),
        ("```\n**a** [b](c) # d\n- e\n| f |", "**a** [b](c) # d\n- e\n| f |"),
        ("```\nunclosed", "unclosed"),
        ("```\nunclosed\n``", "unclosed\n``"),
        ("```\na\n\n\n```", "a\n\n"),
        ("```\n```", None),
    ],
)
def test_code_can_be_copied_as_it_is(text: str, code: str | None) -> None:
    """Between the rules stands the code: unwrapped, unpadded, not indented, uncoloured."""
    for pieces in ([text], list(text)):
        for color in (False, True):
            lines = SGR.sub("", written(pieces, color=color)).split("\n")
            first = next(at for at, line in enumerate(lines) if line.startswith(("───", RULE)))
            last = len(lines) - 1 - lines[::-1].index(RULE)
            assert lines[first + 1 : last] == ([] if code is None else code.split("\n"))


def test_a_fence_names_its_language_and_a_broken_one_is_text() -> None:
    assert shown("```python title=x\n1\n```")[0] == "─── python ".ljust(40, "─")
    assert shown("```inline``` text") == ["inline text"]


def test_a_quote_that_ends_closes_its_code_block() -> None:
    assert shown("> ```\n> a\nb **c**") == [RULE, "a", RULE, "b c"]


def test_code_is_written_as_it_arrives() -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=80, color=False)
    writer.write("```\nprint(")
    assert stream.getvalue().endswith("\nprint(")


# --- tables -------------------------------------------------------------------------------------


def test_a_table_is_laid_out_with_its_alignments() -> None:
    text = "| a | long | c |\n|:--|--:|:-:|\n| 1 | 2 | **mid** |\n| `x\\|y` | 3 |\n\nend"
    expected = [
        "a   │ long │  c",
        "────┼──────┼────",
        "1   │    2 │ mid",
        "x|y │    3 │",
        "",
        "end",
    ]
    for color in (True, False):
        assert rows(written(text, color=color)) == expected
        assert rows(written(list(text), color=color)) == expected


def test_a_wide_table_folds_its_cells_within_the_width() -> None:
    text = f"| k | v |\n|---|---|\n| a | {'word ' * 30}|\n| {'i' * 60} | {'v' * 90} |\n"
    output = written(text, width=50)
    assert max(map(len, output.split("\n"))) <= 50
    assert "".join(rows(output, 50)).count("i") == 60
    assert sum(line.count("┼") for line in rows(output, 50)) == 2


def test_a_table_of_more_columns_than_fit_stays_as_it_came() -> None:
    text = "| a" * 20 + " |\n" + "|--" * 20 + "|\n" + "| 1" * 20 + " |"
    assert "".join(shown(list(text))).count("1") == 20
    assert shown(text)[0].startswith("| a| a| a")


def test_a_table_is_shown_as_it_comes_and_then_laid_out_even_if_it_is_taller_than_the_screen() -> (
    None
):
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=40, color=True)
    writer.write("before\n\n| a | b |\n|---|---|\n| first | seco ")
    assert rows(stream.getvalue(), 40)[-1] == "| first | seco"
    writer.write("nd " + "x" * 100 + "\x1b[2J日本 |\n")
    for number in range(50):
        writer.write(f"| {number} | b |\n")
    writer.finish()
    assert rows(stream.getvalue(), 40)[:3] == ["before", "", "a     │ b"]
    assert rows(stream.getvalue(), 40)[-1] == "49    │ b"


def test_a_table_of_very_many_rows_repeats_its_header_now_and_then() -> None:
    text = "| n | v |\n|---|---|\n" + "".join(f"| {n} | v{n} |\n" for n in range(1_000))
    lines = shown(split(text, [100]))
    assert [line.split()[0] for line in lines if line and line[0].isdigit()] == [
        str(number) for number in range(1_000)
    ]
    assert 1 < lines.count("n   │ v") < 10 and "|" not in "".join(lines)


# --- streaming ----------------------------------------------------------------------------------


def test_words_appear_as_they_come_and_their_marks_go_at_the_end_of_the_block() -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=80, color=True)
    seen = []
    for piece in ("The quick ", "brown fox ", "jumps **over", " the** lazy ", "dog", "\n\n"):
        writer.write(piece)
        seen.append("".join(rows(stream.getvalue())))
    assert seen == [
        "The quick",
        "The quick brown fox",
        "The quick brown fox jumps",
        "The quick brown fox jumps **over the** lazy",
        "The quick brown fox jumps **over the** lazy",
        "The quick brown fox jumps over the lazy dog",
    ]


def test_a_block_without_marks_is_never_written_again() -> None:
    text = "Plain words that have to be wrapped.\n" * 3 + "\n- an item, 2 * 3 > 4\n- another\n"
    assert "\x1b" not in written(split(text, [5]), color=True, width=20)


def test_a_block_taller_than_the_screen_stays_as_it_came() -> None:
    text = "first\n\n" + "**word** " * 400
    assert rows(written(split(text, [9]), color=True))[2].startswith("**word** **word**")
    assert written(text, color=True) == written(split(text, [9]), color=True)


def test_a_resized_terminal_is_not_gone_back_in(monkeypatch: pytest.MonkeyPatch) -> None:
    size = os.terminal_size((80, 24))
    monkeypatch.setattr(os, "get_terminal_size", lambda _: size)
    stream = Terminal()
    monkeypatch.setattr(stream, "fileno", lambda: 1, raising=False)
    writer = answer_writer(stream, terminal=True, markdown=True, color=True)
    writer.write("some **bold")
    size = os.terminal_size((70, 24))
    writer.write(" words**\n\n**again**")
    writer.finish()
    assert rows(stream.getvalue()) == ["some **bold words**", "", "again"]


def test_without_colour_nothing_but_the_text_is_written() -> None:
    text = "# T\n\n- **a** `b` [c](d)\n\n> e\n\n```\nf\n```\n"
    result = "# T\n\n• **a** `b` [c](d)\n\n│ e\n\n" + f"{RULE}\nf\n{RULE}\n"
    assert written(list(text), color=False) == result


def test_a_terminal_without_unicode_gets_the_bare_text() -> None:
    stream = Terminal()
    stream.encoding = "latin-1"
    writer = answer_writer(stream, terminal=True, markdown=True, width=80)
    writer.write("- **a** →")
    writer.finish()
    assert stream.getvalue() == "- **a** \\u2192\n"


class Interrupted(Terminal):
    """A stream whose nth call is interrupted, before or after it did its work."""

    def __init__(self, calls: int, after: bool) -> None:
        super().__init__()
        self.calls, self.after = calls, after

    def write(self, text: str) -> int:
        self.calls -= 1
        if self.calls == 0 and not self.after:
            raise KeyboardInterrupt
        size = super().write(text)
        if self.calls == 0:
            raise KeyboardInterrupt
        return size


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("calls", range(1, 30))
def test_ctrl_c_at_any_moment_leaves_what_stood_before_and_a_visible_cursor(
    calls: int, after: bool
) -> None:
    stream = Interrupted(calls, after)
    writer = answer_writer(stream, terminal=True, markdown=True, width=80, color=True)
    text = "kept\n- " + "**bold** words *and* " * 12 + "\n\n- `item`\n\n| a |\n|---|\n| b |\n"
    with contextlib.suppress(KeyboardInterrupt):
        for piece in split(text, [15, 90]):
            writer.write(piece)
    before, stream.calls = rows(stream.getvalue()), 0
    writer.finish()
    output = stream.getvalue()
    assert calls == 1 or before[0] == rows(output)[0] == "kept"
    assert "\x1b[?25l" not in output and screen(output).cursor.attrs == pyte.screens.Char(" ")
    assert calls == 1 or output.endswith("\n")


SNIPPETS = st.sampled_from(
    [
        *(
            "# Title\n",
            "## Sub *x*\n",
            "word ",
            "another longer word ",
            "**bold** ",
            "*em* ",
            "`code` ",
        ),
        *(
            "[text](http://x.y/z) ",
            "~~s~~ ",
            "日本語の文章。",
            "👍🏽 ",
            "⚠️ ",
            "\n",
            "\n\n",
            "- item\n",
            "* ",
        ),
        *(
            "  - nested ",
            "1. one\n",
            "2. two\n",
            "   more\n",
            "> quote ",
            ">\n",
            "> > deep\n",
            "```py\n",
        ),
        *(
            "```\n",
            "~~~\n",
            "````\n",
            "    code\n",
            "| a | b |\n",
            "|---|--:|\n",
            "| 1 | 2",
            " |\n",
            "---\n",
        ),
        *(
            "***",
            "**",
            "*",
            "_",
            "`",
            "``",
            "~~",
            "[",
            "](",
            ")",
            "!",
            "\\",
            "&amp;",
            "&",
            "<b>",
            "|",
            "\t",
        ),
        *(
            "\x1b[31m",
            "\x1b]0;t\x07",
            "\r\n",
            "\r",
            "\x9b2J",
            "\u202e",
            "\ud83d",
            "é",
            "x" * 90,
            "#",
            "=",
        ),
    ]
)
DOCUMENT = st.lists(SNIPPETS, max_size=40).map("".join)


@settings(max_examples=250, deadline=None)
@given(DOCUMENT, st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from([80, 200]))
def test_the_screen_does_not_depend_on_the_splits(text: str, sizes: list[int], width: int) -> None:
    whole = written(text, width=width, color=True)
    pieces = written(split(text, sizes), width=width, color=True)
    assert cells(pieces, width) == cells(whole, width)


@settings(max_examples=250, deadline=None)
@given(DOCUMENT | st.text(st.characters(codec=None)), st.booleans(), st.integers(1, 5))
def test_an_answer_cannot_drive_the_terminal(text: str, color: bool, size: int) -> None:
    """Nothing but the styles we set ourselves, and the way back to the block's start."""
    output = written(split(text, [size]), color=color)
    left = BACK.sub("", SGR.sub("", output)) if color else output
    assert not DRIVING.search(left)
    last = cells(output)[-1]
    assert last[0] == 0 and last[1] is False and last[3] == ""
    assert (output == "") or (output.endswith("\n"))


@settings(max_examples=150, deadline=None)
@given(DOCUMENT, st.integers(0, 200))
def test_finish_may_come_at_any_moment_and_twice(text: str, stop: int) -> None:
    stream = Terminal()
    writer: Writer = answer_writer(stream, terminal=True, markdown=True, width=80)
    for character in text[:stop]:
        writer.write(character)
    writer.finish()
    once = stream.getvalue()
    writer.finish()
    assert stream.getvalue() == once
    assert screen(once).cursor.attrs == pyte.screens.Char(" ")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["word ", "日本語。", "👍 ", "**b** ", "e\u0301 ", "x" * 30 + " "]))
)
def test_text_is_wrapped_within_the_width(words: list[str]) -> None:
    for line in rows(written("- " + "".join(words), width=40), 400):
        assert sum(2 if ord(c) > 0x2E80 else 1 for c in line) <= 40


def test_cjk_wraps_between_characters_and_keeps_its_punctuation() -> None:
    lines = shown("一" * 20 + "、" + "二" * 25, width=40)
    assert lines == ["一" * 19, "一、" + "二" * 18, "二" * 7]


def test_a_word_longer_than_a_line_can_be_copied() -> None:
    url = "https://example.com/" + "x" * 200
    for sizes in ([1], [50], [400]):
        output = written(split(f"see {url} there", sizes), width=40, color=True)
        assert output == f"see {url} there\n"


def test_a_title_is_in_the_scrollback_once() -> None:
    text = "# The title\n\n" + "A line of text.\n\n" * 100
    assert sum("The title" in line for line in shown(split(text, [7]))) == 1


@pytest.mark.parametrize(
    "kind",
    [
        *("word ", "word\n", "- item\n", "1. item\n", "| a | b |\n", "**b** ", "*a ", "`a ", "[a "),
        *(
            "> quote\n",
            "x",
            " ",
            "*",
            "#",
            "`",
            "[",
            "|",
            ">",
            "- ",
            "\n",
            "日",
            "&a",
            "\\",
            "\u0301",
        ),
        *("~~~\n", "# T\n", "a **", "[a](b", "![", "_a", "-", "1. ", "\t", "e**e", "a*b_c~~d`"),
    ],
)
@pytest.mark.parametrize("start", ["", "```\n", "| a | b |\n|---|---|\n", "- > "])
def test_what_is_written_grows_no_faster_than_the_answer(kind: str, start: str) -> None:
    """Ten times the text is about ten times the characters (a list's numbers become longer)."""

    def size(length: int) -> int:
        text = start + (kind * length)[:length]
        return len(written(split(text, [50]), color=True))

    assert size(10_000) <= 12 * size(1_000) + 400


def test_the_first_words_are_there_before_rich_is_imported() -> None:
    code = (
        "import sys; from bedrock_claude_cli.terminal import answer_writer as a;"
        "out = sys.stdout; old = out.write; sys.modules_then = [];"
        "out.write = lambda t: (sys.modules_then.append('rich' in sys.modules), old(t))[1];"
        "w = a(out, terminal=True, markdown=True, width=80);"
        "w.write('# a **b**\\n\\nc\\n'); w.finish();"
        "out.write = old; print(sys.modules_then, 'rich' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[False, True, True] True"


def test_a_line_of_blanks_is_not_kept() -> None:
    """However it is split, an endless indent costs no memory and is no content."""
    assert written([" "] * 2_000 + ["\n", "a"]) == "a\n"
    assert shown("> ```\n> a\n     \nb") == ["───".ljust(40, "─"), "a", RULE, "", "b"]
