"""For whoever runs it: liveness, readiness, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hubbub.errors import Refusal
from hubbub.metrics import Metrics
from hubbub.stores.base import Store

_PING_HOLDS = 1.0
"""Seconds that a ping's outcome stands for. A ping is a commit and anybody may ask: asking more often costs no more."""


_NO_VIDEO = "readyz"
"""What a process without posts asks the store about: a read, as it may have no right to more."""


class Stopping:
    """Whether this process was told to stop; ``begun`` is set once."""

    begun = False


class Degraded(NamedTuple):
    """Why viewers get comments late: a stable code, and a sentence for people."""

    reason: str
    detail: str


class Operations:
    """The endpoints of a process that ``takes_posts``, or else only shows them. ``draining`` and ``degraded`` (None:
    all is well) are asked at each call, the store at most about once a second. ``clock``: seconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        *,
        draining: Callable[[], bool],
        degraded: Callable[[], Degraded | None],
        takes_posts: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._draining = draining
        self._degraded = degraded
        self._takes_posts = takes_posts
        self._clock = clock
        self._ping: asyncio.Task[Refusal | None] | None = None
        self._ping_until = 0.0

    async def healthz(self, request: Request) -> Response:
        """Alive: the event loop turns. Says nothing about other parts, since a restart would not mend those."""
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def readyz(self, request: Request) -> Response:
        """Send traffic here? ``503`` when draining or when posts can't be stored; ``degraded`` when viewers get them
        late. Where no posts come in, viewers can be served without the store for a while: that is ``degraded`` too.
        """
        if self._draining():
            return self._not_ready("draining", "This process is shutting down.")
        refusal = await self._ping_outcome()
        if refusal is not None and self._takes_posts:
            return self._not_ready("store_unavailable", refusal.detail)
        body = {"status": "ok"}
        if refusal is not None:
            body = {"status": "degraded", "reason": "store_unavailable", "detail": refusal.detail}
        elif (degraded := self._degraded()) is not None:
            body = {"status": "degraded", **degraded._asdict()}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def _ping_outcome(self) -> Refusal | None:
        """Why the store takes no posts, or None; from the ping under way or the one of a moment ago if there is one."""
        ping = self._ping
        if ping is None or (ping.done() and self._clock() >= self._ping_until):
            ping = self._ping = asyncio.get_running_loop().create_task(self._ask_store())
        return await asyncio.shield(ping)  # one asker who goes away does not take the answer from the others

    async def _ask_store(self) -> Refusal | None:
        try:
            if self._takes_posts:
                await self._store.ping()
            else:
                await self._store.video(_NO_VIDEO)
        except Refusal as refusal:
            return refusal
        finally:
            self._ping_until = self._clock() + _PING_HOLDS
        return None

    def _not_ready(self, reason: str, detail: str) -> Response:
        body = {"status": "not_ready", "reason": reason, "detail": detail}
        return JSONResponse(body, 503, {"retry-after": "1", "cache-control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """Prometheus's text format."""
        return Response(await self._metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")
