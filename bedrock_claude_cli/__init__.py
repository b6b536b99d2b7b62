"""Command-line tool for Claude on Amazon Bedrock."""

__version__ = "0.1.0"
