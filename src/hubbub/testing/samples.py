"""Comments and changes for tests, each with an id of its own, as the service makes them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hubbub.ids import IdSource, now_ms
from hubbub.model import Change, Comment, Event, Kind, Status, Timeline, User
from hubbub.wire.events import timeline_event

_ids = IdSource()

DAY_MS = 24 * 60 * 60 * 1000


def make_id(at: int | None = None) -> tuple[str, int]:
    """An id and its millisecond: of now, later than every one before, or of the time ``at`` (ms) with a random rest."""
    return _ids.next() if at is None else IdSource(lambda: at).next()


def make_video_id() -> str:
    """A video that no other test speaks of."""
    return f"video-{uuid4().hex}"


def make_user(**fields: Any) -> User:
    """A user of their own unless ``id`` is given."""
    return User(**{"id": f"user-{uuid4().hex}", "name": "Ada", **fields})


def make_comment(video_id: str = "video", text: str = "Hello", *, at: int | None = None, **fields: Any) -> Comment:
    """A visible comment by a user of their own, made now or at ``at`` (ms); ``fields`` are any others of `Comment`."""
    comment_id, created_at = make_id(at)
    given: dict[str, Any] = {"id": comment_id, "user": make_user(), "offset": 1.5, "status": Status.VISIBLE, **fields}
    return Comment(video_id=video_id, text=text, created_at=created_at, **given)


def make_change(kind: Kind, comment: Comment, *, at: int | None = None, actor: str = "moderator") -> Change:
    """A change to a comment, made now or at ``at`` (ms)."""
    change_id, made_at = make_id(at)
    return Change(change_id, comment.video_id, kind, comment.id, made_at, actor)


def make_timeline_event(video_id: str, kind: Kind, timeline: Timeline, *, at: int | None = None) -> Event:
    """The event that says when a video began or ended, made now or at ``at`` (ms)."""
    event_id, made_at = make_id(at)
    return timeline_event(event_id, video_id, kind, made_at, timeline)


def ago(ms: int) -> int:
    """The time ``ms`` before now, as ``at`` takes it."""
    return now_ms() - ms
