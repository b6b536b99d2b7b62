"""What `run` reads: every kind of input, and every fault of it with its line."""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import lines
from tests.conftest import Result, Run

Use = Callable[..., Sandbox]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def faults(run: Run, path: Path, *argv: str, code: int = 2) -> Result:
    """The faults of an input, which must be found before anything is sent."""
    out = str(path.with_name("out.jsonl"))
    return run("run", str(path), "-o", out, "--sandbox", *argv, code=code)


def test_jsonl_may_be_gzipped_have_a_bom_and_blank_lines(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use()
    text = '\ufeff{"prompt": "ä"}\n\n  \n{"id": null, "prompt": "b"}'
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    run("run", str(tmp_path / "in.jsonl.gz"), "-o", str(out))
    assert {each["id"] for each in lines(out)} == {"1", "4"}


def test_csv_columns_are_prompt_options_and_what_is_carried_over(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    path = tmp_path / "in.csv"
    path.write_text('id,prompt,max_tokens,team\nx,"a, b\nc",5,red\ny,d,,\n')
    run("run", str(path), "-o", str(out), code=10)
    sent = {each["body"]["max_tokens"] for each in server.requests}
    found = {each["id"]: each for each in lines(out)}
    assert sent == {5, 4096} and found["x"]["team"] == "red" and "team" not in found["y"]


def test_standard_input_is_read_and_a_rerun_goes_on(run: Run, use: Use, out: Path) -> None:
    server = use()
    text = '{"prompt": "a"}\n{"prompt": "b"}\n'
    run("run", "-", "-o", str(out), stdin=text)
    run("run", "-", "-o", str(out), stdin=text + '{"prompt": "c"}\n')
    assert len(server.requests) == 3


CSV = "id,prompt,max_tokens\nx,say 1,5\ny,say 2,6\n"


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        CSV,
        "\ufeff\r\n" + CSV.replace("\n", "\r\n"),
        '"id","prompt","max_tokens"\nx,say 1,5\ny,"say 2",6\n',
        CSV.replace(",", ";"),
        CSV.replace(",", "\t"),
        '{"id": "x", "prompt": "say 1", "max_tokens": 5}\n'
        '{"id": "y", "prompt": "say 2", "max_tokens": 6}\n',
        '\ufeff\n  {"id": "x", "prompt": "say 1", "max_tokens": 5}\n'
        '{"id": "y", "prompt": "say 2", "max_tokens": 6}\n',
    ],
)
@pytest.mark.parametrize("name", ["-", "pipe", "in.txt"])
def test_what_has_no_name_that_tells_is_known_by_how_it_begins(
    run: Run, use: Use, tmp_path: Path, out: Path, text: str, zipped: bool, name: str
) -> None:
    server = use()
    data = gzip.compress(text.encode()) if zipped else text.encode()
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
        threading.Thread(target=path.write_bytes, args=(data,)).start()
    elif name != "-":
        path.write_bytes(data)
    given = "-" if name == "-" else str(path)
    run("run", given, "-o", str(out), stdin=data if name == "-" else None, code=10)
    assert {each["id"] for each in lines(out)} == {"x", "y"}
    assert {each["body"]["max_tokens"] for each in server.requests} == {5, 6}


def test_faults_of_a_table_on_standard_input_say_that_it_was_read_as_one(
    run: Run, use: Use, out: Path
) -> None:
    use()
    told = run("run", "-", "-o", str(out), stdin="id,question\na,b\n", code=2).err
    assert "standard input (read as CSV): 1 fault" in told and "line 2: it has neither" in told
    told = run("run", "-", "-o", str(out), stdin="what is this\n", code=2).err
    assert "standard input (read as CSV) holds no records" in told
    assert "holds no records" in run("run", "-", "-o", str(out), stdin="", code=2).err
    broken = gzip.compress(CSV.encode())[:20]
    assert "cannot be read" in run("run", "-", "-o", str(out), stdin=broken, code=2).err


