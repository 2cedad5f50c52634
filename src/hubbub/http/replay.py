"""``GET /v1/videos/{video_id}/replay``: comments by their place on the video's timeline.

A stretch of the timeline is a stretch of time once the start is known, and that is a range of ids: the same read as a
page of history. Windows that every client asks for alike may be cached once the video has ended.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from hubbub.comments.draft import check_video_id
from hubbub.comments.videos import Videos, timed
from hubbub.errors import Conflict
from hubbub.http.requests import Query, is_known
from hubbub.http.watching import Watching
from hubbub.ids import now_ms
from hubbub.model import State
from hubbub.stores.base import Store
from hubbub.wire.cursors import decode_cursor, encode_cursor
from hubbub.wire.events import encode_json

WINDOW = 180
"""Seconds of the windows that may be cached; each begins at a multiple of it."""

MAX_WINDOW = 3_600
MAX_PLACE = 10_000_000
"""Seconds from the start, either way: four months."""

MAX_PAGE = 1_000
MAX_AGE = 30
"""Seconds a cached window may live, and so a deleted comment in one."""


class Replay:
    """The endpoint. ``watch`` as in `Watching`: what needs a token is not for shared caches."""

    def __init__(self, store: Store, videos: Videos, watching: Watching, watch: Literal["public", "token"]) -> None:
        self._store = store
        self._videos = videos
        self._watching = watching
        self._cached = f"{'public' if watch == 'public' else 'private'}, max-age={MAX_AGE}"

    async def window(self, request: Request) -> Response:
        """One window, or a page of it. Raises `Conflict` (code ``start_unknown``) while nothing can be placed."""
        video_id = check_video_id(request.path_params["video_id"])
        query = Query(request.scope, "start", "duration", "limit", "cursor")
        start = query.seconds("start", 0, -MAX_PLACE, MAX_PLACE)
        duration = query.seconds("duration", WINDOW, 0.001, MAX_WINDOW)
        limit = query.number("limit", 500, 1, MAX_PAGE)
        cursor = query.text("cursor")
        after = None if cursor is None else decode_cursor(cursor)
        await self._watching.viewer(request.scope, video_id)
        timeline = (await self._videos.find(video_id)).timeline
        if timeline.started_at is None:
            raise Conflict(
                "The video's start is not known, so comments have no place on its timeline; tell it by PUT or start.",
                code="start_unknown",
            )
        since = timeline.started_at + _milliseconds(start)
        until = timeline.started_at + _milliseconds(start + duration)
        found = await self._store.window(video_id, since=since, until=until, limit=limit + 1, after=after)
        has_more = len(found) > limit
        comments = timed(found[:limit], timeline)
        body = encode_json(
            {
                "started_at": timeline.started_at,
                "comments": comments,
                "next_cursor": encode_cursor(comments[-1].id) if has_more else None,
                "has_more": has_more,
            }
        )
        if timeline.state(now_ms()) is State.ENDED and duration == WINDOW and start % WINDOW == 0:
            return self._cacheable(request.scope, body)
        return Response(body, headers={"cache-control": "no-store"}, media_type="application/json")

    def _cacheable(self, scope: Scope, body: bytes) -> Response:
        tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        headers = {"cache-control": self._cached, "etag": tag}
        if is_known(scope, tag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")


def _milliseconds(seconds: float) -> int:
    """The first whole millisecond not before a place; rounded first, since 0.3 s are a little over 300 ms in floats."""
    return math.ceil(round(seconds * 1000, 3))
