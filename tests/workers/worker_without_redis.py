"""Run as a worker by test_supervisor.py: the whole service on the parent's port, with a live log of its own, so that
what only the parent does can be tried without a broker between. ``BREAK`` names a file whose presence makes it fail.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hubbub import wiring
from hubbub.brokers.local import LocalBroker
from hubbub.config import Role, load_settings
from hubbub.logs import configure_logging
from hubbub.stores.sqlite import SqliteStore
from hubbub.workers.child import run_worker
from hubbub.workers.place import worker_place


def make_broker(settings: object, store: object, redis: object = None) -> LocalBroker:
    """A broker that takes no lock."""
    assert isinstance(store, SqliteStore)
    return LocalBroker(store, lock_path=None)


if __name__ == "__main__":
    if Path(os.environ["BREAK"]).exists():
        sys.stderr.write("told to break\n")
        sys.exit(7)
    wiring.make_broker = make_broker
    place = worker_place()
    assert place is not None
    configure_logging(worker=place.number)
    run_worker(load_settings(), Role.SERVE, place)
