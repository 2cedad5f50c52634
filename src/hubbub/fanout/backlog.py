"""What a latecomer sees first: the newest visible comments of a video, and its pins.

Kept level with the last tick, so that "backlog, then live" has neither hole nor double.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

from hubbub.model import Event, Kind, Position
from hubbub.wire.sse import Item
from hubbub.wire.tokens import encode_token

MAX_BACKLOG = 200


class _Shown(NamedTuple):
    event: Event
    position: Position | None  # None: older than the log we have


class Backlog:
    """The newest `MAX_BACKLOG` comments in order of id, and the pins in order of pinning.

    ``complete`` is False when older comments exist that are not held here.
    """

    def __init__(self, *, skew_ms: int) -> None:
        self._skew_ms = skew_ms
        self._ids: list[str] = []
        self._shown: dict[str, _Shown] = {}
        self.pins: dict[str, bytes] = {}
        self.complete = True

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def oldest(self) -> str | None:
        """The id of the oldest comment held."""
        return self._ids[0] if self._ids else None

    def apply(self, event: Event, position: Position | None) -> None:
        """Take the next event of the log; blank ones change nothing here."""
        match event.kind:
            case Kind.COMMENT | Kind.RESTORED if event.body:
                self._add(event, position)
            case Kind.PINNED if event.body:
                self.pins.pop(event.subject, None)
                self.pins[event.subject] = event.body
            case Kind.UNPINNED:
                self.pins.pop(event.subject, None)
            case Kind.DELETED | Kind.HIDDEN:
                self.retract(event.subject)

    def retract(self, comment_id: str) -> None:
        """A comment is gone: from the list and from the pins."""
        self.pins.pop(comment_id, None)
        if self._shown.pop(comment_id, None) is not None:
            del self._ids[bisect_left(self._ids, comment_id)]

    def add_older(self, events: Iterable[Event]) -> None:
        """Fill up with comments from the store that precede the log at hand."""
        for event in events:
            if event.id not in self._shown:
                self._add(event, None)

    def _add(self, event: Event, position: Position | None) -> None:
        comment_id = event.subject
        if comment_id in self._shown:
            return
        # A restored comment comes back in a log entry of its own; here it is a comment like any other.
        birth = Event(comment_id, event.video_id, Kind.COMMENT, comment_id, event.at, event.body)
        self._shown[comment_id] = _Shown(birth, position)
        insort(self._ids, comment_id)
        if len(self._ids) > MAX_BACKLOG:
            del self._shown[self._ids.pop(0)]
            self.complete = False

    def newest(self, count: int, head: Position, head_at: int) -> list[Item]:
        """The newest ``count`` comments, oldest first, each with the token of where a viewer stands who has got that
        far.

        The place after an item is the one just before the earliest log entry still to come in this list, so that a
        stream cut in mid-backlog resumes with nothing missed; after the last it is ``head``.
        """
        items: list[Item] = []
        earliest: Position | None = head
        at = head_at
        for comment_id in reversed(self._ids[-count:] if count else []):
            event, position = self._shown[comment_id]
            token = None if earliest is None else encode_token(earliest, at - self._skew_ms)
            items.append(Item(token, event))
            if position is None or earliest is None or position.epoch != head.epoch:
                earliest = None
            else:
                earliest = Position(head.epoch, min(earliest.offset, position.offset - 1))
            at = min(at, event.at)
        items.reverse()
        return items
