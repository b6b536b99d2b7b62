"""Policies, names and plans of invocation logging, without any AWS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock import logging_policies as policies
from bedrock_claude_cli.bedrock.identity import Caller
from bedrock_claude_cli.bedrock.invocation_logging import Configured, read, write
from bedrock_claude_cli.bedrock.logging_plan import not_kept, plan
from bedrock_claude_cli.bedrock.logging_policies import Place
from bedrock_claude_cli.bedrock.logging_proof import await_record
from bedrock_claude_cli.bedrock.logging_run import places
from bedrock_claude_cli.bedrock.logging_settings import Wanted, check, desired
from bedrock_claude_cli.bedrock.logging_state import Bucket, Denied, State
from bedrock_claude_cli.errors import ConfigError, PendingError, UsageError

HERE = Place("aws", "111122223333", "eu-west-1")
SIDS = st.sampled_from(["a", "b", "BedrockInvocationLoggingeuwest1", None])


class Fake:
    """Bedrock's client, as far as the configuration goes."""

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        self.config = config

    def get_model_invocation_logging_configuration(self) -> dict[str, Any]:
        return {"loggingConfig": self.config} if self.config else {}

    def put_model_invocation_logging_configuration(self, loggingConfig: dict[str, Any]) -> None:
        self.config = loggingConfig


@pytest.mark.parametrize(
    "config",
    [
        Configured(log_group="/g", role_arn="arn:r"),
        Configured(bucket="b", prefix="p/q", video=False),
        Configured("/g", "arn:r", "large", "x", "b", "", text=False, audio=False),
    ],
)
def test_what_is_written_is_read(config: Configured) -> None:
    client = Fake()
    write(client, config)
    assert read(client) == config


def test_without_a_configuration_logging_is_off() -> None:
    assert read(Fake()) is None


def test_a_flag_that_is_not_set_is_on() -> None:
    found = read(Fake({"s3Config": {"bucketName": "b"}, "imageDataDeliveryEnabled": False}))
    assert found == Configured(bucket="b", images=False)


@pytest.mark.parametrize(
    "partition, region", [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]
)
def test_every_arn_is_of_the_right_partition(partition: str, region: str) -> None:
    [place] = places(
        Caller("111122223333", f"arn:{partition}:iam::111122223333:user/x", "A"), [region]
    )
    aim = desired(Wanted(bucket="b-1"), Configured(log_group="/g"), place)
    documents = [
        policies.trust_statement(place),
        policies.role_statement(place, "/g"),
        policies.bucket_statement(place, "b-1", ""),
        *policies.key_statements(place, "/g", True),
    ]
    assert f"arn:{partition}:" in (aim.config.role_arn or "")
    assert "arn:aws:" not in str(documents)
    assert partition != "aws-cn" or "logs.cn-north-1.amazonaws.com.cn" in str(documents)


def test_a_region_of_another_partition_is_refused() -> None:
    with pytest.raises(ConfigError):
        places(Caller("1", "arn:aws:iam::1:user/x", "A"), ["us-gov-west-1"])


@given(st.lists(SIDS, max_size=4, unique=True))
def test_merging_keeps_others_and_is_done_once(sids: list[str | None]) -> None:
    there = policies.document(
        *({"Effect": "Deny", "Action": "x", **({"Sid": sid} if sid else {})} for sid in sids)
    )
    ours = policies.trust_statement(HERE)
    once = policies.merged(there, ours)
    assert policies.merged(once, ours) == once
    assert policies.has(once, ours)
    kept = [each for each in policies.statements(there) if each.get("Sid") != ours["Sid"]]
    assert policies.statements(once)[:-1] == kept


def test_a_single_statement_and_a_list_of_one_are_the_same() -> None:
    ours = policies.trust_statement(HERE)
    reworded = {**ours, "Action": ["sts:AssumeRole"], "Sid": "x"}
    assert policies.has({"Statement": reworded}, ours)


@pytest.mark.parametrize(
    "condition, trusted, is_open",
    [
        ({}, True, True),
        ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, True, False),
        ({"StringEquals": {"AWS:SourceAccount": "999999999999"}}, False, False),
        ({"StringLike": {"aws:SourceArn": "arn:aws:bedrock:*:111122223333:*"}}, True, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:*"}}, False, False),
    ],
)
def test_whom_a_trust_policy_lets_in(
    condition: dict[str, Any], trusted: bool, is_open: bool
) -> None:
    policy = policies.document({**policies.trust_statement(HERE), "Condition": condition})
    assert policies.trusts(policy, HERE) is trusted
    assert policies.open_to_all(policy) is is_open


