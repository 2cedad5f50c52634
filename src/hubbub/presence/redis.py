"""Counts of viewers in Redis or Valkey: each process says its own, and adds up what others say of the same videos.

Once a second a process writes the counts that have changed (with none, one short command tells that it lives), and asks
every other process's hash for the videos that it has viewers of itself: a few pipelined commands, however many viewers.
What it was not asked for it never sees.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from hubbub.presence.base import FRESH
from hubbub.redis import Away, Client, Script

log = logging.getLogger(__name__)

PRESENCE = Script("hubbub.presence.lua", "presence.lua")
"""What the client must know."""

EVERY = 1.0
ALIVE = 3.0
"""Seconds: between two reports, and after which a process that says nothing is taken for dead. Both and the time of a
reading are within `FRESH`."""

WITHIN = 1.0
"""Seconds for a round of commands in the background."""

ASK_WITHIN = 0.25
"""Seconds for which somebody who asks for a video is kept waiting."""

MAX_ASKED = 10_000
"""Videos without viewers here whose counts are kept for a second; at the bound the oldest goes."""

_AT_ONCE = 1_000
"""Videos in one command, so that no script keeps Redis for long."""


class _Sum(NamedTuple):
    viewers: int
    until: float


class RedisPresence:
    """`hubbub.presence.base.Presence` over ``client``, which somebody else opens and closes.

    ``prefix`` tells deployments on one Redis apart.
    """

    def __init__(self, client: Client, *, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._id = os.urandom(8).hex()
        self._counts: dict[str, int] = {}
        self._changed: set[str] = set()
        self._others: dict[str, int] = {}
        self._heard_at = float("-inf")
        self._asked: OrderedDict[str, _Sum] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._told = False  # whether Redis may have something of ours

    async def open(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        self._counts.clear()
        if self._told:
            try:
                await self._run(self._of(self._id), "leave")
                await self._run(self._all, "leave", self._id)
            except Away:  # they expire by themselves
                log.debug("our counts of viewers could not be taken back")

    def report(self, video_id: str, count: int) -> None:
        if count:
            self._counts[video_id] = count
        elif self._counts.pop(video_id, None) is None:
            return
        self._changed.add(video_id)

    def others(self, video_id: str) -> int:
        return self._others.get(video_id, 0) if time.monotonic() - self._heard_at < FRESH else 0

    async def watching(self, video_id: str) -> int:
        if not self._is_known(video_id, time.monotonic()):
            await self._ask(video_id)
        return self._sum(video_id)

    async def watching_each(self, video_ids: Sequence[str]) -> list[int]:
        now = time.monotonic()
        asked = [id for id in dict.fromkeys(video_ids) if not self._is_known(id, now)]
        try:
            counts = await self._count(asked, within=ASK_WITHIN) if asked else []
        except Away:
            counts = []
        for video_id, count in zip(asked, counts, strict=False):
            self._keep(video_id, count)
        return [self._sum(video_id) for video_id in video_ids]

    def _is_known(self, video_id: str, now: float) -> bool:
        if video_id in self._counts and video_id in self._others:
            return True
        kept = self._asked.get(video_id)
        return kept is not None and kept.until > now

    def _sum(self, video_id: str) -> int:
        """What is known without asking."""
        own = self._counts.get(video_id)
        if own is not None and video_id in self._others:
            return own + self.others(video_id)
        kept = self._asked.get(video_id)
        return (own or 0) + (kept.viewers if kept is not None and kept.until > time.monotonic() else 0)

    # --- in the background -------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                await self._round()
            except Away as problem:
                log.debug("viewers elsewhere are not counted for now: %s", problem)
            except Exception:
                log.exception("counting viewers failed; trying again in a second")
            await asyncio.sleep(EVERY)

    async def _round(self) -> None:
        if self._counts or self._told:
            await self._tell()
        if not self._counts:
            self._others = {}
            return
        watched = list(self._counts)
        sums = await self._count(watched, within=WITHIN)
        self._others = dict(zip(watched, sums, strict=True))
        self._heard_at = time.monotonic()

    async def _tell(self) -> None:
        """Report what has changed since the last time, or everything where that is not there any more."""
        changed, self._changed = self._changed, set()
        self._told = True
        try:
            known = await self._report(changed)
            if not known and self._counts.keys() - changed:
                await self._report(self._counts)
        except BaseException:
            self._changed |= changed
            raise
        self._told = bool(self._counts)

    async def _report(self, video_ids: Iterable[str]) -> bool:
        """Whether our hash was there before."""
        remaining = iter(list(video_ids))
        known = None
        while (some := list(islice(remaining, _AT_ONCE))) or known is None:
            pairs = [word for video_id in some for word in (video_id, self._counts.get(video_id, 0))]
            answer = await self._run(self._of(self._id), "report", int(ALIVE * 1000), *pairs)
            known = bool(answer) if known is None else known
        return known

    # --- asking ------------------------------------------------------------------------------------------------------

    async def _ask(self, video_id: str) -> None:
        """Ask for the viewers elsewhere of a video that is not followed here; who asks at once shares the asking."""
        task = self._asking.get(video_id)
        if task is None:
            task = self._asking[video_id] = asyncio.get_running_loop().create_task(self._read(video_id))
            task.add_done_callback(lambda _: self._asking.pop(video_id, None))
        await asyncio.shield(task)

    async def _read(self, video_id: str) -> None:
        try:
            [count] = await self._count([video_id], within=ASK_WITHIN)
        except Away:
            return
        self._keep(video_id, count)

    def _keep(self, video_id: str, count: int) -> None:
        self._asked[video_id] = _Sum(count, time.monotonic() + EVERY)
        self._asked.move_to_end(video_id)
        if len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)

    async def _count(self, video_ids: Sequence[str], *, within: float) -> list[int]:
        """The viewers of each video in all other processes."""
        ourselves = (self._id,) if self._counts else ()
        live = await self._run(self._all, "live", int(ALIVE * 1000), *ourselves, within=within)
        others = [id for id in (raw.decode() for raw in live) if id != self._id]
        chunks = [video_ids[start : start + _AT_ONCE] for start in range(0, len(video_ids), _AT_ONCE)]
        replies = await asyncio.gather(
            *(self._run(self._of(id), "counts", *chunk, within=within) for chunk in chunks for id in others)
        )
        sums: list[int] = []
        for number, chunk in enumerate(chunks):
            told = replies[number * len(others) : (number + 1) * len(others)]
            sums += [sum(int(counts[place] or 0) for counts in told) for place in range(len(chunk))]
        return sums

    async def _run(self, key: bytes, *args: str | int, within: float = WITHIN) -> Any:
        return await self._client.run(PRESENCE, key, *args, within=within)

    @property
    def _all(self) -> bytes:
        return f"{self._prefix}:{{presence}}".encode()

    def _of(self, id: str) -> bytes:
        return f"{self._prefix}:{{presence:{id}}}".encode()
