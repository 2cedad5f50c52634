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

    ``complete``: there are no older comments than these. ``unsettled``: ids of comments from a moment ago
    that the store has, and that are neither among the entries nor among the older ones.
    """

    start: Position
    entries: list[Entry]
    older: list[Event]
    pins: list[Event]
    complete: bool
    timeline: Timeline
    unsettled: frozenset[str] = frozenset()


async def open_log(
    video_id: str, broker: Broker, store: Store, skew_ms: int, *, all_in_log: bool = True, tail: int | None = None
) -> Opened:
    """The log's tail, filled up from the store where it holds fewer comments than a full backlog.

    Exact although the two are read one after the other: a comment that the store has and the log does not is either
    older than the log's tail, or accepted a moment ago and about to be pushed. Only those older than the allowed skew
    count as the former, and, where not all is in the log, those older than its tail: one of them that is pushed after
    all is told by its id.

    ``all_in_log``: a log that reaches back to its first entry has all there ever was, as the store's own has. ``tail``:
    how many entries are read at most.
    """
    head, entries = await broker.tail(video_id, OPENING_TAIL if tail is None else tail)
    start = Position(head.epoch, entries[0].position.offset - 1) if entries else head
    pinned_here = {entry.event.subject for entry in entries if entry.event.kind is Kind.PINNED}
    video = await store.video(video_id)
    timeline = video.timeline if video is not None else Timeline()
    pins = [_pin(comment) for comment in await store.pins(video_id) if comment.id not in pinned_here]
    if all_in_log and start.offset == 0 and entries:
        return Opened(start, entries, [], pins, complete=True, timeline=timeline)
    shown_here = {entry.event.subject for entry in entries if entry.event.kind in (Kind.COMMENT, Kind.RESTORED)}
    settled = now_ms() - skew_ms
    newest = await store.newest(video_id, MAX_BACKLOG)
    missing = [comment for comment in newest if comment.id not in shown_here]
    before = entries[0].event.id if entries and start.offset and not all_in_log else ""
    older = [unpinned_event(comment) for comment in missing if comment.created_at < settled or comment.id < before]
    unsettled = {comment.id for comment in missing} - {event.subject for event in older}
    return Opened(start, entries, older, pins, len(newest) < MAX_BACKLOG, timeline, frozenset(unsettled))


async def open_store(video_id: str, store: Store, start: Position) -> Opened:
    """What the store alone shows, for a ring that begins at ``start`` without entries."""
    video = await store.video(video_id)
    timeline = video.timeline if video is not None else Timeline()
    pins = [_pin(comment) for comment in await store.pins(video_id)]
    newest = await store.newest(video_id, MAX_BACKLOG)
    older = [unpinned_event(comment) for comment in newest]
    return Opened(start, [], older, pins, complete=len(newest) < MAX_BACKLOG, timeline=timeline)


def unpinned_event(comment: Comment) -> Event:
    """A stored comment's event as at its birth: a backlog outlives the pin that it bears by now."""
    return comment_event(replace(comment, pinned=False) if comment.pinned else comment)


def _pin(comment: Comment) -> Event:
    return Event(comment.id, comment.video_id, Kind.PINNED, comment.id, comment.created_at, comment_body(comment))
