"""`list-models MODEL`: every way to reach one model, where its data stays, and what it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bedrock_claude_cli.bedrock.catalog import load
from bedrock_claude_cli.sandbox import Sandbox, control, models
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import Reply
from tests.conftest import Run

OPUS = "anthropic.claude-opus-5-5"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NEXT = "anthropic.claude-next-9"
OWN = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/a1b2c3d4e5f6"
Use = Callable[..., Sandbox]


def shown(run: Run, *argv: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("list-models", *argv, "--json").out)
    return found


def endpoints(run: Run, *argv: str) -> dict[str, dict[str, Any]]:
    """The ways from one region by their endpoint."""
    return {way["endpoint"]: way for way in shown(run, *argv)["endpoints"]}


def cells(out: str) -> dict[str, list[str]]:
    """The lines of a pipe by their key, endpoints by their second cell."""
    rows = [line.split("\t") for line in out.splitlines()]
    return {row[1] if row[0] == "endpoint" else row[0]: row[1:] for row in rows}


@pytest.mark.parametrize(
    "name",
    ["opus-5.5", "Opus 5.5", "claude-opus-5-5", OPUS, f"eu.{OPUS}", f"global.{OPUS}",
     f"arn:aws:bedrock:us-east-1::foundation-model/{OPUS}",
     f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{OPUS}"],
)  # fmt: skip
def test_a_model_goes_by_any_name(run: Run, use: Use, name: str) -> None:
    use()
    found = shown(run, name)
    assert (found["base_id"], found["alias"]) == (OPUS, "opus-5.5")
    assert [way["id"] for way in found["endpoints"]] == [f"global.{OPUS}", f"us.{OPUS}"]


def test_the_id_on_bedrock_mantle_names_the_model(run: Run, use: Use) -> None:
    use()
    assert shown(run, "anthropic.claude-haiku-4-5")["alias"] == "haiku-4.5"


def test_every_endpoint_of_the_region_has_id_route_residency_and_price(run: Run, use: Use) -> None:
    use()
    found = endpoints(run, "opus-5.5", "--region", "eu-west-2")
    assert list(found) == ["global", "eu", "in-region"]
    whole, eu, here = found.values()
    assert (whole["destinations"], whole["residency"]) == (["*"], "anywhere AWS has capacity")
    assert (whole["price"]["input"], whole["premium_percent"]) == (4, 0)
    assert eu["id"] == f"eu.{OPUS}"
    assert eu["arn"] == f"arn:aws:bedrock:eu-west-2:000000000000:inference-profile/eu.{OPUS}"
    assert {"eu-west-2", "eu-central-1", "eu-west-1"} < set(eu["destinations"])
    assert (eu["price"]["output"], eu["premium_percent"]) == (22, 10)
    assert (here["id"], here["destinations"]) == (OPUS, ["eu-west-2"])
    assert here["residency"] == "data stays in eu-west-2 alone"


@pytest.mark.parametrize(
    "region, endpoint, said",
    [
        ("us-east-1", "us", "data stays in the US"),
        ("ca-central-1", "us", "data stays in Canada and the US"),
        ("eu-west-1", "eu", "data stays in the EU"),
        ("eu-west-2", "eu", "data stays in the UK and the EU"),
        ("eu-central-2", "eu", "data stays in Switzerland and the EU"),
        ("ap-northeast-1", "jp", "data stays in Japan"),
        ("ap-southeast-2", "au", "data stays in Australia"),
        ("ap-southeast-6", "au", "data stays in New Zealand and Australia"),
        ("us-gov-west-1", "us-gov", "data stays in GovCloud (US)"),
    ],
)
def test_residency_is_told_by_where_aws_routes_to(
    run: Run, use: Use, region: str, endpoint: str, said: str
) -> None:
    """London and Zurich call `eu.`, and are not in the EU: the prefix alone would be wrong."""
    use()
    assert endpoints(run, "sonnet-4.5", "--region", region)[endpoint]["residency"] == said


def test_a_region_that_is_newer_than_the_catalogue_is_named_itself(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    eu = models.geographies()["eu"]
    monkeypatch.setitem(eu, "destinations", ["eu-west-1", "eu-isoe-west-1"])
    found = endpoints(run, "sonnet-4.5", "--region", "eu-west-1")["eu"]
    assert found["residency"] == "data stays in the EU and eu-isoe-west-1"


def test_what_the_catalogue_knows_of_the_model(run: Run, use: Use) -> None:
    use()
    found = shown(run, "opus-4.6")
    can = found["capabilities"]
    assert (can["pdf"], can["schema"], can["count_tokens"]) == (True, True, "runtime")
    assert (found["successor"], found["lifecycle"]["status"]) == ("opus-5.5", "ACTIVE")
    assert found["price_page"] == "https://aws.amazon.com/bedrock/pricing/"
    assert found["model_card"].endswith("/userguide/model-card-anthropic-claude-opus-4-6.html")
    assert found["mantle_id"] is None
    newest = shown(run, "opus-5.5")
    assert newest["successor"] is None
    assert newest["mantle_id"] == OPUS
    assert newest["mantle_regions"] == ["us-east-1", "ap-southeast-4", "us-gov-west-1"]


def test_every_model_of_the_sandbox_can_be_shown(run: Run, use: Use) -> None:
    """None of the catalogue's gaps breaks the table, the lines or the JSON."""
    use()
    for line in run("list-models").out.splitlines():
        base_id = line.split("\t")[1]
        assert cells(run("list-models", base_id).out)["base-id"] == [base_id]
        assert base_id in run("list-models", base_id, terminal=True).out
    assert all(run("list-models", each.alias, "--offline").out
               for each in load().models if each.lifecycle.status == "ACTIVE")  # fmt: skip


