"""What an operation's response must hold, whoever answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bedrock_claude_cli.errors import UnavailableError


def part(response: Mapping[str, Any], key: str) -> Any:
    """A member that AWS always sends; UnavailableError where it is missing, so it was not AWS."""
    if key not in response:
        raise UnavailableError(
            f"the answer has no {key}, so it is not AWS's",
            hint="something between you and AWS answered: a proxy, a firewall or a captive portal",
            retry="now",
        )
    return response[key]
