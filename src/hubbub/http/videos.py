"""``/v1/videos/{video_id}``: what is known of a video, told and asked."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hubbub.comments.bodies import MAX_BODY
from hubbub.comments.draft import check_video_id
from hubbub.comments.identity import Identity
from hubbub.comments.video_draft import read_nothing, read_video
from hubbub.comments.videos import Videos, timed
from hubbub.http.requests import Callers, Query, read_body
from hubbub.http.watching import Watching
from hubbub.ids import now_ms
from hubbub.model import Video
from hubbub.presence.base import Presence
from hubbub.stores.base import Store
from hubbub.wire.events import comment_body, encode_json, json_array


class VideoCalls:
    """The endpoints. Each is answered with the video as it then stands."""

    def __init__(self, videos: Videos, store: Store, presence: Presence, callers: Callers, watching: Watching) -> None:
        self._videos = videos
        self._store = store
        self._presence = presence
        self._callers = callers
        self._watching = watching

    async def show(self, request: Request) -> Response:
        """What is known."""
        video_id = _name(request)
        await self._watching.viewer(request.scope, video_id)
        return await self._answer(await self._videos.find(video_id))

    async def put(self, request: Request) -> Response:
        """Register it, or change what is known."""
        video_id = _name(request)
        identity = await self._moderator(request, video_id)
        draft = read_video(await read_body(request.scope, request.receive, MAX_BODY))
        return await self._answer(await self._videos.put(identity, video_id, draft))

    async def start(self, request: Request) -> Response:
        """It starts now."""
        video_id = _name(request)
        identity = await self._moderator(request, video_id)
        read_nothing(await read_body(request.scope, request.receive, MAX_BODY))
        return await self._answer(await self._videos.start(identity, video_id))

    async def end(self, request: Request) -> Response:
        """It ends now."""
        video_id = _name(request)
        identity = await self._moderator(request, video_id)
        read_nothing(await read_body(request.scope, request.receive, MAX_BODY))
        return await self._answer(await self._videos.end(identity, video_id))

    async def _moderator(self, request: Request, video_id: str) -> Identity:
        identity = await self._callers.known(request.scope)
        identity.require("moderate", video_id)
        return identity

    async def _answer(self, video: Video) -> Response:
        pins = timed(await self._store.pins(video.video_id), video.timeline)
        body = shown(video, now_ms(), await self._presence.watching(video.video_id))
        body["pins"] = msgspec.Raw(json_array(map(comment_body, pins)))
        return Response(encode_json(body), headers={"cache-control": "no-store"}, media_type="application/json")


def shown(video: Video, now: int, viewers: int) -> dict[str, Any]:
    """A video as answers have it, but for its pins."""
    return {
        "video_id": video.video_id,
        "title": video.title,
        "media_url": video.media_url,
        "state": video.timeline.state(now),
        "started_at": video.timeline.started_at,
        "ended_at": video.timeline.ended_at,
        "shards": video.shards,
        "viewers": viewers,
        "settings": {},
    }


def _name(request: Request) -> str:
    Query(request.scope)
    return check_video_id(request.path_params["video_id"])
