"""Run by test_supervisor.py: a parent of three workers that need no broker; prints the URL once they serve."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hubbub.config import load_settings
from hubbub.http.listening import listen
from hubbub.logs import configure_logging
from hubbub.workers.supervisor import Supervisor

WORKERS = 3


def say(url: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_logging()
    settings = load_settings()
    listener = listen("127.0.0.1", 0)
    supervisor = Supervisor(
        [sys.executable, str(Path(__file__).with_name("worker_without_redis.py"))],
        listener,
        most=WORKERS,
        stop_within=settings.drain_delay + settings.drain_window + 15,
        on_ready=say,
    )
    sys.exit(asyncio.run(supervisor.run()))
