"""Appending comments: all at once while they are new, one by one where some are repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hubbub.model import Comment, Event, Kind, Position
from hubbub.stores.base import Appended, IdempotencyKey
from hubbub.stores.rules import KEY_LIFETIME_MS, born_as, key_reused
from hubbub.stores.sqlite.lists import list_unpublished
from hubbub.stores.sqlite.rows import (
    COMMENT_COLUMNS,
    UNPUBLISHED_COLUMNS,
    Append,
    BulkInsert,
    comment_row,
    unpublished_row,
)
from hubbub.stores.sqlite.session import WriteSession

# Expired keys go a few at a time, twice as many as have come since: they can't pile up, and no commit gets long.
_EXPIRE_EVERY = 64

_KEY_COLUMNS = ("user_id", "video_id", "key", "fingerprint", "comment_id", "created_at")
_COLUMNS = ("position", *COMMENT_COLUMNS)
_insert_comments = BulkInsert("comments", _COLUMNS)
_insert_log = BulkInsert("log", ("video_id", "position", "comment_id"))
_insert_keys = BulkInsert("idempotency", _KEY_COLUMNS)
_insert_unpublished = BulkInsert("unpublished", UNPUBLISHED_COLUMNS)

_COMMENT = f"INSERT INTO comments ({', '.join(_COLUMNS)}) VALUES ({','.join('?' * len(_COLUMNS))})"
_LOG = "INSERT INTO log (video_id, position, comment_id) VALUES (?, ?, ?)"
_KEY = f"INSERT OR REPLACE INTO idempotency ({', '.join(_KEY_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"
_EXPIRE = """
    DELETE FROM idempotency WHERE (user_id, video_id, key) IN (
        SELECT user_id, video_id, key FROM idempotency WHERE created_at <= ? ORDER BY created_at LIMIT ?)"""

FIND_KEY = """
    SELECT fingerprint, comment_id FROM idempotency
    WHERE user_id = ? AND video_id = ? AND key = ? AND created_at > ?"""


class Collision(Exception):
    """`append_fresh` met a comment or a key that is there already: roll back, and go one by one."""


def append_fresh(session: WriteSession, appends: Sequence[Append]) -> list[Appended]:
    """Append comments whose ids and keys are all new, in as few statements as can be; else raise `Collision`."""
    session.read_heads({append.comment.video_id for append in appends})
    heads, epoch = session.heads, session.epoch
    comments: list[Any] = []
    log: list[Any] = []
    keys: list[Any] = []
    unpublished: list[Any] = []
    results: list[Appended] = []
    for comment, row, key, due in appends:
        video_id = comment.video_id
        heads[video_id] = offset = heads[video_id] + 1
        comments.append(offset)
        comments += row
        log += (video_id, offset, comment.id)
        if key is not None:
            keys += (*key, comment.id, comment.created_at)
        if due is not None:
            unpublished += unpublished_row(_birth(comment), due)
        results.append(Appended(True, comment, Position(epoch, offset)))
    keyed = len(keys) // len(_KEY_COLUMNS)
    listed = len(unpublished) // len(UNPUBLISHED_COLUMNS)
    before = session.total_changes()
    _insert_comments(session.cursor, comments)
    _insert_log(session.cursor, log)
    _insert_keys(session.cursor, keys)
    _insert_unpublished(session.cursor, unpublished)
    if session.total_changes() - before != 2 * len(appends) + keyed + listed:
        raise Collision
    _expire_keys(session, keyed, appends[-1].comment.created_at)
    return results


def append(session: WriteSession, job: Append) -> Appended:
    """Append one comment, which may be a repeat or have a tombstone waiting.

    Raises `Unprocessable`, before anything is written, for a key that was used for something else.
    """
    comment, row, key, due = job
    if key is not None:
        first_id = standing_id(session.cursor.execute(FIND_KEY, find_key(key, comment.created_at)).fetchone(), key)
        if first_id is not None:
            return _standing(session, comment.video_id, first_id)
    state = session.state(comment.video_id, comment.id)
    if state is not None:
        birth, status, _ = state
        if birth is not None:
            return _standing(session, comment.video_id, comment.id)
        session.cursor.execute("DELETE FROM comments WHERE video_id = ? AND id = ?", (comment.video_id, comment.id))
        comment = born_as(comment, status)
        row = comment_row(comment)
    position = session.next_position(comment.video_id)
    session.cursor.execute(_COMMENT, (position.offset, *row))
    session.cursor.execute(_LOG, (comment.video_id, position.offset, comment.id))
    if key is not None:
        session.cursor.execute(_KEY, (*key, comment.id, comment.created_at))
        _expire_keys(session, 1, comment.created_at)
    if due is not None:
        list_unpublished(session, _birth(comment), due)
    return Appended(True, comment, position)


def find_key(key: IdempotencyKey, now: int) -> tuple[str, str, str, int]:
    """What to bind to `FIND_KEY` at the time ``now`` (ms)."""
    return key.user_id, key.video_id, key.key, now - KEY_LIFETIME_MS


def standing_id(row: tuple[Any, ...] | None, key: IdempotencyKey) -> str | None:
    """The id of the comment that the key made. Raises `Unprocessable` when it was made by another request."""
    if row is None:
        return None
    fingerprint, comment_id = row
    if fingerprint != key.fingerprint:
        raise key_reused()
    return str(comment_id)


def _birth(comment: Comment) -> Event:
    """The event of a comment's birth, for the unpublished list: without its text, which is read when it is leased."""
    return Event(comment.id, comment.video_id, Kind.COMMENT, comment.id, comment.created_at, b"")


def _standing(session: WriteSession, video_id: str, comment_id: str) -> Appended:
    comment, state = session.comment(video_id, comment_id), session.state(video_id, comment_id)
    assert comment is not None  # nothing ever removes a row
    assert state is not None
    assert state[0] is not None
    return Appended(False, comment, Position(session.epoch, state[0]))


def _expire_keys(session: WriteSession, added: int, now: int) -> None:
    session.keys_since_expiry += added
    if session.keys_since_expiry >= _EXPIRE_EVERY:
        session.cursor.execute(_EXPIRE, (now - KEY_LIFETIME_MS, 2 * session.keys_since_expiry))
        session.keys_since_expiry = 0
