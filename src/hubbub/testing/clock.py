"""A clock for tests: time passes when the test says so."""

from __future__ import annotations


class FakeClock:
    """Stands in for `time.time`, `time.monotonic` (call it: seconds) and `hubbub.ids.now_ms` (its method `ms`)."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now

    def ms(self) -> int:
        """The time in integer milliseconds."""
        return round(self.now * 1000)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; a negative number is a clock that was set back."""
        self.now += seconds
