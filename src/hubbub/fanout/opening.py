"""Reading a video's recent past when its first viewer comes."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from hubbub.brokers.base import Broker
from hubbub.fanout.backlog import MAX_BACKLOG
from hubbub.ids import now_ms
from hubbub.model import Comment, Entry, Event, Kind, Position, Timeline
from hubbub.stores.base import Store
from hubbub.wire.events import comment_body, comment_event

OPENING_TAIL = 1_000
"""Entries read when a video's first viewer comes: enough for a full backlog, and for most who were away for a moment.
"""


class Opened(NamedTuple):
    """The log's recent entries with the place they start after, comments older than those, and the pins as of then.
    ``timeline`` is what was known of the video's before the entries, or since: entries that change it say so.

    ``complete``: there are no older comments than these.
    """

    start: Position
    entries: list[Entry]
    older: list[Event]
    pins: list[Event]
    complete: bool
    timeline: Timeline


async def open_log(video_id: str, broker: Broker, store: Store, skew_ms: int) -> Opened:
    """The log's tail, filled up from the store where it holds fewer comments than a full backlog.

    Exact although the two are read one after the other: a comment that the store has and the log does not is either
    older than the log's tail, or accepted a moment ago and about to be pushed. Only those older than the allowed skew
    count as the former.
    """
    head, entries = await broker.tail(video_id, OPENING_TAIL)
    start = Position(head.epoch, entries[0].position.offset - 1) if entries else head
    pinned_here = {entry.event.subject for entry in entries if entry.event.kind is Kind.PINNED}
    video = await store.video(video_id)
    timeline = video.timeline if video is not None else Timeline()
    pins = [_pin(comment) for comment in await store.pins(video_id) if comment.id not in pinned_here]
    if start.offset == 0 and entries:
        return Opened(start, entries, [], pins, complete=True, timeline=timeline)
    shown_here = {entry.event.subject for entry in entries if entry.event.kind in (Kind.COMMENT, Kind.RESTORED)}
    settled = now_ms() - skew_ms
    newest = await store.newest(video_id, MAX_BACKLOG)
    older = [unpinned_event(c) for c in newest if c.id not in shown_here and c.created_at < settled]
    return Opened(start, entries, older, pins, complete=len(newest) < MAX_BACKLOG, timeline=timeline)


def unpinned_event(comment: Comment) -> Event:
    """A stored comment's event as at its birth: a backlog outlives the pin that it bears by now."""
    return comment_event(replace(comment, pinned=False) if comment.pinned else comment)


def _pin(comment: Comment) -> Event:
    return Event(comment.id, comment.video_id, Kind.PINNED, comment.id, comment.created_at, comment_body(comment))
