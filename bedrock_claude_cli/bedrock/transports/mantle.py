"""The Messages API of bedrock-mantle through the anthropic SDK's AnthropicBedrockMantle."""

from __future__ import annotations

from bedrock_claude_cli.bedrock.prompt import Request
from bedrock_claude_cli.bedrock.transports import Call, sdk

stream = sdk.stream
whole = sdk.whole


def build(request: Request) -> Call:
    """The `messages.create` call for a request; the id is one of bedrock-mantle's own."""
    return Call("messages.create", sdk.create_arguments(request))
