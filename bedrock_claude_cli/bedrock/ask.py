"""One question: checked before it is sent, sent once, and helped over two kinds of refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import guarded, messages, model_id
from bedrock_claude_cli.bedrock.answer import (
    Broken,
    Counted,
    Event,
    Moved,
    Note,
    Started,
    Stopped,
    Usage,
    Waiting,
)
from bedrock_claude_cli.bedrock.catalog import Catalog, KnownModel
from bedrock_claude_cli.bedrock.prompt import Options, Request
from bedrock_claude_cli.bedrock.retry import attempts
from bedrock_claude_cli.bedrock.transports import transport
from bedrock_claude_cli.errors import CliError, IncompleteError, RejectedError

# platform.claude.com: "Bedrock limits request payloads to 20 MB"
MAX_BODY = 20_000_000
# No text averages more characters a token than this, so what is beyond it cannot fit.
MOST_CHARACTERS_A_TOKEN = 10
STREAMING = "bedrock:InvokeModelWithResponseStream"


class Reach(NamedTuple):
    """How AWS is reached; each is called only when it is needed.

    `runtime` makes the client for streamed calls, `patient` one that waits for a whole answer,
    `offered` looks up the ids that can be called from the region.
    """

    runtime: Callable[[], Any]
    patient: Callable[[], Any]
    offered: Callable[[], Iterable[str]]


def check(
    request: Request, known: KnownModel | None, sources: Mapping[str, str] | None = None
) -> None:
    """Refuse, before anything is sent, what AWS or the model is known to refuse.

    `sources` says who set each option, so that the message can name it.
    """
    size = len(json.dumps(messages.body(request), ensure_ascii=False).encode())
    if size > MAX_BODY:
        raise RejectedError(
            f"the request has {size:,} bytes, and Bedrock takes at most {MAX_BODY:,}",
            hint="ask about a part of it",
        )
    if known is None:
        return
    _check_options(request.options, known, sources or {})
    if size > (known.context_window or 0):  # no character has less than a byte
        _check_length(request, known)


def _check_length(request: Request, known: KnownModel) -> None:
    """Refuse what can fit the context by no count; what may fit AWS counts, free of charge."""
    from bedrock_claude_cli.bedrock import tokens

    window = tokens.window(request, known)
    length = sum(map(len, tokens.texts(request)))
    if window is None or length <= window * MOST_CHARACTERS_A_TOKEN:
        return
    what = "the conversation" if request.history else "the prompt"
    about = tokens.estimate(request)
    raise RejectedError(
        f"{what} has {length:,} characters, about {about:,} tokens (estimated): "
        f"{about - window:,} more than the {window:,} of {known.name}",
        hint="begin another --chat NAME, or use a model with a larger context"
        if request.history
        else "ask about a part of it, or use a model with a larger context",
    )


def _check_options(options: Options, known: KnownModel, sources: Mapping[str, str]) -> None:
    def named(key: str) -> str:
        return options.named(key, sources)

    sampling = [key for key in ("temperature", "top_p") if getattr(options, key) is not None]
    if sampling and known.sampling == "none":
        raise RejectedError(
            f"{known.name} refuses {' and '.join(map(named, sampling))}",
            hint="leave it out, or use another model",
        )
    if len(sampling) == 2 and known.sampling == "one-of":
        raise RejectedError(
            f"{known.name} takes only one of {' and '.join(map(named, sampling))}",
            hint="leave one out",
        )
    most = known.max_output_tokens
    if most and options.max_tokens and options.max_tokens > most:
        raise RejectedError(
            f"{named('max_tokens')} is more than the {most} of {known.name}",
            hint=f"`--max-tokens {most}`",
        )


def ask(
    request: Request, target: model_id.Target, reach: Reach, catalog: Catalog, **timing: Any
) -> Iterator[Event]:
    """The events of the answer.

    Where AWS refuses the id, the ids of the region are looked up once and one more is tried.
    What fails before AWS took the request is raised; after that it is a last event, Broken, as is
    an end without Stopped. `timing` is passed to `retry.attempts`.
    """
    started = stopped = False
    try:
        for event in _helped(request, target, reach, catalog, timing):
            started = started or isinstance(event, Started)
            stopped = stopped or isinstance(event, Stopped)
            yield event
    except Exception as error:
        if not started:
            raise
        if not stopped:
            yield _broken(error)
    else:
        if not stopped:
            yield _broken(IncompleteError("the stream ended before the answer did"))


# What the HTTP libraries call a connection that ends in the midst of an answer.
_LOST = (
    "ConnectionClosedError", "ProtocolError", "ReadError", "RemoteProtocolError",
    "ResponseStreamingError",
)  # fmt: skip


def _broken(error: Exception) -> Broken:
    from bedrock_claude_cli.explain import fault, translate

    if isinstance(error, CliError) or fault(error):
        told = translate(error)
        code, message = told.code, told.message
    else:
        code = type(error).__name__
        late = "Timeout" in code
        code = "ReadTimeout" if late else "ConnectionLost" if code in _LOST else code
        message = "no byte came within --timeout" if late else f"the stream failed ({code})"
    hint = "what arrived may be billed, so nothing was sent again"
    return Broken(IncompleteError(message, hint=hint, code=code, retry="maybe-billed"))


def _helped(
    request: Request,
    target: model_id.Target,
    reach: Reach,
    catalog: Catalog,
    timing: dict[str, Any],
) -> Iterator[Event]:
    try:
        yield from _send(request, reach, timing)
    except Exception as error:
        moved = _another_id(error, target, reach, catalog)
        if moved is None:
            raise
        for note in moved.notes:
            yield Note(note)
        yield Moved(moved.model_id, moved.endpoint)
        yield from _send(request._replace(model_id=moved.model_id), reach, timing)


def _send(request: Request, reach: Reach, timing: dict[str, Any]) -> Iterator[Event]:
    way = transport(request.options.via)
    call = way.build(request)
    retries = request.options.retries or 0
    try:
        client = reach.runtime()
        yield from attempts(lambda: way.stream(client, call), retries=retries, **timing)
    except Exception as error:
        if not _only_streaming_is_denied(error):
            raise
        yield Note(f"this identity may not stream, so the answer comes at once; grant {STREAMING}")
        client = reach.patient()
        yield from attempts(lambda: way.whole(client, call), retries=retries, **timing)


def _only_streaming_is_denied(error: Exception) -> bool:
    from bedrock_claude_cli.explain import fault

    found = fault(error)
    return (
        found is not None
        and found.status == 403
        and f"perform: {STREAMING} " in found.message + " "
    )


def _another_id(
    error: Exception, target: model_id.Target, reach: Reach, catalog: Catalog
) -> model_id.Target | None:
    from bedrock_claude_cli.explain import fault, translate

    found = fault(error)
    if target.base_id is None or found is None or found.status != 400:
        return None
    text = found.message.lower()
    if "on-demand throughput isn" not in text and "model identifier is invalid" not in text:
        return None
    try:
        offered = list(reach.offered())
    except Exception as denied:
        # The look-up is a courtesy; where it may not be made the first refusal is the answer.
        told = translate(error)
        why = translate(denied).code
        hint = f"{told.hint}; the look-up of this region's ids failed ({why})"
        raise told.hinted(hint) from error
    moved = model_id.fallbacks(target, offered, catalog)
    if moved is not None:
        guarded.check(moved, moved.model_id, catalog, tuple)
    return moved


class Proof(NamedTuple):
    """One tiny call that was made, and billed."""

    request_id: str | None
    model_id: str
    usage: Usage


def prove(
    target: model_id.Target,
    reach: Reach,
    catalog: Catalog,
    given: Options,
    say: Callable[[str], None],
) -> Proof:
    """Ask for one token; what goes wrong is raised, and every wait is said."""
    options = Options(max_tokens=1, via=given.via, timeout=given.timeout, retries=given.retries)
    proof = Proof(None, target.model_id, Usage())
    for event in ask(Request(options, target.model_id, "Hi"), target, reach, catalog):
        match event:
            case Counted(usage=usage):
                proof = proof._replace(usage=usage)
            case Started(request_id=request_id):
                proof = proof._replace(request_id=request_id)
            case Moved(model_id=other):
                proof = proof._replace(model_id=other)
            case Note(text=text):
                say(text)
            case Waiting(seconds=seconds, cause=cause):
                say(f"{cause}: waiting {seconds:g} s before the call is made again")
            case Broken(error=error):
                raise error
    return proof
