"""The example of a config file: every key with its default."""

from __future__ import annotations

from bedrock_claude_cli.bedrock.prompt import SPECS
from bedrock_claude_cli.config import FALLBACK_REGION

_EXAMPLES = {
    "stop": '["END"]',
    "system": "Answer briefly.",
    "attach": "[report.pdf]",
    "citations": "true",
    "schema": "answer.schema.json",
    "thinking": "adaptive",
    "effort": "high",
    "cache": "5m",
    "context_1m": "true",
    "beta": "[NAME]",
    "guardrail": "abc123xyz0:1",
    "meta": "{team: search}",
}


def example() -> str:
    """The example config: every key with its default, commented out."""
    lines = [
        "# bedrock-claude config. Every key, with its default; take the `# ` away to set one.",
        "# Flags, --preset, BEDROCK_CLAUDE_* and AWS_* variables overrule this file:",
        "# `bedrock-claude config show` tells which value counts, and why.",
        "",
        "# profile: dev  # the AWS profile; keys in the environment overrule it. Default: none",
        f"# region: {FALLBACK_REGION}  # default: the AWS profile's own region, then this one",
        "",
    ]
    for key, spec in SPECS.items():
        unset = _EXAMPLES.get(key, "0.5")
        value = unset if spec.default is None else f"{spec.default:g}" if spec.duration else None
        choices = f": {', '.join(spec.choices)}" if spec.choices else ""
        tail = "" if spec.default is not None else ". Default: none"
        lines.append(f"# {key}: {value or spec.default}  # {spec.help}{choices}{tail}")
    return "\n".join([*lines, _EXAMPLE_TAIL])


_EXAMPLE_TAIL = """
# In meta, `${VAR}` is taken from the environment, and every place adds its keys to the others'.

# Guard rails: what matches none of these globs is not sent (exit 11), however it was named. Only
# this file sets them; an empty list allows nothing. Default: everything is allowed
# allow_endpoints: [eu, eu-*]  # endpoints; eu-* is in-region in such a region, and [eu] alone not
# allow_models: [sonnet-*, haiku-4.5]  # aliases, base ids, or ids and ARNs as they are sent

# What a model costs, in USD per million tokens, where the shipped price list is not yours.
# The name is an alias, a base id, or an id with its prefix. Default: {}
# prices:
#   sonnet-4.5:
#     input: 3
#     output: 15
#     cache_read: 0.3
#     cache_write_5m: 3.75
#     cache_write_1h: 6

# Options under a name, for `--preset NAME`: any key above but prices and the guard rails. One that
# also has a prompt is a template: `-p code=@FILE` fills $code in prompt and system. Default: {}
# presets:
#   review:
#     model: opus-4.6
#     max_tokens: 8192
#     system: You review code. Name the line, the fault and the fix.
#   translate:
#     system: You translate into $language.
#     prompt: Translate the text above.
#   europe:
#     region: eu-central-1
#     endpoint: eu
"""
