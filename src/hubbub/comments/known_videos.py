"""What is known of videos, kept for a moment: each post, each page of history and each viewer who comes asks for it, so
knowing must cost no query.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from hubbub.errors import NotFound, StoreUnavailable
from hubbub.model import Video
from hubbub.stores.base import Store

FRESH = 2.0
"""Seconds a record is believed without asking: how late this process learns what another one was told."""

MAX_KEPT = 10_000
"""Records kept; at the bound the one unused for longest goes, and is asked for again."""


class _Kept(NamedTuple):
    video: Video | None
    until: float


class KnownVideos:
    """Records of videos, to be asked for. ``registered``: only those that were told of exist; else every one does."""

    def __init__(self, store: Store, *, registered: bool = False) -> None:
        self._store = store
        self._registered = registered
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Video | None]] = {}

    async def find(self, video_id: str) -> Video:
        """What is known of a video. Raises `NotFound` (code ``no_such_video``) for one that does not exist, and
        `StoreUnavailable` when nothing is known of it and the store can't be asked.
        """
        kept = self._kept.get(video_id)
        video = kept.video if kept is not None and kept.until > time.monotonic() else await self._ask(video_id, kept)
        if video is not None:
            return video
        if self._registered:
            raise unknown_video()
        return Video(video_id)

    async def check(self, video_id: str) -> None:
        """Raise like `find`; costs nothing where every video exists."""
        if self._registered:
            await self.find(video_id)

    def untold(self, most: int) -> list[str]:
        """The ids lately asked for here of which nothing is told, the latest first. Whoever named one may be the only
        one who knows it.
        """
        names = (video_id for video_id, kept in reversed(self._kept.items()) if kept.video is None)
        return list(islice(names, most))

    async def _ask(self, video_id: str, kept: _Kept | None) -> Video | None:
        task = self._reading.get(video_id)
        if task is None:
            task = self._reading[video_id] = asyncio.get_running_loop().create_task(self._read(video_id))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # if all who waited have gone
        try:
            return await asyncio.shield(task)
        except StoreUnavailable:
            if kept is None:
                raise
            self._keep(video_id, kept.video)  # what was known stands while the store is away
            return kept.video

    async def _read(self, video_id: str) -> Video | None:
        try:
            video = await self._store.video(video_id)
        finally:
            # Not ours any more: a change was written while we read, and what we found may be older.
            is_newest = self._reading.get(video_id) is asyncio.current_task()
            if is_newest:
                del self._reading[video_id]
        if is_newest:
            self._keep(video_id, video)
            return video
        kept = self._kept.get(video_id)
        return kept.video if kept is not None else video

    def _keep(self, video_id: str, video: Video | None) -> None:
        self._kept[video_id] = _Kept(video, time.monotonic() + FRESH)
        self._kept.move_to_end(video_id)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


def unknown_video() -> NotFound:
    """The refusal of whatever is asked of a video that nobody has registered."""
    return NotFound(
        "There is no such video here: on this server a video is registered first, by PUT.", code="no_such_video"
    )
