"""How long to wait before trying again.

Each failure doubles the wait, up to a cap. Waits are spread at random, so that clients who lost the same server do not
come back at the same moment, and never shorter than what the server asked for.
"""

from __future__ import annotations

import random

SHORTEST = 0.05
"""Seconds: whatever a server says, a client never spins."""

LONGEST_ASKED = 300.0
"""Seconds: a server may ask for longer waits than the cap, but not for more than this."""


class Backoff:
    """Waits in seconds: about ``first``, doubling with each failure up to ``cap``."""

    def __init__(self, first: float, cap: float) -> None:
        self.first = first
        self.cap = cap
        self.failures = 0

    def begin_at(self, first: float) -> None:
        """The server names the first wait (``retry:`` of a stream)."""
        self.first = min(max(first, SHORTEST), LONGEST_ASKED)

    def succeeded(self) -> None:
        """The next failure waits as the first one does."""
        self.failures = 0

    def next(self, at_least: float | None = None) -> float:
        """Count a failure; the seconds to wait now. ``at_least``: what the server asked for (``Retry-After``)."""
        shortest = self.first * 1.5
        ceiling = min(shortest * 2 ** min(self.failures, 30), max(self.cap, shortest))  # 2³⁰: past any cap
        self.failures += 1
        wait = random.uniform(max(self.first, ceiling / 2), ceiling)
        if at_least is not None:
            wait = max(wait, min(at_least, LONGEST_ASKED) * random.uniform(1.0, 1.1))
        return wait
