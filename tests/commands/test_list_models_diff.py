"""`list-models --diff`: where AWS's lists and the shipped catalogue differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.catalog import load
from bedrock_claude_cli.bedrock.catalog_diff import differences
from bedrock_claude_cli.bedrock.surveys import Listed
from bedrock_claude_cli.sandbox import Sandbox, models
from tests.commands.test_list_models_one import NEXT, OPUS, OWN, own_profile
from tests.conftest import Run

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET_4 = "anthropic.claude-sonnet-4-20250514-v1:0"
PREVIEW = "anthropic.claude-mythos-preview"
Use = Callable[..., Sandbox]


def told(run: Run, *argv: str) -> list[dict[str, Any]]:
    """The differences but for one that is always there: the catalogue has no status of it."""
    found: list[dict[str, Any]] = json.loads(run("list-models", "--diff", "--json", *argv).out)
    return [each for each in found if each["id"] != PREVIEW]


def change(monkeypatch: pytest.MonkeyPatch, base_id: str, **new: Any) -> None:
    table = models.claude()
    monkeypatch.setitem(table, base_id, replace(table[base_id], **new))


def test_the_sandbox_and_the_catalogue_agree_in_every_region(run: Run, use: Use) -> None:
    use()
    assert told(run, "--all-regions") == []
    (gov,) = told(run, "--region", "us-gov-west-1")
    assert (gov["what"], gov["id"]) == ("not-listed", HAIKU), "litellm alone has it there"


def test_no_difference_is_a_note_and_exit_0(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.delitem(models.claude(), PREVIEW)
    found = run("list-models", "--diff", "--region", "eu-west-1")
    assert (found.out, "AWS and the catalogue agree" in found.err) == ("", True)
    assert f"the shipped catalogue of {load().date}" in found.err


def test_a_model_that_only_aws_has_is_new(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    table = models.claude()
    monkeypatch.setitem(table, NEXT, replace(table[OPUS], id=NEXT, name="Claude Next 9"))
    (new,) = told(run)
    assert {key: new[key] for key in ("what", "id", "regions", "catalogue", "aws")} == {
        "what": "new-model",
        "id": NEXT,
        "regions": ["us-east-1"],
        "catalogue": None,
        "aws": "Claude Next 9, as global, us",
    }


def test_an_endpoint_that_only_aws_has_is_a_new_id(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    change(monkeypatch, SONNET, on_demand=("us-east-1",))
    (new,) = told(run)
    assert (new["what"], new["id"]) == ("new-id", SONNET)
    assert new["catalogue"] == "offered as global, us"


def test_a_model_that_came_back_from_its_end_is_told_by_id_and_status(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    change(monkeypatch, SONNET_4, lifecycle={"status": "LEGACY", "end": "2027-10-14"})
    found = told(run)
    ids = [each for each in found if each["what"] == "new-id"]
    assert {each["catalogue"] for each in ids} == {"past its end of life"}
    dates = {each["what"]: (each["catalogue"], each["aws"]) for each in found if each not in ids}
    assert dates == {"status": ("EOL", "LEGACY"), "end_of_life": ("2026-10-14", "2027-10-14")}


def test_an_id_that_aws_does_not_list_says_why(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    change(monkeypatch, SONNET, prefixes=("global", "eu"))
    monkeypatch.delitem(models.claude(), OPUS)
    found = {each["id"]: each for each in told(run)}
    assert {each["what"] for each in found.values()} == {"not-listed"}
    assert found[f"us.{SONNET}"]["why"] == "AWS offers it there as global"
    assert set(found) == {f"us.{SONNET}", f"us.{OPUS}", f"global.{OPUS}"}
    assert found[f"us.{OPUS}"]["why"] == "AWS does not offer it there"
    assert (found[f"us.{OPUS}"]["catalogue"], found[f"us.{OPUS}"]["aws"]) == ("offered", None)


def test_what_is_gone_since_its_announced_end_was_expected() -> None:
    """The catalogue still calls it active: its date has passed since."""
    known = load()
    here = [Listed("us-east-1", [], [])]
    for today, why in (
        (date(2027, 4, 7), "AWS does not offer it there"),
        (date(2027, 4, 8), "its end of life was 2027-04-08, so it is gone as expected"),
    ):
        found = {each.id: each.why for each in differences(here, known, today)}
        assert found[f"us.{SONNET}"] == why


def test_other_dates_are_told_fact_by_fact(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    change(monkeypatch, SONNET, lifecycle={"status": "LEGACY", "legacy": "2026-11-08",
                                           "end": "2027-05-08"})  # fmt: skip
    found = {each["what"]: (each["catalogue"], each["aws"]) for each in told(run)}
    assert found == {
        "status": ("ACTIVE", "LEGACY"),
        "legacy": (None, "2026-11-08"),
        "end_of_life": ("2027-04-08", "2027-05-08"),
    }


def test_the_same_difference_of_several_regions_is_one_row(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use({"when": {"region": "eu-west-3"}, "error": {"type": "AccessDeniedException"}})
    change(monkeypatch, SONNET, prefixes=("global", "us", "jp", "au", "us-gov"))
    regions = [each for name in ("eu-west-1", "eu-west-2", "eu-west-3", "us-east-1")
               for each in ("--region", name)]  # fmt: skip
    found = run("list-models", "--diff", *regions, code=9)
    assert "warning: eu-west-3: AccessDeniedException" in found.err
    rows = [line.split("\t") for line in found.out.splitlines() if PREVIEW not in line]
    assert rows == [
        ["not-listed", f"eu.{SONNET}", "eu-west-1 eu-west-2", "offered", "-",
         "AWS offers it there as global"],
    ]  # fmt: skip


def test_a_terminal_shows_a_table(run: Run, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    shown = run("list-models", "--diff", terminal=True, env={"COLUMNS": "80", "NO_COLOR": "1"}).out
    head, row = shown.splitlines()
    assert head.split()[:3] == ["WHAT", "ID", "REGIONS"]
    assert row.split() == ["status", PREVIEW, "us-east-1", "-", "ACTIVE", "-"]


def test_an_inference_profile_of_the_account_s_own_is_no_difference(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    own_profile(monkeypatch)
    assert told(run) == []
    routes = [{"modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{NEXT}"}]
    foreign = {"inferenceProfileId": "a1b2c3d4e5f6", "inferenceProfileArn": OWN, "models": routes}
    found = differences([Listed("us-east-1", [], [foreign])], load(), date(2026, 11, 20))
    assert not [each for each in found if each.what == "new-model"]


def test_refused_lists_are_told_with_the_documented_code(run: Run, use: Use) -> None:
    use({"deny": "bedrock:ListInferenceProfiles"})
    found = run("list-models", "--diff", code=5)
    assert (found.out, "bedrock:ListInferenceProfiles" in found.err) == ("", True)
