"""Templates and metadata: presets with a prompt, files of them, `-p`, and `${VAR}`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.errors import UsageError
from bedrock_claude_cli.sandbox import Sandbox
from bedrock_claude_cli.template import Template, faults, fill, names
from tests.commands.ask_help import body, prompt
from tests.conftest import Run

Use = Callable[..., Sandbox]
FAKE_ID = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture
def write(home: Path) -> Callable[[str], Path]:
    """Writes the config file at its default place."""

    def write(text: str) -> Path:
        path = home / ".config" / "bedrock-claude" / "config.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


Write = Callable[[str], Path]
REVIEW = """
presets:
  review:
    model: haiku-4.5
    system: You review $language for ${team}.
    prompt: |
      Review this $language. It costs $$5.
  bare:
    model: haiku-4.5
"""


class TestFill:
    """What is filled, and what is refused."""

    def test_prompt_and_system_are_filled(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write(REVIEW)
        run("ask", "-t", "review", "-p", "language=Go", "-p", "team=search $x")
        assert prompt(sandbox) == "Review this Go. It costs $5.\n"
        assert body(sandbox)["system"] == "You review Go for search $x."
        assert "haiku-4-5" in sandbox.requests[-1]["model"]

    def test_the_parts_stand_in_their_order(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write("presets: {t: {prompt: Sum it up.}}")
        run("ask", "-t", "t", "In French.", stdin="a\nb\n")
        assert prompt(sandbox) == "a\nb\n\nSum it up.\n\nIn French."

    @pytest.mark.parametrize(
        ("argv", "stdin", "asked"),
        [([], None, "Sum."), (["Now"], None, "Sum.\n\nNow"), ([], "x", "x\n\nSum.")],
    )
    def test_each_part_may_be_missing(
        self, argv: list[str], stdin: str | None, asked: str, run: Run, use: Use, write: Write
    ) -> None:
        sandbox = use()
        write("presets: {t: {prompt: Sum.}}")
        run("ask", "-t", "t", *argv, stdin=stdin)
        assert prompt(sandbox) == asked

    def test_a_value_from_a_file(self, run: Run, use: Use, write: Write, tmp_path: Path) -> None:
        sandbox = use()
        write("presets: {t: {prompt: '<$code>'}}")
        (tmp_path / "a.py").write_text("x = '$y'\n")
        run("ask", "-t", "t", "-p", f"code=@{tmp_path}/a.py")
        assert prompt(sandbox) == "<x = '$y'\n>"

    @pytest.mark.parametrize("content", [None, b"caf\xe9"])
    def test_a_value_from_a_file_that_cannot_be_read(
        self, content: bytes | None, run: Run, use: Use, write: Write, tmp_path: Path
    ) -> None:
        sandbox = use()
        write("presets: {t: {prompt: $code}}")
        file = tmp_path / "a.py"
        if content is not None:
            file.write_bytes(content)
        result = run("ask", "-t", "t", "-p", f"code=@{file}", code=2)
        assert f"-p code: {file} " in result.err
        assert sandbox.requests == []

    def test_missing_ones_are_one_error(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write(REVIEW)
        result = run("ask", "-t", "review", code=2)
        assert "needs values for $language, $team" in result.err
        assert "hint: `-p language=... -p team=...`" in result.err
        assert sandbox.requests == []

    def test_a_name_that_is_not_there_has_a_suggestion(
        self, run: Run, use: Use, write: Write
    ) -> None:
        use()
        write(REVIEW)
        result = run("ask", "-t", "review", "-p", "team=x", "-p", "langauge=Go", code=2)
        assert "has no $langauge; did you mean `language`?" in result.err
        assert "needs a value for $language" in result.err

    @pytest.mark.parametrize("argv", [[], ["-t", "bare"]])
    def test_values_without_a_template(
        self, argv: list[str], run: Run, use: Use, write: Write
    ) -> None:
        use()
        write(REVIEW)
        result = run("ask", "Hello", *argv, "-p", "a=1", code=2)
        assert "-p fills a template, and none is named" in result.err

    @pytest.mark.parametrize("pair", ["language", "=Go", ""])
    def test_a_pair_is_key_and_value(self, pair: str, run: Run, use: Use, write: Write) -> None:
        use()
        write(REVIEW)
        assert "key=value" in run("ask", "-t", "review", "-p", pair, code=2).err

    def test_another_places_system_is_not_filled(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write(REVIEW)
        run("ask", "-t", "review", "-p", "language=Go", "--system", "It is $team.")
        assert body(sandbox)["system"] == "It is $team."

    def test_the_files_system_is_filled(
        self, run: Run, use: Use, write: Write, tmp_path: Path
    ) -> None:
        sandbox = use()
        (tmp_path / "sys.md").write_text("Be $tone.")
        write(f"presets: {{t: {{prompt: Hi, system: '@{tmp_path}/sys.md'}}}}")
        run("ask", "-t", "t", "-p", "tone=kind")
        assert body(sandbox)["system"] == "Be kind."
        (tmp_path / "sys.md").write_text("Be\n  $5.")
        result = run("ask", "-t", "t", code=2)
        assert "the system prompt, line 2, column 3 of the text: `$5.` is no" in result.err

    def test_without_a_template_dollars_stay(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write("presets: {bare: {system: 'Be $kind, $5'}}")
        run("ask", "-t", "bare", "It's $x")
        assert body(sandbox)["system"] == "Be $kind, $5"
        assert prompt(sandbox) == "It's $x"


class TestFiles:
    """A preset in a file of its own."""

    def test_a_file_is_a_preset(self, run: Run, use: Use, tmp_path: Path) -> None:
        sandbox = use()
        file = tmp_path / "t.yml"
        file.write_text("max_tokens: 700\nprompt: Say $word.\n")
        run("ask", "-t", str(file), "-p", "word=ho")
        assert prompt(sandbox) == "Say ho."
        assert body(sandbox)["max_tokens"] == 700
        run("ask", "-t", str(file), "-p", "word=ho", "--max-tokens", "800")
        assert body(sandbox)["max_tokens"] == 800

    def test_everything_wrong_is_told_with_its_place(
        self, run: Run, use: Use, tmp_path: Path
    ) -> None:
        sandbox = use()
        file = tmp_path / "t.yaml"
        file.write_text(
            "promt: hi\nmax_tokens: many\nprompt: |\n  ok\n  costs $5\n"
            f"prices: {{}}\nsystem: {FAKE_ID}\n"
        )
        result = run("ask", "Hello", "-t", str(file), code=3)
        assert f"{file}:1:1 promt: unknown key; did you mean `prompt`?" in result.err
        assert f"{file}:2:1 max_tokens: takes a whole number" in result.err
        assert f"{file}:3:1 prompt: line 2, column 7 of the text: `$5` is no place" in result.err
        assert f"{file}:6:1 prices: unknown key" in result.err
        assert f"{file}:7:1 system: looks like an AWS secret" in result.err
        assert FAKE_ID not in result.err
        assert sandbox.requests == []

    def test_faults_are_told_in_the_order_of_the_text(
        self, run: Run, use: Use, tmp_path: Path
    ) -> None:
        use()
        file = tmp_path / "t.yaml"
        file.write_text("prompt: |\n" + "  costs $5\n" * 11)
        told = run("ask", "Hello", "-t", str(file), code=3).err
        assert [int(line) for line in re.findall(r"prompt: line (\d+)", told)] == [*range(1, 12)]

    @pytest.mark.parametrize("text", ["- a\n", "a: [\n"])
    def test_no_preset_at_all(self, text: str, run: Run, use: Use, tmp_path: Path) -> None:
        use()
        (tmp_path / "t.yaml").write_text(text)
        assert f"{tmp_path}/t.yaml:" in run("ask", "x", "-t", f"{tmp_path}/t.yaml", code=3).err

    @pytest.mark.parametrize("name", ["nowhere.yaml", "./nowhere", "nowhere.YML"])
    def test_a_missing_file(self, name: str, run: Run, use: Use) -> None:
        use()
        result = run("ask", "Hello", "-t", name, code=3)
        assert "cannot be read: No such file or directory" in result.err

    def test_a_name_is_not_a_file(self, run: Run, use: Use, write: Write) -> None:
        use()
        write(REVIEW)
        assert "did you mean `review`?" in run("ask", "Hello", "-t", "reviw", code=2).err
        write("preset: {review: {prompt: Hi}}")
        assert "did you mean `presets`?" in run("ask", "Hello", "-t", "review", code=3).err

    @pytest.mark.parametrize("prompt", ["''", "' '", "5", "[a]", "{a: b}"])
    def test_a_prompt_is_text(self, prompt: str, run: Run, use: Use, write: Write) -> None:
        use()
        write(f"presets: {{t: {{prompt: {prompt}}}}}")
        assert "presets.t.prompt: takes the text of a prompt" in run("ask", "x", code=3).err

    def test_a_prompt_stands_in_presets_only(self, run: Run, use: Use, write: Write) -> None:
        use()
        write("prompt: Hi")
        assert "prompt: unknown key" in run("ask", "x", code=3).err


class TestMeta:
    """`meta`: merged key by key, with `${VAR}` where files say so."""

    @pytest.fixture
    def rows(self, run: Run) -> Callable[..., dict[str, Any]]:
        def rows(*argv: str, **more: Any) -> dict[str, Any]:
            shown = run(*argv, "config", "show", "--json", **more).out
            return {row["key"]: row for row in json.loads(shown)}

        return rows

    def _sent(self, sandbox: Sandbox) -> Any:
        found = sandbox.requests[-1]["headers"]
        headers = {name.lower(): value for name, value in found.items()}
        return json.loads(headers["x-amzn-bedrock-request-metadata"])

    def test_every_layer_adds_its_keys(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write("meta: {a: file, b: file, c: file, d: file}\npresets: {p: {meta: {b: preset, c: x}}}")
        env = {"BEDROCK_CLAUDE_META": "d=env"}
        run("ask", "Hello", "-t", "p", "--meta", "c=flag", env=env)
        assert self._sent(sandbox) == {"a": "file", "b": "preset", "c": "flag", "d": "env"}

    def test_show_has_a_row_for_each_key(
        self, rows: Callable[..., dict[str, Any]], write: Write
    ) -> None:
        path = write("meta: {a: file, b: file}\npresets: {p: {meta: {b: '${NOT_SET}'}}}")
        found = rows(env={"BEDROCK_CLAUDE_META": "b=env"})
        assert "meta" not in found
        assert found["meta.a"]["value"] == "file"
        assert found["meta.b"]["value"] == "env"
        assert found["meta.b"]["source"] == "BEDROCK_CLAUDE_META"
        assert found["meta.b"]["overruled"] == [{"value": "file", "source": str(path)}]
        assert found["presets.p.meta"]["value"] == {"b": "${NOT_SET}"}
        write("model: haiku")
        assert rows(env={"BEDROCK_CLAUDE_META": ""})["meta"]["value"] is None

    def test_variables_are_taken_from_the_environment(
        self, run: Run, use: Use, write: Write
    ) -> None:
        sandbox = use()
        write("meta: {a: 'x-${WHO}-${WHO}', b: '$WHO'}")
        run("ask", "Hello", "--meta", "c=$WHO", env={"WHO": "me"})
        assert self._sent(sandbox) == {"a": "x-me-me", "b": "$WHO", "c": "$WHO"}

    def test_a_missing_variable_has_its_place(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        path = write("meta:\n  user: '${NOT_SET}'\n")
        result = run("ask", "Hello", code=3)
        assert f"{path}:2:3 meta.user: the environment variable NOT_SET is not set" in result.err
        assert sandbox.requests == []

    def test_only_the_preset_in_use_needs_its_variables(
        self, run: Run, use: Use, write: Write
    ) -> None:
        use()
        write("presets: {ci: {meta: {job: '${CI_JOB}'}}}")
        run("ask", "Hello")
        assert "presets.ci.meta.job: the environment" in run("ask", "x", "-t", "ci", code=3).err

    def test_a_secret_in_a_variable_is_not_sent(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write("meta: {user: '${WHO}'}")
        result = run("ask", "Hello", code=3, env={"WHO": FAKE_ID})
        assert "looks like an AWS secret" in result.err
        assert FAKE_ID not in result.err
        assert sandbox.requests == []

    def test_sixteen_in_all(self, run: Run, use: Use, write: Write) -> None:
        sandbox = use()
        write("meta: {" + ", ".join(f"k{n}: v" for n in range(16)) + "}")
        run("ask", "Hello", "--meta", "k0=x")
        result = run("ask", "Hello", "--meta", "one_more=x", code=2)
        assert "takes at most 16 entries, not 17" in result.err
        assert len(sandbox.requests) == 1


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


class TestProperties:
    """Any text, any names."""

    @given(st.text())
    def test_any_text_round_trips_through_doubled_dollars(self, text: str) -> None:
        written = text.replace("$", "$$")
        assert list(faults(written)) == []
        assert fill(Template("t", written), written, {}) == (text, text)

    @given(st.text(), NAMES, st.text())
    def test_a_value_is_never_read_again(self, around: str, name: str, value: str) -> None:
        written = around.replace("$", "$$") + "${" + name + "}"
        assert fill(Template("t", written), None, {name: value})[0] == around + value

    @given(st.lists(NAMES, min_size=1, unique=True), st.data())
    def test_missing_names_are_always_all_listed(self, wanted: list[str], data: Any) -> None:
        given_ = data.draw(st.lists(st.sampled_from(wanted), unique=True))
        half = len(wanted) // 2
        prompt = " ".join(f"${name}" for name in wanted[half:])
        system = " ".join(f"${{{name}}}" for name in wanted[:half])
        missing = {name for name in wanted if name not in given_}
        try:
            fill(Template("t", prompt), system, dict.fromkeys(given_, "x"))
        except UsageError as error:
            assert error.hint is not None
            told = {pair.removesuffix("=...") for pair in error.hint.strip("`").split("-p ")[1:]}
            assert {each.strip().removesuffix("=...") for each in told} == missing
            listed = error.message.split(" for ")[1]
            assert {name[1:] for name in listed.split(", ")} == missing
        else:
            assert not missing

    @given(st.text(alphabet="ab$ {}\n5"))
    def test_every_text_is_filled_or_has_its_faults_placed(self, text: str) -> None:
        if wrong := list(faults(text)):
            line, column = wrong[0].split(" of ")[0].removeprefix("line ").split(", column ")
            assert text.split("\n")[int(line) - 1][int(column) - 1] == "$"
        else:
            values = dict.fromkeys(names(text), "x")
            assert fill(Template("t", text), None, values)[0].count("$") == text.count("$$")
