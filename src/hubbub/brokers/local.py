"""The live log inside one process, over a store that numbers events as it commits them.

Nothing is kept here: positions and history are the journal's (so they survive ``kill -9``), and a push is a function
call. A lock file keeps a second process from accepting posts that this process's viewers would not see.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

from hubbub.brokers.base import Deliver
from hubbub.errors import BrokerUnavailable
from hubbub.locks import sole_lock
from hubbub.model import Entry, Event, Position, Tail
from hubbub.stores.base import Journal


class LocalBroker:
    """`hubbub.brokers.base.Broker` for one process. ``lock_path`` None: no lock (tests of a store nobody else can
    open).
    """

    def __init__(self, journal: Journal, *, lock_path: Path | None) -> None:
        self._journal = journal
        self._lock_path = lock_path
        self._lock: IO[str] | None = None
        self._subscribers: dict[str, Deliver] = {}
        self._pushed: dict[str, int] = {}

    async def open(self) -> None:
        """Take the lock. Raises `ConfigError` when another process has it."""
        if self._lock_path is not None and self._lock is None:
            self._lock = sole_lock(self._lock_path)

    async def close(self) -> None:
        self._subscribers.clear()
        if self._lock is not None:
            self._lock.close()  # releases the flock; the file stays, since removing it would race with the next holder
            self._lock = None

    async def publish(self, event: Event, committed: Position | None = None) -> Position:
        if committed is None:
            committed = await self._journal.position_of(event.video_id, event.id)
        if committed is None:
            raise BrokerUnavailable(f"The event {event.id} is not in the store's log; store it before publishing it.")
        self.push(event, committed)
        return committed

    def push(self, event: Event, committed: Position) -> None:
        """See `Immediate.push`."""
        deliver = self._subscribers.get(event.video_id)
        # A position at or before the last push is a repeat, or was overtaken; the overtaking push has shown the hole
        # already.
        if deliver is not None and committed.offset > self._pushed.get(event.video_id, 0):
            self._pushed[event.video_id] = committed.offset
            deliver(Entry(committed, event))

    async def tail(self, video_id: str, limit: int) -> Tail:
        return await self._journal.log_tail(video_id, limit)

    async def after(self, video_id: str, position: Position, limit: int) -> list[Entry]:
        return await self._journal.log_after(video_id, position, limit)

    async def subscribe(self, video_id: str, deliver: Deliver) -> None:
        self._subscribers[video_id] = deliver

    async def unsubscribe(self, video_id: str) -> None:
        self._subscribers.pop(video_id, None)
        self._pushed.pop(video_id, None)