def test_no_slash_is_doubled_where_there_is_no_prefix() -> None:
    assert HERE.folder("") == "AWSLogs/111122223333/BedrockModelInvocationLogs/"
    assert HERE.folder("a/b") == "a/b/AWSLogs/111122223333/BedrockModelInvocationLogs/"


def test_two_prefixes_of_a_bucket_have_statements_of_their_own() -> None:
    sids = {policies.bucket_statement(HERE, "b", prefix)["Sid"] for prefix in ("", "a/b", "ab")}
    assert len(sids) == 3 and all(sid.isalnum() for sid in sids)


def test_names_are_filled_for_each_place() -> None:
    wanted = Wanted(
        log_group="/x/{account}/{region}", bucket="b-{region}/{account}", role="r-{region}"
    )
    config = desired(wanted, None, HERE).config
    assert config.log_group == "/x/111122223333/eu-west-1"
    assert (config.bucket, config.prefix) == ("b-eu-west-1", "111122223333")
    assert config.role_arn == "arn:aws:iam::111122223333:role/r-eu-west-1"


@pytest.mark.parametrize(
    "wanted, group, bucket",
    [
        (Wanted(), "/aws/bedrock/modelinvocations", None),
        (Wanted(bucket="b-1"), None, "b-1"),
        (Wanted(bucket="b-1", log_group="/g"), "/g", "b-1"),
        (Wanted(bucket="b-1", large_data_bucket="l-1"), "/aws/bedrock/modelinvocations", "b-1"),
    ],
)
def test_the_destinations_that_flags_mean(
    wanted: Wanted, group: str | None, bucket: str | None
) -> None:
    config = desired(wanted, None, HERE).config
    assert (config.log_group, config.bucket) == (group, bucket)


def test_one_key_cannot_serve_two_regions() -> None:
    key = "12345678-1234-1234-1234-123456789012"
    with pytest.raises(UsageError, match="region"):
        check(Wanted(kms_key=key), [HERE, HERE._replace(region="us-east-1")])


def test_what_is_not_kept_depends_on_the_destinations() -> None:
    assert "100 KB" in not_kept(Configured(log_group="/g"))[0]
    assert not any("100 KB" in text for text in not_kept(Configured(bucket="b")))
    assert not any("100 KB" in text for text in not_kept(Configured("/g", "r", "large")))
    assert "switched off: video" in not_kept(Configured(bucket="b", video=False))


def planned(bucket: Bucket | Denied | None, now: Configured | None = None) -> dict[str, str]:
    """The kinds of the steps for one bucket, by what they are about."""
    aim = desired(Wanted(bucket="b-1"), now, HERE)
    found = plan(HERE, aim, now, State(None, None, {"b-1": bucket}))
    return {step.what: step.kind for step in found}


def bucket(**fields: Any) -> Bucket:
    plain: dict[str, Any] = {
        "region": "eu-west-1", "policy": None, "rules": (), "public_blocked": True,
        "owner_enforced": True, "encryption": "", "used": False,
    }  # fmt: skip
    return Bucket(**{**plain, **fields})


def rule(days: int, **fields: Any) -> dict[str, Any]:
    return {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""},
            "Expiration": {"Days": days}, **fields}  # fmt: skip


@pytest.mark.parametrize(
    "found, kind",
    [
        (bucket(), "create"),
        (bucket(used=True), "in-place"),
        (bucket(used=None), "in-place"),
        (bucket(rules=(rule(365),)), "in-place"),
        (bucket(rules=(rule(365, Status="Disabled"),)), "create"),
        (bucket(rules=(rule(365, Filter={"Tag": {"Key": "a", "Value": "b"}}),)), "create"),
        (bucket(rules=(rule(365, Filter={"Prefix": "other/"}),)), "create"),
    ],
)
def test_a_rule_is_added_only_where_it_takes_nothing_away(found: Bucket, kind: str) -> None:
    kinds = [kind for what, kind in planned(found).items() if what.startswith("lifecycle")]
    assert kinds == [kind]


def test_a_bucket_elsewhere_or_out_of_sight_stops_everything() -> None:
    assert "impossible" in planned(bucket(region="us-east-1")).values()
    assert "unknown" in planned(Denied("s3:GetBucketLocation", "arn")).values()


def test_a_record_that_does_not_come_is_waited_for_within_the_limit() -> None:
    class Nothing:
        every = 2.0

        def lines(self, *args: Any) -> list[str]:
            return []

    now: list[float] = [0.0]
    said: list[str] = []
    with pytest.raises(PendingError, match="after 10 s"):
        await_record(
            "here", Nothing(), "id", since=0, say=said.append, limit=10,  # type: ignore[arg-type]
            clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
        )  # fmt: skip
    assert now[0] == 10 and len(said) == 1
