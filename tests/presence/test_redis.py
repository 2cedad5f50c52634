"""Counts of viewers over a real Redis."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hubbub.presence.base import FRESH
from hubbub.presence.redis import PRESENCE, RedisPresence
from hubbub.redis import connect_to
from hubbub.testing.presence_contract import Join, SharedPresenceContract, becomes
from hubbub.testing.redis_server import RedisCluster, RedisServer, redis_cluster

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def joining(redis: RedisServer | RedisCluster, prefix: str = "t") -> AsyncIterator[Join]:
    """Makes processes; all are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def join() -> RedisPresence:
            client = connect_to(redis.url, [PRESENCE])
            await client.open()
            stack.push_async_callback(client.close)
            presence = RedisPresence(client, prefix=prefix)
            await presence.open()
            stack.push_async_callback(presence.close)
            return presence

        yield join


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of its own for each test."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
async def join(redis: RedisServer) -> AsyncIterator[Join]:
    """How to become one more process."""
    async with joining(redis) as join:
        yield join


class TestContract(SharedPresenceContract):
    """Redis keeps the port's promises."""

    @pytest.fixture
    def join(self, join: Join) -> Join:
        """Over the real engine."""
        return join


async def test_on_a_cluster_counts_are_summed_too(tmp_path: Path) -> None:
    """Each process's counts are wherever their key is."""
    with redis_cluster(tmp_path) as cluster:
        async with joining(cluster) as join:
            first, second, onlooker = await join(), await join(), await join()
            first.report("v", 3)
            second.report("v", 4)
            for presence in (first, second, onlooker):
                await becomes(presence, "v", 7)


async def test_a_process_that_dies_is_forgotten(redis: RedisServer, join: Join) -> None:
    """Without a word of goodbye, within the promised time."""
    client = connect_to(redis.url, [PRESENCE])
    await client.open()
    dying, onlooker = RedisPresence(client, prefix="t"), await join()
    await dying.open()
    dying.report("v", 3)
    onlooker.report("v", 1)
    await becomes(onlooker, "v", 4)
    assert dying._task is not None
    dying._task.cancel()  # as `kill -9` would: nothing is taken back
    await becomes(onlooker, "v", 1)
    assert redis.cli("ZCARD", "t:{presence}") == "1"
    await client.close()


async def test_without_redis_only_what_is_known_here_counts(redis: RedisServer, join: Join) -> None:
    """Nobody waits for a Redis that is gone; what others had is not repeated for ever, and comes back with it."""
    first, second = await join(), await join()
    first.report("v", 3)
    second.report("v", 4)
    await becomes(first, "v", 7)
    redis.kill()
    await becomes(first, "v", 3)
    began = time.monotonic()
    assert [await first.watching(f"other{number}") for number in range(20)] == [0] * 20
    assert time.monotonic() - began < FRESH
    second.report("v", 5)
    redis.start()  # it has forgotten everything
    await becomes(first, "v", 8)
    await becomes(second, "v", 8)


async def test_a_process_carries_only_the_videos_that_are_watched_in_it(redis: RedisServer, join: Join) -> None:
    """Of ten thousand videos elsewhere, a process with one asks for one; what it keeps does not grow with them."""
    big, small = await join(), await join()
    for number in range(10_000):
        big.report(f"v{number}", 1)
    small.report("v0", 1)
    await becomes(small, "v0", 2)

    assert isinstance(small, RedisPresence)
    assert small._others == {"v0": 1}
