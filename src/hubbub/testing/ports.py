"""Where an engine or a server of a test may listen."""

from __future__ import annotations

import contextlib
import socket


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago; 10,000 above it is one for a Redis Cluster's node."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        if port >= 55_000:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port + 10_000)):
            return port
