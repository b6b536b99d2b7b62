"""Every hint of the error table that names a command leads to one that mends it.

A command line fails, the command that its hint names is run, and the command line works. Each
command of each row has its story here, or stands in NOT_TOLD with the reason why it has none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.credentials
import botocore.tokens
import pytest

from bedrock_claude_cli.known_errors import CLIENT_TABLE, TABLE
from bedrock_claude_cli.sandbox import Sandbox
from tests.commands.access_world import form_file
from tests.conftest import Result, Run
from tests.sandbox.clients import aws_cli
from tests.sandbox.clients import run as run_program

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"`((?:bedrock-claude|aws|pipx?) [^`]+|--[\w-][^`]*)`|(\{login\})")
KEY_ID, SECRET = "AKIAFAKEFAKEFAKE1234", "fake/secret+key/for/the/sandbox/only0000"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ASK = ("ask", "-n", "-m", "sonnet-4.5", "Hello")
REGION = "us-east-1"
REQUEST = "bedrock-claude access request {model}"
RETAIN = f"{REQUEST} --data-retention MODE"
CHECK = "bedrock-claude access check {model}"
VERIFY = "bedrock-claude verify-creds"
ACTIVE = "bedrock-claude list-models --active"
IDS = "bedrock-claude list-models --ids --region {region}"
MODELS = "bedrock-claude list-models"
STATUS = "bedrock-claude logs status --region {region}"
ENABLE = "bedrock-claude enable-logging --region {region}"
LOGIN = "{login}"


class Named(NamedTuple):
    """A command in a hint: the row's key, what its message holds, the hint, the command."""

    row: str
    fragment: str
    hint: str
    command: str


def _named() -> Iterator[Named]:
    rows = [
        (f"{row.topic}: {row.fragment or row.names[0]}", row.fragment, row.hint) for row in TABLE
    ]
    rows += [(name, "", verdict.hint) for name, verdict in CLIENT_TABLE.items()]
    for key, fragment, hint in rows:
        told = (hint or "").replace("{nearer}", ", as in `--endpoint us`")
        for found in COMMAND.findall(told):
            yield Named(key, fragment, told, "".join(found))


NAMED = tuple(_named())
Key = tuple[str, str]


class World:
    """One story: what failed, what it said, and the command that it named."""

    def __init__(
        self,
        named: Named,
        run: Run,
        use: Callable[..., Sandbox],
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
        serve: Callable[[type[BaseHTTPRequestHandler]], str],
    ) -> None:
        self.named, self.run, self.use, self.home = named, run, use, home
        self.monkeypatch, self.serve = monkeypatch, serve
        self.asked: tuple[str, ...] = ()
        self.command = ""

    def refused(self, *argv: str, code: int) -> None:
        """Run what must fail, and does not get better by itself; the hint has to be the row's."""
        self.asked = argv
        told = self.run(*argv, code=code).err
        self.run(*argv, code=code)
        assert self.named.fragment in told.lower()
        hint = told.split("hint: ")[1].splitlines()[0]
        pattern = re.sub(r"\\\{\w+\\\}", "(.*?)", re.escape(self.named.hint))
        assert re.search(f"{pattern}$", hint), hint
        wanted = re.escape(self.named.command)
        if self.named.command == LOGIN:
            wanted = r"aws (?:sso login|login|configure)[^`]*"
        found = re.search("`(" + re.sub(r"\\\{\w+\\\}", "[^` ]+", wanted) + ")`", hint)
        assert found, hint
        self.command = found[1]

    def follow(self, *more: str, code: int = 0, **places: str) -> Result:
        """Run the command that was named, as the hint spells it but for its places."""
        for place, value in places.items():
            assert place in self.command
            self.command = self.command.replace(place, value)
        words = shlex.split(self.command)
        if words[0] == "bedrock-claude":
            return self.run(*words[1:], *more, code=code)
        assert words[:2] == ["aws", "configure"]
        answers = f"{KEY_ID}\n{SECRET}\n{REGION}\njson\n"
        done = run_program([aws_cli(), *words[1:]], dict(os.environ), stdin=answers)
        assert done.returncode == 0, done.stderr
        return Result(0, done.stdout, done.stderr)

    def answers(self, *argv: str) -> None:
        """What failed, or the same with other arguments, works."""
        assert self.run(*(argv or self.asked)).out

    def with_files(self, config: str, credentials: str = "") -> None:
        """No keys in the environment, but these files in ~/.aws."""
        for name in (
            *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
        ):
            self.monkeypatch.delenv(name)
        folder = self.home / ".aws"
        folder.mkdir()
        (folder / "config").write_text(config, encoding="utf-8")
        (folder / "credentials").write_text(credentials, encoding="utf-8")


