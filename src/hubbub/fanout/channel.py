"""One watched video: log entries come in, frames go out.

Entries arrive in the order of the log (`receive`), gather until the tick (`sweep`), and are then written to all viewers
as one shared frame. Whatever is not the next entry is not guessed at: a hole is fetched from the broker (`mend`), and
what can't be proven continuous restarts the ring, which viewers see as `reset`.

Everything here runs on the event loop. Between two awaits the channel is consistent: ``framed`` is the ring sequence up
to which level viewers have been sent, and `greeting` is what a latecomer gets at just that place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hubbub.brokers.base import Broker
from hubbub.errors import HubbubError, NotProvable
from hubbub.fanout.backlog import MAX_BACKLOG, Backlog
from hubbub.fanout.frames import Frames, framed
from hubbub.fanout.greeting import Greeting
from hubbub.fanout.opening import Opened, open_log
from hubbub.fanout.ring import Ring
from hubbub.fanout.viewer import Format, Viewer
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import RETRACTIONS, Entry, Position
from hubbub.stores.base import Store
from hubbub.wire.events import comment_event
from hubbub.wire.sse import HEARTBEAT

log = logging.getLogger(__name__)

SLICE = 250
"""Writes between two turns of the event loop: about a millisecond of sending."""

_MAX_HELD = 10_000
"""Pushes kept while the log is being read. Beyond it they are dropped, which shows as a hole and is fetched again."""

_MEND_RETRY = 1.0


class Bounds(NamedTuple):
    """What a channel may hold in memory, and the clocks' allowed skew (ms) that resume tokens are made with."""

    ring_entries: int
    ring_bytes: int
    skew_ms: int


