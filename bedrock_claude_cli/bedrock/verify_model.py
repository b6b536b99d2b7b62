"""The check `model` of `verify-creds`: the judgement of `access check`, of one model.

An identity with few rights has to pass, so what IAM does not show of the form and of the data
retention is said and no failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import access, access_check, access_state, use_case, verify_id
from bedrock_claude_cli.bedrock.catalog import Catalog, Lifecycle
from bedrock_claude_cli.bedrock.checks import Check
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.threads import settled
from bedrock_claude_cli.errors import RejectedError
from bedrock_claude_cli.explain import translate

Listed = Future[list[Mapping[str, Any]]]


class Asked(NamedTuple):
    """AWS's answers under way; None is not asked for."""

    available: Future[Mapping[str, Any] | None]
    form: Future[bool | None] | None
    retention: Future[str | None]
    profiles: Listed | None


def ask(
    pool: ThreadPoolExecutor,
    bedrock: Any,
    base_id: Future[str | None],
    catalog: Catalog,
    *,
    form: bool,
    by_id: bool,
) -> Asked:
    """Ask for all that the judgement takes; of a model without a base id nothing.

    `by_id` says that it was named by an id, which has to be one of the region's.
    """

    def available() -> Mapping[str, Any] | None:
        base = settled(base_id).result()
        return access_check.availability(bedrock, base) if base else None

    def submitted() -> bool | None:
        known = settled(base_id).exception() is None and base_id.result()
        return use_case.submitted(bedrock) is not None if known else None

    def retention() -> str | None:
        base = None if settled(base_id).exception() else base_id.result()
        if base is None or access_state.retained(catalog.get(base), None):
            return None
        return access_check.retention_mode(bedrock)

    return Asked(
        pool.submit(available),
        pool.submit(submitted) if form else None,
        pool.submit(retention),
        pool.submit(verify_id.profiles, bedrock) if by_id else None,
    )


def check(
    asked: Asked, summaries: Listed | None, base_id: str, target: Target, catalog: Catalog
) -> Check:
    """The check; the error of the call that tells most is raised unless the model is closed.

    `summaries` is AWS's list of models, if it was asked for.
    """
    hidden: list[str] = []
    if asked.profiles:
        lists = (
            _shown(summaries, access_check.LIST, hidden),
            _shown(asked.profiles, verify_id.PROFILES, hidden),
        )
        wrong = verify_id.refusal(target, *lists, catalog)
        if wrong:
            raise wrong
    lost = settled(asked.available).exception()
    if lost and access_check.refused_action(translate(lost), access_check.AVAILABILITY) is None:
        raise lost
    account = access_state.Account(
        _shown(asked.form, access_check.FORM, hidden),
        _shown(asked.retention, access_check.RETENTION, hidden),
    )
    row = access_state.judge(
        access_state.Named(base_id, catalog.get(base_id)),
        None if lost else asked.available.result(),
        None,
        account,
        Lifecycle(),  # another check's matter
        access_state.World(None, target.region, catalog),
    )
    if lost and row.access != "closed":
        raise lost
    return access.opened(row, target.model_id, target.region, hidden)


def _shown(future: Future[Any] | None, action: str, hidden: list[str]) -> Any:
    """The answer, or None where IAM, or a region without the operation, does not give it."""
    error = settled(future).exception() if future else None
    if error is None:
        return future.result() if future else None
    told = translate(error)
    refused = access_check.refused_action(told, action)
    if refused is None and not isinstance(told, RejectedError):
        raise error
    hidden += [refused] if refused else []
    return None
