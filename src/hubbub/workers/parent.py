"""Running as the parent: the port is opened here, and what starts a worker is how this program was started itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from hubbub.config import Settings
from hubbub.http.listening import listen
from hubbub.workers.supervisor import Supervisor

_FINISH_WITHIN = 15.0
"""Seconds that a worker may take to end besides its drain: requests under way get ten."""


def run_workers(settings: Settings, on_ready: Callable[[str], None]) -> int:
    """Serve with ``settings.workers`` processes until told to stop; the exit status. Raises `ConfigError`."""
    listener = listen(settings.host, settings.port)
    try:
        supervisor = Supervisor(
            # -P: the folder that we were started in is no place to import from.
            [sys.executable, "-P", "-m", "hubbub", *sys.argv[1:]],
            listener,
            most=settings.workers,
            stop_within=settings.drain_delay + settings.drain_window + _FINISH_WITHIN,
            on_ready=on_ready,
        )
        return asyncio.run(supervisor.run())
    finally:
        listener.close()
