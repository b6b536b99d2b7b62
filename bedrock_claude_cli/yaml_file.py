"""The one place that reads YAML: values with the line and column each stands at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bedrock_claude_cli.errors import ConfigError

Key = tuple[Any, ...]
Spot = tuple[int, int]

# Far above any file that people write, and low enough that aliases of aliases stay cheap.
MAX_VALUES = 20_000
MAX_DEPTH = 50

_TAG = "tag:yaml.org,2002:"
_TEXT = (_TAG + "str", _TAG + "timestamp", _TAG + "value")
_NUMBERS = (_TAG + "bool", _TAG + "int", _TAG + "float")


class Problems:
    """Collects everything wrong with one file, to be told at once."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.positions: dict[Key, Spot] = {}
        self.lines: dict[tuple[Spot, str], None] = {}

    def add(self, key: Key, what: str, at: Spot | None = None) -> None:
        """Note that the value at `key` is wrong; `at` is (line, column) if not known by key."""
        spot = at or self.positions.get(key) or (1, 1)
        name = ".".join(str(part) for part in key)
        text = f"{self.path}:{spot[0]}:{spot[1]} {name + ': ' if name else ''}{what}"
        self.lines[spot, text] = None

    def line(self, key: Key) -> int:
        """The line at which a key stands."""
        return self.positions.get(key, (1, 1))[0]

    def texts(self) -> list[str]:
        """The problems in the order of the file."""
        return [text for _, text in sorted(self.lines, key=lambda line: line[0])]


def read_yaml(path: Path, problems: Problems) -> Any:
    """The document in `path`, and the positions of its values in `problems.positions`.

    What is wrong with one value is added to `problems`; text that is no YAML at all is a
    ConfigError, as is a file that cannot be read. An empty file is None.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise ConfigError(f"{path}:{line}:{column} not UTF-8 text") from None
    return parse_yaml(text, problems)


def parse_yaml(text: str, problems: Problems) -> Any:
    """As `read_yaml`, of a text."""
    import yaml

    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(kind(text), problems)
        loader = kind(text)
        node = loader.get_single_node()
        return None if node is None else _Reader(loader, problems).value(node, (), ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{problems.path}{at} not YAML: {_what(error)}") from None
    except yaml.YAMLError as error:
        what = " ".join(str(error).split())
        raise ConfigError(f"{problems.path}:1:1 not YAML: {what}") from None


def _what(error: Any) -> str:
    if error.problem == "but found another document":
        return "a second document begins here, and one is all that is read"
    return str(error.problem or error.context)


def _refuse_depth(loader: Any, problems: Problems) -> None:
    """Refuse what is nested too deep, before anything recurses into it."""
    depth = 0
    while loader.check_event():
        event = loader.get_event()
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > MAX_DEPTH:
            line, column = _at(event)
            raise ConfigError(f"{problems.path}:{line}:{column} nested too deep")


class _Reader:
    """Makes values of nodes, as YAML's safe types and nothing else; keys are always text."""

    def __init__(self, loader: Any, problems: Problems) -> None:
        self.loader = loader
        self.problems = problems
        self.left = MAX_VALUES

    def value(self, node: Any, key: Key, inside: tuple[Any, ...]) -> Any:
        """The value of a node; `inside` are the nodes that it stands in."""
        self.problems.positions.setdefault(key, _at(node))
        self.left -= 1
        if self.left < 0:
            raise ConfigError(
                f"{self.problems.path}: more than {MAX_VALUES} values, each use of an alias counted"
            )
        if any(node is outer for outer in inside):
            self.problems.add(key, "contains itself", _at(node))
            return None
        if node.id == "mapping":
            return self._mapping(node, key, (*inside, node))
        if node.id == "sequence":
            items = enumerate(node.value)
            return [self.value(item, (*key, index), (*inside, node)) for index, item in items]
        return self._scalar(node, key)

    def _mapping(self, node: Any, key: Key, inside: tuple[Any, ...]) -> dict[str, Any]:
        own: dict[str, tuple[Any, Any]] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                self.problems.add(key, "a key is text, not a list or a mapping", _at(key_node))
                continue
            name = str(key_node.value)
            if name in own:
                line, column = _at(own[name][0])
                what = f"stands twice, first at {line}:{column}"
                self.problems.add((*key, name), what, _at(key_node))
            elif key_node.tag == _TAG + "merge":
                merged = self._merged(value_node, key, inside)
            own[name] = own.get(name, (key_node, value_node))
        mapping = merged
        for name, (key_node, value_node) in own.items():
            if key_node.tag != _TAG + "merge":
                self.problems.positions[(*key, name)] = _at(key_node)
                mapping[name] = self.value(value_node, (*key, name), inside)
        return mapping

    def _merged(self, node: Any, key: Key, inside: tuple[Any, ...]) -> dict[str, Any]:
        """What `<<` brings in: of several mappings the first that has a key counts."""
        merged: dict[str, Any] = {}
        for source in reversed(node.value if node.id == "sequence" else [node]):
            if source.id == "mapping":
                merged |= self.value(source, key, inside) or {}
            else:
                self.problems.add((*key, "<<"), "takes a mapping, or a list of them", _at(source))
        return merged

    def _scalar(self, node: Any, key: Key) -> Any:
        if node.tag in _TEXT:
            return node.value
        if node.tag == _TAG + "null":
            return None
        if node.tag not in _NUMBERS:
            what = f"has the tag {node.tag.replace(_TAG, '!!')}, which is not read here"
            self.problems.add(key, what, _at(node))
            return None
        try:
            value = self.loader.construct_object(node)
            float(value)  # an int beyond every float is of no use to anybody
            return value
        except (ValueError, LookupError, OverflowError):
            kind = "truth value" if node.tag.endswith("bool") else "number"
            self.problems.add(key, f"is no {kind} that can be read", _at(node))
            return None


def _at(node: Any) -> Spot:
    return node.start_mark.line + 1, node.start_mark.column + 1
