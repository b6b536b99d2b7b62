"""The guard rails of the config file: every door that a prompt could leave by is held shut."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock_claude_cli.bedrock import catalog
from bedrock_claude_cli.bedrock.guard_rails import Guard, Rule
from bedrock_claude_cli.bedrock.model_id import Target, fallbacks
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.ask_help import SONNET, operations
from tests.commands.jobs_world import BUCKET, made, make_bucket, manifest, records, submit
from tests.commands.test_jobs import here as here
from tests.conftest import Result, Run

Use = Callable[..., Sandbox]
OPUS, HAIKU = "anthropic.claude-opus-4-6-v1", "anthropic.claude-haiku-4-5-20251001-v1:0"
ACCOUNT = "000000000000"
WITH_A_PROMPT = ("Invoke", "Converse", "CountTokens", "CreateInference", "CreateModelInvocation")


def arn(kind: str, name: str, region: str = "eu-central-1") -> str:
    owner = "" if kind == "foundation-model" else ACCOUNT
    return f"arn:aws:bedrock:{region}:{owner}:{kind}/{name}"


@pytest.fixture
def rails(home: Path) -> Callable[..., Path]:
    """Writes the config file: the guard rails stand from its second line on."""

    def write(*rules: str) -> Path:
        path = home / ".config" / "bedrock-claude" / "config.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["# what our team may use", *rules, ""]))
        return path

    return write


Rails = Callable[..., Path]


def sent(sandbox: Sandbox) -> list[str]:
    """The operations that carried a prompt, or would have worked on some."""
    return [each for each in operations(sandbox) if each.startswith(WITH_A_PROMPT)]


def check_refused(result: Result, path: Path, key: str, line: int = 2) -> None:
    assert f"{path}:{line} forbids " in result.err
    assert f"{key} allows " in result.err


# Every way to name a model at a forbidden endpoint, by every command

NAMED = {
    "alias": ("sonnet-4.5", "--endpoint", "global"),
    "base id": (SONNET, "--endpoint", "global"),
    "inference profile": (f"global.{SONNET}",),
    "id of the seeds": (f"global.{OPUS}:0",),
    "unknown id": ("global.anthropic.claude-next-9",),
    "foundation-model ARN": (arn("foundation-model", SONNET),),
    "inference-profile ARN": (arn("inference-profile", f"global.{SONNET}"),),
    "its ARN elsewhere": (arn("inference-profile", f"eu.{SONNET}", "us-east-1"),),
    "profile of nobody's": (arn("inference-profile", "us.amazon.nova-pro-v1:0"),),
    "application profile": (arn("application-inference-profile", f"global.{SONNET}"),),
    "unread application profile": (arn("application-inference-profile", "abc123def456"),),
    "provisioned ARN": (arn("provisioned-model", "abc123def456"),),
    "custom-model ARN": (arn("custom-model", f"{SONNET}/abc123def456"),),
    "imported-model ARN": (arn("imported-model", "abc123def456"),),
    "prompt ARN": (arn("prompt", "ABC123DEF4:1"),),
    "router ARN": (arn("default-prompt-router", "anthropic.claude:1"),),
    "unknown kind of ARN": (arn("foo", "bar"),),
    "SageMaker ARN": (f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:endpoint/mine",),
    "no geography from here": ("sonnet-4.5", "--region", "us-east-1"),
    "another's geography": (f"eu.{SONNET}", "--region", "us-east-1"),
}
COMMANDS = {
    "ask": ("ask", "-n", "Hi"),
    "ask --json --no-stream": ("ask", "-n", "Hi", "--json", "--no-stream"),
    "ask --count-tokens": ("ask", "-n", "Hi", "--count-tokens"),
    "ask --dry-run": ("ask", "-n", "Hi", "--dry-run"),
    "ask --max-cost": ("ask", "-n", "Hi", "--max-cost", "0"),
    "ask --code": ("ask", "-n", "Hi", "--code", "boto3"),
    "ask --chat": ("ask", "-n", "Hi", "--chat", "trip"),
    "ask --via converse": ("ask", "-n", "Hi", "--via", "converse"),
    "ask --via sdk": ("ask", "-n", "Hi", "--via", "sdk"),
    "run": ("run", "night.jsonl", "-o", "out.jsonl"),
    "run --dry-run": ("run", "night.jsonl", "--dry-run"),
    "run verbatim": ("run", "verbatim.jsonl", "-o", "out.jsonl"),
    "jobs submit": ("jobs", "submit", "night.jsonl", "--bucket", BUCKET, "--yes"),
    "jobs submit --dry-run": ("jobs", "submit", "verbatim.jsonl", "--bucket", BUCKET, "--dry-run"),
    "verify-creds --invoke": ("verify-creds", "--invoke"),
}


def verbatim() -> None:
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    Path("verbatim.jsonl").write_text(json.dumps({"recordId": "v", "modelInput": body}) + "\n")


@pytest.mark.parametrize("named", NAMED.values(), ids=list(NAMED))
@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_a_forbidden_endpoint_is_shut_at_every_door(
    command: tuple[str, ...], named: tuple[str, ...], run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_endpoints: [eu]")
    sandbox = use()
    records(1)
    verbatim()
    region = () if "--region" in named else ("--region", "eu-central-1")
    result = run(*command, "-m", *named, *region, code=11)
    check_refused(result, path, "allow_endpoints")
    assert sent(sandbox) == []
    assert not Path("out.jsonl").exists() or not Path("out.jsonl").read_text()


MALFORMED = {
    "endpoint": (arn("foundation-model", f"global.{OPUS}"), "no foundation model has the ARN"),
    "another's": (arn("foundation-model", f"us.{SONNET}"), "no foundation model has the ARN"),
    "capitals": (arn("foundation-model", f"GLOBAL.{SONNET}"), "no foundation model has the ARN"),
    "profile": (arn("foundation-model", f"inference-profile/global.{SONNET}"), "no foundation"),
    "no region": (arn("foundation-model", OPUS, ""), "names no region"),
}


@pytest.mark.parametrize("named, words", MALFORMED.values(), ids=list(MALFORMED))
@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
@pytest.mark.parametrize(
    "rule", ["allow_endpoints: [eu, eu-*]", "allow_models: ['opus-*', 'sonnet-*']"]
)
def test_an_arn_that_no_foundation_model_has_is_sent_by_nobody(
    rule: str, command: tuple[str, ...], named: str, words: str, run: Run, use: Use, rails: Rails
) -> None:
    rails(rule)
    sandbox = use()
    records(1)
    verbatim()
    code = 2 if command[0] in ("run", "jobs") else 6
    result = run(*command, "-m", named, "--region", "eu-central-1", code=code)
    assert words in result.err + result.out
    assert sent(sandbox) == []
    assert not Path("out.jsonl").exists() or not Path("out.jsonl").read_text()


# Where an endpoint URL sends it

ELSEWHERE = {
    "its own": ("BEDROCK_RUNTIME", "bedrock-runtime.us-east-1.amazonaws.com"),
    "any service": ("", "bedrock-runtime.us-east-1.amazonaws.com"),
    "a dot": ("BEDROCK_RUNTIME", "bedrock-runtime.us-east-1.amazonaws.com."),
    "FIPS": ("BEDROCK_RUNTIME", "bedrock-runtime-fips.us-east-1.amazonaws.com"),
    "no region": ("BEDROCK_RUNTIME", "bedrock-runtime.amazonaws.com"),
    "two regions": ("BEDROCK_RUNTIME", "eu-central-1.bedrock-runtime.us-east-1.api.aws"),
    "VPC": ("BEDROCK_RUNTIME", "vpce-0a1b-us-east-1a.bedrock-runtime.us-east-1.vpce.amazonaws.com"),
    "jobs": ("BEDROCK", "bedrock.us-east-1.amazonaws.com"),
}


@pytest.mark.parametrize("name, host", ELSEWHERE.values(), ids=list(ELSEWHERE))
@pytest.mark.parametrize("place", ["variable", "profile", "services"])
def test_aws_in_another_region_than_the_judged_one_is_no_way_out(
    place: str, name: str, host: str, run: Run, rails: Rails, home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = rails("allow_endpoints: [eu, eu-*]", "region: eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENDPOINTSAMPLEXX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    url = f"https://{host}"
    if place == "variable":
        monkeypatch.setenv("_".join(filter(None, ("AWS_ENDPOINT_URL", name))), url)
    else:
        own = f"services = far\n[services far]\n{name.lower()} =\n  endpoint_url = {url}"
        text = own if place == "services" and name else f"endpoint_url = {url}"
        (home / ".aws").mkdir()
        (home / ".aws" / "config").write_text(f"[default]\n{text}\n")
    for via in ("invoke", "converse", "sdk"):
        result = run("ask", "-n", "Hi", "--via", via, code=11)
        check_refused(result, path, "allow_endpoints")
        assert host.rstrip(".") in result.err and "AWS_ENDPOINT_URL" in result.err


def test_mantle_in_another_region_is_none_either(
    run: Run, use: Use, rails: Rails, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rails("allow_endpoints: [eu, eu-*]")
    use()
    url = "https://bedrock-mantle.us-east-1.api.aws"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_MANTLE", url)
    flags = ("ask", "-n", "Hi", "-m", "haiku-4.5", "--region", "eu-west-1")
    check_refused(run(*flags, "--via", "mantle", code=11), path, "allow_endpoints")
    run(*flags)  # which does not go there


@pytest.mark.parametrize(
    "host",
    [
        "bedrock-runtime.eu-central-1.amazonaws.com",
        "vpce-0a1b-eu-central-1a.bedrock-runtime.eu-central-1.vpce.amazonaws.com",
        "gateway.example.com",
    ],
)
def test_the_judged_region_s_own_hosts_and_anybody_s_gateway_are_let_through(
    host: str, run: Run, use: Use, rails: Rails, monkeypatch: pytest.MonkeyPatch
) -> None:
    rails("allow_endpoints: [eu, eu-*]")
    use()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"https://{host}")
    plan = json.loads(run("ask", "-n", "Hi", "--region", "eu-central-1", "--dry-run", "--json").out)
    assert plan["endpoint_url"] == f"https://{host}"


MODELS = {
    "alias": ("opus-4.6",),
    "spelled otherwise": ("Claude Opus 4.6",),
    "newest of a family": ("opus",),
    "base id": (OPUS,),
    "inference profile": (f"eu.{OPUS}",),
    "id of the seeds": (f"eu.{OPUS}:0",),
    "foundation-model ARN": (arn("foundation-model", OPUS),),
    "inference-profile ARN": (arn("inference-profile", f"eu.{OPUS}"),),
    "application profile": (arn("application-inference-profile", f"eu.{OPUS}"),),
    "unread application profile": (arn("application-inference-profile", "abc123def456"),),
    "provisioned ARN": (arn("provisioned-model", "abc123def456"),),
}


@pytest.mark.parametrize("named", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_a_forbidden_model_is_shut_at_every_door(
    command: tuple[str, ...], named: tuple[str, ...], run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_endpoints: ['*']", "allow_models: [haiku-4.5, sonnet-*]")
    sandbox = use()
    records(1)
    verbatim()
    result = run(*command, "-m", *named, "--region", "eu-central-1", code=11)
    check_refused(result, path, "allow_models", line=3)
    assert sent(sandbox) == []


def test_logging_is_not_proven_with_what_is_forbidden_and_nothing_is_changed(
    run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_endpoints: [eu]")
    sandbox = use()
    flags = ("enable-logging", "--yes", "--verify", "--region", "us-east-1")
    check_refused(run(*flags, code=11), path, "allow_endpoints")
    assert operations(sandbox) == ["GetCallerIdentity"]


@pytest.mark.parametrize(
    "rule, key", [("allow_models: [haiku-4.5]", "allow_models"),
                  ("allow_endpoints: [eu, us-east-1]", "allow_endpoints")]
)  # fmt: skip
def test_mantle_is_a_door_too(rule: str, key: str, run: Run, use: Use, rails: Rails) -> None:
    path = rails(rule)
    sandbox = use()
    flags = ("ask", "--via", "mantle", "-m", "opus-5.5", "--region", "eu-west-1", "Hi")
    check_refused(run(*flags, code=11), path, key)
    assert sandbox.requests == []


@pytest.mark.parametrize("place", ["variable", "file", "preset", "template"])
def test_no_place_that_settings_come_from_is_beside_the_rails(
    place: str, run: Run, use: Use, rails: Rails, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "file": "endpoint: global",
        "preset": "presets: {far: {endpoint: global}}",
    }
    path = rails("allow_endpoints: [eu]", "region: eu-central-1", more.get(place, ""))
    sandbox = use()
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    if place == "variable":
        monkeypatch.setenv("BEDROCK_CLAUDE_ENDPOINT", "global")
    Path("t.yaml").write_text("endpoint: global\nprompt: Say $word\n")
    flags = {"preset": ("--preset", "far"), "template": ("-t", "t.yaml", "-p", "word=x")}
    check_refused(run("ask", *flags.get(place, ()), "Hi", code=11), path, "allow_endpoints")
    assert sandbox.requests == []


def test_a_chat_cannot_be_continued_with_a_forbidden_model(
    run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_models: [haiku-*]")
    sandbox = use()
    run("ask", "--chat", "trip", "-m", "haiku-4.5", "Kyoto?")
    check_refused(run("ask", "--chat", "trip", "-m", "sonnet-4.5", "And?", code=11), path,
                  "allow_models")  # fmt: skip
    assert len(sent(sandbox)) == 1


# Records and jobs


def mixed(*models: str | None) -> None:
    lines = [
        {"id": f"r{n}", "prompt": "Hi", **({"model": model} if model else {})}
        for n, model in enumerate(models)
    ]
    Path("mixed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize(
    "command",
    [
        ("run", "mixed.jsonl", "-o", "out.jsonl"),
        ("run", "mixed.jsonl", "--dry-run"),
        ("jobs", "submit", "mixed.jsonl", "--bucket", BUCKET, "--yes"),
    ],
)
def test_every_forbidden_record_is_named_by_its_line(
    command: tuple[str, ...], run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_models: [haiku-*]")
    sandbox = use()
    mixed(None, "opus-4.6", None, f"global.{SONNET}")
    said = run(*command, "-m", "haiku-4.5", code=11).err
    assert "mixed.jsonl: 2 faults, so nothing was sent" in said
    assert f"line 2: {path}:2 forbids `opus-4.6`" in said
    assert f"line 4: {path}:2 forbids `global.{SONNET}`" in said
    assert sent(sandbox) == []


def test_other_faults_beside_forbidden_records_are_bad_input(
    run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_models: [haiku-*]")
    use()
    mixed("opus-4.6", "no-such-model")
    said = run("run", "mixed.jsonl", "-o", "out.jsonl", "-m", "haiku-4.5", code=2).err
    assert f"line 1: {path}:2 forbids" in said
    assert "line 2: unknown model `no-such-model`" in said


def test_parts_that_had_no_room_are_not_started_once_they_are_forbidden(
    run: Run, use: Use, rails: Rails
) -> None:
    once = {"when": {"operation": "CreateModelInvocationJob"}, "times": 1}
    use({**once, "job": {}}, {**once, "error": {"type": "ServiceQuotaExceededException"}})
    make_bucket()
    submit(run, records(220), "--max-records", "110")
    path = rails("allow_endpoints: [us]")
    check_refused(run("jobs", "wait", "night", code=11), path, "allow_endpoints")
    assert (len(made()), manifest()["parts"][1]["arn"]) == (1, None)
    path.unlink()
    run("jobs", "wait", "night")
    assert len(made()) == 2


# The id that is tried after AWS refused one


@pytest.fixture
def new_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sonnet 4.5 is newer than the catalogue, which does not know it."""
    known = catalog.load()
    older = tuple(model for model in known.models if model.id != SONNET)
    monkeypatch.setattr(catalog, "load", lambda: known._replace(models=older))


