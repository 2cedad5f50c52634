"""The side of a channel that follows the log: pushes go into the ring, in order and without a gap.

While the log is read (at opening, to fill a hole, to go further back) pushes are held, and let in afterwards:
"subscribe, hold, read, open the gate". What is not the next entry is never guessed at: a hole is fetched, and what
can't be proven continuous begins the ring anew.

A retraction alone is never held: the text goes from everything in memory the moment the push arrives, and once more
when its entry is let in, since what was read meanwhile may have brought it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from hubbub.brokers.base import Broker
from hubbub.errors import HubbubError, NotProvable
from hubbub.fanout.backlog import MAX_BACKLOG, Backlog
from hubbub.fanout.opening import Opened, open_log, unpinned_event
from hubbub.fanout.ring import Ring
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import RETRACTIONS, Entry, Position
from hubbub.stores.base import Store

log = logging.getLogger(__name__)

_MAX_HELD = 10_000
"""Pushes kept while the log is read. Beyond it they are dropped, which shows as a hole and is fetched again."""

_RETRY = 1.0
"""Seconds between two attempts to fill a hole."""


class Follower(Protocol):
    """Who is told what the intake does to the ring: the channel."""

    def began(self, opened: Opened) -> None:
        """The ring begins, or begins anew, with what was read; nothing from before counts any more."""

    def took(self, entry: Entry) -> None:
        """The next entry went into the ring."""

    def retracted(self, comment_id: str) -> None:
        """A comment's text went from the ring; it must go from everything made of it."""

    def went_on(self) -> None:
        """The ring's head moved, and no entry came of it."""

    def reached_back(self, start: int, stop: int) -> None:
        """Older entries were read into the ring, before all others: ``start`` ≤ sequence < ``stop``."""


