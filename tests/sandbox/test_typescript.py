"""The TypeScript SDKs, Anthropic's and AWS's, against the sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bedrock_claude_cli.sandbox import Sandbox, environment
from tests.sandbox.clients import run_node
from tests.sandbox.conftest import GLOBAL

PAIR = ("AKIASTRICTEXAMPLEXXX", "strict-dummy-secret-not-a-real-key")

ANTHROPIC = """
import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';
const client = new AnthropicBedrock({ maxRetries: 0 });
const ask = { model: MODEL, max_tokens: 256, messages: [{ role: 'user', content: 'Hello' }] };
const whole = await client.messages.create(ask);
let streamed = '';
for await (const event of await client.messages.create({ ...ask, stream: true })) {
  if (event.type === 'content_block_delta') streamed += event.delta.text;
}
let refusal;
try {
  await client.messages.create({ ...ask, model: MODEL.slice(7) });
} catch (error) {
  refusal = { status: error.status, text: error.message };
}
console.log(JSON.stringify({ whole, streamed, refusal }));
"""

AWS = """
import {
  BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand,
  InvokeModelCommand, InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
const client = new BedrockRuntimeClient({ requestHandler: new NodeHttpHandler(), maxAttempts: 1 });
const ask = { modelId: MODEL, messages: [{ role: 'user', content: [{ text: 'Hello' }] }] };
const body = JSON.stringify({
  anthropic_version: 'bedrock-2023-05-31', max_tokens: 256,
  messages: [{ role: 'user', content: 'Hello' }],
});
const found = {};
found.converse = (await client.send(new ConverseCommand(ask))).output.message.content[0].text;
found.converseStream = '';
for await (const event of (await client.send(new ConverseStreamCommand(ask))).stream) {
  found.converseStream += event.contentBlockDelta?.delta.text ?? '';
}
const invoked = await client.send(new InvokeModelCommand({ modelId: MODEL, body }));
found.invoke = JSON.parse(Buffer.from(invoked.body)).content[0].text;
found.invokeStream = '';
const streamed = await client.send(
  new InvokeModelWithResponseStreamCommand({ modelId: MODEL, body }));
for await (const event of streamed.body) {
  const value = JSON.parse(Buffer.from(event.chunk.bytes));
  found.invokeStream += value.delta?.text ?? '';
}
try {
  await client.send(new ConverseCommand({ ...ask, modelId: 'nothing' }));
} catch (error) {
  found.refusal = { name: error.name, status: error.$metadata.httpStatusCode };
}
console.log(JSON.stringify(found));
"""


def node(script: str, sandbox: Sandbox, folder: Path, **env: str) -> Any:
    """What the script prints as JSON."""
    full = environment(sandbox.url, os.environ) | env
    done = run_node(script.replace("MODEL", json.dumps(GLOBAL)), full, folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_anthropic_s_sdk_answers_streams_and_is_refused(tmp_path: Path) -> None:
    with Sandbox(strict_auth=PAIR) as sandbox:
        keys = {"AWS_ACCESS_KEY_ID": PAIR[0], "AWS_SECRET_ACCESS_KEY": PAIR[1]}
        found = node(ANTHROPIC, sandbox, tmp_path, **keys)
    assert "canned" in found["streamed"]
    assert found["whole"]["content"][0]["text"] == found["streamed"]
    assert found["refusal"]["status"] == 400
    assert "isn\u2019t supported" in found["refusal"]["text"]


def test_aws_s_sdk_calls_every_way_of_asking(tmp_path: Path) -> None:
    with Sandbox(strict_auth=PAIR) as sandbox:
        keys = {"AWS_ACCESS_KEY_ID": PAIR[0], "AWS_SECRET_ACCESS_KEY": PAIR[1]}
        found = node(AWS, sandbox, tmp_path, **keys)
    texts = {found[name] for name in ("converse", "converseStream", "invoke", "invokeStream")}
    assert len(texts) == 1
    assert "canned" in texts.pop()
    assert found["refusal"] == {"name": "ValidationException", "status": 400}


HTTP2 = """
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
const client = new BedrockRuntimeClient({ maxAttempts: 1 });
const messages = [{ role: 'user', content: [{ text: 'Hello' }] }];
try {
  await client.send(new ConverseCommand({ modelId: MODEL, messages }));
  console.log('"answered"');
} catch (error) {
  console.log(JSON.stringify(error.message));
}
"""


def test_http_2_is_refused_in_its_own_words(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        # 13 is HTTP_1_1_REQUIRED
        assert node(HTTP2, sandbox, tmp_path) == "Session closed with error code 13"
