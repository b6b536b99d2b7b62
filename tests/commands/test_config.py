"""`config show`, `config init` and `config path`; tests/test_config.py has what a file may say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedrock_claude_cli.config_example import example
from tests.conftest import Run


def test_show_in_a_pipe_is_tab_separated(run: Run) -> None:
    result = run("config", "show", "--region", "eu-west-1", env={"AWS_REGION": "eu-west-2"})
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert ["region", "eu-west-1", "--region", "eu-west-2 (AWS_REGION)"] in rows
    assert ["timeout", "900", "default", ""] in rows
    assert ["temperature", "-", "default", ""] in rows


def test_show_on_a_terminal_is_a_table(run: Run) -> None:
    result = run("config", "show", terminal=True, env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert result.out.splitlines()[0].split() == ["KEY", "VALUE", "SOURCE", "OVERRULED"]
    assert "max_tokens" in result.out


def test_show_has_presets_and_prices(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "prices: {sonnet-4.5: {input: 2.5}}\npresets: {p: {stop: [a, b], retries: 0}}\n",
        encoding="utf-8",
    )
    result = run("config", "show", "--config", str(path))
    assert f"prices.sonnet-4.5.input\t2.5\t{path}\t\n" in result.out
    assert f"presets.p.stop\ta, b\t{path}\t\n" in result.out
    assert f"presets.p.retries\t0\t{path}\t\n" in result.out
    assert "warning" not in result.err


def test_show_warns_of_a_price_that_never_counts(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("prices: {sonet: {input: 1}, my.anthropic.thing: {input: 1}}", encoding="utf-8")
    told = run("config", "show", "--config", str(path)).err
    assert "warning: prices.sonet is neither an id nor a model's alias" in told
    assert told.count("warning") == 1


def test_show_takes_the_region_of_the_aws_profile(run: Run, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text("[default]\nregion = eu-north-1\n", encoding="utf-8")
    rows = json.loads(run("config", "show", "--json").out)
    region = next(row for row in rows if row["key"] == "region")
    assert (region["value"], region["source"]) == ("eu-north-1", "AWS profile default")


def test_show_answers_a_query(run: Run) -> None:
    assert run("config", "show", "--query", "[?key=='model'].value | [0]").out == "sonnet-4.5\n"


def test_show_without_a_file_names_the_way_to_one(run: Run, home: Path) -> None:
    told = run("config", "show").err
    assert f"`bedrock-claude config init` writes {home}/.config/bedrock-claude/config.yaml" in told


def test_init_writes_the_example_and_never_overwrites(run: Run, home: Path) -> None:
    path = home / ".config" / "bedrock-claude" / "config.yaml"
    assert run("config", "init").out == f"{path}\n"
    assert path.read_text("utf-8") == example()
    path.write_text("model: mine\n", encoding="utf-8")
    told = run("config", "init", code=3).err
    assert f"error: {path} exists and was left as it is" in told
    assert path.read_text("utf-8") == "model: mine\n"


def test_init_writes_where_it_is_told(run: Run, tmp_path: Path) -> None:
    named, flagged = tmp_path / "a" / "named.yaml", tmp_path / "b" / "flagged.yaml"
    run("config", "init", env={"BEDROCK_CLAUDE_CONFIG": str(named)})
    result = run("config", "init", "--config", str(flagged), "--json")
    assert json.loads(result.out) == {"schema": 1, "path": str(flagged), "exists": True}
    assert named.read_text("utf-8") == flagged.read_text("utf-8") == example()


def test_init_leaves_a_dangling_link_alone(run: Run, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "nowhere.yaml")
    assert "exists and was left" in run("config", "init", "--config", str(link), code=3).err
    assert not (tmp_path / "nowhere.yaml").exists()


@pytest.mark.parametrize("place", ["file/config.yaml", "file/deeper/config.yaml"])
def test_init_below_a_file_cannot_write(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    told = run("config", "init", "--config", str(tmp_path / place), code=3).err
    assert f"{tmp_path / place}: cannot be written: " in told


def test_path_needs_no_valid_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("- broken", encoding="utf-8")
    result = run("config", "path", "--config", str(path), "--json")
    assert json.loads(result.out) == {"schema": 1, "path": str(path), "exists": True}


def test_path_says_that_there_is_none_yet(run: Run) -> None:
    result = run("config", "path")
    assert "there is no such file yet" in result.err
    assert run("config", "path", "--quiet").err == ""


def test_without_a_subcommand_it_is_usage(run: Run) -> None:
    run("config", code=2)
    assert "did you mean" in run("config", "sohw", code=2).err.lower()
