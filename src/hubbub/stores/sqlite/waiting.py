"""Waiting for a lock that another process holds, with a bound.

SQLite's own busy time-out tries again less and less often, up to ten times a second, while a commit of ours takes a
millisecond or two. Of several processes that share a file, one that finds the lock taken would sleep through a hundred
chances, and the one that has just let it go would have it again before anybody wakes. So it is looked at often here,
and whoever has met others lately lets them go first for a moment. Alone with the file, none of this ever runs.
"""

from __future__ import annotations

import random
from time import monotonic, sleep

import apsw

_SHORTEST, _LONGEST = 0.0005, 0.005
"""Seconds between two looks at a lock: the first, and after a while. Random in between, so that no two keep step."""

_LETS_IN = 0.001
"""Seconds that the lock is left to others before it is taken again: longer than most waits between their looks."""

_LATELY = 0.25
"""Seconds since others were met, after which a process takes itself to be alone again."""


class LockWait:
    """A connection's busy handler (https://sqlite.org/c3ref/busy_handler.html): ``seconds`` for each lock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = 0.0
        self._met_until = 0.0

    def install(self, connection: apsw.Connection) -> None:
        """Take the place of SQLite's busy time-out."""
        connection.set_busy_handler(self._look_again)

    def let_others_in(self) -> None:
        """Call between two transactions: a moment for those who wait, if there may be any."""
        if self._met_until and monotonic() < self._met_until:
            sleep(_LETS_IN)

    def _look_again(self, looks: int) -> bool:
        now = monotonic()
        if not looks:
            self._until = now + self.seconds
        self._met_until = now + _LATELY
        if now >= self._until:
            return False
        sleep(min(_SHORTEST * (1 + looks / 4), _LONGEST, self._until - now) * random.uniform(0.5, 1))
        return True
