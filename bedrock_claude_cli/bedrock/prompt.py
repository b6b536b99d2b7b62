"""What is asked: every per-request option exactly once, and the request made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bedrock_claude_cli.bedrock import forms
from bedrock_claude_cli.bedrock.spec import Spec
from bedrock_claude_cli.bedrock.spec import is_utf8 as is_utf8

ENDPOINTS = ("auto", "global", "in-region", "us", "eu", "jp", "au", "apac", "in", "us-gov")
VIAS = ("invoke", "converse", "sdk", "mantle")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
TTLS = ("5m", "1h")
LANGUAGES = ("python", "typescript", "boto3", "curl")

Problem = Callable[[str, str], None]

SPECS: dict[str, Spec] = {
    "model": Spec(str, "an alias (`sonnet`, `opus-4.6`), a model id or an ARN", "sonnet-4.5"),
    "endpoint": Spec(str, "where the model may run", "auto", choices=ENDPOINTS),
    "via": Spec(str, "how the request is sent", "invoke", choices=VIAS),
    "max_tokens": Spec(int, "the longest answer, in tokens", 4096, low=1),
    "temperature": Spec(float, "0 to 1; the model's own default if unset", low=0, high=1),
    "top_p": Spec(float, "0 to 1; the model's own default if unset", low=0, high=1),
    "stop": Spec(str, "texts that end the answer", many=True),
    "system": Spec(str, "the system prompt, or @FILE"),
    "attach": Spec(str, "files that go with the question", many=True),
    "citations": Spec(bool, "whether the answer names its sources in the attachments"),
    "schema": Spec(str, "a JSON Schema, or its file, that the answer must fit"),
    "thinking": Spec(str, "off, adaptive, or a budget in tokens", loose=True, check=forms.thinking),
    "effort": Spec(str, "how hard the model works on it", choices=EFFORTS),
    "cache": Spec(str, "how long prompts are kept in Bedrock's cache", choices=TTLS),
    "context_1m": Spec(bool, "the context of 1,000,000 tokens, where it is a beta"),
    "beta": Spec(str, "names of betas", many=True, check=forms.beta),
    "guardrail": Spec(str, "a guardrail, as ID:VERSION", check=forms.guardrail),
    "meta": Spec(dict, "request metadata, kept in the invocation logs"),
    "timeout": Spec(
        float,
        "how long to wait without a byte (90, 90s, 15m)",
        900,
        low=1,
        high=86400,
        duration=True,
    ),
    "retries": Spec(int, "how often to repeat what cannot have been billed", 4, low=0, high=100),
}


class Options(NamedTuple):
    """Every per-request option; None where it is not set. `timeout` is in seconds."""

    model: str | None = None
    endpoint: str | None = None
    via: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] | None = None
    system: str | None = None
    attach: tuple[str, ...] | None = None
    citations: bool | None = None
    schema: str | None = None
    thinking: str | None = None
    effort: str | None = None
    cache: str | None = None
    context_1m: bool | None = None
    beta: tuple[str, ...] | None = None
    guardrail: str | None = None
    meta: Mapping[str, str] | None = None
    timeout: float | None = None
    retries: int | None = None

    @classmethod
    def read(
        cls, mapping: Mapping[str, object], problem: Problem, *, text: bool = False
    ) -> Options:
        """The options in `mapping`, from flags, environment, config, presets or record lines.

        Keys that are no options are left to the caller; what is wrong with a value goes to
        `problem(key, what)`, and the option stays unset. With `text` numbers may be strings.
        """
        found: dict[str, Any] = {}
        for key, value in mapping.items():
            if key in SPECS:
                try:
                    found[key] = SPECS[key].read(value, text=text)
                except ValueError as error:
                    problem(key, str(error))
        return cls(**found)

    def over(self, other: Options) -> Options:
        """These options, and where they are unset, those of `other`."""
        return other._replace(**self.given())

    def given(self) -> dict[str, Any]:
        """The options that are set."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    def named(self, key: str, sources: Mapping[str, str]) -> str:
        """An option with its value and who set it, as messages say it."""
        value = getattr(self, key)
        if isinstance(value, Mapping):
            value = ", ".join(f"{name}={text}" for name, text in value.items())
        said = f"{key} {str(value).lower() if isinstance(value, bool) else value}"
        source = sources.get(key, "the request")
        by = "the default" if source == "default" else f"from {source}"
        return f"{'a schema' if key == 'schema' else said} ({by})"


DEFAULTS = Options(**{key: spec.default for key, spec in SPECS.items()})


class Attachment(NamedTuple):
    """One file of a question: `media_type` is judged by its content, `pages` are a PDF's."""

    name: str
    media_type: str
    data: bytes
    pages: int | None = None

    @property
    def is_image(self) -> bool:
        """Whether the model sees it as a picture."""
        return self.media_type.startswith("image/")


class Shape(NamedTuple):
    """What the options mean for the model and the transport at hand.

    `output_schema` is sent as the model's own output format; `tool_schema` as the one tool whose
    input is the answer, which it must call if `tool_forced`.
    """

    thinking: Mapping[str, Any] | None = None
    betas: tuple[str, ...] = ()
    citations: bool = False
    output_schema: Mapping[str, Any] | None = None
    tool_schema: Mapping[str, Any] | None = None
    tool_forced: bool = False
    notes: tuple[str, ...] = ()


UNSHAPED = Shape()


class Request(NamedTuple):
    """One question: options with nothing left to resolve, the id that is sent, and the content.

    `history` are earlier turns in the Messages API's shape, the whole conversation where `text` is
    empty. `body` is InvokeModel's own, which is sent as it stands instead of all the rest.
    """

    options: Options
    model_id: str
    text: str
    system: str | None = None
    attachments: tuple[Attachment, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    shape: Shape = UNSHAPED
    body: Mapping[str, Any] | None = None
