"""What is kept, as items of the table and back: what botocore gives and takes, ``{"status": {"S": "hidden"}}``.

A comment is the very JSON that viewers got, in the attribute ``body``; what may change since stands beside it, in
``status`` and ``pin``. Attribute names are bytes one pays for, and short words an operator can read.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from hubbub.model import Change, Comment, Event, Kind, Status, Video
from hubbub.stores.base import Flag, IdempotencyKey
from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.keys import Key
from hubbub.stores.rules import KEY_LIFETIME_MS
from hubbub.wire.events import SHOWS_COMMENT, change_event, comment_body, comment_event, encode_json

Item = dict[str, Any]

_comment = msgspec.json.Decoder(Comment)
_video = msgspec.json.Decoder(Video)


def number(value: int) -> dict[str, str]:
    """A number as requests carry it."""
    return {"N": str(value)}


def text_of(item: Item, name: str) -> str:
    """A text of an item."""
    return str(item[name]["S"])


def number_of(item: Item, name: str) -> int:
    """A number of an item."""
    return int(item[name]["N"])


def expiring(item: Item, expires: int | None) -> Item:
    """With the second after which the table may drop the item; None: never."""
    return item if expires is None else {**item, "expires": number(expires)}


def comment_item(key: Key, comment: Comment) -> Item:
    """A comment that is born, at its place in its user's list."""
    return {
        **key.item(),
        "status": {"S": comment.status.value},
        "body": {"S": stored_body(comment)},
        "list": {"S": keys.user_list(comment.user.id)},
        "place": {"S": keys.user_place(comment.video_id, comment.id)},
    }


def stored_body(comment: Comment) -> str:
    """What is kept of a comment in its ``body``."""
    return comment_body(comment).decode()


def is_born(item: Item | None) -> bool:
    """False for an unknown comment and for a tombstone."""
    return item is not None and "body" in item


def comment_of(item: Item, video_id: str) -> Comment:
    """The comment of an item that is no tombstone, as it stands."""
    body = text_of(item, "body")
    comment = _comment.decode(f'{{"video_id":"{video_id}",{body[1:]}')
    status, pinned = Status(text_of(item, "status")), "pin" in item
    if comment.status is status and comment.pinned is pinned:
        return comment
    return replace(comment, status=status, pinned=pinned)


def birth_event(item: Item, video_id: str) -> Event:
    """The event of a comment's birth, blank unless the comment may be shown."""
    comment = comment_of(item, video_id)
    event = comment_event(replace(comment, pinned=False))
    return event if comment.status is Status.VISIBLE else event.blank()


def change_item(change: Change) -> Item:
    """A change in its video's journal."""
    return {
        **Key(keys.journal(change.video_id), change.id).item(),
        "kind": {"S": change.kind.value},
        "subject": {"S": change.comment_id},
        "at": number(change.at),
        "actor": {"S": change.actor},
    }


def event_item(key: Key, event: Event) -> Item:
    """An event with all that it says, but for the comment that it shows."""
    item: Item = {
        **key.item(),
        "video": {"S": event.video_id},
        "kind": {"S": event.kind.value},
        "subject": {"S": event.subject},
        "at": number(event.at),
    }
    if event.kind not in SHOWS_COMMENT:
        item["body"] = {"S": event.body.decode()}
    return item


def unpublished_item(event: Event, due: int) -> Item:
    """An event on the unpublished list, for sweepers to have from ``due`` (ms) on; a comment's text is not copied."""
    return {**event_item(keys.unpublished(event), event), "leased_until": number(due)}


def shows_comment(item: Item) -> bool:
    """Whether `event_of` needs the item's subject as it stands."""
    return Kind(text_of(item, "kind")) in SHOWS_COMMENT


def event_of(item: Item, video_id: str, subject: Item | None) -> Event:
    """The event of an item; ``subject`` is the item of the comment that it shows, if it does.

    ``pinned`` is as the event left it, not as of now, so that an event reads for ever as it was first published.
    """
    id = text_of(item, "sk").partition("#")[0]  # on the unpublished list, the video's id follows
    kind, at = Kind(text_of(item, "kind")), number_of(item, "at")
    subject_id = text_of(item, "subject")
    if "body" in item:
        return Event(id, video_id, kind, subject_id, at, text_of(item, "body").encode())
    comment = comment_of(subject, video_id) if subject is not None and is_born(subject) else None
    if comment is not None:
        comment = replace(comment, pinned=kind is Kind.PINNED) if comment.status is Status.VISIBLE else None
    if kind is Kind.COMMENT:
        event = Event(id, video_id, kind, subject_id, at, b"")
        return event if comment is None else comment_event(comment)
    return change_event(Change(id, video_id, kind, subject_id, at, actor=""), comment)


def key_item(key: IdempotencyKey, comment: Comment) -> Item:
    """An idempotency key, which the table may drop once it no longer counts."""
    return {
        **keys.idempotency(key).item(),
        "fingerprint": {"B": key.fingerprint},
        "comment": {"S": comment.id},
        "at": number(comment.created_at),
        "expires": number((comment.created_at + KEY_LIFETIME_MS) // 1000 + 1),
    }


def record_item(video: Video) -> Item:
    """A video's record, at its place in its stage's list."""
    return {
        **keys.record(video.video_id).item(),
        "record": {"S": encode_json(video).decode()},
        "list": {"S": keys.stage_list(video.stage)},
        "place": {"S": keys.stage_place(video.place)},
    }


def video_of(item: Item | None) -> Video | None:
    """The video of a record."""
    return None if item is None else _video.decode(text_of(item, "record"))


def flag_item(key: Key, flag: Flag) -> Item:
    """A flag, at one of its two places."""
    return {
        **key.item(),
        "video": {"S": flag.video_id},
        "subject": {"S": flag.comment_id},
        "by": {"S": flag.by},
        "reason": {"S": flag.reason},
        "at": number(flag.at),
    }


def flag_of(item: Item) -> Flag:
    """The flag of an item."""
    return Flag(
        text_of(item, "video"), text_of(item, "subject"), text_of(item, "by"), text_of(item, "reason"),
        number_of(item, "at"),
    )  # fmt: skip
