"""The ways to send a request: each module has `build` and `stream`."""
