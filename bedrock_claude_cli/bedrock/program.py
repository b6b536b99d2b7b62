"""A request as a program: complete, runnable, without credentials, and making this very call."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from bedrock_claude_cli.bedrock import messages
from bedrock_claude_cli.bedrock.prompt import LANGUAGES, Request
from bedrock_claude_cli.bedrock.python_source import Source
from bedrock_claude_cli.bedrock.transports import transport
from bedrock_claude_cli.bedrock.transports.invoke import VERSION
from bedrock_claude_cli.errors import RejectedError, UsageError

_HEADER = "X-Amzn-Bedrock-"
# What a whole answer may take, in seconds:
# repost.aws/knowledge-center/bedrock-large-model-read-timeouts
UNSTREAMED = 3600


class Place(NamedTuple):
    """Where a program sends its request: `endpoint` is the runtime's URL, `profile` AWS's.

    `files` are the paths of attachments, which the program reads itself.
    """

    region: str
    endpoint: str
    profile: str | None = None
    files: Mapping[bytes, str] = {}  # never written to


def program(language: str, request: Request, place: Place) -> str:
    """The program in one of LANGUAGES; RejectedError where that has no such way to call."""
    makers: Mapping[str, Callable[[Request, Place], str]] = {
        "python": _python,
        "typescript": _typescript,
        "boto3": _boto3,
        "curl": _curl,
    }
    if language not in makers:
        raise UsageError(f"--code is one of {', '.join(LANGUAGES)}, not `{language}`")
    return makers[language](request, place)


def _no_converse(request: Request, language: str) -> None:
    if request.options.via == "converse":
        raise RejectedError(
            f"Anthropic's SDK, which --code {language} uses, has no Converse",
            hint="`--code boto3` and `--code curl` have",
        )


def _python(request: Request, place: Place) -> str:
    _no_converse(request, "python")
    mantle = request.options.via == "mantle"
    kind = "AnthropicBedrockMantle" if mantle else "AnthropicBedrock"
    call = transport("mantle" if mantle else "sdk").build(request)
    source = Source(place.files)
    profile = f"\n    aws_profile={json.dumps(place.profile)}," if place.profile else ""
    arguments = source.arguments({**call.arguments, "stream": True})
    return f"""# pip install "anthropic[bedrock]>=2,<3"
{source.imports()}from anthropic import {kind}

client = {kind}(
    aws_region={json.dumps(place.region)},{profile}
    timeout={request.options.timeout or 900:g},
    max_retries=0,  # a repeated call may be billed again
)
stream = client.messages.create(
{arguments})
for event in stream:
    if event.type == "content_block_delta":
        if event.delta.type == "text_delta":
            print(event.delta.text, end="", flush=True)
        elif event.delta.type == "input_json_delta":
            print(event.delta.partial_json, end="", flush=True)
print()
"""


def _boto3(request: Request, place: Place) -> str:
    converse = request.options.via == "converse"
    if request.options.via == "mantle":
        raise RejectedError("boto3 has no client for bedrock-mantle", hint="`--code python` has")
    call = transport("converse" if converse else "invoke").build(request)
    source = Source(place.files)
    values = dict(call.arguments)
    if converse:
        operation, reading = "converse_stream", _READ_CONVERSE
        arguments = source.arguments(values)
    else:
        operation, reading = "invoke_model_with_response_stream", _READ_INVOKE
        body = source.literal(json.loads(values.pop("body")), 4)
        arguments = f"{source.arguments(values)}    body=json.dumps({body}),\n"
    profile = f"profile_name={json.dumps(place.profile)}" if place.profile else ""
    imports = source.imports() if converse else source.imports("import json\n")
    return f"""# pip install "boto3>=1.42"
{imports}import boto3
from botocore.config import Config

client = boto3.Session({profile}).client(
    "bedrock-runtime",
    region_name={json.dumps(place.region)},
    config=Config(
        read_timeout={request.options.timeout or 900:g},
        retries={{"total_max_attempts": 1}},  # a repeated call may be billed again
    ),
)
response = client.{operation}(
{arguments})
{reading}print()
"""


_READ_INVOKE = """for item in response["body"]:
    event = json.loads(item["chunk"]["bytes"])
    if event["type"] == "content_block_delta":
        delta = event["delta"]
        print(delta.get("text") or delta.get("partial_json") or "", end="", flush=True)
"""
_READ_CONVERSE = """for event in response["stream"]:
    delta = event.get("contentBlockDelta", {}).get("delta", {})
    print(delta.get("text") or delta.get("toolUse", {}).get("input", ""), end="", flush=True)
