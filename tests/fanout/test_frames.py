"""Stretches of the ring: whoever walks along them meets every entry once."""

from __future__ import annotations

from hubbub.fanout.frames import Frames
from hubbub.fanout.ring import Ring
from hubbub.model import Entry, Event, Kind, Position


def entry(offset: int, size: int = 100) -> Entry:
    id = f"c{offset}"
    return Entry(Position("e", offset), Event(id, "v", Kind.COMMENT, id, offset, b"x" * size))


def walk(ring: Ring, frames: Frames, cursor: int) -> list[str]:
    """The entries that a viewer at ``cursor`` is given."""
    seen: list[str] = []
    while cursor < ring.next:
        stop = frames.stretch_end(cursor)
        assert stop is not None
        assert cursor < stop <= ring.next
        seen += [item.event.id for item in ring.items(cursor, stop)]
        cursor = stop
    return seen


def test_entries_read_back_after_they_had_left_are_cut_anew() -> None:
    """Room that retractions made lets the log be read back over stretches of before; their ends count no more."""
    ring = Ring(Position("e", 0), max_entries=1000, max_bytes=20 * 500, skew_ms=0)
    frames = Frames(ring, max_bytes=1 << 20)
    entries = [entry(offset) for offset in range(1, 41)]
    for one in entries:
        ring.append(one)
        frames.cut(ring.next)
    first = ring.first
    assert len(ring) == 20
    for offset in range(21, 41):
        ring.blank(f"c{offset}")
    ring.prepend(entries[:20])
    assert ring.first < first
    frames.cut_read(ring.first, first)
    assert frames._ends == sorted(set(frames._ends))
    expected = [f"c{offset}" for offset in range(41 - len(ring), 41)]
    for place in range(ring.first, ring.next):
        assert walk(ring, frames, place) == expected[place - ring.first :]
