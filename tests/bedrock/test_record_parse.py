"""The fast reader of a record's line says what the careful one says, whatever the line holds."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as some

from bedrock_claude_cli.bedrock import record_parse
from bedrock_claude_cli.bedrock.record_parse import Fault

LEAVES = some.none() | some.booleans() | some.integers() | some.floats() | some.text()
VALUES = some.recursive(
    LEAVES, lambda each: some.lists(each) | some.dictionaries(some.text(), each), max_leaves=8
)
KEYS = some.sampled_from(["id", "prompt", "messages", "modelInput", "recordId", "model", "x"])


@some.composite
def lines(draw: some.DrawFn) -> bytes:
    """A record, as one writer or another spells it, and sometimes with some bytes changed."""
    found = draw(some.dictionaries(KEYS, VALUES, max_size=4) | VALUES)
    text = json.dumps(found, ensure_ascii=draw(some.booleans()))
    line = text.encode(errors="surrogatepass") + draw(
        some.sampled_from([b"\n", b"\r\n", b" ", b""])
    )
    if draw(some.booleans()):
        at = draw(some.integers(0, len(line)))
        gone = draw(some.integers(0, 3))
        line = line[:at] + draw(some.binary(max_size=3)) + line[at + gone :]
    return line


@given(lines())
def test_both_readers_agree(line: bytes) -> None:
    fast, careful = record_parse.of_json(2, line), record_parse._of_json(2, line)
    assert repr(fast) == repr(careful)  # of -0.0 too, which equals 0


def test_what_only_the_careful_one_knows_is_told_by_it() -> None:
    for line in (b'{"x": NaN}', b'{"id": "\\ud800"}', b"[]", b'{"x": ' + b"9" * 5000 + b"}"):
        assert isinstance(record_parse.of_json(2, line), Fault)
    assert record_parse.of_json(2, b"\n") is None
    assert record_parse.of_json(2, b"\x0c{}") == record_parse.of_json(2, b"{}")
