"""`ask --schema`: what is sent of a schema, and what an answer is held to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import body
from tests.conftest import Run

Use = Callable[..., Sandbox]

ITEMS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                "required": ["name"],
            },
        }
    },
    "required": ["items"],
}
LIST = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "number"}}}
TREE = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["children"],
}


def words(text: str, **reply: Any) -> dict[str, Any]:
    """A rule: the model answers in text."""
    return {"reply": {"text": text, **reply}}


def called(value: Any, **reply: Any) -> dict[str, Any]:
    """A rule: the model calls the tool."""
    return {"reply": {"tool_input": value, **reply}}


def wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"value": schema},
        "required": ["value"],
        "additionalProperties": False,
    }


class TestReading:
    def test_a_file_a_json_text_and_every_other_place(
        self, run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("items.json").write_text(json.dumps(ITEMS), "utf-8-sig")
        config = tmp_path / "config.yaml"
        config.write_text("schema: items.json\npresets: {p: {schema: items.json}}\n")
        empty = tmp_path / "empty.yaml"
        empty.write_text("presets: {p: {schema: items.json}}\n")
        sandbox = use()
        for argv in (
            ["--schema", "items.json"],
            ["--schema", f" {json.dumps(ITEMS)}"],
            ["--config", str(config)],
            ["--config", str(empty), "-t", "p"],
        ):
            run("ask", "Hello", *argv)
            assert "items" in body(sandbox)["output_config"]["format"]["schema"]["properties"]
        run("ask", "Hello", env={"BEDROCK_CLAUDE_SCHEMA": "items.json"})
        assert len([each for each in sandbox.requests if "output_config" in each["body"]]) == 5

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ('{"type": "object",\n  "a" 1}', "is not JSON: expecting ':' delimiter at line 2, col"),
            ("{'type': 'object'}", "line 1, column 2"),
            ("[1, 2]", "--schema is not a JSON object"),
            ('{"type": "strin"}', "no JSON Schema: $.type: 'strin' is not one of ['array'"),
            ('{"properties": {"a": {"type": 1}}}', "$.properties.a.type: 1 is not"),
            ('{"properties": {"a": {"pattern": "("}}}', "$.properties.a.pattern: '(' is not a"),
            ('{"type": "object", "type": "array"}', "the key `type` stands twice"),
            ('{"maximum": 1e400}', "the number 1e400 is beyond what programs can read"),
            (f'{{"maximum": {"9" * 5000}}}', "is beyond what programs can read"),
            ('{"maximum": NaN}', "NaN is no number in JSON"),
            ('{"$ref": "#/$defs/gone"}', "`$ref` to #/$defs/gone leads nowhere"),
            ('{"$ref": "https://example.com/x.json"}', "leads nowhere"),
            ('{"$ref": "#"}', "refers to itself without end"),
            ('{"not":' * 400 + "{}" + "}" * 400, "nested too deep"),
            ('{"a":' * 20000 + "1" + "}" * 20000, "nested too deep"),
            ("gone.json", "gone.json cannot be read: No such file or directory"),
            ("type: object", "cannot be read: No such file or directory"),
            (".", "cannot be read: Is a directory"),
            ("bytes.json", "bytes.json cannot be read: it is not UTF-8 text (byte 1)"),
            ("text.json", "text.json is not JSON: expecting value at line 1, column 1"),
            ("number.json", "number.json is not a JSON object"),
            ("x" * 300, "File name too long"),
            ("", "--schema is empty"),
        ],
        ids=lambda each: str(each)[:30],
    )
    def test_what_is_no_schema_is_told_and_nothing_sent(
        self,
        given: str,
        said: str,
        run: Run,
        use: Use,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("bytes.json").write_bytes(b"{\xff}")
        Path("text.json").write_text("name, count\n")
        Path("number.json").write_text("7")
        sandbox = use()
        result = run("ask", "Hello", "--schema", given, code=2)
        assert said in result.err.splitlines()[0]
        assert sandbox.requests == []

    def test_extract_beside_it_is_refused(self, run: Run, use: Use) -> None:
        sandbox = use()
        result = run("ask", "Hello", "--schema", json.dumps(ITEMS), "-x", code=2)
        assert "hint: leave one of them out" in result.err
        assert sandbox.requests == []


class TestOutputFormat:
    """What the models' own format takes; the sandbox refuses the rest as Bedrock does."""

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            (ITEMS["properties"]["items"]["items"] | {"additionalProperties": False}, None),
            ({"enum": ["a", 1, None]}, None),
            ({"const": "a"}, None),
            ({"type": ["string", "null"], "format": "date"}, None),
            (LIST, None),
            (
                {"type": "integer", "minimum": 1, "maximum": 5, "description": "Stars"},
                {"type": "integer", "description": "Stars\n\nminimum: 1; maximum: 5"},
            ),
            (
                {"type": "string", "pattern": "^a", "format": "isbn"},
                {"type": "string", "description": 'pattern: "^a"; format: "isbn"'},
            ),
            (
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "description": "maxItems: 3",
                },
            ),
            (
                {"oneOf": [{"type": "string"}, {"type": "null"}], "$schema": "http://x/y"},
                {"anyOf": [{"type": "string"}, {"type": "null"}]},
            ),
            (
                {"properties": {"a": {"type": "string", "default": "x", "x-own": 1}}},
                {
                    "type": "object",
                    "properties": {"a": {"type": "string"}},
                    "additionalProperties": False,
                },
            ),
            (
                {
                    "definitions": {"a": {"type": "string"}, "unused": {"allOf": [{}]}},
                    "$ref": "#/definitions/a",
                },
                {"definitions": {"a": {"type": "string"}}, "$ref": "#/definitions/a"},
            ),
        ],
        ids=lambda each: str(each)[:40],
    )
    def test_what_is_sent(self, given: Any, sent: Any, run: Run, use: Use) -> None:
        sandbox = use()
        run("ask", "Hello", "--schema", json.dumps(given), "--allow-incomplete")
        assert body(sandbox)["output_config"]["format"]["schema"] == (sent or given)
        assert "tools" not in body(sandbox)

    @pytest.mark.parametrize(
        ("given", "lack"),
        [
            (TREE, "recursion"),
            (
                {
                    "$ref": "#/$defs/a",
                    "$defs": {
                        "a": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]},
                        "b": {"type": "array", "items": {"$ref": "#/$defs/a"}},
                    },
                },
                "recursion",
            ),
            ({"type": "object", "additionalProperties": {"type": "string"}}, "object with other"),
            ({"type": "object"}, "object whose keys are not all"),
            ({"type": "object", "properties": {"a": True}}, "place where anything fits"),
            (
                {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["b"]},
                "object whose keys are not all",
            ),
            ({"type": "array"}, "list of anything"),
            ({}, "place without a `type`"),
            ({"allOf": [ITEMS]}, "`allOf`"),
            ({"type": "string", "not": {"const": "a"}}, "`not`"),
            ({"type": "object", "patternProperties": {"^a": {}}}, "`patternProperties`"),
            ({"enum": [["a"]]}, "lists and objects in `enum`"),
            ({"type": "string", "anyOf": [{"const": "a"}]}, "`anyOf` beside other keywords"),
            (
                {"properties": {"a": {"type": "null"}, "b": {"$ref": "#/properties/a"}}},
                "`$ref` to #/properties/a",
            ),
        ],
        ids=lambda each: str(each)[:40],
    )
    def test_what_it_cannot_say_goes_by_a_tool_and_that_is_noted(
        self, given: Any, lack: str, run: Run, use: Use
    ) -> None:
        sandbox = use()
        result = run("ask", "Hello", "--schema", json.dumps(given), "--allow-incomplete")
        assert f"own output format has no {lack}" in result.err
        assert "output_config" not in body(sandbox)
        assert body(sandbox)["tool_choice"]["type"] == "tool"

    def test_a_limit_that_was_only_told_still_counts(self, run: Run, use: Use) -> None:
        use(words("9"))
        given = json.dumps({"type": "integer", "maximum": 5})
        result = run("ask", "Hello", "--schema", given, code=10)
        assert "it does not fit the schema: $: 9 is greater than the maximum of 5" in result.err


