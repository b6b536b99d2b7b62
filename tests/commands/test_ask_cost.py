"""`ask --count-tokens`, `--max-cost` and the estimate of `--dry-run`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from pypdf import PdfWriter

from bedrock_claude_cli.bedrock import catalog, tokens
from bedrock_claude_cli.bedrock.prompt import DEFAULTS, Attachment, Request
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import SONNET, operations
from tests.conftest import Run

Use = Callable[..., Sandbox]
DATE = catalog.load().date
DENIED = {"deny": "bedrock:CountTokens"}
INVOKE = "InvokeModelWithResponseStream"


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(100, 100)
    path = tmp_path / "report.pdf"
    writer.write(path)
    return path


class TestCount:
    """--count-tokens."""

    def test_a_pipe_gets_a_bare_number(self, run: Run, use: Use) -> None:
        sandbox = use()
        result = run("ask", "one two three", "--count-tokens")
        assert result.out.strip().isdecimal()
        assert result.err == ""
        assert operations(sandbox) == ["CountTokens"]
        assert sandbox.requests[0]["model"] == SONNET

    def test_a_terminal_gets_who_counted(self, run: Run, use: Use) -> None:
        use()
        shown = run("ask", "-n", "word " * 8000, "--count-tokens", terminal=True).out
        assert shown == "10,000 input tokens (counted by CountTokens)\n"

    def test_what_is_counted_is_what_would_be_sent(
        self, run: Run, use: Use, tmp_path: Path
    ) -> None:
        sandbox = use()
        (tmp_path / "a.txt").write_text("text " * 100)
        more = ["-s", "Be kind.", "-a", f"{tmp_path}/a.txt", "--cache", "--thinking", "2000"]
        run("ask", "Hi", *more, "--count-tokens")
        counted = sandbox.requests[0]["body"]["input"]["invokeModel"]["body"]
        run("ask", "Hi", *more)
        assert json.loads(base64.b64decode(counted)) == sandbox.requests[1]["body"]

    def test_converse_counts_its_own_body(self, run: Run, use: Use) -> None:
        sandbox = use()
        run("ask", "Hi", "-s", "Be kind.", "--via", "converse", "--count-tokens")
        counted = sandbox.requests[0]["body"]["input"]["converse"]
        assert counted["system"] == [{"text": "Be kind."}]
        assert counted["messages"][0]["content"] == [{"text": "Hi"}]

    @pytest.mark.parametrize(
        "argv", [["-m", "opus-5.5"], ["-m", "haiku-4.5", "--via", "mantle"]], ids=" ".join
    )
    def test_mantle_counts_for_its_models(self, argv: list[str], run: Run, use: Use) -> None:
        sandbox = use()
        found = json.loads(run("ask", "Hi", "--count-tokens", "--json", *argv).out)
        assert found["method"] == "mantle"
        assert found["input_tokens"] > 0
        assert len(sandbox.requests) == 1
        assert sandbox.requests[0]["path"].endswith("/count_tokens")

    @pytest.mark.parametrize("quiet", [[], ["-q"]])
    def test_an_estimate_is_said_to_be_one(self, quiet: list[str], run: Run, use: Use) -> None:
        sandbox = use()
        result = run("ask", "Hi", "-m", "fable-5.2", "--count-tokens", *quiet)
        assert result.out.strip().isdecimal()
        assert ("so this is an estimate" in result.err) == (not quiet)
        shown = run("ask", "-n", "Hi", "-m", "fable-5.2", "--count-tokens", terminal=True).out
        assert shown.endswith(" input tokens (estimated)\n")
        assert sandbox.requests == []

    def test_a_count_that_is_denied_is_no_estimate(self, run: Run, use: Use) -> None:
        use(DENIED)
        result = run("ask", "Hi", "--count-tokens", code=5)
        assert result.out == ""
        assert "grant bedrock:CountTokens" in result.err

    def test_throttling_is_waited_out(
        self, run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.sleep", lambda _: None)
        sandbox = use({"times": 1, "error": {"type": "ThrottlingException"}})
        result = run("ask", "Hi", "--count-tokens", "--retries", "1")
        assert "ThrottlingException: counting again in" in result.err
        assert operations(sandbox) == ["CountTokens"] * 2

    @pytest.mark.parametrize("other", [["--dry-run"], ["--code", "curl"]])
    def test_it_excludes_what_else_sends_nothing(
        self, other: list[str], run: Run, use: Use
    ) -> None:
        use()
        assert "exclude each other" in run("ask", "Hi", "--count-tokens", *other, code=2).err


class TestMaxCost:
    """--max-cost: nothing is sent that could cost more."""

    def test_a_bound_below_the_limit_needs_no_count(self, run: Run, use: Use) -> None:
        sandbox = use()
        run("ask", "Hi", "--max-cost", "0.07")
        assert operations(sandbox) == [INVOKE]

    def test_a_count_helps_where_the_bound_does_not(self, run: Run, use: Use) -> None:
        sandbox = use()
        # 10,000 bytes could be 10,000 tokens, $0.03; they are 2,500.
        argv = ("ask", "word " * 2000, "--max-tokens", "1000", "--max-cost")
        run(*argv, "0.03")
        assert operations(sandbox) == ["CountTokens", INVOKE]

    def test_too_dear_is_not_sent_and_says_why(self, run: Run, use: Use) -> None:
        sandbox = use()
        argv = ("ask", "word " * 2000, "--max-tokens", "1000", "--max-cost")
        result = run(*argv, "0.02", code=11)
        assert "this could cost $0.022500, more than --max-cost 0.02" in result.err
        assert "2,500 tokens in (counted by CountTokens) at $3, 1,000 out at $15" in result.err
        assert f"(list prices, {DATE})" in result.err
        assert "hint: `--max-tokens 833`, a cheaper model, or a higher --max-cost" in result.err
        assert operations(sandbox) == ["CountTokens"]
        run("ask", "word " * 2000, "--max-tokens", "833", "--max-cost", "0.02")

    def test_where_the_answer_alone_is_too_dear_nothing_is_counted(
        self, run: Run, use: Use
    ) -> None:
        sandbox = use()
        result = run("ask", "Hi", "--max-cost", "0.01", code=11)
        assert "4,096 out at $15" in result.err
        assert sandbox.requests == []

    def test_where_counting_is_denied_the_bound_counts(self, run: Run, use: Use) -> None:
        sandbox = use(DENIED)
        argv = ("ask", "word " * 2000, "--max-tokens", "1000", "--max-cost")
        result = run(*argv, "0.03", code=11)
        assert "note: the tokens could not be counted: AccessDenied" in result.err
        assert "at most, a token being at least a byte" in result.err
        assert operations(sandbox) == ["CountTokens"]

    def test_a_count_that_fails_otherwise_is_an_error(self, run: Run, use: Use) -> None:
        sandbox = use({"error": {"type": "ExpiredTokenException"}})
        argv = ("ask", "word " * 2000, "--max-tokens", "1000", "--max-cost")
        run(*argv, "0.03", code=4)
        assert operations(sandbox) == ["CountTokens"]

    def test_a_dry_run_counts_nothing(self, run: Run, use: Use, pdf: Path) -> None:
        sandbox = use()
        argv = ("ask", "word " * 2000, "--max-tokens", "1000", "--dry-run", "--max-cost")
        run(*argv, "0.05")
        told = run(*argv, "0.03", code=11)
        assert "at most, a token being at least a byte" in told.err
        assert sandbox.requests == []

    @pytest.mark.parametrize("other", ["--count-tokens", "--code=curl"])
    def test_what_costs_nothing_takes_no_limit(self, other: str, run: Run, use: Use) -> None:
        sandbox = use()
        told = run("ask", "Hi", other, "--max-cost", "1", code=2)
        assert f"{other.split('=')[0]} and --max-cost exclude each other" in told.err
        assert (told.out, sandbox.requests) == ("", [])

    def test_an_unknown_price_is_a_refusal(self, run: Run, use: Use, tmp_path: Path) -> None:
        sandbox = use()
        config = tmp_path / "c.yaml"
        argv = ["ask", "Hi", "-m", "anthropic.claude-new-9-v1:0", "--config", str(config)]
        for prices, missing in (
            ("{}", "input, output"), ("{output: 1}", "input"), ("{input: 1}", "output")
        ):  # fmt: skip
            config.write_text(f"prices: {{'anthropic.claude-new-9-v1:0': {prices}}}")
            result = run(*argv, "--max-cost", "1000", code=11)
            assert f"is unknown ({missing}), so --max-cost cannot hold" in result.err
            assert f"hint: give it in {config}, in USD" in result.err
        assert sandbox.requests == []
        config.write_text("prices: {'anthropic.claude-new-9-v1:0': {input: 1, output: 1}}")
        run(*argv, "--max-cost", "1000", "--dry-run")
        result = run(*argv, "--max-cost", "1000", "--cache", "--system", "x", code=11)
        assert "is unknown (cache_write_5m)" in result.err

    @pytest.mark.parametrize(
        ("model", "own", "flags", "missing"),
        [
            ("opus-4.1", "{opus-4.1: {input: 3, output: 15}}", "--cache 1h", "cache_write_1h"),
            ("opus-4.1", "{}", "--cache 1h", "cache_write_1h"),
            ("anthropic.claude-new-9-v1:0", "{}", "--cache", "input, cache_write_5m, output"),
            ("anthropic.claude-new-9-v1:0", "{anthropic.claude-new-9-v1:0: {output: 2.5}}", "",
             "input"),
        ],
    )  # fmt: skip
    def test_what_a_price_lacks_is_all_that_the_hint_asks_for(
        self, model: str, own: str, flags: str, missing: str, run: Run, use: Use, tmp_path: Path
    ) -> None:
        sandbox = use()
        config = tmp_path / "c.yaml"
        config.write_text(f"prices: {own}\n")
        argv = ["ask", "Hi", "-s", "S", "-m", model, "--max-cost", "1000", *flags.split()]
        argv += ["--config", str(config)]
        told = run(*argv, code=11)
        assert f"is unknown ({missing})" in told.err
        entry = told.err.rpartition("`prices: ")[2].partition("`\n")[0]
        assert re.findall(r"(\w+): \.\.\.", entry) == missing.split(", ")
        assert set(re.findall(r": ([0-9.]*\d)", entry)) == set(re.findall(r": ([0-9.]*\d)", own))
        config.write_text(f"prices: {entry}\n".replace("...", "30"))
        run(*argv, "--dry-run")
        assert sandbox.requests == []

    def test_own_prices_count(self, run: Run, use: Use, tmp_path: Path) -> None:
        sandbox = use()
        config = tmp_path / "c.yaml"
        config.write_text("prices: {sonnet-4.5: {input: 300, output: 1500}}")
        result = run("ask", "Hi", "--max-cost", "1", "--config", str(config), code=11)
        assert "4,096 out at $1500 a million (your prices)" in result.err
        assert sandbox.requests == []

    @pytest.mark.parametrize(
        ("cache", "price"), [([], "$3"), (["--cache"], "$3.75"), (["--cache", "1h"], "$6")]
    )
    def test_a_cache_write_is_the_dearest_input(
        self, cache: list[str], price: str, run: Run, use: Use
    ) -> None:
        use()
        argv = ["ask", "word " * 2000, "-s", "Be kind.", *cache, "--max-tokens", "9"]
        assert f" at {price}, 9 out" in run(*argv, "--max-cost", "0.001", code=11).err

    def test_the_regional_premium_counts(self, run: Run, use: Use) -> None:
        use()
        result = run("ask", "Hi", "--endpoint", "us", "--max-cost", "0.01", code=11)
        assert "at $3.3, 4,096 out at $16.5 a million" in result.err

    def test_long_prompts_have_their_own_price(self, run: Run, use: Use) -> None:
        sandbox = use()
        argv = ("ask", "-m", "haiku-5.5", "--max-tokens", "100", "--max-cost")
        result = run(*argv, "0.04", stdin="word " * 90_000, code=11)
        assert "112,500 tokens in (counted by mantle) at $0.5, 100 out at $2.5" in result.err
        assert INVOKE not in operations(sandbox)
        run(*argv, "0.057", stdin="word " * 90_000)

    def test_nothing_but_the_context_bounds_a_pdf(self, run: Run, use: Use, pdf: Path) -> None:
        sandbox = use(DENIED)
        argv = ("ask", "Sum", "-a", str(pdf), "--max-tokens", "100", "--max-cost")
        result = run(*argv, "0.6", code=11)
        assert "200,000 tokens in (the model's whole context, which is all" in result.err
        assert INVOKE not in operations(sandbox)
        run(*argv, "0.61")

    def test_a_pdf_is_counted_where_that_can_be(self, run: Run, use: Use, pdf: Path) -> None:
        sandbox = use()
        run("ask", "Sum", "-a", str(pdf), "--max-tokens", "100", "--max-cost", "0.1")
        assert operations(sandbox) == ["CountTokens", INVOKE]

    def test_another_id_is_held_to_the_limit_too(
        self, run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AWS refuses the global id, and the regional one would be above the limit."""
        offered = "bedrock_claude_cli.calling.offered"
        monkeypatch.setattr(offered, lambda *_: [f"us.{SONNET}"])
        invalid = "The provided model identifier is invalid."
        sandbox = use({"when": {"operation": INVOKE, "model": "global.*"},
                       "error": {"type": "ValidationException", "message": invalid}})  # fmt: skip
        argv = ("ask", "Hi", "--max-tokens", "1000", "--max-cost")
        result = run(*argv, "0.0155", code=11)
        assert "1,000 out at $16.5" in result.err
        assert operations(sandbox).count(INVOKE) == 1
        run(*argv, "0.02")
        assert operations(sandbox).count(INVOKE) == 3

    @pytest.mark.parametrize("value", ["-1", "nan", "inf", "much"])
    def test_a_limit_is_a_number(self, value: str, run: Run, use: Use) -> None:
        sandbox = use()
        assert "--max-cost" in run("ask", "Hi", f"--max-cost={value}", code=2).err
        assert sandbox.requests == []


