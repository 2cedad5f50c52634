"""Token buckets in this process's memory.

A bucket is one integer, by the generic cell rate algorithm (ITU-T I.371, annex A): the nanosecond at which it will be
full again. A token costs ``seconds / count`` of that time, and a take is granted while the bucket's emptiness stays
within ``seconds``. A bucket that is full by now says nothing that a new one would not, so it can be forgotten at no
loss.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from hubbub.limiters.base import Limit

MAX_BUCKETS = 100_000
"""About 25 MB. At the bound a full bucket is forgotten for each that comes; where there is none among those longest
untouched, the longest untouched one, whose owner may then burst again: letting a few too many through beats turning
people away."""

_LOOKED_AT = 64
"""How many of the longest untouched buckets are searched for a full one at the bound: a few microseconds."""

_TOLERANCE = 1_000
"""Nanoseconds by which a token may come early: floating-point clocks are that coarse, and a wait served to the end must
count."""


class LocalRateLimiter:
    """A `RateLimiter` for one event loop. ``clock`` is monotonic, in seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._full_at: OrderedDict[str, int] = OrderedDict()  # key -> ns; the longest untouched first

    def __len__(self) -> int:
        """Buckets remembered."""
        return len(self._full_at)

    async def take(self, key: str, limit: Limit) -> float:
        """See `RateLimiter.take`. Never waits."""
        now = int(self._clock() * 1e9)
        window, cost = limit.window_ns, limit.cost_ns
        full_at = self._full_at.get(key)
        if full_at is None:
            self._make_room(now)
            self._full_at[key] = now + cost
            return 0.0
        full_at = min(max(full_at, now), now + window)  # the upper bound matters when the key had a slower limit before
        early = full_at + cost - (now + window)
        granted = early <= _TOLERANCE
        self._full_at[key] = full_at + cost if granted else full_at
        self._full_at.move_to_end(key)
        return 0.0 if granted else early / 1e9

    async def give_back(self, key: str, limit: Limit) -> None:
        """See `RateLimiter.give_back`. Never waits."""
        full_at = self._full_at.get(key)
        if full_at is not None:
            self._full_at[key] = full_at - limit.cost_ns

    def _make_room(self, now: int) -> None:
        """Before a bucket is added. Forgets up to two full ones, so that memory follows the number of active keys."""
        for key in list(islice(self._full_at, 2)):
            if self._full_at[key] > now:
                break
            del self._full_at[key]
        if len(self._full_at) < self._max_buckets:
            return
        for key in islice(self._full_at, _LOOKED_AT):
            if self._full_at[key] <= now:
                del self._full_at[key]
                return
        self._full_at.popitem(last=False)
