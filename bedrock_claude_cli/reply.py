"""How an answer is shown, and what its shortfalls mean for a script."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from bedrock_claude_cli.bedrock.answer import Answer, Event, Note, Text, Waiting
from bedrock_claude_cli.errors import ExitCode
from bedrock_claude_cli.extract import fenced
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.terminal import answer_writer


class View:
    """Where an answer goes: piece by piece, or at once as text, as JSON or as a code block."""

    def __init__(self, out: Output, *, plain: bool, streaming: bool, language: str | None) -> None:
        self._out = out
        self._streaming = streaming
        self._language = language
        self._writer = answer_writer(
            out.stdout,
            terminal=out.terminal,
            markdown=not plain and language is None,
            color=out.color,
        )

    def follow(self, events: Generator[Event, None, None]) -> None:
        """Show the events as they come, to their end or to the first exception."""
        try:
            with closing(events):
                for event in events:
                    self._show(event)
        finally:
            self._writer.finish()

    def _show(self, event: Event) -> None:
        match event:
            case Text(text) if self._streaming:
                self._writer.write(text)
            case Waiting(seconds, cause, attempt, most):
                again = f"trying again in {seconds:g} s (attempt {attempt} of {most})"
                self._out.note(f"{cause}: {again}")
            case Note(text):
                self._out.note(text)

    def rest(self, answer: Answer) -> bool:
        """Print what was not streamed; False if a code block was asked for and there is none."""
        text: str | None = answer.text
        if self._language is not None:
            text = fenced(answer.text, self._language or None)
        if self._out.json:
            extracted = {} if self._language is None else {"extracted": text}
            self._out.data(answer.as_json() | extracted)
        elif text is None:
            self._out.note(f"the whole answer was:\n{answer.text}")
        elif not self._streaming:
            self._writer.write(text)
            self._writer.finish()
        return text is not None


def verdict(
    out: Output, answer: Answer, language: str | None, *, found: bool, allowed: bool
) -> ExitCode:
    """Say what is missing, if anything is, and what that means for a script."""
    shortfall = answer.shortfall()
    if shortfall is not None:
        why, hint = shortfall
        if allowed:
            out.warn(f"the answer is not whole: {why}")
        else:
            out.fail(f"the answer is not whole: {why}", hint)
    if not found:
        tail = f" of {language}" if language else ""
        out.fail(f"the answer has no fenced code block{tail}", None)
    return ExitCode.INCOMPLETE if not found or (shortfall and not allowed) else ExitCode.OK


def usage_line(answer: Answer, prices: str) -> str:
    """Tokens, cost at `prices`, and times, in one line."""
    usage = answer.usage
    tokens = "tokens unknown"
    if usage is not None:
        least = "" if answer.stop_reason else "at least "
        tokens = f"{usage.input_tokens} tokens in, {least}{usage.output_tokens} out"
        if usage.cache_read_input_tokens or usage.cache_creation_input_tokens:
            tokens += (
                f", cache {usage.cache_read_input_tokens} read"
                f" {usage.cache_creation_input_tokens} written"
            )
    cost = "cost unknown"
    if answer.cost_usd is not None:
        cost = f"about ${answer.cost_usd:.6f} ({prices})"
    first = "no text"
    if answer.first_token_ms is not None:
        first = f"first token {answer.first_token_ms} ms"
    return f"{tokens}; {cost}; {first}, all {answer.latency_ms} ms; {answer.model}"
