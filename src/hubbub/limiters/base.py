"""The port to rate limiting: token buckets, one per key.

`hubbub.testing.limiter_contract` holds an adapter to every sentence here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

MAX_COUNT = 1_000_000_000
MAX_SECONDS = 86_400.0

_LIMIT = re.compile(r"([0-9]{1,10})\s*/\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)?\s*(s|min|h)", re.ASCII)
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket that holds ``count`` tokens and fills from empty in ``seconds``, evenly.

    So ``count`` may come at once after a rest, and no more than twice ``count`` in any ``seconds``.
    """

    count: int
    seconds: float
    window_ns: int = field(init=False, repr=False, compare=False)
    """``seconds`` in nanoseconds."""
    cost_ns: int = field(init=False, repr=False, compare=False)
    """The part of it that one token takes to come."""

    def __post_init__(self) -> None:
        window = int(self.seconds * 1e9)
        object.__setattr__(self, "window_ns", window)
        object.__setattr__(self, "cost_ns", max(window // max(self.count, 1), 1))

    def __str__(self) -> str:
        """In the form that `parse_limit` reads."""
        return f"{self.count}/{'' if self.seconds == 1 else f'{self.seconds:.10g}'}s"


def parse_limit(text: str) -> Limit | None:
    """``5/10s``, ``50000/s``, ``100/min``, ``1000/2h``; None for ``off``.

    Raises `ValueError` with a sentence for people.
    """
    stripped = text.strip().lower()
    if stripped == "off":
        return None
    match = _LIMIT.fullmatch(stripped)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a limit; write it like 5/10s, 50000/s, 100/min, 1000/h, or off.")
    count, number, unit = match.groups()
    limit = Limit(int(count), float(number or 1) * _UNITS[unit])
    if not 1 <= limit.count <= MAX_COUNT:
        raise ValueError(f"{text[:40]!r}: the count must be from 1 to {MAX_COUNT}; to switch the limit off write off.")
    if not 0.001 <= limit.seconds <= MAX_SECONDS:
        raise ValueError(f"{text[:40]!r}: the time must be from 0.001 seconds to a day.")
    return limit


class RateLimiter(Protocol):
    """Token buckets, one per key, made full when first asked for.

    Guarantees
    - Between a bucket's refills no more than ``count`` takes are granted, however many callers take at once.
    - A refused take costs nothing: after the time it names the next one is granted, if nobody else took in between.
    - Keys do not touch each other.
    - A limit protects against floods and must not silence everybody: an adapter grants when its engine is away or it
      has no room for another bucket. No method raises.

    The caller owes
    - keys of at most 300 characters, and one limit per key at a time. When a key's limit changes, what is left in the
      bucket need not carry over, but the wait is never longer than the new limit's ``seconds``.
    """

    async def take(self, key: str, limit: Limit) -> float:
        """Take a token: 0.0 when granted, else the seconds until there will be one (and nothing was taken)."""

    async def give_back(self, key: str, limit: Limit) -> None:
        """Return a token that a `take` just granted and nobody used. The bucket never holds more than ``count``."""