class TestTool:
    @pytest.mark.parametrize(
        ("argv", "choice"),
        [
            (["-m", "opus-4.1"], "tool"),
            (["-m", "opus-4.8"], "tool"),
            (["-m", "opus-5"], "auto"),  # thinks by default
            (["-m", "opus-5", "--thinking", "off"], "tool"),
            (["-m", "opus-4.8", "--thinking", "adaptive"], "auto"),
            (["-m", "opus-4.1", "--thinking", "2000"], "auto"),
            (["-m", "haiku-5.5"], "auto"),  # nobody says whether it thinks by default
            (["-m", "opus-5.5"], "auto"),  # takes no forced tool
            (["-m", "sonnet-5.5", "--thinking", "off"], "auto"),
        ],
        ids=" ".join,
    )
    def test_forced_only_where_that_cannot_be_refused(
        self, argv: list[str], choice: str, run: Run, use: Use
    ) -> None:
        sandbox = use()
        run("ask", "Hello", "--schema", json.dumps(ITEMS), *argv)
        sent = body(sandbox)
        assert sent["tool_choice"]["type"] == choice
        assert sent["tools"][0]["input_schema"] == ITEMS
        assert ("system" in sent) == (choice == "auto")

    def test_the_line_that_asks_for_the_tool_stands_below_the_system_prompt(
        self, run: Run, use: Use
    ) -> None:
        sandbox = use()
        run("ask", "Hello", "--schema", json.dumps(ITEMS), "-m", "opus-5.5", "-s", "Be brief")
        assert body(sandbox)["system"].startswith("Be brief\n\nGive your whole answer by calling")

    @pytest.mark.parametrize(
        ("schema", "sent"),
        [
            (LIST, wrapped({**LIST, "items": {"$ref": "#/properties/value/$defs/n"}})),
            ({"type": ["object", "null"]}, wrapped({"type": ["object", "null"]})),
            ({"anyOf": [ITEMS], "type": "object"}, wrapped({"anyOf": [ITEMS], "type": "object"})),
            ({"enum": [{"$ref": "#"}, "#/a"]}, wrapped({"enum": [{"$ref": "#"}, "#/a"]})),
            ({"items": {"$ref": "#"}}, wrapped({"items": {"$ref": "#/properties/value"}})),
            (ITEMS | {"$schema": "https://json-schema.org/draft/2020-12/schema"}, ITEMS),
        ],
        ids=lambda each: str(each)[:40],
    )
    def test_an_input_is_an_object(self, schema: Any, sent: Any, run: Run, use: Use) -> None:
        sandbox = use()
        argv = ("--schema", json.dumps(schema), "-m", "opus-4.1", "--allow-incomplete")
        run("ask", "Hello", *argv)
        assert body(sandbox)["tools"][0]["input_schema"] == sent

    @pytest.mark.parametrize("model", ["opus-4.1", "opus-5.5"])
    def test_what_was_wrapped_is_unwrapped(self, model: str, run: Run, use: Use) -> None:
        use(called({"value": [1.5, 2]}))
        argv = ("ask", "Hello", "--schema", json.dumps(LIST), "-m", model)
        assert run(*argv).out == "[1.5, 2]\n"
        assert json.loads(run(*argv, "--json").out)["parsed"] == [1.5, 2]
        assert run(*argv, "--query", "parsed[1]").out == "2\n"

    def test_words_before_the_call_are_no_part_of_the_answer(self, run: Run, use: Use) -> None:
        use(called({"items": []}, text="I look into it."))
        argv = ("ask", "Hello", "--schema", json.dumps(ITEMS), "-m", "opus-5.5")
        assert run(*argv).out == '{"items": []}\n'

    def test_json_in_words_is_taken_where_the_tool_was_only_offered(
        self, run: Run, use: Use
    ) -> None:
        use(words('{"items": []}'))
        argv = ("ask", "Hello", "--schema", json.dumps(ITEMS), "-m", "opus-5.5")
        assert run(*argv).out == '{"items": []}\n'


