"""`sandbox`: keep the local stand-in for AWS running, or run a command inside it."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLError
from typing import Annotated, Any, Optional

import typer

from bedrock_claude_cli.context import Context, make_sandbox
from bedrock_claude_cli.context import command as as_command
from bedrock_claude_cli.errors import UsageError

app = typer.Typer(
    help="Run a local stand-in for AWS, for trying and testing.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

Script = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--script", metavar="FILE", help="Rules: what to answer when (YAML)."),
]
StrictVersion = Annotated[
    bool,
    typer.Option("--strict-version", help="Refuse date versions of anthropic_version, as AWS may."),
]
StrictAuth = Annotated[
    Optional[tuple[str, str]],  # noqa: UP045
    typer.Option(
        "--strict-auth", metavar="KEY_ID SECRET", help="Verify signatures against this key pair."
    ),
]
Tls = Annotated[
    Optional[tuple[Path, Path]],  # noqa: UP045
    typer.Option("--tls", metavar="CERT KEY", help="Speak HTTPS with this certificate."),
]


@app.command("serve")
@as_command
def serve(
    ctx: Context,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 picks a free one.")
    ] = 0,
    tls: Tls = None,
    script: Script = None,
    strict_version: StrictVersion = False,
    strict_auth: StrictAuth = None,
) -> None:
    """Keep a sandbox up on loopback, and print the environment that leads clients to it."""
    ends = {signal.SIGINT, signal.SIGTERM}
    # Blocked, a signal waits for sigwait, whenever it comes: no moment is too early for Ctrl-C.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        with _started(ctx, script, strict_version, strict_auth, port=port, tls=tls) as sandbox:
            _tell_environment(ctx, sandbox.url, _inside(ctx, sandbox, strict_auth, tls))
            ctx.out.note(f"sandbox at {sandbox.url}; Ctrl-C ends it")
            signal.sigwait(ends)
            ctx.out.note(f"sandbox ended after {len(sandbox.requests)} requests")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tell_environment(ctx: Context, url: str, inside: dict[str, str]) -> None:
    """Print what to change in this environment, as a shell takes it."""
    changed = {name: value for name, value in inside.items() if ctx.environ.get(name) != value}
    unset = sorted(set(ctx.environ) - set(inside))
    if ctx.out.json:
        ctx.out.data({"url": url, "environment": changed, "unset": unset})
    else:
        for name in unset:
            ctx.out.line(f"unset {name}")
        for name, value in changed.items():
            ctx.out.line(f"export {name}={shlex.quote(value)}")
    ctx.out.stdout.flush()


@app.command("run", context_settings={"allow_interspersed_args": False})
@as_command
def run(
    ctx: Context,
    argv: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="What to run, after `--`.")
    ],
    script: Script = None,
    strict_version: StrictVersion = False,
    strict_auth: StrictAuth = None,
) -> int:
    """Run a command inside a sandbox of its own, and leave with the command's exit code."""
    with _started(ctx, script, strict_version, strict_auth) as sandbox:
        ctx.out.note(f"sandbox at {sandbox.url}: no AWS, no cost, canned answers")
        child: subprocess.Popen[bytes] | None = None
        early: list[int] = []

        def pass_on(number: int, _: object) -> None:
            if child is None:
                early.append(number)  # the command may run already, but is not ours to reach yet
            else:
                child.send_signal(number)

        before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
            # The command gets the terminal's Ctrl-C as well, and decides what it means.
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        }
        try:
            child = subprocess.Popen(argv, env=_inside(ctx, sandbox, strict_auth, None))
            for number in early:
                child.send_signal(number)
            code = child.wait()
        except OSError as error:
            ctx.out.fail(f"{argv[0] or 'no command'}: {error.strerror}", None)
            return 127 if isinstance(error, FileNotFoundError) else 126
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code


@contextmanager
def _started(
    ctx: Context,
    script: Path | None,
    strict_version: bool,
    strict_auth: tuple[str, str] | None,
    *,
    port: int = 0,
    tls: tuple[Path, Path] | None = None,
) -> Iterator[Any]:
    if ctx.shared.profile:
        raise UsageError("the sandbox reads no AWS profile; leave --profile out")
    if script is None and ctx.environ.get("BEDROCK_CLAUDE_SANDBOX_SCRIPT"):
        script = Path(ctx.environ["BEDROCK_CLAUDE_SANDBOX_SCRIPT"])
    for path in tls or ():
        if not path.is_file():
            raise UsageError(f"{path}: no such file")
    sandbox = make_sandbox(
        script,
        port=port,
        strict_version=strict_version,
        strict_auth=strict_auth,
        tls=(str(tls[0]), str(tls[1])) if tls else None,
    )
    try:
        sandbox.start()
    except SSLError as error:
        raise UsageError(f"--tls takes a certificate and its key, both as PEM: {error}") from None
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}", hint="`--port 0` picks a free one"
        ) from None
    try:
        yield sandbox
    finally:
        sandbox.stop()


def _inside(
    ctx: Context,
    sandbox: Any,
    keys: tuple[str, str] | None,
    tls: tuple[Path, Path] | None,
) -> dict[str, str]:
    from bedrock_claude_cli.sandbox import environment

    ca = str(tls[0].absolute()) if tls else None
    inside = environment(sandbox.url, ctx.environ, ca=ca)
    if isinstance(ctx.shared.region, str):
        inside |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), ctx.shared.region)
    if keys:
        inside |= {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}
    return inside
