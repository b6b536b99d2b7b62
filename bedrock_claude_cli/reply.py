"""How an answer is shown, and what its shortfalls mean for a script."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from bedrock_claude_cli.bedrock.answer import (
    Answer,
    Cited,
    Event,
    Note,
    Text,
    Thinking,
    Waiting,
)
from bedrock_claude_cli.errors import ExitCode
from bedrock_claude_cli.extract import fenced
from bedrock_claude_cli.output import Output
from bedrock_claude_cli.terminal import answer_writer

if TYPE_CHECKING:
    from bedrock_claude_cli.terminal.citations import CitedWriter

PIPE_WIDTH = 100  # columns of a list of sources that no terminal shows


class View:
    """Where an answer goes: piece by piece, or at once as text, as JSON or as a code block.

    `citations` says that sources may come, `thinking` that thinking is shown on stderr.
    """

    def __init__(
        self,
        out: Output,
        *,
        plain: bool,
        streaming: bool,
        language: str | None,
        citations: bool = False,
        thinking: bool = False,
    ) -> None:
        self._out = out
        self._streaming = streaming
        self._language = language
        self._thoughts = out.thoughts() if thinking else None
        self._writer = answer_writer(
            out.stdout,
            terminal=out.terminal,
            markdown=not plain and language is None,
            color=out.color,
        )
        self._cited: CitedWriter | None = None
        if citations:
            self._expect_sources()

    def follow(self, events: Generator[Event, None, None]) -> None:
        """Show the events as they come, to their end or to the first exception."""
        try:
            with closing(events):
                for event in events:
                    self._show(event)
        finally:
            self._end_thoughts()
            self._writer.finish()

    def _show(self, event: Event) -> None:
        match event:
            case Text() | Cited():
                self._end_thoughts()
                if self._streaming:
                    self._write(event)
            case Thinking(text) if self._thoughts:
                self._thoughts.write(text)
            case Waiting(seconds, cause, attempt, most):
                again = f"trying again in {seconds:g} s (attempt {attempt} of {most})"
                self._out.note(f"{cause}: {again}")
            case Note(text):
                self._out.note(text)

    def _write(self, event: Text | Cited) -> None:
        if isinstance(event, Text):
            self._writer.write(event.text)
        else:
            self._expect_sources().cite(event.number)

    def _expect_sources(self) -> CitedWriter:
        if self._cited is None:
            from bedrock_claude_cli.terminal.citations import CitedWriter

            self._writer = self._cited = CitedWriter(self._writer)
        return self._cited

    def _end_thoughts(self) -> None:
        if self._thoughts:
            self._thoughts.finish()

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
        elif self._language is not None:
            self._writer.write(text)
            self._writer.finish()
        else:
            if not self._streaming:
                for event in _pieces(answer, indented=self._out.terminal):
                    self._write(event)
                self._writer.finish()
            self._list_sources(answer)
        return text is not None

    def _list_sources(self, answer: Answer) -> None:
        if not answer.citations:
            return
        from bedrock_claude_cli.terminal.citations import listing

        width = shutil.get_terminal_size().columns if self._out.terminal else PIPE_WIDTH
        writer = answer_writer(self._out.stdout, terminal=self._out.terminal, markdown=False)
        writer.write("\n" + listing(answer.citations, width))
        writer.finish()


def _pieces(answer: Answer, *, indented: bool) -> Iterator[Text | Cited]:
    """A whole answer as the events that it came in; JSON as it came, or indented for eyes."""
    if indented and answer.parsed is not None:
        yield Text(json.dumps(answer.parsed, indent=2, ensure_ascii=False))
        return
    at = 0
    for each in answer.citations or ():
        yield Text(answer.text[at : each["position"]])
        yield Cited(each, each["number"])
        at = each["position"]
    yield Text(answer.text[at:])


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


def usage_line(answer: Answer) -> str:
    """Tokens, cost, whose prices made it, and times, in one line."""
    usage = answer.usage
    tokens = "tokens unknown"
    if usage is not None:
        least = "" if answer.stop_reason else "at least "
        tokens = f"{usage.input_tokens} tokens in, {least}{usage.output_tokens} out"
        tokens += (
            f", cache {usage.cache_read_input_tokens} read"
            f" {usage.cache_creation_input_tokens} written"
        )
    cost = "cost unknown"
    if answer.cost_usd is not None:
        own = answer.prices == "config"
        prices = "your prices" if own else f"list prices, {answer.prices}"
        cost = f"about ${answer.cost_usd:.6f} ({prices})"
    first = "no text"
    if answer.first_token_ms is not None:
        first = f"first token {answer.first_token_ms} ms"
    return f"{tokens}; {cost}; {first}, all {answer.latency_ms} ms; {answer.model}"
