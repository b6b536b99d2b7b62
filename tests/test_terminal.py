"""What a terminal or a pipe shows of an answer, looked at through a terminal emulator."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterable

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bedrock_claude_cli.terminal import Writer, answer_writer, safe

SGR = re.compile(r"\x1b\[[0-9;]*m")
DRIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
RULE = "─" * 40


class Terminal(io.StringIO):
    """A terminal's stream that counts flushes."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__(newline="")
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        super().flush()


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
    emulator = pyte.HistoryScreen(width, 12, history=100_000, ratio=0.5)
    emulator.set_mode(pyte.modes.LNM)
    pyte.Stream(emulator).feed(output)
    return emulator


def cells(output: str, width: int = 80) -> list[list[object]]:
    """Every cell of scrollback and screen with its attributes, and where the cursor is."""
    emulator = screen(output, width)
    lines = [*emulator.history.top, *(emulator.buffer[y] for y in range(emulator.lines))]
    cursor = emulator.cursor
    grid: list[list[object]] = [[line[x] for x in range(width)] for line in lines]
    return [*grid, [cursor.x, cursor.y, cursor.hidden, cursor.attrs, emulator.title]]


def rows(output: str, width: int = 80) -> list[str]:
    """The text of scrollback and screen, line by line."""
    emulator = screen(output, width)
    lines = [*emulator.history.top, *(emulator.buffer[y] for y in range(emulator.lines))]
    text = ["".join(line[x].data for x in range(width)).rstrip() for line in lines]
    while text and not text[-1]:
        text.pop()
    return text


def shown(pieces: str | Iterable[str], *, width: int = 80) -> list[str]:
    return rows(written(pieces, width=width), width)


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
        ("# Title\ntext", ["# Title", "text"]),
        ("text\n## Title ##\ntext", ["text", "", "## Title", "text"]),
        ("# C#", ["# C#"]),
        ("#hashtag", ["#hashtag"]),
        ("a\n\n\n\nb\n\n\n", ["a", "", "b"]),
        ("\n\na", ["a"]),
        ("a  \nb\\\nc", ["a", "b", "c"]),
        ("---\n", ["─" * 80]),
        ("> ---\n", ["│ " + "─" * 78]),
        ("[red]x[/red] <b>y</b> :smile:", ["[red]x[/red] <b>y</b> :smile:"]),
        ("[text](http://a.b/c_d_e)", ["text (http://a.b/c_d_e)"]),
        ("[http://a.b](http://a.b)", ["http://a.b"]),
        ("[a [b]](<u v> 'title').", ["a [b] (u v)."]),
        ("![alt](pic.png)!", ["alt (pic.png)!"]),
        ("see [1] and [x](", ["see [1] and [x]("]),
        ("[good.com](http://evil.com/\x1b]8;;x)", ["good.com (http://evil.com/␛]8;;x)"]),
        ("&lt;a&gt; &amp; &nope; AT&T &#x202e;&#27;", ["<a> & &nope; AT&T \\u202e"]),
        (r"\*no\* \\ \q", [r"*no* \ \q"]),
        ("- a\n- b\n  c\n\n  d", ["• a", "• b", "  c", "", "  d"]),
        ("- a\n  - b\n    * c\n- d", ["• a", "  • b", "    • c", "• d"]),
        ("1. a\n  - b\n2. c", ["1. a", "   • b", "2. c"]),
        ("- a\nlazy", ["• a", "lazy".rjust(6)]),
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
        ("1. a\n1. b\n\n1. c", ["1. a", "2. b", "", "3. c"]),
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
    assert SGR.sub("", written("**a\nb** c", color=True)) == "a\nb c\n"


def test_a_mark_without_its_counterpart_is_text() -> None:
    for text in ("**a", "a* b*", "`x", "*args and **kwargs", "[a](b", "a****", "~x~", "a ** b **"):
        assert SGR.sub("", written(text, color=True)) == text + "\n"
        assert SGR.sub("", written(text + "\n\n**b**", color=True)) == text + "\n\nb\n"


WORD = st.text("abcxyz", min_size=1, max_size=5)
SPAN = st.recursive(
    WORD,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["**", "*", "~~"]), inner).map(lambda p: f"{p[0]}{p[1]}{p[0]}"),
        WORD.map(lambda word: f"`{word}`"),
    ),
    max_leaves=2,
)


@given(st.lists(SPAN, min_size=1, max_size=6))
def test_well_formed_inline_marks_read_as_commonmark_reads_them(spans: list[str]) -> None:
    text = " ".join(spans)
    tokens = MarkdownIt().enable("strikethrough").parseInline(text)[0].children or []
    expected = "".join(token.content for token in tokens)
    if "****" not in text and "~~~~" not in text and not set("*~") & set(expected):
        assert SGR.sub("", written(text, color=True, width=500)) == expected + "\n"


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
    assert shown("```inline``` text") == ["```inline``` text"]


def test_a_quote_that_ends_closes_its_code_block() -> None:
    assert shown("> ```\n> a\nb **c**") == [RULE, "a", RULE, "b **c**"]


