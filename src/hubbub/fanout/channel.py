"""One watched video: log entries come in, frames go out.

Entries arrive in the order of the log (`hubbub.fanout.intake`), gather until the tick (`sweep`), and are then written
to all viewers as one shared frame. A viewer is a cursor: whoever is not level, because it lags or has just come back,
is given whole frames from its cursor on (`catch_up`).

Everything here runs on the event loop. Between two awaits the channel is consistent: ``framed`` is the ring sequence up
to which level viewers have been sent, and `greeting` is what a latecomer gets at just that place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hubbub.fanout.backlog import MAX_BACKLOG, Backlog
from hubbub.fanout.crowd import SLICE, Crowd, Slice
from hubbub.fanout.frames import Frames, framed
from hubbub.fanout.greeting import Greeting
from hubbub.fanout.intake import Follower, Intake
from hubbub.fanout.opening import Opened
from hubbub.fanout.poller import Poller
from hubbub.fanout.ring import Ring
from hubbub.fanout.viewer import Format, Viewer
from hubbub.fanout.writing import send_to_all
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import Entry, Position
from hubbub.wire.sse import HEARTBEAT

NewIntake = Callable[[str, Ring, Follower], Intake]
"""What follows a video's log into a ring, and tells the channel."""

POLL_COST = 25
"""What answering a poll costs, in writes: a request is begun and ended for it."""


class Bounds(NamedTuple):
    """What a channel may hold in memory, and the clocks' allowed skew (ms) that resume tokens are made with."""

    ring_entries: int
    ring_bytes: int
    skew_ms: int


