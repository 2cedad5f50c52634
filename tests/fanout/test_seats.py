"""Bounds on viewers."""

from __future__ import annotations

from hubbub.fanout.seats import Seats


def test_seats_are_bounded_in_all_and_per_address() -> None:
    """And given back, with nothing remembered of addresses that have gone."""
    seats = Seats(3, 2)
    assert [seats.take(address) for address in ("a", "a", "a", "b", "b")] == [True, True, False, True, False]
    seats.free("a")
    assert seats.take("b")
    assert not seats.take("a")
    for address in ("a", "b", "b"):
        seats.free(address)
    assert not seats._by_address
    assert all(seats.take(address) for address in "xyz")


def test_addresses_are_not_counted_without_a_bound() -> None:
    """One address may fill the house."""
    seats = Seats(3, None)
    assert [seats.take("a") for _ in range(4)] == [True, True, True, False]