Story = Callable[[World], None]
STORIES: dict[Key, Story] = {}


def story(*keys: Key) -> Callable[[Story], Story]:
    def keep(told: Story) -> Story:
        STORIES.update(dict.fromkeys(keys, told))
        return told

    return keep


# What is not open to the account


def _closed(argv: tuple[str, ...], *rules: dict[str, Any]) -> Story:
    """An ask that `access request` opens; the form that it wants is given as a file."""

    def tell(world: World) -> None:
        world.use(*rules)
        world.refused(*argv, code=5)
        world.follow("--yes", "--form", form_file(world.home))
        world.answers()

    return tell


def _access(**state: Any) -> dict[str, Any]:
    return {"when": {"model": SONNET}, "access": state}


_FORM = {"account": {"form": False}}
STORIES[("marketplace: aws marketplace actions", REQUEST)] = _closed(
    ASK, _access(agreement="none", polls=1)
)
STORIES[("agreement-pending: MPAgreementBeingCreated", REQUEST)] = _closed(
    ASK, _access(agreement="pending", polls=2)
)
# As AWS's list of errors words it.
_PROCESSED = {
    "type": "AccessDeniedException",
    "message": "Your account is not authorized to access this model. Your AWS Marketplace "
    "subscription for this model is still being processed",
}
STORIES[("agreement-pending: marketplace subscription for this model is", REQUEST)] = _closed(
    ASK,
    {"when": {"operation": "InvokeModel*"}, "times": 1, "error": _PROCESSED},
    _access(agreement="pending", polls=2),
)
STORIES[("model-access: have access to the model", REQUEST)] = _closed(
    ASK, _access(agreement="none", entitled=False)
)
STORIES[("use-case-form: use case details have not been submitted", REQUEST)] = _closed(
    ASK, _FORM, _access(agreement="none")
)
# Which AWS says of the form itself; once, so that the next ask meets what is really missing.
_UNFILLED = {
    "type": "ResourceNotFoundException",
    "message": "You have not filled out the request form",
}
STORIES[("use-case-form: have not filled out the request form", REQUEST)] = _closed(
    ASK,
    _FORM,
    _access(agreement="none"),
    {"when": {"operation": "InvokeModel*"}, "times": 1, "error": _UNFILLED},
)


@story(
    ("data-retention: data retention mode", RETAIN), ("data-retention: data retention mode", CHECK)
)
def data_retention(world: World) -> None:
    """The one command shows the modes that the other sets."""
    world.use({"account": {"retention": "default"}})
    world.refused("ask", "-n", "-m", "fable-5", "Hello", code=5)
    if world.named.command == CHECK:
        shown = world.follow(code=5)
        assert "provider_data_share" in shown.out + shown.err
        again = ("access", "request", "fable-5", "--data-retention", "provider_data_share", "--yes")
        world.run(*again)
    else:
        world.follow("--yes", MODE="provider_data_share")
    world.answers()


# Another endpoint, another way, another model


def _flag(argv: tuple[str, ...], rule: dict[str, Any], code: int) -> Story:
    """An ask that works with the flag that its hint names."""

    def tell(world: World) -> None:
        world.use(rule)
        world.refused(*argv, code=code)
        world.answers(*argv, *shlex.split(world.command))

    return tell


STORIES[("organization: service control policy", "--endpoint us")] = _flag(
    ASK,
    {
        "when": {"model": "global.*"},
        "error": {
            "type": "AccessDeniedException",
            "message": "User: arn:aws:iam::000000000000:user/sandbox is not authorized to perform: "
            f"bedrock:InvokeModel on resource: arn:aws:bedrock:::foundation-model/{SONNET} with "
            "an explicit deny in a service control policy",
        },
    },
    5,
)
_MANTLE = ("ask", "-n", "-m", "haiku-4.5", "--via", "mantle", "Hello")
STORIES[("mantle-account: not available for this account", "--via invoke")] = _flag(
    _MANTLE,
    {
        "when": {"operation": "CreateInference"},
        "error": {
            "type": "AccessDeniedException",
            "message": "claude-haiku-4-5 is not available for this account.",
        },
    },
    5,
)
STORIES[("mantle-id: not_found_error", "--via invoke")] = _flag(
    _MANTLE,
    {
        "when": {"operation": "CreateInference"},
        "error": {"type": "ResourceNotFoundException", "message": "model: claude-haiku-4-5"},
    },
    6,
)


