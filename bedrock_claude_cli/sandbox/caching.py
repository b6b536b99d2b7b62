"""Prompt caching: where the cache points are, and what of a prompt has been seen before."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from bedrock_claude_cli.sandbox.models import Model
from bedrock_claude_cli.sandbox.sizes import size
from bedrock_claude_cli.sandbox.wire import invalid

MAX_POINTS = 4
TTLS = ("5m", "1h")


class Point(NamedTuple):
    """A prefix of the prompt that is to be kept: its hash, its tokens, and for how long."""

    digest: str
    tokens: int
    ttl: str


def check(body: dict[str, Any]) -> None:
    """Refuse cache points as Anthropic does: too many, of no known kind, the longer one later."""
    found = []
    for where, part in _parts(body):
        if "cache_control" in part:
            found.append(_ttl(part["cache_control"], where))
            if part.get("type") in ("thinking", "redacted_thinking"):
                raise invalid(f"{where}.cache_control: Extra inputs are not permitted")
    if len(found) > MAX_POINTS:
        raise invalid(
            f"A maximum of {MAX_POINTS} blocks with cache_control may be provided. "
            f"Found {len(found)}."
        )
    if found != sorted(found):  # "1h" sorts before "5m"
        raise invalid(
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
            "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        )


def _ttl(control: Any, where: str) -> str:
    if not isinstance(control, dict) or control.get("type") != "ephemeral":
        raise invalid(f"{where}.cache_control.type: Input should be 'ephemeral'")
    ttl = control.get("ttl", "5m")
    if ttl not in TTLS:
        raise invalid(f"{where}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _parts(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tools, system and messages, block by block, in the order in which a prompt is made."""
    for name in ("tools", "system"):
        given = body.get(name)
        for index, part in enumerate(given if isinstance(given, list) else [given]):
            if part is not None:
                yield f"{name}.{index}", part if isinstance(part, dict) else {"text": part}
    for index, message in enumerate(body["messages"]):
        content = message["content"]
        for place, part in enumerate(content if isinstance(content, list) else [content]):
            block = part if isinstance(part, dict) else {"text": part}
            yield f"messages.{index}.content.{place}", {**block, "role": message["role"]}


def points(body: dict[str, Any], model: Model) -> list[Point]:
    """The cache points whose prefix is long enough for the model, the shortest first."""
    seen, tokens, found = hashlib.sha256(model.id.encode()), 0, []
    for _, part in _parts(body):
        bare = {name: value for name, value in part.items() if name != "cache_control"}
        seen.update(json.dumps(bare, sort_keys=True).encode())
        tokens += size(bare)
        if "cache_control" in part and tokens >= model.min_cache:
            found.append(Point(seen.hexdigest(), tokens, part["cache_control"].get("ttl", "5m")))
    return found


class Cache:
    """The prefixes that one sandbox has seen; what is kept once is kept until the sandbox stops."""

    def __init__(self) -> None:
        self._kept: set[str] = set()
        self._lock = threading.Lock()

    def take(self, found: list[Point]) -> tuple[int, dict[str, int]]:
        """Tokens that are read from the cache, and those that are written to it, by their ttl."""
        with self._lock:
            read = max((each.tokens for each in found if each.digest in self._kept), default=0)
            written = dict.fromkeys(TTLS, 0)
            before = read
            for point in found:
                if point.tokens > before:
                    written[point.ttl] += point.tokens - before
                    before = point.tokens
                self._kept.add(point.digest)
        return read, written