class Intake:
    """Keeps ``ring`` level with one video's log, and tells ``follower``."""

    def __init__(
        self, video_id: str, ring: Ring, follower: Follower, *, broker: Broker, store: Store, metrics: Metrics
    ) -> None:
        self._video_id = video_id
        self._ring = ring
        self._follower = follower
        self._broker = broker
        self._store = store
        self._metrics = metrics
        self._held: list[Entry] | None = None  # pushes that wait; None: the gate is open
        self._overflowed = False
        self._reading = asyncio.Lock()
        self._mending: set[asyncio.Task[None]] = set()  # one works, others may be about to begin, or have just ended
        self._reaching: asyncio.Task[None] | None = None
        self._reached_back = False

    async def open(self) -> None:
        """Subscribe and read the log. Raises `Unavailable`, and it is then as if this had not been called."""
        async with self._log_held():
            await self._broker.subscribe(self._video_id, self.receive)
            try:
                await self._begin_first()
            except BaseException:
                await self._broker.unsubscribe(self._video_id)
                self._held, self._overflowed = [], False  # nobody is there to take what came meanwhile
                raise

    async def close(self) -> None:
        """Unsubscribe."""
        for mending in self._mending:
            mending.cancel()
        await self._broker.unsubscribe(self._video_id)

    # --- pushes ------------------------------------------------------------------------------------------------------

    def receive(self, entry: Entry) -> None:
        """The broker's push."""
        if self._held is None:
            self._accept(entry)
            return
        if entry.event.kind in RETRACTIONS:
            self._retract(entry.event.subject)
        if len(self._held) < _MAX_HELD:
            self._held.append(entry)
        else:
            self._overflowed = True

    def _accept(self, entry: Entry) -> None:
        head, position = self._ring.head, entry.position
        if position.epoch == head.epoch and position.offset <= head.offset:
            return  # known already
        if position.epoch == head.epoch and position.offset == head.offset + 1:
            self._take(entry)
        else:
            self._metrics.holes.inc()
            self._begin_mending([entry])

    def _take(self, entry: Entry) -> None:
        if entry.event.kind in RETRACTIONS:
            self._retract(entry.event.subject)
        self._ring.append(entry)
        self._follower.took(entry)

    def _retract(self, comment_id: str) -> None:
        self._ring.blank(comment_id)
        self._follower.retracted(comment_id)

    # --- reading the log ---------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _log_held(self) -> AsyncIterator[None]:
        """Hold pushes while the log is read; one reading at a time."""
        async with self._reading:
            if self._held is None:
                self._held = []
            try:
                yield
            finally:
                held, self._held = self._held, None
                for entry in held:
                    self.receive(entry)
                if self._overflowed and self._held is None:
                    self._begin_mending([])
                self._overflowed = False

    async def _begin_first(self) -> None:
        await self._begin()

    async def _begin(self) -> None:
        self._metrics.store_reads.labels("opening").inc()
        self._restart(await open_log(self._video_id, self._broker, self._store, self._ring.skew_ms))

    def _restart(self, opened: Opened) -> None:
        self._ring.restart(opened.start)
        self._reached_back = False
        self._follower.began(opened)

    def _begin_mending(self, held: list[Entry]) -> None:
        self._held = held
        mending = asyncio.get_running_loop().create_task(self._mend())
        self._mending.add(mending)
        mending.add_done_callback(self._mending.discard)

    async def _mend(self) -> None:
        """Fetch what is missing after the ring's head, or begin anew if that can't be proven. Tries until done."""
        async with self._log_held():
            while True:
                try:
                    await self._fetch_missing()
                    return
                except Exception as error:  # whatever it was: a channel that gives up would be silent for ever
                    log.warning(
                        "video %s: missing entries can't be fetched, trying again: %s",
                        self._video_id,
                        error,
                        exc_info=not isinstance(error, HubbubError),
                    )
                    await asyncio.sleep(_RETRY)

    def _is_mending(self) -> bool:
        return not all(mending.done() for mending in self._mending)

    async def _fetch_missing(self) -> None:
        """Catch up, and let go of what was pushed before that: it was in what was read, or in a log that is no more. To
        take it for the sign of another hole would have the log read again and again.
        """
        held = self._held
        assert held is not None
        pushed_before = len(held)
        await self._catch_up()
        del held[:pushed_before]

    async def _catch_up(self) -> None:
        try:
            entries = await self._broker.after(self._video_id, self._ring.head, self._ring.max_entries)
        except NotProvable:
            await self._begin()
            return
        for entry in entries:
            self._take(entry)

    async def reach_back(self, position: Position, gate: asyncio.Semaphore) -> None:
        """Read the log back to ``position`` for a viewer who returns there, as far as the ring's bounds go.

        Once for all: it reads as far back as the ring can hold, so a hundred viewers from a hundred places cost one
        read. ``gate`` bounds such reads of all videos. Raises `Unavailable`.
        """
        if not self._may_hold(position):
            return
        if self._reaching is None:
            if self._reached_back or self._is_mending():  # there is no telling how long mending takes
                return
            self._reaching = asyncio.get_running_loop().create_task(self._reach_back(gate))
        await asyncio.shield(self._reaching)

    async def _reach_back(self, gate: asyncio.Semaphore) -> None:
        try:
            async with gate, self._log_held():
                await self._read_back()
        finally:
            self._reaching = None

    async def _read_back(self) -> None:
        floor = self._ring.floor
        start = Position(floor.epoch, max(floor.offset - (self._ring.max_entries - len(self._ring)), 0))
        try:
            entries = await self._broker.after(self._video_id, start, self._ring.max_entries + _MAX_HELD)
        except NotProvable:
            entries = []
        self._reached_back = True
        older = [entry for entry in entries if entry.position.offset <= floor.offset]
        stop = self._ring.first
        self._ring.prepend(older)
        if self._ring.first < stop:
            self._follower.reached_back(self._ring.first, stop)

    def _may_hold(self, position: Position) -> bool:
        head = self._ring.head
        return position.epoch == head.epoch and head.offset - self._ring.max_entries <= position.offset < head.offset

    async def refill(self, backlog: Backlog) -> None:
        """Fetch older comments in place of what retractions have thinned out. Raises `StoreUnavailable`."""
        if self._reading.locked():
            return
        async with self._log_held():  # a retraction that comes while we read must find what we are about to add
            self._metrics.store_reads.labels("backlog").inc()
            newest = await self._store.newest(self._video_id, MAX_BACKLOG)
            oldest, settled = backlog.oldest, now_ms() - self._ring.skew_ms
            backlog.add_older(
                unpinned_event(comment)
                for comment in newest
                if (comment.id < oldest if oldest else comment.created_at < settled)
            )
            backlog.complete = len(newest) < MAX_BACKLOG
