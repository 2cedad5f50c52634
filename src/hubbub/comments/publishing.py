"""From the store into the live log, whatever happens to the broker, and to us.

With a broker across a network, every event is on the store's unpublished list from its commit on (`Publisher.due`), and
taken off it once its publish is confirmed. So whatever fails in between, the broker or this process, somebody's sweeper
publishes it: an accepted comment always reaches the viewers, if late.

With one inside the process, over a journal, publishing can't fail, and nothing is listed.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from time import perf_counter

from hubbub.brokers.base import Broker, Distant, Immediate
from hubbub.comments.breaker import Breaker
from hubbub.errors import BrokerUnavailable, HubbubError, StoreUnavailable
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import Event, Position
from hubbub.stores.base import Store

log = logging.getLogger(__name__)

CONFIRM_WITHIN = 0.5
"""Seconds a poster waits for the broker."""

TRIPS_AFTER = 3
"""Posts in a row that may wait so long in vain. Those after them go straight to the list, and the sweeper alone tries,
once a second."""

HELD_MS = 5_000
"""How long sweepers leave an event alone that is being published. Less than the clocks' allowed skew, so that what a
dead process left behind is still within the time that resume tokens go back."""

SWEEP_EVERY = 1.0
SWEEP_BATCH = 500
LEASE_MS = 5_000
"""How long a sweeper that dies keeps others from its share: like `HELD_MS` a part of the allowed skew. One that needs
longer is joined by another, which publishes the same: nobody sees that."""

MAX_UNCONFIRMED = 10_000
"""Published events that wait to be taken off the list. Beyond it they stay there, and are published twice: nobody sees
that."""

COUNT_EVERY = 10.0
"""Seconds between two countings of a long list: counting reads all of it."""


class Publisher:
    """Publishes events, and keeps the promise when that fails."""

    def __init__(self, broker: Broker, store: Store, metrics: Metrics) -> None:
        self._broker = broker
        self._immediate = broker if isinstance(broker, Immediate) else None
        self._store = store
        self._metrics = metrics
        self._holder = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._breaker = Breaker(trips_after=TRIPS_AFTER)
        self._unconfirmed: list[Event] = []
        self._counted_at = -COUNT_EVERY
        self._sweeper: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._troubled = ""  # what the sweeper's last complaint was
        self.unpublished = 0
        metrics.observe("hubbub_unpublished", "Accepted events not yet in the live log", lambda: self.unpublished)

    def start(self) -> None:
        """Begin sweeping. Call on the event loop."""
        if isinstance(self._broker, Distant):
            self._broker.on_reachable(self._told)
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Stop sweeping; what is on the list stays there for the next process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        with suppress(HubbubError):  # they are published once more then, which nobody sees
            await self._confirm()

    def _told(self, reachable: bool) -> None:
        if reachable:
            self._breaker.reset()
            self._wanted.set()
        else:
            self._breaker.trip()

    # --- publishing --------------------------------------------------------------------------------------------------

    def due(self) -> int | None:
        """What to keep an event with (``due`` of `Store.append`), and then to give to `publish`.

        None where nothing need be listed, 0 where it is the sweepers' business from the start.
        """
        if self._immediate is not None:
            return None
        return 0 if self._breaker.is_open else now_ms() + HELD_MS

    async def publish(self, event: Event, committed: Position | None, *, due: int | None = None) -> None:
        """Put a stored event into the live log, or see to it that it is on the unpublished list.

        ``due``: what it was kept with. Raises `StoreUnavailable` when neither works.
        """
        began = perf_counter()
        if self._immediate is not None and committed is not None:
            self._immediate.push(event, committed)
            self._metrics.publish.observe(perf_counter() - began)
            return
        if due == 0 or self._breaker.is_open:
            await self._defer(event, due)
            return
        try:
            async with asyncio.timeout(CONFIRM_WITHIN):
                await self._broker.publish(event, committed)
        except (BrokerUnavailable, TimeoutError) as error:
            self._failed(event, error)
            await self._defer(event, due)
            return
        self._succeeded()
        self._metrics.publish.observe(perf_counter() - began)
        if due is not None and len(self._unconfirmed) < MAX_UNCONFIRMED:
            self._unconfirmed.append(event.blank())

    def _failed(self, event: Event, error: Exception) -> None:
        if not self._breaker.is_open:
            reason = "timed out" if isinstance(error, TimeoutError) else error
            log.warning("video %s: publish not confirmed, deferred: %s", event.video_id, reason)
        self._breaker.failed()

    def _succeeded(self) -> None:
        if self._breaker.is_open:
            log.info("the broker confirms again")
        self._breaker.reset()

    async def _defer(self, event: Event, due: int | None) -> None:
        """Leave an event to the sweepers, at once."""
        self._metrics.publish_deferred.inc()
        self.unpublished += 1
        if due == 0:
            return
        try:
            await self._store.mark_unpublished(event, at=now_ms())
        except StoreUnavailable:
            if due is None:
                raise
            # It is on the list since its commit; only they will have it later.

    # --- sweeping ----------------------------------------------------------------------------------------------------

    async def _sweep_forever(self) -> None:
        while True:
            try:
                while await self.sweep():  # a slow store may give less than a batch although there is more
                    pass
                self._troubled = ""
            except HubbubError as error:
                if str(error) != self._troubled:  # once an outage, not once a second
                    log.warning("unpublished events stay on the list for now: %s", error)
                self._troubled = str(error)
            except Exception:
                log.exception("the sweeper failed; trying again in a second")
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY):
                    await self._wanted.wait()

    async def sweep(self) -> int:
        """Confirm what was published and publish what is due on the list, up to a batch, in order of id; how many.

        Stops at the first that fails, and leaves the rest to whoever comes next. While the breaker is open, one is
        tried first. Raises `Unavailable` when store or broker still are.
        """
        await self._confirm()
        if not self._breaker.is_open:
            return await self._publish_due(SWEEP_BATCH)
        probe = await self._publish_due(1)
        return probe and probe + await self._publish_due(SWEEP_BATCH)

    async def _confirm(self) -> None:
        published, self._unconfirmed = self._unconfirmed, []
        if not published:
            return
        try:
            await self._store.confirm_published(published)
        except BaseException:
            self._unconfirmed = (published + self._unconfirmed)[:MAX_UNCONFIRMED]
            raise

    async def _publish_due(self, limit: int) -> int:
        events = await self._lease(LEASE_MS, limit)
        published: list[Event] = []
        try:
            for event in events:
                async with asyncio.timeout(CONFIRM_WITHIN):
                    await self._broker.publish(event)
                self._succeeded()
                published.append(event)
        except (BrokerUnavailable, TimeoutError) as error:
            self._breaker.failed()
            await self._lease(0, limit)  # given back: another process may reach the broker
            raise (
                BrokerUnavailable("the broker does not answer") if isinstance(error, TimeoutError) else error
            ) from None
        finally:
            if published:
                await self._store.confirm_published(published)
            await self._count(leased=len(events), published=len(published), limit=limit)
        return len(published)

    async def _lease(self, lease_ms: int, limit: int) -> list[Event]:
        return await self._store.lease_unpublished(self._holder, now=now_ms(), lease_ms=lease_ms, limit=limit)

    async def _count(self, *, leased: int, published: int, limit: int) -> None:
        if leased < limit:  # these were all
            self.unpublished = leased - published
        elif perf_counter() - self._counted_at >= COUNT_EVERY:
            self.unpublished = await self._store.count_unpublished()
            self._counted_at = perf_counter()
        else:
            self.unpublished = max(self.unpublished - published, 1)
