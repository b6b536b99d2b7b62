"""Which models a region offers: AWS's lists joined with the catalogue, and what is kept of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from bedrock_claude_cli.bedrock import inventory
from bedrock_claude_cli.bedrock.catalog import IN_REGION, load
from bedrock_claude_cli.bedrock.inventory import (
    CACHE_SECONDS,
    Model,
    join,
    list_models,
    merge,
    offline,
    recall,
    remember,
)
from bedrock_claude_cli.bedrock.surveys import look_around
from bedrock_claude_cli.sandbox import Sandbox

SONNET_45 = "anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS_46 = "anthropic.claude-opus-4-6-v1"
NEXT = "anthropic.claude-next-9"
KNOWN = load()


def foundation(model_id: str, *kinds: str, **more: object) -> dict[str, Any]:
    return {"modelId": model_id, "inferenceTypesSupported": list(kinds), **more}


def profile(profile_id: str, *, kind: str = "SYSTEM_DEFINED", of: str = "") -> dict[str, Any]:
    where = "application-inference-profile" if kind == "APPLICATION" else "inference-profile"
    routes = [{"modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{of}"}] if of else []
    return {
        "inferenceProfileId": profile_id,
        "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:123456789012:{where}/{profile_id}",
        "type": kind,
        "models": routes,
    }


def joined(summaries: list[Any], profiles: list[Any], region: str = "us-east-1") -> list[Model]:
    return list(join(summaries, profiles, region, KNOWN))


def test_the_two_lists_and_the_catalogue_become_one_row() -> None:
    (model,) = joined(
        [foundation(SONNET_45, "INFERENCE_PROFILE")],
        [profile(f"us.{SONNET_45}"), profile(f"global.{SONNET_45}")],
    )
    assert (model.alias, model.name, model.base_id) == (
        "sonnet-4.5",
        "Claude Sonnet 4.5",
        SONNET_45,
    )
    assert (model.context_window, model.max_output_tokens, model.known) == (200_000, 64_000, True)
    assert [(offer.id, offer.endpoint) for offer in model.ids] == [
        (f"global.{SONNET_45}", "global"),
        (f"us.{SONNET_45}", "us"),
    ]
    assert [offer.price and offer.price.input for offer in model.ids] == [3, 3.3]
    assert model.regions == ("us-east-1",)
    assert model.endpoints == ("global", "us")


def test_a_bare_id_counts_only_on_demand() -> None:
    (model,) = joined(
        [foundation(OPUS_46, "INFERENCE_PROFILE", "ON_DEMAND")],
        [profile(f"eu.{OPUS_46}")],
        "eu-west-2",
    )
    assert [(offer.id, offer.endpoint) for offer in model.ids] == [
        (f"eu.{OPUS_46}", "eu"),
        (OPUS_46, IN_REGION),
    ]


def test_what_cannot_be_called_is_no_row() -> None:
    assert joined([foundation(f"{SONNET_45}:200k", "PROVISIONED")], []) == []
    assert joined([foundation(SONNET_45, "INFERENCE_PROFILE")], []) == []
    assert joined([foundation(SONNET_45)], []) == []


def test_other_providers_are_left_out() -> None:
    others = [foundation("amazon.nova-lite-v1:0", "ON_DEMAND")]
    assert joined(others, [profile("us.meta.llama4-v1:0", of="meta.llama4-v1:0")]) == []


def test_what_the_catalogue_does_not_know_works_all_the_same() -> None:
    (model,) = joined(
        [
            foundation(
                NEXT,
                "ON_DEMAND",
                modelName="Claude Next 9",
                modelLifecycle={"status": "ACTIVE"},
            )
        ],
        [profile(f"mars.{NEXT}"), profile(f"global.{NEXT}")],
    )
    assert (model.alias, model.name, model.known) == (None, "Claude Next 9", False)
    assert (model.context_window, model.max_output_tokens) == (None, None)
    assert model.lifecycle.status == "ACTIVE"
    assert [offer.id for offer in model.ids] == [f"global.{NEXT}", NEXT, f"mars.{NEXT}"]
    assert {offer.price for offer in model.ids} == {None}


def test_a_profile_of_a_model_that_is_not_listed_is_a_row() -> None:
    (model,) = joined([], [profile(f"us.{NEXT}")])
    assert (model.name, model.lifecycle.status) == (NEXT, None)


def test_an_application_profile_is_an_arn_under_its_model() -> None:
    ours = profile("a1b2c3", kind="APPLICATION", of=SONNET_45)
    (model,) = joined([], [ours, profile("d4e5f6", kind="APPLICATION", of="amazon.nova-v1:0")])
    assert model.base_id == SONNET_45
    assert [(offer.id, offer.endpoint) for offer in model.ids] == [
        (ours["inferenceProfileArn"], None)
    ]
    assert model.endpoints == ()


def test_the_lifecycle_is_awss_answer_then_the_catalogues() -> None:
    told = {"status": "LEGACY", "endOfLifeTime": datetime(2027, 3, 1, tzinfo=timezone.utc)}
    opus = "anthropic.claude-opus-4-1-20250805-v1:0"
    (model,) = joined([foundation(opus, "ON_DEMAND", modelLifecycle=told)], [])
    assert (model.lifecycle.status, model.lifecycle.end_of_life) == ("LEGACY", "2027-03-01")
    assert model.lifecycle.legacy == "2026-07-08"
    (revived,) = joined(
        [foundation(SONNET_45, "ON_DEMAND", modelLifecycle={"status": "LEGACY"})], []
    )
    assert revived.lifecycle.status == "LEGACY"


def test_rows_follow_the_catalogue_and_strangers_come_last() -> None:
    ids = [NEXT, SONNET_45, "anthropic.claude-opus-5-5", OPUS_46]
    rows = joined([foundation(each, "ON_DEMAND") for each in ids], [])
    assert [row.base_id for row in rows] == ["anthropic.claude-opus-5-5", OPUS_46, SONNET_45, NEXT]


def test_offline_is_the_whole_catalogue_with_the_ids_of_the_region() -> None:
    models = {model.alias: model for model in offline(KNOWN, "eu-west-2")}
    assert len(models) == len(KNOWN.models)
    assert [offer.id for offer in models["opus-4.6"].ids] == [
        f"global.{OPUS_46}",
        f"eu.{OPUS_46}",
        OPUS_46,
    ]
    assert (models["opus-4.1"].ids, models["opus-4.1"].regions) == ((), ())
    assert models["sonnet-4"].ids == ()
    assert models["sonnet-4"].lifecycle.end_of_life == "2026-10-14"


def test_offline_in_govcloud_offers_nothing_global() -> None:
    offers = [offer for model in offline(KNOWN, "us-gov-west-1") for offer in model.ids]
    assert {offer.endpoint for offer in offers} == {"us-gov", IN_REGION}


def test_several_regions_become_a_row_per_model_with_every_region_of_each_id() -> None:
    ours, theirs = offline(KNOWN, "us-east-1"), offline(KNOWN, "eu-west-2")
    models = {model.alias: model for model in merge([ours, theirs], KNOWN)}
    assert len(models) == len(KNOWN.models)
    opus = models["opus-4.6"]
    assert opus.regions == ("us-east-1", "eu-west-2")
    assert [(offer.id, offer.regions) for offer in opus.ids] == [
        (f"global.{OPUS_46}", ("us-east-1", "eu-west-2")),
        (f"us.{OPUS_46}", ("us-east-1",)),
        (f"eu.{OPUS_46}", ("eu-west-2",)),
        (OPUS_46, ("eu-west-2",)),
    ]
    assert models["opus-4.1"].regions == ("us-east-1",)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def client(url: str, region: str = "us-east-1") -> Any:
    session = boto3.Session(
        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="fake", region_name=region
    )
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2)
    return session.client("bedrock", endpoint_url=url, config=config)


def test_the_whole_list_comes_over_the_wire(sandbox: Sandbox) -> None:
    models = {m.alias: m for m in list_models(client(sandbox.url, "eu-west-2"), "eu-west-2", KNOWN)}
    assert [offer.id for offer in models["opus-4.6"].ids] == [
        f"global.{OPUS_46}",
        f"eu.{OPUS_46}",
        OPUS_46,
    ]
    assert all(model.ids and model.known for model in models.values())


class Paged:
    """A client whose profiles come one a page, and whose two lists wait for each other."""

    def __init__(self, profiles: list[dict[str, Any]]) -> None:
        self.pages = profiles
        self.asked: list[dict[str, Any]] = []
        self.together = threading.Barrier(2, timeout=5)

    def list_foundation_models(self, **asked: Any) -> dict[str, Any]:
        self.together.wait()
        return {"modelSummaries": [foundation(SONNET_45, "INFERENCE_PROFILE")]}

    def list_inference_profiles(self, **asked: Any) -> dict[str, Any]:
        if not self.asked:
            self.together.wait()
        self.asked.append(asked)
        at = int(asked.get("nextToken", 0))
        page: dict[str, Any] = {"inferenceProfileSummaries": self.pages[at : at + 1]}
        return page | ({"nextToken": str(at + 1)} if at + 1 < len(self.pages) else {})


def test_every_page_is_read_while_the_other_list_is_fetched() -> None:
    paged = Paged([profile(f"{prefix}.{SONNET_45}") for prefix in ("global", "us", "eu")])
    (model,) = list_models(paged, "us-east-1", KNOWN)
    assert model.endpoints == ("global", "us", "eu")
    assert [asked.get("nextToken") for asked in paged.asked] == [None, "1", "2"]


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def list_foundation_models(self, **asked: Any) -> dict[str, Any]:
        return {"modelSummaries": []}

    def list_inference_profiles(self, **asked: Any) -> dict[str, Any]:
        raise self.error


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "ListInferenceProfiles")


def test_a_failing_list_fails_the_region() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        list_models(Failing(refused("AccessDeniedException")), "us-east-1", KNOWN)


def test_regions_that_are_not_enabled_and_regions_that_fail_are_told_apart(
    sandbox: Sandbox,
) -> None:
    clients = {
        "us-east-1": client(sandbox.url),
        "af-south-1": Failing(refused("UnrecognizedClientException")),
        "me-south-1": Failing(EndpointConnectionError(endpoint_url="https://example.invalid")),
        "eu-west-1": Failing(refused("AccessDeniedException")),
    }
    survey = look_around(clients.__getitem__, list(clients))
    assert survey.not_enabled == ("af-south-1", "me-south-1")
    assert [(region, str(error)) for region, error in survey.failed] == [
        ("eu-west-1", str(refused("AccessDeniedException")))
    ]
    assert [each.region for each in survey.listed] == ["us-east-1"]


def test_when_every_region_fails_the_first_error_is_raised() -> None:
    clients = {
        "eu-west-1": Failing(refused("AccessDeniedException")),
        "us-east-1": Failing(refused("ThrottlingException")),
    }
    with pytest.raises(ClientError, match="AccessDenied"):
        look_around(clients.__getitem__, list(clients))


def test_all_regions_are_asked_at_once_and_each_only_once(sandbox: Sandbox) -> None:
    made: list[str] = []

    def client_for(region: str) -> Any:
        made.append(region)
        return client(sandbox.url, region)

    survey = look_around(client_for, ["us-east-1", "ap-northeast-1", "us-east-1"])
    assert made == ["us-east-1", "ap-northeast-1"]
    models = inventory.joined(survey.listed, KNOWN)
    sonnet = next(model for model in models if model.alias == "sonnet-4.5")
    assert {offer.endpoint: offer.regions for offer in sonnet.ids} == {
        "global": ("us-east-1", "ap-northeast-1"),
        "us": ("us-east-1",),
        "jp": ("ap-northeast-1",),
    }


def test_no_region_is_an_empty_answer() -> None:
    assert look_around(lambda region: None, []).listed == ()


def kept(tmp_path: Path, at: float = 1000.0) -> Path:
    path = tmp_path / "models" / "eu-west-2.json"
    assert remember(path, offline(KNOWN, "eu-west-2"), now=at)
    return path


def test_what_was_seen_is_remembered_in_one_file(tmp_path: Path) -> None:
    path = kept(tmp_path)
    seen = recall(path, now=1001.0)
    assert {f"global.{OPUS_46}", f"eu.{OPUS_46}", OPUS_46} <= set(seen)
    assert [each.name for each in path.parent.iterdir()] == ["eu-west-2.json"]


def test_a_second_answer_replaces_the_first(tmp_path: Path) -> None:
    path = kept(tmp_path)
    remember(path, (), now=2000.0)
    assert recall(path, now=2000.0) == ()
    assert json.loads(path.read_text())["at"] == 2000.0


def test_it_is_forgotten_after_seven_days_and_when_the_clock_went_back(tmp_path: Path) -> None:
    path = kept(tmp_path)
    assert recall(path, now=1000.0 + CACHE_SECONDS)
    assert recall(path, now=1001.0 + CACHE_SECONDS) == ()
    assert recall(path, now=999.0) == ()


def test_the_clock_of_the_machine_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "models" / "us-east-1.json"
    remember(path, offline(KNOWN, "us-east-1"))
    assert recall(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"schema": 2, "at": 1000, "ids": ["x"]}',
        b'{"schema": 1, "ids": ["x"]}',
        b'{"schema": 1, "at": "1000", "ids": ["x"]}',
        b'{"schema": 1, "at": 1000, "ids": "x"}',
        b'{"schema": 1, "at": 1000, "ids": [1, null]}',
        b'{"schema": 1, "at": NaN, "ids": ["x"]}',
    ],
)
def test_a_broken_or_foreign_file_means_nothing_was_seen(tmp_path: Path, content: bytes) -> None:
    path = kept(tmp_path)
    path.write_bytes(content)
    assert recall(path, now=1000.0) == ()


def test_a_missing_file_or_a_folder_in_its_place_means_nothing_was_seen(tmp_path: Path) -> None:
    assert recall(tmp_path / "none.json", now=1.0) == ()
    assert recall(tmp_path, now=1.0) == ()


def test_a_folder_that_cannot_be_written_is_told_and_does_not_fail(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder would be")
    assert remember(tmp_path / "models" / "us-east-1.json", (), now=1.0) is False
