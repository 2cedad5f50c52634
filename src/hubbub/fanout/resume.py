"""Where a returning viewer goes on: the ladder.

    1 ring      the place is still in memory                     exactly once
    2 log       it is not, and the ring can be read back to it   exactly once
    3 store     another epoch, or too far back: by time          at least once, doubles bear the same id
    4 reset     nothing proves it: start again from the newest backlog

The answer is a cursor into the ring, so that whoever returns takes the same shared frames as everybody, as fast as its
client reads. Only rung 3 has bytes of its own; they are read and encoded once for all who ask for the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from hubbub.fanout.channel import Channel
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import Event, Position
from hubbub.stores.base import Store
from hubbub.wire.forms import Form, form_items
from hubbub.wire.sse import Item
from hubbub.wire.tokens import ResumeToken

STORE_LIMIT = 2_500
"""Rows rung 3 reads at most: 50 a second for the 40 s that it goes back where the log is across a network."""

STORE_BYTES = 768 * 1024
"""Bytes rung 3 hands out at most: each viewer there may hold that much until it has read it."""

STORE_AGE_MS = 3_600_000
"""How long ago rung 3 goes back at most."""

STORE_READS = 4
"""Reads of rung 3 under way at most, for all videos. Whoever comes beyond gets `reset` rather than wait."""

LOG_READS = 2
"""Reads of rung 2 under way at most, for all videos; the others wait."""

_AHEAD = 2.0
"""Seconds: twice the longest tick."""


class Resumed(NamedTuple):
    """The rung, bytes to be sent first, and the cursor from which frames follow."""

    rung: str
    data: bytes
    cursor: int


class _Key(NamedTuple):
    """Who may share a read of rung 3: the same video, second and format, and no retraction in between."""

    channel: Channel
    since: int
    form: Form
    retractions: int


class Resumer:
    """Climbs the ladder for every video's returning viewers. ``late_ms``: how long an accepted event may be on its way
    into the log, which is how much less than their low-water time the viewers of a distant log may have seen.
    """

    def __init__(self, store: Store, metrics: Metrics, *, late_ms: int = 0) -> None:
        self._store = store
        self._metrics = metrics
        self._late_ms = late_ms
        self._reading: dict[_Key, asyncio.Task[Resumed | None]] = {}
        self._log_reads = asyncio.Semaphore(LOG_READS)

    async def resume(self, channel: Channel, token: ResumeToken, *, form: Form) -> Resumed | None:
        """Where the holder of ``token`` goes on, or None for `reset`. Raises `Unavailable`.

        The answer fits the channel as it stands when this returns: join without another await.
        """
        await self._let_channel_reach(channel, token.position)
        cursor = self._in_ring(channel, token)
        if cursor is not None:
            return Resumed("ring", b"", cursor)
        await channel.intake.reach_back(token.position, self._log_reads)
        cursor = self._in_ring(channel, token)
        if cursor is not None:
            return Resumed("log", b"", cursor)
        return await self._from_store(channel, token.low_water, form=form)

    async def _let_channel_reach(self, channel: Channel, position: Position) -> None:
        """A viewer may be a tick ahead of this gateway, from another: wait for it, so that it sees no doubles."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AHEAD):
                while _is_ahead(position, channel.greeting.position):
                    await channel.moved.wait()

    @staticmethod
    def _in_ring(channel: Channel, token: ResumeToken) -> int | None:
        cursor = channel.ring.sequence_after(token.position, token.low_water)
        return cursor if cursor is not None and cursor <= channel.framed else None

    async def _from_store(self, channel: Channel, low_water: int, *, form: Form) -> Resumed | None:
        if now_ms() - low_water > STORE_AGE_MS:
            return None
        # Whole seconds, so that viewers who left together share one read.
        since = max(low_water - self._late_ms, 0) // 1000 * 1000
        key = _Key(channel, since, form, channel.retractions)
        task = self._reading.get(key)
        if task is None:
            if len(self._reading) >= STORE_READS:
                return None
            task = self._reading[key] = asyncio.get_running_loop().create_task(self._read(key))
            task.add_done_callback(lambda done: self._forget(key, done))
        found = await asyncio.shield(task)
        # What was read before a retraction, or has fallen off the ring's end by now, must not be handed out.
        if found is None or channel.retractions != key.retractions or found.cursor < channel.ring.first:
            return None
        return found

    async def _read(self, key: _Key) -> Resumed | None:
        channel = key.channel
        # Whatever was ticked before the read began is in the store; the rest follows from the ring.
        cursor, token = channel.framed, channel.greeting.token
        self._metrics.store_reads.labels("resume").inc()
        events = await self._store.changes_since(channel.video_id, key.since, STORE_LIMIT)
        if len(events) >= STORE_LIMIT:
            return None
        data = _store_frame(events, token, form=key.form)
        return Resumed("store", data, cursor) if len(data) <= STORE_BYTES else None

    def _forget(self, key: _Key, done: asyncio.Task[Resumed | None]) -> None:
        self._reading.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen by whoever waits; if nobody does any more, it needs no report


def _is_ahead(position: Position, framed: Position) -> bool:
    return position.epoch == framed.epoch and position.offset > framed.offset


def _store_frame(events: list[Event], token: str, *, form: Form) -> bytes:
    """The events as they go out. Only with the last of them has a viewer got everything up to ``token``."""
    shown = [event for event in events if event.body]
    items = [Item(None, event) for event in shown[:-1]] + [Item(token, event) for event in shown[-1:]]
    return form_items(items, form)
