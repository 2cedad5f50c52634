"""Redis killed, restarted from an old snapshot, frozen, and every subscription cut off."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.chaos.fleet.crowd import crowd_around
from tests.chaos.fleet.fleet import fleet_of
from tests.chaos.fleet.lengths import seconds

from hubbub.testing.redis_server import RedisServer

pytestmark = pytest.mark.slow


async def test_redis_killed_without_persistence(tmp_path: Path, redis: RedisServer) -> None:
    """Posts go on, viewers are served from the store, and the new log goes on where the store stands."""
    async with asyncio.timeout(180), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        redis.kill()
        await crowd.until_accepted(100)
        await crowd.until_level()
        await asyncio.to_thread(redis.start)
        await crowd.until_accepted(100)
        await crowd.settle("Redis killed, nothing kept", one_epoch=False)


async def test_redis_restarted_from_an_old_snapshot(tmp_path: Path, redis: RedisServer) -> None:
    """Offsets given out since the snapshot are not given out again for something else."""
    async with asyncio.timeout(180), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        await asyncio.to_thread(redis.cli, "SAVE")
        await crowd.until_accepted(100)
        redis.kill()
        await asyncio.to_thread(redis.start)
        await crowd.until_accepted(100)
        await crowd.settle("Redis restarted from an old snapshot", one_epoch=False)


async def test_redis_frozen(tmp_path: Path, redis: RedisServer) -> None:
    """Nobody's post waits for it longer than half a second, and what it missed comes once."""
    async with asyncio.timeout(180), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        redis.freeze()
        try:
            await asyncio.sleep(seconds(10, 6))
        finally:
            redis.thaw()
        await crowd.until_accepted(100)
        await crowd.settle("Redis frozen", one_epoch=False)  # gateways were served by the store meanwhile


async def test_every_subscription_cut_off(tmp_path: Path, redis: RedisServer) -> None:
    """Subscriptions are made again, and the position check finds what no later push would show."""
    async with asyncio.timeout(120), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        for _ in range(round(seconds(10, 3))):
            await asyncio.to_thread(redis.cli, "CLIENT", "KILL", "TYPE", "pubsub")
            await crowd.until_accepted(25)
        await crowd.settle("every subscription cut off", one_epoch=True)
