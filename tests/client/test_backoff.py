"""How long a client waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubbub.client.backoff import LONGEST_ASKED, SHORTEST, Backoff

seconds = st.floats(0.05, 400)


@given(first=seconds, cap=seconds, failures=st.integers(0, 200))
def test_waits_grow_to_the_cap_and_no_further(first: float, cap: float, failures: int) -> None:
    """A wait lies between the first one and the cap (or half above the first, where that is more)."""
    backoff = Backoff(first, cap)
    for _ in range(failures):
        backoff.next()
    assert first <= backoff.next() <= max(cap, first * 1.5)


def test_waits_double_and_begin_anew_after_success() -> None:
    """Each failure moves the range up to twice the last one; a success brings it back."""
    backoff = Backoff(1.0, 30.0)
    ranges = [(1.0, 1.5), (1.5, 3.0), (3.0, 6.0), (6.0, 12.0), (12.0, 24.0), (15.0, 30.0), (15.0, 30.0)]
    for low, high in ranges:
        assert low <= backoff.next() <= high
    backoff.succeeded()
    assert backoff.next() <= 1.5


def test_two_clients_wait_differently() -> None:
    """Those who lost the same server do not come back together."""
    assert len({Backoff(1.0, 30.0).next() for _ in range(20)}) > 10


@given(first=st.floats(-10, 1e9), asked=st.floats(0, 1e9))
def test_a_server_can_neither_hurry_nor_banish_a_client(first: float, asked: float) -> None:
    """Waits that a server asks for are honoured within bounds."""
    backoff = Backoff(1.0, 30.0)
    backoff.begin_at(first)
    wait = backoff.next(asked)
    assert SHORTEST <= wait <= LONGEST_ASKED * 1.5
    assert wait >= min(asked, LONGEST_ASKED)
