"""`verify-creds`: who calls, from where, and may they use Claude; for people and for CI."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Optional

import typer

from bedrock_claude_cli import calling, options
from bedrock_claude_cli.bedrock import (
    catalog,
    checks,
    identity,
    model_id,
    verify,
    verify_wait,
)
from bedrock_claude_cli.bedrock.checks import Check, Plan, judge
from bedrock_claude_cli.bedrock.duration import parse_duration
from bedrock_claude_cli.bedrock.identity import Credentials
from bedrock_claude_cli.bedrock.verify_wait import Arriving
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import ConfigError, ExitCode, UsageError
from bedrock_claude_cli.terminal import safe

SERVICES = ("sts", "bedrock", "bedrock-runtime")
_COLORS = {"ok": "32", "warn": "33", "fail": "31;1", "skip": "2"}


@as_command
def command(
    ctx: Context,
    model: options.Model = None,
    endpoint: options.Endpoint = None,
    expect_account: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--expect-account", metavar="ID", help="Fail in any other account."),
    ] = None,
    expect_arn: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--expect-arn", metavar="GLOB", help="Fail if the ARN does not match."),
    ] = None,
    min_ttl: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--min-ttl", metavar="DURATION", help="Fail if the credentials end sooner: 15m, 2h."
        ),
    ] = None,
    invoke: Annotated[
        bool, typer.Option("--invoke", help="Prove it by one tiny call, which is billed.")
    ] = False,
    require: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--require",
            metavar="CHECK,...",
            help="Checks whose warn and skip are failures; `aws` allows no endpoint but AWS's own.",
        ),
    ] = None,
    only: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--only", metavar="CHECK,...", help="Only these checks, and no other call."),
    ] = None,
    wait: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--wait",
            metavar="DURATION",
            help="Look again until credentials or access are there: 120, 15m.",
        ),
    ] = None,
) -> int:
    """Check credentials, region, model access and logging.

    The checks, in order: config, credentials, identity, expect, ttl, reach, clock, model,
    invoke, lifecycle, logging. The exit code is the first failure's; 8 where --wait ran out and
    nothing but time is missing.
    """
    ctx.give(model=model, endpoint=endpoint)
    plan = checks.plan(
        only=only or (),
        require=require or (),
        account=expect_account,
        arn=expect_arn,
        min_ttl=None if min_ttl is None else _seconds("--min-ttl", min_ttl),
        invoke=invoke,
        patient=wait is not None,
    )
    noted = cache(ctx.out.note)  # what every look would say is said once
    report = verify_wait.patiently(
        lambda hurry: _examine(ctx, plan, noted, hurry=hurry),
        0 if wait is None else _seconds("--wait", wait),
        renew=ctx.renew,
        pause=ctx.out.pause,
        say=ctx.out.note,
    )
    lacking = None if wait is None or report.exit_code else verify_wait.awaited(report)
    if lacking:
        report = replace(report, ok=False)
    _show(ctx, report)
    if lacking is None:
        return report.exit_code
    ctx.out.fail(f"{lacking.name}: time is up, and {lacking.detail}", lacking.hint)
    return ExitCode.PENDING


def _seconds(flag: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def _examine(
    ctx: Context, plan: Plan, note: Callable[[str], None], *, hurry: bool
) -> verify.Report:
    urls: dict[str, str | None] = {}
    found = [judge("config", lambda: _config(ctx, plan, urls))]
    credentials, answered, target = Credentials(), None, None
    sound = found[0].exit_code in (None, ExitCode.UNMET)
    if sound and plan.names != ("config",):
        known = catalog.load()
        if plan.wants("model", "invoke", "lifecycle"):
            target, refused = _target(ctx, known, note)
            found += [refused] if refused else []
        credentials, check = _credentials(ctx, hurry=hurry)
        found.append(check)
        if check.status == "ok":
            answered = verify.examine(
                plan, _world(ctx, credentials, known, target, hurry=hurry), found
            )
            found += answered.checks
    caller = answered.caller if answered else None
    done = tuple(replace(check, hint=ctx.fill(check.hint)) for check in checks.finish(found, plan))
    return verify.Report(
        account=caller.account if caller else None,
        arn=caller.arn if caller else None,
        user_id=caller.user_id if caller else None,
        credentials=answered.credentials if answered else credentials,
        region=ctx.region if sound else None,
        region_source=ctx.aws.region.source if sound else None,
        endpoint_urls=urls,
        aws=all(url is None or ctx.aws.is_aws(url) for url in urls.values()) if sound else None,
        model=target.model_id if target else None,
        clock_skew_seconds=answered.clock_skew_seconds if answered else None,
        checks=done,
        ok=all(check.status != "fail" for check in done),
    )


def _config(ctx: Context, plan: Plan, urls: dict[str, str | None]) -> Check:
    """Read every setting; `urls` is filled with the endpoints that overrule AWS's own."""
    from urllib.parse import urlsplit

    path = ctx.settings.path
    files = judge("config", lambda: _aws_files(ctx))
    if files.status == "fail":
        return Arriving(**vars(files))
    ctx.aws.check_region()
    told = f"{path} is valid" if path.exists() else "no config file, so defaults count"
    for service, url in ctx.aws.endpoint_urls(SERVICES).items():
        if url is not None and not (url.startswith("http") and urlsplit(url).hostname):
            raise ConfigError(f"the endpoint of {service} is no URL", hint="see AWS_ENDPOINT_URL*")
        urls[service] = url and re.sub(r"//[^/@]*@", "//", url)
    foreign = {url for url in urls.values() if url and not ctx.aws.is_aws(url)}
    if not foreign:
        return Check("config", "ok", told)
    text = f"requests go to {' and '.join(sorted(foreign))}, which is not AWS; {told}"
    hint = None if ctx.in_sandbox else "AWS_ENDPOINT_URL* or the AWS profile sets this endpoint"
    if checks.AWS in plan.required:
        return checks.fail("config", ExitCode.UNMET, text, hint)
    return Check("config", "warn", text, hint)


