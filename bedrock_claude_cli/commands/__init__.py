"""One module per command: its signature, a few lines, its columns."""
