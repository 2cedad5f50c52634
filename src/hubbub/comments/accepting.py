"""Accepting a comment, top-down: its video, idempotency, limits, store, live log.

Accepted means durable: `Accepting.post` returns after the store's commit, and after the event is in the live log or on
the store's list of what has still to get there.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from msgspec.structs import replace

from hubbub.comments.draft import Draft, fingerprint
from hubbub.comments.identity import Identity
from hubbub.comments.limits import Limits
from hubbub.comments.publishing import Publisher
from hubbub.comments.videos import Videos
from hubbub.errors import Refusal
from hubbub.ids import IdSource, now_ms
from hubbub.model import Comment, Position, Status
from hubbub.stores.base import IdempotencyKey, Store
from hubbub.wire.events import comment_event, encode_json

log = logging.getLogger(__name__)

REPUBLISH_WITHIN_MS = 60_000
"""How old a comment may be for a repeated post to publish it again. Twice as long as our own client goes on trying; and
so short that every broker still has the first publish, if there was one, to know the second by: a phone that finds its
network again after an hour shows nobody an old comment as new."""


class Posted(NamedTuple):
    """The comment as JSON (with ``video_id``); ``replayed`` when an earlier post with the same key made it."""

    encoded: bytes
    replayed: bool


class Accepting:
    """Takes comments for all videos."""

    def __init__(self, store: Store, publisher: Publisher, limits: Limits, ids: IdSource, videos: Videos) -> None:
        self._store = store
        self._videos = videos
        self._publisher = publisher
        self._limits = limits
        self._ids = ids
        self._finishing: set[asyncio.Task[Posted]] = set()  # for posters who were cut off

    async def post(
        self, identity: Identity, address: str, video_id: str, draft: Draft, idempotency_key: str | None
    ) -> Posted:
        """Keep a validated draft. Raises `NotFound` (no such video), `TooFast`, `Unprocessable` (a key reused for
        another comment), `StoreUnavailable`.

        A retried post is looked up before the limits: it has paid already. Whoever is refused has used up nothing.
        """
        video = await self._videos.find(video_id)
        key = None
        if idempotency_key is not None:
            key = IdempotencyKey(identity.user.id, video_id, idempotency_key, fingerprint(draft))
            earlier = await self._store.recall(key)
            if earlier is not None:
                return await self._replay(earlier, None)
        await self._limits.check(identity.user.id, address)
        comment_id, created_at = self._ids.next()
        comment = Comment(
            video_id=video_id,
            id=comment_id,
            user=identity.user,
            text=draft.text,
            created_at=created_at,
            offset=video.timeline.offset(created_at),
            status=Status.VISIBLE,
            nonce=draft.nonce,
            meta=draft.meta,
        )
        try:
            return await self._keep(comment, key, address)
        except asyncio.CancelledError:
            # Between commit and publish that would leave a stored comment that nobody is shown. The store takes it
            # once, however often it is asked.
            finishing = asyncio.get_running_loop().create_task(self._keep(comment, key, address))
            self._finishing.add(finishing)
            finishing.add_done_callback(self._finished)
            raise

    def _finished(self, task: asyncio.Task[Posted]) -> None:
        self._finishing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a comment whose poster has gone could not be kept or shown: %s", error)

    async def _keep(self, comment: Comment, key: IdempotencyKey | None, address: str) -> Posted:
        encoded = encode_json(comment)
        due = self._publisher.due()
        try:
            kept = await self._store.append(comment, key=key, due=due)
            if kept.created:
                await self._publisher.publish(comment_event(comment, encoded), kept.position, due=due)
                return Posted(encoded, replayed=False)
        except Refusal:
            await self._limits.give_back(comment.user.id, address)
            raise
        # The same post came twice at once, and the other was first: that one has paid.
        await self._limits.give_back(comment.user.id, address)
        return await self._replay(kept.comment, kept.position)

    async def _replay(self, comment: Comment, position: Position | None) -> Posted:
        """Answer with a comment that stands, published again: where the first try got as far as the store and no
        further, its poster was told 503, and nobody else would ever publish it. For what viewers have it changes
        nothing.
        """
        if comment.status is Status.VISIBLE and now_ms() - comment.created_at < REPUBLISH_WITHIN_MS:
            born = replace(comment, pinned=False)  # a pin since then is an event of its own
            await self._publisher.publish(comment_event(born), position)
        return Posted(encode_json(comment), replayed=True)
