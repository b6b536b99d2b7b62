"""The front door for tests: `run("ask", ...)` calls main(argv) against the shipped sandbox."""

from __future__ import annotations

import gc
import io
import itertools
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from bedrock_claude_cli.main import main
from bedrock_claude_cli.sandbox import Sandbox, environment

# A busy machine is no fault of what is tested.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# As a terminal leaves them, for the processes that tests begin: a shell that runs the tests in the
# background has them ignore Ctrl-C, and nohup that the terminal hangs up.
for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(
            _number,
            signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL,
        )

# genai-prices, which the catalogue is built with, asks for Python 3.11.
collect_ignore = ["bedrock/test_catalog_build.py"] if sys.version_info < (3, 11) else []


@dataclass
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str


class Pipe(io.StringIO):
    """A text stream that can say it is a terminal, and has bytes beneath for reading."""

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


Run = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def models_once() -> Iterator[None]:
    """Each session of botocore parses its files anew, and thousands of them leave garbage."""
    from botocore.loaders import JSONFileLoader

    read, parsed = JSONFileLoader._load_file, {}

    def load(loader: JSONFileLoader, path: str, opener: Any) -> Any:
        if path not in parsed:
            parsed[path] = read(loader, path, opener)
        return parsed[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "_load_file", load)
        yield


@pytest.fixture(scope="session")
def turn() -> Iterator[int]:
    """Counts the tests of this process."""
    return itertools.count()


@pytest.fixture(autouse=True)
def no_garbage(turn: Iterator[int]) -> None:
    """A command freezes what it loaded; thousands in one process would keep all their garbage."""
    if next(turn) % 50 == 0:
        gc.unfreeze()
        gc.collect()


@pytest.fixture(autouse=True)
def clean_world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No AWS settings, an empty HOME, no instance metadata, and no socket off loopback."""
    if request.node.get_closest_marker("online"):
        return
    ours = ("AWS_", "BEDROCK_CLAUDE_", "ANTHROPIC_", "XDG_", "_BEDROCK_CLAUDE_")
    for name in list(os.environ):
        if name.startswith(ours) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if host is not None and not (host.startswith("127.") or host in ("::1", "localhost")):
            raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)


@pytest.fixture
def home() -> Path:
    """The empty home folder of this test."""
    return Path(os.environ["HOME"])


@pytest.fixture
def sandbox_with() -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes, with rules if given, that end with the test."""
    running: list[Sandbox] = []

    def start(*rules: dict[str, Any], **settings: Any) -> Sandbox:
        running.append(Sandbox(rules=rules, **settings).start())
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def use(
    sandbox_with: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sandbox]:
    """Starts a sandbox and points this process's environment at it, as at a custom endpoint."""

    def start(*rules: dict[str, Any], **settings: Any) -> Sandbox:
        server = sandbox_with(*rules, **settings)
        for name, value in environment(server.url, {}).items():
            if name not in ("NO_PROXY", "no_proxy"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENDPOINTSAMPLEXX")
        return server

    return start


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], str]]:
    """Serves a handler on loopback; gives its URL."""
    servers = []

    def start(handler: type[BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Paths of a certificate for 127.0.0.1, its own authority, and of its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(certificate), str(private)


@pytest.fixture
def web_page() -> Iterator[Callable[[int, str], str]]:
    """Starts web servers that give every request one page, as a proxy or a portal does."""
    running: list[ThreadingHTTPServer] = []

    def start(status: int, page: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page.encode())

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None: ...

        running.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{running[-1].server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line through main; another exit code than `code` fails the test."""

    def call(
        *argv: str,
        code: int = 0,
        stdin: str | bytes | None = None,
        terminal: bool = False,
        env: dict[str, str] | None = None,
    ) -> Result:
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        out, err = Pipe(terminal), Pipe(terminal)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with _stdin(stdin) as source:
                patch.setattr(sys, "stdin", source)
                found = main(list(argv))
        result = Result(found, out.getvalue(), err.getvalue())
        assert found == code, f"exit {found}, not {code}\n{result.out}\n{result.err}"
        return result

    return call


@contextmanager
def _stdin(content: str | bytes | None) -> Iterator[io.TextIOWrapper]:
    """A real file to read from, what a shell's `<` gives; empty without content."""
    data = content.encode() if isinstance(content, str) else content or b""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield io.TextIOWrapper(file, encoding="utf-8")
