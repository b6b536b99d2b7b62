"""The one place that reads YAML: values with the line and column each stands at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bedrock_claude_cli.errors import ConfigError

Positions = dict[tuple[Any, ...], tuple[int, int]]


class Problems:
    """Collects everything wrong with one file, to be told at once."""

    def __init__(self, path: Path | str, positions: Positions | None = None) -> None:
        self.path = path
        self.positions = positions if positions is not None else {}
        self.lines: list[tuple[tuple[int, int], str]] = []
        self.refused: set[tuple[Any, ...]] = set()

    def add(self, key: tuple[Any, ...], what: str, at: tuple[int, int] | None = None) -> None:
        """Note that the value at `key` is wrong; `at` is (line, column) if not known by key."""
        spot = at or self.positions.get(key) or (1, 1)
        name = ".".join(str(part) for part in key)
        text = f"{self.path}:{spot[0]}:{spot[1]} {name + ': ' if name else ''}{what}"
        self.lines.append((spot, text))

    def texts(self) -> list[str]:
        """The problems in the order of the file."""
        return [text for _, text in sorted(self.lines)]


def read_yaml(path: Path, problems: Problems) -> Any:
    """The document in `path`, and the positions of its values in `problems.positions`.

    Duplicate keys are added to `problems`; text that is no YAML at all is a ConfigError, as is a
    file that cannot be read. An empty file is None.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_yaml(text, problems)


def parse_yaml(text: str, problems: Problems) -> Any:
    """As `read_yaml`, of a text."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        node = loader.get_single_node()
        return None if node is None else _value(loader, node, (), problems, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{problems.path}{at} {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{problems.path}: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()


def _value(
    loader: Any, node: Any, key: tuple[Any, ...], problems: Problems, open_nodes: tuple[int, ...]
) -> Any:
    import yaml

    problems.positions.setdefault(key, _at(node))
    if id(node) in open_nodes:
        problems.add(key, "contains itself", _at(node))
        return None
    inside = (*open_nodes, id(node))
    if isinstance(node, yaml.MappingNode):
        _note_duplicates(loader, node, key, problems)
        loader.flatten_mapping(node)
        mapping = {}
        for key_node, value_node in node.value:
            name = loader.construct_object(key_node, deep=True)
            name = name if isinstance(name, str | int | float) else str(name)
            problems.positions[(*key, name)] = _at(key_node)
            mapping[name] = _value(loader, value_node, (*key, name), problems, inside)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, (*key, index), problems, inside)
            for index, item in enumerate(node.value)
        ]
    try:
        return loader.construct_object(node)
    except (ValueError, OverflowError) as error:
        problems.add(key, str(error), _at(node))
        return None


def _note_duplicates(loader: Any, node: Any, key: tuple[Any, ...], problems: Problems) -> None:
    seen: dict[str, tuple[int, int]] = {}
    for key_node, _ in node.value:
        name = str(key_node.value)
        if name in seen:
            line, column = seen[name]
            problems.add((*key, name), f"stands twice, first at {line}:{column}", _at(key_node))
        seen.setdefault(name, _at(key_node))


def _at(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
