"""`list-models MODEL --policy`: exactly what AWS judges a call by, and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bedrock_claude_cli.sandbox import Sandbox, models
from bedrock_claude_cli.sandbox.policies import allowed, parse
from tests.commands.test_list_models_one import NEXT, OPUS, OWN, own_profile
from tests.conftest import Run

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS_46 = "anthropic.claude-opus-4-6-v1"
ACTIONS = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
Use = Callable[..., Sandbox]


class Asked(NamedTuple):
    """One decision of IAM's: a resource, the region that counts, and the profile that is used."""

    resource: str
    region: str
    profile: str | None = None

    @property
    def context(self) -> dict[str, str]:
        own = {"aws:RequestedRegion": self.region}
        return own | ({"bedrock:InferenceProfileArn": self.profile} if self.profile else {})


def model(region: str, base_id: str = SONNET, partition: str = "aws") -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{base_id}"


def profile(region: str, profile_id: str, partition: str = "aws") -> str:
    return f"arn:{partition}:bedrock:{region}:000000000000:inference-profile/{profile_id}"


def through(profile_arn: str, *arns: str) -> list[Asked]:
    """What AWS decides for a call at a profile, as its page on each kind of profile says."""
    source = profile_arn.split(":")[3]
    behind = [Asked(arn, arn.split(":")[3] or "unspecified", profile_arn) for arn in arns]
    return [Asked(profile_arn, source), *behind]


def policy(run: Run, *argv: str) -> str:
    return run("list-models", *argv, "--policy").out


def grants(document: str, asked: Asked, action: str = ACTIONS[0]) -> bool:
    return allowed(parse(document), action, asked.resource, asked.context)


GLOBAL = profile("us-east-1", f"global.{SONNET}")
US = profile("us-east-1", f"us.{SONNET}")
GOV = profile("us-gov-west-1", f"us-gov.{SONNET}", "aws-us-gov")
US_REGIONS = ("us-east-1", "us-east-2", "us-west-2")
CALLS = {
    "global": (("sonnet-4.5",), through(GLOBAL, model("us-east-1"), model(""))),
    "geography": (("sonnet-4.5", "--endpoint", "us"), through(US, *map(model, US_REGIONS))),
    "in-region": (
        ("opus-4.6", "--endpoint", "in-region", "--region", "eu-west-2"),
        [Asked(model("eu-west-2", OPUS_46), "eu-west-2")],
    ),
    "govcloud": (
        ("sonnet-4.5", "--region", "us-gov-west-1"),
        through(
            GOV, *(model(f"us-gov-{side}-1", SONNET, "aws-us-gov") for side in ("west", "east"))
        ),
    ),
}


