"""A demo at work: it starts a video, talks, pins, deletes, and ends it. One at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from hubbub.comments.accepting import Accepting
from hubbub.comments.draft import Draft
from hubbub.comments.identity import Identity
from hubbub.comments.retracting import Retracting
from hubbub.comments.video_draft import VideoDraft
from hubbub.comments.videos import Videos
from hubbub.demo.script import Said, Script
from hubbub.demo.shape import Arrival, arrivals
from hubbub.errors import NotFound, Refusal
from hubbub.ids import now_ms
from hubbub.model import Kind, User, Video
from hubbub.stores.base import Store

log = logging.getLogger(__name__)

LONGEST = 3_600.0
"""Seconds."""

MOST_RATE = 20.0
"""Comments a second, on average."""

TITLE = "Northern lights over the ridge"
MEDIA_URL = "/web/demo.webm"

_SPAM_EVERY = 24.0
_ANNOUNCED_EVERY = 40.0
_ALL = frozenset({"read", "post", "moderate"})
_HOST = Identity(User("demo-host", "Runa", ("host",)), _ALL)
_MODERATOR = Identity(User("demo-moderator", "Elif", ("moderator",)), _ALL)


class DemoStatus(NamedTuple):
    """``video_id`` is the one that plays or played last, None before the first; ``ends_at`` in ms, while it plays."""

    video_id: str | None
    ends_at: int | None


class Demo:
    """What a development server can be asked to play. Bounded in time and rate; ends by itself, or when its video is
    ended by anybody.
    """

    def __init__(
        self,
        store: Store,
        videos: Videos,
        accepting: Accepting,
        retracting: Retracting,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._store = store
        self._videos = videos
        self._accepting = accepting
        self._retracting = retracting
        self._rng = rng or random.Random()
        self._playing: asyncio.Task[None] | None = None
        self._status = DemoStatus(None, None)
        self._starting = asyncio.Lock()

    def status(self) -> DemoStatus:
        """What plays."""
        return self._status

    async def start(self, *, seconds: float, rate: float) -> DemoStatus:
        """Play for so many ``seconds`` at ``rate`` comments a second; what plays already goes on as it is.

        The video is ``demo``; where that has ended, ``demo-2`` and so on, since its replay is worth keeping. Raises
        `StoreUnavailable`.
        """
        async with self._starting:
            if self._playing is not None and not self._playing.done():
                return self._status
            video = await self._free()
            draft = VideoDraft(title=video.title or TITLE, media_url=video.media_url or MEDIA_URL)
            await self._videos.put(_HOST, video.video_id, draft)
            await self._videos.start(_HOST, video.video_id)
            self._status = DemoStatus(video.video_id, now_ms() + round(min(seconds, LONGEST) * 1000))
            playing = self._play(video.video_id, min(seconds, LONGEST), min(rate, MOST_RATE))
            self._playing = asyncio.get_running_loop().create_task(playing)
            self._playing.add_done_callback(self._over)
            return self._status

    async def stop(self) -> DemoStatus:
        """End what plays, and its video. Idempotent."""
        playing, self._playing = self._playing, None
        if playing is not None and not playing.done():
            playing.cancel()
            await asyncio.wait([playing])
            assert self._status.video_id is not None
            await self._end(self._status.video_id)
        return self._status

    async def _free(self) -> Video:
        for number in count(1):
            video_id = "demo" if number == 1 else f"demo-{number}"
            try:
                video = await self._videos.find(video_id)
            except NotFound:  # where videos are registered first
                return Video(video_id)
            if video.timeline.ended_at is None:
                return video
        raise AssertionError("unreachable")

    def _over(self, task: asyncio.Task[None]) -> None:
        self._status = DemoStatus(self._status.video_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the demo ended early", exc_info=error)

    async def _play(self, video_id: str, seconds: float, rate: float) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        script = Script(self._rng)
        coming = arrivals(self._rng, rate)
        announced, spammed = 0.0, _SPAM_EVERY / 3
        seen: tuple[float, str] | None = None  # spam, and when a moderator gets to it
        for arrival in _until(coming, seconds):
            await asyncio.sleep(began + arrival.at - clock())
            if (await self._videos.find(video_id)).timeline.ended_at is not None:
                return
            # A limit, or a store that is away for a moment: this one is not said, and the talk goes on.
            with contextlib.suppress(Refusal):
                if seen is not None and arrival.at >= seen[0]:
                    _, comment_id = seen
                    seen = None
                    await self._retracting.delete(_MODERATOR, video_id, comment_id)
                if arrival.at >= announced:
                    announced = arrival.at + _ANNOUNCED_EVERY
                    await self._announce(video_id, script.host_line())
                elif arrival.at >= spammed:
                    spammed = arrival.at + _SPAM_EVERY
                    comment_id = await self._say(video_id, script.spam())
                    seen = arrival.at + self._rng.uniform(1.5, 3), comment_id
                else:
                    await self._say(video_id, script.next(excited=arrival.excited))
        await asyncio.sleep(max(began + seconds - clock(), 0))
        await self._end(video_id)

    async def _announce(self, video_id: str, text: str) -> None:
        """The host says something, pinned; what was pinned of theirs before goes down."""
        comment_id = await self._post(_HOST, video_id, text)
        for pin in await self._store.pins(video_id):
            if pin.user.id == _HOST.user.id:
                await self._retracting.moderate(_HOST, video_id, pin.id, Kind.UNPINNED)
        await self._retracting.moderate(_HOST, video_id, comment_id, Kind.PINNED)

    async def _say(self, video_id: str, said: Said) -> str:
        return await self._post(Identity(said.user, frozenset({"post"})), video_id, said.text)

    async def _post(self, identity: Identity, video_id: str, text: str) -> str:
        # An address each: to the limits they are people in homes of their own.
        posted = await self._accepting.post(identity, identity.user.id, video_id, Draft(text), None)
        comment_id: str = json.loads(posted.encoded)["id"]
        return comment_id

    async def _end(self, video_id: str) -> None:
        with contextlib.suppress(Refusal):
            await self._videos.end(_HOST, video_id)


def _until(coming: Iterator[Arrival], seconds: float) -> Iterator[Arrival]:
    for arrival in coming:
        if arrival.at >= seconds:
            return
        yield arrival
