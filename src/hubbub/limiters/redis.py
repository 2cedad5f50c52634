"""Token buckets in Redis or Valkey, shared by every process that takes posts.

A bucket is the same single number as `hubbub.limiters.local` keeps, read and written by one script (lua/bucket.lua).
Nobody waits long for it: what does not answer within `WITHIN` is answered by buckets in this process, until Redis
answers again. Then each process lets through as much as all together should, which beats turning everybody away.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from hubbub.limiters.base import Limit, RateLimiter
from hubbub.redis import Away, Client, Script

log = logging.getLogger(__name__)

BUCKET = Script("hubbub.limiters.lua", "bucket.lua")
"""What the client must know."""

WITHIN = 0.05
"""Seconds that a post waits for Redis at most, and so long only once: a server that is silent is not asked again until
it has answered something."""

MAX_REFUSED = 10_000
"""Keys remembered as refused; at the bound the oldest goes, and costs Redis a question more."""

_QUIET = 10.0
"""Seconds between two times that Redis went away which are worth a line in the log."""


class RedisRateLimiter:
    """A `RateLimiter` over ``client``, which somebody else opens and closes; ``alone`` stands in while Redis is gone.

    ``prefix`` tells deployments on one Redis apart. ``within`` as `WITHIN`. ``clock``: seconds that only grow.
    """

    def __init__(
        self,
        client: Client,
        *,
        prefix: str,
        alone: RateLimiter,
        within: float = WITHIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._alone = alone
        self._within = within
        self._clock = clock
        self._refused: OrderedDict[str, float] = OrderedDict()  # until when, the oldest first
        self._quiet_until = 0.0
        self.shared = True
        """Whether Redis answered the last question."""

    async def take(self, key: str, limit: Limit) -> float:
        """See `RateLimiter.take`. A key that was refused is not asked for before its time: floods end here."""
        wait = self._refused.get(key, 0.0) - self._clock()
        if wait > 0:
            return min(wait, limit.seconds)
        self._refused.pop(key, None)
        microseconds = await self._ask(key, limit, "take")
        if microseconds is None:
            return await self._alone.take(key, limit)
        if microseconds:
            self._refuse(key, microseconds / 1e6)
        return microseconds / 1e6

    async def give_back(self, key: str, limit: Limit) -> None:
        """See `RateLimiter.give_back`."""
        self._refused.pop(key, None)
        if await self._ask(key, limit, "give") is None:
            await self._alone.give_back(key, limit)

    async def _ask(self, key: str, limit: Limit, what: str) -> int | None:
        """The script's answer; None when Redis gives none."""
        try:
            answer = await self._client.run(
                BUCKET,
                self._key(key),
                limit.cost_ns // 1000 or "0.001",
                limit.window_ns // 1000,
                what,
                within=self._within,
            )
        except Away as problem:
            self._turned(problem)
            return None
        if not self.shared:
            self._turned(None)
        return int(answer)

    def _key(self, key: str) -> bytes:
        # A digest: no user's id or address stands in Redis, and no braces of a stranger's choose the slot.
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        return f"{self._prefix}:{{{digest}}}:limit".encode()

    def _refuse(self, key: str, seconds: float) -> None:
        self._refused[key] = self._clock() + seconds
        if len(self._refused) > MAX_REFUSED:
            self._refused.popitem(last=False)

    def _turned(self, problem: Away | None) -> None:
        was_shared, self.shared = self.shared, problem is None
        now = self._clock()
        if problem is None:
            log.info("rate limits count all processes together again")
        elif was_shared and now >= self._quiet_until:
            self._quiet_until = now + _QUIET
            log.warning("rate limits count each process by itself for now: %s", problem)