def _other_model(argv: tuple[str, ...], code: int, *rules: dict[str, Any]) -> Story:
    """An ask that works with the first model or id that the named command prints."""

    def tell(world: World) -> None:
        world.use(*rules)
        world.refused(*argv, code=code)
        first = [line.split("\t")[0] for line in world.follow().out.splitlines()]
        assert argv[3] not in first
        world.answers(*argv[:3], first[0], *argv[4:])

    return tell


_OLD = ("ask", "-n", "-m", "opus-4.1", "Hello")


def _no_more(message: str) -> dict[str, Any]:
    error = {"type": "ResourceNotFoundException", "message": message}
    return {"when": {"model": "*opus-4-1*"}, "error": error}


STORIES[("legacy: marked by provider as legacy", ACTIVE)] = _other_model(
    _OLD,
    5,
    _no_more(
        "Access denied. This Model is marked by provider as Legacy and you have not been actively "
        "using the model in the last 15 days. Please upgrade to an active model on Amazon Bedrock"
    ),
)
STORIES[("end-of-life: end of its life", ACTIVE)] = _other_model(
    _OLD,
    6,
    _no_more(
        "This model version has reached the end of its life. Please refer to the AWS documentation "
        "for more details."
    ),
)
# A model that is too new for the catalogue, and not in AWS's lists yet.
_NEW = "anthropic.claude-sonnet-9"
STORIES[("inference-profile: on-demand throughput isn", IDS)] = _other_model(
    ("ask", "-n", "-m", _NEW, "Hello"),
    6,
    {
        "when": {"model": _NEW},
        "error": {
            "type": "ValidationException",
            "message": f"Invocation of model ID {_NEW} with on-demand throughput isn\u2019t "
            "supported. Retry your request with the ID or ARN of an inference profile that "
            "contains this model.",
        },
    },
)
STORIES[("model-id: model identifier is invalid", IDS)] = _other_model(
    ("ask", "-n", "-m", f"us.{_NEW}", "Hello"), 6
)


def _too_long(message: str) -> Story:
    def tell(world: World) -> None:
        error = {"type": "ValidationException", "message": message}
        world.use({"when": {"model": "*sonnet-4-5*"}, "error": error})
        world.refused(*ASK, code=6)
        rows = [line.split("\t") for line in world.follow().out.splitlines()]
        contexts = {row[0]: row[4] for row in rows}
        assert contexts["sonnet-4.5"] == "200k"
        larger = next(alias for alias, size in contexts.items() if size == "1M")
        world.answers(*ASK[:3], larger, *ASK[4:])

    return tell


STORIES[("too-long: prompt is too long", MODELS)] = _too_long(
    "prompt is too long: 210000 tokens > 200000 maximum"
)
STORIES[("too-long: input is too long", MODELS)] = _too_long(
    "Input is too long for requested model."
)


@story(("parameter: extra inputs are not permitted", "bedrock-claude ask --dry-run"))
def parameter(world: World) -> None:
    """What is sent shows what the model does not take."""
    world.use(
        {
            "when": {"body": "some-beta"},
            "error": {
                "type": "ValidationException",
                "message": "anthropic_beta: Extra inputs are not permitted",
            },
        }
    )
    world.refused(*ASK, "--beta", "some-beta", code=6)
    assert "anthropic_beta" in world.follow(*world.asked[1:]).out
    assert "anthropic_beta" not in world.follow(*ASK[1:]).out
    world.answers(*ASK)


# What invocation logging names, and is not there any more


def _logs_gone(configured: tuple[str, ...], remove: Callable[[], Any]) -> Story:
    def tell(world: World) -> None:
        world.use()
        world.run("enable-logging", "--yes", *configured)
        remove()
        world.refused("logs", "search", "Hello", code=6)
        if world.named.command == STATUS:
            status = world.follow()
            assert "missing" in status.out + status.err
            world.run("enable-logging", "--region", REGION, "--yes")
        else:
            world.follow("--yes")
        world.run(*world.asked)

    return tell


def _remove_group() -> None:
    boto3.client("logs", REGION).delete_log_group(logGroupName="/aws/bedrock/modelinvocations")


def _remove_bucket() -> None:
    s3 = boto3.resource("s3", REGION).Bucket("mine-000000000000")
    s3.objects.delete()
    s3.delete()


for _command in (STATUS, ENABLE):
    STORIES[("logs-gone: log group", _command)] = _logs_gone((), _remove_group)
    STORIES[("logs-gone: NoSuchBucket", _command)] = _logs_gone(
        ("--bucket", "mine-000000000000"), _remove_bucket
    )