"""


def _body(request: Request) -> dict[str, Any]:
    """The Messages body as InvokeModel takes it."""
    body = {"anthropic_version": VERSION, **messages.body(request)}
    if request.shape.betas:
        body["anthropic_beta"] = list(request.shape.betas)
    return body


def _headers(request: Request) -> dict[str, str]:
    """What InvokeModel takes beside its body."""
    options, headers = request.options, {}
    if options.guardrail is not None:
        name, _, version = options.guardrail.rpartition(":")
        headers[f"{_HEADER}GuardrailIdentifier"] = name
        headers[f"{_HEADER}GuardrailVersion"] = version
    if options.meta:
        headers[f"{_HEADER}Request-Metadata"] = json.dumps(dict(options.meta))
    return headers


def _typescript(request: Request, place: Place) -> str:
    _no_converse(request, "typescript")
    mantle = request.options.via == "mantle"
    kind = "AnthropicBedrockMantle" if mantle else "AnthropicBedrock"
    named = f"{{ {kind} }}" if mantle else kind
    body: dict[str, Any] = {"model": request.model_id, "stream": True}
    body |= messages.body(request) if mantle else _body(request)
    reads, text = "", json.dumps(body, indent=2, ensure_ascii=False)
    for data, path in place.files.items():
        encoded = json.dumps(base64.b64encode(data).decode())
        if encoded in text:
            reads = 'import { readFileSync } from "node:fs";\n'
            shown = json.dumps(path, ensure_ascii=False)
            text = text.replace(encoded, f'readFileSync({shown}).toString("base64")')
    headers = _headers(request)
    if mantle and request.shape.betas:
        headers["anthropic-beta"] = ",".join(request.shape.betas)
    extra = f", {{ headers: {json.dumps(headers, ensure_ascii=False)} }}" if headers else ""
    profile = f"// Run it with AWS_PROFILE={place.profile}\n" if place.profile else ""
    return f"""// npm install "@anthropic-ai/bedrock-sdk"
{profile}{reads}import {named} from "@anthropic-ai/bedrock-sdk";

const client = new {kind}({{
  awsRegion: {json.dumps(place.region)},
  timeout: {round((request.options.timeout or 900) * 1000)},
  maxRetries: 0, // a repeated call may be billed again
}});
const stream = await client.messages.create({text}{extra});
for await (const event of stream) {{
  if (event.type === "content_block_delta") {{
    process.stdout.write(event.delta.text ?? event.delta.partial_json ?? "");
  }}
}}
process.stdout.write("\\n");
"""


def _curl(request: Request, place: Place) -> str:
    made = _mantle_request if request.options.via == "mantle" else _runtime_request
    url, headers, body = made(request, place)
    headers["Content-Type"] = "application/json"
    options = " \\\n  ".join(
        (
            '-H "Authorization: Bearer $AWS_BEARER_TOKEN_BEDROCK"',
            *(f"-H {_quoted(f'{name}: {value}')}" for name, value in headers.items()),
        )
    )
    shown = json.dumps(body, indent=2, ensure_ascii=False)
    return f"""# apt-get install "curl"; a Bedrock API key is in AWS_BEARER_TOKEN_BEDROCK
curl -sS --fail-with-body --max-time {UNSTREAMED} \\
  {options} \\
  --data-binary @- "{url}" <<'JSON'
{shown}
JSON
"""


def _mantle_request(request: Request, place: Place) -> tuple[str, dict[str, str], Any]:
    """URL, headers and body of one whole message through bedrock-mantle."""
    base = f"https://bedrock-mantle.{place.region}.api.aws"
    url = f"${{AWS_ENDPOINT_URL_BEDROCK_MANTLE:-${{AWS_ENDPOINT_URL:-{base}}}}}"
    headers = {"anthropic-version": "2023-06-01"}
    if request.shape.betas:
        headers["anthropic-beta"] = ",".join(request.shape.betas)
    body = {"model": request.model_id, **messages.body(request)}
    return f"{url}/anthropic/v1/messages", headers, body


def _runtime_request(request: Request, place: Place) -> tuple[str, dict[str, str], Any]:
    """URL, headers and body of one whole answer through InvokeModel or Converse."""
    base = f"${{AWS_ENDPOINT_URL_BEDROCK_RUNTIME:-${{AWS_ENDPOINT_URL:-{place.endpoint}}}}}"
    url = f"{base}/model/{quote(request.model_id, safe='')}"
    if request.options.via != "converse":
        return f"{url}/invoke", _headers(request), _body(request)
    body = transport("converse").build(request).as_json()
    del body["modelId"]
    return f"{url}/converse", {}, body


def _quoted(text: str) -> str:
    """The text as one word of a shell."""
    inner = text.replace("'", "'\\''")
    return f"'{inner}'"