@pytest.mark.usefixtures("new_model")
@pytest.mark.parametrize(
    "command", [("ask", "Hi"), ("verify-creds", "--only", "invoke", "--invoke")], ids=" ".join
)
def test_the_id_that_is_tried_instead_has_to_be_allowed_too(
    command: tuple[str, ...], run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_endpoints: [eu-*]")
    sandbox = use()
    result = run(*command, "-m", SONNET, "--region", "eu-west-1", code=11)
    check_refused(result, path, "allow_endpoints")
    assert f"forbids `eu.{SONNET}`" in result.err
    assert [each["model"] for each in sandbox.requests if each["model"]] == [SONNET]


@pytest.mark.usefixtures("new_model")
@pytest.mark.parametrize(
    "rule", ["allow_endpoints: [eu, in-region]", f"allow_models: ['{SONNET}']"]
)
def test_it_is_tried_where_it_is_allowed(rule: str, run: Run, use: Use, rails: Rails) -> None:
    rails(rule)
    sandbox = use()
    run("ask", "-m", SONNET, "--region", "eu-west-1", "Hi")
    assert sandbox.requests[-1]["model"] == f"eu.{SONNET}"


def test_of_several_ids_that_could_be_tried_an_allowed_one_is() -> None:
    rule = Rule("allow_endpoints", ("in-region", "apac"), "config.yaml:2")
    refused = Target("anthropic.x", "anthropic.x", "in-region", None, "ap-northeast-1", "base")
    offered = ["global.anthropic.x", "jp.anthropic.x", "apac.anthropic.x"]
    tried = fallbacks(refused._replace(guard=Guard(rule)), offered, catalog.load())
    assert tried and tried.model_id == "apac.anthropic.x"


# What is allowed


@pytest.mark.parametrize(
    "rule, argv, model",
    [
        ("allow_endpoints: [eu]", ("--region", "eu-central-1"), f"eu.{SONNET}"),
        ("allow_endpoints: eu", ("--region", "eu-central-1"), f"eu.{SONNET}"),
        ("allow_endpoints: ['*']", ("--region", "eu-central-1"), f"global.{SONNET}"),
        ("allow_endpoints: [us, global]", ("--region", "us-east-1"), f"global.{SONNET}"),
        ("allow_endpoints: [eu]", ("-m", SONNET, "--region", "eu-central-1"), f"eu.{SONNET}"),
        ("allow_endpoints: ['eu*']", ("-m", "opus-4.6", "--region", "eu-west-2"), f"eu.{OPUS}"),
        ("allow_endpoints: ['eu-*']", ("-m", "opus-4.6", "--region", "eu-west-2"), OPUS),
        ("allow_endpoints: [in-region]", ("-m", OPUS, "--region", "eu-west-2"), OPUS),
        ("allow_endpoints: [eu]", ("-m", OPUS, "--region", "eu-west-2"), f"eu.{OPUS}"),
        ("allow_endpoints: [eu]",
         ("-m", arn("inference-profile", f"eu.{SONNET}"), "--region", "eu-central-1"),
         arn("inference-profile", f"eu.{SONNET}")),
        ("allow_models: [sonnet]", ("-m", "sonnet"), "global.anthropic.claude-sonnet-5-5"),
        ("allow_models: [Sonnet 4.5]", (), f"global.{SONNET}"),
        ("allow_models: ['anthropic.*']", (), f"global.{SONNET}"),
        ("allow_models: ['sonnet-4.*']", ("-m", f"us.{SONNET}"), f"us.{SONNET}"),
        ("allow_models: ['us.*']", ("--endpoint", "us"), f"us.{SONNET}"),
    ],
)  # fmt: skip
def test_auto_chooses_among_what_is_allowed(
    rule: str, argv: tuple[str, ...], model: str, run: Run, use: Use, rails: Rails
) -> None:
    rails(rule)
    sandbox = use()
    run("ask", *argv, "Hi")
    assert [each["model"] for each in sandbox.requests] == [model]


def test_an_application_profile_within_what_is_allowed_is_sent_after_one_look(
    run: Run, use: Use, rails: Rails
) -> None:
    rails("allow_endpoints: [eu]", "allow_models: [sonnet-4.5]")
    sandbox = use()
    named = arn("application-inference-profile", f"eu.{SONNET}")
    run("ask", "-m", named, "--region", "eu-central-1", "Hi", code=6)  # the sandbox runs none
    assert operations(sandbox) == ["GetInferenceProfile", "InvokeModelWithResponseStream"]


@pytest.mark.parametrize(
    "named, words",
    [
        (arn("application-inference-profile", f"global.{SONNET}"), "on the global endpoint"),
        (arn("application-inference-profile", f"eu.{SONNET}"), "with destinations in eu-"),
        (arn("application-inference-profile", "abc123def456"), "AWS does not tell"),
        (arn("default-prompt-router", "anthropic.claude:1"), "its ARN does not tell"),
        (arn("prompt", "ABC123DEF4:1"), "its ARN does not tell"),
        (arn("foo", "bar"), "its ARN does not tell"),
        (arn("provisioned-model", "abc123def456", ""), "its ARN does not tell"),
        ("foo/anthropic.bar", "its id does not tell"),
        (arn("provisioned-model", "abc123def456", "us-east-1"), "in eu-central-1 and us-east-1"),
    ],
)
def test_in_region_alone_lets_nothing_through_that_leaves_the_region(
    named: str, words: str, run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_endpoints: ['eu-*']")
    sandbox = use()
    result = run("ask", "-m", named, "--region", "eu-central-1", "Hi", code=11)
    check_refused(result, path, "allow_endpoints")
    assert words in result.err
    assert sent(sandbox) == []


@pytest.mark.parametrize("kind", ["provisioned-model", "custom-model", "imported-model"])
def test_what_runs_in_its_own_region_is_allowed_as_in_region(
    kind: str, run: Run, use: Use, rails: Rails
) -> None:
    rails("allow_endpoints: ['eu-*']", f"allow_models: ['*:{kind}/abc*']")
    sandbox = use()
    named = arn(kind, "abc123def456")
    run("ask", "-m", named, "--region", "eu-central-1", "Hi", code=6)  # the sandbox runs none
    assert [each["model"] for each in sandbox.requests] == [named]


def test_an_application_profile_that_may_not_be_read_says_what_to_grant(
    run: Run, use: Use, rails: Rails
) -> None:
    path = rails("allow_endpoints: [eu]")
    sandbox = use({"deny": "bedrock:GetInferenceProfile"})
    named = arn("application-inference-profile", f"eu.{SONNET}")
    result = run("ask", "-m", named, "--region", "eu-central-1", "Hi", code=11)
    check_refused(result, path, "allow_endpoints")
    assert "hint: grant bedrock:GetInferenceProfile" in result.err
    assert sent(sandbox) == []


@pytest.mark.parametrize("key", ["allow_endpoints", "allow_models"])
def test_an_empty_list_allows_nothing(key: str, run: Run, use: Use, rails: Rails) -> None:
    path = rails(f"{key}: []")
    sandbox = use()
    result = run("ask", "Hi", code=11)
    check_refused(result, path, key)
    assert f"{key} allows nothing" in result.err
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "rules, argv",
    [
        (("allow_endpoints: [eu]",), ("-m", f"global.{SONNET}", "--region", "eu-central-1")),
        (("allow_endpoints: [us]",), ("--endpoint", "global")),
        (("allow_models: [haiku-*]",), ("-m", "opus-4.6")),
        (("allow_models: [haiku-*]", "allow_endpoints: [eu]"), ("--region", "eu-west-1")),
        (("allow_endpoints: [us]",), ("-m", "opus-5.5", "--via", "mantle")),
        (("allow_models: [sonnet-4.5]",), ("-m", "opus-5.5", "--via", "mantle")),
        (
            ("allow_endpoints: [eu]",),
            ("-m", "sonnet-4", "--endpoint", "global", "--region", "eu-central-1"),
        ),
    ],
)
def test_the_hint_mends_it(
    rules: tuple[str, ...], argv: tuple[str, ...], run: Run, use: Use, rails: Rails
) -> None:
    rails(*rules)
    use()
    hint = run("ask", *argv, "Hi", code=11).err.split("hint: ")[1]
    command = hint.split("`")[-2].split()
    kept = [flag for flag in ("--region", "--via") if flag in argv]
    same = [each for flag in kept for each in argv[argv.index(flag) :][:2]]
    told = run("ask", *same, *command, "Hi")
    assert "end of life" not in told.err and "sonnet-4 " not in hint


# The file


def test_config_show_names_the_line_of_each(run: Run, rails: Rails) -> None:
    path = rails("allow_endpoints: [eu, eu-*]", "region: eu-west-1", "allow_models: []")
    rows: dict[str, Any] = {
        row["key"]: row for row in json.loads(run("config", "show", "--json").out)
    }
    assert rows["allow_endpoints"]["value"] == ["eu", "eu-*"]
    assert rows["allow_endpoints"]["source"] == f"{path}:2"
    assert (rows["allow_models"]["value"], rows["allow_models"]["source"]) == ([], f"{path}:4")
    assert f"allow_models\t(nothing)\t{path}:4" in run("config", "show").out


@pytest.mark.parametrize(
    "line, words",
    [
        ("allow_endpoints: [europe]", "allow_endpoints: `europe` matches no endpoint"),
        ("allow_endpoints: [EU]", "did you mean `eu`?"),
        ("allow_endpoints: [auto]", "`auto` matches no endpoint"),
        ("allow_endpoints:", "allow_endpoints: takes a list of globs"),
        ("allow_models:", "allow_models: takes a list of globs"),
        ("allow_models: ['']", "allow_models: takes a list of globs: it is empty"),
        ("allow_models: {sonnet: true}", "allow_models: takes a list of globs"),
        ("allow_models: [4.5]", "allow_models: takes a list of globs"),
        ("allow_models: [haiku-4.5, null]", "allow_models: takes a list of globs"),
        ("allow_models: [sonnet-4.5, ~]", "it takes text, not nothing"),
        ("allow_models:\n  - sonnet-4.5\n  -", "it takes text, not nothing"),
        ("allow_endpoints: [global, null]", "allow_endpoints: takes a list of globs"),
        (
            "allow_models: [snnet-4.5]",
            "`snnet-4.5` is no alias of a model that is known here, and "
            "no id; did you mean `sonnet-4.5`?",
        ),
        ("allow_model: [sonnet]", "did you mean `allow_models`?"),
        ("presets: {wide: {allow_models: ['*']}}", "presets.wide.allow_models: unknown key"),
    ],
)
def test_rails_that_would_not_hold_are_a_fault_of_the_file(
    line: str, words: str, run: Run, use: Use, rails: Rails
) -> None:
    path = rails(line)
    sandbox = use()
    result = run("ask", "Hi", code=3)
    assert f"{path}:2:" in result.err and words in result.err
    assert sandbox.requests == []


def test_an_id_that_is_newer_than_the_catalogue_may_be_allowed(
    run: Run, use: Use, rails: Rails
) -> None:
    named = arn("provisioned-model", "abc")
    rails(f"allow_models: [anthropic.claude-next-9, eu.anthropic.claude-next-9, '{named}', haiku]")
    use()
    run("ask", "-m", "haiku", "Hi")


def test_no_variable_widens_them(run: Run, use: Use, rails: Rails) -> None:
    path = rails("allow_models: [haiku-*]")
    use()
    result = run("ask", "Hi", code=11, env={"BEDROCK_CLAUDE_ALLOW_MODELS": "*"})
    assert "BEDROCK_CLAUDE_ALLOW_MODELS is no setting of this tool" in result.err
    check_refused(result, path, "allow_models")


def test_verify_creds_says_it_in_its_model_check(run: Run, use: Use, rails: Rails) -> None:
    path = rails("allow_models: [haiku-*]")
    use()
    told = json.loads(run("verify-creds", "--json", code=11).out)
    check = next(each for each in told["checks"] if each["name"] == "model")
    assert (check["status"], check["exit_code"], check["code"]) == ("fail", 11, "Unmet")
    assert f"{path}:2 forbids `sonnet-4.5`" in check["detail"]