# Credentials


@story(("wrong-secret: InvalidSignatureException", "aws configure"))
def wrong_secret(world: World) -> None:
    world.use(strict_auth=(KEY_ID, SECRET))
    keys = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = another\n"
    world.with_files("", keys)
    world.refused(*ASK, code=4)
    world.follow()
    world.answers()


@story(("unknown-keys: UnrecognizedClientException", VERIFY))
def unknown_keys(world: World) -> None:
    """It names the variable that overrules the profile."""
    world.use(strict_auth=(KEY_ID, SECRET))
    wrong = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    keys = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    world.with_files("", keys)
    for name, value in wrong.items():
        world.monkeypatch.setenv(name, value)
    world.refused(*ASK, code=4)
    shown = world.follow(code=4)
    assert "access keys in the environment" in shown.out
    for name in wrong:
        world.monkeypatch.delenv(name)
    world.answers()


@story(("broken-signature: IncompleteSignature", VERIFY))
def broken_signature(world: World) -> None:
    """It shows that the endpoint is not AWS's but something between."""
    error = {"type": "IncompleteSignatureException", "status": 400, "message": "not a signature"}
    between = world.use({"error": error})
    url = os.environ["AWS_ENDPOINT_URL"]
    world.monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", between.url)
    world.refused(*ASK, code=4)
    shown = world.follow(code=4)
    assert url in shown.out + shown.err
    world.use()
    world.monkeypatch.delenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    world.answers()


START = "https://corp.example/start"
_ROLE = "sso_account_id = 111122223333\nsso_role_name = Dev\nregion = us-east-1\n"
SESSION = (
    f"[sso-session corp]\nsso_start_url = {START}\nsso_region = us-east-1\n"
    f"[profile dev]\nsso_session = corp\n{_ROLE}"
)
LEGACY = f"[profile dev]\nsso_start_url = {START}\nsso_region = us-east-1\n{_ROLE}"


class Portal(BaseHTTPRequestHandler):
    """AWS's access portal: good keys for who has just logged in, expired or none for others."""

    def do_GET(self) -> None:
        """GetRoleCredentials."""
        token = self.headers["x-amz-sso_bearer_token"]
        expired = "EXPIRED" if token == "half-good" else ""
        keys = {
            "accessKeyId": KEY_ID,
            "secretAccessKey": SECRET,
            "sessionToken": expired,
            "expiration": 4_000_000_000_000,
        }
        refused = token not in ("good", "half-good")
        body = json.dumps({"message": "no"} if refused else {"roleCredentials": keys}).encode()
        self.send_response(401 if refused else 200)
        if refused:
            self.send_header("x-amzn-ErrorType", "UnauthorizedException")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _cache_token(home: Path, name: str, token: str, expires: str = "2099-01-01T00:00:00Z") -> None:
    """What `aws sso login` leaves behind; the AWS CLI that has it is not on PyPI."""
    folder = home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    value = {"startUrl": START, "region": REGION, "accessToken": token, "expiresAt": expires}
    path = folder / f"{hashlib.sha1(name.encode()).hexdigest()}.json"
    path.write_text(json.dumps(value), encoding="utf-8")


def _sign_in_from(world: World) -> None:
    """The access portal, and where botocore looks for its tokens, which it asks HOME once only."""
    world.monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", world.serve(Portal))
    folder = world.home / ".aws" / "sso" / "cache"
    for provider in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
        world.monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(folder))


def _signed_out(
    config: str, token: str | None, expires: str = "2099-01-01T00:00:00Z", *via: str
) -> Story:
    """A profile over SSO whose token is none, too old, or good for expired keys only."""
    name = "corp" if config == SESSION else START

    def tell(world: World) -> None:
        world.use(strict_auth=(KEY_ID, SECRET))
        world.with_files(config)
        _sign_in_from(world)
        if token:
            _cache_token(world.home, name, token, expires)
        model = via or ("sonnet-4.5",)
        world.refused("ask", "-n", "Hello", "--profile", "dev", "-m", *model, code=4)
        assert world.command == "aws sso login --profile dev"
        _cache_token(world.home, name, "good")
        world.answers()

    return tell


_OVER = "2020-01-01T00:00:00Z"
STORIES[("SSOTokenLoadError", LOGIN)] = _signed_out(SESSION, None)
STORIES[("TokenRetrievalError", LOGIN)] = _signed_out(SESSION, "old", _OVER)
STORIES[("UnauthorizedSSOTokenError", LOGIN)] = _signed_out(LEGACY, "old", _OVER)
STORIES[("expired-credentials: ExpiredTokenException", LOGIN)] = _signed_out(SESSION, "half-good")
STORIES[("expired-credentials: security token included in the request is expired", LOGIN)] = (
    _signed_out(SESSION, "half-good", "2099-01-01T00:00:00Z", "haiku-4.5", "--via", "mantle")
)


