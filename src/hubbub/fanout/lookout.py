"""Looking after a broker across a network, for all videos watched here.

Every few seconds the broker is asked where the logs stand: what was pushed and never arrived shows so, a whole
subscription that was lost included. While it does not answer, the videos' viewers are served from the store: one query
a second for each video, however many watch, spread over the second, a few at a time. A store that can't keep up is
asked less often.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from hubbub.brokers.base import Distant
from hubbub.errors import BrokerUnavailable, HubbubError
from hubbub.fanout.channel import Channel
from hubbub.fanout.far import GRACE, FarIntake
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import Position

log = logging.getLogger(__name__)

HEADS = 500
"""Videos asked about in one call."""

HEADS_WITHIN = 2.5
"""Seconds for the answer; beyond that the broker counts as away. A broker had better say so itself before."""

POLL_EVERY = 1.0
POLLS = 8
"""Queries of the store under way at once."""


class Lookout:
    """Keeps the channels of ``channels`` level with the broker, or with the store while that is away.

    ``check_every``: seconds between two checks of positions, give or take a third, so that gateways don't ask together.
    """

    def __init__(
        self, broker: Distant, channels: Mapping[str, Channel], metrics: Metrics, *, check_every: float
    ) -> None:
        self._broker = broker
        self._channels = channels
        self._metrics = metrics
        self._check_every = check_every
        self._polls = asyncio.Semaphore(POLLS)
        self._turned = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._store_away = False
        self.polling = False
        metrics.observe("hubbub_store_polling", "1 while viewers are served by polling the store", lambda: self.polling)

    def start(self) -> None:
        """Begin. Call on the event loop."""
        self._broker.on_reachable(lambda reachable: self._turned.set())
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            self._turned.clear()
            try:
                until_next = await self.look()
            except Exception:
                log.exception("the lookout failed; trying again in a second")
                until_next = POLL_EVERY
            with suppress(TimeoutError):
                async with asyncio.timeout(until_next):
                    await self._turned.wait()

    async def look(self) -> float:
        """Once: see that everybody is level with the broker, or else with the store. Returns how long that will do, in
        seconds.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Asked once more before it is believed away: the time may have passed here, under a crowd that arrives.
        if self._broker.reachable and (await self._check() or (not self.polling and await self._check())):
            if self.polling:
                log.info("the broker answers again; viewers are served from the live log")
            self.polling = False
            return self._check_every * random.uniform(2 / 3, 4 / 3)
        if not self.polling:
            log.warning("the broker is away; viewers are served by polling the store")
        self.polling = True
        await self._poll_all()
        return max(began + POLL_EVERY - loop.time(), 0)

    # --- positions ---------------------------------------------------------------------------------------------------

    async def _check(self) -> bool:
        """Compare positions, and have what is missing fetched. False when the broker does not answer."""
        began = now_ms()
        followed = {video_id: head for video_id, intake in self._intakes().items() if (head := intake.head)}
        try:
            heads = await self._heads(list(followed))
        except (BrokerUnavailable, TimeoutError):
            return False
        if any(self._is_behind(video_id, head) for video_id, head in heads.items()):
            await asyncio.sleep(GRACE)
        intakes = self._intakes()
        for video_id, head in heads.items():
            intake, was = intakes.get(video_id), followed[video_id]
            if intake is None or intake.head is None:  # closed, or reading its log at this moment
                continue
            went_back = head.epoch == was.epoch and head.offset < was.offset
            if went_back or self._is_behind(video_id, head):
                self._metrics.position_repairs.inc()
                intake.mend()
            else:
                intake.level(began)
        for video_id, intake in intakes.items():
            if intake.unsettled and video_id in heads:
                await self._poll(intake, on_its_way=False)
        return True

    async def _heads(self, video_ids: list[str]) -> dict[str, Position]:
        heads: dict[str, Position] = {}
        remaining = iter(video_ids)
        while some := list(islice(remaining, HEADS)):
            async with asyncio.timeout(HEADS_WITHIN):
                heads |= await self._broker.heads(some)
        return heads

    def _is_behind(self, video_id: str, head: Position) -> bool:
        channel = self._channels.get(video_id)
        if channel is None:
            return False
        ours = channel.ring.head
        return ours.epoch != head.epoch or ours.offset < head.offset

    def _intakes(self) -> dict[str, FarIntake]:
        channels = self._channels.items()
        return {video_id: one.intake for video_id, one in channels if isinstance(one.intake, FarIntake)}

    # --- the store instead -------------------------------------------------------------------------------------------

    async def _poll_all(self) -> None:
        """Ask the store once for each video that somebody watches, over a second, or longer if the store needs it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        watched = [one for one in self._channels.values() if one.count() or one.arriving]
        async with asyncio.TaskGroup() as polls:
            for number, channel in enumerate(watched):
                if (wait := began + POLL_EVERY * number / len(watched) - loop.time()) > 0:
                    await asyncio.sleep(wait)
                if isinstance(channel.intake, FarIntake) and not channel.closed:
                    await self._polls.acquire()
                    polls.create_task(self._poll(channel.intake)).add_done_callback(lambda _: self._polls.release())

    async def _poll(self, intake: FarIntake, *, on_its_way: bool = True) -> None:
        try:
            await intake.poll(on_its_way=on_its_way)
        except HubbubError as error:
            if not self._store_away:  # once an outage, not for every video and second
                log.warning("the store does not answer either; viewers keep what they have: %s", error)
            self._store_away = True
        else:
            if self._store_away:
                log.info("the store answers again")
            self._store_away = False
