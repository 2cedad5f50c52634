"""A circuit breaker: after some failures in a row nobody waits for the next one."""

from __future__ import annotations


class Breaker:
    """Open after ``trips_after`` failures in a row, and until something succeeds. Who may try meanwhile is the owner's
    affair.
    """

    def __init__(self, *, trips_after: int) -> None:
        self._trips_after = trips_after
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """Whether a further try would most likely fail."""
        return self._failures >= self._trips_after

    def failed(self) -> None:
        """Another try has failed."""
        self._failures += 1

    def trip(self) -> None:
        """Open without a try: somebody else knows already."""
        self._failures = max(self._failures, self._trips_after)

    def reset(self) -> None:
        """A try has succeeded, or somebody else knows that the next one will."""
        self._failures = 0
