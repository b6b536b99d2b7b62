"""TLS that fails before and after the request was sent: only the first cannot have been billed."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bedrock_claude_cli.bedrock.prompt import VIAS
from bedrock_claude_cli.sandbox import Sandbox
from tests.conftest import Run

Certificate = tuple[str, str]


@contextmanager
def _reads_then_breaks(certificate: Certificate, answer: bytes) -> Iterator[tuple[int, list[int]]]:
    """A TLS server that reads each whole request and then speaks plain bytes; port and sizes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    sizes: list[int] = []

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            # The socket beneath stays usable, for bytes that are no TLS record.
            beneath = socket.socket(fileno=socket.dup(plain.fileno()))
            with context.wrap_socket(plain, server_side=True) as secure:
                read = b""
                while b"\r\n\r\n" not in read:
                    read += secure.recv(65536)
                head, _, body = read.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += secure.recv(65536)
                sizes.append(len(body))
                beneath.sendall(answer)
                beneath.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], sizes
    listener.close()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENDPOINTEXAMPLEX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-secret")


@pytest.mark.parametrize("via", VIAS)
def test_a_request_that_had_arrived_is_not_sent_again(
    via: str, run: Run, keys: None, certificate: Certificate
) -> None:
    with _reads_then_breaks(certificate, b"HTTP/1.1 400 plain bytes, no TLS") as (port, sizes):
        env = {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}", "AWS_CA_BUNDLE": certificate[0]}
        asked = ["ask", "-n", "-q", "--json", "hi", "-m", "haiku-4.5", "--via", via]
        result = run(*asked, env=env, code=7)
    assert len(sizes) == 1
    assert json.loads(result.err)["error"]["retry"] == "maybe-billed"


def test_a_certificate_that_is_not_trusted_is_told_at_once(
    run: Run, keys: None, certificate: Certificate, sandbox_with: Callable[..., Sandbox]
) -> None:
    server = sandbox_with(tls=certificate)
    result = run("ask", "-n", "hi", env={"AWS_ENDPOINT_URL": server.url}, code=7)
    assert "CERTIFICATE_VERIFY_FAILED" in result.err
    assert "AWS_CA_BUNDLE" in result.err
    assert "trying again" not in result.err
    assert server.requests == []