class Channel:
    """One video's ring, its viewers and its pending tick.

    ``wake`` is called when there is something to write; ``care`` when housekeeping has to look after it (nobody
    watches, somebody lags, the backlog is thin), until that is over; ``counted`` when somebody has come or gone.
    """

    def __init__(
        self,
        video_id: str,
        *,
        new_intake: NewIntake,
        bounds: Bounds,
        metrics: Metrics,
        wake: Callable[[Channel], None],
        care: Callable[[Channel], None],
        counted: Callable[[Channel], None],
    ) -> None:
        self.video_id = video_id
        self.level: dict[Format, dict[Viewer, None]] = {}
        self.lagging: dict[Viewer, None] = {}
        self.pollers: dict[Poller, None] = {}  # who wait for the next tick, each in a request of its own
        self._crowds: dict[Format, Crowd] = {}  # of `level`, where all of a format stand together
        self.arriving = 0  # viewers being greeted
        self.closed = False
        self.empty_since = time.monotonic()
        self.next_tick = 0.0
        self.last_write = time.monotonic()
        self.dirty = False
        self.moved = asyncio.Event()  # set, and replaced, when `framed` moves
        self.framed = 0
        self.retractions = 0  # how many have come, so that whoever reads the store can tell
        nowhere = Position("", 0)  # until the log is read
        self.ring = Ring(nowhere, max_entries=bounds.ring_entries, max_bytes=bounds.ring_bytes, skew_ms=bounds.skew_ms)
        self.frames = Frames(self.ring, max_bytes=bounds.ring_bytes)
        self.greeting = Greeting(video_id, Backlog(skew_ms=bounds.skew_ms), nowhere, 0, skew_ms=bounds.skew_ms)
        self.intake = new_intake(video_id, self.ring, self)
        self._metrics = metrics
        self._wake = wake
        self._care = care
        self._counted = counted
        self._rotation = 0
        self._unframed_bytes = 0
        self._began_at = 0  # the sequence at which the ring last began

    async def open(self) -> None:
        """Begin to follow the log. Raises `Unavailable`."""
        await self.intake.open()

    async def close(self) -> None:
        """Follow it no more, and drop what is left of viewers."""
        self.closed = True
        await self.intake.close()
        for viewer in self.viewers():
            viewer.end()
            self.leave(viewer)
        for poller in self.pollers:
            poller.leave()

    def is_thin(self) -> bool:
        """Whether retractions have taken so much of the backlog that it needs a `refill`."""
        backlog = self.greeting.backlog
        return not backlog.complete and len(backlog) < MAX_BACKLOG // 2

    async def refill(self) -> None:
        """Fill up a backlog that retractions have thinned out. Raises `StoreUnavailable`."""
        await self.intake.refill(self.greeting.backlog)
        self.greeting.changed()

    # --- what the intake tells us ------------------------------------------------------------------------------------

    def began(self, opened: Opened) -> None:
        """The log was read, for the first time or anew: viewers from before stand off the ring now, and get `reset`."""
        skew_ms = self.ring.skew_ms
        backlog = Backlog(skew_ms=skew_ms)
        backlog.add_older(opened.older)
        backlog.complete = opened.complete
        for pin in opened.pins:
            backlog.apply(pin, None)
        self.greeting = Greeting(
            self.video_id, backlog, opened.start, now_ms(), skew_ms=skew_ms, timeline=opened.timeline
        )
        self._began_at = self.ring.next
        for entry in opened.entries:
            self.ring.append(entry)
            self.greeting.advance(entry.event, entry.position)
        self.frames.restart()
        if opened.entries:
            self.frames.cut_read(self.ring.first, self.ring.next)
        self._move_to(self.ring.next)
        self._wake(self)
        self._care(self)

    def took(self, entry: Entry) -> None:
        """An entry waits for the tick. Half a ring of them is cut early, before any can leave the ring unseen."""
        self._unframed_bytes += len(entry.event.body)
        if self.ring.is_half_of_it(self.ring.next - self.framed, self._unframed_bytes):
            self._cut()
        self._wake(self)

    def retracted(self, comment_id: str) -> None:
        """The text goes before anything else is served; the retraction itself travels with the next tick."""
        self.retractions += 1
        self.frames.forget()
        self.greeting.retract(comment_id)
        if self.is_thin():
            self._care(self)

    def went_on(self) -> None:
        """The log's head moved without an entry: who is level here is level with it."""
        if self.framed == self.ring.next:
            self.greeting.reach(self.ring.head)
            self._move_to(self.framed)

    def reached_back(self, start: int, stop: int) -> None:
        """There are older entries to catch up on."""
        self.frames.cut_read(start, stop)

    # --- frames out --------------------------------------------------------------------------------------------------

    def sweep(self) -> Iterator[int]:
        """Write what gathered since the last tick to every level viewer. Yields the number of writes after each slice.

        Begins at another slice each time, so that nobody is always last.
        """
        self.dirty = False
        start, stop = self._cut()
        for format in list(self.level):
            if frame := self._tick_frame(format, start, stop):
                self._metrics.frame_bytes.observe(len(frame))
            crowd = self._crowd(format)
            delivered = 0
            for some in crowd.slices(self._rotation):
                # Asked at each slice, since between two others run: a comment may have been retracted, and viewers may
                # have left, fallen behind or caught up by themselves.
                frame = self._tick_frame(format, start, stop)
                if frame is not None and self._crowds.get(format) is crowd and crowd.stands_at(start, stop):
                    crowd.move(some, stop)
                    if frame:
                        self._send(some, frame)
                        delivered += len(some.viewers)
                else:
                    if self._crowds.get(format) is crowd:
                        self._break_up(format)
                    delivered += self._sweep_singly(some.viewers, frame, start, stop)
                yield len(some.viewers)
            self._rotation += 1
            self._metrics.deliveries.inc(delivered)
            self._metrics.delivered_events.inc(delivered * (stop - start))
        yield from self._wake_pollers()
        self.last_write = time.monotonic()

    def _wake_pollers(self) -> Iterator[int]:
        waiting = list(self.pollers)
        for first in range(0, len(waiting), SLICE // POLL_COST):
            some = waiting[first : first + SLICE // POLL_COST]
            for poller in some:
                if poller.cursor != self.framed:
                    poller.wake()
            yield len(some) * POLL_COST

    def _sweep_singly(self, viewers: list[Viewer], frame: bytes | None, start: int, stop: int) -> int:
        """The slice of a sweep where viewers do not all stand at ``start``; how many frames were written."""
        delivered = 0
        for viewer in viewers:
            if not viewer.level:
                continue
            if viewer.cursor == start and frame is not None:
                viewer.cursor = stop
                if frame:
                    viewer.write(frame)
                    delivered += 1
            else:
                self.catch_up(viewer)
        return delivered

    def _send(self, some: Slice, data: bytes) -> None:
        """Write ``data`` to the viewers of a slice, all of them level."""
        if not some.sockets:
            for viewer in some.viewers:
                viewer.write(data)
            return
        sent = send_to_all(some.sockets, data)
        if sent.count(len(data)) < len(sent):
            for viewer, taken in zip(some.viewers, sent, strict=True):
                if taken < len(data):
                    viewer.write(data[taken:])  # its transport knows what to do: wait, or notice that it has gone

    def _crowd(self, format: Format) -> Crowd:
        """The level viewers of a format; kept while they stand together."""
        crowd = self._crowds.get(format)
        if crowd is None:
            crowd = Crowd(format, self.level[format])
            if crowd.place is not None:
                self._crowds[format] = crowd
        return crowd

    def _break_up(self, format: Format) -> None:
        """Somebody moved: each has a cursor of their own again."""
        if (crowd := self._crowds.pop(format, None)) is not None:
            crowd.disband()

    def _tick_frame(self, format: Format, start: int, stop: int) -> bytes | None:
        """The tick's frame as of now (a retraction between two slices must be obeyed); None if it has left the ring."""
        if start < self.ring.first:
            return None
        return self.frames.frame(format, start, stop) if start < stop else b""

    def _cut(self) -> tuple[int, int]:
        """End the tick: what has gathered becomes a stretch of the ring, and the greeting moves up to its end."""
        start, stop = self.framed, self.ring.next
        if start == stop:
            return start, stop
        now = now_ms()
        for item, place in zip(self.ring.items(start, stop), self.ring.places(start, stop), strict=True):
            self.greeting.advance(item.event, place)
            self._metrics.post_to_frame.observe(max(now - item.event.at, 0) / 1000)
        self.greeting.reach(self.ring.head)  # copies of what is here, and were left out, may have followed
        self.frames.cut(stop)
        self._move_to(stop)
        return start, stop

    def _move_to(self, framed: int) -> None:
        self.framed = framed
        self._unframed_bytes = 0
        self.moved.set()
        self.moved = asyncio.Event()

    def heartbeat(self) -> Iterator[int]:
        """Write a comment line to every level viewer, in slices like `sweep`."""
        self.last_write = time.monotonic()
        for format, viewers in list(self.level.items()):
            beat = framed(HEARTBEAT, format)
            waiting = list(viewers)
            for first in range(0, len(waiting), SLICE):
                for viewer in waiting[first : first + SLICE]:
                    if viewer.level:
                        viewer.write(beat)
                yield SLICE

    # --- viewers -----------------------------------------------------------------------------------------------------

    def viewers(self) -> list[Viewer]:
        """Everyone watching."""
        return [viewer for group in self.level.values() for viewer in group] + list(self.lagging)

    def laggards(self) -> int:
        """How many can't take frames at once now. One that always pauses counts after a second without progress."""
        late = time.monotonic() - 1.0
        return sum(not viewer.pauses_always or viewer.lagging_since < late for viewer in self.lagging)

    def count(self) -> int:
        """How many watch."""
        return sum(map(len, self.level.values())) + len(self.lagging) + len(self.pollers)

    def join(self, viewer: Viewer, greeting: bytes, cursor: int) -> None:
        """Let a viewer in: it gets ``greeting``, then the frames from ``cursor`` on. No await may lie between making
        the greeting and this call.
        """
        if viewer.gone:
            return
        viewer.channel = self
        viewer.cursor = cursor
        self._rise(viewer)
        self._counted(self)
        viewer.write(framed(greeting, viewer.format))
        if viewer.level:
            self.catch_up(viewer)

    def leave(self, viewer: Viewer) -> None:
        """A viewer has gone. Idempotent."""
        if viewer.channel is not self:
            return
        viewer.channel = None
        self.lagging.pop(viewer, None)
        self._sink(viewer)
        self._counted(self)
        if not self.count():
            self.empty_since = time.monotonic()
            self._care(self)

    def fall_behind(self, viewer: Viewer) -> None:
        """A viewer could not take everything at once."""
        if not viewer.pauses_always:
            self._metrics.fell_behind.inc()
        viewer.lagging_since = time.monotonic()
        viewer.unsent_seen = viewer.unsent()
        self._sink(viewer)
        self.lagging[viewer] = None
        self._care(self)

    def catch_up(self, viewer: Viewer) -> None:
        """Give a viewer shared frames until it is level or can take no more. Off the ring: `reset` and backlog."""
        viewer.level = True
        while viewer.cursor != self.framed:
            stop = self.frames.stretch_end(viewer.cursor)
            if stop is None:
                data = self._reset(viewer)
                viewer.cursor = self.framed
            else:
                data = self.frames.frame(viewer.format, viewer.cursor, stop)
                viewer.cursor = stop
            if data:
                viewer.write(data)
                self._metrics.deliveries.inc()
            if not viewer.level:
                return
        self.lagging.pop(viewer, None)
        self._rise(viewer)

    # --- long polls --------------------------------------------------------------------------------------------------

    def begin_waiting(self, cursor: int) -> Poller:
        """Somebody stands at ``cursor``, and is woken when there is more. No await may lie between learning the cursor
        and this call.
        """
        poller = Poller(cursor)
        self.pollers[poller] = None
        self._counted(self)
        return poller

    def end_waiting(self, poller: Poller) -> None:
        """It has its answer, or has gone."""
        self.pollers.pop(poller, None)
        self._counted(self)
        if not self.count():
            self.empty_since = time.monotonic()
            self._care(self)

    def token_at(self, cursor: int) -> str:
        """The place of somebody at ``cursor``, with an entry of the ring before it."""
        return self.greeting.token if cursor == self.framed else self.ring.items(cursor - 1, cursor)[0].token or ""

    def why_reset(self, cursor: int) -> str:
        """Why somebody at a cursor off the ring gets `reset`."""
        return "restarted" if cursor < self._began_at else "too_slow"

    # --- level or not ------------------------------------------------------------------------------------------------

    def _rise(self, viewer: Viewer) -> None:
        viewer.level = True
        group = self.level.setdefault(viewer.format, {})
        if viewer not in group:
            group[viewer] = None
            self._break_up(viewer.format)

    def _sink(self, viewer: Viewer) -> None:
        viewer.level = False
        group = self.level.get(viewer.format, {})
        if viewer in group:
            del group[viewer]
            self._break_up(viewer.format)

    def _reset(self, viewer: Viewer) -> bytes:
        reason = self.why_reset(viewer.cursor)
        self._metrics.resets.labels(reason).inc()
        return framed(self.greeting.reset(reason, viewer.backlog, form=viewer.format.form), viewer.format)
