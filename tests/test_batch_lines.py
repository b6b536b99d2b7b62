"""Lines of a job's input: those made from a frame are those made one by one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.batch_lines import Lines
from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.bedrock.record_parse import Record
from bedrock_claude_cli.compose_record import Composer
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.options import Shared
from tests.commands.jobs_world import BUCKET, make_bucket, records
from tests.conftest import Run

PROMPTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def _composer() -> Composer:
    return Composer(Context(Shared(region="us-east-1"), dict(os.environ)), catalog.load())


@given(st.lists(PROMPTS, min_size=2, max_size=6), st.sampled_from([{}, {"system": "the prompt"}]))
def test_a_frame_changes_nothing(prompts: list[str], more: dict[str, Any]) -> None:
    composer, quick, slow = _composer(), Lines({}), Lines({})
    for number, prompt in enumerate(prompts):
        composed = composer.compose(Record(f"r{number}", number, more, prompt))
        assert composed.frame is not None
        assert quick.of(composed) == slow.of(composed._replace(frame=None))


def test_a_line_is_what_bedrock_takes() -> None:
    composed = _composer().compose(Record('"1"', 1, {"tag": 5, "max_tokens": 9}, 'Say "é"'))
    line = Lines({}).of(composed)
    sent = json.loads(line.sent)
    assert sent["recordId"] == '"1"' and sent["modelInput"]["max_tokens"] == 9
    assert sent["modelInput"]["messages"][0]["content"] == [{"type": "text", "text": 'Say "é"'}]
    assert json.loads(line.beside) == ['"1"', composed.sha256, {"tag": 5}, None, line.cost]


def test_prices_count_per_record() -> None:
    lines, composer = Lines({}), _composer()
    short = lines.of(composer.compose(Record("a", 1, {}, "x" * 10))).cost
    longer = lines.of(composer.compose(Record("b", 2, {}, "x" * 1010))).cost
    odd = composer.compose(Record("c", 3, {}, "é" * 505))
    assert short is not None and longer is not None
    assert longer - short == pytest.approx(1000 * 3 / 1e6 / 2)  # half of $3 a million
    assert lines.of(odd).cost == pytest.approx(longer)
    unknown = odd.target._replace(base_id="anthropic.claude-opus-5")
    assert lines.of(odd._replace(target=unknown, frame=None)).cost is None


def test_a_folder_without_room_is_told(
    use: Callable[..., Any], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    make_bucket()
    source = records(name=str(tmp_path / "night.jsonl"))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    argv = ("jobs", "submit", source, "--bucket", BUCKET, "--yes")
    said = run(*argv, code=1).err
    assert "cannot be kept" in said and "nothing was sent" in said
    monkeypatch.chdir(tmp_path)