@story(("NoCredentialsError", "aws configure"))
def no_credentials(world: World) -> None:
    world.use(strict_auth=(KEY_ID, SECRET))
    world.with_files("")
    world.refused(*ASK, code=4)
    world.follow()
    world.answers()


@story(("NoCredentialsError", "--sandbox"))
def no_account(world: World) -> None:
    world.use()
    world.with_files("")
    world.refused(*ASK, code=4)
    world.answers(*ASK, world.command)


@story(("NoCredentialsError", "aws configure sso"))
def a_first_login(world: World) -> None:
    """It asks for the portal and a profile's name, writes the profile and logs in."""
    world.use(strict_auth=(KEY_ID, SECRET))
    world.with_files("")
    world.refused(*ASK, code=4)
    _sign_in_from(world)
    (world.home / ".aws" / "config").write_text(SESSION, encoding="utf-8")
    _cache_token(world.home, "corp", "good")
    world.answers(*ASK, "--profile", "dev")


_CRT = "`aws login` needs botocore[crt], which is not installed here, and somebody at a browser"
_WRAPPED = "botocore makes a CredentialRetrievalError of it; the hint is NoCredentialsError's"
_INDEX = "pip needs a package index; that there is such an extra is tested below"
NOT_TOLD: dict[Key, str] = {
    **{
        ("sandbox-moto: SandboxNeedsMoto", command): _INDEX
        for command in (
            "pip install '.[sandbox]'",
            "pipx install --force '.[sandbox]'",
            "pip install 'bedrock-claude-cli[sandbox]'",
        )
    },
    ("MissingDependencyException", 'pip install "botocore[crt]"'): _INDEX,
    ("MissingDependencyException", "aws login"): _CRT,
    **{
        (name, LOGIN): _CRT
        for name in (
            *("LoginRefreshRequired", "LoginTokenLoadError", "LoginInsufficientPermissions"),
            "LoginError",
        )
    },
    ("SSOError", LOGIN): "no error of its own: what the three that are told derive from",
    ("NoAuthTokenError", LOGIN): "of services that take nothing but tokens; Bedrock is none",
    **{
        ("MetadataRetrievalError", command): _WRAPPED
        for command in ("aws configure", "aws configure sso", "--sandbox")
    },
    ("ProfileNotFound", "aws configure list-profiles"): (
        "no command meets it: a profile that is not there is said to be, with those that are, "
        "before botocore looks for it (test_aws.py); it is for what `why` is given"
    ),
}


def test_the_extras_that_hints_install_are_there() -> None:
    extras = (ROOT / "pyproject.toml").read_text("utf-8").split("optional-dependencies]")[1]
    assert re.search(r'^sandbox = \["moto', extras, re.M)
    assert "crt" in metadata.metadata("botocore").get_all("Provides-Extra", [])


def test_keys_with_a_session_token_are_not_renewed_by_configure(
    run: Run, use: Callable[..., Sandbox], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aws configure` leaves the token in the file, so that the hint names the portal."""
    use(strict_auth=(KEY_ID, SECRET))
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "keys"))
    keys = f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    (home / "keys").write_text(f"{keys}aws_session_token = EXPIRED\n", encoding="utf-8")
    told = run(*ASK, code=4).err
    assert "hint: renew the credentials: copy new keys from your AWS access portal" in told
    assert told.endswith("into profile default\n")
    assert "aws configure" not in told
    (home / "keys").write_text(keys, encoding="utf-8")
    assert run(*ASK).out


def test_every_command_of_every_hint_has_its_story_or_a_reason() -> None:
    named = {(each.row, each.command) for each in NAMED}
    assert named == STORIES.keys() | NOT_TOLD.keys()
    assert not STORIES.keys() & NOT_TOLD.keys()


@pytest.mark.parametrize(
    "named",
    [each for each in NAMED if (each.row, each.command) not in NOT_TOLD],
    ids=lambda named: f"{named.row} - {named.command}",
)
def test_the_command_of_a_hint_mends_it(
    named: Named,
    run: Run,
    use: Callable[..., Sandbox],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[[type[BaseHTTPRequestHandler]], str],
) -> None:
    tell = STORIES.get((named.row, named.command))
    assert tell, "a command in a hint without a story"
    tell(World(named, run, use, home, monkeypatch, serve))
