"""The environment in which every AWS client reaches the sandbox and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping

ACCESS_KEY_ID = "AKIASANDBOXEXAMPLEXX"
SECRET_ACCESS_KEY = "sandbox-dummy-secret-not-a-real-key"
REGION = "us-east-1"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def environment(url: str, environ: Mapping[str, str], *, ca: str | None = None) -> dict[str, str]:
    """The whole environment for a child process whose AWS calls shall go to `url`.

    Every other AWS_*, ANTHROPIC_* and BEDROCK_CLAUDE_* variable is left out, so that neither
    the user's identity nor a real endpoint remains. `ca` is the certificate that clients of a
    TLS sandbox have to trust.
    """
    ours = ("AWS_", "ANTHROPIC_", "BEDROCK_CLAUDE_")
    result = {name: value for name, value in environ.items() if not name.startswith(ours)}
    old = environ.get("no_proxy") or environ.get("NO_PROXY")
    no_proxy = ",".join([*LOOPBACK, *([old] if old else [])])
    result |= {
        "AWS_ENDPOINT_URL": url,
        "ANTHROPIC_BEDROCK_BASE_URL": url,
        "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": f"{url}/anthropic",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
    if ca:
        result |= {"AWS_CA_BUNDLE": ca, "SSL_CERT_FILE": ca, "NODE_EXTRA_CA_CERTS": ca}
    return result