def test_a_pipe_gets_facts_and_a_line_for_each_endpoint(run: Run, use: Use) -> None:
    use()
    found = cells(run("list-models", "opus-5.5").out)
    assert found["model"] == ["Claude Opus 5.5, alias opus-5.5"]
    assert found["lifecycle"] == ["active, launched 2026-09-22"]
    assert found["context"] == ["at most 1,000,000 tokens"]
    assert found["cannot"] == ["JSON schema, forced tools, prefill, batch jobs"]
    assert found["thinking"] == ["adaptive, always on; efforts low, medium, high, xhigh, max"]
    assert found["mantle"][0].startswith(f"{OPUS} in us-east-1, ap-southeast-4, us-gov-west-1")
    assert found["us"] == [
        "us",
        f"us.{OPUS}",
        "us-east-1",
        "us-east-1 us-east-2 us-west-2",
        "data stays in the US",
        "$4.4 in, $22 out per million tokens, +10 % against global; "
        "cache $0.22 read, $5.5 write (5m), $8.8 write (1h)",
    ]
    assert found["global"][3] == "any commercial region"
    old = cells(run("list-models", "opus-4.1").out)
    assert old["lifecycle"] == [
        "legacy, since 2026-07-08, extended access since 2026-10-08, ends 2027-01-08"
    ]


def test_a_long_prompts_price_is_told_apart(run: Run, use: Use) -> None:
    use()
    price = cells(run("list-models", "haiku-5.5").out)["global"][-1]
    assert "; above 100,000 prompt tokens: $0.5 in, $2.5 out; cache $0.05 read" in price


def test_what_nobody_knows_is_said_to_be_unknown(run: Run, use: Use) -> None:
    use()
    found = cells(run("list-models", "fable-5.2").out)
    assert found["output"] == ["unknown"]
    assert found["sampling"] == ["unknown"]
    assert "PDF" in found["unknown"][0]
    assert "cannot" not in found
    assert "regions that are not known" in cells(run("list-models", "opus-5").out)["mantle"][0]