def _aws_files(ctx: Context) -> Check:
    """Whether AWS's own files can be read, and have the profile."""
    ctx.aws.endpoint_urls(())
    return Check("config", "ok", "")


def _target(
    ctx: Context, known: catalog.Catalog, note: Callable[[str], None]
) -> tuple[model_id.Target | None, Check | None]:
    """The model that would be called, or the failed check where the region does not offer it."""
    found: list[model_id.Target] = []

    def resolve() -> Check:
        found.append(calling.target(ctx, known))
        return Check("model", "ok", found[0].model_id)

    check = judge("model", resolve)
    for text in found[0].notes if found else ():
        note(text)
    return (found[0], None) if found else (None, check)


def _once(ctx: Context, *, hurry: bool) -> Context:
    """In a hurry no call of the clients to come is made again: the next look does that."""
    if hurry:
        ctx.aws.session.set_config_variable("max_attempts", 1)
    return ctx


def _credentials(ctx: Context, *, hurry: bool) -> tuple[Credentials, Check]:
    """Where the credentials come from; fetching them may ask STS, SSO or a metadata service."""
    aws = ctx.aws
    if aws.api_key:
        told = Credentials(source=identity.API_KEY, end_known=False, api_key=True)
        return told, Check("credentials", "ok", identity.API_KEY)
    found: list[Credentials] = []
    named = aws.profile.value is not None and not aws.environment_keys
    ours = (aws.profile.value, aws.profile.source) if named else (None, None)

    def session() -> Check:
        return Check("credentials", "ok", str(_once(ctx, hurry=hurry).aws.session))

    def fetch() -> Check:
        keys = aws.keys()
        found.append(identity.describe(*keys, *ours))
        return Check("credentials", "ok", f"{found[0].source}, {keys.access_key_id}")

    check = judge("credentials", session)
    if check.status == "ok":
        check = judge("credentials", fetch)
        if check.exit_code == ExitCode.CONFIG:
            check = Arriving(**vars(check))
    if found:
        return found[0], check
    claims = None
    token = aws.web_identity()
    if token and Path(token[0]).is_file():
        claims, check = identity.diagnose(Path(token[0]), token[1], check)
    return Credentials(profile=ours[0], profile_source=ours[1], web_identity=claims), check


def _world(
    ctx: Context,
    credentials: Credentials,
    known: catalog.Catalog,
    target: model_id.Target | None,
    *,
    hurry: bool,
) -> verify.World:
    return verify.World(
        credentials=credentials,
        region=ctx.region,
        catalog=known,
        target=target,
        options=ctx.settings.options,
        sts=lambda: _once(ctx, hurry=hurry).sts,
        bedrock=lambda: _once(ctx, hurry=hurry).bedrock,
        reach=calling.reach(ctx, known),
        say=ctx.out.note,
        form=ctx.settings.options.via != "mantle",
    )


def _show(ctx: Context, report: verify.Report) -> None:
    """Facts, then checks: in columns on a terminal, tab-separated in a pipe."""
    if ctx.out.json:
        ctx.out.data(report)
        return
    for label, value in verify.facts(report):
        if ctx.out.terminal:
            ctx.out.line(f"{label:<13}{value}")
        else:
            ctx.out.line(f"{label}\t{_flat(value)}")
    for check in report.checks:
        if ctx.out.terminal:
            _line(ctx, check)
        else:
            cells = (check.name, check.status, check.detail, check.hint or "")
            ctx.out.line("\t".join(map(_flat, cells)))
    failed = next((check for check in report.checks if check.status == "fail"), None)
    if failed and not ctx.out.terminal:
        ctx.out.fail(f"{failed.name}: {failed.detail}", failed.hint)


def _flat(cell: str) -> str:
    return cell.replace("\t", " ").replace("\n", " ")


def _line(ctx: Context, check: Check) -> None:
    """One check on a terminal, wrapped under itself; commands in backticks stay whole."""
    import shutil
    from textwrap import wrap

    width = max(40, shutil.get_terminal_size().columns - 20)
    told = [check.detail, *([f"hint: {check.hint}"] if check.hint else [])]
    lines = [
        line.replace("\0", " ")
        for text in told
        for part in safe(text).split("\n")
        for line in wrap(
            re.sub(r"`[^`]*`", lambda span: span[0].replace(" ", "\0"), part),
            width,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    status = f"{check.status:<5}"
    if ctx.out.color:
        status = f"\x1b[{_COLORS[check.status]}m{status}\x1b[0m"
    ctx.out.stdout.write(f"{check.name:<13}{status}  {lines[0]}\n")
    for line in lines[1:]:
        ctx.out.stdout.write(f"{'':20}{line}\n")
