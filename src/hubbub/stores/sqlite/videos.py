"""What is known of a video: its record, written together with the event that tells of it."""

from __future__ import annotations

from typing import Any

import apsw

from hubbub.model import Event, ListPlace, Position, Stage, Timeline, Video
from hubbub.stores.base import VideoKept
from hubbub.stores.sqlite.lists import list_unpublished
from hubbub.stores.sqlite.session import WriteSession

_COLUMNS = "video_id, title, media_url, started_at, ended_at, made_at, shards"
_FIND = f"SELECT {_COLUMNS} FROM videos WHERE video_id = ?"
_LIST = f"""
    SELECT {_COLUMNS} FROM videos WHERE stage = ? AND listed_at >= ? AND (listed_at, video_id) < (?, ?)
    ORDER BY listed_at DESC, video_id DESC LIMIT ?"""
_KEEP = f"INSERT OR REPLACE INTO videos ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_BEYOND_ALL = ListPlace(2**62, "")
_REPEAT = "SELECT position FROM changes WHERE video_id = ? AND id = ?"
_EVENT = """
    INSERT INTO changes (video_id, id, position, kind, comment_id, at, actor, body) VALUES (?, ?, ?, ?, '', ?, ?, ?)"""
_LOG = "INSERT INTO log (video_id, position, comment_id, change_id) VALUES (?, ?, '', ?)"


def find_video(cursor: apsw.Cursor, video_id: str) -> Video | None:
    """A video's record."""
    row = cursor.execute(_FIND, (video_id,)).fetchone()
    return None if row is None else _video(row)


def list_videos(cursor: apsw.Cursor, stage: Stage, since: int, before: ListPlace | None, limit: int) -> list[Video]:
    """Records of a stage, the greatest place first."""
    at, video_id = before or _BEYOND_ALL
    return list(map(_video, cursor.execute(_LIST, (stage, since, at, video_id, limit))))


def _video(row: tuple[Any, ...]) -> Video:
    video_id, title, media_url, started_at, ended_at, made_at, shards = row
    return Video(video_id, title, media_url, Timeline(started_at, ended_at), made_at, shards)


def keep_video(
    session: WriteSession, video: Video, was: Video | None, event: Event | None, actor: str, due: int | None
) -> VideoKept:
    """Write a record, and its event into the log (and onto the unpublished list where it is ``due``), if it still is
    ``was``.
    """
    video_id = video.video_id
    stands = find_video(session.cursor, video_id)
    if event is not None:
        first = session.value(_REPEAT, (video_id, event.id))
        if first is not None:
            return VideoKept(True, stands, Position(session.epoch, first))
    if stands != was:
        return VideoKept(False, stands, None)
    timeline = video.timeline
    session.cursor.execute(
        _KEEP,
        (video_id, video.title, video.media_url, timeline.started_at, timeline.ended_at, video.made_at, video.shards),
    )
    if event is None:
        return VideoKept(True, video, None)
    position = session.next_position(video_id)
    session.cursor.execute(
        _EVENT, (video_id, event.id, position.offset, event.kind, event.at, actor, event.body.decode())
    )
    session.cursor.execute(_LOG, (video_id, position.offset, event.id))
    if due is not None:
        list_unpublished(session, event, due)
    return VideoKept(True, video, position)
