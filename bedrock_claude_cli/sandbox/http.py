"""HTTP over loopback: what arrives becomes a Request, what the sandbox says goes out."""

from __future__ import annotations

import datetime
import json
import socketserver
import ssl
import struct
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from bedrock_claude_cli.sandbox import mantle, stream
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply, error_reply

NO_HTTP2 = b"the sandbox speaks HTTP/1.1 only: give the client a requestHandler for it"


class App(Protocol):
    """What the server needs of the sandbox."""

    requests: list[dict[str, Any]]

    def answer(self, request: Request) -> tuple[Reply, dict[str, Any]]: ...

    def pause(self, seconds: float) -> None: ...


class Server(ThreadingHTTPServer):
    """One thread per connection; a TLS handshake happens in that thread, too."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App, context: ssl.SSLContext | None) -> None:
        self.app = app
        super().__init__(address, Handler)
        if context:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away or refuses the certificate is no fault of the sandbox."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    raw_requestline: bytes

    def version_string(self) -> str:
        """The Server header, which no AWS service sends."""
        return "bedrock-claude-sandbox"

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in Sandbox.requests, not printed."""

    def parse_request(self) -> bool:
        """Refuse HTTP/2 in its own words, for clients that begin with it."""
        if not self.raw_requestline.startswith(b"PRI * HTTP/2.0"):
            return super().parse_request()
        settings = b"\0\0\0\4\0\0\0\0\0"
        goaway = struct.pack("!II", 0, 0xD) + NO_HTTP2  # 0xd is HTTP_1_1_REQUIRED
        head = len(goaway).to_bytes(3, "big") + b"\7\0\0\0\0\0"
        self.wfile.write(settings + head + goaway)
        self.close_connection = True
        return False

    def _handle(self) -> None:
        body = self._body()
        path, _, query = self.path.partition("?")
        if path.startswith("/_sandbox/"):
            self._about(path)
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        request = Request(self.command, path, query, headers, body, str(uuid.uuid4()), now)
        record = request.record()
        self.server.app.requests.append(record)
        script: dict[str, Any] = {}
        try:
            reply, script = self.server.app.answer(request)
            if reply.frames is None:
                reply = stream.whole(reply, script)
        except AwsError as error:
            reply = (
                mantle.error_reply(error, request.request_id)
                if request.mantled
                else error_reply(error, request.service, request.request_id)
            )
        record["status"] = reply.status
        self._send(reply, request.request_id, script)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _about(self, path: str) -> None:
        if path == "/_sandbox/requests":
            rows = list(self.server.app.requests)
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            reply = Reply(lines.encode(), content_type="application/jsonl")
        elif path == "/_sandbox/health":
            reply = Reply(b'{"sandbox": true}\n')
        else:
            reply = Reply(b'{"message": "the sandbox has no such page"}\n', 404)
        self._send(reply, "sandbox", {})

    def _send(self, reply: Reply, request_id: str, script: dict[str, Any]) -> None:
        kind, after = stream.fault(script)
        if kind == "reset_after" and (after == 0 or reply.frames is None):
            self._reset()
            return
        headers = {
            "Content-Type": reply.content_type,
            **({} if "request-id" in reply.headers else {"x-amzn-RequestId": request_id}),
            **reply.headers,
        }
        chunked = reply.frames is not None and kind != "cut_after"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif reply.frames is None:
            headers.setdefault("Content-Length", str(len(reply.body)))
        if kind == "cut_after":
            headers["Connection"] = "close"
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.frames is not None:
            self._stream(reply, script, chunked=chunked)
        elif self.command != "HEAD":
            cut = kind == "cut_after"
            self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)

    def _stream(self, reply: Reply, script: dict[str, Any], *, chunked: bool) -> None:
        try:
            for data in stream.scripted(reply, script, self.server.app.pause):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        except stream.Cut:
            self.close_connection = True
        except stream.Reset:
            self._reset()
            return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _reset(self) -> None:
        self.close_connection = True
        stream.reset(self.connection)
