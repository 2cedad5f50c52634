"""The ring against a plain list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hubbub.fanout.ring import Ring
from hubbub.model import Entry, Event, Kind, Position

MAX_ENTRIES = 20
MAX_BYTES = 10_000


def entry(offset: int, subject: str, *, epoch: str = "e", kind: Kind = Kind.COMMENT, size: int = 20) -> Entry:
    body = b"x" * size
    return Entry(Position(epoch, offset), Event(f"{epoch}{offset}", "v", kind, subject, offset, body))


def new_ring(start: int = 0) -> Ring:
    return Ring(Position("e", start), max_entries=MAX_ENTRIES, max_bytes=MAX_BYTES, skew_ms=0)


class RingMachine(RuleBasedStateMachine):
    """Append, blank and restart at random; the model keeps every entry ever appended in this epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = new_ring()
        self.epoch = "e"
        self.base = self.ring.next  # sequence of the model's first entry
        self.model: list[Event] = []

    @rule(
        subject=st.sampled_from("abcdef"), kind=st.sampled_from([Kind.COMMENT, Kind.PINNED]), size=st.integers(1, 900)
    )
    def append(self, subject: str, kind: Kind, size: int) -> None:
        new = entry(len(self.model) + 1, subject, epoch=self.epoch, kind=kind, size=size)
        self.ring.append(new)
        self.model.append(new.event)

    @rule(subject=st.sampled_from("abcdef"))
    def blank(self, subject: str) -> None:
        held = {self.ring.first + i for i in range(len(self.ring))}
        hit = [
            self.base + i
            for i, event in enumerate(self.model)
            if event.subject == subject and event.body and self.base + i in held
        ]
        assert self.ring.blank(subject) == (hit[0] if hit else None)
        self.model = [event.blank() if event.subject == subject else event for event in self.model]

    @rule()
    def restart(self) -> None:
        before = self.ring.next
        self.epoch += "e"
        self.ring.restart(Position(self.epoch, 0))
        self.base, self.model = self.ring.next, []
        assert self.ring.first > before - 1, "a cursor from before would look current"

    @invariant()
    def holds_the_newest_entries(self) -> None:
        ring = self.ring
        kept = len(ring)
        assert [item.event for item in ring.items(ring.first, ring.next)] == self.model[len(self.model) - kept :]
        assert ring.next == self.base + len(self.model)
        assert ring.head == Position(self.epoch, len(self.model))

    @invariant()
    def stays_within_its_bounds(self) -> None:
        assert len(self.ring) <= MAX_ENTRIES
        assert self.ring.bytes <= MAX_BYTES or len(self.ring) == 1
        assert (len(self.ring) == 0) == (self.ring.bytes == 0)

    @invariant()
    def finds_every_place_it_can_continue_from_and_no_other(self) -> None:
        ring, head = self.ring, len(self.model)
        for offset in range(head + 3):
            found = ring.sequence_after(Position(self.epoch, offset))
            if head - len(ring) <= offset <= head:
                assert found == self.base + offset
            else:
                assert found is None
        assert ring.sequence_after(Position("other", head)) is None


TestRing = RingMachine.TestCase


@given(st.integers(0, 50))
def test_a_ring_that_starts_late_knows_where(start: int) -> None:
    """A ring opened in mid-log continues from its start and proves nothing before it."""
    ring = new_ring(start)
    assert ring.floor == Position("e", start)
    assert ring.sequence_after(Position("e", start)) == ring.first
    assert ring.sequence_after(Position("e", start - 1)) is None
    ring.append(entry(start + 1, "a"))
    assert ring.sequence_after(Position("e", start)) == ring.first


def test_a_retraction_keeps_its_own_words() -> None:
    """Blanking takes the text of a comment, not the entry that says it is gone."""
    ring = new_ring()
    ring.append(entry(1, "a"))
    ring.append(entry(2, "a", kind=Kind.HIDDEN))
    ring.blank("a")
    assert [bool(item.event.body) for item in ring.items(0, 2)] == [False, True]
