"""Settings through the front door: where each value comes from, and every way a file is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock.prompt import SPECS
from bedrock_claude_cli.config import load
from bedrock_claude_cli.config_example import example
from bedrock_claude_cli.config_file import FILE_KEYS
from bedrock_claude_cli.errors import CliError, ConfigError, UsageError
from tests.conftest import Result, Run

ROOT = Path(__file__).parents[1]
FAKE_ID = "AKIAIOSFODNN7EXAMPLE"
FAKE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
FAKE_API_KEY = "ABSKQmVkcm9ja0FQSUtleS1ub3QtYS1yZWFsLWtleQ=="

Write = Callable[..., Path]


@pytest.fixture
def write(home: Path) -> Write:
    """Writes the config file at its default place."""

    def write(text: str | bytes) -> Path:
        path = home / ".config" / "bedrock-claude" / "config.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def shown(run: Run) -> Callable[..., dict[str, dict[str, Any]]]:
    """What `config show --json` says, by key."""

    def shown(*argv: str, **more: Any) -> dict[str, dict[str, Any]]:
        result = run(*argv, "config", "show", "--json", **more)
        return {row["key"]: row for row in json.loads(result.out)}

    return shown


Shown = Callable[..., dict[str, dict[str, Any]]]


def _problems(result: Result, path: Path) -> list[str]:
    """The lines of an error without the file's name."""
    text = result.err.removeprefix("error: ")
    lines = [line for line in text.splitlines() if not line.startswith(("hint: ", "note: "))]
    assert all(line.startswith(f"{path}") for line in lines), lines
    return [line.removeprefix(str(path)).removeprefix(":") for line in lines]


