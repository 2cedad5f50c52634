"""A network that lets one process reach what the others reach."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.chaos.fleet.crowd import crowd_around
from tests.chaos.fleet.fleet import fleet_of
from tests.chaos.fleet.lengths import seconds

from hubbub.testing.redis_server import RedisServer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("role", ["gateway", "API process"])
async def test_one_that_cannot_reach_redis(tmp_path: Path, redis: RedisServer, role: str) -> None:
    """A gateway's viewers are served from the store meanwhile. What an API process accepts is published by another's
    sweeper, to viewers whose gateways see nothing amiss.
    """
    async with asyncio.timeout(180), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        [cut_off, *_] = fleet.gateways if role == "gateway" else fleet.apis
        cut_off.redis_link.cut()
        await asyncio.sleep(seconds(20, 8))
        await crowd.until_level()
        cut_off.redis_link.mend()
        await crowd.until_accepted(100)
        await crowd.settle(f"one {role} cut off from Redis", one_epoch=role != "gateway")


async def test_connections_to_redis_that_break_off(tmp_path: Path, redis: RedisServer) -> None:
    """Each member's in turn, again and again."""
    async with asyncio.timeout(120), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        for _ in range(round(seconds(10, 3))):
            for member in [*fleet.apis, *fleet.gateways]:
                member.redis_link.break_off()
                await crowd.until_accepted(10)
        await crowd.settle("connections to Redis broken off", one_epoch=True)
