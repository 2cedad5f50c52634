"""How many may watch: in all, and from one address. A seat is taken before anything is promised."""

from __future__ import annotations

from collections import Counter


class Seats:
    """``most`` bounds everyone, ``per_address`` (None: unbounded) those of one address."""

    def __init__(self, most: int, per_address: int | None) -> None:
        self._most = most
        self._per_address = per_address
        self._taken = 0
        self._by_address: Counter[str] = Counter()

    @property
    def full(self) -> bool:
        """Whether the bound of everyone is reached."""
        return self._taken >= self._most

    def take(self, address: str) -> bool:
        """Reserve a seat; False at a bound. Give it back with `free`."""
        if self.full:
            return False
        if self._per_address is not None:
            if self._by_address[address] >= self._per_address:
                return False
            self._by_address[address] += 1
        self._taken += 1
        return True

    def free(self, address: str) -> None:
        """The viewer that `take` let in has gone."""
        self._taken -= 1
        if self._per_address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]  # addresses are many: none is remembered for nothing
