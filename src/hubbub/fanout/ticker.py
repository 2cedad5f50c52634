"""When frames go out, and how much is written at a time.

The first event after quiet goes out at once. Then a video waits before its next tick, for as long as its last sweep
took from being due to being done (at least 20 ms, at most 1 s by default). That time counts what other videos' sweeps
took meanwhile, so however many videos are busy, sending takes about half of the loop and the rest belongs to posts and
requests.

All sweeps take turns in one task, a slice of `SLICE` writes each: a small video never waits for a big one's whole
sweep.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from hubbub.fanout.channel import Channel
from hubbub.fanout.crowd import SLICE
from hubbub.metrics import Metrics

log = logging.getLogger(__name__)


class _Turn(NamedTuple):
    channel: Channel
    writes: Iterator[int]
    due: float
    is_tick: bool


class Ticker:
    """Schedules the sweeps of all channels. ``shortest`` and ``longest`` bound a tick, in seconds."""

    def __init__(self, *, shortest: float, longest: float, metrics: Metrics) -> None:
        self._shortest = shortest
        self._longest = longest
        self._metrics = metrics
        self._turns: deque[_Turn] = deque()
        self._scheduled: set[Channel] = set()  # waiting for their tick, or in a sweep
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin writing. Call on the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop after the current slice; what was not written stays unwritten."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def wake(self, channel: Channel) -> None:
        """A channel has something to write. Cheap to call for every event."""
        channel.dirty = True
        if channel in self._scheduled:
            return
        self._scheduled.add(channel)
        wait = channel.next_tick - time.monotonic()
        if wait <= 0:
            self._begin(channel)
        else:
            asyncio.get_running_loop().call_later(wait, self._begin, channel)

    def beat(self, channel: Channel) -> None:
        """Write a heartbeat to a channel's viewers."""
        self._add(_Turn(channel, channel.heartbeat(), time.monotonic(), is_tick=False))

    def _begin(self, channel: Channel) -> None:
        self._add(_Turn(channel, channel.sweep(), time.monotonic(), is_tick=True))

    def _add(self, turn: _Turn) -> None:
        self._turns.append(turn)
        self._wakeup.set()

    async def _run(self) -> None:
        written = 0
        while True:
            if not self._turns:
                self._wakeup.clear()
                await self._wakeup.wait()
                written = 0
            turn = self._turns.popleft()
            try:
                written += self._slice(turn)
            except Exception:  # one video's trouble must not silence the others
                log.exception("video %s: a sweep failed", turn.channel.video_id)
                self._finish(turn)
            if written >= SLICE:
                written = 0
                await asyncio.sleep(0)

    def _slice(self, turn: _Turn) -> int:
        """Let a sweep write its next slice; the number of writes."""
        writes = next(turn.writes, None)
        if writes is None:
            self._finish(turn)
            return 0
        self._turns.append(turn)
        return writes

    def _finish(self, turn: _Turn) -> None:
        if not turn.is_tick:
            return
        now = time.monotonic()
        taken = now - turn.due
        interval = min(max(taken, self._shortest), self._longest)
        self._metrics.sweep.observe(taken)
        self._metrics.tick.observe(interval)
        channel = turn.channel
        channel.next_tick = now + interval
        self._scheduled.discard(channel)
        if channel.dirty:
            self.wake(channel)
