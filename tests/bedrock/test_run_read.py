"""An output that is read in stretches says what it says when it is read as a whole."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.record_line import Head
from bedrock_claude_cli.bedrock.run_state import State


def head(chance: random.Random) -> Head:
    """A line about one of a few ids, so that many stand twice: answers, cut answers and errors."""
    kind = chance.choice(["whole", "whole", "cut", "error"])
    return Head(
        f"r{chance.randrange(12)}",
        chance.choice(["a", "b"]) * 64,
        0.5 if kind != "error" else None,
        None if kind != "error" else chance.choice([None, 0.25]),
        chance.choice([None, None, 0.125]),
        kind == "whole",
        chance.choice(["ThrottlingException", "Garbled"]) if kind == "error" else None,
    )


def said(state: State) -> dict[str, Any]:
    """All that a run asks of a state."""
    state.index()
    ids = [f"r{number}" for number in range(14)]
    return {
        "counts": (state.records, state.incomplete, state.repeats, state.spent, state.errors),
        "sandbox": state.sandbox,
        "found": [(state.find(each, "a" * 64), state.find(each, "b" * 64)) for each in ids],
        "flaws": [(state.has(each), state.failed(each), state.cut(each)) for each in ids],
    }


def added(heads: list[Head]) -> State:
    """The state of these lines."""
    state = State()
    for each in heads:
        state.add(each)
    return state


@pytest.mark.parametrize("seed", range(60))
def test_stretches_joined_say_what_the_whole_says(seed: int) -> None:
    chance = random.Random(seed)
    heads = [head(chance) for _ in range(chance.randrange(40))]
    cuts = sorted(chance.randrange(len(heads) + 1) for _ in range(3))
    joined = State()
    for start, end in zip([0, *cuts], [*cuts, len(heads)], strict=True):
        joined.join(added(copy.deepcopy(heads[start:end])))
    assert said(joined) == said(added(heads))
