"""Accepting a comment, top-down: idempotency, limits, store, live log.

Accepted means durable: `Accepting.post` returns after the store's commit, and after the event is in the live log or on
the store's list of what has still to get there.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hubbub.comments.draft import Draft, fingerprint
from hubbub.comments.identity import Identity
from hubbub.comments.limits import Limits
from hubbub.comments.publishing import Publisher
from hubbub.ids import IdSource
from hubbub.model import Comment, Status
from hubbub.stores.base import IdempotencyKey, Store
from hubbub.wire.events import comment_event, encode_json


class Posted(NamedTuple):
    """The comment as JSON (with ``video_id``); ``replayed`` when an earlier post with the same key made it."""

    encoded: bytes
    replayed: bool


class Accepting:
    """Takes comments for all videos."""

    def __init__(self, store: Store, publisher: Publisher, limits: Limits, ids: IdSource) -> None:
        self._store = store
        self._publisher = publisher
        self._limits = limits
        self._ids = ids

    async def post(
        self, identity: Identity, address: str, video_id: str, draft: Draft, idempotency_key: str | None
    ) -> Posted:
        """Keep a validated draft. Raises `TooFast`, `Unprocessable` (a key reused for another comment),
        `StoreUnavailable`.

        A retried post is looked up before the limits: it has paid already.
        """
        key = None
        if idempotency_key is not None:
            key = IdempotencyKey(identity.user.id, video_id, idempotency_key, fingerprint(draft))
            earlier = await self._store.recall(key)
            if earlier is not None:
                return Posted(encode_json(earlier), replayed=True)
        await self._limits.check(identity.user.id, address)
        comment_id, created_at = self._ids.next()
        comment = Comment(
            video_id=video_id,
            id=comment_id,
            user=identity.user,
            text=draft.text,
            created_at=created_at,
            offset=None,
            status=Status.VISIBLE,
            nonce=draft.nonce,
            meta=draft.meta,
        )
        # Shielded: a caller who is cancelled between commit and publish would leave a stored comment that nobody is
        # shown.
        return await asyncio.shield(self._keep(comment, key))

    async def _keep(self, comment: Comment, key: IdempotencyKey | None) -> Posted:
        encoded = encode_json(comment)
        kept = await self._store.append(comment, key=key)
        if not kept.created:
            return Posted(encode_json(kept.comment), replayed=True)
        await self._publisher.publish(comment_event(comment, encoded), kept.position)
        return Posted(encoded, replayed=False)
