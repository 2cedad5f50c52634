"""Event ids."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hubbub.ids import IdSource, first_id_at, millisecond_of
from hubbub.testing.clock import FakeClock


def test_ids_are_uuid7_of_their_millisecond(clock: FakeClock) -> None:
    """Version and variant as RFC 9562 has them, and the time that is handed out with the id."""
    text, at = IdSource(clock.ms).next()
    value = UUID(text)
    assert (value.version, value.variant, value.int >> 80) == (7, RFC_4122, at)
    assert str(value) == text
    assert at == clock.ms()


def test_ids_rise_within_a_millisecond_and_when_the_clock_is_set_back(clock: FakeClock) -> None:
    """Order of making is order of text, whatever the clock does."""
    source = IdSource(clock.ms)
    made = [source.next() for _ in range(1000)]
    clock.advance(-60)
    made += [source.next() for _ in range(1000)]
    clock.advance(61)
    made += [source.next() for _ in range(1000)]
    assert made == sorted(made)
    assert len({text for text, _ in made}) == 3000


def test_a_source_that_starts_after_a_time_goes_on_from_there(clock: FakeClock) -> None:
    """A new process whose clock was set back makes no id before those of the last one, and says how far back it is."""
    last, at = IdSource(clock.ms).next()
    assert millisecond_of(last) == at
    clock.advance(-60)
    source = IdSource(clock.ms)
    assert source.ahead() == 0
    source.start_after(at)
    made = [source.next() for _ in range(3)]
    assert [(last, at), *made] == sorted([(last, at), *made])
    assert {moment for _, moment in made} == {at + 1}
    assert source.ahead() == 60.001
    source.start_after(at - 5)
    assert source.next() > made[-1]
    clock.advance(61)
    assert source.next()[1] == clock.ms()
    assert source.ahead() == 0


def test_two_sources_do_not_collide(clock: FakeClock) -> None:
    """Processes that start in the same millisecond make different ids."""
    one, other = IdSource(clock.ms), IdSource(clock.ms)
    made = {one.next()[0] for _ in range(2000)} | {other.next()[0] for _ in range(2000)}
    assert len(made) == 4000


def test_a_millisecond_that_overflows_borrows_from_the_next(clock: FakeClock) -> None:
    """The counter's end moves time on rather than back."""
    source = IdSource(clock.ms)
    before, _ = source.next()
    source._counter = (1 << 26) - 1
    after, at = source.next()
    assert after > before
    assert at == clock.ms() + 1


def test_first_id_at_bounds_a_millisecond(clock: FakeClock) -> None:
    """It sorts before every id of its millisecond and after every one of the millisecond before."""
    source = IdSource(clock.ms)
    earlier, at = source.next()
    clock.advance(0.001)
    later, _ = source.next()
    assert first_id_at(at) <= earlier < first_id_at(at + 1) <= later
