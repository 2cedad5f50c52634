"""``POST /v1/videos/{video_id}/comments``: a comment comes in.

From here: `comments.accepting` (stored, then published) → `brokers` → `fanout.channel.receive` → `fanout.ticker` →
`fanout.channel.sweep` → `http.viewers.SocketViewer.write`.
"""

from __future__ import annotations

from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response

from hubbub.comments.accepting import Accepting
from hubbub.comments.draft import MAX_BODY, check_video_id, idempotency_key, read_draft
from hubbub.errors import Refusal
from hubbub.http.requests import Addresses, Callers, Query, header_values, read_body
from hubbub.metrics import Metrics


class Posting:
    """The endpoint."""

    def __init__(
        self, accepting: Accepting, callers: Callers, addresses: Addresses, metrics: Metrics, *, max_text: int
    ) -> None:
        self._accepting = accepting
        self._callers = callers
        self._addresses = addresses
        self._metrics = metrics
        self._max_text = max_text

    async def post(self, request: Request) -> Response:
        """Read, accept, answer ``201`` with the comment; ``Idempotency-Replayed: true`` when it stood already."""
        began = perf_counter()
        try:
            response = await self._post(request)
        except Refusal as refusal:
            self._metrics.posts.labels(refusal.code).inc()
            raise
        except Exception:
            self._metrics.posts.labels("internal_error").inc()
            raise
        self._metrics.accept.observe(perf_counter() - began)
        return response

    async def _post(self, request: Request) -> Response:
        video_id = check_video_id(request.path_params["video_id"])
        Query(request.scope)
        identity = await self._callers.known(request.scope)
        identity.require("post", video_id)
        key = idempotency_key(header_values(request.scope, b"idempotency-key"))
        draft = read_draft(await read_body(request, MAX_BODY), max_text=self._max_text)
        posted = await self._accepting.post(identity, self._addresses.of(request.scope), video_id, draft, key)
        self._metrics.posts.labels("replayed" if posted.replayed else "created").inc()
        headers = {"idempotency-replayed": "true"} if posted.replayed else None
        return Response(posted.encoded, 201, headers, "application/json")
