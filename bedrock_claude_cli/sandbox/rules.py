"""Rules as plain data: which requests get another answer than the canned one."""

from __future__ import annotations

from collections.abc import Sequence


class RuleError(ValueError):
    """Rules that cannot be used; `problems` lists all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)
