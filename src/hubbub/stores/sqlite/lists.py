"""The two small lists beside the comments: events that wait to be published, and review flags."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hubbub.model import Event
from hubbub.stores.base import Flag
from hubbub.stores.sqlite.rows import UNPUBLISHED_COLUMNS, decode_events, select_events, unpublished_row
from hubbub.stores.sqlite.session import WriteSession

# As many pages as a post may need: on a disk that has room for one page and no more, a ping must fail as posts do. All
# characters change, since SQLite leaves alone the pages of a long value that stay as they are.
_TOUCH = """
    INSERT INTO meta (key, value) VALUES ('ping', printf('%.40000c', '0'))
    ON CONFLICT (key) DO UPDATE SET value = printf('%.40000c', iif(substr(value, 1, 1) = '0', '1', '0'))"""

_LIST = f"""
    INSERT OR IGNORE INTO unpublished ({", ".join(UNPUBLISHED_COLUMNS)})
    VALUES ({",".join("?" * len(UNPUBLISHED_COLUMNS))})"""
_MAKE_DUE = "UPDATE unpublished SET leased_until = 0, marked_at = ? WHERE event_id = ? AND holder IS NULL"
_FREE = """
    SELECT json_group_array(event_id) FROM (
        SELECT event_id FROM unpublished WHERE holder = ? OR leased_until <= ? ORDER BY event_id LIMIT ?)"""
_LEASE = """
    UPDATE unpublished SET holder = ?, leased_until = ? WHERE event_id IN (SELECT value FROM json_each(?))"""
_LEASED = select_events("""
    SELECT 0 AS position, video_id, event_id AS id, kind, subject, event_at AS at, body FROM unpublished
    WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY event_id LIMIT -1""")
_CONFIRM = "DELETE FROM unpublished WHERE event_id IN (SELECT value FROM json_each(?))"

_FLAG = "INSERT OR IGNORE INTO flags (video_id, comment_id, flagged_by, reason, at) VALUES (?, ?, ?, ?, ?)"
_CLEAR = "DELETE FROM flags WHERE video_id = ? AND comment_id = ?"


def touch(session: WriteSession) -> None:
    """Write for a ping what a post would, since only a commit shows whether one succeeds."""
    session.cursor.execute(_TOUCH)


def list_unpublished(session: WriteSession, event: Event, due: int) -> None:
    """Put an event on the list, for sweepers to have from ``due`` on."""
    session.cursor.execute(_LIST, unpublished_row(event, due))


def mark_unpublished(session: WriteSession, event: Event, at: int) -> None:
    """Put an event on the list, due at once."""
    list_unpublished(session, event, 0)
    session.cursor.execute(_MAKE_DUE, (at, event.id))


def lease_unpublished(session: WriteSession, holder: str, now: int, lease_ms: int, limit: int) -> list[Event]:
    """Take events that nobody else holds, or that the same holder does."""
    free = session.value(_FREE, (holder, now, limit))
    if free == "[]":
        return []
    session.cursor.execute(_LEASE, (holder, now + lease_ms, free))
    return [event for _, event in decode_events(session.value(_LEASED, (free,)))]


def confirm_published(session: WriteSession, event_ids: Sequence[str]) -> None:
    """Take events off the list."""
    session.cursor.execute(_CONFIRM, (msgspec.json.encode(event_ids).decode(),))


def add_flag(session: WriteSession, flag: Flag) -> None:
    """Flag a comment."""
    session.cursor.execute(_FLAG, flag)


def clear_flags(session: WriteSession, video_id: str, comment_id: str) -> None:
    """Close a comment's flags."""
    session.cursor.execute(_CLEAR, (video_id, comment_id))
