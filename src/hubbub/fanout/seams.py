"""Where a ring is more than a stretch of one log.

Two things make it so. An event that came from the store is *unplaced*: it stands in the ring before anybody knows its
place in the log, and may turn out to have none (it was published into a log that is gone). And a log may be followed by
another, of a new epoch, with no break in the ring.

Whoever returns must not miss an unplaced event, so each is given to everybody who has not surely seen it: its place was
learned and lies within what they had, or it is older than their low-water time by `LATE_MS`. That may give it twice,
under the same id.
"""

from __future__ import annotations

from typing import NamedTuple

from hubbub.model import Position

LATE_MS = 30_000
"""How long an accepted event may be on its way into the log before a level log is believed to have it: its API process
may be cut off from the broker while gateways are not."""


class Stretch(NamedTuple):
    """The part of a ring that belongs to one log: from the sequence ``first`` on, after the position ``floor``."""

    first: int
    floor: Position


class _Unplaced(NamedTuple):
    event_id: str
    at: int


class Seams:
    """A ring's unplaced events, and its stretches, oldest first. ``heads`` are where the logs of all but the last one
    were left.
    """

    def __init__(self, stretch: Stretch) -> None:
        self.stretches = [stretch]
        self.heads: list[Position] = []
        self._unplaced: dict[int, _Unplaced] = {}  # by sequence, rising
        self._sequences: dict[str, int] = {}
        self._places: dict[int, Position] = {}  # of those whose log copy has come since
        self._dropped_at = -1  # the time of the newest unplaced event that has left the ring

    def __len__(self) -> int:
        return len(self._unplaced)

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._unplaced

    def add(self, sequence: int, event_id: str, at: int) -> None:
        """An unplaced event stands at ``sequence``, after all others."""
        self._unplaced[sequence] = _Unplaced(event_id, at)
        self._sequences[event_id] = sequence

    def place(self, event_id: str, position: Position) -> None:
        """The log copy of an event has come; for those that are none of ours, nothing follows from it."""
        sequence = self._sequences.get(event_id)
        if sequence is not None:
            self._places[sequence] = position

    def turn(self, sequence: int, head: Position, floor: Position) -> None:
        """From ``sequence`` on the entries are of another log; the last one was left at ``head``."""
        self.heads.append(head)
        self.stretches.append(Stretch(sequence, floor))

    def drop(self, first: int) -> bool:
        """The ring begins at ``first`` by now; whether it is a stretch of one log again."""
        unplaced = self._unplaced.pop(first - 1, None)
        if unplaced is not None:
            self._places.pop(first - 1, None)
            del self._sequences[unplaced.event_id]
            self._dropped_at = max(self._dropped_at, unplaced.at)
        while len(self.stretches) > 1 and self.stretches[1].first <= first:
            del self.stretches[0], self.heads[0]
        return not self._unplaced and len(self.stretches) == 1

    def surely_has_dropped(self, low_water: int) -> bool:
        """Whether somebody with this low-water time has surely seen all unplaced events that have left the ring."""
        return self._dropped_at < low_water - LATE_MS

    def first_unseen(self, before: int, position: Position, low_water: int) -> int:
        """The lowest sequence below ``before`` of what a viewer has not surely seen, else ``before``."""
        for sequence, unplaced in self._unplaced.items():
            if sequence >= before:
                break
            place = self._places.get(sequence)
            has_copy = place is not None and place.epoch == position.epoch and place.offset <= position.offset
            if not has_copy and unplaced.at >= low_water - LATE_MS:
                return sequence
        return before

    def epoch_at(self, sequence: int) -> str:
        """Which log's entry stands there."""
        return next(one.floor.epoch for one in reversed(self.stretches) if one.first <= sequence)

    def knows(self, epoch: str) -> bool:
        """Whether a stretch before the last one is of that epoch."""
        return any(one.floor.epoch == epoch for one in self.stretches[:-1])
