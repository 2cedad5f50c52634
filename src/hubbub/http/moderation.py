"""What is done to a comment: ``DELETE``, ``hide``, ``restore``, ``pin``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hubbub.comments.draft import check_comment_id, check_video_id
from hubbub.comments.retracting import Retracting
from hubbub.comments.videos import Videos, timed
from hubbub.http.requests import Callers, Query
from hubbub.model import Kind
from hubbub.wire.events import encode_json


class Moderation:
    """The endpoints. Those that leave a comment to look at answer ``200`` with it, the others ``204``."""

    def __init__(self, retracting: Retracting, videos: Videos, callers: Callers) -> None:
        self._retracting = retracting
        self._videos = videos
        self._callers = callers

    async def delete(self, request: Request) -> Response:
        """Erase a comment."""
        video_id, comment_id = _names(request)
        await self._retracting.delete(await self._callers.known(request.scope), video_id, comment_id)
        return Response(status_code=204)

    async def hide(self, request: Request) -> Response:
        """Take a comment out of sight until it is restored."""
        return await self._moderate(request, Kind.HIDDEN)

    async def restore(self, request: Request) -> Response:
        """Show a hidden comment again."""
        return await self._moderate(request, Kind.RESTORED)

    async def pin(self, request: Request) -> Response:
        """Put a comment on top."""
        return await self._moderate(request, Kind.PINNED)

    async def unpin(self, request: Request) -> Response:
        """Take it down."""
        await self._moderate(request, Kind.UNPINNED)
        return Response(status_code=204)

    async def _moderate(self, request: Request, kind: Kind) -> Response:
        video_id, comment_id = _names(request)
        identity = await self._callers.known(request.scope)
        identity.require("moderate", video_id)
        video = await self._videos.find(video_id)  # before anything is done, lest it be answered by an error
        comment = await self._retracting.moderate(identity, video_id, comment_id, kind)
        [comment] = timed([comment], video.timeline)
        return Response(encode_json(comment), media_type="application/json")


def _names(request: Request) -> tuple[str, str]:
    Query(request.scope)
    return check_video_id(request.path_params["video_id"]), check_comment_id(request.path_params["comment_id"])
