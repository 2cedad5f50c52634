"""Videos told of, started, ended.

A change is written against the record that was read, with the event that tells viewers, in one commit; then it travels
like a comment does. `hubbub.comments.known_videos` is the side of those who only need to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from msgspec import UNSET
from msgspec.structs import replace

from hubbub.comments.identity import Identity
from hubbub.comments.known_videos import KnownVideos, unknown_video
from hubbub.comments.publishing import Publisher
from hubbub.comments.video_draft import VideoDraft
from hubbub.errors import Conflict, StoreUnavailable, Unprocessable
from hubbub.ids import IdSource
from hubbub.metrics import Metrics
from hubbub.model import Comment, Kind, Timeline, Video
from hubbub.stores.base import Store
from hubbub.wire.events import timeline_event

_TRIES = 10
"""Attempts at a change while others change the same video."""

Decide = Callable[[Video, int], tuple[Video, Kind | None]]
"""From the record as it stands and the time (ms) to the one wanted, and the event that viewers get of it."""


class Videos(KnownVideos):
    """Records of videos, to be asked for and to be changed."""

    def __init__(
        self, store: Store, publisher: Publisher, ids: IdSource, metrics: Metrics, *, registered: bool = False
    ) -> None:
        super().__init__(store, registered=registered)
        self._publisher = publisher
        self._ids = ids
        self._metrics = metrics

    async def put(self, identity: Identity, video_id: str, draft: VideoDraft) -> Video:
        """Register a video, or change what is known of it. Raises `Forbidden`, `Unprocessable` (code
        ``start_after_end``), `StoreUnavailable`.
        """

        def decide(video: Video, at: int) -> tuple[Video, Kind | None]:
            timeline = video.timeline
            if draft.started_at is not UNSET:
                started_at = None if draft.started_at is None else int(draft.started_at)
                timeline = Timeline(started_at, timeline.ended_at)
            _check_order(timeline)
            shards = video.shards if draft.shards is UNSET else int(draft.shards or 1)
            told = Video(
                video_id,
                video.title if draft.title is UNSET else draft.title,
                video.media_url if draft.media_url is UNSET else draft.media_url,
                timeline,
                video.made_at,
                shards,
            )
            return told, Kind.START if timeline != video.timeline else None

        return await self._change(identity, video_id, decide, registers=True)

    async def start(self, identity: Identity, video_id: str) -> Video:
        """It starts now; one that has ended goes on. Raises `Forbidden`, `NotFound`, `StoreUnavailable`."""

        def decide(video: Video, at: int) -> tuple[Video, Kind | None]:
            started_at, ended_at = video.timeline.started_at, video.timeline.ended_at
            if ended_at is None and started_at is not None and started_at <= at:
                return video, None
            begun = at if started_at is None or started_at > at else started_at
            return replace(video, timeline=Timeline(begun)), Kind.START

        return await self._change(identity, video_id, decide)

    async def end(self, identity: Identity, video_id: str) -> Video:
        """It ends now. Raises `Forbidden`, `NotFound`, `Conflict` (code ``video_not_started``), `StoreUnavailable`."""

        def decide(video: Video, at: int) -> tuple[Video, Kind | None]:
            started_at, ended_at = video.timeline.started_at, video.timeline.ended_at
            if ended_at is not None:
                return video, None
            if started_at is not None and started_at > at:
                raise Conflict(
                    "The video starts later, so it can't end now; correct its start first.", code="video_not_started"
                )
            return replace(video, timeline=Timeline(started_at, at)), Kind.END

        return await self._change(identity, video_id, decide)

    async def _change(self, identity: Identity, video_id: str, decide: Decide, *, registers: bool = False) -> Video:
        identity.require("moderate", video_id)
        was = await self._store.video(video_id)
        for _ in range(_TRIES):
            if was is None and self._registered and not registers:
                raise unknown_video()
            event_id, at = self._ids.next()
            wanted, kind = decide(was or Video(video_id, made_at=at), at)
            if wanted == was:
                return wanted
            # Shielded like a post: what is committed must be published.
            kept, was = await asyncio.shield(self._commit(identity, wanted, was, kind, event_id, at))
            if kept:
                return wanted
        raise StoreUnavailable("Others keep changing this video at the same moment. Try again.", retry_after=1)

    async def _commit(
        self, identity: Identity, wanted: Video, was: Video | None, kind: Kind | None, event_id: str, at: int
    ) -> tuple[bool, Video | None]:
        video_id = wanted.video_id
        event = None if kind is None else timeline_event(event_id, video_id, kind, at, wanted.timeline)
        due = self._publisher.due()
        try:
            kept = await self._store.keep_video(wanted, was=was, event=event, actor=identity.user.id, due=due)
        except BaseException:
            self._kept.pop(video_id, None)  # it may have been written all the same
            self._reading.pop(video_id, None)
            raise
        self._reading.pop(video_id, None)
        self._keep(video_id, kept.video)
        if kept.kept and event is not None:
            self._metrics.changes.labels(event.kind.value).inc()
            await self._publisher.publish(event, kept.position, due=due)
        return kept.kept, kept.video


def timed(comments: Iterable[Comment], timeline: Timeline) -> list[Comment]:
    """The comments where they stand on the timeline by what is known of it now, whatever it was when they were made."""

    def moved(comment: Comment) -> Comment:
        offset = timeline.offset(comment.created_at)
        return comment if offset == comment.offset else replace(comment, offset=offset)

    return list(map(moved, comments))


def _check_order(timeline: Timeline) -> None:
    started_at, ended_at = timeline.started_at, timeline.ended_at
    if started_at is not None and ended_at is not None and started_at > ended_at:
        raise Unprocessable(
            "The video has ended before that; tell an earlier start, or start it again first.",
            code="start_after_end",
            field="started_at",
        )
