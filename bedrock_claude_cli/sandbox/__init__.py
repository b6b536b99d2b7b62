"""A local endpoint that speaks AWS's wire, for trying and testing without AWS."""

from bedrock_claude_cli.sandbox.environment import environment
from bedrock_claude_cli.sandbox.rules import RuleError
from bedrock_claude_cli.sandbox.server import Sandbox

__all__ = ["RuleError", "Sandbox", "environment"]
