"""What `enable-logging` is asked for: names checked as AWS would, joined with what is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bedrock_claude_cli.bedrock.invocation_logging import KINDS, Configured
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.errors import UsageError

LOG_GROUP = "/aws/bedrock/modelinvocations"
ROLE = "BedrockInvocationLogging-{region}"
# Anthropic recommends to log on at least a 30-day rolling basis.
LEAST_DAYS = 30
# botocore, CloudWatch Logs, shape Days.
DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
        3288, 3653)  # fmt: skip
# botocore, S3, shape Days, is an integer of 32 bits.
MOST_DAYS = 2**31 - 1
# Bytes of a prefix: S3 takes keys of 1024, and Bedrock's own part has up to 150.
LONGEST_PREFIX = 1024 - 150
_IP = re.compile(r"\d+(\.\d+){3}")
_KEY_ID = re.compile(r"mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Wanted:
    """The flags; None is what was not given, and names may hold `{account}` and `{region}`."""

    log_group: str | None = None
    bucket: str | None = None
    large_data_bucket: str | None = None
    kms_key: str | None = None
    retention_days: int = LEAST_DAYS
    role: str | None = None
    text: bool | None = None
    images: bool | None = None
    embeddings: bool | None = None
    video: bool | None = None
    audio: bool | None = None


@dataclass(frozen=True)
class Desired:
    """What shall be in one place.

    `role` is a name or a path and name, empty without a log group; a role that was given as an ARN
    is used as it is and never changed.
    """

    config: Configured
    role: str
    role_is_ours: bool
    retention_days: int
    kms_key: str | None

    def buckets(self) -> dict[str, tuple[str, ...]]:
        """Every bucket that is delivered to, and the prefixes in it."""
        found: dict[str, set[str]] = {}
        for name, prefix in (
            (self.config.bucket, self.config.prefix),
            (self.config.large_data_bucket, self.config.large_data_prefix),
        ):
            if name:
                found.setdefault(name, set()).add(prefix)
        return {name: tuple(sorted(prefixes)) for name, prefixes in found.items()}


class _Named(NamedTuple):
    flag: str
    text: str


def check(wanted: Wanted, places: Sequence[Place], *, short: bool = False) -> None:
    """Refuse, before AWS is asked for anything, what it would refuse; UsageError says why."""
    if not 1 <= wanted.retention_days <= MOST_DAYS:
        raise UsageError(
            f"--retention-days {wanted.retention_days}: logs are kept for 1 to {MOST_DAYS} days"
        )
    if wanted.retention_days < LEAST_DAYS and not short:
        raise UsageError(
            f"--retention-days {wanted.retention_days} is less than the {LEAST_DAYS} days that "
            "Anthropic recommends at least",
            hint="--allow-short-retention allows it",
        )
    if len(places) > 1:
        for flag, name in (
            ("--bucket", wanted.bucket),
            ("--large-data-bucket", wanted.large_data_bucket),
            ("--kms-key", wanted.kms_key),
        ):
            # The id of a multi-Region key is the same everywhere.
            if name and "{region}" not in name and not name.startswith("mrk-"):
                # A hint would have its {region} filled in.
                raise UsageError(
                    f"{flag} {name} is in one region, and Bedrock delivers within a region only: "
                    f"{_with_region(name)}"
                )
    for place in places:
        desired(wanted, None, place)


def _with_region(name: str) -> str:
    if _KEY_ID.fullmatch(name):
        return "go through the regions one by one, each with its own key"
    if name.startswith("arn:"):
        named = re.sub(r"^((?:[^:]*:){3})[^:]*", r"\1{region}", name)
    else:
        head, slash, tail = name.removeprefix("s3://").partition("/")
        named = f"{head}-{{region}}{slash}{tail}"
    return f"write {{region}} into it, as in {named}"


def desired(wanted: Wanted, now: Configured | None, place: Place) -> Desired:
    """What was asked for, joined with what is configured; UsageError for a name AWS refuses.

    What no flag names stays as it is configured; where logging is off it is the default.
    """
    base = now or Configured()
    group = _group(wanted.log_group, place) or base.log_group
    bucket, prefix = _bucket("--bucket", wanted.bucket, place) or (base.bucket, base.prefix)
    large = _bucket("--large-data-bucket", wanted.large_data_bucket, place)
    if group is None and (large or bucket is None):
        group = LOG_GROUP
    if group and wanted.retention_days not in DAYS:
        raise UsageError(
            f"--retention-days {wanted.retention_days}: CloudWatch Logs knows no such retention",
            hint=f"one of {', '.join(map(str, DAYS))}",
        )
    large_bucket, large_prefix = large or (base.large_data_bucket, base.large_data_prefix)
    kinds = {kind: getattr(wanted, kind) for kind in KINDS if getattr(wanted, kind) is not None}
    role, ours = _role(wanted.role, base.role_arn, place) if group else ("", False)
    config = replace(
        base,
        log_group=group,
        role_arn=place.role_arn(role) if group else None,
        large_data_bucket=large_bucket if group else None,
        large_data_prefix=large_prefix if group else "",
        bucket=bucket,
        prefix=prefix,
        **kinds,
    )
    return Desired(config, role, ours, wanted.retention_days, _key(wanted.kms_key, place))


def _filled(flag: str, text: str, place: Place) -> str:
    if not text:
        raise UsageError(f"{flag} is empty")
    filled = text.replace("{account}", place.account).replace("{region}", place.region)
    if "{" in filled or "}" in filled:
        raise UsageError(f"{flag} {text}: only {{account}} and {{region}} can be filled in")
    return filled


def _group(given: str | None, place: Place) -> str | None:
    if given is None:
        return None
    name = _filled("--log-group", given, place)
    if not re.fullmatch(r"[.\-_/#A-Za-z0-9]{1,512}", name):
        raise UsageError(
            f"--log-group {name}: AWS refuses this name",
            hint="1 to 512 of letters, digits and . - _ / #",
        )
    if name.startswith("aws/"):
        raise UsageError(f"--log-group {name}: names may begin with /aws/, not with aws/")
    return name


def _bucket(flag: str, given: str | None, place: Place) -> tuple[str, str] | None:
    """The bucket's name and the prefix, without the slash that may end it."""
    if given is None:
        return None
    name, _, prefix = _filled(flag, given.removeprefix("s3://"), place).partition("/")
    rules = (
        (re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name),
         "3 to 63 of small letters, digits, dots and hyphens, a letter or digit at both ends"),
        (".." not in name and not _IP.fullmatch(name), "no two dots in a row, and no IP address"),
        (not name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
         and not name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")),
         "AWS keeps this beginning or end of a name for itself"),
    )  # fmt: skip
    for holds, rule in rules:
        if not holds:
            raise UsageError(
                f"{flag} {given}: S3 refuses `{name}` as a bucket's name",
                hint=f"{rule}; written NAME or NAME/PREFIX",
            )
    prefix = prefix.removesuffix("/") if prefix != "/" else prefix
    if prefix:
        _check_prefix(f"{flag} {given}", prefix)
    return name, prefix


