"""Events as Redis carries them: a line of fields, then the body as it is.

In the log ``<ms> <kind> <id> <subject> <at>``, in a push ``<epoch> <offset> <video> <kind> <id> <subject> <at>``. A
later version may add fields at the end of the line, and kinds: what this one does not know shows nothing and keeps its
place.
"""

from __future__ import annotations

from hubbub.model import RETRACTIONS, Entry, Event, Kind, Position
from hubbub.wire.events import SHOWS_COMMENT

_KINDS: dict[bytes, Kind] = {kind.value.encode(): kind for kind in Kind}

_DOES = (
    dict.fromkeys(Kind, "")
    | dict.fromkeys(SHOWS_COMMENT, "again")
    | dict.fromkeys(RETRACTIONS, "retracts")
    | {Kind.COMMENT: "shows", Kind.RESTORED: "restores"}
)
"""What an event does to its comment's text, in publish.lua's words."""


def publish_args(event: Event, channel: bytes) -> tuple[bytes | str, ...]:
    """What publish.lua wants to know of an event."""
    line = f"{event.kind.value} {event.id} {event.subject} {event.at}\n".encode() + event.body
    return (channel, event.video_id, event.id, event.subject, line, _DOES[event.kind])


def pushed_entry(data: bytes) -> Entry:
    """A push. Raises `ValueError`."""
    line, _, body = data.partition(b"\n")
    epoch, offset, video_id, kind, id, subject, at = line.split(b" ")[:7]
    return Entry(
        Position(epoch.decode(), int(offset)),
        _event(id.decode(), video_id.decode(), kind, subject.decode(), int(at), body),
    )


def kept_entry(data: bytes, video_id: str, position: Position) -> Entry:
    """An entry of the log. Raises `ValueError`."""
    line, _, body = data.partition(b"\n")
    _, kind, id, subject, at = line.split(b" ")[:5]
    return Entry(position, _event(id.decode(), video_id, kind, subject.decode(), int(at), body))


def _event(id: str, video_id: str, kind: bytes, subject: str, at: int, body: bytes) -> Event:
    known = _KINDS.get(kind)
    if known is None:
        return Event(id, video_id, Kind.COMMENT, subject, at, b"")
    return Event(id, video_id, known, subject, at, body)
