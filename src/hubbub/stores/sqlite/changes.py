"""What becomes of a comment after its birth: deleted, hidden, restored, pinned, unpinned."""

from __future__ import annotations

from hubbub.errors import Conflict
from hubbub.model import Change, Kind, Position, Status
from hubbub.stores.base import Applied
from hubbub.stores.sqlite.lists import list_unpublished
from hubbub.stores.sqlite.session import WriteSession
from hubbub.wire.events import change_event

_STATUS_AFTER = {Kind.DELETED: Status.DELETED, Kind.HIDDEN: Status.HIDDEN, Kind.RESTORED: Status.VISIBLE}
_ACT = {Kind.HIDDEN: "hidden", Kind.RESTORED: "restored", Kind.PINNED: "pinned"}

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
    if not _has_effect(kind, session.state(video_id, comment_id)):
        return Applied(False, session.comment(video_id, comment_id), None)
    position = session.next_position(video_id)
    if kind in _STATUS_AFTER:
        statement = _ERASE if kind is Kind.DELETED else _SET_STATUS
        session.cursor.execute(statement, (video_id, comment_id, _STATUS_AFTER[kind]))
    else:
        session.cursor.execute(_PIN, (video_id, comment_id, position.offset if kind is Kind.PINNED else None))
    session.cursor.execute(_INSERT, (video_id, change.id, position.offset, kind, comment_id, change.at, change.actor))
    session.cursor.execute(_LOG, (video_id, position.offset, comment_id, change.id))
    after = session.comment(video_id, comment_id)
    if due is not None:
        list_unpublished(session, change_event(change, after), due)
    return Applied(True, after, position)


def _has_effect(kind: Kind, state: tuple[int | None, Status, int | None] | None) -> bool:
    """Whether the change would change anything. Raises `Conflict` where the present state does not admit it."""
    birth, status, pin = state or (None, None, None)
    if kind is Kind.UNPINNED:
        return pin is not None
    if kind is Kind.DELETED:
        return status is not Status.DELETED
    if kind not in _ACT:
        raise ValueError(f"{kind} is not a change to a comment")
    if status is Status.DELETED:
        raise Conflict(
            f"The comment has been deleted, which is final; it can't be {_ACT[kind]}.", code="comment_deleted"
        )
    if kind is not Kind.PINNED:
        return status is not _STATUS_AFTER[kind]
    if birth is None or status is not Status.VISIBLE:
        raise Conflict("Only a comment that everyone can see can be pinned.", code="comment_not_visible")
    return pin is None
