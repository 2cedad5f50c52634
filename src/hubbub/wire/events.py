"""Events as JSON, encoded once.

A comment is encoded with its ``video_id`` (for the poster, and history) and without it (for streams) in one pass: the
field stands first and video ids need no JSON escaping, so the stream's bytes are a slice of the others.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hubbub.model import Change, Comment, Event, Kind, Timeline

_encoder = msgspec.json.Encoder()

# Some SSE clients split lines at these, though the standard names only CR and LF; inside a JSON string the escape means
# the same character. As UTF-8 sequences they can't occur anywhere else in a JSON text.
_LINE_BREAKERS = (
    ("\u0085".encode(), b"\\u0085"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)

_VIDEO_ID_PREFIX = len(b'{"video_id":"') + len(b'",')

SHOWS_COMMENT = frozenset({Kind.COMMENT, Kind.RESTORED, Kind.PINNED})
"""Kinds whose body is the whole comment; the others name it by id."""


def encode_json(value: object) -> bytes:
    """``value`` as UTF-8 JSON without line breaks of any kind."""
    encoded = _encoder.encode(value)
    if encoded.isascii():
        return encoded
    for raw, escaped in _LINE_BREAKERS:
        if raw in encoded:
            encoded = encoded.replace(raw, escaped)
    return encoded


def without_video_id(encoded: bytes, video_id: str) -> bytes:
    """An encoded comment as per-video streams carry it."""
    return b"{" + encoded[_VIDEO_ID_PREFIX + len(video_id) :]


def comment_body(comment: Comment) -> bytes:
    """A comment's bytes for streams."""
    return without_video_id(encode_json(comment), comment.video_id)


def comment_event(comment: Comment, encoded: bytes | None = None) -> Event:
    """The event of a comment's birth; ``encoded`` is `encode_json` of it where that is already at hand."""
    body = without_video_id(encoded, comment.video_id) if encoded else comment_body(comment)
    return Event(comment.id, comment.video_id, Kind.COMMENT, comment.id, comment.created_at, body)


def change_event(change: Change, comment: Comment | None) -> Event:
    """The event of a change; ``comment`` as it stands after it (used by kinds that show it, which blank without it)."""
    if change.kind in SHOWS_COMMENT:
        body = comment_body(comment) if comment is not None else b""
    else:
        body = encode_json({"id": change.comment_id, "at": change.at})
    return Event(change.id, change.video_id, change.kind, change.comment_id, change.at, body)


def timeline_event(id: str, video_id: str, kind: Kind, at: int, timeline: Timeline) -> Event:
    """The event of a video's start or end: what is known of both since."""
    body = {"started_at": timeline.started_at, "ended_at": timeline.ended_at, "at": at}
    return Event(id, video_id, kind, "", at, encode_json(body))


_timeline = msgspec.json.Decoder(Timeline)


def timeline_of(event: Event) -> Timeline:
    """What a `timeline_event` says."""
    return _timeline.decode(event.body)


def json_array(bodies: Iterable[bytes]) -> bytes:
    """Encoded values as one JSON array, without decoding them."""
    return b"[" + b",".join(bodies) + b"]"
