"""From what a user types to the id that is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_claude_cli.bedrock.catalog import IN_REGION, Catalog, load
from bedrock_claude_cli.bedrock.model_id import PREFIXES, Target, fallbacks, parse, resolve
from bedrock_claude_cli.errors import RejectedError, UsageError

SONNET_45 = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU_45 = "anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS_46 = "anthropic.claude-opus-4-6-v1"
ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"
APPLICATION = f"{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"
KNOWN = load()


def to(
    text: str,
    region: str = "us-east-1",
    *,
    endpoint: str = "auto",
    seen: tuple[str, ...] = (),
    catalog: Catalog = KNOWN,
) -> Target:
    return resolve(text, endpoint=endpoint, region=region, catalog=catalog, seen=seen)


@pytest.mark.parametrize(
    ("text", "kind", "prefix", "base_id", "region"),
    [
        ("sonnet-4.5", "alias", None, None, None),
        (SONNET_45, "base", None, SONNET_45, None),
        (f"  {SONNET_45}\n", "base", None, SONNET_45, None),
        (f"global.{SONNET_45}", "profile", "global", SONNET_45, None),
        (f"us-gov.{SONNET_45}", "profile", "us-gov", SONNET_45, None),
        (f"mars.{SONNET_45}", "profile", "mars", SONNET_45, None),
        ("my-anthropic.model", "other", None, None, None),
        (
            f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET_45}",
            "foundation-model",
            None,
            SONNET_45,
            "us-east-1",
        ),
        (
            f"arn:aws:bedrock:::foundation-model/{SONNET_45}",
            "foundation-model",
            None,
            SONNET_45,
            None,
        ),
        (
            f"{ACCOUNT}:inference-profile/eu.{HAIKU_45}",
            "inference-profile",
            "eu",
            HAIKU_45,
            "us-east-1",
        ),
        (
            f"arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.{SONNET_45}",
            "inference-profile",
            "us-gov",
            SONNET_45,
            "us-gov-west-1",
        ),
        (APPLICATION, "application-inference-profile", None, None, "us-east-1"),
        (f"{ACCOUNT}:provisioned-model/abc", "other", None, None, "us-east-1"),
        ("arn:aws:sagemaker:us-east-1:1:endpoint/x", "other", None, None, None),
        ("arn:", "other", None, None, None),
    ],
)
def test_each_kind_of_id_is_told_apart(
    text: str, kind: str, prefix: str | None, base_id: str | None, region: str | None
) -> None:
    found = parse(text)
    assert (found.kind, found.prefix, found.base_id, found.region) == (
        kind,
        prefix,
        base_id,
        region,
    )
    assert found.text == text.strip()


@pytest.mark.parametrize("model", KNOWN.models, ids=lambda model: model.alias)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_and_a_base_id_come_apart_as_they_were_joined(prefix: str, model: object) -> None:
    base_id = getattr(model, "id", "")
    found = parse(f"{prefix}.{base_id}")
    assert (found.prefix, found.base_id, found.endpoint) == (prefix, base_id, prefix)


@pytest.mark.parametrize(
    "text",
    [
        "sonnet-4.5",
        "claude-sonnet-4.5",
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "Sonnet-4.5",
        "Claude Sonnet 4.5",
        "SONNET_4.5",
        " sonnet 4.5 ",
    ],
)
def test_an_alias_is_read_leniently(text: str) -> None:
    assert to(text).model_id == f"global.{SONNET_45}"


@pytest.mark.parametrize(
    ("text", "base_id"),
    [
        ("sonnet", "anthropic.claude-sonnet-5-5"),
        ("Claude Opus", "anthropic.claude-opus-5-5"),
        ("claude-3-5-sonnet-20241022", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("sonnet-3.5-v2", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("claude-3-5-sonnet", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("claude-3-haiku", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("claude-opus-4-6", OPUS_46),
        ("opus-4", "anthropic.claude-opus-4-20250514-v1:0"),
    ],
)
def test_the_vendors_own_ids_are_aliases_too(text: str, base_id: str) -> None:
    assert to(text).base_id == base_id


@pytest.mark.parametrize("alias", KNOWN.aliases())
def test_every_alias_resolves_where_its_model_is_offered(alias: str) -> None:
    known = KNOWN.by_alias(alias)
    assert known
    home = next((r for r in KNOWN.regions if KNOWN.offered(known, r)), "us-east-1")
    assert to(alias, home).known is known


@pytest.mark.parametrize(
    ("alias", "said"),
    [("sonet-4.5", "did you mean `sonnet-4.5`"), ("opuss", "`opus"), ("", "unknown model ``")],
)
def test_an_unknown_alias_is_a_usage_error_with_a_guess(alias: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        to(alias)
    assert said in caught.value.message
    assert caught.value.hint == "`bedrock-claude list-models`"


def test_a_hopeless_alias_gets_no_guess() -> None:
    with pytest.raises(UsageError) as caught:
        to("zzzzzzzz")
    assert caught.value.message == "unknown model `zzzzzzzz`"


@pytest.mark.parametrize(
    ("alias", "region", "model_id", "endpoint"),
    [
        ("sonnet-4.5", "us-east-1", f"global.{SONNET_45}", "global"),
        ("sonnet-4.5", "sa-east-1", f"global.{SONNET_45}", "global"),
        ("sonnet-4.5", "us-gov-west-1", f"us-gov.{SONNET_45}", "us-gov"),
        ("haiku-4.5", "us-gov-west-1", HAIKU_45, IN_REGION),
        ("opus-4.1", "us-west-2", "us.anthropic.claude-opus-4-1-20250805-v1:0", "us"),
        ("haiku-3", "ap-northeast-1", "apac.anthropic.claude-3-haiku-20240307-v1:0", "apac"),
        ("sonnet-3", "us-east-1", "anthropic.claude-3-sonnet-20240229-v1:0", IN_REGION),
        ("sonnet-4.5", "eu-north-9", f"global.{SONNET_45}", "global"),
    ],
)
def test_auto_is_global_then_the_geography_then_the_region(
    alias: str, region: str, model_id: str, endpoint: str
) -> None:
    target = to(alias, region)
    assert (target.model_id, target.endpoint, target.strict) == (model_id, endpoint, False)


@pytest.mark.parametrize(
    ("endpoint", "region", "model_id"),
    [
        ("us", "us-east-1", f"us.{OPUS_46}"),
        ("eu", "eu-west-2", f"eu.{OPUS_46}"),
        (IN_REGION, "eu-west-2", OPUS_46),
        ("global", "eu-west-2", f"global.{OPUS_46}"),
    ],
)
@pytest.mark.parametrize("text", ["opus-4.6", OPUS_46])
def test_an_alias_and_a_bare_id_follow_the_endpoint(
    text: str, endpoint: str, region: str, model_id: str
) -> None:
    target = to(text, region, endpoint=endpoint)
    assert (target.model_id, target.endpoint, target.strict) == (model_id, endpoint, True)


@pytest.mark.parametrize(
    ("text", "region", "endpoint", "message", "hint"),
    [
        ("opus-4.6", "us-east-1", IN_REGION, "as in-region in us-east-1", "global, us;"),
        ("sonnet-4.5", "us-east-1", "eu", "as eu in us-east-1", "global, us;"),
        ("sonnet-4.5", "us-gov-west-1", "global", "as global", "us-gov;"),
        (SONNET_45, "ap-northeast-1", "apac", "as apac", "global, jp;"),
        (
            "opus-4.1",
            "eu-west-1",
            "auto",
            "not offered in eu-west-1",
            "offered as us, from other regions",
        ),
    ],
)
def test_an_endpoint_that_is_not_offered_is_rejected_with_what_is(
    text: str, region: str, endpoint: str, message: str, hint: str
) -> None:
    with pytest.raises(RejectedError) as caught:
        to(text, region, endpoint=endpoint)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_model_past_its_end_that_is_not_offered_names_its_successor() -> None:
    with pytest.raises(RejectedError) as caught:
        to("haiku-3.5", "eu-west-1")
    assert "offered as us, from other regions" in (caught.value.hint or "")
    assert "2026-06-19; its successor is `haiku-5.5`" in (caught.value.hint or "")


def test_an_unknown_model_that_was_seen_only_as_global_is_looked_for_elsewhere() -> None:
    with pytest.raises(RejectedError, match="claude-next-9 is not offered"):
        to("anthropic.claude-next-9", seen=("global.anthropic.claude-next-9",))


def test_an_endpoint_that_does_not_exist_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown endpoint `mars`"):
        to("sonnet-4.5", endpoint="mars")


@pytest.mark.parametrize(
    "text",
    [
        f"us.{SONNET_45}",
        f"global.{HAIKU_45}",
        f"eu.{SONNET_45}",
        "us.anthropic.claude-next-9",
        "mars.anthropic.claude-next-9",
        "anthropic.claude-next-9",
        "my-anthropic.thing",
        APPLICATION,
        f"{ACCOUNT}:provisioned-model/abc",
        f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET_45}",
    ],
)
def test_a_full_id_is_sent_as_it_was_typed(text: str) -> None:
    assert to(text).model_id == text


@pytest.mark.parametrize("text", [f"us.{SONNET_45}", f"{ACCOUNT}:inference-profile/us.{SONNET_45}"])
def test_a_full_id_with_its_own_endpoint_is_no_contradiction(text: str) -> None:
    assert to(text, endpoint="us").endpoint == "us"


@pytest.mark.parametrize(
    ("text", "said"),
    [(f"us.{SONNET_45}", "is the us endpoint"), (APPLICATION, "hides its endpoint")],
)
def test_a_full_id_that_contradicts_the_endpoint_is_a_usage_error(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        to(text, endpoint="global")


def test_an_unknown_bare_id_follows_an_explicit_endpoint() -> None:
    target = to("anthropic.claude-next-9", endpoint="us")
    assert (target.model_id, target.known) == ("us.anthropic.claude-next-9", None)


@pytest.mark.parametrize(
    ("region", "model_id"),
    [
        ("us-east-1", f"us.{SONNET_45}"),
        ("ca-central-1", f"us.{SONNET_45}"),
        ("eu-central-1", f"eu.{SONNET_45}"),
        ("ap-northeast-3", f"jp.{SONNET_45}"),
        ("ap-southeast-2", f"au.{SONNET_45}"),
        ("us-gov-east-1", f"us-gov.{SONNET_45}"),
    ],
)
def test_a_bare_id_that_has_no_in_region_moves_to_the_geography_and_says_so(
    region: str, model_id: str
) -> None:
    target = to(SONNET_45, region)
    assert target.model_id == model_id
    assert f"`{SONNET_45}` cannot be called in {region} itself" in target.notes[0]
    assert model_id in target.notes[0]


def test_a_bare_id_never_becomes_global() -> None:
    with pytest.raises(RejectedError) as caught:
        to(SONNET_45, "sa-east-1")
    assert "global" in (caught.value.hint or "")


@given(st.sampled_from(KNOWN.models), st.sampled_from(sorted(KNOWN.regions)))
def test_no_bare_id_becomes_global_in_any_region(model: object, region: str) -> None:
    base_id = getattr(model, "id", "")
    try:
        target = to(base_id, region)
    except RejectedError:
        return
    assert target.endpoint != "global"
    assert not target.model_id.startswith("global.")


def test_a_bare_id_stays_where_it_can_be_called_in_region() -> None:
    target = to(OPUS_46, "eu-west-2")
    assert (target.model_id, target.endpoint) == (OPUS_46, IN_REGION)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("anthropic.claude-opus-4-6-v1:0", f"us.{OPUS_46}"),
        ("global.anthropic.claude-opus-4-6-v1:0", f"global.{OPUS_46}"),
        ("us.anthropic.claude-opus-4-6-v1:0", f"us.{OPUS_46}"),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-6-v1:0",
            f"arn:aws:bedrock:us-east-1::foundation-model/{OPUS_46}",
        ),
    ],
)
def test_the_published_opus_4_6_id_with_a_suffix_is_corrected_with_a_note(
    typed: str, sent: str
) -> None:
    target = to(typed)
    assert target.model_id == sent
    assert f"not `{typed}`" in target.notes[0]
    assert target.known is KNOWN.get(OPUS_46)


def test_the_regional_premium_is_said_and_only_where_it_exists() -> None:
    said = "the us endpoint of Claude Sonnet 4.5 costs 10 % more than global"
    assert said in to("sonnet-4.5", endpoint="us").notes
    assert said in to(f"us.{SONNET_45}").notes
    assert to("sonnet-4.5").notes == ()
    assert not [note for note in to("opus-4.1").notes if "more than" in note]
    assert to("sonnet-4.5", "us-gov-west-1").notes == ()
    assert not [note for note in to("sonnet-4", endpoint="us").notes if "more than" in note]
    assert to("anthropic.claude-next-9", endpoint="us").notes == ()


def test_a_model_past_its_end_is_sent_with_its_successor_named() -> None:
    target = to("haiku-3")
    assert target.model_id == "us.anthropic.claude-3-haiku-20240307-v1:0"
    assert target.notes == (
        "Claude Haiku 3 reached its end of life on 2026-09-10; its successor is `haiku-5.5`",
    )
    assert to("opus-3").notes[0].startswith("Claude Opus 3 reached its end of life; its")


def test_an_arn_of_another_region_is_pointed_out() -> None:
    target = to(APPLICATION, "eu-west-1")
    assert target.notes == ("the ARN belongs to us-east-1, the request goes to eu-west-1",)
    assert to(APPLICATION).notes == ()
    assert to(APPLICATION).endpoint is None


def test_what_was_seen_here_goes_before_the_catalogue() -> None:
    assert to(SONNET_45, seen=(SONNET_45, f"us.{SONNET_45}")).model_id == SONNET_45
    assert to(OPUS_46, "eu-west-2", seen=(f"eu.{OPUS_46}",)).model_id == f"eu.{OPUS_46}"
    assert to("opus-4.6", seen=(f"us.{OPUS_46}", APPLICATION)).model_id == f"us.{OPUS_46}"
    new = "anthropic.claude-next-9"
    assert to(new, seen=(f"global.{new}", f"us.{new}")).model_id == f"us.{new}"
    assert to("opus-4.1", "eu-west-1", seen=("eu.anthropic.claude-opus-4-1-20250805-v1:0",))


def test_an_old_sighting_does_not_forbid_what_the_catalogue_offers() -> None:
    target = to("sonnet-4.5", endpoint="global", seen=(f"us.{SONNET_45}",))
    assert target.model_id == f"global.{SONNET_45}"


def test_sightings_of_other_models_say_nothing() -> None:
    assert to("sonnet-4.5", seen=(f"us.{HAIKU_45}",)).model_id == f"global.{SONNET_45}"


def test_a_refused_alias_tries_the_geography_and_says_what_it_costs() -> None:
    moved = fallbacks(to("sonnet-4.5"), [f"us.{SONNET_45}", f"us.{HAIKU_45}"], KNOWN)
    assert moved
    assert (moved.model_id, moved.endpoint) == (f"us.{SONNET_45}", "us")
    assert f"`global.{SONNET_45}` was refused in us-east-1" in moved.notes[0]
    assert "10 % more" in moved.notes[1]


def test_a_refused_alias_prefers_global_the_own_geography_and_in_region_last() -> None:
    target = to("haiku-3", "ap-northeast-1")
    base = target.base_id
    offered = [f"{base}", f"xx.{base}", f"jp.{base}", f"global.{base}"]
    for expected in (f"global.{base}", f"jp.{base}", f"xx.{base}", f"{base}"):
        moved = fallbacks(target, offered, KNOWN)
        assert moved and moved.model_id == expected
        offered.remove(expected)


def test_a_refused_bare_id_moves_to_the_geography_and_never_to_global() -> None:
    bare = to("anthropic.claude-next-9")
    live = ["global.anthropic.claude-next-9", "us.anthropic.claude-next-9"]
    moved = fallbacks(bare, live, KNOWN)
    assert moved and moved.model_id == "us.anthropic.claude-next-9"
    with pytest.raises(RejectedError) as caught:
        fallbacks(bare, live[:1], KNOWN)
    assert "global.anthropic.claude-next-9" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (f"eu.{SONNET_45}", "auto"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET_45}", "auto"),
        (f"{ACCOUNT}:inference-profile/eu.{SONNET_45}", "auto"),
        ("sonnet-4.5", "us"),
    ],
)
def test_what_was_asked_for_by_name_fails_with_the_list_of_what_is_offered(
    text: str, endpoint: str
) -> None:
    target = to(text, endpoint=endpoint)
    with pytest.raises(RejectedError) as caught:
        fallbacks(target, [f"global.{SONNET_45}", f"jp.{SONNET_45}"], KNOWN)
    assert target.model_id in caught.value.message
    assert f"global.{SONNET_45}, jp.{SONNET_45}" in (caught.value.hint or "")


def test_nothing_is_tried_when_the_id_was_not_the_reason() -> None:
    target = to("sonnet-4.5")
    assert fallbacks(target, [f"global.{SONNET_45}", f"us.{SONNET_45}"], KNOWN) is None
    assert fallbacks(target, [f"us.{HAIKU_45}"], KNOWN) is None
    arn = to(f"{ACCOUNT}:inference-profile/us.{SONNET_45}")
    assert fallbacks(arn, [f"global.{SONNET_45}", f"us.{SONNET_45}"], KNOWN) is None
    assert fallbacks(target, [], KNOWN) is None
    assert fallbacks(to(APPLICATION), [f"us.{SONNET_45}"], KNOWN) is None


def test_a_legacy_model_is_told_with_its_end_and_successor() -> None:
    target = resolve("opus-4.1", region="us-east-1", catalog=load())
    assert any("is legacy and ends on 2027-01-08" in note for note in target.notes)


def test_no_premium_is_told_of_an_endpoint_that_the_region_does_not_offer() -> None:
    text = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert resolve(text, region="eu-west-1", catalog=load()).notes == ()
    assert any(
        "10 % more" in note for note in resolve(text, region="us-east-1", catalog=load()).notes
    )
