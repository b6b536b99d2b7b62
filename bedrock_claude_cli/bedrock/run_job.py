"""What a run is made of: its jobs, how they are sent, what ends it early, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock.answer import Event
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.pricing import Overrides
from bedrock_claude_cli.bedrock.prompt import Request


class Job(NamedTuple):
    """One record on its way: its reservation is in tokens, `most` in USD (None: unknown)."""

    id: str
    sha256: str
    request: Request
    target: Target
    schema: Mapping[str, Any] | None
    extra: Mapping[str, Any]
    tokens: int
    most: float | None


class Way(NamedTuple):
    """How requests are sent; `renew` makes new clients after credentials expired.

    `sleep` is what waits between attempts call, and `fill` puts what is known into a hint. Where
    `renew` is None the end of the credentials is that of the run, and `fixed` may say why.
    """

    send: Callable[[Request, Target, Callable[[float], None]], Iterator[Event]]
    renew: Callable[[], None] | None
    fill: Callable[[str | None], str | None]
    overrides: Overrides
    prices: Callable[[Target], str | None]
    region: str
    sandbox: bool = False
    fixed: str | None = None


class Limits(NamedTuple):
    """What ends a run early: USD over the whole output, and failures in a row."""

    max_cost: float | None = None
    max_failures: int = 20


class Progress(NamedTuple):
    """How a run stands; times in seconds, cost in USD over the whole output.

    `waiting` is for credentials, and of `seconds` it has done so for `waited`.
    """

    done: int
    failed: int
    in_flight: int
    total: int
    output_tokens: int
    input_tokens: int
    cost_usd: float
    seconds: float
    concurrency: int
    waiting: bool = False
    waited: float = 0.0