@pytest.mark.parametrize("kind", CALLS)
def test_it_lets_the_call_through_and_each_part_of_it_is_needed(
    run: Run, use: Use, kind: str
) -> None:
    use()
    argv, calls = CALLS[kind]
    document = policy(run, *argv)
    for action in ACTIONS:
        assert all(grants(document, each, action) for each in calls)
    resources = [
        arn for each in json.loads(document)["Statement"]
        for arn in ([each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"])
    ]  # fmt: skip
    assert sorted(resources) == sorted(each.resource for each in calls)
    assert "*" not in document


@pytest.mark.parametrize("kind", CALLS)
def test_it_lets_nothing_else_through(run: Run, use: Use, kind: str) -> None:
    use()
    argv, calls = CALLS[kind]
    document = policy(run, *argv)
    for each in calls:
        assert not grants(document, each, "bedrock:CreateModelInvocationJob")
        assert not grants(document, each, "bedrock:CountTokens")
        head, _, base_id = each.resource.rpartition("/")
        assert not grants(document, each._replace(resource=f"{head}/{base_id}x"))
        assert not grants(
            document, each._replace(resource=each.resource.replace("aws", "aws-cn", 1))
        )
        for region in ("ap-southeast-1", "us-west-1"):
            moved = each.resource.split(":")
            moved[3] = region
            assert not grants(document, Asked(":".join(moved), region, each.profile))
        if each.profile:
            assert not grants(document, each._replace(profile=None)), "the model without a profile"
            other = profile("us-east-1", f"eu.{SONNET}")
            assert not grants(document, each._replace(profile=other)), "through another profile"


def test_a_model_anywhere_is_granted_only_where_aws_names_no_region(run: Run, use: Use) -> None:
    use()
    document = policy(run, "sonnet-4.5")
    assert grants(document, Asked(model(""), "unspecified", GLOBAL))
    assert not grants(document, Asked(model(""), "us-east-1", GLOBAL))


def test_it_is_the_policy_of_the_documentation(run: Run, use: Use) -> None:
    use()
    text = (Path(__file__).parents[2] / "docs" / "iam.md").read_text("utf-8")
    for title, argv in (("global", ()), ("geographic", ("--endpoint", "us"))):
        section = text.split(f"## `ask` at a {title} endpoint\n")[1].split("\n## ")[0]
        told = section.split("```json")[1].split("```")[0].replace("ACCOUNT", "000000000000")
        told = told.replace("REGION:", "us-east-1:")
        assert json.loads(policy(run, "sonnet-4.5", *argv)) == json.loads(told)


def test_stdout_is_the_policy_alone(run: Run, use: Use) -> None:
    """`> policy.json` can be given to IAM: no `schema`, with --json or without."""
    use()
    plain = run("list-models", "sonnet-4.5", "--endpoint", "us", "--policy")
    assert set(json.loads(plain.out)) == {"Version", "Statement"}
    assert "note: this is for `us.anthropic" in plain.err
    assert "costs 10 % more than global" in plain.err
    assert (
        run("list-models", "sonnet-4.5", "--endpoint", "us", "--policy", "--json").out == plain.out
    )
    query = ("--query", "Statement[0].Resource")
    assert run("list-models", "sonnet-4.5", "--endpoint", "us", "--policy", *query).out == f"{US}\n"


@pytest.mark.parametrize("name", ["global", "us", "jp"])
def test_the_endpoint_is_the_one_that_ask_would_choose(
    run: Run, use: Use, home: Path, name: str
) -> None:
    """Also where the config or the environment, not a flag, chooses it."""
    use()
    region = "ap-northeast-1" if name == "jp" else "us-east-1"
    env = {"BEDROCK_CLAUDE_ENDPOINT": name, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    sent = json.loads(run("ask", "-n", "--json", "-m", "haiku-4.5", "hi", env=env).out)["model"]
    first = json.loads(policy(run, "haiku-4.5"))["Statement"][0]["Resource"]
    assert first == profile(region, sent) == profile(region, f"{name}.{HAIKU}")


def test_what_the_catalogue_expects_and_aws_does_not_list_is_replaced_as_ask_does(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    table = models.claude()
    monkeypatch.setitem(table, OPUS, models.Model(**vars(table[OPUS]) | {"prefixes": ("us",)}))
    told = run("list-models", "opus-5.5", "--policy")
    assert f"`global.{OPUS}` is not listed in us-east-1: `us.{OPUS}` instead" in told.err
    assert f"inference-profile/us.{OPUS}" in told.out
    assert "global" not in told.out


def test_a_model_that_only_aws_knows_has_one_too(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    table = models.claude()
    monkeypatch.setitem(table, NEXT, models.Model(**vars(table[OPUS]) | {"id": NEXT}))
    for name in (f"global.{NEXT}", f"us.{NEXT}"):
        document = policy(run, name)
        assert grants(document, Asked(profile("us-east-1", name), "us-east-1"))


def test_an_inference_profile_of_the_account_s_own_is_granted_with_what_is_behind_it(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    own_profile(monkeypatch)
    document = policy(run, OWN)
    calls = through(OWN, *(model(region, OPUS) for region in US_REGIONS))
    assert all(grants(document, each) for each in calls)
    assert not grants(document, Asked(profile("us-east-1", f"us.{OPUS}"), "us-east-1"))


def test_several_regions_are_one_policy(run: Run, use: Use) -> None:
    use()
    regions = ("--region", "us-east-1", "--region", "eu-west-1")
    document = policy(run, "sonnet-4.5", *regions)
    for region in ("us-east-1", "eu-west-1"):
        calls = through(profile(region, f"global.{SONNET}"), model(region), model(""))
        assert all(grants(document, each) for each in calls)


def test_bedrock_mantle_takes_an_action_of_its_own(run: Run, use: Use) -> None:
    use()
    (statement,) = json.loads(policy(run, "haiku-4.5", "--via", "mantle"))["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "bedrock-mantle:CreateInference",
        "Resource": "arn:aws:bedrock-mantle:us-east-1:000000000000:project/default",
        "Condition": {"StringEquals": {"bedrock-mantle:Model": "anthropic.claude-haiku-4-5"}},
    }
    assert "not on bedrock-mantle" in run(
        "list-models", "sonnet-4.5", "--via", "mantle", "--policy", code=6
    ).err  # fmt: skip


def test_a_region_where_mantle_is_not_known_to_have_the_model_is_warned_of(
    run: Run, use: Use
) -> None:
    use()
    flags = ("list-models", "haiku-4.5", "--policy", "--via", "mantle", "--region")
    told = run(*flags, "eu-west-2").err
    assert (
        "warning: Claude Haiku 4.5 is not known to be on bedrock-mantle in eu-west-2, only" in told
    )
    assert "warning" not in run(*flags, "eu-west-1").err
    assert "warning" not in run("list-models", "opus-4.7", *flags[2:], "eu-west-2").err


def test_offline_leaves_the_account_open_and_says_so(run: Run, use: Use) -> None:
    server = use()
    told = run("list-models", "sonnet-4.5", "--policy", "--offline")
    assert server.requests == []
    assert "twelve digits for ACCOUNT" in told.err
    document = told.out.replace("ACCOUNT", "000000000000")
    assert json.loads(document) == json.loads(policy(run, "sonnet-4.5"))
    gov = ("--region", "us-gov-west-1", "--endpoint", "in-region")
    (statement,) = json.loads(policy(run, "haiku-4.5", *gov, "--offline"))["Statement"]
    assert statement["Resource"] == model("us-gov-west-1", HAIKU, "aws-us-gov")


def test_offline_does_not_guess_the_regions_of_a_geography(run: Run, use: Use) -> None:
    use()
    told = run("list-models", "sonnet-4.5", "--endpoint", "us", "--policy", "--offline", code=6)
    assert told.out == ""
    assert f"only AWS tells which regions `us.{SONNET}` routes to" in told.err


def test_a_region_without_the_model_gets_no_policy(
    run: Run, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    assert "is not offered in eu-west-1" in run(
        "list-models", "opus-4.1", "--region", "eu-west-1", "--policy", code=6
    ).err  # fmt: skip
    monkeypatch.delitem(models.claude(), OPUS)
    told = run("list-models", "opus-5.5", "--policy", code=6)
    assert (told.out, "Claude Opus 5.5 is not offered" in told.err) == ("", True)


def test_refused_look_ups_are_told_and_print_no_half_policy(run: Run, use: Use) -> None:
    use({"deny": "bedrock:ListFoundationModels"})
    told = run("list-models", "sonnet-4.5", "--policy", code=5)
    assert (told.out, "bedrock:ListFoundationModels" in told.err) == ("", True)
