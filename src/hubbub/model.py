"""What the service speaks of: comments, the events that make a video's log, and places in that log.

Times named ``…_at`` (and ``at``) are integer milliseconds since the Unix epoch. Ids are UUIDv7 in their usual
36-character lower-case form, so that their text order is their creation order (RFC 9562, section 5.7).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

import msgspec


class Status(StrEnum):
    """What has become of a comment. Only ``visible`` ones are shown; ``deleted`` is final and the text erased."""

    VISIBLE = "visible"
    PENDING = "pending"
    HIDDEN = "hidden"
    DELETED = "deleted"


class State(StrEnum):
    """What a video is doing. ``upcoming``: its start is not known, or lies ahead."""

    UPCOMING = "upcoming"
    LIVE = "live"
    ENDED = "ended"


class Stage(StrEnum):
    """What has been told of a video's time, whatever the time is now: what lists of videos are kept by."""

    UNTIMED = "untimed"
    STARTED = "started"
    ENDED = "ended"


class Kind(StrEnum):
    """What an entry of a video's log says; also the event's name on every transport."""

    COMMENT = "comment"
    DELETED = "comment_deleted"
    HIDDEN = "comment_hidden"
    RESTORED = "comment_restored"
    PINNED = "comment_pinned"
    UNPINNED = "comment_unpinned"
    SETTINGS = "settings"
    START = "start"
    END = "end"


RETRACTIONS = frozenset({Kind.DELETED, Kind.HIDDEN})
"""Kinds after which a comment's text must not be served by anything."""

VIDEO_KINDS = frozenset({Kind.START, Kind.END})
"""Kinds that speak of the video itself. Their body is a `Timeline` with ``at``; they have no subject."""


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who wrote a comment, as their token said at the time."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    avatar: str | None = None


class Comment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One comment. ``offset`` is seconds since the video's start, None before that is known: in what is stored and in
    events as it was known when the comment was made, in what is read from history as it is known now.

    ``video_id`` stands first: its encoded length is known without looking, which lets `hubbub.wire.events` leave it out
    of the encoded bytes by a slice.
    """

    video_id: str
    id: str
    user: User
    text: str
    created_at: int
    offset: float | None
    status: Status
    pinned: bool = False
    nonce: str | None = None
    meta: dict[str, Any] | None = None


class Change(msgspec.Struct, frozen=True):
    """A moderator's or an author's act upon a comment: everything an `Event` says but the bytes.

    ``kind`` is one of deleted, hidden, restored, pinned, unpinned; ``id`` is the event's own.
    """

    id: str
    video_id: str
    kind: Kind
    comment_id: str
    at: int
    actor: str


class Timeline(msgspec.Struct, frozen=True):
    """When a video began and ended; None before that is known. An end is never before the start."""

    started_at: int | None = None
    ended_at: int | None = None

    def state(self, now: int) -> State:
        """What the video is doing at the time ``now`` (ms)."""
        if self.ended_at is not None:
            return State.ENDED
        return State.LIVE if self.started_at is not None and self.started_at <= now else State.UPCOMING

    def offset(self, at: int) -> float | None:
        """The place of a time on the timeline, in seconds: negative before the start, None while that is unknown."""
        return None if self.started_at is None else (at - self.started_at) / 1000


MAX_SHARDS = 1000
"""Parts that the viewers of one video may be divided into."""


class ListPlace(NamedTuple):
    """Where a video stands in lists, which begin with the greatest: its end, its start, or else ``made_at``, in ms."""

    at: int
    video_id: str


class Video(msgspec.Struct, frozen=True):
    """What was told about a video. One that nobody has told anything about has no record and may exist all the same.

    ``made_at``: when its record was made, which stays.
    ``shards``: over how many gateways its viewers should be spread, from 1 to `MAX_SHARDS`. A word for clients and the
    proxies before us; its log is one all the same.
    """

    video_id: str
    title: str | None = None
    media_url: str | None = None
    timeline: Timeline = Timeline()
    made_at: int = 0
    shards: int = 1

    @property
    def stage(self) -> Stage:
        """By the timeline."""
        if self.timeline.ended_at is not None:
            return Stage.ENDED
        return Stage.UNTIMED if self.timeline.started_at is None else Stage.STARTED

    @property
    def place(self) -> ListPlace:
        """Its place among the videos of its stage."""
        started_at, ended_at = self.timeline.started_at, self.timeline.ended_at
        told = started_at if ended_at is None else ended_at
        return ListPlace(self.made_at if told is None else told, self.video_id)


class Event(msgspec.Struct, frozen=True):
    """Something that happened on a video, encoded once.

    ``body`` is the JSON object that viewers get (UTF-8, without ``video_id``). It is empty when the text it carried has
    since been retracted: the entry keeps its place in the log and shows nothing. ``subject`` is the comment's id (for a
    comment, ``id`` itself), empty for events that speak of no comment.
    """

    id: str
    video_id: str
    kind: Kind
    subject: str
    at: int
    body: bytes

    def blank(self) -> Event:
        """The same event with its text gone."""
        return Event(self.id, self.video_id, self.kind, self.subject, self.at, b"")


class Position(NamedTuple):
    """A place in a video's log. Offsets count 1, 2, 3 … without a gap within an epoch; another epoch can't be compared.

    Offset 0 is the place before the first entry.
    """

    epoch: str
    offset: int


class Entry(NamedTuple):
    """An event at its place in the log."""

    position: Position
    event: Event


class Tail(NamedTuple):
    """The newest entries of a log, oldest first, and the log's head (the last entry's position, or offset 0)."""

    head: Position
    entries: list[Entry]
