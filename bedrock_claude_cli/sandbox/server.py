"""The HTTP server: one loopback port that answers every service."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import struct
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bedrock_claude_cli.sandbox import runtime
from bedrock_claude_cli.sandbox.control import Control
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.sts import Sts
from bedrock_claude_cli.sandbox.wire import AwsError, Reply, error_reply

HOST = "127.0.0.1"


class Sandbox:
    """A local endpoint that speaks AWS's wire; use it as a context manager."""

    def __init__(
        self,
        *,
        rules: Sequence[Mapping[str, object]] = (),
        port: int = 0,
        strict_version: bool = False,
        strict_auth: tuple[str, str] | None = None,
        tls: tuple[str, str] | None = None,
    ) -> None:
        self.strict_version = strict_version
        self.strict_auth = strict_auth
        self.requests: list[dict[str, object]] = []
        self.sts = Sts()
        self.control = Control()
        self.stopping = threading.Event()
        self._port = port
        self._tls = tls
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the running sandbox listens."""
        if self._server is None:
            raise RuntimeError("the sandbox is not started")
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{HOST}:{self._server.server_address[1]}"

    def start(self) -> Sandbox:
        """Listen and answer in a background thread; raises OSError when the port is taken."""
        self._server = _Server((HOST, self._port), _Handler)
        self._server.sandbox = self
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        assert self._server is not None
        while not self.stopping.is_set():
            self._server.handle_request()

    def stop(self) -> None:
        """Stop listening; streams that are under way end at their next pause."""
        if self._server is None or self._thread is None:
            return
        self.stopping.set()
        # A connection of our own wakes the thread at once, where polling would cost time.
        socket.create_connection(self._server.server_address[:2]).close()
        self._thread.join()
        self._server.server_close()
        self._server = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def answer(self, request: Request) -> Reply:
        """What AWS would answer."""
        if request.service == "sts":
            return self.sts.answer(request)
        if not request.operation:
            raise AwsError("UnknownOperationException", f"no such operation: {request.path}")
        if request.path.startswith("/model/"):
            body = runtime.validate(request, strict_version=self.strict_version)
            return runtime.answer(request, body, {})
        return self.control.answer(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    timeout = None
    sandbox: Sandbox

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no event worth a traceback on stderr."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "bedrock-claude-sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in Sandbox.requests, not printed."""

    def _handle(self) -> None:
        sandbox = self.server.sandbox
        body = self._body()
        path, _, query = self.path.partition("?")
        if path.startswith("/_sandbox/"):
            self._meta(path)
            return
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers, body, str(uuid.uuid4()), now)
        sandbox.requests.append(request.record())
        try:
            reply = sandbox.answer(request)
        except AwsError as error:
            reply = error_reply(error, request.service, request.request_id)
        self._send(reply, request.request_id)

    do_GET = do_POST = do_PUT = do_DELETE = _handle

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _meta(self, path: str) -> None:
        if path == "/_sandbox/requests":
            lines = "".join(json.dumps(row) + "\n" for row in self.server.sandbox.requests)
            self._send(Reply(lines.encode(), content_type="application/jsonl"), "sandbox")
        elif path == "/_sandbox/health":
            self._send(Reply(b'{"sandbox": true}\n'), "sandbox")
        else:
            self._send(Reply(b'{"message": "no such page"}\n', 404), "sandbox")

    def _send(self, reply: Reply, request_id: str) -> None:
        self.send_response(reply.status)
        headers = {
            "Content-Type": reply.content_type,
            "x-amzn-RequestId": request_id,
            **reply.headers,
        }
        if reply.frames is None:
            headers["Content-Length"] = str(len(reply.body))
        else:
            headers["Transfer-Encoding"] = "chunked"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.frames is None:
            self.wfile.write(reply.body)
        else:
            self._stream(frame.data for frame in reply.frames)

    def _stream(self, chunks: Iterable[bytes]) -> None:
        for data in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
