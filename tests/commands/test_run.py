"""`run`: what goes into the output, what a re-run does, limits, and how it ends."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Use = Callable[..., Sandbox]


def write(path: Path, *records: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return str(path)


def many(path: Path, count: int) -> str:
    return write(path, *({"id": f"r{at}", "prompt": f"say {at}"} for at in range(count)))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.mark.parametrize("via", ["invoke", "converse", "sdk", "mantle"])
def test_every_record_becomes_a_line_with_its_answer(
    run: Run, use: Use, tmp_path: Path, out: Path, via: str
) -> None:
    use()
    given = write(
        tmp_path / "in.jsonl",
        {"id": "a", "prompt": "one", "lang": "de"},
        {"prompt": "two", "max_tokens": 3},
        {"id": 7, "messages": [{"role": "user", "content": "three"}]},
    )
    run("run", given, "-o", str(out), "--via", via, "-m", "haiku-4.5", code=10)
    found = {each["id"]: each for each in lines(out)}
    assert set(found) == {"a", "2", "7"}
    assert '"one"' in found["a"]["text"] and '"three"' in found["7"]["text"]
    assert found["a"]["complete"] and found["a"]["lang"] == "de" and found["a"]["via"] == via
    assert found["2"]["stop_reason"] == "max_tokens" and not found["2"]["complete"]
    assert all(each["usage"]["output_tokens"] > 0 for each in found.values())
    assert len({each["request_sha256"] for each in found.values()}) == 3
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_the_hash_of_a_request_is_the_same_whichever_way_it_is_sent(
    run: Run, use: Use, tmp_path: Path
) -> None:
    use()
    given = many(tmp_path / "in.jsonl", 1)
    for via in ("invoke", "converse", "mantle"):
        run("run", given, "-o", str(tmp_path / via), "--via", via, "-m", "haiku-4.5")
    run("run", given, "-o", str(tmp_path / "hot"), "-m", "haiku-4.5", "--temperature", "0.5")
    hashes = [
        lines(tmp_path / via)[0]["request_sha256"] for via in ("invoke", "converse", "mantle")
    ]
    assert len(set(hashes)) == 1
    assert lines(tmp_path / "hot")[0]["request_sha256"] not in hashes


def test_a_rerun_sends_only_what_is_missing(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    server = use()
    run("run", many(tmp_path / "in.jsonl", 5), "-o", str(out))
    assert len(server.requests) == 5
    run("run", many(tmp_path / "in.jsonl", 8), "-o", str(out))
    assert len(server.requests) == 8
    assert sorted(each["id"] for each in lines(out)) == [f"r{at}" for at in range(8)]


def test_a_changed_request_is_refused_before_anything_is_sent_unless_forced(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 2)
    run("run", given, "-o", str(out))
    result = run("run", given, "-o", str(out), "--max-tokens", "9", code=2)
    assert "lines 1, 2: the id is in the output with another request" in result.err
    assert "hint: --force asks anew; another file with -o keeps" in result.err
    assert len(server.requests) == 2
    run("run", given, "-o", str(out), "--max-tokens", "9", "--force", code=10)
    assert len(server.requests) == 4
    run("run", given, "-o", str(out), "--max-tokens", "9", "--force", code=10)
    assert len(server.requests) == 4
    assert json.loads(run("run", "status", str(out), "--json").out)["incomplete"] == 2
    run("run", given, "-o", str(out), "--force")  # the answers that were cut count no more
    assert len(server.requests) == 6 and len(lines(out)) == 2


def test_a_model_that_moved_to_another_id_meanwhile_is_not_a_changed_request(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 1)
    run("run", given, "-o", str(out), "-m", "sonnet-4.5")
    run("run", given, "-o", str(out), "-m", "anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert len(server.requests) == 1


def test_failed_records_are_asked_again_only_when_that_is_asked_for(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use(
        {"when": {"prompt": "say 1"}, "times": 1, "error": {"type": "ModelErrorException"}}
    )
    given = many(tmp_path / "in.jsonl", 3)
    result = run("run", given, "-o", str(out), code=9)
    assert "--retry-failed" in result.err
    (failed,) = [each for each in lines(out) if each["error"]]
    assert failed["id"] == "r1" and failed["error"]["code"] == "ModelErrorException"
    assert failed["cost_usd"] is None and failed["cost_at_most_usd"] > 0
    run("run", given, "-o", str(out), code=9)
    assert len(server.requests) == 3
    run("run", given, "-o", str(out), "--retry-failed")
    assert len(server.requests) == 4
    last = {each["id"]: each for each in lines(out)}
    assert not any(each["error"] for each in last.values())
    assert len(lines(out)) == 3  # and what the failed try can have cost is not forgotten
    assert last["r1"]["earlier_cost_usd"] == failed["cost_at_most_usd"]
    found = json.loads(run("run", "status", str(out), "--json").out)
    assert found["cost_usd"] > failed["cost_at_most_usd"] + last["r1"]["cost_usd"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600 and len(list(tmp_path.glob(".*"))) == 0
    run("run", given, "-o", str(out))
    assert len(server.requests) == 4


def test_throttles_are_waited_out_and_cost_nothing(
    run: Run, use: Use, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedrock_claude_cli.bedrock.retry.MAX_WAIT", 0.05)
    use({"times": 5, "error": {"type": "ThrottlingException"}})
    run("run", many(tmp_path / "in.jsonl", 6), "-o", str(out))
    assert sum(each["attempts"] for each in lines(out)) == 11


def test_a_throttle_for_the_day_ends_the_run_cleanly(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    message = "Too many tokens per day, please wait before trying again."
    use(
        {
            "when": {"prompt": "say [3-9]"},
            "error": {"type": "ThrottlingException", "message": message},
        }
    )
    result = run(
        "run", many(tmp_path / "in.jsonl", 9), "-o", str(out), "--concurrency", "1", code=8
    )
    assert [each["id"] for each in lines(out)] == ["r0", "r1", "r2"]
    assert "to go on: `bedrock-claude run " in result.err


@pytest.mark.parametrize(
    "rule, code",
    [
        ({"deny": "bedrock:InvokeModel*"}, 5),
        ({"error": {"type": "UnrecognizedClientException"}}, 4),
        ({"error": {"type": "ExpiredTokenException"}}, 4),
        (
            {
                "error": {
                    "type": "ResourceNotFoundException",
                    "message": "This model version has reached the end of its life.",
                }
            },
            6,
        ),
    ],
)
def test_what_every_record_would_meet_ends_the_run_at_the_first(
    run: Run, use: Use, tmp_path: Path, out: Path, rule: dict[str, Any], code: int
) -> None:
    server = use(rule)
    run("run", many(tmp_path / "in.jsonl", 30), "-o", str(out), "--concurrency", "2", code=code)
    assert len(server.requests) <= 4  # a denied stream is tried as a whole once
    assert not out.exists()


def test_a_bad_record_is_a_failed_one_and_the_rest_goes_on(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use({"when": {"prompt": "say 2"}, "error": {"type": "ValidationException", "message": "no"}})
    told = run("run", many(tmp_path / "in.jsonl", 5), "-o", str(out), code=9).err
    errors = [each["error"] and each["error"]["code"] for each in lines(out)]
    assert sorted(map(str, errors)) == ["None"] * 4 + ["ValidationException"]
    assert "1 failed (1 ValidationException), 0 not whole" in told
    (failed,) = [each for each in lines(out) if each["error"]]
    assert failed["cost_at_most_usd"] is None


def test_failures_in_a_row_end_the_run(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    use({"error": {"type": "ModelErrorException"}})
    given = many(tmp_path / "in.jsonl", 50)
    argv = ("run", given, "-o", str(out), "--concurrency", "1", "--max-failures", "3")
    result = run(*argv, code=7)
    assert "3 records failed in a row" in result.err
    assert len(lines(out)) == 3


def test_max_cost_belongs_to_the_output(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 40)
    argv = ("run", given, "-o", str(out), "--max-tokens", "40", "--max-cost", "0.006")
    result = run(*argv, code=11)
    spent = sum(each["cost_usd"] for each in lines(out))
    assert 0.004 < spent <= 0.006
    assert "--max-cost 0.006 is reached" in result.err and "to go on: " in result.err
    sent = len(server.requests)
    run(*argv, code=11)
    assert len(server.requests) == sent


def test_an_answer_without_usage_counts_in_full(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use({"stream": {"cut_after": 2}})
    given = many(tmp_path / "in.jsonl", 9)
    argv = ("run", given, "-o", str(out), "--max-tokens", "1000", "--max-cost", "0.05")
    run(*argv, code=11)
    assert [each["cost_usd"] for each in lines(out)] == [None] * 3
    assert all(0.0150 < each["cost_at_most_usd"] < 0.0167 for each in lines(out))


def test_max_cost_wants_a_price(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    server = use()
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    given = write(tmp_path / "in.jsonl", {"prompt": "x", "model": arn})
    result = run("run", given, "-o", str(out), "--max-cost", "1", code=11)
    assert "--max-cost cannot hold" in result.err and not server.requests


def test_a_schema_judges_each_answer(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    use(
        {"when": {"prompt": "say 0"}, "reply": {"text": '{"n": 4}'}},
        {"when": {"prompt": "say 1"}, "reply": {"text": '{"n": "four"}'}},
    )
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
              "additionalProperties": False}  # fmt: skip
    given = many(tmp_path / "in.jsonl", 2)
    run("run", given, "-o", str(out), "--schema", json.dumps(schema), code=9)
    found = {each["id"]: each for each in lines(out)}
    assert found["r0"]["parsed"] == {"n": 4}
    assert "does not fit the schema" in found["r1"]["error"]["message"]
    assert found["r1"]["cost_usd"] > 0


def test_a_template_is_filled_from_the_other_keys(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    preset = tmp_path / "t.yaml"
    preset.write_text("prompt: Translate $text into $lang\nsystem: You speak $lang\n")
    given = write(tmp_path / "in.jsonl", {"text": "Haus", "lang": "English", "number": 5})
    run("run", given, "-o", str(out), "-t", str(preset))
    (request,) = server.requests
    body = request["body"]
    assert body["messages"][0]["content"][0]["text"] == "Translate Haus into English"
    assert body["system"] == "You speak English"
    (line,) = lines(out)
    assert line["number"] == 5 and "lang" not in line


def test_bedrocks_own_lines_are_sent_as_they_stand(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    body = {
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "hi"}],
        "anthropic_version": "bedrock-2023-05-31",
        "metadata": {"user_id": "u"},
    }
    given = write(tmp_path / "in.jsonl", {"recordId": "x", "modelInput": body})
    run("run", given, "-o", str(out))
    assert server.requests[0]["body"] == body
    for flags in (("--temperature", "1"), ("--via", "converse")):
        result = run("run", given, "-o", str(tmp_path / "b"), *flags, code=2)
        assert "sent as it stands" in result.err or "leave --via out" in result.err
    assert len(server.requests) == 1


def test_status_reads_what_is_there(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    use({"when": {"prompt": "say 1"}, "error": {"type": "ModelErrorException"}})
    run("run", many(tmp_path / "in.jsonl", 3), "-o", str(out), code=9)
    found = json.loads(run("run", "status", str(out), "--json").out)
    spent = sum(each["cost_usd"] or each["cost_at_most_usd"] for each in lines(out))
    assert found["cost_usd"] == pytest.approx(spent)
    assert found["records"] == 3 and found["errors"] == {"ModelErrorException": 1}
    assert found["running"] is False
    assert "error ModelErrorException\t1" in run("run", "status", str(out)).out
    run("run", "status", code=2)
    run("run", "status", str(tmp_path / "none"), code=2)


def test_a_dry_run_forecasts_and_sends_nothing(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    server = use()
    given = many(tmp_path / "in.jsonl", 120)
    argv = ("run", given, "--max-tokens", "100", "--dry-run", "--json")
    found = json.loads(run(*argv, "--rpm", "2", "-m", "haiku-4.5").out)
    assert found["records"] == 120 and found["output_tokens"] == 12_000
    assert found["hours"] == 1 and found["hours_by"] == "rpm"
    assert found["cost_usd"] == pytest.approx(
        (found["input_tokens"] * 1 + found["output_tokens"] * 5) / 1e6
    )
    (batch,) = found["batch"]
    assert batch["jobs"] == 1 and batch["cost_usd"] == pytest.approx(found["cost_usd"] / 2)
    found = json.loads(run(*argv, "-m", "opus-5.5").out)
    assert "does not take" in found["batch"][0]["why_not"]
    assert not server.requests and not out.exists()


def test_a_dry_run_measures_by_what_the_output_holds(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use({"reply": {"words": 7}})
    run("run", many(tmp_path / "in.jsonl", 2), "-o", str(out))
    argv = ("run", many(tmp_path / "in.jsonl", 12), "-o", str(out), "--dry-run", "--json")
    found = json.loads(run(*argv).out)
    assert found["records"] == 10 and found["skipped"] == 2
    assert found["output_tokens"] == 70 and found["output_from"] == "measured"


def test_progress_is_json_where_that_is_asked_for(
    run: Run, use: Use, tmp_path: Path, out: Path
) -> None:
    use()
    argv = ("run", many(tmp_path / "in.jsonl", 3), "-o", str(out), "--progress", "json", "--json")
    result = run(*argv)
    last = json.loads([each for each in result.err.splitlines() if "progress" in each][-1])
    assert last["progress"]["done"] == last["progress"]["total"] == 3
    found = json.loads(result.out)
    assert found["done"] == 3 and found["failed"] == 0 and found["error"] is None


def test_a_bar_on_a_terminal(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    use()
    result = run("run", many(tmp_path / "in.jsonl", 3), "-o", str(out), terminal=True)
    assert "in flight" in result.err and "3 of 3 records done" in result.err


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_a_bar_has_room_for_all_that_is_told(
    run: Run, use: Use, tmp_path: Path, out: Path, columns: str
) -> None:
    use({"stream": {"delay_ms": 50}})
    given = many(tmp_path / "in.jsonl", 120)
    told = run("run", given, "-o", str(out), terminal=True, env={"COLUMNS": columns}).err
    shown = [re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", each) for each in re.split(r"[\r\n]", told)]
    bars = [each for each in shown if "failed, " in each and "records done" not in each]
    assert bars and all(re.search(r"(^| )\d+/120 \d+ failed, ", each) for each in bars)
    assert all(len(each.rstrip()) <= int(columns) for each in bars)
    assert columns == "60" or not any("…" in each for each in bars)


def test_on_a_terminal_values_are_aligned(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    use({"when": {"prompt": "say 1"}, "error": {"type": "ModelErrorException"}})
    given = many(tmp_path / "in.jsonl", 3)
    for argv in (("run", "status", str(out)), ("run", given, "--dry-run")):
        run("run", given, "-o", str(out), code=9)
        shown = run(*argv, terminal=True).out.splitlines()
        piped = [each.split("\t") for each in run(*argv).out.splitlines()]
        width = max(len(name) for name, _ in piped)
        assert shown == [f"{name.ljust(width)}  {value}" for name, value in piped]


@pytest.mark.parametrize(
    "argv",
    [
        ("--concurrency", "0"),
        ("--concurrency", "many"),
        ("--rpm", "0"),
        ("--tpm", "nan"),
        ("--max-failures", "0"),
        ("--max-cost", "-1"),
        ("--on-expired", "hope"),
        ("--progress", "bar"),
    ],
    ids=" ".join,
)
def test_flags_that_make_no_sense(
    run: Run, tmp_path: Path, out: Path, argv: tuple[str, ...]
) -> None:
    run("run", many(tmp_path / "in.jsonl", 1), "-o", str(out), "--sandbox", *argv, code=2)
    assert not out.exists()


def test_an_output_is_needed(run: Run, tmp_path: Path) -> None:
    given = many(tmp_path / "in.jsonl", 1)
    assert "-o FILE.jsonl" in run("run", given, code=2).err
    assert "-o b" in run("run", given, "b", code=2).err


def test_a_forecast_for_people(run: Run, use: Use, tmp_path: Path, out: Path) -> None:
    use({"reply": {"words": 7}})
    argv = ("-o", str(out), "--max-tokens", "100", "-m", "haiku-4.5")
    given = many(tmp_path / "in.jsonl", 120)
    told = run("run", given, *argv, "--dry-run", "--rpm", "2").out.splitlines()
    assert told[:2] == ["records\t120", "input tokens\t1,190 (estimated)"]
    assert told[2] == "output tokens\t12,000 (all of max_tokens)"
    assert told[3] == "cost\tat most about $0.061190"
    assert told[4] == "time\t1h (by rpm; concurrency 8)"
    run("run", many(tmp_path / "few.jsonl", 2), *argv)
    told = run("run", given, *argv, "--dry-run").out.splitlines()
    assert told[2] == "output tokens\t826 (as measured)"
    assert re.fullmatch(r"cost\tabout \$0\.005\d+, at most about \$0\.0601\d+", told[3])