def _check_prefix(told: str, prefix: str) -> None:
    """Refuse what S3's keys should not hold, and what means something else in a policy.

    docs.aws.amazon.com/AmazonS3 "Naming Amazon S3 objects": safe characters, but for the `*`.
    """
    if not re.fullmatch(r"[A-Za-z0-9!_.'()&@=;:+, /-]+", prefix):
        raise UsageError(
            f"{told}: the prefix holds what policies or S3's keys do not take",
            hint="letters without accents, digits, spaces and ! - _ . ' ( ) & @ = ; : + , /",
        )
    if not all(part.strip(" ") and part not in (".", "..") for part in prefix.split("/")):
        raise UsageError(
            f"{told}: the prefix has an empty part, or one that is . or ..",
            hint="written NAME/FOLDER/FOLDER, with one slash between",
        )
    if len(prefix) > LONGEST_PREFIX:
        raise UsageError(
            f"{told[:60]}...: the prefix has {len(prefix)} bytes, and with what Bedrock adds a key "
            "would be longer than S3 takes",
            hint=f"at most {LONGEST_PREFIX}",
        )


def _role(given: str | None, now: str | None, place: Place) -> tuple[str, bool]:
    """The role's path and name, and whether this tool may change it."""
    mine = place.role_arn("")
    if given is None:
        if now is not None:
            return now.rsplit(":role/", 1)[-1], now.startswith(mine)
        given = ROLE
    name = _filled("--role", given, place)
    if name.startswith("arn:"):
        if not name.startswith(mine):
            raise UsageError(f"--role {name}: Bedrock takes a role of account {place.account} only")
        return name.removeprefix(mine), False
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII):
        raise UsageError(
            f"--role {name}: IAM refuses this name",
            hint="1 to 64 of letters, digits and + = , . @ _ -, or a role's ARN",
        )
    return name, True


def _key(given: str | None, place: Place) -> str | None:
    if given is None:
        return None
    key = _filled("--kms-key", given, place)
    if _KEY_ID.fullmatch(key):
        return place.arn("kms", f"key/{key}")
    if not re.fullmatch(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", key):
        raise UsageError(
            f"--kms-key {key}: neither the ARN nor the id of a key",
            hint="CloudWatch Logs takes no alias; `aws kms describe-key` prints the ARN",
        )
    if key.split(":")[3] != place.region:
        raise UsageError(f"--kms-key {key}: a key in {place.region} is needed")
    return key
