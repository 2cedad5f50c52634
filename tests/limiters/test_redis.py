"""The limiter over a real Redis: the port's promises, over several processes, and without Redis."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hubbub.limiters.base import Limit
from hubbub.limiters.local import LocalRateLimiter
from hubbub.limiters.redis import BUCKET, WITHIN, RedisRateLimiter
from hubbub.redis import Client, connect_to
from hubbub.testing.limiter_contract import FOUR, LimiterContract
from hubbub.testing.redis_server import RedisCluster, RedisServer, redis_cluster


@contextlib.asynccontextmanager
async def limiter_at(
    redis: RedisServer | RedisCluster, prefix: str = "t", *, within: float = 10.0
) -> AsyncIterator[RedisRateLimiter]:
    """A process's limiter; by default one with the patience for a busy machine."""
    client: Client = connect_to(redis.url, [BUCKET])
    await client.open()
    try:
        yield RedisRateLimiter(client, prefix=prefix, alone=LocalRateLimiter(), within=within)
    finally:
        await client.close()


def counts_together(limiter: RedisRateLimiter) -> bool:
    """Asked anew each time."""
    return limiter.shared


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of its own for each test."""
    with RedisServer(tmp_path) as server:
        yield server


class TestContract(LimiterContract):
    """Redis keeps the port's promises."""

    @pytest.fixture
    async def limiter(self, redis: RedisServer) -> AsyncIterator[RedisRateLimiter]:
        """Over the real engine."""
        async with limiter_at(redis) as limiter:
            yield limiter


async def test_processes_share_their_buckets(redis: RedisServer) -> None:
    """What one process granted is gone for the other, and what one gives back the other may grant; another prefix is
    another deployment.
    """
    async with limiter_at(redis) as one, limiter_at(redis) as two, limiter_at(redis, "u") as other:
        waits = await asyncio.gather(*(each.take("key", Limit(10, 60)) for each in (one, two) for _ in range(15)))
        assert waits.count(0.0) == 10
        assert await other.take("key", Limit(10, 60)) == 0.0
        await one.give_back("key", Limit(10, 60))
        assert await one.take("key", Limit(10, 60)) == 0.0


@pytest.mark.slow
async def test_on_a_cluster_each_bucket_is_where_its_key_is(tmp_path: Path) -> None:
    """And there is one of each, also after its slot has moved."""
    with redis_cluster(tmp_path) as cluster:
        async with limiter_at(cluster) as one, limiter_at(cluster) as two:
            keys = [f"key{number}" for number in range(30)]
            for limiter, expected in ((one, [0.0, 0.0]), (two, [0.0])):
                for key in keys:
                    for wait in expected:
                        assert await limiter.take(key, Limit(3, 3600)) == wait
            holding = [int(server.cli("DBSIZE")) for server in cluster.servers]
            assert sum(holding) == len(keys) and min(holding) > 0
            first, *others = cluster.servers
            name = first.cli("RANDOMKEY")
            cluster.move(int(first.cli("CLUSTER", "KEYSLOT", name)), others[0])
            for key in keys:
                assert await two.take(key, Limit(3, 3600)) > 1100


async def test_nothing_is_left_of_a_bucket_that_is_full_again(redis: RedisServer) -> None:
    """Redis holds no more than the buckets in use, and neither users nor addresses by name."""
    async with limiter_at(redis) as limiter:
        for number in range(20):
            await limiter.take(f"post:user:ada{number}", FOUR)
        assert redis.cli("DBSIZE") == "20"
        assert "ada" not in redis.cli("RANDOMKEY")
        async with asyncio.timeout(20):
            while redis.cli("DBSIZE") != "0":
                await asyncio.sleep(0.05)


async def test_a_flood_that_is_refused_does_not_reach_redis(redis: RedisServer) -> None:
    """Once refused, a key is refused here until its time has come."""
    async with limiter_at(redis) as limiter:
        slow = Limit(1, 3600)
        assert await limiter.take("key", slow) == 0.0
        assert await limiter.take("key", slow) > 3590
        before = redis.cli("INFO", "commandstats")
        for _ in range(1_000):
            assert await limiter.take("key", slow) > 3590
        after = redis.cli("INFO", "commandstats")
        calls = [int(text.split("cmdstat_evalsha:calls=")[1].split(",")[0]) for text in (before, after)]
        assert calls[0] == calls[1]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_without_redis_each_process_counts_by_itself_and_says_so_once(
    redis: RedisServer, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Posts wait for a silent server once and briefly; limits hold in the process; they are shared again afterwards."""
    caplog.set_level(logging.INFO, "hubbub.limiters.redis")
    async with limiter_at(redis, within=WITHIN) as limiter:
        while await limiter.take("key", Limit(3, 3600)) > 0.0 or not counts_together(limiter):
            redis.cli("FLUSHALL")
        if how == "killed":
            redis.kill()
        else:
            redis.freeze()
        began = time.monotonic()
        waits = [await limiter.take("key", Limit(3, 3600)) for _ in range(300)]
        assert waits.count(0.0) == 3, "the process's own bucket was not asked"
        assert how == "killed" or not counts_together(limiter)
        assert time.monotonic() - began < 300 * WITHIN / 5, "posts waited for Redis more than once"
        if how == "killed":
            redis.start()
        else:
            redis.thaw()
        async with asyncio.timeout(30):
            while not counts_together(limiter):
                await limiter.take("other", Limit(1_000, 1))
                await asyncio.sleep(0.02)
    told = [record.getMessage() for record in caplog.records if record.name == "hubbub.limiters.redis"]
    assert [words.partition(" for now")[0] for words in told] == [
        "rate limits count each process by itself",
        "rate limits count all processes together again",
    ]
