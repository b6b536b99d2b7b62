"""The session factory: the only maker of AWS sessions and service clients.

Profile, region, endpoint, auth mode and timeouts are resolved once, here. The session is botocore's
own, the one that boto3 wraps: its clients are boto3's clients, and `import boto3` would add its
resource layer to the start of every command for nothing.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bedrock_claude_cli import __version__
from bedrock_claude_cli.config import FALLBACK_REGION, Setting, Settings, did_you_mean, expanded
from bedrock_claude_cli.errors import AuthError, ConfigError

if TYPE_CHECKING:
    from datetime import datetime

SERVICES = ("bedrock", "bedrock-runtime", "iam", "kms", "logs", "s3", "sso", "sso-oidc", "sts")
BEARER = "AWS_BEARER_TOKEN_BEDROCK"
CONNECT_TIMEOUT = 10
# What a whole answer may take without a byte, where it cannot be streamed:
# repost.aws/knowledge-center/bedrock-large-model-read-timeouts
UNSTREAMED_TIMEOUT = 3600

_OVERRIDING = ("--profile", "BEDROCK_CLAUDE_PROFILE")
# Every DNS suffix in botocore's partitions.json.
_AWS_HOSTS = (
    ".amazonaws.com", ".api.aws", ".amazonaws.com.cn", ".api.amazonwebservices.com.cn",
    ".amazonaws.eu", ".api.amazonwebservices.eu", ".c2s.ic.gov", ".api.aws.ic.gov",
    ".sc2s.sgov.gov", ".api.aws.scloud", ".cloud.adc-e.uk", ".api.cloud-aws.adc-e.uk",
    ".csp.hci.ic.gov", ".api.aws.hci.ic.gov",
)  # fmt: skip


class Keys(NamedTuple):
    """What signs requests, without any secret.

    `method` is botocore's name of the source, `access_key_id` is masked. Temporary keys without
    `expires_at` have an end that nobody tells.
    """

    method: str
    access_key_id: str
    temporary: bool
    expires_at: datetime | None


class Aws:
    """One identity in one region: a session, and the clients that are made from it."""

    def __init__(self, settings: Settings, environ: MutableMapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        self._clients: list[Any] = []
        self.unlisted: dict[str, str] = {}
        # Both SDKs count an empty variable as set: an empty API key would be sent as "Bearer ".
        for name in [name for name in environ if name.startswith("AWS_") and not environ[name]]:
            del environ[name]

    @property
    def profile(self) -> Setting:
        """The AWS profile and who named it."""
        return self.settings.profile

    @cached_property
    def region(self) -> Setting:
        """The region and who named it, asking the AWS profile and then us-east-1."""
        named = self.settings.region
        if named.value:
            return named
        own = self._bare_session.get_scoped_config().get("region")
        if own:
            profile = self._bare_session.profile or "default"
            return Setting(str(own), f"AWS profile {profile}", named.overruled)
        return Setting(FALLBACK_REGION, "default", named.overruled)

    def check_region(self, name: str | None = None) -> None:
        """ConfigError for a region that no partition has and whose name fits none of them.

        One that fits may be newer than this botocore; `unlisted` has words for its silence.
        """
        region = str(name or self.region.value)
        # botocore reads the same file for every client, and keeps what it read.
        loader = self._bare_session.get_component("data_loader")
        partitions = loader.load_data("partitions")["partitions"]
        listed = {
            each
            for partition in partitions
            for each in partition["regions"]
            if not each.endswith("-global")
        }
        if region in listed:
            return
        source = self.region.source if region == self.region.value else "--region"
        guess = did_you_mean(region.lower(), sorted(listed))
        if not any(re.fullmatch(partition["regionRegex"], region) for partition in partitions):
            raise ConfigError(
                f"no AWS region is called `{region}` (from {source}){guess}",
                hint="a region is written like `us-east-1`; one that is very new may take "
                "`pip install --upgrade boto3`",
            )
        self.unlisted[region] = f"no region {region} (from {source}) is known here{guess}"

    def required_region(self) -> str:
        """The region for what changes an account: somebody must have named it."""
        if self.region.source == "default":
            raise ConfigError("no region", hint="give --region, or set AWS_REGION")
        return str(self.region.value)

    @property
    def api_key(self) -> bool:
        """Whether Bedrock is called with the API key in AWS_BEARER_TOKEN_BEDROCK."""
        return bool(self.environ.get(BEARER)) and self.profile.source != "--profile"

    @property
    def environment_keys(self) -> bool:
        """Whether access keys in the environment overrule the profile."""
        has_keys = bool(
            self.environ.get("AWS_ACCESS_KEY_ID") and self.environ.get("AWS_SECRET_ACCESS_KEY")
        )
        return has_keys and self.profile.source not in _OVERRIDING

    def used(self) -> str:
        """Which region and identity are used, and where each came from, in one line."""
        region = self.region if "region" in self.__dict__ else self.settings.region
        parts = [f"region {region.value} from {region.source}"] if region.value else []
        if self.api_key:
            parts.append(f"API key from {BEARER}")
        elif self.environment_keys:
            parts.append("keys from AWS_ACCESS_KEY_ID")
        elif self.profile.value:
            parts.append(f"profile {self.profile.value} from {self.profile.source}")
        else:
            parts.append("no profile named")
        return ", ".join(parts)

    def notes(self) -> Iterator[str]:
        """What a user would not expect about the identity and the region."""
        if self.region.source == "default":
            yield f"no region is set, using {FALLBACK_REGION}; --region or AWS_REGION sets one"
        if self.profile.value and self.api_key:
            yield (
                f"the Bedrock API key in {BEARER} is used, not profile {self.profile.value} "
                f"(from {self.profile.source}); --profile would use the profile"
            )
        elif self.profile.value and self.environment_keys:
            yield (
                f"the keys in AWS_ACCESS_KEY_ID are used, not profile {self.profile.value} "
                f"(from {self.profile.source}); --profile would use the profile"
            )

    def login(self) -> str:
        """The command that renews the credentials, as a hint names it."""
        from shlex import quote

        name, config = self._signing_in()
        tail = f" --profile {quote(name)}" if name else ""
        if "sso_session" in config or "sso_start_url" in config:
            return f"`aws sso login{tail}`"
        if "login_session" in config:
            return f"`aws login{tail}`"
        if self.api_key:
            return f"make a new Bedrock API key and set {BEARER}"
        if self.environment_keys:
            return "copy new keys from your AWS access portal into the environment"
        if "aws_session_token" in config:  # which `aws configure` would leave as it is
            return f"copy new keys from your AWS access portal into profile {name or 'default'}"
        return f"`aws sso login{tail}` or `aws configure{tail}`"

    def _signing_in(self) -> tuple[str | None, dict[str, Any]]:
        """The profile that somebody has to sign in to: the last of a chain of source profiles."""
        name: str | None = self.profile.value
        if self.environment_keys:
            return name, {}
        config = self._bare_session.get_scoped_config()
        profiles = self._bare_session.full_config.get("profiles", {})
        visited = [name]
        while config.get("source_profile") in profiles and config["source_profile"] not in visited:
            name = config["source_profile"]
            config = profiles[name]
            visited.append(name)
        return name, config

    def keys(self) -> Keys:
        """Fetch the credentials that sign requests, and describe them; errors are botocore's."""
        with quick_imports():
            from botocore.exceptions import NoCredentialsError

            credentials = self.session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        frozen = credentials.get_frozen_credentials()
        key = str(frozen.access_key)
        masked = f"{key[:4]}****{key[-4:]}" if len(key) >= 16 else "****"
        # botocore has no public name for it.
        expires_at: datetime | None = getattr(credentials, "_expiry_time", None)
        return Keys(credentials.method, masked, bool(frozen.token), expires_at)

    def web_identity(self) -> tuple[str, str] | None:
        """The token's file and the role, where a web identity is what signs in."""
        if self.environment_keys:
            return None
        config = dict(self._bare_session.get_scoped_config())
        if self.profile.source not in _OVERRIDING:
            for key, variable in (
                ("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE"),
                ("role_arn", "AWS_ROLE_ARN"),
            ):
                config[key] = self.environ.get(variable) or config.get(key)
        file, role = config.get("web_identity_token_file"), config.get("role_arn")
        return (str(file), str(role)) if file and role else None

    def endpoint_urls(self, services: Iterable[str]) -> dict[str, str | None]:
        """What AWS_ENDPOINT_URL* or the profile sets for each service; None is AWS's default."""
        with quick_imports():
            from botocore.configprovider import ConfiguredEndpointProvider

        session = self._bare_session
        if session.get_config_variable("ignore_configured_endpoint_urls"):
            return dict.fromkeys(services)
        config, scoped = session.full_config, session.get_scoped_config()
        return {
            service: ConfiguredEndpointProvider(config, scoped, service, self.environ).provide()
            for service in services
        }

    @staticmethod
    def is_aws(url: str) -> bool:
        """Whether a URL leads to AWS, a VPC endpoint included."""
        from urllib.parse import urlsplit

        return (urlsplit(url).hostname or "").endswith(_AWS_HOSTS)

    @cached_property
    def _bare_session(self) -> Any:
        with quick_imports():
            import botocore.session
            from botocore.configprovider import ConstantProvider

            session = botocore.session.Session()
        name, source = self.profile.value, self.profile.source
        if name and source in _OVERRIDING:
            session.set_config_variable("profile", name)
        elif name and not self._needless(name, session.available_profiles):
            # An instance variable would switch environment keys off; this does not.
            store = session.get_component("config_store")
            store.set_config_provider("profile", ConstantProvider(name))
        else:
            name = None
        if name and name not in session.available_profiles:
            from shlex import quote

            known = session.available_profiles
            raise ConfigError(
                f"no AWS profile `{name}` (from {source}){did_you_mean(name, known)}",
                hint=f"profiles: {', '.join(known)}"
                if known
                else f"`aws configure --profile {quote(name)}`",
            )
        session.register_component("data_loader", _loader(session))
        return session

    def _needless(self, name: str, known: Iterable[str]) -> bool:
        """Whether a profile that this machine lacks was only named in the config file.

        Where keys in the environment count before it, as inside the sandbox or in CI, nothing is
        missing then. AWS_PROFILE is botocore's own, which refuses to do without.
        """
        own = self.profile.source in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        return not own and name not in known and (self.environment_keys or self.api_key)

    @cached_property
    def session(self) -> Any:
        """The botocore session with its region and credential chain set."""
        from botocore.configprovider import ConstantProvider
        from botocore.credentials import create_credential_resolver

        self._refuse_broken_keys()
        session = self._bare_session
        region = self.region.value
        session.get_component("config_store").set_config_provider(
            "region", ConstantProvider(region)
        )
        bundle = session.get_config_variable("ca_bundle")
        if bundle and not Path(bundle).exists():
            raise ConfigError(
                f"{bundle}: no such certificate bundle",
                hint="AWS_CA_BUNDLE, or ca_bundle in the AWS profile, names it",
            )
        custom = any(self.endpoint_urls(("sts", "sso")).values())
        session.register_component(
            "credential_provider",
            create_credential_resolver(session, None if custom else _cli_cache(), region),
        )
        return session

    def _refuse_broken_keys(self) -> None:
        """Keys that no header can carry would end up, in clear, in the HTTP client's error."""
        used = [BEARER] if self.api_key else []
        if self.environment_keys:
            used += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        for name in used:
            if not all("!" <= letter <= "~" for letter in self.environ.get(name, "")):
                raise AuthError(
                    f"{name} holds a space, a line break or another character that no key has",
                    hint="set it anew, from a source without a final line break",
                )

    def client(
        self, service: str, *, region: str | None = None, read_timeout: float | None = None
    ) -> Any:
        """A client of `service`; `bedrock-runtime` never retries, the others as botocore does.

        `read_timeout` is in seconds without a byte, by default the `timeout` option.
        """
        self.check_region(region)
        with quick_imports():
            from botocore.config import Config

            settings: dict[str, Any] = {
                "user_agent_extra": f"bedrock-claude/{__version__}",
                "connect_timeout": CONNECT_TIMEOUT,
                "tcp_keepalive": True,
            }
            if service == "bedrock-runtime":
                settings["read_timeout"] = read_timeout or self.settings.options.timeout
                settings["retries"] = {"total_max_attempts": 1, "mode": "standard"}
                settings["max_pool_connections"] = 256
            if service.startswith("bedrock") and self.environ.get(BEARER) and not self.api_key:
                settings["signature_version"] = "v4"
            client = self.session.create_client(
                service,
                region_name=region or self.region.value,
                config=Config(**settings),
            )
        self._clients.append(client)
        return client

    def closes(self, client: Any) -> None:
        """Take a client that was made elsewhere into what `close` closes."""
        self._clients.append(client)

    def close(self) -> None:
        """Close every connection of the clients that were made."""
        for client in self._clients:
            client.close()


