"""Templates: text with `$name` and `${name}` in it, filled from `-p name=value`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bedrock_claude_cli.errors import UsageError, did_you_mean


class Template(NamedTuple):
    """A preset that has a prompt: its name, the prompt, and whether its system prompt counts."""

    name: str
    prompt: str
    has_system: bool = False


def faults(text: str) -> Iterator[str]:
    """What is wrong with each `$` that is neither a placeholder nor `$$`, with line and column."""
    from string import Template as Pattern

    for match in Pattern.pattern.finditer(text):
        if match["invalid"] is not None:
            before = text[: match.start()]
            line, column = before.count("\n") + 1, match.start() - before.rfind("\n")
            said = text[match.start() : match.start() + 12].split("\n")[0]
            yield (
                f"line {line}, column {column} of the text: `{said}` is no placeholder like $name "
                "or ${name}; a dollar is written `$$`"
            )


def names(text: str) -> list[str]:
    """The names of the placeholders in a text, each once, in its order."""
    from string import Template as Pattern

    found = (match["named"] or match["braced"] for match in Pattern.pattern.finditer(text))
    return list(dict.fromkeys(name for name in found if name))


def read_values(given: list[str]) -> dict[str, str]:
    """The values of `-p key=value` and `-p key=@FILE`; UsageError where one cannot be read."""
    values = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"-p is written key=value or key=@FILE, not `{pair}`")
        values[key] = _read(value[1:], key) if value.startswith("@") else value
        try:
            values[key].encode()
        except UnicodeEncodeError:
            raise UsageError(f"-p {key} is not UTF-8 text") from None
    return values


def _read(file: str, key: str) -> str:
    path = Path(file)
    try:
        return path.expanduser().read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"-p {key}: {path} is not UTF-8 text (byte {error.start:,})") from None
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"-p {key}: {path} cannot be read: {why}") from None


def fill(
    template: Template, system: str | None, values: Mapping[str, str]
) -> tuple[str, str | None]:
    """Prompt and system prompt with their placeholders filled; `system` None is none to fill.

    UsageError lists every placeholder without a value and every value without a placeholder.
    """
    from string import Template as Pattern

    wrong = [f"the system prompt, {fault}" for fault in faults(system or "")]
    wanted = list(dict.fromkeys(names(template.prompt) + names(system or "")))
    missing = [name for name in wanted if name not in values]
    wrong += [
        f"the template has no ${key}{did_you_mean(key, missing or wanted)}"
        for key in values
        if key not in wanted
    ]
    if missing:
        listed = ", ".join(f"${name}" for name in missing)
        wrong.append(
            f"the template needs {'a value' if len(missing) == 1 else 'values'} for {listed}"
        )
    if wrong:
        hint = " ".join(f"-p {name}=..." for name in missing) or (
            f"it has {', '.join(f'${name}' for name in wanted)}" if wanted else None
        )
        raise UsageError(
            f"{template.name}: {'; '.join(wrong)}", hint=f"`{hint}`" if missing else hint
        )
    prompt = Pattern(template.prompt).substitute(values)
    return prompt, None if system is None else Pattern(system).substitute(values)
