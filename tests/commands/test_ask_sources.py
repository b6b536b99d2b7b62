"""What an option cannot do is told with the place that set it, which need not be a flag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Use = Callable[..., Sandbox]
SCHEMA = '{"type": "object", "properties": {}, "additionalProperties": false}'
# What is set, beside which flags, and how the refusal begins.
REFUSED = [
    ("effort: high", "", "Claude Sonnet 4.5 takes no effort high (from {})"),
    ("effort: xhigh", "-m opus-4.6", "Claude Opus 4.6 takes no effort xhigh (from {}), only low"),
    ("thinking: adaptive", "", "Claude Sonnet 4.5 takes a budget for its thinking, not thinking "
     "adaptive (from {})"),
    ("thinking: 100", "", "thinking 100 (from {}) is no budget"),
    ("thinking: 5000", "", "thinking 5000 (from {}) leaves nothing of max_tokens 4096 (the"),
    ("thinking: 2000", "-m opus-5", "Claude Opus 5 takes no budget for its thinking, so no "
     "thinking 2000 (from {})"),
    ("thinking: 2000", "-m haiku-3", "Claude Haiku 3 has no thinking, so it takes no thinking 2000 "
     "(from {})"),
    ("thinking: 'off'", "-m fable-5.1", "Claude Fable 5.1 always thinks, so it takes no thinking "
     "off (from {})"),
    ("temperature: 0.5", "--thinking 2000", "a model that thinks takes no temperature 0.5 "
     "(from {})"),
    ("top_p: 0.5", "--thinking 2000", "a model that thinks takes no top_p 0.5 (from {}), only"),
    ("meta: {team: ads}", "--via mantle -m opus-5.5", "--via mantle takes no meta "
     "team=ads (from {})"),
    ("guardrail: gr1:2", "--via mantle -m opus-5.5", "--via mantle takes no guardrail gr1:2 (from "
     "{})"),
    ("citations: true", f"--schema {SCHEMA.replace(' ', '')}", "Bedrock takes no citations true "
     "(from {}) together with a schema (from --schema)"),
    (f"schema: '{SCHEMA}'", "--citations", "Bedrock takes no citations true (from --citations) "
     "together with a schema (from {})"),
    ("schema: '{'", "", "schema (from {}) is not JSON"),
    ("schema: nowhere.json", "", "the schema in nowhere.json cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize("place", ["config", "preset", "environment"])
@pytest.mark.parametrize(("setting", "flags", "said"), REFUSED)
def test_a_refusal_names_who_set_it(
    setting: str, flags: str, said: str, place: str, run: Run, use: Use, tmp_path: Path
) -> None:
    sandbox = use()
    file = tmp_path / "c.yaml"
    file.write_text(f"{setting}\n" if place == "config" else f"presets: {{p: {{{setting}}}}}\n")
    argv = ["ask", "Hi", "--config", str(file), *flags.split()]
    source, env = str(file), {}
    if place == "preset":
        argv, source = [*argv, "--preset", "p"], "--preset p"
    elif place == "environment":
        key, _, value = setting.partition(": ")
        source = f"BEDROCK_CLAUDE_{key.upper()}"
        env = {source: "team=ads" if key == "meta" else value.strip("'")}
    told = run(*argv, env=env, code=2 if setting.startswith("schema: ") and not flags else 6)
    assert said.format(source) in told.err
    assert sandbox.requests == []
    if "nowhere" in setting:
        assert f"hint: schema (from {source}) takes a file" in told.err


def test_a_model_without_a_cache_names_who_asked_for_one(
    run: Run, use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model of the catalogue lacks one."""
    sandbox = use()
    known = catalog.load()
    models = tuple(each._replace(prompt_caching=False) for each in known.models)
    monkeypatch.setattr(catalog, "load", lambda: known._replace(models=models))
    file = tmp_path / "c.yaml"
    file.write_text("cache: 1h\n")
    told = run("ask", "Hi", "-s", "S", "--config", str(file), code=6)
    assert f"Claude Sonnet 4.5 has no prompt cache for cache 1h (from {file})" in told.err
    assert sandbox.requests == []


def test_metadata_of_two_places_names_both(run: Run, use: Use, tmp_path: Path) -> None:
    use()
    file = tmp_path / "c.yaml"
    file.write_text("meta:\n" + "".join(f"  k{n}: v\n" for n in range(16)))
    told = run("ask", "Hi", "--config", str(file), "--meta", "one=more", code=2)
    assert f"meta (from {file}, --meta) takes at most 16 entries, not 17" in told.err
