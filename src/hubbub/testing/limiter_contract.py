"""What every `hubbub.limiters.base.RateLimiter` has to do, as tests.

    class TestMyLimiter(LimiterContract):
        @pytest.fixture
        def limiter(self) -> MyLimiter: ...

An adapter whose clock can be set overrides `pass_time` as well; the others let about three real seconds go by.
"""

from __future__ import annotations

import asyncio

import pytest

from hubbub.limiters.base import Limit, RateLimiter

FOUR = Limit(4, 0.8)
"""A token each 0.2 seconds: short enough to wait for, long enough to ask a slow engine a few times in between."""

STEP = 0.2
MARGIN = 0.02


class LimiterContract:
    """Subclass it, and give the fixture ``limiter``: one without any buckets yet, or with keys of its own."""

    @pytest.fixture
    def limiter(self) -> RateLimiter:
        """The limiter under test."""
        raise NotImplementedError("give a fixture `limiter` in the subclass")

    async def pass_time(self, seconds: float) -> None:
        """Let time go by for the limiter."""
        await asyncio.sleep(seconds + 0.01)  # a timer may fire a moment early

    async def test_grants_a_full_bucket_and_then_refuses(self, limiter: RateLimiter) -> None:
        """``count`` takes are granted at once; the next one is told a wait of at most the time of one token."""
        assert await _takes(limiter, "key", 4) == 4
        assert 0 < await limiter.take("key", FOUR) <= STEP

    async def test_the_wait_it_names_is_enough(self, limiter: RateLimiter) -> None:
        """Who waits as long as told is granted."""
        assert await _takes(limiter, "key", 4) == 4
        await self.pass_time(await limiter.take("key", FOUR))
        assert await limiter.take("key", FOUR) == 0.0

    async def test_a_refused_take_costs_nothing(self, limiter: RateLimiter) -> None:
        """However often one is refused, the wait does not grow."""
        assert await _takes(limiter, "key", 4) == 4
        first = await limiter.take("key", FOUR)
        for _ in range(5):
            assert await limiter.take("key", FOUR) <= first

    async def test_refills_evenly(self, limiter: RateLimiter) -> None:
        """After the time of one token there is one, not two."""
        assert await _takes(limiter, "key", 4) == 4
        await self.pass_time(STEP + MARGIN)
        assert await _takes(limiter, "key", 2) == 1

    async def test_never_holds_more_than_its_count(self, limiter: RateLimiter) -> None:
        """A long rest fills the bucket and no more."""
        assert await _takes(limiter, "key", 1) == 1
        await self.pass_time(2 * FOUR.seconds)
        assert await _takes(limiter, "key", 5) == 4

    async def test_keys_are_apart(self, limiter: RateLimiter) -> None:
        """An empty bucket refuses its own key only, whatever the keys look like."""
        assert await _takes(limiter, "a", 5) == 4
        for other in ("A", "a ", "", "ä", "a:b", "a\n", "{a}", "*", "\U0001f600", "x" * 300):
            assert await limiter.take(other, FOUR) == 0.0, other

    async def test_concurrent_takes_share_the_tokens(self, limiter: RateLimiter) -> None:
        """Of many takes at once exactly ``count`` are granted."""
        waits = await asyncio.gather(*(limiter.take("key", FOUR) for _ in range(20)))
        assert waits.count(0.0) == 4

    async def test_a_token_given_back_can_be_taken_again(self, limiter: RateLimiter) -> None:
        """Giving back undoes a take."""
        assert await _takes(limiter, "key", 5) == 4
        await limiter.give_back("key", FOUR)
        assert await _takes(limiter, "key", 2) == 1

    async def test_giving_back_never_overfills(self, limiter: RateLimiter) -> None:
        """Tokens given back to a full bucket, or to one never used, are lost."""
        await limiter.give_back("key", FOUR)
        assert await _takes(limiter, "key", 1) == 1
        for _ in range(3):
            await limiter.give_back("key", FOUR)
        assert await _takes(limiter, "key", 6) == 4

    async def test_a_new_limit_waits_no_longer_than_itself(self, limiter: RateLimiter) -> None:
        """A key whose limit was slow before is refused for at most the new limit's ``seconds``."""
        assert await limiter.take("key", Limit(1, 3600)) == 0.0
        assert await limiter.take("key", FOUR) <= FOUR.seconds
        await self.pass_time(FOUR.seconds)
        assert await limiter.take("key", FOUR) == 0.0

    async def test_a_tight_limit_holds(self, limiter: RateLimiter) -> None:
        """One in a long time means one."""
        assert await limiter.take("key", Limit(1, 3600)) == 0.0
        wait = await limiter.take("key", Limit(1, 3600))
        assert 3590 < wait <= 3600


async def _takes(limiter: RateLimiter, key: str, attempts: int) -> int:
    """How many of ``attempts`` takes in a row are granted."""
    return [await limiter.take(key, FOUR) for _ in range(attempts)].count(0.0)
