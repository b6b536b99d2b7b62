"""What `logs search` looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bedrock_claude_cli.bedrock.catalog import Catalog
from bedrock_claude_cli.bedrock.log_record import Record
from bedrock_claude_cli.bedrock.model_id import parse
from bedrock_claude_cli.errors import UsageError


class Wanted(NamedTuple):
    """What a record must have, all of it; texts are compared in any case."""

    text: str | None
    base_id: str | None
    model: str | None
    identity: str | None
    errors: bool
    meta: Mapping[str, str]

    @classmethod
    def read(
        cls,
        text: str | None,
        model: str | None,
        identity: str | None,
        errors: bool,
        meta: Sequence[str],
        known: Catalog,
    ) -> Wanted:
        """From the command line; UsageError for metadata that is not KEY=VALUE."""
        pairs = [each.partition("=") for each in meta]
        for key, equals, _ in pairs:
            if not key or not equals:
                raise UsageError(f"`{key}` is no metadata", hint="write --meta KEY=VALUE")
        # `sonnet` means every Sonnet here, not the newest one.
        family = model in {each.family for each in known.models}
        named = model is not None and not family and parse(model).kind == "alias"
        alias = known.find(model) if model and named else None
        return cls(
            text.lower() if text else None,
            alias.id if alias else None,
            model.lower() if model and not alias else None,
            identity.lower() if identity else None,
            errors,
            {key: value for key, _, value in pairs},
        )

    def but_text(self, record: Record) -> bool:
        """Whether a record has everything but the text."""
        return (
            (self.base_id is None or record.base_id == self.base_id)
            and (self.model is None or self.model in (record.model_id or "").lower())
            and (self.identity is None or self.identity in (record.identity or "").lower())
            and (not self.errors or record.error_code is not None)
            and all(record.metadata.get(key) == value for key, value in self.meta.items())
        )

    def has_text(self, record: Record) -> bool:
        """Whether the text stands in the prompt or the answer."""
        if self.text is None:
            return True
        return any(self.text in (told or "").lower() for told in (record.prompt, record.answer))