def test_an_array_of_records_is_told_how_it_becomes_lines(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text('[{"prompt": "a"}, {"prompt": "b"}]')
    assert "`jq -c '.[]'` makes a line for each item" in faults(run, path).err
    path.write_text('[\n  {"prompt": "a"},\n  {"prompt": "b"}\n]\n')
    assert "`jq -c '.[]'` makes a line for each item" in faults(run, path).err


@pytest.mark.parametrize(
    "argv, what, hint",
    [
        (("-m", "sonet"), "unknown model `sonet`", "list-models"),
        (("-m", "opus-4.1", "--via", "mantle"), "is not on bedrock-mantle", "on mantle are"),
        (("-m", "anthropic.claude-none-v1:0", "--max-cost", "1"),
         "the price of anthropic.claude-none-v1:0 is unknown (input, output)", "prices: {"),
        (("-m", "opus-4.8", "--temperature", "1"), "refuses temperature 1.0", "another model"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_every_record_is_told_once_with_what_helps(
    run: Run, tmp_path: Path, argv: tuple[str, ...], what: str, hint: str
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "a"}\n' * 1200)
    told = faults(run, path, *argv, code=11 if "--max-cost" in argv else 2).err
    assert told.count(what) == 1 and "1 fault, so nothing was sent" in told
    assert "lines 1, 2, 3, 4, 5 and 1,195 more: " in told
    assert hint in told.partition("\nhint: ")[2] and "mend the input" not in told


def test_what_is_wrong_with_many_records_does_not_hide_what_is_with_one(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    rows = [{"prompt": "a", "model": "nope"}] * 30
    body: dict[str, Any] = {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    rows[7], rows[9] = {"prompt": ""}, {"id": "1", "prompt": "a", "model": "haiku-4.5"}
    rows += [{"recordId": f"x{at}", "modelInput": body} for at in range(40)]  # type: ignore[dict-item]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    told = faults(run, path, "--temperature", "0.5").err.splitlines()
    assert [each.partition(": ")[0] for each in told if each.startswith("line")] == [
        "lines 1, 2, 3, 4, 5 and 23 more", "line 8", "line 10",
        "lines 31, 32, 33, 34, 35 and 35 more",
    ]  # fmt: skip
    assert "4 faults" in " ".join(told) and told[-1] == "hint: mend the input, then run it again"


def test_ids_that_stand_twice_are_told_in_the_order_of_the_lines(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    pairs = [("a", "x"), ("a", "x"), ("b", " "), ("a", ""), ("b", "x"), ("c", "x")]
    rows = [json.dumps({"id": name, "prompt": prompt}) for name, prompt in pairs]
    path.write_text("\n".join(rows) + "\n" + "{\n" * 3)
    told = re.findall(r"^line (\d+): (.*)", faults(run, path).err, re.M)
    assert [int(line) for line, _ in told] == [2, 3, 4, 4, 5, 7, 8, 9]
    path.write_text('{"id": "a", "prompt": "x"}\n' * 30 + "{\n" * 30)
    told = re.findall(r"^line (\d+): (.*)", faults(run, path).err, re.M)
    assert [int(line) for line, _ in told] == list(range(2, 22))


def test_every_fault_is_told_at_once_with_its_line(run: Run, tmp_path: Path) -> None:
    rows: list[bytes] = [
        b'{"id": "a", "prompt": "fine"}',
        b'{"prompt": "x"',
        b'{"prompt": "\xff"}',
        b"[1]",
        b'{"id": "a", "prompt": "again"}',
        b'{"prompt": "x", "model": "sonet"}',
        b'{"prompt": "x", "max_tokens": "many"}',
        b'{"prompt": "x", "region": "eu-west-1"}',
        b'{"prompt": " "}',
        b'{"prompt": "x", "messages": []}',
        b'{"messages": [{"role": "system", "content": "x"}]}',
        b'{"other": 1}',
        b'{"prompt": "x", "usage": 1}',
        b'{"recordId": "r", "modelInput": {"messages": []}}',
        b'{"recordId": "s", "modelInput": {}, "max_tokens": 1}',
        b'{"prompt": "x", "temperature": NaN}',
        b'{"prompt": "\\ud83d"}',
        b'{"id": [], "prompt": "x"}',
        b'{"prompt": 1}',
        b'{"prompt": "x", "temperature": 1, "model": "opus-4.8"}',
    ]
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(rows))
    told = faults(run, path).err
    assert "19 faults, so nothing was sent" in told
    for number in range(1, 21):
        assert (f"line {number}: " in told) == (number > 1)
    for words in (
        "line 3: it is not UTF-8 (byte 13)",
        "line 5: the id `a` stands in line 1 too",
        "line 6: unknown model `sonet`; did you mean",
        "line 13: `usage` is a key of the output",
        "line 16: it is not JSON: NaN",
    ):
        assert words in told
    assert not (tmp_path / "out.jsonl").exists()


def test_a_long_list_of_faults_is_cut_and_counted(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("{\n" * 500)
    told = faults(run, path).err
    assert "500 faults" in told and "and 480 more" in told and told.count("line ") == 20


def test_variables_of_the_template_that_are_missing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("prompt: Say $what in $lang\n")
    path = tmp_path / "in.jsonl"
    path.write_text('{"what": "a", "lang": "de"}\n{"what": "b"}\n{"what": {}, "lang": "de"}\n')
    told = faults(run, path, "-t", str(tmp_path / "t.yaml")).err
    assert "line 2: " in told and "the template needs a value for $lang" in told
    assert "line 3: `what` fills $what, so it is a text or a number" in told


def test_a_record_of_more_than_twenty_megabytes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    with path.open("w") as file:
        file.write('{"prompt": "small"}\n')
        file.write(json.dumps({"prompt": "x" * 20_000_000}) + "\n")
    assert "line 2: the request has 20,000," in faults(run, path).err


def test_a_line_without_an_end_is_not_read_into_memory(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("records", "record_parse"):
        monkeypatch.setattr(f"bedrock_claude_cli.bedrock.{module}.MAX_LINE", 1000)
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "' + "x" * 5000 + '"}\n{"prompt": ""}\n')
    told = faults(run, path).err
    assert "line 1: it has more than 1,000 bytes" in told and "line 2: the prompt is empty" in told


# Without a time, which would give a test another name in each process.
ZIPPED = gzip.compress(b'{"prompt": "x"}', mtime=0)
ZIPPED_MORE = gzip.compress(b'{"prompt": "x"}' * 50, mtime=0)


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("in.jsonl", b"", "holds no records"),
        ("in.jsonl.gz", b"plain", "cannot be read"),
        ("in.jsonl.gz", ZIPPED[:-9], "cannot be read"),
        ("in.jsonl.gz", ZIPPED_MORE[:-20] + b"x" * 20, "cannot be read"),
        ("in.gz", ZIPPED[:10] + b"x" * 20, "cannot be read"),
        ("in.csv", b"prompt,prompt\na,b\n", "stands twice"),
        ("in.csv", b"id,prompt,Stra\xdfe\na,b,c\n", "line 1: it is not UTF-8"),
        ("in.csv", "id,prompt\na,b\n".encode("utf-16"), "line 1: it is not UTF-8"),
        ("in", '{"prompt": "a"}\n'.encode("utf-16"), "line 1: it is not UTF-8"),
        ("in.csv", b"id,prompt\na\n", "line 2: it has 1 cells"),
        ("in.csv", b"id,prompt\na,\xff\n", "line 2: it is not UTF-8"),
        ("in.csv", b'id,prompt\na,"b\n', "it is not CSV"),
        ("in.csv", b'"id"x,prompt\na,b\n', "line 1: it is not CSV"),
        ("in.csv", b"id,messages\na,b\n", "write JSONL"),
    ],
)
def test_inputs_that_are_none(
    run: Run, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in faults(run, tmp_path / name).err


def test_an_input_that_is_not_there(run: Run, tmp_path: Path) -> None:
    assert "no such file" in faults(run, tmp_path / "in.jsonl").err
    assert "it is no file" in faults(run, tmp_path).err


def test_each_record_has_its_own_options(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    server = use()
    rows: list[dict[str, Any]] = [
        {"id": "a", "prompt": "x", "model": "haiku-4.5", "system": "S", "stop": ["END"]},
        {"id": "b", "prompt": "x", "schema": {"type": "object", "required": ["n"],
                                              "properties": {"n": {"type": "integer"}},
                                              "additionalProperties": False}},
        {"id": "c", "prompt": "x", "meta": {"k": "v"}, "temperature": None},
    ]  # fmt: skip
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    run("run", str(path), "-o", str(out), "--temperature", "0.5", "--concurrency", "1")
    first, second, third = (each["body"] for each in server.requests)
    assert first["system"] == "S" and first["stop_sequences"] == ["END"]
    assert "haiku" in server.requests[0]["model"] and "output_config" in second
    assert third["temperature"] == 0.5
    assert set(lines(out)[1]["parsed"]) == {"n"}


def test_a_conversation_keeps_its_images_and_documents(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    text = {"type": "text", "media_type": "text/plain", "data": "Grass is green."}
    turns = [
        {"role": "user", "content": [{"type": "document", "source": text, "title": "a"},
                                     {"type": "text", "text": "What colour?"}]},
        {"role": "assistant", "content": "Green."},
        {"role": "user", "content": "Sure?"},
    ]  # fmt: skip
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"messages": turns}))
    run("run", str(path), "-o", str(out))
    sent = server.requests[0]["body"]["messages"]
    assert [each["role"] for each in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"][0]["source"] == text
    assert sent[2]["content"] == [{"type": "text", "text": "Sure?"}]


@pytest.mark.parametrize(
    "turns, words",
    [
        ([{"role": "user"}], "not just `role` and `content`"),
        ([{"role": "user", "content": []}], "no content"),
        ([{"role": "user", "content": [{"type": "tool_use"}]}], "`modelInput` takes all"),
        ([{"role": "user", "content": [{"type": "text", "text": ""}]}], "without text"),
        ([{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}], "base64"),
        ([{"role": "assistant", "content": "x"}], "the first of `messages` is the user's"),
        ([], "`messages` is empty"),
    ],
)
def test_conversations_that_bedrock_would_refuse(
    run: Run, tmp_path: Path, turns: list[Any], words: str
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"messages": turns}))
    assert words in faults(run, path).err


def test_files_go_with_the_record_that_names_them(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    (tmp_path / "a.txt").write_text("Grass is green.")
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"prompt": "x", "attach": str(tmp_path / "a.txt")}))
    run("run", str(path), "-o", str(out))
    first = server.requests[0]["body"]["messages"][0]["content"][0]
    assert first["type"] == "document" and first["source"]["data"] == "Grass is green."
    out.unlink()
    path.write_text(json.dumps({"prompt": "x", "attach": "-"}))
    assert "standard input cannot go with every record" in faults(run, path).err
    path.write_text(json.dumps({"prompt": "x", "attach": str(tmp_path / "none")}))
    assert "line 1: " in faults(run, path).err


def test_an_input_that_changes_while_it_runs_ends_the_run(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use({"stream": {"delay_ms": 20}})
    path = tmp_path / "in.jsonl"
    rows = [json.dumps({"id": f"r{at}", "prompt": "x" * 2000}) for at in range(60)]
    path.write_text("\n".join(rows))
    answer = server.answer

    def changing(request: Any) -> Any:
        if len(server.requests) == 5:
            path.write_text("\n".join(reversed(rows)))
        return answer(request)

    server.answer = changing  # type: ignore[method-assign]
    result = run("run", str(path), "-o", str(out), "--concurrency", "2", code=1)
    assert "was changed while it was read" in result.err
    assert 5 <= len(lines(out)) < 60
    server.answer = answer  # type: ignore[method-assign]
    run("run", str(path), "-o", str(out))
    assert len(lines(out)) == 60
