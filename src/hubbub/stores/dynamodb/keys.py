"""Where everything stands in the one table.

    pk                              sk                      what
    c#VIDEO#BUCKET#SHARD            comment id              a comment, or the tombstone of one that has not come
    b#VIDEO                         BUCKET                  an hour that has comments, and over how many shards
    j#VIDEO                         event id                a change, or a video's start or end
    v#VIDEO                         record                  what was told about a video
    v#VIDEO                         pin#COMMENT             a pinned comment
    k#DIGEST                        key                     an idempotency key and the comment that it made
    u#SHARD                         EVENT#VIDEO             an event that is not known to be published
    f#VIDEO                         COMMENT#BY              a flag, among those of its video
    f                               COMMENT#BY NUL VIDEO    the same flag, among all
    meta                            schema, ping            the table's version; where a ping writes

The index ``lists`` holds whatever has the attributes ``list`` and ``place``:

    list                            place
    user#USER                       VIDEO#COMMENT           a user's comments
    stage#STAGE                     TIME#VIDEO              the records of a stage

Video ids are of ``A-Z a-z 0-9 . _ -``, all of which sort after ``#``: so places sort as the pairs that they name do.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

from hubbub.ids import millisecond_of
from hubbub.model import Event, ListPlace, Stage
from hubbub.stores.base import Flag, IdempotencyKey

BUCKET_MS = 60 * 60 * 1000
"""A bucket is an hour of a video's comments."""

UNPUBLISHED_SHARDS = 16
"""Every event of a live log across a network is listed and confirmed, which is three write units, and a partition takes
1,000 a second: so much for 5,000 events a second. Each is read by every sweep."""

_LAST_BUCKET = "~"


class Key(NamedTuple):
    """An item's primary key."""

    pk: str
    sk: str

    def item(self) -> dict[str, Any]:
        """As requests carry it."""
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}


SCHEMA = Key("meta", "schema")
PING = Key("meta", "ping")
ALL_FLAGS = "f"


def bucket_of(id: str) -> str:
    """The bucket of a comment: the hour in its id. Buckets sort as their hours do."""
    return bucket_at(millisecond_of(id))


def bucket_at(at: int) -> str:
    """The bucket of a time (ms): 48 bits of milliseconds are 27 bits of hours, hence 8 digits."""
    return _LAST_BUCKET if at >> 48 > 0 else f"{max(at, 0) // BUCKET_MS:08x}"


def comments(video_id: str, bucket: str, shard: int) -> str:
    """The partition of one shard of a bucket."""
    return f"c#{video_id}#{bucket}#{shard}"


def comment(video_id: str, comment_id: str, shards: int) -> Key:
    """A comment's key in a bucket of so many shards."""
    return Key(comments(video_id, bucket_of(comment_id), crc32(comment_id.encode()) % shards), comment_id)


def buckets(video_id: str) -> str:
    """The partition that names a video's buckets."""
    return f"b#{video_id}"


def journal(video_id: str) -> str:
    """The partition of a video's changes."""
    return f"j#{video_id}"


def record(video_id: str) -> Key:
    """A video's record."""
    return Key(f"v#{video_id}", "record")


def pin(video_id: str, comment_id: str) -> Key:
    """A pin; those of a video stand beside its record."""
    return Key(f"v#{video_id}", f"pin#{comment_id}")


def idempotency(key: IdempotencyKey) -> Key:
    """An idempotency key's: a digest, since a user's id and a client's key may be long and hold anything."""
    digest = blake2b(digest_size=24)
    for part in (key.user_id, key.video_id, key.key):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4))
        digest.update(encoded)
    return Key(f"k#{digest.hexdigest()}", "key")


def unpublished(event: Event) -> Key:
    """Where an event waits to be published; ids are unique within a video only."""
    shard = crc32(event.id.encode()) % UNPUBLISHED_SHARDS
    return Key(unpublished_shard(shard), f"{event.id}#{event.video_id}")


def unpublished_shard(shard: int) -> str:
    """The partition of one shard of the unpublished list."""
    return f"u#{shard}"


def flags(video_id: str) -> str:
    """The partition of a video's flags."""
    return f"f#{video_id}"


def flag_keys(flag: Flag) -> tuple[Key, Key]:
    """Where a flag stands among its video's and among all. NUL, since nothing sorts before it: ``ann`` stands before
    ``ann!``, whatever the videos are.
    """
    place = f"{flag.comment_id}#{flag.by}"
    return Key(flags(flag.video_id), place), Key(ALL_FLAGS, f"{place}\0{flag.video_id}")


def user_list(user_id: str) -> str:
    """A user's comments in the index ``lists``."""
    return f"user#{user_id}"


def user_place(video_id: str, comment_id: str) -> str:
    """Where a comment stands in its user's list."""
    return f"{video_id}#{comment_id}"


def stage_list(stage: Stage) -> str:
    """The videos of a stage in the index ``lists``."""
    return f"stage#{stage.value}"


def stage_place(place: ListPlace) -> str:
    """Where a video stands in its stage's list."""
    return f"{stage_time(place.at)}#{place.video_id}"


def stage_time(at: int) -> str:
    """What the places of a millisecond begin with: hexadecimal digits that sort as numbers of 64 bits do."""
    return f"{at + 2**63:016x}"
