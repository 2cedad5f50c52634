from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.limiters.base import Limit
from hubbub.limiters.local import LocalRateLimiter
from hubbub.testing.clock import FakeClock
from hubbub.testing.limiter_contract import LimiterContract


class TestContract(LimiterContract):
    """The in-process limiter keeps the port's promises."""

    @pytest.fixture(autouse=True)
    def fake_clock(self, clock: FakeClock) -> None:
        """Time passes at once here."""
        self.clock = clock

    @pytest.fixture
    def limiter(self, clock: FakeClock) -> LocalRateLimiter:
        """One that goes by the fake clock."""
        return LocalRateLimiter(clock=clock)

    async def pass_time(self, seconds: float) -> None:
        """Set the clock on."""
        self.clock.advance(seconds)


class Model:
    """A token bucket as the textbooks have it, in exact numbers."""

    def __init__(self, limit: Limit) -> None:
        self.count = limit.count
        self.rate = Fraction(limit.count) / Fraction(limit.seconds)
        self.tokens = Fraction(limit.count)
        self.at = Fraction(0)

    def take(self, now: Fraction) -> bool:
        self.tokens = min(self.tokens + (now - self.at) * self.rate, Fraction(self.count))
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@given(
    st.sampled_from([Limit(1, 1), Limit(5, 10), Limit(4, 0.5), Limit(10, 1), Limit(64, 60)]),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8)), min_size=1, max_size=40),
)
def test_grants_what_a_token_bucket_grants(limit: Limit, rounds: list[tuple[int, int]]) -> None:
    """Whatever the pauses and bursts, each take is granted exactly when a textbook's bucket has a token."""

    async def play() -> None:
        clock = FakeClock(0.0)
        limiter, model = LocalRateLimiter(clock=clock), Model(limit)
        for eighths, burst in rounds:
            clock.advance(eighths / 8)  # exact in binary, as the model's numbers are
            for _ in range(burst):
                assert (await limiter.take("key", limit) == 0.0) == model.take(Fraction(clock.now))

    asyncio.run(play())


async def test_a_high_limit_is_exact(clock: FakeClock) -> None:
    """50,000 in a second are 50,000, not one more."""
    limiter, limit = LocalRateLimiter(clock=clock), Limit(50_000, 1)
    for _ in range(50_000):
        assert await limiter.take("all", limit) == 0.0
    assert 0 < await limiter.take("all", limit) < 0.001


@pytest.mark.parametrize("count", range(1, 60))
async def test_a_wait_served_to_the_end_always_counts(clock: FakeClock, count: int) -> None:
    """However the clock's floating point rounds, who waited as long as told is granted."""
    limiter, limit = LocalRateLimiter(clock=clock), Limit(count, 1)
    for _ in range(count):
        await limiter.take("key", limit)
    for _ in range(5):
        clock.advance(await limiter.take("key", limit))
        assert await limiter.take("key", limit) == 0.0


async def test_forgets_full_buckets_by_itself(clock: FakeClock) -> None:
    """Memory follows the number of active keys: quiet ones go as new ones come."""
    limiter, limit = LocalRateLimiter(clock=clock), Limit(5, 10)
    for number in range(1000):
        await limiter.take(f"early-{number}", limit)
    clock.advance(10)
    for number in range(600):
        await limiter.take(f"late-{number}", limit)
    assert len(limiter) == 600


async def test_holds_no_more_buckets_than_its_bound(clock: FakeClock) -> None:
    """However many keys are made up, the number of buckets is bounded, and the newest keys are still limited."""
    limiter, limit = LocalRateLimiter(clock=clock, max_buckets=100), Limit(1, 10)
    for number in range(10_000):
        assert await limiter.take(f"key-{number}", limit) == 0.0
    assert len(limiter) == 100
    assert await limiter.take("key-9999", limit) > 0


async def test_at_its_bound_forgets_full_buckets_first(clock: FakeClock) -> None:
    """A bucket that is full by now goes before an older one that still limits somebody."""
    limiter, slow, quick = LocalRateLimiter(clock=clock, max_buckets=3), Limit(1, 60), Limit(1, 1)
    await limiter.take("slow", slow)
    await limiter.take("quick-1", quick)
    await limiter.take("quick-2", quick)
    clock.advance(2)
    await limiter.take("new", quick)
    assert len(limiter) == 3
    assert await limiter.take("slow", slow) > 0


async def test_at_its_bound_without_a_full_bucket_forgets_the_longest_untouched(clock: FakeClock) -> None:
    """Who is forgotten may start afresh; who was refused a moment ago is remembered."""
    limiter, limit = LocalRateLimiter(clock=clock, max_buckets=2), Limit(1, 60)
    await limiter.take("first", limit)
    await limiter.take("second", limit)
    assert await limiter.take("first", limit) > 0
    await limiter.take("third", limit)
    assert await limiter.take("first", limit) > 0
    assert await limiter.take("second", limit) == 0.0
