"""Following a log that stands across a network, and may be lost: what the store is for then.

Three things differ from a log inside the process. The broker may be away: then the store is polled, and its events
enter the ring unplaced (`hubbub.fanout.seams`). It may come back with another log, of a new epoch: then what the store
shows from 30 s back joins the two, and viewers notice nothing. And so the same event may come twice: each is known by
its id, and the second time only its place is taken note of.

Completeness has one measure, ``sure``: a time before which everything in the store is known here. It follows the clock
at a distance: while the log is level with the broker's, of what may still wait on the unpublished list; while the store
is polled, of the clocks' allowed skew.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from hubbub.brokers.base import Broker
from hubbub.errors import BrokerUnavailable, HubbubError, NotProvable
from hubbub.fanout.intake import Follower, Intake
from hubbub.fanout.known import Known
from hubbub.fanout.opening import OPENING_TAIL, Opened, open_log, open_store
from hubbub.fanout.ring import Ring
from hubbub.fanout.seams import LATE_MS
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import RETRACTIONS, Entry, Event, Position
from hubbub.stores.base import Store

log = logging.getLogger(__name__)

MAX_AWAY_MS = 3_600_000
"""How far the store is read back to join a new log to the old. Beyond it the ring begins anew."""

PAGE = 1_000
PAGES = 5
"""Rows a query, and queries in a row, for one reading of the store: at 10 s of skew, 500 events a second."""

ON_ITS_WAY_MS = 1_000
"""What is younger is most likely about to be pushed: a publish that takes longer than half of it is given up."""

READ_WITHIN = 5.0
"""Seconds for the broker's answer to a reading; beyond that it counts as away."""

GRACE = 0.3
"""Seconds that a push may be on its way before it counts as lost."""

_LOOK_EVERY = 0.01

RETRY = 1.0
"""Seconds, more or less, between two attempts to fill a hole."""

MENDING = 16
"""Videos whose log is read at once, of all that were found behind: for the ``gate``."""


def nowhere() -> Position:
    """Where a ring stands whose log has never been read: a place in no other ring, whoever began without a log too."""
    return Position(f"away{secrets.token_hex(8)}", 0)


class _Read(NamedTuple):
    """What the store has that is not known here, oldest first; all of it, unless not ``complete``. ``sure`` as it is
    after taking it.
    """

    events: list[Event]
    complete: bool
    sure: int