class TestWhere:
    """Which file is read."""

    def test_the_default_place_is_below_home(self, run: Run, home: Path) -> None:
        result = run("config", "path")
        assert result.out == f"{home}/.config/bedrock-claude/config.yaml\n"
        assert "no such file yet" in result.err

    @pytest.mark.parametrize(("xdg", "used"), [("/etc/xdg", True), ("etc/xdg", False), ("", False)])
    def test_xdg_config_home_counts_only_if_absolute(
        self, run: Run, home: Path, xdg: str, used: bool
    ) -> None:
        folder = xdg if used else f"{home}/.config"
        result = run("config", "path", env={"XDG_CONFIG_HOME": xdg})
        assert result.out == f"{folder}/bedrock-claude/config.yaml\n"

    def test_the_flag_beats_the_variable_beats_the_default(self, run: Run, write: Write) -> None:
        write("model: from-default\n")
        env = {"BEDROCK_CLAUDE_CONFIG": "~/variable.yaml"}
        assert run("config", "path", env=env).out.endswith("/home/variable.yaml\n")
        assert run("config", "path", "--config", "flag.yaml").out == "flag.yaml\n"
        assert run("--config", "~/x.yaml", "config", "path").out.endswith("/home/x.yaml\n")

    @pytest.mark.parametrize("by", ["--config", "BEDROCK_CLAUDE_CONFIG"])
    def test_a_named_file_that_is_absent_is_an_error(self, run: Run, by: str) -> None:
        argv, env = (["--config", "no.yaml"], {}) if by == "--config" else ([], {by: "no.yaml"})
        result = run("config", "show", *argv, env=env, code=3)
        assert f"no.yaml: no such file (from {by})" in result.err
        assert "`bedrock-claude config init --config no.yaml`" in result.err

    def test_an_empty_variable_names_no_file(self, shown: Shown) -> None:
        assert shown(env={"BEDROCK_CLAUDE_CONFIG": ""})["model"]["source"] == "default"

    def test_a_folder_is_no_config(self, run: Run, tmp_path: Path) -> None:
        result = run("config", "show", "--config", str(tmp_path), code=3)
        assert f"{tmp_path}: cannot be read: Is a directory" in result.err

    def test_an_unreadable_file_is_said(
        self, run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write("model: x\n")

        def refuse(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "read_bytes", refuse)  # the tests may run as root
        assert f"{path}: cannot be read: Permission denied" in run("config", "show", code=3).err

    def test_nobody_knows_the_home_folder(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
        assert run("config", "path").out == "~/.config/bedrock-claude/config.yaml\n"
        run("config", "show")
        run("ask", "--sandbox", "hi")
        assert not Path("~").exists()


# Every place that a value may come from, strongest first.
ORDER = (
    "flag",
    "preset",
    "own variable",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "file",
    "AWS profile",
)
SOURCES = {
    "flag": "--region",
    "preset": "--preset p",
    "own variable": "BEDROCK_CLAUDE_REGION",
    "AWS_REGION": "AWS_REGION",
    "AWS_DEFAULT_REGION": "AWS_DEFAULT_REGION",
    "AWS profile": "AWS profile dev",
}


class TestOrder:
    """Which value counts."""

    @pytest.mark.parametrize("strongest", range(len(ORDER)))
    def test_the_region_comes_from_the_strongest_place(
        self, shown: Shown, write: Write, home: Path, strongest: int
    ) -> None:
        present = ORDER[strongest:]
        region = {place: f"xx-place-{index}" for index, place in enumerate(ORDER)}
        text = "presets: {p: {max_tokens: 7%s}}\n" % (
            f", region: {region['preset']}" if "preset" in present else ""
        )
        file = write(text + (f"region: {region['file']}\n" if "file" in present else ""))
        (home / ".aws").mkdir()
        (home / ".aws" / "config").write_text(
            f"[profile dev]\nregion = {region['AWS profile']}\n", encoding="utf-8"
        )
        env = {"AWS_PROFILE": "dev"}
        for place, name in (("own variable", "BEDROCK_CLAUDE_REGION"), ("AWS_REGION",) * 2,
                            ("AWS_DEFAULT_REGION",) * 2):  # fmt: skip
            if place in present:
                env[name] = region[place]
        flags = ["--region", region["flag"]] if "flag" in present else []
        row = shown(*flags, "--preset", "p", env=env)["region"]
        first = present[0]
        assert row["value"] == region[first]
        assert row["source"] == SOURCES.get(first, str(file))
        lost = [place for place in present[1:] if place != "AWS profile"]
        assert [each["value"] for each in row["overruled"]] == [region[place] for place in lost]

    def test_an_option_comes_from_the_strongest_place(
        self, run: Run, write: Write, shown: Shown
    ) -> None:
        file = write("max_tokens: 4\npresets: {p: {max_tokens: 2}}\n")
        env = {"BEDROCK_CLAUDE_MAX_TOKENS": "3"}
        row = shown("--preset", "p", env=env)["max_tokens"]
        assert (row["value"], row["source"]) == (2, "--preset p")
        assert row["overruled"] == [
            {"value": 3, "source": "BEDROCK_CLAUDE_MAX_TOKENS"},
            {"value": 4, "source": str(file)},
            {"value": 4096, "source": "default"},
        ]
        result = run("ask", "hi", "--sandbox", "--dry-run", "--preset", "p", "--max-tokens", "1")
        assert json.loads(result.out)["request"]["body"]["max_tokens"] == 1

    @pytest.mark.parametrize(
        ("env", "source"),
        [
            ({"BEDROCK_CLAUDE_PROFILE": "a", "AWS_PROFILE": "b"}, "BEDROCK_CLAUDE_PROFILE"),
            ({"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"}, "AWS_PROFILE"),
            ({"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "a"}, "AWS_DEFAULT_PROFILE"),
        ],
    )
    def test_the_profile_comes_from_the_strongest_variable(
        self, shown: Shown, home: Path, write: Write, env: dict[str, str], source: str
    ) -> None:
        write("profile: c\n")
        (home / ".aws").mkdir()
        (home / ".aws" / "config").write_text("[profile a]\n", encoding="utf-8")
        row = shown(env=env)["profile"]
        assert (row["value"], row["source"]) == ("a", source)

    def test_without_any_region_it_is_us_east_1_with_a_note(self, run: Run) -> None:
        result = run("config", "show")
        assert "region\tus-east-1\tdefault" in result.out
        assert "note: no region is set, using us-east-1" in result.err

    def test_an_empty_variable_counts_as_unset(self, shown: Shown) -> None:
        names = [f"BEDROCK_CLAUDE_{key.upper()}" for key in ("region", *SPECS, "profile")]
        env = dict.fromkeys([*names, "AWS_PROFILE", "AWS_REGION", "BEDROCK_CLAUDE_SANDBOX"], "")
        rows = shown(env=env)
        assert {row["source"] for row in rows.values()} == {"default"}

    def test_an_unknown_variable_is_warned_about(self, run: Run) -> None:
        env = {
            "BEDROCK_CLAUDE_MODLE": "x",
            "BEDROCK_CLAUDE_ZZZZ": "y",
            "BEDROCK_CLAUDE_EMPTY": "",
        }
        result = run("config", "show", env=env)
        assert (
            "warning: BEDROCK_CLAUDE_MODLE is no setting of this tool and was ignored; "
            "did you mean `BEDROCK_CLAUDE_MODEL`?\n"
        ) in result.err
        assert "BEDROCK_CLAUDE_ZZZZ is no setting of this tool and was ignored\n" in result.err
        assert "EMPTY" not in result.err

    def test_everything_wrong_is_told_at_once(self, run: Run, write: Write) -> None:
        path = write("retries: many\nmodle: x\n")
        env = {"BEDROCK_CLAUDE_MAX_TOKENS": "none", "BEDROCK_CLAUDE_TOP_P": "7"}
        result = run("config", "show", env=env, code=3)
        assert result.err.splitlines() == [
            f"error: {path}:1:1 retries: takes a whole number, not `many`",
            f"{path}:2:1 modle: unknown key; did you mean `model`?",
            "BEDROCK_CLAUDE_MAX_TOKENS takes a whole number, not `none`",
            "BEDROCK_CLAUDE_TOP_P is between 0 and 1, not 7",
        ]

    @pytest.mark.parametrize(
        ("name", "text"), [("reveiw", "; did you mean `review`?"), ("zzz", "")]
    )
    def test_an_unknown_preset_is_a_usage_error(
        self, run: Run, write: Write, name: str, text: str
    ) -> None:
        path = write("presets: {review: {}, other: {}}\n")
        result = run("ask", "hi", "--preset", name, code=2)
        assert f"error: no preset `{name}`{text}\n" in result.err
        assert f"hint: presets in {path}: review, other\n" in result.err

    def test_a_preset_that_the_file_spoils_is_the_file_s_error(
        self, run: Run, write: Write
    ) -> None:
        write("presets: {review: 5}\n")
        assert (
            "presets.review: takes a mapping"
            in run("config", "show", "--preset", "review", code=3).err
        )


WRONG = {
    "unknown keys, in order": (
        "regoin: x\nmodle: y\nfoo: 1\n",
        ["1:1 regoin: unknown key; did you mean `region`?",
         "2:1 modle: unknown key; did you mean `model`?", "3:1 foo: unknown key"],
    ),
    "duplicate keys": ("model: a\nmodel: b\n", ["2:1 model: stands twice, first at 1:1"]),
    "duplicate keys inside": (
        "presets:\n  a:\n    model: x\n    model: y\n  a: {}\n",
        ["4:5 presets.a.model: stands twice, first at 3:5",
         "5:3 presets.a: stands twice, first at 2:3"],
    ),
    "the same key as text and as a number": (
        "presets: {5: {}, '5': {}}", ["1:18 presets.5: stands twice, first at 1:11"],
    ),
    "wrong types": (
        "max_tokens: many\ntemperature: true\nretries: 1.5\ntop_p: 2\nregion: 5\nstop: 5\n"
        "system: [a]\nmodel: ''\nprofile: ' '\n",
        ["1:1 max_tokens: takes a whole number, not `many`",
         "2:1 temperature: takes a number, not `True`",
         "3:1 retries: takes a whole number, not `1.5`", "4:1 top_p: is between 0 and 1, not 2",
         "5:1 region: takes a name", "6:1 stop: takes text, not `5`",
         "7:1 system: takes text, not a list", "8:1 model: is empty",
         "9:1 profile: takes a name"],
    ),
    "numbers that are none": (
        "temperature: .nan\ntimeout: .inf\nmax_tokens: 1" + "0" * 400 + "\nretries: !!int x\n",
        ["1:1 temperature: is between 0 and 1, not nan",
         "2:1 timeout: is between 1 and 86400, not inf",
         "3:13 max_tokens: is no number that can be read",
         "4:10 retries: is no number that can be read"],
    ),
    "more digits than Python reads": (
        "max_tokens: " + "9" * 5000, ["1:13 max_tokens: is no number that can be read"],
    ),
    "not a truth value": ("model: !!bool x", ["1:8 model: is no truth value that can be read"]),
    "a list": ("- a\n", ["1:1 not a mapping of keys to values"]),
    "a word": ("hello\n", ["1:1 not a mapping of keys to values"]),
    "a tab": ("presets:\n\ta: b\n", ["2:1 not YAML: found character that cannot start any token"]),
    "unclosed": ("model: [x\n", ["2:1 not YAML: did not find expected ',' or ']'"]),
    "two documents": (
        "model: a\n---\nmodel: b\n",
        ["2:1 not YAML: a second document begins here, and one is all that is read"],
    ),
    "a null byte": (
        "model: a\0b\n",
        ["1:1 not YAML: unacceptable character #x0000: control characters are not allowed in "
         '"<unicode string>", position 8'],
    ),
    "no such anchor": ("model: *m\n", ["1:8 not YAML: found undefined alias"]),
    "a tag of Python's": (
        "model: !!python/object:os.system x\n",
        ["1:8 model: has the tag !!python/object:os.system, which is not read here"],
    ),
    "bytes": ("model: !!binary '*'\n", ["1:8 model: has the tag !!binary, which is not read here"]),
    "an alias to itself": (
        "presets: &p\n  a: *p\n", ["1:10 presets.a: contains itself"],
    ),
    "a merge with itself": ("presets: &p\n  <<: *p\n", ["1:10 presets: contains itself"]),
    "a merge of nothing": (
        "presets:\n  b:\n    <<: 5\n", ["3:9 presets.b.<<: takes a mapping, or a list of them"],
    ),
    "keys that are not text": (
        "1: a\nnull: b\n[a, b]: c\n{a: b}: d\n",
        ["1:1 1: unknown key", "2:1 null: unknown key",
         "3:1 a key is text, not a list or a mapping",
         "4:1 a key is text, not a list or a mapping"],
    ),
    "presets that are none": ("presets: [a]\n", ["1:1 presets: takes a mapping"]),
    "a preset that is none": (
        "presets:\n  a: 5\n  b: [x]\n", ["2:3 presets.a: takes a mapping",
                                         "3:3 presets.b: takes a mapping"],
    ),
    "a preset's keys": (
        "presets:\n  a: {modle: x, presets: {}, max_tokens: x}\n",
        ["2:7 presets.a.modle: unknown key; did you mean `model`?",
         "2:17 presets.a.presets: unknown key",
         "2:30 presets.a.max_tokens: takes a whole number, not `x`"],
    ),
    "prices": (
        "prices:\n  a: {input: -1, outptu: 3, output: true, cache_read: .inf}\n  b: 5\n  c:\n",
        ["2:7 prices.a.input: takes USD per million tokens, 0 to 1000000",
         "2:18 prices.a.outptu: unknown key; did you mean `output`?",
         "2:29 prices.a.output: takes USD per million tokens, 0 to 1000000",
         "2:43 prices.a.cache_read: takes USD per million tokens, 0 to 1000000",
         "3:3 prices.b: takes a mapping of input, output, cache_read, cache_write_5m, "
         "cache_write_1h",
         "4:3 prices.c: takes a mapping of input, output, cache_read, cache_write_5m, "
         "cache_write_1h"],
    ),
    "nested too deep": ("model: " + "[" * 100_000, ["1:55 nested too deep"]),
}  # fmt: skip

BILLION = "a: &a [1]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
)
BILLION_MERGES = "presets:\n  p0: &p0 {model: x}\n" + "".join(
    f"  p{i + 1}: &p{i + 1} {{<<: [{','.join([f'*p{i}'] * 9)}]}}\n" for i in range(20)
)


class TestWrongFiles:
    """Every way in which a file can be wrong."""

    @pytest.mark.parametrize("name", WRONG)
    def test_it_is_told_with_its_place(self, run: Run, write: Write, name: str) -> None:
        text, expected = WRONG[name]
        path = write(text)
        assert _problems(run("config", "show", code=3), path) == expected

    def test_a_file_that_is_not_utf_8(self, run: Run, write: Write) -> None:
        path = write(b"region: eu-west-1\nmodel: caf\xe9\n")
        assert _problems(run("config", "show", code=3), path) == ["2:11 not UTF-8 text"]

    @pytest.mark.parametrize("text", [BILLION, BILLION_MERGES])
    def test_aliases_of_aliases_stay_cheap(self, run: Run, write: Write, text: str) -> None:
        write(text)
        assert "more than 20000 values" in run("config", "show", code=3).err

    @pytest.mark.parametrize(
        "text", ["", "# nothing\n", "---\n...\n", "model:\npresets: ~\nprices:\n", "\ufeff"]
    )
    def test_a_file_that_sets_nothing_is_fine(self, shown: Shown, write: Write, text: str) -> None:
        write(text)
        assert shown()["model"]["source"] == "default"

    def test_anchors_and_merges_are_read(self, shown: Shown, write: Write) -> None:
        write(
            "presets:\n  a: &a {model: &m opus-4.6, retries: 1}\n  b: &b {max_tokens: 5}\n"
            "  c: {<<: [*b, *a], retries: 2}\n  d: {system: *m}\n"
        )
        rows = {key: row["value"] for key, row in shown().items() if key.startswith("presets.")}
        assert rows == {
            "presets.a.model": "opus-4.6", "presets.a.retries": 1, "presets.b.max_tokens": 5,
            "presets.c.model": "opus-4.6", "presets.c.retries": 2, "presets.c.max_tokens": 5,
            "presets.d.system": "opus-4.6",
        }  # fmt: skip

    def test_an_error_is_json_when_asked(self, run: Run, write: Write) -> None:
        path = write("modle: x\n")
        error = json.loads(run("config", "show", "--json", code=3).err)["error"]
        assert error["code"] == "Config"
        assert error["exit_code"] == 3
        assert error["message"].startswith(f"{path}:1:1 modle: ")


class TestSecrets:
    """What looks like an AWS secret is refused, and never repeated."""

    @pytest.mark.parametrize("secret", [FAKE_ID, FAKE_SECRET, FAKE_API_KEY, "bedrock-api-key-x0"])
    @pytest.mark.parametrize(
        "text",
        ["model: {}", "system: 'my key is {}'", "stop: [{}]", "max_tokens: {}", "endpoint: {}",
         "presets: {{a: {{model: {}}}}}", "presets: {{{}: {{}}}}", "'{}': x", "foo: [[{}]]",
         "prices: {{{}: {{}}}}", "prices: {{a: {{input: {}}}}}", "{}"],
    )  # fmt: skip
    def test_a_secret_anywhere(self, run: Run, write: Write, secret: str, text: str) -> None:
        write(text.format(f"'{secret}'" if text.count("'") == 0 else secret))
        result = run("config", "show", code=3)
        assert secret not in result.err
        if text != "{}":
            assert "looks like an AWS secret" in result.err
            assert "keep it in an AWS profile (`aws configure`)" in result.err

    @pytest.mark.parametrize(
        "key",
        ["aws_secret_access_key", "aws_access_key_id", "aws_session_token", "api_key",
         "AWS_BEARER_TOKEN_BEDROCK", "password"],
    )  # fmt: skip
    @pytest.mark.parametrize("text", ["{}: hunter2", "presets: {{a: {{{}: hunter2}}}}"])
    def test_a_key_named_like_a_secret(self, run: Run, write: Write, key: str, text: str) -> None:
        write(text.format(key))
        result = run("config", "show", code=3)
        assert "hunter2" not in result.err
        assert f"{key}: looks like an AWS secret" in result.err

    @pytest.mark.parametrize(
        "text",
        ["presets: {secrets-review: {system: Find the password in this code.}}",
         "system: 'Look at 3b18e512dba79e4c8300dd08aeb37f8e728b8dad Now'",
         "model: arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/a1b2c3d4e5f6",
         "system: " + "aB3" * 20],
    )  # fmt: skip
    def test_what_is_no_secret_passes(self, run: Run, write: Write, text: str) -> None:
        write(text)
        run("config", "show")

    def test_a_secret_in_a_variable_is_not_shown(self, run: Run) -> None:
        env = {"BEDROCK_CLAUDE_SYSTEM": f"use {FAKE_SECRET}", "BEDROCK_CLAUDE_MODEL": FAKE_ID}
        for argv in (["config", "show"], ["config", "show", "--json"]):
            result = run(*argv, env=env)
            assert FAKE_SECRET not in result.out + result.err
            assert FAKE_ID not in result.out + result.err


class TestExample:
    """config.example.yaml."""

    def test_the_file_is_what_the_code_writes(self) -> None:
        assert (ROOT / "config.example.yaml").read_text("utf-8") == example()

    def test_every_key_is_there_with_its_default(self, tmp_path: Path) -> None:
        text = re.sub(r"^# (?=\w+:|  )", "", example(), flags=re.M)
        path = tmp_path / "all.yaml"
        path.write_text(text, encoding="utf-8")
        loaded = load({}, {}, config=path)
        found = {key for key, value in loaded.values.items() if value.source == str(path)}
        assert found | set(loaded.allowed) == set(FILE_KEYS) - {"prices", "presets"}
        assert loaded.allowed["allow_endpoints"].value == ("eu", "eu-*")
        assert loaded.prices and loaded.presets
        for key, spec in SPECS.items():
            if spec.default is not None:
                assert loaded.values[key].value == spec.default

    def test_as_it_stands_it_sets_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "example.yaml"
        path.write_text(example(), encoding="utf-8")
        assert {each.source for each in load({}, {}, config=path).values.values()} == {"default"}


KEYS = st.sampled_from([*FILE_KEYS, "a", "<<", "x: y", "null"]) | st.text(max_size=5)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["*a", "&a x", "<<: *a", "!!int x", "!!set {a}", "0x_", "1:99", "15m"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestFuzz:
    """No file crashes the loader."""

    def _load(self, path: Path) -> None:
        try:
            load({}, {}, config=path)
        except (ConfigError, UsageError) as error:
            assert isinstance(error, CliError)
            assert str(path) in error.message

    @quick
    @given(document=st.dictionaries(KEYS, VALUES, max_size=6))
    def test_any_document(self, tmp_path: Path, document: dict[str, Any]) -> None:
        path = tmp_path / "fuzz.yaml"
        path.write_text(json.dumps(document).replace('"', ""), encoding="utf-8")
        self._load(path)
        path.write_text(json.dumps(document), encoding="utf-8")
        self._load(path)

    @quick
    @given(content=st.binary(max_size=60))
    def test_any_bytes(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "fuzz.yaml"
        path.write_bytes(content)
        self._load(path)

    @quick
    @given(
        values=st.dictionaries(
            st.sampled_from([f"BEDROCK_CLAUDE_{key.upper()}" for key in SPECS]),
            st.text(st.characters(exclude_characters="\0"), max_size=9)
            | st.sampled_from(["9" * 400, "1e999", "nan", "-0", "٣", "1_0"]),
        )
    )
    def test_any_environment(self, values: dict[str, str]) -> None:
        try:
            load({}, values)
        except ConfigError as error:
            assert "BEDROCK_CLAUDE_" in error.message


def test_a_path_with_a_space_is_quoted_in_what_is_to_be_typed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "my config.yaml"
    missing = run("config", "show", "--config", str(file), code=3).err
    assert f"`bedrock-claude config init --config '{file}'`" in missing
    run("config", "init", "--config", str(file))
    there = run("config", "init", "--config", str(file), code=3).err
    assert f"`bedrock-claude config show --config '{file}'`" in there
