"""``GET /v1/videos/{video_id}/comments/stream``: a viewer comes in.

Checked, seated, answered; then the socket is taken over and the hub greets the viewer. What can be mended by trying
again is never refused with a status: an EventSource gives up for good on any 4xx and 5xx, so such a stream is answered
``200``, told when to come back, and ended.
"""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from hubbub.comments.draft import check_video_id
from hubbub.comments.identity import Identity
from hubbub.comments.known_videos import KnownVideos
from hubbub.errors import NotFound, Unavailable
from hubbub.fanout.backlog import MAX_BACKLOG
from hubbub.fanout.hub import Hub
from hubbub.fanout.viewer import Viewer
from hubbub.http.elsewhere import ask_another_if_possible
from hubbub.http.requests import Addresses, Query, header_values
from hubbub.http.takeover import abort_of, now_watches, takeover_of
from hubbub.http.viewers import AsgiViewer, SocketViewer
from hubbub.http.watching import Watching
from hubbub.model import MAX_SHARDS
from hubbub.wire.tokens import decode_token

log = logging.getLogger(__name__)

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),  # no-transform: a proxy that compresses would hold frames back
    (b"x-accel-buffering", b"no"),  # nginx: hand on what comes as it comes
]

FULL = (10.0, 30.0)
"""Seconds after which somebody who found no seat, or no video, tries again."""


class Stream:
    """The endpoint, as an ASGI application."""

    def __init__(self, hub: Hub, videos: KnownVideos, watching: Watching, addresses: Addresses, *, sndbuf: int) -> None:
        self._hub = hub
        self._videos = videos
        self._watching = watching
        self._addresses = addresses
        self._sndbuf = sndbuf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        video_id = check_video_id(scope["path_params"]["video_id"])
        query = Query(scope, "backlog", "batch", "last_event_id", "access_token", "shard")
        backlog = query.number("backlog", 100, 0, MAX_BACKLOG)
        batch = query.choice("batch", "0", "1") == "1"
        query.number("shard", 0, 0, MAX_SHARDS - 1)  # says something to proxies only
        resume = _last_event_id(scope, query)
        try:
            identity = await self._watching.viewer(scope, video_id, query_token=query.text("access_token"))
            await self._videos.check(video_id)
        except NotFound:  # until somebody registers it
            await _answer(send, self._hub.turn_away("no_such_video", after=FULL, last_event_id=resume))
            return
        except Unavailable:
            await _answer(send, self._hub.turn_away("unavailable", last_event_id=resume))
            return
        if scope["method"] == "HEAD":
            await _answer(send, b"")
            return
        address = self._addresses.of(scope)
        if self._hub.draining or not self._hub.seats.take(address):
            reason = "draining" if self._hub.draining else "full"
            after = None if self._hub.draining else FULL
            farewell = self._hub.turn_away(reason, after=after, last_event_id=resume)
            if self._hub.draining or self._hub.seats.full:  # the bound of one address is another matter
                ask_another_if_possible(scope)
            await _answer(send, farewell)
            return
        seat = _Seat(self._hub, address)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            takeover = takeover_of(scope)
            if takeover is not None:
                viewer = SocketViewer(batch=batch, backlog=backlog, sndbuf=self._sndbuf, seat=seat)
                if takeover(viewer):
                    seat.keep()
                    seat.end_at(viewer, identity)
                    await self._admit(viewer, video_id, resume)
                return
            now_watches(scope)
            plain = AsgiViewer(batch=batch, backlog=backlog, abort_connection=abort_of(scope))
            seat.end_at(plain, identity)
            admitting = asyncio.get_running_loop().create_task(self._admit(plain, video_id, resume))
            try:
                await plain.run(receive, send)
            finally:
                admitting.cancel()
        finally:
            seat.leave_unless_kept()

    async def _admit(self, viewer: Viewer, video_id: str, resume: str | None) -> None:
        try:
            await self._hub.admit(viewer, video_id, last_event_id=resume)
        except Unavailable:
            self._hub.decline(viewer, "unavailable", last_event_id=resume)
        except Exception:  # an open stream that nothing ever comes on would be worse
            log.exception("video %s: a viewer could not be let in", video_id)
            self._hub.decline(viewer, "unavailable", last_event_id=resume)


class _Seat:
    """A viewer's place in the hub's bounds, given back once, by whichever end of the connection is noticed first."""

    __slots__ = ("_address", "_hub", "_kept", "_taken", "_timer")

    def __init__(self, hub: Hub, address: str) -> None:
        self._hub = hub
        self._address = address
        self._taken = True
        self._kept = False
        self._timer: asyncio.TimerHandle | None = None

    def keep(self) -> None:
        """The viewer outlives its request: the socket's end gives the seat back."""
        self._kept = True

    def end_at(self, viewer: Viewer, identity: Identity | None) -> None:
        """A stream ends when its token does."""
        if identity is not None and identity.expires_at is not None:
            left = max(identity.expires_at - time.time(), 0.0)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(left, self._hub.dismiss, viewer, "token_expired")

    def leave(self) -> None:
        """Give the seat back. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._taken:
            self._taken = False
            self._hub.seats.free(self._address)

    def leave_unless_kept(self) -> None:
        """The request is over."""
        if not self._kept:
            self.leave()


def _last_event_id(scope: Scope, query: Query) -> str | None:
    """Where the client says it stands, None for a newcomer. The header wins over a stale query parameter; of a doubled
    header, the last that we wrote. An empty one says nothing.
    """
    # Fetch and proxies join a doubled header with commas (RFC 9110, section 5.3).
    headers = b",".join(header_values(scope, b"last-event-id")).decode("latin-1")
    values = [value for value in map(str.strip, headers.split(",")) if value]
    ours = [value for value in values if decode_token(value) is not None]
    chosen = (ours or values or [query.text("last_event_id") or ""])[-1]
    return chosen or None


async def _answer(send: Send, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": body, "more_body": False})
