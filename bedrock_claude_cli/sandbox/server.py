"""The sandbox itself: one loopback port that answers every service as AWS does."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bedrock_claude_cli.sandbox import auth, control, mantle, runtime, services
from bedrock_claude_cli.sandbox.access import Access
from bedrock_claude_cli.sandbox.backend import Backend
from bedrock_claude_cli.sandbox.caching import Cache
from bedrock_claude_cli.sandbox.cloudwatch import CloudWatch
from bedrock_claude_cli.sandbox.http import Server
from bedrock_claude_cli.sandbox.invocation_logging import InvocationLogging
from bedrock_claude_cli.sandbox.request import INFERENCE, OWN_OPERATIONS, Request
from bedrock_claude_cli.sandbox.rules import Rules, denial, rule_error
from bedrock_claude_cli.sandbox.sts import Sts
from bedrock_claude_cli.sandbox.wire import AwsError, Reply

if TYPE_CHECKING:
    from bedrock_claude_cli.sandbox.jobs import Jobs

HOST = "127.0.0.1"


class Sandbox:
    """A local endpoint that speaks AWS's wire; a context manager.

    `rules` are plain data (RuleError names all that is wrong with them); port 0 takes a free one;
    `strict_version` refuses dates as anthropic_version for models with a version in their id;
    `strict_auth` is the one pair of access key id and secret (which is also the one API key) that
    is let in; `tls` are the paths of a certificate and its key.
    """

    def __init__(
        self,
        *,
        rules: Sequence[Mapping[str, Any]] = (),
        port: int = 0,
        strict_version: bool = False,
        strict_auth: tuple[str, str] | None = None,
        tls: tuple[str, str] | None = None,
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        self._rules = Rules(rules)
        self._given = list(rules)
        self._strict_version = strict_version
        self._strict_auth = strict_auth
        self._tls = tls
        self._port = port
        self._empty()
        self._stopping = threading.Event()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def _empty(self) -> None:
        self._sts = Sts()
        self._access = Access(self._given)
        self._cache = Cache()
        self._backend = Backend()
        self._cloudwatch = CloudWatch(self._backend)
        self._logging = InvocationLogging(self._backend)
        self._jobs: Jobs | None = None

    @property
    def url(self) -> str:
        """Where the running sandbox listens."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{HOST}:{self._server.server_address[1]}"

    def start(self) -> Sandbox:
        """Listen and answer in a background thread; OSError when the port is taken."""
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
        self._stopping.clear()
        self._server = Server((HOST, self._port), self, context)
        self._thread = threading.Thread(
            target=self._serve, args=(self._server,), name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def _serve(self, server: Server) -> None:
        while not self._stopping.is_set():
            server.handle_request()

    def stop(self) -> None:
        """Stop listening and forget everything; a stream under way ends at its next pause."""
        if self._server is None or self._thread is None:
            return
        self._stopping.set()
        # A connection of our own wakes the thread at once, where polling would cost time.
        socket.create_connection((HOST, self._server.server_address[1])).close()
        self._thread.join()
        self._server.server_close()
        self._backend.close()
        self._empty()
        self._server = self._thread = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the sandbox's own end."""
        if seconds:
            self._stopping.wait(seconds)

    def answer(self, request: Request) -> tuple[Reply, dict[str, Any]]:
        """The answer and the `stream` part of the rule that shaped it; AwsError is one too."""
        self._authenticate(request)
        if request.operation not in INFERENCE:
            return self._answer(request)
        caller = self._sts.identity(request).arn
        try:
            reply, script = self._answer(request)
        except AwsError as error:
            self._logging.log(request, caller, error, {})
            raise
        self._logging.log(request, caller, reply, script)
        return reply, script

    def _answer(self, request: Request) -> tuple[Reply, dict[str, Any]]:
        others = request.service in services.MOTO  # where a bucket may be called "model"
        if not others and request.operation not in OWN_OPERATIONS:
            raise _unknown(request)
        runs_model = request.mantled or (request.path.startswith("/model/") and not others)
        body: dict[str, Any] = {}
        refused: AwsError | None = None
        if runs_model:
            try:
                body = self._messages_body(request)
            except AwsError as error:
                refused = error
        rule = self._rules.take(request, runtime.prompt_of(request), valid=refused is None)
        script = rule.get("stream", {})
        self.pause(script.get("delay_ms", 0) / 1000)
        if "error" in rule:
            raise rule_error(request, rule["error"])
        if "deny" in rule:
            raise denial(request, rule["deny"], self._sts.identity(request).arn)
        if refused:
            raise refused
        if runs_model:
            way = mantle if request.mantled else runtime
            return way.answer(request, body, rule.get("reply", {}), self._cache), script
        if request.service == "sts":
            return self._sts.answer(request), script
        if others:
            own = self._cloudwatch.answer(request, rule) if request.service == "logs" else None
            return own or self._backend.forward(request), script
        if "InvocationLogging" in request.operation:
            return self._logging.answer(request), script
        if "InvocationJob" in request.operation:
            return self._batch().answer(request, rule), script
        return self._access.answer(request) or control.answer(request), script

    def _batch(self) -> Jobs:
        """The jobs, whose module is imported when there is one."""
        if self._jobs is None:
            from bedrock_claude_cli.sandbox.jobs import Jobs

            self._jobs = Jobs(self._backend, self._access, self._record)
        return self._jobs

    def _record(self, request: Request) -> Reply:
        """The answer to one record of a job, which meets the rules, too, and is not logged."""
        body = self._messages_body(request)
        rule = self._rules.take(request, runtime.prompt_of(request), valid=True)
        if "error" in rule:
            raise rule_error(request, rule["error"])
        return runtime.answer(request, body, rule.get("reply", {}), self._cache)

    def _messages_body(self, request: Request) -> dict[str, Any]:
        if request.mantled:
            return mantle.messages_body(request, self._access)
        return runtime.messages_body(request, self._access, strict_version=self._strict_version)

    def _authenticate(self, request: Request) -> None:
        if request.operation == "AssumeRoleWithWebIdentity":
            return
        auth.require_credentials(request)
        if self._strict_auth is None:
            return
        key, secret = self._strict_auth
        if request.access_key is None:
            auth.verify_bearer(request, secret)
        elif issued := self._sts.issued.get(request.access_key):
            auth.verify_signature(request, issued.secret, issued.token)
        else:
            temporary = key.startswith("ASIA")
            token = request.headers.get("x-amz-security-token") if temporary else None
            known = request.access_key == key
            auth.verify_signature(request, secret if known else None, token)


def _unknown(request: Request) -> AwsError:
    if request.service == "sts":
        message = f"Could not find operation {request.operation} for version 2011-06-15"
        return AwsError("InvalidAction", message)
    what = f"{request.service} {request.method} {request.path}"
    return AwsError("UnknownOperationException", f"The sandbox does not know {what}")
