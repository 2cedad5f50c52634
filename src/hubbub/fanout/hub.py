"""Which videos are watched here, and everybody who watches.

A channel opens with a video's first viewer and closes a while after its last. The hub greets newcomers, and lets
everyone go at the end; meanwhile `hubbub.fanout.housekeeping` looks after the channels.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from hubbub.brokers.base import Broker, Distant
from hubbub.fanout.channel import Bounds, Channel, NewIntake
from hubbub.fanout.far import MENDING, FarIntake
from hubbub.fanout.frames import framed
from hubbub.fanout.housekeeping import Housekeeper
from hubbub.fanout.intake import Intake
from hubbub.fanout.lookout import Lookout
from hubbub.fanout.resume import Resumed, Resumer
from hubbub.fanout.seams import LATE_MS
from hubbub.fanout.seats import Seats
from hubbub.fanout.ticker import Ticker
from hubbub.fanout.viewer import Viewer
from hubbub.metrics import Metrics
from hubbub.presence.base import Presence
from hubbub.stores.base import Store
from hubbub.wire.events import encode_json
from hubbub.wire.sse import sse_event
from hubbub.wire.tokens import decode_token


class Timing(NamedTuple):
    """Seconds: bounds of a tick; silence before a heartbeat; no progress before a lagging viewer is closed; how long an
    unwatched video's ring is kept; the bounds of the ``retry:`` that clients are given; between two looks at where the
    logs of a broker across a network stand.
    """

    tick_min: float = 0.02
    tick_max: float = 1.0
    heartbeat: float = 15.0
    stall_timeout: float = 30.0
    linger: float = 30.0
    retry_min: float = 1.0
    retry_max: float = 4.0
    position_check: float = 3.0


class Hub:
    """Every channel of this process.

    ``max_viewers`` bounds everyone watching, ``max_per_address`` those of one address; ``idle_videos`` bounds the rings
    kept for videos that nobody watches at the moment (beyond it the longest idle go first).
    """

    def __init__(
        self,
        broker: Broker,
        store: Store,
        *,
        bounds: Bounds,
        timing: Timing,
        metrics: Metrics,
        presence: Presence,
        max_viewers: int,
        max_per_address: int | None = None,
        idle_videos: int = 1000,
    ) -> None:
        self._bounds = bounds
        self._timing = timing
        self._metrics = metrics
        self._presence = presence
        self._channels: dict[str, Channel] = {}
        self._opening: dict[str, asyncio.Task[Channel]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        self.seats = Seats(max_viewers, max_per_address)
        self._ticker = Ticker(shortest=timing.tick_min, longest=timing.tick_max, metrics=metrics)
        self.resumer = Resumer(store, metrics, late_ms=LATE_MS if isinstance(broker, Distant) else 0)
        self.lookout: Lookout | None = None
        self._new_intake: NewIntake = partial(Intake, broker=broker, store=store, metrics=metrics)
        if isinstance(broker, Distant):
            self.lookout = Lookout(broker, self._channels, metrics, check_every=timing.position_check)
            gate = asyncio.Semaphore(MENDING)
            self._new_intake = partial(FarIntake, broker=broker, store=store, metrics=metrics, gate=gate)
        self._housekeeper = Housekeeper(
            self._channels,
            self._ticker,
            metrics,
            close=self._close,
            heartbeat=timing.heartbeat,
            stall_timeout=timing.stall_timeout,
            linger=timing.linger,
            idle_videos=idle_videos,
        )
        self.draining = False
        self._observe()

    def _observe(self) -> None:
        channels = self._channels
        observe = self._metrics.observe
        observe("hubbub_viewers", "Who watches now", self.viewer_count)
        observe(
            "hubbub_viewers_lagging",
            "Viewers who can't take frames at once now",
            lambda: sum(channel.laggards() for channel in channels.values()),
        )
        observe("hubbub_videos_open", "Videos with a ring in memory", lambda: len(channels))
        observe(
            "hubbub_ring_entries",
            "Entries in all rings",
            lambda: sum(len(channel.ring) for channel in channels.values()),
        )
        observe(
            "hubbub_ring_bytes", "Bytes in all rings", lambda: sum(channel.ring.bytes for channel in channels.values())
        )

    def start(self) -> None:
        """Begin ticking. Call on the event loop."""
        self._ticker.start()
        if self.lookout is not None:
            self.lookout.start()
        self._housekeeper.start()

    async def close(self) -> None:
        """Close every channel at once."""
        self.draining = True
        await self._housekeeper.stop()
        if self.lookout is not None:
            await self.lookout.stop()
        await self._ticker.stop()
        for channel in list(self._channels.values()):
            await self._close(channel)

    def viewer_count(self) -> int:
        """Everyone watching here."""
        return sum(channel.count() for channel in self._channels.values())

    def watching(self, video_id: str) -> int:
        """Everyone watching one video here."""
        channel = self._channels.get(video_id)
        return 0 if channel is None else channel.count()

    def watching_everywhere(self, channel: Channel) -> int:
        """Everyone watching one video, here and as far as is known in other processes."""
        return channel.count() + self._presence.others(channel.video_id)

    # --- coming and going --------------------------------------------------------------------------------------------

    async def admit(self, viewer: Viewer, video_id: str, *, last_event_id: str | None) -> None:
        """Let a viewer in: it is greeted with `welcome`, then what it missed or the newest backlog, then lives on.

        ``last_event_id`` None: a newcomer. Raises `Unavailable` when the video's log can't be read; nothing was written
        then.
        """
        async with self.arriving(video_id) as channel:
            await self._greet(viewer, channel, last_event_id)
        if reason := viewer.leaving or ("draining" if self.draining else ""):
            self.dismiss(viewer, reason)

    @asynccontextmanager
    async def arriving(self, video_id: str) -> AsyncIterator[Channel]:
        """The video's channel, kept open meanwhile. Raises `Unavailable` when the log can't be read."""
        channel = await self._channel(video_id)
        while channel.closed:  # in the moment between its opening and our turn
            channel = await self._channel(video_id)
        channel.arriving += 1  # it must not be closed as idle while we read what this viewer missed
        try:
            yield channel
        finally:
            channel.arriving -= 1

    async def _greet(self, viewer: Viewer, channel: Channel, last_event_id: str | None) -> None:
        form = viewer.format.form
        if last_event_id is None:
            rung, data, cursor = Resumed("backlog", channel.greeting.newest(viewer.backlog, form=form), channel.framed)
        else:
            token = decode_token(last_event_id)
            resumed = await self.resumer.resume(channel, token, form=form) if token else None
            rung, data, cursor = resumed or self._reset(viewer, channel, "not_provable" if token else "bad_token")
        self._metrics.joins.labels(rung).inc()
        greeting = channel.greeting
        is_all = not data and cursor == channel.framed
        welcome = greeting.welcome(
            viewers=self.watching_everywhere(channel) + 1,
            resumed=rung not in ("backlog", "reset"),
            place=greeting.token if is_all else _place(last_event_id),
            retry_ms=self._retry_ms(),
        )
        channel.join(viewer, welcome + data, cursor)

    def _reset(self, viewer: Viewer, channel: Channel, reason: str) -> Resumed:
        self._metrics.resets.labels(reason).inc()
        data = channel.greeting.reset(reason, viewer.backlog, form=viewer.format.form)
        return Resumed("reset", data, channel.framed)

    def _retry_ms(self) -> int:
        return round(random.uniform(self._timing.retry_min, self._timing.retry_max) * 1000)

    def turn_away(
        self, reason: str, *, after: tuple[float, float] | None = None, last_event_id: str | None = None
    ) -> bytes:
        """The whole stream of somebody who can't be let in now: come back within ``after`` seconds, to where you were.

        A stream, not a status: an EventSource gives up for good on any 4xx or 5xx.
        """
        self.turned_away(reason)
        return self._reconnect(reason, after, last_event_id)

    def turned_away(self, reason: str) -> None:
        """Count somebody who can't be let in now."""
        self._metrics.turned_away.labels(reason).inc()

    def _reconnect(self, reason: str, after: tuple[float, float] | None, last_event_id: str | None) -> bytes:
        low, high = after or (self._timing.retry_min, self._timing.retry_max)
        retry_ms = round(random.uniform(low, high) * 1000)
        place = _place(last_event_id) or None
        return sse_event("reconnect", encode_json({"reason": reason}), id=place, retry_ms=retry_ms)

    async def _channel(self, video_id: str) -> Channel:
        channel = self._channels.get(video_id)
        if channel is not None:
            return channel
        task = self._opening.get(video_id)
        if task is None:
            task = self._opening[video_id] = asyncio.get_running_loop().create_task(self._open(video_id))
            task.add_done_callback(lambda _: self._opening.pop(video_id, None))
        return await asyncio.shield(task)  # one viewer who gives up must not take the channel from the others

    async def _open(self, video_id: str) -> Channel:
        if (closing := self._closing.get(video_id)) is not None:
            await asyncio.wait([closing])  # else its unsubscribing would end our subscription
        channel = Channel(
            video_id,
            new_intake=self._new_intake,
            bounds=self._bounds,
            metrics=self._metrics,
            wake=self._ticker.wake,
            care=self._housekeeper.care_for,
            counted=self._counted,
        )
        await channel.open()
        channel.empty_since = time.monotonic()
        self._channels[video_id] = channel
        self._housekeeper.opened(channel)
        return channel

    async def _close(self, channel: Channel) -> None:
        video_id = channel.video_id
        channel.closed = True
        self._channels.pop(video_id, None)
        task = self._closing[video_id] = asyncio.get_running_loop().create_task(channel.close())
        task.add_done_callback(lambda _: self._closing.pop(video_id, None))
        await task

    def _counted(self, channel: Channel) -> None:
        self._presence.report(channel.video_id, channel.count())

    # --- the end -----------------------------------------------------------------------------------------------------

    async def drain(self, window: float) -> None:
        """Ask every viewer to go, each at a moment of its own within ``window`` seconds, then return."""
        self.draining = True
        channels = self._channels.values()
        leaving: list[Callable[[], None]] = [
            partial(self.dismiss, viewer, "draining") for channel in channels for viewer in channel.viewers()
        ]
        leaving += [poller.leave for channel in channels for poller in channel.pollers]
        random.shuffle(leaving)
        began = time.monotonic()
        for number, leave in enumerate(leaving):
            due = began + window * number / len(leaving)
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            leave()

    def dismiss(self, viewer: Viewer, reason: str) -> None:
        """End one viewer's stream with a word to come back."""
        channel = viewer.channel
        if channel is None:
            viewer.leaving = reason  # it is being greeted
            return
        channel.leave(viewer)
        self.decline(viewer, reason)

    def decline(self, viewer: Viewer, reason: str, *, last_event_id: str | None = None) -> None:
        """End the stream of somebody who is in no channel. ``last_event_id``: its own, if it has seen nothing."""
        if viewer.gone:
            return
        self._metrics.closed.labels(reason).inc()
        viewer.write(framed(self._reconnect(reason, None, last_event_id), viewer.format))
        viewer.end()


def _place(last_event_id: str | None) -> str | None:
    """Where somebody stands who has been sent nothing yet, as an event's id: where it came from, ``""`` for a newcomer.

    None for a token that is not ours: it may hold anything.
    """
    if last_event_id is None:
        return ""
    return last_event_id if decode_token(last_event_id) else None
