"""What becomes of a comment after its birth: deleted, hidden, restored, pinned, unpinned."""

from __future__ import annotations

from hubbub.model import Change, Kind, Position
from hubbub.stores.base import Applied
from hubbub.stores.rules import STATUS_AFTER, takes_effect
from hubbub.stores.sqlite.lists import list_unpublished
from hubbub.stores.sqlite.session import WriteSession
from hubbub.wire.events import change_event

_REPEAT = "SELECT position FROM changes WHERE video_id = ? AND id = ?"
_INSERT = "INSERT INTO changes (video_id, id, position, kind, comment_id, at, actor) VALUES (?, ?, ?, ?, ?, ?, ?)"
_LOG = "INSERT INTO log (video_id, position, comment_id, change_id) VALUES (?, ?, ?, ?)"
_PIN = "UPDATE comments SET pin = ?3 WHERE video_id = ?1 AND id = ?2"
_SET_STATUS = """
    INSERT INTO comments (video_id, id, status) VALUES (?1, ?2, ?3)
    ON CONFLICT (video_id, id) DO UPDATE SET status = excluded.status, pin = NULL"""
_ERASE = """
    INSERT INTO comments (video_id, id, status) VALUES (?1, ?2, ?3)
    ON CONFLICT (video_id, id) DO UPDATE
    SET status = excluded.status, pin = NULL, text = '', nonce = NULL, meta = NULL"""


def apply(session: WriteSession, change: Change, due: int | None) -> Applied:
    """Change a comment and write it into the log, and onto the unpublished list where it is ``due``. Raises `Conflict`
    before anything is written.
    """
    video_id, comment_id, kind = change.video_id, change.comment_id, change.kind
    first = session.value(_REPEAT, (video_id, change.id))
    if first is not None:
        return Applied(False, session.comment(video_id, comment_id), Position(session.epoch, first))
    birth, status, pin = session.state(video_id, comment_id) or (None, None, None)
    if not takes_effect(kind, born=birth is not None, status=status, pinned=pin is not None):
        return Applied(False, session.comment(video_id, comment_id), None)
    position = session.next_position(video_id)
    if kind in STATUS_AFTER:
        statement = _ERASE if kind is Kind.DELETED else _SET_STATUS
        session.cursor.execute(statement, (video_id, comment_id, STATUS_AFTER[kind]))
    else:
        session.cursor.execute(_PIN, (video_id, comment_id, position.offset if kind is Kind.PINNED else None))
    session.cursor.execute(_INSERT, (video_id, change.id, position.offset, kind, comment_id, change.at, change.actor))
    session.cursor.execute(_LOG, (video_id, position.offset, comment_id, change.id))
    after = session.comment(video_id, comment_id)
    if due is not None:
        list_unpublished(session, change_event(change, after), due)
    return Applied(True, after, position)
