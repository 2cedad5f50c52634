"""``GET /v1/videos/{video_id}/comments``: pages of history, and one comment."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from hubbub.comments.draft import check_comment_id, check_video_id
from hubbub.comments.retracting import Retracting
from hubbub.comments.videos import Videos, timed
from hubbub.http.requests import Query
from hubbub.http.watching import Watching
from hubbub.stores.base import Order, Store
from hubbub.wire.cursors import decode_cursor, encode_cursor
from hubbub.wire.events import encode_json

MAX_PAGE = 200


class History:
    """The endpoints."""

    def __init__(self, store: Store, retracting: Retracting, videos: Videos, watching: Watching) -> None:
        self._store = store
        self._videos = videos
        self._retracting = retracting
        self._watching = watching

    async def page(self, request: Request) -> Response:
        """One page. One comment more than it holds is asked for, so ``has_more`` is never a guess."""
        video_id = check_video_id(request.path_params["video_id"])
        query = Query(request.scope, "cursor", "after", "limit", "sort")
        limit = query.number("limit", 50, 1, MAX_PAGE)
        order = cast(Order, query.choice("sort", "desc", "asc"))
        after = _place(query.text("cursor"), query.text("after"))
        await self._watching.viewer(request.scope, video_id)
        video = await self._videos.find(video_id)
        comments = await self._store.page(video_id, after=after, limit=limit + 1, order=order)
        has_more = len(comments) > limit
        page = timed(comments[:limit], video.timeline)
        body = {
            "comments": page,
            "next_cursor": encode_cursor(page[-1].id) if has_more else None,
            "has_more": has_more,
        }
        return Response(encode_json(body), headers={"cache-control": "no-store"}, media_type="application/json")

    async def comment(self, request: Request) -> Response:
        """One comment that the caller may see."""
        video_id = check_video_id(request.path_params["video_id"])
        comment_id = check_comment_id(request.path_params["comment_id"])
        Query(request.scope)
        identity = await self._watching.viewer(request.scope, video_id)
        video = await self._videos.find(video_id)
        [comment] = timed([await self._retracting.find(identity, video_id, comment_id)], video.timeline)
        return Response(encode_json(comment), headers={"cache-control": "no-store"}, media_type="application/json")


def _place(cursor: str | None, after: str | None) -> str | None:
    """The id of the comment behind which the page begins. A cursor goes on from there, so it counts where both are
    given: who turns pages need not take ``after`` out of the query.
    """
    first = None if after is None else check_comment_id(after)
    return first if cursor is None else decode_cursor(cursor)
