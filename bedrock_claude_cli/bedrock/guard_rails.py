"""Guard rails: which endpoints and models a team's config file lets through."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from bedrock_claude_cli.bedrock.catalog import IN_REGION, Catalog
from bedrock_claude_cli.errors import UnmetError

# Each inner tuple is one thing by all its names; one of them has to be allowed.
Names = tuple[tuple[str, ...], ...]


class Rule(NamedTuple):
    """A key of the config file, its globs (none allows nothing), and FILE:LINE of where it is."""

    key: str
    globs: tuple[str, ...]
    source: str

    def allows(self, names: Names) -> bool:
        """Whether every thing is matched by one of its names."""
        return all(
            any(fnmatchcase(name, glob) for name in each for glob in self.globs) for each in names
        )

    def refusal(self, what: str, hint: str) -> UnmetError:
        """What is said of a thing that it does not allow."""
        allowed = ", ".join(self.globs) or "nothing"
        return UnmetError(
            f"{self.source} forbids {what}, so it is not sent: {self.key} allows {allowed}",
            hint=hint,
        )


class Guard(NamedTuple):
    """Both rules; None allows everything."""

    endpoints: Rule | None = None
    models: Rule | None = None

    def lets(self, endpoint: str | None, region: str, catalog: Catalog) -> bool:
        """Whether a request may go to an endpoint from a region."""
        return self.endpoints is None or self.endpoints.allows(ways(endpoint, [region], catalog))


OPEN = Guard()


def ways(endpoint: str | None, regions: Iterable[str], catalog: Catalog) -> Names:
    """Where a request to an endpoint goes; `regions` are the one that takes it, and its ARN's.

    A geography asked for from elsewhere would take the prompt out of it, to a region that refuses.
    """
    if endpoint in (None, IN_REGION):
        return tuple((IN_REGION, region) for region in regions)
    named = ((str(endpoint),),)
    if endpoint == "global":
        return named
    foreign = [each for each in regions if endpoint not in catalog.region(each).endpoints]
    return (*named, *(("global", IN_REGION, each) for each in foreign))
