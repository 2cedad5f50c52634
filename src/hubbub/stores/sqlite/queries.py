"""What readers ask of the file. Each function takes a reading connection first and is one consistent read."""

from __future__ import annotations

from typing import Any

import apsw
import msgspec

from hubbub.errors import NotProvable
from hubbub.ids import millisecond_of
from hubbub.model import Comment, Entry, Event, ListPlace, Position, Stage, Tail, Video
from hubbub.stores.base import Flag, IdempotencyKey, Order
from hubbub.stores.rules import AFTER_ALL_IDS, id_from
from hubbub.stores.sqlite.appends import FIND_KEY, find_key, standing_id
from hubbub.stores.sqlite.rows import VISIBLE, decode_comments, decode_events, select_comments, select_events
from hubbub.stores.sqlite.videos import find_video, list_videos

_BEFORE_ALL = ""

_GET = select_comments("SELECT * FROM comments WHERE video_id = ? AND id = ? AND position IS NOT NULL LIMIT 1")
_BEYOND = select_comments(
    f"SELECT * FROM comments WHERE video_id = ? AND id > ? AND id < ? AND {VISIBLE} ORDER BY id LIMIT ?"
)
_BACK_FROM = select_comments(
    f"SELECT * FROM comments WHERE video_id = ? AND id < ? AND {VISIBLE} ORDER BY id DESC LIMIT ?"
)
_PINS = select_comments(
    f"SELECT * FROM comments WHERE video_id = ? AND pin IS NOT NULL AND {VISIBLE} ORDER BY pin LIMIT -1"
)
_BY_USER = select_comments(
    "SELECT * FROM comments WHERE user_id = ? AND (video_id, id) > (?, ?) ORDER BY video_id, id LIMIT ?"
)
# Both halves come in the order of ids from their primary keys, so the merge stops at the limit.
_CHANGES_SINCE = select_events("""
    SELECT position, video_id, id, 'comment' AS kind, id AS subject, created_at AS at, NULL AS body
    FROM comments WHERE video_id = ?1 AND id >= ?2 AND position IS NOT NULL
    UNION ALL
    SELECT position, video_id, id, kind, comment_id, at, body FROM changes WHERE video_id = ?1 AND id >= ?2
    ORDER BY id LIMIT ?3""")

_HEAD = """
    SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT max(position) FROM log WHERE video_id = ?)"""
_LOG = select_events("""
    SELECT l.position, l.video_id, coalesce(l.change_id, l.comment_id) AS id, coalesce(h.kind, 'comment') AS kind,
        l.comment_id AS subject, h.at, h.body
    FROM log AS l LEFT JOIN changes AS h ON h.video_id = l.video_id AND h.id = l.change_id
    WHERE l.video_id = ? AND l.position > ? AND l.position <= ? ORDER BY l.position LIMIT -1""")

_POSITION = """
    SELECT (SELECT value FROM meta WHERE key = 'epoch'), position FROM (
        SELECT position FROM comments WHERE video_id = ?1 AND id = ?2 AND position IS NOT NULL
        UNION ALL SELECT position FROM changes WHERE video_id = ?1 AND id = ?2)"""

# Both tables are in the order of videos: from each to the next, and to its newest, is a step down the tree, so that a
# hundred thousand videos take a tenth of a second.
_NEWEST = """
    WITH RECURSIVE videos (video_id) AS (
        SELECT min(video_id) FROM {table} UNION ALL
        SELECT (SELECT min(video_id) FROM {table} WHERE video_id > videos.video_id) FROM videos
        WHERE video_id IS NOT NULL)
    SELECT max((SELECT max(id) FROM {table} AS t WHERE t.video_id = videos.video_id)) FROM videos"""

_FREE = "SELECT EXISTS (SELECT 1 FROM unpublished WHERE holder = ? OR leased_until <= ?)"

_FLAGS = """
    SELECT json_group_array(json_array(video_id, comment_id, flagged_by, reason, at)) FROM (
        SELECT * FROM flags WHERE {where} (comment_id, flagged_by) > (?, ?) ORDER BY comment_id, flagged_by LIMIT ?)"""
_FLAGS_OF_ALL = _FLAGS.format(where="")
_FLAGS_OF_VIDEO = _FLAGS.format(where="video_id = ? AND")
_flags = msgspec.json.Decoder(list[Flag])


def get(connection: apsw.Connection, video_id: str, comment_id: str) -> Comment | None:
    """A comment of any status."""
    found = decode_comments(_value(connection, _GET, video_id, comment_id))
    return found[0] if found else None


def page(connection: apsw.Connection, video_id: str, after: str | None, limit: int, order: Order) -> list[Comment]:
    """Visible comments beyond an id, in ``order``."""
    if order == "asc":
        return decode_comments(_value(connection, _BEYOND, video_id, after or _BEFORE_ALL, AFTER_ALL_IDS, limit))
    return decode_comments(_value(connection, _BACK_FROM, video_id, after or AFTER_ALL_IDS, limit))


