"""Long polls: the stream's events by ordinary answers, for networks that hold streams back.

A poll is a viewer for as long as it is held: it has a seat, counts as watching, and stands at a cursor of the ring like
everybody. Between two polls nothing is kept: the next one brings its place along, and climbs the same ladder as a
viewer who returns (`hubbub.fanout.resume`). So nothing can be lost in between.
"""

from __future__ import annotations

import asyncio

from hubbub.fanout.channel import Channel
from hubbub.fanout.hub import Hub
from hubbub.fanout.viewer import Format
from hubbub.metrics import Metrics
from hubbub.wire.forms import Form
from hubbub.wire.polls import poll_answer
from hubbub.wire.tokens import decode_token

MAX_ENTRIES = 500
"""Entries of the ring that an answer has at most."""

MAX_BYTES = 1024 * 1024

FORMAT = Format(batch=False, chunked=False, poll=True)


class Polling:
    """Answers polls from a hub's channels. ``most`` may be held at once: they keep their connections from others."""

    def __init__(self, hub: Hub, metrics: Metrics, *, most: int) -> None:
        self._hub = hub
        self._metrics = metrics
        self._most = most
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether nobody can be let in, whatever the address."""
        return self._held >= self._most or self._hub.seats.full

    def take(self, address: str) -> bool:
        """Reserve a seat; False when there is none. Give it back with `free`."""
        if self._held >= self._most or not self._hub.seats.take(address):
            return False
        self._held += 1
        return True

    def free(self, address: str) -> None:
        """The poll that `take` let in is over."""
        self._held -= 1
        self._hub.seats.free(address)

    async def poll(self, video_id: str, *, after: str | None, backlog: int, wait: float, limit: int) -> bytes:
        """What came after a place, ``limit`` entries at most, as soon as there is something, at the latest in ``wait``
        seconds.

        ``after`` None: a newcomer. Raises `Unavailable`.
        """
        until = asyncio.get_running_loop().time() + wait
        async with self._hub.arriving(video_id) as channel:
            if after is None:
                return self._welcome(channel, backlog)
            token = decode_token(after)
            resumed = await self._hub.resumer.resume(channel, token, form=Form.POLL) if token else None
            if resumed is None:
                return self._reset(channel, "not_provable" if token else "bad_token", backlog)
            if resumed.rung != "ring":  # that one is every poll's
                self._metrics.joins.labels(resumed.rung).inc()
            parts, cursor = [resumed.data] if resumed.data else [], resumed.cursor
            poller = channel.begin_waiting(cursor)
            try:
                while True:
                    found = self._gather(channel, cursor, limit)
                    if found is None:
                        return self._reset(channel, channel.why_reset(cursor), backlog)
                    more, cursor = found
                    parts += more
                    if parts or poller.leaving:
                        return poll_answer(parts, channel.token_at(cursor))
                    poller.cursor = cursor
                    await poller.wait(until)
            finally:
                channel.end_waiting(poller)

    @staticmethod
    def _gather(channel: Channel, cursor: int, limit: int) -> tuple[list[bytes], int] | None:
        """The shared frames from a cursor on, up to an answer's fill, and where they end; None off the ring."""
        parts: list[bytes] = []
        size, full = 0, cursor + limit
        while cursor != channel.framed and cursor < full and size < MAX_BYTES:
            stop = channel.frames.stretch_end(cursor)
            if stop is None:
                return None
            stop = min(stop, full)
            if frame := channel.frames.frame(FORMAT, cursor, stop):
                parts.append(frame)
                size += len(frame)
            cursor = stop
        return parts, cursor

    def _welcome(self, channel: Channel, backlog: int) -> bytes:
        self._metrics.joins.labels("backlog").inc()
        greeting = channel.greeting
        welcome = greeting.welcome(viewers=self._hub.watching_everywhere(channel) + 1, resumed=False, form=Form.POLL)
        return poll_answer([welcome, greeting.newest(backlog, form=Form.POLL)], greeting.token)

    def _reset(self, channel: Channel, reason: str, backlog: int) -> bytes:
        self._metrics.joins.labels("reset").inc()
        self._metrics.resets.labels(reason).inc()
        greeting = channel.greeting
        return poll_answer([greeting.reset(reason, backlog, form=Form.POLL)], greeting.token)
