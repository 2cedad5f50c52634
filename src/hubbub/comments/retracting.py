"""What happens to a comment afterwards: deleted, hidden, restored, pinned, unpinned.

Each act is committed with its log entry before anybody is answered, then travels like a comment does.
"""

from __future__ import annotations

import asyncio

from hubbub.comments.identity import Identity
from hubbub.comments.publishing import Publisher
from hubbub.errors import Conflict, Forbidden, NotFound
from hubbub.ids import IdSource
from hubbub.metrics import Metrics
from hubbub.model import Change, Comment, Kind, Status
from hubbub.stores.base import Store
from hubbub.wire.events import change_event

MAX_PINS = 10
"""Pins a video may have at once: each welcome carries them all."""


class Retracting:
    """Changes to comments that exist."""

    def __init__(self, store: Store, publisher: Publisher, ids: IdSource, metrics: Metrics) -> None:
        self._store = store
        self._publisher = publisher
        self._ids = ids
        self._metrics = metrics
        self._pinning = asyncio.Lock()

    async def find(self, identity: Identity | None, video_id: str, comment_id: str) -> Comment:
        """A comment that the caller may see: visible, or anything not deleted for a moderator. Raises `NotFound`."""
        comment = await self._store.get(video_id, comment_id)
        moderates = identity is not None and identity.may("moderate", video_id)
        if comment is None or comment.status is Status.DELETED or not (comment.status is Status.VISIBLE or moderates):
            raise NotFound("There is no such comment on this video.", code="no_such_comment")
        return comment

    async def delete(self, identity: Identity, video_id: str, comment_id: str) -> None:
        """Erase a comment for good: its author's right, and a moderator's. Deleting what is deleted is fine."""
        comment = await self._store.get(video_id, comment_id)
        if comment is None:
            raise NotFound("There is no such comment on this video.", code="no_such_comment")
        is_author = comment.user.id == identity.user.id and identity.may("post", video_id)
        if not is_author and not identity.may("moderate", video_id):
            raise Forbidden("Only its author or a moderator may delete a comment.", code="not_yours")
        await self._apply(identity, comment, Kind.DELETED)

    async def moderate(self, identity: Identity, video_id: str, comment_id: str, kind: Kind) -> Comment:
        """Hide, restore, pin or unpin; the comment as it then stands. Raises `Conflict` where its state does not admit
        it.
        """
        identity.require("moderate", video_id)
        comment = await self._store.get(video_id, comment_id)
        if comment is None:
            raise NotFound("There is no such comment on this video.", code="no_such_comment")
        if kind is Kind.PINNED:
            return await self._pin(identity, comment)
        return await self._apply(identity, comment, kind)

    async def _pin(self, identity: Identity, comment: Comment) -> Comment:
        # One at a time: several who count and then pin would together exceed the bound.
        async with self._pinning:
            pins = await self._store.pins(comment.video_id)
            if len(pins) >= MAX_PINS and comment.id not in {pin.id for pin in pins}:
                raise Conflict(
                    f"A video can have {MAX_PINS} pinned comments; unpin one first.",
                    code="too_many_pins",
                    limit=MAX_PINS,
                )
            return await self._apply(identity, comment, Kind.PINNED)

    async def _apply(self, identity: Identity, comment: Comment, kind: Kind) -> Comment:
        change_id, at = self._ids.next()
        change = Change(change_id, comment.video_id, kind, comment.id, at, identity.user.id)
        # Shielded like a post: what is committed must be published.
        return await asyncio.shield(self._commit(change, comment))

    async def _commit(self, change: Change, before: Comment) -> Comment:
        due = self._publisher.due()
        applied = await self._store.apply(change, due=due)
        if applied.changed:
            self._metrics.changes.labels(change.kind.value).inc()
            await self._publisher.publish(change_event(change, applied.comment), applied.position, due=due)
        return applied.comment or before
