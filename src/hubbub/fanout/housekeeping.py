"""Keeping the house: heartbeats, viewers who take nothing any more, thin backlogs, channels that nobody watches."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from hubbub.errors import HubbubError
from hubbub.fanout.channel import Channel
from hubbub.fanout.ticker import Ticker
from hubbub.metrics import Metrics

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two rounds."""


class _Beat(NamedTuple):
    """When a channel may need a heartbeat (loop time). ``number`` keeps two of the same moment in order."""

    due: float
    number: int
    channel: Channel


class Housekeeper:
    """Goes round the channels that need it, once a second.

    Seconds: ``heartbeat`` of silence before one is written; ``stall_timeout`` without progress before a lagging viewer
    is closed; ``linger`` that the ring of an unwatched video is kept. Of those rings ``idle_videos`` are kept; beyond
    that the longest idle are closed first, by ``close``.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        ticker: Ticker,
        metrics: Metrics,
        *,
        close: Callable[[Channel], Awaitable[None]],
        heartbeat: float,
        stall_timeout: float,
        linger: float,
        idle_videos: int,
    ) -> None:
        self._channels = channels
        self._ticker = ticker
        self._metrics = metrics
        self._close = close
        self._heartbeat = heartbeat
        self._stall_timeout = stall_timeout
        self._linger = linger
        self._idle_videos = idle_videos
        self._in_care: dict[Channel, None] = {}  # those that are looked at
        self._beats: list[_Beat] = []  # a heap, with one place for each channel
        self._numbers = count()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin. Call on the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._keep_house())

    async def stop(self) -> None:
        """Go round no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def opened(self, channel: Channel) -> None:
        """A new one, to which nobody may come after all."""
        self.care_for(channel)
        self._expect_beat(channel, channel.empty_since + self._heartbeat)

    def care_for(self, channel: Channel) -> None:
        """Look after it in the next rounds, for as long as it needs that."""
        self._in_care[channel] = None

    async def _keep_house(self) -> None:
        while True:
            due = time.monotonic() + EVERY
            await asyncio.sleep(EVERY)
            try:
                late = time.monotonic() - due
                if late > EVERY:
                    self._forgive(late)
                await self._tidy()
            except Exception:
                log.exception("housekeeping failed; trying again in a second")

    async def _tidy(self) -> None:
        """Look after the channels that need it, and only those: of thousands of videos, most are quiet and well."""
        now = time.monotonic()
        self._beat(now)
        idle: list[Channel] = []
        for channel in list(self._in_care):
            if channel.closed:
                del self._in_care[channel]
            elif not channel.count():
                if not channel.arriving:
                    idle.append(channel)
            else:
                self._close_stalled(channel, now)
                if channel.is_thin():
                    await self._refill(channel)
                elif not channel.lagging:
                    del self._in_care[channel]
        idle.sort(key=lambda channel: channel.empty_since)
        surplus = len(idle) - self._idle_videos
        for rank, channel in enumerate(idle):
            # Looked at again, since closing the others took time: somebody may have come.
            if channel.closed or channel.count() or channel.arriving:
                continue
            if rank < surplus or now - channel.empty_since >= self._linger:
                await self._close(channel)

    def _beat(self, now: float) -> None:
        """Have heartbeats written where nothing was for long; each channel is looked at when one might be due."""
        while self._beats and self._beats[0].due <= now:
            channel = heappop(self._beats).channel
            if channel.closed:
                continue
            quiet_since = channel.last_write
            if now - quiet_since >= self._heartbeat:
                quiet_since = now
                if channel.count():
                    self._ticker.beat(channel)
            self._expect_beat(channel, quiet_since + self._heartbeat)

    def _expect_beat(self, channel: Channel, due: float) -> None:
        heappush(self._beats, _Beat(due, next(self._numbers), channel))

    async def _refill(self, channel: Channel) -> None:
        try:
            await channel.refill()
        except HubbubError as error:
            log.warning("video %s: could not fill the backlog up: %s", channel.video_id, error)

    def _forgive(self, seconds: float) -> None:
        """We stood still for so long (SIGSTOP, a paused machine); who took nothing meanwhile had been given nothing.

        The loop runs its timers before it looks at its sockets, so those who have read on since are not known yet.
        """
        now = time.monotonic()
        for channel in self._channels.values():
            for viewer in channel.lagging:
                viewer.lagging_since = min(viewer.lagging_since + seconds, now)

    def _close_stalled(self, channel: Channel, now: float) -> None:
        for viewer in list(channel.lagging):
            if now - viewer.lagging_since < self._stall_timeout:
                continue
            unsent = viewer.unsent()
            if unsent != viewer.unsent_seen:  # slow, yet reading
                viewer.unsent_seen, viewer.lagging_since = unsent, now
                continue
            self._metrics.closed.labels("stalled").inc()
            channel.leave(viewer)
            viewer.abort()
