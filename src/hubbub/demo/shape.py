"""When comments come: in a real chat, the busiest seconds bring 4 to 15 times the mean, and quiet ones nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

MOST = 40
"""Comments in one second, whatever the rate: what a burst is cut down to."""

_BURST_EVERY = 22
"""Seconds between bursts, on average."""

_MEAN = 1.95
"""The mean of what the wandering mood and the bursts make of a rate of 1: the rate is divided by it."""


class Arrival(NamedTuple):
    """A comment is to come: ``at`` seconds from the beginning; ``excited``: in a burst."""

    at: float
    excited: bool


def arrivals(rng: random.Random, rate: float) -> Iterator[Arrival]:
    """Without end, in order; ``rate`` a second on average."""
    mood = 0.0
    burst = 0.0
    second = 0
    while True:
        mood = 0.9 * mood + rng.gauss(0, 0.22)
        burst = burst * 0.72 if burst > 0.3 else 0.0
        if rng.random() < 1 / _BURST_EVERY:
            burst += rng.uniform(3, 8)
        count = min(_poisson(rng, rate / _MEAN * (math.exp(mood) + burst)), MOST)
        moments = sorted(rng.random() for _ in range(count))
        yield from (Arrival(second + moment, burst > 1) for moment in moments)
        second += 1


def _poisson(rng: random.Random, mean: float) -> int:
    """By counting how many of its waits fit in one (Knuth); beyond twice the bound it does not matter how many."""
    count = 0
    left = min(mean, 2.0 * MOST) - rng.expovariate(1)
    while left > 0:
        count += 1
        left -= rng.expovariate(1)
    return count