def window(
    connection: apsw.Connection, video_id: str, since: int, until: int, limit: int, after: str | None
) -> list[Comment]:
    """Visible comments of a stretch of time: a range of ids, since an id begins with its millisecond."""
    just_before = id_from(since)[:-1]  # a prefix sorts before what it begins, and nothing comes between
    beyond = max(just_before, after or _BEFORE_ALL)
    return decode_comments(_value(connection, _BEYOND, video_id, beyond, id_from(until), limit))


def changes_since(connection: apsw.Connection, video_id: str, since: int, limit: int) -> list[Event]:
    """Events of a video from a time on."""
    answer = _value(connection, _CHANGES_SINCE, video_id, id_from(since), limit)
    return [event for _, event in decode_events(answer)]


def pins(connection: apsw.Connection, video_id: str) -> list[Comment]:
    """Pinned comments in the order of pinning."""
    return decode_comments(_value(connection, _PINS, video_id))


def video(connection: apsw.Connection, video_id: str) -> Video | None:
    """A video's record."""
    return find_video(connection.cursor(), video_id)


def videos(connection: apsw.Connection, stage: Stage, since: int, before: ListPlace | None, limit: int) -> list[Video]:
    """Records of a stage."""
    return list_videos(connection.cursor(), stage, since, before, limit)


def by_user(connection: apsw.Connection, user_id: str, after: tuple[str, str] | None, limit: int) -> list[Comment]:
    """A user's comments of any status."""
    return decode_comments(_value(connection, _BY_USER, user_id, *(after or ("", "")), limit))


def recall(connection: apsw.Connection, key: IdempotencyKey, now: int) -> Comment | None:
    """The comment that a key has made."""
    comment_id = standing_id(connection.execute(FIND_KEY, find_key(key, now)).fetchone(), key)
    return None if comment_id is None else get(connection, key.video_id, comment_id)


def has_unpublished(connection: apsw.Connection, holder: str, now: int) -> bool:
    """Whether ``holder`` could lease anything from the unpublished list at the time ``now`` (ms)."""
    return bool(_value(connection, _FREE, holder, now))


def count_unpublished(connection: apsw.Connection) -> int:
    """The length of the unpublished list."""
    return int(_value(connection, "SELECT count(*) FROM unpublished"))


def flags(connection: apsw.Connection, video_id: str | None, after: tuple[str, str] | None, limit: int) -> list[Flag]:
    """Flags of one video or of all."""
    beyond = after or ("", "")
    if video_id is None:
        return _flags.decode(_value(connection, _FLAGS_OF_ALL, *beyond, limit))
    return _flags.decode(_value(connection, _FLAGS_OF_VIDEO, video_id, *beyond, limit))


def log_tail(connection: apsw.Connection, video_id: str, limit: int) -> Tail:
    """The newest entries of a video's log. Head first, entries up to it second: the log only grows, so both agree."""
    head = _head(connection, video_id)
    return Tail(head, _entries(connection, video_id, max(0, head.offset - limit), head))


def log_after(connection: apsw.Connection, video_id: str, after: Position, limit: int) -> list[Entry]:
    """The entries after a position. Raises `NotProvable` where they can't all be given."""
    head = _head(connection, video_id)
    if after.epoch != head.epoch:
        raise NotProvable("the position is of another epoch")
    if not 0 <= head.offset - after.offset <= limit:
        raise NotProvable("the position is beyond the log's head or too far behind it")
    return _entries(connection, video_id, after.offset, head)


def newest_at(connection: apsw.Connection) -> int:
    """The time of the newest event there is."""
    newest = [_value(connection, _NEWEST.format(table=table)) for table in ("comments", "changes")]
    return max((millisecond_of(id) for id in newest if id is not None), default=0)


def position_of(connection: apsw.Connection, video_id: str, event_id: str) -> Position | None:
    """Where an event stands in the log."""
    row = connection.execute(_POSITION, (video_id, event_id)).fetchone()
    return None if row is None else Position(*row)


def _head(connection: apsw.Connection, video_id: str) -> Position:
    epoch, offset = connection.execute(_HEAD, (video_id,)).fetchone() or ("", 0)
    return Position(epoch, offset or 0)


def _entries(connection: apsw.Connection, video_id: str, after: int, head: Position) -> list[Entry]:
    events = decode_events(_value(connection, _LOG, video_id, after, head.offset))
    return [Entry(Position(head.epoch, offset), event) for offset, event in events]


def _value(connection: apsw.Connection, statement: str, *bindings: Any) -> Any:
    row = connection.execute(statement, bindings).fetchone()
    return row[0] if row else None
