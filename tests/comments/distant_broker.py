"""A broker as if across a network, in memory: it can be away, hang, lose pushes, and forget all it had.

It numbers the log by itself, as a broker that stands apart from the store does, and keeps the contract of brokers
(`tests/brokers/test_distant_double.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from hubbub.brokers.base import Deliver
from hubbub.errors import BrokerUnavailable, NotProvable
from hubbub.model import RETRACTIONS, Entry, Event, Position, Tail
from hubbub.wire.events import SHOWS_COMMENT


class Logs:
    """What stands at the other end: every video's log, and who is connected."""

    def __init__(self) -> None:
        self.epochs = 1
        self.entries: dict[str, list[Entry]] = {}
        self.clients: list[DistantBroker] = []

    @property
    def epoch(self) -> str:
        """The present one."""
        return f"e{self.epochs}"

    def lose_all(self) -> None:
        """Restart with nothing kept: a new epoch, empty logs."""
        self.entries.clear()
        self.epochs += 1

    def go_back(self, video_id: str, entries: int) -> None:
        """Lose a log's newest entries without any sign."""
        del self.entries[video_id][-entries:]

    def trim(self, video_id: str, keep: int) -> None:
        """Forget a log's oldest entries."""
        del self.entries[video_id][:-keep]

    def head(self, video_id: str) -> Position:
        """Where a log stands."""
        entries = self.entries.get(video_id)
        return entries[-1].position if entries else Position(self.epoch, 0)

    def append(self, event: Event) -> Position:
        """Take an event and push it, or say where it stands already."""
        entries = self.entries.setdefault(event.video_id, [])
        for entry in entries:
            if entry.event.id == event.id:
                return entry.position
        if event.kind in RETRACTIONS:
            entries[:] = [
                Entry(entry.position, entry.event.blank())
                if entry.event.subject == event.subject and entry.event.kind in SHOWS_COMMENT
                else entry
                for entry in entries
            ]
        new = Entry(Position(self.epoch, self.head(event.video_id).offset + 1), event)
        entries.append(new)
        for client in self.clients:
            client.arrive(new)
        return new.position


class DistantBroker:
    """A `Broker` that is `Distant`: one process's connection to ``logs``.

    ``trouble``: what everything asked of it meets; pushes don't come then either. ``deaf``: videos whose pushes get
    lost. ``asked``: how often it was told to publish; ``asked_heads``: how often where logs stand.
    """

    def __init__(self, logs: Logs | None = None) -> None:
        self.logs = logs or Logs()
        self.logs.clients.append(self)
        self.trouble: Literal["away", "hangs"] | None = None
        self.deaf: set[str] = set()
        self.asked = 0
        self.asked_heads = 0
        self._subscribers: dict[str, Deliver] = {}
        self._told: list[Callable[[bool], None]] = []
        self._reachable = True

    # --- what happens to it ------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Be away, and known to be."""
        self.trouble = "away"
        self.tell(False)

    def come_back(self) -> None:
        """Be there again, and known to be."""
        self.trouble = None
        self.tell(True)

    def tell(self, reachable: bool) -> None:
        """Have everybody know."""
        if reachable is not self._reachable:
            self._reachable = reachable
            for told in self._told:
                told(reachable)

    def arrive(self, entry: Entry) -> None:
        """An entry was appended."""
        deliver = self._subscribers.get(entry.event.video_id)
        if deliver is not None and entry.event.video_id not in self.deaf and self.trouble is None:
            deliver(entry)

    def watched(self) -> list[str]:
        """The videos subscribed to."""
        return list(self._subscribers)

    # --- Distant -----------------------------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        return self._reachable

    def on_reachable(self, told: Callable[[bool], None]) -> None:
        self._told.append(told)

    async def heads(self, video_ids: Sequence[str]) -> dict[str, Position]:
        self.asked_heads += 1
        await self._meet_trouble()
        return {video_id: self.logs.head(video_id) for video_id in video_ids}

    # --- Broker ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        self._subscribers.clear()

    async def publish(self, event: Event, committed: Position | None = None) -> Position:
        self.asked += 1
        await self._meet_trouble()
        return self.logs.append(event)

    async def tail(self, video_id: str, limit: int) -> Tail:
        await self._meet_trouble()
        entries = self.logs.entries.get(video_id, [])
        return Tail(self.logs.head(video_id), entries[max(len(entries) - limit, 0) :])

    async def after(self, video_id: str, position: Position, limit: int) -> list[Entry]:
        await self._meet_trouble()
        head, entries = self.logs.head(video_id), self.logs.entries.get(video_id, [])
        first = head.offset - len(entries)
        if position.epoch != head.epoch or not max(first, head.offset - limit) <= position.offset <= head.offset:
            raise NotProvable("another epoch, trimmed, or too far back")
        return entries[position.offset - first :]

    async def subscribe(self, video_id: str, deliver: Deliver) -> None:
        self._subscribers[video_id] = deliver

    async def unsubscribe(self, video_id: str) -> None:
        self._subscribers.pop(video_id, None)

    async def _meet_trouble(self) -> None:
        await asyncio.sleep(0)  # a network answers later, if it does
        if self.trouble == "away":
            raise BrokerUnavailable("connection refused")
        if self.trouble == "hangs":
            await asyncio.sleep(60)
