"""Event ids: UUIDv7 whose order is the order in which this process made them.

RFC 9562, section 6.2, method 1 (a counter in the bits after the timestamp). Our own because the order must also hold
when the clock steps back: the timestamp never does, and history is paged in the order of ids. `uuid-utils` takes no
timestamp and Python has `uuid7` only from 3.14.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_COUNTER_BITS = 26  # 12 of rand_a and the top 14 of rand_b
_COUNTER_START_BITS = 24  # a fresh millisecond starts below a quarter of the range, leaving 50 million ids of room
_TAIL_BITS = 48

_RANDOM = 9
"""Random bytes an id."""

_BLOCK = 256
"""Ids' worth of randomness fetched at once: a system call that lets go of the interpreter's lock is dear."""


def now_ms() -> int:
    """The wall clock in integer milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class IdSource:
    """Makes ``(id, created_at)`` pairs, strictly increasing. Not thread-safe: one an event loop."""

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._at = 0
        self._counter = 0
        self._random = memoryview(b"")

    def next(self) -> tuple[str, int]:
        """A new id and the millisecond in it, which is the event's time."""
        now = self._clock()
        if not self._random:
            self._random = memoryview(os.urandom(_RANDOM * _BLOCK))
        random = int.from_bytes(self._random[:_RANDOM])
        self._random = self._random[_RANDOM:]
        if now > self._at:
            self._at = now
            self._counter = random >> _TAIL_BITS  # 24 bits
        else:
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                self._at += 1
                self._counter = 0
        return self._format(random & ((1 << _TAIL_BITS) - 1)), self._at

    def start_after(self, at: int) -> None:
        """Make only ids later than any of the millisecond ``at``: that of the newest event there is. Without this, a
        start with a clock that was set back would put new events before old ones.
        """
        if at >= self._at:
            self._at, self._counter = at + 1, 0

    def ahead(self) -> float:
        """By how many seconds the last id's time, which new events bear too, is ahead of the wall clock; 0.0 when that
        is right.
        """
        return max(self._at - self._clock(), 0) / 1000

    def _format(self, tail: int) -> str:
        high, low = self._counter >> 14, self._counter & 0x3FFF
        value = (self._at << 80) | (7 << 76) | (high << 64) | (0b10 << 62) | (low << _TAIL_BITS) | tail
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def millisecond_of(id: str) -> int:
    """The time in an id. Raises `ValueError` for what is none of ours."""
    return int(id[:8] + id[9:13], 16)


def first_id_at(at: int) -> str:
    """The smallest id that an event of millisecond ``at`` can have: turns a time into a place in id order."""
    text = f"{at:012x}"
    return f"{text[:8]}-{text[8:12]}-7000-8000-000000000000"
