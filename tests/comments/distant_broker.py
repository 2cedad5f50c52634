"""The real in-process broker as if it stood across a network: it can be away, or not answer."""

from __future__ import annotations

import asyncio
from typing import Literal

from hubbub.brokers.base import Deliver
from hubbub.brokers.local import LocalBroker
from hubbub.errors import BrokerUnavailable
from hubbub.model import Entry, Event, Position, Tail
from hubbub.stores.base import Journal


class DistantBroker:
    """A `Broker` that is not `Immediate`. ``asked``: how often it was told to publish."""

    def __init__(self, journal: Journal) -> None:
        self.trouble: Literal["away", "hangs"] | None = None
        self.asked = 0
        self._broker = LocalBroker(journal, lock_path=None)

    async def open(self) -> None:
        await self._broker.open()

    async def close(self) -> None:
        await self._broker.close()

    async def publish(self, event: Event, committed: Position | None = None) -> Position:
        self.asked += 1
        if self.trouble == "away":
            raise BrokerUnavailable("connection refused")
        if self.trouble == "hangs":
            await asyncio.sleep(60)
        return await self._broker.publish(event, committed)

    async def tail(self, video_id: str, limit: int) -> Tail:
        return await self._broker.tail(video_id, limit)

    async def after(self, video_id: str, position: Position, limit: int) -> list[Entry]:
        return await self._broker.after(video_id, position, limit)

    async def subscribe(self, video_id: str, deliver: Deliver) -> None:
        await self._broker.subscribe(video_id, deliver)

    async def unsubscribe(self, video_id: str) -> None:
        await self._broker.unsubscribe(video_id)