def test_a_terminal_of_80_columns_holds_all_but_links(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    told = run("list-models", "sonnet-4.5", "--region", "eu-west-2", terminal=True).out
    assert "\x1b" not in told
    assert max(len(line) for line in told.splitlines() if "https://" not in line) <= 80
    flat = " ".join(told.split())
    assert f"endpoint eu: eu.{SONNET} from eu-west-2 to eu-west-2, eu-central-1" in flat
    assert "data stays in the UK and the EU $3.3 in, $16.5 out per million tokens, +10 %" in flat
    here = run("list-models", "opus-5.5", "--region", "eu-west-2", terminal=True).out
    assert "from eu-west-2 data stays in eu-west-2 alone" in " ".join(here.split())


def test_a_wide_terminal_needs_no_second_line(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")
    told = run("list-models", "sonnet-4.5", terminal=True).out
    assert "\x1b[1m" in told
    assert re.search(r"from us-east-1 to us-east-1, us-east-2, us-west-2$", told, re.M)


def test_several_regions_tell_which_endpoint_is_where(run: Run, use: Use) -> None:
    use()
    regions = ("--region", "us-east-1", "--region", "eu-west-1", "--region", "us-east-1")
    found = shown(run, "opus-5.5", *regions)
    assert found["regions"] == ["us-east-1", "eu-west-1"]
    assert [(way["endpoint"], way["region"]) for way in found["endpoints"]] == [
        ("global", "us-east-1"),
        ("global", "eu-west-1"),
        ("us", "us-east-1"),
        ("eu", "eu-west-1"),
    ]


def test_all_regions_are_one_line_where_an_id_leads_to_the_same(run: Run, use: Use) -> None:
    use({"when": {"region": "af-south-1"},
         "error": {"type": "UnrecognizedClientException", "status": 403}})  # fmt: skip
    told = run("list-models", "opus-4.7", "--all-regions", terminal=True, env={"COLUMNS": "400"})
    assert "not enabled in this account: af-south-1" in told.err
    assert told.out.count("global: ") == 1
    assert "from us-west-1 to us-west-1, us-east-1" in told.out
    assert "from ap-northeast-1, ap-northeast-3 to ap-northeast-1, ap-northeast-3" in told.out
    everywhere = run("list-models", "opus-4.7", "--region", "us-east-1", "--region", "eu-west-1",
                     "--region", "eu-west-3", terminal=True)  # fmt: skip
    assert "from all 3 regions to any commercial region" in everywhere.out


def test_an_endpoint_narrows_and_ids_print_ids_alone(run: Run, use: Use) -> None:
    use()
    ids = run("list-models", "opus-5.5", "--ids", "--region", "eu-west-1", "--region", "us-east-1")
    assert ids.out.splitlines() == [f"global.{OPUS}", f"us.{OPUS}", f"eu.{OPUS}"]
    eu = run("list-models", "opus-5.5", "--ids", "--endpoint", "eu", "--region", "eu-west-1")
    assert eu.out == f"eu.{OPUS}\n"
    assert json.loads(run("list-models", "opus-5.5", "--ids", "--json").out) == [
        f"global.{OPUS}",
        f"us.{OPUS}",
    ]


def test_a_query_picks_from_the_model(run: Run, use: Use) -> None:
    use()
    query = "endpoints[?endpoint=='us'].residency | [0]"
    assert run("list-models", "opus-5.5", "--query", query).out == "data stays in the US\n"


def test_offline_says_what_only_aws_knows(run: Run, use: Use) -> None:
    server = use()
    found = endpoints(run, "opus-4.6", "--offline", "--region", "eu-west-2")
    assert server.requests == []
    assert list(found) == ["global", "eu", "in-region"]
    assert found["eu"]["destinations"] is None
    assert "only AWS tells" in found["eu"]["residency"]
    assert found["global"]["destinations"] == ["*"]
    assert found["in-region"]["destinations"] == ["eu-west-2"]
    assert found["eu"]["price"]["input"] == 5.5
    lines = cells(run("list-models", "opus-4.6", "--offline", "--region", "eu-west-2").out)
    assert lines["eu"][3] == "unknown"
    assert "input" not in lines


def test_a_model_that_is_not_offered_says_where_it_is(run: Run, use: Use) -> None:
    use()
    told = run("list-models", "opus-4.1", "--region", "eu-west-1", code=6)
    assert told.out == ""
    assert "Claude Opus 4.1 is not offered in eu-west-1" in told.err
    (hint,) = re.findall(r"hint: .*`bedrock-claude (.*)`", told.err)
    assert "us-east-1" in told.err
    assert f"us.{'anthropic.claude-opus-4-1'}" in run(*hint.split(), "--ids").out


def test_an_endpoint_that_is_not_offered_names_the_others(run: Run, use: Use) -> None:
    use()
    told = run("list-models", "opus-5.5", "--endpoint", "jp", code=6).err
    assert "Claude Opus 5.5 is not offered as jp in us-east-1" in told
    assert "--endpoint is one of global, us there" in told
    assert (
        "not offered as jp" in run("list-models", OPUS, "--offline", "--endpoint", "jp", code=6).err
    )


def test_a_model_that_aws_dropped_here_is_not_sent_back_here(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.delitem(models.claude(), OPUS)
    told = run("list-models", "opus-5.5", code=6).err
    assert "the catalogue of" in told
    assert "--region us-east-2`" in told


def test_a_model_past_its_end_names_its_successor(run: Run, use: Use) -> None:
    use()
    told = run("list-models", "sonnet-4", code=6).err
    assert "Claude Sonnet 4 reached its end of life on 2026-10-14" in told
    assert "`bedrock-claude list-models sonnet-5.5`" in told


def test_an_unknown_alias_is_told_before_any_request(run: Run, use: Use) -> None:
    server = use()
    assert "did you mean `opus-5.5`" in run("list-models", "opuss-5.5", code=2).err
    assert "unknown model ``" in run("list-models", "", code=2).err
    assert server.requests == []


@pytest.mark.parametrize("more", [(), ("--offline",), ("--offline", "--policy")])
def test_a_region_that_there_is_not_is_told(run: Run, use: Use, more: tuple[str, ...]) -> None:
    server = use()
    told = run("list-models", "opus", "--region", "us-east1", *more, code=3).err
    assert "no AWS region is called `us-east1`" in told
    assert server.requests == []


def test_what_is_no_model_is_a_usage_error(run: Run, use: Use) -> None:
    server = use()
    other = "arn:aws:bedrock:us-east-1:000000000000:provisioned-model/abc"
    assert "names no Claude model" in run("list-models", other, code=2).err
    assert server.requests == []


def test_a_model_that_only_aws_knows_shows_what_aws_says(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    table = models.claude()
    monkeypatch.setitem(table, NEXT, replace(table[OPUS], id=NEXT, name="Claude Next 9"))
    found = shown(run, NEXT)
    assert (found["name"], found["known"], found["alias"]) == ("Claude Next 9", False, None)
    assert found["lifecycle"]["launch"] == "2026-09-22"
    assert found["input_modalities"] == ["TEXT", "IMAGE"]
    assert [(way["id"], way["price"]) for way in found["endpoints"]] == [
        (f"global.{NEXT}", None),
        (f"us.{NEXT}", None),
    ]
    assert set(found["capabilities"].values()) == {None}
    lines = cells(run("list-models", NEXT).out)
    assert "does not know this model" in lines["catalogue"][0]
    assert lines["us"][-1] == "price unknown"
    assert lines["thinking"] == ["unknown"]


def test_an_id_that_nobody_knows_is_rejected(run: Run, use: Use) -> None:
    use()
    told = run("list-models", NEXT, code=6).err
    assert f"{NEXT} is not offered in us-east-1" in told
    assert f"`bedrock-claude list-models {NEXT} --all-regions`" in told


def own_profile(monkeypatch: pytest.MonkeyPatch, *, listed: bool = True) -> None:
    """The account has an inference profile of its own, which routes as `us.` does."""
    shipped, get = control.profiles, control.get_inference_profile

    def profiles(region: str) -> list[dict[str, Any]]:
        rows = shipped(region)
        like = next(row for row in rows if row["inferenceProfileId"] == f"us.{OPUS}")
        mine = {"inferenceProfileId": "a1b2c3d4e5f6", "inferenceProfileArn": OWN,
                "type": "APPLICATION"}  # fmt: skip
        return [*rows, like | mine]

    def got(request: Request) -> Reply:
        with monkeypatch.context() as patch:
            patch.setattr(control, "profiles", profiles)
            return get(request)

    monkeypatch.setattr(control, "get_inference_profile", got)
    if listed:
        monkeypatch.setattr(control, "profiles", profiles)


@pytest.mark.parametrize("listed", [True, False])
def test_an_inference_profile_of_the_account_s_own_leads_to_its_model(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    """Whether ListInferenceProfiles names it without being asked for its type, or not."""
    use()
    own_profile(monkeypatch, listed=listed)
    found = shown(run, OWN)
    assert found["base_id"] == OPUS
    (own,) = [way for way in found["endpoints"] if way["id"] == OWN]
    assert (own["endpoint"], own["residency"]) == (None, "data stays in the US")
    assert OWN in run("list-models", OWN, terminal=True).out
    assert "only AWS tells the model" in run("list-models", OWN, "--offline", code=2).err


def test_an_arn_of_another_region_is_looked_up_there(run: Run, use: Use) -> None:
    server = use()
    arn = f"arn:aws:bedrock:eu-west-1:000000000000:inference-profile/eu.{OPUS}"
    assert shown(run, arn)["regions"] == ["eu-west-1"]
    assert {request["region"] for request in server.requests} == {"eu-west-1"}


def test_refused_lists_are_told_with_the_documented_code(run: Run, use: Use) -> None:
    use({"deny": "bedrock:ListInferenceProfiles"})
    told = run("list-models", "opus-5.5", code=5)
    assert (told.out, "bedrock:ListInferenceProfiles" in told.err) == ("", True)


@pytest.mark.parametrize(
    "argv, said",
    [
        (("opus", "--active"), "--active is for the whole list"),
        (("opus", "--diff"), "--diff is for the whole list"),
        (("--policy",), "--policy is for one MODEL"),
        (("opus", "--policy", "--ids"), "--policy does not go with --ids"),
        (("opus", "--policy", "--all-regions"), "name them by --region"),
        (("opus", "--via", "mantle"), "--via goes with --policy"),
        (("--diff", "--offline"), "--diff does not go with --offline"),
        (("--diff", "--ids"), "--diff does not go with --ids"),
        (("opus", "--all-regions", "--offline"), "--all-regions goes with neither"),
    ],
)
def test_flags_that_say_nothing_together(
    run: Run, use: Use, argv: tuple[str, ...], said: str
) -> None:
    server = use()
    assert said in run("list-models", *argv, code=2).err
    assert server.requests == []
