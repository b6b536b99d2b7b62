"""The session factory: the only maker of AWS sessions and service clients.

Profile, region, endpoint, auth mode and timeouts are resolved once, here. The session is botocore's
own, the one that boto3 wraps: its clients are boto3's clients, and `import boto3` would add its
resource layer to the start of every command for nothing.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from bedrock_claude_cli import __version__
from bedrock_claude_cli.config import FALLBACK_REGION, Setting, Settings
from bedrock_claude_cli.errors import ConfigError

SERVICES = ("bedrock", "bedrock-runtime", "iam", "kms", "logs", "s3", "sso", "sso-oidc", "sts")
BEARER = "AWS_BEARER_TOKEN_BEDROCK"
CONNECT_TIMEOUT = 10
# What a whole answer may take without a byte, where it cannot be streamed:
# repost.aws/knowledge-center/bedrock-large-model-read-timeouts
UNSTREAMED_TIMEOUT = 3600

_OVERRIDING = ("--profile", "BEDROCK_CLAUDE_PROFILE")


class Aws:
    """One identity in one region: a session, and the clients that are made from it."""

    def __init__(self, settings: Settings, environ: MutableMapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
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
        name = self.profile.value
        tail = f" --profile {name}" if name else ""
        config = {} if self.environment_keys else self._bare_session.get_scoped_config()
        if "sso_session" in config or "sso_start_url" in config:
            return f"`aws sso login{tail}`"
        if "login_session" in config:
            return f"`aws login{tail}`"
        if self.api_key:
            return f"make a new Bedrock API key and set {BEARER}"
        if self.environment_keys:
            return "copy new keys from your AWS access portal into the environment"
        return f"`aws sso login{tail}` or `aws configure{tail}`"

    @cached_property
    def _bare_session(self) -> Any:
        with quick_imports():
            import botocore.session
            from botocore.configprovider import ConstantProvider

            session = botocore.session.Session()
            session.register_component("data_loader", _loader(session))
        name, source = self.profile.value, self.profile.source
        if name and source in _OVERRIDING:
            session.set_config_variable("profile", name)
        elif name:
            # An instance variable would switch environment keys off; this does not.
            store = session.get_component("config_store")
            store.set_config_provider("profile", ConstantProvider(name))
        return session

    @cached_property
    def session(self) -> Any:
        """The botocore session with its region and credential chain set."""
        from botocore.configprovider import ConstantProvider
        from botocore.credentials import create_credential_resolver
        from botocore.utils import JSONFileCache

        session = self._bare_session
        region = self.region.value
        session.get_component("config_store").set_config_provider(
            "region", ConstantProvider(region)
        )
        # The AWS CLI's own cache: without it every command would ask STS or SSO (and for the MFA
        # code) again.
        folder = Path.home() / ".aws" / "cli" / "cache"
        cache = JSONFileCache(str(folder)) if _writable(folder) else None
        session.register_component(
            "credential_provider", create_credential_resolver(session, cache, region)
        )
        return session

    def client(
        self, service: str, *, region: str | None = None, read_timeout: float | None = None
    ) -> Any:
        """A client of `service`; `bedrock-runtime` never retries, the others as botocore does.

        `read_timeout` is in seconds without a byte, by default the `timeout` option.
        """
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
            return self.session.create_client(
                service,
                region_name=region or self.region.value,
                config=Config(**settings),
            )


def _loader(session: Any) -> Any:
    """botocore's loader, which need not look through 400 folders to know that a service exists."""
    from botocore.loaders import Loader, create_loader

    class QuickLoader(Loader):  # type: ignore[misc]  # botocore ships no types
        def list_available_services(self, type_name: str) -> list[str]:
            return list(SERVICES)

    found = create_loader(session.get_config_variable("data_path"))
    return QuickLoader(extra_search_paths=found.search_paths)


def _writable(folder: Path) -> bool:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return os.access(existing, os.W_OK)


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
