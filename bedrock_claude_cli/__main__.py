"""The console scripts' entry: the only place that leaves the process."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from io import TextIOWrapper


def run() -> None:
    """Run the command line and leave at once: tearing down the SDK's modules costs 40 ms."""
    gc.disable()  # until the command runs: see context.command
    try:
        from bedrock_claude_cli.main import main

        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:  # the shell closed it
                setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
            # What a model wrote may hold lone surrogates, and a locale may lack a letter.
            elif isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        code = main()
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 141
    except OSError as error:
        code = 1
        with suppress(OSError):
            os.write(2, f"error: the output cannot be written: {error.strerror}\n".encode())
    os._exit(code)


if __name__ == "__main__":
    run()