class Channel:
    """One video's ring, its viewers and its pending tick."""

    def __init__(
        self,
        video_id: str,
        *,
        broker: Broker,
        store: Store,
        bounds: Bounds,
        metrics: Metrics,
        wake: Callable[[Channel], None],
    ) -> None:
        self.video_id = video_id
        self.level: dict[Format, dict[Viewer, None]] = {}
        self.lagging: dict[Viewer, None] = {}
        self.arriving = 0  # viewers being greeted
        self.empty_since = time.monotonic()
        self.next_tick = 0.0
        self.last_write = time.monotonic()
        self.dirty = False
        self._broker = broker
        self._store = store
        self._bounds = bounds
        self._metrics = metrics
        self._wake = wake
        self._held: list[Entry] | None = []  # pushes wait here while the log is read; None: they go straight in
        self._mending: asyncio.Task[None] | None = None
        self._rotation = 0

    # --- opening and closing -----------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Subscribe first, read the log, then let the pushes in: nothing can fall between. Raises `Unavailable`."""
        await self._broker.subscribe(self.video_id, self.receive)
        try:
            opened = await open_log(self.video_id, self._broker, self._store, self._skew)
        except BaseException:
            await self._broker.unsubscribe(self.video_id)
            raise
        self.ring = Ring(
            opened.start,
            max_entries=self._bounds.ring_entries,
            max_bytes=self._bounds.ring_bytes,
            skew_ms=self._bounds.skew_ms,
        )
        self.frames = Frames(self.ring, max_bytes=self._bounds.ring_bytes)
        self._fill(opened)
        self._release()

    async def close(self) -> None:
        """Unsubscribe and drop what is left of viewers."""
        if self._mending is not None:
            self._mending.cancel()
        await self._broker.unsubscribe(self.video_id)
        for viewer in self.viewers():
            viewer.end()
            self.leave(viewer)

    @property
    def _skew(self) -> int:
        return self._bounds.skew_ms

    def _fill(self, opened: Opened) -> None:
        backlog = Backlog(skew_ms=self._skew)
        backlog.add_older(opened.older)
        backlog.complete = opened.complete
        for pin in opened.pins:
            backlog.apply(pin, None)
        self.greeting = Greeting(self.video_id, backlog, opened.start, now_ms(), skew_ms=self._skew)
        self.ticks: dict[int, int] = {}  # where a tick begins -> where it ends, for every tick still in the ring
        for entry in opened.entries:
            self.ring.append(entry)
            self.greeting.advance(entry.event, entry.position)
        self.framed = self.ring.next

    # --- entries in --------------------------------------------------------------------------------------------------

    def receive(self, entry: Entry) -> None:
        """The broker's push."""
        if self._held is not None:
            if len(self._held) < _MAX_HELD:
                self._held.append(entry)
            return
        head, position = self.ring.head, entry.position
        if position.epoch == head.epoch and position.offset <= head.offset:
            return  # known already
        if position.epoch != head.epoch or position.offset != head.offset + 1:
            self._begin_mending(entry)
            return
        self._take(entry)

    def _take(self, entry: Entry) -> None:
        event = entry.event
        if event.kind in RETRACTIONS:
            # The text goes before anything else is served; the entry itself travels with the next tick.
            if self.ring.blank(event.subject) is not None:
                self.frames.forget()
            self.greeting.retract(event.subject)
        self.ring.append(entry)
        self._wake(self)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for entry in held:
            self.receive(entry)

    def _begin_mending(self, entry: Entry) -> None:
        self._metrics.holes.inc()
        self._held = [entry]
        self._mending = asyncio.get_running_loop().create_task(self._mend())

    async def _mend(self) -> None:
        """Fetch what is missing after the ring's head; if that can't be proven complete, begin anew. Repeats until it
        has.
        """
        while True:
            try:
                try:
                    entries = await self._broker.after(self.video_id, self.ring.head, self._bounds.ring_entries)
                except NotProvable:
                    await self._restart()
                else:
                    for entry in entries:
                        self._take(entry)
                break
            except HubbubError as error:
                log.warning("video %s: could not fetch missing entries, trying again: %s", self.video_id, error)
                await asyncio.sleep(_MEND_RETRY)
        self._mending = None
        self._release()

    async def _restart(self) -> None:
        opened = await open_log(self.video_id, self._broker, self._store, self._skew)
        self.ring.restart(opened.start)
        self.frames.forget()
        self._fill(opened)
        self._wake(self)

    async def refill(self) -> None:
        """Fetch older comments in place of what retractions have thinned out. Raises `StoreUnavailable`."""
        if self._held is not None:
            return
        self._held = []  # a retraction that comes while we read must find what we are about to add
        try:
            newest = await self._store.newest(self.video_id, MAX_BACKLOG)
            oldest, settled = self.greeting.backlog.oldest, now_ms() - self._skew
            self.greeting.backlog.add_older(
                comment_event(c) for c in newest if (c.id < oldest if oldest else c.created_at < settled)
            )
            self.greeting.backlog.complete = len(newest) < MAX_BACKLOG
            self.greeting.changed()
        finally:
            self._release()

    # --- frames out --------------------------------------------------------------------------------------------------

    def sweep(self) -> Iterator[int]:
        """Write what gathered since the last tick to every level viewer. Yields the number of writes after each slice.

        Begins at another viewer each time, so that nobody is always last.
        """
        self.dirty = False
        start, stop = self._cut()
        for format, viewers in list(self.level.items()):
            frame = self._tick_frame(format, start, stop)
            if frame:
                self._metrics.frame_bytes.observe(len(frame))
            waiting = list(viewers)
            pivot = self._rotation % len(waiting) if waiting else 0
            delivered = since_yield = 0
            for viewer in waiting[pivot:] + waiting[:pivot]:
                # Checked at each turn, since slices let others run: this viewer may have left, or caught up by itself.
                if viewer.channel is not self or viewer.lagging_since:
                    continue
                if viewer.cursor == start and frame is not None:
                    viewer.cursor = stop
                    if frame:
                        viewer.write(frame)
                        delivered += 1
                else:
                    self.catch_up(viewer)
                since_yield += 1
                if since_yield == SLICE:
                    yield since_yield
                    since_yield = 0
                    frame = self._tick_frame(format, start, stop)
            self._rotation += SLICE
            self._metrics.deliveries.inc(delivered)
            self._metrics.delivered_events.inc(delivered * (stop - start))
            yield since_yield
        self.last_write = time.monotonic()

    def _tick_frame(self, format: Format, start: int, stop: int) -> bytes | None:
        """The tick's frame as of now (a retraction between two slices must be obeyed); None if it has left the ring."""
        if start < self.ring.first:
            return None
        return self.frames.frame(format, start, stop) if start < stop else b""

    def _cut(self) -> tuple[int, int]:
        """Close the tick: what has gathered becomes one stretch of the ring, and the backlog moves up to its end."""
        start, stop = self.framed, self.ring.next
        if start == stop:
            return start, stop
        start = max(start, self.ring.first)  # a burst larger than the ring: viewers behind it are reset
        now = now_ms()
        offset = self.ring.head.offset - (stop - start)
        for item in self.ring.items(start, stop):
            offset += 1
            self.greeting.advance(item.event, Position(self.ring.head.epoch, offset))
            self._metrics.post_to_frame.observe(max(now - item.event.at, 0) / 1000)
        self.framed = stop
        self.ticks[start] = stop
        while (oldest := next(iter(self.ticks))) < self.ring.first and len(self.ticks) > 1:
            del self.ticks[oldest]
        return start, stop

    def heartbeat(self) -> Iterator[int]:
        """Write a comment line to every level viewer, in slices like `sweep`."""
        self.last_write = time.monotonic()
        for format, viewers in list(self.level.items()):
            beat = framed(HEARTBEAT, format)
            written = 0
            for viewer in list(viewers):
                if viewer.channel is self and not viewer.lagging_since:
                    viewer.write(beat)
                    written += 1
                    if written == SLICE:
                        yield written
                        written = 0
            yield written

    # --- viewers -----------------------------------------------------------------------------------------------------

    def viewers(self) -> list[Viewer]:
        """Everyone watching."""
        return [viewer for group in self.level.values() for viewer in group] + list(self.lagging)

    def count(self) -> int:
        """How many watch."""
        return sum(map(len, self.level.values())) + len(self.lagging)

    def join(self, viewer: Viewer, greeting: bytes) -> None:
        """Let a viewer in at ``framed``. ``greeting`` is all it gets before live frames; no await may lie between
        making it and this call.
        """
        if viewer.gone:
            return
        viewer.channel = self
        viewer.cursor = self.framed
        self.level.setdefault(viewer.format, {})[viewer] = None
        viewer.write(framed(greeting, viewer.format))

    def leave(self, viewer: Viewer) -> None:
        """A viewer has gone. Idempotent."""
        if viewer.channel is not self:
            return
        viewer.channel = None
        self.lagging.pop(viewer, None)
        self.level.get(viewer.format, {}).pop(viewer, None)
        if not self.count():
            self.empty_since = time.monotonic()

    def fall_behind(self, viewer: Viewer) -> None:
        """A viewer could not take everything at once."""
        if not viewer.lagging_since:
            self._metrics.fell_behind.inc()
        viewer.lagging_since = time.monotonic()
        viewer.unsent_seen = viewer.unsent()
        self.level.get(viewer.format, {}).pop(viewer, None)
        self.lagging[viewer] = None

    def catch_up(self, viewer: Viewer) -> None:
        """Give a viewer whole shared frames until it is level or can take no more. Off the ring: `reset` and the
        backlog.
        """
        viewer.lagging_since = 0.0
        while viewer.cursor != self.framed:
            stop = self.ticks.get(viewer.cursor)
            if viewer.cursor < self.ring.first or stop is None:
                self._metrics.resets.labels("fell_off_ring").inc()
                viewer.cursor = self.framed
                data = framed(self.greeting.reset("too_slow", viewer.backlog, batch=viewer.format.batch), viewer.format)
            else:
                data = self.frames.frame(viewer.format, viewer.cursor, stop)
                viewer.cursor = stop
            if data:
                viewer.write(data)
                self._metrics.deliveries.inc()
            if viewer.lagging_since or viewer.channel is not self:
                return
        self.lagging.pop(viewer, None)
        self.level.setdefault(viewer.format, {})[viewer] = None
