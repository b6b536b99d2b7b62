"""How many tokens a request has: counted by AWS, estimated here, or at most."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import messages
from bedrock_claude_cli.bedrock.answer import Counted, Event, Usage, Waiting
from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.bedrock.model_id import Target
from bedrock_claude_cli.bedrock.prompt import Attachment, Request
from bedrock_claude_cli.bedrock.retry import attempts
from bedrock_claude_cli.bedrock.shape import CONTEXT_1M
from bedrock_claude_cli.bedrock.transports import invoke, transport

CHARACTERS_A_TOKEN = 3.5
# platform.claude.com, "Images and vision": width x height / 750, after scaling to 3.75 megapixels
PIXELS_A_TOKEN = 750
IMAGE_AT_MOST = 5000
IMAGE_USUAL = 1600
# platform.claude.com, "PDF support": about 7,000 tokens for 3 pages, text and picture
PAGE_USUAL = 2333
_TURN = 8
# What the tool's or the format's own instructions add; platform.claude.com, "Tool use", says 346
_TOOL_USUAL, _TOOL_AT_MOST = 350, 1000
_FRAME_AT_MOST, _TURN_AT_MOST = 100, 32
_COUNTED_KEYS = ("messages", "system", "thinking", "tools", "tool_choice", "output_config")
_CONVERSE_KEYS = ("messages", "system", "toolConfig", "additionalModelRequestFields")


class Count(NamedTuple):
    """A number of input tokens, and who counted: CountTokens, mantle or estimate."""

    tokens: int
    method: str


def texts(request: Request) -> Iterator[str]:
    """Every text that the model reads, but for what is inside PDFs and images."""
    yield request.text
    yield request.system or ""
    if request.body is not None:
        yield json.dumps(request.body, ensure_ascii=False)
    for schema in (request.shape.tool_schema, request.shape.output_schema):
        if schema is not None:
            yield json.dumps(schema, ensure_ascii=False)
    for turn in request.history:
        yield from (block["text"] for block in turn["content"] if block["type"] == "text")
    for each in _attachments(request):
        yield each.name
        if each.media_type.startswith("text/"):
            yield each.data.decode()


def estimate(request: Request) -> int:
    """A rough count of the prompt's tokens, for a forecast and never for a refusal."""
    total = _TURN * (1 + len(request.history))
    for text in texts(request):
        plain = sum(character < "\x80" for character in text)
        # Other scripts than Latin take about a token a character.
        total += round(plain / CHARACTERS_A_TOKEN) + len(text) - plain
    if request.shape.tool_schema is not None:
        total += _TOOL_USUAL
    return total + sum(map(_usual, _attachments(request, pages=True)))


def window(request: Request, known: KnownModel | None) -> int | None:
    """The tokens that the model's context holds; None if unknown."""
    if CONTEXT_1M in request.shape.betas:
        return 1_000_000
    return known.context_window if known else None


def at_most(request: Request, known: KnownModel | None) -> tuple[int | None, str]:
    """What the prompt's tokens cannot exceed, and how that is known; None if nothing tells.

    A token is a byte at least, an image is scaled down to 3.75 megapixels, and what does not fit
    the model's context is refused unbilled; nothing else bounds a PDF.
    """
    most = window(request, known)
    found = list(_attachments(request))
    bounded = all(each.is_image or each.media_type.startswith("text/") for each in found)
    if not bounded or request.shape.citations:
        return most, "the model's whole context, which is all that bounds such attachments"
    total = _FRAME_AT_MOST + _TURN_AT_MOST * (1 + len(request.history) + len(found))
    if request.shape.tool_schema is not None or request.shape.output_schema is not None:
        total += _TOOL_AT_MOST
    total += sum(map(_bytes, texts(request)))
    total += IMAGE_AT_MOST * sum(each.is_image for each in found)
    if most is not None and most < total:
        return most, "the model's whole context"
    return total, "at most, a token being at least a byte"


def count(
    request: Request,
    target: Target,
    *,
    runtime: Callable[[], Any],
    mantle: Callable[[], Any],
    say: Callable[[str], None],
) -> Count | None:
    """The tokens as AWS counts them, free of charge; None where it cannot for this model.

    What AWS refuses is raised; waits are said.
    """
    known = target.known
    by_mantle = known is not None and known.mantle_id is not None
    if known is None or not (known.count_tokens or (by_mantle and request.options.via == "mantle")):
        return None
    if by_mantle and "mantle" in (known.count_tokens, request.options.via):

        def call() -> Iterator[Event]:
            return _by_mantle(request, str(known.mantle_id), mantle())

        method = "mantle"
    else:

        def call() -> Iterator[Event]:
            return _by_runtime(request, known.id, runtime())

        method = "CountTokens"
    for event in attempts(call, retries=request.options.retries or 0):
        match event:
            case Counted(usage):
                return Count(usage.input_tokens, method)
            case Waiting(seconds, cause):
                say(f"{cause}: counting again in {seconds:g} s")
    return None


def _by_runtime(request: Request, base_id: str, client: Any) -> Iterator[Event]:
    """CountTokens, which takes the base id and a body as it would be sent."""
    counted: dict[str, Any]
    if request.options.via == "converse":
        sent = transport("converse").build(request).arguments
        counted = {"converse": {key: sent[key] for key in _CONVERSE_KEYS if key in sent}}
    else:
        counted = {"invokeModel": {"body": invoke.build(request).arguments["body"]}}
    answer = client.count_tokens(modelId=base_id, input=counted)
    yield Counted(Usage(input_tokens=answer["inputTokens"]))


def _by_mantle(request: Request, mantle_id: str, client: Any) -> Iterator[Event]:
    body = messages.body(request)
    counted = {key: body[key] for key in _COUNTED_KEYS if key in body}
    if request.shape.betas:
        counted["extra_headers"] = {"anthropic-beta": ",".join(request.shape.betas)}
    answer = client.messages.count_tokens(model=mantle_id, **counted)
    yield Counted(Usage(input_tokens=answer.input_tokens))


def _attachments(request: Request, *, pages: bool = False) -> Iterator[Attachment]:
    yield from messages.attached(request.history, pages=pages)
    yield from request.attachments


def _usual(attachment: Attachment) -> int:
    if attachment.is_image:
        from bedrock_claude_cli.bedrock import media

        width, height = media.pixels(attachment.data, attachment.media_type) or (0, 0)
        return min(IMAGE_USUAL, round(width * height / PIXELS_A_TOKEN))
    if attachment.pages is not None:
        return PAGE_USUAL * attachment.pages
    if attachment.media_type.startswith("text/"):
        return 0
    return round(len(attachment.data) / CHARACTERS_A_TOKEN)


def _bytes(text: str) -> int:
    from unicodedata import normalize

    # A tokenizer may see a text in its compatible form, which can be the longer one.
    return max(len(text.encode()), len(normalize("NFKC", text).encode()))
