"""From the store into the live log, whatever happens to the broker.

An event whose publish is not confirmed in time goes on the store's unpublished list before its caller is answered, and
a sweeper publishes that list. So an accepted comment always reaches the viewers, if late.
"""

from __future__ import annotations

import asyncio
import logging
import os
from time import perf_counter

from hubbub.brokers.base import Broker, Immediate
from hubbub.errors import BrokerUnavailable, HubbubError
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import Event, Position
from hubbub.stores.base import Store

log = logging.getLogger(__name__)

CONFIRM_WITHIN = 0.5
"""Seconds a poster waits for the broker."""

SWEEP_EVERY = 1.0
SWEEP_BATCH = 500
LEASE_MS = 30_000
"""How long a sweeper that dies keeps others from its share."""


class Publisher:
    """Publishes events, and keeps the promise when that fails."""

    def __init__(self, broker: Broker, store: Store, metrics: Metrics) -> None:
        self._broker = broker
        self._immediate = broker if isinstance(broker, Immediate) else None
        self._store = store
        self._metrics = metrics
        self._holder = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._sweeper: asyncio.Task[None] | None = None
        self.unpublished = 0
        metrics.observe("hubbub_unpublished", "Accepted events not yet in the live log", lambda: self.unpublished)

    def start(self) -> None:
        """Begin sweeping. Call on the event loop."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Stop sweeping; what is on the list stays there for the next process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])

    async def publish(self, event: Event, committed: Position | None) -> None:
        """Put a stored event into the live log or on the unpublished list; `StoreUnavailable` if neither works."""
        began = perf_counter()
        if self._immediate is not None and committed is not None:
            self._immediate.push(event, committed)
            self._metrics.publish.observe(perf_counter() - began)
            return
        try:
            async with asyncio.timeout(CONFIRM_WITHIN):
                await self._broker.publish(event, committed)
        except (BrokerUnavailable, TimeoutError) as error:
            reason = "timed out" if isinstance(error, TimeoutError) else error
            log.warning("video %s: publish not confirmed, deferred: %s", event.video_id, reason)
            self._metrics.publish_deferred.inc()
            await self._store.mark_unpublished(event, at=now_ms())
            self.unpublished += 1
            return
        self._metrics.publish.observe(perf_counter() - began)

    async def _sweep_forever(self) -> None:
        while True:
            try:
                while await self.sweep() == SWEEP_BATCH:
                    pass
            except HubbubError as error:
                log.warning("unpublished events stay on the list for now: %s", error)
            except Exception:
                log.exception("the sweeper failed; trying again in a second")
            await asyncio.sleep(SWEEP_EVERY)

    async def sweep(self) -> int:
        """Publish what is on the list, up to a batch; how many. Raises `Unavailable` when store or broker still are."""
        events = await self._store.lease_unpublished(self._holder, now=now_ms(), lease_ms=LEASE_MS, limit=SWEEP_BATCH)
        published: list[str] = []
        try:
            for event in events:
                async with asyncio.timeout(CONFIRM_WITHIN):
                    await self._broker.publish(event)
                published.append(event.id)
        except TimeoutError:
            raise BrokerUnavailable("the broker does not answer") from None
        finally:
            if published:
                await self._store.confirm_published(published)
            self.unpublished = await self._store.count_unpublished()
        return len(published)