class TestJudging:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('{"items": [{"name": "a"}, {"name": 1}, {}]}', "$.items[1].name: 1 is not of type"),
            ('{"items": [{"name": "a"}, {"name": 1}, {}]}', ", and 1 more"),
            ('{"items": [{"a b": 1}]}', "$.items[0]: 'name' is a required property"),
            ("{}", "$: 'items' is a required property"),
            ("[]", "$: [] is not of type 'object'"),
            ('"items"', "$: 'items' is not of type 'object'"),
            ("null", "$: None is not of type 'object'"),
            ("Sure! Here it is", "it is words, not JSON"),
            ('```json\n{"items": []}\n```', "it is words, not JSON"),
            ("   ", "it is empty"),
            ('{"items": [', "it is not JSON: expecting value at line 1, column 12"),
            ('{"items": []} Anything else?', "it is not JSON: extra data at line 1, column 15"),
            ('{"items": [{"name": "a", "count": NaN}]}', "NaN is no number in JSON"),
            ('{"items": [{"name": "a", "count": 1e400}]}', "the number 1e400 is beyond"),
            ('{"items": [], "items": []}', "the key `items` stands twice in one object"),
            ('{"items": [{"name": ' + "[" * 50000 + "]" * 50000 + "}]}", "nested too deep"),
        ],
        ids=lambda each: str(each)[:40],
    )
    def test_an_answer_that_does_not_fit(self, text: str, said: str, run: Run, use: Use) -> None:
        """It is printed, as what arrived always is, and is exit 10 with the path."""
        use(words(text))
        argv = ("ask", "Hello", "--schema", json.dumps(ITEMS), "--max-tokens", "60000")
        result = run(*argv, code=10)
        assert said in result.err
        assert "error: the answer is not whole: it " in result.err
        assert result.out == (f"{text}\n" if text.strip() else "")
        answer = json.loads(run(*argv, "--json", code=10).out)
        assert (answer["complete"], answer["parsed"], answer["text"]) == (False, None, text.strip())
        error = answer["error"]
        assert (error["code"], error["exit_code"], error["retry"]) == ("Incomplete", 10, "no")
        assert error["request_id"] == answer["request_id"]
        allowed = run(*argv, "--allow-incomplete")
        assert "warning: the answer is not whole: it " in allowed.err

    def test_one_line_names_a_misfit_however_long_the_value(self, run: Run, use: Use) -> None:
        use(words(json.dumps({"items": "x" * 5000})))
        err = run("ask", "Hello", "--schema", json.dumps(ITEMS), code=10).err
        assert len(err) < 500
        assert "xxx ... xxx" in err
        assert "is not of type 'array'" in err

    def test_of_alternatives_the_nearest_is_told(self, run: Run, use: Use) -> None:
        use(words('{"items": [{"name": 1}]}'))
        given = json.dumps({"anyOf": [ITEMS, {"type": "null"}]})
        assert "$.items[0].name: 1 is not" in run("ask", "Hello", "--schema", given, code=10).err

    @pytest.mark.parametrize("model", ["sonnet-4.5", "opus-4.1"])
    def test_max_tokens_comes_first(self, model: str, run: Run, use: Use) -> None:
        cut = {"reply": {"stop_reason": "max_tokens"}}
        reply = words('{"items": [') if model == "sonnet-4.5" else called({"items": []})
        use({"reply": reply["reply"] | cut["reply"]})
        argv = ("ask", "Hello", "--schema", json.dumps(ITEMS), "-m", model)
        result = run(*argv, code=10)
        assert "it reached the limit of --max-tokens" in result.err
        assert "schema" not in result.err
        assert result.out.startswith('{"items": [')
        answer = json.loads(run(*argv, "--json", code=10).out)
        assert (answer["parsed"], answer["error"]) == (None, None)

    def test_a_stream_that_broke_off_is_told_as_that(self, run: Run, use: Use) -> None:
        use(
            called({"items": [{"name": "a long name of many words"}]})
            | {"stream": {"cut_after": 1}}
        )
        argv = ("ask", "Hello", "--schema", json.dumps(ITEMS), "-m", "opus-4.1")
        result = run(*argv, code=10)
        assert "the stream ended before the answer did" in result.err
        assert result.out.startswith("{")


