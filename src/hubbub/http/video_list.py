"""``GET /v1/videos``: what is on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hubbub.comments.known_videos import KnownVideos
from hubbub.comments.listing import page_of_videos
from hubbub.http.requests import Query
from hubbub.http.videos import shown
from hubbub.http.watching import Watching
from hubbub.ids import now_ms
from hubbub.model import State, Video
from hubbub.presence.base import Presence
from hubbub.stores.base import Store
from hubbub.wire.cursors import decode_video_cursor, encode_video_cursor
from hubbub.wire.events import encode_json

MAX_PAGE = 200

MAX_UNTOLD = 20
"""Videos without a record that a development server adds."""


class VideoList:
    """The endpoint.

    ``untold``: list also those that somebody watches or has commented on here, though nobody has told of them. For
    development alone: where any id is a video, one that can't be guessed is its users' secret.
    """

    def __init__(
        self, store: Store, videos: KnownVideos, presence: Presence, watching: Watching, *, untold: bool
    ) -> None:
        self._store = store
        self._videos = videos
        self._presence = presence
        self._watching = watching
        self._untold = untold

    async def page(self, request: Request) -> Response:
        """One page, the latest first."""
        query = Query(request.scope, "state", "limit", "cursor")
        live, *others = State
        state = None if query.text("state") is None else State(query.choice("state", live, *others))
        limit = query.number("limit", 50, 1, MAX_PAGE)
        cursor = query.text("cursor")
        after = None if cursor is None else decode_video_cursor(cursor)
        may_see = await self._watching.lister(request.scope)
        now = now_ms()
        first: list[Video] = []
        if self._untold and after is None and state in (None, State.UPCOMING):
            first = [video for video in await self._used() if may_see(video.video_id)][: limit - 1]
        page = await page_of_videos(self._store, state, now=now, after=after, limit=limit - len(first), may_see=may_see)
        videos = first + page.videos
        viewers = await self._presence.watching_each([video.video_id for video in videos])
        body = {
            "videos": [shown(video, now, count) for video, count in zip(videos, viewers, strict=True)],
            "next_cursor": None if page.after is None else encode_video_cursor(page.after),
            "has_more": page.after is not None,
        }
        return Response(encode_json(body), headers={"cache-control": "no-store"}, media_type="application/json")

    async def _used(self) -> list[Video]:
        """Videos without a record that are in use here."""
        video_ids = self._videos.untold(MAX_UNTOLD)
        viewers = await self._presence.watching_each(video_ids)
        return [
            Video(video_id)
            for video_id, count in zip(video_ids, viewers, strict=True)
            if count or await self._store.newest(video_id, 1)
        ]
