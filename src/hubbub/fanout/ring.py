"""The recent entries of one video's log, in memory.

Addressed by a sequence of its own (``first`` ≤ seq < ``next``) that only grows, so a cursor stays meaningful whatever
happens to epochs and offsets. Bounded by entries and by bytes: at a bound the oldest go, and a viewer who still stood
there is told `reset`.

Nearly always it is a stretch of one log. While the broker is away, and when a new log follows, it is more than that,
and `hubbub.fanout.seams` knows what.
"""

from __future__ import annotations

from bisect import bisect_right

from hubbub.fanout.seams import Seams, Stretch
from hubbub.model import Entry, Event, Position
from hubbub.wire.events import SHOWS_COMMENT
from hubbub.wire.sse import Item
from hubbub.wire.tokens import encode_token

_ENTRY_OVERHEAD = 400
"""Rough bytes of Python objects an entry costs beyond its body, so that the bound on bytes means memory."""


class Ring:
    """Entries, oldest first. ``head`` is how far the log was followed: the position of the newest entry, or where the
    log stood when the ring was empty. ``seams`` is None while this is a stretch of one log.
    """

    def __init__(self, head: Position, *, max_entries: int, max_bytes: int, skew_ms: int) -> None:
        self.head = head
        self.first = 0
        self.next = 0
        self.bytes = 0
        self.max_entries = max_entries
        self._max_bytes = max_bytes
        self.skew_ms = skew_ms
        self.seams: Seams | None = None
        self._items: list[Item] = []  # [_gone:] are live; the dead front is cut off in bulk
        self._offsets: list[int] = []
        self._gone = 0
        self._carriers: dict[str, list[int]] = {}  # comment id -> sequences of the entries that carry its text

    def __len__(self) -> int:
        return self.next - self.first

    @property
    def floor(self) -> Position:
        """The place before the oldest entry: the earliest position that this stretch of one log can continue from."""
        return Position(self.head.epoch, self._offsets[self._gone] - 1 if len(self) else self.head.offset)

    def is_half_of_it(self, entries: int, body_bytes: int) -> bool:
        """Whether so many entries with bodies of that size in all are half of what this ring may hold."""
        return entries * 2 > self.max_entries or (body_bytes + entries * _ENTRY_OVERHEAD) * 2 > self._max_bytes

    def append(self, entry: Entry) -> None:
        """Take the entry that follows ``head``."""
        position, event = entry
        if event.body and event.kind in SHOWS_COMMENT:
            self._carriers.setdefault(event.subject, []).append(self.next)
        self._items.append(Item(encode_token(position, event.at - self.skew_ms), event))
        self._offsets.append(position.offset)
        self.head = position
        self.next += 1
        self.bytes += len(event.body) + _ENTRY_OVERHEAD
        while len(self) > self.max_entries or (self.bytes > self._max_bytes and len(self) > 1):
            self._drop_oldest()

    def append_unplaced(self, event: Event) -> None:
        """Take an event that came from the store. Who has got it stands, as far as the log goes, where they stood."""
        self._with_seams().add(self.next, event.id, event.at)
        self.append(Entry(self.head, event))

    def skip(self, position: Position, event_id: str) -> None:
        """The entry that follows ``head`` is a copy of what is here, or was."""
        self.placed(position, event_id)
        self.head = position

    def placed(self, position: Position, event_id: str) -> None:
        """An event has its place in the log."""
        if self.seams is not None:
            self.seams.place(event_id, position)

    def turn(self, floor: Position) -> None:
        """Go on with another log, after its position ``floor``."""
        self._with_seams().turn(self.next, self.head, floor)
        self.head = floor

    def _with_seams(self) -> Seams:
        if self.seams is None:
            self.seams = Seams(Stretch(self.first, self.floor))
        return self.seams

    def _drop_oldest(self) -> None:
        event = self._items[self._gone].event
        self.bytes -= len(event.body) + _ENTRY_OVERHEAD
        if event.body and event.kind in SHOWS_COMMENT:
            carriers = self._carriers[event.subject]
            carriers.remove(self.first)
            if not carriers:
                del self._carriers[event.subject]
        self.first += 1
        self._gone += 1
        if self._gone > 64 and self._gone * 2 > len(self._items):
            del self._items[: self._gone]
            del self._offsets[: self._gone]
            self._gone = 0
        if self.seams is not None and self.seams.drop(self.first):
            self.seams = None

    def prepend(self, entries: list[Entry]) -> None:
        """Take entries that lie just before ``floor``, oldest first: the newest of them, as the bounds allow. Without
        seams only.
        """
        room, size = self.max_entries - len(self), self._max_bytes - self.bytes
        fitting: list[Entry] = []
        for entry in reversed(entries):
            size -= len(entry.event.body) + _ENTRY_OVERHEAD
            if len(fitting) == room or size < 0:
                break
            fitting.append(entry)
        for _, event in fitting:
            self.first -= 1
            if event.body and event.kind in SHOWS_COMMENT:
                self._carriers.setdefault(event.subject, []).insert(0, self.first)
            self.bytes += len(event.body) + _ENTRY_OVERHEAD
        fitting.reverse()
        self._items[: self._gone] = [Item(encode_token(p, e.at - self.skew_ms), e) for p, e in fitting]
        self._offsets[: self._gone] = [position.offset for position, _ in fitting]
        self._gone = 0

    def items(self, start: int, stop: int) -> list[Item]:
        """The items with ``start`` ≤ sequence < ``stop``; ``start`` must not lie before ``first``."""
        shift = self._gone - self.first
        return self._items[start + shift : stop + shift]

    def places(self, start: int, stop: int) -> list[Position | None]:
        """Where the entries with ``start`` ≤ sequence < ``stop`` stand in their logs; None for unplaced ones."""
        shift, seams = self._gone - self.first, self.seams
        if seams is None:
            return [Position(self.head.epoch, offset) for offset in self._offsets[start + shift : stop + shift]]
        return [
            None if sequence in seams else Position(seams.epoch_at(sequence), self._offsets[sequence + shift])
            for sequence in range(start, stop)
        ]

    def sequence_after(self, position: Position, low_water: int = 0) -> int | None:
        """The sequence from which somebody goes on who has everything up to ``position``, or None if that can't be told
        from here. ``low_water``: a time (ms) before which they have surely seen everything.
        """
        if self.seams is not None:
            return self._sequence_among_seams(self.seams, position, low_water)
        if position.epoch != self.head.epoch or not self.floor.offset <= position.offset <= self.head.offset:
            return None
        return self.first + bisect_right(self._offsets, position.offset, lo=self._gone) - self._gone

    def _sequence_among_seams(self, seams: Seams, position: Position, low_water: int) -> int | None:
        if not seams.surely_has_dropped(low_water):
            return None
        shift, stop = self._gone - self.first, self.next
        for stretch, head in zip(reversed(seams.stretches), [self.head, *reversed(seams.heads)], strict=True):
            first = max(stretch.first, self.first)
            floor = stretch.floor.offset
            if first > stretch.first and first < stop:  # what stood before it has left the ring
                floor = self._offsets[first + shift] - (first not in seams)
            if position.epoch == stretch.floor.epoch and floor <= position.offset <= head.offset:
                found = bisect_right(self._offsets, position.offset, lo=first + shift, hi=stop + shift) - shift
                return seams.first_unseen(found, position, low_water)
            stop = stretch.first
        return None

    def blank(self, subject: str) -> int | None:
        """Erase a comment's text wherever it stands; the lowest sequence touched, or None."""
        sequences = self._carriers.pop(subject, None)
        if sequences is None:
            return None
        shift = self._gone - self.first
        for sequence in sequences:
            token, event = self._items[sequence + shift]
            self._items[sequence + shift] = Item(token, event.blank())
            self.bytes -= len(event.body)
        return sequences[0]

    def restart(self, head: Position) -> None:
        """Forget everything and go on at ``head``. So many sequences are skipped that every cursor is off the ring, and
        stays so after `prepend`.
        """
        self._items.clear()
        self._offsets.clear()
        self._carriers.clear()
        self._gone = self.bytes = 0
        self.seams = None
        self.next += self.max_entries + 1
        self.first = self.next
        self.head = head
