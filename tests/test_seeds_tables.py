"""The five pages that this project began with: every row, tick and deprecation is accounted for.

tests/seeds_tables.yaml holds the facts of their tables; where the pages themselves lie beside the
clone, they are read again.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_claude_cli.bedrock.catalog import load
from bedrock_claude_cli.bedrock.model_id import resolve

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT.parent / "shared" / "seeds"
FILES = {"es": "000", "pt": "001", "zh": "002", "ru": "003", "fr": "004"}
FLAGS = ("global", "us", "eu", "jp", "apac")
YES = {"Sí", "Sim", "是", "Да", "Oui"}
NO = {"No", "Não", "否", "Нет", "Non"}
MONTHS = {"junio": 6, "junho": 6, "octubre": 10, "outubro": 10, "diciembre": 12, "dezembro": 12}

Row = dict[str, Any]


def tables() -> dict[str, list[Row]]:
    text = (ROOT / "tests" / "seeds_tables.yaml").read_text(encoding="utf-8")
    loaded: dict[str, list[Row]] = yaml.safe_load(text)
    return loaded


def overrides() -> dict[str, Any]:
    text = (ROOT / "catalog" / "overrides.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


HISTORY: dict[str, Any] = overrides()["history"]
ROWS = [(language, row) for language, rows in tables().items() for row in rows]


def today_id(seed_id: str) -> str:
    """The base id of today for an id of the tables."""
    return next(base for base, told in HISTORY.items() if told["seeds"]["id"] == seed_id)


def name_of(value: object) -> str:
    return str(value).replace("anthropic.claude-", "") if isinstance(value, str) else str(value)


@pytest.mark.parametrize(("language", "row"), ROWS, ids=lambda v: v["id"] if type(v) is dict else v)
def test_every_row_tick_and_deprecation_is_in_the_catalogues_history(
    language: str, row: Row
) -> None:
    told = HISTORY[today_id(row["id"])]["seeds"]
    assert language in told["languages"]
    assert told["flags"] == row["endpoints"]
    deprecated = told.get("deprecated", {"marked": [], "dated": [], "from": None})
    assert (language in deprecated["marked"]) == row.get("marked", False)
    assert row.get("deprecated") == (
        deprecated["from"] if language in deprecated["dated"] else None
    )
    known = load().get(today_id(row["id"]))
    assert known and known.name == row["name"]


def test_the_history_claims_no_row_that_the_tables_do_not_have() -> None:
    claimed = {
        (language, told["seeds"]["id"])
        for told in HISTORY.values()
        for language in told["seeds"]["languages"]
    }
    assert claimed == {(language, row["id"]) for language, row in ROWS}


@pytest.mark.parametrize("base_id", HISTORY, ids=name_of)
def test_where_today_differs_both_are_listed_with_their_source(base_id: str) -> None:
    told, known = HISTORY[base_id], load().get(base_id)
    assert known
    then, today = told["seeds"], told.get("today", {})
    differs: dict[str, object] = {
        flag: flag in known.endpoints
        for flag in FLAGS
        if (flag in known.endpoints) != (flag in then["flags"])
    }
    if base_id != then["id"]:
        differs["id"] = base_id
    if known.lifecycle.status != "ACTIVE":
        differs["lifecycle"] = known.lifecycle.status
    assert {key: fact["value"] for key, fact in today.items()} == differs
    assert then["source"] == "seeds"
    assert all(fact["source"] in overrides()["sources"] for fact in today.values())


def test_the_deprecation_of_a_table_is_no_later_than_the_end_we_know() -> None:
    catalog = load()
    for base_id, told in HISTORY.items():
        known, deprecated = catalog.get(base_id), told["seeds"].get("deprecated")
        if known and deprecated:
            end = known.lifecycle.end_of_life
            assert known.lifecycle.status == "EOL"
            assert end is None or deprecated["from"] <= date.fromisoformat(end)


@pytest.mark.parametrize(("language", "row"), ROWS, ids=lambda v: v["id"] if type(v) is dict else v)
def test_every_id_of_the_tables_can_be_typed(language: str, row: Row) -> None:
    target = resolve(f"us.{row['id']}", region="us-east-1", catalog=load())
    assert target.model_id == f"us.{today_id(row['id'])}"


def deprecation(cell: str) -> date | None:
    western = re.search(r"(\d+) de (\w+) de (\d{4})", cell)
    if western:
        return date(int(western[3]), MONTHS[western[2]], int(western[1]))
    chinese = re.search(r"(\d{4}) 年 (\d+) 月 (\d+) 日", cell)
    return date(*map(int, chinese.groups())) if chinese else None


def as_row(name: str, model_id: str, flags: list[str]) -> Row:
    assert len(flags) == len(FLAGS) and set(flags) <= YES | NO
    ticks = [endpoint for endpoint, flag in zip(FLAGS, flags, strict=True) if flag in YES]
    row: Row = {
        "id": model_id,
        "name": re.split(r"<|⚠", name)[0].strip(),
        "endpoints": ticks,
    }
    if "⚠" in name:
        row["marked"] = True
    if deprecation(name):
        row["deprecated"] = deprecation(name)
    return row


def markdown_rows(text: str) -> list[Row]:
    rows = []
    for line in text.splitlines():
        if line.startswith("| Claude "):
            name, model_id, *flags = (cell.strip() for cell in line.strip("|\n ").split("|"))
            rows.append(as_row(name, model_id, flags))
    return rows


def glued_rows(text: str) -> list[Row]:
    """Rows whose cells ran together: name, id, a button's word and five flags without a gap."""
    pattern = r"(Claude [\w. ]+?)(anthropic\.claude-\S+?)Copied!((?:Да|Нет){5})"
    found = re.findall(f"^{pattern}$", text, re.MULTILINE)
    return [as_row(name, model_id, re.findall("Да|Нет", flags)) for name, model_id, flags in found]


@pytest.mark.parametrize("language", FILES)
def test_the_data_file_says_exactly_what_the_page_says(language: str) -> None:
    if not SEEDS.is_dir():
        pytest.skip("the five pages are not beside this clone (../shared/seeds)")
    (page,) = SEEDS.glob(f"{FILES[language]}_*.txt")
    text = page.read_text(encoding="utf-8")
    rows = glued_rows(text) if language == "ru" else markdown_rows(text)
    assert rows == tables()[language]
    assert len(rows) == {"es": 10, "pt": 10, "zh": 10, "ru": 9, "fr": 10}[language]
