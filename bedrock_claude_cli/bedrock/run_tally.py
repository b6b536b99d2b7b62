"""What became of a run's records so far: answers, failures, tokens and cost."""

from __future__ import annotations

from collections import Counter

from bedrock_claude_cli.bedrock import run_verdict
from bedrock_claude_cli.bedrock.answer import Answer
from bedrock_claude_cli.bedrock.run_pace import BURNDOWN
from bedrock_claude_cli.errors import CliError


class Tally:
    """The sums; `spent` is in USD over the whole output, what it cost before included."""

    def __init__(self, spent: float) -> None:
        self.spent = spent
        self.done = self.incomplete = self.input_tokens = self.output_tokens = 0
        self.errors: Counter[str] = Counter()
        self.last: dict[str, object] | None = None
        self.in_a_row = 0

    @property
    def failed(self) -> int:
        """How many records failed."""
        return sum(self.errors.values())

    def count(self, answer: Answer, most: float | None) -> int:
        """Take an answer in; the tokens that it took from the quota.

        `most` is what it can have cost in USD, where nobody told what it did.
        """
        usage = answer.usage
        self.done += 1
        self.spent += answer.cost_usd if answer.cost_usd is not None else most or 0.0
        self.last = answer.error
        if answer.error is None:
            self.in_a_row = 0
            self.incomplete += not answer.complete
        else:
            self.in_a_row += 1
            self.errors[answer.error["code"]] += 1
        if usage is None:
            return 0
        written = usage.cache_creation_input_tokens
        self.input_tokens += usage.input_tokens + written + usage.cache_read_input_tokens
        self.output_tokens += usage.output_tokens
        return usage.input_tokens + written + BURNDOWN * usage.output_tokens

    def hopeless(self, most: int) -> CliError | None:
        """The error that ends a run whose last `most` records failed."""
        if self.last is None or self.in_a_row < most:
            return None
        return run_verdict.in_a_row(self.in_a_row, self.last)