class TestPrinting:
    def test_a_pipe_gets_the_json_as_it_came(self, run: Run, use: Use) -> None:
        text = '{"items":[{"name":"**a** \\u00e9 \\ud83d","count":1}]}'
        use(words(f"\n {text}\n\n"))
        assert run("ask", "Hello", "--schema", json.dumps(ITEMS)).out == f"{text}\n"
        assert run("ask", "Hello", "--schema", json.dumps(ITEMS), "--no-stream").out == f"{text}\n"

    def test_a_terminal_gets_it_indented_and_never_as_markdown(self, run: Run, use: Use) -> None:
        use(words('{"items":[{"name":"**a** \\u001b[31m é \\ud83d","count":1}]}'))
        out = run("ask", "Hello", "--schema", json.dumps(ITEMS), terminal=True).out
        assert out == (
            '{\n  "items": [\n    {\n      "name": "**a** \\u001b[31m é \\ud83d",\n'
            '      "count": 1\n    }\n  ]\n}\n'
        )

    @pytest.mark.parametrize(
        ("schema", "text"),
        [({"type": "null"}, "null"), ({"type": "boolean"}, "false"), ({"type": "string"}, '"a"')],
        ids=str,
    )
    def test_any_json_may_be_asked_for(self, schema: Any, text: str, run: Run, use: Use) -> None:
        use(words(text))
        for terminal in (False, True):
            argv = ("ask", "Hello", "--schema", json.dumps(schema))
            assert run(*argv, terminal=terminal).out == f"{text}\n"

    def test_without_a_schema_nothing_of_it_is_loaded_or_sent(self, run: Run, use: Use) -> None:
        use(words('{"items": []}'))
        answer = json.loads(run("ask", "Hello", "--json").out)
        assert (answer["text"], answer["parsed"], answer["complete"]) == (
            '{"items": []}',
            None,
            True,
        )

    def test_citations_with_it_are_refused(self, run: Run, use: Use, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("Text")
        sandbox = use()
        attach = ("-a", str(tmp_path / "a.txt"), "--citations")
        result = run("ask", "Hello", "--schema", json.dumps(ITEMS), *attach, code=6)
        assert "hint: `--no-citations`, or leave the schema out" in result.err
        assert sandbox.requests == []
