"""For whoever runs it: liveness, readiness, metrics."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hubbub.errors import Refusal
from hubbub.metrics import Metrics
from hubbub.stores.base import Store


class Operations:
    """The endpoints. ``draining`` and ``unpublished`` are asked at each call."""

    def __init__(
        self, store: Store, metrics: Metrics, *, draining: Callable[[], bool], unpublished: Callable[[], int]
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._draining = draining
        self._unpublished = unpublished

    async def healthz(self, request: Request) -> Response:
        """Alive: the event loop turns. Says nothing about other parts, since a restart would not mend those."""
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def readyz(self, request: Request) -> Response:
        """Send traffic here? ``503`` when draining or when posts can't be stored; ``degraded`` when viewers get them
        late.
        """
        if self._draining():
            return self._not_ready("draining", "This process is shutting down.")
        try:
            await self._store.ping()
        except Refusal as refusal:
            return self._not_ready("store_unavailable", refusal.detail)
        status = "degraded" if self._unpublished() else "ok"
        return JSONResponse({"status": status}, headers={"cache-control": "no-store"})

    def _not_ready(self, reason: str, detail: str) -> Response:
        body = {"status": "not_ready", "reason": reason, "detail": detail}
        return JSONResponse(body, 503, {"retry-after": "1", "cache-control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """Prometheus's text format."""
        return Response(self._metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")
