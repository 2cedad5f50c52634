"""What is on: pages of the videos that were told of, merged from the store's lists of each stage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import merge
from itertools import islice
from typing import NamedTuple

from hubbub.model import ListPlace, Stage, State, Video
from hubbub.stores.base import Store

MAX_LOOKED_AT = 1_000
"""Records read for one page at most, for whoever may see few of them; that page is then shorter than it might be."""

AT_ONCE = 200
"""Records in one read, after a first one that did not fill the page."""


class VideoPage(NamedTuple):
    """Videos, the latest first; ``after`` is where the next page goes on, None on the last one."""

    videos: list[Video]
    after: ListPlace | None


class _Range(NamedTuple):
    """A part of a stage: ``since <= place.at``, ``place < before``."""

    stage: Stage
    since: int = 0
    before: ListPlace | None = None


def ranges_of(state: State | None, now: int) -> list[_Range]:
    """Where the videos in a state at the time ``now`` (ms) are found; of all, with None."""
    begun, ahead = _Range(Stage.STARTED, before=ListPlace(now + 1, "")), _Range(Stage.STARTED, since=now + 1)
    untimed, ended = _Range(Stage.UNTIMED), _Range(Stage.ENDED)
    match state:
        case State.LIVE:
            return [begun]
        case State.ENDED:
            return [ended]
        case State.UPCOMING:
            return [ahead, untimed]
        case None:
            return [_Range(Stage.STARTED), untimed, ended]


async def page_of_videos(
    store: Store,
    state: State | None,
    *,
    now: int,
    after: ListPlace | None,
    limit: int,
    may_see: Callable[[str], bool],
) -> VideoPage:
    """Up to ``limit`` videos that ``may_see`` lets through. Raises `StoreUnavailable`."""
    ranges = ranges_of(state, now)
    found: list[Video] = []
    looked_at = 0
    size = limit + 1
    while looked_at < MAX_LOOKED_AT:
        lists = await asyncio.gather(*(_read(store, part, after, size) for part in ranges))
        batch = list(islice(merge(*lists, key=lambda video: video.place, reverse=True), size))
        looked_at += len(batch)
        found += [video for video in batch if may_see(video.video_id)]
        if len(found) > limit:
            return VideoPage(found[:limit], found[limit - 1].place)
        if len(batch) < size:
            return VideoPage(found, None)
        after = batch[-1].place
        size = AT_ONCE  # of so many, some may be for this viewer
    return VideoPage(found, after)


async def _read(store: Store, part: _Range, after: ListPlace | None, limit: int) -> list[Video]:
    before = min((place for place in (part.before, after) if place is not None), default=None)
    return await store.videos(part.stage, since=part.since, before=before, limit=limit)