def _loader(session: Any) -> Any:
    """botocore's loader, which need not look through 400 folders to know that a service exists."""
    from botocore.loaders import Loader, create_loader

    class QuickLoader(Loader):  # type: ignore[misc]  # botocore ships no types
        def list_available_services(self, type_name: str) -> list[str]:
            return list(SERVICES)

    found = create_loader(session.get_config_variable("data_path"))
    return QuickLoader(extra_search_paths=found.search_paths)


def _cli_cache() -> Any:
    """The AWS CLI's cache of role sessions (files of mode 0600), or None without a home folder.

    Without it every command would ask STS or SSO, and for the MFA code, again. A session is kept
    under its role, session name, external id and MFA device. What a custom endpoint issued must
    not get there, where the AWS CLI would take it for AWS's.
    """
    from botocore.utils import JSONFileCache

    class Cache(JSONFileCache):  # type: ignore[misc]  # botocore ships no types
        def __setitem__(self, key: str, value: Any) -> None:
            with suppress(OSError):  # a full or read-only disk costs the next command a request
                super().__setitem__(key, value)

    home = expanded("~")
    return Cache(str(home / ".aws" / "cli" / "cache")) if home.is_absolute() else None


@contextmanager
def quick_imports() -> Iterator[None]:
    """No garbage collection while modules load, and none of what they left behind.

    That is a fifth of a cold start: a collection just after would walk all that was loaded.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.freeze()
            gc.enable()
