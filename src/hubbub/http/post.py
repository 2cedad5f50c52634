"""``POST /v1/videos/{video_id}/comments``: a comment comes in.

From here: `comments.accepting` (stored, then published) → `brokers` → `fanout.channel.receive` → `fanout.ticker` →
`fanout.channel.sweep` → `fanout.writing.send_to_all`.
"""

from __future__ import annotations

from time import perf_counter

from starlette.types import Receive, Scope, Send

from hubbub.comments.accepting import Accepting, Posted
from hubbub.comments.bodies import MAX_BODY
from hubbub.comments.draft import check_video_id, idempotency_key, read_draft
from hubbub.errors import Refusal
from hubbub.http.requests import Addresses, Callers, Query, header_values, read_body
from hubbub.metrics import Metrics


class Posting:
    """The endpoint, as an ASGI application: nothing between the server and it costs what a post does not need."""

    def __init__(
        self, accepting: Accepting, callers: Callers, addresses: Addresses, metrics: Metrics, *, max_text: int
    ) -> None:
        self._accepting = accepting
        self._callers = callers
        self._addresses = addresses
        self._metrics = metrics
        self._max_text = max_text
        self._created, self._replayed = metrics.posts.labels("created"), metrics.posts.labels("replayed")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, accept, answer ``201`` with the comment; ``Idempotency-Replayed: true`` when it stood already."""
        began = perf_counter()
        try:
            posted = await self._post(scope, receive)
        except Refusal as refusal:
            self._metrics.posts.labels(refusal.code).inc()
            raise
        except Exception:
            self._metrics.posts.labels("internal_error").inc()
            raise
        headers = [(b"content-length", b"%d" % len(posted.encoded)), (b"content-type", b"application/json")]
        if posted.replayed:
            headers.append((b"idempotency-replayed", b"true"))
        (self._replayed if posted.replayed else self._created).inc()
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": posted.encoded, "more_body": False})
        self._metrics.accept.observe(perf_counter() - began)

    async def _post(self, scope: Scope, receive: Receive) -> Posted:
        video_id = check_video_id(scope["path_params"]["video_id"])
        Query(scope)
        identity = await self._callers.known(scope)
        identity.require("post", video_id)
        key = idempotency_key(header_values(scope, b"idempotency-key"))
        draft = read_draft(await read_body(scope, receive, MAX_BODY), max_text=self._max_text)
        return await self._accepting.post(identity, self._addresses.of(scope), video_id, draft, key)
