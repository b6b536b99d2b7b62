"""Which log group or bucket is read: one that is named, or what logging is configured with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bedrock_claude_cli.bedrock import invocation_logging, logging_settings
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logs import Source, cloudwatch, s3
from bedrock_claude_cli.errors import RejectedError


def sources(
    client: Callable[[str], Any],
    region: str,
    *,
    log_group: str | None = None,
    bucket: str | None = None,
) -> tuple[Source, ...]:
    """What is named, else what the region's logging configuration names; a log group comes first.

    `client` makes a client of a service; `bucket` may have a prefix. UsageError for a name that AWS
    would refuse, RejectedError (`LoggingOff`) where nothing is named and logging is off.
    """
    if log_group is None and bucket is None:
        found = invocation_logging.read(client("bedrock"))
    else:
        account = ""
        if bucket is not None or "{account}" in (log_group or ""):
            account = client("sts").get_caller_identity()["Account"]
        wanted = logging_settings.Wanted(log_group=log_group, bucket=bucket)
        found = logging_settings.desired(wanted, None, Place("aws", account, region)).config
    read_from: list[Source] = []
    if found and found.log_group:
        read_from.append(cloudwatch(client("logs"), found.log_group))
    if found and found.bucket:
        account = client("sts").get_caller_identity()["Account"]
        read_from.append(s3(client("s3"), found.bucket, found.prefix, account, region))
    if read_from:
        return tuple(read_from)
    raise RejectedError(
        f"model invocation logging is off in {region}",
        hint="`--log-group NAME` or `--bucket NAME[/PREFIX]` reads what was logged before; "
        f"`bedrock-claude enable-logging --region {region}` switches it on",
        code="LoggingOff",
    )


@contextmanager
def reading(region: str, *, log_group: str | None, bucket: str | None) -> Iterator[None]:
    """Lays what is not there to the flag that names it, where the table blames the configuration.

    Any other error passes as it is.
    """
    flags = {
        "ResourceNotFoundException": ("--log-group", log_group),
        "NoSuchBucket": ("--bucket", bucket),
    }
    try:
        yield
    except Exception as error:
        from bedrock_claude_cli.explain import translate

        told = translate(error)
        flag, name = flags.get(told.code, ("", None))
        if name is None:
            raise
        raise told.hinted(
            f"{flag} {name} names what is not there in {region}: check the name, or give --region"
        ) from error
