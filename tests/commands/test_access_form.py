"""The use-case form of `access request`: from a file, and field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.commands import access_world as world
from tests.commands.access_world import NO_FORM, changes, form_file
from tests.conftest import Pipe, Run

Use = Callable[..., Sandbox]
REQUEST = ("access", "request", "sonnet-4.5")
ANSWERS = ("Example Corp", "https://example.com", "internal", "Education", "Teaching")


def refused(run: Run, use: Use, form: str) -> str:
    sandbox = use(NO_FORM)
    err = run(*REQUEST, "--form", form, "--yes", code=3).err
    assert not changes(sandbox)
    return err


@pytest.mark.parametrize(
    "users, code",
    [("internal", "0"), ("external", "1"), ("both", "2"), ("Internal", "0"), ("1", "1"), (2, "2")],
)
def test_the_users_are_sent_as_their_code(
    run: Run, use: Use, tmp_path: Path, users: Any, code: str
) -> None:
    sandbox = use(NO_FORM)
    run(*REQUEST, "--form", form_file(tmp_path, intendedUsers=users), "--yes")
    assert world.sent_form(sandbox)["intendedUsers"] == code


def test_a_json_file_will_do(run: Run, use: Use, tmp_path: Path) -> None:
    sandbox = use(NO_FORM)
    (tmp_path / "form.json").write_text(json.dumps({**world.FORM, "useCases": "Zürich, 東京"}))
    run(*REQUEST, "--form", str(tmp_path / "form.json"), "--yes")
    assert world.sent_form(sandbox)["useCases"] == "Zürich, 東京"


def test_all_faults_are_told_at_once_with_their_places(run: Run, use: Use, tmp_path: Path) -> None:
    path = tmp_path / "form.yaml"
    path.write_text(
        f"companyName: {'x' * 129}\n"
        "companyWebsit: https://example.com\n"
        "intendedUsers: inernal\n"
        "industryOption: [Technology]\n"
        "useCases: '  '\n"
    )
    err = refused(run, use, str(path))
    for told in (
        f"{path}:1:1 companyName: has 129 characters, and 128 is the most",
        f"{path}:2:1 companyWebsit: unknown key; did you mean `companyWebsite`?",
        "companyWebsite: is missing",
        f"{path}:3:1 intendedUsers: takes internal, external or both; did you mean `internal`?",
        f"{path}:4:1 industryOption: takes text",
        f"{path}:5:1 useCases: is blank",
    ):
        assert told in err


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"useCases": "x" * 8193}, "useCases: has 8,193 characters, and 8,192 is the most"),
        ({"otherIndustryOption": "x" * 129}, "otherIndustryOption: has 129 characters"),
        ({"companyName": 3}, "companyName: takes text"),
        ({"companyName": None}, "companyName: is missing"),
        ({"companyName": ""}, "companyName: is missing"),
        ({"intendedUsers": 3}, "intendedUsers: takes internal, external or both"),
        ({"intendedUsers": True}, "intendedUsers: takes internal, external or both"),
        ({"intendedUsers": None}, "intendedUsers: is missing"),
        ({"useCases": "東" * 8192}, "bytes as JSON, and 16,384 is the most"),
    ],
)
def test_a_value_that_aws_would_not_take_is_refused(
    run: Run, use: Use, tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    assert words in refused(run, use, form_file(tmp_path, **fields))


@pytest.mark.parametrize("fields", [{"useCases": "x" * 8192}, {"companyName": "x" * 128}])
def test_the_longest_values_are_taken(
    run: Run, use: Use, tmp_path: Path, fields: dict[str, str]
) -> None:
    sandbox = use(NO_FORM)
    run(*REQUEST, "--form", form_file(tmp_path, **fields), "--yes")
    assert world.sent_form(sandbox).items() >= fields.items()


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n"])
def test_a_file_that_is_no_form_is_told_the_keys(
    run: Run, use: Use, tmp_path: Path, text: str
) -> None:
    (tmp_path / "form.yaml").write_text(text)
    err = refused(run, use, str(tmp_path / "form.yaml"))
    assert "form.yaml:1:1 takes a mapping with the keys companyName, companyWebsite" in err


@pytest.mark.parametrize("other", [None, ""])
def test_another_industry_has_a_name(run: Run, use: Use, tmp_path: Path, other: str | None) -> None:
    sandbox = use(NO_FORM)
    path = form_file(tmp_path, industryOption="Other", otherIndustryOption=other)
    err = run(*REQUEST, "--form", path, "--yes", code=3).err
    assert "otherIndustryOption: is missing, as industryOption is Other" in err
    assert not changes(sandbox)
    path = form_file(tmp_path, industryOption="Other", otherIndustryOption="Fishing")
    run(*REQUEST, "--form", path, "--yes")
    assert world.sent_form(sandbox)["otherIndustryOption"] == "Fishing"


def test_a_form_comes_from_stdin_too(run: Run, use: Use) -> None:
    sandbox = use(NO_FORM)
    run(*REQUEST, "--form", "-", "--yes", stdin=json.dumps(world.FORM))
    assert world.sent_form(sandbox)["companyName"] == "Example Corp"
    assert "stdin:1:1" in run(*REQUEST, "--form", "-", "--yes", stdin="[]", code=3).err


def test_a_file_that_is_not_there_is_exit_3(run: Run, use: Use) -> None:
    assert "cannot be read" in refused(run, use, "/nowhere/form.yaml")


# Asked


def test_the_form_is_asked_for_field_by_field(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(NO_FORM)
    world.typed(monkeypatch, *ANSWERS, "y")
    result = run(*REQUEST, terminal=True)
    assert world.sent_form(sandbox) == {
        "companyName": "Example Corp",
        "companyWebsite": "https://example.com",
        "intendedUsers": "0",
        "industryOption": "Education",
        "otherIndustryOption": "",
        "useCases": "Teaching",
    }
    assert "  companyName: Example Corp\n" in result.out  # as it will be sent
    assert (
        "Submit the form (no operation takes it back), for account 000000000000 in us-east-1? [y/N]"
        in result.err
    )


def test_a_wrong_answer_is_asked_for_again(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(NO_FORM)
    name, site, users, _, uses = ANSWERS
    lines = ("", "x" * 129, name, site, "everybody", users, "Other", "", "Fishing", uses, "y")
    world.typed(monkeypatch, *lines)
    err = run(*REQUEST, terminal=True).err
    assert "companyName is missing" in err
    assert "companyName has 129 characters, and 128 is the most" in err
    assert "otherIndustryOption is missing" in err
    assert "intendedUsers takes internal, external or both" in err
    assert world.sent_form(sandbox)["otherIndustryOption"] == "Fishing"


def test_a_form_that_is_answered_is_not_sent_without_a_yes(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(NO_FORM)
    world.typed(monkeypatch, *ANSWERS, "n")
    assert "nothing was changed" in run(*REQUEST, terminal=True, code=1).err
    assert not changes(sandbox)


def test_an_end_of_the_answers_changes_nothing(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(NO_FORM)
    world.typed(monkeypatch, *ANSWERS[:2])
    assert "nothing was changed" in run(*REQUEST, terminal=True, code=1).err
    assert not changes(sandbox)


def test_ctrl_c_in_the_form_changes_nothing(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Any) -> str:
        raise KeyboardInterrupt

    sandbox = use(NO_FORM)
    world.typed(monkeypatch, "Example Corp")
    monkeypatch.setattr(Pipe, "readline", interrupted)
    assert "interrupted; nothing was changed" in run(*REQUEST, terminal=True, code=130).err
    assert not changes(sandbox)


def test_a_form_that_aws_holds_in_another_shape_is_no_failure(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = use(world.agreement("none"))
    import boto3

    bedrock = boto3.client("bedrock")
    for blob in (b"not JSON at all", b'["a", "list"]', b"\xff\xfe binary and no text"):
        bedrock.put_use_case_for_model_access(formData=blob)
        assert "in place  use-case form" in run(*REQUEST, "--dry-run").out
    assert len(changes(sandbox)) == 3
