"""Where a returning viewer goes on: the ladder.

    1 ring      the place is still in memory                     exactly once
    2 log       the broker's history reaches back to it          exactly once
    3 store     another epoch, or trimmed: by time               at least once, doubles bear the same id
    4 reset     nothing proves it: start again from the newest backlog

Each rung is tried only when the one before can't answer. Rungs 2 and 3 are read once for all viewers who ask for the
same place at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, NamedTuple, TypeVar

from hubbub.brokers.base import Broker
from hubbub.errors import NotProvable
from hubbub.fanout.channel import Channel
from hubbub.fanout.viewer import Format
from hubbub.ids import now_ms
from hubbub.model import Entry, Event, Position
from hubbub.stores.base import Store
from hubbub.wire.sse import Item, items_frame
from hubbub.wire.tokens import ResumeToken, encode_token

LOG_LIMIT = 10_000
"""Entries of history a returning viewer may be given by rung 2; who missed more is better served by the newest backlog.
"""

STORE_LIMIT = 1_000
"""Rows rung 3 reads at most."""

STORE_AGE_MS = 3_600_000
"""How long ago rung 3 goes back at most."""

_AHEAD_TURN = 0.01
_AHEAD_TURNS = 200  # two seconds: twice the longest tick

T = TypeVar("T")


class _StoreRead(NamedTuple):
    """``mark`` is the ring sequence before which everything was committed when the read began."""

    mark: int
    events: list[Event]


class CatchUp(NamedTuple):
    """The rung, and the bytes that bring a viewer level with the channel (``b""``: it missed nothing)."""

    rung: str
    data: bytes


class Resumer:
    """Climbs the ladder for a video's returning viewers."""

    def __init__(self, broker: Broker, store: Store, *, skew_ms: int) -> None:
        self._broker = broker
        self._store = store
        self._skew_ms = skew_ms
        self._reading: dict[Hashable, asyncio.Task[Any]] = {}

    async def catch_up(self, channel: Channel, token: ResumeToken, *, batch: bool) -> CatchUp | None:
        """What the holder of ``token`` has missed, or None for `reset`. Raises `Unavailable`.

        The answer fits the channel as it stands when this returns: join without another await.
        """
        await self._let_channel_reach(channel, token.position)
        data = self._from_ring(channel, token.position, batch=batch)
        if data is not None:
            return CatchUp("ring", data)
        data = await self._from_log(channel, token.position, batch=batch)
        if data is not None:
            return CatchUp("log", data)
        data = await self._from_store(channel, token.low_water, batch=batch)
        if data is not None:
            return CatchUp("store", data)
        return None

    async def _let_channel_reach(self, channel: Channel, position: Position) -> None:
        """A viewer who comes from another gateway may be a tick ahead of this one: wait for it, so that it sees no
        doubles.
        """
        for _ in range(_AHEAD_TURNS):
            framed = channel.greeting.position
            if position.epoch != framed.epoch or position.offset <= framed.offset:
                return
            await asyncio.sleep(_AHEAD_TURN)

    def _from_ring(self, channel: Channel, position: Position, *, batch: bool) -> bytes | None:
        start = channel.ring.sequence_after(position)
        if start is None or start > channel.framed:
            return None
        return channel.frames.frame(Format(batch=batch, chunked=False), start, channel.framed)

    async def _from_log(self, channel: Channel, position: Position, *, batch: bool) -> bytes | None:
        video_id = channel.video_id
        if position.epoch != channel.ring.head.epoch:
            return None
        try:
            entries = await self._once(("log", video_id, position), lambda: self._read_log(video_id, position))
        except NotProvable:
            return None
        framed = channel.greeting.position
        if framed.epoch != position.epoch:
            return None
        # The log may be ahead of the ticks (those entries come live) or behind them (what came meanwhile is in the
        # ring).
        reached = entries[-1].position if entries else position
        items = [self._item(entry) for entry in entries if entry.position.offset <= framed.offset]
        if reached.offset < framed.offset:
            start = channel.ring.sequence_after(reached)
            if start is None:
                return None
            items += channel.ring.items(start, channel.framed)
        return items_frame(items, batch=batch)

    async def _from_store(self, channel: Channel, low_water: int, *, batch: bool) -> bytes | None:
        if now_ms() - low_water > STORE_AGE_MS:
            return None
        since = low_water // 1000 * 1000  # whole seconds, so that viewers who left together share one read
        read = await self._once(("store", channel.video_id, since), lambda: self._read_store(channel, since))
        if len(read.events) >= STORE_LIMIT or read.mark < channel.ring.first:
            return None
        known = {event.id for event in read.events}
        meanwhile = (item.event for item in channel.ring.items(read.mark, channel.framed) if item.event.id not in known)
        events = [event for event in (*read.events, *meanwhile) if event.body]
        # Only with the last of them has the viewer got everything up to the channel's place.
        items = [Item(None, event) for event in events[:-1]] + [
            Item(channel.greeting.token, event) for event in events[-1:]
        ]
        return items_frame(items, batch=batch)

    def _item(self, entry: Entry) -> Item:
        return Item(encode_token(entry.position, entry.event.at - self._skew_ms), entry.event)

    async def _read_log(self, video_id: str, position: Position) -> list[Entry]:
        return await self._broker.after(video_id, position, LOG_LIMIT)

    async def _read_store(self, channel: Channel, since: int) -> _StoreRead:
        mark = channel.framed
        return _StoreRead(mark, await self._store.changes_since(channel.video_id, since, STORE_LIMIT))

    async def _once(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run ``read``, or share the run that is under way for ``key`` (a key names one kind of read)."""
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.get_running_loop().create_task(read())
            task.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(task)
        return result

    def _forget(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        self._reading.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen by whoever waits; if nobody does any more, it needs no report