class TestBound:
    """The bound is above every count."""

    @pytest.mark.parametrize(
        "text", ["word " * 5000, "\u8a9e" * 5000, "\ufdfa" * 5000, "\U0001f600" * 900]
    )
    def test_a_token_is_a_byte_at_least(self, text: str) -> None:
        most, _ = tokens.at_most(Request(DEFAULTS, "m", text), None)
        assert most is not None
        assert most >= len(text.encode())
        assert most >= len(normalize("NFKC", text).encode())
        assert most > tokens.estimate(Request(DEFAULTS, "m", text))

    def test_what_nothing_bounds_is_unknown(self) -> None:
        pdf = Attachment("a.pdf", "application/pdf", b"%PDF", 1)
        assert tokens.at_most(Request(DEFAULTS, "m", "Hi", attachments=(pdf,)), None)[0] is None


class TestForecast:
    """--dry-run, --usage and --json carry the date of the prices."""

    def test_attachments_and_earlier_turns_count(
        self, run: Run, use: Use, pdf: Path, home: Path
    ) -> None:
        def estimated(*argv: str) -> Any:
            return json.loads(run("ask", "Hi", "--dry-run", *argv).out)["estimate"]

        sandbox = use()
        little = estimated()
        assert little["prices"] == DATE
        assert estimated("-a", str(pdf))["input_tokens"] > little["input_tokens"] + 3 * 2000
        run("ask", "word " * 1000, "--chat", "plan", "-a", str(pdf))
        chat = estimated("--chat", "plan")
        assert chat["input_tokens"] > little["input_tokens"] + 1000 + 3 * 2000
        assert chat["cost_usd"] > little["cost_usd"]
        assert operations(sandbox) == [INVOKE]

    def test_whose_prices(self, run: Run, use: Use, tmp_path: Path) -> None:
        use()
        assert json.loads(run("ask", "Hi", "--json").out)["prices"] == DATE
        config = tmp_path / "c.yaml"
        config.write_text("prices: {sonnet-4.5: {input: 1}}")
        own = run("ask", "Hi", "--json", "-u", "--config", str(config))
        assert json.loads(own.out)["prices"] == "config"
        assert "(your prices)" in own.err

    def test_unknown_is_null_and_never_0(self, run: Run, use: Use) -> None:
        use()
        argv = ("ask", "Hi", "-m", "anthropic.claude-new-9-v1:0", "--dry-run")
        found = json.loads(run(*argv).out)["estimate"]
        assert (found["cost_usd"], found["prices"]) == (None, None)

    def test_writes_for_an_hour_cost_twice_the_input(self, run: Run, use: Use) -> None:
        usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 1_000_000}
        use({"reply": {"text": "x", "usage": usage}})
        hour = json.loads(run("ask", "Hi", "--json", "--cache", "1h", "-s", "x").out)
        less = json.loads(run("ask", "Hi", "--json", "--cache", "5m", "-s", "x").out)
        assert hour["cost_usd"] == pytest.approx(6, abs=0.001)
        assert less["cost_usd"] == pytest.approx(3.75, abs=0.001)
