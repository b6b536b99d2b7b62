"""Thinking, effort, cache, betas, guardrail and metadata: what is sent, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import catalog, pricing, shape
from bedrock_claude_cli.bedrock.prompt import Options
from bedrock_claude_cli.errors import RejectedError
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import body
from tests.conftest import Run

Use = Callable[..., Sandbox]

NEW = "anthropic.claude-nova-9"  # in no catalogue
GUARDRAIL = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123"


class TestThinking:
    @pytest.mark.parametrize(
        ("argv", "sent"),
        [
            (["--thinking", "off"], {"type": "disabled"}),
            (["--thinking", "1024"], {"type": "enabled", "budget_tokens": 1024}),
            (["--thinking", "4095"], {"type": "enabled", "budget_tokens": 4095}),
            (["--thinking", "2000", "--temperature", "1"], "enabled"),
            (["--thinking", "2000", "--top-p", "0.95"], "enabled"),
            (["-m", "opus-4.6", "--thinking", "2000"], "enabled"),
            (["-m", "opus-4.6", "--thinking", "adaptive", "--effort", "max"], "adaptive"),
            (["-m", "opus-5.5", "--thinking", "adaptive", "--effort", "max"], "adaptive"),
            (["-m", "opus-5", "--thinking", "off", "--effort", "high"], "disabled"),
            (["-m", "opus-4.8", "--thinking", "off", "--effort", "max"], "disabled"),
            (["-m", "opus-5"], None),
            (["-m", "haiku-3", "--thinking", "off", "--max-tokens", "9"], None),
        ],
        ids=lambda each: " ".join(each) if isinstance(each, list) else None,
    )
    def test_what_is_sent(self, argv: list[str], sent: Any, run: Run, use: Use) -> None:
        use()
        shown = json.loads(run("ask", "Hello", "--dry-run", *argv).out)["request"]["body"]
        thinking = shown.get("thinking")
        assert (thinking["type"] if isinstance(sent, str) else thinking) == sent
        assert shown.get("output_config", {}).get("effort") == (
            argv[argv.index("--effort") + 1] if "--effort" in argv else None
        )

    @pytest.mark.parametrize(
        ("argv", "why", "hint", "mended"),
        [
            ("-m fable-5.1 --thinking off", "always thinks", "--effort low", "-m fable-5.1"),
            ("-m fable-5.2 --thinking off", "always thinks", None, None),
            ("-m opus-5 --thinking 2000", "no budget", "--thinking adaptive", "-m opus-5"),
            ("--thinking adaptive", "takes a budget", "--thinking 2048", ""),
            (
                "--thinking adaptive --max-tokens 100",
                "takes a budget",
                "--thinking 1024 --max-tokens 4096",
                "",
            ),
            ("-m haiku-3 --thinking 2000", "has no thinking", None, None),
            (
                "--thinking 1023",
                "thinking 1023 (from --thinking) is no budget, which has at least",
                "--thinking 2048",
                "",
            ),
            ("--thinking 0", "thinking 0 (from --thinking) is no budget", "--thinking 2048", ""),
            (
                "--thinking 4096",
                "leaves nothing of max_tokens 4096 (the default) for",
                "--max-tokens 8192",
                "--thinking 4096",
            ),
            (
                "--thinking 63000",
                "leaves nothing of max_tokens 4096 (the default) for",
                "--thinking 32000 --max-tokens 64000",
                "",
            ),
            (
                "--thinking 2000 --temperature 0.5",
                "takes no temperature 0.5 (from --temperature)",
                "--thinking off",
                "--temperature 0.5",
            ),
            (
                "--thinking 2000 --top-p 0.9",
                "takes no top_p 0.9 (from --top-p), only 0.95 and more",
                "--thinking off",
                "--top-p 0.9",
            ),
            ("--effort low", "takes no effort low (from --effort)", "--thinking 2048", ""),
            ("-m opus-4.5 --effort max", "only low, medium, high", "--effort high", "-m opus-4.5"),
            (
                "-m opus-4.6 --effort xhigh",
                "no effort xhigh (from --effort)",
                "--effort max",
                "-m opus-4.6",
            ),
            (
                "-m sonnet-5 --thinking off --effort xhigh",
                "only while it thinks",
                "--effort high",
                "-m sonnet-5 --thinking off",
            ),
        ],
    )
    def test_what_the_model_refuses_is_not_sent_and_the_hint_works(
        self, argv: str, why: str, hint: str | None, mended: str | None, run: Run, use: Use
    ) -> None:
        """`mended` is what stays of argv beside what the hint says."""
        sandbox = use()
        result = run("ask", "Hello", *argv.split(), code=6)
        assert why in result.err.splitlines()[0]
        assert sandbox.requests == []
        if hint is None or mended is None:
            assert "hint: leave it out" in result.err
            return
        assert f"`{hint}" in result.err.splitlines()[1]
        run("ask", "Hello", *mended.split(), *hint.split())
        assert len(sandbox.requests) == 1

    @pytest.mark.parametrize("value", ["on", "Adaptive", "-1", "1e4", "2.5", "", " ", "9" * 10])
    def test_what_is_no_thinking_is_a_usage_error(self, value: str, run: Run, use: Use) -> None:
        sandbox = use()
        assert "--thinking is " in run("ask", "Hello", f"--thinking={value}", code=2).err
        assert sandbox.requests == []

    @pytest.mark.parametrize("written", ["off", "'off'", "false", "no"])
    def test_yaml_s_off_is_off(self, written: str, run: Run, use: Use, tmp_path: Path) -> None:
        config = tmp_path / "config.yaml"
        config.write_text(f"presets: {{quick: {{thinking: {written}, model: opus-5}}}}\n")
        sandbox = use()
        if written == "no":
            config.write_text("presets: {quick: {thinking: 2048}}\n")
        run("ask", "Hello", "--config", str(config), "-t", "quick")
        kind = "enabled" if written == "no" else "disabled"
        assert body(sandbox)["thinking"]["type"] == kind

    def test_yaml_s_on_is_refused_with_its_place(self, run: Run, use: Use, tmp_path: Path) -> None:
        config = tmp_path / "config.yaml"
        config.write_text("model: opus-5\nthinking: on\n")
        use()
        err = run("ask", "Hello", "--config", str(config), code=3).err
        assert "config.yaml:2:1 thinking: is off, adaptive or a number of tokens, not `on`" in err

    def test_of_a_model_nobody_knows_everything_is_sent(self, run: Run, use: Use) -> None:
        use()
        argv = ("--thinking", "adaptive", "--effort", "xhigh", "--context-1m", "--cache", "-s", "S")
        result = run("ask", "Hello", "-m", NEW, *argv, "--dry-run")
        sent = json.loads(result.out)["request"]["body"]
        assert sent["thinking"] == {"type": "adaptive"}
        assert sent["output_config"] == {"effort": "xhigh"}
        assert sent["anthropic_beta"] == ["context-1m-2025-08-07"]
        assert sent["system"][0]["cache_control"] == {"type": "ephemeral"}

    def test_effort_of_opus_4_5_brings_its_beta_once(self, run: Run, use: Use) -> None:
        sandbox = use()
        beta = ("--beta", "effort-2025-11-24", "--beta", "effort-2025-11-24")
        run("ask", "Hello", "-m", "opus-4.5", "--effort", "high", *beta)
        assert body(sandbox)["anthropic_beta"] == ["effort-2025-11-24"]


class TestCache:
    @pytest.mark.parametrize(
        ("argv", "ttl", "question"),
        [
            (["--cache", "Hello"], None, "Hello"),
            (["Hello", "--cache"], None, "Hello"),
            (["--cache", "1h", "Hello"], "1h", "Hello"),
            (["--cache=1h", "Hello"], "1h", "Hello"),
            (["--cache=5m", "Hello"], None, "Hello"),
            (["--cache", "5m", "Hello"], None, "Hello"),
            (["Hello", "--cache", "1h"], "1h", "Hello"),
            (["--cache", "-n", "Hello"], None, "Hello"),
            (["-n", "--cache", "--", "1h"], None, "1h"),
            (["--cache", "in 1h we leave"], None, "in 1h we leave"),
            (["Hello", "-s", "--cache"], "none", "Hello"),
        ],
        ids=lambda each: " ".join(each) if isinstance(each, list) else None,
    )
    def test_its_time_may_be_left_out(
        self, argv: list[str], ttl: str | None, question: str, run: Run, use: Use
    ) -> None:
        sandbox = use()
        system = [] if "-s" in argv else ["-s", "Be brief"]
        run("ask", *system, *argv)
        sent = body(sandbox)
        assert sent["messages"][0]["content"] == [{"type": "text", "text": question}]
        if ttl == "none":
            assert sent["system"] == "--cache"
        else:
            mark = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
            assert sent["system"][0]["cache_control"] == mark

    @pytest.mark.parametrize("argv", [["--cache", "10m", "Hello"], ["--cache=2h", "Hello"]])
    def test_another_time_is_refused(self, argv: list[str], run: Run, use: Use) -> None:
        sandbox = use()
        assert "--cache is one of 5m, 1h, not " in run("ask", *argv, code=2).err
        assert sandbox.requests == []

    def test_the_environment_and_a_preset_set_it(self, run: Run, use: Use, tmp_path: Path) -> None:
        config = tmp_path / "config.yaml"
        config.write_text("presets: {kept: {cache: 1h, system: Be brief}}\n")
        sandbox = use()
        run("ask", "Hello", "--config", str(config), "-t", "kept")
        assert body(sandbox)["system"][0]["cache_control"]["ttl"] == "1h"
        run("ask", "Hello", "-s", "Be brief", env={"BEDROCK_CLAUDE_CACHE": "1h"})
        assert body(sandbox)["system"][0]["cache_control"]["ttl"] == "1h"

    def test_nothing_to_cache_is_said_and_nothing_marked(self, run: Run, use: Use) -> None:
        sandbox = use()
        schema = ("--schema", '{"type": "object", "properties": {"a": {"type": "null"}}}')
        result = run("ask", "Hello", "--cache", "-m", "opus-5.5", *schema)
        assert "note: nothing to cache: " in result.err
        assert "cache_control" not in json.dumps(body(sandbox))

    @pytest.mark.parametrize(
        ("system", "attached", "noted"),
        [("x" * 300, "", True), ("x" * 3000, "", False), ("x", "y" * 3000, False)],
    )
    def test_what_is_too_little_to_cache_is_said(
        self, system: str, attached: str, noted: bool, run: Run, use: Use, tmp_path: Path
    ) -> None:
        use()
        file = tmp_path / "a.txt"
        file.write_text(attached)
        attach = ["-a", str(file)] if attached else []
        err = run("ask", "Hello", "--cache", "-s", system, *attach).err
        said = "about 100 tokens stand before the question, and Claude Sonnet 4.5 caches nothing"
        assert (said in err) == noted
        assert ("caches nothing" in err) == noted

    def test_a_model_without_a_cache_refuses_it(self) -> None:
        known = catalog.load().find("sonnet-4.5")
        assert known is not None
        options = Options(cache="5m", max_tokens=9)
        with pytest.raises(RejectedError, match=r"Claude Sonnet 4\.5 has no prompt cache"):
            shape.resolve(options, known._replace(prompt_caching=False), system="S")
        assert shape.resolve(options, known._replace(prompt_caching=None), system="S")

    @pytest.mark.parametrize("ttl", ["5m", "1h"])
    def test_writes_and_reads_are_shown_and_priced_as_what_they_are(
        self, ttl: str, run: Run, use: Use
    ) -> None:
        usage = {"cache_read_input_tokens": 10_000, "cache_creation_input_tokens": 20_000}
        use({"reply": {"text": "Yes", "usage": {"input_tokens": 1, "output_tokens": 1, **usage}}})
        result = run("ask", "Hello", f"--cache={ttl}", "-s", "S", "-u", "--json")
        assert ", cache 10000 read 20000 written; " in result.err
        known = catalog.load().find("sonnet-4.5")
        price = pricing.list_price(known, "global", "us-east-1")
        assert price
        assert price.input and price.output and price.cache_read
        write = price.cache_write_1h if ttl == "1h" else price.cache_write_5m
        assert write
        total = price.input + price.output + 10_000 * price.cache_read + 20_000 * write
        assert json.loads(result.out)["cost_usd"] == pytest.approx(total / 1_000_000)

    def test_usage_tells_of_the_cache_also_where_it_did_nothing(self, run: Run, use: Use) -> None:
        use()
        assert ", cache 0 read 0 written; " in run("ask", "Hello", "-u").err


class TestBetas:
    def test_the_1m_context_is_a_header_a_note_or_refused(self, run: Run, use: Use) -> None:
        sandbox = use()
        said = run("ask", "Hello", "--context-1m", "-m", "opus-4.6").err
        assert "Claude Opus 4.6 has the context of 1,000,000 tokens without --context-1m" in said
        said = run("ask", "Hello", "--context-1m").err
        assert "AWS has withdrawn the 1M context of Claude Sonnet 4.5: it has 200,000" in said
        assert all("anthropic_beta" not in each["body"] for each in sandbox.requests)
        refused = run("ask", "Hello", "--context-1m", "-m", "haiku-4.5", code=6).err
        assert "Claude Haiku 4.5 has no context of 1,000,000 tokens" in refused
        assert len(sandbox.requests) == 2

    @pytest.mark.parametrize("name", ["", " ", "a,b", "a b", "a\nb", "é"])
    def test_a_beta_is_one_name(self, name: str, run: Run, use: Use) -> None:
        sandbox = use()
        assert "--beta is " in run("ask", "Hello", "--beta", name, code=2).err
        assert sandbox.requests == []

    def test_betas_come_from_a_list_and_from_the_environment(
        self, run: Run, use: Use, tmp_path: Path
    ) -> None:
        config = tmp_path / "config.yaml"
        config.write_text("beta: [b-1, b-2]\ncontext_1m: true\n")
        sandbox = use()
        run("ask", "Hello", "--config", str(config))
        assert body(sandbox)["anthropic_beta"] == ["b-1", "b-2"]
        run("ask", "Hello", env={"BEDROCK_CLAUDE_BETA": "b-3"})
        assert body(sandbox)["anthropic_beta"] == ["b-3"]


class TestGuardrail:
    @pytest.mark.parametrize(
        ("given", "name", "version"),
        [
            ("abc123:1", "abc123", "1"),
            ("abc123:DRAFT", "abc123", "DRAFT"),
            (f"{GUARDRAIL}:12", GUARDRAIL, "12"),
        ],
    )
    def test_an_id_or_an_arn_and_a_version(
        self, given: str, name: str, version: str, run: Run, use: Use
    ) -> None:
        sandbox = use()
        run("ask", "Hello", "--guardrail", given)
        headers = sandbox.requests[0]["headers"]
        assert headers["x-amzn-bedrock-guardrailidentifier"] == name
        assert headers["x-amzn-bedrock-guardrailversion"] == version

    @pytest.mark.parametrize(
        "given",
        [
            "abc123",
            "abc123:",
            ":1",
            "abc123:0",
            "abc123:latest",
            "ABC:1",
            GUARDRAIL,
            "a:1:1",
            "a:1 ",
        ],
    )
    def test_anything_else_is_refused(self, given: str, run: Run, use: Use) -> None:
        sandbox = use()
        err = run("ask", "Hello", "--guardrail", given, code=2).err
        assert "--guardrail is written ID:VERSION" in err
        assert sandbox.requests == []

    def test_it_comes_from_a_preset_and_the_environment(
        self, run: Run, use: Use, tmp_path: Path
    ) -> None:
        config = tmp_path / "config.yaml"
        config.write_text("presets: {safe: {guardrail: abc123:DRAFT}}\n")
        sandbox = use()
        run("ask", "Hello", "--config", str(config), "-t", "safe")
        run("ask", "Hello", env={"BEDROCK_CLAUDE_GUARDRAIL": "abc123:3"})
        versions = [each["headers"]["x-amzn-bedrock-guardrailversion"] for each in sandbox.requests]
        assert versions == ["DRAFT", "3"]


class TestMetadata:
    def test_pairs_arrive_as_they_are_written(self, run: Run, use: Use) -> None:
        sandbox = use()
        run("ask", "Hello", "--meta", "team=search", "--meta", "empty=", "--meta", "a=b=c\td:_@$#/")
        sent = sandbox.requests[0]["headers"]["x-amzn-bedrock-request-metadata"]
        assert json.loads(sent) == {"team": "search", "empty": "", "a": "b=c\td:_@$#/"}

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ([f"k{n}=v" for n in range(17)], "takes at most 16 entries, not 17"),
            (["k" * 257 + "=v"], "a key of at most 256 characters, not the 257 of `kkk"),
            (["k=" + "v" * 257], "a value of at most 256 characters, not the 257 of `vvv"),
            (["ké=v"], "letters, figures, spaces and :_@$#=/+,-. in a key, not `ké`"),
            (["k=a;b"], "in a value, not `a;b`"),
            (["k=a\u00a0b"], "in a value, not"),
            ([f"{n:0255}={'v' * 200}" + "\n" * 56 for n in range(16)], "8500 characters as JSON"),
            (["team"], "is written key=value, not `team`"),
            (["=search"], "is written key=value, not `=search`"),
            ([""], "is written key=value"),
        ],
        ids=lambda each: each if isinstance(each, str) else None,
    )
    def test_what_aws_would_refuse_is_not_sent(
        self, given: list[str], said: str, run: Run, use: Use
    ) -> None:
        sandbox = use()
        flags = [word for each in given for word in ("--meta", each)]
        result = run("ask", "Hello", *flags, code=2)
        assert "--meta " in result.err
        assert said in result.err
        assert sandbox.requests == []

    def test_the_longest_that_fits_is_sent(self, run: Run, use: Use) -> None:
        sandbox = use()
        flags = [word for n in range(16) for word in ("--meta", f"{n:0256}={'v' * 256}")]
        run("ask", "Hello", *flags)
        assert len(sandbox.requests) == 1
