"""IAM, KMS, CloudWatch Logs and S3: moto's server application, called in this process.

moto keeps its state per process. So that each sandbox has its own, under the same account
number, the state of the one that is asked is put in its place for the length of a request.
"""

from __future__ import annotations

import difflib
import io
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from bedrock_claude_cli.sandbox import limits
from bedrock_claude_cli.sandbox.models import ACCOUNT
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import AwsError, Reply

_LOCK = threading.RLock()
_OURS = ("connection", "content-type", "date", "server", "transfer-encoding", "x-amzn-requestid")


class Backend:
    """What one sandbox holds in IAM, KMS, CloudWatch Logs and S3; empty until it is asked."""

    def __init__(self) -> None:
        self._state: list[dict[str, Any]] = []

    def forward(self, request: Request) -> Reply:
        """moto's answer; a header X-Moto-Account-Id names another account than 000000000000."""
        application = _application(request.service)
        with self._in_place():
            _check_region(request.region)
            limits.check(request, _stores()[-1])
            try:
                chunks, status, headers = application(_environ(request))
            except NotImplementedError as error:
                raise AwsError("NotImplemented", f"The sandbox's moto: {error}", 501) from error
            body = b"".join(chunks)
        kept = {name: value for name, value in headers if name.lower() not in _OURS}
        if request.method != "HEAD":
            kept.pop("Content-Length", None)
        if request.service == "s3":
            kept["x-amz-request-id"] = request.request_id
        kind = dict(headers).get("Content-Type", "application/xml")
        if request.service in ("logs", "kms"):  # which moto calls text/html
            kind = "application/x-amz-json-1.1"
        return Reply(body, int(status.split()[0]), kind, kept)

    def log_events(self, region: str, group: str) -> list[dict[str, Any]] | None:
        """Every event of a log group by time, as FilterLogEvents shows it; None without a group.

        moto would show them, too, but sort them all again for every page.
        """
        _application("logs")
        from moto.logs.models import logs_backends

        with self._in_place():
            _check_region(region)
            found = logs_backends[ACCOUNT][region].groups.get(group)
            streams = [] if found is None else list(found.streams.items())
            events = [
                {**event.to_filter_dict(), "logStreamName": name}
                for name, stream in streams
                for event in stream.events
            ]
        return None if found is None else sorted(events, key=lambda event: event["timestamp"])

    def encrypt_group(self, region: str, group: str, key: str) -> bool:
        """AssociateKmsKey, which moto lacks; false without the group."""
        _application("logs")
        from moto.logs.models import logs_backends

        with self._in_place():
            found = logs_backends[ACCOUNT][region].groups.get(group)
            if found is not None:
                found.kms_key_id = key
        return found is not None

    def close(self) -> None:
        """Let go of the state, and of the temporary files of large objects."""
        if self._state:
            with self._in_place():
                for backends in _stores()[:-1]:
                    for account in backends.values():
                        account.reset()
            self._state = []

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        stores = _stores()
        with _LOCK:
            before = [dict(store.items()) for store in stores]
            _fill(stores, self._state or [{} for _ in stores])
            try:
                yield
            finally:
                self._state = [dict(store.items()) for store in stores]
                _fill(stores, before)


def _fill(stores: list[dict[str, Any]], contents: list[dict[str, Any]]) -> None:
    for store, content in zip(stores, contents, strict=True):
        store.clear()
        store.update(content)


def _stores() -> list[dict[str, Any]]:
    """All that moto knows of these services; last who owns which bucket."""
    from moto.iam.models import iam_backends
    from moto.kms.models import kms_backends
    from moto.logs.models import logs_backends
    from moto.s3.models import s3_backends

    return [iam_backends, kms_backends, logs_backends, s3_backends, s3_backends.bucket_accounts]


def _check_region(region: str) -> None:
    """AWS has no such host; moto would break off with a KeyError."""
    from moto.logs.models import logs_backends

    known = logs_backends[ACCOUNT].regions
    if region not in known:
        close = difflib.get_close_matches(region, known, 1)
        guess = f"; did you mean {close[0]}?" if close else ""
        raise AwsError("SandboxKnowsNoSuchRegion", f"No region is called {region}{guess}", 400)


def _application(service: str) -> Any:
    try:
        from moto.moto_server.werkzeug_app import create_backend_app
    except ImportError as error:
        extra = "install the extra bedrock-claude-cli[sandbox]"
        message = f"The sandbox answers for {service} with moto: {extra} ({error})"
        raise AwsError("SandboxNeedsMoto", message, 501) from error
    return _runner(create_backend_app)


@cache
def _runner(create_app: Any) -> Any:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from werkzeug.test import run_wsgi_app

    application = DomainDispatcherApplication(create_app)

    def call(environ: dict[str, Any]) -> tuple[Iterable[bytes], str, Iterable[tuple[str, str]]]:
        return run_wsgi_app(application, environ, buffered=True)

    return call


def _environ(request: Request) -> dict[str, Any]:
    host, _, port = request.headers.get("host", "localhost").partition(":")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "RAW_URI": request.path + (f"?{request.query}" if request.query else ""),
        "QUERY_STRING": request.query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_X_MOTO_ACCOUNT_ID": ACCOUNT,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    unwanted = ("content-length", "content-type", "transfer-encoding")
    for name, value in request.headers.items():
        if name not in unwanted:
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ
