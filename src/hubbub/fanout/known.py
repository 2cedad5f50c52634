"""What viewers of a video have been given, by id, where the same event may come twice: from the store, and from a log.

And what was retracted, since logs that were written by several processes, some of them late, may bring a comment after
its deletion.
"""

from __future__ import annotations

from hubbub.model import RETRACTIONS, Event, Kind
from hubbub.wire.events import SHOWS_COMMENT

MAX_IDS = 10_000
"""Ids remembered. Beyond it the oldest are forgotten, and the store is not read back to where they stood."""

MAX_RETRACTED = 1_000


class Known:
    """Bounded memory of event ids. Since ``horizon`` (a time in ms) none was forgotten: what is not here is new."""

    def __init__(self) -> None:
        self.horizon = 0
        self._ids: dict[str, int] = {}
        self._off_ring: set[str] = set()
        self._retracted: dict[str, None] = {}

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, event: Event, *, off_ring: bool = False) -> None:
        """Remember an event. ``off_ring``: who came in was given it, the ring has not got it for those who return."""
        self._ids[event.id] = event.at
        if off_ring:
            self._off_ring.add(event.id)
        else:
            self._off_ring.discard(event.id)
        if len(self._ids) > MAX_IDS:
            oldest = next(iter(self._ids))
            self.horizon = max(self.horizon, self._ids.pop(oldest) + 1)
            self._off_ring.discard(oldest)

    def is_off_ring(self, event_id: str) -> bool:
        """Whether it was remembered so."""
        return event_id in self._off_ring

    def begin_anew(self) -> None:
        """Viewers begin anew, so nothing counts as given. What was retracted still is."""
        self.horizon = 0
        self._ids.clear()
        self._off_ring.clear()

    def retract(self, comment_id: str) -> None:
        """Remember that a comment's text must not be shown, whatever comes later."""
        self._retracted[comment_id] = None
        if len(self._retracted) > MAX_RETRACTED:
            del self._retracted[next(iter(self._retracted))]

    def as_of_now(self, event: Event) -> Event:
        """The event as it may be shown, after all that came before it."""
        if event.kind in RETRACTIONS:
            self.retract(event.subject)
        elif event.kind is Kind.RESTORED:
            self._retracted.pop(event.subject, None)
        elif event.subject in self._retracted and event.kind in SHOWS_COMMENT:
            return event.blank()
        return event