def test_code_is_written_as_it_arrives() -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=80, color=False)
    writer.write("```\nprint(")
    assert stream.getvalue().endswith("\nprint(")


# --- tables -------------------------------------------------------------------------------------


def test_a_table_is_laid_out_with_its_alignments() -> None:
    text = "| a | long | c |\n|:--|--:|:-:|\n| 1 | 2 | **mid** |\n| `x\\|y` | 3 |\n\nend"
    expected = [
        "a     │ long │    c",
        "──────┼──────┼────────",
        "1     │    2 │ **mid**",
        "`x|y` │    3 │",
        "",
        "end",
    ]
    assert shown(text) == expected
    assert shown(list(text)) == shown(text)


def test_a_wide_table_folds_its_cells_within_the_width() -> None:
    text = f"| k | v |\n|---|---|\n| a | {'word ' * 30}|\n| {'i' * 60} | {'v' * 90} |\n"
    output = written(text, width=50)
    assert max(map(len, output.split("\n"))) <= 50
    assert "".join(rows(output, 50)).count("i") == 60
    assert sum(line.count("┼") for line in rows(output, 50)) == 2


def test_the_row_under_way_is_shown_and_then_taken_away() -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=40, color=False)
    writer.write("before\n\n| a | b |\n|---|---|\n| first | seco")
    assert rows(stream.getvalue(), 40)[-1] == "| first | seco"
    writer.write("nd " + "x" * 100 + "\x1b[2J日本 |\n")
    writer.finish()
    assert "seco" not in "".join(rows(stream.getvalue(), 40)[:2])
    assert rows(stream.getvalue(), 40)[:3] == ["before", "", "a     │ b"]


def test_rows_after_the_first_ones_keep_the_widths() -> None:
    text = "| n | v |\n|---|---|\n" + "".join(f"| {n} | v{n} |\n" for n in range(200))
    lines = shown(text)
    assert len(lines) == 202
    assert lines[-1].index("│") == lines[0].index("│")
    assert lines[-1].split() == ["199", "│", "v199"]


# --- streaming ----------------------------------------------------------------------------------


def test_words_appear_as_they_come() -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=80, color=True)
    seen = []
    for piece in ("The quick ", "brown fox ", "jumps **over", " the** lazy ", "dog"):
        writer.write(piece)
        seen.append(SGR.sub("", stream.getvalue()))
    assert seen == [
        "The quick",
        "The quick brown fox",
        "The quick brown fox jumps",
        "The quick brown fox jumps over the lazy",
        "The quick brown fox jumps over the lazy",
    ]


def test_an_unclosed_mark_holds_text_back_only_for_a_while() -> None:
    stream = Terminal()
    writer = answer_writer(stream, terminal=True, markdown=True, width=80, color=True)
    writer.write("*args " + "word " * 100)
    assert stream.getvalue().startswith("*args word")


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
    """Nothing but the styles we set ourselves, and the carriage return that erases a preview."""
    output = written(split(text, [size]), color=color)
    left = re.sub(r"\r *\r", "", SGR.sub("", output) if color else output)
    assert not DRIVING.search(left)
    last = cells(output)[-1]
    assert last[0] == 0 and last[2] is False and last[4] == ""
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
    assert shown("「一」" * 8, width=20) == ["「一」" * 3] * 2 + ["「一」" * 2]


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

    assert size(20_000) <= 12 * size(2_000) + 400


def test_a_table_of_many_rows_is_written_once() -> None:
    text = "| n | v |\n|---|---|\n" + "".join(f"| {n} | value {n} |\n" for n in range(20_000))
    assert len(written(split(text, [4_000]))) < 2 * len(text)


def test_nothing_but_the_standard_library_is_imported_to_render() -> None:
    code = (
        "import sys; from bedrock_claude_cli.terminal import answer_writer as a;"
        "before = {'rich', 'html'} & set(sys.modules);"
        "w = a(sys.stdout, terminal=True, markdown=True, width=80);"
        "w.write('# a\\n\\n**b** | c\\n'); w.finish();"
        "print(before, sorted(m for m in sys.modules if m.startswith(('rich', 'pygments'))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.endswith("set() []\n")


def test_marks_that_cross_each_other_do_not_pile_up() -> None:
    assert SGR.sub("", written("*a ~~b* c~~ **d**", color=True)) == "a b c~~ d\n"
    output = written("a*b~~c" * 300, color=True)
    assert max(map(len, SGR.findall(output))) < 20


def test_a_line_of_blanks_is_not_kept() -> None:
    """However it is split, an endless indent costs no memory and is no content."""
    assert written([" "] * 2_000 + ["\n", "a"]) == "a\n"
    assert shown("> ```\n> a\n     \nb") == [RULE, "a", RULE, "", "b"]


def test_marks_within_marks_are_styled_only_so_deep() -> None:
    output = written("*a " * 90 + "a* " * 90, color=True)
    assert max(map(len, SGR.findall(output))) < 20


def test_a_code_span_under_way_hides_the_marks_in_it() -> None:
    for text in ("**a `b** c` d** e", "**a `b** c", "*a ``*`` b*"):
        assert written(list(text), color=True) == written(text, color=True)
