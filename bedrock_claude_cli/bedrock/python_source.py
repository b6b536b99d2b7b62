"""Plain values as Python source."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


class Source:
    """Values as Python source; attachments are read from their files."""

    def __init__(self, files: Mapping[bytes, str]) -> None:
        self._raw = files
        self._encoded = {base64.b64encode(data).decode(): path for data, path in files.items()}
        self._used: set[str] = set()

    def imports(self, more: str = "") -> str:
        """The standard library's imports that the literals made so far need, and `more`."""
        lines = {*more.splitlines(), *self._used}
        ordered = sorted(line for line in lines if line.startswith("import"))
        ordered += sorted(line for line in lines if line.startswith("from"))
        return "\n".join(ordered) + "\n\n" if ordered else ""

    def arguments(self, values: Mapping[str, Any]) -> str:
        """Keyword arguments, one a line."""
        return "".join(f"    {key}={self.literal(value, 4)},\n" for key, value in values.items())

    def literal(self, value: Any, indent: int = 0) -> str:
        """One value, its inner lines indented."""
        inner, outer = " " * (indent + 4), " " * indent
        if isinstance(value, dict) and value:
            items = (
                f"{inner}{json.dumps(key, ensure_ascii=False)}: {self.literal(each, indent + 4)},\n"
                for key, each in value.items()
            )
            return "{\n" + "".join(items) + outer + "}"
        if isinstance(value, list | tuple) and value:
            items = (f"{inner}{self.literal(each, indent + 4)},\n" for each in value)
            return "[\n" + "".join(items) + outer + "]"
        if isinstance(value, bytes | str):
            return self._text(value)
        return repr(value)

    def _text(self, value: bytes | str) -> str:
        path = self._raw.get(value) if isinstance(value, bytes) else self._encoded.get(value)
        if path is not None:
            self._used.add("from pathlib import Path")
            read = f"Path({json.dumps(path, ensure_ascii=False)}).read_bytes()"
            if isinstance(value, bytes):
                return read
            self._used.add("import base64")
            return f"base64.b64encode({read}).decode()"
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        self._used.add("import base64")
        return f'base64.b64decode("{base64.b64encode(value).decode()}")'
