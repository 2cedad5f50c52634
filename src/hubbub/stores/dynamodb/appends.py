"""Appending comments, each once, and the idempotency keys that made them."""

from __future__ import annotations

from hubbub.model import Comment, Event, Kind, Status
from hubbub.stores.base import Appended, IdempotencyKey
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.failures import CONDITION, ConditionFailed, Reason
from hubbub.stores.dynamodb.items import (
    Item,
    comment_item,
    comment_of,
    expiring,
    is_born,
    key_item,
    number,
    number_of,
    text_of,
    unpublished_item,
)
from hubbub.stores.dynamodb.keys import Key, idempotency
from hubbub.stores.rules import KEY_LIFETIME_MS, born_as, key_reused

_NEW = "attribute_not_exists(pk)"
_STILL_THIS_TOMBSTONE = "attribute_not_exists(body) AND #status = :status"
_NO_KEY = Reason("None", None)
_FREE = "attribute_not_exists(pk) OR #at <= :day_ago"


async def append(context: Context, comment: Comment, key: IdempotencyKey | None, due: int | None) -> Appended:
    """Keep a comment, which may be a repeat or have a tombstone waiting. Raises `Unprocessable` for a key that was used
    for something else.

    A plain write where there is neither a key nor a time when it is ``due``; else a transaction, whose writes cost
    twice as much.
    """
    place = await context.buckets.opened(context.requests, comment.video_id, comment.id)
    on_list = [] if due is None else [{"Item": unpublished_item(_birth(comment), due)}]
    tombstone: Item | None = None
    orphan: Item | None = None  # a key whose comment is gone, by hand or by expiry
    while True:
        born = comment if tombstone is None else born_as(comment, Status(text_of(tombstone, "status")))
        of_it = [] if key is None else [_key_write(key, comment, orphan)]
        try:
            await context.requests.put_all([_write(context, place, born, tombstone), *of_it, *on_list])
        except ConditionFailed as failed:
            of_comment, of_key = (*failed.reasons, _NO_KEY)[:2]
        else:
            return Appended(True, born, None)
        if key is not None and of_key.code == CONDITION:
            assert of_key.item is not None
            standing = await _made_by(context, key, of_key.item)
            if standing is not None:
                return Appended(False, standing, None)
            orphan = of_key.item
        if of_comment.code == CONDITION:
            item = of_comment.item
            if item is not None and is_born(item):
                return _standing(context, comment, born, item)
            tombstone = item


async def recall(context: Context, key: IdempotencyKey, now: int) -> Comment | None:
    """The comment that a key has made in the day before ``now`` (ms). Raises `Unprocessable`."""
    item = await context.requests.get(idempotency(key))
    if item is None or number_of(item, "at") <= now - KEY_LIFETIME_MS:
        return None
    return await _made_by(context, key, item)


def _birth(comment: Comment) -> Event:
    """Its event without the text, which is read when the event is leased."""
    return Event(comment.id, comment.video_id, Kind.COMMENT, comment.id, comment.created_at, b"")


def _write(context: Context, place: Key, comment: Comment, tombstone: Item | None) -> Item:
    item = expiring(comment_item(place, comment), context.expires(comment.created_at))
    if tombstone is None:
        return {"Item": item, "ConditionExpression": _NEW}
    return {
        "Item": item,
        "ConditionExpression": _STILL_THIS_TOMBSTONE,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":status": tombstone["status"]},
    }


def _key_write(key: IdempotencyKey, comment: Comment, orphan: Item | None) -> Item:
    """``orphan``: what may stand there besides, and be replaced."""
    write: Item = {
        "Item": key_item(key, comment),
        "ConditionExpression": _FREE,
        "ExpressionAttributeNames": {"#at": "at"},
        "ExpressionAttributeValues": {":day_ago": number(comment.created_at - KEY_LIFETIME_MS)},
    }
    if orphan is not None:
        write["ConditionExpression"] += " OR #comment = :orphan"
        write["ExpressionAttributeNames"]["#comment"] = "comment"
        write["ExpressionAttributeValues"][":orphan"] = orphan["comment"]
    return write


async def _made_by(context: Context, key: IdempotencyKey, item: Item) -> Comment | None:
    """The comment of a key's item; None where it has expired since."""
    if item["fingerprint"]["B"] != key.fingerprint:
        raise key_reused()
    place = await context.buckets.found(context.requests, key.video_id, text_of(item, "comment"))
    standing = None if place is None else await context.requests.get(place)
    return comment_of(standing, key.video_id) if standing is not None and is_born(standing) else None


def _standing(context: Context, comment: Comment, born: Comment, item: Item) -> Appended:
    """A repeat; or our own write, of which the first answer was lost."""
    standing = comment_of(item, comment.video_id)
    return Appended(context.requests.unsure and standing == born, standing, None)
