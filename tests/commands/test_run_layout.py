"""`run` reads its output's lines by how they begin: whoever wrote them, they mean the same."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.hashes import Hashes
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.test_run import out as out
from tests.commands.test_run import write
from tests.conftest import Run

Use = Callable[..., Sandbox]
IDS = (
    "plain",
    'a "quoted" one',
    'back\\slash", "request_sha256": "',
    "zwölf €",
    "tab\there",
    "fails",
)
LAYOUTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "as it was": lambda line: json.dumps(line, ensure_ascii=False),
    "escaped": json.dumps,
    "other order": lambda line: json.dumps(line, sort_keys=True),
    "narrow": lambda line: json.dumps(line, separators=(",", ":")),
    "wide": lambda line: json.dumps(line, separators=(" , ", " : ")),
    "begins alike": lambda line: json.dumps(
        {"schema": 1, "id": line["id"], "request_sha256": line["request_sha256"], "x": 1} | line
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_line_means_the_same_in_any_layout(
    run: Run, use: Use, tmp_path: Path, out: Path, layout: str
) -> None:
    server = use({"when": {"prompt": "fails"}, "error": {"type": "ModelErrorException"}})
    records = [{"id": each, "prompt": each} for each in IDS]
    given = write(tmp_path / "in.jsonl", *records)
    run("run", given, "-o", str(out), code=9)
    before = run("run", "status", str(out), "--json").out
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert json.loads(before)["cost_usd"] > 0
    out.write_text("".join(LAYOUTS[layout](line) + "\n" for line in found))
    assert run("run", "status", str(out), "--json").out == before
    asked = len(server.requests)
    run("run", given, "-o", str(out), code=9)
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"cost_usd": 0.0', '"cost_usd": 0.0.'),
        ('"cost_usd": 0.0', '"cost_usd": --0.0'),
        ('"cost_at_most_usd": null', '"cost_at_most_usd": none'),
        ('"id": "r0"', '"id": "r\udcff"'),
        ('"id": "r\\n"', '"id": "r\\q"'),
    ],
)
def test_a_line_that_is_nearly_one_is_none(
    run: Run, use: Use, tmp_path: Path, out: Path, old: str, new: str
) -> None:
    server = use()
    name = "r\n" if "\\n" in old else "r0"
    given = write(tmp_path / "in.jsonl", {"id": name, "prompt": "say"})
    run("run", given, "-o", str(out))
    text = out.read_text()
    assert old in text
    broken = text.replace(old, new).encode(errors="surrogateescape")
    out.write_bytes(broken)
    asked = len(server.requests)
    result = run("run", given, "-o", str(out), code=2)
    assert "is no output of a run: line 1 is none of its lines" in result.err
    assert out.read_bytes() == broken and len(server.requests) == asked


def test_of_an_id_that_stands_twice_the_later_line_counts(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    """As it is where a run with --force was killed before its end."""
    server = use()
    old, new = ({"id": "a", "prompt": each} for each in ("one", "two"))
    run("run", write(tmp_path / "new.jsonl", new), "-o", str(out))
    later = out.read_bytes()
    given = write(tmp_path / "old.jsonl", old)
    run("run", given, "-o", str(out), "--force")
    out.write_bytes(out.read_bytes() + later)
    result = run("run", given, "-o", str(out), code=2)
    assert "the id is in the output with another request" in result.err
    assert json.loads(run("run", "status", str(out), "--json").out)["records"] == 1
    left = out.with_name(f".{out.name}.tmp")
    left.write_text("of a run that was killed\n")
    run("run", str(tmp_path / "new.jsonl"), "-o", str(out))
    [line] = out.read_text().splitlines()
    assert json.loads(line)["request_sha256"] == json.loads(later)["request_sha256"]
    assert not left.exists() and len(server.requests) == 2


def test_hashes_that_meet_are_told_apart() -> None:
    values = [15, 31, 47, -1 << 63, 0, -17]  # all but two begin at the last of 16 places
    found = Hashes(array("q", [*values, 31, 0, 31]), array("q", range(9)))
    assert found.twice == {31, 0}
    assert [found.get(each) for each in values] == [0, 8, 2, 3, 7, 5]  # the later counts
    assert all(found.get(each) is None for each in (63, 79, 16, 1, -2, 1 << 62))
    assert Hashes(array("q"), array("q")).get(5) is None
