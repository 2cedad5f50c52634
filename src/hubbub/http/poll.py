"""``GET /v1/videos/{video_id}/comments/poll``: watching by ordinary answers.

Unlike a stream, a poll is refused by a status: whoever polls asks again anyway, and reads ``Retry-After``.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from hubbub.comments.draft import check_video_id
from hubbub.comments.identity import Identity
from hubbub.comments.known_videos import KnownVideos
from hubbub.errors import Unavailable
from hubbub.fanout.backlog import MAX_BACKLOG
from hubbub.fanout.hub import Hub
from hubbub.fanout.polling import MAX_ENTRIES, Polling
from hubbub.http.elsewhere import ask_another_if_possible
from hubbub.http.requests import Addresses, Query
from hubbub.http.stream import FULL
from hubbub.http.viewers import disconnected
from hubbub.http.watching import Watching
from hubbub.model import MAX_SHARDS

MAX_WAIT = 50
"""Seconds a poll is held at most: less than the minute after which proxies give up."""


_DRAINING = (1.0, 4.0)
"""Seconds after which somebody asks the next process."""


class Poll:
    """The endpoint, as an ASGI application: it must see its client go."""

    def __init__(
        self, polling: Polling, hub: Hub, videos: KnownVideos, watching: Watching, addresses: Addresses
    ) -> None:
        self._polling = polling
        self._hub = hub
        self._videos = videos
        self._watching = watching
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        video_id = check_video_id(scope["path_params"]["video_id"])
        query = Query(scope, "after", "wait", "backlog", "limit", "access_token", "shard")
        backlog = query.number("backlog", 100, 0, MAX_BACKLOG)
        limit = query.number("limit", MAX_ENTRIES, 1, MAX_ENTRIES)
        query.number("shard", 0, 0, MAX_SHARDS - 1)  # says something to proxies only
        wait = float(query.number("wait", 25, 0, MAX_WAIT)) if scope["method"] == "GET" else 0.0
        identity = await self._watching.viewer(scope, video_id, query_token=query.text("access_token"))
        await self._videos.check(video_id)
        address = self._addresses.of(scope)
        if self._hub.draining:
            self._hub.turned_away("draining")
            ask_another_if_possible(scope)
            later = random.uniform(*_DRAINING)
            raise Unavailable("This process is shutting down; ask again.", code="draining", retry_after=later)
        if not self._polling.take(address):
            self._hub.turned_away("full")
            if self._polling.full:  # the bound of one address is another matter
                ask_another_if_possible(scope)
            later = random.uniform(*FULL)
            raise Unavailable("No seat is free for another viewer; ask later.", code="no_seat", retry_after=later)
        try:
            polling = self._polling.poll(
                video_id,
                after=query.text("after") or None,
                backlog=backlog,
                wait=min(wait, _left(identity)),
                limit=limit,
            )
            body = await _unless_gone(receive, asyncio.ensure_future(polling))
        finally:
            self._polling.free(address)
        if body is None:
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _left(identity: Identity | None) -> float:
    """Seconds until the token ends, and so what it is good for."""
    if identity is None or identity.expires_at is None:
        return float(MAX_WAIT)
    return max(identity.expires_at - time.time(), 0.0)


async def _unless_gone(receive: Receive, polling: asyncio.Future[bytes]) -> bytes | None:
    """What comes of a poll; None when its client goes before that."""
    gone = asyncio.ensure_future(disconnected(receive))
    both: list[asyncio.Future[Any]] = [polling, gone]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return polling.result() if polling.done() else None
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