class FarIntake(Intake):
    """An `Intake` for a `Distant` broker. ``gate`` bounds the readings of all videos' logs.

    ``unsettled``: when the ring began, the store had comments from a moment ago that the log had not. They are about to
    be pushed, or were lost with an earlier log. If they are not pushed within `GRACE`, a `poll` brings what is missing.
    """

    def __init__(
        self,
        video_id: str,
        ring: Ring,
        follower: Follower,
        *,
        broker: Broker,
        store: Store,
        metrics: Metrics,
        gate: asyncio.Semaphore,
    ) -> None:
        super().__init__(video_id, ring, follower, broker=broker, store=store, metrics=metrics)
        self.unsettled = False
        self._due: frozenset[str] = frozenset()  # those comments, as the ring began
        self._gate = gate
        self._known = Known()
        self._sure = 0
        self._beginnings = 0

    # --- what the lookout asks and tells (`hubbub.fanout.lookout`) ----------------------------------------------------

    @property
    def head(self) -> Position | None:
        """How far the log was followed; None while it is being read."""
        return self._ring.head if self._held is None else None

    def level(self, since: int) -> None:
        """At the time ``since`` (ms) or later the broker's log had nothing that is not here."""
        self._sure = max(self._sure, since - LATE_MS - self._ring.skew_ms)

    def mend(self) -> None:
        """Something is missing here: fetch it."""
        if self._held is None:
            self._begin_mending([])

    async def poll(self, *, on_its_way: bool = True) -> int:
        """Bring viewers what the store has and they have not; how many events. Raises `StoreUnavailable`.

        Not ``on_its_way``: but for what the log is most likely about to bring, in an order that only it knows. What is
        left to it keeps this unsettled.
        """
        beginnings = self._beginnings
        read = await self._read_store()
        if beginnings != self._beginnings:  # the ring has begun anew meanwhile, and has its own idea of what is old
            return 0
        events, sure = read.events, read.sure
        if not on_its_way:
            held = {entry.event.id for entry in self._held or ()}
            young = now_ms() - ON_ITS_WAY_MS
            events = [event for event in events if event.at <= young and event.id not in held]
            sure = min(sure, young)
        self.unsettled = not read.complete or len(events) < len(read.events)
        self._sure = max(self._sure, sure)
        return self._bring(events)

    # --- events in ---------------------------------------------------------------------------------------------------

    def _take(self, entry: Entry) -> None:
        """An event that is off the ring, and has its place in the log only now, is given once more: it came late, and
        somebody who returns here to a place before it may never have seen it.
        """
        position, event = entry
        if event.id in self._known and not self._known.is_off_ring(event.id):
            self._ring.skip(position, event.id)
            self._follower.went_on()
            return
        self._known.add(event)
        super()._take(Entry(position, self._known.as_of_now(event)))

    def _retract(self, comment_id: str) -> None:
        self._known.retract(comment_id)
        super()._retract(comment_id)

    def _bring(self, events: Iterable[Event]) -> int:
        """Take events from the store, but for those that have come by the log meanwhile."""
        brought = 0
        for event in events:
            if event.id in self._known:
                continue
            self._known.add(event)
            event = self._known.as_of_now(event)
            if event.kind in RETRACTIONS:
                self._retract(event.subject)
            self._ring.append_unplaced(event)
            self._follower.took(Entry(self._ring.head, event))
            brought += 1
        self._metrics.store_events.inc(brought)
        return brought

    async def _read_store(self) -> _Read:
        began = now_ms()
        since = max(self._sure, self._known.horizon)
        events: dict[str, Event] = {}
        for _ in range(PAGES):
            self._metrics.store_polls.inc()
            page = await self._store.changes_since(self._video_id, since, PAGE)
            events.update((event.id, event) for event in page if event.id not in self._known)
            if len(page) < PAGE:
                return _Read(list(events.values()), True, began - self._ring.skew_ms)
            since = page[-1].at
        return _Read(list(events.values()), False, since)

    # --- beginning ---------------------------------------------------------------------------------------------------

    async def _begin_first(self) -> None:
        try:
            await self._begin()
        except BrokerUnavailable:
            await self._begin_from_store()
        if self.unsettled:
            await self._wait_for_pushes()
        if self.unsettled:
            with suppress(HubbubError):  # it stays unsettled then, and is polled again
                await self.poll(on_its_way=False)

    async def _wait_for_pushes(self) -> None:
        """Mostly they were accepted while we read, and are pushed before the store could be asked once more: by every
        video at once, when all viewers of a gateway that died come here.
        """
        until = asyncio.get_running_loop().time() + GRACE
        while self._held is not None:
            if self._due <= {entry.event.id for entry in self._held}:
                self.unsettled = False
                return
            if asyncio.get_running_loop().time() >= until:
                return
            await asyncio.sleep(_LOOK_EVERY)

    async def _begin(self) -> None:
        began = now_ms()
        async with self._asking():
            opened = await open_log(
                self._video_id,
                self._broker,
                self._store,
                self._ring.skew_ms + LATE_MS,  # what is younger may still get into the log, or get lost with it
                all_in_log=False,
                tail=min(OPENING_TAIL, self._ring.max_entries),
            )
            self._metrics.store_reads.labels("opening").inc()
        entries = [Entry(position, self._known.as_of_now(event)) for position, event in opened.entries]
        self._settle(opened._replace(entries=entries), began)
        if opened.start.offset and entries:  # what came before them is history
            self._sure = max(self._sure, entries[0].event.at)

    async def _begin_from_store(self) -> None:
        began = now_ms()
        self._sure = began - self._ring.skew_ms
        recent = await self._read_store()  # first, so that what comes after it is new to everybody
        self._metrics.store_reads.labels("opening").inc()
        opened = await open_store(self._video_id, self._store, nowhere())
        self._settle(opened, began)
        for event in recent.events:
            self._known.add(event, off_ring=True)

    def _settle(self, opened: Opened, began: int) -> None:
        self._beginnings += 1
        self._sure = began - self._ring.skew_ms - LATE_MS
        self.unsettled, self._due = bool(opened.unsettled), opened.unsettled
        self._known.begin_anew()
        for event in opened.older:
            self._known.add(event, off_ring=True)
        for entry in opened.entries:
            self._known.add(entry.event)
        self._restart(opened)

    # --- catching up -------------------------------------------------------------------------------------------------

    async def _mend(self) -> None:
        async with self._log_held():
            complained = False
            while True:
                try:
                    async with self._gate:
                        await self._fetch_missing()
                except HubbubError as error:  # a part is away, which is said once for all videos (`Lookout`)
                    log.debug("video %s: missing entries can't be fetched, trying again: %s", self._video_id, error)
                except Exception:  # whatever it was: a channel that gives up would be silent for ever
                    if not complained:
                        log.exception("video %s: missing entries can't be fetched, trying again", self._video_id)
                    complained = True
                else:
                    return
                await asyncio.sleep(random.uniform(0.5, 1.5) * RETRY)

    async def _catch_up(self) -> None:
        try:
            async with self._asking():
                entries = await self._broker.after(self._video_id, self._ring.head, self._ring.max_entries)
        except NotProvable:
            await self._reconcile()
            return
        for entry in entries:
            self._take(entry)

    async def _reconcile(self) -> None:
        """Go on with a log that can't be joined to what is here by its own word: by the store's, or else anew."""
        began = now_ms()
        async with self._asking():
            head, entries = await self._broker.tail(self._video_id, min(OPENING_TAIL, self._ring.max_entries))
        ours, seams = self._ring.head, self._ring.seams
        went_back = head.epoch == ours.epoch and head.offset < ours.offset
        # Offsets of a log that went back, or came back, may mean something else by now.
        if went_back or (seams is not None and head.epoch != ours.epoch and seams.knows(head.epoch)):
            await self._begin_anew()
            return
        read = await self._read_store()
        too_long = began - self._sure > MAX_AWAY_MS
        if not read.complete or too_long or len(read.events) * 2 > self._ring.max_entries:
            await self._begin_anew()
            return
        # What is off the ring is not brought again. So nobody may go on here from a place before it: the new stretch
        # begins after it.
        off_ring = [number for number, entry in enumerate(entries, 1) if self._known.is_off_ring(entry.event.id)]
        before, entries = entries[: max(off_ring, default=0)], entries[max(off_ring, default=0) :]
        in_log = {entry.event.id for entry in entries}
        self._bring(event for event in read.events if event.id not in in_log)
        self._bring(entry.event for entry in before)
        self._ring.turn(Position(head.epoch, entries[0].position.offset - 1) if entries else head)
        for position, event in before:
            self._ring.placed(position, event.id)
        for entry in entries:
            self._take(entry)
        self._follower.went_on()
        self._sure = max(self._sure, read.sure)
        self._metrics.reconciled.labels("continued").inc()

    async def _begin_anew(self) -> None:
        await self._begin()
        self._metrics.reconciled.labels("reset").inc()
        if self.unsettled:  # most likely lost with the old log, so there is nothing to wait for
            await self.poll()

    async def reach_back(self, position: Position, gate: asyncio.Semaphore) -> None:
        if self._ring.seams is not None:  # the log does not go back to before them, or not as viewers were told it
            return
        try:
            await super().reach_back(position, gate)
        except BrokerUnavailable:
            return  # the store can tell

    async def _read_back(self) -> None:
        async with self._asking():
            await super()._read_back()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """A broker that does not answer is away."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                yield
        except TimeoutError:
            raise BrokerUnavailable("The live log does not answer.") from None
